"""Scores of any kind to pieces, from a file, from a text, or from music21's own corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

from musiclstm.errors import MusicFileError
from musiclstm.formats.read_abc import read_abc
from musiclstm.formats.read_kern import read_kern
from musiclstm.formats.read_musicxml import read_musicxml
from musiclstm.formats.score_text import SCORE_ENDINGS, composer_of_folder, score_text
from musiclstm.formats.written import piece_of
from musiclstm.music import Piece

# Folders of music21's corpus that hold exercises, or many tunes in one file.
_NOT_WORKS = ("demos", "theoryExercises", "airdsAirs", "essenFolksong", "miscFolk", "nottingham-dataset", "oneills1850")


def read_score(path: Path | str) -> Piece:
    """Read a MusicXML (.musicxml, .xml, .mxl), Humdrum (.krn) or ABC (.abc) file, with all parts merged at sounding pitch.

    Tied notes become one note; grace notes, cue notes, percussion and chord symbols are left out; repeats are not written out.
    A pickup ends a complete first bar, so that tick 0 is a bar line. Bars without a time signature keep their written length.
    If a file has several tunes, the first with notes is read.
    Raises MusicFileError for other files and for damaged or empty ones.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending in (".mid", ".midi"):
        raise MusicFileError(f"{path.name} is a MIDI file, to be read with read_midi; scores end in {', '.join(SCORE_ENDINGS)}.")
    if ending not in SCORE_ENDINGS:
        raise MusicFileError(f"{path.name} is not a score this program can read; those end in {', '.join(SCORE_ENDINGS)}.")
    text = score_text(path)
    if not text.strip():
        raise MusicFileError("{name} is empty; a score is needed.", name=path.name)
    read = {".krn": read_kern, ".abc": read_abc}.get(ending, read_musicxml)
    return piece_of(read(text, path.name), path.name)


def parse_abc(text: str, name: str) -> Piece:
    """Read the first tune of a text in ABC notation; ``name`` serves as the file name in ``source`` and in messages.

    Raises MusicFileError if no note can be read from it.
    """
    return piece_of(read_abc(text, name), name)


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
