"""What the benchmarks of music share: the options that name checkpoint and pieces, and how they begin."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import cores, set_threads


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser for --data, --checkpoint and --work, to which a script adds its own options."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(
        "--data",
        action="append",
        metavar="DIR",
        help="what it was trained on, once or more; default: Bach's chorales",
    )
    made.add_argument("--checkpoint", type=Path, default=Path("checkpoints/classical-piano"), metavar="DIR")
    made.add_argument("--work", type=Path, default=Path("runs/quality"), metavar="DIR", help="keeps what takes long to make")
    return made


def begin(threads: int) -> None:
    """Give numpy ``threads`` threads and import TensorFlow; to be called before either is imported."""
    set_threads(threads)
    from musiclstm.quiet import import_tensorflow

    import_tensorflow()


def run(
    description: str | None,
    measure: Callable[[argparse.Namespace], None],
    *,
    passages: int = 0,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Parse the options of a script, prepare TensorFlow for all cores, and measure.

    ``passages`` is the default of --passages; ``more`` has further options and what argparse is to know of them.
    """
    asking = parser(description)
    for option, facts in (more or {}).items():
        asking.add_argument(option, **facts)
    if passages:
        asking.add_argument("--passages", type=int, default=passages)
    options = asking.parse_args()
    begin(cores())
    measure(options)
