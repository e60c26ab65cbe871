"""Writes notes: carries the LSTM's state and the features' state, and samples inside one compiled loop.

``prime`` reads a seed. ``write`` yields what comes next in chunks, so the caller can show progress or stop between two of them;
whoever writes at the same time shares the loop (``continuous_batching``), and nobody's notes depend on it. What computes is a
``Graph``, here or in a process of its own (``graph_process``): this file does not need TensorFlow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.model.continuous_batching import LANES, ContinuousBatch, Turn
from musiclstm.model.lanes import JUDGED, READ, Lane, State, joined, lane_of
from musiclstm.model.vocabulary import STEP, Rows, Vocabulary

if TYPE_CHECKING:
    from musiclstm.model.graph import Graph
    from musiclstm.model.graph_process import GraphProcess

KNOWN = 64  # seeds, of 40 kB each: another take of the same opening comes sooner
SOME_DONE = 4  # lanes that are done before others take their places: a new round costs as much as one or two notes


@dataclass(frozen=True)
class Chunk:
    """What one chunk added to each take: rows [n, 6] and, for each row, whether the loop guard was active [n].

    ``state`` is the state after it, to go on from with ``choose``. Takes may have got further than others.
    """

    rows: list[Rows]
    guarded: list[NDArray[np.bool_]]
    done: NDArray[np.bool_]
    state: State


class Decoder:
    """A ``graph`` that writes takes. Threads may share it. Of earlier calls it knows only the states after the latest seeds."""

    def __init__(self, graph: Graph | GraphProcess, vocabulary: Vocabulary) -> None:
        self.graph, self.steps = graph, np.array(vocabulary.steps)
        self._batch = ContinuousBatch(self._round)
        self._read: dict[Hashable, State] = {}
        self._lock = threading.Lock()

    def compile(self) -> None:
        """Compile what reads a seed and what writes several takes: see ``Graph.compile``."""
        self.graph.compile()

    def prime(
        self, rows: Rows, *, composer: int = 0, takes: int = 1, gap: int, end: int | None = None, turn: Turn | None = None
    ) -> State:
        """The state after reading a seed's rows [n, 6], the same for each of ``takes``.

        ``gap``: ticks from the last row's onset to the bar line at which the continuation begins, at most the longest step;
        nothing is written before it. ``end``: tick after that bar line at which the music shall end; None hides the end from
        the network. Raises OptionError for a seed without notes, fewer than one take or a longer gap, StoppedError once stopped.
        """
        if not len(rows) or takes < 1:
            raise OptionError(f"A seed needs at least one note and one take, not {len(rows)} notes and {takes} takes.")
        if not 0 <= gap <= self.steps[-1]:
            raise OptionError(f"The gap before a continuation must lie between 0 and {self.steps[-1]} ticks, not {gap}.")
        known = rows.tobytes(), composer, gap, end
        read = self._read.get(known)
        if read is None:
            read = self._after(rows, composer, gap, end, turn)
        with self._lock:  # the latest last
            self._read.pop(known, None)
            self._read[known] = read
            if len(self._read) > KNOWN:
                del self._read[next(iter(self._read))]
        return {name: np.repeat(value, takes, axis=0) for name, value in read.items()}

    def _after(self, rows: Rows, composer: int, gap: int, end: int | None, turn: Turn | None) -> State:
        """The state of one take after reading rows; see ``prime``."""
        onset = np.cumsum(self.steps[rows[:, STEP]])
        clock = (onset - onset[-1] - gap).astype(np.int32)
        state = self.graph.begin(composer, -1 if end is None else end, int(clock[0]))
        for start in range(0, len(rows), READ):
            if turn:
                turn.check()
            part, ticks = np.zeros((1, READ, rows.shape[1]), np.int32), np.zeros((1, READ), np.int32)
            count = min(READ, len(rows) - start)
            part[0, :count], ticks[0, :count] = rows[start : start + count], clock[start : start + count]
            state = self.graph.prime(state, part, count, ticks, start > 0)
        read = state | {"clock": np.array([-gap], np.int32)}
        return read | {"begin": np.zeros(1, np.int32), "guarded": np.zeros(1, np.int32), "done": np.zeros(1, bool)}

    def choose(self, state: State, take: int, *, takes: int, begin: int) -> State:
        """The state in which all of ``takes`` go on from number ``take``, with no onset before tick ``begin``."""
        chosen = {name: np.repeat(value[take : take + 1], takes, axis=0) for name, value in state.items()}
        return chosen | {"begin": np.full(takes, begin, np.int32), "done": np.zeros(takes, bool)}

    def write(
        self,
        state: State,
        options: SamplingOptions,
        rngs: Sequence[np.random.Generator],
        *,
        until: int,
        most: int,
        turn: Turn | None = None,
        whole: bool = False,
    ) -> Iterator[Chunk]:
        """Continue each take until its next onset would fall on or after tick ``until`` of the continuation.

        Chunks come while the takes are written; with ``whole`` there is a single one, at the end.

        There is one generator for each take, so a take does not depend on the others in its batch. A take ends after ``most``
        notes at the latest. Raises StoppedError once ``turn`` is stopped.
        """
        nothing = np.zeros((0, 4), np.float32)
        states, alone = [lane_of(state, index) for index in range(len(rngs))], len(rngs) == 1
        lanes = [Lane(each, rng, options, until, most, alone, [], [], nothing) for each, rng in zip(states, rngs, strict=True)]

        def chunk() -> Chunk:
            pairs, done = [lane.taken() for lane in lanes], np.array([lane.done for lane in lanes])
            return Chunk([rows for rows, _ in pairs], [guarded for _, guarded in pairs], done, joined(lanes))

        yield from self._batch.write(lanes, turn or Turn(), chunk, whole=whole)

    def _round(self, lanes: Sequence[Lane], crowded: bool) -> Callable[[], None]:
        """Write some notes of each lane, as one batch of a size that is compiled: LANES, or 1 for who writes a single take."""
        size = 1 if len(lanes) == 1 and lanes[0].alone else LANES
        spare = size - len(lanes)
        every = [*lanes, *[lanes[0]] * spare]
        state = joined(every) | {"done": np.arange(size) >= len(lanes)}
        after, rows, guarded, alive = self.graph.write(
            state,
            np.stack([lane.drawn() for lane in every], axis=1),
            np.array([lane.options.diversity for lane in every], np.float32),
            np.array([lane.options.top_p for lane in every], np.float32),
            np.array([lane.options.loop_guard for lane in every]),
            np.array([lane.until for lane in every], np.int32),
            spare + (min(SOME_DONE, len(lanes)) if crowded else len(lanes)),
        )

        def deliver() -> None:
            for index, lane in enumerate(lanes):
                written = alive[:, index]
                lane.grow(rows[written, index], guarded[written, index], lane_of(after, index))

        return deliver

    def strike(self, state: State, row: NDArray[np.integer], *, tick: int) -> State:
        """The state in which every take has played a given ``row`` [6] at ``tick`` of the continuation, and may go on.

        Its step is the class that comes nearest; the clock is exact.
        """
        following = self._judged(state | {"done": np.zeros(len(state["clock"]), bool)}, row[None], tick)[1]
        return following | {"clock": np.full(len(state["clock"]), tick, np.int32)}

    def log_likelihood(self, state: State, rows: Rows, *, tick: int) -> NDArray[np.float64]:
        """Nats [B] of ``rows`` [n, 6], the first at ``tick`` of the continuation: how likely each take leads into them.

        Step, pitch and duration count, touch does not. Only the first JUDGED rows are read.
        """
        return self._judged(state, rows, tick)[0].astype(np.float64)

    def _judged(self, state: State, rows: NDArray[np.integer], tick: int) -> tuple[NDArray[np.float32], State]:
        """Nats [B] of ``rows`` [n, 6], of which the first JUDGED are read, and the state after them."""
        takes, count = len(state["clock"]), min(len(rows), JUDGED)
        padded = np.zeros((JUDGED, rows.shape[1]), np.int32)
        padded[:count] = rows[:count]
        parts = [self.graph.judge(each, padded, count, tick) for each in _in_lanes(state)]
        following = {name: np.concatenate([after[name] for _, after in parts])[:takes] for name in state}
        return np.concatenate([nats for nats, _ in parts])[:takes], following


def _in_lanes(state: State) -> Iterator[State]:
    """The state in groups of LANES takes, the size that is compiled; the last take fills the last group."""
    takes = len(state["clock"])
    for start in range(0, takes, LANES):
        places = np.minimum(np.arange(start, start + LANES), takes - 1)
        yield {name: value[places] for name, value in state.items()}
