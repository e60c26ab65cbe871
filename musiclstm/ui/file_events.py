"""The events of files and sheet music: downloads that take a second to make, and the fold with the sheet music."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.generation import MP3, SCORE, SCORE_PDF, WAV, music_name, zip_take
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.layout import Widgets
from musiclstm.ui.pictures import SHEET_WIDTHS, sheet
from musiclstm.ui.requests import AT_ONCE, QUIET, SOUND, request_folder, toasts
from musiclstm.ui.session import Session

ARCHIVE, SHEET, WAV_FILE, MP3_FILE = ".zip", "sheet.svg", f"joined{WAV}", f"joined{MP3}"
PAPER = "A4"
WIDTH = "(session, width) => [session, window.musiclstm.width()]"
_SAVE = "(file) => window.musiclstm.save(file)"


def engraved(session: Session, width: float) -> str:
    """The sheet music of the chosen take, as wide as the page has room, but only while it is unfolded: it takes a second."""
    with toasts(session.language):
        if not session.sheet or session.result is None:
            return ""
        narrowest, widest = SHEET_WIDTHS
        return texts.sheet_page(sheet(session.result.shown, int(min(widest, max(narrowest, width or 0)))))


def sheet_events(w: Widgets) -> None:
    """Engrave the sheet music when its fold is opened."""

    def unfold(session: Session, width: float) -> str:
        session.sheet = True
        return engraved(session, width)

    def fold(session: Session) -> None:
        session.sheet = False

    w.sheet_fold.expand(unfold, [w.session, w.width], w.sheet, js=WIDTH, **QUIET, **SOUND)
    w.sheet_fold.collapse(fold, w.session, None, **AT_ONCE)


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
