"""The page's events and its API: widgets to requests, moments to updates, errors to sentences. No musical logic."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.compose import OPEN_ENDED, ComposeRequest, Composition, compose
from musiclstm.config import SamplingOptions
from musiclstm.deploy import REPO_VARIABLE, REVISION_VARIABLE
from musiclstm.errors import MissingToolError, MusicLSTMError
from musiclstm.export import SCORE, zip_take
from musiclstm.ui import words
from musiclstm.ui.stage import Stage, open_stage
from musiclstm.ui.studio import STOPPED, Studio, seed_roll, take_roll, waiting_roll
from musiclstm.ui.widgets import BARS, Updates, Visit, Widgets, place, theme

DRAWN_BELOW = 1_000_000  # random seeds that are drawn are short enough to be told to a friend
QUEUE_LENGTH = 24
CACHE_SECONDS = (900, 7200)  # how often the files made for visitors are looked through, and how old they may get
BETWEEN_PICTURES = 0.1  # seconds; drawing every few notes would take longer than writing them
ARCHIVE = "musiclstm.zip"
_MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
_SOUND: dict[str, Any] = {"concurrency_id": "sound", "concurrency_limit": 2}
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_AT_ONCE: dict[str, Any] = {"queue": False, **_QUIET}
# A wrapped ``js`` gets the inputs of its event and hands them on.
_CHOSEN = "(...given) => { window.musiclstm.chosen(); return given; }"
_LOOK = "(...given) => { window.musiclstm.look(); return given; }"
_SAVE = "(f) => { const a = document.createElement('a'); a.href = f.url; a.download = f.orig_name; a.click(); }"


def main() -> None:
    """Serve the page until interrupted: of the bundled checkpoint, or of the one that the environment names.

    MUSICLSTM_REPO is a folder or OWNER/NAME on the Hub, MUSICLSTM_REVISION a branch, tag or commit of it.
    """
    repo, revision = os.environ.get(REPO_VARIABLE), os.environ.get(REVISION_VARIABLE)
    try:
        stage = open_stage(f"{repo}@{revision}" if repo and revision else repo or None)
    except MusicLSTMError as error:
        sys.exit(str(error))
    page = build_page(stage)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that temporary folders go when a Space is put to sleep
    try:
        launch(page, prevent_thread_lock=True)
        stage.now.warm_up()  # after the page is there: it takes all cores for a while
        page.block_thread()
    finally:
        page.close()  # Gradio then deletes the files it kept for visitors
        stage.close()


def launch(page: gr.Blocks, **options: Any) -> str:
    """Serve a page with its look; ``options`` go to Gradio's launch. Returns the address.

    That is 127.0.0.1:7860 unless GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say otherwise, as they do on a Space.
    """
    static = files("musiclstm") / "ui"
    _, address, _ = page.queue(max_size=QUEUE_LENGTH).launch(
        theme=theme(),
        css=(static / "style.css").read_text(encoding="utf-8"),
        js=(static / "script.js").read_text(encoding="utf-8"),
        favicon_path=str(static / "favicon.svg"),
        footer_links=["api"],
        max_file_size="10mb",
        run_history=False,
        ssr_mode=False,
        **options,
    )
    return str(address)


def build_page(stage: Stage) -> gr.Blocks:
    """The page with its events and its API, ready for ``launch``."""
    with gr.Blocks(title="musiclstm", analytics_enabled=False, fill_width=True, delete_cache=CACHE_SECONDS) as page:
        widgets = place(stage)
        _seed_events(page, stage, widgets)
        _take_events(stage, widgets)
        _download_events(stage, widgets)
        _api(stage)
    return page


@contextmanager
def _request_folder() -> Iterator[Path]:
    """A folder for the files of one request, gone after it; Gradio has taken copies by then. Our errors become Gradio's."""
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        try:
            yield Path(folder)
        except MusicLSTMError as error:
            raise gr.Error(str(error), print_exception=False) from error


def _request(
    studio: Studio,
    seed: str,
    diversity: float,
    bars: int,
    random_seed: int,
    tempo: float | None,
    instrument: str,
    top_p: float,
    loop_guard: bool,
    open_ended: bool,
) -> ComposeRequest:
    return ComposeRequest(
        studio.seed(seed),
        bars=bars,
        random_seed=random_seed,
        tempo=tempo or None,
        instrument=instrument,
        ending=OPEN_ENDED if open_ended else None,
        sampling=SamplingOptions(diversity, top_p, loop_guard),
    )


def _seed_events(page: gr.Blocks, stage: Stage, w: Widgets) -> None:
    def show_seed(seed_id: str, bars: int, instrument: str, tempo: float | None, visit: Visit) -> Iterator[Updates]:
        with _request_folder() as folder:
            studio = visit.studio or stage.now
            seed, tempo = studio.seed(seed_id), tempo or None
            drawn: Updates = {w.facts: words.seed_facts(seed, tempo), w.seed_roll: seed_roll(seed, tempo)}
            if visit.last is None:
                drawn |= {w.heading: words.waiting_heading(seed), w.roll: waiting_roll(seed, bars, tempo)}
            yield drawn
            try:
                heard = studio.write_preview(folder, seed, instrument, tempo)
                yield {w.seed_player: gr.Audio(heard, visible=True), w.notice: gr.HTML(visible=False)}
            except MissingToolError as error:
                yield {w.seed_player: gr.Audio(visible=False), w.notice: gr.HTML(words.notice(str(error)), visible=True)}

    def arrive(*settings: Any) -> Iterator[Updates]:
        visit: Visit = settings[-1]
        studio = visit.studio = stage.now
        yield w.opened(studio, stage.note)
        if studio.example is not None:
            visit.last = studio.example.composition
            yield w.shown(visit.last, studio.example.files)
        yield from show_seed(studio.first.id, *settings[1:])

    inputs = [w.seed, w.bars, w.instrument, w.tempo, w.visit]
    outputs = [w.facts, w.seed_roll, w.seed_player, w.notice, w.heading, w.roll]
    latest: dict[str, Any] = {"trigger_mode": "always_last", **_QUIET, **_SOUND}
    w.seed.input(show_seed, inputs, outputs, js=_CHOSEN, **latest).success(
        None, js="() => window.musiclstm.arrived()", **_AT_ONCE
    )
    gr.on([w.instrument.input, w.tempo.submit, w.tempo.blur], show_seed, inputs, outputs, **latest)
    page.load(arrive, inputs, list(dict.fromkeys([w.masthead, w.seed, *outputs, *w.take])), **_QUIET, **_SOUND)
    # Who asks for a certain random seed wants to keep it.
    w.dice.click(lambda: (secrets.randbelow(DRAWN_BELOW), False), None, [w.random_seed, w.fresh], **_AT_ONCE)
    w.random_seed.input(lambda: False, None, w.fresh, **_AT_ONCE)


def _take_events(stage: Stage, w: Widgets) -> None:
    def prepare(visit: Visit, fresh: bool, random_seed: int | None) -> Updates:
        visit.stopped = False
        return {
            w.generate: gr.Button("Generating …", interactive=False),
            w.stop: gr.Button(interactive=True),
            w.status: words.progress("Waiting for the model", 0.0),
            w.random_seed: secrets.randbelow(DRAWN_BELOW) if fresh else random_seed,
        }

    def perform(*settings: Any) -> Iterator[Updates]:
        visit: Visit = settings[-1]
        with _request_folder() as folder:
            composition, shown, studio = None, 0.0, visit.studio or stage.now
            for moment in studio.perform(_request(studio, *settings[:-1]), lambda: visit.stopped):
                composition = moment.composition
                if time.monotonic() - shown < BETWEEN_PICTURES and moment.share != 1.0:
                    continue
                shown = time.monotonic()
                yield {w.status: words.progress(moment.said, moment.share), **_grown(w, composition)}
            if composition is not None:
                written = studio.write(folder, composition)
                visit.last = composition
                yield {w.status: words.progress(""), **w.shown(composition, written)}

    def rest(visit: Visit, seed_id: str, bars: int, status: str) -> Updates:
        # After a run that failed, or was stopped before its first bar, the page shows again what the players play.
        seed, last = (visit.studio or stage.now).seed(seed_id), visit.last
        return {
            w.generate: gr.Button("Generate", interactive=True),
            w.stop: gr.Button(interactive=False),
            w.status: status if STOPPED in status else words.progress(""),
            w.heading: words.waiting_heading(seed) if last is None else words.take_heading(last),
            w.roll: waiting_roll(seed, bars) if last is None else take_roll(last),
        }

    def halt(visit: Visit) -> str:
        visit.stopped = True
        return words.progress("Stopping at the bar line")

    before = [w.generate, w.stop, w.status, w.random_seed]
    prepared = w.generate.click(prepare, [w.visit, w.fresh, w.random_seed], before, **_AT_ONCE)
    performed = prepared.then(perform, [*w.settings, w.visit], [w.status, *w.take], **_QUIET, **_MODEL)
    after = ([w.visit, w.seed, w.bars, w.status], [w.generate, w.stop, w.status, w.heading, w.roll])
    performed.success(rest, *after, js=_LOOK, **_AT_ONCE)
    performed.failure(rest, *after, **_AT_ONCE)  # Gradio's `then` does not follow a failure
    w.stop.click(halt, w.visit, w.status, **_AT_ONCE)


def _grown(w: Widgets, composition: Composition | None) -> Updates:
    """What is written so far, if anything is."""
    if composition is None:
        return {}
    return {w.heading: words.take_heading(composition), w.roll: words.growing(take_roll(composition))}


def _download_events(stage: Stage, w: Widgets) -> None:
    """Files that take a second are made when they are asked for; the others lie ready behind their buttons."""

    def maker(name: str) -> Callable[[Visit], Iterator[str]]:
        def make(visit: Visit) -> Iterator[str]:
            assert visit.last is not None  # the buttons come with the first take
            with _request_folder() as folder:
                written = (visit.studio or stage.now).write(folder, visit.last, audio=name == ARCHIVE, score=True)
                if name == ARCHIVE:
                    zip_take(written, folder / ARCHIVE)
                yield str(folder / name)

        return make

    for button, name in ((w.score, SCORE), (w.everything, ARCHIVE)):
        made = button.click(maker(name), w.visit, w.fetched, show_progress_on=button, api_visibility="private", **_SOUND)
        made.success(None, w.fetched, None, js=_SAVE, api_visibility="private")


def _api(stage: Stage) -> None:
    """Two public endpoints, /generate and /seeds, with plain parameters and plain results."""

    def generate(
        seed: str,
        diversity: float = SamplingOptions.diversity,
        bars: int = BARS,
        random_seed: int | None = None,
        tempo: float | None = None,
        instrument: str = "piano",
        top_p: float = SamplingOptions.top_p,
        loop_guard: bool = SamplingOptions.loop_guard,
        open_ended: bool = False,
    ) -> Iterator[tuple[Any, ...]]:
        with _request_folder() as folder:
            studio, drawn = stage.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
            request = _request(studio, seed, diversity, bars, drawn, tempo, instrument, top_p, loop_guard, open_ended)
            composition = compose(studio.checkpoint, request)
            written = studio.write(folder, composition, score=True)
            midis = (written.seed_midi, written.continuation_midi, written.joined_midi)
            sounds = (written.seed_audio, written.continuation_audio, written.joined_audio)
            yield *(str(path) if path else None for path in (*midis, *sounds, written.score)), composition.recipe

    def seeds() -> list[dict[str, Any]]:
        return [{key: value for key, value in seed.to_json().items() if key != "notes"} for seed in stage.now.checkpoint.seeds]

    asked = [
        gr.Textbox(visible=False, label="Id of a seed, as /seeds lists them"),
        gr.Number(SamplingOptions.diversity, visible=False, label="Diversity, 0.1 (tame) to 2 (wild)"),
        gr.Number(BARS, visible=False, precision=0, label="Bars to write, 1 to 64"),
        gr.Number(None, visible=False, precision=0, label="Random seed; drawn if not given"),
        gr.Number(None, visible=False, label="Quarter notes a minute; the seed's own if not given"),
        gr.Textbox("piano", visible=False, label="Instrument"),
        gr.Number(SamplingOptions.top_p, visible=False, label="Top-p, 0.05 to 1"),
        gr.Checkbox(SamplingOptions.loop_guard, visible=False, label="Loop guard"),
        gr.Checkbox(False, visible=False, label="Whether the end is left open; otherwise the music closes with its last bar"),
    ]
    names = ("seed.mid", "continuation.mid", "joined.mid", "seed.wav", "continuation.wav", "joined.wav", SCORE)
    answered = [*(gr.File(visible=False, label=name) for name in names), gr.JSON(visible=False, label="recipe")]
    gr.Button(visible=False).click(generate, asked, answered, api_name="generate", **_MODEL)
    gr.Button(visible=False).click(seeds, None, gr.JSON(visible=False, label="seeds"), api_name="seeds", queue=False)
