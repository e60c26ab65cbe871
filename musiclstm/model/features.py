"""The features that the network receives in addition to the last note; all of them are computed here, from the rows.

``advance`` takes a state and one row and returns the next state; ``observe`` and ``look_ahead`` compute features from a state.
Training runs them over whole pieces (``scan``); decoding runs the same functions note by note inside its compiled loop, so both
see the same numbers. Everything uses ``keras.ops`` on tensors of fixed shape, B lanes at a time.

Three features let the LSTM look into its own past, as attention would:

- *suggestions*: the row that followed the longest match in the past. "Exact" matches compare (step, pitch) rows with the latest
  ones; "relative" matches compare (step, interval) rows, which finds sequences and transposed returns;
- *votes*: what followed every match, exact and relative, as shares in which longer matches weigh more;
- *lookback*: what was struck one, two, four, eight and sixteen bars before the next position in the bar (cf. Magenta's lookback
  RNN, 2016).

Besides the keys of the piano, their pitch classes are shown: harmony in any octave.

One feature looks ahead: the *ending*, the number of bars left in the piece, if that is known. Without it, a network that has
drifted into closing chords never leaves them, because no training piece continues after its closing chords.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, VELOCITY, Vocabulary
from musiclstm.music import PITCHES

Tensor = Any
State = dict[str, Tensor]
Features = dict[str, Tensor]

LOOKBACK_BARS = (1, 2, 4, 8, 16)
#: Decay times of "how long ago was this pitch struck": half a beat, half a bar, two bars, eight bars.
RECENCY_TICKS = (12.0, 48.0, 192.0, 768.0)
#: Channels of the pitch planes: sounding, struck at this onset, recency at each rate, struck each of LOOKBACK_BARS ago.
PLANES = 2 + len(RECENCY_TICKS) + len(LOOKBACK_BARS)
#: Channels of the pitch classes, each the highest value among its octaves: sounding, struck at this onset, recency at each rate.
CHROMA = 2 + len(RECENCY_TICKS)
PHASES, PLACES, METRES = 24, 65, 33  # classes of tick in the quarter, sixteenth in the bar, bar length in eighths
ENDING_EDGES = (1, 2, 3, 5, 9)  # lower edges of the classes, in bars left after the current one
#: Classes of an ending: unknown, the last bar, then one class per edge.
ENDINGS = 2 + len(ENDING_EDGES)
LENGTH_EDGES = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 32)  # lower edges of the match lengths, in rows
#: Classes of a match: none, then each length class off the metre and on it.
MATCHES = 1 + 2 * len(LENGTH_EDGES)
VOTE_DOUBLINGS, VOTE_LONGEST = 2, 10  # a match one row longer weighs four times as much in a vote, up to ten rows
VOTERS, VOTE_FADES = 32, 256.0  # matches that vote; rows after which a match has lost a third of its weight
VOTE_SCALE = 50.0  # shares are given on a logarithmic scale on which a share of 1/50 is still visible
#: Names of the tensors of a state.
MEMORY = ("row", "step", "pitch", "duration", "velocity", "interval", "ago", "exact", "relative", "last", "rest")
CHORD = 24  # notes at one onset that a lookback can see
_LONG_AGO = 1 << 20  # ticks; stands for "never"
_NO_INTERVAL = 999


@dataclass(frozen=True)
class FeatureSpec:
    """The vocabulary's tick values, and how many past rows matches (``horizon``) and lookback (``recent``) can see."""

    steps: tuple[int, ...]
    durations: tuple[int, ...]
    velocities: int
    horizon: int = 2048
    recent: int = 512

    @staticmethod
    def of(vocabulary: Vocabulary) -> FeatureSpec:
        """The spec for a vocabulary."""
        return FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities)


def initial_state(batch: int, spec: FeatureSpec) -> State:
    """The state before any row: an empty memory for ``batch`` lanes."""
    memory, keys = (batch, spec.horizon), (batch, PITCHES)
    return {
        "row": ops.zeros((batch, 6), dtype="int32"),
        "step": ops.full(memory, -1, dtype="int32"),
        "pitch": ops.full(memory, -1, dtype="int32"),
        "duration": ops.full(memory, -1, dtype="int32"),
        "velocity": ops.full(memory, -1, dtype="int32"),
        "interval": ops.full(memory, _NO_INTERVAL, dtype="int32"),
        "ago": ops.full(memory, _LONG_AGO, dtype="int32"),
        "exact": ops.zeros(memory, dtype="int32"),
        "relative": ops.zeros(memory, dtype="int32"),
        "last": ops.full(keys, _LONG_AGO, dtype="int32"),
        "rest": ops.zeros(keys, dtype="int32"),
    }


def advance(state: State, row: Tensor, spec: FeatureSpec) -> State:
    """The state after one more row [B, 6] (int32; columns as in ``vocabulary``)."""
    step, pitch = row[:, STEP], row[:, PITCH]
    ticks = ops.expand_dims(ops.take(_table(spec.steps), step), 1)
    length = ops.expand_dims(ops.take(_table(spec.durations), row[:, DURATION]), 1)
    struck = ops.expand_dims(pitch, 1) == _arange(PITCHES)
    before = state["pitch"][:, -1]
    interval = ops.where(before < 0, _NO_INTERVAL - 1, pitch - before)

    def push(name: str, value: Tensor) -> Tensor:
        return ops.concatenate([state[name][:, 1:], ops.expand_dims(value, 1)], axis=1)

    steps, pitches, intervals = push("step", step), push("pitch", pitch), push("interval", interval)
    same_step = steps == ops.expand_dims(step, 1)
    # The newest slot is the row itself: matching it would only find the present.
    past = _arange(spec.horizon) < spec.horizon - 1
    same_pitch = same_step & (pitches == ops.expand_dims(pitch, 1)) & past
    same_interval = same_step & (intervals == ops.expand_dims(interval, 1)) & past
    ago = ops.minimum(state["ago"] + ticks, _LONG_AGO)
    return {
        "row": row,
        "step": steps,
        "pitch": pitches,
        "duration": push("duration", row[:, DURATION]),
        "velocity": push("velocity", row[:, VELOCITY]),
        "interval": intervals,
        "ago": ops.concatenate([ago[:, 1:], ops.zeros_like(ago[:, :1])], axis=1),
        # A match at slot i continues the match that ended one row earlier. The memory has since moved by one slot,
        # so the earlier match is at the same slot i of the old array.
        "exact": ops.where(same_pitch, state["exact"] + 1, 0),
        "relative": ops.where(same_interval, state["relative"] + 1, 0),
        "last": ops.where(struck, 0, ops.minimum(state["last"] + ticks, _LONG_AGO)),
        "rest": ops.where(struck, length, ops.maximum(state["rest"] - ticks, 0)),
    }


def observe(state: State, spec: FeatureSpec, withhold: Tensor | None = None) -> Features:
    """Features of the latest row for the LSTM and the step head: class tensors [B] int32, and ``planes`` [B, 88, PLANES] float32.

    ``withhold`` [B] bool hides the suggestions and votes of a lane, as if nothing in the past matched.
    """
    row = state["row"]
    features = {
        "step": row[:, STEP],
        "pitch": row[:, PITCH],
        "duration": row[:, DURATION],
        "velocity": row[:, VELOCITY],
        "metre": ops.minimum(row[:, BAR] // 12, METRES - 1),
        **_places(row[:, POSITION]),
        **_planes(state, ops.zeros_like(row[:, STEP]), spec),
    }
    # An exact match is a relative match too, and would suggest the same row.
    transposed = ops.where(state["exact"] > 0, 0, state["relative"])
    features |= _suggestion("exact", state, state["exact"], 1, spec, withhold)
    features |= _suggestion("relative", state, transposed, 2, spec, withhold)
    back = _lookback_steps(state, spec)
    features |= {f"back_{bars}": back[:, index] for index, bars in enumerate(LOOKBACK_BARS)}
    for name in ("exact", "relative"):
        weight = _vote_weights(state[name], withhold)
        features[f"{name}_step_votes"] = _votes(weight, state["step"][:, 1:], len(spec.steps))
    return features


def look_ahead(state: State, step: Tensor, spec: FeatureSpec, withhold: Tensor | None = None) -> Features:
    """Features of the next onset, once its ``step`` class [B] is chosen.

    ``next_phase``, ``next_place`` [B] int32; ``next_planes`` [B, 88, PLANES]; ``next_exact_votes`` and ``next_relative_votes``
    [B, 88], 0 to 1, all zero for lanes in ``withhold``; ``forbidden`` [B, 88], 1.0 where a pitch would not be above the previous
    one in the same chord.
    """
    ticks = ops.take(_table(spec.steps), step)
    row = state["row"]
    places = _places((row[:, POSITION] + ticks) % ops.maximum(row[:, BAR], 1))
    planes = _planes(state, ticks, spec)
    in_chord = ops.expand_dims(step == 0, 1)
    not_above = _arange(PITCHES) <= ops.expand_dims(row[:, PITCH], 1)
    agrees = ops.cast(state["step"][:, 1:] == ops.expand_dims(step, 1), "float32")
    moved = ops.expand_dims(row[:, PITCH], 1) + state["interval"][:, 1:]
    return {
        "next_exact_votes": _votes(agrees * _vote_weights(state["exact"], withhold), state["pitch"][:, 1:], PITCHES),
        "next_relative_votes": _votes(agrees * _vote_weights(state["relative"], withhold), moved, PITCHES),
        "next_phase": places["phase"],
        "next_place": places["place"],
        "next_planes": planes["planes"],
        "next_chroma": planes["chroma"],
        "forbidden": ops.cast(in_chord & not_above, "float32"),
    }


def ending(bars_left: Tensor) -> Tensor:
    """The ending class, 1 to ENDINGS - 1, for ``bars_left`` (int32) bars after the current one; class 0 means unknown."""
    return 1 + ops.sum(ops.cast(ops.expand_dims(bars_left, -1) >= _table(ENDING_EDGES), "int32"), axis=-1)


def scan(state: State, rows: Tensor, next_step: Tensor, spec: FeatureSpec) -> tuple[State, Features]:
    """``advance``, ``observe`` and ``look_ahead`` over rows [B, T, 6] with the true next steps [B, T].

    Returns the last state, and the features with a time axis: [B, T, ...].
    """
    steps = rows.shape[1]

    def features_of(state: State, following: Tensor) -> Features:
        return observe(state, spec) | look_ahead(state, following, spec)

    # keras.ops.scan requires outputs shaped like the state, so the loop writes into its own buffers, time first.
    sample = features_of(state, next_step[:, 0])
    written = {name: ops.zeros((steps, *value.shape), dtype=value.dtype) for name, value in sample.items()}

    def body(time: Tensor, state: State, written: Features) -> tuple[Tensor, State, Features]:
        state = advance(state, ops.take(rows, time, axis=1), spec)
        features = features_of(state, ops.take(next_step, time, axis=1))
        for name, value in features.items():
            start = [time] + [0] * len(value.shape)
            written[name] = ops.slice_update(written[name], start, ops.expand_dims(value, 0))
        return time + 1, state, written

    zero = ops.zeros((), dtype="int32")
    _, state, written = ops.while_loop(lambda time, *_: time < steps, body, (zero, state, written))
    return state, {name: ops.swapaxes(value, 0, 1) for name, value in written.items()}


def _planes(state: State, ticks: Tensor, spec: FeatureSpec) -> Features:
    """``planes`` [B, 88, PLANES] of keys and ``chroma`` [B, 12, CHROMA] of pitch classes, ``ticks`` [B] after the latest onset.

    Pitch class 0 is A, the lowest key.
    """
    ahead = ops.expand_dims(ticks, 1)
    sounding = ops.cast(state["rest"] > ahead, "float32")
    struck = ops.cast(state["last"] + ahead == 0, "float32")
    waited = ops.cast(state["last"] + ahead, "float32")
    recency = [ops.exp(-waited / decay) for decay in RECENCY_TICKS]
    back = ops.transpose(_struck(state, _bars_ago(state) - ahead, spec), (0, 2, 1))
    now = ops.stack([sounding, struck, *recency], axis=2)
    octaves = ops.reshape(ops.pad(now, ((0, 0), (0, -PITCHES % 12), (0, 0))), (-1, -(-PITCHES // 12), 12, CHROMA))
    return {"planes": ops.concatenate([now, back], axis=2), "chroma": ops.max(octaves, axis=1)}


def _bars_ago(state: State) -> Tensor:
    """Ticks [B, bars] that each of LOOKBACK_BARS lasts in the metre of the latest row."""
    return ops.expand_dims(state["row"][:, BAR], 1) * _table(LOOKBACK_BARS)


def _struck(state: State, ago: Tensor, spec: FeatureSpec) -> Tensor:
    """Which keys [B, N, 88] were struck exactly ``ago`` [B, N] ticks before the latest onset: 1.0 or 0.0.

    Onsets are in order, so a chord's notes stand side by side: looking at CHORD rows costs less than looking at all of them.
    """
    times, pitches = state["ago"][:, -spec.recent :], state["pitch"][:, -spec.recent :]
    ago = ops.expand_dims(ago, 2)
    first = ops.sum(ops.cast(ops.expand_dims(times, 1) > ago, "int32"), axis=2, keepdims=True)
    places = ops.reshape(ops.minimum(first + _arange(CHORD), times.shape[1] - 1), (-1, ago.shape[1] * CHORD))

    def chords(values: Tensor) -> Tensor:
        return ops.reshape(ops.take_along_axis(values, places, axis=1), (-1, ago.shape[1], CHORD))

    keys = ops.expand_dims(chords(pitches), 3) == _arange(PITCHES)
    return ops.cast(ops.any(keys & ops.expand_dims(chords(times) == ago, 3), axis=2), "float32")


def _suggestion(name: str, state: State, match: Tensor, least: int, spec: FeatureSpec, withhold: Tensor | None) -> Features:
    """The classes of the row that followed the longest match (the latest if several are equally long), and the match class.

    If nothing matches, each class is one past the end of its stream.
    """
    slots = _arange(spec.horizon)
    best = ops.argmax(ops.minimum(match, LENGTH_EDGES[-1]) * spec.horizon + slots, axis=1)
    here = slots == ops.expand_dims(ops.cast(best, "int32"), 1)
    after = slots == ops.expand_dims(ops.cast(best, "int32") + 1, 1)

    def at(where: Tensor, values: Tensor) -> Tensor:
        return ops.sum(ops.where(where, values, 0), axis=1)

    length = at(here, match)
    pitch = at(after, state["pitch"])
    if name == "relative":
        pitch = state["row"][:, PITCH] + at(after, state["interval"])
    valid = (length >= least) & (pitch >= 0) & (pitch < PITCHES)
    if withhold is not None:
        valid = valid & ops.logical_not(withhold)
    lag = at(here, state["ago"])
    on_metre = ops.cast(lag % ops.maximum(state["row"][:, BAR], 1) == 0, "int32")
    size = ops.sum(ops.cast(ops.expand_dims(length, 1) >= _table(LENGTH_EDGES), "int32"), axis=1)
    return {
        f"{name}_step": ops.where(valid, at(after, state["step"]), len(spec.steps)),
        f"{name}_pitch": ops.where(valid, pitch, PITCHES),
        f"{name}_duration": ops.where(valid, at(after, state["duration"]), len(spec.durations)),
        f"{name}_velocity": ops.where(valid, at(after, state["velocity"]), spec.velocities),
        f"{name}_match": ops.where(valid, 2 * size - 1 + on_metre, 0),
    }


def _vote_weights(match: Tensor, withhold: Tensor | None) -> Tensor:
    """Voting weight of each past position [B, slots - 1]: the longer its match with the present, the higher.

    Of equally long matches the later one weighs more; the weight of old ones falls to half.
    """
    match = match[:, :-1]
    counts = match > 0 if withhold is None else (match > 0) & ops.logical_not(ops.expand_dims(withhold, 1))
    age = np.arange(match.shape[1], 0, -1, dtype=np.float32)
    fresh = ops.convert_to_tensor(0.5 + 0.5 * np.exp(-age / VOTE_FADES))
    heavier = ops.left_shift(1, VOTE_DOUBLINGS * ops.minimum(match, VOTE_LONGEST))  # far cheaper than a power
    return ops.where(counts, ops.cast(heavier, "float32") * fresh, 0.0)


def _votes(weight: Tensor, followed: Tensor, classes: int) -> Tensor:
    """Share of the votes [B, classes] for each class; the heaviest positions vote for the class that ``followed`` [B, slots - 1].

    On a logarithmic scale from 0 (no vote) to 1 (all votes). Short matches count as well as the longest (cf. prediction by
    partial matching, Cleary & Witten, 1984).
    """
    # Counting every position would take as long as the network itself.
    weight, places = ops.top_k(weight, min(VOTERS, weight.shape[1]), sorted=False)
    here = ops.expand_dims(ops.take_along_axis(followed, places, axis=1), 2) == _arange(classes)
    votes = ops.sum(ops.where(here, ops.expand_dims(weight, 2), 0.0), axis=1)
    shares = votes / ops.maximum(ops.sum(votes, axis=1, keepdims=True), 1.0)
    return ops.log1p(VOTE_SCALE * shares) / float(np.log1p(VOTE_SCALE))


def _lookback_steps(state: State, spec: FeatureSpec) -> Tensor:
    """Class [B, bars] of the step taken each of LOOKBACK_BARS ago from this place in the bar; len(steps) if there was none."""
    distance = ops.expand_dims(_bars_ago(state), 2) - ops.expand_dims(state["ago"][:, -spec.recent :], 1)
    step = ops.min(ops.where(distance > 0, distance, _LONG_AGO), axis=2)
    known = ops.expand_dims(state["pitch"][:, -spec.recent :] >= 0, 1)
    reached = ops.any((distance <= 0) & known, axis=2)
    same = ops.expand_dims(step, 2) == _table(spec.steps)
    found = ops.cast(ops.argmax(ops.cast(same, "int32"), axis=2), "int32")
    return ops.where(ops.any(same, axis=2) & reached, found, len(spec.steps))


def _places(position: Tensor) -> Features:
    return {"phase": position % PHASES, "place": ops.minimum(position // 6, PLACES - 1)}


def _arange(size: int) -> Tensor:
    return ops.arange(size, dtype="int32")


def _table(values: tuple[int, ...]) -> Tensor:
    return ops.convert_to_tensor(values, dtype="int32")
