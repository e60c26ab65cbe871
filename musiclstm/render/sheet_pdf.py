"""Scores as a PDF to print: verovio's pages, bound by Typst, which brings its own fonts. Only this module uses Typst."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree as Xml

from musiclstm import limits
from musiclstm.errors import MusicFileError, OptionError
from musiclstm.render.engraver import SVG, engraved

#: Sizes of paper in millimetres.
PAPERS: Mapping[str, tuple[float, float]] = MappingProxyType({"A4": (210.0, 297.0), "Letter": (215.9, 279.4)})

_SPACE_MM = 0.85  # half the distance of two staff lines: a staff is 6.8 mm high, as in most piano music
_MARGIN_MM, _FOOT_MM = 15, 18
_LETTERS = 60  # of a title, to the line
_FONT = "Libertinus Serif"


def sheet_pdf(musicxml: str, *, split: int | None = None, paper: str = "A4") -> bytes:
    """A score as a PDF, black on white, on ``paper``: "A4" or "Letter".

    The first page has title and composer, all but the first a number. ``split`` is the tick at which the continuation begins: a
    double bar and a label mark it. The same arguments give the same bytes. Raises MusicFileError if the score can't be engraved
    or has more than 60 pages, OptionError for another paper.
    """
    if paper not in PAPERS:
        raise OptionError(f"The paper must be {' or '.join(PAPERS)}, not {paper!r}.")
    width, height = PAPERS[paper]
    options = {
        "unit": _SPACE_MM * 10,  # verovio counts in tenths of millimetres
        "scale": 100,
        "pageWidth": round(width * 10),
        "pageHeight": round(height * 10),
        "pageMarginLeft": _MARGIN_MM * 10,
        "pageMarginRight": _MARGIN_MM * 10,
        "pageMarginTop": _MARGIN_MM * 10,
        "pageMarginBottom": _FOOT_MM * 10,
        "spacingLinear": 0.2,
        "spacingSystem": 6,
        "spacingBraceGroup": 10,
        "justifyVertically": True,
        "justificationBraceGroup": 0.3,
        "justificationBracketGroup": 0.3,
        "justificationStaff": 0.3,
    }
    score = engraved(musicxml, split, options, _LETTERS)
    if score.pages > limits.PRINTED_PAGES:
        raise MusicFileError(
            "The score has {pages} pages; a PDF has at most {printed_pages}.",
            pages=score.pages,
            printed_pages=limits.PRINTED_PAGES,
        )
    pages = {}
    for number in range(1, score.pages + 1):
        picture = score.page(number)
        picture.set("xmlns", SVG)
        for element in picture.iter("svg"):
            element.attrib |= {"font-family": _FONT} if "font-family" in element.attrib else {}
        pages[f"{number}.svg"] = Xml.tostring(picture, encoding="utf-8")
    return _bound(pages, width, height, score.title)


def _bound(pages: Mapping[str, bytes], width: float, height: float, title: str) -> bytes:
    import typst

    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f'#set document(title: "{quoted}", date: none)',
        f'#set text(font: "{_FONT}", size: 10pt)',
        f"#set page(width: {width}mm, height: {height}mm, margin: 0mm)",
    ]
    for number, name in enumerate(pages, start=1):
        shown = "" if number == 1 else f"#place(bottom + center, dy: -9mm)[{number}]"
        lines.append(f'{"#pagebreak()" if number > 1 else ""}{shown}#place(top + left, image("{name}", width: 100%))')
    files: Any = {"main.typ": "\n".join(lines).encode()} | dict(pages)
    return bytes(typst.compile(files))
