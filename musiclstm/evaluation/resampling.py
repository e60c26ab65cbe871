"""Bootstrap samples that draw works: passages of one work are alike, so drawing passages would make intervals too narrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEWEST_WORKS = 5

Floats = NDArray[np.float64]


def work_weights(works: Sequence[str], samples: int, rng: np.random.Generator) -> Floats:
    """How often each of n passages counts [samples, n] if its works are drawn with replacement; ``works`` are those of each.

    No samples for fewer than FEWEST_WORKS works: they can't say how much works differ.
    """
    names, work = np.unique(np.asarray(works), return_inverse=True)
    samples = samples if len(names) >= FEWEST_WORKS else 0
    drawn = rng.multinomial(len(names), np.full(len(names), 1.0 / len(names)), size=samples)
    return drawn[:, work].astype(np.float64)


def middle_95(samples: Floats) -> tuple[float, float]:
    """The interval that holds the middle 95 % of bootstrap ``samples``; NaN without any."""
    low, high = np.percentile(samples, (2.5, 97.5)).tolist() if len(samples) else (float("nan"), float("nan"))
    return low, high
