"""What music is like, in a handful of numbers a piece, and how far two collections of music agree in them.

The numbers are MusPy's (Dong, Chen, McAuley & Berg-Kirkpatrick 2020, "MusPy: A Toolkit for Symbolic Music Generation"), counted
as MusPy counts: its resolution is our ticks to the quarter, a beat is a quarter in every metre, a piece lasts until its last note
ends, and the beat or bar in which it ends is counted whole: a note that ends on a bar line adds one more bar, an empty one.
Its trap: ``polyphony_rate(threshold=2)`` counts ticks with three or more pitches, not two; here is ``polyphony``, the mean.

Agreement is the overlapping area of Yang & Lerch (2020), "On the evaluation of generative models in music": the distances
among pieces of one collection and those from it to the pieces of another, each as a kernel density; the area under both.
It is 1 where the other pieces can't be told from more of the same. The densities stand on one common grid that
reaches beyond the last distance, so that a set overlaps itself wholly, which in the authors' own program, mgeval, it does not.
Since a finite set never agrees perfectly even with its like, the area is given beside the one that people reach among
themselves, with equally many pieces on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import OptionError
from musiclstm.music import TICKS_PER_QUARTER, Piece

#: The five of the mean overlapping area, fixed so that figures can be compared; and others that stand beside it.
FEATURES = ("pitch_class_entropy", "scale_consistency", "polyphony", "empty_beat_rate", "groove_consistency")
EXTRAS = ("pitch_range", "notes_per_bar", "mean_duration", "mean_velocity")

GRID = 256  # points of the common grid
_RESAMPLED_HALVINGS = 10  # ten times fewer than the estimate's own: for the spread it is enough
_BEYOND = 4.0  # bandwidths that the grid reaches beyond the distances: a Gaussian has nothing left there
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=bool)  # a natural minor scale has the pitches of a major one

Floats = NDArray[np.float64]


def features(piece: Piece) -> dict[str, float]:
    """FEATURES and EXTRAS of one piece in one metre; NaN where a feature is not defined, as without notes."""
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
    """The piece with no note sounding on the bar line at tick ``end`` that closes it: there it would count as one more bar.

    For a fair comparison of parts of music: some ring into what follows, others were held to the line.
    """
    ended = piece.notes.copy()
    ended["duration"] = np.maximum(1, np.minimum(ended["duration"], end - 1 - ended["onset"]))
    return replace(piece, notes=ended)


def pitch_class_entropy(piece: Piece) -> float:
    """Entropy in bits of how often each of the 12 pitch classes is struck, 0 to log2(12) = 3.585."""
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
    """Mean number of different pitches that sound, over the ticks in which any does."""
    roll = np.zeros((piece.end, 128), dtype=bool)
    for onset, pitch, duration, _ in piece.notes.tolist():
        roll[onset : onset + duration, pitch] = True
    sounding = roll.sum(axis=1)
    return float(sounding[sounding > 0].mean()) if sounding.any() else float("nan")


def empty_beat_rate(piece: Piece) -> float:
    """Share of quarters in which nothing sounds; a note that ends on a quarter still counts in it, as it does in MusPy."""
    if not len(piece):
        return float("nan")
    onset, end = piece.notes["onset"], piece.notes["onset"] + piece.notes["duration"]
    beats = piece.end // TICKS_PER_QUARTER + 1
    changes = np.bincount(onset // TICKS_PER_QUARTER, minlength=beats + 1)
    changes -= np.bincount(end // TICKS_PER_QUARTER + 1, minlength=beats + 1)
    return float((np.cumsum(changes)[:beats] == 0).mean())


def groove_consistency(piece: Piece) -> float:
    """1 - the mean share of ticks in which neighbouring bars differ in whether something is struck; NaN for a single bar.

    Bars are those of the metre at the start. From Wu & Yang (2020), "The Jazz Transformer on the Front Line". On 24 ticks a
    quarter, most of them always empty, it lies near 1.
    """
    bar, bars = piece.metres[0].bar_ticks, _bars(piece)
    if bars < 2:
        return float("nan")
    struck = np.zeros((bars, bar), dtype=bool)
    struck[piece.notes["onset"] // bar, piece.notes["onset"] % bar] = True
    return 1.0 - float((struck[:-1] != struck[1:]).mean())


@dataclass(frozen=True)
class Overlap:
    """``areas`` [2, f]: overlapping areas of f features, generated music with people's, then people's with people's: the ceiling.

    ``resampled`` [b, 2, f] are the same of b bootstrap samples, centred on ``areas``.
    """

    areas: Floats
    resampled: Floats


def overlap(people: Floats, generated: Floats, rng: np.random.Generator, *, halvings: int = 100, resamples: int = 200) -> Overlap:
    """How far generated music overlaps people's, beside how far people's overlaps itself, feature by feature.

    ``people`` [n, f] and ``generated`` [n, f]: row i is the true and the generated continuation of seed i. In each of
    ``halvings`` random halvings of the seeds into A and B, the distances among people's pieces of A are compared with those from
    them to people's of B, which gives the ceiling, and with those from them to the generated ones of B. Both sides have
    equally many pieces, and none continues the same seed as a piece it is compared with. Areas are means over the halvings.

    The bootstrap draws seeds with replacement and keeps the first few halvings; a seed is never paired with itself. Fewer
    different pieces give smaller areas, so the samples are moved onto the estimate: their spread is what counts.
    Raises OptionError for fewer than 8 seeds.
    """
    count = len(people)
    if count < 8 or people.shape != generated.shape:
        raise OptionError(f"Overlapping areas need at least 8 pairs of pieces, not {count} and {len(generated)}.")
    halves = random_halves(count, halvings, rng)
    areas = halved_areas(people, generated, halves, np.ones(count))
    draws = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples)
    resampled = np.array([halved_areas(people, generated, halves[:_RESAMPLED_HALVINGS], draw.astype(float)) for draw in draws])
    return Overlap(areas, resampled - resampled.mean(axis=0) + areas)


def random_halves(count: int, halvings: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which of ``count`` seeds are in half A [halvings, count]: count // 2 of them, drawn anew each time."""
    return rng.permuted(np.tile(np.arange(count) < count // 2, (halvings, 1)), axis=1)


def halved_areas(people: Floats, generated: Floats, halves: NDArray[np.bool_], weights: Floats) -> Floats:
    """Areas [2, f] as in ``Overlap``, means over ``halves`` [r, n]; ``weights`` [n] tell how often each seed is there.

    A halving that leaves fewer than two seeds in A or none in B is left out.
    """
    areas, used = np.zeros((2, people.shape[1])), 0
    for half in halves:
        a, b = np.flatnonzero(half & (weights > 0)), np.flatnonzero(~half & (weights > 0))
        if len(a) < 2 or not len(b):
            continue
        used += 1
        among, across = np.outer(weights[a], weights[a]), np.outer(weights[a], weights[b])
        np.fill_diagonal(among, 0.0)
        intra = _distances(people[a], people[a])
        for row, others in enumerate((generated[b], people[b])):
            areas[row] += _areas(intra, among.ravel(), _distances(people[a], others), across.ravel())
    return areas / max(1, used)


def overlapping_area(first: Floats, second: Floats) -> float:
    """The area, 0 to 1, under both Gaussian kernel densities of two sets of numbers.

    Both densities have one bandwidth, by Scott's rule: the standard deviation within the sets times n ** -0.2, n being the mean
    of their sizes. With a bandwidth each, two sets that are mostly zeros look unlike because one has more outliers, and people
    who leave hardly a beat empty do not resemble each other; elsewhere it makes a difference of under 0.01. Sets without
    spread are peaks of the grid's width: two equal constants overlap wholly, different ones not at all. Raises
    OptionError for an empty set.
    """
    if not len(first) or not len(second):
        raise OptionError(f"An overlapping area needs numbers in either set, not {len(first)} and {len(second)}.")
    return float(_areas(first[None], np.ones(len(first)), second[None], np.ones(len(second)))[0])


def _distances(some: Floats, others: Floats) -> Floats:
    """[f, n * m] for features [n, f] and [m, f]: of every piece from every other, feature by feature."""
    return np.abs(some.T[:, :, None] - others.T[:, None, :]).reshape(some.shape[1], -1)


def _areas(first: Floats, first_weights: Floats, second: Floats, second_weights: Floats) -> Floats:
    """``overlapping_area`` of f pairs of sets, [f, n] and [f, m] with weights [n] and [m]: how often each number is there."""
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

    Each value is shared between its two neighbouring points, and the counts are convolved with the Gaussian; on so fine a
    grid this equals the sum of Gaussians (Wand 1994, "Fast computation of multivariate kernel estimators").
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
    """Bars of the metre at the start, as MusPy counts them: with the one in which the last note ends."""
    return piece.end // piece.metres[0].bar_ticks + 1
