"""Options as frozen dataclasses. Each checks its own ranges and raises OptionError with one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from musiclstm.errors import OptionError


def _check(name: str, value: float, low: float, high: float) -> None:
    # Written this way so that NaN, which compares false with everything, is refused too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        ends = [end if isinstance(end, int) else f"{end:g}" for end in (low, high)]
        raise OptionError(f"{name} must lie between {ends[0]} and {ends[1]}, not {value}.")


MOST_WORKERS = 64  # processes that train together
REPO_VARIABLE, REVISION_VARIABLE = "MUSICLSTM_REPO", "MUSICLSTM_REVISION"  # environment variables that the page reads
HORIZON = 1024  # rows remembered while writing; a seed and a long continuation fit


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network. The bounds keep an untrusted config from asking for gigabytes.

    ``steps``, ``durations``, ``velocities``, ``composers``: class counts of the vocabulary (composer 0 is "unknown").
    ``units``: width of each LSTM layer; ``layers``: how many; ``head``: hidden width of the output heads;
    ``channels``: filters of the convolution along the pitch axis; ``dropout``: dropout rate in training.
    """

    steps: int = 32
    durations: int = 48
    velocities: int = 32
    composers: int = 32
    units: int = 384
    layers: int = 2
    head: int = 256
    channels: int = 24
    dropout: float = 0.2

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 2, 128),
            ("durations", 1, 256),
            ("velocities", 1, 128),
            ("composers", 1, 256),
            ("units", 8, 1024),
            ("layers", 1, 4),
            ("head", 8, 1024),
            ("channels", 1, 128),
        ):
            _check(f"Model {name}", getattr(self, name), low, high)
            if not isinstance(getattr(self, name), int):
                raise OptionError(f"Model {name} must be a whole number, not {getattr(self, name)}.")
        _check("Model dropout", self.dropout, 0.0, 0.9)


@dataclass(frozen=True)
class TrainConfig:
    """How to train. ``random_seed`` decides split, order, transposition, dropout and initial weights.

    ``composer_dropout`` and ``ending_dropout``: share of the pieces in which the composer or the distance to the end is hidden.
    """

    epochs: int = 16
    patience: int = 4
    lanes: int = 32
    window: int = 128
    learning_rate: float = 2e-3
    velocity_weight: float = 0.3
    transpose: int = 6
    composer_dropout: float = 0.3
    ending_dropout: float = 0.5
    validation_share: float = 0.08
    test_share: float = 0.08
    random_seed: int = 1
    minutes: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("epochs", 1, 10_000),
            ("patience", 1, 1_000),
            ("lanes", 1, 1_024),
            ("window", 8, 2_048),
            ("learning_rate", 1e-6, 1.0),
            ("velocity_weight", 0.0, 10.0),
            ("transpose", 0, 11),
            ("composer_dropout", 0.0, 1.0),
            ("ending_dropout", 0.0, 1.0),
            ("validation_share", 0.0, 0.5),
            ("test_share", 0.0, 0.5),
            ("random_seed", 0, 2**32 - 1),
            ("minutes", 0.0, 100_000.0),
        ):
            value = getattr(self, name)
            _check(f"Training option {name}", value, low, high)
            if isinstance(low, int) and not isinstance(value, int):
                raise OptionError(f"Training option {name} must be a whole number, not {value}.")


#: For a handful of pieces and a network that can write already: small steps, and more works held out.
FINE_TUNING = TrainConfig(epochs=8, patience=2, lanes=8, window=64, learning_rate=5e-4, validation_share=0.15, test_share=0.2)


@dataclass(frozen=True)
class SamplingOptions:
    """How the next class is sampled.

    ``diversity``: temperature, 0.1 (tame) to 2.0 (wild); ``top_p``: sample from the likeliest classes that together have this
    share of the probability (Holtzman et al., 2020, "The Curious Case of Neural Text Degeneration"); ``loop_guard``: whether
    to intervene when the music starts to loop.
    """

    diversity: float = 1.05  # measured on held-out music: benchmarks/diversity.py
    top_p: float = 0.95
    loop_guard: bool = True

    def __post_init__(self) -> None:
        _check("Diversity", self.diversity, 0.1, 2.0)
        _check("Top-p", self.top_p, 0.05, 1.0)
        if not isinstance(self.loop_guard, bool):
            raise OptionError(f"The loop guard must be on or off (true or false), not {self.loop_guard!r}.")
