"""A take in one line, for the terminal."""

from __future__ import annotations

from musiclstm.generation.composition import Composition, Take


def summary(composition: Composition, take: Take) -> str:
    """Bars, notes and random seed of a take, and what else there is to know about it."""
    number = f"generated as number {take.number + 1}, " if len(composition.takes) > 1 else ""
    facts = f"{_bars(composition)}, {len(take.continuation)} notes, random seed {composition.request.random_seed}"
    loops = f"; the loop guard stepped in {take.loops} time{'' if take.loops == 1 else 's'}" if take.loops else ""
    passage = take.shared_passage
    shared = f"; shares {passage.notes} notes in a row with {passage.title}" if passage and passage.notes else ""
    return f"{number}{facts}{loops}{shared}"


def _bars(composition: Composition) -> str:
    """How many bars a continuation has, or which were written anew."""
    numbers = composition.request.numbers
    if numbers is None:
        return f"{composition.bars} bars"
    first, last = numbers
    return f"bar {first} written anew" if first == last else f"bars {first}-{last} written anew"
