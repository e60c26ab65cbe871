"""Markov chains over rows: the baseline that a network has to beat.

A note is predicted in the network's order, p(step) p(pitch | step) p(duration | step, pitch) p(velocity | step), each also
conditioned on the ``order`` previous rows. Long contexts back off to shorter ones by interpolated modified Kneser-Ney smoothing
(Chen & Goodman, 1998, "An Empirical Study of Smoothing Techniques for Language Modeling"): a shorter context counts the number of
longer contexts that a class followed, not the number of occurrences. (On validation pieces it needed 1.1 bits per note less than
Witten & Bell's smoothing.) Pitches are counted as intervals from the previous row, so that a pattern learnt in one key holds in
all; only order 0, which has no context, counts pitches. (Intervals: 4.29 bits per pitch; pitches, with every piece counted in
twelve keys: 4.39.)

With ``recall`` the chain also counts the current piece up to the note being predicted (the cache of Kuhn & De Mori, 1990; the
short-term model of Conklin & Witten, 1995): music repeats itself, and this saves nearly half the bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from musiclstm.model import DURATION, PITCH, STEP, VELOCITY, Rows, Vocabulary
from musiclstm.music import PITCHES

LONGEST = 5  # rows of context, at most, counted in a collection
RECALLED = (2, 4, 8)  # rows of context counted in the current piece: the best of nine choices on validation pieces
PREDICTED = (STEP, PITCH, DURATION, VELOCITY)
INTERVALS = 2 * PITCHES - 1  # classes of the pitch stream: from 87 semitones down to 87 up
_MOST_RECALLED = 256  # earlier positions with the same context: keeps the work proportional to the piece's length
_INTERVAL = 6  # a column in addition to those of ``vocabulary``: semitones from the previous row
_SYMBOLS = 256  # more than the classes of any column; 0 stands for "before the piece"

Ids = NDArray[np.int64]
Probabilities = NDArray[np.float64]


def _chain(stream: int) -> list[tuple[tuple[int, int], ...]]:
    """The (column, rows ago) pairs that each order adds to a stream's context; each pair is one back-off level."""
    orders = range(2, LONGEST + 1)
    chains: dict[int, list[tuple[tuple[int, int], ...]]] = {
        STEP: [((STEP, 1), (DURATION, 1)), *(((_INTERVAL, k - 1), (STEP, k), (DURATION, k)) for k in orders)],
        PITCH: [((STEP, 0), (STEP, 1)), *(((_INTERVAL, k - 1), (STEP, k)) for k in orders)],
        DURATION: [
            ((DURATION, 1), (STEP, 0), (STEP, 1)),
            ((DURATION, 2), (STEP, 2), (_INTERVAL, 0)),  # the pitch is worth less than two rows
            *(((DURATION, k), (STEP, k)) for k in orders[1:]),
        ],
        VELOCITY: [((VELOCITY, 1), (STEP, 0)), *(((VELOCITY, k),) for k in orders)],
    }
    return chains[stream]


@dataclass(frozen=True)
class Table:
    """Counts of what followed each context of one length.

    ``contexts``: sorted keys (shorter context's index * 256 + added symbol); ``starts`` [contexts + 1]: where each context's part
    of the next three arrays begins: ``classes`` that followed, how often (``counts``), and after how many different longer
    contexts (``varieties``; equal to ``counts`` for the longest context).
    """

    contexts: Ids
    starts: Ids
    classes: Ids
    counts: Ids
    varieties: Ids

    @cached_property
    def discounts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The discounts of the counts and of the varieties."""
        return _discounts(self.counts), _discounts(self.varieties)

    def find(self, shorter: Ids, symbol: Ids) -> Ids:
        """Index of each context, -1 if never seen; ``shorter`` are the indices in the previous table."""
        keys = shorter * _SYMBOLS + symbol
        place = np.minimum(np.searchsorted(self.contexts, keys), len(self.contexts) - 1)
        return np.where((shorter >= 0) & (self.contexts[place] == keys), place, -1)

    def followers(self, contexts: Ids, size: int) -> tuple[Probabilities, Probabilities]:
        """Counts and varieties [n, size] of what followed each of n contexts; zeros for -1."""
        known = contexts >= 0
        first = np.where(known, self.starts[contexts], 0)
        many = np.where(known, self.starts[contexts + 1] - first, 0)
        rows = np.repeat(np.arange(len(contexts)), many)
        entries = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many - first, many)
        counts, varieties = np.zeros((len(contexts), size)), np.zeros((len(contexts), size))
        counts[rows, self.classes[entries]] = self.counts[entries]
        varieties[rows, self.classes[entries]] = self.varieties[entries]
        return counts, varieties


@dataclass(frozen=True)
class Markov:
    """Counts by stream: its number of classes (``sizes``), the count of each (``unigrams``) and its contexts (``tables``)."""

    sizes: tuple[int, int, int, int]
    unigrams: tuple[Ids, ...]
    tables: tuple[tuple[Table, ...], ...]

    def probabilities(self, rows: Rows, stream: int, order: int) -> Probabilities:
        """Probabilities of every class of a stream for each row after the first, [n - 1, classes].

        Class c of the pitch stream means c - 87 semitones from the previous row. ``order`` is 0..LONGEST.
        """
        orders = self.by_order(rows, stream)
        for _ in range(order):
            next(orders)
        return next(orders)

    def by_order(self, rows: Rows, stream: int) -> Iterator[Probabilities]:
        """``probabilities`` for order 0, 1, ..., LONGEST."""
        possible = _possible(rows) if stream == PITCH else np.ones((len(rows) - 1, self.sizes[stream]), bool)
        p = _unigram(self.unigrams[PREDICTED.index(stream)], stream, rows) * possible
        p /= p.sum(axis=1, keepdims=True)
        yield p
        context = np.zeros(len(rows) - 1, np.int64)
        tables = iter(self.tables[PREDICTED.index(stream)])
        for added in _chain(stream):
            for column, ago in added:
                table = next(tables)
                context = table.find(context, _symbols(rows, column, ago))
                counts, varieties = (found * possible for found in table.followers(context, p.shape[1]))
                longest, p = _mixed(counts, p, table.discounts[0]), _mixed(varieties, p, table.discounts[1])
            yield longest

    def scores(self, rows: Rows, order: int, *, recall: bool = False) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Nats and hits [n - 1, 4] of step, pitch, duration and velocity for each row after the first."""
        streams = []
        for stream in PREDICTED:
            p = self.probabilities(rows, stream, order)
            streams.append(_scored(recalled(rows, stream, p) if recall else p, _targets(rows, stream)))
        nats, hits = zip(*streams, strict=True)
        return np.stack(nats, axis=1).astype(np.float32), np.stack(hits, axis=1)

    def numbers(self, order: int) -> int:
        """The number of counts that an order uses, comparable to a network's parameters."""
        depths = (sum(map(len, _chain(stream)[:order])) for stream in PREDICTED)
        tables = [t for stream, depth in zip(self.tables, depths, strict=True) for t in stream[:depth]]
        return sum(map(len, self.unigrams)) + sum(len(table.counts) for table in tables)


def fit(pieces: Sequence[Rows], vocabulary: Vocabulary) -> Markov:
    """The counts of ``pieces``, each at least two rows long; contexts do not cross piece boundaries."""
    sizes = (len(vocabulary.steps), INTERVALS, len(vocabulary.durations), vocabulary.velocities)
    unigrams, tables = [], []
    for stream, size in zip(PREDICTED, sizes, strict=True):
        values = np.concatenate([rows[1:, stream] for rows in pieces])
        unigrams.append(np.bincount(values, minlength=PITCHES if stream == PITCH else size))
        targets = np.concatenate([_targets(rows, stream) for rows in pieces])
        tables.append(_tables(pieces, stream, targets, size))
    return Markov(sizes, tuple(unigrams), tuple(tables))


def bits_by_order(model: Markov, pieces: Sequence[Rows]) -> list[float]:
    """Bits per note (step + pitch + duration) of ``pieces`` for orders 0 to LONGEST."""
    nats = np.zeros(LONGEST + 1)
    for rows in pieces:
        for stream in (STEP, PITCH, DURATION):
            targets = _targets(rows, stream)
            nats += [_scored(p, targets)[0].sum() for p in model.by_order(rows, stream)]
    notes = sum(len(rows) - 1 for rows in pieces)
    return (nats / np.log(2) / notes).tolist()


def best_order(bits: Sequence[float]) -> int:
    """The order, 1 or higher, with the fewest bits; ``bits`` as from ``bits_by_order``."""
    return min(range(1, len(bits)), key=bits.__getitem__)


def recalled(rows: Rows, stream: int, p: Probabilities) -> Probabilities:
    """Probabilities ``p`` [n - 1, classes] of a stream, updated by what followed the same rows earlier in the piece."""
    known = {STEP: [], PITCH: [(STEP, 0)]}.get(stream, [(STEP, 0), (_INTERVAL, 0)])
    possible = p > 0
    for length in RECALLED:
        context = np.zeros(len(rows) - 1, np.int64)
        for column, ago in [*known, *((column, k) for k in range(1, length + 1) for column in (STEP, _INTERVAL))]:
            _, context = np.unique(context * _SYMBOLS + _symbols(rows, column, ago), return_inverse=True)
        counts = _counts_so_far(context, _targets(rows, stream), p.shape[1])
        p = _mixed(counts * possible, p, np.array([0.0, 0.5, 0.5, 0.5]))
    return p


def _tables(pieces: Sequence[Rows], stream: int, targets: Ids, size: int) -> tuple[Table, ...]:
    """The tables of a stream, from the shortest context to the longest."""
    context, found = np.zeros(len(targets), np.int64), []
    for column, ago in (entry for added in _chain(stream) for entry in added):
        symbols = np.concatenate([_symbols(rows, column, ago) for rows in pieces])
        contexts, context = np.unique(context * _SYMBOLS + symbols, return_inverse=True)
        found.append((contexts, *np.unique(context * size + targets, return_counts=True)))
    tables = []
    for (contexts, pairs, counts), longer in zip_longest(found, found[1:]):
        starts = np.searchsorted(pairs, np.arange(len(contexts) + 1) * size)
        varieties = counts if longer is None else _varieties(longer[0] // _SYMBOLS, longer[1], size)
        tables.append(Table(contexts, starts, pairs % size, counts, varieties))
    return tuple(tables)


def _varieties(shorter: Ids, pairs: Ids, size: int) -> Ids:
    """The number of longer contexts after which each class follows a context, in the order of that context's pairs.

    ``shorter``: the short context of each longer one; ``pairs``: the longer one's index * size + class.
    """
    _, varieties = np.unique(shorter[pairs // size] * size + pairs % size, return_counts=True)
    return varieties


def _counts_so_far(context: Ids, targets: Ids, size: int) -> Probabilities:
    """For each position [n], how often each class [size] occurred at the latest earlier positions with the same context."""
    order = np.argsort(context, kind="stable")
    place = np.arange(len(context))
    sizes = np.unique(context, return_counts=True)[1]
    earlier = np.minimum(place - np.repeat(np.cumsum(sizes) - sizes, sizes), _MOST_RECALLED)
    later = np.repeat(place, earlier)
    back = np.arange(len(later)) - np.repeat(np.cumsum(earlier) - earlier, earlier) + 1  # 1, 2, ... for each position
    counts = np.bincount(order[later] * size + targets[order[later - back]], minlength=len(context) * size)
    return counts.reshape(len(context), size).astype(np.float64)


def _scored(p: Probabilities, targets: Ids) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Nats and hits [n] of the true classes."""
    return -np.log(p[np.arange(len(targets)), targets]), p.argmax(axis=1) == targets


def _unigram(counts: Ids, stream: int, rows: Rows) -> Probabilities:
    """Share of each class, with add-one smoothing so that none is impossible; pitches as intervals from the previous row."""
    p = (counts + 1) / (counts + 1).sum()
    if stream != PITCH:
        return np.repeat(p[None, :], len(rows) - 1, axis=0)
    padded = np.concatenate([np.zeros(PITCHES - 1), p, np.zeros(PITCHES - 1)])
    return padded[rows[:-1, PITCH].astype(np.int64)[:, None] + np.arange(INTERVALS)]


def _possible(rows: Rows) -> NDArray[np.bool_]:
    """Intervals that stay on the keyboard, and within a chord go upwards, since rows are sorted: [n - 1, INTERVALS]."""
    interval = np.arange(INTERVALS) - (PITCHES - 1)
    pitch = rows[:-1, PITCH].astype(np.int64)[:, None] + interval
    return (pitch >= 0) & (pitch < PITCHES) & ((rows[1:, STEP, None] > 0) | (interval > 0))


def _targets(rows: Rows, stream: int) -> Ids:
    """The class to predict for each row after the first."""
    if stream == PITCH:
        return rows[1:, PITCH].astype(np.int64) - rows[:-1, PITCH] + PITCHES - 1
    return rows[1:, stream].astype(np.int64)


def _symbols(rows: Rows, column: int, ago: int) -> Ids:
    """A column's value plus 1, ``ago`` rows before each row after the first; 0 before the piece began."""
    values = np.concatenate(([-1], _targets(rows, PITCH))) if column == _INTERVAL else rows[:, column].astype(np.int64)
    return np.concatenate([np.zeros(ago, np.int64), values + 1])[1 : len(rows)]


def _mixed(counts: Probabilities, shorter: Probabilities, discounts: NDArray[np.float64]) -> Probabilities:
    """Discounted counts interpolated with the shorter context, which gets all the weight if nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    taken = discounts[np.minimum(counts, 3).astype(np.int64)]
    return np.where(total > 0, (counts - taken + taken.sum(axis=1, keepdims=True) * shorter) / np.maximum(total, 1), shorter)


def _discounts(counts: Ids) -> NDArray[np.float64]:
    """Discounts for counts of 0, 1, 2 and 3 or more: Chen & Goodman's estimates, or 0.75 if the data are too few."""
    once, twice, thrice, four = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (once and twice and thrice and four):
        return np.array([0.0, 0.75, 0.75, 0.75])
    share = once / (once + 2 * twice)
    estimates = [1 - 2 * share * twice / once, 2 - 3 * share * thrice / twice, 3 - 4 * share * four / thrice]
    return np.array([0.0, *np.clip(estimates, 0.05, [0.95, 1.95, 2.95])])
