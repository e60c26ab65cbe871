"""The openings to browse: a card for each, and what finds them. No widgets here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

from musiclstm.seeds import DIFFICULTIES, Seed, difficulty, era, found, moods
from musiclstm.sentence import sentence
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.thumbnails import picture

ALL = "all"
ERAS = (
    (sentence("All"), ALL),
    (sentence("Baroque"), "baroque"),
    (sentence("Classical"), "classical"),
    (sentence("Romantic"), "romantic"),
    (sentence("Modern"), "modern"),
)
TEXTURES = (
    (sentence("Any texture"), ALL),
    (sentence("Easy to play"), DIFFICULTIES[0]),
    (sentence("Medium to play"), DIFFICULTIES[1]),
    (sentence("Hard to play"), DIFFICULTIES[2]),
)


def openings_page(seeds: Sequence[Seed], language: Language = ENGLISH) -> str:
    """A card for each opening, in the order of the list."""
    cards = "".join(_card(seed, language) for seed in seeds)
    return f'<div class="openings" role="group" aria-label="{escape(language.say("Openings"))}">{cards}</div>'


def chosen_ids(seeds: Iterable[Seed], when: str, texture: str, words: str, language: Language = ENGLISH) -> str:
    """The ids of the openings of an era, of a texture and that words describe, with spaces between; ALL for any.

    The words may be English or those on the cards.
    """
    kept = tuple(seed for seed in seeds if when in (ALL, era(seed)) and texture in (ALL, difficulty(seed)))
    english, plain = found(kept, words[:200]), _plain(words[:200])
    return " ".join(seed.id for seed in kept if seed in english or _fits(seed, plain, language))


def _fits(seed: Seed, text: str, language: Language) -> bool:
    """Whether a text in plain letters names the key, in words of the language, and beginnings of words that describe a seed."""
    if language == ENGLISH:
        return False
    rest = re.sub(rf"(?<!\w){re.escape(_plain(language.say(seed.key)))}(?!\w)", " ", text).split()
    known = _plain(" ".join([seed.composer, seed.title, *map(language.say, moods(seed))]))
    return all(re.search(rf"(?<!\w){re.escape(word)}", known) for word in rest)


def _plain(text: str) -> str:
    """The text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _card(seed: Seed, language: Language) -> str:
    facts, whole = " · ".join((language.say(seed.key), language.say(moods(seed)[-1]))), f"{seed.composer}: {seed.title}"
    shown = picture([("seed", seed.piece.notes, 0)], seed.end)
    return (
        f'<button type="button" class="opening" data-id="{escape(seed.id)}" title="{escape(whole)}">'
        f"<b>{escape(seed.surname or seed.title)}</b><span>{escape(seed.title)}</span>{shown}<i>{escape(facts)}</i></button>"
    )
