"""The network: build_network(ModelConfig) -> keras.Model of stock Keras layers.

A note is predicted as p(step) p(pitch | step) p(duration | step, pitch) p(velocity | step, pitch, duration) by one stack of LSTM
layers and four heads. Each part is a model of its own with named inputs: the decoder calls the parts for one note, training calls
the whole network for a window:

    trunk          features of the latest row           -> [B, T, W]      input of the LSTM
    lstm_1 ...                                          -> [B, T, units]  memory; the decoder carries their states
    step_head      memory, suggestions, votes           -> [B, T, steps]
    pitch_head     + the chosen step, the next onset    -> [B, T, 88]         by key and by distance from the last pitch
    duration_head  + the chosen pitch                   -> [B, T, durations]
    velocity_head  + the chosen duration                -> [B, T, velocities]

All outputs are logits. Every head can copy a suggested class through a learned gate (cf. pointer networks, Vinyals et al., 2015).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import keras
import numpy as np
from keras import layers, ops

from musiclstm.config import ModelConfig
from musiclstm.model.features import CHROMA, ENDINGS, LOOKBACK_BARS, MATCHES, METRES, PHASES, PLACES, PLANES
from musiclstm.music import PITCHES

STREAMS = ("step", "pitch", "duration", "velocity")
SUGGESTIONS = ("exact", "relative")
OCTAVES = 25  # kernel of the convolution along the keys: an octave to either side
Tensors = dict[str, Any]
Network: TypeAlias = keras.Model


def input_shape(name: str, config: ModelConfig) -> tuple[int, ...]:
    """The shape of an input after [B, T]: () for a class; for floats the number of classes, or of keys and channels."""
    if input_specs(config)[name] is not None:
        return ()
    if name.endswith("step_votes"):
        return (config.steps,)
    if name.endswith("chroma"):
        return (12, CHROMA)
    return (PITCHES, PLANES) if name.endswith("planes") else (PITCHES,)


def input_specs(config: ModelConfig) -> dict[str, int | None]:
    """Names of all inputs and the number of classes of each; None marks float inputs, see ``input_shape``."""
    suggested = {
        f"{name}_{stream}": size + 1 for name in SUGGESTIONS for stream, size in zip(STREAMS, _sizes(config), strict=True)
    }
    return {
        **dict(zip(STREAMS, _sizes(config), strict=True)),
        "phase": PHASES,
        "place": PLACES,
        "metre": METRES,
        "composer": config.composers,
        "ending": ENDINGS,
        **suggested,
        **{f"{name}_match": MATCHES for name in SUGGESTIONS},
        **{f"back_{bars}": config.steps + 1 for bars in LOOKBACK_BARS},
        "next_step": config.steps,
        "next_pitch": PITCHES,
        "next_duration": config.durations,
        "next_phase": PHASES,
        "next_place": PLACES,
        "planes": None,
        "chroma": None,
        "next_planes": None,
        "next_chroma": None,
        **{votes: None for name in SUGGESTIONS for votes in (f"{name}_step_votes", f"next_{name}_votes")},
        "forbidden": None,
    }


def build_network(config: ModelConfig, *, lanes: int | None = None) -> Network:
    """The network: a dict of inputs [B, T, ...] (see ``input_specs``) -> a dict of logits, one per stream.

    With ``lanes`` the batch size is fixed and the LSTM layers keep their state between calls, for training on consecutive
    windows; the weights are the same, in the same order.
    """
    inputs = {name: _input(name, config, lanes) for name in input_specs(config)}
    parts = build_parts(config)
    memory = parts["trunk"](_wanted(parts["trunk"], inputs))
    for index in range(config.layers):
        below = memory
        memory = layers.LSTM(config.units, return_sequences=True, stateful=lanes is not None, name=f"lstm_{index + 1}")(below)
        if index:
            memory = layers.Add(name=f"shortcut_{index + 1}")([memory, below])
        memory = layers.Dropout(config.dropout, name=f"memory_dropout_{index + 1}")(memory)
    everything = inputs | {"memory": memory}
    outputs = {stream: parts[f"{stream}_head"](_wanted(parts[f"{stream}_head"], everything)) for stream in STREAMS}
    return keras.Model(inputs, outputs, name="musiclstm")


def reset_memory(network: keras.Model, keep: Any) -> None:
    """Reset the carried LSTM state of lanes where ``keep`` [lanes] is 0; keep it where it is 1."""
    for layer in network.layers:
        for state in getattr(layer, "states", None) or ():
            state.assign(state * ops.reshape(ops.cast(keep, state.dtype), (-1, 1)))


def build_parts(config: ModelConfig) -> dict[str, keras.Model]:
    """The trunk and the four heads, by name."""
    return {
        "trunk": _trunk(config),
        "step_head": _step_head(config),
        "pitch_head": _pitch_head(config),
        "duration_head": _duration_head(config),
        "velocity_head": _velocity_head(config),
    }


def _trunk(config: ModelConfig) -> Network:
    widths = {"step": 16, "pitch": 48, "duration": 16, "velocity": 8, "phase": 8, "place": 16, "metre": 8, "composer": 16}
    widths |= {"ending": 8}
    inputs, embedded = {}, []
    for name, width in widths.items():
        inputs[name] = _input(name, config)
        embedded.append(_embed(inputs[name], name, width, config))
    for name in SUGGESTIONS:
        for stream, width in (("step", 8), ("pitch", 24), ("duration", 8), ("match", 8)):
            key = f"{name}_{stream}"
            inputs[key] = _input(key, config)
            embedded.append(_embed(inputs[key], key, width, config))
    for bars in LOOKBACK_BARS:
        inputs[f"back_{bars}"] = _input(f"back_{bars}", config)
        embedded.append(_embed(inputs[f"back_{bars}"], f"back_{bars}", 8, config))
    inputs["planes"] = _input("planes", config)
    inputs["chroma"] = _input("chroma", config)
    pitches = layers.Concatenate()([_flat(inputs["planes"]), _flat(inputs["chroma"])])
    keys = layers.Dense(config.head, activation="gelu", name="planes_dense")(pitches)
    joined = layers.Dropout(config.dropout, name="input_dropout")(layers.Concatenate()([*embedded, keys]))
    x = layers.LayerNormalization(name="norm")(layers.Dense(config.units, activation="gelu", name="mix")(joined))
    return keras.Model(inputs, x, name="trunk")


def _step_head(config: ModelConfig) -> Network:
    hints = [f"{name}_{kind}" for name in SUGGESTIONS for kind in ("step", "match")] + [f"back_{bars}" for bars in LOOKBACK_BARS]
    votes = [f"{name}_step_votes" for name in SUGGESTIONS]
    inputs = {"memory": _memory(config)} | {name: _input(name, config) for name in (*hints, *votes)}
    embedded = [_embed(inputs[name], name, 8, config) for name in hints]
    context = layers.Concatenate()([inputs["memory"], *embedded, *(inputs[name] for name in votes)])
    hidden = _hidden(context, config.head // 2, config)
    logits = layers.Dense(config.steps, name="logits")(hidden)
    copied = [hint for hint in hints if not hint.endswith("match")]
    gates = layers.Dense(len(copied) + len(votes), name="gates")(layers.Concatenate()([context, hidden]))
    for index, hint in enumerate(copied):
        logits = layers.Add()([logits, _bonus(gates, index, inputs[hint], config.steps)])
    for index, name in enumerate(votes, start=len(copied)):
        logits = layers.Add()([logits, gates[..., index : index + 1] * inputs[name]])
    return keras.Model(inputs, logits, name="step_head")


def _pitch_head(config: ModelConfig) -> Network:
    classes = ["next_step", "next_phase", "next_place", *(f"{n}_{k}" for n in SUGGESTIONS for k in ("step", "pitch", "match"))]
    votes = [f"next_{name}_votes" for name in SUGGESTIONS]
    inputs = {"memory": _memory(config)} | {
        name: _input(name, config) for name in (*classes, "pitch", "next_planes", "next_chroma", *votes, "forbidden")
    }
    embedded = [_embed(inputs[name], name, 16 if name.endswith("pitch") else 8, config) for name in classes]
    agrees = [_same(inputs["next_step"], inputs[f"{name}_step"]) for name in SUGGESTIONS]
    suggested = [_one_hot(inputs[f"{name}_pitch"], PITCHES) for name in SUGGESTIONS]

    # Per key: planes, its pitch class, suggestions and votes, [B, T, 88, PLANES + CHROMA + 4]; the LSTM weights the patterns.
    marks = [ops.expand_dims(keys * agree, -1) for keys, agree in zip(suggested, agrees, strict=True)]
    marks += [ops.expand_dims(inputs[name], -1) for name in votes]
    in_all_octaves = ops.take(inputs["next_chroma"], np.arange(PITCHES, dtype=np.int32) % 12, axis=2)
    board = layers.Concatenate(axis=-1)([inputs["next_planes"], in_all_octaves, *marks])
    patterns = layers.Conv2D(config.channels, (1, OCTAVES), padding="same", activation="gelu", name="patterns")(board)

    pitches = layers.Concatenate()([_flat(inputs["next_planes"]), _flat(inputs["next_chroma"])])
    keys = layers.Dense(config.head // 2, activation="gelu", name="keys")(pitches)
    context = layers.Concatenate()(
        [inputs["memory"], *embedded, *agrees, layers.Dropout(config.dropout, name="keys_dropout")(keys)]
    )
    hidden = _hidden(context, config.head, config)
    weights = layers.Dense(config.channels, name="pattern_weights")(hidden)
    logits = layers.Dense(PITCHES, name="logits")(hidden)
    logits = layers.Add()([logits, ops.sum(patterns * ops.expand_dims(weights, 2), axis=-1)])
    intervals = layers.Dense(2 * PITCHES - 1, name="intervals")(hidden)
    logits = layers.Add()([logits, ops.take_along_axis(intervals, _from(inputs["pitch"]), axis=-1)])
    gates = layers.Dense(2 * len(SUGGESTIONS), name="gates")(layers.Concatenate()([context, hidden]))
    for index, name in enumerate(SUGGESTIONS):
        logits = layers.Add()([logits, _bonus(gates, index, inputs[f"{name}_pitch"], PITCHES)])
    for index, name in enumerate(votes, start=len(SUGGESTIONS)):
        logits = layers.Add()([logits, gates[..., index : index + 1] * inputs[name]])
    return keras.Model(inputs, logits - 1e9 * inputs["forbidden"], name="pitch_head")


def _duration_head(config: ModelConfig) -> Network:
    classes = [
        "duration",
        "next_step",
        "next_phase",
        "next_place",
        *(f"{n}_{k}" for n in SUGGESTIONS for k in ("duration", "match")),
    ]
    matched = [f"{n}_{k}" for n in SUGGESTIONS for k in ("step", "pitch")]
    inputs = {"memory": _memory(config)} | {
        name: _input(name, config) for name in (*classes, *matched, "next_pitch", "next_planes")
    }
    agrees = [
        _same(inputs["next_step"], inputs[f"{name}_step"]) * _same(inputs["next_pitch"], inputs[f"{name}_pitch"])
        for name in SUGGESTIONS
    ]
    key = ops.expand_dims(_one_hot(inputs["next_pitch"], PITCHES), -1)
    at_key = ops.sum(inputs["next_planes"] * key, axis=2)
    embedded = [_embed(inputs[name], name, 8, config) for name in classes]
    embedded.append(_embed(inputs["next_pitch"], "next_pitch", 24, config))
    context = layers.Concatenate()([inputs["memory"], *embedded, *agrees, at_key])
    hidden = _hidden(context, config.head // 2, config)
    logits = layers.Dense(config.durations, name="logits")(hidden)
    gates = layers.Dense(len(SUGGESTIONS), name="gates")(layers.Concatenate()([context, hidden]))
    for index, name in enumerate(SUGGESTIONS):
        logits = layers.Add()([logits, _bonus(gates, index, inputs[f"{name}_duration"], config.durations)])
    return keras.Model(inputs, logits, name="duration_head")


def _velocity_head(config: ModelConfig) -> Network:
    classes = [
        "velocity",
        "next_step",
        "next_pitch",
        "next_duration",
        "next_place",
        *(f"{n}_{k}" for n in SUGGESTIONS for k in ("velocity", "match")),
    ]
    inputs = {"memory": _memory(config)} | {name: _input(name, config) for name in classes}
    embedded = [_embed(inputs[name], name, 16 if name == "next_pitch" else 8, config) for name in classes]
    context = layers.Concatenate()([inputs["memory"], *embedded])
    hidden = _hidden(context, config.head // 4, config)
    logits = layers.Dense(config.velocities, name="logits")(hidden)
    gates = layers.Dense(len(SUGGESTIONS) + 1, name="gates")(layers.Concatenate()([context, hidden]))
    for index, name in enumerate((*(f"{n}_velocity" for n in SUGGESTIONS), "velocity")):
        logits = layers.Add()([logits, _bonus(gates, index, inputs[name], config.velocities)])
    return keras.Model(inputs, logits, name="velocity_head")


def _sizes(config: ModelConfig) -> tuple[int, int, int, int]:
    return config.steps, PITCHES, config.durations, config.velocities


def _input(name: str, config: ModelConfig, lanes: int | None = None) -> Any:
    dtype = "float32" if input_specs(config)[name] is None else "int32"
    return keras.Input((None, *input_shape(name, config)), batch_size=lanes, dtype=dtype, name=name)


def _memory(config: ModelConfig) -> Any:
    return keras.Input((None, config.units), dtype="float32", name="memory")


def _wanted(part: keras.Model, inputs: Tensors) -> Tensors:
    return {name: inputs[name] for name in part.input}


def _embed(value: Any, name: str, width: int, config: ModelConfig) -> Any:
    return layers.Embedding(input_specs(config)[name], width, name=f"embed_{name}")(value)


def _hidden(context: Any, width: int, config: ModelConfig) -> Any:
    return layers.Dropout(config.dropout, name="hidden_dropout")(layers.Dense(width, activation="gelu", name="hidden")(context))


def _flat(planes: Any) -> Any:
    """[B, T, keys, channels] -> [B, T, keys * channels], whatever T is."""
    return layers.Reshape((-1, planes.shape[-2] * planes.shape[-1]))(planes)


def _one_hot(value: Any, classes: int) -> Any:
    """[B, T] -> [B, T, classes]; the value ``classes`` ("nothing suggested") becomes all zeros."""
    return ops.one_hot(value, classes + 1)[..., :classes]


def _same(left: Any, right: Any) -> Any:
    return ops.expand_dims(ops.cast(ops.equal(left, right), "float32"), -1)


def _from(pitch: Any) -> Any:
    """[B, T] -> [B, T, 88]: each key's interval class from ``pitch``; class 0 is the largest interval down."""
    return ops.subtract(np.arange(PITCHES - 1, 2 * PITCHES - 1, dtype=np.int32), ops.expand_dims(pitch, -1))


def _bonus(gates: Any, index: int, suggested: Any, classes: int) -> Any:
    """What the gate adds to the logit of the suggested class."""
    return gates[..., index : index + 1] * _one_hot(suggested, classes)
