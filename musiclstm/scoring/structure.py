"""How similar bars are at a distance of one, two, four and eight bars, which shows phrases, sequences and returns.

Three views of a pair of bars, each 0 to 1. ``rhythm``: onsets in common over onsets in either (Jaccard). ``harmony``: cosine of
the counts of the 12 pitch classes, the chroma similarity of Wu & Yang (2023), "MuseMorphose". ``notes``: (onset, pitch) pairs in
common over those in either, the bar similarity of Yu et al. (2022), "Museformer", without its durations, since a phrase that
returns is often held differently. A silent bar has similarity 0 to a bar with notes; two silent bars are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import Piece, bar_lines

DISTANCES = (1, 2, 4, 8)
VIEWS = ("rhythm", "harmony", "notes")
SCORES = tuple(f"{view}_{distance}" for view in VIEWS for distance in DISTANCES)


@dataclass(frozen=True)
class Bar:
    """What is struck in one bar: ``onsets`` in ticks from its line, ``chroma`` [12] counts of each pitch class, ``notes``."""

    onsets: frozenset[int]
    chroma: NDArray[np.int64]
    notes: frozenset[tuple[int, int]]


def scores(piece: Piece, split: int = 0) -> dict[str, float]:
    """SCORES: for each distance, the mean similarity of the bars from tick ``split`` on to the bar that far before them.

    ``split`` is a bar line; the earlier bar may lie before it, in a seed. NaN where no two bars are that far apart.
    """
    found = bars(piece)
    first = int(np.searchsorted(bar_lines(piece), split))
    means: dict[str, float] = {}
    for distance in DISTANCES:
        pairs = [(found[later - distance], found[later]) for later in range(max(first, distance), len(found))]
        alike = [similarity(*pair) for pair in pairs if pair[0].notes or pair[1].notes]
        mean = np.mean(alike, axis=0).tolist() if alike else [float("nan")] * len(VIEWS)
        means |= {f"{view}_{distance}": value for view, value in zip(VIEWS, mean, strict=True)}
    return {name: means[name] for name in SCORES}


def bars(piece: Piece) -> list[Bar]:
    """Every bar from the first to the one with the last onset."""
    if not len(piece):
        return []
    lines = bar_lines(piece, int(piece.notes["onset"][-1]) + 1)
    edges = np.searchsorted(piece.notes["onset"], lines)
    found = []
    for line, left, right in zip(lines.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=False):
        onsets = (piece.notes["onset"][left:right] - line).tolist()
        pitches = piece.notes["pitch"][left:right]
        pairs = frozenset(zip(onsets, pitches.tolist(), strict=True))
        found.append(Bar(frozenset(onsets), np.bincount(pitches % 12, minlength=12), pairs))
    return found


def similarity(one: Bar, other: Bar) -> tuple[float, float, float]:
    """The three VIEWS of two bars, at least one of which has notes."""
    size = float(np.linalg.norm(one.chroma) * np.linalg.norm(other.chroma))
    cosine = float(one.chroma @ other.chroma) / size if size else 0.0
    return _jaccard(one.onsets, other.onsets), cosine, _jaccard(one.notes, other.notes)


def _jaccard(one: frozenset[Any], other: frozenset[Any]) -> float:
    return len(one & other) / len(one | other)
