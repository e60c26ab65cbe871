"""What a visitor in Chromium does, for the tests of the page."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# A MIDI keyboard that the test plays.
PIANO = """() => {
  const input = { name: "Test piano", onmidimessage: null };
  navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", input]]), onstatechange: null });
  window.strike = (key, at, seconds) => {
    input.onmidimessage({ data: [0x90, key, 90], timeStamp: 1000 * at });
    input.onmidimessage({ data: [0x80, key, 0], timeStamp: 1000 * (at + seconds) });
  };
}"""

# What is Gradio's own, and can't be changed from here.
GRADIO = {("nested-interactive", ".toast-header")}  # of an error: a button that folds it, with the button that closes it inside


def ready(page: Page) -> None:
    """Wait until an opening is drawn, and the page's script knows it."""
    expect(page.locator("#roll svg .seed rect")).not_to_have_count(0)
    expect(page.locator("#player .play")).to_be_enabled()


def choose(page: Page, seed: str) -> None:
    page.click("#seed input")
    page.get_by_role("option", name=seed).click()


def show(page: Page, view: str) -> None:
    """Choose the "Roll" or the "Score"."""
    page.locator("#view label", has_text=view).click()
    expect(page.locator("#view label.selected")).to_have_text(view)


def length(page: Page, bars: int) -> None:
    page.fill("#bars input[type=number]", str(bars))
    page.press("#bars input[type=number]", "Tab")


def generate(page: Page, bars: int = 4, *, listens: bool = False) -> None:
    """Press Generate and wait for the player. It plays since the click; only who ``listens`` lets it, which takes half a core."""
    length(page, bars)
    before, heading = page.evaluate("[document.body.dataset.takes ?? 0, document.querySelector('#heading').innerText]")
    page.click("#generate")
    if page.evaluate("document.querySelector('#fresh input')?.checked ?? true"):  # another random seed, so another heading
        expect(page.locator("#heading")).not_to_have_text(heading, use_inner_text=True)
    page.wait_for_function("before => (document.body.dataset.takes ?? 0) > Number(before)", arg=before)
    if not listens:
        page.evaluate("musiclstm.player.pause()")
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator("#generate")).to_have_text("Generate")
    expect(page.locator(".growing")).to_have_count(0)
    expect(page.locator("#player .play")).to_be_enabled()


def clock(page: Page) -> float:
    """The position of the player in seconds."""
    return float(page.input_value("#player .position"))


def plays(page: Page) -> None:
    """Wait until the player's clock moves."""
    before = clock(page)
    page.wait_for_function("before => Number(document.querySelector('#player .position').value) > before", arg=before)


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as started:
        page.click(button)
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def findings(page: Page) -> list[str]:
    """What axe finds: the rule, the element, and why."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    ours = [(each["id"], node) for each in found for node in each["nodes"] if (each["id"], *node["target"]) not in GRADIO]
    return [f"{rule}: {node['target']} {node['failureSummary']}" for rule, node in ours]
