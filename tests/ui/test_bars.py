"""Bars of a take in Chromium: chosen with the mouse, a finger and keys, deleted, locked; MIDI files dragged out of the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing_page import clock, download, finished, show
from playwright.sync_api import Page, expect
from waiting import PATIENCE, wait_until

from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.formats.midi import read_midi
from musiclstm.generation.composition import compose
from musiclstm.generation.edits import Edit
from musiclstm.generation.request import ComposeRequest
from musiclstm.model import Turn
from musiclstm.seeds.seed import seed_from_piece
from musiclstm.ui.bars import bars_in, changed_by, named, rewriting, toggled, unlocked_runs, without_bars
from musiclstm.ui.engine import Engine
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import Session

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
BAR, LAST = 96, 12  # the first opening has eight bars in 4/4; the page's example goes on for four
Rows = list[tuple[int, int]]
NOTES = """rows => JSON.stringify(rows) === JSON.stringify(
  document.querySelector('#roll .continuation')?.dataset.notes.split(' ').map(word => word.split(':').slice(0, 2).map(Number)))"""
# Fingers rest when the test says so, not when the machine is slow; so a tap happens all at once.
RESTING = """() => {
  const timed = window.setTimeout;
  window.setTimeout = (done, after, ...given) =>
    after === musiclstm.bars.HOLD ? Number(!(window.rest = done)) : timed(done, after, ...given);
}"""
TAP = """([clientX, clientY]) => {
  const at = { clientX, clientY, bubbles: true, button: 0, isPrimary: true, pointerId: 7, pointerType: 'touch' };
  const target = document.elementFromPoint(clientX, clientY);
  for (const kind of ['pointerdown', 'pointerup', 'click']) target.dispatchEvent(new PointerEvent(kind, at));
}"""


def notes(page: Page) -> Rows:
    """Onset and pitch of each note of the continuation on the roll."""
    text = page.locator("#roll svg .continuation").get_attribute("data-notes") or ""
    return [(int(onset), int(pitch)) for onset, pitch, *_ in (word.split(":") for word in text.split())]


def in_bars(rows: Rows, first: int, last: int) -> Rows:
    return [row for row in rows if (first - 1) * BAR <= row[0] < last * BAR]


def on_roll(page: Page, bar: float) -> tuple[float, float]:
    """A place on the screen where a bar, counted from 1, is on the roll; 9.5 is the middle of bar 9. Above the notes."""
    x, y = page.evaluate(
        """bar => {
          const svg = document.querySelector('#roll svg[data-voices]'), { left, tickPx, top } = svg.dataset;
          svg.scrollIntoView({ block: 'center', inline: 'nearest' });
          const holder = document.querySelector('#roll .html-container');
          const x = Number(left) + (bar - 1) * 96 * tickPx;
          if (holder.scrollWidth > holder.clientWidth) holder.scrollLeft = x - holder.clientWidth / 2;
          const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
          return [box.left + x * scale, box.top + (Number(top) + 3) * scale];
        }""",
        bar,
    )
    return x, y


def on_sheet(page: Page, bar: int) -> tuple[float, float]:
    """A place on the screen between the staves of a bar in the sheet music, where there is nothing."""
    x, y = page.evaluate(
        """bar => {
          const measure = document.querySelectorAll('#sheet .measure')[bar - 1];
          measure.scrollIntoView({ block: 'center' });
          const [upper, lower] = [...measure.querySelectorAll('.staff')].map(
            staff => [...staff.querySelectorAll(':scope > path')].map(line => line.getBoundingClientRect()));
          const x = upper[0].left + upper[0].width * 0.6;
          for (let y = upper.at(-1).bottom + 4; y < lower[0].top; y += 2)
            if (!document.elementFromPoint(x, y).closest('.note')) return [x, y];
        }""",
        bar,
    )
    return x, y


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def chosen(page: Page, words: str) -> None:
    """The page shows and says which bars are chosen."""
    expect(page.locator("#chosen-bars")).to_have_text(words)
    said = page.locator("#player .bars-said")
    expect(said).to_have_attribute("role", "status")
    expect(said).to_have_text(words)


def test_bars_are_named_as_a_musician_names_them() -> None:
    bars = ([9], [9, 10], [9, 10, 11, 14], [1, 3, 5, 6])
    assert [str(named(each)) for each in bars] == ["Bar 9", "Bars 9 to 10", "Bars 9 to 11 and 14", "Bars 1, 3 and 5 to 6"]


def test_locked_bars_split_what_is_rewritten() -> None:
    assert unlocked_runs((9, 14), frozenset({3, 9, 11, 12, 20})) == [(10, 10), (13, 14)]
    assert unlocked_runs((9, 14), frozenset()) == [(9, 14)]
    assert unlocked_runs((9, 10), frozenset({9, 10})) == []


@pytest.mark.parametrize(
    "text", ["", "null", "[1]", "[1, 2, 3]", "[2, 1]", "[0, 1]", "[1, true]", "[1, 999999999]", '{"a": 1}', "[" * 50]
)
def test_what_is_no_choice_of_bars_is_none(text: str) -> None:
    assert bars_in(text) is None
    assert bars_in("[9, 12]") == (9, 12)


@pytest.fixture(scope="module")
def shown(small_checkpoint: Checkpoint) -> Shown:
    composition = compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=4, candidates=1))
    return Shown(composition, composition.takes[0], "1")


def test_bars_of_the_continuation_are_locked_and_unlocked(shown: Shown) -> None:
    assert toggled(shown, (7, 10)) == {9, 10}
    assert toggled(replace(shown, locked=frozenset({10})), (9, 11)) == {9, 10, 11}
    assert toggled(replace(shown, locked=frozenset({9, 10, 11})), (9, 10)) == {11}
    with pytest.raises(OptionError, match="The opening stays as it is anyway"):
        toggled(shown, (1, 8))


def test_locked_bars_move_up_and_are_neither_deleted_nor_changed(shown: Shown, small_checkpoint: Checkpoint) -> None:
    held = replace(shown, locked=frozenset({9, 11, 12}))
    shorter, locked = without_bars(held, (10, 10), small_checkpoint)
    assert (shorter.bars, sorted(locked)) == (3, [9, 10, 11])
    with pytest.raises(OptionError, match="Bars 11 to 12 are locked: to delete these bars, unlock them first"):
        without_bars(held, (10, 12), small_checkpoint)
    for onset, free in ((9 * BAR, True), (10 * BAR - 1, True), (10 * BAR, False), (8 * BAR, False)):
        edit = Edit(added=((onset, 60, 12, 64),))
        if free:
            assert (onset, 60) in {row[:2] for row in changed_by(held, edit, small_checkpoint).takes[0].joined.notes.tolist()}
        else:
            with pytest.raises(OptionError, match="locked: to change notes there, unlock it first"):
                changed_by(held, edit, small_checkpoint)


def test_locked_bars_belong_to_a_take_and_come_back_with_undo(shown: Shown) -> None:
    session = Session()
    session.add(Result((shown, shown), chosen=1))
    session.lock(frozenset({9}))
    assert session.result is not None
    assert [take.locked for take in session.result.takes] == [frozenset(), {9}]
    session.add(Result((shown,)).with_locked(session.result.shown.locked))
    session.lock(frozenset())
    session.go_back()
    assert session.result.shown.locked == {9}
    session.go_forward()
    assert session.result.shown.locked == frozenset()


def test_what_is_locked_is_not_rewritten(shown: Shown) -> None:
    with pytest.raises(OptionError, match="Bars 9 to 10 are locked: to have these bars written anew, unlock them"):
        rewriting(replace(shown, locked=frozenset({9, 10})), (9, 10), 1)
    with pytest.raises(OptionError, match="Only bars 9 to 12 can be regenerated"):
        rewriting(shown, (8, 9), 1)


def test_locked_bars_have_the_numbers_of_the_score_where_a_pickup_is_bar_0(small_checkpoint: Checkpoint) -> None:
    march = small_checkpoint.seeds[0].piece
    upbeat = seed_from_piece(replace(march, notes=march.notes[march.notes["onset"] >= 72].copy()))
    composition = compose(small_checkpoint, ComposeRequest(upbeat, bars=2, candidates=1))
    after = Shown(composition, composition.takes[0], "1", locked=frozenset({9}))
    with pytest.raises(OptionError, match="Bar 8 is locked"):
        rewriting(after, (9, 9), 1)
    with pytest.raises(OptionError, match="Only bars of the continuation can be deleted, from bar 8 on"):
        without_bars(after, (8, 9), small_checkpoint)
    made = rewriting(replace(after, locked=frozenset()), (10, 10), 1).requests(Turn())[0]
    assert made.numbers == (9, 9)


def test_what_would_be_too_much_to_rewrite_is_refused_before_anything_is_written(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = replace(shown, locked=frozenset({10}))
    assert len(rewriting(around, (9, 11), 1).later) == 1
    for limit, value, says in (("BARS", 1, "at once, not 2"), ("BARS_IN_ALL", 5, "in total"), ("NESTED", 1, "changed 1 times")):
        with monkeypatch.context() as patch, pytest.raises(OptionError, match=says):
            patch.setattr(f"musiclstm.limits.{limit}", value)
            rewriting(around, (9, 11), 1)


def test_keys_choose_bars_and_a_screen_reader_hears_which(session: Callable[..., Page]) -> None:
    page = session()
    expect(page.locator("#chosen-bars")).to_contain_text("Shift")
    page.evaluate(f"musiclstm.player.seekTick({9 * BAR})")
    page.focus("#roll .html-container")
    keys(page, "Shift+ArrowRight")
    chosen(page, "Bar 10 is chosen.")
    keys(page, "Shift+ArrowRight")
    chosen(page, "Bars 10 to 11 are chosen.")
    keys(page, "Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft")
    chosen(page, "Bars 8 to 10 are chosen.")
    keys(page, "Shift+End")
    chosen(page, "Bars 10 to 12 are chosen.")
    expect(page.locator("#rewrite")).to_be_visible()
    expect(page.locator("#roll .section")).to_have_count(1)
    keys(page, "Escape")
    expect(page.locator("#roll .section")).to_have_count(0)
    expect(page.locator("#player .bars-said")).to_have_text("No bars are chosen.")
    expect(page.locator("#rewrite")).to_be_hidden()


def test_a_finger_that_rests_chooses_bars_one_that_moves_scrolls_and_a_tap_seeks(session: Callable[..., Page]) -> None:
    page = session(**PHONE)
    expect(page.locator("#chosen-bars")).to_contain_text("finger")
    finger = page.context.new_cdp_session(page)

    def touch(kind: str, *at: float) -> None:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at[0], "y": at[1]}] if at else []})

    width = BAR * float(page.locator("#roll svg[data-clock]").get_attribute("data-tick-px") or 0)
    x, y = on_roll(page, 9.5)
    page.evaluate(RESTING)
    touch("touchStart", x, y)
    page.evaluate("window.rest()")
    expect(page.locator("#roll .section")).to_have_count(1)
    touch("touchMove", x + width / 2, y + 30)
    touch("touchMove", x + width, y + 60)
    touch("touchEnd")
    chosen(page, "Bars 9 to 10 are chosen.")

    before = page.evaluate("window.scrollY")
    touch("touchStart", x, y)
    for step in range(1, 9):
        touch("touchMove", x, y - 25 * step)
    touch("touchEnd")
    page.wait_for_function("before => window.scrollY > before + 50", arg=before)
    chosen(page, "Bars 9 to 10 are chosen.")

    page.evaluate(TAP, on_roll(page, 10.0))
    assert clock(page) == pytest.approx(9 * 2.0, abs=0.3)
    chosen(page, "Bars 9 to 10 are chosen.")


def test_bars_are_chosen_in_the_sheet_music_and_marked_on_both(session: Callable[..., Page]) -> None:
    page = session()
    show(page, "Score")
    expect(page.locator("#sheet .measure")).to_have_count(LAST)
    marks = page.locator("#sheet .bar-marks > .section")
    page.mouse.click(*on_sheet(page, 9))
    chosen(page, "Bar 9 is chosen.")
    expect(marks).to_have_count(1)
    expect(page.locator("#roll .section")).to_have_count(1)
    page.keyboard.down("Shift")
    page.mouse.click(*on_sheet(page, 11))
    page.keyboard.up("Shift")
    chosen(page, "Bars 9 to 11 are chosen.")
    expect(marks).to_have_count(3)
    page.mouse.click(*on_sheet(page, 9))
    page.mouse.click(*on_sheet(page, 9))
    expect(marks).to_have_count(0)
    x, y = on_sheet(page, 9)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y)
    page.mouse.move(*page.evaluate("""() => {
      const box = document.querySelectorAll('#sheet .measure')[9].querySelector('.staff > path').getBoundingClientRect();
      return [box.left + box.width / 2, box.top];
    }"""))  # fmt: skip
    page.mouse.up()
    chosen(page, "Bars 9 to 10 are chosen.")
    expect(marks).to_have_count(2)

    # A click on a note seeks it, and chooses nothing.
    note = page.locator("#sheet .measure").nth(10).locator(".note .notehead").first
    note.scroll_into_view_if_needed()
    box = note.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_until(lambda: abs(clock(page) - 10 * 2.0) < 2)
    chosen(page, "Bars 9 to 10 are chosen.")
    page.locator("#sheet .html-container").focus()
    keys(page, "Shift+ArrowRight")
    chosen(page, "Bars 9 to 11 are chosen.")


def test_deleted_bars_are_gone_from_the_files_and_the_link_until_undo(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    whole = notes(page)
    before, after = in_bars(whole, 9, 11), in_bars(whole, 9, 9) + [(on - BAR, pitch) for on, pitch in in_bars(whole, 11, 11)]
    for bar, deleted, left in ((12, 1, before), (10, 2, after)):
        page.evaluate(f"musiclstm.player.setSection([{(bar - 1) * BAR}, {bar * BAR}])")
        page.click("#delete-bars")
        expect(page.locator("#heading")).to_contain_text(f"4 new bars, then {deleted} deleted")
        page.wait_for_function(NOTES, arg=[list(row) for row in left])
    expect(page.locator("#player .bars-said")).to_have_text("No bars are chosen.")
    page.click("#undo")
    wait_until(lambda: notes(page) == before)
    page.click("#redo")
    wait_until(lambda: notes(page) == after)
    assert len(read_midi(download(page, "#get-continuation-midi", tmp_path))) == len(after)
    page.get_by_role("button", name="Replay").click()
    other = session(at=page.locator("#link textarea, #link input").input_value())
    wait_until(lambda: notes(other) == after)

    # The opening and the last bar stay.
    for bars, words in (((7, 9), "from bar 9 on"), ((8, 10), "At least one bar")):
        other.evaluate(f"musiclstm.player.setSection([{bars[0] * BAR}, {bars[1] * BAR}])")
        other.click("#delete-bars")
        expect(other.get_by_test_id("toast-body").filter(has_text=words)).to_have_count(1)
        expect(other.locator("#chosen-bars")).to_have_text(f"Bars {bars[0] + 1} to {bars[1]} are chosen.")  # they still are


def test_rewriting_goes_around_locked_bars_and_nothing_else_changes_them(
    session: Callable[..., Page],
) -> None:
    page = session()
    page.get_by_role("button", name="Advanced").click()
    page.uncheck("#fresh input")  # two of many versions may be alike in a bar
    show(page, "Score")
    page.get_by_role("button", name="Replay").click()
    before, unlocked = notes(page), page.locator("#link textarea, #link input").input_value()
    page.evaluate(f"musiclstm.player.setSection([{9 * BAR}, {10 * BAR}])")
    page.click("#lock-bars")
    expect(page.locator("#roll .locked")).to_have_count(1)
    expect(page.locator("#sheet .locked")).to_have_count(1)
    chosen(page, "Bar 10 is chosen and locked.")
    expect(page.locator("#lock-bars")).to_have_text("Unlock")
    field = "#link textarea, #link input"
    wait_until(lambda: page.locator(field).input_value() != unlocked)
    other = session(at=page.locator(field).input_value())
    expect(other.locator("#roll .locked")).to_have_count(1)
    other.close()
    page.evaluate(f"musiclstm.player.setSection([{8 * BAR}, {11 * BAR}])")
    chosen(page, "Bars 9 to 11 are chosen. Locked: 10.")
    page.click("#rewrite")
    expect(page.locator("#cards .card")).to_have_count(3)
    finished(page)
    versions = []
    for card in range(3):
        page.click(f"#cards .card >> nth={card}")
        expect(page.locator("#cards .card[aria-pressed=true] b")).to_have_text(f"{card + 1}")
        expect(page.locator("#roll .locked")).to_have_count(1)
        versions.append(notes(page))
        assert in_bars(versions[-1], 10, 10) == in_bars(before, 10, 10)
        assert in_bars(versions[-1], 12, 12) == in_bars(before, 12, 12)
    assert len({json.dumps(in_bars(version, 9, 9)) for version in (before, *versions)}) == 4
    assert len({json.dumps(in_bars(version, 11, 11)) for version in (before, *versions)}) == 4

    page.click("#delete-bars")
    expect(page.get_by_test_id("toast-body")).to_contain_text("Bar 10 is locked: to delete these bars, unlock it first.")
    now = notes(page)
    page.click("#edit-notes")
    page.mouse.dblclick(*on_roll(page, 10.5))
    expect(page.get_by_test_id("toast-body").filter(has_text="to change notes there")).to_have_count(1)
    assert notes(page) == now
    page.click("#edit-notes")
    page.evaluate(f"musiclstm.player.setSection([{9 * BAR}, {10 * BAR}])")
    page.click("#lock-bars")
    expect(page.locator("#roll .locked")).to_have_count(0)
    page.click("#delete-bars")
    wait_until(lambda: len(notes(page)) == len(now) - len(in_bars(now, 10, 10)))


def test_a_visitors_quick_clicks_keep_their_order_and_others_do_not_wait_for_them(
    session: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = session(), session()
    for page in (one, other):
        for last in (12, 11, 10):
            page.evaluate(f"musiclstm.player.setSection([{(last - 1) * BAR}, {last * BAR}])")
            page.click("#delete-bars")
            expect(page.locator("#heading")).to_contain_text(f"{13 - last} deleted")
        page.click("#undo")
        expect(page.locator("#redo")).to_be_enabled()
    written, going, first = Engine.write, threading.Event(), iter([True])

    def slow(*given: Any, **named: Any) -> Any:
        if next(first, False):
            assert going.wait(PATIENCE)
        return written(*given, **named)

    monkeypatch.setattr(Engine, "write", slow)
    one.click("#undo")
    one.click("#undo")  # which is too often
    one.click("#redo")
    other.click("#undo")
    expect(other.locator("#heading")).to_contain_text("1 deleted")
    expect(one.locator("#heading")).to_contain_text("2 deleted")
    going.set()
    expect(one.get_by_test_id("toast-body")).to_contain_text("nothing to undo")
    expect(one.locator("#heading")).to_contain_text("2 deleted")


def test_a_midi_file_is_dragged_out_of_the_page_under_its_own_name(session: Callable[..., Page], tmp_path: Path) -> None:
    page = session()
    page.wait_for_function("(document.body.dataset.takes ?? 0) > 0")
    button = page.locator("#get-joined-midi")
    expect(button).to_have_attribute("draggable", "true")
    expect(button).to_have_attribute("title", "Click to download, or drag into your music program")
    offered = button.evaluate("""button => {
      const event = new DragEvent('dragstart', { bubbles: true, dataTransfer: new DataTransfer() });
      button.dispatchEvent(event);
      return event.dataTransfer.getData('DownloadURL');
    }""")
    kind, name, address = offered.split(":", 2)
    path = download(page, "#get-joined-midi", tmp_path)
    assert (kind, name) == ("audio/midi", path.name)
    assert page.request.get(address).body() == path.read_bytes()
