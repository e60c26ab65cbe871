"""Training runs of two epochs: they learn, can be repeated, interrupted and resumed, and keep the best weights."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiclstm.checkpoint import size_for
from musiclstm.config import TrainConfig
from musiclstm.data.collection import Collection, open_collection
from musiclstm.data.listing import Source
from musiclstm.errors import CheckpointError
from musiclstm.evaluation.scores import score_notes, total
from musiclstm.model.batches import Part
from musiclstm.model.network import STREAMS, build_network
from musiclstm.model.vocabulary import Vocabulary, encode, fit_vocabulary
from musiclstm.music.notes import Piece, make_notes
from musiclstm.training.trainer import Trainer, trained_network

pytestmark = pytest.mark.usefixtures("no_xla")
Array = np.ndarray[Any, Any]
OPTIONS = TrainConfig(epochs=2, patience=9, lanes=4, window=16, learning_rate=0.1, transpose=3)
OTHER = replace(OPTIONS, random_seed=2)
SIDES = {"train": [0, 1, 2, 3, 4], "validation": [5], "test": []}


def broken_chords(seed: int, notes: int = 120) -> Piece:
    """Eighths up and down the triads of a random row of roots: easy to learn."""
    rng = np.random.default_rng(seed)
    roots = np.repeat(rng.integers(40, 60, notes // 4), 4)
    pitches = roots + np.tile([0, 4, 7, 4], notes // 4)
    return Piece(make_notes(np.arange(notes) * 12, pitches, [12] * notes, [64] * notes), composer="Alberti")


def collect(pieces: list[Piece], cache: Path) -> Collection:
    sources = [Source(f"piece {i}", f"work {i}", p.composer, "", lambda p=p: p) for i, p in enumerate(pieces)]  # type: ignore[misc]
    return open_collection(sources, cache)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Six pieces of broken chords, and one of a single note that no run begins with."""
    drum = Piece(make_notes(np.arange(120) * 12, [60] * 120, [12] * 120, [64] * 120))
    return collect([*(broken_chords(seed, 80) for seed in range(6)), drum], tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def vocabulary(collection: Collection) -> Vocabulary:
    return fit_vocabulary(collection.piece(index) for index in range(len(collection)))


def trainer_for(collection: Collection, vocabulary: Vocabulary, options: TrainConfig = OPTIONS) -> Trainer:
    return Trainer(collection, SIDES, vocabulary, size_for(vocabulary, units=8, layers=1, head=8, channels=1), options)


@pytest.fixture(scope="module")
def idle(collection: Collection, vocabulary: Vocabulary) -> Trainer:
    """A trainer that has not begun, and never does."""
    return trainer_for(collection, vocabulary)


@pytest.fixture(scope="module")
def other(collection: Collection, vocabulary: Vocabulary) -> Trainer:
    """Another one that never begins, with another random seed."""
    return trainer_for(collection, vocabulary, OTHER)


@pytest.fixture(scope="module")
def whole(collection: Collection, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Path]:
    """A run of two epochs and its folder; in ``killed`` there lies what it would have left if killed in the second epoch."""
    trainer, folder = trainer_for(collection, vocabulary), tmp_path_factory.mktemp("runs")
    (folder / "resume.tmp").write_bytes(b"what a killed run left")

    def keep(line: str) -> None:
        if line.startswith("epoch 2"):  # said before the second epoch is saved
            (folder / "killed").mkdir()
            shutil.copy(folder / "resume.npz", folder / "killed")

    trainer.fit(folder, resume=False, say=keep)
    return trainer, folder


@dataclass(frozen=True)
class Place:
    """Where a run has come to: how many steps it took, and copies of the weights of all kinds."""

    step: int
    weights: dict[str, list[Array]]

    @staticmethod
    def of(trainer: Trainer) -> Place:
        return Place(trainer.progress.step, weights_of(trainer))

    def equals(self, other: Place) -> bool:
        return self.step == other.step and all(same(self.weights[kind], other.weights[kind]) for kind in self.weights)


def weights_of(trainer: Trainer) -> dict[str, list[Array]]:
    """Copies of the weights of all kinds."""
    return {
        "latest": [weight.numpy().copy() for weight in trainer.network.trainable_weights],
        "average": [weight.copy() for weight in trainer.average],
        "best": [weight.copy() for weight in trainer.best_weights],
    }


def validations(trainer: Trainer) -> list[dict[str, Any]]:
    return [entry["validation"] for entry in trainer.progress.history]


def same(left: list[Array], right: list[Array]) -> bool:
    return all(np.allclose(one, other, rtol=0, atol=1e-6) for one, other in zip(left, right, strict=True))


# Learning


def test_losses_fall(whole: tuple[Trainer, Path]) -> None:
    first, second = whole[0].progress.history
    assert [first["epoch"], second["epoch"]] == [1, 2]
    for stream in STREAMS:
        assert second["train_nats"][stream] < first["train_nats"][stream], stream
    assert second["validation"]["bits_per_note"] < first["validation"]["bits_per_note"]


def test_what_is_measured_and_kept_are_the_averaged_weights(whole: tuple[Trainer, Path], collection: Collection) -> None:
    trainer, _ = whole
    weights = weights_of(trainer)
    assert not same(weights["latest"], weights["average"])
    assert same(weights["best"], weights["average"])  # the last epoch was the best
    network = trained_network(trainer)
    assert same([weight.numpy() for weight in network.trainable_weights], weights["average"])

    lanes = build_network(trainer.model, lanes=OPTIONS.lanes)
    for mine, best in zip(lanes.trainable_weights, network.trainable_weights, strict=True):
        mine.assign(best)
    rows = encode(collection.piece(5), trainer.vocabulary)
    composer = trainer.vocabulary.composer_class("Alberti")
    scores = score_notes(lanes, trainer.scanner, [len(rows)], lambda _: Part(rows, composer), window=OPTIONS.window)
    alone, reported = total(scores, 1.0).summary(), trainer.progress.history[-1]["validation"]
    assert reported["bits_per_note"] == pytest.approx(alone["bits_per_note"], abs=1e-3)
    assert reported["accuracy"] == pytest.approx(alone["accuracy"], abs=0.01)
    assert reported["quarters"] == pytest.approx(79 * 12 / 24)


def test_validating_changes_nothing(whole: tuple[Trainer, Path]) -> None:
    trainer, _ = whole
    before = weights_of(trainer)
    assert trainer.validate()["bits_per_note"] == trainer.progress.history[-1]["validation"]["bits_per_note"]
    assert same(weights_of(trainer)["latest"], before["latest"])


# Interrupted


def test_a_run_can_be_repeated_and_a_killed_one_goes_on_as_if_it_had_not_been(
    whole: tuple[Trainer, Path], idle: Trainer, tmp_path: Path
) -> None:
    trainer, folder = whole
    finished, said = Place.of(trainer), list[str]()
    shutil.copytree(folder / "killed", tmp_path / "killed")
    idle._save(tmp_path / "resume.npz")  # where another run with the same random seed begins
    trainer.fit(tmp_path, resume=True, say=said.append)
    assert Place.of(trainer).equals(finished), "the same random seed gave other weights"
    trainer.fit(tmp_path / "killed", resume=True, say=said.append)
    assert [line.split(":")[0] for line in said] == [
        "Resumed after epoch 0.",
        "epoch 1",
        "epoch 2",
        "Resumed after epoch 1.",
        "epoch 2",
    ]
    assert Place.of(trainer).equals(finished), "the resumed run ended with other weights"


def test_another_random_seed_begins_with_other_weights(idle: Trainer, other: Trainer) -> None:
    assert not Place.of(idle).equals(Place.of(other))


def test_a_finished_run_has_nothing_to_resume(
    whole: tuple[Trainer, Path], collection: Collection, vocabulary: Vocabulary
) -> None:
    trainer = trainer_for(collection, vocabulary)
    # A resumed run may have more epochs: here they are not over, but the time is up.
    for trainer.options in (OPTIONS, replace(OPTIONS, epochs=9, minutes=1e-6)):
        said = list[str]()
        trainer.fit(whole[1], resume=True, say=said.append)
        assert said == ["Resumed after epoch 2."]
        assert same(weights_of(trainer)["best"], weights_of(whole[0])["best"])


def test_a_run_with_other_options_is_not_resumed(
    whole: tuple[Trainer, Path], idle: Trainer, other: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weights_of(other)["latest"]
    with pytest.raises(CheckpointError, match=r"other options or data; give another --out"):
        other.fit(whole[1], resume=True)
    assert same(weights_of(other)["latest"], before)
    monkeypatch.setattr(idle, "collection", Collection(idle.collection.folder, idle.collection.entries[:-1], ()))
    with pytest.raises(CheckpointError, match=r"other options or data; give another --out"):
        idle.fit(whole[1], resume=True)


def test_nothing_half_written_is_left_beside_a_run(whole: tuple[Trainer, Path]) -> None:
    assert {path.name for path in whole[1].iterdir()} == {"resume.npz", "killed"}


@pytest.mark.parametrize("content", [b"", b"just words", b"PK\x03\x04 cut off"])
def test_a_damaged_run_is_not_resumed(idle: Trainer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "resume.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"damaged; leave out --resume"):
        idle.fit(tmp_path, resume=True)


# Worse


def test_the_best_weights_stay_when_validation_gets_worse_and_patience_ends_the_run(
    whole: tuple[Trainer, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, folder = whole
    finished, kept = Place.of(trainer), list[list[Array]]()
    # It goes on with a single note: the more sure it gets of that, the less it expects broken chords.
    monkeypatch.setattr(trainer, "sides", {**SIDES, "train": [6] * 5})
    monkeypatch.setattr(trainer, "options", replace(OPTIONS, epochs=40, patience=1))
    trainer.fit(tmp_path, resume=False, say=lambda line: kept.append([weight.copy() for weight in trainer.average]))
    figures = [summary["bits_per_note"] for summary in validations(trainer)[1:]]
    best = int(np.argmin(figures))
    assert len(figures) == best + 1 + 1 < 39
    assert trainer.progress.best == figures[best]
    weights = [finished.weights["average"], *kept]
    assert same(trainer.best_weights, weights[best])
    assert not same(trainer.best_weights, weights[-1])
    monkeypatch.undo()
    trainer.fit(folder, resume=True, say=lambda line: None)  # for the other tests
    assert Place.of(trainer).equals(finished)
