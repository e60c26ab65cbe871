"""Claim: a training that is killed again and again ends with the weights of one never killed, and leaves nothing else.

Small trainings are killed with SIGKILL at random moments and go on with ``--resume``, until each has ended by itself. As many of
them run, one after the other, as it takes for all kills.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.processes import QUICK, Family, files_in
from benchmarks.report import Figure, cores, publish, section
from benchmarks.troubles import HEAD, SOON, Outcome, Place

TIMES = 20
SMALL = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16"]


def training(place: Place, times: int) -> tuple[Outcome, float]:
    """Kill trainings so often, while they run; the largest difference of a weight from one never killed."""
    outcome, data, home = Outcome("training killed"), place.work / "data", place.home("training")
    write_data(data)
    options = ["--data", str(data), *SMALL, "--seeds", "data", "--epochs", "12", "--patience", "12"]

    def started(out: str, *more: str) -> Family:
        command = [*QUICK, "train", *options, "--out", str(home / out), *more]
        return Family(command, home, {"XDG_CACHE_HOME": str(place.work / "cache")})

    whole = started("whole")
    began = time.monotonic()
    if whole.process.wait():
        raise SystemExit((whole.home / "log").read_text(errors="replace")[-2000:])
    lasts = time.monotonic() - began
    outs = ["killed-01"]
    while outcome.times < times:
        run = started(outs[-1], "--resume")
        place.moment(lasts)
        if run.process.poll() is not None:  # it has ended by itself
            outs.append(f"killed-{len(outs) + 1:02}")
            continue
        run.kill()
        began = time.monotonic()
        outcome.processes += run.gone(SOON)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        outcome.times += 1
    for out in outs:
        last = started(out, "--resume")
        if last.process.wait():
            outcome.unserved.append((last.home / "log").read_text(errors="replace")[-200:])
        outcome.files += sorted(set(names_in(home, out)) ^ set(names_in(home, "whole")))
    outcome.files += [path for path in files_in(home / "tmp") if not path.startswith("pymp-")]
    return outcome, max(difference(home / "whole", home / out) for out in outs)


def names_in(home: Path, out: str) -> Iterator[str]:
    """The files of a training and what is hidden beside them, under the names that they have in every training."""
    for path in files_in(home):
        if out in path.partition("/")[0]:
            yield path.replace(out, "OUT")


def difference(one: Path, other: Path) -> float:
    """The largest difference between the weights of two checkpoints."""
    from musiclstm.checkpoint import load_checkpoint

    pairs = zip(*(load_checkpoint(folder).network.get_weights() for folder in (one, other)), strict=True)
    return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


def write_data(folder: Path) -> None:
    """Write nine pieces of three composers, each long enough for a seed."""
    from musiclstm.formats import write_midi
    from musiclstm.music.notes import bar_lines, join, transpose
    from musiclstm.seeds import load_catalogue

    for composer, seed in zip(("Schumann", "Chopin", "Bach"), load_catalogue(), strict=False):
        (folder / composer).mkdir(parents=True)
        for number, name in enumerate(("air", "duo", "trio")):
            piece = transpose(seed.piece, number)
            write_midi(join(piece, piece, int(bar_lines(piece)[-1])), folder / composer / f"{name}.mid")


def main() -> None:
    """Kill, go on, compare, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=TIMES, help="how often trainings are killed")
    parser.add_argument("--random-seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as work:
        outcome, weights = training(Place(Path(work), options.random_seed), options.times)
    print(outcome.row(), *outcome.processes, *outcome.files, *outcome.unserved, sep="\n    ")
    figures = [
        Figure("processes that stayed", len(outcome.processes), most=0),
        Figure("files that stayed", len(outcome.files), most=0),
        Figure("trainings that did not go on", len(outcome.unserved), most=0),
        Figure("largest difference of a weight between a training killed so often and one never killed", weights, most=1e-6),
    ]
    claim = "\n".join([(__doc__ or "").splitlines()[0], "", *HEAD, outcome.row()])
    publish("Survival of training", section(claim, figures, threads=f"{cores()} cores", libraries=("keras", "tensorflow")))


if __name__ == "__main__":
    main()
