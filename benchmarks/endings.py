"""Claim: continuations close with their last bar, and do not thin out into closing chords before it.

Each passage of the test pieces is continued twice with the same random seed: once to end with the last bar, as on the page, and
once open-ended. A close is a last onset whose lowest note is the tonic of the continuation's key. Both are compared with human
music: the same passages, which break off in the middle of a piece, and the last 16 bars of the test pieces. Thinning is the
share of the notes that come in the second half.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

BARS = 16


def measure(options: argparse.Namespace) -> None:
    """Continue, check the last onset and both halves, publish."""
    import numpy as np

    from benchmarks.heldout import opened
    from musiclstm.evaluation import continuations
    from musiclstm.generation import compose
    from musiclstm.music import bar_lines, cut

    loaded, held = opened(options)
    pieces = held.pieces("test")
    passages = continuations.held_out(pieces, np.random.default_rng(1), options.passages)
    written: dict[str, list[Any]] = {"closing": [], "open": []}
    for number, passage in enumerate(passages):
        for name, ending in (("closing", {"ending": None}), ("open", {})):
            written[name].append(compose(loaded, passage.request(random_seed=number, **ending)).takes[0].continuation)
    written["human, mid-piece"] = [passage.continuation for passage in passages]
    lines = [bar_lines(piece) for piece in pieces]
    written["human, last bars of a piece"] = [
        cut(piece, int(bars[-BARS - 1]), piece.end) for piece, bars in zip(pieces, lines, strict=True) if len(bars) > BARS
    ]
    figures = []
    for name, music in written.items():
        figures.append(Figure(f"{name}: ends on the tonic", float(np.mean([closes(piece) for piece in music]))))
    for name, music in written.items():
        figures.append(Figure(f"{name}: share of notes in the second half, median", float(np.median([late(p) for p in music]))))
        thin = float(np.mean([late(piece) < 0.25 for piece in music]))
        figures.append(Figure(f"{name}: second half holds less than a quarter of the notes", thin))
    notes = [f"{len(passages)} passages of the test pieces, {BARS} bars each; {len(pieces)} test pieces for the human last bars."]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    publish("Endings", section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries))


def closes(piece: Any) -> bool:
    """Whether the lowest note of the last onset is the tonic of the piece's key."""
    from musiclstm.music import estimate_key

    key = estimate_key(piece)[0]
    tonic = (7 * key.fifths + (9 if key.mode == "minor" else 0)) % 12
    last = piece.notes[piece.notes["onset"] == piece.notes["onset"].max()]
    return int(last["pitch"].min()) % 12 == tonic


def late(piece: Any) -> float:
    """The share of the notes that begin in the second half of the time from the first onset to the last."""
    onset = piece.notes["onset"]
    return float((onset > (int(onset[0]) + int(onset[-1])) / 2).mean())


if __name__ == "__main__":
    run(__doc__, measure, passages=100)
