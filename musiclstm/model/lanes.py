"""One take while it is written, as a lane of a batch; and states of takes, taken apart and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.config import SamplingOptions
from musiclstm.model.vocabulary import Rows

CHUNK = 32  # notes written at most before the caller gets control back: a bar or two
READ = 128  # rows of a seed read in one go: every seed is padded to a multiple of it, so that one length is compiled
JUDGED = 128  # rows that ``Decoder.log_likelihood`` reads at most: four bars of dense music

State = dict[str, Any]  # arrays [takes, ...] outside compiled code, tensors inside


@dataclass(eq=False)
class Lane:
    """One take: its ``state`` (each value [1, ...]), what it may write, and what a round added to it."""

    state: State
    rng: np.random.Generator
    options: SamplingOptions
    until: int
    left: int
    alone: bool
    rows: list[Rows]
    guarded: list[NDArray[np.bool_]]
    uniform: NDArray[np.float32]
    done: bool = False
    version: int = 0

    def drawn(self) -> NDArray[np.float32]:
        """Random numbers for the next notes [CHUNK, 4]. Those not used stay for the next round."""
        more = self.rng.random((CHUNK - len(self.uniform), 4), dtype=np.float32)
        self.uniform = np.concatenate([self.uniform, more])
        return self.uniform

    def grow(self, rows: Rows, guarded: NDArray[np.bool_], state: State) -> None:
        """Add some rows [n, 6], after which the lane's state is ``state``."""
        count = min(len(rows), self.left)
        self.rows.append(rows[:count])
        self.guarded.append(guarded[:count])
        self.left -= count
        self.uniform, self.state, self.version = self.uniform[len(rows) :], state, self.version + 1
        self.done = bool(state["done"][0]) or not self.left

    def taken(self) -> tuple[Rows, NDArray[np.bool_]]:
        """What was added since the last call."""
        nothing = np.zeros((0, 6), np.int16), np.zeros(0, bool)
        added = np.concatenate([nothing[0], *self.rows]), np.concatenate([nothing[1], *self.guarded])
        self.rows, self.guarded = [], []
        return added


def lane_of(state: State, index: int) -> State:
    """One take's part of a state of several takes."""
    return {name: value[index : index + 1] for name, value in state.items()}


def joined(lanes: Sequence[Lane]) -> State:
    """The state of several takes."""
    return {name: np.concatenate([lane.state[name] for lane in lanes]) for name in lanes[0].state}


def facts_of_one(composer: int, end: int, clock: int) -> State:
    """What is given of one take before any note; see ``Decoder.prime``."""
    return {name: np.array([value], np.int32) for name, value in (("composer", composer), ("end", end), ("clock", clock))}
