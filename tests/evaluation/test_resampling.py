"""Bootstrap samples draw works, so many passages of one work do not make an interval narrow."""

from __future__ import annotations

import numpy as np
import pytest

from musiclstm.evaluation.resampling import middle_95, work_weights


def test_passages_of_one_work_come_and_go_together() -> None:
    weights = work_weights(["a", "b", "a", "c", "b"], 500, np.random.default_rng(1))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights.mean(axis=0) == pytest.approx([1.0] * 5, abs=0.1)


def test_many_passages_of_few_works_leave_a_wide_interval() -> None:
    value, rng = np.repeat([0.0, 1.0, 0.0, 1.0], 25), np.random.default_rng(1)
    widths = []
    for works in (np.repeat(list("abcd"), 25).tolist(), [str(number) for number in range(100)]):
        weights = work_weights(works, 2000, rng)
        low, high = middle_95(weights @ value / weights.sum(axis=1))
        widths.append(high - low)
    assert widths[0] > 0.9
    assert widths[1] == pytest.approx(2 * 1.96 * 0.05, abs=0.03)  # of a share of one half of 100


def test_without_samples_there_is_no_interval() -> None:
    assert np.isnan(middle_95(np.zeros(0))).all()
