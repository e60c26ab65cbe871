"""Collections of pieces: folders of music files or music21's corpus, read once into a cache on disk and split by work.

Notes stay on the disk until they are needed (``parts``), so memory grows with the number of pieces, not of notes. Works that
several sources contain, under whatever names, are found by their music (``works``) and count as one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from musiclstm.data import parts, works
from musiclstm.data.archives import Archive
from musiclstm.data.listing import Source
from musiclstm.data.parts import Entry
from musiclstm.errors import DataError
from musiclstm.formats import can_read_abc
from musiclstm.music import Metre, Notes, Piece, Tempo
from musiclstm.scratch import alone_in

_FORMAT = 5  # of the cache; a new number makes every cache be rebuilt


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
        return Piece(
            notes=np.array(parts.notes_of(self.folder, entry)),
            metres=tuple(Metre(*metre) for metre in entry.metres),
            tempi=(Tempo(0, entry.qpm),),
            title=entry.title,
            composer=entry.composer,
            source=entry.name,
        )


def open_collection(
    sources: Sequence[Source],
    cache: Path,
    report: Callable[[int], None] | None = None,
    *,
    archives: Sequence[Archive] = (),
    processes: int = 1,
) -> Collection:
    """The collection of ``sources`` and of all that ``archives`` hold.

    It is read into a folder under ``cache`` the first time and loaded from there afterwards. Several ``processes`` read at once;
    an interrupted reading goes on where it stopped. ``report`` is told again and again how many files more are read. Unreadable,
    very short and duplicate pieces are skipped and named. Raises DataError if no piece remains.
    """
    abc = can_read_abc()  # without it, ABC files are skipped
    files = (f"{s.dataset} {s.name} {s.work} {s.composer} {s.stamp} {s.credit}" for s in sources)
    packed = (f"{archive.dataset} {archive.name} {archive.stamp}" for archive in archives)
    listing = "\n".join([f"{_FORMAT} {abc}", *files, *packed])
    folder = cache / hashlib.sha256(listing.encode()).hexdigest()[:16]
    index = folder / "index.json"
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):  # two programs would write into one another's parts
        if not index.exists():
            known = [*parts.in_parts(sources), *archives]
            parts.read_parts(known, folder, processes=processes, report=report)
            _write_index(folder, index, len(known))
    stored = json.loads(index.read_text(encoding="utf-8"))
    entries = tuple(parts.entry_of(entry) for entry in stored["entries"])
    if not entries:
        reason = stored["skipped"][0] if stored["skipped"] else "there are no files"
        raise DataError(f"No piece of the data can be used: {reason}")
    return Collection(folder, entries, tuple(stored["skipped"]))


def works_with(collection: Collection, passages: Iterable[Notes]) -> set[str]:
    """The works of the collection that contain one of ``passages``, such as the openings that serve as seeds."""
    pieces = parts.StoredFigures(collection.folder, collection.entries)
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


def _write_index(folder: Path, index: Path, count: int) -> None:
    """Find duplicates and works in the ``count`` parts that were read, and write the index in one step."""
    entries: list[Entry] = []
    skipped: list[str] = []
    seen: dict[str, str] = {}
    for number in range(count):
        for reading in parts.readings(folder, number):
            if reading.entry is None:
                skipped.append(reading.skipped)
            elif reading.digest in seen:
                skipped.append(f"{reading.name} has the same notes as {seen[reading.digest]}.")
            else:
                seen[reading.digest] = reading.name
                entries.append(reading.entry)
    joined = works.join_works([entry.work for entry in entries], parts.StoredFigures(folder, entries))
    temporary = folder / "index.tmp"  # one name: what a killed run left is written over
    with temporary.open("w", encoding="utf-8") as file:  # one by one: all of it as text takes more memory than the rest
        lines = (json.dumps(asdict(replace(entry, work=work))) for entry, work in zip(entries, joined, strict=True))
        file.write('{"entries": [')
        file.writelines(f",\n{line}" if number else line for number, line in enumerate(lines))
        file.write(f'], "skipped": {json.dumps(skipped)}}}')
    temporary.replace(index)
