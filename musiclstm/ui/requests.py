"""What clicks and API calls share: how Gradio runs them, a scratch folder for each, and settings turned into a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.errors import MusicLSTMError
from musiclstm.generation import OPEN_ENDED, ComposeRequest
from musiclstm.music import Performance
from musiclstm.scratch import temporary_folder
from musiclstm.seeds import Seed
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.layout import DIVERSITIES, FOUR, LADDER
from musiclstm.ui.places import MOST

DRAWN_BELOW = 1_000_000  # random seeds stay short enough to read out to a friend
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 2 * MOST}  # ``Engine.places`` says who is served
SOUND: dict[str, Any] = {"concurrency_id": "sound", "concurrency_limit": 4}
# Progress on nothing at all: else Gradio's script, which shows nothing, still copies all properties of all outputs of an event
# whenever it waits, runs or ends: much of what a visitor's browser had to do during a take.
QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
AT_ONCE: dict[str, Any] = {"queue": False, **QUIET}
# JavaScript in front of an event that waits until the visitor's change before has been ``answered``.
IN_TURN = "(...inputs) => window.musiclstm.turns.take(inputs)"


@contextmanager
def request_folder(language: Language = ENGLISH) -> Iterator[Path]:
    """A temporary folder for the files of one request; Gradio has copied them when it is deleted. Errors as in ``toasts``."""
    with toasts(language), temporary_folder() as folder:
        yield folder


@contextmanager
def toasts(language: Language = ENGLISH) -> Iterator[None]:
    """Turn our errors into Gradio's: a toast on the page, an error for API clients."""
    title = language.say("Error")
    try:
        yield
    except MusicLSTMError as error:
        raise gr.Error(language.error(error), title=title, print_exception=False) from error
    except OSError as error:  # a full disk, more often than not
        reason = error.strerror or error
        said = language.say("The server can't write its files now ({reason}); try again in some minutes.", reason=reason)
        raise gr.Error(said, title=title) from error


def answered(event: Any, script: str = "() => window.musiclstm.turns.answered()") -> None:
    """After ``event``, whatever came of it, run ``script``, which lets the visitor's next click go. Goes with IN_TURN."""
    for answer in (event.success, event.failure):  # Gradio skips `then` after a failure
        answer(None, js=script, **AT_ONCE)


def unchanged() -> gr.Error:
    """To raise where an event has nothing to do, such as a field that was left as it was: what would follow does not."""
    return gr.Error("Nothing has changed.", visible=False, print_exception=False)


def visitor_of(request: gr.Request) -> str:
    """Who sent a request: one open page, or one client of the API."""
    return str(request.session_hash or (request.client.host if request.client else ""))


def address_of(request: gr.Request) -> str:
    """The network address that a request came from, behind a proxy too; "" if it is unknown."""
    passed_on = str(request.headers.get("x-forwarded-for", "")).partition(",")[0].strip()
    return passed_on or (request.client.host if request.client else "")


def request_of(
    seed: Seed,
    diversity: float,
    bars: int,
    random_seed: int,
    tempo: float | None,
    instrument: str,
    transposition: int,
    top_p: float,
    loop_guard: bool,
    open_ended: bool,
    regenerate: int | None = None,
) -> ComposeRequest:
    """Build a request from the values of the widgets or of the API. Raises OptionError."""
    return ComposeRequest(
        seed,
        bars=bars,
        random_seed=random_seed,
        performance=performance_of(instrument, tempo, transposition),
        ending=OPEN_ENDED if open_ended else None,
        regenerate=regenerate,
        sampling=SamplingOptions(diversity, top_p, loop_guard),
    )


def performance_of(instrument: str, tempo: float | None, transposition: int) -> Performance:
    """How to play, from the values of the widgets; a tempo of 0 is the seed's own. Raises OptionError."""
    return Performance(instrument, tempo or None, transposition)


def requests_for(request: ComposeRequest, takes: str) -> Sequence[ComposeRequest]:
    """One request for one or four takes, or three: at the tame, the default and the wild diversity."""
    if takes != LADDER:
        return [replace(request, takes=4 if takes == FOUR else 1)]
    steps = (DIVERSITIES[0], SamplingOptions.diversity, DIVERSITIES[1])
    return [replace(request, sampling=replace(request.sampling, diversity=step)) for step in steps]
