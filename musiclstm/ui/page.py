"""Build and serve the page. No musical logic here."""

from __future__ import annotations

import gc
import os
import secrets
import sys
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import gradio as gr
from gradio.queueing import Queue
from starlette.middleware import Middleware

from musiclstm.children import give_way
from musiclstm.compiled import user_cache
from musiclstm.formats import MusicReader
from musiclstm.hub import VoteCopies
from musiclstm.quiet import give_memory_back
from musiclstm.render.samples import SampleLibrary
from musiclstm.scratch import AppFolder
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.api import add_endpoints
from musiclstm.ui.arrival_events import arrival_events
from musiclstm.ui.blocks import Blocks
from musiclstm.ui.change_events import change_events
from musiclstm.ui.duet_events import duet_events
from musiclstm.ui.file_events import download_events, score_events
from musiclstm.ui.hub_layout import space_in
from musiclstm.ui.kept_answers import KeptAnswers
from musiclstm.ui.layout import Widgets, place
from musiclstm.ui.opening_events import opening_events
from musiclstm.ui.own_events import own_events
from musiclstm.ui.places import MOST
from musiclstm.ui.requests import AT_ONCE, DRAWN_BELOW, visitor_of
from musiclstm.ui.sample_routes import sample_routes
from musiclstm.ui.sign_in import SignIn
from musiclstm.ui.state_holder import MOST_SESSIONS, LeanStateHolder
from musiclstm.ui.take_events import take_events
from musiclstm.ui.theme import theme
from musiclstm.ui.vote_events import vote_events
from musiclstm.ui.wording import InLanguage, Wording
from musiclstm.votes import REPO_VARIABLE as VOTES_REPO
from musiclstm.votes import BallotBox, votes_folder

QUEUE_LENGTH = 4 * MOST  # events of all kinds that wait in Gradio's queue
# In this order:
SCRIPTS = (
    "start",
    "sampler",
    "roll",
    "sheet",
    "player",
    "edit",
    "bars",
    "keyboard",
    "duet",
    "openings",
    "earlier",
    "files",
    "shared",
    "turns",
    "events",
)
THREADS = 3 * MOST  # a visitor who waits for notes holds one
BETWEEN_LOOKS = 0.005  # seconds between two looks of Gradio's queue for work
CACHE_SECONDS = (900, 7200)  # how often Gradio looks for old files of visitors, and at what age it deletes them


def serve(active: ActiveCheckpoint, folder: AppFolder, *, mcp: bool = False) -> None:
    """Serve the page until interrupted; ``mcp`` also serves the API as MCP tools.

    The files of visitors go into ``folder``, their votes into the folder MUSICLSTM_VOTES and the dataset MUSICLSTM_VOTES_REPO.
    """
    box, dataset = BallotBox(votes_folder()), os.environ.get(VOTES_REPO)
    copies = VoteCopies(box, dataset) if dataset else None
    reader = MusicReader()
    page = build_page(active, reader, box)
    try:
        samples = SampleLibrary(user_cache() / "samples")
        launch(page, samples, prevent_thread_lock=True, mcp_server=mcp)
        gc.freeze()  # what is there now stays: not to look for garbage among it saves each visitor time
        # Readers can wait until the model is there: nobody uploads a file at once.
        active.now.warm_up().add_done_callback(lambda _: reader.warm_up())
        threading.Thread(target=_render, args=(samples,), name="samples", daemon=True).start()
        folder.look_after()
        page.block_thread()
    finally:
        page.close()
        if copies is not None:
            copies.close()
        reader.close()


def _render(samples: SampleLibrary) -> None:
    give_way()  # the first visitor waits for the model, and hears the example a little later
    samples.warm_up()
    give_memory_back()


def launch(page: Blocks, samples: SampleLibrary, **options: Any) -> str:
    """Serve a page with its theme, style sheet, script and samples; ``options`` go to Gradio's launch. Returns the address.

    The address is 127.0.0.1:7860 unless GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say otherwise, as they do on a Space.
    """
    static, wording = files("musiclstm.ui"), page.wording
    middleware = [Middleware(KeptAnswers), Middleware(InLanguage, wording=wording)]
    middleware += [Middleware(SignIn)] if page.signs_in else []
    page.queue(max_size=QUEUE_LENGTH)
    _calm(page._queue)
    _, address, _ = page.launch(
        max_threads=THREADS,
        theme=theme(),
        css=_style(wording),
        js=_script(wording),
        app_kwargs={"routes": sample_routes(samples), "middleware": middleware},
        favicon_path=str(static / "favicon.svg"),
        footer_links=["api"],
        max_file_size="10mb",
        run_history=False,
        ssr_mode=False,
        state_session_capacity=MOST_SESSIONS,
        **options,
    )
    page.app.state_holder = LeanStateHolder(page, page.app.state_holder)
    return str(address)


def _calm(queue: Queue) -> None:
    """Let Gradio's queue do less that nobody here needs.

    It looks for work a thousand times a second and for progress bars a hundred times; and after each event it makes statistics of
    the last 10,000 anew, for a page of its own that this app doesn't open.
    """
    queue.sleep_when_free = max(BETWEEN_LOOKS, queue.sleep_when_free)
    queue.progress_update_sleep_when_free = 1.0
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


def _script(wording: Wording) -> str:
    """One function of all scripts: they share their names, and nothing of them is seen elsewhere. It begins with their texts."""
    folder = files("musiclstm.ui") / "script"
    texts = wording(lambda language: f"const TEXTS = {language.scripts}; const PLURAL = (n) => Number({language.plural});")
    scripts = ((folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    return "\n".join(["() => {", texts, *scripts, "}"])


def _style(wording: Wording) -> str:
    """The style sheet, with the texts that it shows."""
    shown = {
        "cautious": wording("cautious"),
        "bold": wording("bold"),
        "hidden-notes": wording("Listen. The notes are hidden until you have guessed."),
    }
    texts = " ".join(f'--{name}: "{text}";' for name, text in shown.items())
    return f":root {{ {texts} }}\n{(files('musiclstm.ui') / 'style.css').read_text(encoding='utf-8')}"


def build_page(active: ActiveCheckpoint, reader: MusicReader, box: BallotBox | None = None) -> Blocks:
    """Build the page with its events and its API, ready for ``launch``; ``reader`` reads what visitors upload, and votes go to
    ``box``, by default one that forgets them.
    """
    box, space = box or BallotBox(), space_in(os.environ)
    with Blocks(title="musiclstm", analytics_enabled=False, fill_width=True, delete_cache=CACHE_SECONDS) as page:
        widgets = place(active, page.wording, space)
        page.signs_in = widgets.shelf is not None
        staged = opening_events(active, widgets)
        own_events(active, reader, widgets, staged)
        arrival_events(page, active, widgets)
        _random_seed_events(widgets)
        take_events(active, widgets)
        change_events(active, widgets)
        duet_events(active, widgets)
        score_events(widgets)
        download_events(active, widgets)
        vote_events(active, widgets, box)
        add_endpoints(active, reader, box)
        page.unload(_gone(active))
    return page


def _gone(active: ActiveCheckpoint) -> Callable[[gr.Request], None]:
    """What happens when a visitor closes the page."""

    def gone(request: gr.Request) -> None:
        active.give_up(visitor_of(request))

    return gone


def _random_seed_events(w: Widgets) -> None:
    # A visitor who sets the random seed wants to keep it.
    w.dice.click(lambda: (secrets.randbelow(DRAWN_BELOW), False), None, [w.random_seed, w.fresh], **AT_ONCE)
    w.random_seed.input(lambda: False, None, w.fresh, **AT_ONCE)
