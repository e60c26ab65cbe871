"""Takes the pictures of the documentation: the page, and what a first-time visitor sees, presses and hears in half a minute.

Run it after a change of the page: PYTHONPATH=. python scripts/make_pictures.py docs
The visitor is a browser with an empty cache; the times in the picture are those that it really took, with pauses to look and
listen. It needs the packages for development.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from benchmarks.listening import serving, warm_engine

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHECKPOINT = Path("checkpoints/classical-piano")
OPENING = "Prelude in E minor"
WIDE, HIGH, CAPTION, COLUMNS = 640, 400, 30, 2  # pixels of a picture in the strip, and of the words above it
COLOURS = 64


def main() -> None:
    """Write page.png and first-visit.png into the folder that the command line names."""
    folder = Path(sys.argv[1])
    engine = warm_engine(CHECKPOINT)
    with serving(engine) as page:
        browser = page.context.browser
        assert browser is not None
        visitor = browser.new_page(viewport=page.viewport_size)
        pictures = visit(visitor, page.url)
        visitor.close()
    engine.close()
    reduced(pictures[0][1]).save(folder / "page.png", optimize=True)
    reduced(strip(pictures)).save(folder / "first-visit.png", optimize=True)


def visit(page: Page, address: str) -> list[tuple[str, Image.Image]]:
    """What the visitor saw, with words for each picture."""
    began, pictures = time.perf_counter(), list[tuple[str, Image.Image]]()

    def step(words: str, then: Callable[[], object], listen: float) -> None:
        """Do something, wait for so many seconds, and take a picture."""
        at = time.perf_counter() - began
        then()
        page.wait_for_timeout(1000 * listen)
        pictures.append((f"{at:.0f} s  {words}", Image.open(io.BytesIO(page.screenshot()))))

    def arrive() -> None:
        page.goto(address)
        page.wait_for_function("document.body.dataset.takes >= 1")

    def choose() -> None:
        page.click("#seed input")
        page.get_by_role("option", name=OPENING).first.click()
        page.wait_for_function("name => document.querySelector('#heading').innerText.includes(name)", arg=OPENING)

    def turn() -> None:
        page.locator("#view label", has_text="Score").click()
        page.locator("#sheet .note").first.wait_for()

    step("The page opens: a finished continuation, and a big Play.", arrive, 0.5)
    page.wait_for_timeout(1500)
    step("Play: the opening, then what the network wrote.", lambda: page.click("#player .play"), 5)
    step("Another opening is chosen. Its bars wait to be continued.", choose, 2)
    step("Generate: it sounds at once, and is written meanwhile.", lambda: page.click("#generate"), 1.2)
    page.wait_for_timeout(4000)
    step("The whole continuation, while the music plays on.", lambda: None, 1)
    step("The same as a score, which follows the playhead.", turn, 3)
    return pictures


def strip(pictures: list[tuple[str, Image.Image]]) -> Image.Image:
    """All pictures in one, from left to right and down, each with its words above."""
    rows = -(-len(pictures) // COLUMNS)
    whole = Image.new("RGB", (COLUMNS * WIDE, rows * (HIGH + CAPTION)), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(16)
    for place, (words, picture) in enumerate(pictures):
        left, top = place % COLUMNS * WIDE, place // COLUMNS * (HIGH + CAPTION)
        draw.text((left + 8, top + 6), words, "black", font)
        whole.paste(picture.convert("RGB").resize((WIDE - 4, HIGH - 4), Image.Resampling.LANCZOS), (left + 2, top + CAPTION))
    return whole


def reduced(picture: Image.Image) -> Image.Image:
    """With few colours, as a small file."""
    return picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
