"""What axe-core finds on the page, which knows what people with screen readers, keyboards or weak eyes can't use, and more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from browsing_page import findings, generate, plays, show
from playwright.sync_api import Page, expect


def test_axe_finds_nothing_in_any_state_of_the_page(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    page.add_style_tag(content="* { transition: none !important; }")  # colours on their way to others are not looked at
    trouble = {"start": findings(page)}
    generate(page)
    trouble["take"] = findings(page)
    page.click("#edit-notes")
    expect(page.locator("#edit-notes")).to_have_attribute("aria-pressed", "true")
    trouble["edit"] = findings(page)
    page.click("#edit-notes")
    (tmp_path / "broken.mid").write_bytes(b"MThd no music")
    page.click("#own > button")
    page.set_input_files("#upload input[type=file]", tmp_path / "broken.mid")
    expect(page.locator("#own-facts .trouble")).to_be_visible()
    for fold in ("advanced", "replay-fold"):
        page.click(f"#{fold} > button")
    show(page, "Score")
    expect(page.locator("#sheet svg").first).to_be_visible()
    trouble["unfolded"] = findings(page)
    page.click("#play-your-own")
    expect(page.locator("#keys")).to_be_visible()
    trouble["keyboard"] = findings(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body.dark")).to_have_count(1)
    trouble["dark"] = findings(page)
    assert not any(trouble.values()), "\n".join(f"{state} {each}" for state, all_ in trouble.items() for each in all_)
    page.evaluate("document.querySelector('#play-your-own').innerText = ''")
    assert [each.split(":")[0] for each in findings(page)] == ["button-name"]  # it does look


def test_a_screen_reader_hears_whole_seconds(session: Callable[..., Page]) -> None:
    page = session()
    told = page.evaluate_handle("""() => {
      const told = [], slider = document.querySelector("#player .position");
      const hear = () => told.push(slider.getAttribute("aria-valuetext"));
      new MutationObserver(hear).observe(slider, { attributeFilter: ["aria-valuetext"] });
      return told;
    }""")
    page.click("#player .play")
    plays(page)
    page.wait_for_function("told => told.length > 1", arg=told)
    heard = told.json_value()
    assert all(re.fullmatch(r"(1 second|\d+ seconds) of \d+ seconds", each) for each in heard)
    assert len(heard) == len(set(heard))  # not with every picture
