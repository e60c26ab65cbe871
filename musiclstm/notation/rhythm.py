"""Bars and note values as written in scores, to and from ticks.

Written time is counted in units, 35 to the tick, so that fifths and sevenths of a beat are whole numbers too. A bar consists of
tiles, each a beat or part of one; the onsets in a tile decide whether it is divided into 1, 2, 4 or 8 parts or into a tuplet.
This module uses no file format and no score library.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from musiclstm.music import TICKS_PER_QUARTER, Metre, Piece, bar_lines, clean_metres

UNITS = 35  # of written time per tick
SHORTEST = 3  # ticks: a thirty-second note
QUARTER = TICKS_PER_QUARTER * UNITS
#: Plain note values as (ticks, dots), longest first; anything longer takes several tied notes.
PLAIN_VALUES = ((144, 1), (96, 0), (72, 1), (48, 0), (36, 1), (24, 0), (18, 1), (12, 0), (9, 1), (6, 0), (3, 0))
_TUPLET_VALUES = ((8, 0), (6, 1), (4, 0), (3, 1), (2, 0), (1, 0))  # as multiples of the tuplet's unit
#: How hard a beat divided into this many parts is to read, weighed against ticks of error and notes that coincide.
_DIVISION_COST = {1: 0.0, 2: 1.0, 4: 2.0, 3: 2.5, 8: 5.0, 6: 5.0, 5: 7.0, 7: 8.0, 12: 8.0}
_ERROR_COST, _MERGE_COST = 1.5, 2.5
_ALMOST = 2 * SHORTEST  # ticks: a note that ends a sixteenth before a bar line is held to it


@dataclass(frozen=True)
class WrittenBar:
    """A bar in a score: where it starts (ticks), and its time signature."""

    start: int
    numerator: int
    denominator: int

    @property
    def nominal(self) -> int:
        """The length that the time signature calls for, in ticks."""
        return Metre(0, self.numerator, self.denominator).bar_ticks


@dataclass(frozen=True)
class Bar:
    """A bar to write: its ``onset`` in the piece and ``start`` in written time, both in ticks; ``length`` is a multiple of 3.

    A pickup has number 0; ``missing``: how many ticks it lacks at the beginning.
    """

    onset: int
    start: int
    length: int
    metre: Metre
    number: int = 1
    missing: int = 0

    @property
    def end(self) -> int:
        """Where the next bar starts in written time, in ticks."""
        return self.start + self.length

    @property
    def full_start(self) -> int:
        """Where the bar would start if it were complete, in ticks: beats count from there."""
        return self.start - self.missing


@dataclass(frozen=True)
class Tile:
    """A section of a bar with one division: ``parts`` equal steps, a tuplet unless that is a power of two.

    ``onset`` and ``start`` as in Bar; ``length`` in ticks; ``parts`` steps take the time of ``normal`` ones.
    """

    onset: int
    start: int
    length: int
    parts: int = 1
    normal: int = 1

    @property
    def step(self) -> int:
        """One part, in units."""
        return self.length * UNITS // self.parts


@dataclass(frozen=True)
class Value:
    """A written note value: sounding ``length`` in units, and ``plain`` in ticks before ``dots`` and ``tuplet`` apply."""

    start: int
    length: int
    plain: int
    dots: int
    tuplet: tuple[int, int] | None = None


def unmarked_bar(start: int, length: int) -> WrittenBar:
    """A bar of ``length`` ticks for which no time signature is given, with the one that it fills."""
    metre = _metre_of_length(start, max(SHORTEST, round(length / SHORTEST) * SHORTEST), 4)
    return WrittenBar(start, metre.numerator, metre.denominator)


def metres_of_bars(bars: Sequence[WrittenBar]) -> tuple[int, tuple[Metre, ...]]:
    """The shift in ticks that makes bar 1 complete, and the time signatures that reproduce these bar lines.

    A short first bar is a pickup, unless it and the next fill one bar of several. Short bars that together fill one, as around
    repeat signs, become one bar; others get a time signature of their own length.
    """
    if not bars:
        return 0, clean_metres([])
    lengths = [after.start - bar.start for bar, after in pairwise(bars)] + [bars[-1].nominal]
    parted = len(bars) > 2 and sum(lengths[:2]) == bars[0].nominal  # by a double bar or a repeat sign
    pickup = len(bars) > 1 and lengths[0] < bars[0].nominal and not parted
    shift = bars[0].nominal - lengths[0] - bars[0].start if pickup else -bars[0].start
    metres = [Metre(0, bars[0].numerator, bars[0].denominator)] if pickup else []
    index = 1 if pickup else 0
    while index < len(bars):
        bar, following = bars[index], index + 1
        length = lengths[index]
        while length < bar.nominal and following < len(bars) and length + lengths[following] <= bar.nominal:
            length, following = length + lengths[following], following + 1
        if length < bar.nominal:  # the parts do not fill a bar: keep them apart
            length, following = lengths[index], index + 1
        metres += _metres_of_bar(bar, length, bar.start + shift)
        index = following
    return shift, clean_metres(metres)


def _metres_of_bar(bar: WrittenBar, length: int, onset: int) -> list[Metre]:
    """Time signatures for a bar of ``length`` ticks: one, or whole bars and a remainder if it is very long."""
    whole = length // bar.nominal if length >= 2 * bar.nominal else 0
    metres = [Metre(onset, bar.numerator, bar.denominator)] if whole else []
    rest = length - whole * bar.nominal
    if rest and rest % SHORTEST == 0:
        metres.append(_metre_of_length(onset + whole * bar.nominal, rest, bar.denominator))
    return metres


def _metre_of_length(onset: int, length: int, denominator: int) -> Metre:
    """The time signature of a bar of ``length`` ticks, a multiple of 3, over ``denominator`` if possible."""
    units = [d for d in (denominator, 4, 8, 16, 32) if length * d % (4 * TICKS_PER_QUARTER) == 0]
    return Metre(onset, length * units[0] // (4 * TICKS_PER_QUARTER), units[0])


def written_bars(piece: Piece, *, pickup: bool = True) -> list[Bar]:
    """The bars of a piece, up to the one with the last onset; more only if the last notes are held to the end of another one.

    A first bar that is silent for half its length or longer is a ``pickup``, unless all bars shall be whole. A bar that note
    values can't fill, after a metre change off the beat, becomes a tick longer or shorter and gets the time signature of that
    length.
    """
    bars: list[Bar] = []
    last = int(piece.notes["onset"][-1]) if len(piece) else 0
    lines = bar_lines(piece, max(1, piece.end)).tolist()
    lines = [line for at, line in enumerate(lines) if at == 0 or lines[at - 1] <= last or line <= piece.end + _ALMOST]
    for onset, following in pairwise(lines):
        bars.append(replace(_whole_bar(piece, onset, following), start=bars[-1].end if bars else 0, number=len(bars) + 1))
    missing = _missing(bars[0], int(piece.notes["onset"][0])) if pickup and len(bars) > 1 and len(piece) else 0
    if missing:
        first = replace(bars[0], onset=bars[0].onset + missing, length=bars[0].length - missing, missing=missing)
        bars = [replace(bar, start=max(0, bar.start - missing), number=at) for at, bar in enumerate([first, *bars[1:]])]
    return bars


def pickup_bars(piece: Piece) -> int:
    """1 if the music begins with a pickup, which is bar 0 in a score; else 0.

    So whoever reads the score calls the n-th bar of the music bar ``n - pickup_bars(piece)``.
    """
    if not len(piece):
        return 0
    begin, end = bar_lines(piece, 1).tolist()[:2]
    return int(_missing(_whole_bar(piece, begin, end), int(piece.notes["onset"][0])) > 0)


def _whole_bar(piece: Piece, onset: int, end: int) -> Bar:
    """A bar of a piece between two bar lines, with a time signature that it fills."""
    length, metre = max(SHORTEST, (end - onset + 1) // SHORTEST * SHORTEST), piece.metre_at(onset)
    if length != metre.bar_ticks:
        metre = _metre_of_length(onset, length, metre.denominator)
    return Bar(onset, onset, length, metre)


def _missing(bar: Bar, first: int) -> int:
    """The ticks that a first bar leaves out if its ``first`` note makes it a pickup; else 0."""
    if not bar.length <= 2 * first < 2 * bar.length:
        return 0
    unit = 2 * SHORTEST if first % SHORTEST == 0 else _beat(bar)  # tuplets need their whole beat
    return first // unit * unit


def _beat(bar: Bar) -> int:
    """The length of the tiles of a bar: a quarter, or an eighth in 6/8 and the like."""
    return max(SHORTEST, min(TICKS_PER_QUARTER, 4 * TICKS_PER_QUARTER // bar.metre.denominator))


def tiles(bars: Sequence[Bar], onsets: Sequence[int]) -> list[Tile]:
    """The bars cut into quarters (eighths in 6/8 and the like), each divided to fit the sorted ``onsets`` (ticks)."""
    found: list[Tile] = []
    for bar in bars:
        usual = _beat(bar)
        edges = [bar.missing, *range(bar.missing // usual * usual + usual, bar.missing + bar.length, usual)]
        for at, following in pairwise([*edges, bar.missing + bar.length]):
            found.append(Tile(bar.onset - bar.missing + at, bar.full_start + at, following - at))
    edges = [*(tile.onset for tile in found[1:]), 1 << 40]
    divided, index = [], 0
    for tile, edge in zip(found, edges, strict=True):
        inside = []
        while index < len(onsets) and onsets[index] < edge:
            inside.append(onsets[index] - tile.onset)
            index += 1
        next_is_struck = index < len(onsets) and onsets[index] == edge
        parts, normal = _division(tile.length, tuple(dict.fromkeys(inside)), next_is_struck)
        divided.append(Tile(tile.onset, tile.start, tile.length, parts, normal))
    return divided


@lru_cache(maxsize=4096)
def _division(length: int, onsets: tuple[int, ...], next_is_struck: bool) -> tuple[int, int]:
    """(parts, normal) of the division that is easiest to read for onsets at these ticks of a tile."""
    if length not in (3, 6, 12, 24):
        return length // SHORTEST, length // SHORTEST
    best, least = (1, 1), float("inf")
    for parts, reading in _DIVISION_COST.items():
        normal = 1 << parts.bit_length() - 1
        if length // normal < SHORTEST:
            continue
        ticks = [_nearest(length, parts, onset) for onset in onsets]
        error = sum(abs(onset - _tick(length, parts, k)) for onset, k in zip(onsets, ticks, strict=True))
        merged = len(ticks) - len(set(ticks)) + (next_is_struck and parts in ticks)
        cost = reading + _ERROR_COST * error + _MERGE_COST * merged
        if cost < least:
            best, least = (parts, normal), cost
    return best


def _tick(length: int, parts: int, k: int) -> int:
    return (2 * k * length + parts) // (2 * parts)


def _nearest(length: int, parts: int, tick: int, upwards: bool = False) -> int:
    """The step of a tile, 0 to ``parts``, that is nearest to ``tick``."""
    return min(range(parts + 1), key=lambda k: (abs(tick - _tick(length, parts, k)), -k if upwards else k))


def snap_onset(grid: Sequence[Tile], tick: int) -> int:
    """The written onset, in units, of a note struck at ``tick``."""
    tile = _tile_at(grid, tick)
    return tile.start * UNITS + _nearest(tile.length, tile.parts, tick - tile.onset) * tile.step


def snap_end(grid: Sequence[Tile], tick: int, onset: int) -> int:
    """The written end of a note released at ``tick``: at least one step after its written ``onset``, both in units."""
    tile = _tile_at(grid, tick)
    if tile.parts == 1 and tile.length >= 2 * SHORTEST and tile.length % (2 * SHORTEST) == 0:
        tile = Tile(tile.onset, tile.start, tile.length, 2, 2)
    end = tile.start * UNITS + _nearest(tile.length, tile.parts, tick - tile.onset, upwards=True) * tile.step
    return max(end, onset + tile_at_unit(grid, onset).step)


def _tile_at(grid: Sequence[Tile], tick: int) -> Tile:
    return grid[max(0, bisect_right(grid, tick, key=lambda tile: tile.onset) - 1)]


def tile_at_unit(grid: Sequence[Tile], unit: int) -> Tile:
    """The tile that contains a point of written time."""
    return grid[max(0, bisect_right(grid, unit, key=lambda tile: tile.start * UNITS) - 1)]


def values(grid: Sequence[Tile], bar: Bar, start: int, end: int, rest: bool = False) -> list[Value]:
    """The tied note values, or rests, that fill ``start`` to ``end`` (units, within ``bar``)."""
    found: list[Value] = []
    while start < end:
        tile = tile_at_unit(grid, start)
        first, last = tile.start * UNITS, (tile.start + tile.length) * UNITS
        if tile.parts != tile.normal and (start > first or end < last):
            stop = min(end, last)
            found += _tuplet_values(tile, start, stop)
        else:
            stop = last
            while stop < end and not _cut_by(following := tile_at_unit(grid, stop), end):
                stop = (following.start + following.length) * UNITS
            stop = min(stop, end)
            found += _plain_values(bar, start, stop, rest)
        start = stop
    return found


def _cut_by(tile: Tile, end: int) -> bool:
    return tile.parts != tile.normal and end < (tile.start + tile.length) * UNITS


def _tuplet_values(tile: Tile, start: int, end: int) -> list[Value]:
    found: list[Value] = []
    while start < end:
        steps = (end - start) // tile.step
        count, dots = next(v for v in _TUPLET_VALUES if v[0] <= steps)
        plain = tile.length // tile.normal * (count * 2 // 3 if dots else count)
        found.append(Value(start, count * tile.step, plain, dots, (tile.parts, tile.normal)))
        start += count * tile.step
    return found


def _plain_values(bar: Bar, start: int, end: int, rest: bool) -> list[Value]:
    found: list[Value] = []
    at, stop = start // UNITS - bar.full_start, end // UNITS - bar.full_start
    while at < stop:
        ticks, dots = next(v for v in PLAIN_VALUES if v[0] <= stop - at and _may_stand(at, stop, v, bar, rest))
        found.append(Value((bar.full_start + at) * UNITS, ticks * UNITS, ticks * 2 // 3 if dots else ticks, dots))
        at += ticks
    return found


def _may_stand(at: int, stop: int, value: tuple[int, int], bar: Bar, rest: bool) -> bool:
    """Whether a plain value may stand ``at`` ticks into the bar, in a note up to ``stop``, without hiding the beats."""
    ticks, dots = value
    if ticks == SHORTEST or (at == bar.missing and ticks == bar.length):
        return True
    beat = bar.metre.beat_ticks
    within, three = at % beat, beat % 9 == 0  # whether the beat has three parts
    if rest:
        half = three and 2 * ticks == beat and within % ticks == 0 == (stop - at) % ticks  # of a dotted beat
        return half or (at % ticks == 0 and ((beat % ticks == 0 and not dots) or (ticks % beat == 0 and bool(dots) == three)))
    if within + ticks > beat:
        syncopation = 2 * within == beat and at + beat == stop  # eighth, quarter, eighth
        return (within == 0 and (ticks % beat == 0 or 2 * ticks == 3 * beat)) or (syncopation and ticks == beat and not three)
    if three and (within == 0 or within + ticks == beat):
        return True
    if dots:
        return within % (ticks * 4 // 3) == 0 or (within + ticks) % (ticks * 4 // 3) == 0
    return within % ticks == 0 or (2 * within - ticks) % (4 * ticks) == 0
