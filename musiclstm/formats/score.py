"""Reading scores with music21.

Importing music21 takes about half a second, so every function imports it where it is used.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from musiclstm.errors import MusicFileError
from musiclstm.formats.score_text import (
    SCORE_ENDINGS,
    composer_of_folder,
    first_tune,
    require_plausible,
    score_text,
    tidy_composer,
    tidy_title,
)
from musiclstm.music import TICKS_PER_QUARTER, Key, Piece, Tempo, clean_tempi, make_notes
from musiclstm.notation import WrittenBar, metres_of_bars

MAX_TICKS = 100_000 * TICKS_PER_QUARTER
DEFAULT_QPM = 100.0  # if a score gives no tempo, or only a word
VELOCITY = 64  # scores carry no velocities
# Folders of music21's corpus that hold exercises, or many tunes in one file.
_NOT_WORKS = ("demos", "theoryExercises", "airdsAirs", "essenFolksong", "miscFolk", "nottingham-dataset", "oneills1850")


def read_score(path: Path | str) -> Piece:
    """Read a MusicXML (.musicxml, .xml, .mxl), Humdrum (.krn) or ABC (.abc) file, with all parts merged at sounding pitch.

    Tied notes become one note; grace notes, percussion and chord symbols are left out; repeats are not written out. A pickup
    ends a complete first bar, so that tick 0 is a bar line. If a file has several tunes, the first is read.
    Raises MusicFileError for other files and for damaged or empty ones.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending in (".mid", ".midi"):
        raise MusicFileError(f"{path.name} is a MIDI file, to be read with read_midi; scores end in {', '.join(SCORE_ENDINGS)}.")
    if ending not in SCORE_ENDINGS:
        raise MusicFileError(f"{path.name} is not a score this program can read; those end in {', '.join(SCORE_ENDINGS)}.")
    return _parsed(score_text(path), {".krn": "krn", ".abc": "abc"}.get(ending, "xml"), path.name)


def parse_abc(text: str, name: str) -> Piece:
    """Read the first tune of a text in ABC notation; ``name`` serves as the file name in ``source`` and in messages.

    Raises MusicFileError if no note can be read from it.
    """
    return _parsed(text, "abc", name)


def read_corpus(name: str) -> Piece:
    """Read a work from music21's own corpus by its name in ``corpus_names``; the ending may be left out.

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
    composer = piece.composer or composer_of_folder(found.parts[0])
    return replace(piece, title=title, composer=composer, source=found.as_posix())


def corpus_names() -> tuple[str, ...]:
    """The complete pieces in music21's own corpus, as sorted paths like "bach/bwv66.6.mxl".

    Of several formats of a work, the most informative is listed.
    """
    root = _corpus_folder()
    works: dict[PurePosixPath, str] = {}
    for ending in reversed(SCORE_ENDINGS):
        for path in root.rglob(f"*{ending}"):
            name = PurePosixPath(path.relative_to(root).as_posix())
            if name.parts[0] not in _NOT_WORKS:
                works[name.with_suffix("")] = str(name)
    return tuple(sorted(works.values()))


def _corpus_folder() -> Path:
    from music21 import corpus

    return Path(corpus.__file__).resolve().parent


# music21's streams to rows


def _parsed(text: str, kind: str, name: str) -> Piece:
    from music21.converter.subConverters import ConverterABC, ConverterHumdrum, ConverterMusicXML
    from music21.exceptions21 import Music21Exception

    if not text.strip():
        raise MusicFileError(f"{name} is empty; a score is needed.")
    require_plausible(text, kind, name)
    kinds = {"abc": (ConverterABC, "ABC"), "krn": (ConverterHumdrum, "Humdrum"), "xml": (ConverterMusicXML, "MusicXML")}
    converter, what = kinds[kind][0](), kinds[kind][1]
    # On broken input music21 raises errors of every kind, most from deep inside it; SyntaxError covers XML's ParseError.
    found = Music21Exception, SyntaxError, ValueError, LookupError, AttributeError, TypeError
    broken = (*found, ArithmeticError, AssertionError, RuntimeError)
    _hush()
    try:
        converter.parseData(first_tune(text) if kind == "abc" else text)
        piece = _piece(converter.stream, name)
    except broken as error:
        raise MusicFileError(f"{name} can't be read as {what}; a complete, valid score is needed.") from error
    if not len(piece):
        raise MusicFileError(f"{name} has no notes; at least one pitched note is needed.")
    return piece


def _hush() -> None:
    """Keep music21's warnings about odd but readable files off the terminal; they bypass the usual logging."""
    from music21 import abcFormat
    from music21.humdrum import spineParser

    warnings.filterwarnings("ignore", module=r"music21\.")
    for module in (abcFormat, spineParser):
        module.environLocal.warn = lambda *_: None


def _piece(stream: Any, name: str) -> Piece:
    """A Piece from a music21 Score or Part, or from the first Score of an Opus."""
    score = next(iter(stream.scores)) if "Opus" in stream.classes else stream
    parts = list(score.parts) if "Score" in score.classes else [score]
    flat = [part.flatten() for part in parts]
    shift, metres = metres_of_bars(max((_bars(part) for part in parts), key=len, default=[]))
    names = score.metadata
    marks = [mark for part in flat for mark in part.getElementsByClass("MetronomeMark")]
    speeds = [(mark.offset, mark.getQuarterBPM()) for mark in marks]
    tempi = [Tempo(max(0, _ticks(offset) + shift), round(float(qpm), 3)) for offset, qpm in speeds if qpm]
    transposed = [_transpositions(part, part_flat) for part, part_flat in zip(parts, flat, strict=True)]
    rows = [row for part, moves in zip(flat, transposed, strict=True) for row in _rows(part, moves)]
    onsets, pitches, durations = ([row[column] for row in rows] for column in range(3))
    if rows and max(onsets) + max(durations) > MAX_TICKS:
        raise MusicFileError(f"{name} is longer than 100000 quarters; it is damaged or far too long.")
    return Piece(
        notes=make_notes([onset + shift for onset in onsets], pitches, durations, [VELOCITY] * len(rows)),
        metres=metres,
        tempi=clean_tempi(tempi or [Tempo(0, DEFAULT_QPM)]),
        key=next(filter(None, map(_key, flat, transposed)), None),
        title=tidy_title([names.title, names.movementName] if names else [], name),
        composer=tidy_composer(names.composer if names else None),
        source=name,
    )


def _ticks(quarters: float) -> int:
    return round(quarters * TICKS_PER_QUARTER)


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
    """(offset in quarters, semitones): how far from its written pitch the part sounds from each offset on."""
    if part.atSoundingPitch is not False:
        return [(0.0, 0)]
    instruments = [i for i in flat.getElementsByClass("Instrument") if i.transposition is not None]
    return [(0.0, 0)] + [(float(i.offset), round(i.transposition.semitones)) for i in instruments]


def _rows(flat: Any, transpositions: list[tuple[float, int]]) -> list[tuple[int, int, int]]:
    """(onset, pitch, duration) in ticks of every pitched note of a part, tied notes joined, grace notes left out."""
    rows: list[tuple[int, int, int]] = []
    tied: dict[int, int] = {}  # pitch -> the row that its next tied note extends
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
