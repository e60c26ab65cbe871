"""Continuous batching: whoever asks shares batches with everybody else who is waiting.

A lane is one take or candidate that is being written. A round moves up to LANES of them on, the most urgent first; a lane that is
done makes room for the next at once, whoever asked for it (cf. iteration-level scheduling, Yu et al., Orca, 2022). There is no
thread of its own: each caller runs rounds, for itself and others, until its own lanes are done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from musiclstm.children import cores
from musiclstm.errors import StoppedError

LANES = 8  # of a round: more would hardly write faster, as 8 keep a core busy
ROUNDS = 4  # side by side at most: a page, which does one thing at a time, can hardly keep more of them going
PATIENCE = 0.1  # seconds between two looks whether a caller that waits has been stopped


class Lane(Protocol):
    """``done``: nothing is left to write. ``version`` counts the rounds that moved it on."""

    done: bool
    version: int


L = TypeVar("L", bound=Lane)
T = TypeVar("T")


@dataclass(frozen=True)
class Turn:
    """When a caller's lanes are due, compared with those of others (the lowest first), and whether it has given up on them."""

    due: float = 0.0
    stopped: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raise StoppedError if the caller has given up."""
        if self.stopped():
            raise StoppedError


def rounds_at_once() -> int:
    """How many rounds are computed side by side: one on each processor core, and at most ROUNDS."""
    return min(cores(), ROUNDS)


@dataclass(eq=False)
class _Caller:
    """Who asked for some lanes. It waits on ``called`` until there is something for it to see or to do."""

    called: threading.Condition
    has_news: Callable[[], bool]


@dataclass(eq=False)
class _Waiting(Generic[L]):
    lane: L
    order: tuple[float, int]
    caller: _Caller
    wanted: bool = True


class ContinuousBatch(Generic[L]):
    """Runs rounds for all callers together, with up to LANES lanes at a time, and ``rounds_at_once`` of them side by side.

    ``run(lanes, crowded)`` works out how the lanes move on, and returns what delivers it to them; if ``crowded``, others wait for
    their places, so it had better return once some are done. A lane is in one round at a time, and what ``collect`` reads of it
    changes only while it is delivered: neither happens while the other does.
    """

    def __init__(self, run: Callable[[Sequence[L], bool], Callable[[], None]], *, at_once: int | None = None) -> None:
        self._run = run
        self._free = at_once or rounds_at_once()
        self._waiting: list[_Waiting[L]] = []
        self._idle: list[_Caller] = []
        self._asked = 0
        self._lock = threading.RLock()  # Python may close a caller's generator at any time, to collect garbage

    def write(self, lanes: Sequence[L], turn: Turn, collect: Callable[[], T], *, whole: bool = False) -> Generator[T]:
        """Move ``lanes`` on until all are done; yields what ``collect`` returns whenever some have moved on since the last time.

        With ``whole`` it yields once, at the end. Raises StoppedError as soon as the turn is stopped, and what ``run`` raises.
        """
        seen = 0

        def has_news() -> bool:
            return _all_done(lanes) or (not whole and _moves(lanes) != seen)

        caller = _Caller(threading.Condition(self._lock), has_news)
        mine: list[_Waiting[L]] = []
        try:
            with self._lock:
                self._asked += 1
                mine = [_Waiting(lane, (turn.due, self._asked), caller) for lane in lanes if not lane.done]
                self._waiting += mine
                self._call_idle()
            done = not mine
            while not done:
                turn.check()
                self._work(caller)
                with self._lock:
                    if not has_news():
                        continue
                    seen, done = _moves(lanes), _all_done(lanes)
                    found = collect()
                yield found
        finally:
            with self._lock:
                for each in mine:
                    each.wanted = False
                self._waiting = [each for each in self._waiting if each.wanted]
                self._call_idle()

    def _work(self, caller: _Caller) -> None:
        """Run a round if anybody can be helped; otherwise wait until there is news, or a round to run."""
        with self._lock:
            if not self._free or not self._waiting:
                self._idle.append(caller)
                caller.called.wait(PATIENCE)
                self._idle.remove(caller)
                return
            waiting = sorted(self._waiting, key=lambda each: each.order)
            batch, self._waiting = waiting[:LANES], waiting[LANES:]
            crowded = bool(self._waiting)
            self._free -= 1
        deliver: Callable[[], None] = _nothing
        try:
            deliver = self._run([each.lane for each in batch], crowded)
        finally:
            with self._lock:
                self._free += 1
                try:
                    deliver()
                finally:
                    self._waiting += [each for each in batch if each.wanted and not each.lane.done]
                    for other in {each.caller for each in batch}:
                        if other.has_news():
                            other.called.notify()
                    self._call_idle()

    def _call_idle(self) -> None:
        """Call as many idle callers as there are rounds to run."""
        rounds = min(self._free, -(-len(self._waiting) // LANES))
        for caller in self._idle[:rounds]:
            caller.called.notify()


def _all_done(lanes: Sequence[Lane]) -> bool:
    return all(lane.done for lane in lanes)


def _moves(lanes: Sequence[Lane]) -> int:
    return sum(lane.version for lane in lanes)


def _nothing() -> None:
    """What a round that failed delivers."""
