"""The events of an opening: choose one, and play what is on the stage in another way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from musiclstm.seeds import Seed
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.file_events import after_music
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.openings import chosen_ids
from musiclstm.ui.requests import AT_ONCE, IN_TURN, QUIET, SOUND, answered, performance_of, request_folder, toasts, unchanged
from musiclstm.ui.session import Session
from musiclstm.ui.take_events import after_take, presented

# JavaScript in front of an event gets the inputs of the event and must return them.
_CHOSEN = "(...inputs) => { window.musiclstm.chosen(); return inputs; }"
_OPENING = "(...inputs) => window.musiclstm.openings.chosen(inputs)"
_FOUND = "(ids) => window.musiclstm.openings.show(ids)"
_BEGIN = "() => window.musiclstm.begin()"


def opening_events(active: ActiveCheckpoint, w: Widgets) -> Callable[[Any], None]:
    """Connect the list of openings and the playback; returns what puts the chosen opening on the stage after an event."""

    def stage(seed_id: str, bars: int, instrument: str, tempo: float | None, transposition: int, session: Session) -> Updates:
        with toasts(session.language):
            seed = session.seed(seed_id, session.engine or active.now)
            session.play_so(performance_of(instrument, tempo, transposition))
            session.turn += 1  # what is being written for another opening is not wanted any more
            session.opening = True
            return on_stage(w, session, seed, bars)

    def play_so(
        seed_id: str, bars: int, instrument: str, tempo: float | None, transposition: int, session: Session
    ) -> Iterator[Updates]:
        with request_folder(session.language) as folder:
            engine, performance = session.engine or active.now, performance_of(instrument, tempo, transposition)
            if performance == session.performance:  # a field was left as it was
                raise unchanged()
            session.play_so(performance)
            seed = session.seed(seed_id, engine)
            if session.result is None:
                yield on_stage(w, session, seed, bars)
            else:
                yield {
                    w.facts: texts.seed_facts(seed, session.performance, session.language),
                    **presented(w, session, engine, folder),
                }

    inputs = [w.seed, w.bars, w.instrument, w.tempo, w.transposition, w.session]
    outputs = [w.facts, *w.take]
    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUIET, **SOUND}

    def begun(event: Any) -> None:
        after_music(w, event.success(None, js=_BEGIN, **AT_ONCE))

    def staged(event: Any) -> None:
        begun(event.success(stage, inputs, outputs, **latest))

    begun(w.seed.input(stage, inputs, outputs, js=_CHOSEN, **latest))

    def choose(seed_id: str, session: Session) -> str:
        with toasts(session.language):
            return session.seed(seed_id, session.engine or active.now).id

    def search(when: str, texture: str, words: str, session: Session) -> str:
        return chosen_ids((session.engine or active.now).checkpoint.seeds, when, texture, words or "", session.language)

    staged(w.choose_opening.click(choose, [w.opening_id, w.session], w.seed, js=_OPENING, trigger_mode="always_last", **QUIET))
    asked = [w.era, w.texture, w.search, w.session]
    filters = [w.era.input, w.texture.input, w.search.change]
    gr.on(filters, search, asked, w.found, trigger_mode="always_last", **QUIET).then(None, w.found, None, js=_FOUND, **AT_ONCE)
    changed = [w.instrument.input, w.tempo.submit, w.tempo.blur, w.transposition.release]
    played_so = gr.on(changed, play_so, inputs, outputs, js=IN_TURN, **latest)
    answered(played_so)
    after_take(w, played_so)
    return staged


def on_stage(w: Widgets, session: Session, seed: Seed, bars: int) -> Updates:
    """Updates that show an opening, with room for ``bars`` bars."""
    session.staged = seed
    shown = w.staged(seed, session.performance, bars, session.language, results=session.results)
    return {w.facts: texts.seed_facts(seed, session.performance, session.language), **shown}
