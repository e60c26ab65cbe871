"""A piece as a pianist reads it: two staves of bars, each of one or two voices of tied note values and rests.

Readability comes before exactness: a note a little shorter than the gap to the next one fills it; a note that rings over others
gets its own voice or ends with the next one. This module uses no score library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from musiclstm.music import Key, Notes, Piece
from musiclstm.notation.hands import left_hand
from musiclstm.notation.rhythm import (
    SHORTEST,
    UNITS,
    Bar,
    Tile,
    Value,
    snap_end,
    snap_onset,
    tile_at_unit,
    tiles,
    values,
    written_bars,
)
from musiclstm.notation.spelling import Spelled, accidentals, reading_key, spell

_HELD = 12 * UNITS  # a note that rings an eighth or more into the next one is held on purpose
_TIED = 6 * UNITS  # and one that rings a sixteenth or more over a bar line is tied
_BEAMS = {12: 1, 6: 2, 3: 3}  # by plain value in ticks
_NEW_TEMPO = 0.2  # a smaller relative change is expression, not a new tempo


@dataclass(frozen=True)
class Head:
    """A note head: its MIDI pitch, its name, whether its accidental is printed, its ties to the same pitch before and after."""

    pitch: int
    name: Spelled
    accidental: bool
    tied_back: bool
    tied_on: bool


@dataclass(frozen=True)
class Symbol:
    """A chord, or a rest if it has no heads. ``bracket``: "start" or "stop" at a tuplet's ends; ``beams``: outermost first."""

    value: Value
    heads: tuple[Head, ...]
    bracket: str = ""
    beams: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True)
class StaffBar:
    """One bar of one staff: its clef, "G" or "F", and one or two voices, the upper first, that each fill the bar."""

    clef: str
    voices: tuple[tuple[Symbol, ...], ...]


@dataclass(frozen=True)
class Engraving:
    """Everything to be printed. ``staves``: right and left hand, a StaffBar for every bar; ``tempi``: (bar index, quarters a
    minute), the first at bar 0.
    """

    key: Key
    bars: tuple[Bar, ...]
    staves: tuple[tuple[StaffBar, ...], tuple[StaffBar, ...]]
    tempi: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class _Note:
    """A written note in units; ``again``: when its pitch is struck next; ``back``: it began in an earlier bar."""

    onset: int
    end: int
    pitch: int
    again: int
    back: bool = False


@dataclass(frozen=True)
class _Segment:
    """A chord or a rest of one voice from ``start`` to ``end`` (units); ``on``: its pitches that are tied into the next bar."""

    start: int
    end: int
    notes: tuple[_Note, ...] = ()
    on: frozenset[int] = frozenset()


def engrave(piece: Piece) -> Engraving:
    """Lay out the whole piece. Every note is written, except where two of one pitch and hand fall on the same written onset."""
    bars = written_bars(piece)
    key = reading_key(piece.notes, piece.key)
    left = left_hand(piece.notes)
    staves = (_staff(piece.notes[~left], bars, key, 60), _staff(piece.notes[left], bars, key, 61))
    return Engraving(key, tuple(bars), staves, tuple(_tempi(piece, bars)))


def _tempi(piece: Piece, bars: Sequence[Bar]) -> Iterator[tuple[int, float]]:
    marked = 0.0
    for index, bar in enumerate(bars):
        qpm = piece.tempo_at(bar.onset)
        if abs(qpm - marked) > _NEW_TEMPO * marked:
            marked = qpm
            yield index, qpm


def _staff(notes: Notes, bars: Sequence[Bar], key: Key, border: int) -> tuple[StaffBar, ...]:
    """One hand's bars; ``border``: the pitch around which its clef changes."""
    grid = tiles(bars, np.unique(notes["onset"]).tolist())
    clef, staff = "F" if border > 60 else "G", []
    for bar, voices in zip(bars, _voices(_written(notes, grid), bars), strict=True):
        pitches = [note.pitch for voice in voices for segment in voice for note in segment.notes]
        if pitches:
            clef = _clef(clef, sum(pitches) / len(pitches), border)
        written = [_with_rests(voice, bar) for voice in voices or [[]]]
        staff.append(StaffBar(clef, _symbols(written, bar, grid, key)))
    return tuple(staff)


def _clef(clef: str, mean: float, border: int) -> str:
    """The left hand changes to the treble clef only well above middle C, the right hand to the bass clef only well below."""
    above, below = (7, -1) if border > 60 else (-2, -8)
    if mean > border + above:
        return "G"
    return "F" if mean < border + below else clef


# From notes to voices


def _written(notes: Notes, grid: Sequence[Tile]) -> list[_Note]:
    """The notes at their written times, by onset and pitch; of two that coincide the longer stays."""
    final = grid[-1]
    last = (final.start + final.length) * UNITS
    latest = last - (SHORTEST * UNITS if final.parts == final.normal else final.step)  # of an onset, on the grid of a tuplet
    found: dict[tuple[int, int], int] = {}
    for onset, pitch, duration, _velocity in notes.tolist():
        start = min(snap_onset(grid, onset), latest)
        end = min(last, snap_end(grid, onset + duration, start))
        found[start, pitch] = max(end, found.get((start, pitch), 0))
    written: list[_Note] = []
    struck: dict[int, int] = {}
    for (onset, pitch), end in sorted(found.items(), reverse=True):
        again = struck.get(pitch, last)
        written.append(_Note(onset, min(end, again), pitch, again))
        struck[pitch] = onset
    return written[::-1]


def _voices(notes: Sequence[_Note], bars: Sequence[Bar]) -> Iterator[list[list[_Segment]]]:
    """The voices of every bar, the upper first; notes that ring over the bar line continue in the next bar."""
    carried: list[_Note] = []
    at = 0
    for bar in bars:
        first, last = bar.start * UNITS, bar.end * UNITS
        struck = []
        while at < len(notes) and notes[at].onset < last:
            struck.append(notes[at])
            at += 1
        again = {note.pitch for note in struck if note.onset == first}
        sounding = [note for note in carried if note.pitch not in again] + struck
        voices = [list(_segments(line, last)) for line in _lines(sounding, last)]
        segments = [segment for voice in voices for segment in voice]
        carried = [replace(note, onset=last, back=True) for s in segments for note in s.notes if note.pitch in s.on]
        yield sorted(voices, key=_mean_pitch, reverse=True)


def _lines(notes: Sequence[_Note], last: int) -> list[list[list[_Note]]]:
    """The chords of a bar as one line, or as two: notes held while others move, and moving notes."""
    chords = [list(chord) for _, chord in groupby(sorted(notes, key=lambda n: (n.onset, n.pitch)), key=lambda n: n.onset)]
    held: list[list[_Note]] = []
    moving: list[list[_Note]] = []
    free = 0
    for index, chord in enumerate(chords):
        following = chords[index + 1][0].onset if index + 1 < len(chords) else last
        ringing = [note for note in chord if min(note.end, last) >= following + _HELD and chord[0].onset >= free]
        if ringing:
            held.append(ringing)
            free = max(note.end for note in ringing)
        short = [note for note in chord if note not in ringing]
        if short:
            moving.append(short)
    return [line for line in (held, moving) if line]


def _segments(line: Sequence[list[_Note]], last: int) -> Iterator[_Segment]:
    """The chords of a line, each up to its end or, if the gap is small, up to the next."""
    for chord, following in zip(line, [*(chord[0].onset for chord in line[1:]), last], strict=True):
        start, limit = chord[0].onset, min(following, *(note.again for note in chord))
        end = min(limit, max(note.end for note in chord))
        if limit - end <= max(_TIED, (end - start) // 3):
            end = limit
        on = frozenset(note.pitch for note in chord if end == last and note.end >= last + _TIED)
        yield _Segment(start, end, tuple(chord), on)


def _mean_pitch(voice: Sequence[_Segment]) -> float:
    pitches = [note.pitch for segment in voice for note in segment.notes]
    return sum(pitches) / len(pitches)


# From voices to symbols


def _with_rests(voice: Sequence[_Segment], bar: Bar) -> list[_Segment]:
    filled, now = [], bar.start * UNITS
    for segment in voice:
        if segment.start > now:
            filled.append(_Segment(now, segment.start))
        filled.append(segment)
        now = segment.end
    return [*filled, _Segment(now, bar.end * UNITS)] if now < bar.end * UNITS else filled


def _symbols(voices: Sequence[Sequence[_Segment]], bar: Bar, grid: Sequence[Tile], key: Key) -> tuple[tuple[Symbol, ...], ...]:
    """The voices of a bar with note values, accidentals, brackets and beams. Rests of a second voice are hidden."""
    raw = [[symbol for segment in voice for symbol in _values_of(segment, bar, grid, key)] for voice in voices]
    heads = [
        (symbol.value.start, v, s, h, head)
        for v, voice in enumerate(raw)
        for s, symbol in enumerate(voice)
        for h, head in enumerate(symbol.heads)
    ]
    heads.sort(key=lambda entry: entry[:4])
    shown = accidentals([(head.name, head.tied_back) for *_, head in heads], key)
    printed = {(v, s, h) for (_, v, s, h, _), show in zip(heads, shown, strict=True) if show}
    return tuple(
        tuple(
            replace(
                symbol,
                heads=tuple(replace(head, accidental=(v, s, h) in printed) for h, head in enumerate(symbol.heads)),
                bracket=_bracket(symbol.value, grid),
                beams=beams,
                hidden=v > 0 and not symbol.heads,
            )
            for s, (symbol, beams) in enumerate(zip(voice, _beams(voice, bar), strict=True))
        )
        for v, voice in enumerate(raw)
    )


def _values_of(segment: _Segment, bar: Bar, grid: Sequence[Tile], key: Key) -> Iterator[Symbol]:
    parts = values(grid, bar, segment.start, segment.end, rest=not segment.notes)
    for index, value in enumerate(parts):
        yield Symbol(
            value,
            tuple(
                Head(
                    pitch=note.pitch,
                    name=spell(note.pitch, key),
                    accidental=False,
                    tied_back=note.back or index > 0,
                    tied_on=note.pitch in segment.on or index < len(parts) - 1,
                )
                for note in segment.notes
            ),
        )


def _bracket(value: Value, grid: Sequence[Tile]) -> str:
    if value.tuplet is None:
        return ""
    tile = tile_at_unit(grid, value.start)
    if value.start == tile.start * UNITS:
        return "start"
    return "stop" if value.start + value.length == (tile.start + tile.length) * UNITS else ""


def _beams(voice: Sequence[Symbol], bar: Bar) -> list[tuple[str, ...]]:
    """The beams of every symbol: "start", "continue", "stop", "partial-left" or "partial-right", the outermost first."""
    span = 36 if bar.metre.beat_ticks % 9 == 0 or bar.length == 36 else 24  # ticks
    found: list[tuple[str, ...]] = []
    for _, group in groupby(
        voice, lambda s: (bool(s.heads), s.value.plain in _BEAMS, (s.value.start // UNITS - bar.start) // span)
    ):
        symbols = list(group)
        counts = [_BEAMS.get(symbol.value.plain, 0) if symbol.heads else 0 for symbol in symbols]
        around = zip([0, *counts], counts, [*counts[1:], 0], strict=False)
        alone = len(symbols) == 1  # a single note keeps its flags
        found += [() if alone else tuple(_beam(level, before, after) for level in range(1, n + 1)) for before, n, after in around]
    return found


def _beam(level: int, before: int, after: int) -> str:
    if level <= before:
        return "continue" if level <= after else "stop"
    if level <= after:
        return "start"
    return "partial-left" if before else "partial-right"
