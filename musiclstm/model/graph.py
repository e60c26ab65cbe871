"""The loops as compiled functions of arrays. ``decoder`` calls them for takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from musiclstm.config import ModelConfig
from musiclstm.model import features
from musiclstm.model.continuous_batching import LANES
from musiclstm.model.lanes import CHUNK, JUDGED, READ, State, facts_of_one
from musiclstm.model.loops import Loops, spec_of
from musiclstm.model.modules import Function, Kept, Modules
from musiclstm.model.network import Network
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.quiet import give_memory_back

Array = NDArray[Any]
# Functions and their takes, in the order of their use: to write several takes, to write bars anew, to write a single take.
FIRST, LATER = ("prime-1", f"write-{LANES}"), (f"judge-{LANES}", "write-1")


class Graph:
    """A network ready to compute. It holds no state between calls, and threads may share it: arrays in, arrays out.

    ``build`` gives the network, which takes seconds; for functions that are ``kept`` it is not asked. It must not change later.
    With ``jit_compile`` XLA compiles the functions, which takes three times as long; then they write four times as fast.
    """

    def __init__(
        self,
        build: Callable[[], Network],
        config: ModelConfig,
        vocabulary: Vocabulary,
        kept: Kept | None = None,
        *,
        jit_compile: bool = True,
    ) -> None:
        self.config, self.spec = config, spec_of(vocabulary)
        self._build, self._loops = build, cache(lambda: Loops(build(), config, vocabulary))
        self._compiling, self._compiled = threading.Lock(), False
        self._modules = Modules(build, self._function, kept)
        self._run = self._modules if jit_compile else cache(self._traced)

    def load(self) -> None:
        """Read all functions if they are kept, else build the network; no file is needed later. Raises what ``build`` raises."""
        if not self._modules.load(FIRST + LATER):
            self._build()

    def trace(self, name: str) -> None:
        """Keep a function, if it isn't kept yet."""
        self._modules(name)

    def compile(self) -> None:
        """Compile what reads a seed and what writes several takes. Only the first call does, others wait for it.

        Without it each is compiled when it is first used.
        """
        with self._compiling:
            if not self._compiled:
                with ThreadPoolExecutor(len(FIRST)) as threads:  # while one is traced, XLA compiles the other
                    list(threads.map(self._try, FIRST))
                give_memory_back()
                self._compiled = True

    def warm_up(self, names: Sequence[str] = LATER) -> None:
        """Compile functions, what is seldom used, say, so that the first visitor who asks for it does not wait."""
        for name in names:
            self._try(name)
        give_memory_back()

    def begin(self, composer: int, end: int, clock: int) -> State:
        """The state of one take before any note, whose clock stands at tick ``clock``; ``end``: see ``Decoder.prime``."""
        return self._blank(1) | facts_of_one(composer, end, clock)

    def prime(self, state: State, rows: Array, count: int, clock: Array, begun: bool) -> State:
        """See ``Loops.prime``."""
        read: State = self._run("prime-1")(state, rows, np.int32(count), clock, np.bool_(begun))
        return read

    def write(
        self, state: State, uniform: Array, temperature: Array, top_p: Array, guard: Array, until: Array, enough: int
    ) -> tuple[State, Array, Array, Array]:
        """See ``Loops.write``."""
        settings = uniform, temperature, top_p, guard, until, np.int32(enough)
        after, rows, guarded, alive = self._run(f"write-{len(until)}")(state, *settings)
        return after, rows.astype(np.int16), guarded, alive

    def judge(self, state: State, rows: Array, count: int, tick: int) -> tuple[Array, State]:
        """See ``Loops.judge``."""
        nats, following = self._run(f"judge-{len(state['clock'])}")(state, rows, np.int32(count), np.int32(tick))
        return nats, following

    def _try(self, name: str) -> None:
        """Compile a function: what is called once is compiled."""
        self._run(name)(*self._example(name))

    def _function(self, name: str) -> tuple[Function, tuple[Any, ...]]:
        """What a function and its number of takes, "write-8", stand for, with arguments of the right shapes."""
        return getattr(self._loops(), name.partition("-")[0]), self._example(name)

    def _traced(self, name: str) -> Callable[..., Any]:
        """The function without XLA."""
        function = tf.function(self._function(name)[0], autograph=False)

        def run(*arguments: Any) -> Any:
            found = function(*tf.nest.map_structure(tf.constant, arguments))
            return tf.nest.map_structure(lambda each: each.numpy(), found)

        return run

    def _example(self, name: str) -> tuple[Any, ...]:
        """Arguments with which nothing is read, written or judged, and no lane is waited for."""
        kind, _, number = name.partition("-")
        takes, nothing = int(number), np.int32(0)
        whole, part = np.zeros(takes, np.int32), np.zeros(takes, np.float32)
        flags = np.zeros(takes, bool)
        state = self._blank(takes) | dict.fromkeys(("composer", "end", "clock"), whole)
        if kind == "prime":
            return state, np.zeros((1, READ, 6), np.int32), nothing, np.zeros((1, READ), np.int32), np.bool_(False)
        state |= {"begin": whole, "guarded": whole, "done": flags}
        if kind == "judge":
            return state, np.zeros((JUDGED, 6), np.int32), nothing, nothing
        return state, np.zeros((CHUNK, takes, 4), np.float32), part, part, flags, whole, nothing

    def _blank(self, takes: int) -> State:
        """What is remembered of takes before any note."""
        zeros = np.zeros((takes, self.config.units), np.float32)
        memory = {name: value.numpy() for name, value in features.initial_state(takes, self.spec).items()}
        return memory | {f"{kind}_{layer}": zeros for layer in range(self.config.layers) for kind in "hc"}
