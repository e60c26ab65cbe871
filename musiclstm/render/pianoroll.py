"""Pieces as a piano roll: one self-contained SVG with seed and continuation in different colours.

Time runs to the right and pitch upwards. Lines and text take the colour of the surrounding text, and there is no background, so
that the same roll suits light and dark pages. It has no style sheet that could leak into the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, NOTE, TICKS_PER_QUARTER, Notes, Piece, Voice, bar_lines, join
from musiclstm.notation import pickup_bars

# Blue and vermilion after Okabe and Ito (2008, "Color Universal Design"), distinct in every kind of colour vision; the blue is
# lightened so that both have a contrast of 3:1 or better with white and with near-black.
SEED_COLOUR = "#2389c7"
CONTINUATION_COLOUR = "#d95f02"

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 10.0, 42.0, 8.0  # pixels around the notes: piano keys, two rows of text
_IVORY, _EBONY, _GAP = "#fbf9f4", "#3d3731", "#a8a198"  # colours of the keys, and between them
_OVERHANG = TICKS_PER_QUARTER // 2
_BLACK_KEYS = (1, 3, 6, 8, 10)
_LEAST_SPAN = 24  # fewest semitones shown, so that a single note does not fill the whole height
_NUMBER_SPACE = 26.0  # least distance between bar numbers, in pixels
_MARKER_ROOM = 104.0  # pixels right of the hand-over for its label
_LETTER = 6.6  # a generous guess at the width of a letter in pixels, to keep texts apart


@dataclass(frozen=True)
class RollWords:
    """The words in a piano roll: over the two parts, and at every C, whose ``octave`` stands in braces.

    ``described``: what a screen reader says of bars and notes before the hand-over and after it (None: there is nothing).
    """

    opening: str = "opening"
    continuation: str = "continuation"
    c: str = "C{octave}"
    described: Callable[[int, int, int | None, int], str] | None = None


@dataclass(frozen=True)
class _Layout:
    """Where ticks and pitches lie, in pixels. ``low`` and ``high`` are the lowest and highest pitch shown."""

    low: int
    high: int
    ticks: int
    tick_px: float
    height: float

    @property
    def right(self) -> float:
        return self.x(self.ticks)

    @property
    def bottom(self) -> float:
        return self.height - _BOTTOM

    @property
    def row(self) -> float:
        return (self.bottom - _TOP) / (self.high - self.low + 1)

    @property
    def pitches(self) -> range:
        return range(self.low, self.high + 1)

    @property
    def blacks(self) -> list[int]:
        return [pitch for pitch in self.pitches if pitch % 12 in _BLACK_KEYS]

    @property
    def octaves(self) -> list[int]:
        """Every C."""
        return [pitch for pitch in self.pitches if pitch % 12 == 0]

    def x(self, tick: float) -> float:
        return _LEFT + tick * self.tick_px

    def y(self, pitch: float) -> float:
        """The upper edge of the row of ``pitch``."""
        return _TOP + (self.high - pitch) * self.row


def roll_svg(
    seed: Piece,
    continuation: Piece | None = None,
    *,
    split: int | None = None,
    until: int | None = None,
    pitches: tuple[int, int] | None = None,
    title: str = "",
    height: int = 280,
    quarter_px: float = 22.0,
    voices: Sequence[Voice] = (),
    written: int | None = None,
    original: tuple[str, Piece] | None = None,
    played: NDArray[np.bool_] | None = None,
    words: RollWords = RollWords(),
) -> str:
    """The roll as one ``<svg>`` element, as wide as the music needs and ``height`` (160 to 2000) pixels high.

    ``continuation`` counts its ticks from 0 and is placed at tick ``split``: by default the first bar line after the seed's last
    onset. ``until`` reserves room up to that tick, and ``pitches`` for the expected lowest and highest note, so that the roll
    keeps its size when it is redrawn as notes are written. ``title`` is shown if it fits. ``quarter_px`` (4 to 200) is the width
    of a quarter note.

    For a playhead the element has ``data-left`` and ``data-tick-px`` (x of a tick = left + tick * tick-px), ``data-top``,
    ``data-bottom``, ``data-ticks``, ``data-split``, and ``data-clock``, pairs ``tick:seconds`` to interpolate linearly.
    With ``voices`` a script can play it: they are in ``data-voices`` as ``program:lowest pitch``, the notes in ``data-notes`` of
    both groups as ``note_data`` writes them, the bar lines in ``data-bars``, the number of the first bar, 0 for a pickup, in
    ``data-first``, the highest pitch shown and the height of a row in ``data-high`` and ``data-row``, and ``written``, the tick
    up to which the notes are known, in ``data-written``.
    ``original``, a name and the composer's own continuation, is in a hidden group. ``played`` [notes of the continuation]: which
    of them a person played; they have the colour of the opening. ``words``: those in the picture.
    Raises OptionError for sizes out of range, and for more than limits.DRAWN_NOTES notes.
    """
    if not 160 <= height <= 2000 or not 4 <= quarter_px <= 200:
        raise OptionError(
            f"A piano roll must be 160 to 2000 pixels high with 4 to 200 pixels a quarter, not {height} with {quarter_px:g}."
        )
    if len(seed) + (0 if continuation is None else len(continuation)) > limits.DRAWN_NOTES:
        raise OptionError(f"Only up to {limits.DRAWN_NOTES:,} notes can be drawn; the music has more.")
    split = _hand_over(seed) if split is None else split
    if split < 0:
        raise OptionError(f"The seed must end at tick 0 or later, not at {split}.")
    whole = seed if continuation is None else join(seed, continuation, split)
    lines = bar_lines(whole, max(1, split, _last_tick(whole), until or 0))
    shown = [*whole.notes["pitch"].tolist(), *(original[1].notes["pitch"].tolist() if original else ()), *(pitches or ())]
    layout = _layout(shown, int(lines[-1]), quarter_px / TICKS_PER_QUARTER, float(height))
    waiting = continuation is not None or int(lines[-1]) > split
    described = _description(seed, continuation, lines, split, title, words)
    width = max(layout.right + _RIGHT, layout.x(split) + _MARKER_ROOM if waiting else 0.0)
    pickup = pickup_bars(whole)
    playing = _playing(voices, lines, layout, written, pickup)
    parts = [_opening(whole, layout, split, described, playing, width), _bands(layout), _grid(whole, lines, layout)]
    parts.append(_note_group("seed", seed.notes.tobytes(), 0, SEED_COLOUR, layout, playable=bool(voices)))
    if continuation is not None:
        parts.append(_continuation(continuation.notes, split, layout, playable=bool(voices), played=played))
    if original is not None:
        parts.append(_original(*original, split, layout))
    parts.append(_bar_numbers(lines, layout, pickup))
    parts += [_heading(title, layout, split, waiting, words), _piano(layout, words), "</svg>"]
    return "\n".join(parts)


def write_roll(
    path: Path | str, seed: Piece, continuation: Piece | None = None, *, split: int | None = None, title: str = ""
) -> None:
    """Write ``roll_svg`` to a file."""
    Path(path).write_text(roll_svg(seed, continuation, split=split, title=title) + "\n", encoding="utf-8")


def _hand_over(seed: Piece) -> int:
    """The first bar line after the last onset: a note that begins on a bar line belongs to the bar it begins."""
    return int(bar_lines(seed, max(1, _last_onset(seed) + 1))[-1])


def _last_onset(piece: Piece) -> int:
    return int(piece.notes["onset"].max()) if len(piece) else -1


def _last_tick(piece: Piece) -> int:
    """The tick up to which bars are drawn: a note that rings a little over the last bar line adds no bar."""
    return max(_last_onset(piece) + 1, piece.end - _OVERHANG)


def _layout(pitches: list[int], ticks: int, tick_px: float, height: float) -> _Layout:
    low, high = min(pitches, default=60) - 2, max(pitches, default=60) + 2
    missing = max(0, _LEAST_SPAN - (high - low + 1))
    low, high = low - missing // 2, high + (missing + 1) // 2
    # Slide a span that leaves the piano back onto it.
    shift = max(0, LOWEST_PITCH - low) - max(0, high - HIGHEST_PITCH)
    low, high = max(LOWEST_PITCH, low + shift), min(HIGHEST_PITCH, high + shift)
    return _Layout(low, high, ticks, tick_px, height)


def _playing(voices: Sequence[Voice], lines: NDArray[np.int64], layout: _Layout, written: int | None, pickup: int) -> str:
    """The attributes that tell a script how to play the music; none without voices."""
    if not voices:
        return ""
    players, bars = " ".join(f"{voice.program}:{voice.lowest}" for voice in voices), " ".join(map(str, lines.tolist()))
    pitches, first = f'data-high="{layout.high}" data-row="{layout.row:.6g}"', f'data-first="{1 - pickup}"'
    known = lines[-1] if written is None else written
    return f' data-voices="{players}" data-bars="{bars}" {first} data-written="{known}" {pitches}'


def _opening(whole: Piece, layout: _Layout, split: int, words: str, playing: str, width: float) -> str:
    turns = sorted({0, layout.ticks} | {tempo.onset for tempo in whole.tempi if tempo.onset < layout.ticks})
    clock = " ".join(f"{tick}:{whole.seconds(tick):.3f}" for tick in turns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="piano-roll" role="img" aria-label="{_text(words)}" '
        f'width="{width:.0f}" height="{layout.height:.0f}" viewBox="0 0 {width:.0f} {layout.height:.0f}" '
        # On its own the picture follows the reader's light or dark setting; within a page it takes the page's text colour.
        'style="color-scheme:light dark" fill="currentColor" font-family="system-ui,sans-serif" font-size="11" '
        f'data-left="{_LEFT:g}" data-top="{_TOP:g}" data-bottom="{layout.bottom:g}" data-tick-px="{layout.tick_px:.6g}" '
        f'data-ticks="{layout.ticks}" data-split="{split}" data-clock="{clock}"{playing}>\n<title>{_text(words)}</title>'
    )


def _bands(layout: _Layout) -> str:
    """Faint bands for the black keys, and a line under every C."""
    width = layout.right - _LEFT
    bands = "".join(
        f'<rect x="{_LEFT:g}" y="{layout.y(p):.1f}" width="{width:.1f}" height="{layout.row:.1f}"/>' for p in layout.blacks
    )
    guides = "".join(f"M{_LEFT:g} {layout.y(p - 1):.1f}H{layout.right:.1f}" for p in layout.octaves)
    return f'<g class="keys"><g opacity="0.05">{bands}</g><path d="{guides}" stroke="currentColor" stroke-opacity="0.22"/></g>'


def _piano(layout: _Layout, words: RollWords) -> str:
    """The keys at the left edge, each C with its name. They come last, so that a script can move them over the notes."""
    end, short = _LEFT - 2, _LEFT * 0.55
    # White keys meet behind the middle of a black one, and B and C, E and F, where their rows do.
    gaps = "".join(f"M{short:g} {layout.y(p) + layout.row / 2:.1f}H{end:g}" for p in layout.blacks)
    gaps += "".join(f"M0 {layout.y(p - 1):.1f}H{end:g}" for p in layout.pitches if p % 12 in (0, 5) and p > layout.low)
    blacks = "".join(f'<rect y="{layout.y(p):.1f}" width="{short:g}" height="{layout.row:.1f}"/>' for p in layout.blacks)
    names = "".join(
        f'<text x="{end - 3:g}" y="{layout.y(p) + layout.row / 2 + 3:.1f}">{_text(words.c.format(octave=p // 12 - 1))}</text>'
        for p in layout.octaves
    )
    return (
        f'<g class="piano"><rect y="{_TOP:g}" width="{end:g}" height="{layout.bottom - _TOP:g}" fill="{_IVORY}"/>'
        f'<path d="{gaps}" stroke="{_GAP}" stroke-width="0.8"/><g fill="{_EBONY}">{blacks}</g>'
        f'<g fill="{_EBONY}" font-size="9" text-anchor="end">{names}</g></g>'
    )


def _grid(whole: Piece, lines: NDArray[np.int64], layout: _Layout) -> str:
    upright = f"V{layout.bottom:g}"
    beats = [
        beat
        for start, stop in zip(lines[:-1].tolist(), lines[1:].tolist(), strict=True)
        for beat in range(start + whole.metre_at(start).beat_ticks, stop, whole.metre_at(start).beat_ticks)
    ]
    faint = "".join(f"M{layout.x(tick):.1f} {_TOP:g}{upright}" for tick in beats)
    strong = "".join(f"M{layout.x(tick):.1f} {_TOP - 4:g}{upright}" for tick in lines.tolist())
    return (
        f'<path class="beats" d="{faint}" stroke="currentColor" stroke-opacity="0.1"/>\n'
        f'<path class="bars" d="{strong}" stroke="currentColor" stroke-opacity="0.35"/>'
    )


@lru_cache(maxsize=64)  # what stands is drawn again and again, while other notes grow beside it
def _note_group(
    name: str, drawn: bytes, start: int, colour: str, layout: _Layout, *, playable: bool, colours: tuple[str, ...] = ()
) -> str:
    """One rectangle per note, more solid for louder notes. A gap of one pixel separates repeated notes.

    ``drawn``: the bytes of Notes. ``colours``: that of each note, "" for the group's.
    """
    notes = np.frombuffer(drawn, NOTE)
    depth = max(layout.row - 0.4, 2.5)
    corner = min(2.0, depth / 3)
    shape, room = f'height="{depth:.1f}" rx="{corner:.1f}"', layout.ticks - start
    upper = {pitch: f"{layout.y(pitch) + (layout.row - depth) / 2:.1f}" for pitch in set(notes["pitch"].tolist())}
    rects = []
    for (onset, pitch, duration, velocity), own in zip(notes.tolist(), colours or [""] * len(notes), strict=True):
        inside, fill = min(duration, room - onset), f' fill="{own}"' if own else ""
        rects.append(
            f'<rect x="{layout.x(start + onset):.1f}" y="{upper[pitch]}" '
            f'width="{max(1.5, inside * layout.tick_px - 1):.1f}" {shape} '
            f'opacity="{0.7 + 0.3 * min(1.0, velocity / 100):.2f}"{fill}/>'
        )
    rows = "\n".join(rects)
    data = f' data-notes="{note_data(notes, start)}"' if playable else ""
    return f'<g class="{name}" fill="{colour}"{data}>\n{rows}\n</g>'


def _continuation(notes: Notes, start: int, layout: _Layout, *, playable: bool, played: NDArray[np.bool_] | None) -> str:
    colours = () if played is None else tuple(np.where(played, SEED_COLOUR, "").tolist())
    grows = _note_group.__wrapped__  # is another at each picture
    return grows("continuation", notes.tobytes(), start, CONTINUATION_COLOUR, layout, playable=playable, colours=colours)


def note_data(notes: Notes, start: int) -> str:
    """Notes for a script, ``start`` ticks later: ``onset:pitch:duration:velocity`` of each."""
    return " ".join(f"{start + onset}:{pitch}:{duration}:{velocity}" for onset, pitch, duration, velocity in notes.tolist())


def _original(name: str, piece: Piece, split: int, layout: _Layout) -> str:
    """The composer's own continuation, in the colour of the text and hidden: a page may show it in place of the other."""
    notes = _note_group("original", piece.notes.tobytes(), split, "currentColor", layout, playable=True)
    label = f'<text x="{layout.x(split) + 7:.1f}" y="16" font-size="13" font-weight="600">{_text(name)}</text>'
    return f'<g class="own" display="none" data-name="{_text(name)}">\n{notes}\n{label}</g>'


def _bar_numbers(lines: NDArray[np.int64], layout: _Layout, pickup: int) -> str:
    """Bar numbers from 1, or 0 for a pickup, as many as fit."""
    shown: list[str] = []
    free = 0.0
    for number, tick in enumerate(lines[:-1].tolist(), start=1 - pickup):
        x = layout.x(tick)
        if x >= free:
            shown.append(f'<text x="{x + 4:.1f}" y="{_TOP - 6:g}">{number}</text>')
            free = x + _NUMBER_SPACE
    return f'<g class="bar-numbers" opacity="0.7">{"".join(shown)}</g>'


def _heading(title: str, layout: _Layout, split: int, waiting: bool, names: RollWords) -> str:
    """The marker between seed and continuation with its two labels, and the title left of them if it fits."""
    x, y = layout.x(split), 16.0
    words = []
    if waiting:
        opening = f'<text x="{x - 7:.1f}" y="{y:g}" text-anchor="end" fill="{SEED_COLOUR}">{_text(names.opening)}</text>'
        words.append(
            f'<g class="hand-over" pointer-events="none" font-size="13" font-weight="600">'
            f'<path d="M{x:.1f} 4V{layout.bottom:g}" stroke="currentColor" stroke-width="2"/>'
            f'{opening if split else ""}<text class="after" x="{x + 7:.1f}" y="{y:g}" fill="{CONTINUATION_COLOUR}">'
            f"{_text(names.continuation)}</text></g>"
        )
    room = int(((x - 60 if waiting else layout.right) - _LEFT) / _LETTER)
    short = title if len(title) <= room else title[: max(0, room - 1)].rstrip() + "…"
    if len(short) > 8 or short == title != "":
        words.append(f'<text class="title" x="{_LEFT:g}" y="{y:g}" font-size="12">{_text(short)}</text>')
    return "".join(words)


def _description(
    seed: Piece, continuation: Piece | None, lines: NDArray[np.int64], split: int, title: str, words: RollWords
) -> str:
    """What the picture shows, for screen readers."""
    before, after = int(np.searchsorted(lines, split)), None
    if continuation is not None:
        after = int(np.searchsorted(lines, split + _last_onset(continuation) + 1)) - before
    if words.described is not None:
        return words.described(before, len(seed), after, 0 if continuation is None else len(continuation))
    said = f"opening of {_counted(before, 'bar')} with {_counted(len(seed), 'note')}"
    if continuation is not None and after is not None:
        said += f", continuation of {_counted(after, 'bar')} with {_counted(len(continuation), 'note')}"
    return f"Piano roll{f' of {title}' if title else ''}: {said}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _text(words: str) -> str:
    """Text for XML: escaped, with spaces for unprintable characters."""
    return escape("".join(c if c.isprintable() else " " for c in words))
