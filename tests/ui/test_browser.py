"""The page in Chromium, on a desktop and on a phone: choose, generate, play, download, stop. No request leaves the machine."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from browsing_page import choose, clock, download, finished, generate, length, plays, show
from playwright.sync_api import Browser, FloatRect, Page, expect

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import MissingToolError
from musiclstm.formats.midi import read_midi, write_midi
from musiclstm.generation.composition import Composition, compose
from musiclstm.generation.link import link_from_recipe, link_of
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import Piece, make_notes
from musiclstm.ui.language import language

PHONE = {"width": 390, "height": 844}
NAMES = ("onset", "pitch", "duration", "velocity")
# Holds back what the page asks for when it has loaded.
HELD = """
const fetched = window.fetch;
const loads = ({ fn_index }) =>
  gradio_config.dependencies.some(({ id, targets }) => id === fn_index && targets[0]?.[1] === "load");
window.fetch = async (at, options) => {
  if (String(at).includes("queue/join") && loads(JSON.parse(options.body))) {
    await new Promise((go) => Object.assign(window, { letGo: go }));
  }
  return fetched(at, options);
};
"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_a_visitor_finds_a_seed_and_a_finished_example(session: Callable[..., Page]) -> None:
    page = session()
    expect(page.locator("#facts")).to_contain_text("C major")
    expect(page.locator("#heading")).to_contain_text("Schumann · March")
    expect(page.locator("#masthead")).to_contain_text("small @ bundled")
    expect(page.locator("#player .play")).to_be_enabled()
    expect(page.locator("#player [aria-checked=true]")).to_have_text("Whole")
    expect(page.locator("footer > :visible")).to_have_text(["Use via API"])  # and no dot after it


def test_the_whole_way_from_a_seed_to_a_file(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    choose(page, "Waltz")
    expect(page.locator("#facts")).to_contain_text("A minor")
    plays(page)
    expect(page.locator("#heading")).to_contain_text("Press Generate")
    expect(page.locator("#downloads")).to_be_hidden()
    generate(page, listens=True)
    expect(page.locator("#heading")).to_contain_text("Chopin · Waltz")
    expect(page.locator("#heading")).to_contain_text("4 new bars")
    shown = page.locator("#roll svg .continuation rect").count()
    plays(page)  # since the click
    expect(page.locator("#roll .playhead")).to_have_count(1)

    joined = read_midi(download(page, "#get-joined-midi", tmp_path))
    seed = read_midi(download(page, "#get-seed-midi", tmp_path))
    assert len(joined) == len(seed) + shown
    assert joined.notes[: len(seed)].tolist() == seed.notes.tolist()
    score = download(page, "#get-score", tmp_path)
    assert "<score-partwise" in score.read_text(encoding="utf-8")
    assert download(page, "#get-mp3", tmp_path).stat().st_size > 10_000
    assert download(page, "#get-audio", tmp_path).read_bytes().startswith(b"RIFF")
    assert download(page, "#get-everything", tmp_path).stat().st_size > 100_000


def test_stop_keeps_what_is_written(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    length(page, 32)
    page.click("#generate")
    page.wait_for_selector(".growing")
    page.click("#stop")
    finished(page)
    said = page.inner_text("#heading")
    bars = int(said.split(" new bar")[0].split()[-1])
    assert 1 <= bars < 32
    continuation = read_midi(download(page, "#get-continuation-midi", tmp_path))
    assert len(continuation) > 0
    assert continuation.notes["onset"].max() < bars * continuation.metres[0].bar_ticks


def test_an_opening_that_is_chosen_while_another_one_is_continued_stays_on_the_stage(session: Callable[..., Page]) -> None:
    page = session()
    length(page, 32)
    page.click("#generate")
    page.wait_for_selector(".growing")
    choose(page, "Jig")
    expect(page.locator("#heading")).to_contain_text("Jig")
    expect(page.locator("#generate")).to_have_text("Generate")
    expect(page.locator("#heading")).to_contain_text("Press Generate")
    expect(page.locator("#roll .continuation rect")).to_have_count(0)
    generate(page)
    expect(page.locator("#heading")).to_contain_text("Jig")


def test_an_opening_that_is_chosen_before_the_page_is_answered_stays(session: Callable[..., Page], page_address: str) -> None:
    page = session(f"{page_address}?", init=HELD, locale="de-DE")
    page.locator("#openings .opening", has_text="Jig").click()
    expect(page.locator("#heading")).to_contain_text("Jig")
    page.evaluate("letGo()")  # what the page asks for when it has loaded
    expect(page.locator("#heading")).to_contain_text(language("de").say("Press Generate, and the model takes it from here."))
    expect(page.locator("#heading")).to_contain_text("Jig")
    expect(page.locator("#seed input")).to_have_value(re.compile("Jig"))
    expect(page.locator("#openings [aria-pressed=true]")).to_contain_text("Jig")


def test_a_random_seed_that_is_kept_gives_the_same_take(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    page.get_by_role("button", name="Advanced").click()
    page.click("#dice")
    expect(page.locator("#fresh input")).not_to_be_checked()
    takes = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        generate(page)
        takes.append(download(page, "#get-joined-midi", tmp_path / name).read_bytes())
    number = page.input_value("#random-seed input")
    assert f"random seed {number}" in page.inner_text("#heading")
    assert takes[0] == takes[1]


def test_a_number_out_of_range_is_reported_and_the_last_take_stays(session: Callable[..., Page]) -> None:
    page = session()
    page.fill("#tempo input", "90")
    page.press("#tempo input", "Tab")
    expect(page.locator("#facts")).to_contain_text("90")
    page.fill("#tempo input", "1000")
    page.click("#generate")
    expect(page.get_by_test_id("toast-body").first).to_contain_text("between 20 and 400")
    expect(page.locator("#generate")).to_have_text("Generate")
    expect(page.locator("#heading")).to_contain_text("Schumann · March")
    expect(page.locator("#player .play")).to_be_enabled()


def test_without_a_synthesizer_the_page_says_what_to_install_and_does_the_rest(
    session: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("musiclstm.render.samples.find_soundfont", missing)
    page = session()
    page.click("#player .play")
    expect(page.locator("#player .complaint")).to_contain_text("install")
    generate(page)
    assert len(read_midi(download(page, "#get-joined-midi", tmp_path)))


def missing() -> Path:
    raise MissingToolError("FluidSynth, which makes the sound, isn't installed; install it.")


def test_seed_and_continuation_are_switched_at_the_same_place(session: Callable[..., Page]) -> None:
    page = session()
    split = page.evaluate(
        "() => { const d = document.querySelector('#roll svg[data-clock]').dataset;"
        " const [[, ], [tick, seconds]] = d.clock.split(' ').map(p => p.split(':').map(Number));"
        " return seconds * d.split / tick; }"
    )
    page.locator("#player .position").fill("1.5")
    page.click("#player [data-part=seed]")
    assert clock(page) == pytest.approx(1.5, abs=0.02)
    page.click("#player [data-part=continuation]")
    assert clock(page) == pytest.approx(1.5, abs=0.02)
    page.click("#player [data-part=joined]")
    assert clock(page) == pytest.approx(split + 1.5, abs=0.05)
    box = page.locator("#roll svg[data-clock]").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 60, box["y"] + box["height"] / 2)  # a click on the roll seeks there
    assert clock(page) < 2
    page.mouse.click(5, 5)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    plays(page)
    page.keyboard.press("Space")
    expect(page.locator("#player .play")).to_have_attribute("aria-label", "Play")


def test_a_visitors_own_music_is_read_cut_and_continued(
    session: Callable[..., Page], tunes: dict[str, Piece], tmp_path: Path
) -> None:
    jig = tunes["jig"]
    bar, notes = jig.metres[0].bar_ticks, jig.notes
    write_midi(replace(jig, notes=notes[notes["onset"] >= bar // 2].copy()), tmp_path / "Mine.mid")  # it begins with a pickup
    (tmp_path / "broken.mid").write_bytes(b"MThd no music")
    page = session()
    page.get_by_role("button", name="your own music").click()
    page.set_input_files("#upload input[type=file]", tmp_path / "broken.mid")
    expect(page.get_by_test_id("toast-body")).to_contain_text("broken.mid")  # one
    expect(page.locator("#own-facts .trouble")).to_contain_text("broken.mid")
    page.locator(".toast-close").click()
    page.locator("#upload button[aria-label='Remove this file']").or_(
        page.locator("#upload button[aria-label=Clear]")
    ).first.click()
    page.set_input_files("#upload input[type=file]", tmp_path / "Mine.mid")
    expect(page.locator("#own-facts")).to_contain_text("G major")
    expect(page.locator("#own-facts .trouble")).to_have_count(0)
    page.fill("#own-last input", "4")
    page.press("#own-last input", "Tab")
    expect(page.locator("#own-facts")).to_contain_text("bars 0–4 of 8")
    generate(page)
    page.evaluate("musiclstm.player.seekTick(0)")
    page.focus("#roll .html-container")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#chosen-bars")).to_have_text("Bar 0 is chosen.")
    expect(page.locator("#roll .bar-numbers text").first).to_have_text("0")
    expect(page.locator("#heading")).to_contain_text("Jig")
    page.focus("#own-last input")  # a field that is left as it was changes nothing
    page.press("#own-last input", "Tab")
    page.fill("#search input, #search textarea", "Waltz")
    expect(page.locator("#openings .opening:visible")).to_have_count(1)
    expect(page.locator("#heading")).to_contain_text("4 new bars")
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    seed = read_midi(download(page, "#get-seed-midi", tmp_path))
    assert 4 * bar <= seed.notes["onset"].max() < 5 * bar


def test_takes_are_chosen_extended_undone_and_replayed(
    session: Callable[..., Page], browser: Browser, page_address: str, tmp_path: Path
) -> None:
    page = session()
    page.get_by_label("Cautious · default · bold").check()
    generate(page)
    expect(page.locator("#cards .card")).to_have_count(3)
    expect(page.locator("#heading")).to_contain_text("diversity 1.05")
    page.click("#cards .card >> nth=2")
    expect(page.locator("#heading")).to_contain_text("diversity 1.3")
    expect(page.locator("#cards .card[aria-pressed=true]")).to_contain_text("diversity 1.3")
    page.click("#extend")
    expect(page.locator("#heading")).to_contain_text("by extending")
    finished(page)
    expect(page.locator("#cards .card")).to_have_count(0)
    page.click("#undo")
    expect(page.locator("#heading")).to_contain_text("4 new bars")
    expect(page.locator("#cards .card")).to_have_count(3)
    page.click("#extend")
    expect(page.locator("#heading")).to_contain_text("by extending")
    finished(page)
    first = download(page, "#get-joined-midi", tmp_path).read_bytes()

    # The link, in another browser, gives the same bytes, and the model writes them again.
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#link textarea, #link input")).to_have_value(re.compile(r"\?recipe=\w"))
    link = page.locator("#link textarea, #link input").input_value()
    other = session(at=link)
    expect(other.locator("#heading")).to_contain_text("by extending")
    finished(other)
    expect(other.locator("#diversity input[type=number]")).to_have_value("1.3")  # the controls are those that wrote it
    other.get_by_role("button", name="Replay").click()
    other.click("#check")
    expect(other.locator("#checked")).to_contain_text("The same notes were written again.")
    (tmp_path / "other").mkdir()
    assert download(other, "#get-joined-midi", tmp_path / "other").read_bytes() == first

    # What was made stays in the browser's list when the page is loaded again.
    page.reload()
    finished(page)
    page.get_by_role("button", name="Replay").click()
    page.click("#earlier input")
    page.get_by_role("option").first.click()
    expect(page.locator("#heading")).to_contain_text("by extending")


def test_earlier_results_are_pictures_that_bring_them_back(session: Callable[..., Page]) -> None:
    page = session()
    strip, heading, new = page.locator("#strip .opening"), page.locator("#heading"), "#roll svg .continuation"
    expect(strip).to_have_count(0)  # the example stands on the stage
    generate(page, 4)
    expect(strip).to_have_count(0)  # and is not a visitor's own
    march = page.get_attribute(new, "data-notes")
    choose(page, "Jig")
    expect(strip).to_have_count(1)
    expect(strip).to_contain_text("4 new bars")
    strip.click()  # the latest one: Undo has no more than before
    expect(page.locator(new)).to_have_attribute("data-notes", march or "")
    expect(page.locator("#undo")).to_be_disabled()
    choose(page, "Jig")
    expect(strip).to_have_count(1)
    generate(page, 5)
    expect(strip).to_have_count(1)
    expect(strip).to_contain_text("March")
    strip.click()
    expect(heading).to_contain_text("Schumann · March")
    expect(page.locator(new)).to_have_attribute("data-notes", march or "")
    expect(page.locator("#bars input[type=number]")).to_have_value("4")  # the controls are those that wrote it
    expect(strip).to_contain_text("Jig")
    page.click("#undo")
    expect(heading).to_contain_text("Jig")
    page.reload()
    finished(page)
    expect(heading).to_contain_text("Jig")
    expect(strip).to_contain_text("March")


def test_a_damaged_link_is_reported_and_the_page_works(session: Callable[..., Page], page_address: str) -> None:
    page = session(at=f"{page_address}?recipe=nonsense")
    expect(page.get_by_test_id("toast-body").first).to_contain_text("The link")
    generate(page)


@pytest.fixture(scope="module")
def shared(small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[2], bars=4, candidates=1, random_seed=4))


def test_a_link_from_before_links_had_notes_is_written_again(
    session: Callable[..., Page], page_address: str, shared: Composition, tmp_path: Path
) -> None:
    page = session(at=f"{page_address}?recipe={link_from_recipe(shared.recipe)}")
    expect(page.locator("#heading")).to_contain_text("random seed 4")
    finished(page)
    assert read_midi(download(page, "#get-joined-midi", tmp_path)).notes.tolist() == shared.takes[0].joined.notes.tolist()


def test_the_music_of_another_checkpoint_is_shown_and_goes_on(
    session: Callable[..., Page], page_address: str, shared: Composition, tmp_path: Path
) -> None:
    elsewhere = replace(shared, recipe=shared.recipe | {"checkpoint": "elsewhere", "checkpoint_digest": "0" * 16})
    page = session(at=f"{page_address}?recipe={link_of(elsewhere, shared.takes[0])}", viewport=PHONE)
    expect(page.locator("#heading")).to_contain_text("Jig")
    finished(page)
    assert read_midi(download(page, "#get-joined-midi", tmp_path)).notes.tolist() == shared.takes[0].joined.notes.tolist()
    page.get_by_role("button", name="Replay").click()
    page.click("#check")
    expect(page.locator("#checked")).to_contain_text(
        "It was written by elsewhere; this page has small, which writes other notes."
    )
    page.click("#extend")
    expect(page.locator("#heading")).to_contain_text("by extending")
    finished(page)


def test_the_longest_link_opens(session: Callable[..., Page], page_address: str, shared: Composition, tmp_path: Path) -> None:
    rng, take, bars = np.random.default_rng(1), shared.takes[0], 16
    onset = shared.split + rng.integers(0, 72 * bars, 19_000)  # nothing of it can be packed well
    columns = (rng.integers(21, 109, len(onset)), rng.integers(1, 20, len(onset)), rng.integers(1, 128, len(onset)))
    new, old = make_notes(onset, *columns), shared.seed.notes
    joined = replace(take.joined, notes=make_notes(*(np.concatenate([old[name], new[name]]) for name in NAMES)))
    recipe = shared.recipe | {"bars": bars}
    link = link_of(replace(shared, recipe=recipe), replace(take, joined=joined))
    assert 0.85 * limits.LINK_CHARACTERS < len(link) <= limits.LINK_CHARACTERS
    page = session(at=f"{page_address}?recipe={link}")
    expect(page.locator("#heading")).to_contain_text("16 new bars")
    finished(page)
    assert len(read_midi(download(page, "#get-joined-midi", tmp_path))) == len(joined)
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#link textarea, #link input")).to_have_value(f"{page_address}?recipe={link}")


def test_the_score_takes_the_place_of_the_roll_and_follows_the_music(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    roll, notes, new = (page.locator(each) for each in ("#roll", "#sheet .note", "#sheet .note.continuation"))
    show(page, "Score")
    expect(new).not_to_have_count(0)
    expect(roll).to_be_hidden()
    page.click("#player .play")
    expect(page.locator("#sheet .note.sounding")).not_to_have_count(0)
    page.click("#player .play")
    for button in ("#edit-notes", "#player [data-part=original]"):  # what only the roll shows
        page.click(button)
        expect(roll).to_be_visible()
        expect(page.locator("#sheet")).to_be_hidden()
        page.click({"#edit-notes": button}.get(button, "#player [data-part=joined]"))
        expect(roll).to_be_hidden()
    for place in (1, 2):  # the waltz and at once the jig: the last one stays
        page.locator("#openings .opening").nth(place).click()
    expect(page.locator("#sheet")).to_contain_text("Jig")
    expect(new).to_have_count(0)
    expect(notes).to_have_count(41)  # an opening has a score too
    length(page, 4)
    page.click("#generate")
    expect(roll).to_be_visible()  # it grows there
    finished(page)
    expect(new).not_to_have_count(0)
    expect(roll).to_be_hidden()
    assert "<svg" in download(page, "#get-sheet", tmp_path).read_text(encoding="utf-8")
    show(page, "Roll")
    expect(roll).to_be_visible()
    expect(notes).to_have_count(0)


def test_the_notes_of_the_roll_grow_and_shrink(session: Callable[..., Page]) -> None:
    page = session()
    smaller, larger = (page.locator("#zoom button").nth(place) for place in (0, 1))
    width: list[float] = []
    for _ in range(3):
        expect(smaller).to_be_enabled(enabled=bool(width))
        width.append(roll_box(page)["width"])
        larger.click()
    expect(larger).to_be_disabled()
    width.append(roll_box(page)["width"])
    assert np.divide(width, width[0]) == pytest.approx([1, 1.4, 2, 2.8], rel=1e-3)
    tick = 96 * 3  # the fourth bar: a click finds it, however large the notes are
    data = page.evaluate(
        "(({ left, tickPx }) => [Number(left), Number(tickPx)])(document.querySelector('#roll svg[data-clock]').dataset)"
    )
    page.evaluate("document.querySelector('#roll .html-container').scrollLeft = 0")
    box = roll_box(page)
    page.mouse.click(box["x"] + 2.8 * (data[0] + tick * data[1]), box["y"] + 200)
    assert clock(page) == pytest.approx(6.0, abs=0.1)
    smaller.click()
    assert roll_box(page)["width"] == pytest.approx(width[2], rel=1e-3)


def roll_box(page: Page) -> FloatRect:
    box = page.locator("#roll svg[data-clock]").bounding_box()
    assert box is not None
    return box


def test_two_visitors_at_once_do_not_see_each_other(session: Callable[..., Page], tmp_path: Path) -> None:
    one, other = session(), session()
    choose(one, "Jig")
    choose(other, "Waltz")
    for page in (one, other):
        length(page, 4)
    for page in (one, other):
        page.click("#generate")
    for page, name in ((one, "Jig"), (other, "Waltz")):
        expect(page.locator("#heading")).to_contain_text(name)
        finished(page)
        (tmp_path / name).mkdir()
        assert read_midi(download(page, "#get-joined-midi", tmp_path / name)).title == name
        assert page.evaluate("JSON.stringify(localStorage)").count("musiclstm-history") == 1


def test_a_phone_scrolls_only_downwards(session: Callable[..., Page]) -> None:
    page = session(viewport=PHONE, color_scheme="light")
    generate(page)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate("document.querySelector('#roll .html-container').scrollWidth") > PHONE["width"]
        expect(page.locator("#player .player")).to_be_in_viewport()
