"""A duet: phrases on their beats and as requests, and turns that a visitor in Chromium plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any, NoReturn

import pytest
from browsing_page import PIANO, download, generate
from playwright.sync_api import Page, expect
from waiting import wait_until

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.formats.midi import read_midi
from musiclstm.generation.changes import played_so
from musiclstm.generation.composition import Composition, compose
from musiclstm.generation.request import OPEN_ENDED
from musiclstm.music import Performance
from musiclstm.render.pianoroll import SEED_COLOUR
from musiclstm.ui import duet
from musiclstm.ui.duet import ANSWER_BARS, CONTEXT, Heard, answer_bars, answer_notes, answer_request, answer_seconds, bars_heard
from musiclstm.ui.engine import Engine, Job, Progress
from musiclstm.ui.places import Places
from musiclstm.ui.results import result_of
from musiclstm.ui.session import Duet, Playing

TUNE = (60, 64, 67, 72, 71, 67, 65, 62)
# The keys that are struck from now on.
LISTEN = """() => {
  const { sampler } = window.musiclstm, { strike } = sampler;
  window.struck = [];
  sampler.strike = (voices, note, ...rest) => {
    window.struck.push(note.key);
    return strike(voices, note, ...rest);
  };
}"""
PLAIN = SamplingOptions()


def playing(count: int, gap: float = 0.5, start: float = 3.0) -> Playing:
    """Notes one after the other, ``gap`` seconds apart."""
    return Playing(tuple((start + gap * i, 0.9 * gap, TUNE[i % 8], 80) for i in range(count)))


# Phrases and requests


def at_120(count: int, gap: float = 0.5, metre: str = "4/4") -> Heard:
    """A phrase whose beat is known to be half a second."""
    return duet.heard(playing(count, gap), None, 120.0, metre)


def test_a_phrase_begins_with_a_bar_and_the_answer_is_as_long() -> None:
    for metre, bars in (("4/4", 3), ("3/4", 4), ("2/4", 6)):
        phrase = at_120(12, metre=metre)
        assert phrase.piece.notes["onset"].tolist() == list(range(0, 12 * 24, 24))
        assert phrase.beat == pytest.approx(0.5, abs=0.01)
        assert (phrase.bars, answer_bars(phrase)) == (bars, bars)
    found = duet.heard(playing(12), None, None)
    assert found.piece.notes["onset"][0] == 0
    assert found.seconds(found.piece.end) == pytest.approx(6, abs=0.6)
    long = at_120(400)
    assert long.bars == 100
    assert answer_bars(long) == ANSWER_BARS
    request = answer_request(long, None, None, PLAIN, 1)
    assert request.seed.end == limits.SEED_BARS * 96
    assert request.seed.piece.notes["pitch"].tolist() == [TUNE[i % 8] for i in range(400)][-4 * limits.SEED_BARS :]


@pytest.fixture(scope="module")
def turns(small_checkpoint: Checkpoint) -> tuple[Composition, Composition]:
    """The answers to two phrases of two bars."""
    phrase = at_120(8)
    first = compose(small_checkpoint, answer_request(phrase, None, None, PLAIN, 1))
    second = compose(small_checkpoint, answer_request(phrase, first, None, PLAIN, 2))
    return first, second


def test_the_beat_follows_the_visitor_but_stays_the_same_note_value(turns: tuple[Composition, Composition]) -> None:
    faster = duet.heard(playing(12, 0.44), turns[0], 120.0)
    assert faster.tempo == pytest.approx(60 / 0.44, abs=4)
    eighths = duet.heard(playing(16, 0.25), turns[0], 120.0)
    assert eighths.tempo == pytest.approx(120, abs=4)
    assert eighths.bars == 2
    assert eighths.piece.metres[0].name == "4/4"


def test_what_both_played_is_the_context_of_the_next_answer(turns: tuple[Composition, Composition]) -> None:
    first, second = turns
    assert first.request.seed.title == "Duet"
    assert (first.bars, second.bars, second.fresh) == (2, 6, 2)
    assert (second.request.context, second.request.ending) == (CONTEXT, OPEN_ENDED)
    assert answer_request(at_120(4), first, None, PLAIN, 1, at_once=True).attempts == 1
    both = second.takes[0].joined.notes
    assert [pitch for onset, pitch, *_ in both.tolist() if onset < 192 or 384 <= onset < 576] == [*TUNE, *TUNE]
    assert ((both["onset"] >= 192) & (both["onset"] < 384)).sum() == len(first.takes[0].continuation)


def test_bars_that_the_visitor_did_not_hear_out_are_dropped(
    turns: tuple[Composition, Composition], small_checkpoint: Checkpoint
) -> None:
    phrase = duet.heard(playing(4), turns[0], 120.0)
    cut_short = answer_request(phrase, turns[0], 1, PLAIN, 3)
    assert cut_short.existing == 2
    assert answer_request(phrase, turns[0], 0, PLAIN, 3).existing == 2
    assert answer_request(phrase, turns[0], 99, PLAIN, 3).existing == 3
    assert compose(small_checkpoint, cut_short).bars == 3


def test_a_duet_goes_on_from_the_version_that_was_chosen(
    turns: tuple[Composition, Composition], small_checkpoint: Checkpoint
) -> None:
    versions = compose(small_checkpoint, replace(turns[0].request, takes=2))
    for number in (0, 1):
        after = answer_request(at_120(4), versions, None, PLAIN, 1, number=number).after
        assert after is not None
        assert after.number == number


def test_an_answer_sounds_at_the_tempo_of_the_phrase_and_at_once(turns: tuple[Composition, Composition]) -> None:
    slow = replace(at_120(8), tempo=60.0)
    rows = answer_notes(turns[1], slow)
    assert rows[0][0] == 0
    written = [note for note in turns[1].takes[0].continuation.notes.tolist() if note[0] >= 4 * 96]
    assert [row[2] for row in rows] == [note[1] for note in written]
    assert [row[0] for row in rows] == pytest.approx([(note[0] - written[0][0]) / 24 for note in written])
    assert rows[-1][0] < answer_seconds(turns[1], slow) <= 8


def test_a_locked_bar_stays_though_the_visitor_did_not_hear_it(turns: tuple[Composition, Composition]) -> None:
    second = result_of([turns[1]])  # bars 1 to 2, 3 to 4, 5 to 6 and 7 to 8; the last two are its own
    assert [bars_heard(second.shown, kept) for kept in (1, 2)] == [1, 2]
    assert bars_heard(second.with_locked(frozenset({3, 7})).shown, 1) == 1
    assert bars_heard(second.with_locked(frozenset({3, 8})).shown, 1) == 2


def test_an_answer_has_the_locks_of_what_it_goes_on_from(turns: tuple[Composition, Composition]) -> None:
    first, second = turns
    locked = result_of([first]).with_locked(frozenset({3}))
    assert Duet(second, 120.0, locked).result.shown.locked == {3}
    assert not Duet(first, 120.0, None).result.shown.locked
    assert Duet(second, 120.0, locked).is_of(played_so(second, Performance(tempo=100)))
    assert not Duet(second, 120.0, locked).is_of(first)


# On the page


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Until it is set, no long answer is finished: its bars sound, and more may come."""
    go_on, perform = Event(), Engine.perform

    def slow(engine: Engine, job: Job, stopped: Callable[[], bool], visitor: str = "") -> Iterator[Progress]:
        for progress in perform(engine, job, stopped, visitor):
            yield progress
            if job.bars == ANSWER_BARS and progress.composition is not None and progress.result is None:
                wait_until(lambda: go_on.is_set() or stopped())

    monkeypatch.setattr(Engine, "perform", slow)
    yield go_on
    go_on.set()


@pytest.fixture
def duettist(session: Callable[..., Page]) -> Page:
    """A page with a MIDI keyboard, on which a duet has begun."""
    page = session()
    page.evaluate(PIANO)
    page.click("#play-a-duet")
    expect(page.locator(".keys .whose")).to_have_text("Your turn")
    page.click("#keys .midi")
    expect(page.locator("#keys .told")).to_contain_text("Test piano")
    return page


def phrase(page: Page, keys: tuple[int, ...] = TUNE) -> None:
    page.evaluate("keys => keys.forEach((key, place) => window.strike(key, 10 + 0.25 * place, 0.2))", list(keys))


def turn(page: Page, whose: str) -> None:
    # Looked at in every frame: an answer may be over within a second.
    page.wait_for_function("whose => document.querySelector('#keys .keys').dataset.duet === whose", arg=whose)


def kept(page: Page) -> int:
    """How many results have come to the stage."""
    return int(page.evaluate("Number(document.body.dataset.takes ?? 0)"))


def answered(page: Page) -> None:
    """Play a phrase, wait for the answer, let it come to the stage, and take the turn."""
    before = kept(page)
    phrase(page)
    page.click("#keys .answer")
    turn(page, "answer")
    wait_until(lambda: kept(page) > before)
    page.click("#keys .answer")
    turn(page, "yours")


def test_turn_by_turn_a_duet_is_played_and_kept(duettist: Page, tmp_path: Path) -> None:
    page = duettist
    before = kept(page)
    phrase(page)
    page.evaluate(LISTEN)
    turn(page, "answer")  # after a silence
    wait_until(lambda: kept(page) > before)
    written = (page.locator("#roll .continuation").get_attribute("data-notes") or "").split()
    assert page.evaluate("window.struck") == [int(note.split(":")[1]) for note in written]
    expect(page.locator("#heading")).to_contain_text("Duet")
    turn(page, "yours")  # after the last bar
    answered(page)
    expect(page.locator("#heading")).to_contain_text("turn by turn")
    expect(page.locator(f"#roll .continuation rect[fill='{SEED_COLOUR}']")).to_have_count(len(TUNE))
    piece = read_midi(download(page, "#get-joined-midi", tmp_path))
    assert piece.notes["pitch"].tolist()[: len(TUNE)] == list(TUNE)
    assert page.locator("#earlier input").count() <= 1
    page.click("#undo")
    expect(page.locator("#heading")).not_to_contain_text("turn by turn")
    answered(page)  # goes on from what is on the stage
    expect(page.locator(f"#roll .continuation rect[fill='{SEED_COLOUR}']")).to_have_count(len(TUNE))
    page.click("#keys .duet")
    expect(page.locator("#keys .told")).to_contain_text("on the stage")
    generate_more(page)


def begun(page: Page) -> None:
    """Play a long phrase, and hear the first bars of the answer."""
    phrase(page, 12 * TUNE)
    page.click("#keys .answer")
    turn(page, "answer")


def expect_phrase(page: Page, notes: int) -> None:
    """The version on the stage has a second phrase, of so many notes."""
    expect(page.locator("#heading")).to_contain_text("turn by turn")
    expect(page.locator(f"#roll .continuation rect[fill='{SEED_COLOUR}']")).to_have_count(notes)


def test_an_answer_that_is_interrupted_while_it_is_written_is_kept(duettist: Page, held: Event) -> None:
    page = duettist
    before = kept(page)
    begun(page)
    phrase(page)
    page.click("#keys .answer")
    turn(page, "asked")
    assert kept(page) == before
    held.set()
    turn(page, "answer")
    wait_until(lambda: kept(page) == before + 2)
    expect_phrase(page, len(TUNE))


@pytest.mark.parametrize("button", ["#keys .duet", "#keys .close"])
def test_who_leaves_during_an_answer_keeps_it(duettist: Page, held: Event, button: str) -> None:
    page = duettist
    before = kept(page)
    begun(page)
    page.click(button)
    expect(page.locator("#keys .told")).to_contain_text("as soon as its last answer is written")
    assert kept(page) == before
    held.set()
    wait_until(lambda: kept(page) == before + 1)
    expect(page.locator("#heading")).to_contain_text("Duet")


def test_who_asks_for_other_music_during_an_answer_gets_it(duettist: Page, held: Event) -> None:
    page = duettist
    begun(page)
    generate(page)
    expect(page.locator("#keys .told")).to_contain_text("not finished, so it is not on the stage")
    expect(page.locator("#heading")).to_contain_text("4 new bars")
    held.set()
    page.click("#play-a-duet")
    answered(page)
    expect(page.locator("#heading")).not_to_contain_text("turn by turn")


def test_bars_that_were_not_heard_do_not_come_back_with_a_second_try(duettist: Page) -> None:
    page = duettist
    before = kept(page)
    begun(page)
    wait_until(lambda: kept(page) == before + 1)
    phrase(page)
    asked = "JSON.parse(musiclstm.duet.asked([0])[0])"
    heard = page.evaluate(f"{asked}.kept")
    facts = "document.querySelector('#duet-answer [data-facts]').dataset.facts"
    old = page.evaluate(facts)
    page.evaluate("document.querySelector('#duet-ask').click()")  # as after a pause: the answer that comes is not wanted
    page.wait_for_function(f"old => {facts} !== old && JSON.parse({facts}).done", arg=old)
    page.click("#keys .answer")
    wait_until(lambda: kept(page) == before + 2)
    expect_phrase(page, len(TUNE))
    label = page.locator("#roll svg[data-clock]").first.get_attribute("aria-label") or ""
    assert f"continuation of {(heard or ANSWER_BARS) + 2} bars" in label  # what was heard, the phrase and its answer


def generate_more(page: Page) -> None:
    before = kept(page)
    page.click("#extend")
    wait_until(lambda: kept(page) > before)
    expect(page.locator("#heading")).to_contain_text("by extending")


def test_whoever_plays_has_the_turn(duettist: Page) -> None:
    page = duettist
    page.click("#keys .answer")
    expect(page.locator("#keys .told")).to_contain_text("not played anything yet")
    phrase(page)
    page.locator("body").press("Enter")
    turn(page, "answer")
    page.keyboard.down("a")  # into the answer
    turn(page, "yours")
    page.keyboard.up("a")
    turn(page, "answer")  # to this note
    page.click("#keys .close")
    expect(page.locator("#keys .keys")).to_be_hidden()
    page.click("#play-a-duet")
    turn(page, "yours")
    generate(page)  # ends the duet
    turn(page, "off")
    expect(page.locator("#heading")).to_contain_text("4 new bars")


def test_a_visitor_who_has_to_wait_is_told_so_and_may_ask_again(duettist: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    page = duettist

    def full(*_: Any) -> NoReturn:
        raise OptionError("64 requests are waiting already.")

    with monkeypatch.context() as patch:
        patch.setattr(Places, "take", full)
        phrase(page)
        page.click("#keys .answer")
        expect(page.locator("#keys .told")).to_contain_text("64 requests are waiting")
        turn(page, "yours")
    page.click("#keys .answer")
    turn(page, "answer")


def test_a_silence_ends_a_phrase_after_two_beats(duettist: Page) -> None:
    for times, beat, seconds in (
        ([0, 0.25, 0.5], 0, 1.0),
        ([0, 0.8, 1.6, 2.4], 0, 1.6),
        ([0, 0.01, 0.02, 0.8, 0.81, 1.6], 0, 1.6),  # chords
        ([0, 0.4, 0.8], 0.9, 1.8),  # eighths of a beat that is known
        ([0], 0, 1.2),
        ([0, 3, 6], 0, 2.5),
    ):
        assert duettist.evaluate("([times, beat]) => musiclstm.duet.silence(times, beat)", [times, beat]) == pytest.approx(
            seconds
        )
