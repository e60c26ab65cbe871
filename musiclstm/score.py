"""Scores to pieces and pieces to MusicXML: the only file that knows music21.

Importing music21 takes about half a second, so every function here imports it where it is used.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from musiclstm.errors import MusicFileError
from musiclstm.notes import TICKS_PER_QUARTER, Key, Notes, Piece, Tempo, clean_tempi, make_notes
from musiclstm.rhythm import WrittenBar, metres_of_bars

SCORE_ENDINGS = (".musicxml", ".xml", ".mxl", ".krn", ".abc")
MAX_FILE_BYTES = 10_000_000
MAX_UNPACKED_BYTES = 50_000_000  # of a compressed score; far above any real one
DEFAULT_QPM = 100.0  # where a score says nothing, or only a word
VELOCITY = 64  # scores carry no velocities
# Folders of music21's corpus that hold exercises, or many tunes in one file.
_NOT_WORKS = ("demos", "theoryExercises", "airdsAirs", "essenFolksong", "miscFolk", "nottingham-dataset", "oneills1850")
_NOT_COMPOSERS = ("leadSheet", "ryansMammoth", "trecento")


def read_score(path: Path | str) -> Piece:
    """The music of a MusicXML (.musicxml, .xml, .mxl), Humdrum (.krn) or ABC (.abc) file, all parts merged at sounding pitch.

    Tied notes are one note; grace notes, percussion and chord symbols are left out; repeats are not written out. A pickup ends
    the first bar, so that tick 0 is a bar line. Of a file with several tunes the first is read.
    Raises MusicFileError for other files and for damaged or empty ones.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending in (".mid", ".midi"):
        raise MusicFileError(f"{path.name} is a MIDI file, which read_midi reads; a score ends in {', '.join(SCORE_ENDINGS)}.")
    if ending not in SCORE_ENDINGS:
        raise MusicFileError(f"{path.name} is not a score this program reads; those end in {', '.join(SCORE_ENDINGS)}.")
    data = _file_bytes(path)
    if ending == ".mxl" or data[:4] == b"PK\x03\x04":
        data = _unpacked(data, path.name)
    return _parsed(_text(data), {".krn": "krn", ".abc": "abc"}.get(ending, "xml"), path.name)


def parse_abc(text: str, name: str) -> Piece:
    """The first tune of ABC notation given as text; ``name`` stands for the file in ``source`` and in messages.

    Raises MusicFileError if no note can be read from it.
    """
    return _parsed(text, "abc", name)


def read_corpus(name: str) -> Piece:
    """A work of music21's own corpus, named as in ``corpus_names``; the ending may be left out.

    Raises MusicFileError for an unknown name.
    """
    root = _corpus_folder()
    paths = [root / f"{name}{ending}" for ending in ("", *SCORE_ENDINGS)]
    path = next((p for p in paths if p.suffix in SCORE_ENDINGS and root in p.resolve().parents and p.is_file()), None)
    if path is None:
        raise MusicFileError(f"The music21 corpus has no work {name!r}; names look like bach/bwv66.6.mxl.")
    piece = read_score(path)
    found = path.relative_to(root)
    title = " ".join(found.with_suffix("").parts[1:]).replace("_", " ") if piece.title == path.stem else piece.title
    composer = piece.composer or _composer_of_folder(found.parts[0])
    return replace(piece, title=title, composer=composer, source=found.as_posix())


def corpus_names() -> tuple[str, ...]:
    """Works of music21's own corpus that are whole pieces of music, as sorted paths like "bach/bwv66.6.mxl".

    Where a work is there in several formats, the one that says most is named.
    """
    root = _corpus_folder()
    works: dict[PurePosixPath, str] = {}
    for ending in reversed(SCORE_ENDINGS):
        for path in root.rglob(f"*{ending}"):
            name = PurePosixPath(path.relative_to(root).as_posix())
            if name.parts[0] not in _NOT_WORKS:
                works[name.with_suffix("")] = str(name)
    return tuple(sorted(works.values()))


# Files


def _file_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise MusicFileError(f"{path.name} {what}; the path of a score is needed.")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MusicFileError(f"{path.name} can't be opened: {error.strerror or error}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise MusicFileError(f"{path.name} is larger than 10 MB; scores up to 10 MB can be read.")
    return data


def _unpacked(data: bytes, name: str) -> bytes:
    """The score inside a compressed MusicXML file: the one its container names first, else the first XML file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith((".xml", ".musicxml")) and not n.startswith("META-INF")]
            if "META-INF/container.xml" in archive.namelist():
                container = archive.open("META-INF/container.xml").read(100_000).decode("utf-8", "replace")
                named = re.search(r'full-path\s*=\s*["\']([^"\']+)', container)
                names = [n for n in names if named and n == named[1]] or names
            if not names:
                raise MusicFileError(f"{name} is a compressed file without a score in it; a MusicXML file is needed.")
            with archive.open(names[0]) as file:
                unpacked = file.read(MAX_UNPACKED_BYTES + 1)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, zlib.error) as error:
        raise MusicFileError(f"{name} is a damaged or incomplete compressed score; a whole one is needed.") from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise MusicFileError(f"{name} unpacks to more than 50 MB; that is no score.")
    return unpacked


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _corpus_folder() -> Path:
    from music21 import corpus

    return Path(corpus.__file__).resolve().parent


def _composer_of_folder(folder: str) -> str:
    """A name from a folder of the corpus: "schumann_clara" is Clara Schumann."""
    if folder in _NOT_COMPOSERS:
        return ""
    if folder == "cpebach":
        return "C. P. E. Bach"
    family, *given = (word.capitalize() for word in folder.split("_"))
    return " ".join([*(f"{word}." if len(word) == 1 else word for word in given), family])


# music21's streams to rows


def _parsed(text: str, kind: str, name: str) -> Piece:
    from music21.converter.subConverters import ConverterABC, ConverterHumdrum, ConverterMusicXML
    from music21.exceptions21 import Music21Exception

    if not text.strip():
        raise MusicFileError(f"{name} is empty; a score is needed.")
    converter = {"abc": ConverterABC, "krn": ConverterHumdrum, "xml": ConverterMusicXML}[kind]()
    # Of broken input music21 makes errors of every kind, most of them from far inside it; SyntaxError is XML's ParseError.
    broken = (Music21Exception, SyntaxError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)
    try:
        with _silence():
            converter.parseData(_first_tune(text) if kind == "abc" else text)
            piece = _piece(converter.stream, name)
    except (*broken, AssertionError, NotImplementedError) as error:
        what = {"abc": "ABC", "krn": "Humdrum", "xml": "MusicXML"}[kind]
        raise MusicFileError(f"{name} can't be read as {what}; a whole, valid score is needed.") from error
    if not len(piece):
        raise MusicFileError(f"{name} holds no notes; at least one pitched note is needed.")
    return piece


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep music21's warnings about odd but readable files off the terminal."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _first_tune(text: str) -> str:
    """ABC text up to the second tune with notes in it; music21 would read the whole book."""
    header, *tunes = re.split(r"(?m)^(?=X:)", text)
    with_notes = [tune for tune in tunes if re.search(r"(?m)^K:.*\n(?:.*\n)*?[^%A-Za-z\n]*[A-Ga-g\[|]", tune)]
    return header + (with_notes or tunes or [""])[0]


def _piece(stream: Any, name: str) -> Piece:
    """A Piece from a music21 Score or Part, or from the first Score of an Opus."""
    score = next(iter(stream.scores)) if "Opus" in stream.classes else stream
    parts = list(score.parts) if "Score" in score.classes else [score]
    flat = [part.flatten() for part in parts]
    shift, metres = metres_of_bars(max((_bars(part) for part in parts), key=len, default=[]))
    title, composer = _names(score.metadata, name)
    marks = [mark for part in flat for mark in part.getElementsByClass("MetronomeMark")]
    tempi = [Tempo(max(0, _ticks(m.offset) + shift), float(m.getQuarterBPM())) for m in marks if m.getQuarterBPM()]
    transposed = [_transpositions(part, part_flat) for part, part_flat in zip(parts, flat, strict=True)]
    rows = [row for part, moves in zip(flat, transposed, strict=True) for row in _rows(part, moves)]
    return Piece(
        notes=_notes(rows, shift),
        metres=metres,
        tempi=clean_tempi(tempi or [Tempo(0, DEFAULT_QPM)]),
        key=next(filter(None, map(_key, flat, transposed)), None),
        title=title,
        composer=composer,
        source=name,
    )


def _ticks(quarters: float) -> int:
    return round(quarters * TICKS_PER_QUARTER)


def _notes(rows: list[tuple[int, int, int]], shift: int) -> Notes:
    return make_notes([r[0] + shift for r in rows], [r[1] for r in rows], [r[2] for r in rows], [VELOCITY] * len(rows))


def _bars(part: Any) -> list[WrittenBar]:
    """The measures of a part; those without length, such as one that holds only a repeat sign, are left out."""
    bars: list[WrittenBar] = []
    numerator, denominator = 4, 4
    for measure in part.getElementsByClass("Measure"):
        if measure.timeSignature is not None:
            numerator, denominator = measure.timeSignature.numerator, measure.timeSignature.denominator
        start = _ticks(measure.offset)
        if bars and bars[-1].start == start:
            bars.pop()
        bars.append(WrittenBar(start, numerator, denominator))
    return bars


def _transpositions(part: Any, flat: Any) -> list[tuple[float, int]]:
    """From which offset on (quarters) the part sounds how many semitones away from what is written."""
    if part.atSoundingPitch is not False:
        return [(0.0, 0)]
    instruments = [i for i in flat.getElementsByClass("Instrument") if i.transposition is not None]
    return [(0.0, 0)] + [(float(i.offset), round(i.transposition.semitones)) for i in instruments]


def _rows(flat: Any, transpositions: list[tuple[float, int]]) -> list[tuple[int, int, int]]:
    """(onset, pitch, duration) in ticks of every pitched note of a part, tied notes joined, grace notes left out."""
    rows: list[tuple[int, int, int]] = []
    tied: dict[int, int] = {}  # pitch -> the row that waits for its continuation
    for element in flat.notes:
        onset, end = _ticks(element.offset), _ticks(element.offset + element.quarterLength)
        if (
            element.duration.isGrace
            or end <= onset
            or not {"Note", "Chord"} & set(element.classes)
            or "Harmony" in element.classes
        ):
            continue
        semitones = [move for start, move in transpositions if start <= element.offset][-1]
        for note in element.notes if "Chord" in element.classes else (element,):
            if "Note" not in note.classes:  # an unpitched member of a percussion chord
                continue
            tie, pitch = note.tie or element.tie, round(note.pitch.ps) + semitones
            row = tied.pop(pitch, None)
            if row is not None and rows[row][0] + rows[row][2] == onset:
                rows[row] = (rows[row][0], pitch, end - rows[row][0])
            else:
                row = len(rows)
                rows.append((onset, pitch, end - onset))
            if tie is not None and tie.type in ("start", "continue"):
                tied[pitch] = row
    return rows


def _key(flat: Any, transpositions: list[tuple[float, int]]) -> Key | None:
    signatures = [s for s in flat.getElementsByClass("KeySignature") if s.sharps is not None and -7 <= s.sharps <= 7]
    if not signatures:
        return None
    first = [s for s in signatures if s.offset == signatures[0].offset]
    named = next((s for s in first if "Key" in s.classes), first[0])  # a Key knows its mode, a KeySignature does not
    mode = "minor" if getattr(named, "mode", None) in ("minor", "aeolian", "dorian", "phrygian", "locrian") else "major"
    written = [move for start, move in transpositions if start <= named.offset][-1]
    fifths = (named.sharps + 7 * written + 6) % 12 - 6 if written % 12 else named.sharps
    return Key(int(fifths), mode)


def _names(metadata: Any, name: str) -> tuple[str, str]:
    """Title and composer, tidied: no file names for titles, "Chopin, Frederic" the other way round, no years."""
    titles = [metadata.title, metadata.movementName] if metadata is not None else []
    tidy = [" ".join(str(title).split()) for title in titles if title]
    title = next((t for t in tidy if t and not t.lower().endswith(SCORE_ENDINGS)), Path(name).stem)
    composer = " ".join(str((metadata.composer if metadata is not None else None) or "").split())
    composer = re.sub(r"\s*[(\[][^)\]]*\d{4}[^)\]]*[)\]]", "", composer)
    family, comma, given = composer.partition(", ")
    return title[:200], (f"{given} {family}" if comma and "," not in given else composer)[:200]
