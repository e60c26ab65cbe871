"""Fine-tuning: a trained checkpoint learns new music, keeps what it is, and its card says what it learnt and forgot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import training_run
from hub_client import HubClient
from hub_server import LocalHub
from training_run import TrainingRun, write_data

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.data import Source, open_collection, open_data
from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Piece, make_notes, transpose
from musiclstm.publishing.card import front_matter
from musiclstm.publishing.gate import held_out
from musiclstm.scoring import build_index
from musiclstm.training.finetuning import known_works, old_music, unfit_share
from musiclstm.training.package import package, prepare
from musiclstm.training.trainer import Trainer
from train import main

pytestmark = [pytest.mark.programs, pytest.mark.usefixtures("no_xla")]


SMALL = ["--learning-rate", "0.01", "--window", "16", "--lanes", "2"]  # as in ``training_run``: compiled already
TWO_EPOCHS = ["--epochs", "2", "--patience", "2", *SMALL]


@dataclass(frozen=True)
class Run:
    """A ``folder`` with nine pieces in "data", credits in "base" and the fine-tuned one in "tuned"; its ``trainer``."""

    folder: Path
    base: Checkpoint
    trainers: list[Trainer]

    @property
    def trainer(self) -> Trainer:
        return self.trainers[0]

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Let train.py find the base, write short music from memory, and leave its trainer here."""

        def prepared(*arguments: Any, **settings: Any) -> Trainer:
            self.trainers.append(prepare(*arguments, **settings))
            return self.trainers[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("musiclstm.training.finetuning.MEMORY_BARS", 2)
            patch.setattr("musiclstm.training.package.prepare", prepared)
            patch.setattr("musiclstm.training.finetuning.open_base", {str(self.folder / "base"): self.base}.__getitem__)
            yield


@pytest.fixture(scope="module")
def run(small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Shared: it takes seconds."""
    folder = tmp_path_factory.mktemp("finetuning")
    write_data(tunes.values(), folder / "data")
    base = replace(small_checkpoint, seeds=small_checkpoint.seeds[:1])  # whose decoder other tests compile too
    (folder / "base").mkdir()
    (folder / "base" / "credits.csv").write_text("dataset,file\nearlier,old.mid\n", encoding="utf-8")
    made = Run(folder, base, [])
    with made.settings():
        names = ["--from", str(folder / "base"), "--data", str(folder / "data"), "--out", str(folder / "tuned")]
        assert main([*names, "--epochs", "1", *SMALL]) == 0
    return made


def backwards(piece: Piece) -> Piece:
    """The pitches in the opposite order: music that shares no passage with ``piece``."""
    onset, pitch, duration, velocity = (piece.notes[name] for name in ("onset", "pitch", "duration", "velocity"))
    return replace(piece, notes=make_notes(onset, pitch[::-1], duration, velocity))


@pytest.fixture(scope="module")
def tuned(run: Run) -> Checkpoint:
    return load_checkpoint(run.folder / "tuned")


def test_sizes_and_vocabulary_stay_and_the_weights_change(tuned: Checkpoint, small_checkpoint: Checkpoint) -> None:
    assert (tuned.config, tuned.vocabulary) == (small_checkpoint.config, small_checkpoint.vocabulary)
    assert tuned.digest != small_checkpoint.digest


def test_new_and_old_music_are_measured_before_and_after(tuned: Checkpoint, run: Run) -> None:
    found = tuned.metrics["finetuning"]
    card = (run.folder / "tuned" / "README.md").read_text(encoding="utf-8")
    for kind in ("new", "old"):
        assert f"| {kind} | {found[kind]['works']} | {found[kind]['notes']} |" in card
        assert f"| {found[kind]['before']:.3f} | {found[kind]['after']:.3f} |" in card
    assert found["new"]["after"] == pytest.approx(tuned.metrics["test"]["bits_per_note"], abs=1e-3)
    assert found["new"]["after"] < found["new"]["before"]
    assert "training data not stated; before that, the training data of small" in card
    assert "$" not in card


def test_new_openings_come_first_and_the_old_ones_stay(tuned: Checkpoint, small_checkpoint: Checkpoint) -> None:
    assert len(tuned.seeds) > 1
    assert tuned.seeds[-1].piece == small_checkpoint.seeds[0].piece
    assert tuned.seeds[-1].original is not None


def test_the_gate_finds_the_pieces_that_were_held_out(tuned: Checkpoint, run: Run) -> None:
    collection = open_data([str(run.folder / "data")], run.folder / "tuned.work" / "cache")
    sides = held_out(tuned.metrics, collection)
    assert len(sides["test"]) == tuned.metrics["training"]["pieces"]["test"] == tuned.metrics["finetuning"]["new"]["pieces"]


def test_earlier_credits_stay(run: Run) -> None:
    rows = (run.folder / "tuned" / "credits.csv").read_text(encoding="utf-8").splitlines()
    assert rows[-1] == "earlier,old.mid"
    assert len(rows) == 1 + 9 + 1


def test_a_checkpoint_of_the_hub_is_fine_tuned_and_published(
    hub: LocalHub, hub_client: HubClient, trained: TrainingRun, tunes: dict[str, Piece], tmp_path: Path
) -> None:
    hub.repositories["model", training_run.REPO] = deepcopy(trained.published)
    write_data([backwards(tune) for tune in tunes.values()], tmp_path / "data")
    arguments = ["--from", f"{training_run.REPO}@v1", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "mine")]
    arguments += ["--epochs", "1", *SMALL]
    arguments += ["--push", "anna/mine", "--force", "a test"]
    code, out, error = hub_client.ask("command", token=hub.token, program="train.py", arguments=arguments)
    assert code == 0, out + error
    assert "Published as anna/mine@v1, commit " in out
    published = hub.repositories["model", "anna/mine"]
    files = published.commits[published.refs["main"]]
    card = files["README.md"].decode()
    base = f"{training_run.REPO}@{trained.published.refs['v1']}"
    assert front_matter(card)["base_model"] == f"base_model: {training_run.REPO}"
    assert front_matter(card)["base_model_relation"] == "base_model_relation: finetune"
    assert "## Before publishing" in card
    assert hub_client.ask("same", repo="anna/mine", folder=str(tmp_path / "mine"))
    assert load_checkpoint(tmp_path / "mine").metrics["finetuning"]["origin"] == base
    assert len(files["credits.csv"].decode().splitlines()) == 1 + 9 + 9  # its own pieces, and those of the start


def test_a_fine_tuning_that_was_stopped_goes_on_as_if_it_had_not_been(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--from", str(run.folder / "base"), "--data", str(run.folder / "data")]
    once, again = tmp_path / "once", tmp_path / "again"
    with run.settings():
        assert main([*data, *TWO_EPOCHS, "--out", str(once)]) == 0
        with pytest.MonkeyPatch.context() as patch:
            save = Trainer._save

            def stopped(trainer: Trainer, path: Path) -> None:
                save(trainer, path)
                raise KeyboardInterrupt

            patch.setattr(Trainer, "_save", stopped)
            assert main([*data, *TWO_EPOCHS, "--out", str(again)]) == 130
        assert not again.exists()
        capsys.readouterr()
        assert main([*data, *TWO_EPOCHS, "--out", str(again), "--resume"]) == 0
    assert "Resumed after epoch 1." in capsys.readouterr().out
    assert load_checkpoint(again).digest == load_checkpoint(once).digest


def test_what_learns_nothing_is_not_saved(
    run: Run, small_checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.trainer.progress, "waited", run.trainer.progress.epoch)  # no epoch was better than the start
    with pytest.raises(CheckpointError, match="nothing was saved"):
        package(run.trainer, tmp_path / "out", "out", (), own_seeds=True, base=small_checkpoint)
    assert not (tmp_path / "out").exists()


def test_a_run_from_another_checkpoint_is_not_resumed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.trainer._save(tmp_path / "resume.npz")
    run.trainer._restore(tmp_path / "resume.npz")
    assert run.trainer.start is not None
    monkeypatch.setattr(run.trainer, "start", replace(run.trainer.start, digest="another"))
    with pytest.raises(CheckpointError, match="other options or data"):
        run.trainer._restore(tmp_path / "resume.npz")


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
