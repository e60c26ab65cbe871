"""What makes a passage a good seed: measures between 0 and 1, a total, and reasons to refuse a passage.

This module knows nothing about files or networks; a network's bits per note are passed in as a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import TICKS_PER_QUARTER, Piece, bar_lines, cut, estimate_key

LEAST_NOTES, MOST_NOTES = 64, 200
LEAST_BARS, MOST_BARS = 4, 16
LEAST_PITCHES = 5  # fewer distinct pitches are an exercise or a drone

WEIGHTS = {"density": 0.2, "pitch_variety": 0.2, "rhythm_variety": 0.15, "repetition": 0.15, "tonal_clarity": 0.3}
LIKELIHOOD_WEIGHT = 0.25  # share of the total that depends on a network's bits per note, if known
EASY_BITS, HARD_BITS = 4.0, 10.0  # bits per note: full marks at or below the first, none at or above the second


@dataclass(frozen=True)
class CurationScore:
    """Measures of a passage, each 0..1 except ``bits_per_note`` (0 or more; None if not measured).

    ``density``: 1 for 2..8 notes a quarter, falling in proportion on both sides. ``pitch_variety``: entropy of the pitches over
    that of 24 equally frequent ones, at most 1. ``rhythm_variety``: entropy of the pairs (time since the previous onset, duration
    of the top note) against that of 8 equally frequent pairs, at most 1. ``repetition``: share of four-onset figures (rhythm and
    top notes) that occurred earlier in the passage: 1 is a loop. ``tonal_clarity``: correlation with the best of 24 key profiles,
    at least 0. ``total``: weighted mean by WEIGHTS, where repetition counts fully up to a half and then falls to nothing at 1;
    if the bits are known, they give a quarter of the total (1 up to 4 bits a note, 0 from 10).
    """

    density: float
    pitch_variety: float
    rhythm_variety: float
    repetition: float
    tonal_clarity: float
    bits_per_note: float | None
    total: float


def curation_score(piece: Piece, bits_per_note: float | None = None) -> CurationScore:
    """Measure a passage; ``bits_per_note`` comes from a network. A passage without notes has a total of 0."""
    if not len(piece):
        return CurationScore(0.0, 0.0, 0.0, 1.0, 0.0, bits_per_note, 0.0)
    parts = {
        "density": _density(piece),
        "pitch_variety": min(1.0, _entropy(piece.notes["pitch"]) / math.log2(24)),
        "rhythm_variety": _rhythm_variety(piece),
        "repetition": _repetition(piece),
        "tonal_clarity": max(0.0, estimate_key(piece)[1]),
    }
    worth = parts | {"repetition": min(1.0, 2.0 - 2.0 * parts["repetition"])}
    total = sum(WEIGHTS[name] * worth[name] for name in WEIGHTS)
    if bits_per_note is not None:
        ease = min(1.0, max(0.0, (HARD_BITS - bits_per_note) / (HARD_BITS - EASY_BITS)))
        total = (1.0 - LIKELIHOOD_WEIGHT) * total + LIKELIHOOD_WEIGHT * ease
    rounded = {name: round(value, 4) for name, value in parts.items()}
    return CurationScore(bits_per_note=bits_per_note, total=round(total, 4), **rounded)


def reject_reason(piece: Piece) -> str | None:
    """Why a passage can't be a curated seed, as a clause such as "it is silent"; None if it can."""
    notes = piece.notes
    if not len(notes):
        return "it is silent"
    if len(np.unique(notes["pitch"])) < LEAST_PITCHES or np.bincount(notes["pitch"]).max() > len(notes) / 2:
        return "it consists mostly of a single note or very few"
    if len(notes) < LEAST_NOTES:
        return f"it has {len(notes)} notes, fewer than {LEAST_NOTES}"
    lines = bar_lines(piece, int(notes["onset"][-1]) + 1)
    if (reason := _bar_fault(piece, lines)) is not None:
        return reason
    if longest_silence(piece) > int(np.diff(lines).max()):
        return "it is silent for more than a bar"
    return "it dies away like the end of a piece" if _dies_away(piece, lines) else None


def rejects(piece: Piece) -> bool:
    """Whether there is a reason to refuse the passage as a curated seed."""
    return reject_reason(piece) is not None


def longest_silence(piece: Piece) -> int:
    """Length in ticks of the longest silence between the start and the bar line after the last onset."""
    if not len(piece):
        return 0
    until = int(bar_lines(piece, int(piece.notes["onset"][-1]) + 1)[-1])
    onset = np.append(piece.notes["onset"], until)
    sounding = np.maximum.accumulate(np.append(0, piece.notes["onset"] + piece.notes["duration"]))
    return int(max(0, (onset - sounding).max()))


def candidate_passages(piece: Piece, most: int = 8) -> Iterator[tuple[int, int, Piece]]:
    """Passages that may serve as seeds: (first bar, last bar, passage), bars counted from 1, at most ``most`` a piece.

    A passage starts with the piece or after a breath (a bar line with no onset in the beat before it). It lasts 4, 8, 12 or
    16 bars, the shortest of these with 64 to 200 notes, and is followed by at least as many bars.
    """
    lines = bar_lines(piece)
    found = 0
    for first in _phrase_starts(piece, lines):
        for bars in range(LEAST_BARS, MOST_BARS + 1, 4):
            if first + 2 * bars > len(lines) - 1 or found >= most:
                break
            passage = cut(piece, int(lines[first]), int(lines[first + bars]))
            if LEAST_NOTES <= len(passage) <= MOST_NOTES:
                if not rejects(passage):
                    found += 1
                    yield first + 1, first + bars, passage
                break


def _phrase_starts(piece: Piece, lines: NDArray[np.int64]) -> Iterator[int]:
    """Indexes of bar lines at which a phrase seems to start: the first bar with music, then each with an onset after a breath."""
    onset = np.unique(piece.notes["onset"])
    if not len(onset):
        return
    first = int(np.searchsorted(lines, onset[0], side="right")) - 1
    yield first
    for bar in range(first + 1, len(lines) - 1):
        line = int(lines[bar])
        breath = piece.metre_at(line - 1).beat_ticks
        before = onset[np.searchsorted(onset, line) - 1]
        if line - before > breath and line in onset:
            yield bar


def _density(piece: Piece) -> float:
    until = int(bar_lines(piece, int(piece.notes["onset"][-1]) + 1)[-1])
    per_quarter = len(piece) * TICKS_PER_QUARTER / until
    return min(1.0, per_quarter / 2.0, 8.0 / per_quarter)


def _rhythm_variety(piece: Piece) -> float:
    onset, first = np.unique(piece.notes["onset"], return_index=True)
    steps = np.diff(onset, prepend=onset[:1])
    durations = piece.notes["duration"][np.append(first[1:], len(piece)) - 1]
    return min(1.0, _entropy(steps * 10_000 + np.minimum(durations, 9_999)) / 3.0)


def _repetition(piece: Piece) -> float:
    """Share of the four-onset figures (steps and top notes) that occurred before."""
    onset, first = np.unique(piece.notes["onset"], return_index=True)
    tops = piece.notes["pitch"][np.append(first[1:], len(piece)) - 1]
    rows = list(zip(np.diff(onset).tolist(), tops[1:].tolist(), strict=True))
    figures = [tuple(rows[i : i + 4]) for i in range(len(rows) - 3)]
    return 1.0 - len(set(figures)) / len(figures) if figures else 1.0


def _entropy(values: NDArray[np.integer]) -> float:
    """Shannon entropy of the values' frequencies, in bits."""
    share = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(share * np.log2(share)).sum())


def _bar_fault(piece: Piece, lines: NDArray[np.int64]) -> str | None:
    """What is wrong with the bars of a passage, if anything."""
    lengths = [piece.metre_at(int(line)).bar_ticks for line in lines[:-1]]
    if any(length != span for length, span in zip(lengths, np.diff(lines).tolist(), strict=True)):
        return "a bar in it is cut short"
    if piece.notes["onset"][0] >= lines[1]:
        return "its first bar is empty"
    if piece.end < lines[-1] - lengths[-1] // 2:
        return "it stops in the middle of its last bar"
    return None


def _dies_away(piece: Piece, lines: NDArray[np.int64]) -> bool:
    """Whether the last bar has a single held onset, or the last quarter of the bars has under a third of the usual onsets."""
    onset = np.unique(piece.notes["onset"])
    per_bar = np.histogram(onset, bins=lines)[0]
    if len(per_bar) < 2:
        return False
    last_quarter = per_bar[-max(1, len(per_bar) // 4) :].mean()
    earlier = per_bar[: -max(1, len(per_bar) // 4)].mean()
    held = per_bar[-1] == 1 and earlier > 2
    return bool(held or last_quarter < earlier / 3)
