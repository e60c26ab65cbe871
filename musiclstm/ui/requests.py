"""What the page's events share: how they run, folders of one request, settings to a request. Errors become Gradio's."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.errors import MusicLSTMError
from musiclstm.generation import OPEN_ENDED, ComposeRequest
from musiclstm.seeds import Seed
from musiclstm.ui.layout import DIVERSITIES, FOUR, LADDER

DRAWN_BELOW = 1_000_000  # random seeds that are drawn are short enough to be told to a friend
MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
SOUND: dict[str, Any] = {"concurrency_id": "sound", "concurrency_limit": 2}
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
AT_ONCE: dict[str, Any] = {"queue": False, **QUIET}


@contextmanager
def request_folder() -> Iterator[Path]:
    """A folder for the files of one request, gone after it; Gradio has taken copies by then. Our errors become Gradio's."""
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder, told():
        yield Path(folder)


@contextmanager
def told() -> Iterator[None]:
    """Our errors become a toast on the page, and an error for those who call the API."""
    try:
        yield
    except MusicLSTMError as error:
        raise gr.Error(str(error), print_exception=False) from error


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
) -> ComposeRequest:
    """The request that widgets or the API describe. Raises OptionError."""
    return ComposeRequest(
        seed,
        bars=bars,
        random_seed=random_seed,
        tempo=tempo or None,
        instrument=instrument,
        transposition=transposition,
        ending=OPEN_ENDED if open_ended else None,
        sampling=SamplingOptions(diversity, top_p, loop_guard),
    )


def requests_for(request: ComposeRequest, takes: str) -> Sequence[ComposeRequest]:
    """One take, four of them, or one at the tame end, the default and the wild end of diversity."""
    if takes != LADDER:
        return [replace(request, takes=4 if takes == FOUR else 1)]
    steps = (DIVERSITIES[0], SamplingOptions.diversity, DIVERSITIES[1])
    return [replace(request, sampling=replace(request.sampling, diversity=step)) for step in steps]
