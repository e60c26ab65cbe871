"""The events that write a take: generate, extend, rewrite bars, go on after them, stop; and those that open one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.api import bars_in_all, open_link, request_from
from musiclstm.errors import OptionError
from musiclstm.generation import (
    Composition,
    extension_request,
    named_for_the_music,
    other_checkpoint,
    recipe_from_link,
    shared_in,
)
from musiclstm.sentence import sentence
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.bars import bars_in, opening_bars, require_unlocked, rewriting
from musiclstm.ui.engine import STOPPED, Engine, Job, Progress, job_of
from musiclstm.ui.file_events import after_music
from musiclstm.ui.language import Language
from musiclstm.ui.layout import Updates, Widgets, code_of
from musiclstm.ui.pictures import growing_roll
from musiclstm.ui.requests import (
    AT_ONCE,
    DRAWN_BELOW,
    MODEL,
    QUIET,
    SOUND,
    request_folder,
    request_of,
    requests_for,
    visitor_of,
)
from musiclstm.ui.results import Result, result_of
from musiclstm.ui.session import Session
from musiclstm.ui.thumbnails import earlier_page

BETWEEN_PICTURES = 0.1  # seconds; drawing more often would take longer than writing the notes
REMEMBERED = 20  # earlier results kept in the browser
# JavaScript in front of an event gets the inputs of the event and must return them.
_LISTEN = "(...inputs) => { window.musiclstm.listen(); return inputs; }"
_SELECTED = "(...inputs) => window.musiclstm.bars.selected(inputs)"
_SETTLE = "(...inputs) => { window.musiclstm.settle(); return inputs; }"


def take_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect the buttons that write a take, and Stop."""

    def generated(session: Session, engine: Engine, *settings: Any) -> Job:
        seed, *rest, takes = settings
        return job_of(requests_for(request_of(session.seed(seed, engine), *rest), takes))

    def extended(session: Session, _: Engine, bars: int, random_seed: int) -> Job:
        if session.result is None:
            raise OptionError("There is no take to extend yet. Press Generate first.")
        shown = session.result.shown
        composition, before = shown.composition, opening_bars(shown.composition)
        # A closing bar makes room for what follows, unless it is locked.
        kept = composition.bars if before + composition.bars in shown.locked else None
        request = extension_request(composition, shown.take.number, kept=kept, bars=bars, random_seed=random_seed)
        return replace(job_of([request]), locked=shown.locked)

    def rewritten(session: Session, _: Engine, random_seed: int) -> Job:
        return rewriting(*session.chosen_bars(), random_seed)

    def written_on(session: Session, _: Engine, bars: int, random_seed: int) -> Job:
        shown, (_first, last) = session.chosen_bars()
        composition, before = shown.composition, opening_bars(shown.composition)
        if last <= before:
            raise OptionError("Choose bars of the continuation: the music goes on after the last of them.")
        require_unlocked(
            shown,
            range(last + 1, before + composition.bars + 1),
            sentence("{bars} is locked: to have other bars written in their place, unlock it first."),
            sentence("{bars} are locked: to have other bars written in their place, unlock them first."),
        )
        request = extension_request(composition, shown.take.number, kept=last - before, bars=bars, random_seed=random_seed)
        return replace(job_of([request]), locked=shown.locked)

    _write_event(active, w, w.generate.click, generated, w.settings, draws=True, listens=True)
    _write_event(active, w, w.extend.click, extended, [w.bars, w.random_seed], draws=True)
    _write_event(active, w, w.rewrite.click, rewritten, [w.random_seed], draws=True)
    _write_event(active, w, w.write_on.click, written_on, [w.bars, w.random_seed], draws=True)

    def stop(session: Session) -> str:
        session.stopped = True
        return texts.progress(session.language.say("Stopping"))

    w.stop.click(stop, w.session, w.status, **AT_ONCE)


def link_opener(
    active: ActiveCheckpoint, w: Widgets, linked: gr.State
) -> Callable[[str, Session, list[list[str]], list[Any]], Iterator[Updates]]:
    """What opens a link, given the session, the earlier results and the value of ``linked``. It updates ``opening_outputs``."""

    def open_code(code: str, session: Session, history: list[list[str]], latest: list[Any]) -> Iterator[Updates]:
        engine = session.engine or active.now
        with request_folder(session.language) as folder:
            result = carried(engine, code)
            if result is None:
                yield {linked: [code, latest[1] + 1]}
            else:
                session.add(result)
                yield reopened(w, session, engine, folder) | remembered(w, session, history)

    return open_code


def opening_outputs(w: Widgets, linked: gr.State) -> list[Any]:
    """What ``link_opener`` updates."""
    return [*w.take, *w.controls, w.history, w.earlier, linked]


def after_opening(w: Widgets, opened: Any) -> None:
    """After the event ``opened`` has opened a link, show its music, which is below the controls on a phone."""
    after_take(w, opened)
    opened.then(None, js="() => window.musiclstm.look()", **AT_ONCE)


def link_events(active: ActiveCheckpoint, w: Widgets, linked: gr.State) -> None:
    """Connect earlier results and links. Those that carry their music show it at once.

    The others are a recipe alone: ``linked`` gets [the link, how often it was chosen], and its music is written again.
    """

    def replayed(_: Session, engine: Engine, latest: list[Any]) -> Job:
        open_link(engine.checkpoint, latest[0])  # says what is wrong with it
        settings = recipe_from_link(latest[0])
        other = other_checkpoint(settings, engine.checkpoint)
        if other is not None:
            raise OptionError(
                "This link is a recipe for {needed}; this page has {here}, which writes other notes.",
                needed=other.needed,
                here=other.here,
            )
        return again(engine, settings)

    inputs = [w.earlier, w.session, w.history, linked]
    after_opening(w, w.earlier.input(link_opener(active, w, linked), inputs, opening_outputs(w, linked), **QUIET, **SOUND))
    _write_event(active, w, linked.change, replayed, [linked], draws=False)


def carried(engine: Engine, code: str) -> Result | None:
    """The music that a link carries, with its locked bars; None if it is a recipe alone. Raises OptionError if it is damaged."""
    composition, shared = open_link(engine.checkpoint, code), shared_in(code)
    return None if composition is None or shared is None else result_of([composition]).with_locked(shared.locked)


def again(engine: Engine, settings: Mapping[str, Any]) -> Job:
    """The job of writing the music of a recipe again, with all that it extends."""
    return Job(bars_in_all(settings), lambda turn: [request_from(engine.checkpoint, settings, turn=turn)], settings.get("take"))


def _write_event(
    active: ActiveCheckpoint,
    w: Widgets,
    event: Callable[..., Any],
    plan: Callable[..., Job],
    inputs: list[Any],
    *,
    draws: bool,
    listens: bool = False,
) -> None:
    """Let ``event`` do the job ``plan(session, engine, *inputs)``.

    ``draws``: with a new random seed, if ticked. ``listens``: the opening plays meanwhile.
    """

    def prepare(session: Session, fresh: bool, random_seed: int | None, selection: str) -> Updates:
        session.stopped, session.selection = False, bars_in(selection)
        session.turn += 1
        return {
            **_buttons(w, session.language.say("Generating…"), ready=False),
            w.stop: gr.Button(interactive=True),
            w.status: texts.progress(session.language.say("Waiting for the model"), 0.0),
            w.random_seed: secrets.randbelow(DRAWN_BELOW) if fresh and draws else random_seed,
        }

    def perform(request: gr.Request, *values: Any) -> Iterator[Updates]:
        *settings, session, history = values
        with request_folder(session.language) as folder:
            engine = session.engine or active.now
            job = plan(session, engine, *settings)
            yield from _written(w, session, engine, job, visitor_of(request), folder, history)

    def finish(session: Session, status: str) -> Updates:
        return {
            **_buttons(w, session.language.say("Generate"), ready=True),
            w.stop: gr.Button(interactive=False),
            w.status: status if session.language.say(STOPPED) in status else texts.progress(""),
        }

    def put_right(session: Session, seed_id: str, bars: int) -> Iterator[Updates]:
        if not session.growing:  # no folder then, for which a full disk has no room
            yield {}
            return
        with request_folder(session.language) as folder:
            yield _as_before(w, session, session.engine or active.now, seed_id, bars, folder)

    before = [w.generate, *w.steppers, w.stop, w.status, w.random_seed]
    prepared = event(
        prepare, [w.session, w.fresh, w.random_seed, w.selection], before, js=_LISTEN if listens else _SELECTED, **AT_ONCE
    )
    outputs = [w.status, *w.take, w.history, w.earlier]
    performed = prepared.then(perform, [*inputs, w.session, w.history], outputs, **QUIET, **MODEL)
    # Gradio skips `then` after a failure.
    finished, failed = (
        each(finish, [w.session, w.status], before[:-1], js=_SETTLE, **AT_ONCE) for each in (performed.success, performed.failure)
    )
    where = [w.session, w.seed, w.bars]
    after_take(w, finished.then(put_right, where, w.take, **QUIET, **SOUND))
    after_music(w, failed.then(put_right, where, w.take, **QUIET, **SOUND))


def _written(
    w: Widgets, session: Session, engine: Engine, job: Job, visitor: str, folder: Path, history: list[list[str]]
) -> Iterator[Updates]:
    """Updates while a job is done, and with its result."""
    drawn, result, turn = 0.0, None, session.turn
    for progress in while_wanted(engine, job, session, visitor):
        result = progress.result
        if time.monotonic() - drawn < BETWEEN_PICTURES and progress.share != 1.0:
            continue
        drawn, session.growing = time.monotonic(), progress.composition is not None
        said = session.language.say(progress.message)
        yield {w.status: texts.progress(said, progress.share), **_grown(w, progress.composition, session.language)}
    if result is not None:
        session.add(result.with_take(job.take).with_locked(job.locked))
        yield {w.status: texts.progress(""), **presented(w, session, engine, folder), **remembered(w, session, history)}
        session.growing = session.turn != turn  # an opening was chosen while the files were written


def _buttons(w: Widgets, generate: str, *, ready: bool) -> Updates:
    """Updates of the buttons that wait while a take is written; ``generate`` is what is on the largest."""
    return {w.generate: gr.Button(generate, interactive=ready), **{each: gr.Button(interactive=ready) for each in w.steppers}}


def while_wanted(engine: Engine, job: Job, session: Session, visitor: str) -> Iterator[Progress]:
    """How far a job is, until the stage is given to something else; the job then stops, and its result is not wanted."""
    turn = session.turn
    for progress in engine.perform(job, lambda: session.stopped or session.turn != turn, visitor):
        if session.turn == turn:
            yield progress


def _as_before(w: Widgets, session: Session, engine: Engine, seed_id: str, bars: int, folder: Path) -> Updates:
    """Updates that show what belongs on the stage, if something else that was being written is left there.

    An error or an early Stop leaves it, and an opening that is chosen meanwhile: pictures may reach the browser after the choice.
    """
    session.growing = False
    if session.result is not None:
        return presented(w, session, engine, folder)
    try:
        seed = session.seed(seed_id, engine)
    except OptionError:  # the visitor's own, which is no longer here
        return {}
    session.staged = seed
    return w.staged(seed, session.performance, bars, session.language, results=session.results)


def after_take(w: Widgets, event: Any) -> None:
    """After ``event`` has shown a take: its link, the question which continuation is the composer's, and its score."""
    event.then(None, [*w.midi, w.code], w.link, js="(...inputs) => window.musiclstm.arrived(inputs)", **AT_ONCE)
    event.then(w.ballot.asked, w.session, w.ballot.outputs, **AT_ONCE)
    after_music(w, event)


def remembered(w: Widgets, session: Session, history: list[list[str]]) -> Updates:
    """Update the browser's list of earlier results: the latest first, each once."""
    if not session.results:
        return {}
    shown = session.results[-1].shown
    entries = [[texts.history_name(shown, session.language), code_of(shown)], *history]
    unique = list({code: [name, code] for name, code in reversed(entries)}.values())[::-1][:REMEMBERED]
    return {w.history: unique, w.earlier: gr.Dropdown(choices=[(name, code) for name, code in unique], value=None)}


def presented(w: Widgets, session: Session, engine: Engine, folder: Path) -> Updates:
    """Updates that show the visitor's latest result; its files go to ``folder``."""
    result = session.results[-1]
    shown = result.shown
    written = named_for_the_music(engine.write(folder, shown), shown.composition, shown.take.number)
    back, forward = len(session.results) - 1, bool(session.undone)
    told = w.shown(shown, written, engine, session.language, steps=back, redo=forward)
    earlier = {w.strip: earlier_page(session.results, result, session.language)}
    return told | earlier | w.listed(result, session.language)


def reopened(w: Widgets, session: Session, engine: Engine, folder: Path) -> Updates:
    """As ``presented``, for a result that was made before, or elsewhere: the controls are those that made it."""
    composition = session.results[-1].shown.composition
    session.performance = composition.request.performance
    return presented(w, session, engine, folder) | w.set_to(composition, engine, session.language)


def _grown(w: Widgets, composition: Composition | None, language: Language) -> Updates:
    """Updates that show what is written so far, if anything."""
    if composition is None:
        return {}
    return {w.heading: texts.take_heading(composition, language), w.roll: texts.growing(growing_roll(composition, language))}
