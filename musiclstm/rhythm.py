"""Bars and note values as people write them, to and from ticks.

This file knows no file format and no library of scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from musiclstm.notes import TICKS_PER_QUARTER, Metre, clean_metres


@dataclass(frozen=True)
class WrittenBar:
    """A measure as written: where it starts (ticks) and the time signature that holds there."""

    start: int
    numerator: int
    denominator: int

    @property
    def nominal(self) -> int:
        """What the time signature promises, in ticks."""
        return Metre(0, self.numerator, self.denominator).bar_ticks


def metres_of_bars(bars: Sequence[WrittenBar]) -> tuple[int, tuple[Metre, ...]]:
    """How far the music must move so that bar 1 is whole (ticks), and the time signatures that give these bars their lines.

    A short first bar is a pickup. Short bars that together fill one, as around repeat signs, become one bar; others get a time
    signature of their own length.
    """
    if not bars:
        return 0, clean_metres([])
    lengths = [after.start - bar.start for bar, after in pairwise(bars)] + [bars[-1].nominal]
    pickup = len(bars) > 1 and lengths[0] < bars[0].nominal
    shift = bars[0].nominal - lengths[0] - bars[0].start if pickup else -bars[0].start
    metres = [Metre(0, bars[0].numerator, bars[0].denominator)] if pickup else []
    index = 1 if pickup else 0
    while index < len(bars):
        bar, following = bars[index], index + 1
        length = lengths[index]
        while length < bar.nominal and following < len(bars) and length + lengths[following] <= bar.nominal:
            length, following = length + lengths[following], following + 1
        if length < bar.nominal:  # the pieces do not fill a bar: keep them apart
            length, following = lengths[index], index + 1
        metres += _metres_of_bar(bar, length, bar.start + shift)
        index = following
    return shift, clean_metres(metres)


def _metres_of_bar(bar: WrittenBar, length: int, onset: int) -> list[Metre]:
    """Time signatures that make a bar of ``length`` ticks: one, or whole bars and a rest of one where it is very long."""
    whole = length // bar.nominal if length >= 2 * bar.nominal else 0
    metres = [Metre(onset, bar.numerator, bar.denominator)] if whole or length == bar.nominal else []
    rest = length - whole * bar.nominal
    if rest and length != bar.nominal:
        for denominator in sorted({bar.denominator, 4, 8, 16, 32}, key=lambda d: (d != bar.denominator, d)):
            numerator, remainder = divmod(rest * denominator, 4 * TICKS_PER_QUARTER)
            if not remainder:
                metres.append(Metre(onset + whole * bar.nominal, numerator, denominator))
                break
    return metres
