"""Continuous batching: whoever asks writes in one batch with everybody else who is waiting.

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


@dataclass(eq=False)
class _Waiting(Generic[L]):
    lane: L
    order: tuple[float, int]
    wanted: bool = True


class ContinuousBatch(Generic[L]):
    """Runs rounds for all callers together, with up to LANES lanes at a time, and as many rounds at once as there are cores.

    ``run(lanes, crowded)`` works out how the lanes move on, and returns what delivers it to them; if ``crowded``, others wait for
    their places, so it had better return once some are done. Lanes change only while one is delivered to, and are read only by
    ``collect``: neither happens while the other does.
    """

    def __init__(self, run: Callable[[Sequence[L], bool], Callable[[], None]], *, at_once: int | None = None) -> None:
        self._run = run
        self._free = at_once or cores()
        self._waiting: list[_Waiting[L]] = []
        self._asked = 0
        self._changed = threading.Condition()

    def write(self, lanes: Sequence[L], turn: Turn, collect: Callable[[], T]) -> Generator[T]:
        """Move ``lanes`` on until all are done; yields what ``collect`` returns after each round that moved some of them.

        Raises StoppedError as soon as the turn is stopped, and what ``run`` raises.
        """
        with self._changed:
            self._asked += 1
            mine = [_Waiting(lane, (turn.due, self._asked)) for lane in lanes if not lane.done]
            self._waiting += mine
            self._changed.notify_all()
        try:
            seen, done = 0, not mine
            while not done:
                turn.check()
                self._work()
                with self._changed:
                    moved, done = sum(lane.version for lane in lanes), all(lane.done for lane in lanes)
                    found = collect() if moved != seen else None
                if found is not None:
                    seen = moved
                    yield found
        finally:
            with self._changed:
                for each in mine:
                    each.wanted = False
                self._waiting = [each for each in self._waiting if each.wanted]

    def _work(self) -> None:
        """Run a round if anybody can be helped; otherwise wait until something changes."""
        with self._changed:
            if not self._free or not self._waiting:
                self._changed.wait(PATIENCE)
                return
            self._waiting.sort(key=lambda each: each.order)
            batch, self._waiting = self._waiting[:LANES], self._waiting[LANES:]
            crowded = bool(self._waiting)
            self._free -= 1
        deliver: Callable[[], None] = _nothing
        try:
            deliver = self._run([each.lane for each in batch], crowded)
        finally:
            with self._changed:
                self._free += 1
                deliver()
                self._waiting += [each for each in batch if each.wanted and not each.lane.done]
                self._changed.notify_all()


def _nothing() -> None:
    """What a round that failed delivers."""
