"""Fine-tuning: a trained checkpoint learns new music, keeps what it is, and its card says what it learnt and forgot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_run import write_data

from musiclstm.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, size_for
from musiclstm.config import FINE_TUNING
from musiclstm.data import Source, open_collection
from musiclstm.errors import CheckpointError
from musiclstm.model import build_network
from musiclstm.music.notes import Piece, transpose
from musiclstm.publishing.gate import held_out
from musiclstm.scoring import build_index
from musiclstm.training.finetuning import Start, known_works, old_music, unfit_share
from musiclstm.training.package import package
from musiclstm.training.trainer import Trainer
from train import main

pytestmark = pytest.mark.usefixtures("no_xla")


@pytest.fixture(scope="module")
def folder(small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nine pieces in "data", a checkpoint in "base" and what was fine-tuned from it in "tuned"."""
    folder = tmp_path_factory.mktemp("finetuning")
    write_data(tunes.values(), folder / "data")
    config = size_for(small_checkpoint.vocabulary, units=8, layers=1, head=8, channels=2)
    base = replace(small_checkpoint, config=config, build=lambda: network, seeds=small_checkpoint.seeds[:1])
    network = build_network(config)
    save_checkpoint(base, folder / "base", card="# base")
    (folder / "base" / "credits.csv").write_text("dataset,file\nearlier,old.mid\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("musiclstm.training.finetuning.MEMORY_BARS", 2)
        names = ["--from", str(folder / "base"), "--data", str(folder / "data"), "--out", str(folder / "tuned")]
        assert main([*names, "--epochs", "1", "--learning-rate", "0.01", "--window", "32", "--lanes", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def tuned(folder: Path) -> Checkpoint:
    return load_checkpoint(folder / "tuned")


def test_sizes_and_vocabulary_stay_and_the_weights_change(tuned: Checkpoint, small_checkpoint: Checkpoint) -> None:
    assert tuned.vocabulary == small_checkpoint.vocabulary
    assert tuned.digest != small_checkpoint.digest


def test_new_and_old_music_are_measured_before_and_after(tuned: Checkpoint, folder: Path) -> None:
    found = tuned.metrics["finetuning"]
    card = (folder / "tuned" / "README.md").read_text(encoding="utf-8")
    for kind in ("new", "old"):
        assert f"| {kind} | {found[kind]['works']} | {found[kind]['notes']} |" in card
        assert f"| {found[kind]['before']:.3f} | {found[kind]['after']:.3f} |" in card
    assert found["new"]["after"] == pytest.approx(tuned.metrics["test"]["bits_per_note"], abs=1e-3)
    assert found["new"]["after"] < found["new"]["before"]
    assert "$" not in card.replace("`$`", "")


def test_new_openings_come_first_and_the_old_ones_stay(tuned: Checkpoint, small_checkpoint: Checkpoint) -> None:
    assert len(tuned.seeds) > 1
    assert tuned.seeds[-1].piece == small_checkpoint.seeds[0].piece
    assert tuned.seeds[-1].original is not None


def test_the_gate_finds_the_pieces_that_were_held_out(tuned: Checkpoint, folder: Path) -> None:
    from musiclstm.data import open_data

    collection = open_data([str(folder / "data")], folder / "tuned.work" / "cache")
    sides = held_out(tuned.metrics, collection)
    assert len(sides["test"]) == tuned.metrics["training"]["pieces"]["test"] == tuned.metrics["finetuning"]["new"]["pieces"]


def test_earlier_credits_stay(folder: Path) -> None:
    rows = (folder / "tuned" / "credits.csv").read_text(encoding="utf-8").splitlines()
    assert rows[-1] == "earlier,old.mid"
    assert len(rows) == 1 + 9 + 1


def test_what_learns_nothing_is_not_saved(folder: Path, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    from musiclstm.data import open_data

    collection = open_data([str(folder / "data")], folder / "tuned.work" / "cache")
    sides = {"train": [0, 1], "validation": [2], "test": [3], "seeds": []}
    start = Start([np.array(weight) for weight in small_checkpoint.network.trainable_weights], "0")
    trainer = Trainer(
        collection, sides, small_checkpoint.vocabulary, small_checkpoint.config, replace(FINE_TUNING, lanes=2), start=start
    )
    with pytest.raises(CheckpointError, match="nothing was saved"):
        package(trainer, tmp_path / "out", "out", (), own_seeds=True, base=small_checkpoint)
    trainer._save(tmp_path / "resume.npz")
    trainer.start = replace(start, digest="1")
    with pytest.raises(CheckpointError, match="other options or data"):  # it started from another checkpoint
        trainer._restore(tmp_path / "resume.npz")


def test_works_that_the_checkpoint_was_trained_on_are_never_held_out(tunes: dict[str, Piece], tmp_path: Path) -> None:
    known = build_index([tunes["march"]])
    pieces = {"march": transpose(tunes["march"], 2), "waltz": tunes["waltz"], "jig": tunes["jig"]}
    collection = open_collection([Source(name, name, "", "", lambda p=piece: p) for name, piece in pieces.items()], tmp_path)  # type: ignore[misc]
    assert known_works(known, collection) == {"march"}
    assert known_works(None, collection) == set()
    training = {"options": {"validation_share": 0.5, "test_share": 0, "random_seed": 1}, "works_in_test": []}
    for seed in range(8):
        options = training["options"] | {"random_seed": seed}  # type: ignore[operator]
        sides = held_out({"training": training | {"options": options, "works_known": ["march"]}}, collection)
        assert 0 in sides["train"]
        assert sides["validation"]


def test_notes_that_the_vocabulary_lacks_are_counted(tunes: dict[str, Piece], small_checkpoint: Checkpoint) -> None:
    march = tunes["march"]
    assert unfit_share([march], small_checkpoint.vocabulary) == 0
    notes = march.notes.copy()
    notes["duration"][:2] = 7
    assert unfit_share([replace(march, notes=notes)], small_checkpoint.vocabulary) == pytest.approx(2 / len(march))


def test_old_music_is_an_opening_and_what_its_composer_wrote_next(small_checkpoint: Checkpoint) -> None:
    first, second = old_music(small_checkpoint)[:2]
    assert len(first) == 2 * len(small_checkpoint.seeds[0].piece)
    assert len(second) == len(small_checkpoint.seeds[1].piece)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--units", "16"], "leave out --units"),
        (["--layers", "1", "--head", "8", "--seeds", "data"], "leave out --layers, --head, --seeds"),
        (["--out", "nowhere"], "--out would overwrite"),
        ([], "no checkpoint folder"),
    ],
)
def test_what_can_not_be_fine_tuned_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--from", "./nowhere", "--data", ".", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert says in error


def test_facts_of_a_run_are_json(tuned: Checkpoint) -> None:
    assert json.loads(json.dumps(dict(tuned.metrics)))["finetuning"]["from"] == "small"
