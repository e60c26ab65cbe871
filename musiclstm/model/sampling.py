"""From logits to a choice: temperature, top-p, and one sample.

All functions are made of ``keras.ops`` and get their randomness as numbers in [0, 1), which the caller draws from one explicit
generator. So the same code runs on plain arrays and inside the decoder's compiled loop. B is the number of takes.
"""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any
_NEVER = -1e9


def mask(logits: Tensor, legal: Tensor) -> Tensor:
    """Logits [B, V] where classes that are not ``legal`` [B, V] can't be sampled."""
    return ops.where(legal, logits, _NEVER)


def heated(logits: Tensor, temperature: Tensor) -> Tensor:
    """Logits [B, V] divided by ``temperature`` [B], which is above 0."""
    return ops.cast(logits, "float32") / ops.expand_dims(temperature, 1)


def nucleus(logits: Tensor, share: Tensor) -> Tensor:
    """Logits [B, V] of the likeliest classes that together hold ``share`` [B], 0..1]; the others can't be sampled.

    The likeliest class always stays (top-p sampling, Holtzman et al., 2020).
    """
    probabilities = ops.softmax(logits, axis=-1)
    # The share held by likelier classes, compared pairwise: for a hundred classes cheaper than a sort.
    likelier = ops.expand_dims(probabilities, 1) > ops.expand_dims(probabilities, 2)
    before = ops.sum(ops.where(likelier, ops.expand_dims(probabilities, 1), 0.0), axis=2)
    return mask(logits, before < ops.expand_dims(share, 1))


def sample(logits: Tensor, uniform: Tensor) -> Tensor:
    """One class for each take [B] int32, from logits [B, V] and ``uniform`` [B] in [0, 1).

    Inverts the cumulative distribution, so nearby random numbers give the same or a nearby class.
    """
    cumulative = ops.cumsum(ops.softmax(logits, axis=-1), axis=1)
    # Rounding may lift the last product to the total itself; the bound keeps the choice inside the classes that can be sampled.
    chosen = ops.minimum(ops.expand_dims(uniform, 1) * cumulative[:, -1:], cumulative[:, -1:] * (1 - 1e-6))
    return ops.cast(ops.sum(ops.cast(cumulative <= chosen, "int32"), axis=1), "int32")
