"""The loop guard: when music goes round in circles, and how it gets out.

B is the number of takes. The match lengths come from ``features``: at each slot of the past, how many rows up to it agree with
the latest rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any


@dataclass(frozen=True)
class LoopGuard:
    """When a repetition counts as a loop, and how hard the guard pushes out of it.

    A period of p rows is a loop once it has been written ``periods`` + 1 times and at least ``fewest`` rows repeat. A phrase, a
    period of ``phrase`` rows or more, may come twice: once ``returns`` times its length is copied it has begun a third time and
    is a loop. (Composers' own notes stand in the first kind 1.4 % of the time, in the second 0.4 %: benchmarks/guard.py.) Any
    passage copied for ``longest`` rows counts too. While a loop lasts, the suggestions are hidden. Each guarded note multiplies
    the temperature by ``heat``, up to ``hottest``, and lowers the logit of the note that would continue the loop by
    ``reluctance``. So every loop ends sooner or later.
    """

    periods: int = 3
    phrase: int = 24
    returns: float = 1.25
    fewest: int = 16
    longest: int = 96
    heat: float = 1.1
    hottest: float = 1.6
    reluctance: float = 0.5


GUARD = LoopGuard()


def is_looping(exact: Tensor, relative: Tensor, guard: LoopGuard = GUARD) -> tuple[Tensor, Tensor]:
    """Whether each take is in a loop [B] bool, and the slot [B] int32 at which the loop's previous round ends.

    ``exact`` and ``relative`` [B, slots] are the match lengths of ``features``; the last slot is the present. A relative match, a
    pattern that climbs or falls, may run twice as long.
    """
    slots = exact.shape[1]
    period = slots - 1 - ops.arange(slots, dtype="int32")

    def loops(match: Tensor, periods: int) -> Tensor:
        # A climbing pattern gets the same extra room, whether it is a figure or a phrase.
        returns = int(4 * guard.returns) * periods // guard.periods
        needed = ops.where(period >= guard.phrase, returns * period // 4, periods * period)
        enough = (match >= needed) & (match >= guard.fewest) & (period > 0)
        return enough | (match >= guard.longest)

    at_pitch, climbing = loops(exact, guard.periods), loops(relative, 2 * guard.periods)
    found = ops.where(at_pitch, 2 * slots, 0) + ops.where(climbing, slots, 0)
    best = ops.argmax(found + ops.where(found > 0, slots - period, 0), axis=1)
    return ops.max(found, axis=1) > 0, ops.cast(best, "int32")


def next_in_loop(state: dict[str, Tensor], slot: Tensor) -> Tensor:
    """The pitch [B] that would continue the loop whose previous round ends at ``slot`` [B]: the same, or the same interval on."""
    slots = ops.arange(state["pitch"].shape[1], dtype="int32")

    def at(name: str, slot: Tensor) -> Tensor:
        return ops.sum(ops.where(slots == ops.expand_dims(slot, 1), state[name], 0), axis=1)

    climbing = state["pitch"][:, -1] + at("interval", slot + 1)
    return ops.where(at("exact", slot) > 0, at("pitch", slot + 1), climbing)


def guarded_temperature(temperature: Tensor, guarded: Tensor, guard: LoopGuard = GUARD) -> Tensor:
    """Temperature [B] after ``guarded`` [B] notes in a row under the guard."""
    return temperature * ops.minimum(guard.heat ** ops.cast(guarded, "float32"), guard.hottest)


def reluctant(logits: Tensor, expected: Tensor, guarded: Tensor, guard: LoopGuard = GUARD) -> Tensor:
    """Logits [B, V] with a lower value for the class ``expected`` [B] that would continue the loop; -1 expects nothing."""
    here = ops.expand_dims(expected, 1) == ops.arange(logits.shape[1], dtype="int32")
    return logits - ops.where(here, guard.reluctance * ops.expand_dims(ops.cast(guarded, "float32"), 1), 0.0)
