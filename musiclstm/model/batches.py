"""Pieces as lanes of consecutive windows: the batches that training and likelihood feed to the network.

A batch holds ``lanes`` windows of ``window`` rows. Each lane goes through whole pieces one after the other, window by window, so
LSTM state and context are carried through a piece and reset at its end: no window spans two pieces. Only the current piece of
each lane is in memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from musiclstm.model import features
from musiclstm.model.vocabulary import BAR, COLUMNS, DURATION, PITCH, POSITION, STEP, VELOCITY, Rows

PREDICTED = (STEP, PITCH, DURATION, VELOCITY)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """A piece or part of one in a lane: its ``rows`` [n, 6], its ``composer``'s class (0: unknown), and ``bars_left`` [n], the
    number of bars after each row's own bar; None hides them from the network.
    """

    rows: Rows
    composer: int = 0
    bars_left: NDArray[np.int32] | None = None


@dataclass(frozen=True)
class Batch:
    """One window of every lane: the input ``rows`` [B, T, 6] and the next rows as ``targets`` [B, T, 4], both int32.

    ``weight`` [B, T] is 1.0 where there is a next row and 0.0 in padding; ``composer`` [B, T] int32; ``ending`` [B, T] int32, the
    ending class; ``fresh`` [B] bool marks lanes that begin a piece; ``piece`` [B] is the index of each lane's piece, -1 for an
    idle lane; ``start`` [B] is the first row of the window in that piece.
    """

    rows: NDArray[np.int32]
    targets: NDArray[np.int32]
    weight: NDArray[np.float32]
    composer: NDArray[np.int32]
    ending: NDArray[np.int32]
    fresh: NDArray[np.bool_]
    piece: NDArray[np.int64]
    start: NDArray[np.int64]


def plan_lanes(lengths: Sequence[int], lanes: int, window: int, rng: np.random.Generator | None = None) -> list[list[int]]:
    """The pieces (by index) of each lane, in order; lanes are about equally long. Shuffled if ``rng`` is given.

    The longest piece goes first, always to the emptiest lane (Graham, 1969), so few lanes are idle at the end.
    """
    windows = [window_count(length, window) for length in lengths]
    order = list(rng.permutation(len(lengths))) if rng is not None else list(range(len(lengths)))
    order.sort(key=lambda index: -windows[index])  # stable: pieces of equal length keep their shuffled order
    heap = [(0, lane) for lane in range(lanes)]
    plan: list[list[int]] = [[] for _ in range(lanes)]
    for index in order:
        load, lane = heapq.heappop(heap)
        plan[lane].append(int(index))
        heapq.heappush(heap, (load + windows[index], lane))
    if rng is not None:
        for pieces in plan:
            rng.shuffle(pieces)
    return plan


def window_count(length: int, window: int) -> int:
    """Number of windows for ``length`` rows; the last row of a piece has no next row to predict, so it does not count."""
    return max(0, -(-(length - 1) // window))


def batch_count(lengths: Sequence[int], plan: list[list[int]], window: int) -> int:
    """Number of batches that ``iterate_batches`` yields for this plan."""
    return max((sum(window_count(lengths[index], window) for index in lane) for lane in plan), default=0)


def iterate_batches(plan: list[list[int]], window: int, read: Callable[[int], Part]) -> Iterator[Batch]:
    """The batches of a plan. ``read`` is called for a piece when its turn comes."""
    queues = [list(reversed(lane)) for lane in plan]
    playing: list[tuple[int, Part, int] | None] = [None] * len(plan)
    while True:
        for lane, now in enumerate(playing):
            if now is not None and now[2] + window < len(now[1].rows) - 1:
                playing[lane] = (now[0], now[1], now[2] + window)
                continue
            playing[lane] = None
            while queues[lane] and playing[lane] is None:
                index = queues[lane].pop()
                part = read(index)
                if len(part.rows) > 1:
                    playing[lane] = (index, part, 0)
        if not any(playing):
            return
        yield _batch(playing, window)


def bars_left(rows: Rows, steps: Sequence[int]) -> NDArray[np.int32]:
    """For each row of a whole piece, the number of bars after its own [n]; ``steps`` are the ticks of the step classes."""
    gone = np.asarray(steps)[rows[1:, STEP].astype(np.int64)] + rows[:-1, POSITION]
    bar = np.concatenate([[0], np.cumsum(gone // np.maximum(rows[:-1, BAR], 1))])[: len(rows)]
    return (bar[-1:] - bar).astype(np.int32)


def _batch(playing: list[tuple[int, Part, int] | None], window: int) -> Batch:
    lanes = len(playing)
    batch = Batch(
        rows=np.zeros((lanes, window, COLUMNS), np.int32),
        targets=np.zeros((lanes, window, len(PREDICTED)), np.int32),
        weight=np.zeros((lanes, window), np.float32),
        composer=np.zeros((lanes, window), np.int32),
        ending=np.zeros((lanes, window), np.int32),
        fresh=np.ones(lanes, np.bool_),
        piece=np.full(lanes, -1),
        start=np.zeros(lanes, np.int64),
    )
    for lane, now in enumerate(playing):
        if now is None:
            continue
        index, part, start = now
        rows = part.rows[start : start + window + 1]
        size = len(rows) - 1
        batch.rows[lane, :size] = rows[:-1]
        batch.targets[lane, :size] = rows[1:, PREDICTED]
        batch.weight[lane, :size] = 1.0
        batch.composer[lane] = part.composer
        if part.bars_left is not None:
            left = part.bars_left[start : start + size]
            batch.ending[lane, :size] = ops.convert_to_numpy(features.ending(left.astype(np.int32)))
        batch.fresh[lane] = start == 0
        batch.piece[lane] = index
        batch.start[lane] = start
    return batch


def prefetch(items: Iterator[Item]) -> Generator[Item]:
    """The same items, each computed while the previous one is in use.

    ``items`` runs in one other thread, so nothing else may use what it changes (such as an rng) until it ends. If computing an
    item fails, the error is raised in place of that item.
    """
    end: Any = object()
    with ThreadPoolExecutor(max_workers=1) as worker:
        coming = worker.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = worker.submit(next, items, end)
            yield item


class FeatureScanner(keras.Model):
    """``features.scan`` as a Keras model without weights, so that it runs compiled on every backend.

    ``inputs(batch)`` returns the network's inputs for the next batch of a plan and carries each lane's context forward.
    ``jit_compile``: whether XLA compiles it, which takes three times as long; then it runs many times as fast.
    """

    def __init__(self, spec: features.FeatureSpec, lanes: int, *, jit_compile: bool = True) -> None:
        super().__init__()
        self.spec = spec
        self.empty = _numpy(features.initial_state(lanes, spec))
        self.carried = self.empty
        self.compile(jit_compile=jit_compile)

    def call(self, inputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """``inputs`` holds rows, next_step and fresh, and the state as ``state_NAME``."""
        keep = ops.expand_dims(ops.logical_not(inputs["fresh"]), 1)
        empty = features.initial_state(self.empty["row"].shape[0], self.spec)
        state = {name: ops.where(keep, inputs[f"state_{name}"], value) for name, value in empty.items()}
        return features.scan(state, inputs["rows"], inputs["next_step"], self.spec)

    def inputs(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """The network's inputs for ``batch``: features [B, T, ...], and the true next step, pitch and duration as conditions."""
        state = {f"state_{name}": value for name, value in self.carried.items()}
        following = {"rows": batch.rows, "next_step": batch.targets[..., STEP], "fresh": batch.fresh}
        self.carried, found = self.predict_on_batch(state | following)
        conditions = {
            "next_step": batch.targets[..., STEP],
            "next_pitch": batch.targets[..., PITCH],
            "next_duration": batch.targets[..., DURATION],
            "composer": batch.composer,
            "ending": batch.ending,
        }
        return found | conditions


def _numpy(state: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: ops.convert_to_numpy(value) for name, value in state.items()}
