"""Bootstrap samples draw works, so many passages of one work do not make an interval narrow."""

from __future__ import annotations

import numpy as np
import pytest

from musiclstm.evaluation.resampling import middle_95, work_weights


def test_passages_of_one_work_come_and_go_together() -> None:
    weights = work_weights(["a", "b", "a", "c", "b", "d", "e"], 500, np.random.default_rng(1))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3, 5, 6]].sum(axis=1) == 5).all()
    assert weights.mean(axis=0) == pytest.approx([1.0] * 7, abs=0.1)


def test_many_passages_of_few_works_leave_a_wide_interval() -> None:
    value, rng = np.repeat([0.0, 1.0, 0.0, 1.0, 0.5], 20), np.random.default_rng(1)
    widths = []
    for works in (np.repeat(list("abcde"), 20).tolist(), [str(number) for number in range(100)]):
        weights = work_weights(works, 2000, rng)
        low, high = middle_95(weights @ value / weights.sum(axis=1))
        widths.append(high - low)
    assert widths[0] > 0.7
    assert widths[1] == pytest.approx(2 * 1.96 * value.std() / 10, abs=0.03)


def test_without_samples_there_is_no_interval() -> None:
    assert np.isnan(middle_95(np.zeros(0))).all()


def test_few_works_give_no_samples() -> None:
    assert work_weights(list("aabbcd"), 100, np.random.default_rng(1)).shape == (0, 6)
