"""The public API of the page, with plain parameters and results; its endpoints are MCP tools too."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.formats import MUSIC_ENDINGS, MusicReader, write_midi
from musiclstm.generation import FLAC, ORIGINAL, SCORE, ComposeRequest
from musiclstm.notation import pickup_bars
from musiclstm.seeds import Seed, find_seed, seed_from_file
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine, job_of
from musiclstm.ui.layout import BARS
from musiclstm.ui.requests import DRAWN_BELOW, MODEL, SOUND, request_folder, request_of, visitor_of
from musiclstm.ui.session import own_bars
from musiclstm.votes import BallotBox, summary

FILES = ("seed.mid", "continuation.mid", "joined.mid", "seed.flac", "continuation.flac", "joined.flac", SCORE)
Answer = Iterator[tuple[Any, ...]]


def add_endpoints(active: ActiveCheckpoint, reader: MusicReader, box: BallotBox) -> None:
    """Add the six endpoints to the page under construction; ``reader`` reads the files that come with a request, ``box`` has the
    votes.
    """
    shared = {
        "diversity": gr.Number(SamplingOptions.diversity, visible=False, label="Diversity, 0.1 (tame) to 2 (wild)"),
        "bars": gr.Number(BARS, visible=False, precision=0, label="Bars to write, 1 to 64"),
        "random_seed": gr.Number(None, visible=False, precision=0, label="Random seed; a new one if left out"),
        "tempo": gr.Number(None, visible=False, label="Tempo in quarter notes per minute; the seed's tempo if left out"),
        "instrument": gr.Textbox("piano", visible=False, label="Instrument"),
    }
    transposition = gr.Number(0, visible=False, precision=0, label="Transposition of all the music in semitones, -12 to 12")
    curated = [
        gr.Textbox(visible=False, label="Id of a seed from /seeds"),
        *shared.values(),
        gr.Number(SamplingOptions.top_p, visible=False, label="Top-p, 0.05 to 1"),
        gr.Checkbox(SamplingOptions.loop_guard, visible=False, label="Loop guard"),
        gr.Checkbox(False, visible=False, label="Open ending; otherwise the last bar closes the music"),
        transposition,
    ]
    own = [
        gr.File(visible=False, label="MIDI, MusicXML, kern or ABC", file_types=sorted(MUSIC_ENDINGS)),
        gr.Number(
            None,
            visible=False,
            precision=0,
            label="First bar of the seed (a pickup is bar 0); the first bar with notes if left out",
        ),
        gr.Number(None, visible=False, precision=0, label="Last bar of the seed"),
        *shared.values(),
        transposition,
    ]
    changed = [
        gr.Number(visible=False, precision=0, label="First bar to write anew, as numbered in a score: a pickup is bar 0"),
        gr.Number(visible=False, precision=0, label="Last bar to write anew"),
        gr.File(
            visible=False, label="MIDI, MusicXML, kern or ABC, such as the joined.mid of a take", file_types=sorted(MUSIC_ENDINGS)
        ),
        gr.Textbox("", visible=False, label="Id of a seed from /seeds, instead of a file"),
        *(shared[name] for name in ("diversity", "random_seed", "tempo", "instrument")),
        transposition,
    ]
    outputs = [*(gr.File(visible=False, label=name) for name in FILES), gr.JSON(visible=False, label="recipe")]
    gr.Button(visible=False).click(_generate(active), curated, outputs, api_name="generate", **MODEL)
    gr.Button(visible=False).click(_continue(active, reader), own, outputs, api_name="continue", **MODEL)
    gr.Button(visible=False).click(_regenerate(active, reader), changed, outputs, api_name="regenerate", **MODEL)
    gr.Button(visible=False).click(
        _original(active), curated[0], [gr.File(visible=False, label=ORIGINAL)], api_name="original", **SOUND
    )
    gr.Button(visible=False).click(_seeds(active), None, gr.JSON(visible=False, label="seeds"), api_name="seeds", queue=False)
    gr.Button(visible=False).click(_votes(box), None, gr.JSON(visible=False, label="votes"), api_name="votes", queue=False)


def _generate(active: ActiveCheckpoint) -> Callable[..., Answer]:
    def generate(
        _asked: gr.Request,
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
            seed: Id of an opening from the seeds tool, such as mozart-k545-1.
            diversity: How daring the music is, from 0.1 (tame) to 2 (wild).
            bars: Bars to write, 1 to 64.
            random_seed: Fixes every random choice; a new one if left out.
            tempo: Quarter notes per minute; the opening's tempo if left out.
            instrument: For example piano, harp or string quartet.
            top_p: Choose only among the most likely notes that together have this probability, 0.05 to 1.
            loop_guard: Step in where the music begins to go round in circles.
            open_ended: Leave the ending open; otherwise the last bar closes the music.
            transposition: Semitones to transpose all the music, -12 to 12.

        Returns:
            MIDI and FLAC of the seed, the continuation and both joined, the score as MusicXML, and the recipe to repeat it all.
        """
        engine, drawn = active.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
        with request_folder() as folder:
            found = find_seed(engine.checkpoint.seeds, seed)
            request = request_of(found, diversity, bars, drawn, tempo, instrument, transposition, top_p, loop_guard, open_ended)
            yield _answer(engine, request, folder, visitor_of(_asked))

    return generate


def _continue(active: ActiveCheckpoint, reader: MusicReader) -> Callable[..., Answer]:
    def continue_music(
        _asked: gr.Request,
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
        """Continue your own music with an LSTM.

        Args:
            file: A MIDI, MusicXML, kern or ABC file.
            first_bar: First bar of the seed, as numbered in a score: a pickup is bar 0. The first bar with notes if left out.
            last_bar: Last bar of the seed; the continuation begins after it.
            diversity: How daring the music is, from 0.1 (tame) to 2 (wild).
            bars: Bars to write, 1 to 64.
            random_seed: Fixes every random choice; a new one if left out.
            tempo: Quarter notes per minute; the tempo of the music if left out.
            instrument: For example piano, harp or string quartet.
            transposition: Semitones to transpose all the music, -12 to 12.

        Returns:
            MIDI and FLAC of the seed, the continuation and both joined, the score as MusicXML, and the recipe to repeat it all.
        """
        engine, drawn = active.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
        with request_folder() as folder:
            seed = _own_seed(reader, file, first_bar, last_bar)
            request = request_of(
                seed, diversity, bars, drawn, tempo, instrument, transposition, SamplingOptions.top_p, True, False
            )
            yield _answer(engine, request, folder, visitor_of(_asked))

    return continue_music


def _regenerate(active: ActiveCheckpoint, reader: MusicReader) -> Callable[..., Answer]:
    def regenerate(
        _asked: gr.Request,
        first_bar: int | None,
        last_bar: int | None,
        file: str | None = None,
        seed: str = "",
        diversity: float = SamplingOptions.diversity,
        random_seed: int | None = None,
        tempo: float | None = None,
        instrument: str = "piano",
        transposition: int = 0,
    ) -> Answer:
        """Write some bars of a piece anew with an LSTM. The notes of all other bars stay.

        Args:
            first_bar: First bar to write anew, as numbered in a score: a pickup is bar 0. The very first bar can't be.
            last_bar: Last bar to write anew, up to 64 bars in all.
            file: A MIDI, MusicXML, kern or ABC file, such as the joined.mid of an earlier answer.
            seed: Id of an opening from the seeds tool, instead of a file.
            diversity: How daring the music is, from 0.1 (tame) to 2 (wild).
            random_seed: Fixes every random choice; a new one if left out.
            tempo: Quarter notes per minute; the tempo of the music if left out.
            instrument: For example piano, harp or string quartet.
            transposition: Semitones to transpose all the music, -12 to 12.

        Returns:
            MIDI and FLAC of the bars before, of all from the first new bar on, and of both joined, the score, and the recipe.
        """
        engine, drawn = active.now, secrets.randbelow(DRAWN_BELOW) if random_seed is None else random_seed
        with request_folder() as folder:
            if bool(file) == bool(seed):
                raise OptionError("Give either a music file or the id of a seed.")
            if first_bar is None or last_bar is None:
                raise OptionError("Give first_bar and last_bar.")
            whole = seed_from_file(Path(file), whole=True, read=reader.read) if file else find_seed(engine.checkpoint.seeds, seed)
            bars, first, top_p = last_bar - first_bar + 1, first_bar + pickup_bars(whole.piece), SamplingOptions.top_p
            request = request_of(whole, diversity, bars, drawn, tempo, instrument, transposition, top_p, True, False, first)
            yield _answer(engine, request, folder, visitor_of(_asked))

    return regenerate


def _original(active: ActiveCheckpoint) -> Callable[[str], Iterator[str]]:
    def original(seed: str) -> Iterator[str]:
        """How the composer went on after one of the curated openings.

        Args:
            seed: Id of an opening from the seeds tool, such as mozart-k545-1.

        Returns:
            MIDI of up to 16 bars that follow the opening in the work.
        """
        with request_folder() as folder:
            found = find_seed(active.now.checkpoint.seeds, seed)
            if found.original is None:
                raise OptionError(f"It is not known how {found.title} goes on.")
            write_midi(found.original.piece, folder / ORIGINAL)
            yield str(folder / ORIGINAL)

    return original


def _seeds(active: ActiveCheckpoint) -> Callable[[], list[dict[str, Any]]]:
    def seeds() -> list[dict[str, Any]]:
        """List the curated openings with id, title, composer, key, metre, tempo, source and licence."""
        return [seed.facts() for seed in active.now.checkpoint.seeds]

    return seeds


def _votes(box: BallotBox) -> Callable[[], dict[str, Any]]:
    def votes() -> dict[str, Any]:
        """How often visitors knew the composer's continuation from the network's, and which versions they preferred.

        Returns:
            For each question how many answered and the share, with a 95 % interval; nothing about who they are.
        """
        return summary(box.votes())

    return votes


def _own_seed(reader: MusicReader, file: str, first: int | None, last: int | None) -> Seed:
    if (first is None) != (last is None):
        raise OptionError("Give both first_bar and last_bar, or neither.")
    if not file:
        raise OptionError(f"Give a music file to continue, one of {', '.join(sorted(MUSIC_ENDINGS))}.")
    return own_bars(reader.read(Path(file)), None if first is None or last is None else (first, last)).seed


def _answer(engine: Engine, request: ComposeRequest, folder: Path, visitor: str) -> tuple[Any, ...]:
    """Compose when it is the visitor's turn, and return the paths of the files (None for missing sounds) and the recipe."""
    *_, last = engine.perform(job_of([request]), lambda: False, visitor)
    if last.result is None:
        raise OptionError("Nothing was written, since whoever asked has gone.")
    shown = last.result.shown
    written = engine.write(folder, shown, audio=FLAC, score=True)
    midis = (written.seed_midi, written.continuation_midi, written.joined_midi)
    sounds = (written.seed_audio, written.continuation_audio, written.joined_audio)
    return *(str(path) if path else None for path in (*midis, *sounds, written.score)), shown.composition.recipe
