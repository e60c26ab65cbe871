"""The one training run that several files of tests share: its data, its command line and what it published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub_client import HubClient
from hub_server import LocalHub, Repository

from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, bar_lines, join, transpose

EPOCHS = 2
REPO = "anna/trained"
_CREDIT = ["--data-name", "Three tunes", "--data-source", "the tests", "--data-licence", "public domain"]
_PUSH = ["--push", REPO, "--private", "--force", "a test"]
_SIZES = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16"]


@dataclass(frozen=True)
class TrainingRun:
    """A folder of music, the checkpoint that train.py made of it, the repository that it published, and its output."""

    data: Path
    folder: Path
    published: Repository
    output: str

    @property
    def work(self) -> Path:
        """The state of the run, with the cache of the data."""
        return self.folder.with_name(f"{self.folder.name}.work")


def train_and_publish(tunes: Iterable[Piece], folder: Path, hub: LocalHub, client: HubClient) -> TrainingRun:
    """Run train.py, with a token, on nine pieces of three composers."""
    data, out = folder / "data", folder / "tiny"
    write_data(tunes, data)
    arguments = ["--data", str(data), "--out", str(out), "--epochs", str(EPOCHS), "--seeds", "data", *_SIZES, *_CREDIT, *_PUSH]
    code, output, error = client.ask("command", token=hub.token, program="train.py", arguments=arguments)
    assert code == 0, error
    return TrainingRun(data, out, hub.repositories["model", REPO], output + error)


def write_data(tunes: Iterable[Piece], folder: Path) -> None:
    """Nine pieces of three composers, each long enough for a seed."""
    for composer, tune in zip(("Schumann", "Chopin", "Bach"), tunes, strict=True):
        (folder / composer).mkdir(parents=True)
        for number, name in enumerate(("air", "duo", "trio")):
            write_midi(three_times(transpose(tune, number)), folder / composer / f"{name}.mid")


def three_times(piece: Piece) -> Piece:
    """The piece played three times: twelve bars with the 64 notes of a seed, and twelve more."""
    end = int(bar_lines(piece)[-1])
    return join(join(piece, piece, end), piece, 2 * end)
