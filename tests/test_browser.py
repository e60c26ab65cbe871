"""Visits in Chromium, on a desk and on a phone: choose, generate, play, download, stop; and no request leaves the machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from musiclstm.checkpoint import Checkpoint
from musiclstm.compose import ComposeRequest
from musiclstm.midi import read_midi
from musiclstm.ui.page import build_page, launch
from musiclstm.ui.stage import Stage
from musiclstm.ui.studio import Moment, Studio

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
PATIENCE = 30_000  # milliseconds, for machines that do something else too
DESK, PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


class Unhurried(Studio):
    """A studio that takes its time over long takes, so that one can press Stop."""

    def perform(self, request: ComposeRequest, stopped: Callable[[], bool]) -> Iterator[Moment]:
        for moment in super().perform(request, stopped):
            yield moment
            time.sleep(1.0 if request.bars > 16 else 0.0)


@pytest.fixture(scope="module")
def address(small_checkpoint: Checkpoint) -> Iterator[str]:
    studio = Unhurried(small_checkpoint, bars=4)
    studio.warm_up()
    until = time.monotonic() + 120
    while studio.example is None and time.monotonic() < until:
        time.sleep(0.1)
    page = build_page(Stage(studio))
    yield launch(page, prevent_thread_lock=True, quiet=True)
    page.close()
    studio.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Debian's where it is installed, else the one that Playwright brought.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page as a new visitor; whatever the test does, no request may go elsewhere and no script may fail."""
    contexts, elsewhere, failures = [], [], []

    def arrive(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "accept_downloads": True, **options})
        contexts.append(context)
        context.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else elsewhere.append(r.url))
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        ready(page, "seed-player")
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert not elsewhere
    assert not failures


def ready(page: Page, player: str) -> None:
    """Wait until a player has read its sound."""
    page.wait_for_function(
        "id => !['', '0:00', undefined].includes(document.querySelector(`#${id} #duration`)?.textContent)", arg=player
    )


def choose(page: Page, seed: str) -> None:
    page.click("#seed input")
    page.get_by_role("option", name=seed).click()


def generate(page: Page, bars: int = 4, *, again: bool = False) -> None:
    """Press Generate and wait for the players; ``again`` if the same take is expected, whose sound is not read a second time."""
    page.fill("#bars input[type=number]", str(bars))
    page.press("#bars input[type=number]", "Tab")
    if not again:
        page.evaluate("document.querySelector('#take-joined #duration').textContent = ''")  # until the new sound is read
    page.click("#generate")
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator("#generate")).to_have_text("Generate", timeout=PATIENCE)
    expect(page.locator(".growing")).to_have_count(0, timeout=PATIENCE)
    ready(page, "take-joined")


def plays(page: Page, player: str) -> None:
    """Wait until a player's clock moves."""
    page.wait_for_function("id => !['', '0:00'].includes(document.querySelector(`#${id} #time`).textContent)", arg=player)


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as started:
        page.click(button)
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def test_a_visitor_finds_a_seed_and_a_finished_example(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page.locator("#facts")).to_contain_text("C major")
    expect(page.locator("#seed-roll svg .seed rect")).not_to_have_count(0)
    expect(page.locator("#heading")).to_contain_text("Schumann · March")
    expect(page.locator("#masthead")).to_contain_text("small @ bundled")
    for player in ("take-seed", "take-continuation", "take-joined"):
        ready(page, player)


def test_the_whole_way_from_a_seed_to_a_file(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    choose(page, "Waltz")
    expect(page.locator("#facts")).to_contain_text("A minor")
    plays(page, "seed-player")  # a seed that was chosen is heard
    expect(page.locator("#heading")).to_contain_text("March")  # and the last take is still there
    generate(page)
    expect(page.locator("#heading")).to_contain_text("Chopin · Waltz")
    expect(page.locator("#heading")).to_contain_text("4 new bars")
    shown = page.locator("#roll svg .continuation rect").count()
    page.click("#take-joined button[aria-label=Play]")
    plays(page, "take-joined")
    expect(page.locator("#roll .playhead")).to_have_count(1)
    expect(page.locator("button[aria-label=Pause]")).to_have_count(1)  # one player at a time

    joined = read_midi(download(page, "#get-joined-midi", tmp_path))
    seed = read_midi(download(page, "#get-seed-midi", tmp_path))
    assert len(joined) == len(seed) + shown
    assert joined.notes[: len(seed)].tolist() == seed.notes.tolist()
    score = download(page, "#get-score", tmp_path)
    assert "<score-partwise" in score.read_text(encoding="utf-8")
    assert download(page, "#get-everything", tmp_path).stat().st_size > 100_000


def test_stop_keeps_what_is_written(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    page.fill("#bars input[type=number]", "32")
    page.press("#bars input[type=number]", "Tab")
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


def test_a_random_seed_that_is_kept_gives_the_same_take(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    page.get_by_role("button", name="More").click()
    page.click("#dice")
    expect(page.locator("#fresh input")).not_to_be_checked()
    takes = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        generate(page, again=name == "second")
        takes.append(download(page, "#get-joined-midi", tmp_path / name).read_bytes())
    number = page.input_value("#random-seed input")
    assert f"random seed {number}" in page.inner_text("#heading")
    assert takes[0] == takes[1]


def test_a_number_out_of_range_is_told_and_the_last_take_stays(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="More").click()
    page.fill("#tempo input", "1000")
    page.click("#generate")
    expect(page.get_by_test_id("toast-body").first).to_contain_text("between 20 and 400", timeout=PATIENCE)
    expect(page.locator("#generate")).to_have_text("Generate", timeout=PATIENCE)
    expect(page.locator("#heading")).to_contain_text("Schumann · March")
    expect(page.locator("#take-joined")).to_be_visible()


def test_without_a_synthesizer_the_page_says_what_to_install(
    visit: Callable[..., Page], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = visit()
    monkeypatch.setenv("PATH", "/nowhere")
    page.click("#generate")
    expect(page.locator("#notice")).to_contain_text("install", timeout=PATIENCE)
    expect(page.locator("#players")).to_have_count(0)
    assert len(read_midi(download(page, "#get-joined-midi", tmp_path)))


def test_visitors_do_not_see_each_other(visit: Callable[..., Page]) -> None:
    one, other = visit(), visit()
    choose(one, "Jig")
    generate(one)
    expect(one.locator("#heading")).to_contain_text("Jig")
    expect(other.locator("#heading")).to_contain_text("March")
    expect(other.locator("#facts")).to_contain_text("C major")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_only_downwards(visit: Callable[..., Page], scheme: str) -> None:
    page = visit(viewport=PHONE, color_scheme=scheme)
    generate(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("document.querySelector('#roll .html-container').scrollWidth") > PHONE["width"]
    expect(page.locator("#take-joined")).to_be_in_viewport()
