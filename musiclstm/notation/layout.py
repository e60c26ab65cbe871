"""A piece as musicians read it: staves of bars, each of one or two voices of tied note values and rests.

A piano has two staves, an ensemble one for each player. This module uses no score library.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from musiclstm.music import PIANO, Key, Notes, Piece, Voice, share_out
from musiclstm.notation import clefs
from musiclstm.notation.beams import beam_groups, beams
from musiclstm.notation.dynamics import dynamics
from musiclstm.notation.hands import left_hand
from musiclstm.notation.rhythm import UNITS, Bar, Tile, Value, tile_at_unit, tiles, values, written_bars
from musiclstm.notation.spelling import Spelled, accidentals, reading_key, spell_all
from musiclstm.notation.voices import Segment, voices_of_bars, written_notes

_NEW_TEMPO = 0.2  # a smaller relative change is expression, not a new tempo
_RIGHT, _LEFT = clefs.PIANO, (clefs.PIANO[1], clefs.PIANO[0], *clefs.PIANO[2:])
_HIGH, _MIDDLE, _LOW = (("G", 0), ("G", 1)), (("C", 0), ("G", 0)), (("F", 0), ("G", 0))  # clefs of players


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
    """A chord, or a rest if it has no heads.

    ``bracket``: "start" or "stop" at a tuplet's ends; ``beamed``: where one starts, whether a beam shows it anyway; ``beams``:
    outermost first; ``stem``: "up", "down" or "" for the usual one; ``octaves`` by which it sounds higher than it is written,
    under an 8va line; ``whole``: a rest that fills its bar, whatever the value says.
    """

    value: Value
    heads: tuple[Head, ...]
    bracket: str = ""
    beamed: bool = False
    beams: tuple[str, ...] = ()
    hidden: bool = False
    stem: str = ""
    octaves: int = 0
    whole: bool = False


@dataclass(frozen=True)
class StaffBar:
    """One bar of one staff: its clef, "G", "F" or "C", and one or two voices, the upper first, that each fill the bar.

    ``changes``: other clefs within the bar, as (units, clef).
    """

    clef: str
    voices: tuple[tuple[Symbol, ...], ...]
    changes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Engraving:
    """Everything to be printed. ``staves``: from the top, a StaffBar for every bar; a piano's right hand and left hand, or one
    for each player. ``tempi``: (bar index, quarters a minute), the first at bar 0. ``dynamics``: (bar index, mark).
    ``hand_over``: the index of the bar in which the continuation begins.
    """

    key: Key
    bars: tuple[Bar, ...]
    staves: tuple[tuple[StaffBar, ...], ...]
    tempi: tuple[tuple[int, float], ...]
    dynamics: tuple[tuple[int, str], ...] = ()
    hand_over: int | None = None


def engrave(piece: Piece, *, split: int | None = None, voices: Sequence[Voice] = PIANO) -> Engraving:
    """Lay out the whole piece. Every note is written, except where two of one pitch and staff fall on the same written onset.

    ``split``: the tick at which a continuation begins; what is before it is spelled as if nothing followed. ``voices``: who
    plays; a single one is written as for piano.
    """
    bars = written_bars(piece)
    begins = len(piece) if split is None else int(np.searchsorted(piece.notes["onset"], split))
    opening = piece.notes[:begins] if begins else piece.notes
    key = reading_key(opening, piece.key)
    names = [*spell_all(opening, key), *spell_all(piece.notes, key)[len(opening) :]]
    staves = tuple(
        _staff(piece.notes[chosen], [names[at] for at in np.flatnonzero(chosen)], bars, key, allowed)
        for chosen, allowed in _shares(piece, voices)
    )
    first = [index for index, bar in enumerate(bars) if split is not None and bar.onset <= split]
    handed_over = first[-1] if first and begins < len(piece) else None
    return Engraving(key, tuple(bars), staves, tuple(_tempi(piece, bars)), tuple(dynamics(piece, bars)), handed_over)


def _shares(piece: Piece, voices: Sequence[Voice]) -> Iterator[tuple[np.ndarray, Sequence[clefs.State]]]:
    """Which notes each staff has, from the top, and its clefs, the usual one first."""
    if len(voices) == 1:
        left = left_hand(piece.notes, piece.staves.of(piece.notes))
        yield from ((~left, _RIGHT), (left, _LEFT))
        return
    players = share_out(piece.notes["pitch"], voices)
    for number in reversed(range(len(voices))):
        allowed = _MIDDLE if voices[number].name == "Viola" else _LOW if voices[number].lowest == 0 else _HIGH
        yield players == number, allowed


def _tempi(piece: Piece, bars: Sequence[Bar]) -> Iterator[tuple[int, float]]:
    marked = 0.0
    for index, bar in enumerate(bars):
        qpm = piece.tempo_at(bar.onset)
        if abs(qpm - marked) > _NEW_TEMPO * marked:
            marked = qpm
            yield index, qpm


def _staff(
    notes: Notes, names: Sequence[Spelled], bars: Sequence[Bar], key: Key, allowed: Sequence[clefs.State]
) -> tuple[StaffBar, ...]:
    """The bars of one staff; ``allowed``: its clefs, the usual one first."""
    grid = tiles(bars, np.unique(notes["onset"]).tolist())
    written = list(voices_of_bars(written_notes(notes, names, grid), bars, grid))
    state, staff = allowed[0], []
    places = [_places(voices, bar) for voices, bar in zip(written, bars, strict=True)]
    chosen = iter(clefs.states([place for of_bar in places for place in of_bar], allowed))
    for bar, voices, of_bar in zip(bars, written, places, strict=True):
        states = {place.onset: next(chosen) for place in of_bar}
        began = next(iter(states.values()), state)
        changes = [(time, new[0]) for (_, old), (time, new) in pairwise([(0, began), *states.items()]) if new[0] != old[0]]
        staff.append(StaffBar(began[0], _symbols(voices, bar, grid, key, {bar.start * UNITS: began} | states), tuple(changes)))
        state = list(states.values())[-1] if states else began
    return tuple(staff)


def _places(voices: Sequence[Sequence[Segment]], bar: Bar) -> list[clefs.Place]:
    """The chords of a bar and staff in order of onset, of all voices together."""
    found: dict[int, list[Spelled]] = {}
    for segment in (segment for voice in voices for segment in voice if segment.notes):
        found.setdefault(segment.start, []).extend(note.name for note in segment.notes)
    first, whole, beat = bar.start * UNITS, bar.full_start * UNITS, bar.metre.beat_ticks * UNITS
    return [
        clefs.Place(onset, tuple(found[onset]), onset == first, (onset - whole) % beat == 0, alone=len(voices) == 1)
        for onset in sorted(found)
    ]


# From voices to symbols


def _symbols(
    voices: Sequence[Sequence[Segment]], bar: Bar, grid: Sequence[Tile], key: Key, states: dict[int, clefs.State]
) -> tuple[tuple[Symbol, ...], ...]:
    """The voices of a bar with note values, accidentals, brackets, beams and stems."""
    raw = [[symbol for segment in voice for symbol in _values_of(segment, bar, grid)] for voice in voices]
    heads = [
        (symbol.value.start, v, s, h, head)
        for v, voice in enumerate(raw)
        for s, symbol in enumerate(voice)
        for h, head in enumerate(symbol.heads)
    ]
    heads.sort(key=lambda entry: entry[:4])
    shown = accidentals([(head.name, head.tied_back) for *_, head in heads], key)
    printed = {(v, s, h) for (_, v, s, h, _), show in zip(heads, shown, strict=True) if show}
    finished = []
    for v, voice in enumerate(raw):
        timed = [(symbol.value, bool(symbol.heads)) for symbol in voice]
        groups = beam_groups(timed, bar)
        symbols = [
            replace(
                symbol,
                heads=tuple(replace(head, accidental=(v, s, h) in printed) for h, head in enumerate(symbol.heads)),
                bracket=_bracket(symbol.value, grid),
                beamed=any(_is_tuplet([timed[index][0] for index in group], grid) for group in groups if s == group[0]),
                beams=beam,
                octaves=_state_at(states, symbol.value.start)[1] if symbol.heads else 0,
            )
            for s, (symbol, beam) in enumerate(zip(voice, beams(timed, groups), strict=True))
        ]
        symbols = list(_with_rests_of_tuplets(symbols, grid))
        others = [symbol.value for w, other in enumerate(raw) if w != v for symbol in other if symbol.heads]
        finished.append(tuple(_with_stems(symbols, groups, others, v == 0, states)) if len(raw) > 1 else tuple(symbols))
    return tuple(finished)


def _with_rests_of_tuplets(symbols: Sequence[Symbol], grid: Sequence[Tile]) -> Iterator[Symbol]:
    """A single note of a tuplet with all its rests: its bracket would have nothing to hold together."""
    for _, group in groupby(symbols, lambda symbol: tile_at_unit(grid, symbol.value.start)):
        of_tile = list(group)
        alone = sum(bool(symbol.heads) for symbol in of_tile) == 1 < len(of_tile)
        shown = alone and all(symbol.value.tuplet is not None for symbol in of_tile)
        yield from (replace(symbol, hidden=symbol.hidden and not shown) for symbol in of_tile)


def _state_at(states: dict[int, clefs.State], time: int) -> clefs.State:
    return [state for onset, state in states.items() if onset <= time][-1]


def _with_stems(
    symbols: list[Symbol], groups: Sequence[Sequence[int]], others: Sequence[Value], upper: bool, states: dict[int, clefs.State]
) -> Iterator[Symbol]:
    """Stems away from the other voice where that sounds, and by the middle line elsewhere."""
    stems: dict[int, str] = {}
    alone = [[index] for index in range(len(symbols)) if not any(index in group for group in groups)]
    for group in [*groups, *alone]:
        spans = [symbols[index].value for index in group]
        if any(one.start < two.start + two.length and two.start < one.start + one.length for one in spans for two in others):
            stem = "up" if upper else "down"
        else:
            clef, octaves = _state_at(states, spans[0].start)
            steps = [clefs.step(h.name) - 7 * octaves - clefs.middle_step(clef) for i in group for h in symbols[i].heads]
            stem = "up" if steps and max(steps) + min(steps) < 0 else "down"
        stems |= dict.fromkeys(group, stem)
    return (replace(symbol, stem=stems[index] if symbol.heads else "") for index, symbol in enumerate(symbols))


def _values_of(segment: Segment, bar: Bar, grid: Sequence[Tile]) -> Iterator[Symbol]:
    if not segment.notes and segment.end - segment.start == bar.length * UNITS and not bar.missing:
        yield Symbol(Value(segment.start, bar.length * UNITS, 96, 0), (), hidden=segment.hidden, whole=True)
        return
    parts = values(grid, bar, segment.start, segment.end, rest=not segment.notes)
    for index, value in enumerate(parts):
        yield Symbol(
            value,
            tuple(
                Head(
                    pitch=note.pitch,
                    name=note.name,
                    accidental=False,
                    tied_back=note.tied_back or index > 0,
                    tied_on=note.pitch in segment.on or index < len(parts) - 1,
                )
                for note in segment.notes
            ),
            hidden=segment.hidden,
        )


def _bracket(value: Value, grid: Sequence[Tile]) -> str:
    """The end of a tuplet that a value is."""
    if value.tuplet is None:
        return ""
    tile = tile_at_unit(grid, value.start)
    if value.start == tile.start * UNITS:
        return "start"
    return "stop" if value.start + value.length == (tile.start + tile.length) * UNITS else ""


def _is_tuplet(group: Sequence[Value], grid: Sequence[Tile]) -> bool:
    """Whether values under one beam are a whole tuplet."""
    tile, last = tile_at_unit(grid, group[0].start), group[-1]
    ends = last.start + last.length == (tile.start + tile.length) * UNITS
    return group[0].tuplet is not None and group[0].start == tile.start * UNITS and ends
