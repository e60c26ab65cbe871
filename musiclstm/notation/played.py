"""Music that was played freely, set on the beats that it was played to, so that it can be written down."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.music import TICKS_PER_QUARTER, Metre, Piece, Tempo, clean_metres, make_notes, require_tempo
from musiclstm.notation.beats import Seconds, Strikes, beat_times, strikes
from musiclstm.notation.rhythm import UNITS, snap_end, snap_onset, tiles, written_bars

LONGEST_PLAYING, LONGEST_NOTE = 3600.0, 60.0  # seconds of playing, and of one note
METRES = ("2/4", "3/4", "4/4", "6/8", "9/8", "12/8")  # that are recognised; any other can be given
_LEGATO = 0.6, 0.8  # of the time to the next strike, and to a later one: a note held for more is meant to last until then
_OVERLAP = 1.15  # of that time: a note held for more lasts beyond
_THIRDS = 2.0  # how many times as often beats must be divided in three as in two, to be dotted


@dataclass(frozen=True, eq=False)
class OnBeat:
    """Music set on its beats, and how it was understood.

    ``tempo`` in quarters a minute; ``metre`` such as "3/4"; ``first_beat``: when the first whole bar begins, in seconds as the
    onsets were given. What is struck before is a pickup, which ends a complete bar.
    """

    piece: Piece
    tempo: float
    metre: str
    first_beat: float

    @property
    def sentence(self) -> str:
        """What was understood, for the person who played."""
        return f"Played without a beat grid: set on an estimated beat, {self.tempo:.0f} quarter notes a minute in {self.metre}."


def beat_grid(
    onsets_seconds: ArrayLike,
    durations: ArrayLike,
    pitches: ArrayLike,
    velocities: ArrayLike,
    tempo: float | None = None,
    metre: str | None = None,
    first_beat: float | None = None,
) -> OnBeat:
    """Set freely played notes on beats, bars and note values.

    ``onsets_seconds``, ``durations`` (seconds), ``pitches`` and ``velocities`` (MIDI) are equally long, in any order. Tempo
    (quarters a minute, 20..400), ``metre`` ("3/4") and ``first_beat`` (seconds at which a bar begins) are found unless given.
    The piece has one steady tempo, tick 0 is a bar line.
    Raises MusicFileError without notes or for more than an hour, OptionError for a tempo, metre or time that can't be.
    """
    onset, length = np.asarray(onsets_seconds, dtype=np.float64), np.asarray(durations, dtype=np.float64)
    pitch, velocity = np.asarray(pitches, dtype=np.int64), np.asarray(velocities, dtype=np.int64)
    if not len(onset):
        raise MusicFileError("Nothing was played; at least one note is needed.")
    if not np.isfinite([onset, length]).all() or np.ptp(onset) > LONGEST_PLAYING:
        raise MusicFileError("The notes must lie within {minutes:.0f} minutes.", minutes=LONGEST_PLAYING / 60)
    length = np.clip(length, 0.001, LONGEST_NOTE)
    given = None if metre is None else _metre(metre)
    if first_beat is not None and not abs(first_beat - onset.min()) <= LONGEST_PLAYING:
        raise OptionError("The first beat must be a time in seconds near the music, not {first_beat}.", first_beat=first_beat)
    struck = strikes(onset, length, pitch)
    quarters = (given.beat_ticks if given else TICKS_PER_QUARTER) / TICKS_PER_QUARTER  # of a beat
    beats = beat_times(struck, None if tempo is None else 60 / require_tempo(tempo) * quarters)
    if first_beat is not None:
        beats = beats + _nearest(beats, first_beat)
    found = given or _felt(struck, beats, pitch, length, dotted=None if tempo is None else False)
    per_bar = found.bar_ticks // found.beat_ticks
    if first_beat is None:
        down = _downbeat(struck, beats, pitch, length, per_bar)
    else:
        down = round(float(_places(beats, np.array([first_beat]))[0]))
    place = _places(beats, struck.times) * found.beat_ticks
    begin = _bar_before(int(np.floor(place[0] / found.beat_ticks + 0.25)), down, per_bar) * found.beat_ticks
    ends = _places(beats, onset + length) * found.beat_ticks - begin
    piece = _written(struck, place - begin, ends, pitch, velocity, found)
    at = found.beat_ticks / float(np.mean(np.diff(beats))) * 60 / TICKS_PER_QUARTER if tempo is None else float(tempo)
    bars = piece.notes["onset"][0] > 0 and (begin // found.beat_ticks) % per_bar == down % per_bar
    whole = begin // found.beat_ticks + (per_bar if bars else 0)
    first = float(np.interp(whole, np.arange(len(beats)), beats)) if 0 <= whole < len(beats) else float(beats[0])
    qpm = round(min(400.0, max(20.0, at)), 1)
    return OnBeat(replace(piece, tempi=(Tempo(0, qpm),)), qpm, found.name, round(first, 3))


def _metre(name: str) -> Metre:
    """The metre called ``name``. Raises OptionError for what is none."""
    above, _, below = name.partition("/")
    if name.isascii() and above.isdigit() and below.isdigit() and len(name) <= 5:
        metre = Metre(0, int(above), int(below))
        if clean_metres([metre]) == (metre,) and metre.numerator <= 99:
            return metre
    raise OptionError("The metre must be a time signature such as 3/4 or 6/8, not {name}.", name=repr(name))


def _nearest(beats: Seconds, time: float) -> float:
    """How much later ``time`` is than the beat nearest to it, if the beats go on."""
    pace = float(np.median(np.diff(beats)))
    shift = time - beats[np.abs(beats - time).argmin()]
    return float(shift - pace * round(shift / pace))


def _places(beats: Seconds, times: Seconds) -> Seconds:
    """The times counted in beats, from the first one on; before and after the beats at their own pace."""
    first, last = beats[1] - beats[0], beats[-1] - beats[-2]
    inside = np.interp(times, beats, np.arange(len(beats)))
    return np.asarray(inside + np.minimum(0, times - beats[0]) / first + np.maximum(0, times - beats[-1]) / last)


def _bar_before(beat: int, down: int, per_bar: int) -> int:
    """The last beat up to ``beat`` with which a bar begins."""
    return beat - (beat - down) % per_bar


def _felt(struck: Strikes, beats: Seconds, pitch: NDArray[np.int64], length: Seconds, dotted: bool | None) -> Metre:
    """The likeliest of METRES. ``dotted``: whether its beats have a dot, None to find it."""
    late = _places(beats, struck.times) % 1
    halves = (np.abs(late[:, None] - (0.25, 0.5, 0.75)) < 0.06).any(axis=1).sum()
    thirds = (np.abs(late[:, None] - (1 / 3, 2 / 3)) < 0.06).any(axis=1).sum()
    in_three = thirds > _THIRDS * halves and thirds > len(beats) / 4 if dotted is None else dotted
    marks = _marks(struck, beats, pitch, length)
    three, four = (max(_contrast(marks, per_bar)) for per_bar in (3, 4))
    per_bar = 3 if three > four else 4
    if in_three:
        return Metre(0, 9, 8) if per_bar == 3 else Metre(0, 6, 8)
    return Metre(0, per_bar, 4)


def _downbeat(struck: Strikes, beats: Seconds, pitch: NDArray[np.int64], length: Seconds, per_bar: int) -> int:
    """The number of a beat with which a bar begins, 0 to ``per_bar`` - 1."""
    return int(np.argmax(_contrast(_marks(struck, beats, pitch, length), per_bar)))


def _marks(struck: Strikes, beats: Seconds, pitch: NDArray[np.int64], length: Seconds) -> Seconds:
    """How much each beat is marked as the first of a bar: by its accent, a low note, and a change of harmony."""
    place = _places(beats, struck.times)
    nearest = np.round(place).astype(np.int64)
    on = np.abs(place - nearest) < 0.17
    count = len(beats)
    accent = np.full(count, -1.5)
    accent[np.clip(nearest[on], 0, count - 1)] = struck.accents[on]
    of = np.clip(np.floor(place[struck.of] + 0.17).astype(np.int64), 0, count - 1)
    lowest = np.full(count, 127.0)
    np.minimum.at(lowest, of, pitch)
    low = np.where(lowest == 127, 0, (np.median(pitch) - lowest) / 12)
    sound = np.zeros((count, 12))
    np.add.at(sound, (of, pitch % 12), np.minimum(length, 1.0))
    sound /= np.linalg.norm(sound, axis=1, keepdims=True) + 1e-9
    change = 1 - (sound[1:] * sound[:-1]).sum(axis=1)
    return np.asarray(accent + low + 2 * np.concatenate([[0.0], change]))


def _contrast(marks: Seconds, per_bar: int) -> list[float]:
    """For each beat that could be the first of a bar: how much more those beats are marked than the others."""
    if len(marks) < 2 * per_bar:
        return [1.0] + [0.0] * (per_bar - 1)
    found = []
    for first in range(per_bar):
        down = np.arange(len(marks)) % per_bar == first
        found.append(float((marks[down].mean() - marks[~down].mean()) * np.sqrt(down.sum())))
    return found


def _written(
    struck: Strikes, places: Seconds, ends: Seconds, pitch: NDArray[np.int64], velocity: NDArray[np.int64], metre: Metre
) -> Piece:
    """The notes as note values; ``places`` of chords and ``ends`` of notes in ticks, not yet whole."""
    ticks = np.maximum(0, np.round(places)).astype(np.int64)
    rough = make_notes(ticks[struck.of], pitch, np.maximum(1, np.round(ends - places[struck.of])), velocity)
    piece = Piece(rough, (metre,))
    grid = tiles(written_bars(piece, pickup=False), np.unique(ticks).tolist())
    onset = np.array([snap_onset(grid, tick) for tick in ticks.tolist()])
    rows = []
    for note, chord in enumerate(struck.of.tolist()):
        begin, end = int(onset[chord]), _strike_at_end(places, chord, float(ends[note]))
        until = int(onset[end]) if end > chord else snap_end(grid, max(0, round(float(ends[note]))), begin)
        rows.append((round(begin / UNITS), int(pitch[note]), max(1, round((until - begin) / UNITS)), int(velocity[note])))
    return replace(piece, notes=make_notes(*zip(*rows, strict=True)))


def _strike_at_end(places: Seconds, chord: int, end: float) -> int:
    """The number of the strike until which a note of ``chord`` is meant to last, if it is released at ``end``; 0 if none."""
    after = int(np.searchsorted(places, end))
    held = end - places[chord]
    if after < len(places) and held >= _LEGATO[after > chord + 1] * (places[after] - places[chord]):
        return after
    before = after - 1
    return before if before > chord and held <= _OVERLAP * (places[before] - places[chord]) else 0
