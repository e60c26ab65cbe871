"""Where the beats lie in music that was played freely: from the times of its notes to the times of its beats.

Beats are chosen by dynamic programming as in Ellis (2007), "Beat tracking by dynamic programming", Journal of New Music Research
36(1): they fall where much is struck, and each lies about one period after the last. Which period, and which phase, is decided by
how well the beats explain all onsets: as in Temperley (2007), "Music and Probability", chapter 3, an onset is likelier on a beat
than between two, and between them likelier at halves, quarters or thirds than elsewhere; long, low and full chords mark beats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

PERIODS = (0.28, 1.4)  # seconds to the beat: 214 to 43 a minute
CHORD = 0.05  # seconds within which notes are meant to sound together
_FRAME = 0.01  # seconds
_SPREAD = 0.025  # seconds by which players miss a place
_STIFFNESS = 60.0  # the cost of a beat that is early or late, against that of missing notes
_PEAKS = 14
_RATIOS = (1.0, 0.5, 2.0, 3.0, 1 / 3, 1.5, 2 / 3)
_EXCERPT = 60.0  # seconds that decide the period
_USUAL, _WIDTH, _PRIOR = 0.5, 0.45, 0.5  # seconds to a beat, octaves (natural logarithm) around it, weight
_ACCENTS = 1.2  # the weight of long, low and full chords on beats
_STRAY = 0.15  # onsets a second that no place explains
#: How often something is struck at each place of a beat, in twelfths of it, in some usual textures.
_TEXTURES = (
    {0: 0.85, 6: 0.12},
    {0: 0.9, 6: 0.8, 3: 0.05, 9: 0.1},
    {0: 0.95, 6: 0.9, 3: 0.75, 9: 0.75},
    {0: 0.9, 6: 0.4, 3: 0.1, 9: 0.3},
    {0: 0.95, 4: 0.85, 8: 0.9},
    {0: 0.85, 4: 0.15, 8: 0.5},
    {0: 0.95, 2: 0.7, 4: 0.8, 6: 0.75, 8: 0.8, 10: 0.7},
    {0: 0.3, 6: 0.3},
    {0: 0.8, 6: 0.5, 3: 0.35, 9: 0.35},
    {0: 0.95, 6: 0.3},
    {0: 0.7, 4: 0.35, 8: 0.45},
    {0: 0.6, 6: 0.6, 3: 0.3, 9: 0.3},
)
_TOGETHER = 4  # beats that share a texture


@dataclass(frozen=True, eq=False)
class Strikes:
    """Notes struck together: ``times`` [n] in seconds, ascending; ``weights`` [n], how much each marks a beat; ``of`` [notes]."""

    times: Seconds
    weights: Seconds
    of: NDArray[np.int64]

    @property
    def accents(self) -> Seconds:
        """The weights as deviations from their mean, at most two standard deviations."""
        heights = np.log(self.weights)
        return np.clip((heights - heights.mean()) / (heights.std() + 1e-9), -2, 2)


def strikes(onsets: Seconds, durations: Seconds, pitches: NDArray[np.int64]) -> Strikes:
    """The chords of some notes, one or more; a chord spans 50 ms at most. Long and low notes weigh more."""
    order = np.argsort(onsets, kind="stable")
    of, first, chord = np.empty(len(onsets), dtype=np.int64), -np.inf, -1
    for note in order.tolist():
        if onsets[note] - first > CHORD:
            first, chord = onsets[note], chord + 1
        of[note] = chord
    weight = (0.4 + np.minimum(durations, 1.0)) * np.where(pitches < 55, 1.3, 1.0)
    return Strikes(np.bincount(of, onsets) / np.bincount(of), np.bincount(of, weight).astype(np.float64), of)


def beat_times(struck: Strikes, period: float | None = None) -> Seconds:
    """The times of the beats, ascending, from before the first strike to after the last; at least two.

    ``period``: seconds to the beat, about; None to find it. Its time grows in proportion to the length of the music.
    """
    times = struck.times - struck.times[0] + 2 * _FRAME
    if period is None and len(times) > 2:
        excerpt = times <= _EXCERPT
        found = [
            chosen
            for tau in _candidates(_strength(times[excerpt], struck.weights[excerpt]))
            if (chosen := _explained(times[excerpt], struck.weights[excerpt], struck.accents[excerpt], tau))
        ]
        period = float(np.median(np.diff(max(found, key=lambda one: one[0])[1]))) if found else None
    chosen = _explained(times, struck.weights, struck.accents, period or _USUAL)
    beats = chosen[1] if chosen else _extended(times[:1], period or _USUAL, times[0], times[-1])
    return np.asarray(beats + struck.times[0] - 2 * _FRAME)


def _strength(times: Seconds, weights: Seconds) -> Seconds:
    """How much is struck in each frame, in standard deviations."""
    reach = np.arange(-8, 9)
    centre = times / _FRAME
    frames = np.round(centre).astype(np.int64)[:, None] + reach
    height = np.sqrt(weights)[:, None] * np.exp(-0.5 * ((frames - centre[:, None]) * _FRAME / _SPREAD) ** 2)
    inside = frames >= 0
    found = np.bincount(frames[inside], height[inside], minlength=int(centre[-1]) + 60)
    return np.asarray(found / (found.std() or 1.0))


def _candidates(strength: Seconds) -> list[float]:
    """Periods at which the strength repeats itself, in seconds, and their simple multiples."""
    wave = strength - strength.mean()
    size = 2 * len(wave)
    alike = np.fft.irfft(np.abs(np.fft.rfft(wave, size)) ** 2)[: len(wave)]
    lags = np.exp(np.arange(float(np.log(PERIODS[0])), float(np.log(PERIODS[1])), 0.02))
    heights = np.interp(lags / _FRAME, np.arange(len(wave)), alike)
    inner = heights[1:-1]
    peaks = 1 + np.flatnonzero((inner >= heights[:-2]) & (inner >= heights[2:]))
    highest = lags[peaks[np.argsort(-heights[peaks])][:_PEAKS]]
    kept: list[float] = []
    for tau in sorted({float(lag * ratio) for lag in highest for ratio in _RATIOS}):
        if PERIODS[0] <= tau <= PERIODS[1] and (not kept or tau > 1.025 * kept[-1]):
            kept.append(tau)
    return kept


def _explained(times: Seconds, weights: Seconds, accents: Seconds, period: float) -> tuple[float, Seconds] | None:
    """The best beats of about this period, after their score; None if there is no path of three."""
    path = _path(_strength(times, weights), period / _FRAME) * _FRAME
    if len(path) < 3:
        return None
    first = _extended(path, period, times[0], times[-1])
    late = _extended(first[:-1] + np.diff(first) / 2, period, times[0], times[-1])
    return max(((_score(times, accents, beats), beats) for beats in (first, late)), key=lambda one: one[0])


def _path(strength: Seconds, period: float) -> Seconds:
    """Frames of beats about ``period`` frames apart with the greatest strength (Ellis 2007)."""
    lags = np.arange(max(1, round(0.6 * period)), round(1.6 * period) + 1)
    cost = _STIFFNESS * np.log(lags / period) ** 2
    best, before = strength.copy(), np.full(len(strength), -1)
    for start in range(int(lags[0]), len(strength), int(lags[0])):  # no frame of a block depends on another one of it
        block = np.arange(start, min(len(strength), start + int(lags[0])))
        earlier = block[:, None] - lags
        value = np.where(earlier >= 0, best[np.maximum(earlier, 0)], -np.inf) - cost
        choice = value.argmax(axis=1)
        rows = np.arange(len(block))
        gain = value[rows, choice]
        before[block] = np.where(gain > 0, earlier[rows, choice], -1)
        best[block] += np.maximum(gain, 0)
    last = max(0, len(strength) - int(lags[-1]))
    path = [last + int(best[last:].argmax())]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return np.array(path[::-1], dtype=np.float64)


def _extended(beats: Seconds, period: float, start: float, end: float) -> Seconds:
    """The beats, continued at their own pace to before ``start`` and after ``end``."""
    paces = np.diff(beats)
    early, late = (float(np.median(some)) if len(some) else period for some in (paces[:6], paces[-6:]))
    ahead = beats[0] - early * np.arange(max(0, int(np.ceil((beats[0] - start + CHORD) / early))), 0, -1)
    after = beats[-1] + late * np.arange(1, 2 + max(0, int(np.ceil((end + CHORD - beats[-1]) / late))))
    return np.concatenate([ahead, beats, after])


def _score(times: Seconds, accents: Seconds, beats: Seconds) -> float:
    """How well the beats explain what is struck: a log likelihood, with weights for accents and for a usual tempo."""
    paces = np.diff(beats)
    beat = np.clip(np.searchsorted(beats, times, side="right") - 1, 0, len(paces) - 1)
    late = times - beats[beat]
    rows = []
    for texture in _TEXTURES:
        rate = np.full(len(times), _STRAY)
        for place, often in [*texture.items(), (12, texture[0])]:
            rate += often * np.exp(-0.5 * ((late - place / 12 * paces[beat]) / _SPREAD) ** 2) / (_SPREAD * np.sqrt(2 * np.pi))
        rows.append(np.bincount(beat, np.log(rate), minlength=len(paces)) - sum(texture.values()) - _STRAY * paces)
    padded = np.pad(np.array(rows), ((0, 0), (0, -len(paces) % _TOGETHER)))
    groups = padded.reshape(len(_TEXTURES), -1, _TOGETHER).sum(axis=2)
    highest = groups.max(axis=0)
    whole = (highest + np.log(np.exp(groups - highest).mean(axis=0))).sum()
    near = np.exp(-0.5 * (np.minimum(late, paces[beat] - late) / (2 * _SPREAD)) ** 2)
    usual = -0.5 * (np.log(np.median(paces) / _USUAL) / _WIDTH) ** 2
    return float(whole + _ACCENTS * (accents * near).sum() + _PRIOR * usual * np.sqrt(len(times)))
