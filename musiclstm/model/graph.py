"""The network as compiled functions of arrays: what reads a seed, writes notes, and tells how likely given notes are.

They know rows and ticks, not pieces or files; what may be sampled is decided by ``rules``. ``decoder`` calls them for takes.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from musiclstm.config import HORIZON, ModelConfig
from musiclstm.model import features
from musiclstm.model.continuous_batching import LANES
from musiclstm.model.lanes import CHUNK, JUDGED, READ, State, facts_of_one
from musiclstm.model.loop_guard import is_looping, next_in_loop
from musiclstm.model.network import STREAMS, Network
from musiclstm.model.rules import Moment, filtered
from musiclstm.model.sampling import sample
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, Vocabulary
from musiclstm.quiet import give_memory_back

Array = NDArray[Any]


class Graph:
    """A network ready to compute. It holds no state between calls, and threads may share it: arrays in, arrays out.

    With ``jit_compile`` XLA compiles it, which takes three times as long; then it writes four times as fast.
    """

    def __init__(self, network: Network, config: ModelConfig, vocabulary: Vocabulary, *, jit_compile: bool = True) -> None:
        self.config = config
        self.spec = features.FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities, horizon=HORIZON)
        self.parts = {name: network.get_layer(name) for name in ("trunk", *(f"{stream}_head" for stream in STREAMS))}
        self.cells = [network.get_layer(f"lstm_{index + 1}").cell for index in range(config.layers)]
        self._prime = tf.function(self._prime_loop, jit_compile=jit_compile, autograph=False)
        self._write = tf.function(self._write_loop, jit_compile=jit_compile, autograph=False)
        self._known = tf.function(self._known_row, autograph=False)
        self._judge = tf.function(self._judge_loop, autograph=False)  # seldom: XLA would take longer than it saves
        self._compiling = threading.Lock()
        self._compiled = False

    def compile(self) -> None:
        """Compile what reads a seed and what writes several takes. Only the first call does, others wait for it.

        Without it each is compiled when it is first used. But TensorFlow finds compiled code on the disk by the names of
        functions, and puts into them how many tensors there were before: functions that are traced before any note is written
        have the same names at each start.
        """
        with self._compiling:
            if self._compiled:
                return
            whole, part, flag = (tf.zeros(LANES, kind) for kind in (tf.int32, tf.float32, tf.bool))
            seed = {name: tf.zeros(1, tf.int32) for name in ("composer", "end", "clock")}
            rows = tf.zeros((1, READ, 6), tf.int32), tf.constant(0), tf.zeros((1, READ), tf.int32)
            nothing = tf.constant(0)  # of the seed is read, and no lane is waited for
            calls = (
                (self._write, (self._idle(), tf.zeros((CHUNK, LANES, 4)), part, part, flag, whole, nothing)),
                (self._prime, (self._empty(1) | seed, *rows, tf.constant(False))),
            )
            for function, arguments in calls:
                function.get_concrete_function(*arguments)
            with ThreadPoolExecutor(len(calls)) as threads:  # XLA compiles them at the same time
                for done in [threads.submit(function, *arguments) for function, arguments in calls]:
                    done.result()
            give_memory_back()
            self._compiled = True

    def warm_up(self) -> None:
        """Trace what writes bars anew, so that the first visitor who asks for it does not wait."""
        state = _arrays(self._idle())
        self.known(state, np.zeros((LANES, 6), np.int32))
        self.judge(state, np.zeros((JUDGED, 6), np.int32), 0, 0)
        give_memory_back()

    def begin(self, composer: int, end: int, clock: int) -> State:
        """The state of one take before any note, whose clock stands at tick ``clock``; ``end``: see ``Decoder.prime``."""
        return _arrays(self._empty(1)) | facts_of_one(composer, end, clock)

    def prime(self, state: State, rows: Array, count: int, clock: Array, begun: bool) -> State:
        """The state of one take after ``count`` of the ``rows`` [1, READ, 6] of a seed, whose onsets are at ``clock`` [1, READ].

        ``begun``: it has read some of the seed already.
        """
        read = self._prime(_tensors(state), tf.constant(rows), tf.constant(count), tf.constant(clock), tf.constant(begun))
        return _arrays(read)

    def write(
        self, state: State, uniform: Array, temperature: Array, top_p: Array, guard: Array, until: Array, enough: int
    ) -> tuple[State, Array, Array, Array]:
        """Up to CHUNK notes of each of B takes that is not done, until ``enough`` takes are done.

        ``uniform`` [CHUNK, B, 4]: random numbers. Returns the state, rows [CHUNK, B, 6], whether the loop guard was active
        [CHUNK, B], and which of the rows were written [CHUNK, B].
        """
        settings = [tf.constant(each) for each in (uniform, temperature, top_p, guard, until, enough)]
        after, rows, guarded, alive = self._write(_tensors(state), *settings)
        return _arrays(after), rows.numpy().astype(np.int16), guarded.numpy(), alive.numpy()

    def known(self, state: State, row: Array) -> tuple[dict[str, Array], State]:
        """Logits [B, classes] of every stream for a known next ``row`` [B, 6], and the state after it."""
        logits, following = self._known(_tensors(state), tf.constant(row))
        return _arrays(logits), _arrays(following)

    def judge(self, state: State, rows: Array, count: int, tick: int) -> Array:
        """Nats [B] of ``count`` of the ``rows`` [JUDGED, 6], the first at ``tick``: see ``Decoder.log_likelihood``."""
        nats: Array = self._judge(_tensors(state), tf.constant(rows), tf.constant(count), tf.constant(tick)).numpy()
        return nats

    def _judge_loop(self, state: State, rows: Any, count: Any, tick: Any) -> Any:
        takes = state["clock"].shape[0]
        away = tf.abs((tick - state["clock"])[:, None] - tf.constant(self.spec.steps))
        first = tf.argmin(away, axis=1, output_type=tf.int32)

        def body(time: Any, state: State, nats: Any) -> tuple[Any, State, Any]:
            row = tf.repeat(rows[time][None], takes, axis=0)
            step = tf.where(time == 0, first, row[:, STEP])
            row = tf.concat([step[:, None], row[:, STEP + 1 :]], axis=1)
            logits, following = self._known_row(state, row)
            for stream, column in (("step", STEP), ("pitch", PITCH), ("duration", DURATION)):
                nats += tf.gather(tf.nn.log_softmax(logits[stream]), row[:, column], batch_dims=1)
            return time + 1, following, nats

        loop = tf.while_loop(lambda time, *_: time < count, body, (tf.constant(0), state, tf.zeros([takes])))
        return loop[2]

    def _known_row(self, state: State, row: Any) -> tuple[dict[str, Any], State]:
        """Logits for a known row [B, 6], each stream given the classes before it, and the state after it."""
        seen = self._seen(state, tf.zeros_like(state["done"]))
        ahead = features.look_ahead(seen["context"], row[:, STEP], self.spec)
        chosen = {"next_step": row[:, STEP], "next_pitch": row[:, PITCH], "next_duration": row[:, DURATION]}
        inputs = seen["inputs"] | ahead | chosen
        clock = state["clock"] + tf.gather(tf.constant(self.spec.steps), row[:, STEP])
        following = self._remember(state | seen["states"], row) | {"clock": clock}
        return {stream: self._head(stream, seen["memory"], inputs) for stream in STREAMS}, following

    def _empty(self, batch: int) -> State:
        zeros = {f"{kind}_{i}": tf.zeros((batch, self.config.units)) for i in range(self.config.layers) for kind in "hc"}
        return features.initial_state(batch, self.spec) | zeros

    def _idle(self) -> State:
        """A state of LANES takes, to trace with."""
        facts = {name: tf.zeros(LANES, tf.int32) for name in ("composer", "end", "clock", "begin", "guarded")}
        return self._empty(LANES) | facts | {"done": tf.zeros(LANES, tf.bool)}

    def _remember(self, state: State, row: Any) -> State:
        """The features' state after one more row [B, 6]; the LSTM reads that row when ``_seen`` runs next."""
        return state | features.advance({name: state[name] for name in features.MEMORY}, row, self.spec)

    def _seen(self, state: State, withhold: Any) -> dict[str, Any]:
        """Run the LSTM over the latest row: its output ``memory`` [B, units], new ``states``, and the features it read."""
        remembered = {name: state[name] for name in features.MEMORY}
        inputs = features.observe(remembered, self.spec, withhold)
        inputs |= {"composer": state["composer"], "ending": self._ending(state)}
        x = self._call("trunk", inputs)
        states: State = {}
        for index, cell in enumerate(self.cells):
            output, (h, c) = cell(x, [state[f"h_{index}"], state[f"c_{index}"]])
            states |= {f"h_{index}": h, f"c_{index}": c}
            x = output + x if index else output
        return {"memory": x, "states": states, "inputs": inputs, "context": remembered}

    def _ending(self, state: State) -> Any:
        """The class [B] of the number of bars left after the latest row."""
        bar = tf.maximum(state["row"][:, BAR], 1)
        left = (state["end"] - 1) // bar - state["clock"] // bar
        return tf.where(state["end"] < 0, 0, features.ending(left))

    def _call(self, part: str, inputs: dict[str, Any]) -> Any:
        """One part of the network for one note: adds a time axis of length 1 and takes it away."""
        model = self.parts[part]
        return ops.squeeze(model({name: ops.expand_dims(inputs[name], 1) for name in model.input}, training=False), 1)

    def _head(self, stream: str, memory: Any, inputs: dict[str, Any]) -> Any:
        return self._call(f"{stream}_head", inputs | {"memory": memory})

    def _prime_loop(self, state: State, rows: Any, count: Any, clock: Any, begun: Any) -> State:
        def body(time: Any, state: State) -> tuple[Any, State]:
            seen = self._remember(state, tf.gather(rows, time, axis=1))
            # The LSTM has not read the newest row yet: ``_seen`` does so for the first new note.
            read = state | self._seen(state, tf.zeros([1], tf.bool))["states"]
            after_one = begun | (time > 0)
            states = {name: tf.where(after_one, read[name], state[name]) for name in read if name[:2] in ("h_", "c_")}
            return time + 1, seen | states | {"clock": tf.gather(clock, time, axis=1)}

        return tf.while_loop(lambda time, _: time < count, body, (tf.constant(0), state))[1]

    def _write_loop(
        self, state: State, uniform: Any, temperature: Any, top_p: Any, guard: Any, until: Any, enough: Any
    ) -> tuple[Any, ...]:
        """Up to CHUNK notes of each take that is not done, until ``enough`` takes are done."""
        takes = uniform.shape[1]
        rows = tf.zeros((CHUNK, takes, 6), tf.int32)
        guarded, alive = tf.zeros((CHUNK, takes), tf.bool), tf.zeros((CHUNK, takes), tf.bool)

        def body(time: Any, state: State, rows: Any, guarded: Any, alive: Any) -> tuple[Any, ...]:
            following, row = self._next(state, uniform[time], temperature, top_p, guard, until)
            keep = tf.logical_not(following["done"])
            rows = ops.slice_update(rows, [time, 0, 0], row[None])
            guarded = ops.slice_update(guarded, [time, 0], (following["guarded"] > 0)[None])
            alive = ops.slice_update(alive, [time, 0], keep[None])
            return time + 1, following, rows, guarded, alive

        loop = tf.while_loop(
            lambda time, state, *_: (time < CHUNK) & (tf.reduce_sum(tf.cast(state["done"], tf.int32)) < enough),
            body,
            (tf.constant(0), state, rows, guarded, alive),
        )
        return loop[1:]

    def _next(self, state: State, uniform: Any, temperature: Any, top_p: Any, guard: Any, until: Any) -> tuple[State, Any]:
        """One more note of each take: the next state and the row [B, 6]. A take that is done stays as it is."""
        looping, slot = is_looping(state["exact"], state["relative"])
        looping = looping & guard
        guarded = tf.where(looping, state["guarded"] + 1, 0)
        expected = tf.where(looping, next_in_loop(state, slot), -1)
        moment = Moment(state, self.spec, until, temperature, top_p, guarded, expected)
        seen = self._seen(state, looping)
        inputs = seen["inputs"]

        def choose(stream: str) -> Any:
            logits = self._head(stream, seen["memory"], inputs)
            return sample(filtered(stream, logits, moment), uniform[:, STREAMS.index(stream)])

        step = choose("step")
        moment = replace(moment, step=step)
        inputs |= features.look_ahead(seen["context"], step, self.spec, looping) | {"next_step": step}
        pitch = choose("pitch")
        inputs |= {"next_pitch": pitch}
        duration = choose("duration")
        inputs |= {"next_duration": duration}
        velocity = choose("velocity")

        bar, gone = moment.bar, tf.gather(moment.ticks, step)
        position = (state["row"][:, POSITION] + gone) % tf.maximum(bar, 1)
        row = tf.stack([step, pitch, duration, velocity, position, bar], axis=1)
        clock = state["clock"] + gone
        following = self._remember(state | seen["states"], row) | {"clock": clock, "guarded": guarded}
        # The last bar of a piece that closes holds one chord, on its first beat: the next onset ends the piece.
        over = moment.in_last_bar(state["clock"]) & (gone > 0)
        done = state["done"] | (clock >= until) | over
        frozen = {
            name: tf.where(tf.reshape(done, [-1] + [1] * (len(value.shape) - 1)), state[name], value)
            for name, value in following.items()
        }
        return frozen | {"done": done}, row


def _tensors(state: State) -> State:
    return {name: tf.constant(value) for name, value in state.items()}


def _arrays(state: State) -> State:
    return {name: value.numpy() for name, value in state.items()}
