"""Continuous batching: whoever asks writes in one batch with everybody else who is waiting.

A lane is one take or candidate that is being written. A round moves up to LANES of them on, the most urgent first; a lane that is
done makes room for the next at once, whoever asked for it (cf. iteration-level scheduling, Yu et al., Orca, 2022).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from musiclstm.children import cores
from musiclstm.errors import StoppedError

LANES = 8  # of a round: more would hardly write faster, as 8 keep a core busy
ROUNDS = 4  # at once at most: a page, which does one thing at a time, has half as much to do for a take as the model
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
    """Who asked for some lanes: ``look`` tells whether there is news of them, for which it waits with ``news``."""

    news: threading.Condition
    look: Callable[[], bool]
    error: BaseException | None = None


@dataclass(eq=False)
class _Waiting(Generic[L]):
    lane: L
    order: tuple[float, int]
    caller: _Caller
    wanted: bool = True


class ContinuousBatch(Generic[L]):
    """Runs rounds for all callers together, with up to LANES lanes at a time, and ``rounds_at_once`` of them side by side.

    ``run(lanes, crowded)`` works out how the lanes move on, and returns what delivers it to them; if ``crowded``, others wait for
    their places, so it had better return once some are done. Lanes change only while one is delivered to, and are read only by
    ``collect``: neither happens while the other does.
    """

    def __init__(self, run: Callable[[Sequence[L], bool], Callable[[], None]], *, at_once: int | None = None) -> None:
        self._run = run
        self._free = at_once or rounds_at_once()
        self._threads = ThreadPoolExecutor(self._free, "rounds")
        self._waiting: list[_Waiting[L]] = []
        self._asked = 0
        # Of a round that is over before ``_start`` asks to be told, the same thread delivers at once.
        self._lock = threading.RLock()

    def write(self, lanes: Sequence[L], turn: Turn, collect: Callable[[], T], *, whole: bool = False) -> Generator[T]:
        """Move ``lanes`` on until all are done; yields what ``collect`` returns after each round that moved some of them.

        ``whole``: it yields only once, in the end. Raises StoppedError as soon as the turn is stopped, and what ``run`` raises.
        """
        seen = 0

        def look() -> bool:
            done = all(lane.done for lane in lanes)
            return done or (not whole and sum(lane.version for lane in lanes) != seen)

        caller = _Caller(threading.Condition(self._lock), look)
        with self._lock:
            self._asked += 1
            mine = [_Waiting(lane, (turn.due, self._asked), caller) for lane in lanes if not lane.done]
            self._waiting += mine
            self._start()
        try:
            done = not mine
            while not done:
                turn.check()
                with self._lock:
                    if not caller.news.wait_for(lambda: caller.error or look(), PATIENCE):
                        continue
                    if caller.error:
                        raise caller.error
                    seen, done = sum(lane.version for lane in lanes), all(lane.done for lane in lanes)
                    found = collect()
                yield found
        finally:
            with self._lock:
                for each in mine:
                    each.wanted = False
                self._waiting = [each for each in self._waiting if each.wanted]

    def _start(self) -> None:
        """Start rounds, as long as lanes wait for one."""
        while self._free and self._waiting:
            self._waiting.sort(key=lambda each: each.order)
            batch, self._waiting = self._waiting[:LANES], self._waiting[LANES:]
            self._free -= 1
            round_ = self._threads.submit(self._run, [each.lane for each in batch], bool(self._waiting))
            round_.add_done_callback(partial(self._deliver, batch))

    def _deliver(self, batch: Sequence[_Waiting[L]], round_: Future[Callable[[], None]]) -> None:
        """Move the lanes of a round on, start the next one, tell the callers. If it failed, the first caller gets the error."""
        with self._lock:
            self._free += 1
            error = round_.exception()
            if error is None:
                round_.result()()
            else:
                batch[0].caller.error = error
            self._waiting += [each for each in batch if each.wanted and not each.lane.done and not each.caller.error]
            self._start()
            for caller in {each.caller for each in batch}:
                if caller.error or caller.look():
                    caller.news.notify()
