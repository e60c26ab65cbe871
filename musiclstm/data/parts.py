"""A collection on the disk, read in parts: several at once, each by a process of its own.

Each part grows file by file, so an interrupted reading goes on where it stopped. A file that crashes its process, or takes too
long, is named and left out; another process reads the rest of its part.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from musiclstm.data import works
from musiclstm.data.listing import Credit, Source
from musiclstm.errors import DataError, MissingToolError, MusicFileError
from musiclstm.formats import answers
from musiclstm.music import NOTE, TICKS_PER_QUARTER, Notes, known_composer

FEWEST_NOTES = 32  # shorter files are fragments with nothing to continue
FILE_SECONDS = 120.0  # a file that takes longer is left out
FEW = 64  # files: to start processes takes longer than to read these
SMALLEST, LARGEST, PARTS = 16, 1024, 256  # files in a part, at least and at most; parts of a collection between
_NOTES, _FIGURES, _FACTS = "notes.bin", "figures.bin", "facts.jsonl"


@dataclass(frozen=True)
class Entry:
    """The cached facts of one piece: its notes are ``count`` rows from row ``first`` on of part number ``part``.

    ``work`` is the same for all movements and editions of a work in the collection. ``figures``: where its figures begin in those
    of the part, and how many they are; see ``works``.
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
    credit: Credit = field(default_factory=Credit)
    part: int = 0
    figures: tuple[int, int] = (0, 0)


class Part(Protocol):
    """Sources that one process reads, one after the other, always in the same order. It can be pickled.

    Its length is that of what there is to read; roughly, if that is found out while it is read.
    """

    def __iter__(self) -> Iterator[Source]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Reading:
    """What became of one file: the ``entry`` and the ``digest`` of its notes, or why it was ``skipped``."""

    name: str
    entry: Entry | None = None
    digest: str = ""
    skipped: str = ""


def in_parts(sources: Sequence[Source]) -> list[Part]:
    """The sources in parts, which depend on nothing but how many they are."""
    size = min(LARGEST, max(SMALLEST, -(-len(sources) // PARTS)))
    return [tuple(sources[start : start + size]) for start in range(0, len(sources), size)]


def read_parts(
    parts: Sequence[Part],
    folder: Path,
    *,
    processes: int,
    report: Callable[[int], None] | None = None,
    seconds: float = FILE_SECONDS,
) -> None:
    """Read what is not in ``folder`` yet, with several ``processes``; with 1, or for a few files, this one reads.

    Another process may take at most ``seconds`` for a file; a file that crashes this one is left to another the next time.
    ``report`` is told after each part how many files it had. Raises DataError if a process ends without a file to blame, OSError
    for a full disk.
    """
    tell = report or (lambda _: None)
    todo = [number for number in range(len(parts)) if not _home(folder, number).is_dir()]
    # What is left of an earlier reading may be there because a file crashed it.
    begun = any(_draft(folder, number).is_dir() for number in todo)
    if not begun and (processes == 1 or sum(len(parts[number]) for number in todo) <= FEW):
        for number in todo:
            tell(_read_part((folder, number, parts[number], None)))
        return
    while todo:
        tasks = [(folder, number, parts[number], seconds) for number in todo]
        again = []
        for number, files in zip(todo, answers(_read_part, tasks, processes=processes), strict=True):
            if files is None:
                again.append(number)
                _leave_out_next(parts[number], _draft(folder, number), seconds)
            else:
                tell(files)
        todo = again


def readings(folder: Path, number: int) -> list[Reading]:
    """What became of the files of a part that is read, in order."""
    return [_reading(line, number) for line in (_home(folder, number) / _FACTS).read_text(encoding="utf-8").splitlines()]


def notes_of(folder: Path, entry: Entry) -> Notes:
    """The notes of a piece, from the disk."""
    return _mapped(_home(folder, entry.part) / _NOTES, NOTE, entry.first, entry.count)


class StoredFigures(Sequence[works.Figures]):
    """The figures of some pieces, on the disk. Of all their files only that of the piece used last is open: go through them in
    order.
    """

    def __init__(self, folder: Path, entries: Sequence[Entry]) -> None:
        self._folder, self._entries = folder, entries
        self._opened: tuple[int, NDArray[np.uint64]] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: Any) -> Any:
        """The figures of a piece: a view of the file."""
        entry = self._entries[index]
        if self._opened is None or self._opened[0] != entry.part:
            path = _home(self._folder, entry.part) / _FIGURES
            self._opened = entry.part, np.asarray(_mapped(path, np.uint64, 0, path.stat().st_size // 8))
        start, count = entry.figures
        return self._opened[1][start : start + count]


def _mapped(path: Path, kind: Any, first: int, count: int) -> NDArray[Any]:
    if not count:  # an empty file can't be mapped
        return np.empty(0, kind)
    return np.memmap(path, dtype=kind, mode="r", offset=first * np.dtype(kind).itemsize, shape=(count,))


def _home(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06}"


def _draft(folder: Path, number: int) -> Path:
    """Where a part grows; it moves to its home when it is complete."""
    return folder / f"part-{number:06}.draft"


def _read_part(task: tuple[Path, int, Part, float | None]) -> int:
    """Read the rest of a part; returns how many files it has. A file that takes more than the ``seconds`` ends this process."""
    folder, number, part, seconds = task
    draft = _draft(folder, number)
    draft.mkdir(parents=True, exist_ok=True)
    files, first, start = _kept(draft)
    with ExitStack() as opened:
        notes, figures, facts = (opened.enter_context((draft / name).open("ab")) for name in (_NOTES, _FIGURES, _FACTS))
        nowhere = opened.enter_context(Path(os.devnull).open("w"))
        for source in islice(part, files, None):
            if seconds is not None:
                faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
            reading, found = _read(source)
            if seconds is not None:  # to find the next file in an archive may take its time
                faulthandler.cancel_dump_traceback_later()
            if reading.entry is not None:
                shapes = works.figures(found)
                reading = replace(reading, entry=replace(reading.entry, first=first, figures=(start, len(shapes))))
                first, start = first + len(found), start + len(shapes)
                for file, rows in ((notes, found), (figures, shapes)):
                    file.write(rows.tobytes())
                    file.flush()
            # The line comes last: whoever goes on after an interruption keeps only what has one.
            facts.write(json.dumps(asdict(reading)).encode() + b"\n")
            facts.flush()
            files += 1
    draft.replace(_home(folder, number))
    return files


def _read(source: Source) -> tuple[Reading, Notes]:
    """What becomes of a file, and its notes."""
    nothing = np.zeros(0, NOTE)
    try:
        piece = source.read()
    except (MusicFileError, MissingToolError) as error:
        return Reading(source.name, skipped=str(error)), nothing
    except MemoryError:
        return Reading(source.name, skipped=f"{source.name} takes too much memory to read."), nothing
    if len(piece) < FEWEST_NOTES:
        reason = f"{source.name} has {len(piece)} notes; at least {FEWEST_NOTES} are needed."
        return Reading(source.name, skipped=reason), nothing
    struck = np.stack([piece.notes["onset"], piece.notes["pitch"]]).astype(np.int32)
    entry = Entry(
        name=source.name,
        work=source.work,
        composer=source.composer or known_composer(piece.composer),
        title=piece.title,
        first=0,
        count=len(piece),
        metres=tuple((metre.onset, metre.numerator, metre.denominator) for metre in piece.metres),
        qpm=round(60.0 * piece.end / TICKS_PER_QUARTER / max(1e-6, piece.seconds(piece.end)), 2),
        dataset=source.dataset,
        credit=source.credit,
    )
    return Reading(source.name, entry, hashlib.sha256(struck.tobytes()).hexdigest()), piece.notes


def _kept(draft: Path) -> tuple[int, int, int]:
    """How many files of a part are read, and how many notes and figures they have; what comes after them is cut off."""
    path = draft / _FACTS
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith(b"\n")]
    entries = [reading.entry for reading in map(_reading, whole) if reading.entry is not None]
    first, start = (entries[-1].first + entries[-1].count, sum(entries[-1].figures)) if entries else (0, 0)
    sizes = {_NOTES: first * NOTE.itemsize, _FIGURES: start * 8, _FACTS: sum(map(len, whole))}
    for name, size in sizes.items():
        with (draft / name).open("ab") as file:
            file.truncate(size)
    return len(whole), first, start


def _leave_out_next(part: Part, draft: Path, seconds: float) -> None:
    """Name the file at which the reading of a part ended its process, so that the next one goes on after it."""
    files = _kept(draft)[0] if draft.is_dir() else 0
    source = next(islice(part, files, None), None)
    if source is None:
        raise DataError(f"Reading the data ended in {draft.name}, after its last file; is the memory full?")
    reason = f"{source.name} takes more than {seconds:g} seconds to read, or crashes the program that reads it."
    draft.mkdir(parents=True, exist_ok=True)
    with (draft / _FACTS).open("ab") as facts:
        facts.write(json.dumps(asdict(Reading(source.name, skipped=reason))).encode() + b"\n")


def _reading(line: str | bytes, part: int = 0) -> Reading:
    stored = json.loads(line)
    if stored["entry"] is not None:
        stored["entry"] = entry_of(stored["entry"] | {"part": part})
    return Reading(**stored)


def entry_of(stored: dict[str, Any]) -> Entry:
    """The entry that JSON holds."""
    metres = tuple((int(onset), int(numerator), int(denominator)) for onset, numerator, denominator in stored["metres"])
    first, count = stored["figures"]
    return Entry(**(stored | {"metres": metres, "figures": (first, count), "credit": Credit(**stored["credit"])}))
