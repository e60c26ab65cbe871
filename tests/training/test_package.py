from __future__ import annotations

import re
from pathlib import Path

import keras
import pytest
from training_run import EPOCHS, TrainingRun

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.config import TrainConfig
from musiclstm.data.collection import open_collection, split
from musiclstm.data.listing import folder_sources
from musiclstm.training.package import with_originality
from train import main


@pytest.fixture(scope="module")
def loaded(trained: TrainingRun) -> Checkpoint:
    return load_checkpoint(trained.folder)


def test_training_ends_with_a_checkpoint_that_loads_and_plays(loaded: Checkpoint) -> None:
    checkpoint = loaded
    assert checkpoint.seeds
    assert checkpoint.metrics["training"]["epochs"] == EPOCHS
    assert checkpoint.metrics["test"]["notes"] > 0
    assert checkpoint.seeds[0].curation.bits_per_note is not None


def test_a_stock_keras_snippet_loads_the_network(trained: TrainingRun) -> None:
    network = keras.saving.load_model(trained.folder)
    assert set(network.output) == {"step", "pitch", "duration", "velocity"}


def test_the_card_names_data_licence_and_figures(trained: TrainingRun, loaded: Checkpoint) -> None:
    card = (trained.folder / "README.md").read_text(encoding="utf-8")
    metrics = loaded.metrics
    assert "$" not in re.sub(r"`[^`]*`", "", card)
    for promised in ("Three tunes", "public domain", "Chopin 3", f"{metrics['test']['bits_per_note']:.3f}"):
        assert promised in card
    assert (trained.folder / "learning-curves.svg").read_text(encoding="utf-8").count("<path") > 5


def test_works_in_test_are_not_trained_on(loaded: Checkpoint) -> None:
    training = loaded.metrics["training"]
    assert training["works_in_test"]
    assert all(training["pieces"][side] for side in ("train", "validation", "test"))


def test_the_checkpoint_knows_its_training_pieces_and_no_others(trained: TrainingRun, loaded: Checkpoint) -> None:
    assert loaded.originality is not None
    collection = open_collection(folder_sources(trained.data), trained.work / "cache")
    options = TrainConfig()
    sides = split(collection, options.validation_share, options.test_share, options.random_seed)
    assert {known.name for known in loaded.originality.pieces} == {collection.entries[index].name for index in sides["train"]}
    shared = loaded.metrics["originality"]
    assert set(shared["people"]) == {"50", "75", "95"}
    assert shared["passages"] == len(sides["test"]) + len(sides["validation"])  # each has one passage of sixteen bars
    assert f"hashes of every {shared['n']}" in (trained.folder / "README.md").read_text(encoding="utf-8")


def test_an_index_is_added_without_training_again(trained: TrainingRun, loaded: Checkpoint) -> None:
    collection = open_collection(folder_sources(trained.data), trained.work / "cache")
    added = with_originality(loaded, collection, {"train": [0], "validation": [1], "test": [0, 2], "seeds": [3]})
    assert added.originality is not None
    known = [known.name for known in added.originality.pieces]
    assert known == [collection.entries[number].name for number in (0, 3)]
    assert added.metrics["originality"]["passages"] == 3
    assert added.metrics["test"] == loaded.metrics["test"]
    assert added.network is loaded.network


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "nowhere", "--seeds", "data"], "nowhere"),
        (["--data", "nowhere", "--epochs", "0"], "epochs"),
        (["--data", "nowhere", "--lanes", "lots"], "lots"),
        ([], "--data"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error
    assert not (tmp_path / "out").exists()
