"""Fit a network to a collection: epochs, validation, early stopping, resume.

This module decides what a run saves to be resumed; ``checkpoint`` decides what a checkpoint folder contains.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from musiclstm.config import ModelConfig, TrainConfig
from musiclstm.data import Collection
from musiclstm.errors import CheckpointError
from musiclstm.evaluation import scores
from musiclstm.model import (
    PITCH,
    STREAMS,
    Batch,
    FeatureScanner,
    FeatureSpec,
    Part,
    Vocabulary,
    bars_left,
    batch_count,
    build_network,
    encode,
    iterate_batches,
    plan_lanes,
    prefetch,
    quarters,
    reset_memory,
)
from musiclstm.music import PITCHES
from musiclstm.training.distributed import DistributedStep, WorkerGroup
from musiclstm.training.finetuning import Start

WEIGHT_AVERAGE = 0.997  # decay of the average of the weights per step: it covers about the last 300 steps
WARM_UP = 100  # steps until the full learning rate

Weights = list[NDArray[np.float32]]


@dataclass
class Progress:
    """The progress of a run: with the options, all that is needed to resume it as if it had never stopped."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    waited: int = 0
    best: float = float("inf")
    history: list[dict[str, Any]] = field(default_factory=list)


class Trainer:
    """One network in training. ``fit`` runs or resumes it; ``best_weights`` are the averaged weights of the best epoch.

    In a ``group`` of several processes each has its own Trainer, for its share of the lanes. Without a ``start`` the weights are
    random.
    """

    def __init__(
        self,
        collection: Collection,
        sides: dict[str, list[int]],
        vocabulary: Vocabulary,
        model: ModelConfig,
        options: TrainConfig,
        group: WorkerGroup | None = None,
        start: Start | None = None,
    ):
        keras.utils.set_random_seed(options.random_seed)
        self.collection, self.sides, self.vocabulary, self.model, self.options = collection, sides, vocabulary, model, options
        self.group, self.start = group or WorkerGroup(), start
        lanes = self.group.lanes(options.lanes)
        self.network = build_network(model, lanes=lanes)
        if start is not None:
            _set_weights(self.network, start.weights)
        self.scanner = FeatureScanner(FeatureSpec.of(vocabulary), lanes)
        weights = {name: options.velocity_weight if name == "velocity" else 1.0 for name in STREAMS}
        self.network.compile(
            optimizer=keras.optimizers.AdamW(options.learning_rate, weight_decay=0.01, beta_2=0.99, global_clipnorm=1.0),
            loss={
                name: keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
                for name in STREAMS
            },
            loss_weights=weights,
            jit_compile=False,  # measured on CPU: XLA halves the speed of the LSTM's training step
        )
        self.network.optimizer.build(self.network.trainable_variables)
        # On TensorFlow even a single process uses the distributed step, so that any number of processes gives the same result.
        # Keras' own step differs: it computes the clipping norm before it adds up gradients of the same embedding row.
        on_tensorflow = keras.backend.backend() == "tensorflow"
        self.distributed_step = DistributedStep(self.group, self.network, weights) if on_tensorflow else None
        self.average: Weights = _weights(self.network)
        self.best_weights: Weights = _weights(self.network)
        self.progress = Progress()
        self.memory = start.memory if start is not None else ()
        self.lengths = [*(entry.count for entry in collection.entries), *map(len, self.memory)]

    def fit(self, folder: Path, *, resume: bool, say: Callable[[str], None] = print) -> None:
        """Train until the epochs are over, validation has not improved for ``patience`` epochs, or the time is up.

        After each epoch everything needed to continue is written to ``folder`` atomically; with ``resume`` an interrupted run
        continues from there and ends with the same weights as an uninterrupted one. In a group only the leader restores,
        validates, logs and saves. Raises CheckpointError if the saved run is damaged or had other options or data, and
        WorkerError if a worker has left.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.group.check_alike({name: fact for name, fact in self._facts().items() if name != "progress"})
        if resume and self.group.leads and (folder / "resume.npz").exists():
            self._restore(folder / "resume.npz")
            say(f"Resumed after epoch {self.progress.epoch}.")
        if self.start is not None and self.group.leads and not self.progress.epoch:
            self.progress.best = self.validate()["bits_per_note"]  # an epoch counts only if it is better than the start
            say(f"Before: validation {self.progress.best:.3f} bits per note.")
        self._follow()
        while self.progress.epoch < self.options.epochs and not self._finished():
            losses = self._train_epoch()
            if self.group.leads:
                self._note(losses, self.validate(), say)
                self._save(folder / "resume.npz")
            self._follow()

    def validate(self, side: str = "validation") -> dict[str, Any]:
        """The likelihood of a side of the split under the averaged weights, as from ``scores.Likelihood.summary``."""
        return self._likelihood(self.sides[side]).summary()

    def _follow(self) -> None:
        """Copy the leader's weights and progress. The random state of dropout stays different in each process."""
        if self.group.size == 1:
            return
        state = self.progress
        numbers = np.array([state.epoch, state.step, state.seconds, state.waited, state.best])
        arrays = [numbers, *self.average, *(keras.ops.convert_to_numpy(variable) for variable in self._variables())]
        numbers, *arrays = self.group.from_leader(arrays)
        state.epoch, state.step, state.waited = int(numbers[0]), int(numbers[1]), int(numbers[3])
        state.seconds, state.best = float(numbers[2]), float(numbers[4])
        self.average = arrays[: len(self.average)]
        for variable, value in zip(self._variables(), arrays[len(self.average) :], strict=True):
            variable.assign(value + self.group.rank if variable.path.endswith("seed_generator_state") else value)

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self.network.optimizer.variables]

    def _finished(self) -> bool:
        out_of_time = 0 < self.options.minutes * 60 <= self.progress.seconds
        return out_of_time or self.progress.waited >= self.options.patience

    def _rng(self) -> np.random.Generator:
        """A new rng for each epoch, so that an epoch is the same whether or not the run was interrupted before it."""
        return np.random.default_rng([self.options.random_seed, self.progress.epoch])

    def _train_epoch(self) -> dict[str, float]:
        started, rng = time.perf_counter(), self._rng()
        read = [*self.sides["train"], *range(len(self.collection), len(self.lengths))]
        parts = _parts(read, self.lengths, rng)
        lengths = [stop - start for _, start, stop in parts]
        plan = plan_lanes(lengths, self.options.lanes, self.options.window, rng)
        total = batch_count(lengths, plan, self.options.window)
        sums, notes = dict.fromkeys(STREAMS, 0.0), 0.0
        self.scanner.carried = self.scanner.empty
        batches = iterate_batches(plan, self.options.window, lambda index: self._read_part(parts[index], rng))
        shares = (self.group.share(batch) for batch in batches)
        stream = prefetch((batch, self.scanner.inputs(batch)) for batch in shares)
        title = f"epoch {self.progress.epoch + 1}"
        with tqdm(stream, total=total, desc=title, unit="batch", mininterval=2.0, disable=not self.group.leads) as bar:
            for batch, inputs in bar:
                reset_memory(self.network, ~batch.fresh)
                self._set_learning_rate(total)
                logs = self._step(batch, inputs)
                here = logs["notes"]
                notes += here
                for name in STREAMS:
                    sums[name] += logs[f"{name}_loss"] * here
                self.progress.step += 1
                shown = " ".join(f"{name} {sums[name] / notes:.3f}" for name in STREAMS)
                speed = f"{notes / (time.perf_counter() - started):,.0f} notes/s"
                bar.set_postfix_str(f"{shown} | {speed}", refresh=False)
        self.progress.epoch += 1
        self.progress.seconds += time.perf_counter() - started
        return {name: sums[name] / notes for name in STREAMS} | {"notes_per_second": notes / (time.perf_counter() - started)}

    def _step(self, batch: Batch, inputs: dict[str, Any]) -> dict[str, float]:
        targets = {name: batch.targets[..., column] for column, name in enumerate(STREAMS)}
        weights = dict.fromkeys(STREAMS, batch.weight)
        if self.distributed_step is None:
            self.network.reset_metrics()
            logs = self.network.train_on_batch(inputs, targets, sample_weight=weights, return_dict=True)
            logs["notes"] = float(batch.weight.sum())
        else:
            logs = self.distributed_step(inputs, targets, batch.weight)
        # Early on the decay is faster, so that the average soon forgets the random initial weights.
        keep = min(WEIGHT_AVERAGE, (1 + self.progress.step) / (10 + self.progress.step))
        for mean, weight in zip(self.average, self.network.trainable_weights, strict=True):
            np.add(mean, (1 - keep) * (keras.ops.convert_to_numpy(weight) - mean), out=mean)
        return logs

    def _read(self, index: int) -> Part:
        """A whole piece, with its ending hidden."""
        known = len(self.collection)
        piece = self.collection.piece(index) if index < known else self.memory[index - known]
        return Part(encode(piece, self.vocabulary), self.vocabulary.composer_class(piece.composer))

    def _read_part(self, part: tuple[int, int, int], rng: np.random.Generator) -> Part:
        """Part of a training piece, transposed within the piano's range; sometimes its composer or its ending is hidden."""
        whole = self._read(part[0])
        rows = whole.rows[part[1] : part[2]].copy()
        lowest, highest = int(rows[:, PITCH].min()), int(rows[:, PITCH].max())
        reach = self.options.transpose
        rows[:, PITCH] += rng.integers(max(-reach, -lowest), min(reach, PITCHES - 1 - highest) + 1)
        composer = 0 if rng.random() < self.options.composer_dropout else whole.composer
        if rng.random() < self.options.ending_dropout:
            return Part(rows, composer)
        return Part(rows, composer, bars_left(whole.rows, self.vocabulary.steps)[part[1] : part[2]])

    def _set_learning_rate(self, batches_in_epoch: int) -> None:
        """Linear warm-up and cosine decay to 2 % at the last planned epoch (Loshchilov & Hutter, 2017)."""
        planned = batches_in_epoch * self.options.epochs
        done = min(1.0, self.progress.step / planned)
        warm_up = WARM_UP if self.start is None else min(WARM_UP, planned // 10 + 1)  # few pieces make few steps
        cosine = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done))
        rate = self.options.learning_rate * min(1.0, (self.progress.step + 1) / warm_up) * cosine
        self.network.optimizer.learning_rate.assign(rate)

    def _likelihood(self, pieces: Sequence[int]) -> scores.Likelihood:
        current = _weights(self.network)
        _set_weights(self.network, self.average)
        self.scanner.carried = self.scanner.empty
        lengths = [self.lengths[index] for index in pieces]
        covered = 0.0

        def read(index: int) -> Part:
            nonlocal covered
            part = self._read(pieces[index])
            covered += quarters([part.rows], self.vocabulary)
            return part

        found = scores.score_notes(self.network, self.scanner, lengths, read, window=self.options.window)
        _set_weights(self.network, current)
        return scores.total(found, covered)

    def _note(self, losses: dict[str, float], summary: dict[str, Any], say: Callable[[str], None]) -> None:
        state = self.progress
        figure = summary["bits_per_note"]
        if figure < state.best:
            state.best, state.waited, self.best_weights = figure, 0, [weight.copy() for weight in self.average]
        else:
            state.waited += 1
        state.history.append(
            {"epoch": state.epoch, "seconds": round(state.seconds, 1), "train_nats": losses, "validation": summary}
        )
        by_stream = ", ".join(f"{name} {bits:.3f}" for name, bits in summary["stream_bits_per_note"].items())
        say(
            f"epoch {state.epoch}: validation {figure:.3f} bits per note ({by_stream}; "
            f"velocity {summary['velocity_bits_per_note']:.3f}; new material {summary['new_material']['bits_per_note']:.3f}), "
            f"pitch accuracy {summary['accuracy']['pitch']:.3f}, "
            f"{losses['notes_per_second']:,.0f} notes/s{'' if state.waited else ', best so far'}"
        )

    def _save(self, path: Path) -> None:
        arrays: dict[str, Any] = {"facts": np.frombuffer(json.dumps(self._facts()).encode(), np.uint8)}
        for group, values in self._groups().items():
            arrays |= {f"{group}/{index:04d}": np.asarray(value) for index, value in enumerate(values)}
        temporary = path.with_suffix(".tmp")  # one name: what a killed run left is written over
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        temporary.replace(path)

    def _restore(self, path: Path) -> None:
        try:
            with np.load(path) as saved:
                facts = json.loads(saved["facts"].tobytes())
                same = all(facts.get(key) == value for key, value in self._facts().items() if key != "progress")
                groups = {
                    group: [saved[name] for name in sorted(saved.files) if name.startswith(f"{group}/")]
                    for group in self._groups()
                }
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{path} is damaged; leave out --resume to start over.") from error
        if not same:
            raise CheckpointError(
                f"{path.parent} contains a run with other options or data; give another --out or leave out --resume."
            )
        for variable, value in zip(self.network.variables, groups["network"], strict=True):
            variable.assign(value)
        for variable, value in zip(self.network.optimizer.variables, groups["optimizer"], strict=True):
            variable.assign(value)
        self.average, self.best_weights = groups["average"], groups["best"]
        self.progress = Progress(**facts["progress"])

    def _facts(self) -> dict[str, Any]:
        options = {key: value for key, value in asdict(self.options).items() if key not in ("epochs", "minutes", "patience")}
        data = [f"{entry.name} {entry.count}" for entry in self.collection.entries]
        facts: dict[str, Any] = {
            "options": options,
            "model": asdict(self.model),
            "vocabulary": self.vocabulary.to_json(),
            "data": data,
        }
        facts |= {"start": self.start and self.start.digest, "memory": self.lengths[len(self.collection) :]}
        return json.loads(json.dumps(facts | {"progress": asdict(self.progress)}))

    def _groups(self) -> dict[str, list[Any]]:
        return {
            "network": [keras.ops.convert_to_numpy(v) for v in self.network.variables],
            "optimizer": [keras.ops.convert_to_numpy(v) for v in self.network.optimizer.variables],
            "average": self.average,
            "best": self.best_weights,
        }


def _parts(pieces: Sequence[int], lengths: Sequence[int], rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Pieces as (index, start, stop), half of them cut in two at a random row.

    Continuing a seed means writing with a short past, but whole pieces would mostly train the network with a long one.
    """
    parts = []
    for index in pieces:
        length = lengths[index]
        cut = int(rng.integers(1, length)) if rng.random() < 0.5 else 0
        parts += [(index, 0, cut), (index, cut, length)] if min(cut, length - cut) > 2 else [(index, 0, length)]
    return parts


def trained_network(trainer: Trainer) -> keras.Model:
    """A new network for any batch size with the best averaged weights."""
    network = build_network(trainer.model)
    _set_weights(network, trainer.best_weights)
    return network


def _weights(network: keras.Model) -> Weights:
    return [keras.ops.convert_to_numpy(weight).copy() for weight in network.trainable_weights]


def _set_weights(network: keras.Model, weights: Sequence[NDArray[np.float32]]) -> None:
    for variable, value in zip(network.trainable_weights, weights, strict=True):
        variable.assign(value)
