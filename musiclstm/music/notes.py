"""Notes, pieces and the way time is counted.

Time is counted in ticks, 24 to the quarter note, so that sixteenths, triplets and thirty-second notes are whole numbers. This
module knows nothing about files, vocabularies or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.music.staves import Staves
from musiclstm.sentence import sentence

TICKS_PER_QUARTER = 24
LOWEST_PITCH, HIGHEST_PITCH = 21, 108  # the piano's A0 and C8, as MIDI pitch numbers
PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1
TEMPI = (20, 400)  # quarters per minute: the slowest and the fastest that music is played at
MAX_BAR_TICKS = 16 * TICKS_PER_QUARTER  # 16 quarters: longer "bars" in files are mistakes or cadenzas

#: Where the tonic of each mode lies on the line of fifths (... F C G D A ...), counted from that of the major key with the same
#: signature: A minor lies three fifths above C major.
MODES = {"major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1, "locrian": 5}

#: One row per note: onset and duration in ticks, MIDI pitch 21..108, MIDI velocity 1..127.
NOTE = np.dtype([("onset", "i4"), ("pitch", "i2"), ("duration", "i4"), ("velocity", "i2")])
Notes = NDArray[np.void]


@dataclass(frozen=True)
class Metre:
    """A time signature that holds from ``onset`` (ticks, always the start of a bar)."""

    onset: int
    numerator: int
    denominator: int

    @property
    def bar_ticks(self) -> int:
        """Length of one bar in ticks."""
        return max(1, self.numerator * 4 * TICKS_PER_QUARTER // self.denominator)

    @property
    def beat_ticks(self) -> int:
        """Length of one felt beat in ticks: a dotted unit in 6/8, 9/8 and 12/8, the written unit elsewhere."""
        unit = max(1, 4 * TICKS_PER_QUARTER // self.denominator)
        compound = self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0
        return unit * 3 if compound else unit

    @property
    def name(self) -> str:
        """The time signature in figures, like "6/8"."""
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True)
class Tempo:
    """A tempo that holds from ``onset`` (ticks), in quarter notes per minute."""

    onset: int
    qpm: float


@dataclass(frozen=True)
class Key:
    """A key signature, ``fifths`` -7 (seven flats) to 7 (seven sharps), and its ``mode``, one of ``MODES``."""

    fifths: int
    mode: str = "major"

    @property
    def tonic(self) -> int:
        """The pitch class of the tonic, 0 for C to 11 for B."""
        return 7 * (self.fifths + MODES[self.mode]) % 12

    @property
    def has_minor_third(self) -> bool:
        """Whether the chord of the tonic is minor (or diminished)."""
        return MODES[self.mode] > 1


@dataclass(frozen=True, eq=False)
class Piece:
    """Music: notes sorted by (onset, pitch), with metre, tempo, key and names.

    ``metres`` and ``tempi`` are sorted, never empty, and begin at onset 0. ``notes`` is read-only. ``remark``: a sentence on what
    had to be guessed when the music was read, "" if nothing. ``staves``: where the source writes the notes, as far as it says so;
    pieces that differ only in this are equal, since they sound alike.
    """

    notes: Notes
    metres: tuple[Metre, ...] = (Metre(0, 4, 4),)
    tempi: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    key: Key | None = None
    title: str = ""
    composer: str = ""
    source: str = ""
    remark: str = ""
    staves: Staves = field(default=Staves(), compare=False)

    def __post_init__(self) -> None:
        self.notes.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Piece):
            return NotImplemented
        names = [each.name for each in fields(self) if each.compare and each.name != "notes"]
        return np.array_equal(self.notes, other.notes) and all(getattr(self, n) == getattr(other, n) for n in names)

    __hash__ = None  # type: ignore[assignment]  # a Piece holds an array, which can't be hashed

    def __len__(self) -> int:
        return len(self.notes)

    @property
    def end(self) -> int:
        """The tick at which the last note stops sounding; 0 without notes."""
        return int((self.notes["onset"] + self.notes["duration"]).max()) if len(self.notes) else 0

    def metre_at(self, tick: int) -> Metre:
        """The time signature at ``tick``."""
        return [metre for metre in self.metres if metre.onset <= max(0, tick)][-1]

    def tempo_at(self, tick: int) -> float:
        """The tempo at ``tick``, in quarters per minute."""
        return [tempo.qpm for tempo in self.tempi if tempo.onset <= max(0, tick)][-1]

    def seconds(self, tick: int) -> float:
        """Time in seconds from the start to ``tick`` under the tempo map."""
        edges = [t.onset for t in self.tempi if t.onset < tick] + [tick]
        spans = zip(edges[:-1], edges[1:], self.tempi, strict=False)
        return sum((right - left) / TICKS_PER_QUARTER * 60.0 / tempo.qpm for left, right, tempo in spans)

    @property
    def usual_tempo(self) -> float:
        """The tempo that holds for most of the music, in quarters per minute: the median from the first onset to the last."""
        first, last = (int(self.notes["onset"][at]) for at in (0, -1)) if len(self) else (0, 0)
        edges = np.clip([tempo.onset for tempo in self.tempi] + [last + 1], first, last + 1)
        slowest_first = sorted(zip((tempo.qpm for tempo in self.tempi), np.diff(edges).tolist(), strict=True))
        passed = np.cumsum([ticks for _, ticks in slowest_first])
        return slowest_first[int(np.searchsorted(2 * passed, passed[-1]))][0]


def make_notes(onset: ArrayLike, pitch: ArrayLike, duration: ArrayLike, velocity: ArrayLike) -> Notes:
    """Rows in canonical form: sorted by (onset, pitch), one note per onset and pitch, none overlapping the next of its pitch.

    Inputs are equally long sequences of whole numbers. Pitches outside the piano are moved into it by octaves, durations are
    at least one tick, and velocities are clipped to 1..127. Of two notes with the same onset and pitch the longer stays. A note
    that would still sound when its pitch is struck again ends there, as on a piano.
    """
    onset, pitch = np.asarray(onset, dtype=np.int64), np.asarray(pitch, dtype=np.int64)
    pitch = np.where(pitch < LOWEST_PITCH, LOWEST_PITCH + (pitch - LOWEST_PITCH) % 12, pitch)
    pitch = np.where(pitch > HIGHEST_PITCH, HIGHEST_PITCH - 11 + (pitch - HIGHEST_PITCH + 11) % 12, pitch)
    duration = np.maximum(1, np.asarray(duration, dtype=np.int64))
    velocity = np.clip(np.asarray(velocity, dtype=np.int64), 1, 127)

    by_pitch = np.lexsort((-duration, onset, pitch))
    onset, pitch, duration, velocity = (column[by_pitch] for column in (onset, pitch, duration, velocity))
    if len(onset) > 1:
        repeats = np.concatenate(([False], (pitch[1:] == pitch[:-1]) & (onset[1:] == onset[:-1])))
        onset, pitch, duration, velocity = (column[~repeats] for column in (onset, pitch, duration, velocity))
        room = np.where(pitch[1:] == pitch[:-1], onset[1:] - onset[:-1], np.iinfo(np.int32).max)
        duration[:-1] = np.minimum(duration[:-1], room)

    notes = np.empty(len(onset), dtype=NOTE)
    order = np.lexsort((pitch, onset))
    for name, column in (("onset", onset), ("pitch", pitch), ("duration", duration), ("velocity", velocity)):
        notes[name] = column[order]
    return notes


def bar_lines(piece: Piece, until: int | None = None) -> NDArray[np.int64]:
    """Ticks at which bars start, from 0 to the first one at or after ``until`` (default: the last sounding tick)."""
    until = piece.end if until is None else until
    lines = [0]
    changes = iter(piece.metres[1:])
    metre, change = piece.metres[0], next(changes, None)
    while lines[-1] < until:
        following = lines[-1] + metre.bar_ticks
        if change is not None and following >= change.onset:
            following, metre, change = max(change.onset, lines[-1] + 1), change, next(changes, None)
        lines.append(following)
    return np.asarray(lines, dtype=np.int64)


def line_after(piece: Piece, bars: int) -> int:
    """The tick of the bar line after the first ``bars`` bars of a piece, which may lie after its last note."""
    for metre, change in pairwise(piece.metres):
        until_change = -(-(change.onset - metre.onset) // metre.bar_ticks)  # the last of them may be cut short
        if bars <= until_change:
            return min(metre.onset + bars * metre.bar_ticks, change.onset)
        bars -= until_change
    last = piece.metres[-1]
    return last.onset + bars * last.bar_ticks


def bar_positions(piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each note's distance in ticks from the start of its bar, and the length in ticks of a bar of its metre."""
    lines = bar_lines(piece, int(piece.notes["onset"][-1]) + 1 if len(piece) else 0)
    bar = np.searchsorted(lines, piece.notes["onset"], side="right") - 1
    starts = np.asarray([metre.onset for metre in piece.metres])
    lengths = np.asarray([metre.bar_ticks for metre in piece.metres])
    metre = np.searchsorted(starts, piece.notes["onset"], side="right") - 1
    return piece.notes["onset"].astype(np.int64) - lines[bar], lengths[metre]


def cut(piece: Piece, start: int, stop: int) -> Piece:
    """The notes that begin in ticks [start, stop), moved so that ``start`` becomes 0, with the metre and tempo that hold there.

    Durations are kept, even past ``stop``. Raises OptionError unless 0 <= start < stop.
    """
    if not 0 <= start < stop:
        raise OptionError(f"A passage needs 0 <= start < stop in ticks, not {start} and {stop}.")
    inside = piece.notes[(piece.notes["onset"] >= start) & (piece.notes["onset"] < stop)].copy()
    inside["onset"] -= start
    metres = [replace(piece.metre_at(start), onset=0)]
    metres += [replace(m, onset=m.onset - start) for m in piece.metres if start < m.onset < stop]
    tempi = [Tempo(0, piece.tempo_at(start))]
    tempi += [replace(t, onset=t.onset - start) for t in piece.tempi if start < t.onset < stop]
    staves = piece.staves.between(start, stop).moved(-start)
    return replace(piece, notes=inside, metres=tuple(metres), tempi=tuple(tempi), staves=staves)


def cut_bars(piece: Piece, first: int, last: int, *, pickup: int = 0) -> Piece:
    """Bars ``first`` to ``last``, both included, counted from 1. Raises OptionError for bars outside the piece.

    ``pickup``: how many of them are before the one that the error calls bar 1.
    """
    lines = bar_lines(piece)
    if not 1 <= first <= last <= len(lines) - 1:
        raise OptionError(
            "Bars must lie between {low} and {high} with first <= last, not {first} to {last}.",
            low=1 - pickup,
            high=len(lines) - 1 - pickup,
            first=first - pickup,
            last=last - pickup,
        )
    return cut(piece, int(lines[first - 1]), int(lines[last]))


def join(first: Piece, second: Piece, at: int) -> Piece:
    """``second`` placed after ``first``, starting at tick ``at``, which should be a bar line of ``first``.

    Metre and tempo are written only where they change; key and names come from ``first``.
    """
    moved = second.notes.copy()
    moved["onset"] += at
    both = np.concatenate([first.notes, moved])
    notes = make_notes(both["onset"], both["pitch"], both["duration"], both["velocity"])
    metres = [m for m in first.metres if m.onset < at] + [replace(m, onset=m.onset + at) for m in second.metres]
    tempi = [t for t in first.tempi if t.onset < at] + [replace(t, onset=t.onset + at) for t in second.tempi]
    kept_metres = [m for i, m in enumerate(metres) if i == 0 or _signature(m) != _signature(metres[i - 1])]
    kept_tempi = [t for i, t in enumerate(tempi) if i == 0 or t.qpm != tempi[i - 1].qpm]
    staves = first.staves | second.staves.moved(at)
    return replace(first, notes=notes, metres=tuple(kept_metres), tempi=tuple(kept_tempi), staves=staves)


def transpose(piece: Piece, semitones: int) -> Piece:
    """The piece and its key signature moved by ``semitones``; pitches that leave the piano are moved back by octaves."""
    n = piece.notes
    notes = make_notes(n["onset"], n["pitch"].astype(np.int64) + semitones, n["duration"], n["velocity"])
    key = piece.key
    if key is not None and semitones % 12:  # a semitone up is seven fifths up; fold to at most six accidentals either way
        key = replace(key, fifths=(key.fifths + 7 * semitones + 6) % 12 - 6)
    return replace(piece, notes=notes, key=key, staves=piece.staves.moved(semitones=semitones))


def at_tempo(piece: Piece, qpm: float) -> Piece:
    """The piece at one steady tempo in quarters per minute. Raises OptionError outside 20..400."""
    return replace(piece, tempi=(Tempo(0, float(require_tempo(qpm))),))


def require_tempo(qpm: float) -> float:
    """The tempo itself. Raises OptionError unless it is a number of 20..400 quarters per minute."""
    low, high = TEMPI
    if isinstance(qpm, bool) or not isinstance(qpm, int | float) or not low <= qpm <= high:
        raise OptionError(
            "The tempo must lie between {low} and {high} quarter notes per minute, not {qpm}.", low=low, high=high, qpm=qpm
        )
    return qpm


def require_notes(piece: Piece, least: int = 1) -> Piece:
    """The piece itself; raises MusicFileError if it has fewer than ``least`` notes."""
    if len(piece) < least:
        what = piece.source or sentence("The music")
        raise MusicFileError(
            "{what} has too few usable notes: at least {least} needed, {number} found.", what=what, least=least, number=len(piece)
        )
    return piece


def clean_metres(metres: Sequence[Metre]) -> tuple[Metre, ...]:
    """Time signatures as a Piece needs them: sorted, one per tick, from tick 0, 4/4 if none; impossible ones are left out."""
    possible = {
        m.onset: m
        for m in sorted(metres, key=lambda m: m.onset)
        if m.onset >= 0 and m.numerator >= 1 and m.denominator in (1, 2, 4, 8, 16, 32) and m.bar_ticks <= MAX_BAR_TICKS
    }
    if 0 not in possible:
        first = next(iter(possible.values()), Metre(0, 4, 4))
        possible = {0: replace(first, onset=0), **possible}
    ordered = list(possible.values())
    return tuple(m for i, m in enumerate(ordered) if i == 0 or _signature(m) != _signature(ordered[i - 1]))


def clean_tempi(tempi: Sequence[Tempo]) -> tuple[Tempo, ...]:
    """Tempi as a Piece needs them: sorted, one per tick, from tick 0, within 10..600 quarters per minute, 120 if none."""
    possible = {t.onset: t for t in sorted(tempi, key=lambda t: t.onset) if t.onset >= 0 and 10 <= t.qpm <= 600}
    if 0 not in possible:
        first = next(iter(possible.values()), Tempo(0, 120.0))
        possible = {0: replace(first, onset=0), **possible}
    ordered = list(possible.values())
    return tuple(t for i, t in enumerate(ordered) if i == 0 or t.qpm != ordered[i - 1].qpm)


def _signature(metre: Metre) -> tuple[int, int]:
    return metre.numerator, metre.denominator
