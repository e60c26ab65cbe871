"""Figures of a passage: rhythm, length of notes, texture, register, harmony and voice leading in numbers.

A part is some whole bars of one length. All figures are finite numbers; what is undefined counts as 0. Touch is left to
``likeness``: typeset music has none, so that velocities mean something only beside those of the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from musiclstm.music import Notes
from musiclstm.scoring.short_arrays import (
    Floats,
    Ints,
    begins,
    cosines,
    counts_of,
    different,
    either,
    lengths,
    mean_of,
    moves,
    spread_of,
    within,
)

SLOTS = 96  # places of a bar at which an onset is told apart: every tick of a bar of 4/4, fewer in longer bars
MOST_LEAP = 24  # semitones: larger leaps count the same
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=float)
_SCALES = np.array([np.roll(_MAJOR, tonic) for tonic in range(12)])

Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class Part:
    """``bars`` bars of ``bar`` ticks each with beats of ``beat`` ticks, and at least one note.

    Of every note [n]: ``onset`` (ticks from the first bar line), ``pitch``, ``duration``, ``velocity`` and ``chord`` (the number
    of its onset).
    Of every onset [m]: ``times``, ``count`` (notes struck), ``low`` and ``top`` (pitches), ``measure`` (its bar) and ``place``
    (ticks from its bar line).
    """

    bars: int
    bar: int
    beat: int
    onset: Ints
    pitch: Ints
    duration: Ints
    velocity: Ints
    chord: Ints
    times: Ints
    count: Ints
    low: Ints
    top: Ints
    measure: Ints
    place: Ints

    @cached_property
    def grid(self) -> Floats:
        """1 where a bar has an onset, else 0 [bars, SLOTS]."""
        grid = np.zeros((self.bars, SLOTS))
        grid[self.measure, self.place * SLOTS // self.bar if self.bar > SLOTS else self.place] = 1.0
        return grid

    @cached_property
    def chroma(self) -> Floats:
        """Weight of the pitch classes of each bar [bars, 12]: their durations, a bar at most, and 6 ticks more for each note."""
        place = self.onset // self.bar * 12 + self.pitch % 12
        weights = np.minimum(self.duration, self.bar) + 6.0
        return np.bincount(place, weights, minlength=12 * self.bars).astype(float).reshape(self.bars, 12)

    @cached_property
    def density(self) -> Floats:
        """Notes struck in each eighth of each bar [bars, 8]."""
        place = self.onset // self.bar * 8 + self.onset % self.bar * 8 // self.bar
        return np.bincount(place, minlength=8 * self.bars).reshape(self.bars, 8).astype(float)

    @cached_property
    def grid_lengths(self) -> Floats:
        """The length of each row of ``grid`` [bars]."""
        return lengths(self.grid)

    @cached_property
    def chroma_lengths(self) -> Floats:
        """The length of each row of ``chroma`` [bars]."""
        return lengths(self.chroma)

    @cached_property
    def steps(self) -> Ints:
        """Ticks from each onset to the next [m - 1]."""
        return moves(self.times)

    @cached_property
    def waits(self) -> Ints:
        """Ticks from each onset to the next or to the end, 1 at least [m]."""
        return np.maximum(1, np.append(self.steps, self.bars * self.bar - self.times[-1]))

    @cached_property
    def struck(self) -> Ints:
        """One number for the place in the bar and the pitch of each note [n]."""
        return self.onset % self.bar * 128 + self.pitch


def part_of(notes: Notes, start: int, bars: int, bar: int, beat: int) -> Part | None:
    """The part of ``notes`` with onsets in the ``bars`` bars from tick ``start`` on; None without notes."""
    inside = notes[(notes["onset"] >= start) & (notes["onset"] < start + bars * bar)]
    if not len(inside):
        return None
    onset = inside["onset"].astype(np.int64) - start
    pitch = inside["pitch"].astype(np.int64)
    first = begins(onset)
    count = moves(np.append(first, len(onset)))
    times = onset[first]
    return Part(
        bars=bars,
        bar=bar,
        beat=beat,
        onset=onset,
        pitch=pitch,
        duration=inside["duration"].astype(np.int64),
        velocity=inside["velocity"].astype(np.int64),
        chord=np.repeat(np.arange(len(first)), count),
        times=times,
        count=count,
        low=pitch[first],
        top=pitch[first + count - 1],
        measure=times // bar,
        place=times % bar,
    )


def describe(part: Part) -> Figures:
    """The figures of one part."""
    return _rhythm(part) | _lengths(part) | _texture(part) | _register(part) | _chords(part) | _harmony(part) | _voices(part)


def _rhythm(part: Part) -> Figures:
    struck = np.bincount(part.measure, minlength=part.bars).astype(float)
    notes = np.bincount(part.onset // part.bar, minlength=part.bars).astype(float)
    steps = part.waits
    logs = np.log(steps)
    beats = max(1, part.bar // part.beat) * part.bars
    grid, sizes = part.grid, part.grid_lengths
    return {
        "bars without downbeat": 1 - different(part.measure[part.place == 0]) / part.bars,
        "beats without onset": 1 - int((part.place % part.beat == 0).sum()) / beats,
        "off the half beat": mean_of(part.place % max(1, part.beat // 2) != 0),
        "off the sixteenth": mean_of(part.place % 6 != 0),
        "places": float(np.log(different(part.place))),
        "entropy of places": _entropy(part.place),
        "onsets a bar": float(np.log(mean_of(struck) + 0.1)),
        "notes a bar": float(np.log(mean_of(notes) + 0.1)),
        "spread of onsets": spread_of(struck) / (mean_of(struck) + 0.1),
        "spread of notes": spread_of(notes) / (mean_of(notes) + 0.1),
        "empty bars": mean_of(struck == 0),
        "step": mean_of(logs),
        "spread of steps": spread_of(logs),
        "longest step": float(logs.max()),
        "entropy of steps": _entropy(steps),
        "same step again": mean_of(steps[1:] == steps[:-1]),
        "rhythm of the bar before": mean_of(cosines(grid[1:], grid[:-1], sizes[1:] * sizes[:-1])),
        "rhythm two bars before": mean_of(cosines(grid[2:], grid[:-2], sizes[2:] * sizes[:-2])),
        "kinds of bars": len({row.tobytes() for row in grid}) / part.bars,
    }


def _lengths(part: Part) -> Figures:
    held = np.minimum(part.duration / part.waits[part.chord], 4.0)
    first = begins(part.chord)
    uneven = np.maximum.reduceat(part.duration, first) != np.minimum.reduceat(part.duration, first)
    ends = np.minimum(part.onset + part.duration, part.bars * part.bar)
    sounding = np.concatenate(([0], np.maximum.accumulate(ends)))
    silent = np.maximum(0, np.append(part.onset, part.bars * part.bar) - sounding)
    logs = np.log(part.duration)
    return {
        "duration": mean_of(logs),
        "spread of durations": spread_of(logs),
        "entropy of durations": _entropy(part.duration),
        "legato": mean_of(np.log(held + 0.05)),
        "staccato": mean_of(held < 0.5),
        "held on": mean_of(held > 1.5),
        "uneven chords": mean_of(uneven[part.count > 1]),
        "notes sounding": float((ends - part.onset).sum()) / (part.bars * part.bar),
        "silence": float(silent.sum()) / (part.bars * part.bar),
    }


def _texture(part: Part) -> Figures:
    span = part.top - part.low
    return {
        "notes an onset": mean_of(part.count),
        "single notes": mean_of(part.count == 1),
        "three notes or more": mean_of(part.count >= 3),
        "five notes or more": mean_of(part.count >= 5),
        "spread of chord sizes": spread_of(part.count),
        "span": mean_of(span),
        "widest span": float(span.max()),
        "spans over two octaves": mean_of(span > 24),
    }


def _register(part: Part) -> Figures:
    return {
        "pitch": mean_of(part.pitch) / 12,
        "spread of pitches": spread_of(part.pitch) / 12,
        "upper line": mean_of(part.top) / 12,
        "lower line": mean_of(part.low) / 12,
        "highest": float(part.pitch.max()) / 12,
        "lowest": float(part.pitch.min()) / 12,
        "range": float(np.ptp(part.pitch)) / 12,
    }


def _chords(part: Part) -> Figures:
    """Intervals struck together, and semitones against what still sounds."""
    struck, clashing = [], np.zeros(len(part.times), dtype=bool)
    against = []
    for apart in range(1, min(9, len(part.pitch))):
        interval = (part.pitch[apart:] - part.pitch[:-apart]) % 12
        together = part.chord[apart:] == part.chord[:-apart]
        if apart < 5:
            struck.append(interval[together])
            clashing[part.chord[apart:][together & either(interval, 1, 11)]] = True
        still = ~together & (part.onset[:-apart] + part.duration[:-apart] > part.onset[apart:])
        against.append(interval[still])
    pairs = np.concatenate(struck or [part.pitch[:0]])
    return {
        "clashing chords": float(clashing.sum()) / max(1, int((part.count > 1).sum())),
        "seconds": mean_of(either(pairs, 2, 10)),
        "tritones": mean_of(pairs == 6),
        "octaves": mean_of(pairs == 0),
        "thirds": mean_of(either(pairs, 3, 4) | either(pairs, 8, 9)),
        "clashes with held notes": mean_of(either(np.concatenate(against or [part.pitch[:0]]), 1, 11)),
    }


def _harmony(part: Part) -> Figures:
    chroma, sizes = part.chroma, part.chroma_lengths
    near = cosines(chroma[1:], chroma[:-1], sizes[1:] * sizes[:-1])
    two = chroma.copy()
    two[:-1] += chroma[1:]
    whole = chroma.sum(axis=0)
    share = whole[whole > 0] / whole.sum()
    beat_bass = _lowest(part, part.times // part.beat)
    bar_bass = _lowest(part, part.measure)
    beat_motion, motion = moves(beat_bass), moves(bar_bass) % 12
    return {
        "harmony of the bar before": mean_of(near),
        "most changed harmony": float(near.min()) if len(near) else 0.0,
        "spread of changes of harmony": spread_of(near) if len(near) else 0.0,
        "pitch classes a bar": mean_of((chroma > 0).sum(axis=1)),
        "entropy of pitch classes": float(-(share * np.log2(share)).sum()),
        "in one scale": float((_SCALES @ whole).max() / whole.sum()),
        "in one scale for two bars": mean_of((_SCALES @ two.T).max(axis=0) / np.maximum(two.sum(axis=1), 1e-9)),
        "bass moves": mean_of(beat_motion != 0),
        "bass moves by a fifth": mean_of(either(beat_motion % 12, 5, 7)),
        "bass of bars moves": mean_of(motion != 0),
        "bass of bars moves by a fifth": mean_of(either(motion, 5, 7)),
        "basses of bars": different(bar_bass % 12) / len(bar_bass),
    }


def _voices(part: Part) -> Figures:
    upper, lower = moves(part.top), moves(part.low)
    two = (part.count[1:] > 1) & (part.count[:-1] > 1)
    parallel = two & (upper == lower) & (upper != 0) & either((part.top - part.low)[1:] % 12, 0, 7)
    both = {"parallel fifths and octaves": float(parallel.sum()) / max(1, int(two.sum()))}
    both["contrary motion"] = mean_of(np.sign(upper) * np.sign(lower) < 0)
    return both | _line("upper", part.top) | _line("bass", _lowest(part, part.times // part.beat))


def _line(name: str, pitches: Ints) -> Figures:
    motion = moves(pitches)
    size = np.abs(motion)
    turning = np.sign(motion[motion != 0])
    return {
        f"{name} interval": mean_of(np.minimum(size, MOST_LEAP)),
        f"{name} leaps over a fifth": mean_of(size > 7),
        f"{name} leaps over an octave": mean_of(size > 12),
        f"{name} repeats": mean_of(size == 0),
        f"{name} goes by step": mean_of((size > 0) & (size <= 2)),
        f"{name} goes by fourth or fifth": mean_of(either(size, 5, 7)),
        f"{name} turns": mean_of(turning[1:] != turning[:-1]),
        f"{name} entropy": _entropy(within(motion, MOST_LEAP)),
    }


def _lowest(part: Part, group: Ints) -> Ints:
    """The lowest pitch of each run of equal numbers in ``group`` [m]."""
    return np.minimum.reduceat(part.low, begins(group))


def _entropy(values: Ints) -> float:
    """Shannon entropy in bits."""
    if not len(values):
        return 0.0
    counts = counts_of(values, int(values.min()), int(values.max()))
    shares = counts[counts > 0] / len(values)
    return float(-(shares * np.log2(shares)).sum()) + 0.0
