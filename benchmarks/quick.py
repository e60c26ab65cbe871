"""The program whose decoders are compiled in a third of the time: without XLA, which would take longer than it saves.

``python benchmarks/quick.py app`` and so on. The process of a page that computes imports this file too.
"""

from __future__ import annotations

import sys

from musiclstm import checkpoint
from musiclstm.cli import main
from musiclstm.model import graph_process
from musiclstm.quiet import import_tensorflow


def _here(*facts: object) -> object:
    import_tensorflow()
    from musiclstm.model import Graph

    return Graph(*facts[:3], jit_compile=False)  # type: ignore[arg-type]


def _apart() -> None:
    import_tensorflow()
    from musiclstm.model import Graph

    assert Graph.__init__.__kwdefaults__ is not None
    Graph.__init__.__kwdefaults__["jit_compile"] = False


graph_process.import_tensorflow = _apart  # type: ignore[attr-defined]
checkpoint._graph = _here  # type: ignore[assignment]

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
