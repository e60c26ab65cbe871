from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.config import TrainConfig
from musiclstm.data.collection import Source, folder_sources, open_collection, split
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, bar_lines, join, transpose
from musiclstm.publishing.card import Credit
from musiclstm.training.package import with_originality, with_ranking
from train import main

CREDIT = Credit("Three tunes", "the tests", "public domain")
SMALL = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16", "--epochs", "2", "--seeds", "data"]


@pytest.fixture(scope="module")
def data(tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nine pieces of three composers, each long enough to hold a seed."""
    folder = tmp_path_factory.mktemp("data")
    for composer, tune in zip(("Schumann", "Chopin", "Bach"), tunes.values(), strict=True):
        (folder / composer).mkdir()
        for number, name in enumerate(("air", "duo", "trio")):
            write_midi(_thrice(transpose(tune, number)), folder / composer / f"{name}.mid")
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A checkpoint that train.py made of it, from the command line to the folder."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    credit = ["--data-name", CREDIT.data, "--data-source", CREDIT.source, "--data-licence", CREDIT.licence]
    assert main(["--data", str(data), "--out", str(out), *SMALL, *credit]) == 0
    yield out


@pytest.fixture(scope="module")
def loaded(trained: Path) -> Checkpoint:
    return load_checkpoint(trained)


def test_training_ends_with_a_checkpoint_that_loads_and_plays(loaded: Checkpoint) -> None:
    checkpoint = loaded
    assert checkpoint.seeds
    assert checkpoint.metrics["training"]["epochs"] == 2
    assert checkpoint.metrics["test"]["notes"] > 0
    assert checkpoint.seeds[0].curation.bits_per_note is not None


def test_a_stock_keras_snippet_loads_the_network(trained: Path) -> None:
    network = keras.saving.load_model(trained)
    assert set(network.output) == {"step", "pitch", "duration", "velocity"}


def test_the_card_names_data_licence_and_figures(trained: Path, loaded: Checkpoint) -> None:
    card = (trained / "README.md").read_text(encoding="utf-8")
    metrics = loaded.metrics
    assert "$" not in re.sub(r"`[^`]*`", "", card)
    for promised in ("Three tunes", "public domain", "Chopin 3", f"{metrics['test']['bits_per_note']:.3f}"):
        assert promised in card
    assert (trained / "learning-curves.svg").read_text(encoding="utf-8").count("<path") > 5


def test_works_in_test_are_not_trained_on(loaded: Checkpoint) -> None:
    training = loaded.metrics["training"]
    assert training["works_in_test"]
    assert all(training["pieces"][side] for side in ("train", "validation", "test"))


def test_the_checkpoint_knows_its_training_pieces_and_no_others(data: Path, trained: Path, loaded: Checkpoint) -> None:
    assert loaded.originality is not None
    collection = open_collection(folder_sources(data), trained.with_name("tiny.work") / "cache")
    options = TrainConfig()
    sides = split(collection, options.validation_share, options.test_share, options.random_seed)
    assert {known.name for known in loaded.originality.pieces} == {collection.entries[index].name for index in sides["train"]}
    shared = loaded.metrics["originality"]
    assert set(shared["people"]) == {"50", "75", "95"}
    assert shared["passages"] == len(sides["test"]) + len(sides["validation"])  # each has one passage of sixteen bars
    assert f"hashes of every {shared['n']}" in (trained / "README.md").read_text(encoding="utf-8")


def test_an_index_is_added_without_training_again(data: Path, trained: Path, loaded: Checkpoint) -> None:
    collection = open_collection(folder_sources(data), trained.with_name("tiny.work") / "cache")
    added = with_originality(loaded, collection, {"train": [0], "validation": [1], "test": [0, 2]})
    assert added.originality is not None
    assert [known.name for known in added.originality.pieces] == [collection.entries[0].name]
    assert added.metrics["originality"]["passages"] == 3
    assert added.metrics["test"] == loaded.metrics["test"]
    assert added.network is loaded.network


def test_takes_are_ranked_by_what_people_do_where_there_are_enough_of_them(
    data: Path, tunes: dict[str, Piece], loaded: Checkpoint, tmp_path: Path
) -> None:
    few = open_collection(folder_sources(data), tmp_path / "cache")
    assert with_ranking(loaded, few, range(len(few))) is loaded
    pieces = [_thrice(_thrice(transpose(tune, number))) for tune in tunes.values() for number in range(10)]
    sources = [Source(f"{n}", f"{n}", "", "", lambda piece=piece: piece) for n, piece in enumerate(pieces)]  # type: ignore[misc]
    many = open_collection(sources, tmp_path / "cache")
    ranked = with_ranking(loaded, many, range(len(many)))
    assert ranked.ranking is not None
    assert set(ranked.metrics["ranking"]) == {"traits", "mean", "spread", "inverse"}
    assert ranked.seeds == loaded.seeds


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "nowhere"], "nowhere"),
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


def _thrice(piece: Piece) -> Piece:
    """The piece played three times: twelve bars with the 64 notes of a seed, and twelve to come."""
    end = int(bar_lines(piece)[-1])
    return join(join(piece, piece, end), piece, 2 * end)
