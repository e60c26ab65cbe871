"""Score files as text, before any music is read: unpacking, decoding, plausibility checks, titles and composers."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import file_bytes

SCORE_ENDINGS = (".musicxml", ".xml", ".mxl", ".krn", ".abc")
MAX_UNPACKED_BYTES = 50_000_000  # of a compressed score; far above any real one


def score_text(path: Path) -> str:
    """The text of a score file; a compressed one (.mxl) is unpacked.

    Raises MusicFileError if the file is missing, larger than 10 MB, or a damaged archive.
    """
    data = file_bytes(path, path.name, "score")
    if path.suffix.lower() == ".mxl" or data[:4] == b"PK\x03\x04":
        data = _unpacked(data, path.name)
    return _text(data)


def first_tune(text: str) -> str:
    """The first tune with notes in an ABC book, preceded by the book's header; music21 would read the whole book."""
    header, *tunes = re.split(r"(?m)^(?=X:)", text)
    with_notes = [tune for tune in tunes if re.search(r"(?m)^K:.*\n(?:\w:.*\n|%.*\n)*[^%\n]*[A-Ga-g]", tune)]
    return header + (with_notes or tunes or [""])[0]


def require_plausible(text: str, kind: str, name: str) -> None:
    """Raise MusicFileError if ``text`` of a ``kind`` "abc", "krn" or "xml" has an absurd metre or, in ABC, note value.

    These are always mistakes, and music21 takes hours and gigabytes to find beats in them.
    """
    metre = {"abc": r"M:\s*(\d{3,})", "krn": r"\*M(\d{3,})", "xml": r"<beats>[^<]*?(\d{3,})"}[kind]
    found, what = re.search(metre, text), "metre of {} beats"
    if kind == "abc" and not found:
        music = "\n".join(line for line in text.splitlines() if not re.match(r"\s*(%|[^L\W]:)", line))
        without_words = re.sub(r'"[^"]*"|\[[^L\W]:[^\]]*\]', "", music)
        found, what = re.search(r"(\d{3,})|L:\s*(?=\d\d)(\d+)", without_words), "note value of {} units"
    if found:
        raise MusicFileError(f"{name} has a {what.format(found[found.lastindex or 0][:12])}; this must be a mistake in the file.")


def tidy_title(titles: Sequence[str | None], name: str) -> str:
    """The first of ``titles`` that is not just a file name, on one line, or else the stem of the file ``name``."""
    tidy = [" ".join(title.split()) for title in titles if title]
    return next((title for title in tidy if title and not title.lower().endswith(SCORE_ENDINGS)), Path(name).stem)[:200]


def tidy_composer(composer: str | None) -> str:
    """A composer's name on one line, without years; "Chopin, Frederic" becomes "Frederic Chopin"."""
    found = re.sub(r"\s*[(\[][^)\]]*\d{4}[^)\]]*[)\]]", "", " ".join((composer or "").split()))
    family, comma, given = found.partition(", ")
    return (f"{given} {family}" if comma and "," not in given else found)[:200]


def composer_of_folder(folder: str) -> str:
    """The composer's name from a folder of music21's corpus: "schumann_clara" is Clara Schumann."""
    if folder in ("leadSheet", "ryansMammoth", "trecento"):
        return ""
    if folder == "cpebach":
        return "C. P. E. Bach"
    family, *given = (word.capitalize() for word in folder.split("_"))
    return " ".join([*(f"{word}." if len(word) == 1 else word for word in given), family])


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
    # What zipfile raises for damaged, encrypted (RuntimeError) and unusually packed files (NotImplementedError).
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, zlib.error) as error:
        raise MusicFileError(f"{name} is a damaged or incomplete compressed score; a complete one is needed.") from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise MusicFileError(f"{name} unpacks to more than 50 MB, too much for a score.")
    return unpacked


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
