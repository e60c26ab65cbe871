"""The events of a duet: the visitor's phrase comes, the answer goes, and what was heard is kept on the stage."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.errors import MusicLSTMError
from musiclstm.generation import Composition
from musiclstm.music import Performance
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.duet import Heard, answer_notes, answer_request, answer_seconds, bars_heard, heard
from musiclstm.ui.engine import Engine, job_of
from musiclstm.ui.layout import Updates, Widgets, code_of
from musiclstm.ui.own_events import playing_in
from musiclstm.ui.requests import AT_ONCE, DRAWN_BELOW, MODEL, QUIET, SOUND, request_folder, unchanged, visitor_of
from musiclstm.ui.results import Shown
from musiclstm.ui.session import Duet, Session
from musiclstm.ui.take_events import after_take, presented, remembered, while_wanted

# JavaScript in front of an event gets the inputs of the event and must return them.
_PHRASE = "(...inputs) => window.musiclstm.duet.asked(inputs)"
_NOTED = "() => window.musiclstm.duet.noted()"
_FAILED = "() => window.musiclstm.duet.failed()"


def duet_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect the duet. Its buttons are pressed by the page's script, which also reads the answer."""
    phrase, answer = gr.Textbox(visible=False), gr.HTML(elem_id="duet-answer")
    ask, keep, leave = (gr.Button(name, elem_id=f"duet-{name.lower()}") for name in ("Ask", "Keep", "Leave"))

    def answered(
        request: gr.Request, text: str, diversity: float, top_p: float, loop_guard: bool, session: Session
    ) -> Iterator[str]:
        session.turn += 1  # whatever is being written for this visitor is not wanted any more
        session.stopped, session.answer = False, None
        try:
            sampling = SamplingOptions(diversity, top_p, loop_guard)
            yield from _answers(text, session, session.engine or active.now, sampling, visitor_of(request))
        except MusicLSTMError as error:  # on the keyboard, where the visitor looks
            yield _told(_number(text), error=session.language.error(error))

    def kept(session: Session) -> None:
        if session.answer is None:
            raise unchanged()
        session.duet, session.answer = session.answer, None
        session.performance = Performance()
        session.add(session.duet.result)

    def shown(session: Session, history: list[list[str]]) -> Iterator[Updates]:
        with request_folder(session.language) as folder:
            if session.result is None or session.duet is None:
                raise unchanged()
            before = session.duet.before
            old = "" if before is None else code_of(before.shown)  # the list of earlier results keeps the latest turn alone
            others = [entry for entry in history if entry[1] != old]
            earlier = remembered(w, session, others)
            yield presented(w, session, session.engine or active.now, folder) | w.playing_so(session.performance) | earlier

    def left(session: Session) -> None:
        session.turn += 1

    inputs = [phrase, w.diversity, w.top_p, w.loop_guard, w.session]
    asked = ask.click(answered, inputs, answer, js=_PHRASE, trigger_mode="multiple", **QUIET, **MODEL)
    asked.failure(None, js=_FAILED, **AT_ONCE)  # Gradio's own queue is full, say
    outputs = [*w.take, *w.playback, w.history, w.earlier]
    noted = keep.click(kept, w.session, None, trigger_mode="multiple", **AT_ONCE)
    noted.success(None, js=_NOTED, **AT_ONCE)
    noted.failure(None, js=_FAILED, **AT_ONCE)
    after_take(w, noted.success(shown, [w.session, w.history], outputs, **QUIET, **SOUND))
    leave.click(left, w.session, None, **AT_ONCE)


def _answers(text: str, session: Session, engine: Engine, sampling: SamplingOptions, visitor: str) -> Iterator[str]:
    """What to tell the script while an answer is written to the phrase that it sent, which may become the session's duet."""
    playing, asked = playing_in(text), json.loads(text)
    duet, shown = session.duet, None if asked.get("first") else _so_far(session)
    before, metre, kept = shown.composition if shown else None, asked.get("metre"), asked.get("kept")
    played = heard(playing, before, duet.tempo if duet and before else None, metre if isinstance(metre, str) else None)
    cut_short = duet and shown and duet.is_of(shown.composition) and type(kept) is int
    stay = bars_heard(shown, kept) if shown and cut_short else None
    drawn, done = secrets.randbelow(DRAWN_BELOW), False
    number, at_once = shown.take.number if shown else None, bool(asked.get("at_once"))
    job = job_of([answer_request(played, before, stay, sampling, drawn, at_once=at_once, number=number)])
    for progress in while_wanted(engine, job, session, visitor):
        if progress.result is not None:
            session.answer, done = Duet(progress.result.shown.composition, played.tempo, session.result if before else None), True
        if progress.composition is None:
            yield _told(_number(text), said=session.language.say(progress.message))
        else:
            yield _told(_number(text), **_sounding(progress.composition, played), done=done)
    if not done:
        yield _told(_number(text), error=session.language.say("The answer was stopped before it was finished."))


def _so_far(session: Session) -> Shown | None:
    """What the duet goes on from: the version on the stage, if it is one of the duet; None to begin a new one."""
    if session.result is None or session.duet is None:
        return None
    shown = session.result.shown
    return shown if shown.composition.request.seed is session.duet.answer.request.seed else None


def _sounding(composition: Composition, played: Heard) -> dict[str, Any]:
    """What the script needs to play an answer, as far as it is written; times in seconds."""
    bar = played.seconds(composition.seed.metre_at(composition.split).bar_ticks)
    seconds = round(answer_seconds(composition, played), 4)
    return {"notes": answer_notes(composition, played), "seconds": seconds, "bar": bar, "beat": played.beat}


def _number(text: str) -> int:
    """By which number the script calls its phrase; 0 if it does not say."""
    found = re.search(r'"number": ?(\d{1,9})[,}]', text[-40:])
    return int(found[1]) if found else 0


def _told(number: int, **facts: Any) -> str:
    """What the script reads, about the phrase with this number."""
    return texts.for_the_script({"number": number, **facts})
