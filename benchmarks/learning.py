"""Training of the original's three networks: Adam, batches of 32 random windows, early stopping; the best weights are kept.

The original kept its last weights, which had memorised the training windows. A run is saved at every check of the validation
windows and continues from there.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.original import RANDOM_SEED, STREAMS, UNITS, Classes, Ints, Material, Windows, lookup_network

BATCH, LEARNING_RATE = 32, 1e-3
CHECK = 400  # batches from one look at the validation windows to the next
PATIENCE = 4 * 60_000  # windows without improvement: four epochs of the original, whose epochs had 60,000
ANSWERED_AT_ONCE = 256


@dataclass
class Progress:
    """Where a training stands. ``checks``: windows seen, validation nats and accuracy, one row a look."""

    windows: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    best_windows: int = 0
    checks: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether patience is at an end."""
        return self.windows - self.best_windows >= PATIENCE


class Learner:
    """One stream's network in training. After ``learn`` it has the weights that were best on the validation windows."""

    def __init__(self, train: Windows, validation: Windows, classes: int, path: Path, units: int = UNITS) -> None:
        import keras

        if len(train) < BATCH or not len(validation):
            raise SystemExit(f"{len(train)} windows to learn from and {len(validation)} to check are too few for the original.")
        keras.utils.set_random_seed(RANDOM_SEED)
        self.unknown = classes - 1
        self.train, self.validation, self.path = train, validation, path
        self.network = lookup_network(classes, units)
        self.network.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self.network.optimizer.build(self.network.trainable_variables)
        self.best: list[NDArray[np.float32]] = self.network.get_weights()
        self.progress = Progress()

    def learn(self, minutes: float, say: Callable[[str], None] = print) -> None:
        """Train on random windows until this network has had ``minutes`` in all, earlier runs included, or patience is at an end.

        Every look at the validation windows is saved, so a run that is stopped goes on from the last one.
        """
        self._restore()
        state, started = self.progress, time.perf_counter() - self.progress.seconds
        unchecked, order = 0, self._order()
        while not state.finished and state.seconds < 60 * minutes:
            self.network.train_on_batch(*self.train.batch(next(order)))
            state.windows, state.seconds, unchecked = state.windows + BATCH, time.perf_counter() - started, unchecked + 1
            if unchecked == CHECK or state.seconds >= 60 * minutes:
                unchecked = 0
                self._check(say)
                state.seconds = time.perf_counter() - started
                self._save()
        self.network.set_weights(self.best)

    def answers(self, windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Nats and hits [m] for each target; the unknown class is never a hit, since it does not say which token comes."""
        nats, hits = np.zeros(len(windows)), np.zeros(len(windows), bool)
        for start in range(0, len(windows), ANSWERED_AT_ONCE):
            part = np.arange(start, min(start + ANSWERED_AT_ONCE, len(windows)))
            inputs, came = windows.batch(part)
            logits = self.network.predict_on_batch(inputs).astype(np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            nats[part] = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(part)), came]
            hits[part] = (logits.argmax(axis=1) == came) & (came < self.unknown)
        return nats, hits

    def _order(self) -> Iterator[Ints]:
        """Batches from where the run stands: each epoch is a new shuffle of all windows, the same if the run is interrupted."""
        epoch_windows = len(self.train) - len(self.train) % BATCH
        while True:
            epoch, place = divmod(self.progress.windows, epoch_windows)
            order = np.random.default_rng([RANDOM_SEED, epoch]).permutation(len(self.train))
            yield from (order[start : start + BATCH] for start in range(place, epoch_windows, BATCH))

    def _check(self, say: Callable[[str], None]) -> None:
        state = self.progress
        nats, hits = self.answers(self.validation)
        state.checks.append((state.windows, float(nats.mean()), float(hits.mean())))
        if nats.mean() < state.best:
            state.best, state.best_windows, self.best = float(nats.mean()), state.windows, self.network.get_weights()
        say(
            f"{self.path.stem}: {state.windows:,} windows, {state.seconds / 60:.1f} min, validation {nats.mean():.3f} nats, "
            f"accuracy {hits.mean():.3f}"
        )

    def _facts(self) -> dict[str, Any]:
        sizes = [len(self.train), len(self.validation), int(self.train.classes.sum()), int(self.train.targets.sum())]
        return {"data": [*sizes, int(self.validation.targets.sum()), *self.network.output_shape[1:]], **asdict(self.progress)}

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self.network.optimizer.variables]

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {"facts": np.frombuffer(json.dumps(self._facts()).encode(), np.uint8)}
        arrays |= {f"now/{index:04d}": np.asarray(variable) for index, variable in enumerate(self._variables())}
        arrays |= {f"best/{index:04d}": weight for index, weight in enumerate(self.best)}
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        temporary.replace(self.path)

    def _restore(self) -> None:
        if not self.path.exists():
            return
        with np.load(self.path) as saved:
            facts = json.loads(saved["facts"].tobytes())
            if facts.pop("data") != self._facts()["data"]:
                raise SystemExit(f"{self.path} was trained on other data; remove it or give another --work.")
            groups = {name: [saved[key] for key in sorted(saved.files) if key.startswith(name)] for name in ("now/", "best/")}
        for variable, value in zip(self._variables(), groups["now/"], strict=True):
            variable.assign(value)
        self.best = groups["best/"]
        self.progress = Progress(**facts | {"checks": [tuple(check) for check in facts["checks"]]})


@dataclass(frozen=True)
class Answers:
    """What three networks made of some targets: ``bits`` of all streams and ``quarters`` covered, both added up; by stream, which
    targets were ``right`` [m], and the share of tokens that are ``unknown``.
    """

    bits: float
    quarters: float
    right: dict[str, NDArray[np.bool_]]
    unknown: dict[str, float]


class Trio:
    """The original: a network for notes, one for gaps and one for durations, none of which knows of the others."""

    def __init__(self, train: Material, targets: Ints, validation: Material, checked: Ints, folder: Path) -> None:
        self.classes = {name: Classes.of(train.streams[name]) for name in STREAMS}
        self.learners = {
            name: Learner(
                Windows(classes.encode(train.streams[name]), targets),
                Windows(classes.encode(validation.streams[name]), checked),
                len(classes),
                folder / f"{name}.npz",
            )
            for name, classes in self.classes.items()
        }

    def learn(self, minutes: float, say: Callable[[str], None] = print) -> None:
        """Train each network for ``minutes`` in all."""
        for learner in self.learners.values():
            learner.learn(minutes, say)

    def answers(self, pieces: Material, targets: Ints) -> Answers:
        """Predict the targets of other pieces."""
        windows = {name: Windows(classes.encode(pieces.streams[name]), targets) for name, classes in self.classes.items()}
        found = {name: self.learners[name].answers(windows[name]) for name in STREAMS}
        return Answers(
            bits=float(sum(nats.sum() for nats, _ in found.values()) / np.log(2)),
            quarters=pieces.quarters(targets),
            right={name: hits for name, (_, hits) in found.items()},
            unknown={name: float((windows[name].classes[targets] == self.classes[name].unknown).mean()) for name in STREAMS},
        )

    @property
    def parameters(self) -> int:
        """Of the three networks together."""
        return sum(int(learner.network.count_params()) for learner in self.learners.values())

    @property
    def minutes(self) -> float:
        """Training time of the three networks together."""
        return sum(learner.progress.seconds for learner in self.learners.values()) / 60
