"""Claim: a hundred times the data takes a hundred times as long to read; memory grows by 2 kB a piece, not with its notes.

Fresh processes read archives of 300 pieces each: one, ten and a hundred of them, on one core and on all; then they open the
collection again, as every later run does, and take a few training steps with the default options. Measured are the peak resident
memory (reading: of the process that collects what others read), time and the disk that the collection takes. Without --data the
pieces are made of random notes, in archives; with it they are 30 and 300 files of a folder, its largest among both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import Figure, cores, publish, section, set_threads

if TYPE_CHECKING:
    from musiclstm.data import Collection

PIECES, TIMES = 300, (1, 10, 100)
FILES = (30, 300)  # of a folder given by --data
PIECE_BYTES = 2000.0  # that the memory of a process may grow by for each piece
NOTES = 2500  # of a made-up piece: about the mean of a collection of classical piano music
ORIGINAL_CLASSES = 277 + 28 + 36  # of the original's three one-hot windows of 64 notes, one window for each note


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of at least 300 MIDI files; default: made-up pieces")
    parser.add_argument("--steps", type=int, default=4, help="training steps")
    options = parser.parse_args()
    set_threads(cores())
    counts = FILES if options.data else tuple(PIECES * times for times in TIMES)
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        peak, seconds, disk = {}, {}, {}
        for count in counts:
            folder = Path(scratch, str(count))
            alone(copy_files, options.data, folder, count) if options.data else alone(make_archives, folder, count)
            for processes in sorted({1, cores()}):
                cache, how = folder / f"cache-{processes}", f"reading on {processes} core{'s' * (processes > 1)}"
                peak[how, count], seconds[how, count], notes = alone(read, folder, cache, processes)
            disk[count] = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / 1e6
            peak["opening", count], seconds["opening", count], _ = alone(read, folder, cache, 1)
            peak["training", count], seconds["preparing to train", count] = alone(train, folder, cache, options.steps)
            shutil.rmtree(folder)
    few, many = counts[0], counts[-1]
    figures = [Figure(f"{what}, {count:,} pieces: peak memory", value, "MB") for (what, count), value in sorted(peak.items())]
    most = None if options.data else PIECE_BYTES
    for what in dict.fromkeys(what for what, _ in sorted(peak)):
        grown = 1e6 * (peak[what, many] - peak[what, few]) / (many - few)
        figures.append(Figure(f"{what}: memory for each piece more", grown, "bytes", most=most))
    figures += [Figure(f"{what}, {count:,} pieces", value, "s") for (what, count), value in sorted(seconds.items())]
    middle = counts[-2]
    figures += [
        Figure(
            f"{what}: time a piece, {many:,} pieces / {middle:,} pieces",
            seconds[what, many] / many / (seconds[what, middle] / middle),
            most=1.3,
        )
        for what in dict.fromkeys(what for what, _ in sorted(seconds))
    ]
    figures += [Figure(f"the collection on the disk, {count:,} pieces", value, "MB") for count, value in disk.items()]
    one_hot = notes * 64 * ORIGINAL_CLASSES * 4 / 1e6
    what = "MIDI files out of a folder" if options.data else f"made-up pieces of {NOTES:,} notes"
    remarks = [
        f"{', '.join(f'{count:,}' for count in counts)} {what}; {options.steps} training steps, each in a process of its own.",
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


def make_archives(folder: Path, count: int) -> None:
    """Write ``count`` MIDI files of random notes, PIECES to an archive: chords of four, over five octaves, in two speeds."""
    import numpy as np

    from musiclstm.formats import midi_bytes
    from musiclstm.music import Piece, make_notes

    folder.mkdir(parents=True)
    for first in range(0, count, PIECES):
        with zipfile.ZipFile(folder / f"{first:06}.zip", "w") as archive:
            for number in range(first, min(count, first + PIECES)):
                rng = np.random.default_rng(number)
                onset = np.repeat(np.cumsum(rng.choice([6, 12], NOTES // 4)), 4)
                pitch, velocity = rng.integers(36, 97, NOTES), rng.integers(40, 100, NOTES)
                notes = make_notes(onset, pitch, rng.choice([6, 12, 24], NOTES), velocity)
                # Numbered from the front: files whose names differ in their last number alone count as movements of one work.
                archive.writestr(f"{number:06}-piece.mid", midi_bytes(Piece(notes)))


def opened(folder: Path, cache: Path, processes: int) -> Collection:
    """The collection of all files and archives of a folder."""
    from musiclstm.data import folder_archives, folder_sources, open_collection

    return open_collection(folder_sources(folder, none=True), cache, archives=folder_archives(folder), processes=processes)


def read(folder: Path, cache: Path, processes: int) -> tuple[float, float, int]:
    """Read a folder into a collection: the peak memory in MB, the seconds, and the number of notes."""
    started = time.perf_counter()
    collection = opened(folder, cache, processes)
    return peak_memory(), time.perf_counter() - started, sum(entry.count for entry in collection.entries)


def train(folder: Path, cache: Path, steps: int) -> tuple[float, float]:
    """Open a collection, fit its vocabulary and train for ``steps`` steps: peak memory in MB; seconds to open, split and fit."""
    from itertools import islice

    import numpy as np

    from musiclstm.checkpoint import size_for
    from musiclstm.config import TrainConfig
    from musiclstm.data import split
    from musiclstm.model import fit_vocabulary, iterate_batches, plan_lanes, prefetch
    from musiclstm.training.trainer import Trainer

    options = TrainConfig()
    started = time.perf_counter()
    collection = opened(folder, cache, 1)
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
