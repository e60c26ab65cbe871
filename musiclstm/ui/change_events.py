"""The events of a take that is there: choose one of several, change notes, delete and lock bars, undo, redo, check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import gradio as gr

from musiclstm.errors import OptionError
from musiclstm.generation import Edit, other_checkpoint, settings_in, take_recipe, verdict
from musiclstm.sentence import sentence
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.bars import bars_in, changed_by, toggled, without_bars
from musiclstm.ui.layout import Updates, Widgets, code_of
from musiclstm.ui.pictures import take_roll
from musiclstm.ui.requests import AT_ONCE, IN_TURN, MODEL, QUIET, SOUND, answered, request_folder, toasts, visitor_of
from musiclstm.ui.results import Shown, result_of
from musiclstm.ui.session import Session
from musiclstm.ui.take_events import after_take, again, presented, remembered, reopened

# Each of several quick clicks counts. A visitor's own reach the server one after the other: the script waits for each answer.
_BROUGHT = "(...inputs) => window.musiclstm.turns.take(window.musiclstm.earlier.chosen(inputs))"
EACH: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 8, "concurrency_id": "changes", **QUIET}
CHANGE_CHARACTERS = 100_000  # of a change by hand
_CHANGED = "(...inputs) => window.musiclstm.changed(inputs)"
_CHANGE_ANSWERED = "() => window.musiclstm.changeAnswered()"
_SELECTED = "(...inputs) => window.musiclstm.turns.take(window.musiclstm.bars.selected(inputs))"
_DELETED = "(...inputs) => window.musiclstm.turns.take(window.musiclstm.bars.deleted(inputs))"
_LINK = "(code) => window.musiclstm.link(code)"
_STAYED = "() => window.musiclstm.bars.stayed()"


def change_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect what changes or checks the take on the stage."""
    _choice_events(active, w)
    _by_hand(active, w)
    _bar_events(active, w)
    _check_event(active, w)


def _by_hand(active: ActiveCheckpoint, w: Widgets) -> None:
    """Take over what the visitor changed on the roll."""

    def change(text: str, session: Session, history: list[list[str]]) -> Iterator[Updates]:
        engine = session.engine or active.now
        with request_folder(session.language) as folder:
            if session.result is None:
                raise OptionError("There is no version to change yet. Press Generate first.")
            shown = session.result.shown
            composition = changed_by(shown, _edit_in(text, shown), engine.checkpoint)
            session.add(result_of([composition]).with_locked(shown.locked))
            yield presented(w, session, engine, folder) | remembered(w, session, _others(history, shown))

    changed = w.change.click(change, [w.changes, w.session, w.history], [*w.take, w.history, w.earlier], js=_CHANGED, **EACH)
    after_take(w, changed)
    answered(changed, _CHANGE_ANSWERED)


def _bar_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Delete the chosen bars; lock them, or unlock them."""

    def delete(session: Session, history: list[list[str]], selection: str) -> Iterator[Updates]:
        engine, session.selection = session.engine or active.now, bars_in(selection)
        with request_folder(session.language) as folder:
            shown, chosen = session.chosen_bars()
            composition, locked = without_bars(shown, chosen, engine.checkpoint)
            session.add(result_of([composition]).with_locked(locked))
            yield presented(w, session, engine, folder) | remembered(w, session, _others(history, shown))

    def lock(session: Session, history: list[list[str]], selection: str) -> Updates:
        session.selection = bars_in(selection)
        with toasts(session.language):
            shown, chosen = session.chosen_bars()
            session.lock(toggled(shown, chosen))
            assert session.result is not None
            now, before = session.result.shown, code_of(shown)
            others = [entry for entry in history if entry[1] != before]
            return {w.roll: take_roll(now, session.language), w.code: code_of(now), **remembered(w, session, others)}

    outputs = [*w.take, w.history, w.earlier]
    deleted = w.delete_bars.click(delete, [w.session, w.history, w.selection], outputs, js=_DELETED, **EACH)
    after_take(w, deleted)
    answered(deleted)
    deleted.failure(None, js=_STAYED, **AT_ONCE)
    kept = [w.roll, w.code, w.history, w.earlier]
    locked = w.lock.click(lock, [w.session, w.history, w.selection], kept, js=_SELECTED, **EACH)
    answered(locked)
    locked.success(None, w.code, w.link, js=_LINK, **AT_ONCE)


def _others(history: list[list[str]], shown: Shown) -> list[list[str]]:
    """The earlier results without ``shown``, if that was changed by hand: the list keeps the latest of several changes."""
    once_more = shown.composition.request.edits is not None
    return [entry for entry in history if not once_more or entry[1] != code_of(shown)]


def _edit_in(text: str, shown: Shown) -> Edit:
    """The change that the page's script sends, of the notes as they sound, in those that were written. Raises OptionError."""
    try:
        data = json.loads(text) if len(text) <= CHANGE_CHARACTERS else None
    except (ValueError, RecursionError):
        data = None
    sounding, up = Edit.from_json(data), shown.composition.request.performance.transposition
    removed = tuple((onset, pitch - up) for onset, pitch in sounding.removed)
    return Edit(removed, tuple((onset, pitch - up, duration, velocity) for onset, pitch, duration, velocity in sounding.added))


def _check_event(active: ActiveCheckpoint, w: Widgets) -> None:
    """Write the shown take again and compare the notes."""

    def check(request: gr.Request, session: Session) -> Iterator[str]:
        session.stopped = False
        with toasts(session.language):
            if session.result is None:
                raise OptionError("There is no take to check yet. Press Generate first.")
            shown, engine = session.result.shown, session.engine or active.now
            settings = settings_in(take_recipe(shown.composition, shown.take.number))
            other = other_checkpoint(settings, engine.checkpoint)
            if other is not None:
                said = sentence(
                    "It was written by {needed}; this page has {here}, which writes other notes.",
                    needed=other.needed,
                    here=other.here,
                )
                yield texts.notice(session.language.say(said))
                return
            yield texts.notice(session.language.say("Waiting for the model"))
            for progress in engine.perform(again(engine, settings), lambda: session.stopped, visitor_of(request)):
                yield texts.notice(session.language.say(progress.message))
            written = {} if progress.result is None else {each.take.number: each.take for each in progress.result.takes}
            found = written.get(shown.take.number)
            if found is None:
                yield texts.check_hint(session.language)
            else:
                yield texts.notice(session.language.say(verdict(shown.take.joined, found.joined)))

    w.check.click(check, w.session, w.checked, **QUIET, **MODEL)


def _choice_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect the cards of the takes, Undo and Redo."""

    def pick(index: int | None, session: Session) -> Iterator[Updates]:
        result = session.result
        with request_folder(session.language) as folder:
            if result is None or index is None or not 0 <= index < len(result.takes):
                raise OptionError("This take does not exist.")
            session.results[-1] = replace(result, chosen=index)
            yield presented(w, session, session.engine or active.now, folder)

    def stepper(step: Callable[[Session], None]) -> Callable[[str, Session], Iterator[Updates]]:
        def take_step(seed_id: str, session: Session) -> Iterator[Updates]:
            engine, facts = session.engine or active.now, {}
            with request_folder(session.language) as folder:
                step(session)
                assert session.result is not None
                session.performance = session.result.shown.composition.request.performance
                with suppress(OptionError):  # the visitor's own music, which is no longer here
                    facts = {w.facts: texts.seed_facts(session.seed(seed_id, engine), session.performance, session.language)}
                yield presented(w, session, engine, folder) | w.playing_so(session.performance) | facts

        return take_step

    def bring_back(number: str, session: Session) -> Iterator[Updates]:
        with request_folder(session.language) as folder:
            session.bring_back(int(number) if number.isdecimal() else -1)
            yield reopened(w, session, session.engine or active.now, folder)

    outputs = [w.facts, *w.take, *w.playback]
    brought = w.bring_back.click(bring_back, [w.result_number, w.session], [*w.take, *w.controls], js=_BROUGHT, **EACH)
    picked = w.pick.input(pick, [w.pick, w.session], w.take, **QUIET, **SOUND)
    undone = w.undo.click(stepper(Session.go_back), [w.seed, w.session], outputs, js=IN_TURN, **EACH)
    redone = w.redo.click(stepper(Session.go_forward), [w.seed, w.session], outputs, js=IN_TURN, **EACH)
    for event in (picked, brought, undone, redone):
        after_take(w, event)
    for event in (brought, undone, redone):
        answered(event)
