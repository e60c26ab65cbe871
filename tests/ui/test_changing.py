"""Changing a take in Chromium: bars written anew, notes moved by hand, undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
from browsing_page import download, finished, generate
from playwright.sync_api import Page, expect
from waiting import wait_until

from musiclstm.formats.midi import read_midi
from musiclstm.ui.results import Result
from musiclstm.ui.session import Session

Rows = list[tuple[int, ...]]


def notes(page: Page) -> Rows:
    """The continuation on the roll: onset, pitch, duration and velocity of each note."""
    text = page.locator("#roll svg .continuation").get_attribute("data-notes") or ""
    return [tuple(map(int, word.split(":"))) for word in text.split()]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def point(page: Page, bar: float) -> tuple[float, float]:
    """The place of a bar on the screen, from 0, near the roll's upper edge, where there are no notes."""
    x, y = page.evaluate(
        """bar => {
          const svg = document.querySelector('#roll svg[data-clock]'), { left, tickPx, bars, top } = svg.dataset;
          svg.scrollIntoView({ block: 'center' });
          const lines = bars.split(' ').map(Number), box = svg.getBoundingClientRect();
          const scale = box.width / svg.viewBox.baseVal.width;
          const tick = lines[0] + bar * (lines[1] - lines[0]);
          return [box.left + (Number(left) + tick * tickPx) * scale, box.top + (Number(top) + 3) * scale];
        }""",
        bar,
    )
    return x, y


def bars_of(page: Page) -> tuple[int, int]:
    """Ticks of a bar, and bars of the opening."""
    bar, split = page.evaluate(
        "({ bars, split }) => [Number(bars.split(' ')[1]), Number(split)]",
        page.evaluate("({ ...document.querySelector('#roll svg[data-clock]').dataset })"),
    )
    return bar, split // bar


def test_chosen_bars_are_written_anew_and_all_others_stay(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    generate(page)
    expect(page.locator("#rewrite")).to_be_hidden()
    bar, opening = bars_of(page)
    before = notes(page)
    drag(page, point(page, opening + 1.2), point(page, opening + 2.8))
    expect(page.locator("#chosen-bars")).to_have_text(f"Bars {opening + 2} to {opening + 3} are chosen.")
    page.click("#rewrite")
    expect(page.locator("#cards .card")).to_have_count(3)
    finished(page)
    inside = range((opening + 1) * bar, (opening + 3) * bar)
    stays = [[row[:2] for row in rows if row[0] not in inside] for rows in (before, notes(page))]
    assert stays[0] == stays[1]
    assert notes(page) != before
    page.click("#undo")
    expect(page.locator("#cards .card")).to_have_count(0)
    wait_until(lambda: notes(page) == before)
    page.click("#redo")
    expect(page.locator("#cards .card")).to_have_count(3)

    # And the music goes on after the chosen bars.
    drag(page, point(page, opening + 0.2), point(page, opening + 0.8))
    expect(page.locator("#chosen-bars")).to_have_text(f"Bar {opening + 1} is chosen.")
    page.click("#write-on")
    expect(page.locator("#heading")).to_contain_text("5 new bars")
    finished(page)
    first = [row[:2] for row in before if row[0] < (opening + 1) * bar]
    assert [row[:2] for row in notes(page)][: len(first)] == first
    assert len(read_midi(download(page, "#get-continuation-midi", tmp_path))) == len(notes(page))


def test_notes_are_changed_by_mouse_and_keys_and_stay_changed(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    generate(page)
    before = notes(page)
    page.click("#edit-notes")
    expect(page.locator("#edit-notes")).to_have_attribute("aria-pressed", "true")
    pitches = {pitch for _, pitch, *_ in before}
    place = next(index for index, (_, pitch, *_) in enumerate(before) if pitch < 100 and pitch + 1 not in pitches)
    note = page.locator("#roll .continuation rect").nth(place)
    note.scroll_into_view_if_needed()
    note.click(position={"x": 1, "y": 2})
    expect(page.locator("#tools-said")).to_contain_text("velocity")
    onset, pitch, duration, velocity = before[place]
    for key, expected in (
        ("ArrowUp", (onset, pitch + 1, duration, velocity)),
        ("]", (onset, pitch + 1, duration + 6, velocity)),
        ("+", (onset, pitch + 1, duration + 6, min(127, velocity + 8))),
    ):
        page.keyboard.press(key)
        page.wait_for_function("row => document.querySelector('#roll .continuation')?.dataset.notes.split(' ').includes(row)",
                               arg=":".join(map(str, expected)))  # fmt: skip
    page.keyboard.press("Delete")
    page.wait_for_function("count => document.querySelectorAll('#roll .continuation rect').length === count", arg=len(before) - 1)
    _, opening = bars_of(page)
    places = cycle((0.05, 0.3, 0.55, 0.8))  # the take is another one each time, and may have its highest note at one of them

    def note_added() -> bool:
        if len(notes(page)) < len(before):  # until the change before has been answered, another one is not taken
            page.mouse.dblclick(*point(page, opening + next(places)))
        return len(notes(page)) == len(before)

    wait_until(note_added, 1.0)
    added = set(notes(page)) - set(before)
    assert len(added) == 1
    for _ in range(5):
        page.click("#undo")
    page.wait_for_function("rows => document.querySelector('#roll .continuation')?.dataset.notes === rows",
                           arg=" ".join(":".join(map(str, row)) for row in before))  # fmt: skip
    expect(page.locator("#undo")).to_be_disabled()
    for _ in range(5):
        page.click("#redo")
    wait_until(lambda: set(notes(page)) - set(before) == added)
    expect(page.locator("#redo")).to_be_disabled()

    # The link, the files and a check know the changes.
    page.get_by_role("button", name="Replay").click()
    page.click("#check")
    expect(page.locator("#checked")).to_contain_text("The same notes were written again.")
    assert len(read_midi(download(page, "#get-continuation-midi", tmp_path))) == len(before)
    other = session(at=page.locator("#link textarea, #link input").input_value())
    expect(other.locator("#roll .continuation rect")).to_have_count(len(before))
    assert set(notes(other)) - set(before) == added


def test_undo_and_redo_go_through_all_results() -> None:
    session = Session()
    with pytest.raises(Exception, match="nothing to undo"):
        session.go_back()
    with pytest.raises(Exception, match="nothing to redo"):
        session.go_forward()
    first, second, third = (Result((), chosen) for chosen in range(3))
    session.add(first)
    session.add(second)
    session.go_back()
    assert session.result == first
    session.go_forward()
    assert session.result == second
    session.go_back()
    session.add(third)
    with pytest.raises(Exception, match="nothing to redo"):
        session.go_forward()
    session.opening = True  # another opening was chosen
    session.go_back()
    assert session.results == [first, third]
