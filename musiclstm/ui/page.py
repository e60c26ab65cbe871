"""Build and serve the page, with the events of choosing a seed. No musical logic here."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.compiled import user_cache
from musiclstm.config import REPO_VARIABLE, REVISION_VARIABLE
from musiclstm.formats import MusicReader
from musiclstm.hub import VoteCopies
from musiclstm.render.samples import SampleLibrary
from musiclstm.scratch import AppFolder
from musiclstm.seeds import Seed
from musiclstm.ui import texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint, open_active_checkpoint
from musiclstm.ui.api import add_endpoints
from musiclstm.ui.layout import Updates, Widgets, place, theme
from musiclstm.ui.places import MOST
from musiclstm.ui.requests import AT_ONCE, DRAWN_BELOW, QUIET, SOUND, performance_of, request_folder, toasts, visitor_of
from musiclstm.ui.sample_routes import sample_routes
from musiclstm.ui.session import OWN, Session, own_bars
from musiclstm.ui.take_events import (
    after_take,
    download_events,
    link_events,
    open_carried,
    presented,
    remembered,
    take_events,
)
from musiclstm.ui.vote_events import vote_events
from musiclstm.votes import REPO_VARIABLE as VOTES_REPO
from musiclstm.votes import BallotBox, votes_folder

QUEUE_LENGTH = 4 * MOST  # events of all kinds that wait in Gradio's queue
SCRIPTS = ("start", "sampler", "roll", "sheet", "player", "events")  # in this order
THREADS = 3 * MOST  # a visitor who waits for notes holds one
CACHE_SECONDS = (900, 7200)  # how often Gradio looks for old files of visitors, and at what age it deletes them
# A visitor with a link came for its take, which is below the controls on a phone.
_LINKED = "() => { if (new URLSearchParams(location.search).has('recipe')) window.musiclstm.look(); }"
# JavaScript in front of an event gets the inputs of the event and must return them.
_BEGIN = "() => window.musiclstm.begin()"
_CHOSEN = "(...inputs) => { window.musiclstm.chosen(); return inputs; }"


def serve(folder: AppFolder, *, mcp: bool = False) -> None:
    """Serve the page until interrupted, with the bundled checkpoint or the one that the environment names.

    MUSICLSTM_REPO is a folder or OWNER/NAME on the Hub, MUSICLSTM_REVISION a branch, tag or commit of it. ``mcp`` also serves
    the API as MCP tools. The files of visitors go into ``folder``, their votes into the folder MUSICLSTM_VOTES and the dataset
    MUSICLSTM_VOTES_REPO. Raises CheckpointError if the bundled checkpoint can't be opened, OptionError for a malformed name.
    """
    box, dataset = BallotBox(votes_folder()), os.environ.get(VOTES_REPO)
    copies = VoteCopies(box, dataset) if dataset else None
    repo, revision = os.environ.get(REPO_VARIABLE), os.environ.get(REVISION_VARIABLE)
    active = open_active_checkpoint(f"{repo}@{revision}" if repo and revision else repo or None)
    reader = MusicReader()
    page = build_page(active, reader, box)
    try:
        samples = SampleLibrary(user_cache() / "samples")
        launch(page, samples, prevent_thread_lock=True, mcp_server=mcp)
        reader.warm_up()
        threading.Thread(target=samples.warm_up, name="samples", daemon=True).start()
        active.now.warm_up()  # once the page is up, since it keeps all cores busy for a while
        folder.look_after()
        page.block_thread()
    finally:
        page.close()
        if copies is not None:
            copies.close()
        reader.close()
        active.close()


def launch(page: gr.Blocks, samples: SampleLibrary, **options: Any) -> str:
    """Serve a page with its theme, style sheet, script and samples; ``options`` go to Gradio's launch. Returns the address.

    The address is 127.0.0.1:7860 unless GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say otherwise, as they do on a Space.
    """
    static = files("musiclstm.ui")
    _, address, _ = page.queue(max_size=QUEUE_LENGTH).launch(
        max_threads=THREADS,
        theme=theme(),
        css=(static / "style.css").read_text(encoding="utf-8"),
        js=_script(),
        app_kwargs={"routes": sample_routes(samples)},
        favicon_path=str(static / "favicon.svg"),
        footer_links=["api"],
        max_file_size="10mb",
        run_history=False,
        ssr_mode=False,
        **options,
    )
    return str(address)


def _script() -> str:
    """One function of all scripts: they share their names, and nothing of them is seen elsewhere."""
    folder = files("musiclstm.ui") / "script"
    return "\n".join(["() => {", *((folder / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS), "}"])


def build_page(active: ActiveCheckpoint, reader: MusicReader, box: BallotBox | None = None) -> gr.Blocks:
    """Build the page with its events and its API, ready for ``launch``; ``reader`` reads what visitors upload, and votes go to
    ``box``, by default one that forgets them.
    """
    box = box or BallotBox()
    with gr.Blocks(title="musiclstm", analytics_enabled=False, fill_width=True, delete_cache=CACHE_SECONDS) as page:
        widgets = place(active)
        _seed_events(page, active, reader, widgets)
        _random_seed_events(widgets)
        take_events(active, widgets)
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


def _seed_events(page: gr.Blocks, active: ActiveCheckpoint, reader: MusicReader, w: Widgets) -> None:
    def stage(seed_id: str, bars: int, instrument: str, tempo: float | None, transposition: int, session: Session) -> Updates:
        """Put the chosen opening on the stage."""
        with toasts():
            seed = session.seed(seed_id, session.engine or active.now)
            session.play_so(performance_of(instrument, tempo, transposition))
            session.opening = True
            return staged(session, seed, bars)

    def staged(session: Session, seed: Seed, bars: int) -> Updates:
        shown = w.staged(seed, session.performance, bars, results=len(session.results))
        return {w.facts: texts.seed_facts(seed, session.performance), **shown}

    def play_so(
        seed_id: str, bars: int, instrument: str, tempo: float | None, transposition: int, session: Session
    ) -> Iterator[Updates]:
        """Play what is on the stage in another way."""
        with request_folder() as folder:
            engine = session.engine or active.now
            session.play_so(performance_of(instrument, tempo, transposition))
            seed = session.seed(seed_id, engine)
            if session.result is None:
                yield staged(session, seed, bars)
            else:
                yield {w.facts: texts.seed_facts(seed, session.performance), **presented(w, session, engine, folder)}

    def arrive(request: gr.Request, history: list[list[str]], bars: int, session: Session) -> Iterator[Updates]:
        engine = session.engine = active.now
        code = str(request.query_params.get("recipe") or "")
        earlier = gr.Dropdown(choices=[(name, link) for name, link in history], value=None)
        replays = gr.Accordion(visible=bool(history))
        carried = open_carried(w, session, engine, code) if code else {}
        example = None if code else engine.example
        if example is not None:
            session.add(example.result)
        now = staged(session, engine.first, bars) if session.result is None else {}
        recipe = {linked: [code, 0]} if code and not carried else {}
        facts = {w.facts: texts.seed_facts(engine.first, session.performance)}
        yield {**w.opened(engine, active.note), w.earlier: earlier, w.replay_fold: replays, **facts, **now, **carried, **recipe}
        if carried:
            with request_folder() as folder:
                yield presented(w, session, engine, folder) | remembered(w, session, history)
        if example is not None:  # last, since a hidden widget loses its value if a later update leaves it out
            yield w.shown(example.result.shown, example.files, engine, steps=0) | w.listed(example.result)

    linked = gr.State(["", 0])  # a link that is a recipe alone, and how often an earlier result was one
    inputs = [w.seed, w.bars, w.instrument, w.tempo, w.transposition, w.session]
    outputs = [w.facts, *w.take]
    latest: dict[str, Any] = {"trigger_mode": "always_last", **QUIET, **SOUND}
    w.seed.input(stage, inputs, outputs, js=_CHOSEN, **latest).success(None, js=_BEGIN, **AT_ONCE)
    changed = [w.instrument.input, w.tempo.submit, w.tempo.blur, w.transposition.release]
    after_take(w, gr.on(changed, play_so, inputs, outputs, **latest))
    all_outputs = [w.masthead, w.seed, *outputs, w.history, w.earlier, linked]
    arrived = page.load(arrive, [w.history, w.bars, w.session], list(dict.fromkeys(all_outputs)), **QUIET, **SOUND)
    after_take(w, arrived)
    arrived.then(None, js=_LINKED, **AT_ONCE)
    link_events(active, w, linked)
    _own_events(active, reader, w, stage, inputs, outputs)


def _random_seed_events(w: Widgets) -> None:
    # A visitor who sets the random seed wants to keep it.
    w.dice.click(lambda: (secrets.randbelow(DRAWN_BELOW), False), None, [w.random_seed, w.fresh], **AT_ONCE)
    w.random_seed.input(lambda: False, None, w.fresh, **AT_ONCE)


def _own_events(
    active: ActiveCheckpoint, reader: MusicReader, w: Widgets, stage: Any, inputs: list[Any], outputs: list[Any]
) -> None:
    """Connect the upload: read the visitor's music and put a seed cut from it first in the list."""

    def read_upload(path: str | None, session: Session) -> Updates:
        with request_folder():
            if path is None:
                return {w.own_facts: texts.OWN_FILES, w.own_range: gr.Row(visible=False)}
            session.own = own_bars(reader.read(Path(path)), None)
            return listed(session) | {
                w.own_range: gr.Row(visible=True),
                w.own_first: gr.Number(session.own.seed.bars[0], maximum=session.own.bars),
                w.own_last: gr.Number(session.own.seed.bars[1], maximum=session.own.bars),
            }

    def recut(first: int | None, last: int | None, session: Session) -> Updates:
        with request_folder():
            if session.own is None or first is None or last is None:
                return {}
            session.own = own_bars(session.own.piece, (first, last))
            return listed(session)

    def listed(session: Session) -> Updates:
        assert session.own is not None
        seeds = (session.engine or active.now).checkpoint.seeds
        return {
            w.seed: gr.Dropdown(choices=texts.seed_choices(seeds, session.own), value=OWN),
            w.own_facts: texts.own_facts(session.own),
        }

    uploaded = w.upload.upload(
        read_upload, [w.upload, w.session], [w.seed, w.own_facts, w.own_range, w.own_first, w.own_last], **QUIET
    )
    cut = gr.on(
        [w.own_first.submit, w.own_first.blur, w.own_last.submit, w.own_last.blur],
        recut,
        [w.own_first, w.own_last, w.session],
        [w.seed, w.own_facts],
        trigger_mode="always_last",
        **QUIET,
    )
    for event in (uploaded, cut):
        event.success(stage, inputs, outputs, **QUIET, **SOUND).success(None, js=_BEGIN, **AT_ONCE)
