"""A score in verovio, ready to be drawn. This is the only module that uses verovio.

verovio runs twice: it converts the MusicXML to its own format (MEI), in which the hand-over to the continuation is marked and the
heading set, and engraves that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as Xml

from musiclstm.errors import MusicFileError
from musiclstm.formats import HAND_OVER
from musiclstm.music import TICKS_PER_QUARTER

SVG = "http://www.w3.org/2000/svg"
_MEI = "http://www.music-encoding.org/ns/mei"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_COLOURED = {"note", "chord", "rest", "mRest", "beam", "tuplet"}
_ROOM = 3 * "\u00a0"  # after words above the staff: in many fonts they are wider than in verovio's Times
_FONT = "Leipzig"  # verovio's own music font
_FONT_UNITS = 1000  # to the em


@dataclass(frozen=True)
class Engraved:
    """A score that ``toolkit``, verovio's, has laid out on ``pages``.

    ``spans``: onset and end of each note and rest in ticks, by id. ``begins``: the number of the bar in which the continuation
    begins, None if there is none.
    """

    toolkit: Any
    pages: int
    title: str
    begins: str | None
    spans: Mapping[str, tuple[int, int]]

    def page(self, number: int) -> Xml.Element:
        """A page as SVG, counted from 1; its symbols are outlines, so that it needs no music font."""
        picture = parsed(self.toolkit.renderToSVG(number), SVG)
        _outline_symbols(picture)
        return picture


def engraved(musicxml: str, split: int | None, options: Mapping[str, Any], letters: int, css: str = "") -> Engraved:
    """Lay out a score, as verovio's ``options`` say, with a heading of at most ``letters`` letters to the line.

    ``split`` is the tick at which the continuation begins; what belongs to it has the class ``continuation`` and the look that
    ``css`` gives it. Raises MusicFileError if the score can't be engraved.
    """
    musicxml = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", musicxml)  # XML can't hold these, but a title may
    toolkit = _toolkit(options)
    score = _read(toolkit, musicxml)
    updates = toolkit.renderToTimemap({"includeRests": True, "includeMeasures": True})
    spans, bars = _times(updates, _missing(score, updates))
    begins = _hand_over(score, spans, bars, split) if split is not None else None
    title = _headed(score, letters, begins)
    toolkit.setOptions({"inputFrom": "mei", "svgCss": css if begins is not None else ""})
    score.set("xmlns", _MEI)
    if not toolkit.loadData(Xml.tostring(score, encoding="unicode")):
        raise MusicFileError("The score can't be engraved.")
    return Engraved(toolkit, toolkit.getPageCount(), title, begins, spans)


def parsed(text: str, namespace: str = "") -> Xml.Element:
    """The root element, without its namespace, which ElementTree would write before every name."""
    try:
        return Xml.fromstring(text.replace(f' xmlns="{namespace}"', "", 1))  # noqa: S314  written by this program and verovio
    except Xml.ParseError as error:
        raise MusicFileError("The score can't be engraved; its MusicXML is damaged.") from error


def _toolkit(options: Mapping[str, Any]) -> Any:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)  # its messages on the terminal mean nothing to users
    verovio.setDefaultResourcePath(str(files("verovio") / "data"))  # must be set in every thread
    toolkit = verovio.toolkit()
    usual = {
        "inputFrom": "xml",
        "footer": "none",
        "expandNever": True,
        "svgViewBox": True,
        "svgFormatRaw": True,
        "svgRemoveXlink": True,
        "smuflTextFont": "none",
        "defaultTopMargin": 1.0,
    }
    toolkit.setOptions(usual | dict(options))
    return toolkit


def _read(toolkit: Any, musicxml: str) -> Xml.Element:
    """The score as verovio understands it; what it does not understand it silently leaves out."""
    parsed(musicxml)
    score = parsed(toolkit.getMEI(), _MEI) if toolkit.loadData(musicxml) else None
    if score is None or score.find(".//measure") is None:
        raise MusicFileError("The score can't be engraved; complete MusicXML with at least one bar is needed.")
    return score


def _missing(score: Xml.Element, updates: list[dict[str, Any]]) -> float:
    """How many quarters a pickup lacks: time counts from where its bar would begin, as for those who read the score."""
    first, metre = score.find(".//measure"), score.find(".//meterSig")
    starts = [update["qstamp"] for update in updates if "measureOn" in update]
    if first is None or first.get("metcon") != "false" or metre is None or len(starts) < 2:
        return 0.0
    return max(0.0, 4 * float(metre.get("count", "4")) / float(metre.get("unit", "4")) - (starts[1] - starts[0]))


def _times(updates: list[dict[str, Any]], missing: float) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """Onset and end of each note and rest, and the onset of each bar, in ticks by id; verovio counts in quarters."""
    onsets: dict[str, int] = {}
    ends: dict[str, int] = {}
    bars: dict[str, int] = {}
    for update in updates:
        tick = round((update["qstamp"] + missing) * TICKS_PER_QUARTER)
        onsets |= dict.fromkeys([*update.get("on", ()), *update.get("restsOn", ())], tick)
        ends |= dict.fromkeys([*update.get("off", ()), *update.get("restsOff", ())], tick)
        if "measureOn" in update:
            bars[update["measureOn"]] = tick
    return {name: (onset, ends[name]) for name, onset in onsets.items() if name in ends}, bars


def _headed(score: Xml.Element, letters: int, begins: str | None) -> str:
    """Set title, composer and who continued above the music, each shortened to a line, and return the full title.

    A piano needs no name before its staves.
    """
    for staves in score.iter("staffGrp"):
        for label in [child for child in staves if child.tag in ("label", "labelAbbr")]:
            if (label.text or "").strip().startswith(("Piano", "Pno")):
                staves.remove(label)
    title, composer = (
        "".join(found.itertext()).strip() if (found := score.find(path)) is not None else ""
        for path in (".//titleStmt/title", ".//titleStmt//persName[@role='composer']")
    )
    heading = Xml.Element("pgHead", {"func": "first"})
    place = Xml.SubElement(heading, "rend", {"halign": "center", "valign": "top"})
    Xml.SubElement(place, "rend", {"fontsize": "x-large"}).text = _shortened(title, letters)
    place = Xml.SubElement(heading, "rend", {"halign": "right", "valign": "bottom"})
    Xml.SubElement(place, "rend").text = _shortened(composer, letters)
    if begins is not None:
        Xml.SubElement(place, "lb")
        Xml.SubElement(place, "rend", {"fontsize": "small", "fontstyle": "italic"}).text = f"{HAND_OVER} from bar {begins}"
    for tempo in score.iter("tempo"):
        Xml.SubElement(tempo, "rend").text = _ROOM
    definition = score.find(".//scoreDef")
    if definition is not None:
        for old in definition.findall("pgHead"):
            definition.remove(old)
        definition.insert(0, heading)
    return title or "an untitled piece"


def _shortened(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1].rstrip() + "…"


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
    measures = list(score.iter("measure"))
    before = [index for index, measure in enumerate(measures) if bars.get(measure.get(_ID, ""), split + 1) <= split]
    index = before[-1] if before else 0
    if index and bars[measures[index].get(_ID, "")] == split:
        measures[index - 1].set("right", "dbl")
    bar = measures[index]
    for words in [child for child in bar if child.tag == "dir" and "".join(child.itertext()).strip() == HAND_OVER]:
        bar.remove(words)
    word = Xml.SubElement(bar, "dir", {"staff": "1", "place": "above", "tstamp": "0", "type": "continuation"})
    Xml.SubElement(word, "rend", {"fontstyle": "italic"}).text = HAND_OVER + _ROOM
    return bar.get("n")


# Symbols in text, such as the note of a tempo mark, as outlines


def _outline_symbols(picture: Xml.Element) -> None:
    """Draw the symbols with which texts begin as outlines, and move the rest of the text behind them."""
    for parent in list(picture.iter()):
        for place, text in reversed(list(enumerate(parent))):
            if text.tag != "text" or text.get("x") is None:
                continue
            x, y, drawn = float(text.get("x", 0)), text.get("y", "0"), []
            for symbol in [span for span in text.iter("tspan") if span.get("font-family") == _FONT]:
                scale = float(symbol.get("font-size", "0px").removesuffix("px")) / _FONT_UNITS
                for letter in (symbol.text or "").strip():
                    outline, advance = _glyph(f"{ord(letter):04X}")
                    drawn.append(
                        Xml.Element("path", {"transform": f"translate({x:g},{y}) scale({scale:g},{-scale:g})", "d": outline})
                    )
                    x += advance * scale
                symbol.text = ""
            if drawn:
                text.set("x", f"{x:g}")
                parent[place:place] = drawn


@lru_cache(maxsize=64)
def _glyph(code: str) -> tuple[str, float]:
    """The outline of a symbol and its width, in units of the font."""
    data = files("verovio") / "data"
    outline = Xml.fromstring((data / _FONT / f"{code}.xml").read_text()).find(".//path")  # noqa: S314  verovio's own
    boxes = (data / f"{_FONT}.xml").read_text()
    found = re.search(rf'<g c="{code}"[^>]*h-a-x="([\d.]+)"', boxes)
    return ("" if outline is None else outline.get("d", "")), (float(found[1]) if found else 0.0)
