"""What music shares with known pieces: its longest passage that matches one of them note for note.

Conventions: a row is the move from one note to the next, as (step in ticks, interval in semitones); notes are in their usual
order, by onset and then pitch. Two passages match if their rows do: in any key, at any velocity and with any durations. Durations
reflect touch more than tune: if they counted, a take that repeats 39 notes of a Mozart sonata would share 4 with it. The index
keeps for each known piece, in order, a 32-bit hash of every ROWS consecutive rows. A passage of k notes has k - ROWS of them, so
r hashes at consecutive places of one piece are a shared passage of r + ROWS notes. Fewer than ROWS + 1 notes count as none.

With 5 rows, 95 of 100 human passages of 16 bars share something, so there is a baseline to compare with; fewer rows would only
distinguish lengths that mean nothing. One changed note ends a shared passage, and a tune over a new accompaniment is not found.
No notes are stored and the hashes can't be played, but they are not secret: anyone who has a passage can look it up.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import CheckpointError
from musiclstm.music import Notes, Piece, bar_lines, cut

Lengths = NDArray[np.int32]
Places = NDArray[np.int64]

ROWS = 5
MOST_FIGURES = 4_000_000  # one per note: 16 MB in the file, 48 MB in memory
MOST_PLACES = 20_000  # searched for each figure: an untrusted file must not make a look-up endless
MOST_PIECES = 20_000
LONGEST_NAME = 100  # characters of a name, title or composer that are kept
MOST_TEXT_BYTES = 25_000_000  # as much as three such names per piece can take
PASSAGE_BARS = 16
FEWEST_NOTES = 32  # fewer in PASSAGE_BARS bars are a fading ending, not music to compare with
QUANTILES = (50, 75, 95)  # per cent

_FORMAT = 1
_ARRAYS = {"about": ("|u1", MOST_TEXT_BYTES), "counts": ("<u4", MOST_PIECES), "figures": ("<u4", MOST_FIGURES)}
_MOST_BYTES = sum(int(kind[2]) * most for kind, most in _ARRAYS.values()) + 10_000
_HEADER = re.compile(rb"\{'descr': '([|<]u\d)', 'fortran_order': False, 'shape': \((\d{1,9}),\), \} *\n")
_DIRECTORY = struct.Struct("<4s4xHHI6x")  # end of a zip file: signature, entries on this disk, in all, bytes of their list


@dataclass(frozen=True)
class Known:
    """What an indexed piece is called: ``name`` (its file), ``title`` and ``composer``."""

    name: str
    title: str
    composer: str

    @property
    def words(self) -> str:
        """Composer and title on one line: "Chopin: Nocturne"."""
        title = self.title.strip(" :,-") or Path(self.name).stem
        return title if not self.composer or self.composer.lower() in title.lower() else f"{self.composer}: {title}"


@dataclass(frozen=True)
class SharedPassage:
    """The longest shared passage: its length in ``notes``, and the note ``start`` at which it begins, counted from 0.

    ``title`` is the known piece with its composer, ``name`` its file, and ``origin`` the note at which the passage begins there.
    If nothing is shared, ``notes`` is 0 and the names are empty.
    """

    notes: int
    title: str
    start: int
    name: str = ""
    origin: int = 0


@dataclass(frozen=True, eq=False)
class OriginalityIndex:
    """Hashed rows of known pieces: ``figures`` [f] uint32, of which ``counts`` [p] belong to the p ``pieces``, in order."""

    pieces: tuple[Known, ...]
    counts: NDArray[np.uint32]
    figures: NDArray[np.uint32]
    rows: int = ROWS
    _ends: NDArray[np.int64] = field(init=False, repr=False)
    _sorted: NDArray[np.uint32] = field(init=False, repr=False)
    _places: NDArray[np.uint32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        keys = np.sort(self.figures.astype(np.uint64) << np.uint64(32) | np.arange(len(self.figures), dtype=np.uint64))
        object.__setattr__(self, "_ends", np.cumsum(self.counts, dtype=np.int64))
        object.__setattr__(self, "_sorted", (keys >> np.uint64(32)).astype(np.uint32))
        object.__setattr__(self, "_places", keys.astype(np.uint32))

    def longest(self, piece: Piece, start: int = 0, exclude: Collection[str] = ()) -> SharedPassage:
        """The longest passage of ``piece.notes[start:]`` that occurs in a known piece; the first of equally long ones.

        ``start`` is the first note of a continuation: what its seed shares does not count, and neither does a passage that
        the continuation has from its seed. ``exclude``: names of known pieces to leave out, such as the piece itself.
        """
        start = max(0, start)
        figures = _figures(piece.notes[start:], self.rows)
        quoted = build_index([replace(piece, notes=piece.notes[:start])])._runs(figures, ())
        best = (0, 0, 0)
        for row, ((lengths, places), (own, _)) in enumerate(zip(self._runs(figures, exclude), quoted, strict=True)):
            if len(places) and int(lengths.max()) > max(best[0], int(own.max(initial=0))):
                longest = int(lengths.argmax())
                best = (int(lengths[longest]), row, int(places[longest]))
        return self._shared_passage(*best, start)

    def _runs(self, figures: NDArray[np.uint32], exclude: Collection[str]) -> Iterator[tuple[Lengths, Places]]:
        """For each of ``figures`` [n] its places among the known ones, and how many consecutive ones match up to each place."""
        left = np.searchsorted(self._sorted, figures, side="left")
        right = np.minimum(np.searchsorted(self._sorted, figures, side="right"), left + MOST_PLACES)
        left_out = np.array([known.name in exclude for known in self.pieces], dtype=bool)
        runs = np.zeros(len(self.figures) + 1, dtype=np.int32)  # at place + 1: length of the run that ends there; [0] stays 0
        previous = np.empty(0, dtype=np.int64)
        for row in range(len(figures)):
            places = self._places[left[row] : right[row]].astype(np.int64)
            owners = np.searchsorted(self._ends, places, side="right")
            if left_out.any():
                places, owners = places[~left_out[owners]], owners[~left_out[owners]]
            lengths = np.where(places == self._ends[owners] - self.counts[owners], 0, runs[places]) + 1
            runs[previous + 1] = 0
            runs[places + 1] = lengths
            previous = places
            yield lengths, places

    def _shared_passage(self, run: int, last_row: int, last_place: int, start: int) -> SharedPassage:
        if not run:
            return SharedPassage(0, "", start)
        owner = int(np.searchsorted(self._ends, last_place, side="right"))
        origin = last_place - run + 1 - int(self._ends[owner] - self.counts[owner])
        known = self.pieces[owner]
        return SharedPassage(run + self.rows, known.words, start + last_row - run + 1, known.name, origin)


def build_index(pieces: Iterable[Piece]) -> OriginalityIndex:
    """Index ``pieces``, read one by one; those that no longer fit in MOST_FIGURES are left out."""
    known: list[Known] = []
    figures: list[NDArray[np.uint32]] = []
    room = MOST_FIGURES
    for piece in pieces:
        found = _figures(piece.notes, ROWS)
        if len(found) <= room and len(known) < MOST_PIECES:
            known.append(Known(*(_plain(text) for text in (piece.source, piece.title, piece.composer))))
            figures.append(found)
            room -= len(found)
    counts = np.array([len(found) for found in figures], dtype=np.uint32)
    return OriginalityIndex(tuple(known), counts, np.concatenate(figures or [np.empty(0, dtype=np.uint32)]))


def passages(piece: Piece, bars: int = PASSAGE_BARS) -> Iterator[Piece]:
    """Consecutive passages of ``bars`` bars, without those of fewer than FEWEST_NOTES notes."""
    lines = bar_lines(piece)
    for first in range(0, len(lines) - bars, bars):
        passage = cut(piece, int(lines[first]), int(lines[first + bars]))
        if len(passage) >= FEWEST_NOTES:
            yield passage


def human_overlap(index: OriginalityIndex, pieces: Iterable[Piece]) -> dict[str, Any]:
    """What human music shares with the known pieces, as JSON data: the longest passage in every 16 bars of other ``pieces``.

    ``people`` holds quantiles in notes by per cent ("95": 95 of 100 passages share at most this many), ``n`` the number of rows
    hashed together, ``passages`` how many were measured, ``known`` the number of known pieces.
    """
    lengths = [index.longest(passage).notes for piece in pieces for passage in passages(piece)]
    quantiles = np.percentile(lengths or [0], QUANTILES, method="inverted_cdf").tolist()
    shared = {str(share): int(notes) for share, notes in zip(QUANTILES, quantiles, strict=True)}
    return {"people": shared, "n": index.rows, "passages": len(lengths), "bars": PASSAGE_BARS, "known": len(index.pieces)}


def write_index(index: OriginalityIndex, path: Path) -> None:
    """Write the index as a NumPy archive; the same index gives the same bytes."""
    known = [[piece.name, piece.title, piece.composer] for piece in index.pieces]
    about = json.dumps({"format": _FORMAT, "rows": index.rows, "pieces": known}, ensure_ascii=False).encode()
    arrays: dict[str, Any] = {"about": np.frombuffer(about, dtype="u1"), "counts": index.counts, "figures": index.figures}
    with path.open("wb") as file:
        np.savez_compressed(file, **{name: array.astype(_ARRAYS[name][0]) for name, array in arrays.items()})


def read_index(path: Path) -> OriginalityIndex:
    """Read an index. Raises CheckpointError, in one sentence, for a file that is damaged, too large or not an index.

    Everything is checked before it is trusted: no array is allocated from a declared size alone.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise CheckpointError(f"{path} has {size:,} bytes; at most {_MOST_BYTES:,} are allowed.")
    try:
        with path.open("rb") as file:
            _check_directory(file, size)
            with zipfile.ZipFile(file) as archive:
                about, counts, figures = (_array(archive, name) for name in _ARRAYS)
        fields = json.loads(about.tobytes().decode("utf-8"))
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, RecursionError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path} is damaged or not an index of known pieces: {_first_line(error)}.") from error
    fault = _fault(fields, counts, figures)
    if fault:
        raise CheckpointError(f"{path} is damaged or not an index of known pieces: {fault}.")
    return OriginalityIndex(tuple(Known(*names) for names in fields["pieces"]), counts, figures, fields["rows"])


def _plain(text: str) -> str:
    """The text on one line, with spaces for unprintable characters, cut to LONGEST_NAME characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:LONGEST_NAME]


def hash_runs(values: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
    """A hash of every ``length`` consecutive ``values`` [n], none of them negative: [n - length + 1], or none.

    Every value is folded in with the finaliser of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
    generators").
    """
    folded = values.astype(np.uint64)
    hashes = np.zeros(max(0, len(values) - length + 1), dtype=np.uint64)
    for offset in range(length):
        hashes += folded[offset : offset + len(hashes)] + np.uint64(0x9E3779B97F4A7C15)
        hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes ^= hashes >> np.uint64(31)
    return hashes


def _figures(notes: Notes, rows: int) -> NDArray[np.uint32]:
    """A hash of every ``rows`` consecutive rows, its upper half: [len(notes) - rows], or none."""
    steps = np.diff(notes["onset"].astype(np.int64))
    intervals = np.diff(notes["pitch"].astype(np.int64))
    folded = (steps * 256 + intervals + 128).astype(np.int64)
    return (hash_runs(folded, rows) >> np.uint64(32)).astype(np.uint32)


def _check_directory(file: BinaryIO, size: int) -> None:
    """Raise ValueError unless the zip file ends with a short list of our arrays: ``zipfile`` would read one of any length."""
    file.seek(max(0, size - 42))
    tail = file.read(42)
    signature, here, entries, listed = _DIRECTORY.unpack(tail[-22:].ljust(22, b"\0"))
    if signature != b"PK\5\6" or tail[:4] == b"PK\6\7" or not here == entries == len(_ARRAYS) or listed > 1000:
        raise ValueError("it is not an archive of three arrays")
    file.seek(0)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """An array of the kind and within the size that ``_ARRAYS`` allows. Raises ValueError otherwise."""
    kind, most = _ARRAYS[name]
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed in an unknown way")
    with archive.open(member) as file:
        start = file.read(10)
        described = _HEADER.fullmatch(file.read(min(256, int.from_bytes(start[8:], "little"))))
        if start[:8] != b"\x93NUMPY\1\0" or described is None or described[1] != kind.encode():
            raise ValueError(f"{name} is not a one-dimensional array of kind {kind}")
        count = int(described[2])
        if count > most:
            raise ValueError(f"{name} declares {count:,} entries where at most {most:,} are allowed")
        wanted = count * np.dtype(kind).itemsize
        content = file.read(wanted + 1)
        if len(content) != wanted:
            raise ValueError(f"{name} does not hold the {count:,} entries that it declares")
    return np.frombuffer(content, dtype=kind)


def _fault(fields: Any, counts: NDArray[np.uint32], figures: NDArray[np.uint32]) -> str:
    """What is wrong with the parts of an index, as half a sentence; empty if nothing is."""
    if not isinstance(fields, dict) or set(fields) != {"format", "rows", "pieces"}:
        return "it does not name its format, rows and pieces"
    if fields["format"] != _FORMAT:
        return f"it has format {fields['format']!r} but this program reads {_FORMAT}"
    if type(fields["rows"]) is not int or not 1 <= fields["rows"] <= 64:
        return f"a figure must have 1 to 64 rows, not {fields['rows']!r}"
    pieces = fields["pieces"]
    named = isinstance(pieces, list) and all(
        isinstance(names, list)
        and len(names) == 3
        and all(isinstance(n, str) and n.isprintable() and len(n) <= LONGEST_NAME for n in names)
        for names in pieces
    )
    if not named or len(pieces) != len(counts):
        return f"each of its {len(counts):,} pieces needs a name, a title and a composer"
    total = int(counts.sum(dtype=np.int64))
    return "" if total == len(figures) else f"its pieces count {total:,} figures but it holds {len(figures):,}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
