"""The page's sound and its keyboard in Chromium: what is put out is recorded, and keys are pressed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from browsing_page import PIANO, choose, generate
from playwright.sync_api import Page, expect
from waiting import wait_until

from musiclstm.errors import OptionError
from musiclstm.ui.own_events import playing_in

# The loudest sample that the player has put out since it was last asked.
RECORD = """() => {
  const output = window.musiclstm.sampler.output(), { context } = output;
  const tap = context.createScriptProcessor(1024, 2, 2);
  window.peak = 0;
  tap.onaudioprocess = ({ inputBuffer }) => {
    for (const value of inputBuffer.getChannelData(0)) window.peak = Math.max(window.peak, Math.abs(value));
  };
  output.connect(tap).connect(context.destination);
}"""


def heard(page: Page) -> bool:
    """Whether anything sounded since this was last asked."""
    return bool(page.evaluate("() => { const heard = window.peak > 0.003; window.peak = 0; return heard; }"))


def at(page: Page, tick: str) -> bool:
    """Whether the music plays, and is past a tick of the roll."""
    return bool(
        page.evaluate(
            f"musiclstm.player.isPlaying() && Number(document.querySelector('#roll .playhead').getAttribute('x1')) > {tick}"
        )
    )


# How often the playhead is moved in ten frames.
MOVES = """async () => {
  let moves = 0;
  const watching = new MutationObserver((changes) => (moves += changes.length));
  watching.observe(document.querySelector("#roll .playhead"), { attributeFilter: ["x1"] });
  for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
  watching.disconnect();
  return moves;
}"""


def test_generate_sounds_at_once_and_the_continuation_follows(session: Callable[..., Page]) -> None:
    page = session()
    page.evaluate("musiclstm.sampler.wake()")
    page.evaluate(RECORD)
    assert not heard(page)
    generate(page, listens=True)
    wait_until(lambda: heard(page))
    page.evaluate("musiclstm.player.seek(14)")  # two seconds before the continuation
    split = "(d => Number(d.left) + d.split * d.tickPx)(document.querySelector('#roll svg[data-clock]').dataset)"
    page.locator("#player .speed").fill("1")  # twice as fast
    expect(page.locator("#player .speed + span")).to_have_text("2.00×")
    wait_until(lambda: at(page, split))
    heard(page)
    wait_until(lambda: heard(page))
    assert 0 < page.evaluate(MOVES) <= 11  # not more with each bar that was written meanwhile
    page.locator("#player .volume").fill("0")
    wait_until(lambda: not heard(page), 0.3)
    page.click("#player .play")
    expect(page.locator("#player .play")).to_have_attribute("aria-label", "Play")


def test_the_keys_beside_the_roll_stay_in_sight_and_sound(session: Callable[..., Page]) -> None:
    page = session()
    page.evaluate("musiclstm.sampler.wake()")
    page.evaluate(RECORD)
    for _ in range(3):
        page.locator("#zoom button").nth(1).click()
    holder, keys = page.locator("#roll .html-container"), page.locator("#roll .piano")
    edge = holder.evaluate("holder => holder.getBoundingClientRect().left")
    holder.evaluate("holder => (holder.scrollLeft = 300)")
    wait_until(lambda: holder.evaluate("holder => holder.scrollLeft") == 300)
    wait_until(lambda: abs(keys.evaluate("keys => keys.getBoundingClientRect().left") - edge) < 60)
    assert not heard(page)
    box = keys.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_until(lambda: heard(page))
    assert not page.evaluate("musiclstm.player.isPlaying()")  # the click was for the key alone


def test_a_browser_that_can_not_play_notes_plays_the_rendered_file(session: Callable[..., Page]) -> None:
    page = session(init="delete window.AudioContext;")
    generate(page)
    page.click("#player .play")
    audio = page.locator("#player audio")
    expect(audio).to_have_js_property("paused", value=False)
    page.wait_for_function("document.querySelector('#player audio').duration > 1")
    page.click("#player .play")
    expect(audio).to_have_js_property("paused", value=True)
    generate(page)
    expect(audio).to_have_count(0)


def test_a_note_whose_sample_is_late_is_played_with_another(session: Callable[..., Page]) -> None:
    page = session()
    page.evaluate("musiclstm.sampler.wake()")
    page.evaluate(RECORD)
    page.evaluate("musiclstm.sampler.load([{ program: 0, lowest: 0 }], [{ key: 96, velocity: 90 }])")
    page.route("**/108.mp3", lambda _: None)  # never answered
    assert not heard(page)
    now = (
        "const { sampler } = musiclstm; sampler.strike([{ program: 0, lowest: 0 }], { key: 105, velocity: 90 }, sampler.now(), 2)"
    )
    wait_until(lambda: page.evaluate(f"() => {{ {now}; }}") or heard(page))


def test_another_instrument_tempo_and_pitch_change_what_is_played_and_the_files(session: Callable[..., Page]) -> None:
    page = session()
    generate(page)
    notes = "document.querySelector('#roll .continuation')?.dataset.notes"
    before = page.evaluate(notes)
    seconds = page.evaluate("musiclstm.player.isPlaying() && document.querySelector('#roll svg[data-clock]').dataset.clock")
    page.fill("#transposition input[type=number]", "3")
    page.press("#transposition input[type=number]", "Tab")
    page.wait_for_function(f"before => ![before, undefined].includes({notes})", arg=before)
    lowest, moved = (min(int(note.split(":")[1]) for note in text.split()) for text in (before, page.evaluate(notes)))
    assert moved == lowest + 3
    page.fill("#tempo input", "60")
    page.press("#tempo input", "Tab")
    page.wait_for_function("clock => document.querySelector(`#roll svg[data-clock]:not([data-clock='${clock}'])`)", arg=seconds)
    page.click("#instrument input")
    page.get_by_role("option", name="organ").click()
    page.wait_for_selector("#roll svg[data-voices^='19:']", state="attached")
    expect(page.locator("#generate")).to_have_text("Generate")  # nothing is written for it
    generate(page)
    page.fill("#tempo input", "90")
    page.press("#tempo input", "Tab")
    expect(page.locator("#facts")).to_contain_text("90")
    page.click("#undo")  # the version before is played as it was, and the controls say so
    expect(page.locator("#tempo input")).to_have_value("60")
    expect(page.locator("#facts")).to_contain_text("60")


def test_a_phrase_that_is_played_becomes_the_opening(session: Callable[..., Page]) -> None:
    page = session()
    page.evaluate(PIANO)
    page.click("#play-your-own")
    page.evaluate("musiclstm.sampler.wake()")
    page.evaluate(RECORD)
    page.click("#keys .midi")
    expect(page.locator("#keys .told")).to_contain_text("Test piano")
    page.locator(".keys [data-key='60']").click()
    wait_until(lambda: heard(page))
    page.uncheck("#keys .metronome")
    page.click("#keys .record")
    tune = [60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72]
    page.evaluate("tune => tune.forEach((key, place) => window.strike(key, 10 + 0.5 * place, 0.45))", tune)
    page.keyboard.press("a")  # the computer's keys play too
    page.click("#keys .record")
    expect(page.locator("#keys .told")).to_contain_text("13 notes")
    page.click("#keys .record")
    page.evaluate("tune => tune.forEach((key, place) => window.strike(key, 10 + 0.5 * place, 0.45))", tune)
    page.click("#keys .record")
    page.click("#keys .use")
    expect(page.locator("#heading")).to_contain_text("Played by you")
    expect(page.locator("#roll .seed rect")).to_have_count(len(tune))
    expect(page.locator("#keys .keys")).to_be_hidden()
    # What was understood can be corrected.
    page.fill("#played-tempo input", "60")
    page.press("#played-tempo input", "Tab")
    expect(page.locator("#facts")).to_contain_text("60")
    generate(page)
    expect(page.locator("#heading")).to_contain_text("4 new bars")


def test_openings_are_found_by_words_and_chosen_by_keys(session: Callable[..., Page]) -> None:
    page = session()
    every = page.locator("#openings .opening").count()
    page.fill("#search input, #search textarea", "Waltz minor")
    expect(page.locator("#openings .opening:visible")).to_have_count(1)
    page.locator("#openings .opening:visible").press("Enter")
    expect(page.locator("#heading")).to_contain_text("Waltz")
    expect(page.locator("#openings .opening[aria-pressed=true]")).to_have_count(1)
    page.fill("#search input, #search textarea", "xylophone")
    expect(page.locator("#no-openings")).to_be_visible()
    page.fill("#search input, #search textarea", "")
    expect(page.locator("#openings .opening:visible")).to_have_count(every)
    choose(page, "Jig")
    expect(page.locator("#heading")).to_contain_text("Jig")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "null", '{"notes": []}', '{"notes": [[0, 1, 60]]}', '{"notes": [[0, 1, 5, 60]]}'),
        *('{"notes": [[0, 1, 60, 0]]}', '{"notes": "abcd"}', '{"notes": [[0, 1, 1e400, 60]]}', "x" * 400_000),
        *('{"notes": [[0, 4e7, 60, 80]]}', '{"notes": [[0, -1, 60, 80]]}', '{"notes": [[4e4, 1, 60, 80]]}'),
        '{"notes": [[0, 1, 60, 80]], "tempo": 1' + "0" * 400 + ', "metre": "4/4", "first_beat": 0}',
        '{"notes": ' + "[" * 100_000,
    ],
)
def test_what_no_keyboard_sends_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        playing_in(text)


def test_the_metronome_is_believed() -> None:
    row: dict[str, Any] = {"notes": [[0.0, 0.4, 60, 80]], "tempo": 90, "metre": "3/4", "first_beat": 0}
    steady = playing_in(str(row).replace("'", '"'))
    assert (steady.tempo, steady.metre, steady.first_beat) == (90.0, "3/4", 0.0)
    free = playing_in('{"notes": [[0, 0.4, 60, 80]]}')
    assert (free.tempo, free.metre, free.first_beat) == (None, None, None)


def test_only_a_midi_keyboard_needs_more_than_one_velocity(session: Callable[..., Page]) -> None:
    page = session()
    page.evaluate(PIANO)
    files: set[str] = set()
    page.on("request", lambda request: files.update(re.findall(r"/samples/[^/]+/0/(\d+/\d+)", request.url)))
    facts = page.evaluate("fetch('samples/0').then((answer) => answer.json())")
    page.click("#play-your-own")
    keys = [{"key": key, "velocity": 80} for key in range(21, 109)]
    page.evaluate("keys => musiclstm.sampler.load([{ program: 0, lowest: 0 }], keys)", keys)  # until they are there
    assert len(files) < 2 * len(facts["keys"])  # the player wants some of other velocities for the music on the stage
    page.click("#keys .midi")
    # Requests are told while the page is asked; what the player has loaded already is not asked for again.
    wait_until(lambda: bool(page.evaluate("true")) and len(files) >= 2 * len(facts["keys"]))
