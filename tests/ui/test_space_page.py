"""The page on a Space: a visitor signs in at a local Hub, saves a version, and opens it in another browser.

One page in a process of its own serves all tests here, since Gradio reads what signing in needs when it is imported.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing_page import download, findings, ready
from hub_client import ROOT, environment
from hub_oauth import CLIENT, SECRET
from hub_server import LocalHub
from playwright.sync_api import Browser, BrowserContext, Page, expect
from waiting import PATIENCE, wait_until

pytestmark = pytest.mark.programs

REPO = "anna/musiclstm-versions"
SCOPES = "openid profile contribute-repos"
# Colours on their way to others, and those of what is being asked for, are not looked at.
STILL = "* { transition: none !important; } .pending { opacity: 1 !important; }"


@dataclass(frozen=True)
class Space:
    """A running page: its ``address``, and where it ``logs``."""

    address: str
    logs: Path


@pytest.fixture(scope="module")
def space(running: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    folder = tmp_path_factory.mktemp("space")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "SYSTEM": "spaces",
        "SPACE_ID": "anna/musiclstm",
        "SPACE_HOST": f"127.0.0.1:{port}",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "OAUTH_CLIENT_ID": CLIENT,
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": SCOPES,
        "OPENID_PROVIDER_URL": running.url,
    }
    logs = folder / "log"
    with logs.open("w", encoding="utf-8") as log:
        program = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "space_program.py"), str(folder)],
            env=environment(running.url, folder / "home") | settings,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    assert program.stdin is not None
    try:
        wait_until(lambda: (folder / "address").exists() or program.poll() is not None)
        assert program.poll() is None, logs.read_text(encoding="utf-8")
        yield Space((folder / "address").read_text(encoding="ascii").rstrip("/"), logs)
        program.stdin.close()
        program.wait(PATIENCE)
    finally:
        program.kill()


@pytest.fixture
def visitor(browser: Browser, space: Space) -> Iterator[Callable[..., Page]]:
    """Opens the page in a browser that has never seen it."""
    contexts: list[BrowserContext] = []

    def arrive(path: str = "/", locale: str = "en") -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True, locale=locale)
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.goto(space.address + path)
        settled(page)
        return page

    yield arrive
    for context in contexts:
        context.close()


def settled(page: Page) -> None:
    """Wait for the example or the visitor's own take."""
    ready(page)
    expect(page.locator("#roll svg .continuation rect")).not_to_have_count(0)
    expect(page.locator("#downloads")).to_be_visible()


def sign_in(page: Page) -> None:
    page.click("#hub-fold > button")
    page.click("#hub-account .sign-in")
    settled(page)
    expect(page.locator("#hub-account")).to_contain_text("(anna)")  # the fold is open again


def save(page: Page) -> None:
    page.click("#hub-save")
    expect(page.locator("#hub-told")).to_have_text(re.compile(REPO))


def files_of(hub: LocalHub) -> dict[str, bytes]:
    repository = hub.repositories["dataset", REPO]
    return repository.commits[repository.refs["main"]]


def transposed(page: Page, semitones: int) -> None:
    page.fill("#transposition input[type=number]", str(semitones))
    page.press("#transposition input[type=number]", "Tab")
    expect(page.locator("#heading")).to_contain_text(f"transposed by {semitones:+d}")


def test_a_version_saved_in_one_browser_opens_in_another_note_for_note(
    hub: LocalHub, space: Space, visitor: Callable[..., Page], tmp_path: Path
) -> None:
    page = visitor()
    assert not hub.requests  # nothing is asked for without a click
    sign_in(page)
    assert hub.asked_scopes == SCOPES.split()
    transposed(page, 3)
    save(page)
    midi = download(page, "#get-joined-midi", tmp_path).read_bytes()
    (saved,) = (data for name, data in files_of(hub).items() if name.endswith(".mid"))
    assert saved == midi
    assert {Path(name).suffix for name in files_of(hub) if name.startswith("versions/")} == {".mid", ".musicxml", ".json", ".txt"}
    assert hub.repositories["dataset", REPO].access == "private"

    other = visitor()
    sign_in(other)
    other.click("#hub-saved input")
    other.get_by_role("option").first.click()
    expect(other.locator("#heading")).to_contain_text("transposed by +3")
    expect(other.locator("#hub-saved input")).to_have_value("")
    (tmp_path / "other").mkdir()
    assert download(other, "#get-joined-midi", tmp_path / "other").read_bytes() == midi
    assert hub.token not in space.logs.read_text(encoding="utf-8")


def test_each_refusal_is_one_sentence_in_the_visitors_language(hub: LocalHub, space: Space, visitor: Callable[..., Page]) -> None:
    page = visitor(locale="de")
    told = page.locator("#hub-told p")
    sign_in(page)
    hub.status, hub.status_for = 403, "/(preupload|commit)/"
    page.click("#hub-save")
    expect(told).to_contain_text(f"Der Hub gibt dieser Seite keinen Zugang zu {REPO}")
    hub.repair()
    hub.commit(REPO, {"versions/20260101T120000Z-song/link.txt": b"abc"}, kind="dataset")
    page.click("#hub-fold > button")
    page.click("#hub-fold > button")
    page.click("#hub-saved input")
    page.get_by_role("option").first.click()
    expect(told).to_contain_text("Diese Fassung lässt sich nicht öffnen")
    expect(page.locator(".toast-body")).to_have_count(0)
    hub.status, hub.status_for = 401, "/(preupload|commit)/"  # the token is void now
    page.click("#hub-save")
    expect(told).to_have_text("Du bist nicht mehr angemeldet: Melde dich noch einmal an.")
    expect(page.locator("#hub-account .sign-in")).to_be_visible()
    expect(page.locator("#hub-save")).to_have_count(0)


def test_who_is_not_let_in_comes_back_to_a_sentence(hub: LocalHub, visitor: Callable[..., Page]) -> None:
    page = visitor()
    for trouble in ("refused", "away"):
        hub.refuse_to_sign_in = trouble == "refused"
        hub.status, hub.status_for = (503, "/oauth/token") if trouble == "away" else (None, "")
        page.click("#hub-fold > button")
        page.click("#hub-account .sign-in")
        settled(page)
        expect(page.locator("#hub-told p")).to_have_text("You are not signed in: the Hub didn't allow it, or can't be reached.")
        hub.repair()
        page.goto(page.url.split("?")[0])
        settled(page)


def test_a_sign_in_ends_with_its_token_and_by_a_click(hub: LocalHub, visitor: Callable[..., Page]) -> None:
    page = visitor()
    sign_in(page)
    page.click("#hub-account a[href^='/logout']")
    settled(page)
    expect(page.locator("#hub-account .sign-in")).to_be_visible()
    hub.token_seconds = -1
    page.click("#hub-account .sign-in")
    settled(page)
    expect(page.locator("#hub-account .sign-in")).to_be_visible()
    assert not hub.repositories


def test_the_links_of_a_space_carry_the_music(hub: LocalHub, space: Space, visitor: Callable[..., Page]) -> None:
    page = visitor()
    transposed(page, 2)
    page.evaluate("window.open = () => null; document.addEventListener('click', (event) => event.preventDefault())")
    page.click("#space .to-community")
    address = page.get_attribute("#space .to-community", "href") or ""
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith("https://huggingface.co/spaces/anna/musiclstm/discussions/new?")
    assert asked["description"][0].startswith(f"{space.address}/?recipe=")
    assert asked["title"] == [page.inner_text("#heading h2")]
    expect(page.locator("#space a").last).to_have_attribute("href", "https://huggingface.co/spaces/anna/musiclstm?duplicate=true")
    expect(page.locator(".own-tab")).to_be_hidden()
    page.set_content(f'<iframe src="{space.address}/?recipe={asked["description"][0].partition("=")[2]}"></iframe>')
    framed = page.frame_locator("iframe")
    expect(framed.locator("#heading")).to_contain_text("transposed by +2")
    expect(framed.locator(".own-tab")).to_be_visible()
    framed.locator(".own-tab").evaluate(
        "(link) => { link.addEventListener('click', (event) => event.preventDefault()); link.click(); }"
    )
    expect(framed.locator(".own-tab")).to_have_attribute("href", asked["description"][0])


def test_axe_finds_nothing_in_saved_versions(hub: LocalHub, visitor: Callable[..., Page]) -> None:
    page = visitor()
    page.add_style_tag(content=STILL)
    page.click("#hub-fold > button")
    trouble = {"signed out": findings(page)}
    page.click("#hub-account .sign-in")
    settled(page)
    page.add_style_tag(content=STILL)
    save(page)
    expect(page.locator("#hub-saved")).to_be_visible()
    trouble["saved"] = findings(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body.dark")).to_have_count(1)
    hub.status, hub.status_for = 403, "/(preupload|commit)/"
    page.click("#hub-save")
    expect(page.locator("#hub-told .trouble")).to_be_visible()
    trouble["dark"] = findings(page)
    assert not any(trouble.values()), trouble
