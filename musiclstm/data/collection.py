"""Collections of pieces: folders of music files or music21's corpus, read once into a cache on disk and split by work.

Pieces are read one by one into ``notes.bin``, which is then memory-mapped, so memory hardly grows with the collection. Works that
several sources contain, under whatever names, are found by their music (``works``) and count as one.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm.data import works
from musiclstm.errors import DataError, MissingToolError, MusicFileError
from musiclstm.formats import MUSIC_ENDINGS, can_read_abc, read_music, score
from musiclstm.music import NOTE, TICKS_PER_QUARTER, Metre, Notes, Piece, Tempo, as_played, known_composer

FEWEST_NOTES = 32  # shorter files are fragments with nothing to continue
_FORMAT = 4  # of the cache; a new number makes every cache be rebuilt


@dataclass(frozen=True)
class Credit:
    """What a dataset's own table says about a piece: title, licence, and who typeset or played it; "" for what it leaves out."""

    title: str = ""
    licence: str = ""
    typesetter: str = ""


@dataclass(frozen=True)
class Source:
    """A piece to read: ``name`` is unique in its ``dataset``, ``work`` is the same for all movements of a work.

    ``read`` gives velocities to music that has none, as a seed gets them. ``dataset`` names where it comes from, such as a
    folder; a collection may have several. ``credit`` says whom to thank.
    """

    name: str
    work: str
    composer: str
    stamp: str
    read: Callable[[], Piece]
    dataset: str = ""
    credit: Credit = Credit()


@dataclass(frozen=True)
class Entry:
    """The cached facts of one piece; its notes are rows ``first`` to ``first + count`` of notes.bin.

    ``work`` is the same for all movements and editions of a work in the collection.
    """

    name: str
    work: str
    composer: str
    title: str
    first: int
    count: int
    metres: tuple[tuple[int, int, int], ...]
    qpm: float
    dataset: str = ""
    credit: Credit = Credit()


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


def folder_sources(folder: Path, dataset: str = "") -> list[Source]:
    """Every music file under ``folder``. A file's composer is the one that its own folder names, if that is not ``folder``.

    ``dataset`` names the folder in the collection; by default it is its own name. A table metadata.csv in the folder, with a
    column "file" and some of "title", "licence" and "typesetter", gives the credits. Raises DataError if the folder is missing or
    contains no music file.
    """
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist; give a folder of MIDI or score files, or music21.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in MUSIC_ENDINGS and p.is_file())
    if not found:
        raise DataError(f"The data folder {folder} contains no {', '.join(MUSIC_ENDINGS)} file.")
    given = _credits(folder / "metadata.csv")
    return [_file_source(path, folder, dataset or folder.resolve().name, given) for path in found]


def music21_sources() -> list[Source]:
    """Every readable work of music21's own corpus; works offline."""
    return [_corpus_source(name) for name in score.corpus_names()]


def open_collection(sources: Sequence[Source], cache: Path, report: Callable[[int, int, str], None] | None = None) -> Collection:
    """The collection of ``sources``, read into a folder under ``cache`` the first time and loaded from there afterwards.

    ``report(done, total, name)`` is called for each file that is read. Unreadable, very short and duplicate pieces are skipped
    and named. Raises DataError if no piece remains.
    """
    abc = can_read_abc()  # without it, ABC files are skipped
    listing = "\n".join(f"{_FORMAT} {abc} {s.dataset} {s.name} {s.work} {s.composer} {s.stamp} {s.credit}" for s in sources)
    folder = cache / hashlib.sha256(listing.encode()).hexdigest()[:16]
    index = folder / "index.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _build(sources, folder, report)
    stored = json.loads(index.read_text(encoding="utf-8"))
    entries = tuple(_entry(entry) for entry in stored["entries"])
    if not entries:
        reason = stored["skipped"][0] if stored["skipped"] else "there are no files"
        raise DataError(f"No piece of the data can be used: {reason}")
    return Collection(folder, entries, tuple(stored["skipped"]))


def works_with(collection: Collection, passages: Iterable[Notes]) -> set[str]:
    """The works of the collection that contain one of ``passages``, such as the openings that serve as seeds."""
    pieces = [works.figures(collection.piece(index).notes) for index in range(len(collection))]
    return works.works_with(map(works.figures, passages), [entry.work for entry in collection.entries], pieces)


def split(
    collection: Collection,
    validation: float,
    test: float,
    random_seed: int,
    seed_works: Container[str] = (),
    known_works: Container[str] = (),
) -> dict[str, list[int]]:
    """Indices of the "train", "validation", "test" and "seeds" pieces; all pieces of a work are on the same side.

    In each dataset, works are drawn in an order that depends only on ``random_seed`` and their names, until a side has its share
    of the notes of the dataset; so another dataset does not change where the works of the first are. A work in several datasets
    belongs to the first. ``seed_works`` that would be on the side "train" are on the side "seeds" instead: a network should
    continue its seeds, not recite them. ``known_works``, on which a network was trained before, are never held out. Raises
    DataError if there are too few works to give every side with a share at least one.
    """
    home = {entry.work: entry.dataset for entry in reversed(collection.entries)}
    side_of: dict[str, str] = {}
    for dataset in dict.fromkeys(entry.dataset for entry in collection.entries):
        counts: Counter[str] = Counter()
        for entry in collection.entries:
            counts[entry.work] += entry.count if entry.dataset == dataset == home[entry.work] else 0
        new = {work: count for work, count in counts.items() if home[work] == dataset and work not in known_works}
        side_of |= _drawn(new, validation, test, random_seed)
    sides: dict[str, list[int]] = {"train": [], "validation": [], "test": [], "seeds": []}
    for index, entry in enumerate(collection.entries):
        side = side_of.get(entry.work, "train")
        sides["seeds" if side == "train" and entry.work in seed_works else side].append(index)
    wanted = {"train": True, "validation": validation > 0, "test": test > 0}
    empty = [name for name in wanted if wanted[name] and not sides[name]]
    if empty:
        works = f"{len(side_of)} {'new ' if len(side_of) < len(home) else ''}works"
        raise DataError(f"The data has only {works}: too few to hold some out for {' and '.join(sorted(empty))}.")
    return sides


def _drawn(counts: Mapping[str, int], validation: float, test: float, random_seed: int) -> dict[str, str]:
    """The side of each work of a dataset; ``counts`` are the notes of each."""
    total = sum(counts.values())
    wanted = {"test": test * total, "validation": validation * total}
    found, side, held = dict[str, str](), "test", 0
    for work in sorted(counts, key=lambda work: hashlib.sha256(f"{random_seed} {work}".encode()).digest()):
        while side != "train" and held >= wanted[side]:
            side, held = ("validation" if side == "test" else "train"), 0
        found[work] = side
        held += counts[work]
    return found


def _entry(stored: dict[str, Any]) -> Entry:
    metres = tuple((int(onset), int(numerator), int(denominator)) for onset, numerator, denominator in stored["metres"])
    return Entry(**(stored | {"metres": metres, "credit": Credit(**stored["credit"])}))


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
    return Source(name, works.work_of(name), composer, stamp, lambda: as_played(read_music(path)), dataset, credit)


def _corpus_source(name: str) -> Source:
    composer = known_composer(name.partition("/")[0])
    return Source(name, works.work_of(name), composer, "music21", lambda: as_played(score.read_corpus(name)), "music21")


def _build(sources: Sequence[Source], folder: Path, report: Callable[[int, int, str], None] | None) -> None:
    """Write notes.bin, then index.json atomically: a cache without an index is rebuilt from scratch."""
    entries: list[Entry] = []
    skipped: list[str] = []
    pieces: list[works.Figures] = []
    with (folder / "notes.bin").open("wb") as file:
        for entry, notes in _usable(sources, skipped, report):
            file.write(notes.tobytes())
            entries.append(entry)
            pieces.append(works.figures(notes))
    joined = works.join_works([entry.work for entry in entries], pieces)
    entries = [replace(entry, work=work) for entry, work in zip(entries, joined, strict=True)]
    listed = {"entries": [asdict(entry) for entry in entries], "skipped": skipped}
    temporary = folder / "index.tmp"  # one name: what a killed run left is written over
    temporary.write_text(json.dumps(listed), encoding="utf-8")
    temporary.replace(folder / "index.json")


def _usable(
    sources: Sequence[Source], skipped: list[str], report: Callable[[int, int, str], None] | None
) -> Iterator[tuple[Entry, Notes]]:
    first, seen = 0, dict[bytes, str]()
    for number, source in enumerate(sources):
        if report is not None:
            report(number, len(sources), source.name)
        try:
            piece = source.read()
        except (MusicFileError, MissingToolError) as error:
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
        composer = source.composer or known_composer(piece.composer)
        qpm = 60.0 * piece.end / TICKS_PER_QUARTER / max(1e-6, piece.seconds(piece.end))
        yield (
            Entry(
                name=source.name,
                work=source.work,
                composer=composer,
                title=piece.title,
                first=first,
                count=len(piece),
                metres=metres,
                qpm=round(qpm, 2),
                dataset=source.dataset,
                credit=source.credit,
            ),
            piece.notes,
        )
        first += len(piece)
