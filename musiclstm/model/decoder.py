"""Writes notes: carries the LSTM's state and the features' state, and samples inside one compiled loop.

``prime`` reads a seed. ``write`` yields what comes next in chunks, so the caller can show progress or stop between two of them;
whoever writes at the same time shares the loop (``continuous_batching``), and nobody's notes depend on it. The decoder knows rows
and ticks, not pieces or files; what may be sampled is decided by ``rules``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from musiclstm.config import HORIZON, ModelConfig, SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.model import features
from musiclstm.model.continuous_batching import LANES, ContinuousBatch, Turn
from musiclstm.model.lanes import CHUNK, Lane, State, joined, lane_of, tensors
from musiclstm.model.loop_guard import is_looping, next_in_loop
from musiclstm.model.network import STREAMS, Network
from musiclstm.model.rules import Moment, filtered
from musiclstm.model.sampling import sample
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, Rows, Vocabulary
from musiclstm.quiet import give_memory_back

READ = 128  # rows of a seed read in one go: every seed is padded to a multiple of it, so that one length is compiled
SOME_DONE = 2  # lanes that are done before others take their places: to change places costs as much as half a note
JUDGED = 128  # rows that ``log_likelihood`` reads at most: four bars of dense music


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
    """A network ready to write. It holds no state between calls, and threads may share it.

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
        self._judge = tf.function(self._judge_loop, jit_compile=jit_compile, autograph=False)
        self._batch = ContinuousBatch(self._round)
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
            lanes = dict.fromkeys((*seed, "begin", "guarded"), whole) | {"done": flag}
            rows = tf.zeros((1, READ, 6), tf.int32), tf.constant(0), tf.zeros((1, READ), tf.int32)
            nothing = tf.constant(0)  # of the seed is read, and no lane is waited for
            calls = (
                (self._write, (self._empty(LANES) | lanes, tf.zeros((CHUNK, LANES, 4)), part, part, flag, whole, nothing)),
                (self._prime, (self._empty(1) | seed, *rows, tf.constant(False))),
            )
            for function, arguments in calls:
                function.get_concrete_function(*arguments)
            for function, arguments in calls:
                function(*arguments)
            give_memory_back()
            self._compiled = True

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
        if not 0 <= gap <= self.spec.steps[-1]:
            raise OptionError(f"The gap before a continuation must lie between 0 and {self.spec.steps[-1]} ticks, not {gap}.")
        onset = np.cumsum(np.asarray(self.spec.steps)[rows[:, STEP]])
        clock = (onset - onset[-1] - gap).astype(np.int32)
        given = {"composer": tf.constant([composer]), "end": tf.constant([-1 if end is None else end])}
        state = self._empty(1) | given | {"clock": tf.constant(clock[:1])}
        for start in range(0, len(rows), READ):
            if turn:
                turn.check()
            part, ticks = np.zeros((1, READ, rows.shape[1]), np.int32), np.zeros((1, READ), np.int32)
            count = min(READ, len(rows) - start)
            part[0, :count], ticks[0, :count] = rows[start : start + count], clock[start : start + count]
            state = self._prime(state, tf.constant(part), tf.constant(count), tf.constant(ticks), tf.constant(start > 0))
        read = {name: value.numpy() for name, value in state.items()} | {"clock": np.array([-gap], np.int32)}
        read |= {"begin": np.zeros(1, np.int32), "guarded": np.zeros(1, np.int32), "done": np.zeros(1, bool)}
        return {name: np.repeat(value, takes, axis=0) for name, value in read.items()}

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
    ) -> Iterator[Chunk]:
        """Continue each take until its next onset would fall on or after tick ``until`` of the continuation.

        There is one generator for each take, so a take does not depend on the others in its batch. A take ends after ``most``
        notes at the latest. Raises StoppedError once ``turn`` is stopped.
        """
        nothing = np.zeros((0, 4), np.float32)
        states, alone = [lane_of(state, index) for index in range(len(rngs))], len(rngs) == 1
        lanes = [Lane(each, rng, options, until, most, alone, [], [], nothing) for each, rng in zip(states, rngs, strict=True)]

        def chunk() -> Chunk:
            pairs, done = [lane.taken() for lane in lanes], np.array([lane.done for lane in lanes])
            return Chunk([rows for rows, _ in pairs], [guarded for _, guarded in pairs], done, joined(lanes))

        yield from self._batch.write(lanes, turn or Turn(), chunk)

    def _round(self, lanes: Sequence[Lane], crowded: bool) -> Callable[[], None]:
        """Write some notes of each lane, as one batch of a size that is compiled: LANES, or 1 for who writes a single take."""
        size = 1 if len(lanes) == 1 and lanes[0].alone else LANES
        spare = size - len(lanes)
        every = [*lanes, *[lanes[0]] * spare]
        state = joined(every) | {"done": np.arange(size) >= len(lanes)}
        enough = spare + (min(SOME_DONE, len(lanes)) if crowded else len(lanes))
        state, rows, guarded, alive = self._write(
            tensors(state),
            tf.constant(np.stack([lane.drawn() for lane in every], axis=1)),
            tf.constant(np.array([lane.options.diversity for lane in every], np.float32)),
            tf.constant(np.array([lane.options.top_p for lane in every], np.float32)),
            tf.constant(np.array([lane.options.loop_guard for lane in every])),
            tf.constant(np.array([lane.until for lane in every], np.int32)),
            tf.constant(enough),
        )
        rows, guarded, alive = rows.numpy().astype(np.int16), guarded.numpy(), alive.numpy()
        after = {name: value.numpy() for name, value in state.items()}

        def deliver() -> None:
            for index, lane in enumerate(lanes):
                written = alive[:, index]
                lane.grow(rows[written, index], guarded[written, index], lane_of(after, index))

        return deliver

    def logits_after(self, state: State, row: NDArray[np.integer]) -> dict[str, NDArray[np.float32]]:
        """Logits [B, classes] of every stream for the known next ``row`` [B, 6], each given the classes before it.

        ``write`` samples from these after its rules; they are public for tests and for looking inside.
        """
        logits, _ = self._known(tensors(state), tf.constant(np.asarray(row, np.int32)))
        return {stream: value.numpy() for stream, value in logits.items()}

    def feed(self, state: State, row: NDArray[np.integer]) -> State:
        """The state after a known ``row`` [B, 6]."""
        _, following = self._known(tensors(state), tf.constant(np.asarray(row, np.int32)))
        return {name: value.numpy() for name, value in following.items()}

    def strike(self, state: State, row: NDArray[np.integer], *, tick: int) -> State:
        """The state in which every take has played a given ``row`` [6] at ``tick`` of the continuation, and may go on.

        Its step is the class that comes nearest; the clock is exact.
        """
        gone = tick - state["clock"]
        steps = np.abs(gone[:, None] - np.asarray(self.spec.steps)).argmin(axis=1)
        rows = np.repeat(np.asarray(row, np.int32)[None], len(steps), axis=0)
        rows[:, STEP] = steps
        following = self.feed(state | {"done": np.zeros(len(steps), bool)}, rows)
        return following | {"clock": np.full(len(steps), tick, np.int32)}

    def log_likelihood(self, state: State, rows: Rows, *, tick: int) -> NDArray[np.float64]:
        """Nats [B] of ``rows`` [n, 6], the first at ``tick`` of the continuation: how likely each take leads into them.

        Step, pitch and duration count, touch does not. Only the first JUDGED rows are read.
        """
        count = min(len(rows), JUDGED)
        padded = np.zeros((JUDGED, rows.shape[1]), np.int32)
        padded[:count] = rows[:count]
        nats = self._judge(tensors(state), tf.constant(padded), tf.constant(count), tf.constant(tick))
        return np.asarray(nats.numpy(), np.float64)

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
