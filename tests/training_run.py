"""The one training run that several files of tests share: its data and its command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, bar_lines, join, transpose
from musiclstm.publishing.card import Credit

CREDIT = Credit("Three tunes", "the tests", "public domain")
EPOCHS = 2
_SIZES = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16"]


@dataclass(frozen=True)
class TrainingRun:
    """A folder of music, and the checkpoint that train.py makes of it."""

    data: Path
    folder: Path

    @property
    def work(self) -> Path:
        """The state of the run, with the cache of the data."""
        return self.folder.with_name(f"{self.folder.name}.work")

    @property
    def arguments(self) -> list[str]:
        """The arguments of train.py."""
        credit = ["--data-name", CREDIT.data, "--data-source", CREDIT.source, "--data-licence", CREDIT.licence]
        run = ["--data", str(self.data), "--out", str(self.folder), "--epochs", str(EPOCHS), "--seeds", "data"]
        return [*run, *_SIZES, *credit]


def write_data(tunes: Iterable[Piece], folder: Path) -> None:
    """Nine pieces of three composers, each long enough for a seed."""
    for composer, tune in zip(("Schumann", "Chopin", "Bach"), tunes, strict=True):
        (folder / composer).mkdir()
        for number, name in enumerate(("air", "duo", "trio")):
            write_midi(three_times(transpose(tune, number)), folder / composer / f"{name}.mid")


def three_times(piece: Piece) -> Piece:
    """The piece played three times: twelve bars with the 64 notes of a seed, and twelve more."""
    end = int(bar_lines(piece)[-1])
    return join(join(piece, piece, end), piece, 2 * end)
