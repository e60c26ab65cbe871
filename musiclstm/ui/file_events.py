"""The events of files and scores: downloads that take a second to make, and the score as the view of the stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.generation import MP3, SCORE, SCORE_PDF, WAV, music_name, zip_take
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.layout import SCORE as SCORE_VIEW
from musiclstm.ui.layout import Widgets
from musiclstm.ui.pictures import SHEET_WIDTHS, opening_sheet, sheet
from musiclstm.ui.requests import AT_ONCE, QUIET, SOUND, request_folder, toasts
from musiclstm.ui.session import Session

ARCHIVE, SHEET, WAV_FILE, MP3_FILE = ".zip", "sheet.svg", f"joined{WAV}", f"joined{MP3}"
PAPER = "A4"
# Of several changes in a short time the last one is engraved.
_WIDTH = "(...inputs) => [...inputs.slice(0, -1), window.musiclstm.width()]"
_ENGRAVING: dict[str, Any] = {"js": _WIDTH, "trigger_mode": "always_last", **QUIET, **SOUND}
_SAVE = "(file) => window.musiclstm.save(file)"


def score_events(w: Widgets) -> None:
    """Connect the choice between roll and score."""

    def turn(view: str, session: Session, width: float) -> Any:
        session.score = view == SCORE_VIEW
        return _engraved(session, width)

    w.view.input(turn, [w.view, w.session, w.width], w.sheet, **_ENGRAVING)


def after_music(w: Widgets, event: Any) -> None:
    """After ``event`` has put other music on the stage: its score."""
    event.then(_engraved, [w.session, w.width], w.sheet, **_ENGRAVING)


def _engraved(session: Session, width: float) -> Any:
    """The music on the stage, as wide as there is room, but only while the score is chosen: it takes a second.

    Music that has left the stage meanwhile changes nothing: the score of the next one comes.
    """
    if not session.score or (session.result is None and session.staged is None):
        return ""
    narrowest, widest = SHEET_WIDTHS
    pixels, music = int(min(widest, max(narrowest, width or 0))), session.music
    with toasts(session.language):
        if session.result is not None:
            engraved = sheet(session.result.shown, pixels, session.language)
        else:
            assert session.staged is not None
            engraved = opening_sheet(session.staged, session.performance, pixels, session.language)
    left = any(new is not old for new, old in zip(session.music, music, strict=True))
    return gr.skip() if left else texts.sheet_page(engraved)


def download_events(active: ActiveCheckpoint, w: Widgets) -> None:
    """Connect the downloads that take a second to make. The other buttons already have their files."""

    def maker(name: str) -> Callable[[Session], Iterator[str]]:
        def make(session: Session) -> Iterator[str]:
            with request_folder(session.language) as folder:
                if session.result is None:
                    raise OptionError("There is no version to download any more. Press Generate again.")
                shown = session.result.shown
                music = music_name(shown.composition, shown.take.number)
                if name == SHEET:
                    (folder / SHEET).write_text(sheet(shown).svg, encoding="utf-8")
                else:
                    kind, paper = {WAV_FILE: WAV, MP3_FILE: MP3, ARCHIVE: WAV}.get(name, ""), name in (SCORE_PDF, ARCHIVE)
                    engine, score = session.engine or active.now, name in (SCORE, ARCHIVE)
                    written = engine.write(folder, shown, audio=kind, score=score, pdf=PAPER if paper else "")
                    if name in (WAV_FILE, MP3_FILE) and written.note:
                        raise MissingToolError(written.note)
                if name == ARCHIVE:
                    (folder / SHEET).write_text(sheet(shown).svg, encoding="utf-8")
                    zip_take(written, folder / f"{music}{ARCHIVE}", [folder / SHEET])
                    yield str(folder / f"{music}{ARCHIVE}")
                else:
                    yield str((folder / name).rename(folder / f"{music}{Path(name).suffix}"))

        return make

    for button, name in (
        (w.score_pdf, SCORE_PDF),
        (w.score, SCORE),
        (w.sheet_svg, SHEET),
        (w.mp3, MP3_FILE),
        (w.audio, WAV_FILE),
        (w.everything, ARCHIVE),
    ):
        made = button.click(maker(name), w.session, w.fetched, show_progress_on=button, api_visibility="private", **SOUND)
        made.success(None, w.fetched, None, js=_SAVE, api_visibility="private")
        made.failure(None, js="() => window.musiclstm.unsaved()", **AT_ONCE)
