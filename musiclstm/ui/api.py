"""The page's public API: /generate, /continue and /seeds, with plain parameters and plain results; also as MCP tools."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.formats import MUSIC_ENDINGS
from musiclstm.generation import SCORE, ComposeRequest, compose
from musiclstm.seeds import Seed, find_seed
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine, result_of
from musiclstm.ui.layout import BARS
from musiclstm.ui.requests import DRAWN_BELOW, MODEL, request_folder, request_of
from musiclstm.ui.session import own_music

FILES = ("seed.mid", "continuation.mid", "joined.mid", "seed.wav", "continuation.wav", "joined.wav", SCORE)
Answer = Iterator[tuple[Any, ...]]


def add_endpoints(active: ActiveCheckpoint) -> None:
    """Add the three endpoints to the page that is being built."""
    shared = {
        "diversity": gr.Number(SamplingOptions.diversity, visible=False, label="Diversity, 0.1 (tame) to 2 (wild)"),
        "bars": gr.Number(BARS, visible=False, precision=0, label="Bars to write, 1 to 64"),
        "random_seed": gr.Number(None, visible=False, precision=0, label="Random seed; drawn if not given"),
        "tempo": gr.Number(None, visible=False, label="Quarter notes a minute; the seed's own if not given"),
        "instrument": gr.Textbox("piano", visible=False, label="Instrument"),
    }
    transposition = gr.Number(0, visible=False, precision=0, label="Semitones by which all is heard higher, -12 to 12")
    asked = [
        gr.Textbox(visible=False, label="Id of a seed, as /seeds lists them"),
        *shared.values(),
        gr.Number(SamplingOptions.top_p, visible=False, label="Top-p, 0.05 to 1"),
        gr.Checkbox(SamplingOptions.loop_guard, visible=False, label="Loop guard"),
        gr.Checkbox(False, visible=False, label="Whether the end is left open; otherwise the music closes with its last bar"),
        transposition,
    ]
    own = [
        gr.File(visible=False, label="MIDI, MusicXML, kern or ABC", file_types=sorted(MUSIC_ENDINGS)),
        gr.Number(None, visible=False, precision=0, label="First bar to continue from; the first with notes if not given"),
        gr.Number(None, visible=False, precision=0, label="Last of those bars"),
        *shared.values(),
        transposition,
    ]
    answered = [*(gr.File(visible=False, label=name) for name in FILES), gr.JSON(visible=False, label="recipe")]
    gr.Button(visible=False).click(_generate(active), asked, answered, api_name="generate", **MODEL)
    gr.Button(visible=False).click(_continue(active), own, answered, api_name="continue", **MODEL)
    gr.Button(visible=False).click(_seeds(active), None, gr.JSON(visible=False, label="seeds"), api_name="seeds", queue=False)


def _generate(active: ActiveCheckpoint) -> Callable[..., Answer]:
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
        transposition: int = 0,
    ) -> Answer:
        """Continue one of the curated openings with an LSTM.

        Args:
            seed: Id of an opening, as seeds lists them, such as mozart-k545-1.
            diversity: How daring, from 0.1 (tame) to 2 (wild).
            bars: Bars to write, 1 to 64.
            random_seed: Decides all chance; drawn if not given.
            tempo: Quarter notes a minute; the opening's own if not given.
            instrument: Such as piano, harp or string quartet.
            top_p: Keep the likeliest choices that hold this share, 0.05 to 1.
            loop_guard: Whether to step in where the music begins to circle.
            open_ended: Whether the music may go on at its end; otherwise it closes with its last bar.
            transposition: Semitones by which all is heard higher, -12 to 12.

        Returns:
            MIDI and WAV of seed, continuation and both joined, the score as MusicXML, and the recipe that gives them again.
        """
        engine, drawn = active.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
        with request_folder() as folder:
            found = find_seed(engine.checkpoint.seeds, seed)
            request = request_of(found, diversity, bars, drawn, tempo, instrument, transposition, top_p, loop_guard, open_ended)
            yield _answered(engine, request, folder)

    return generate


def _continue(active: ActiveCheckpoint) -> Callable[..., Answer]:
    def continue_music(
        file: str,
        first_bar: int | None = None,
        last_bar: int | None = None,
        diversity: float = SamplingOptions.diversity,
        bars: int = BARS,
        random_seed: int | None = None,
        tempo: float | None = None,
        instrument: str = "piano",
        transposition: int = 0,
    ) -> Answer:
        """Continue music of one's own with an LSTM.

        Args:
            file: A MIDI, MusicXML, kern or ABC file.
            first_bar: The first bar to continue from, counted from 1; the first with notes if not given.
            last_bar: The last of those bars; the continuation begins after it.
            diversity: How daring, from 0.1 (tame) to 2 (wild).
            bars: Bars to write, 1 to 64.
            random_seed: Decides all chance; drawn if not given.
            tempo: Quarter notes a minute; the music's own if not given.
            instrument: Such as piano, harp or string quartet.
            transposition: Semitones by which all is heard higher, -12 to 12.

        Returns:
            MIDI and WAV of seed, continuation and both joined, the score as MusicXML, and the recipe that gives them again.
        """
        engine, drawn = active.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
        with request_folder() as folder:
            seed = _own_seed(file, first_bar, last_bar)
            request = request_of(
                seed, diversity, bars, drawn, tempo, instrument, transposition, SamplingOptions.top_p, True, False
            )
            yield _answered(engine, request, folder)

    return continue_music


def _seeds(active: ActiveCheckpoint) -> Callable[[], list[dict[str, Any]]]:
    def seeds() -> list[dict[str, Any]]:
        """List the curated openings: id, title, composer, key, metre, tempo, source and licence of each."""
        return [{key: value for key, value in seed.to_json().items() if key != "notes"} for seed in active.now.checkpoint.seeds]

    return seeds


def _own_seed(file: str, first: int | None, last: int | None) -> Seed:
    if (first is None) != (last is None):
        raise OptionError("Give both the first and the last bar to continue from, or neither.")
    if not file:
        raise OptionError(f"Give a music file to continue: {', '.join(sorted(MUSIC_ENDINGS))}.")
    return own_music(Path(file), None if first is None or last is None else (first, last)).seed


def _answered(engine: Engine, request: ComposeRequest, folder: Path) -> tuple[Any, ...]:
    """The files of a request and its recipe; None for sounds that could not be made."""
    composition = compose(engine.checkpoint, request)
    written = engine.write(folder, result_of([composition]).shown, score=True)
    midis = (written.seed_midi, written.continuation_midi, written.joined_midi)
    sounds = (written.seed_audio, written.continuation_audio, written.joined_audio)
    return *(str(path) if path else None for path in (*midis, *sounds, written.score)), composition.recipe
