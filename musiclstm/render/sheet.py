"""Scores to sheet music: MusicXML engraved as SVG, the only door to verovio.

The page is as wide as a screen and as long as the music; its ink is the text colour of where it stands. What the continuation
adds is drawn in its colour, and its name stands where it begins, so that the hand-over is seen without colour too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclstm.errors import MusicFileError
from musiclstm.notes import TICKS_PER_QUARTER

WIDTHS = (400, 4000)
#: Darker than the roll's vermilion, for thin strokes need more contrast than bars; where paper is dark its place sets another.
_INK = "var(--continuation-ink, #b84f00)"
_LONGEST = 60_000  # what verovio takes for a page's height


@dataclass(frozen=True)
class Sheet:
    """``svg``: the whole piece in one picture, self-contained, scaling to the width of its place.

    ``notes``: for every note (the parts of a tied note one by one) its id in the picture, its onset and its end in ticks; in the
    order of their onsets.
    """

    svg: str
    notes: tuple[tuple[str, int, int], ...]


def engrave(musicxml: str, *, split: int | None = None, width: int = 1100) -> Sheet:
    """Engrave a score for a place ``width`` pixels wide, 400 to 4000; notes from tick ``split`` on are the continuation.

    Raises MusicFileError if the score can't be engraved.
    """
    import verovio

    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise ValueError(f"a sheet is {WIDTHS[0]} to {WIDTHS[1]} pixels wide, not {width}")
    verovio.enableLog(verovio.LOG_OFF)  # it writes to the terminal, and to people it says nothing
    toolkit: Any = verovio.toolkit(False)
    # Each thread has to be told where verovio's fonts are: it keeps what it loads for one thread alone.
    toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))
    toolkit.setOptions(
        {
            "scale": 45,
            "pageWidth": round(width / 0.45),
            "pageHeight": _LONGEST,
            "adjustPageHeight": True,
            "header": "none",
            "footer": "none",
            "svgViewBox": True,
            "spacingSystem": 8,
        }
    )
    if not toolkit.loadData(musicxml) or toolkit.getPageCount() != 1:
        raise MusicFileError("The score can't be engraved as sheet music; its MusicXML is whole all the same.")
    notes = _sounding(toolkit.renderToTimemap({}), svg := toolkit.renderToSVG(1))
    later = [name for name, onset, _ in notes if split is not None and onset >= split]
    return Sheet(_handed_over(_inked(svg), later) if later else _inked(svg), notes)


def _sounding(timemap: list[dict[str, Any]], svg: str) -> tuple[tuple[str, int, int], ...]:
    """(id, onset, end) of the notes that are in the picture, from verovio's list of what begins and ends when, in quarters."""
    drawn = set(re.findall(r'<g id="([\w-]+)" class="note\b', svg))
    onsets: dict[str, int] = {}
    found = []
    for moment in timemap:
        tick = round(moment["qstamp"] * TICKS_PER_QUARTER)
        found += [(name, onsets.pop(name), tick) for name in moment.get("off", ()) if name in onsets]
        onsets |= {name: tick for name in moment.get("on", ()) if name in drawn}
    return tuple(sorted(found, key=lambda note: note[1]))


def _inked(svg: str) -> str:
    """The picture in the text colour of its place, black and white on its own; verovio's own size gives way to its place's."""
    return re.sub(r"<svg ", '<svg class="sheet-music" fill="currentColor" style="color-scheme:light dark" ', svg, count=1)


def _handed_over(svg: str, later: list[str]) -> str:
    """The picture with the notes ``later`` marked as the continuation, and its name above the bar in which it begins."""
    names = "|".join(map(re.escape, later))
    svg = re.sub(rf'(<g id="(?:{names})" class="note)(?=[ "])', r"\1 continuation", svg)
    style = f"<style>.sheet-music .continuation{{fill:{_INK};color:{_INK}}}</style>"
    first = svg.index(f'<g id="{later[0]}"')
    measure = [found.end() for found in re.finditer(r'<g id="[\w-]+" class="measure">', svg[:first])][-1]
    line = re.search(r'class="staff">.*?d="M(\d+) (\d+) L', svg[measure:], re.DOTALL)
    if line is None:
        return svg
    mark = (
        f'{style}<text class="hand-over continuation" x="{line[1]}" y="{int(line[2]) - 560}" font-size="300px" font-weight="600" '
        'font-family="system-ui, sans-serif">continuation</text>'
    )
    return svg[:measure] + mark + svg[measure:]
