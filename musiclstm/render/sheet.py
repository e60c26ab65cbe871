"""Scores for the page: MusicXML engraved as one self-contained SVG.

The page is as wide as its container and as long as the music, and takes the colour of the surrounding text. The continuation has
its own colour, a double bar and a label above the bar in which it begins, so that it can be seen without colour too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.render.engraver import SVG, engraved

WIDTHS = (320, 4000)

# Between the roll's vermilion and brown, 4.3:1 with white and with near-black: thin strokes need more contrast than bars do.
_INK = "var(--continuation-ink, #c65900)"
# verovio's smallest notes at twice the scale and half the spacing: the usual size, but twice as many systems on its longest page.
_UNIT, _SCALE, _SPACING, _LONGEST = 4.5, 90, 0.16, 60_000
_LETTER = 15.0  # a generous guess at the width of a title's letter in pixels


@dataclass(frozen=True)
class Sheet:
    """``svg``: the whole piece in one self-contained picture that scales to the width of its container.

    ``notes``: (id in the picture, onset, end) of every engraved note, in ticks and in order of onset; the parts of a tied note
    are listed separately. Ids begin with a hash of the input, so that different sheets can share a page.
    """

    svg: str
    notes: tuple[tuple[str, int, int], ...]


def described(title: str, begins: str | None) -> str:
    """What the picture shows, for screen readers; ``begins``: the number of the bar in which the continuation does."""
    return f"Score of {title}" + ("" if begins is None else f"; the continuation begins in bar {begins}")


def engrave(
    musicxml: str,
    *,
    split: int | None = None,
    width: int = 1000,
    words: Callable[[str, str | None], str] = described,
) -> Sheet:
    """Engrave a score for a container ``width`` pixels wide, 320 (a phone) to 4000, with staves about 30 pixels high.

    ``split`` is the tick at which the continuation begins. From there on, notes, chords, beams and ties have the class
    ``continuation``, except those tied over from the seed. Its colour can be set as ``--continuation-ink``.
    ``words`` describe the picture: see ``described``.
    The same arguments give the same sheet. Raises MusicFileError if the score can't be engraved or is too long for one sheet
    (some 250 systems), OptionError for a width out of range.
    """
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise OptionError(f"A score must be {WIDTHS[0]} to {WIDTHS[1]} pixels wide, not {width}.")
    options = {
        "unit": _UNIT,
        "scale": _SCALE,
        "spacingLinear": _SPACING,
        "pageWidth": round(width * 100 / _SCALE),
        "pageHeight": _LONGEST,
        "adjustPageHeight": True,
        "pageMarginLeft": 24,  # room for the brace
        "pageMarginRight": 10,
        "pageMarginTop": 10,
        "pageMarginBottom": 10,
        "spacingSystem": 8,
        "defaultTopMargin": 2.0,
    }
    css = f".continuation{{color:{_INK};fill:{_INK}}}"
    score = engraved(musicxml, split, options, letters=int(width / _LETTER), css=css)
    if score.pages != 1:
        raise MusicFileError(f"The score has more systems than fit on one page {width} pixels wide.")
    picture = score.page(1)
    names = _renamed(picture, "sheet-" + hashlib.sha256(f"{width} {split} {musicxml}".encode()).hexdigest()[:12])
    _dress(picture, words(score.title, score.begins))
    notes = sorted(((names[name], *span) for name, span in score.spans.items() if name in names), key=lambda note: note[1])
    return Sheet(Xml.tostring(picture, encoding="unicode"), tuple(notes))


def _renamed(picture: Xml.Element, prefix: str) -> dict[str, str]:
    """Make the ids that are referred to unique to this sheet and remove the rest; return the notes' new ids by the old."""
    old = picture.get("id", "")
    names: dict[str, str] = {}
    for element in picture.iter():
        name = element.attrib.pop("id", "")
        if "note" in element.get("class", "").split():
            names[name] = f"{prefix}-{len(names)}"
            element.set("id", names[name])
        elif old in name:  # the picture itself and its glyphs, whose ids contain its own
            element.set("id", name.replace(old, prefix))
        if old in element.get("href", ""):
            element.set("href", element.attrib["href"].replace(old, prefix))
        if element.tag == "style" and element.text:
            element.text = element.text.replace(f"#{old} ", f"#{prefix} ")
    return names


def _dress(picture: Xml.Element, words: str) -> None:
    """Use the surrounding text colour (black or white on its own), drop verovio's markers, set ``words`` as description."""
    for parent in list(picture.iter()):
        for child in [child for child in parent if re.search("Milestone|labelAttr", child.get("class", ""))]:
            parent.remove(child)
        if parent.get("color"):
            parent.set("color", "currentColor")
    picture.attrib |= {
        "xmlns": SVG,
        "class": "sheet-music",
        "role": "img",
        "aria-label": words,
        "fill": "currentColor",
        "style": "color-scheme:light dark",
    }
