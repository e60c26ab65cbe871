"""What a visitor sees first: the music of a link, their own last result, or the example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import gradio as gr

from musiclstm.errors import MusicLSTMError
from musiclstm.music import Performance
from musiclstm.seeds import Seed
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine, Example
from musiclstm.ui.hub_events import hub_events
from musiclstm.ui.language import language_for
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.opening_events import on_stage
from musiclstm.ui.openings import openings_page
from musiclstm.ui.requests import AT_ONCE, QUIET, SOUND, request_folder
from musiclstm.ui.results import Result
from musiclstm.ui.session import Session
from musiclstm.ui.take_events import after_take, carried, link_events, presented, remembered, reopened

BROUGHT_BACK = 8  # results that Undo knows after the page is loaded again
# A visitor with a link came for its take, which is below the controls on a phone.
_LINKED = "() => { if (new URLSearchParams(location.search).has('recipe')) window.musiclstm.look(); }"


def arrival_events(page: gr.Blocks, active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect what happens when the page has loaded, links, and the versions that a visitor saved."""

    def arrive(request: gr.Request, history: list[list[str]], bars: int, session: Session) -> Iterator[Updates]:
        engine = session.engine = active.now
        language = session.language = language_for(request.cookies, request.headers)
        code = str(request.query_params.get("recipe") or "")
        turn = session.turn  # not 0 if the visitor was quicker than this event; what they chose, now or meanwhile, stays
        brought = _brought(engine, [code] if code else [code for _, code in reversed(history[:BROUGHT_BACK])])
        session.bring(brought)
        example = None if turn or code or brought else engine.example
        if example is not None:
            session.bring([example.result])
            session.example = True
        seed = session.staged or engine.first
        yield {
            w.masthead: texts.masthead(engine.checkpoint, active.note, language),
            **_opened(w, engine, seed, session),
            w.earlier: gr.Dropdown(choices=[(name, link) for name, link in history], value=None),
            w.replay_fold: gr.Accordion(visible=bool(history)),
            **(on_stage(w, session, seed, bars) if session.result is None and not turn else {}),
            **({linked: [code, 0]} if code and not brought and not turn else {}),
        }
        if session.result is not None and not session.turn:  # after the rest: a hidden widget loses a value that comes sooner
            yield from _first(w, session, engine, example, history)
        if session.turn and not session.growing:  # again: it may have come to the browser before the rest, or in English
            if session.result is None:
                staged = session.staged or seed
                yield on_stage(w, session, staged, bars) | {w.seed: session.id_of(staged)}
            else:
                with request_folder(language) as folder:
                    yield presented(w, session, engine, folder)

    linked = gr.State(["", 0])  # a link that is a recipe alone, and how often an earlier result was one
    outputs = [w.masthead, w.openings, *w.controls, *w.take, w.history, w.earlier, linked]
    arrived = page.load(arrive, [w.history, w.bars, w.session], outputs, **QUIET, **SOUND)
    after_take(w, arrived)
    arrived.then(None, js=_LINKED, **AT_ONCE)
    link_events(active, w, linked)
    hub_events(active, w, linked)


def _opened(w: Widgets, engine: Engine, seed: Seed, session: Session) -> Updates:
    """Updates with the openings of the checkpoint in use, of which ``seed`` is chosen.

    There are none if the page has them already: the list could undo a choice that the visitor has made meanwhile.
    """
    if engine is w.engine:
        return {}
    seeds, language = engine.checkpoint.seeds, session.language
    return {
        w.seed: gr.Dropdown(choices=texts.seed_choices(seeds, session.own, language), value=session.id_of(seed)),
        w.facts: texts.seed_facts(seed, session.performance, language),
        w.openings: openings_page(seeds, language),
    }


def _first(w: Widgets, session: Session, engine: Engine, example: Example | None, history: list[list[str]]) -> Iterator[Updates]:
    """Updates that show what a visitor sees first: the example, their latest result, or the music of a link."""
    as_chosen = session.performance != Performance()  # by a visitor who was quick
    if example is not None and not as_chosen:  # its files are there
        told = w.shown(example.result.shown, example.files, engine, session.language, steps=0)
        yield told | w.listed(example.result, session.language)
        return
    with request_folder(session.language) as folder:
        if as_chosen:
            session.play_so(session.performance)
            shown = presented(w, session, engine, folder)
        else:
            shown = reopened(w, session, engine, folder) | remembered(w, session, history)
        yield {} if session.turn else shown  # something else was chosen meanwhile


def _brought(engine: Engine, codes: Iterable[str]) -> list[Result]:
    """The music of links that carry it; not of those that are a recipe alone, or damaged, or written by an earlier version."""
    found = []
    for code in codes:
        with suppress(MusicLSTMError):
            found.append(carried(engine, code))
    return [result for result in found if result is not None]
