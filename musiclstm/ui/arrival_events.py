"""What a visitor sees first: the music of a link, their own last result, or the example."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import gradio as gr

from musiclstm.errors import MusicLSTMError
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine
from musiclstm.ui.hub_events import hub_events
from musiclstm.ui.language import language_for
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.opening_events import on_stage
from musiclstm.ui.requests import AT_ONCE, QUIET, SOUND, request_folder
from musiclstm.ui.session import Session
from musiclstm.ui.take_events import after_take, carried, link_events, opened, remembered, reopened

BROUGHT_BACK = 8  # results that Undo knows after the page is loaded again
# A visitor with a link came for its take, which is below the controls on a phone.
_LINKED = "() => { if (new URLSearchParams(location.search).has('recipe')) window.musiclstm.look(); }"


def arrival_events(page: gr.Blocks, active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect what happens when the page has loaded, links, and the versions that a visitor saved."""

    def arrive(request: gr.Request, history: list[list[str]], bars: int, session: Session) -> Iterator[Updates]:
        engine = session.engine = active.now
        language = session.language = language_for(request.cookies, request.headers)
        code = str(request.query_params.get("recipe") or "")
        if not code:
            _bring_back(session, engine, history)
        linked_take = code != "" and opened(session, engine, code)
        example = None if code or session.results else engine.example
        if example is not None:
            session.add(example.result)
            session.example = True
        known = [(name, link) for name, link in history]
        yield {
            **w.opened(engine, active.note, language),
            w.earlier: gr.Dropdown(choices=known, value=None),
            w.replay_fold: gr.Accordion(visible=bool(history)),
            w.facts: texts.seed_facts(engine.first, session.performance, language),
            **(on_stage(w, session, engine.first, bars) if session.result is None else {}),
            **({linked: [code, 0]} if code and not linked_take else {}),
        }
        if example is not None:  # after the rest, since a hidden widget loses its value if a later update leaves it out
            yield w.shown(example.result.shown, example.files, engine, language, steps=0) | w.listed(example.result, language)
        elif session.result is not None:
            with request_folder(language) as folder:
                yield reopened(w, session, engine, folder) | remembered(w, session, history)

    linked = gr.State(["", 0])  # a link that is a recipe alone, and how often an earlier result was one
    outputs = [w.masthead, w.openings, *w.controls, *w.take, w.history, w.earlier, linked]
    arrived = page.load(arrive, [w.history, w.bars, w.session], outputs, **QUIET, **SOUND)
    after_take(w, arrived)
    arrived.then(None, js=_LINKED, **AT_ONCE)
    link_events(active, w, linked)
    hub_events(active, w, linked)


def _bring_back(session: Session, engine: Engine, history: list[list[str]]) -> None:
    """The visitor's latest results, from their own browser, so that the page goes on where it was left."""
    for _, code in reversed(history[:BROUGHT_BACK]):
        with suppress(MusicLSTMError):  # written by an earlier version, say
            if (result := carried(engine, code)) is not None:
                session.add(result)
