"""Writing notes: LSTM state and context carried, sampling inside one compiled loop, many takes as one batch.

``prime`` reads a seed, ``write`` yields what comes next in chunks, so that the caller can show progress or stop between two
of them. It knows rows and ticks, nothing of pieces or files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from musiclstm.config import ModelConfig, SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.model import features, sampling
from musiclstm.model.network import STREAMS
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, Rows, Vocabulary
from musiclstm.music import LOWEST_PITCH, MAJOR_PROFILE, MINOR_PROFILE, PITCHES

CHUNK = 32  # notes written between two looks at the clock: about a bar or two
HORIZON = 1024  # rows remembered while writing; a seed and a long continuation fit
CALM_TOUCH = 0.8  # highest temperature for velocity: above it the music grew ever softer and rougher (8 velocities at 1.0)
_PRIME_PAD = HORIZON  # seeds are padded to a multiple of it, so that one length is compiled; padding is not read

KEY_NOTES = 192  # the latest ones, in whose key a piece closes: some twelve bars

State = dict[str, Any]


@dataclass(frozen=True)
class Chunk:
    """What one chunk added to each take: rows [n, 6] and, for each row, whether the loop guard was at work [n]."""

    rows: list[Rows]
    guarded: list[NDArray[np.bool_]]
    done: NDArray[np.bool_]


class Decoder:
    """A network ready to write. Compiles once per number of takes; holds no state between calls."""

    def __init__(self, network: keras.Model, config: ModelConfig, vocabulary: Vocabulary) -> None:
        self.config = config
        self.spec = features.FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities, horizon=HORIZON)
        self.parts = {name: network.get_layer(name) for name in ("trunk", *(f"{stream}_head" for stream in STREAMS))}
        self.cells = [network.get_layer(f"lstm_{index + 1}").cell for index in range(config.layers)]
        self._key_profiles = _key_profiles()
        self._tonics, self._triads = _keys_of((0,), (0,)), _keys_of((0, 4, 7), (0, 3, 7))
        self._prime = tf.function(self._prime_loop, jit_compile=True, autograph=False)
        self._write = tf.function(self._write_loop, jit_compile=True, autograph=False)
        self._known = tf.function(self._known_row)

    def prime(self, rows: Rows, *, composer: int = 0, takes: int = 1, gap: int, end: int | None = None) -> State:
        """The state after reading a seed's rows [n, 6], the same for each of ``takes``.

        ``gap``: ticks from the last row's onset to the bar line at which the continuation begins, at most the longest step;
        nothing is written before it. ``end``: how many ticks after that bar line the music is to end, None where that is not
        told. Raises OptionError for a seed without notes, fewer than one take or a longer gap.
        """
        if not len(rows) or takes < 1:
            raise OptionError(f"A seed needs at least one note and one take, not {len(rows)} notes and {takes} takes.")
        if not 0 <= gap <= self.spec.steps[-1]:
            raise OptionError(f"The gap before a continuation must lie between 0 and {self.spec.steps[-1]} ticks, not {gap}.")
        size = -(-len(rows) // _PRIME_PAD) * _PRIME_PAD
        padded = np.zeros((1, size, rows.shape[1]), np.int32)
        padded[0, : len(rows)] = rows
        onset = np.cumsum(np.asarray(self.spec.steps)[padded[0, :, STEP]])
        clock = (onset - onset[len(rows) - 1] - gap).astype(np.int32)
        told = {"composer": tf.constant([composer]), "end": tf.constant([-1 if end is None else end])}
        state = self._prime(tf.constant(padded), tf.constant(len(rows)), told, tf.constant(clock[None]))
        state |= told | {"clock": tf.constant([-gap])}
        state |= {"guarded": tf.constant([0]), "done": tf.constant([False])}
        return {name: tf.repeat(value, takes, axis=0) for name, value in state.items()}

    def write(
        self, state: State, options: SamplingOptions, rngs: Sequence[np.random.Generator], *, until: int, most: int
    ) -> Iterator[Chunk]:
        """Continue each take until its next onset would fall on or after tick ``until`` of the continuation.

        One generator a take, so that a take is the same whatever stands beside it. A take that has written ``most`` notes ends
        there.
        """
        takes = len(rngs)
        settings = (
            tf.fill([takes], tf.constant(options.diversity, tf.float32)),
            tf.constant(options.top_p, tf.float32),
            tf.constant(options.loop_guard),
            tf.constant(until),
        )
        for start in range(0, most, CHUNK):
            uniform = np.stack([rng.random((CHUNK, 4), dtype=np.float32) for rng in rngs], axis=1)
            state, rows, guarded, alive = self._write(state, tf.constant(uniform), *settings)
            rows, guarded, alive = rows.numpy().astype(np.int16), guarded.numpy(), alive.numpy()
            alive[most - start :] = False
            done = state["done"].numpy() | (start + CHUNK >= most)
            yield Chunk(
                rows=[rows[alive[:, take], take] for take in range(takes)],
                guarded=[guarded[alive[:, take], take] for take in range(takes)],
                done=done,
            )
            if done.all():
                return

    def logits_after(self, state: State, row: NDArray[np.integer]) -> dict[str, NDArray[np.float32]]:
        """Logits [B, classes] of every stream for the known next ``row`` [B, 6], each given the classes before it.

        What ``write`` would sample from; here for tests and for looking inside.
        """
        logits, _ = self._known(state, tf.constant(np.asarray(row, np.int32)))
        return {stream: value.numpy() for stream, value in logits.items()}

    def feed(self, state: State, row: NDArray[np.integer]) -> State:
        """The state after a known ``row`` [B, 6]."""
        _, following = self._known(state, tf.constant(np.asarray(row, np.int32)))
        return following

    def _known_row(self, state: State, row: Any) -> tuple[dict[str, Any], State]:
        """Logits for a known row [B, 6], each stream given the classes before it, and the state after it."""
        seen = self._seen(state, tf.zeros_like(state["done"]))
        ahead = features.look_ahead(seen["context"], row[:, STEP], self.spec)
        chosen = {"next_step": row[:, STEP], "next_pitch": row[:, PITCH], "next_duration": row[:, DURATION]}
        told = seen["inputs"] | ahead | chosen
        clock = state["clock"] + tf.gather(tf.constant(self.spec.steps), row[:, STEP])
        following = self._remember(state | seen["states"], row) | {"clock": clock}
        return {stream: self._head(stream, seen["memory"], told) for stream in STREAMS}, following

    def _empty(self, batch: int) -> State:
        zeros = {f"{kind}_{i}": tf.zeros((batch, self.config.units)) for i in range(self.config.layers) for kind in "hc"}
        return features.initial_state(batch, self.spec) | zeros

    def _remember(self, state: State, row: Any) -> State:
        """The context after one more row [B, 6]; the LSTM reads that row only when ``_seen`` is asked what comes next."""
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
        """The class [B] of how near the end is to the latest row."""
        bar = tf.maximum(state["row"][:, BAR], 1)
        left = (state["end"] - 1) // bar - state["clock"] // bar
        return tf.where(state["end"] < 0, 0, features.ending(left))

    def _call(self, part: str, inputs: dict[str, Any]) -> Any:
        """A part of the network on one progress: a time axis of length 1 is put in and taken out."""
        model = self.parts[part]
        return ops.squeeze(model({name: ops.expand_dims(inputs[name], 1) for name in model.input}, training=False), 1)

    def _head(self, stream: str, memory: Any, told: dict[str, Any]) -> Any:
        return self._call(f"{stream}_head", told | {"memory": memory})

    def _prime_loop(self, rows: Any, count: Any, told: State, clock: Any) -> State:
        state = self._empty(1) | told | {"clock": clock[:, 0]}

        def body(time: Any, state: State) -> tuple[Any, State]:
            seen = self._remember(state, tf.gather(rows, time, axis=1))
            # The newest row stays unread: ``_seen`` reads it when the first note is asked for.
            read = state | self._seen(state, tf.zeros([1], tf.bool))["states"]
            states = {name: tf.where(time > 0, read[name], state[name]) for name in read if name[:2] in ("h_", "c_")}
            return time + 1, seen | states | {"clock": tf.gather(clock, time, axis=1)}

        _, state = tf.while_loop(lambda time, _: time < count, body, (tf.constant(0), state))
        return {name: value for name, value in state.items() if name not in ("composer", "end", "clock")}

    def _write_loop(self, state: State, uniform: Any, temperature: Any, top_p: Any, guard: Any, until: Any) -> tuple[Any, ...]:
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
            lambda time, state, *_: (time < CHUNK) & tf.logical_not(tf.reduce_all(state["done"])),
            body,
            (tf.constant(0), state, rows, guarded, alive),
        )
        return loop[1:]

    def _next(self, state: State, uniform: Any, temperature: Any, top_p: Any, guard: Any, until: Any) -> tuple[State, Any]:
        """One more note of each take: the next state and the row [B, 6]. A take that is done stays as it is."""
        looping, slot = sampling.is_looping(state["exact"], state["relative"])
        looping = looping & guard
        guarded = tf.where(looping, state["guarded"] + 1, 0)
        heat = sampling.guarded_temperature(temperature, guarded)
        seen = self._seen(state, looping)

        ticks = tf.constant(self.spec.steps)
        legal = self._legal_steps(state, ticks, until)
        logits = sampling.mask(self._head("step", seen["memory"], seen["inputs"]), legal)
        step = sampling.choose(logits, uniform[:, 0], heat, top_p)
        told = seen["inputs"] | features.look_ahead(seen["context"], step, self.spec, looping) | {"next_step": step}
        pitch_logits = sampling.mask(self._head("pitch", seen["memory"], told), self._legal_pitches(state, step, until))
        expected = tf.where(looping, self._expected(state, slot), -1)
        pitch = sampling.choose(sampling.reluctant(pitch_logits, expected, guarded), uniform[:, 1], heat, top_p)
        told |= {"next_pitch": pitch}
        duration = sampling.choose(self._head("duration", seen["memory"], told), uniform[:, 2], temperature, top_p)
        told |= {"next_duration": duration}
        touch = tf.minimum(temperature, CALM_TOUCH)
        velocity = sampling.choose(self._head("velocity", seen["memory"], told), uniform[:, 3], touch, top_p)

        bar, gone = state["row"][:, BAR], tf.gather(ticks, step)
        position = (state["row"][:, POSITION] + gone) % tf.maximum(bar, 1)
        row = tf.stack([step, pitch, duration, velocity, position, bar], axis=1)
        clock = state["clock"] + gone
        following = self._remember(state | seen["states"], row) | {"clock": clock, "guarded": guarded}
        # The last bar of a piece that closes holds one chord, struck on its first beat; with the next onset it is over.
        over = self._in_last_bar(state, until) & (gone > 0)
        done = state["done"] | (clock >= until) | over
        frozen = {
            name: tf.where(tf.reshape(done, [-1] + [1] * (len(value.shape) - 1)), state[name], value)
            for name, value in following.items()
        }
        return frozen | {"done": done}, row

    def _expected(self, state: State, slot: Any) -> Any:
        """The pitch [B] that would continue the loop whose last round ends at ``slot`` [B]: the same, or as far away again."""

        def at(name: str, slot: Any) -> Any:
            return tf.gather(state[name], tf.minimum(slot, HORIZON - 1), axis=1, batch_dims=1)

        climbing = state["row"][:, PITCH] + at("interval", slot + 1)
        return tf.where(at("exact", slot) > 0, at("pitch", slot + 1), climbing)

    def _legal_steps(self, state: State, ticks: Any, until: Any) -> Any:
        """No note before the continuation's first bar line, at least one before its end, no chord note above the highest key.

        A piece that closes with what is written does so on the first beat of its last bar, neither past nor before it.
        """
        onset = state["clock"][:, None] + ticks
        begun = state["clock"][:, None] >= 0
        inside = (onset >= 0) & (onset < until)
        in_time = begun | inside | ((onset >= 0) & ~tf.reduce_any(inside, axis=1, keepdims=True))
        highest = tf.where(self._in_last_bar(state, until), PITCHES - 13, PITCHES - 1)  # so that the last chord finds its notes
        room_above = (state["row"][:, PITCH] < highest)[:, None] | (ticks > 0)
        last_bar = (until - state["row"][:, BAR])[:, None]
        closing = ((state["end"] == until)[:, None]) & (state["clock"][:, None] < last_bar)
        return in_time & room_above & ~(closing & (onset > last_bar))

    def _legal_pitches(self, state: State, step: Any, until: Any) -> Any:
        """Every key [B, 88], but of the chord that closes a piece: the tonic as its lowest note, above it those of its triad."""
        gone = tf.gather(tf.constant(self.spec.steps), step)
        closing = (state["end"] == until) & (state["clock"] + gone >= until - state["row"][:, BAR])
        recent = state["pitch"][:, -KEY_NOTES:]
        lengths = tf.gather(tf.constant(self.spec.durations), tf.maximum(state["duration"][:, -KEY_NOTES:], 0))
        classes = tf.one_hot((recent + LOWEST_PITCH) % 12, 12) * tf.cast(tf.where(recent < 0, 0, lengths), tf.float32)[..., None]
        key = tf.argmax(tf.linalg.matmul(tf.reduce_sum(classes, axis=1), tf.constant(self._key_profiles)), axis=1)
        first = tf.gather(tf.constant(self._tonics), key)
        others = tf.gather(tf.constant(self._triads), key)
        return tf.where((step > 0)[:, None], first, others) | ~closing[:, None]

    def _in_last_bar(self, state: State, until: Any) -> Any:
        """Whether each take's latest note stands in the bar with which the piece closes [B]."""
        return (state["end"] == until) & (state["clock"] >= until - state["row"][:, BAR])


def _key_profiles() -> NDArray[np.float32]:
    """What to weigh the twelve pitch classes with, for C major to B major, then C minor to B minor [12, 24]: the profiles of
    ``curation.likeliest_key``, freed of mean and spread, so that the largest sum is the highest correlation.
    """
    rows = [np.roll(profile, tonic) for profile in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)]
    return np.array([(row - row.mean()) / np.std(row) for row in rows], np.float32).T


def _keys_of(major: tuple[int, ...], minor: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which keys of the piano belong to a chord, in semitones above each major, then each minor tonic [24, 88]."""
    key = np.arange(PITCHES) + LOWEST_PITCH
    return np.array([np.isin((key - tonic) % 12, chord) for chord in (major, minor) for tonic in range(12)])
