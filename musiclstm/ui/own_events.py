"""The events of a visitor's own opening: a file, or what was played on the page's keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.formats import MusicReader
from musiclstm.notation import beat_grid
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.requests import AT_ONCE, QUIET, request_folder, unchanged
from musiclstm.ui.session import OWN, Playing, Session, own_bars

PLAYED_CHARACTERS, PLAYED_NOTES, PLAYED_SECONDS, HELD_SECONDS = 300_000, 3_000, 600, 60  # of what the keyboard sends
_PLAYING = "(...inputs) => window.musiclstm.playing(inputs)"
Then = Callable[[Any], Any]


def own_events(active: ActiveCheckpoint, reader: MusicReader, w: Widgets, staged: Then) -> None:
    """Connect the upload and the keyboard; ``staged(event)`` puts the new opening on the stage after an event."""

    def listed(session: Session) -> Updates:
        assert session.own is not None
        seeds = (session.engine or active.now).checkpoint.seeds
        return {
            w.seed: gr.Dropdown(choices=texts.seed_choices(seeds, session.own, session.language), value=OWN),
            w.own_facts: texts.own_facts(session.own, session.language),
        }

    _upload_events(reader, w, listed, staged)
    _keyboard_events(w, listed, staged)


def _upload_events(reader: MusicReader, w: Widgets, listed: Callable[[Session], Updates], staged: Then) -> None:
    """Read the visitor's file and put a seed cut from it first in the list."""

    def shown(session: Session) -> Updates:
        assert session.own is not None
        (first, last), (low, high) = session.own.seed.bars, session.own.numbers
        session.playing = None
        return listed(session) | {
            w.understood: gr.Row(visible=False),
            w.own_range: gr.Row(visible=True),
            w.own_first: gr.Number(first, minimum=low, maximum=high),
            w.own_last: gr.Number(last, minimum=low, maximum=high),
        }

    def read_upload(path: str, session: Session) -> Iterator[Updates]:
        with request_folder(session.language):
            try:
                parts = reader.parts(Path(path))
                session.own, names = own_bars(reader.read(Path(path)), None), texts.part_names(parts, session.language)
            except MusicLSTMError as error:
                yield _without_file(w, texts.own_trouble(error, session.language))
                raise
            several = gr.CheckboxGroup(names, value=[number for _, number in names], visible=len(names) > 1)
            yield shown(session) | {w.own_parts: several}

    def choose_parts(path: str | None, parts: list[int], session: Session) -> Updates:
        with request_folder(session.language):
            if path is None:
                return {}
            if not parts:
                raise OptionError("At least one part must stay.")
            session.own = own_bars(reader.read(Path(path), parts), None)
            return shown(session)

    def recut(first: int | None, last: int | None, session: Session) -> Updates:
        with request_folder(session.language):
            if session.own is None or first is None or last is None or (first, last) == session.own.seed.bars:
                raise unchanged()
            session.own = own_bars(session.own.piece, (first, last))
            return listed(session)

    outputs = [w.seed, w.own_facts, w.understood, w.own_range, w.own_first, w.own_last]
    cut = [w.own_first.submit, w.own_first.blur, w.own_last.submit, w.own_last.blur]
    inputs = [w.own_first, w.own_last, w.session]
    for event in (
        w.upload.upload(read_upload, [w.upload, w.session], [*outputs, w.own_parts], **QUIET),
        w.own_parts.input(choose_parts, [w.upload, w.own_parts, w.session], outputs, trigger_mode="always_last", **QUIET),
        gr.on(cut, recut, inputs, [w.seed, w.own_facts], trigger_mode="always_last", **QUIET),
    ):
        staged(event)
    w.upload.clear(partial(_cleared, w), w.session, [w.own_facts, w.own_range, w.own_parts], **AT_ONCE)


def _cleared(w: Widgets, session: Session) -> Updates:
    return _without_file(w, texts.own_files(session.language))


def _without_file(w: Widgets, facts: str) -> Updates:
    return {w.own_facts: facts, w.own_range: gr.Row(visible=False), w.own_parts: gr.CheckboxGroup(visible=False)}


def _keyboard_events(w: Widgets, listed: Callable[[Session], Updates], staged: Then) -> None:
    """Set what was played on its beats; the visitor may say which these are."""

    def understood(session: Session, playing: Playing) -> Updates:
        onsets, durations, pitches, velocities = ([note[column] for note in playing.notes] for column in range(4))
        given: dict[str, Any] = {"tempo": playing.tempo, "metre": playing.metre, "first_beat": playing.first_beat}
        on_beat = beat_grid(onsets, durations, pitches, velocities, **given)
        session.playing, session.own = playing, own_bars(texts.titled(on_beat.piece), None)
        session.understood = on_beat.tempo, on_beat.metre, on_beat.first_beat
        return listed(session) | {
            w.own_range: gr.Row(visible=False),
            w.own_parts: gr.CheckboxGroup(visible=False),
            w.understood: gr.Row(visible=True),
            w.played_tempo: on_beat.tempo,
            w.played_metre: on_beat.metre,
            w.played_first: on_beat.first_beat,
        }

    def use(text: str, session: Session) -> Updates:
        with request_folder(session.language):
            return understood(session, playing_in(text))

    def correct(tempo: float | None, metre: str, first: float | None, session: Session) -> Updates:
        with request_folder(session.language):
            if session.playing is None or (tempo, metre, first) == session.understood:
                raise unchanged()
            return understood(session, session.playing.corrected(tempo, metre, first))

    widgets = [w.played_tempo, w.played_metre, w.played_first]
    outputs = [w.seed, w.own_facts, w.own_range, w.own_parts, w.understood, *widgets]
    changed = [w.played_tempo.submit, w.played_tempo.blur, w.played_metre.input, w.played_first.submit, w.played_first.blur]
    staged(w.use_playing.click(use, [w.playing, w.session], outputs, js=_PLAYING, **QUIET))
    staged(gr.on(changed, correct, [*widgets, w.session], outputs, trigger_mode="always_last", **QUIET))


def playing_in(text: str) -> Playing:
    """What the page's keyboard sends: notes as [onset, duration, pitch, velocity], seconds and MIDI numbers, and its metronome.

    Raises OptionError for anything else.
    """
    try:
        data: Any = json.loads(text) if len(text) <= PLAYED_CHARACTERS else None
        notes = [(float(onset), float(length), int(pitch), int(velocity)) for onset, length, pitch, velocity in data["notes"]]
        tempo, metre, first = (data.get(name) for name in ("tempo", "metre", "first_beat"))
        steady = isinstance(metre, str) and tempo is not None and first is not None
        beat = (float(tempo), str(metre), float(first)) if steady else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise OptionError("Record something first: press Record and play.") from error
    if not 1 <= len(notes) <= PLAYED_NOTES:
        raise OptionError("Play 1 to {most:,} notes.", most=PLAYED_NOTES)
    if not all(21 <= pitch <= 108 and 1 <= velocity <= 127 for _, _, pitch, velocity in notes):
        raise OptionError("Keys must be those of a piano, with velocities from 1 to 127.")
    if not all(abs(onset) <= PLAYED_SECONDS and 0 < length <= HELD_SECONDS for onset, length, _, _ in notes):
        raise OptionError(
            "A recording lasts up to {minutes} minutes, a note up to {seconds} seconds.",
            minutes=PLAYED_SECONDS // 60,
            seconds=HELD_SECONDS,
        )
    return Playing(tuple(notes)) if beat is None else Playing(tuple(notes), *beat)
