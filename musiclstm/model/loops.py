"""The decoder's loops as functions of tensors: what reads a seed, writes notes, and tells how likely given notes are.

They know rows and ticks, not pieces or files; what may be sampled is decided by ``rules``. ``graph`` calls them with arrays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import tensorflow as tf
from keras import ops

from musiclstm.config import HORIZON, ModelConfig
from musiclstm.model import features
from musiclstm.model.lanes import CHUNK, State
from musiclstm.model.loop_guard import is_looping, next_in_loop
from musiclstm.model.network import STREAMS, Network
from musiclstm.model.rules import Moment, filtered
from musiclstm.model.sampling import sample
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, Vocabulary


class Loops:
    """Functions of tensors over a network: ``prime``, ``write`` and ``judge``. They hold no state between calls."""

    def __init__(self, network: Network, config: ModelConfig, vocabulary: Vocabulary) -> None:
        self.spec = spec_of(vocabulary)
        self.parts = {name: network.get_layer(name) for name in ("trunk", *(f"{stream}_head" for stream in STREAMS))}
        self.cells = [network.get_layer(f"lstm_{index + 1}").cell for index in range(config.layers)]

    def prime(self, state: State, rows: Any, count: Any, clock: Any, begun: Any) -> State:
        """The state after ``count`` of the ``rows`` [1, READ, 6] of a seed, whose onsets are at ``clock`` [1, READ].

        ``begun``: some of the seed was read before.
        """

        def body(time: Any, state: State) -> tuple[Any, State]:
            seen = self._remember(state, tf.gather(rows, time, axis=1))
            # The LSTM has not read the newest row yet: ``_seen`` does so for the first new note.
            read = state | self._seen(state, tf.zeros([1], tf.bool))["states"]
            after_one = begun | (time > 0)
            states = {name: tf.where(after_one, read[name], state[name]) for name in read if name[:2] in ("h_", "c_")}
            return time + 1, seen | states | {"clock": tf.gather(clock, time, axis=1)}

        return tf.while_loop(lambda time, _: time < count, body, (tf.constant(0), state))[1]

    def write(
        self, state: State, uniform: Any, temperature: Any, top_p: Any, guard: Any, until: Any, enough: Any
    ) -> tuple[Any, ...]:
        """Up to CHUNK notes of each of B takes that is not done, until ``enough`` takes are done.

        ``uniform`` [CHUNK, B, 4]: random numbers. Returns the state, rows [CHUNK, B, 6], whether the loop guard was active
        [CHUNK, B], and which of the rows were written [CHUNK, B].
        """
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

    def judge(self, state: State, rows: Any, count: Any, tick: Any) -> tuple[Any, State]:
        """Nats [B] of ``count`` of the ``rows`` [JUDGED, 6], the first at ``tick``, and the state after them.

        The step of the first row is the class that leads nearest to ``tick`` from where each take is.
        """
        takes = state["clock"].shape[0]
        away = tf.abs((tick - state["clock"])[:, None] - tf.constant(self.spec.steps))
        first = tf.argmin(away, axis=1, output_type=tf.int32)

        def body(time: Any, state: State, nats: Any) -> tuple[Any, State, Any]:
            row = tf.repeat(rows[time][None], takes, axis=0)
            step = tf.where(time == 0, first, row[:, STEP])
            row = tf.concat([step[:, None], row[:, STEP + 1 :]], axis=1)
            logits, following = self.known(state, row)
            for stream, column in (("step", STEP), ("pitch", PITCH), ("duration", DURATION)):
                nats += tf.gather(tf.nn.log_softmax(logits[stream]), row[:, column], batch_dims=1)
            return time + 1, following, nats

        loop = tf.while_loop(lambda time, *_: time < count, body, (tf.constant(0), state, tf.zeros([takes])))
        return loop[2], loop[1]

    def known(self, state: State, row: Any) -> tuple[dict[str, Any], State]:
        """Logits for a known row [B, 6], each stream given the classes before it, and the state after it."""
        seen = self._seen(state, tf.zeros_like(state["done"]))
        ahead = features.look_ahead(seen["context"], row[:, STEP], self.spec)
        chosen = {"next_step": row[:, STEP], "next_pitch": row[:, PITCH], "next_duration": row[:, DURATION]}
        inputs = seen["inputs"] | ahead | chosen
        clock = state["clock"] + tf.gather(tf.constant(self.spec.steps), row[:, STEP])
        following = self._remember(state | seen["states"], row) | {"clock": clock}
        return {stream: self._head(stream, seen["memory"], inputs) for stream in STREAMS}, following

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


def spec_of(vocabulary: Vocabulary) -> features.FeatureSpec:
    """What features are made of while notes are written: a longer memory than in training."""
    return features.FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities, horizon=HORIZON)
