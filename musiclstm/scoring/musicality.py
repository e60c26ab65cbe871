"""Features of a piece as a handful of numbers, and how far two collections of music agree in them.

The features are MusPy's (Dong, Chen, McAuley & Berg-Kirkpatrick 2020, "MusPy: A Toolkit for Symbolic Music Generation"), counted
as MusPy counts: its resolution is our ticks to the quarter, a beat is a quarter in every metre, a piece lasts until its last note
ends, and the beat or bar in which it ends counts in full: a note that ends on a bar line adds one more bar, an empty one.
A trap: MusPy's ``polyphony_rate(threshold=2)`` counts ticks with three or more pitches, not two; ``polyphony`` here is the mean.

Agreement is the overlapping area of Yang & Lerch (2020), "On the evaluation of generative models in music": the distances
among the pieces of one collection, and those from them to the pieces of another, each as a kernel density; the area under both.
It is 1 if the other pieces can't be told from more of the same. Both densities use one grid that extends beyond the largest
distance, so that a set overlaps itself completely; in mgeval, the authors' own program, it does not. A finite set never agrees
perfectly even with music of its kind, so the area is reported next to that of human music with itself, with equally many pieces
on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import OptionError
from musiclstm.music import TICKS_PER_QUARTER, Piece

#: The five features of the mean overlapping area, fixed so that results can be compared, and those reported in addition.
FEATURES = ("pitch_class_entropy", "scale_consistency", "polyphony", "empty_beat_rate", "groove_consistency")
EXTRAS = ("pitch_range", "notes_per_bar", "mean_duration", "mean_velocity")

GRID = 256  # points of the common grid
_RESAMPLED_HALVINGS = 10  # a tenth of the estimate's: enough for the spread
_BEYOND = 4.0  # bandwidths that the grid extends beyond the distances: a Gaussian is negligible there
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=bool)  # a natural minor scale has the pitches of a major one

Floats = NDArray[np.float64]


def features(piece: Piece) -> dict[str, float]:
    """FEATURES and EXTRAS of one piece in one metre; NaN where a feature is undefined, as without notes."""
    return {
        "pitch_class_entropy": pitch_class_entropy(piece),
        "scale_consistency": scale_consistency(piece),
        "polyphony": polyphony(piece),
        "empty_beat_rate": empty_beat_rate(piece),
        "groove_consistency": groove_consistency(piece),
        "pitch_range": float(np.ptp(piece.notes["pitch"])) if len(piece) else float("nan"),
        "notes_per_bar": len(piece) / _bars(piece) if len(piece) else float("nan"),
        "mean_duration": float(piece.notes["duration"].mean()) / TICKS_PER_QUARTER if len(piece) else float("nan"),
        "mean_velocity": float(piece.notes["velocity"].mean()) if len(piece) else float("nan"),
    }


def until(piece: Piece, end: int) -> Piece:
    """The piece with its notes ended before ``end``, the tick of its closing bar line: on the line they would add one more bar.

    This makes excerpts comparable: some ring into what follows, others are held to the line.
    """
    ended = piece.notes.copy()
    ended["duration"] = np.maximum(1, np.minimum(ended["duration"], end - 1 - ended["onset"]))
    return replace(piece, notes=ended)


def pitch_class_entropy(piece: Piece) -> float:
    """Entropy of the frequencies of the 12 pitch classes, in bits, 0 to log2(12) = 3.585."""
    if not len(piece):
        return float("nan")
    share = np.bincount(piece.notes["pitch"] % 12, minlength=12) / len(piece)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0


def scale_consistency(piece: Piece) -> float:
    """Share of notes within the major or natural minor scale that holds most of them, 7/12 by chance to 1."""
    if not len(piece):
        return float("nan")
    counts = np.bincount(piece.notes["pitch"] % 12, minlength=12)
    return max(float(counts[np.roll(_MAJOR, root)].sum()) for root in range(12)) / len(piece)


def polyphony(piece: Piece) -> float:
    """Mean number of pitches that sound, over the ticks in which any does."""
    roll = np.zeros((piece.end, 128), dtype=bool)
    for onset, pitch, duration, _ in piece.notes.tolist():
        roll[onset : onset + duration, pitch] = True
    sounding = roll.sum(axis=1)
    return float(sounding[sounding > 0].mean()) if sounding.any() else float("nan")


def empty_beat_rate(piece: Piece) -> float:
    """Share of quarters in which nothing sounds; a note that ends on a quarter still counts in it, as in MusPy."""
    if not len(piece):
        return float("nan")
    onset, end = piece.notes["onset"], piece.notes["onset"] + piece.notes["duration"]
    beats = piece.end // TICKS_PER_QUARTER + 1
    changes = np.bincount(onset // TICKS_PER_QUARTER, minlength=beats + 1)
    changes -= np.bincount(end // TICKS_PER_QUARTER + 1, minlength=beats + 1)
    return float((np.cumsum(changes)[:beats] == 0).mean())


def groove_consistency(piece: Piece) -> float:
    """1 minus the mean share of ticks at which neighbouring bars differ in having an onset; NaN for a single bar.

    Bars are those of the metre at the start. From Wu & Yang (2020), "The Jazz Transformer on the Front Line". With 24 ticks a
    quarter, most of them always empty, it is close to 1.
    """
    bar, bars = piece.metres[0].bar_ticks, _bars(piece)
    if bars < 2:
        return float("nan")
    struck = np.zeros((bars, bar), dtype=bool)
    struck[piece.notes["onset"] // bar, piece.notes["onset"] % bar] = True
    return 1.0 - float((struck[:-1] != struck[1:]).mean())


@dataclass(frozen=True)
class Overlap:
    """``areas`` [2, f]: overlapping areas of f features, generated with human music, then human with human: the ceiling.

    ``resampled`` [b, 2, f]: the same for bootstrap samples, centred on ``areas``.
    """

    areas: Floats
    resampled: Floats


def overlap(human: Floats, generated: Floats, weights: Floats, rng: np.random.Generator, *, halvings: int = 100) -> Overlap:
    """How far generated music overlaps human music, and how far human music overlaps itself, feature by feature.

    ``human`` [n, f] and ``generated`` [n, f]: row i is the human and the generated continuation of seed i. In each of
    ``halvings`` random halvings of the seeds into A and B, the distances among the human pieces of A are compared with those
    from them to the human pieces of B, which gives the ceiling, and with those from them to the generated pieces of B. Both
    sides have equally many pieces, and no two pieces compared continue the same seed. Areas are means over the halvings.

    ``weights`` [b, n] say how often each seed counts in each of b bootstrap samples, which use the first few halvings; a seed is
    never paired with itself. Fewer distinct pieces give smaller areas, so the samples are centred on the estimate: only their
    spread matters. Raises OptionError for fewer than 8 seeds.
    """
    count = len(human)
    if count < 8 or human.shape != generated.shape:
        raise OptionError(f"Overlapping areas need at least 8 pairs of pieces, not {count} and {len(generated)}.")
    halves = random_halves(count, halvings, rng)
    areas = halved_areas(human, generated, halves, np.ones(count))
    found = [halved_areas(human, generated, halves[:_RESAMPLED_HALVINGS], weight) for weight in weights]
    resampled = np.array([sample for sample in found if np.isfinite(sample).all()]).reshape(-1, *areas.shape)
    return Overlap(areas, resampled - resampled.sum(axis=0) / max(1, len(resampled)) + areas)


def random_halves(count: int, halvings: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of ``count`` seeds are in half A [halvings, count]: count // 2 of them, drawn independently each time."""
    return rng.permuted(np.tile(np.arange(count) < count // 2, (halvings, 1)), axis=1)


def halved_areas(human: Floats, generated: Floats, halves: NDArray[np.bool_], weights: Floats) -> Floats:
    """Areas [2, f] as in ``Overlap``, means over ``halves`` [r, n]; ``weights`` [n] say how often each seed occurs.

    A halving that leaves fewer than two seeds in A or none in B is left out; NaN if all are.
    """
    areas, used = np.zeros((2, human.shape[1])), 0
    for half in halves:
        a, b = np.flatnonzero(half & (weights > 0)), np.flatnonzero(~half & (weights > 0))
        if len(a) < 2 or not len(b):
            continue
        used += 1
        among, across = np.outer(weights[a], weights[a]), np.outer(weights[a], weights[b])
        np.fill_diagonal(among, 0.0)
        intra = _distances(human[a], human[a])
        for row, others in enumerate((generated[b], human[b])):
            areas[row] += _areas(intra, among.ravel(), _distances(human[a], others), across.ravel())
    return areas / used if used else np.full_like(areas, np.nan)


def overlapping_area(first: Floats, second: Floats) -> float:
    """The area, 0 to 1, under both Gaussian kernel densities of two sets of numbers.

    Both densities share one bandwidth, by Scott's rule: the standard deviation within the sets times n ** -0.2, where n is the
    mean of their sizes. With separate bandwidths, two sets of mostly zeros look different if one has more outliers, and human
    music with hardly an empty beat does not resemble itself; elsewhere the difference is under 0.01. Sets without spread are
    peaks of the grid's width: two equal constants overlap completely, different ones not at all. Raises OptionError for an
    empty set.
    """
    if not len(first) or not len(second):
        raise OptionError(f"An overlapping area needs numbers in both sets, not {len(first)} and {len(second)}.")
    return float(_areas(first[None], np.ones(len(first)), second[None], np.ones(len(second)))[0])


def _distances(some: Floats, others: Floats) -> Floats:
    """Distances [f, n * m] of every piece in one set from every piece in the other, for features [n, f] and [m, f]."""
    return np.abs(some.T[:, :, None] - others.T[:, None, :]).reshape(some.shape[1], -1)


def _areas(first: Floats, first_weights: Floats, second: Floats, second_weights: Floats) -> Floats:
    """``overlapping_area`` of f pairs of sets, [f, n] and [f, m] with weights [n] and [m]: how often each number occurs."""
    sets = ((first, first_weights), (second, second_weights))
    size = (first_weights.sum() + second_weights.sum()) / 2
    width = np.sqrt((_variances(*sets[0]) + _variances(*sets[1])) / 2) * size**-0.2
    low = np.minimum(first.min(axis=1), second.min(axis=1)) - _BEYOND * width
    high = np.maximum(first.max(axis=1), second.max(axis=1)) + _BEYOND * width
    step = (high - low) / (GRID - 1)
    alike = step <= 1e-15 * np.maximum(1.0, np.abs(high))
    step = np.where(alike, 1.0, step)
    one, other = (_densities(values, weights, width, low, step) for values, weights in sets)
    return np.where(alike, 1.0, np.minimum(one, other).sum(axis=1))


def _variances(values: Floats, weights: Floats) -> Floats:
    total = weights.sum()
    means = values @ weights / total
    return (values - means[:, None]) ** 2 @ weights / max(1.0, total - 1.0)


def _densities(values: Floats, weights: Floats, width: Floats, low: Floats, step: Floats) -> Floats:
    """Probabilities at the points of each set's grid [f, GRID], summing to 1.

    Each value is split between its two nearest points, and the counts are convolved with the Gaussian; on a grid this fine
    the result equals the sum of Gaussians (Wand 1994, "Fast computation of multivariate kernel estimators").
    """
    place = (values - low[:, None]) / step[:, None]
    left = np.minimum(place.astype(np.int64), GRID - 2)
    part = (place - left) * weights
    left += GRID * np.arange(len(values))[:, None]
    size = GRID * len(values)
    counts = np.bincount(left.ravel(), (weights - part).ravel(), size) + np.bincount(left.ravel() + 1, part.ravel(), size)
    spread = np.outer(np.maximum(width / step, 1.0), np.pi * np.fft.rfftfreq(2 * GRID))
    frequencies = np.fft.rfft(counts.reshape(-1, GRID), 2 * GRID) * np.exp(-2.0 * spread**2)
    smooth = np.maximum(np.fft.irfft(frequencies, 2 * GRID)[:, :GRID], 0.0)
    return smooth / smooth.sum(axis=1, keepdims=True)


def _bars(piece: Piece) -> int:
    """Number of bars in the opening metre as MusPy counts them, including the one in which the last note ends."""
    return piece.end // piece.metres[0].bar_ticks + 1
