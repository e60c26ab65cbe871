"""Means, spreads and counts of groups of different sizes, all at once: NumPy would have to be called for each group."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Values = NDArray[Any]


class Groups:
    """To which of ``k`` groups each of n values belongs: ``number`` [n] ascends. A group may be empty unless it says otherwise.

    ``values`` are always [n], and results [k]. A mean, a spread or an entropy of nothing is 0.
    """

    def __init__(self, number: Ints, k: int) -> None:
        self.number, self.k = number, k

    @cached_property
    def sizes(self) -> Floats:
        """How many values each group has."""
        return np.bincount(self.number, minlength=self.k).astype(float)

    @cached_property
    def first(self) -> Ints:
        """Where each group begins. None may be empty."""
        return begins(self.number)

    @cached_property
    def last(self) -> Ints:
        """Where each group ends: its last value. None may be empty."""
        return np.append(self.first[1:], len(self.number)) - 1

    @cached_property
    def _inner(self) -> Bools:
        """Whether a value and the next one are of the same group [n - 1]."""
        return np.asarray(self.number[1:] == self.number[:-1])

    @cached_property
    def pairs(self) -> Groups:
        """The groups of all pairs of neighbours: of what ``former``, ``latter`` and ``moves`` give."""
        return Groups(self.number[1:][self._inner], self.k)

    def former(self, values: Values) -> Values:
        """The first of each pair of neighbours."""
        return np.asarray(values[:-1][self._inner])

    def latter(self, values: Values) -> Values:
        """The second of each pair of neighbours."""
        return np.asarray(values[1:][self._inner])

    def moves(self, values: Values) -> Values:
        """From each value to the next one of its group."""
        return np.asarray((values[1:] - values[:-1])[self._inner])

    def those(self, mask: Bools) -> Groups:
        """The groups of some of the values."""
        return Groups(self.number[mask], self.k)

    def sum(self, values: Values) -> Floats:
        """The sums."""
        return np.bincount(self.number, values, minlength=self.k).astype(float, copy=False)

    def mean(self, values: Values) -> Floats:
        """The means."""
        return self.sum(values) / np.maximum(1.0, self.sizes)

    def spread(self, values: Values) -> Floats:
        """The standard deviations."""
        away = values - self.mean(values)[self.number]
        return np.sqrt(self.mean(away * away))

    def largest(self, values: Values) -> Values:
        """The largest value of each group. None may be empty."""
        return np.maximum.reduceat(values, self.first)

    def smallest(self, values: Values) -> Values:
        """The smallest value of each group. None may be empty."""
        return np.minimum.reduceat(values, self.first)

    def counts(self, values: Ints, low: int, high: int) -> Floats:
        """How often each number from ``low`` to ``high`` occurs in each group [k, high - low + 1]."""
        width = high - low + 1
        place = self.number * width + (values - low)
        return np.bincount(place, minlength=self.k * width).reshape(self.k, width).astype(float)

    def different(self, values: Ints) -> Floats:
        """How many different values each group has."""
        return np.count_nonzero(self.counts(values, *limits(values)), axis=1).astype(float)

    def entropy(self, values: Ints) -> Floats:
        """Shannon entropies in bits."""
        return information(self.counts(values, *limits(values)) / np.maximum(1.0, self.sizes)[:, None])


def limits(*several: Ints) -> tuple[int, int]:
    """The smallest and the largest of all values; 0 and 0 if there are none."""
    some = [values for values in several if len(values)]
    return min((int(values.min()) for values in some), default=0), max((int(values.max()) for values in some), default=0)


def information(shares: Floats) -> Floats:
    """Shannon entropies in bits of distributions [k, ...]."""
    return np.asarray(-(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(axis=1) + 0.0)


def begins(number: Ints) -> Ints:
    """Where each run of equal numbers begins, of one number at least."""
    new = np.ones(len(number), bool)
    np.not_equal(number[1:], number[:-1], out=new[1:])
    return new.nonzero()[0]


def within(values: Ints, most: int) -> Ints:
    """The values, from -most to most."""
    return np.minimum(np.maximum(values, -most), most)


def either(values: Ints, one: int, other: int) -> Bools:
    """Which values are one of two."""
    return (values == one) | (values == other)


def mean_row(table: Floats) -> Floats:
    """The mean of each row of a table [k, columns] as [k]; 0 if it has no columns."""
    return np.asarray(table.sum(axis=1) / max(1, table.shape[1]))


def lengths(table: Floats) -> Floats:
    """The Euclidean length along the last axis."""
    return np.asarray(np.sqrt((table * table).sum(axis=-1)))


def cosines(some: Floats, others: Floats, sizes: Floats) -> Floats:
    """Cosines along the last axis; 0 where one side is empty. ``sizes``: the products of the lengths of both."""
    return np.asarray((some * others).sum(axis=-1) / np.maximum(sizes, 1e-9))
