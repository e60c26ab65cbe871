"""Collections of pieces: a folder of music files or music21's corpus, read once into a cache on disk and split by work.

Pieces are read one by one into ``notes.bin``, which is then memory-mapped, so memory does not grow with the collection.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from musiclstm.errors import DataError, MusicFileError
from musiclstm.formats import MUSIC_ENDINGS, read_music, score
from musiclstm.music import NOTE, TICKS_PER_QUARTER, Metre, Piece, Tempo

FEWEST_NOTES = 32  # shorter files are fragments with nothing to continue
_FORMAT = 1  # of the cache; a new number makes every cache be rebuilt


@dataclass(frozen=True)
class Source:
    """A piece to read: ``name`` is unique in the collection, ``work`` is the same for all movements of a work."""

    name: str
    work: str
    composer: str
    stamp: str
    read: Callable[[], Piece]


@dataclass(frozen=True)
class Entry:
    """The cached facts of one piece; its notes are rows ``first`` to ``first + count`` of notes.bin."""

    name: str
    work: str
    composer: str
    title: str
    first: int
    count: int
    metres: tuple[tuple[int, int, int], ...]
    qpm: float


@dataclass(frozen=True)
class Collection:
    """Cached pieces; ``skipped`` holds one sentence for each file that could not be used."""

    folder: Path
    entries: tuple[Entry, ...]
    skipped: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.entries)

    def piece(self, index: int) -> Piece:
        """Piece ``index`` from the memory-mapped cache, with one constant tempo."""
        entry = self.entries[index]
        notes = np.memmap(
            self.folder / "notes.bin", dtype=NOTE, mode="r", offset=entry.first * NOTE.itemsize, shape=(entry.count,)
        )
        return Piece(
            notes=np.array(notes),
            metres=tuple(Metre(*metre) for metre in entry.metres),
            tempi=(Tempo(0, entry.qpm),),
            title=entry.title,
            composer=entry.composer,
            source=entry.name,
        )


def folder_sources(folder: Path) -> list[Source]:
    """Every music file under ``folder``. A file's composer is the name of its own folder, unless that is ``folder`` itself.

    Raises DataError if the folder is missing or contains no music file.
    """
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist; give a folder of MIDI or score files, or music21.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MUSIC_ENDINGS and p.is_file())
    if not found:
        raise DataError(f"The data folder {folder} contains no {', '.join(MUSIC_ENDINGS)} file.")
    return [_file_source(path, folder) for path in found]


def music21_sources() -> list[Source]:
    """Every readable work of music21's own corpus; works offline."""
    return [_corpus_source(name) for name in score.corpus_names()]


def work_of(name: str) -> str:
    """The work that a file belongs to: its name without the last number, so that numbered movements stay together.

    >>> work_of("Mozart/mz_545_1.mid"), work_of("Mozart/mz_545_2.mid")
    ('Mozart/mz_545', 'Mozart/mz_545')
    """
    path = Path(name)
    stem = re.sub(r"[-_. ]*(mov|no|nr|op)?[-_. ]*\d+[a-z]?$", "", path.stem, flags=re.IGNORECASE)
    return str(path.with_name(stem if stem.strip(" ._-") else path.stem))


def open_collection(sources: Sequence[Source], cache: Path, report: Callable[[int, int, str], None] | None = None) -> Collection:
    """The collection of ``sources``, read into a folder under ``cache`` the first time and loaded from there afterwards.

    ``report(done, total, name)`` is called for each file that is read. Unreadable, very short and duplicate pieces are skipped
    and named. Raises DataError if no piece remains.
    """
    listing = "\n".join(f"{_FORMAT} {s.name} {s.work} {s.composer} {s.stamp}" for s in sources)
    folder = cache / hashlib.sha256(listing.encode()).hexdigest()[:16]
    index = folder / "index.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _build(sources, folder, report)
    fields = json.loads(index.read_text(encoding="utf-8"))
    entries = tuple(Entry(**(e | {"metres": tuple(tuple(m) for m in e["metres"])})) for e in fields["entries"])
    if not entries:
        reason = fields["skipped"][0] if fields["skipped"] else "there are no files"
        raise DataError(f"No piece of the data can be used: {reason}")
    return Collection(folder, entries, tuple(fields["skipped"]))


def split(collection: Collection, validation: float, test: float, random_seed: int) -> dict[str, list[int]]:
    """Indices of the "train", "validation" and "test" pieces; all pieces of a work are on the same side.

    Works are drawn in an order that depends only on ``random_seed`` and their names, until a side has its share of the notes.
    Raises DataError if there are too few works to give every side with a share at least one.
    """
    works: dict[str, list[int]] = {}
    for index, entry in enumerate(collection.entries):
        works.setdefault(entry.work, []).append(index)
    order = sorted(works, key=lambda work: hashlib.sha256(f"{random_seed} {work}".encode()).digest())
    total = sum(entry.count for entry in collection.entries)
    sides: dict[str, list[int]] = {"test": [], "validation": [], "train": []}
    wanted = {"test": test * total, "validation": validation * total, "train": float(total)}
    side, held = "test", 0
    for work in order:
        while side != "train" and held >= wanted[side]:
            side, held = ("validation" if side == "test" else "train"), 0
        sides[side] += works[work]
        held += sum(collection.entries[index].count for index in works[work])
    empty = [name for name in sides if not sides[name] and wanted[name] > 0]
    if empty:
        raise DataError(f"The data has only {len(works)} works: too few to hold some out for {' and '.join(empty)}.")
    return {name: sorted(sides[name]) for name in ("train", "validation", "test")}


def _file_source(path: Path, folder: Path) -> Source:
    name = path.relative_to(folder).as_posix()
    composer = path.parent.name if path.parent != folder else ""
    stat = path.stat()
    return Source(name, work_of(name), composer, f"{stat.st_size} {stat.st_mtime_ns}", lambda: read_music(path))


def _corpus_source(name: str) -> Source:
    composer = name.partition("/")[0].capitalize() if "/" in name else ""
    return Source(name, work_of(name), composer, "music21", lambda: score.read_corpus(name))


def _build(sources: Sequence[Source], folder: Path, report: Callable[[int, int, str], None] | None) -> None:
    """Write notes.bin, then index.json atomically: a cache without an index is rebuilt from scratch."""
    entries: list[Entry] = []
    skipped: list[str] = []
    with (folder / "notes.bin").open("wb") as file:
        for entry, notes in _usable(sources, skipped, report):
            file.write(notes)
            entries.append(entry)
    fields = {"entries": [asdict(entry) for entry in entries], "skipped": skipped}
    temporary = folder / f"index.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(fields), encoding="utf-8")
    temporary.replace(folder / "index.json")


def _usable(
    sources: Sequence[Source], skipped: list[str], report: Callable[[int, int, str], None] | None
) -> Iterator[tuple[Entry, bytes]]:
    first, seen = 0, dict[bytes, str]()
    for number, source in enumerate(sources):
        if report is not None:
            report(number, len(sources), source.name)
        try:
            piece = source.read()
        except MusicFileError as error:
            skipped.append(str(error))
            continue
        if len(piece) < FEWEST_NOTES:
            skipped.append(f"{source.name} has {len(piece)} notes; at least {FEWEST_NOTES} are needed.")
            continue
        digest = hashlib.sha256(np.stack([piece.notes["onset"], piece.notes["pitch"]]).astype(np.int32).tobytes()).digest()
        if digest in seen:
            skipped.append(f"{source.name} has the same notes as {seen[digest]}.")
            continue
        seen[digest] = source.name
        metres = tuple((m.onset, m.numerator, m.denominator) for m in piece.metres)
        composer = source.composer or piece.composer
        qpm = 60.0 * piece.end / TICKS_PER_QUARTER / max(1e-6, piece.seconds(piece.end))
        yield (
            Entry(source.name, source.work, composer, piece.title, first, len(piece), metres, round(qpm, 2)),
            piece.notes.tobytes(),
        )
        first += len(piece)
