"""Claim: 16 bars are ready to be played, seen and downloaded less than three seconds after the click.

Warm, as for every visitor but the first: the decoder is compiled, and the seed's sound is ready. For several
seeds and random seeds, taking turns:

- the parts, called one by one: writing the notes, three MIDI files, three sounds of common loudness as WAV, the piano roll;
- the page's own work for one take and for four, from the click: until the first notes are on the roll, and until the take that is
  shown has its sound;
- the whole, through a running page: from the call of its /generate until its MIDI, WAV and MusicXML files have come over HTTP.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Figure, publish, section

PARTS = ("writing the notes", "MIDI files", "sound", "picture", "MusicXML")


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/classical-piano"), metavar="DIR")
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=4, help="how many of the checkpoint's seeds, evenly spread")
    parser.add_argument("--rounds", type=int, default=3, help="random seeds for each of them")
    options = parser.parse_args()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    from musiclstm.checkpoint import load_checkpoint
    from musiclstm.seeds import load_catalogue
    from musiclstm.ui.engine import Engine

    loaded = load_checkpoint(options.checkpoint)
    if not loaded.seeds:
        loaded = replace(loaded, seeds=load_catalogue())
    engine = Engine(loaded)
    chosen = [loaded.seeds[index * len(loaded.seeds) // options.seeds] for index in range(options.seeds)]
    parts: list[dict[str, float]] = []
    wholes, heard, notes = [], [], []
    waits: dict[int, list[tuple[float, float]]] = {1: [], 4: []}
    with serving(engine) as call:
        for seed in chosen:
            make_parts(engine, seed, options.bars, 0)  # compiles for this length of seed, and renders the seed's sound
            for random_seed in range(options.rounds + 1):
                whole = call(seed=seed.id, bars=options.bars, random_seed=random_seed)
                one, seconds, written = make_parts(engine, seed, options.bars, random_seed)
                on_page = {takes: performing(engine, seed, options.bars, random_seed, takes) for takes in waits}
                if random_seed:  # the first call also opens the connection
                    for takes, wait in on_page.items():
                        waits[takes].append(wait)
                    parts.append(one)
                    wholes.append(whole)
                    heard.append(seconds)
                    notes.append(written)
    alone = [sum(one.values()) - one["MusicXML"] for one in parts]
    figures = [
        *(Figure(f"{name}", 1000 * median(one[name] for one in parts), "ms") for name in PARTS),
        Figure("what the page makes on a click (all but the MusicXML), median", median(alone), "s", most=3),
        *(
            Figure(f"{takes} take{'s' if takes > 1 else ''}: from the click to {what}, median", median(column), "s")
            for takes, pairs in waits.items()
            for what, column in zip(("the first notes on the roll", "sound to play"), zip(*pairs, strict=True), strict=True)
        ),
        Figure("through a running page, with MusicXML and all files sent: median", median(wholes), "s", most=3),
        Figure("the same, the slowest", max(wholes), "s"),
    ]
    remarks = [
        f"{options.bars} bars after each of {len(chosen)} seeds, {options.rounds} random seeds each: {min(notes)} to "
        f"{max(notes)} notes, {min(heard):.0f} to {max(heard):.0f} s of joined music. Checkpoint {loaded.name}.",
    ]
    libraries = ("gradio", "keras", "tensorflow", "music21")
    threads = "threads as the libraries choose, as the app runs"
    publish(
        "From the click to the music",
        section(__doc__.splitlines()[0], figures, notes=remarks, threads=threads, libraries=libraries),
    )


def make_parts(engine: Any, seed: Any, bars: int, random_seed: int) -> tuple[dict[str, float], float, int]:
    """Seconds of each part of one take, the length of its joined sound in seconds, and its number of notes."""
    from musiclstm.formats import write_musicxml
    from musiclstm.generation import ComposeRequest, compose, write_midis
    from musiclstm.music import Performance
    from musiclstm.render.audio import render_trio, write_audio
    from musiclstm.ui.pictures import growing_roll

    sound = engine.sound(seed, Performance())
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        folder = Path(scratch)
        with timed(seconds, "writing the notes"):
            composition = compose(engine.checkpoint, ComposeRequest(seed, bars=bars, random_seed=random_seed))
        take = composition.takes[0]
        with timed(seconds, "MIDI files"):
            write_midis(folder, composition.seed, take.continuation, take.joined, recipe=composition.recipe)
        with timed(seconds, "sound"):
            sounds = render_trio(composition.seed, take.continuation, composition.split, seed_audio=sound)
            for name, audio in sounds.items():
                write_audio(audio, folder / f"{name}.wav")
        with timed(seconds, "picture"):
            growing_roll(composition)
        with timed(seconds, "MusicXML"):
            write_musicxml(take.joined, folder / "joined.musicxml")
    return seconds, sounds["joined"].seconds, len(take.continuation)


def performing(engine: Any, seed: Any, bars: int, random_seed: int, takes: int) -> tuple[float, float]:
    """Seconds until the page's engine has first notes drawn, and until the files of the take that is shown are there."""
    from musiclstm.generation import ComposeRequest
    from musiclstm.ui.pictures import growing_roll

    first, began = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        request = ComposeRequest(seed, bars=bars, takes=takes, random_seed=random_seed)
        for progress in engine.perform([request], lambda: False):
            if progress.composition is not None and not first:
                growing_roll(progress.composition)
                first = time.perf_counter() - began
        engine.write(Path(scratch), progress.result.shown)
    return first, time.perf_counter() - began


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long the block took."""
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started


@contextmanager
def serving(engine: Any) -> Iterator[Any]:
    """A running page; gives a function that calls its /generate and returns the seconds until all files are here."""
    from gradio_client import Client

    from musiclstm.formats import MusicReader
    from musiclstm.ui.active_checkpoint import ActiveCheckpoint
    from musiclstm.ui.page import build_page, launch

    reader = MusicReader()
    page = build_page(ActiveCheckpoint(engine), reader)
    address = launch(page, prevent_thread_lock=True, quiet=True)
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        client = Client(address, verbose=False, download_files=folder)

        def call(**settings: Any) -> float:
            started = time.perf_counter()
            answer = client.predict(**settings, api_name="/generate")
            seconds = time.perf_counter() - started
            arrived = [path for path in answer if isinstance(path, str) and Path(path).stat().st_size]
            if len(arrived) != 7:
                raise SystemExit(f"The page answered with {len(arrived)} of 7 files; is FluidSynth installed?")
            return seconds

        try:
            yield call
        finally:
            client.close()
            page.close()
            reader.close()
            engine.close()


if __name__ == "__main__":
    main()
