"""Means, spreads and counts of short arrays are those of NumPy."""

from __future__ import annotations

import numpy as np

from musiclstm.scoring.short_arrays import begins, cosines, lengths, mean_of, moves, spread_of, within


def test_means_and_cosines_of_nothing_are_0() -> None:
    assert mean_of(np.zeros(0)) == 0.0
    some, others = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]])
    assert cosines(some, others, lengths(some) * lengths(others)).tolist() == [0.0, 1.0]


def test_short_ways_give_what_numpys_give_to_the_last_digit() -> None:
    rng = np.random.default_rng(3)
    for values in (rng.integers(-60, 60, 77), rng.normal(size=130), np.array([5]), np.array([0.1, 0.1, 0.7])):
        assert mean_of(values) == values.mean()
        assert spread_of(values) == values.std()
        assert moves(values).tolist() == np.diff(values).tolist()
    whole = rng.integers(-60, 60, 77)
    assert within(whole, 12).tolist() == np.clip(whole, -12, 12).tolist()
    assert begins(np.array([4, 4, 0, 0, 7])).tolist() == [0, 2, 4]
    assert begins(np.array([9])).tolist() == [0]
