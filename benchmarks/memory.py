"""Claim: memory does not grow with the data, neither in reading nor in training.

The peak resident memory of four fresh processes: reading a folder of 30 and of 300 pieces into a collection, and a few training
steps with the default options on each. Without --data the pieces are made of random notes; with it they are files of a folder,
its largest file among the 30 as well as among the 300.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, cores, publish, section, set_threads

FEW, MANY = 30, 300
NOTES = 2500  # of a made-up piece: about the mean of a collection of classical piano music
ORIGINAL_CLASSES = 277 + 28 + 36  # of the original's three one-hot windows of 64 notes, one window for each note


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of at least 300 MIDI files; default: made-up pieces")
    parser.add_argument("--steps", type=int, default=4, help="training steps")
    options = parser.parse_args()
    set_threads(cores())
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        peak = {}
        for count in (FEW, MANY):
            folder = Path(scratch, str(count))
            alone(copy_files, options.data, folder, count) if options.data else alone(make_files, folder, count)
            cache = folder / "cache"
            peak["reading", count], notes = alone(read, folder, cache)
            peak["training", count], _ = alone(train, folder, cache, options.steps)
    figures = [
        Figure(f"{what}, {count} pieces: peak memory", peak[what, count], "MB")
        for what in ("reading", "training")
        for count in (FEW, MANY)
    ]
    figures += [
        Figure(f"{what}: {MANY} pieces / {FEW} pieces", peak[what, MANY] / peak[what, FEW], most=1.1)
        for what in ("reading", "training")
    ]
    one_hot = notes * 64 * ORIGINAL_CLASSES * 4 / 1e6
    what = "MIDI files out of a folder" if options.data else f"made-up pieces of {NOTES:,} notes"
    remarks = [
        f"{FEW} and {MANY} {what}; {options.steps} training steps, each in a process of its own.",
        f"For comparison, computed only: the original's one-hot windows of the same {notes:,} notes fill {one_hot:,.0f} MB.",
    ]
    threads = f"{cores()} threads"
    libraries = ("numpy", "symusic", "keras", "tensorflow")
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

    from musiclstm.midi import write_midi
    from musiclstm.notes import Piece, make_notes

    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        onset = np.repeat(np.cumsum(rng.choice([6, 12], NOTES // 4)), 4)
        pitch, duration, velocity = rng.integers(36, 97, NOTES), rng.choice([6, 12, 24], NOTES), rng.integers(40, 100, NOTES)
        # Numbered from the front: files whose names differ in their last number alone count as movements of one work.
        write_midi(Piece(make_notes(onset, pitch, duration, velocity)), folder / f"{number:03d}-piece.mid")


def read(folder: Path, cache: Path) -> tuple[float, int]:
    """Read a folder into a collection: the peak memory in MB, and the number of notes."""
    from musiclstm.corpus import folder_sources, open_collection

    collection = open_collection(folder_sources(folder), cache)
    return peak_memory(), sum(entry.count for entry in collection.entries)


def train(folder: Path, cache: Path, steps: int) -> tuple[float, int]:
    """Open a collection, fit its vocabulary and train for ``steps`` steps: the peak memory in MB, and the notes learned from."""
    from itertools import islice

    import numpy as np

    from musiclstm import tokens
    from musiclstm.checkpoint import size_for
    from musiclstm.config import TrainConfig
    from musiclstm.corpus import folder_sources, open_collection, split
    from musiclstm.training import Trainer
    from musiclstm.windows import batches, plan_lanes

    options = TrainConfig()
    collection = open_collection(folder_sources(folder), cache)
    sides = split(collection, options.validation_share, options.test_share, options.random_seed)
    vocabulary = tokens.fit(collection.piece(index) for index in sides["train"])
    trainer = Trainer(collection, sides, vocabulary, size_for(vocabulary), options)
    rng = np.random.default_rng(options.random_seed)
    lengths = [collection.entries[index].count for index in sides["train"]]
    plan = plan_lanes(lengths, options.lanes, options.window, rng)
    stream = batches(plan, options.window, lambda index: trainer._read_part((sides["train"][index], 0, lengths[index]), rng))
    notes = 0
    for batch in islice(stream, steps):
        trainer._step(batch)
        notes += int(batch.weight.sum())
    return peak_memory(), notes


def peak_memory() -> float:
    """The most memory in MB that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6  # macOS counts bytes, Linux KiB


if __name__ == "__main__":
    main()
