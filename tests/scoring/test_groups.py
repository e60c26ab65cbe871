"""Means, spreads and counts of groups are those that NumPy gives for each group."""

from __future__ import annotations

import numpy as np
import pytest

from musiclstm.scoring.groups import Groups, cosines, lengths, limits, mean_row, within

RNG = np.random.default_rng(3)
SAMPLES = [RNG.integers(-60, 60, size) for size in (77, 1, 5, 130)]
GROUPS = Groups(np.repeat([0, 1, 3, 4], [77, 1, 5, 130]), 5)  # the third one is empty
VALUES = np.concatenate(SAMPLES)


def expected(statistic: object) -> np.ndarray:
    """What ``statistic`` gives for each sample, and 0 for the empty one."""
    assert callable(statistic)
    values = [float(statistic(sample)) for sample in SAMPLES]
    return np.array([*values[:2], 0.0, *values[2:]])


def entropy(sample: np.ndarray) -> float:
    shares = np.unique(sample, return_counts=True)[1] / len(sample)
    return float(-(shares * np.log2(shares)).sum())


def test_each_group_has_its_own_statistics_and_an_empty_one_has_0() -> None:
    assert GROUPS.sizes.tolist() == [77, 1, 0, 5, 130]
    assert GROUPS.sum(VALUES) == pytest.approx(expected(np.sum))
    assert GROUPS.mean(VALUES) == pytest.approx(expected(np.mean))
    assert GROUPS.mean(VALUES > 7) == pytest.approx(expected(lambda sample: (sample > 7).mean()))
    assert GROUPS.spread(VALUES) == pytest.approx(expected(np.std))
    assert GROUPS.different(VALUES) == pytest.approx(expected(lambda sample: len(np.unique(sample))))
    assert GROUPS.entropy(VALUES) == pytest.approx(expected(entropy))
    some = VALUES > 0
    assert GROUPS.those(some).mean(VALUES[some]) == pytest.approx(expected(lambda x: x[x > 0].mean() if (x > 0).any() else 0.0))


def test_neighbours_are_never_of_two_groups() -> None:
    assert GROUPS.pairs.sizes.tolist() == [76, 0, 0, 4, 129]
    assert GROUPS.moves(VALUES).tolist() == np.concatenate([np.diff(sample) for sample in SAMPLES]).tolist()
    assert (GROUPS.latter(VALUES) - GROUPS.former(VALUES)).tolist() == GROUPS.moves(VALUES).tolist()


def test_the_ends_and_extremes_of_full_groups() -> None:
    full = Groups(np.array([0, 0, 1, 2, 2, 2]), 3)
    values = np.array([4, 9, -1, 5, 3, 6])
    assert (full.first.tolist(), full.last.tolist()) == ([0, 2, 3], [1, 2, 5])
    assert (full.largest(values).tolist(), full.smallest(values).tolist()) == ([9, -1, 6], [4, -1, 3])


def test_nothing_at_all() -> None:
    nothing = Groups(np.zeros(0, int), 2)
    none = np.zeros(0, int)
    for found in (nothing.mean(none), nothing.spread(none), nothing.different(none), nothing.entropy(none)):
        assert found.tolist() == [0.0, 0.0]
    assert limits(none, none) == (0, 0)
    assert mean_row(np.zeros((2, 0))).tolist() == [0.0, 0.0]
    some, others = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]])
    assert cosines(some, others, lengths(some) * lengths(others)).tolist() == [0.0, 1.0]


def test_values_are_cut_off_on_both_sides() -> None:
    assert within(VALUES, 12).tolist() == np.clip(VALUES, -12, 12).tolist()
