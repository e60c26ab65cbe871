"""What a visitor sees first: the music of a link, their own last result, or the example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import gradio as gr

from musiclstm.errors import MusicLSTMError
from musiclstm.seeds import Seed
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine
from musiclstm.ui.hub_events import hub_events
from musiclstm.ui.language import language_for
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.opening_events import on_stage
from musiclstm.ui.openings import openings_page
from musiclstm.ui.requests import AT_ONCE, QUIET, SOUND, request_folder
from musiclstm.ui.results import Result
from musiclstm.ui.session import OWN, Session
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
        example = engine.example if not turn and not code and not brought else None
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
            **({linked: [code, 0]} if code and not brought else {}),
        }
        if not session.turn and session.result is not None:
            # After the rest, since a hidden widget loses its value if a later update leaves it out.
            if example is not None:
                yield w.shown(example.result.shown, example.files, engine, language, steps=0) | w.listed(example.result, language)
            else:
                with request_folder(language) as folder:
                    yield reopened(w, session, engine, folder) | remembered(w, session, history)
        if session.turn and not session.growing:  # again: it may have come to the browser before the rest, or in English
            with request_folder(language) as folder:
                staged = session.result is None
                yield on_stage(w, session, session.staged or seed, bars) if staged else presented(w, session, engine, folder)

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
    seeds, own, language = engine.checkpoint.seeds, session.own, session.language
    chosen = OWN if own is not None and seed == own.seed else seed.id
    return {
        w.seed: gr.Dropdown(choices=texts.seed_choices(seeds, own, language), value=chosen),
        w.facts: texts.seed_facts(seed, session.performance, language),
        w.openings: openings_page(seeds, language),
    }


def _brought(engine: Engine, codes: Iterable[str]) -> list[Result]:
    """The music of links that carry it; not of those that are a recipe alone, or damaged, or written by an earlier version."""
    found = []
    for code in codes:
        with suppress(MusicLSTMError):
            found.append(carried(engine, code))
    return [result for result in found if result is not None]
