"""The page in a visitor's language: its sentences, and numbers, keys and notes as musicians there write them.

Sentences are English in the code; ``languages`` has them in the other languages, one gettext catalogue each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import GNUTranslations, NullTranslations
from html import escape
from importlib.resources import files
from io import BytesIO
from string import Formatter
from types import MappingProxyType
from typing import Any

from musiclstm.errors import MusicLSTMError
from musiclstm.sentence import Sentence

#: The languages of the page, each by its own name.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "de": "Deutsch",
        "fr": "Français",
        "es": "Español",
        "pt": "Português",
        "it": "Italiano",
        "ja": "日本語",
        "zh": "简体中文",
        "ko": "한국어",
    }
)
TAGS = {"pt": "pt-BR", "zh": "zh-CN"}  # what a language is more exactly
COOKIE = "musiclstm_language"  # holds what a visitor chose
_SCRIPTS = "musiclstm/ui/script/"


@dataclass(frozen=True)
class Language:
    """One language, English unless it has a ``catalogue``. ``scripts``: the sentences that the browser says, as JSON, and
    ``plural``, as JavaScript: which of the forms of a sentence goes with a number ``n``. ``separators``: what stands for
    the comma between thousands and for the decimal point.
    """

    code: str = "en"
    catalogue: NullTranslations = field(default_factory=NullTranslations, repr=False, compare=False)
    scripts: str = field(default="{}", repr=False)
    plural: str = "n != 1"
    separators: Mapping[int, str] = field(default_factory=dict, repr=False)

    @property
    def tag(self) -> str:
        """Its name for browsers (BCP 47)."""
        return TAGS.get(self.code, self.code)

    def say(self, sentence: str | Sentence, **values: Any) -> str:
        """A sentence of the code, with its values: texts, numbers, or sentences that are said in this language too."""
        if not isinstance(sentence, Sentence):
            sentence = Sentence(sentence, values)
        if not sentence.template:
            return ""
        if sentence.many:
            said = self.catalogue.ngettext(sentence.template, sentence.many, sentence.values["n"])
        else:
            said = self.catalogue.gettext(sentence.template)
        return _Filling(self).format(said, **sentence.values) if sentence.values else said

    def counted(self, one: str, many: str, n: int, **values: Any) -> str:
        """As ``say``, for a sentence that says how many."""
        return self.say(Sentence(one, {"n": n, **values}, many))

    def error(self, error: MusicLSTMError) -> str:
        """What an error says."""
        return self.say(error.sentence)

    def number(self, number: float, form: str = "g") -> str:
        """A number in a ``form`` of Python's, with the comma or point of the language."""
        return format(number, form).translate(self.separators)


class _Filling(Formatter):
    """Puts values into a sentence."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        """One of the values: a number and a sentence as in the language."""
        if isinstance(value, Sentence):
            return self.language.say(value)
        figure = isinstance(value, int | float)
        return self.language.number(value, format_spec) if figure else str(super().format_field(value, format_spec))


ENGLISH = Language()


@cache
def language(code: str) -> Language:
    """A language of NAMES. Its catalogue is read once."""
    if code == ENGLISH.code:
        return ENGLISH
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.numbers import get_decimal_symbol, get_group_symbol

    catalogue = read_po(BytesIO(po_file(code)), locale=code)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    scripts = {
        message.id if isinstance(message.id, str) else message.id[0]: message.string
        for message in catalogue
        if any(place.startswith(_SCRIPTS) for place, _ in message.locations)
    }
    separators = str.maketrans({",": get_group_symbol(code), ".": get_decimal_symbol(code)})
    return Language(code, GNUTranslations(compiled), json.dumps(scripts, ensure_ascii=False), catalogue.plural_expr, separators)


def po_file(code: str) -> bytes:
    """The catalogue of a language, as it is stored."""
    return (files("musiclstm.ui") / "languages" / f"{code}.po").read_bytes()


def language_for(cookies: Mapping[str, str], headers: Mapping[str, str]) -> Language:
    """The language that a request wishes: the chosen one, else the first of the browser's that the page has, else English."""
    wished = headers.get("accept-language", "").split(",")[:20]
    ordered = sorted((wish for wish in wished if _weight(wish) > 0), key=_weight, reverse=True)
    codes = (tag.partition(";")[0].strip().lower().partition("-")[0] for tag in (cookies.get(COOKIE, ""), *ordered))
    return language(next((code for code in codes if code in NAMES), ENGLISH.code))


def _weight(wish: str) -> float:
    """How much a browser wants a language: the q of "de;q=0.8"."""
    _, _, weight = wish.partition("q=")
    try:
        return float(weight or 1)
    except ValueError:
        return 0.0


def choice(shown: Language) -> str:
    """The list to choose a language from."""

    def button(code: str) -> str:
        pressed = "true" if code == shown.code else "false"
        return f'<button type="button" lang="{code}" data-language="{code}" aria-pressed="{pressed}">{NAMES[code]}</button>'

    name, label = NAMES[shown.code], escape(shown.say("Language"))
    buttons = "".join(map(button, NAMES))
    return f'<details id="language"><summary aria-label="{label}: {name}">{name}</summary><div>{buttons}</div></details>'
