"""A ``Graph`` in a process of its own: it starts beside a page, and computes beside it.

The first visitor of a page waits for TensorFlow to be imported and for the graph to be compiled. Both keep Python busy, as a page
does that starts; in one process they would wait for each other. It starts before a page imports anything large, so this file
imports little.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from queue import PriorityQueue, SimpleQueue
from typing import TYPE_CHECKING, Any

from musiclstm.children import give_way
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError, ModelLostError, StoppedError
from musiclstm.model.continuous_batching import rounds_at_once
from musiclstm.model.lanes import facts_of_one
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.quiet import import_tensorflow, share_memory

if TYPE_CHECKING:
    from musiclstm.model.graph import Array, Graph
    from musiclstm.model.lanes import State

CHECK = "check"
ATTEMPTS = 2  # how often a call is tried whose process is killed, for want of memory, say


class GraphProcess:
    """Does what a ``Graph`` does, in another process, which begins to load it at once and ends with this one.

    As many calls are answered at the same time as there are ``rounds_at_once``. If the process is killed, another one starts and
    answers. ``digest`` tells the ``weights_digest`` of the file, so that no other weights answer then. ``start`` gives a process
    that has loaded nothing yet. A call raises CheckpointError if the weights do not fit, OSError if they can't be read, and
    ModelLostError if there is no process that answers.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary: Vocabulary,
        weights: Path,
        digest: Callable[[], str],
        start: Callable[[], ModelProcess],
    ) -> None:
        self._facts, self._digest, self._start = (config, vocabulary, weights), digest, start
        self._lock, self._closed = threading.Lock(), False
        self._process = self._started("")
        self._compiled: ModelProcess | None = None
        self._begun: State = {}

    def close(self) -> None:
        """End the process; whoever waits for an answer gets a StoppedError."""
        with self._lock:
            self._closed = True
            self._process.close()

    def rest(self) -> None:
        """End the process until somebody needs it again."""
        self._process.close()

    def check(self) -> None:
        """Wait until the weights are loaded, and read their digest, before another file takes the place of this one.

        Raises CheckpointError if the weights do not fit, OSError.
        """
        self._ask(CHECK)
        self._digest()

    def compile(self) -> None:
        """As ``Graph.compile``."""
        process = self._process
        if process is not self._compiled:  # else this would wait for its turn among those who write
            self._ask("compile")
            self._compiled = process

    def begin(self, composer: int, end: int, clock: int) -> State:
        """As ``Graph.begin``."""
        self._begun = self._begun or self._ask("begin", composer, end, clock)
        return self._begun | facts_of_one(composer, end, clock)

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

    def judge(self, state: State, rows: Array, count: int, tick: int) -> tuple[Array, State]:
        """As ``Graph.judge``."""
        found: tuple[Array, State] = self._ask("judge", state, rows, count, tick)
        return found

    def _ask(self, function: str, *arguments: Any) -> Any:
        for _ in range(ATTEMPTS):
            process = self._process
            try:
                answer = process.ask(function, arguments)
            except (EOFError, OSError):  # the process is gone, and all that the call needs is still here
                self._start_again(process)
                continue
            if isinstance(answer, Exception):
                raise answer
            return answer
        raise _lost()

    def _start_again(self, lost: ModelProcess) -> None:
        with self._lock:
            if self._closed:
                raise StoppedError
            if lost is self._process:
                lost.close()
                try:
                    self._process = self._started(self._digest())
                except OSError as error:  # no memory, or too many processes
                    raise _lost() from error

    def _started(self, digest: str) -> ModelProcess:
        process = self._start()
        process.load(*self._facts, digest)
        return process


class ModelProcess:
    """A process that imports TensorFlow at once, and a line to it for each call that it answers at the same time.

    It waits to be told what to ``load``, so a page can start it before it has opened a checkpoint, and ends with this process.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a copy of this process would have its threads' locks, but not them
        pairs = [context.Pipe() for _ in range(rounds_at_once())]
        theirs = [pair[1] for pair in pairs]
        facts, self._facts = context.Pipe(duplex=False)
        self._told = False
        self._process = context.Process(target=_answer_all, args=(facts, theirs), name="model", daemon=True)
        self._process.start()
        for line in (facts, *theirs):
            line.close()
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for line, _ in pairs:
            self._free.put(line)

    def load(self, config: ModelConfig, vocabulary: Vocabulary, weights: Path, digest: str) -> None:
        """Tell it, once, to load a network. ``digest``: that of the weights that an earlier process had, "" for the first one."""
        assert not self._told
        self._told = True
        with self._facts, suppress(OSError):  # if the process has ended, the next call will notice
            self._facts.send((config, vocabulary, weights, digest))

    def ask(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """The answer, or the error that it raised. Raises EOFError or OSError once the process has ended."""
        line = self._free.get()
        try:
            line.send((function, arguments))
            return line.recv()
        except BaseException:
            line.close()  # an answer that nobody has read must not be taken for the next one
            raise
        finally:
            self._free.put(line)

    def close(self) -> None:
        """End the process; calls that wait for it raise EOFError or OSError."""
        self._facts.close()
        self._process.kill()
        self._process.join()


def _answer_all(facts: Connection, lines: Sequence[Connection]) -> None:
    """The process: load what ``facts`` tells, answer, and compile before anything else is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C on a terminal reaches this process too, but its parent decides
    threading.Thread(target=_follow, name="follow", daemon=True).start()
    share_memory()
    import_tensorflow()
    devices = _devices(len(lines))
    from musiclstm.model.graph import Graph
    from musiclstm.model.modules import kept_modules
    from musiclstm.model.weights import load_network

    with facts:
        config, vocabulary, weights, digest = facts.recv()
    loaded: Graph | Exception
    try:
        kept = kept_modules(config, vocabulary, weights)
        loaded = Graph(cache(lambda: load_network(config, weights)), config, vocabulary, kept)
        loaded.load()
        if digest and kept.digest != digest:
            raise CheckpointError(f"The weights in {weights} are others than before: start the page again.")
    except (CheckpointError, OSError) as error:
        loaded = error
    free: PriorityQueue[int] = PriorityQueue()
    threads = [threading.Thread(target=_answer, args=(loaded, devices, free, line), daemon=True) for line in lines]
    for thread in threads:
        thread.start()
    if isinstance(loaded, Graph):
        _compile(loaded, devices, free)
    for thread in threads:
        thread.join()


def _devices(count: int) -> list[str]:
    """So many processors, as TensorFlow names them, each with a single thread that computes.

    TensorFlow's own way is one processor whose threads take parts of all that is computed. Each step of a note is so short that
    to share it costs two fifths more, and with several notes at once they wait for each other.
    """
    import tensorflow as tf

    os.environ["TF_OVERRIDE_GLOBAL_THREADPOOL"] = "1"  # else they share one thread
    tf.config.threading.set_intra_op_parallelism_threads(1)
    processor, parts = tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * count
    tf.config.set_logical_device_configuration(processor, parts)
    return [device.name for device in tf.config.list_logical_devices("CPU")]


def _compile(graph: Graph, devices: Sequence[str], free: PriorityQueue[int]) -> None:
    """Compile what is needed first on one device after the other, each of which is ``free`` then.

    What is seldom used comes last, on the first device alone, where somebody who is alone always is.
    """
    import tensorflow as tf
    from tensorflow.errors import OpError

    from musiclstm.model.graph import FIRST, LATER

    def compiles(names: Sequence[str]) -> bool:
        try:
            graph.warm_up(names)
        except (OpError, MemoryError) as error:  # the page goes on without this device; and whoever rewrites bars will see
            sys.stderr.write(f"{error}\n")
            return False
        return True

    graph.compile()
    free.put(0)
    give_way()
    for place, device in enumerate(devices[1:], start=1):
        with tf.device(device):
            if compiles(FIRST):
                free.put(place)
    compiles(LATER)


def _answer(loaded: Graph | Exception, devices: Sequence[str], free: PriorityQueue[int], line: Connection) -> None:
    """Answer the calls that come on a line, each on the first of the ``devices`` that is ``free``."""
    import tensorflow as tf
    from tensorflow.errors import OpError

    with line, suppress(EOFError, ConnectionError):  # the page is gone
        while True:
            function, arguments = line.recv()
            if isinstance(loaded, Exception):
                line.send(loaded)
                os._exit(1)  # the next call tries again
            elif function == CHECK:
                line.send(None)
            else:
                place = free.get()
                try:
                    with tf.device(devices[place]):
                        line.send(getattr(loaded, function)(*arguments))
                except (OpError, MemoryError) as error:  # of this call alone
                    sys.stderr.write(f"{error}\n")
                    line.send(_lost())
                finally:
                    free.put(place)


def _lost() -> ModelLostError:
    return ModelLostError("The model has ended unexpectedly. Try again later.")


def _follow() -> None:
    """Wait until the page is gone, and end this process, whatever it is doing."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
