"""A ``Graph`` in a process of its own: it starts beside a page, and computes beside it.

The first visitor of a page waits for TensorFlow to be imported and for the graph to be compiled. Both keep Python busy, as a page
does that starts; in one process they would wait for each other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from musiclstm.children import cores
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError, ModelLostError, MusicLSTMError, StoppedError
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.quiet import import_tensorflow

if TYPE_CHECKING:
    from musiclstm.model.graph import Array, Graph
    from musiclstm.model.lanes import State

CHECK = "check"
ATTEMPTS = 2  # how often a call is tried whose process is killed, for want of memory, say


class GraphProcess:
    """Does what a ``Graph`` does, in another process, which begins to load the network at once and ends with this one.

    As many calls are answered at the same time as there are processor cores. If the process is killed, another one starts and
    answers. A call raises CheckpointError if the weights in the file do not fit, and ModelLostError if that process ends too.
    """

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, weights: Path) -> None:
        self._facts = config, vocabulary, weights
        self._lock, self._closed = threading.Lock(), False
        self._lines = _Lines(*self._facts)

    def close(self) -> None:
        """End the process; whoever waits for an answer gets a StoppedError."""
        with self._lock:
            self._closed = True
            self._lines.close()

    def check(self) -> None:
        """Wait until the network is loaded. Raises CheckpointError if the weights do not fit."""
        self._ask(CHECK)

    def compile(self) -> None:
        """As ``Graph.compile``."""
        self._ask("compile")

    def begin(self, composer: int, end: int, clock: int) -> State:
        """As ``Graph.begin``."""
        found: State = self._ask("begin", composer, end, clock)
        return found

    def prime(self, state: State, rows: Array, count: int, clock: Array, begun: bool) -> State:
        """As ``Graph.prime``."""
        found: State = self._ask("prime", state, rows, count, clock, begun)
        return found

    def write(
        self, state: State, uniform: Array, temperature: Array, top_p: Array, guard: Array, until: Array, enough: int
    ) -> tuple[State, Array, Array, Array]:
        """As ``Graph.write``."""
        found: tuple[State, Array, Array, Array] = self._ask("write", state, uniform, temperature, top_p, guard, until, enough)
        return found

    def known(self, state: State, row: Array) -> tuple[dict[str, Array], State]:
        """As ``Graph.known``."""
        found: tuple[dict[str, Array], State] = self._ask("known", state, row)
        return found

    def judge(self, state: State, rows: Array, count: int, tick: int) -> Array:
        """As ``Graph.judge``."""
        found: Array = self._ask("judge", state, rows, count, tick)
        return found

    def _ask(self, function: str, *arguments: Any) -> Any:
        for _ in range(ATTEMPTS):
            lines = self._lines
            try:
                answer = lines.ask(function, arguments)
            except (EOFError, OSError):  # the process is gone, and all that the call needs is still here
                self._start_again(lines)
                continue
            if isinstance(answer, MusicLSTMError):
                raise answer
            return answer
        raise ModelLostError("The model has ended unexpectedly {times} times. Try again later.", times=ATTEMPTS)

    def _start_again(self, lost: _Lines) -> None:
        with self._lock:
            if self._closed:
                raise StoppedError
            if lost is self._lines:
                lost.close()
                self._lines = _Lines(*self._facts)


class _Lines:
    """One process, and a line to it for each call that it answers at the same time."""

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary, weights: Path) -> None:
        context = multiprocessing.get_context("spawn")  # a copy of this process would have its threads' locks, but not them
        pairs = [context.Pipe() for _ in range(cores())]
        theirs = [pair[1] for pair in pairs]
        self._process = context.Process(target=_answer_all, args=(config, vocabulary, weights, theirs), name="model", daemon=True)
        self._process.start()
        for line in theirs:
            line.close()
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for line, _ in pairs:
            self._free.put(line)

    def ask(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """The answer, or the error that it raised. Raises EOFError or OSError once the process has ended."""
        line = self._free.get()
        try:
            line.send((function, arguments))
            return line.recv()
        finally:
            self._free.put(line)

    def close(self) -> None:
        """End the process; calls that wait for it raise EOFError."""
        self._process.kill()
        self._process.join()


def _answer_all(config: ModelConfig, vocabulary: Vocabulary, weights: Path, lines: Sequence[Connection]) -> None:
    """The process: load, answer, and compile before anything else is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C on a terminal reaches this process too, but its parent decides
    threading.Thread(target=_follow, name="follow", daemon=True).start()
    import_tensorflow()
    from musiclstm.model.graph import Graph
    from musiclstm.model.weights import load_network

    loaded: Graph | MusicLSTMError
    try:
        loaded = Graph(load_network(config, weights), config, vocabulary)
    except CheckpointError as error:
        loaded = error
    compiled = threading.Event()
    threads = [threading.Thread(target=_answer, args=(loaded, compiled, line), daemon=True) for line in lines]
    for thread in threads:
        thread.start()
    if isinstance(loaded, Graph):
        loaded.compile()  # always in this thread: in another one TensorFlow counts one tensor more, and finds nothing on the disk
    compiled.set()
    for thread in threads:
        thread.join()


def _answer(loaded: Graph | MusicLSTMError, compiled: threading.Event, line: Connection) -> None:
    """Answer the calls that come on a line. An error that is not expected ends it, so that whoever waits is told."""
    with line, suppress(EOFError):
        while True:
            function, arguments = line.recv()
            if isinstance(loaded, MusicLSTMError):
                line.send(loaded)
            elif function == CHECK:
                line.send(None)
            else:
                compiled.wait()
                line.send(getattr(loaded, function)(*arguments))


def _follow() -> None:
    """Wait until the page is gone, and end this process, whatever it is doing."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
