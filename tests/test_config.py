"""Options validate their ranges."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from musiclstm.config import ModelConfig, SamplingOptions, TrainConfig
from musiclstm.errors import OptionError

NAN = float("nan")


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig, SamplingOptions])
def test_the_defaults_are_valid_and_immutable(kind: Any) -> None:
    options = kind()
    with pytest.raises(FrozenInstanceError):
        options.anything = 1


@pytest.mark.parametrize(
    ("kind", "name", "lowest", "highest"),
    [
        (ModelConfig, "steps", 2, 128),
        (ModelConfig, "durations", 1, 256),
        (ModelConfig, "velocities", 1, 128),
        (ModelConfig, "composers", 1, 256),
        (ModelConfig, "units", 8, 1024),
        (ModelConfig, "layers", 1, 4),
        (ModelConfig, "head", 8, 1024),
        (ModelConfig, "channels", 1, 128),
        (ModelConfig, "dropout", 0.0, 0.9),
        (TrainConfig, "epochs", 1, 10_000),
        (TrainConfig, "lanes", 1, 1_024),
        (TrainConfig, "window", 8, 2_048),
        (TrainConfig, "learning_rate", 1e-6, 1.0),
        (TrainConfig, "transpose", 0, 11),
        (TrainConfig, "validation_share", 0.0, 0.5),
        (TrainConfig, "minutes", 0.0, 100_000.0),
        (SamplingOptions, "diversity", 0.1, 2.0),
        (SamplingOptions, "top_p", 0.05, 1.0),
    ],
)
def test_a_range_includes_its_ends_and_nothing_beyond_them(kind: Any, name: str, lowest: float, highest: float) -> None:
    assert getattr(kind(**{name: lowest}), name) == lowest
    assert getattr(kind(**{name: highest}), name) == highest
    for outside in (lowest - 1, highest + 1, NAN, float("inf"), -float("inf")):
        with pytest.raises(OptionError, match=f"{lowest:g} and {highest:g}"):
            kind(**{name: outside})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ModelConfig, "units"),
        (ModelConfig, "layers"),
        (TrainConfig, "lanes"),
        (TrainConfig, "epochs"),
        (SamplingOptions, "top_p"),
    ],
)
@pytest.mark.parametrize("value", [True, "8", None, [8]])
def test_a_value_that_is_not_a_number_is_refused(kind: Any, name: str, value: object) -> None:
    with pytest.raises(OptionError):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("kind", "name"), [(ModelConfig, "units"), (ModelConfig, "steps"), (TrainConfig, "lanes"), (TrainConfig, "random_seed")]
)
def test_sizes_and_counts_are_whole_numbers(kind: Any, name: str) -> None:
    with pytest.raises(OptionError, match=r"whole number, not 16\.5"):
        kind(**{name: 16.5})


@pytest.mark.parametrize("value", ["no", 0, None])
def test_the_loop_guard_is_on_or_off(value: Any) -> None:
    with pytest.raises(OptionError, match="loop guard"):
        SamplingOptions(loop_guard=value)


def test_a_large_bound_is_written_in_full() -> None:
    TrainConfig(random_seed=2**32 - 1)
    with pytest.raises(OptionError, match="between 0 and 4294967295, not 4294967296"):
        TrainConfig(random_seed=2**32)


def test_a_message_names_the_option_the_allowed_range_and_the_value() -> None:
    with pytest.raises(OptionError) as caught:
        SamplingOptions(diversity=99)
    assert str(caught.value) == "Diversity must lie between 0.1 and 2, not 99."
