"""Who is served first when many ask at once.

Every request takes a place, which is due some time after it came: the longer the music, the later. What is due first is written
first, so a small request passes a big one that is being written, and nobody waits for ever. The requests of one visitor are due
one after the other, so that nobody gains by asking often (virtual finish times: Demers et al., Analysis and Simulation of a Fair
Queueing Algorithm, 1989).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from musiclstm.errors import OptionError
from musiclstm.model import Turn

MOST = 64  # places
PASSED = 0.5  # seconds for each bar by which a request is due later: by so much a longer one may be passed
FIRST_GUESS = 6.0  # bars a second, until some have been written


@dataclass(eq=False)
class Place:
    """A request for ``bars`` bars in all, of which ``written`` are there. ``stopped``: nobody wants the rest."""

    visitor: str
    bars: int
    due: float
    written: float = 0.0
    stopped: bool = False
    number: int = 0


@dataclass(eq=False)
class Places:
    """All requests that are waiting or being written. ``clock`` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    most: int = MOST
    _taken: list[Place] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0
    _bars: float = 0.0  # written so far, in ``_seconds`` with somebody waiting
    _seconds: float = 0.0
    _since: float = 0.0

    @contextmanager
    def take(self, visitor: str, bars: int) -> Iterator[Place]:
        """A place for a request for ``bars`` bars in all. Raises OptionError if all are taken."""
        with self._lock:
            now = self.clock()
            if len(self._taken) >= self.most:
                left = sum(each.bars - each.written for each in self._taken) / self._speed()
                raise OptionError(
                    "{requests} requests are waiting already. Please try again in {seconds} s.",
                    requests=len(self._taken),
                    seconds=max(1, round(left)),
                )
            start = max([now, *(each.due for each in self._taken if each.visitor == visitor)])
            self._count += 1
            place = Place(visitor, bars, start + PASSED * bars, number=self._count)
            if not self._taken:
                self._since = now
            self._taken.append(place)
        try:
            yield place
        finally:
            with self._lock:
                self._taken.remove(place)
                self._bars += place.written
                if not self._taken:
                    self._seconds += self.clock() - self._since

    def turn(self, place: Place, stopped: Callable[[], bool]) -> Turn:
        """When this place's music is written, compared with that of others, and when not any more."""
        return Turn(place.due, lambda: place.stopped or stopped())

    def before(self, place: Place) -> int:
        """How many requests are served before this one."""
        with self._lock:
            return sum(_order(each) < _order(place) for each in self._taken)

    def seconds_left(self, place: Place) -> float:
        """About how long it takes until this request is done."""
        with self._lock:
            before = [each for each in self._taken if _order(each) <= _order(place)]
            return sum(each.bars - each.written for each in before) / self._speed()

    def give_up(self, visitor: str) -> None:
        """Stop what is written for a visitor who has gone."""
        with self._lock:
            for each in self._taken:
                each.stopped |= each.visitor == visitor

    @property
    def empty(self) -> bool:
        """Whether nobody has a place."""
        return not self._taken

    def _speed(self) -> float:
        """Bars a second so far; a first guess counts as much as ten seconds."""
        going = self.clock() - self._since if self._taken else 0.0
        bars = self._bars + sum(each.written for each in self._taken)
        return (bars + 10 * FIRST_GUESS) / (self._seconds + going + 10)


def _order(place: Place) -> tuple[float, int]:
    return place.due, place.number
