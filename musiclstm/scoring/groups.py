"""Means, spreads and counts of groups of different sizes, all at once: NumPy would have to be called for each group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Values = NDArray[Any]

MOST_COLUMNS = 4096  # of a table of counts, or as many as there are values


@dataclass(frozen=True, eq=False)
class Groups:
    """To which of ``k`` groups each of n values belongs: ``number`` [n]. A group may be empty.

    Methods take the values [n], and give one number for each group [k] unless they say otherwise. A mean, a spread or an entropy
    of nothing is 0. Ends, extremes and neighbours need numbers that ascend; ends and extremes also need groups that aren't empty.
    """

    number: Ints
    k: int

    @cached_property
    def sizes(self) -> Floats:
        """How many values each group has."""
        return np.bincount(self.number, minlength=self.k).astype(float)

    @cached_property
    def first(self) -> Ints:
        """Where each group begins."""
        return begins(self.number)

    @cached_property
    def last(self) -> Ints:
        """Where the last value of each group is."""
        return np.append(self.first[1:], len(self.number)) - 1

    @cached_property
    def _inner(self) -> Bools:
        """Whether a value and the next one are of the same group [n - 1]."""
        return np.asarray(self.number[1:] == self.number[:-1])

    @cached_property
    def pairs(self) -> Groups:
        """The groups of all pairs of neighbours [pairs]: of what ``former``, ``latter`` and ``moves`` give."""
        return Groups(self.number[1:][self._inner], self.k)

    def former(self, values: Values) -> Values:
        """The first of each pair of neighbours [pairs]."""
        return np.asarray(values[:-1][self._inner])

    def latter(self, values: Values) -> Values:
        """The second of each pair of neighbours [pairs]."""
        return np.asarray(values[1:][self._inner])

    def moves(self, values: Values) -> Values:
        """From each value to the next one of its group [pairs]."""
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
        """The largest values."""
        return np.maximum.reduceat(values, self.first)

    def smallest(self, values: Values) -> Values:
        """The smallest values."""
        return np.minimum.reduceat(values, self.first)

    def shares(self, kinds: Ints, width: int) -> Floats:
        """How large a part of each group is of each kind, from 0 to ``width`` - 1 [k, width]."""
        counts = np.bincount(self.number * width + kinds, minlength=self.k * width).reshape(self.k, width)
        return np.asarray(counts / np.maximum(1.0, self.sizes)[:, None])

    def different(self, values: Ints) -> Floats:
        """How many different values there are."""
        (kinds,), width = kinds_of(values)
        return np.count_nonzero(self.shares(kinds, width), axis=1).astype(float)

    def entropy(self, values: Ints) -> Floats:
        """Shannon entropies in bits."""
        (kinds,), width = kinds_of(values)
        return information(self.shares(kinds, width))


def kinds_of(*several: Ints) -> tuple[list[Ints], int]:
    """Numbers from 0 on, equal where values are equal, for arrays of values that are compared; and how many numbers there may be.

    Values that lie close together are their own numbers, less the smallest. Others are ranked: somebody may upload a note that
    lasts for hours, and tables have a column for each number.
    """
    values = np.concatenate(several)
    if not len(values):
        return list(several), 1
    values = values - values.min()
    width = int(values.max()) + 1
    if width > MOST_COLUMNS:
        values = np.unique(values, return_inverse=True)[1]
        width = int(values.max()) + 1
    return np.split(values, np.cumsum([len(each) for each in several[:-1]])), width


def information(shares: Floats) -> Floats:
    """Shannon entropies in bits of distributions, one a row [k, n]."""
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
