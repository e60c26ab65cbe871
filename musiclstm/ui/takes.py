"""The events of a take: generate, stop, extend, undo, choose one of several, replay, download, read as sheet music."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.api import request_from
from musiclstm.compose import ComposeRequest, Composition, extending
from musiclstm.errors import OptionError
from musiclstm.export import SCORE, zip_take
from musiclstm.recipe import from_link, require_same
from musiclstm.ui import words
from musiclstm.ui.pictures import growing_roll, sheet, take_roll, waiting_roll
from musiclstm.ui.results import Result
from musiclstm.ui.stage import Stage
from musiclstm.ui.studio import STOPPED, Studio
from musiclstm.ui.visit import Visit
from musiclstm.ui.widgets import Updates, Widgets, code_of
from musiclstm.ui.wiring import AT_ONCE, DRAWN_BELOW, MODEL, QUIET, SOUND, request_folder, request_of, requests_for, told

BETWEEN_PICTURES = 0.1  # seconds; drawing every few notes would take longer than writing them
ARCHIVE, SHEET = "musiclstm.zip", "sheet.svg"
REMEMBERED = 20  # earlier results that the browser keeps
# A wrapped ``js`` gets the inputs of its event and hands them on.
_LOOK = "(...given) => { window.musiclstm.look(); return given; }"
_LOAD = "(...given) => window.musiclstm.load(...given)"
_SAVE = "(f) => { const a = document.createElement('a'); a.href = f.url; a.download = f.orig_name; a.click(); }"


def take_events(stage: Stage, w: Widgets) -> None:
    """Generate, Extend and a link or an earlier result all write takes; Stop, Undo and the list of takes go with them."""

    def generated(visit: Visit, studio: Studio, *settings: Any) -> Sequence[ComposeRequest]:
        seed, *rest, takes = settings
        return requests_for(request_of(visit.seed(seed, studio), *rest), takes)

    def extended(visit: Visit, _: Studio, bars: int, random_seed: int) -> Sequence[ComposeRequest]:
        if visit.result is None:
            raise OptionError("There is no take to extend yet: press Generate first.")
        shown = visit.result.shown
        return [extending(shown.composition, shown.take.number, bars=bars, random_seed=random_seed)]

    def replayed(_: Visit, studio: Studio, code: str) -> Sequence[ComposeRequest]:
        return [request_from(studio.checkpoint, from_link(code))]

    _writing(stage, w, w.generate.click, generated, w.settings, draws=True)
    _writing(stage, w, w.extend.click, extended, [w.bars, w.random_seed], draws=True)
    _writing(stage, w, w.earlier.input, replayed, [w.earlier], draws=False)

    def halt(visit: Visit) -> str:
        visit.stopped = True
        return words.progress("Stopping at the bar line")

    w.stop.click(halt, w.visit, w.status, **AT_ONCE)
    _choosing(stage, w)
    _reading(w)


def replay_event(stage: Stage, w: Widgets, code: gr.State) -> None:
    """Write again what a link describes, once ``code`` has changed to the end of it: when the page was opened by one."""

    def replayed(_: Visit, studio: Studio, code: str) -> Sequence[ComposeRequest]:
        fields = from_link(code)
        request = request_from(studio.checkpoint, fields)
        if fields.get("checkpoint", studio.checkpoint.name) != studio.checkpoint.name:
            require_same({"checkpoint": fields["checkpoint"]}, {"checkpoint": studio.checkpoint.name})
        return [request]

    _writing(stage, w, code.change, replayed, [code], draws=False)


def _writing(
    stage: Stage,
    w: Widgets,
    event: Callable[..., Any],
    plan: Callable[..., Sequence[ComposeRequest]],
    inputs: list[Any],
    *,
    draws: bool,
) -> None:
    """Let ``event`` write what ``plan(visit, studio, *inputs)`` asks for; ``draws``: with a new random seed, if wanted."""

    def prepare(visit: Visit, fresh: bool, random_seed: int | None) -> Updates:
        visit.stopped = False
        return {
            w.generate: gr.Button("Generating …", interactive=False),
            w.extend: gr.Button(interactive=False),
            w.stop: gr.Button(interactive=True),
            w.status: words.progress("Waiting for the model", 0.0),
            w.random_seed: secrets.randbelow(DRAWN_BELOW) if fresh and draws else random_seed,
        }

    def perform(*given: Any) -> Iterator[Updates]:
        *settings, visit, history = given
        with request_folder() as folder:
            studio, shown, result = visit.studio or stage.now, 0.0, None
            for moment in studio.perform(plan(visit, studio, *settings), lambda: visit.stopped):
                result = moment.result
                if time.monotonic() - shown < BETWEEN_PICTURES and moment.share != 1.0:
                    continue
                shown = time.monotonic()
                yield {w.status: words.progress(moment.said, moment.share), **_grown(w, moment.composition)}
            if result is not None:
                visit.add(_picked(result, settings))
                yield {w.status: words.progress(""), **_presented(w, visit, studio, folder), **remembered(w, visit, history)}

    def rest(visit: Visit, seed_id: str, bars: int, status: str) -> Updates:
        # After a run that failed, or was stopped before its first bar, the page shows again what the player plays.
        result = visit.result
        seed = visit.seed(seed_id, visit.studio or stage.now)
        return {
            w.generate: gr.Button("Generate", interactive=True),
            w.extend: gr.Button(interactive=True),
            w.stop: gr.Button(interactive=False),
            w.status: status if STOPPED in status else words.progress(""),
            w.heading: words.waiting_heading(seed) if result is None else words.take_heading(result.shown.composition),
            w.roll: waiting_roll(seed, bars) if result is None else take_roll(result.shown),
        }

    before = [w.generate, w.extend, w.stop, w.status, w.random_seed]
    prepared = event(prepare, [w.visit, w.fresh, w.random_seed], before, **AT_ONCE)
    performed = prepared.then(perform, [*inputs, w.visit, w.history], [w.status, *w.take, w.history, w.earlier], **QUIET, **MODEL)
    after = ([w.visit, w.seed, w.bars, w.status], [w.generate, w.extend, w.stop, w.status, w.heading, w.roll])
    rested = performed.success(rest, *after, js=_LOOK, **AT_ONCE)
    load_into_player(w, rested)
    rested.then(_engraved, w.visit, w.sheet, **QUIET, **SOUND)
    performed.failure(rest, *after, **AT_ONCE)  # Gradio's `then` does not follow a failure


def load_into_player(w: Widgets, event: Any) -> None:
    """After ``event`` the player has the sounds of the take that is shown, and the link leads to it."""
    event.then(None, w.sounds, w.link, js=_LOAD, **AT_ONCE)


def remembered(w: Widgets, visit: Visit, history: list[list[str]]) -> Updates:
    """The browser's list of earlier results with the latest one in front."""
    if visit.result is None:
        return {}
    kept = [[words.history_name(visit.result.shown), code_of(visit.result.shown)], *history]
    unique = list({code: [name, code] for name, code in reversed(kept)}.values())[::-1][:REMEMBERED]
    return {w.history: unique, w.earlier: gr.Dropdown(choices=[(name, code) for name, code in unique], value=None)}


def _picked(result: Result, settings: Sequence[Any]) -> Result:
    """The result with the take that a recipe names chosen; else as it is, the best first."""
    if len(settings) != 1 or not isinstance(settings[0], str) or len(result.takes) < 2:
        return result
    number = from_link(settings[0]).get("take")
    places = [place for place, shown in enumerate(result.takes) if shown.take.number == number]
    return Result(result.takes, places[0]) if places else result


def _presented(w: Widgets, visit: Visit, studio: Studio, folder: Path) -> Updates:
    """The visitor's latest result."""
    assert visit.result is not None
    written = studio.write(folder, visit.result.shown)
    return w.shown(visit.result.shown, written, studio, steps=len(visit.results) - 1) | w.listed(visit.result)


def _grown(w: Widgets, composition: Composition | None) -> Updates:
    """What is written so far, if anything is."""
    if composition is None:
        return {}
    return {w.heading: words.take_heading(composition), w.roll: words.growing(growing_roll(composition))}


def _choosing(stage: Stage, w: Widgets) -> None:
    """Another take of the same result, or the result before it."""

    def pick(place: int | None, visit: Visit) -> Iterator[Updates]:
        result = visit.result
        with request_folder() as folder:
            if result is None or place is None or not 0 <= place < len(result.takes):
                raise OptionError("There is no such take.")
            visit.results[-1] = Result(result.takes, place)
            yield _presented(w, visit, visit.studio or stage.now, folder)

    def undo(visit: Visit) -> Iterator[Updates]:
        with request_folder() as folder:
            if len(visit.results) < 2:
                raise OptionError("There is nothing to go back to.")
            visit.results.pop()
            yield _presented(w, visit, visit.studio or stage.now, folder)

    for event in (
        w.pick.input(pick, [w.pick, w.visit], w.take, **QUIET, **SOUND),
        w.undo.click(undo, w.visit, w.take, **QUIET, **SOUND),
    ):
        load_into_player(w, event)
        event.then(_engraved, w.visit, w.sheet, **QUIET, **SOUND)


def _engraved(visit: Visit) -> str:
    """The sheet of what is shown, while its fold is open; made when it is asked for, since it takes a second."""
    with told():
        return words.sheet_page(sheet(visit.result.shown)) if visit.sheet and visit.result is not None else ""


def _reading(w: Widgets) -> None:
    def unfold(visit: Visit) -> str:
        visit.sheet = True
        return _engraved(visit)

    def fold(visit: Visit) -> None:
        visit.sheet = False

    w.sheet_fold.expand(unfold, w.visit, w.sheet, **QUIET, **SOUND)
    w.sheet_fold.collapse(fold, w.visit, None, **AT_ONCE)


def download_events(stage: Stage, w: Widgets) -> None:
    """Files that take a second are made when they are asked for; the others lie ready behind their buttons."""

    def maker(name: str) -> Callable[[Visit], Iterator[str]]:
        def make(visit: Visit) -> Iterator[str]:
            assert visit.result is not None  # the buttons come with the first take
            with request_folder() as folder:
                shown = visit.result.shown
                if name == SHEET:
                    (folder / SHEET).write_text(sheet(shown).svg, encoding="utf-8")
                else:
                    written = (visit.studio or stage.now).write(folder, shown, audio=name == ARCHIVE, score=True)
                if name == ARCHIVE:
                    (folder / SHEET).write_text(sheet(shown).svg, encoding="utf-8")
                    zip_take(written, folder / ARCHIVE, [folder / SHEET])
                yield str(folder / name)

        return make

    for button, name in ((w.score, SCORE), (w.sheet_svg, SHEET), (w.everything, ARCHIVE)):
        made = button.click(maker(name), w.visit, w.fetched, show_progress_on=button, api_visibility="private", **SOUND)
        made.success(None, w.fetched, None, js=_SAVE, api_visibility="private")
