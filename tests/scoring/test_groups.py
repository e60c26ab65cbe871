"""Means, spreads and counts of groups are those that NumPy gives for each group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from musiclstm.scoring.groups import MOST_COLUMNS, Groups, begins, cosines, either, kinds_of, lengths, mean_row, within

RNG = np.random.default_rng(3)
SAMPLES = [RNG.integers(-60, 60, size) for size in (77, 1, 5, 130)]
GROUPS = Groups(np.repeat([0, 1, 3, 4], [77, 1, 5, 130]), 5)  # the third one is empty
VALUES = np.concatenate(SAMPLES)


def expected(statistic: Callable[[np.ndarray], float]) -> np.ndarray:
    """What ``statistic`` gives for each sample, and 0 for the empty one."""
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
    kinds, width = kinds_of(none, none)
    assert ([each.tolist() for each in kinds], width) == ([[], []], 1)
    assert mean_row(np.zeros((2, 0))).tolist() == [0.0, 0.0]
    some, others = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [2.0, 0.0]])
    assert cosines(some, others, lengths(some) * lengths(others)).tolist() == [0.0, 1.0]


def test_a_table_has_no_column_for_each_number_between_values_that_lie_far_apart() -> None:
    for factor in (1, MOST_COLUMNS):
        (some, others), width = kinds_of(np.array([7, 9, 7]) * factor, np.array([8, 9]) * factor)
        assert width == 3
        assert (some.tolist(), others.tolist()) == ([0, 2, 0], [1, 2])
    far = np.where(np.arange(len(VALUES)) == 0, 10**9, VALUES)
    assert GROUPS.entropy(far)[1:] == pytest.approx(GROUPS.entropy(VALUES)[1:])


def test_runs_and_either_of_two() -> None:
    assert begins(np.array([4, 4, 0, 0, 7])).tolist() == [0, 2, 4]
    assert begins(np.array([9])).tolist() == [0]
    assert either(np.array([1, 2, 11, 0]), 1, 11).tolist() == [True, False, True, False]


def test_values_are_cut_off_on_both_sides() -> None:
    assert within(VALUES, 12).tolist() == np.clip(VALUES, -12, 12).tolist()
