"""Claim: music comes out of a MIDI file hundreds of times faster than in the original.

On the same files, one after the other:

- ours: ``read_midi`` and ``encode``, as in training: every note with its onset, pitch, duration and velocity;
- the original: music21's ``converter.parse``, the first part of ``instrument.partitionByInstrument`` (all notes where that is
  empty), and three lists of note or chord name, gap and duration.

Without --data the files are works of music21's own corpus, written as MIDI into a temporary folder.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.report import Figure, publish, section, set_threads, taking_turns

Item = TypeVar("Item")
COMPOSERS = ("beethoven", "chopin", "haydn", "joplin", "mozart", "schubert", "schumann")


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder of MIDI files; default: works of music21's corpus")
    parser.add_argument("--files", type=int, default=12, help="how many files of it; the original's way is slow")
    options = parser.parse_args()
    set_threads(1)
    from musiclstm.formats import read_midi
    from musiclstm.model import encode, fit_vocabulary

    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        found = sample(options.data, options.files) if options.data else written_corpus(Path(scratch), options.files)
        # Once and untimed, as the original's dictionaries are.
        vocabulary = fit_vocabulary(read_midi(path) for path in found)

        def extract(path: Path) -> int:
            return len(encode(read_midi(path), vocabulary))

        the_originals_lists(min(found, key=lambda path: path.stat().st_size))  # music21 loads its parts on first use
        notes = sum(map(extract, found))
        ours, original = [], []
        for path in found:
            peers = {"ours": lambda path=path: extract(path), "original": lambda path=path: the_originals_lists(path)}
            seconds = taking_turns(peers, rounds=1)
            seconds["ours"] += taking_turns({"ours": peers["ours"]}, rounds=4)["ours"]  # milliseconds need more than one look
            ours.append(median(seconds["ours"]))
            original.append(seconds["original"][0])
    figures = [
        Figure("ours: time per file", 1000 * sum(ours) / len(ours), "ms"),
        Figure("ours: notes a second", notes / sum(ours)),
        Figure("the original: time per file", sum(original) / len(original), "s"),
        Figure("how many times faster, all files together", sum(original) / sum(ours), least=200),
        Figure("how many times faster, the file with the least gain", min(o / m for o, m in zip(original, ours, strict=True))),
    ]
    what = "piano MIDI files out of a folder" if options.data else "works of music21's corpus, written as MIDI"
    remarks = [f"{len(found)} {what}, {notes:,} notes; of each file one run of the original and the median of five of ours."]
    libraries = ("numpy", "music21")
    publish("Reading MIDI", section(__doc__.splitlines()[0], figures, notes=remarks, threads="1 thread", libraries=libraries))


def sample(folder: Path, count: int) -> list[Path]:
    """``count`` MIDI files of a folder, evenly spread over their names."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not found:
        raise SystemExit(f"{folder} holds no MIDI file.")
    return spread(found, count)


def written_corpus(folder: Path, count: int) -> list[Path]:
    """Works of music21's corpus, evenly spread over the composers above, as MIDI files in ``folder``."""
    from musiclstm.formats import corpus_names, read_corpus, write_midi

    written = []
    for number, name in enumerate(spread([name for name in corpus_names() if name.startswith(COMPOSERS)], count)):
        written.append(folder / f"{number}.mid")
        write_midi(read_corpus(name), written[-1])
    return written


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, evenly spread, in their order."""
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]


def the_originals_lists(path: Path) -> tuple[list[str], list[float], list[float]]:
    """Names, gaps and durations in quarters of a MIDI file, the original's way; parsed again, without music21's own cache."""
    from music21 import chord, converter, instrument, note

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # music21 takes track names for instruments and warns of those it does not know
        score = converter.parse(path, forceSource=True, storePickle=False)
    parts = instrument.partitionByInstrument(score)
    events = list(parts.parts[0].recurse().notes) if parts is not None and parts.parts else []
    names, offsets, durations = [], [], []
    for event in events or score.flatten().notes:
        if isinstance(event, note.Note):
            names.append(str(event.pitch))
        elif isinstance(event, chord.Chord):
            names.append(".".join(str(number) for number in event.normalOrder))
        else:
            continue
        offsets.append(float(event.offset))
        durations.append(float(event.duration.quarterLength))
    gaps = [later - earlier for earlier, later in pairwise(offsets)]
    return names, gaps, durations


if __name__ == "__main__":
    main()
