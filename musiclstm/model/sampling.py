"""From logits to a choice: temperature, top-p, legality and the loop guard.

All functions are made of ``keras.ops`` and take their randomness as numbers in [0, 1), drawn by the caller from one explicit
generator; so the same code runs on plain arrays and inside the decoder's compiled loop. B lanes at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any
_NEVER = -1e9


@dataclass(frozen=True)
class LoopGuard:
    """When a repetition counts as a loop, and how hard it is left.

    A period of p rows is a loop once it has been written ``periods`` + 1 times and ``fewest`` rows of it repeat. A phrase, a
    period of ``phrase`` rows or more, may come twice: once ``returns`` times its length is copied it has begun a third time, and
    is a loop. (Of people's notes 1.4 % stand in the one, 0.4 % more in the other: benchmarks/guard.py.) A single passage that is
    copied for ``longest`` rows, whatever its period, counts too. From then on suggestions are withheld, each further guarded note
    multiplies the temperature by ``heat`` up to ``hottest``, and lowers the logit of the note that would continue the period by
    ``reluctance`` more: sooner or later every loop is left.
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


def mask(logits: Tensor, legal: Tensor) -> Tensor:
    """Logits [B, V] with those not ``legal`` [B, V] put out of reach."""
    return ops.where(legal, logits, _NEVER)


def choose(logits: Tensor, uniform: Tensor, temperature: Tensor, top_p: Tensor) -> Tensor:
    """Sample one class per lane: [B] int32 from ``logits`` [B, V].

    ``uniform`` [B] in [0, 1); ``temperature`` [B] above 0 divides the logits; ``top_p`` (scalar, 0..1] keeps the likeliest
    classes that together hold this share. The likeliest class always stays. The choice inverts the cumulative distribution,
    so nearby random numbers give the same or a nearby class.
    """
    scaled = ops.cast(logits, "float32") / ops.expand_dims(temperature, 1)
    probabilities = ops.softmax(scaled, axis=-1)
    # The share held by likelier classes, compared pairwise: for a hundred classes cheaper than a sort.
    likelier = ops.expand_dims(probabilities, 1) > ops.expand_dims(probabilities, 2)
    before = ops.sum(ops.where(likelier, ops.expand_dims(probabilities, 1), 0.0), axis=2)
    kept = ops.where((before < top_p) & (scaled > _NEVER / 10), probabilities, 0.0)
    cumulative = ops.cumsum(kept, axis=1)
    # Rounding may lift the last product to the total itself; the bound keeps the choice inside the kept classes.
    share = ops.minimum(ops.expand_dims(uniform, 1) * cumulative[:, -1:], cumulative[:, -1:] * (1 - 1e-6))
    return ops.cast(ops.sum(ops.cast(cumulative <= share, "int32"), axis=1), "int32")


def is_looping(exact: Tensor, relative: Tensor, guard: LoopGuard = GUARD) -> tuple[Tensor, Tensor]:
    """Whether each lane goes in circles [B] bool, and the slot [B] int32 at which the period's last round stands.

    ``exact`` and ``relative`` [B, slots] are the match lengths of ``context``: rows for which the past, ending at that slot,
    agrees with the present, which stands in the last slot. A relative match, a pattern climbing by steps, may run twice as long.
    """
    slots = exact.shape[1]
    period = slots - 1 - ops.arange(slots, dtype="int32")

    def loops(match: Tensor, periods: int) -> Tensor:
        # A pattern that climbs may run as much longer, whether it is a figure or a phrase.
        returns = int(4 * guard.returns) * periods // guard.periods
        needed = ops.where(period >= guard.phrase, returns * period // 4, periods * period)
        enough = (match >= needed) & (match >= guard.fewest) & (period > 0)
        return enough | (match >= guard.longest)

    at_pitch, climbing = loops(exact, guard.periods), loops(relative, 2 * guard.periods)
    found = ops.where(at_pitch, 2 * slots, 0) + ops.where(climbing, slots, 0)
    best = ops.argmax(found + ops.where(found > 0, slots - period, 0), axis=1)
    return ops.max(found, axis=1) > 0, ops.cast(best, "int32")


def guarded_temperature(temperature: Tensor, guarded: Tensor, guard: LoopGuard = GUARD) -> Tensor:
    """Temperature [B] after ``guarded`` [B] notes in a row under the guard."""
    return temperature * ops.minimum(guard.heat ** ops.cast(guarded, "float32"), guard.hottest)


def reluctant(logits: Tensor, expected: Tensor, guarded: Tensor, guard: LoopGuard = GUARD) -> Tensor:
    """Logits [B, V] with the class ``expected`` [B], which would continue the loop, lowered; -1 expects nothing."""
    here = ops.expand_dims(expected, 1) == ops.arange(logits.shape[1], dtype="int32")
    return logits - ops.where(here, guard.reluctance * ops.expand_dims(ops.cast(guarded, "float32"), 1), 0.0)
