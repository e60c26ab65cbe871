"""Claim: memory does not grow with the data, neither in reading nor in training, and time grows no faster than the data.

The peak resident memory of fresh processes: reading a folder of 30 pieces, of ten times and of fifty times as many into a
collection, and a few training steps with the default options on each. Without --data the pieces are made of random notes; with
it they are 30 and 300 files of a folder, its largest among both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, cores, publish, section, set_threads

PIECES, TIMES = 30, (1, 10, 50)
MOST_FILES = 300  # of a folder given by --data
NOTES = 2500  # of a made-up piece: about the mean of a collection of classical piano music
ORIGINAL_CLASSES = 277 + 28 + 36  # of the original's three one-hot windows of 64 notes, one window for each note


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of at least 300 MIDI files; default: made-up pieces")
    parser.add_argument("--steps", type=int, default=4, help="training steps")
    options = parser.parse_args()
    set_threads(cores())
    counts = [PIECES * times for times in TIMES if not options.data or times <= MOST_FILES // PIECES]
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        peak, seconds = {}, {}
        for count in counts:
            folder = Path(scratch, str(count))
            alone(copy_files, options.data, folder, count) if options.data else alone(make_files, folder, count)
            cache = folder / "cache"
            peak["reading", count], seconds["reading", count], notes = alone(read, folder, cache)
            peak["training", count], seconds["preparing to train", count] = alone(train, folder, cache, options.steps)
            shutil.rmtree(folder)
    few, many = counts[0], counts[-1]
    figures = [Figure(f"{what}, {count} pieces: peak memory", value, "MB") for (what, count), value in sorted(peak.items())]
    figures += [
        Figure(f"{what}: peak memory, {many} pieces / {few} pieces", peak[what, many] / peak[what, few], most=1.1)
        for what in ("reading", "training")
    ]
    figures += [Figure(f"{what}, {count} pieces", value, "s") for (what, count), value in sorted(seconds.items())]
    middle = counts[-2]
    figures += [
        Figure(
            f"{what}: time a piece, {many} pieces / {middle} pieces",
            seconds[what, many] / many / (seconds[what, middle] / middle),
            most=1.3,
        )
        for what in ("reading", "preparing to train")
    ]
    one_hot = notes * 64 * ORIGINAL_CLASSES * 4 / 1e6
    what = "MIDI files out of a folder" if options.data else f"made-up pieces of {NOTES:,} notes"
    remarks = [
        f"{', '.join(map(str, counts))} {what}; {options.steps} training steps, each in a process of its own.",
        f"For comparison, computed only: the original's one-hot windows of the same {notes:,} notes fill {one_hot:,.0f} MB.",
    ]
    threads = f"{cores()} threads"
    libraries = ("numpy", "keras", "tensorflow")
    publish("Memory", section(__doc__.splitlines()[0], figures, notes=remarks, threads=threads, libraries=libraries))


def alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of ``work`` in a fresh process.

    Linux lets a process inherit its parent's peak, so this script itself imports nothing that is large.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def copy_files(data: Path, folder: Path, count: int) -> None:
    """Copy ``count`` MIDI files of ``data``, the largest first, then evenly spread over their names."""
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if len(found) < count:
        raise SystemExit(f"{data} holds {len(found)} MIDI files; {count} are needed.")
    largest = max(found, key=lambda path: path.stat().st_size)
    found.remove(largest)
    chosen = [largest, *(found[index * len(found) // (count - 1)] for index in range(count - 1))]
    for path in chosen:
        target = folder / path.relative_to(data)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def make_files(folder: Path, count: int) -> None:
    """Write ``count`` MIDI files of random notes: in fours, over five octaves, in quavers and semiquavers."""
    import numpy as np

    from musiclstm.formats import write_midi
    from musiclstm.music import Piece, make_notes

    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        onset = np.repeat(np.cumsum(rng.choice([6, 12], NOTES // 4)), 4)
        pitch, duration, velocity = rng.integers(36, 97, NOTES), rng.choice([6, 12, 24], NOTES), rng.integers(40, 100, NOTES)
        # Numbered from the front: files whose names differ in their last number alone count as movements of one work.
        write_midi(Piece(make_notes(onset, pitch, duration, velocity)), folder / f"{number:05d}-piece.mid")


def read(folder: Path, cache: Path) -> tuple[float, float, int]:
    """Read a folder into a collection: the peak memory in MB, the seconds it took, and the number of notes."""
    from musiclstm.data import folder_sources, open_collection

    started = time.perf_counter()
    collection = open_collection(folder_sources(folder), cache)
    return peak_memory(), time.perf_counter() - started, sum(entry.count for entry in collection.entries)


def train(folder: Path, cache: Path, steps: int) -> tuple[float, float]:
    """Open a collection, fit its vocabulary and train for ``steps`` steps: peak memory in MB; seconds to open, split and fit."""
    from itertools import islice

    import numpy as np

    from musiclstm.checkpoint import size_for
    from musiclstm.config import TrainConfig
    from musiclstm.data import folder_sources, open_collection, split
    from musiclstm.model import fit_vocabulary, iterate_batches, plan_lanes, prefetch
    from musiclstm.training.trainer import Trainer

    options = TrainConfig()
    started = time.perf_counter()
    collection = open_collection(folder_sources(folder), cache)
    sides = split(collection, options.validation_share, options.test_share, options.random_seed)
    vocabulary = fit_vocabulary(collection.piece(index) for index in sides["train"])
    seconds = time.perf_counter() - started
    trainer = Trainer(collection, sides, vocabulary, size_for(vocabulary), options)
    rng = np.random.default_rng(options.random_seed)
    lengths = [collection.entries[index].count for index in sides["train"]]
    plan = plan_lanes(lengths, options.lanes, options.window, rng)
    stream = iterate_batches(
        plan, options.window, lambda index: trainer._read_part((sides["train"][index], 0, lengths[index]), rng)
    )
    for batch, inputs in prefetch((batch, trainer.scanner.inputs(batch)) for batch in islice(stream, steps)):
        trainer._step(batch, inputs)
    return peak_memory(), seconds


def peak_memory() -> float:
    """The most memory in MB that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6  # macOS counts bytes, Linux KiB


if __name__ == "__main__":
    main()
