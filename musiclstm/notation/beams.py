"""Beams as publishers set them: by the beat; plain eighths by the half bar, and by the bar in three-four."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from musiclstm.music import TICKS_PER_QUARTER
from musiclstm.notation.rhythm import UNITS, Bar, Value

_BEAMS = {12: 1, 6: 2, 3: 3}  # by plain value in ticks
_EIGHTH = TICKS_PER_QUARTER // 2


def beam_groups(voice: Sequence[tuple[Value, bool]], bar: Bar) -> list[list[int]]:
    """The places in a voice that share a beam. ``voice``: the values of a bar, and whether each has notes."""
    larger = beat = _beat(bar)
    if beat == TICKS_PER_QUARTER and bar.metre.bar_ticks % (2 * beat) == 0:
        larger = 2 * beat
    elif beat == TICKS_PER_QUARTER and bar.metre.bar_ticks == 3 * beat:
        larger = 3 * beat

    def place(index: int) -> int:
        return voice[index][0].start // UNITS - bar.full_start

    beamed = [sounds and value.plain in _BEAMS for value, sounds in voice]
    groups: list[list[int]] = []
    for key, group in groupby(range(len(voice)), key=lambda i: (beamed[i], place(i) // larger)):
        if not key[0]:
            continue
        members = list(group)
        plain = all(voice[i][0].length == _EIGHTH * UNITS and voice[i][0].tuplet is None for i in members)
        if plain and len(members) * _EIGHTH == larger:
            groups.append(members)
        else:
            groups += [list(part) for _, part in groupby(members, key=lambda i: place(i) // beat)]
    return [group for group in groups if len(group) > 1]  # a single note keeps its flags


def _beat(bar: Bar) -> int:
    """What one beam joins, in ticks: a quarter, or a dotted note in 6/8, 3/8, 9/16 and the like."""
    if bar.metre.beat_ticks % 9 == 0:
        return bar.metre.beat_ticks
    return bar.metre.bar_ticks if bar.metre.bar_ticks == 3 * _EIGHTH else TICKS_PER_QUARTER


def beams(voice: Sequence[tuple[Value, bool]], groups: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    """The beams of every value: "start", "continue", "stop", "partial-left" or "partial-right", the outermost first."""
    found: list[tuple[str, ...]] = [()] * len(voice)
    for group in groups:
        counts = [_BEAMS[voice[index][0].plain] for index in group]
        for index, before, own, after in zip(group, [0, *counts], counts, [*counts[1:], 0], strict=False):
            found[index] = tuple(_beam(level, before, after) for level in range(1, own + 1))
    return found


def _beam(level: int, before: int, after: int) -> str:
    if level <= before:
        return "continue" if level <= after else "stop"
    if level <= after:
        return "start"
    return "partial-left" if before else "partial-right"
