"""A page with a tiny network, and Chromium, for all tests of the page in one process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from browsing_page import ready
from playwright.sync_api import Browser, Page, expect, sync_playwright
from waiting import PATIENCE, wait_until

from musiclstm.checkpoint import Checkpoint
from musiclstm.formats.reader import MusicReader
from musiclstm.render.samples import SampleLibrary
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine, Job, Progress
from musiclstm.ui.page import build_page, launch

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
DESK = {"width": 1440, "height": 1000}


class Unhurried(Engine):
    """An engine that, in a long take, waits for Stop after its first bars."""

    def perform(self, job: Job, stopped: Callable[[], bool], visitor: str = "") -> Iterator[Progress]:
        for progress in super().perform(job, stopped, visitor):
            yield progress
            if job.bars > 16 and progress.composition is not None and progress.composition.bars:
                wait_until(stopped)


@pytest.fixture(scope="session")
def small_checkpoint(small_checkpoint: Checkpoint) -> Checkpoint:
    """The same without XLA: a page's visitors write few notes."""
    return replace(small_checkpoint, build=lambda: small_checkpoint.network)


@pytest.fixture(scope="session")
def page_address(small_checkpoint: Checkpoint, samples: SampleLibrary) -> Iterator[str]:
    engine = Unhurried(small_checkpoint, bars=4)
    engine.warm_up()
    wait_until(lambda: engine.example is not None)
    with MusicReader() as reader:
        page = build_page(ActiveCheckpoint(engine), reader)
        yield launch(page, samples, prevent_thread_lock=True, quiet=True)
        page.close()
        engine.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Debian's where it is installed, else the one that Playwright brought.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium-headless-shell"), args=FLAGS.split())
        expect.set_options(timeout=1000 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def session(browser: Browser, page_address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page as a new visitor; no request may leave the page's server and no script may fail.

    ``init``: a script that runs before those of the page.
    """
    contexts, elsewhere, failures = [], [], []

    def arrive(at: str = page_address, init: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "accept_downloads": True, **options})
        contexts.append(context)
        context.on("request", lambda r: None if r.url.startswith((page_address, "data:", "blob:")) else elsewhere.append(r.url))
        page = context.new_page()
        page.add_init_script(init)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(at)
        ready(page)
        if at == page_address:  # the example comes last; what is typed before it is lost
            expect(page.locator("#roll svg .continuation rect")).not_to_have_count(0)
            page.wait_for_function("document.body.dataset.takes >= 1")  # and is counted as the first take
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert not elsewhere
    assert not failures
