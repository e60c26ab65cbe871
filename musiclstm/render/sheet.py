"""Sheet music: MusicXML engraved as one self-contained SVG. This is the only module that uses verovio.

The page is as wide as its container and as long as the music, and takes the colour of the surrounding text. The continuation has
its own colour and a label above the bar in which it begins, so that it can be seen without colour too. verovio runs twice: it
converts the MusicXML to its own format (MEI), where the continuation is marked, and engraves that, with room for the label.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as Xml

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.music import TICKS_PER_QUARTER

WIDTHS = (320, 4000)

# Between the roll's vermilion and brown, 4.3:1 with white and with near-black: thin strokes need more contrast than bars do.
_INK = "var(--continuation-ink, #c65900)"
_MEI, _SVG = "http://www.music-encoding.org/ns/mei", "http://www.w3.org/2000/svg"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_COLOURED = {"note", "chord", "rest", "mRest", "beam", "tuplet"}
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


def engrave(musicxml: str, *, split: int | None = None, width: int = 1000) -> Sheet:
    """Engrave a score for a container ``width`` pixels wide, 320 to 4000, with staves about 30 pixels high.

    ``split`` is the tick at which the continuation begins. From there on, notes, chords, beams and ties have the class
    ``continuation``, except those tied over from the seed. Its colour can be set as ``--continuation-ink``.
    The same arguments give the same sheet. Raises MusicFileError if the score can't be engraved or is too long for one sheet
    (some 250 systems), OptionError for a width out of range.
    """
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise OptionError(f"Sheet music must be {WIDTHS[0]} to {WIDTHS[1]} pixels wide, not {width}.")
    musicxml = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", musicxml)  # XML can't hold these, but a title may
    toolkit = _toolkit(width)
    score = _read(toolkit, musicxml)
    spans, bars = _times(toolkit.renderToTimemap({"includeRests": True, "includeMeasures": True}))
    title = _titled(score, width)
    begins = _hand_over(score, spans, bars, split) if split is not None else None
    toolkit.setOptions({"inputFrom": "mei", "svgCss": f".continuation{{color:{_INK};fill:{_INK}}}" if begins else ""})
    score.set("xmlns", _MEI)
    if not toolkit.loadData(Xml.tostring(score, encoding="unicode")):
        raise MusicFileError("The score can't be engraved as sheet music.")
    if toolkit.getPageCount() != 1:
        raise MusicFileError(f"The score has more systems than fit on one sheet of music {width} pixels wide.")
    picture = _parsed(toolkit.renderToSVG(1), _SVG)
    names = _renamed(picture, "sheet-" + hashlib.sha256(f"{width} {split} {musicxml}".encode()).hexdigest()[:12])
    _dress(picture, f"Sheet music of {title}" + (f"; the continuation begins in bar {begins}" if begins else ""))
    notes = sorted(((names[name], *span) for name, span in spans.items() if name in names), key=lambda note: note[1])
    return Sheet(Xml.tostring(picture, encoding="unicode"), tuple(notes))


def _toolkit(width: int) -> Any:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)  # its messages on the terminal mean nothing to users
    verovio.setDefaultResourcePath(str(files("verovio") / "data"))  # must be set in every thread
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "inputFrom": "xml",
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
            "footer": "none",
            "expandNever": True,
            "svgViewBox": True,
            "svgFormatRaw": True,
            "svgRemoveXlink": True,
        }
    )
    return toolkit


def _read(toolkit: Any, musicxml: str) -> Xml.Element:
    """The score as verovio understands it; what it does not understand it silently leaves out."""
    _parsed(musicxml)
    score = _parsed(toolkit.getMEI(), _MEI) if toolkit.loadData(musicxml) else None
    if score is None or score.find(".//measure") is None:
        raise MusicFileError("The score can't be engraved as sheet music; complete MusicXML with at least one bar is needed.")
    return score


def _parsed(text: str, namespace: str = "") -> Xml.Element:
    """The root element, without its namespace, which ElementTree would write before every name."""
    try:
        return Xml.fromstring(text.replace(f' xmlns="{namespace}"', "", 1))  # noqa: S314  written by this program and verovio
    except Xml.ParseError as error:
        raise MusicFileError("The score can't be engraved as sheet music; its MusicXML is damaged.") from error


def _times(updates: list[dict[str, Any]]) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """Onset and end of each note and rest, and the onset of each bar, in ticks by id; verovio counts in quarters."""
    onsets: dict[str, int] = {}
    ends: dict[str, int] = {}
    bars: dict[str, int] = {}
    for update in updates:
        tick = round(update["qstamp"] * TICKS_PER_QUARTER)
        onsets |= dict.fromkeys([*update.get("on", ()), *update.get("restsOn", ())], tick)
        ends |= dict.fromkeys([*update.get("off", ()), *update.get("restsOff", ())], tick)
        if "measureOn" in update:
            bars[update["measureOn"]] = tick
    return {name: (onset, ends[name]) for name, onset in onsets.items() if name in ends}, bars


# The score, before engraving


def _titled(score: Xml.Element, width: int) -> str:
    """Remove the instrument's name before each system, shorten the title to the page width, and return the full title."""
    for staves in score.iter("staffGrp"):
        for label in [child for child in staves if child.tag in ("label", "labelAbbr")]:
            staves.remove(label)
    title = score.find(".//titleStmt/title")
    if title is None or not title.text:
        return "an untitled piece"
    words, room = title.text, int(width / _LETTER)
    title.text = words if len(words) <= room else words[: room - 1].rstrip() + "…"
    return words


def _hand_over(score: Xml.Element, spans: dict[str, tuple[int, int]], bars: dict[str, int], split: int) -> str | None:
    """Mark what begins at tick ``split`` or later; return the number of the bar it begins in, None if nothing does."""
    tied = {tie.get("endid", "")[1:]: tie.get("startid", "")[1:] for tie in score.iter("tie")}

    def onset(name: str) -> int:
        while tied.get(name) in spans:
            name = tied[name]
        return spans[name][0]

    later = {name for name in spans if onset(name) >= split}
    if not later:
        return None
    for element in score.iter():
        inside = [name for part in element.iter() if (name := part.get(_ID, "")) in spans]
        whole = element.tag in _COLOURED and inside and later.issuperset(inside)
        if whole or (element.tag == "tie" and element.get("startid", "")[1:] in later):
            element.set("type", "continuation")
    measures = [measure for measure in score.iter("measure") if bars.get(measure.get(_ID, ""), split + 1) <= split]
    bar = measures[-1] if measures else next(score.iter("measure"))
    word = Xml.SubElement(bar, "dir", {"staff": "1", "place": "above", "tstamp": "0", "type": "continuation"})
    Xml.SubElement(word, "rend", {"fontstyle": "normal", "fontweight": "bold"}).text = "continuation"
    return bar.get("n")


# The picture, after engraving


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
        "xmlns": _SVG,
        "class": "sheet-music",
        "role": "img",
        "aria-label": words,
        "fill": "currentColor",
        "style": "color-scheme:light dark",
    }
