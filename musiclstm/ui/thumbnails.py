"""The smallest pictures of music: on the cards of openings, and of the visitor's earlier results. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from musiclstm.music import Notes
from musiclstm.ui import texts
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.results import Result

MOST = 12  # earlier results with a picture
_WIDTH, _HEIGHT = 176, 34  # pixels


def picture(parts: Sequence[tuple[str, Notes, int]], ticks: int) -> str:
    """The notes of some parts, each a line, in a picture that is ``ticks`` long.

    A part has a name, which is its class in the style sheet, notes, and the tick at which they begin.
    """
    pitches = [pitch for _, notes, _ in parts for pitch in notes["pitch"].tolist()]
    low, high = min(pitches, default=60), max(pitches, default=60)
    wide, tall = _WIDTH / max(1, ticks), (_HEIGHT - 4) / max(12, high - low)
    drawn = ""
    for name, notes, start in parts:
        lines = (
            f"M{(start + onset) * wide:.0f} {2 + (high - pitch) * tall:.0f}h{max(1.0, duration * wide - 1):.0f}"
            for onset, pitch, duration, _ in notes.tolist()
        )
        drawn += f'<path class="{name}" d="{"".join(dict.fromkeys(lines))}"/>'
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">{drawn}</svg>'


def earlier_page(results: Sequence[Result], shown: Result | None, language: Language = ENGLISH) -> str:
    """A card for each of the latest ``results``, the latest first, but for the one that is ``shown``; "" without any.

    Its number is that in ``results``. What was brought back is there twice and has one card.
    """
    latest = {_first(result): number for number, result in enumerate(results)}
    numbers = sorted((number for take, number in latest.items() if shown is None or take != _first(shown)), reverse=True)[:MOST]
    if not numbers:
        return ""
    cards, name = "".join(_card(number, results[number], language) for number in numbers), language.say("Your earlier results")
    return f'<p>{escape(name)}</p><div class="earlier" role="group" aria-label="{escape(name)}">{cards}</div>'


def _first(result: Result) -> int:
    """The same for the same result, however it is played, and whichever of its takes is chosen."""
    return id(result.takes[0].take)


def _card(number: int, result: Result, language: Language) -> str:
    composition, take = result.shown.composition, result.shown.take
    seed, split = composition.request.seed, composition.split
    parts = [("seed", composition.seed.notes, 0), ("continuation", take.continuation.notes, split)]
    shown = picture(parts, max(split + 1, take.joined.end))
    what, whole = texts.what_is_new(composition, language), texts.history_name(result.shown, language)
    return (
        f'<button type="button" class="opening" data-result="{number}" title="{escape(whole)}">'
        f"<b>{escape(seed.surname or seed.title)}</b><span>{escape(texts.title_of(seed, language))}</span>"
        f"{shown}<i>{escape(what)}</i></button>"
    )
