"""The network's inputs and outputs, what each head may know, and the memory it carries."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from musiclstm.config import ModelConfig
from musiclstm.model.network import STREAMS, SUGGESTIONS, build_network, input_shape, input_specs, reset_memory
from musiclstm.music.notes import PITCHES

CONFIG = ModelConfig(steps=5, durations=6, velocities=4, composers=3, units=16, layers=2, head=16, channels=4, dropout=0.5)
SIZES = dict(zip(STREAMS, (5, PITCHES, 6, 4), strict=True))
LANES, TIME = 3, 10
Inputs = dict[str, np.ndarray[Any, Any]]
#: What a head gets of the note it predicts, besides everything before that note.
GIVEN = {
    "step": set(),
    "pitch": {
        *("next_step", "next_phase", "next_place", "next_planes", "next_chroma"),
        *("next_exact_votes", "next_relative_votes", "forbidden"),
    },
    "duration": {"next_step", "next_phase", "next_place", "next_planes", "next_pitch"},
    "velocity": {"next_step", "next_place", "next_pitch", "next_duration"},
}


@pytest.fixture(scope="module")
def network() -> Any:
    """A network whose weights are all random, so that every input counts."""
    keras.utils.set_random_seed(3)
    network = build_network(CONFIG)
    rng = np.random.default_rng(3)
    network.set_weights([rng.normal(0, 0.3, weight.shape) for weight in network.get_weights()])
    return network


def random_inputs(seed: int = 0) -> Inputs:
    rng = np.random.default_rng(seed)
    inputs: Inputs = {}
    for name, classes in input_specs(CONFIG).items():
        if classes is not None:
            inputs[name] = rng.integers(0, classes, (LANES, TIME)).astype(np.int32)
        else:
            shape = (LANES, TIME, *input_shape(name, CONFIG))
            inputs[name] = (rng.random(shape) < 0.2).astype(np.float32)
    return inputs


def logits_of(network: Any, inputs: Inputs) -> Inputs:
    return network.predict_on_batch(inputs)


@pytest.fixture(scope="module")
def changed(network: Any) -> dict[str, Inputs]:
    """The logits with one input changed, by that input's name; "" for none."""
    inputs, others = random_inputs(0), random_inputs(1)
    return {name: logits_of(network, inputs | {n: others[n] for n in inputs if n == name}) for name in ("", *inputs)}


def test_every_stream_gets_logits_for_each_of_its_classes(network: Any) -> None:
    logits = logits_of(network, random_inputs())
    assert {name: value.shape for name, value in logits.items()} == {n: (LANES, TIME, size) for n, size in SIZES.items()}
    assert all(np.isfinite(value).all() for value in logits.values())


def test_inputs_are_named_and_bounded_by_the_config(network: Any) -> None:
    specs = input_specs(CONFIG)
    assert set(network.input) == set(specs)
    for name in SUGGESTIONS:  # one class more than the stream has: nothing suggested
        assert [specs[f"{name}_{stream}"] for stream in STREAMS] == [size + 1 for size in SIZES.values()]
    # The highest class of each input is within its table.
    top = {name: np.full((LANES, TIME), classes - 1, np.int32) for name, classes in specs.items() if classes is not None}
    logits = logits_of(network, random_inputs() | top)
    assert all(np.isfinite(value).all() for value in logits.values())


@pytest.mark.parametrize("stream", STREAMS)
def test_a_head_sees_of_its_note_only_what_was_chosen_before(changed: dict[str, Inputs], stream: str) -> None:
    given = {
        name
        for name, logits in changed.items()
        if (name.startswith("next_") or name == "forbidden") and not np.array_equal(changed[""][stream], logits[stream])
    }
    assert given == GIVEN[stream]


def test_every_input_matters_to_some_head(changed: dict[str, Inputs]) -> None:
    for name, logits in changed.items():
        assert name == "" or any(not np.array_equal(changed[""][stream], logits[stream]) for stream in STREAMS), name


def test_no_output_depends_on_a_later_moment(network: Any) -> None:
    inputs, others = random_inputs(0), random_inputs(1)
    mixed = {name: np.concatenate([inputs[name][:, :6], others[name][:, 6:]], axis=1) for name in inputs}
    before, after = logits_of(network, inputs), logits_of(network, mixed)
    for name in STREAMS:
        assert np.allclose(before[name][:, :6], after[name][:, :6], atol=1e-5), name
        assert not np.allclose(before[name][:, 6:], after[name][:, 6:], atol=1e-5), name


def test_a_forbidden_pitch_is_out_of_reach(network: Any) -> None:
    inputs = random_inputs()
    logits = logits_of(network, inputs)["pitch"]
    assert logits[inputs["forbidden"] == 1].max() < -1e8
    assert logits[inputs["forbidden"] == 0].min() > -1e4


def test_memory_is_carried_from_window_to_window_and_forgotten_in_the_lanes_asked_for(network: Any) -> None:
    inputs = random_inputs()
    first, second = ({n: v[:, start : start + 5] for n, v in inputs.items()} for start in (0, 5))
    lanes = build_network(CONFIG, lanes=LANES)
    assert [(w.path, w.shape) for w in lanes.weights] == [(w.path, w.shape) for w in network.weights]
    lanes.set_weights(network.get_weights())
    whole, fresh = logits_of(network, inputs), logits_of(network, second)
    for keep in ([True, True, True], [False, True, False]):
        reset_memory(lanes, np.zeros(LANES, bool))
        beginning = logits_of(lanes, first)
        reset_memory(lanes, np.array(keep))
        following = logits_of(lanes, second)
        for name in STREAMS:
            assert np.allclose(beginning[name], whole[name][:, :5], atol=1e-5), name
            for lane, kept in enumerate(keep):
                wanted = whole[name][lane, 5:] if kept else fresh[name][lane]
                assert np.allclose(following[name][lane], wanted, atol=1e-5), name
            assert not np.allclose(fresh[name], whole[name][:, 5:], atol=1e-3), name


def test_dropout_acts_in_training_alone(network: Any) -> None:
    inputs = random_inputs()
    still = [logits_of(network, inputs)["step"] for _ in range(2)]
    training = keras.ops.convert_to_numpy(network(inputs, training=True)["step"])
    assert np.array_equal(still[0], still[1])
    assert not np.allclose(still[0], training, atol=1e-2)


def test_all_layers_are_stock_keras(network: Any) -> None:
    def walk(model: Any) -> list[Any]:
        return [inner for layer in model.layers for inner in (walk(layer) if hasattr(layer, "layers") else [layer])]

    assert {type(layer).__module__.split(".")[0] for layer in walk(network)} == {"keras"}


@pytest.mark.parametrize("layers", [1, 3])
def test_any_number_of_layers_is_built(layers: int) -> None:
    config = ModelConfig(steps=5, durations=6, velocities=4, composers=3, units=8, layers=layers, head=8, channels=1)
    network = build_network(config)
    assert sum(layer.name.startswith("lstm_") for layer in network.layers) == layers
    assert network.output["pitch"].shape == (None, None, PITCHES)


def test_one_part_of_the_pitch_head_thinks_in_distances_from_the_last_pitch() -> None:
    network = build_network(CONFIG)
    head = network.get_layer("pitch_head")
    for weight in head.weights:
        weight.assign(np.zeros(weight.shape, np.float32))
    table = np.zeros(2 * PITCHES - 1, np.float32)
    table[PITCHES - 1 + 7] = 5.0  # a fifth up
    head.get_layer("intervals").bias.assign(table)
    inputs = random_inputs() | {"forbidden": np.zeros((LANES, TIME, PITCHES), np.float32)}
    inputs["pitch"] = np.tile(np.arange(TIME, dtype=np.int32) * 8, (LANES, 1))
    likeliest = logits_of(network, inputs)["pitch"][0].argmax(axis=-1)
    assert likeliest.tolist() == [8 * time + 7 for time in range(TIME)]
