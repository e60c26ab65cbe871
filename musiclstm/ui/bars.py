"""Bars of a take that a visitor chose or locked: which they are, and what is done with them. No widgets here.

Bars count from 1 in opening and continuation together, a pickup too; in words that is bar 0, as in a score. A note belongs to
the bar in which it begins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.generation import (
    MAX_RANDOM_SEED,
    ComposeRequest,
    Composition,
    Deletion,
    Edit,
    edited,
    regeneration_request,
    require_shallow,
    require_written,
)
from musiclstm.music import bar_lines
from musiclstm.notation import pickup_bars
from musiclstm.sentence import Sentence, sentence
from musiclstm.ui.engine import Job
from musiclstm.ui.results import Shown

REWRITINGS = 3  # versions of bars that are written anew
Bars = tuple[int, int]  # the first and the last


def bars_in(selection: str) -> Bars | None:
    """The first and last chosen bar, as the page's script sends them; None for none."""
    try:
        first, last = json.loads(selection[:40])
    except (ValueError, TypeError):
        return None
    return (first, last) if type(first) is int and type(last) is int and 1 <= first <= last <= limits.FILE_BARS else None


def opening_bars(composition: Composition) -> int:
    """How many bars are before the continuation."""
    return len(bar_lines(composition.seed, composition.split)) - 1


def toggled(shown: Shown, chosen: Bars) -> frozenset[int]:
    """The locked bars after the visitor pressed Lock: the chosen ones too, or without them if all of them were.

    Raises OptionError if no bar of the continuation is chosen.
    """
    low, high = opening_bars(shown.composition) + 1, opening_bars(shown.composition) + shown.composition.bars
    bars = frozenset(range(max(low, chosen[0]), min(high, chosen[1]) + 1))
    if not bars:
        raise OptionError("The opening stays as it is anyway; choose bars of the continuation to lock them.")
    return shown.locked - bars if bars <= shown.locked else shown.locked | bars


def require_unlocked(shown: Shown, bars: Iterable[int], one: Sentence, many: Sentence) -> None:
    """Raise OptionError if some ``bars`` are locked: ``one`` or ``many`` of them, in words, in the place of {bars}."""
    locked = sorted(shown.locked.intersection(bars))
    if locked:
        shift = pickup_bars(shown.composition.seed)
        raise OptionError((one if len(locked) == 1 else many).template, bars=named([bar - shift for bar in locked]))


def named(bars: Sequence[int]) -> Sentence:
    """Numbers of bars in words, in order.

    >>> [str(named(bars)) for bars in ([9], [9, 10], [9, 10, 11, 14])]
    ['Bar 9', 'Bars 9 to 10', 'Bars 9 to 11 and 14']
    """
    edges = [0, *(place for place, (one, other) in enumerate(pairwise(bars), start=1) if other != one + 1), len(bars)]
    runs = [bars[begin:end] for begin, end in pairwise(edges)]
    if len(bars) == 1:
        return sentence("Bar {bars}", bars=bars[0])
    words = [sentence("{first} to {last}", first=run[0], last=run[-1]) if len(run) > 1 else Sentence(str(run[0])) for run in runs]
    listed = words[0]
    for number, word in enumerate(words[1:], start=2):
        last = number == len(words)
        listed = (
            sentence("{bars} and {last}", bars=listed, last=word) if last else sentence("{bars}, {next}", bars=listed, next=word)
        )
    return sentence("Bars {bars}", bars=listed)


def without_bars(shown: Shown, chosen: Bars, checkpoint: Checkpoint) -> tuple[Composition, frozenset[int]]:
    """The take without the chosen bars, and its locked bars, which may have moved up.

    Raises OptionError if a chosen bar is locked or in the opening, or if none of the continuation would stay.
    """
    composition, (first, last), before = shown.composition, chosen, opening_bars(shown.composition)
    if first <= before:
        number = before + 1 - pickup_bars(composition.seed)
        raise OptionError(
            "Only bars of the continuation can be deleted, from bar {bar} on; the opening stays as it is.", bar=number
        )
    require_unlocked(
        shown,
        range(first, last + 1),
        sentence("{bars} is locked: to delete these bars, unlock it first."),
        sentence("{bars} are locked: to delete these bars, unlock them first."),
    )
    deletion = Deletion(first - before, last - before)
    shorter = edited(composition, shown.take.number, deletion, checkpoint.originality)
    return shorter, frozenset(bar if bar < first else bar - deletion.bars for bar in shown.locked)


def changed_by(shown: Shown, edit: Edit, checkpoint: Checkpoint) -> Composition:
    """The take after notes were changed by hand. Raises OptionError if one of them is in a locked bar, and as ``edited`` does."""
    joined = shown.take.joined
    lines = bar_lines(joined, max((*edit.onsets, joined.end)) + 1)
    require_unlocked(
        shown,
        np.searchsorted(lines, edit.onsets, side="right").tolist(),
        sentence("{bars} is locked: to change notes there, unlock it first."),
        sentence("{bars} are locked: to change notes there, unlock them first."),
    )
    return edited(shown.composition, shown.take.number, edit, checkpoint.originality)


def rewriting(shown: Shown, chosen: Bars, random_seed: int) -> Job:
    """The job of writing the chosen bars anew in several versions; those that are locked stay.

    What is between locked bars is written one after the other. Raises OptionError if all bars are locked, and as
    ``regeneration_request`` does.
    """
    runs = unlocked_runs(chosen, shown.locked)
    if not runs:
        require_unlocked(
            shown,
            range(chosen[0], chosen[1] + 1),
            sentence("{bars} is locked: to have these bars written anew, unlock it first."),
            sentence("{bars} are locked: to have these bars written anew, unlock them first."),
        )

    def after_it(run: Bars) -> Callable[[Composition, int, int], ComposeRequest]:
        def request(composition: Composition, number: int, version: int) -> ComposeRequest:
            drawn = (random_seed + version) % (MAX_RANDOM_SEED + 1)
            return regeneration_request(composition, number, *run, random_seed=drawn)

        return request

    composition, bars = shown.composition, sum(last - first + 1 for first, last in runs)
    if bars > limits.BARS:
        raise OptionError("Up to {most} bars can be written anew at once, not {bars}.", most=limits.BARS, bars=bars)
    # Here, not when some runs are written already.
    require_written(composition.request.written + bars)
    require_shallow(composition.recipe, len(runs))
    first, *rest = runs
    request = regeneration_request(composition, shown.take.number, *first, takes=REWRITINGS, random_seed=random_seed)
    return Job(REWRITINGS * bars, lambda _: [request], later=tuple(map(after_it, rest)), locked=shown.locked)


def unlocked_runs(chosen: Bars, locked: Iterable[int]) -> list[Bars]:
    """The chosen bars without locked ones, as runs of bars that follow each other.

    >>> unlocked_runs((9, 14), {9, 11, 12})
    [(10, 10), (13, 14)]
    """
    first, last = chosen
    stops = [first - 1, *sorted(bar for bar in set(locked) if first <= bar <= last), last + 1]
    return [(one + 1, other - 1) for one, other in pairwise(stops) if other - one > 1]
