"""Score files as text, before any music is read: unpacking, decoding, titles and composers."""

from __future__ import annotations

import codecs
import html
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import UNPACKING_ERRORS, file_bytes

SCORE_ENDINGS = (".musicxml", ".xml", ".mxl", ".krn", ".abc")
MAX_UNPACKED_BYTES = 50_000_000  # of a compressed score; far above any real one
# What the first bytes tell: a byte order mark, or a sign of XML in two bytes.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
_ENCODINGS = re.compile("utf|ascii|iso|latin|cp|mac|koi8|shift|euc|gb|big5|hz|tis")  # of text; Python knows odder ones


def score_text(path: Path) -> str:
    """The text of a score file; a compressed one (.mxl) is unpacked.

    Raises MusicFileError if the file is missing, larger than 10 MB, or a damaged archive.
    """
    data = file_bytes(path, path.name, "score")
    text = "" if data[:2] == b"PK" else _text(data)
    if text.lstrip()[:1] == "<" or (text and path.suffix.lower() != ".mxl") or not data:  # whatever its name says
        return text
    return _text(_unpacked(data, path.name))


def tidy_title(titles: Sequence[str | None], name: str) -> str:
    """The first of ``titles`` that is not just a file name, on one line, or else the stem of the file ``name``."""
    tidy = [" ".join(title.split()) for title in titles if title]
    return next((title for title in tidy if title and not title.lower().endswith(SCORE_ENDINGS)), Path(name).stem)[:200]


def tidy_composer(composer: str | None) -> str:
    """A composer's name on one line, without years; "Chopin, Frederic" becomes "Frederic Chopin"."""
    without_years = re.sub(r" ?[(\[]([^()\[\]]*)[)\]]", _unless_a_year, " ".join((composer or "").split()))
    found = without_years.strip()
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
            held = dict.fromkeys(archive.namelist())
            named = [name for name in _named_first(archive) if name in held]
            names = [*filter(_is_score, named)] or [*filter(_is_score, held)] or named
            if not names:
                raise MusicFileError("{name} is a compressed file without a score in it; a MusicXML file is needed.", name=name)
            with archive.open(names[0]) as file:
                unpacked = file.read(MAX_UNPACKED_BYTES + 1)
    except UNPACKING_ERRORS as error:
        raise MusicFileError(
            "{name} is a damaged or incomplete compressed score; a complete one is needed.", name=name
        ) from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise MusicFileError("{name} unpacks to more than 50 MB, too much for a score.", name=name)
    return unpacked


def _named_first(archive: zipfile.ZipFile) -> list[str]:
    """The files that the container names, in its order."""
    if "META-INF/container.xml" not in archive.namelist():
        return []
    first, *others = archive.open("META-INF/container.xml").read(100_000).decode("utf-8", "replace").split("<!--")
    text = first + "".join(other.partition("-->")[2] for other in others)
    return [html.unescape(path).lstrip("/") for path in re.findall(r"full-path\s{0,9}=\s{0,9}[\"']([^\"']+)", text)]


def _is_score(name: str) -> bool:
    """Whether a name in an archive can be that of a score; Macs add a hidden twin to every file, ._score.xml."""
    *folders, file = name.split("/")
    hidden = file.startswith(".") or {"META-INF", "__MACOSX"} & set(folders)
    return not hidden and file.lower().endswith((".xml", ".musicxml"))


def _text(data: bytes) -> str:
    """The text of a file, in the encoding that its first bytes or its XML or ABC declaration tell, or else UTF-8 or Windows-1252.

    Latin-1 is read as Windows-1252, which has quotation marks and dashes where Latin-1 has nothing that is printed.
    """
    marked = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), "")
    declared = re.match(rb"<\?xml[^>]{0,100}?\bencoding\s{0,9}=\s{0,9}[\"']([\w.-]{1,40})", data) or re.search(
        rb"(?m)^(?:I:|%%)abc-charset[ \t]{1,9}([\w.-]{1,40})", data[:5_000]
    )
    named = declared[1].decode("ascii").lower() if declared else "utf-8"
    named = "utf-8" if named.startswith(("utf-16", "utf-32")) else named  # then the declaration would not be readable like this
    for encoding in (marked or named, "utf-8", "cp1252"):
        try:
            known = codecs.lookup(encoding).name
            if _ENCODINGS.match(known):
                return data.decode("cp1252" if known == "iso8859-1" else encoding)
        except (LookupError, UnicodeError):  # unknown, or not what is said
            continue
    return data.decode("latin-1")  # any byte is valid in it


def _unless_a_year(bracketed: re.Match[str]) -> str:
    return "" if re.search(r"\d{4}", bracketed[1]) else bracketed[0]
