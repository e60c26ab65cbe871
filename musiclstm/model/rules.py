"""The rules of writing, as small filters on logits.

A filter gets the logits [B, classes] of one stream and the ``Moment`` in which a class is chosen, and returns logits of the same
shape. The decoder applies ``RULES[stream]`` in order and samples from what remains. To add or remove a rule, change its function
and its entry in ``RULES``; nothing else knows it.

One rule is not here: a chord's notes ascend. The network itself enforces it, in training too (``features.look_ahead``,
"forbidden").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from musiclstm.model.features import FeatureSpec
from musiclstm.model.loop_guard import guarded_temperature, reluctant
from musiclstm.model.sampling import heated, mask, nucleus
from musiclstm.model.vocabulary import BAR, PITCH
from musiclstm.music import LOWEST_PITCH, MAJOR_PROFILE, MINOR_PROFILE, PITCHES

Tensor = Any
CALM_TOUCH = 0.8  # highest temperature for velocity: above it the music grew ever softer and rougher (8 velocities at 1.0)
CHORD_ROOM = 13  # keys above the closing chord's lowest note: enough for the rest of its triad
KEY_NOTES = 192  # the latest notes, about twelve bars, decide in which key a piece closes


@dataclass(frozen=True)
class Moment:
    """All that a rule may look at. Ticks count from the continuation's first bar line.

    ``state``: the decoder's state of B takes, with ``clock`` [B] (tick of the latest onset), ``begin`` [B] (no onset before this
    tick) and ``end`` [B] (tick at which the music closes, -1 for an open end). ``until`` [B]: no onset at or after it is kept.
    ``temperature`` [B] and ``top_p`` [B] are the user's. ``guarded`` [B]: notes in a row under the loop guard; ``expected``
    [B]: the pitch that would continue the loop, or -1. ``step`` [B]: the step class of this note, once it is chosen.
    """

    state: Mapping[str, Tensor]
    spec: FeatureSpec
    until: Tensor
    temperature: Tensor
    top_p: Tensor
    guarded: Tensor
    expected: Tensor
    step: Tensor = None

    @property
    def bar(self) -> Tensor:
        """Length of the bar [B] in ticks."""
        return self.state["row"][:, BAR]

    @property
    def closes(self) -> Tensor:
        """Whether each take [B] closes with the last bar that is written now."""
        return self.state["end"] == self.until

    @property
    def ticks(self) -> Tensor:
        """Ticks of each step class [steps]."""
        return ops.convert_to_tensor(np.asarray(self.spec.steps, np.int32))

    def in_last_bar(self, tick: Tensor) -> Tensor:
        """Whether ``tick`` [B] falls in the bar with which each take closes [B]."""
        return self.closes & (tick >= self.until - self.bar)


Filter = Callable[[Tensor, Moment], Tensor]


def within_the_passage(logits: Tensor, moment: Moment) -> Tensor:
    """The first note of a passage stands after the bar line where it begins, and before its end."""
    clock, begin = (ops.expand_dims(moment.state[name], 1) for name in ("clock", "begin"))
    onset = clock + moment.ticks
    begun = clock >= begin
    inside = (onset >= begin) & (onset < ops.expand_dims(moment.until, 1))
    nothing_fits = ops.logical_not(ops.any(inside, axis=1, keepdims=True))
    return mask(logits, begun | inside | ((onset >= begin) & nothing_fits))


def room_for_a_chord(logits: Tensor, moment: Moment) -> Tensor:
    """A chord goes on only while there are keys above its latest note; a closing chord needs room for its triad."""
    closing = moment.in_last_bar(moment.state["clock"])
    highest = ops.where(closing, PITCHES - CHORD_ROOM, PITCHES - 1)
    below = ops.expand_dims(moment.state["row"][:, PITCH] < highest, 1)
    return mask(logits, below | (moment.ticks > 0))


def no_step_over_the_last_downbeat(logits: Tensor, moment: Moment) -> Tensor:
    """A piece that closes strikes its last chord on the first beat of its last bar, so no step leads past that beat."""
    clock = ops.expand_dims(moment.state["clock"], 1)
    last_bar = ops.expand_dims(moment.until - moment.bar, 1)
    too_far = ops.expand_dims(moment.closes, 1) & (clock < last_bar) & (clock + moment.ticks > last_bar)
    return mask(logits, ops.logical_not(too_far))


def closing_chord(logits: Tensor, moment: Moment) -> Tensor:
    """The last chord is the tonic triad of the key of the latest notes, with the tonic as its lowest note."""
    onset = moment.state["clock"] + ops.take(moment.ticks, moment.step)
    recent = moment.state["pitch"][:, -KEY_NOTES:]
    durations = ops.convert_to_tensor(np.asarray(moment.spec.durations, np.int32))
    lengths = ops.take(durations, ops.maximum(moment.state["duration"][:, -KEY_NOTES:], 0))
    weights = ops.expand_dims(ops.cast(ops.where(recent < 0, 0, lengths), "float32"), -1)
    classes = ops.one_hot((recent + LOWEST_PITCH) % 12, 12, dtype="float32") * weights
    key = ops.argmax(ops.matmul(ops.sum(classes, axis=1), ops.convert_to_tensor(_key_profiles())), axis=1)
    lowest = ops.take(ops.convert_to_tensor(_chord_keys((0,), (0,))), key, axis=0)
    others = ops.take(ops.convert_to_tensor(_chord_keys((0, 4, 7), (0, 3, 7))), key, axis=0)
    legal = ops.where(ops.expand_dims(moment.step > 0, 1), lowest, others)
    return mask(logits, legal | ops.logical_not(ops.expand_dims(moment.in_last_bar(onset), 1)))


def away_from_the_loop(logits: Tensor, moment: Moment) -> Tensor:
    """Under the loop guard the pitch that would continue the loop gets less likely with each note."""
    return reluctant(logits, moment.expected, moment.guarded)


def guarded_diversity(logits: Tensor, moment: Moment) -> Tensor:
    """The user's diversity, raised with each note under the loop guard."""
    return heated(logits, guarded_temperature(moment.temperature, moment.guarded))


def diversity(logits: Tensor, moment: Moment) -> Tensor:
    """The user's diversity."""
    return heated(logits, moment.temperature)


def calm_diversity(logits: Tensor, moment: Moment) -> Tensor:
    """The user's diversity, but never so high that the touch gets rough."""
    return heated(logits, ops.minimum(moment.temperature, CALM_TOUCH))


def top_p(logits: Tensor, moment: Moment) -> Tensor:
    """The unlikely tail is left out."""
    return nucleus(logits, moment.top_p)


#: The filters of each stream, in the order in which they apply.
RULES: Mapping[str, tuple[Filter, ...]] = {
    "step": (within_the_passage, room_for_a_chord, no_step_over_the_last_downbeat, guarded_diversity, top_p),
    "pitch": (closing_chord, away_from_the_loop, guarded_diversity, top_p),
    "duration": (diversity, top_p),
    "velocity": (calm_diversity, top_p),
}


def filtered(stream: str, logits: Tensor, moment: Moment) -> Tensor:
    """The logits [B, classes] of ``stream`` after all of its rules."""
    for rule in RULES[stream]:
        logits = rule(logits, moment)
    return logits


def _key_profiles() -> NDArray[np.float32]:
    """Weights of the twelve pitch classes for C major to B major, then C minor to B minor [12, 24].

    The profiles of ``music.key`` with mean 0 and spread 1: the largest weighted sum is the highest correlation.
    """
    rows = [np.roll(profile, tonic) for profile in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)]
    return np.array([(row - row.mean()) / np.std(row) for row in rows], np.float32).T


def _chord_keys(major: tuple[int, ...], minor: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which of the piano's keys belong to a chord, in semitones above each major, then each minor tonic [24, 88]."""
    key = np.arange(PITCHES) + LOWEST_PITCH
    return np.array([np.isin((key - tonic) % 12, chord) for chord in (major, minor) for tonic in range(12)])
