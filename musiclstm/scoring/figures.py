"""Figures of passages: rhythm, length of notes, texture, register, harmony and voice leading in numbers.

A part is some whole bars of one length. All figures are finite numbers; what is undefined counts as 0. Touch is left to
``likeness``: typeset music has none, so that velocities mean something only beside those of the seed. The candidates for a phrase
are described together, since their notes are few and each call of NumPy costs more than they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from musiclstm.music import Metre, Notes
from musiclstm.scoring.groups import Floats, Groups, Ints, begins, cosines, either, information, lengths, mean_row, within

SLOTS = 96  # places of a bar at which an onset is told apart: every tick of a bar of 4/4, fewer in longer bars
MOST_LEAP = 24  # semitones: larger leaps count the same
_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], dtype=float)
_SCALES = np.array([np.roll(_MAJOR, tonic) for tonic in range(12)])

#: The value of each figure for each of k parts [k].
Figures = dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Parts:
    """k parts of ``bars`` bars of ``bar`` ticks each with beats of ``beat`` ticks. Each part has one note at least.

    Of every note [n], part after part: ``onset`` (ticks from the first bar line of its part), ``pitch``, ``duration``,
    ``velocity`` and ``chord`` (the number of its onset, among those of all parts); ``notes`` says to which part it belongs.
    Of every onset [m]: ``times``, ``first`` (its first note), ``count`` (notes struck), ``low`` and ``top`` (pitches),
    ``measure`` (its bar) and ``place`` (ticks from its bar line); ``onsets`` says to which part it belongs.
    """

    bars: int
    bar: int
    beat: int
    notes: Groups
    onset: Ints
    pitch: Ints
    duration: Ints
    velocity: Ints
    chord: Ints
    onsets: Groups
    times: Ints
    first: Ints
    count: Ints
    low: Ints
    top: Ints
    measure: Ints
    place: Ints

    @property
    def k(self) -> int:
        """How many parts there are."""
        return self.notes.k

    @cached_property
    def grid(self) -> Floats:
        """1 where a bar has an onset, else 0 [k, bars, SLOTS]."""
        grid = np.zeros((self.k, self.bars, SLOTS))
        grid[self.onsets.number, self.measure, self.place * SLOTS // self.bar if self.bar > SLOTS else self.place] = 1.0
        return grid

    @cached_property
    def chroma(self) -> Floats:
        """Weight of the pitch classes of each bar [k, bars, 12]: their durations, a bar at most, and 6 ticks more each."""
        weights = np.minimum(self.duration, self.bar) + 6.0
        place = self._bar_of_notes * 12 + self.pitch % 12
        found = np.bincount(place, weights, minlength=self.k * self.bars * 12).astype(float, copy=False)
        return found.reshape(self.k, self.bars, 12)

    @cached_property
    def density(self) -> Floats:
        """Notes struck in each eighth of each bar [k, bars, 8]."""
        place = self._bar_of_notes * 8 + self.onset % self.bar * 8 // self.bar
        return np.bincount(place, minlength=self.k * self.bars * 8).reshape(self.k, self.bars, 8).astype(float)

    @cached_property
    def notes_of_bars(self) -> Floats:
        """Notes struck in each bar [k, bars]."""
        return self.density.sum(axis=2)

    @cached_property
    def onsets_of_bars(self) -> Floats:
        """Onsets in each bar [k, bars]."""
        place = self.onsets.number * self.bars + self.measure
        return np.bincount(place, minlength=self.k * self.bars).reshape(self.k, self.bars).astype(float)

    @cached_property
    def _bar_of_notes(self) -> Ints:
        """The number of each note's bar among those of all parts [n]."""
        return self.notes.number * self.bars + self.onset // self.bar

    @cached_property
    def grid_lengths(self) -> Floats:
        """The length of each row of ``grid`` [k, bars]."""
        return lengths(self.grid)

    @cached_property
    def chroma_lengths(self) -> Floats:
        """The length of each row of ``chroma`` [k, bars]."""
        return lengths(self.chroma)

    @cached_property
    def steps(self) -> Ints:
        """Ticks from each onset to the next one of its part [m - k]."""
        return self.onsets.moves(self.times)

    @cached_property
    def waits(self) -> Ints:
        """Ticks from each onset to the next one of its part or to the end, 1 at least [m]."""
        until = np.append(self.times[1:], 0)
        until[self.onsets.last] = self.bars * self.bar
        return np.maximum(1, until - self.times)

    @cached_property
    def struck(self) -> Ints:
        """One number for the place in the bar and the pitch of each note [n]."""
        return self.onset % self.bar * 128 + self.pitch


def passage(notes: Notes, start: int, ticks: int) -> Notes:
    """The notes with onsets in so many ticks from tick ``start`` on, which becomes tick 0."""
    inside = notes[(notes["onset"] >= start) & (notes["onset"] < start + ticks)]
    inside["onset"] -= start
    return inside


def parts_of(passages: Sequence[Notes], bars: int, metre: Metre) -> Parts:
    """The notes of each passage as a part: one note at least, with onsets from tick 0 to the end of its ``bars`` bars."""
    bar = metre.bar_ticks
    owner = np.repeat(np.arange(len(passages)), [len(notes) for notes in passages])
    onset, pitch, duration, velocity = (
        np.concatenate([notes[name] for notes in passages]).astype(np.int64)
        for name in ("onset", "pitch", "duration", "velocity")
    )
    first = begins(owner * (bars * bar) + onset)
    count = np.append(first[1:], len(onset)) - first
    times = onset[first]
    return Parts(
        bars=bars,
        bar=bar,
        beat=metre.beat_ticks,
        notes=Groups(owner, len(passages)),
        onset=onset,
        pitch=pitch,
        duration=duration,
        velocity=velocity,
        chord=np.repeat(np.arange(len(first)), count),
        onsets=Groups(owner[first], len(passages)),
        times=times,
        first=first,
        count=count,
        low=pitch[first],
        top=pitch[first + count - 1],
        measure=times // bar,
        place=times % bar,
    )


def describe(parts: Parts) -> Figures:
    """The figures of each part alone."""
    return (
        _rhythm(parts) | _lengths(parts) | _texture(parts) | _register(parts) | _chords(parts) | _harmony(parts) | _voices(parts)
    )


def _rhythm(parts: Parts) -> Figures:
    onsets, struck, notes = parts.onsets, parts.onsets_of_bars, parts.notes_of_bars
    logs = np.log(parts.waits)
    beats = max(1, parts.bar // parts.beat) * parts.bars
    grid, sizes = parts.grid, parts.grid_lengths
    return {
        "bars without downbeat": 1 - onsets.sum(parts.place == 0) / parts.bars,
        "beats without onset": 1 - onsets.sum(parts.place % parts.beat == 0) / beats,
        "off the half beat": onsets.mean(parts.place % max(1, parts.beat // 2) != 0),
        "off the sixteenth": onsets.mean(parts.place % 6 != 0),
        "places": np.log(onsets.different(parts.place)),
        "entropy of places": onsets.entropy(parts.place),
        "onsets a bar": np.log(mean_row(struck) + 0.1),
        "notes a bar": np.log(mean_row(notes) + 0.1),
        "spread of onsets": struck.std(axis=1) / (mean_row(struck) + 0.1),
        "spread of notes": notes.std(axis=1) / (mean_row(notes) + 0.1),
        "empty bars": mean_row(struck == 0),
        "step": onsets.mean(logs),
        "spread of steps": onsets.spread(logs),
        "longest step": onsets.largest(logs),
        "entropy of steps": onsets.entropy(parts.waits),
        "same step again": onsets.pairs.mean(onsets.moves(parts.waits) == 0),
        "rhythm of the bar before": mean_row(cosines(grid[:, 1:], grid[:, :-1], sizes[:, 1:] * sizes[:, :-1])),
        "rhythm two bars before": mean_row(cosines(grid[:, 2:], grid[:, :-2], sizes[:, 2:] * sizes[:, :-2])),
        "kinds of bars": np.array([len({row.tobytes() for row in rows}) for rows in grid]) / parts.bars,
    }


def _lengths(parts: Parts) -> Figures:
    notes, onsets, all_ticks = parts.notes, parts.onsets, parts.bars * parts.bar
    held = np.minimum(parts.duration / parts.waits[parts.chord], 4.0)
    uneven = np.maximum.reduceat(parts.duration, parts.first) != np.minimum.reduceat(parts.duration, parts.first)
    chords = parts.count > 1
    # One part after the other on one time line, so that a running maximum says until when the music sounds.
    start = notes.number * all_ticks
    ends = start + np.minimum(parts.onset + parts.duration, all_ticks)
    sounding = np.maximum.accumulate(ends)
    silent = start + parts.onset - np.maximum(start, np.append(0, sounding[:-1]))
    rest = (np.arange(parts.k) + 1) * all_ticks - sounding[notes.last]
    logs = np.log(parts.duration)
    return {
        "duration": notes.mean(logs),
        "spread of durations": notes.spread(logs),
        "entropy of durations": notes.entropy(parts.duration),
        "legato": notes.mean(np.log(held + 0.05)),
        "staccato": notes.mean(held < 0.5),
        "held on": notes.mean(held > 1.5),
        "uneven chords": onsets.those(chords).mean(uneven[chords]),
        "notes sounding": notes.sum(ends - start - parts.onset) / all_ticks,
        "silence": (notes.sum(np.maximum(0, silent)) + rest) / all_ticks,
    }


def _texture(parts: Parts) -> Figures:
    onsets, span = parts.onsets, parts.top - parts.low
    return {
        "notes an onset": onsets.mean(parts.count),
        "single notes": onsets.mean(parts.count == 1),
        "three notes or more": onsets.mean(parts.count >= 3),
        "five notes or more": onsets.mean(parts.count >= 5),
        "spread of chord sizes": onsets.spread(parts.count),
        "span": onsets.mean(span),
        "widest span": onsets.largest(span).astype(float),
        "spans over two octaves": onsets.mean(span > 24),
    }


def _register(parts: Parts) -> Figures:
    notes, onsets = parts.notes, parts.onsets
    highest, lowest = notes.largest(parts.pitch), notes.smallest(parts.pitch)
    return {
        "pitch": notes.mean(parts.pitch) / 12,
        "spread of pitches": notes.spread(parts.pitch) / 12,
        "upper line": onsets.mean(parts.top) / 12,
        "lower line": onsets.mean(parts.low) / 12,
        "highest": highest / 12,
        "lowest": lowest / 12,
        "range": (highest - lowest) / 12,
    }


def _chords(parts: Parts) -> Figures:
    """Intervals struck together, and semitones against what still sounds."""
    pitch, chord, owner = parts.pitch, parts.chord, parts.notes.number
    ends, clashing = parts.onset + parts.duration, np.zeros(len(parts.times), dtype=bool)
    struck, against = [(owner[:0], pitch[:0])], [(owner[:0], pitch[:0])]
    for apart in range(1, min(9, len(pitch))):
        interval, number = (pitch[apart:] - pitch[:-apart]) % 12, owner[apart:]
        together = chord[apart:] == chord[:-apart]
        if apart < 5:
            struck.append((number[together], interval[together]))
            clashing[chord[apart:][together & either(interval, 1, 11)]] = True
        still = ~together & (number == owner[:-apart]) & (ends[:-apart] > parts.onset[apart:])
        against.append((number[still], interval[still]))
    # Not in the order of the parts, which means do not need.
    (pairs, intervals), (held, others) = (
        (Groups(np.concatenate(numbers), parts.k), np.concatenate(found))
        for numbers, found in (zip(*each, strict=True) for each in (struck, against))
    )
    return {
        "clashing chords": parts.onsets.sum(clashing) / np.maximum(1, parts.onsets.sum(parts.count > 1)),
        "seconds": pairs.mean(either(intervals, 2, 10)),
        "tritones": pairs.mean(intervals == 6),
        "octaves": pairs.mean(intervals == 0),
        "thirds": pairs.mean(either(intervals, 3, 4) | either(intervals, 8, 9)),
        "clashes with held notes": held.mean(either(others, 1, 11)),
    }


def _harmony(parts: Parts) -> Figures:
    chroma, sizes = parts.chroma, parts.chroma_lengths
    near = cosines(chroma[:, 1:], chroma[:, :-1], sizes[:, 1:] * sizes[:, :-1])
    two = chroma.copy()
    two[:, :-1] += chroma[:, 1:]
    whole = chroma.sum(axis=1)
    shares = whole / whole.sum(axis=1, keepdims=True)
    beats, beat_bass = _basses(parts, parts.times // parts.beat)
    measures, bar_bass = _basses(parts, parts.measure)
    beat_motion, motion = beats.moves(beat_bass), measures.moves(bar_bass) % 12
    return {
        "harmony of the bar before": mean_row(near),
        "most changed harmony": near.min(axis=1) if parts.bars > 1 else np.zeros(parts.k),
        "spread of changes of harmony": near.std(axis=1) if parts.bars > 1 else np.zeros(parts.k),
        "pitch classes a bar": mean_row((chroma > 0).sum(axis=2)),
        "entropy of pitch classes": information(shares),
        "in one scale": (whole @ _SCALES.T).max(axis=1) / whole.sum(axis=1),
        "in one scale for two bars": mean_row((two @ _SCALES.T).max(axis=2) / np.maximum(two.sum(axis=2), 1e-9)),
        "bass moves": beats.pairs.mean(beat_motion != 0),
        "bass moves by a fifth": beats.pairs.mean(either(beat_motion % 12, 5, 7)),
        "bass of bars moves": measures.pairs.mean(motion != 0),
        "bass of bars moves by a fifth": measures.pairs.mean(either(motion, 5, 7)),
        "basses of bars": measures.different(bar_bass % 12) / measures.sizes,
    }


def _voices(parts: Parts) -> Figures:
    onsets, pairs = parts.onsets, parts.onsets.pairs
    upper, lower, chords = onsets.moves(parts.top), onsets.moves(parts.low), parts.count > 1
    two = onsets.latter(chords) & onsets.former(chords)
    parallel = two & (upper == lower) & (upper != 0) & either(onsets.latter(parts.top - parts.low) % 12, 0, 7)
    both = {
        "parallel fifths and octaves": pairs.sum(parallel) / np.maximum(1, pairs.sum(two)),
        "contrary motion": pairs.mean(np.sign(upper) * np.sign(lower) < 0),
    }
    return both | _line("upper", onsets, parts.top) | _line("bass", *_basses(parts, parts.times // parts.beat))


def _line(name: str, groups: Groups, pitches: Ints) -> Figures:
    pairs, motion = groups.pairs, groups.moves(pitches)
    size, moving = np.abs(motion), motion != 0
    turns, direction = pairs.those(moving), np.sign(motion[moving])
    return {
        f"{name} interval": pairs.mean(np.minimum(size, MOST_LEAP)),
        f"{name} leaps over a fifth": pairs.mean(size > 7),
        f"{name} leaps over an octave": pairs.mean(size > 12),
        f"{name} repeats": pairs.mean(size == 0),
        f"{name} goes by step": pairs.mean((size > 0) & (size <= 2)),
        f"{name} goes by fourth or fifth": pairs.mean(either(size, 5, 7)),
        f"{name} turns": turns.pairs.mean(turns.moves(direction) != 0),
        f"{name} entropy": pairs.entropy(within(motion, MOST_LEAP)),
    }


def _basses(parts: Parts, span: Ints) -> tuple[Groups, Ints]:
    """The lowest pitch of each run of equal numbers in ``span`` [m], part by part, and to which parts these belong."""
    first = begins(parts.onsets.number * (parts.bars * parts.bar) + span)
    return Groups(parts.onsets.number[first], parts.k), np.minimum.reduceat(parts.low, first)
