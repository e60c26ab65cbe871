"""The page speaks nine languages, and each says everything."""

from __future__ import annotations

import json
import pickle
import re
import urllib.request
from collections.abc import Callable
from string import Formatter
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Page, expect

from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.formats.reader import MusicReader
from musiclstm.generation import ComposeRequest, compose
from musiclstm.music import Key, Performance, key_name
from musiclstm.sentence import counted, sentence
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.bars import named
from musiclstm.ui.engine import Engine
from musiclstm.ui.language import COOKIE, ENGLISH, NAMES, language, language_for
from musiclstm.ui.openings import ALL, chosen_ids
from musiclstm.ui.page import build_page
from musiclstm.ui.pictures import opening_sheet, sheet
from musiclstm.ui.results import Shown
from scripts.write_languages import LANGUAGES, brought_up_to_date

OTHERS = [code for code in NAMES if code != ENGLISH.code]
UPDATE = "Run PYTHONPATH=. python scripts/write_languages.py, then translate what is empty in musiclstm/ui/languages."
# The page's script presses them, or an event names them before anybody sees them.
UNSEEN = {
    "choose-opening",
    "use-playing",
    "change",
    "lock",
    "bring-back",
    "duet-ask",
    "duet-keep",
    "duet-leave",
    "guess-a",
    "guess-b",
}


def places(text: str) -> set[tuple[str, str | None]]:
    """The names in braces, with the forms of their numbers."""
    return {(name, form) for _, name, form, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_no_sentence_is_missing_and_each_has_the_places_of_the_english_one(code: str) -> None:
    stored = (LANGUAGES / f"{code}.po").read_bytes()
    assert stored == brought_up_to_date(code), UPDATE
    with (LANGUAGES / f"{code}.po").open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if not message.id:
            continue
        english = [message.id] if isinstance(message.id, str) else [message.id[1]]
        said = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert said and all(said), f"{message.id!r} has no translation: {UPDATE}"
        assert not message.fuzzy, message.id
        for each in said:
            assert places(each) - places(english[0]) == set(), message.id
            assert places(each) == places(english[0]) or len(said) > 1, message.id
            assert not {"<", "[", '"'} & set(each) - set(english[0]), f"{message.id!r}: these mean something in HTML and CSS"


def test_a_browser_gets_the_first_language_that_it_wants_and_the_page_has() -> None:
    def wished(header: str, cookie: str = "") -> str:
        return language_for({COOKIE: cookie}, {"accept-language": header}).code

    assert wished("de-CH,de;q=0.9,en;q=0.8") == "de"
    assert wished("pl, ja;q=0.5, fr;q=0.7") == "fr"
    assert wished("zh-Hans-CN") == "zh"
    assert wished("pl") == wished("") == wished("*;q=x") == "en"
    assert wished("de", cookie="it") == "it"
    assert wished("de", cookie="../de") == "de"


def test_numbers_and_keys_are_written_as_musicians_there_write_them() -> None:
    said = sentence("diversity {diversity:g}", diversity=1.05)
    assert [language(code).say(said) for code in ("en", "de", "fr", "ja")] == [
        *("diversity 1.05", "Wagemut 1,05", "audace 1,05", "大胆さ 1.05"),
    ]
    many = OptionError("Play 1 to {most:,} notes.", most=3000)
    assert (str(many), language("de").error(many)) == ("Play 1 to 3,000 notes.", "Bitte 1 bis 3.000 Noten spielen.")
    minor = key_name(Key(2, "minor"))
    names = {code: language(code).say(minor) for code in NAMES}
    assert names == {
        "en": "B minor",
        "de": "h-Moll",
        "fr": "si mineur",
        "es": "si menor",
        "pt": "si menor",
        "it": "si minore",
        "ja": "ロ短調",
        "zh": "b小调",
        "ko": "나단조",
    }


def test_a_sentence_that_counts_has_the_form_of_its_language() -> None:
    none, one, two = (counted("{n} bar", "{n} bars", n) for n in range(3))
    assert [language("fr").say(each) for each in (none, one, two)] == ["0 mesure", "1 mesure", "2 mesures"]
    assert [language("de").say(each) for each in (none, one, two)] == ["0 Takte", "1 Takt", "2 Takte"]
    assert [str(each) for each in (none, one, two)] == ["0 bars", "1 bar", "2 bars"]


def test_an_error_stays_english_and_is_said_in_a_language_even_after_a_journey_between_processes() -> None:
    error: MusicLSTMError = OptionError("{bars} is locked: to delete these bars, unlock it first.", bars=named([9]))
    assert str(error) == "Bar 9 is locked: to delete these bars, unlock it first."
    there = pickle.loads(pickle.dumps(error))
    assert language("de").error(there) == "Takt 9 ist gesperrt: Zum Löschen zuerst entsperren."
    assert language("de").error(OptionError("50 % of {this} has no translation")) == "50 % of {this} has no translation"


def test_openings_are_found_by_words_of_the_language(small_checkpoint: Checkpoint) -> None:
    def found(words: str, code: str = "en") -> list[str]:
        return chosen_ids(small_checkpoint.seeds, ALL, ALL, words, language(code)).split()

    waltz = found("waltz")
    assert len(waltz) == 1
    assert found("a minor") == found("a-Moll", "de") == found("la mineur", "fr") == found("イ短調", "ja") == waltz
    assert found("a-Moll chop", "de") == found("Chopin", "de") == waltz
    assert found("Moll", "de") == found("d-Moll", "de") == []


def test_every_label_on_the_page_is_said_in_the_visitors_language(small_checkpoint: Checkpoint) -> None:
    active = ActiveCheckpoint(Engine(small_checkpoint))
    with MusicReader() as reader:
        page = build_page(active, reader)
    active.close()
    shown: dict[str, Any] = {}
    for component in page.config["components"]:
        props = component["props"]
        if props.get("elem_id") in UNSEEN or (props.get("visible") is False and not props.get("elem_id")):
            continue
        texts = [props.get(name) for name in ("label", "info", "placeholder")] if props.get("elem_id") else []
        texts += [props.get("value")] if component["type"] in ("button", "downloadbutton") else []
        texts += [name for name, _ in props.get("choices") or [] if component["type"] == "radio"]
        shown |= {str(text): component for text in texts if text and "\ue000" not in str(text)}
    assert not shown


def fetched(address: str, wish: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Language": wish})) as answer:
        assert "Accept-Language" in answer.headers["vary"]
        return str(answer.read().decode("utf-8"))


def test_the_page_arrives_in_the_language_and_programs_get_english(page_address: str) -> None:
    german, english = (fetched(page_address, wish) for wish in ("de", "en-GB"))
    assert 'lang="de"' in german
    assert "Takte zu schreiben" in german
    assert "Surprise me" not in german
    assert "Surprise me" in english
    assert not re.search("[\ue000\ue001]", german + english)
    config = json.loads(fetched(f"{page_address}config", ""))
    assert "Bars to write" in [each["props"].get("label") for each in config["components"]]


def test_a_score_is_described_in_the_readers_language(small_checkpoint: Checkpoint) -> None:
    seed = small_checkpoint.seeds[0]
    composition = compose(small_checkpoint, ComposeRequest(seed, bars=1, candidates=1))
    shown = Shown(composition, composition.takes[0], "1")
    assert 'aria-label="Partition de March"' in opening_sheet(seed, Performance(), language=language("fr")).svg
    assert 'aria-label="Partition de March ; la suite commence à la mesure 9"' in sheet(shown, language=language("fr")).svg


def choose(page: Page, name: str) -> None:
    page.locator("#language summary").click()
    page.locator("#language").get_by_role("button", name=name).click()


def test_a_chosen_language_is_remembered(session: Callable[..., Page]) -> None:
    page = session(locale="fr-FR")
    expect(page.locator("#generate")).to_have_text("Composer")
    expect(page.locator("#roll svg[data-clock]")).to_have_attribute("aria-label", re.compile("^Piano roll : début de"))
    choose(page, "Deutsch")
    expect(page.locator("#generate")).to_have_text("Fortsetzen")
    page.reload()
    expect(page.locator("#generate")).to_have_text("Fortsetzen")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#chosen-bars")).to_contain_text("Takte wählen")
    page.locator("#bars input[type=number]").fill("4")
    page.locator("#takes label").nth(2).click()
    page.locator("#generate").click()
    expect(page.locator("#cards .card")).to_have_count(3)
    expect(page.locator("#cards .card b").first).to_have_text("Wagemut 0,7")
    expect(page.locator("#sentence p")).to_contain_text("der Anfang")
    choose(page, "English")
    expect(page.locator("#generate")).to_have_text("Generate")


CUT_OFF = """() => [...document.querySelectorAll('button:not(.label-wrap), .label-wrap > span, label, summary, #era')]
    .filter((each) => each.offsetParent && !each.closest('#openings') && each.clientWidth > 8)
    .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
    .map((each) => each.textContent.trim())"""


@pytest.mark.parametrize("code", ["de", "fr", "it", "pt"])  # the languages with the longest words
def test_no_text_is_longer_than_its_place(session: Callable[..., Page], code: str) -> None:
    page = session(locale=code, viewport={"width": 390, "height": 844})
    page.locator("#play-your-own").click()
    expect(page.locator(".keys .record")).to_be_visible()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert not page.evaluate(CUT_OFF)
