"""What there is to read: the music files of a folder, or music21's corpus."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from musiclstm.data import works
from musiclstm.errors import DataError
from musiclstm.formats import MUSIC_ENDINGS, read_music, score
from musiclstm.music import Piece, as_played, known_composer


@dataclass(frozen=True)
class Credit:
    """What a dataset's own table says about a piece: title, licence, and who typeset or played it; "" for what it leaves out."""

    title: str = ""
    licence: str = ""
    typesetter: str = ""


@dataclass(frozen=True)
class Source:
    """A piece to read: ``name`` is unique in its ``dataset``, ``work`` is the same for all movements of a work.

    ``read`` gives velocities to music that has none, as a seed gets them; it can be pickled, for another process to read.
    ``dataset`` names where it comes from, such as a folder; a collection may have several. ``credit`` says whom to thank.
    """

    name: str
    work: str
    composer: str
    stamp: str
    read: Callable[[], Piece]
    dataset: str = ""
    credit: Credit = Credit()


def folder_sources(folder: Path, dataset: str = "", *, none: bool = False) -> list[Source]:
    """Every music file under ``folder``. A file's composer is the one that its own folder names, if that is not ``folder``.

    ``dataset`` names the folder in the collection; by default it is its own name. A table metadata.csv in the folder, with a
    column "file" and some of "title", "licence" and "typesetter", gives the credits. Raises DataError if the folder is missing or
    contains no music file, unless ``none`` will do.
    """
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist; give a folder of MIDI or score files, or music21.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MUSIC_ENDINGS and p.is_file())
    if not found and not none:
        raise DataError(f"The data folder {folder} contains no {', '.join(MUSIC_ENDINGS)} file.")
    given = _credits(folder / "metadata.csv")
    return [_file_source(path, folder, dataset or folder.resolve().name, given) for path in found]


def music21_sources() -> list[Source]:
    """Every readable work of music21's own corpus; works offline."""
    return [_corpus_source(name) for name in score.corpus_names()]


def _credits(table: Path) -> dict[str, Credit]:
    """The credit of each file that ``table`` names; none if there is no such table."""
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("file")]
    return {row["file"]: Credit(*((row.get(key.name) or "").strip() for key in fields(Credit))) for row in rows}


def _file_source(path: Path, folder: Path, dataset: str, given: Mapping[str, Credit]) -> Source:
    name = path.relative_to(folder).as_posix()
    composer = known_composer(path.parent.name) if path.parent != folder else ""
    stat = path.stat()
    stamp, credit = f"{stat.st_size} {stat.st_mtime_ns}", given.get(name, Credit())
    return Source(name, works.work_of(name), composer, stamp, partial(_read_file, path), dataset, credit)


def _corpus_source(name: str) -> Source:
    composer = known_composer(name.partition("/")[0])
    return Source(name, works.work_of(name), composer, "music21", partial(_read_work, name), "music21")


def _read_file(path: Path) -> Piece:
    return as_played(read_music(path))


def _read_work(name: str) -> Piece:
    return as_played(score.read_corpus(name))
