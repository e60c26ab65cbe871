"""Claim: thirty pieces in a style it does not know teach the bundled checkpoint that style in minutes, and it forgets little.

The style is Italian songs of the 14th century, for two or three voices: the folder trecento of music21's corpus, of which the
checkpoint knows nothing. Some of its works become a folder of MIDI files, with which ``train.py --from`` runs as for anyone. The
other works are new music for the checkpoint before and after. Old music are its openings and what their composers wrote next,
which no training read. Both continue the same passages of the new music: one candidate of each phrase, so that the critic chooses
nothing and may be asked; and eight, of which it chooses. Judges (``musiclstm/evaluation/judge.py``) hear all of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

STYLE = "trecento/"
LOOPS = ("looped_share", "distinct_4")
STRUCTURE = ("rhythm_1", "rhythm_4", "harmony_4")


def measure(options: argparse.Namespace) -> None:
    """Fine-tune, measure the bits, continue, judge, publish."""
    import numpy as np

    from benchmarks.judges import with_interval
    from musiclstm.checkpoint import load_checkpoint
    from musiclstm.data import music21_sources, open_collection
    from musiclstm.evaluation import continuations, judge_pairs
    from musiclstm.training.finetuning import compared, known_works

    base = load_checkpoint(options.checkpoint)
    corpus = [source for source in music21_sources() if source.name.startswith(STYLE)]
    collection = open_collection(corpus, options.work / "cache")
    given, rest = parted([entry.work for entry in collection.entries], options.pieces)
    seconds, busy = fine_tune([collection.piece(index) for index in given], options)
    tuned = load_checkpoint(options.work / "finetuned")
    pieces, works = [collection.piece(index) for index in rest], [collection.entries[index].work for index in rest]
    bits = compared(base, tuned, pieces, works)
    passages = continuations.held_out(pieces, np.random.default_rng(1), options.passages)
    work_of = dict(zip((piece.source for piece in pieces), works, strict=True))
    mine = [work_of[passage.name] for passage in passages]
    rows = []
    for name, checkpoint, candidates in (("before", base, 1), ("after", tuned, 1), ("after", tuned, 8)):
        takes = [written(checkpoint, passage, number, candidates) for number, passage in enumerate(passages)]
        found = continuations.compare(passages, takes, mine, np.random.default_rng(1))
        judged = judge_pairs(work_of, passages, takes)
        told = [with_interval(judged["told_apart"][judge]) for judge in ("trees", "logistic", "network")]
        odds = mean_odds(base.critic, passages, takes) if candidates == 1 else "it chose"
        rows.append([name, str(candidates), *told, odds, *scores(found, "generated")])
        print(" | ".join(rows[-1]), flush=True)
    people = ["people", "", "", "", "", mean_odds(base.critic, passages, [p.continuation for p in passages])]
    rows.append([*people, *scores(found, "people")])
    notes_given, known = sum(collection.entries[index].count for index in given), len(known_works(base.originality, collection))
    notes = [
        f"{len(given)} pieces to fine-tune on, of {notes_given:,} notes, a third held out; {len(rest)} others to measure on.",
        f"Works that share 33 notes or more in a row with a piece that the checkpoint knows: {known}.",
        f"{len(passages)} passages of {len(set(mine))} works: 16 bars after 8. Intervals hold 95 % of samples of works.",
        "Critic: mean log-odds that a person wrote a continuation; it learnt from other music.",
    ]
    claim = (__doc__ or "").splitlines()[0]
    text = section(
        f"{claim}\n\n{table(rows)}",
        [
            Figure("fine-tuning, from the command to the checkpoint", seconds / 60, "minutes"),
            Figure("of processor time", busy / 60, "minutes"),
            *changes(bits),
        ],
        notes=notes,
        threads=f"{cores()} threads",
        libraries=("numpy", "keras", "tensorflow", "sklearn"),
    )
    publish("Fine-tuning", text)


def parted(works: Sequence[str], pieces: int) -> tuple[list[int], list[int]]:
    """Indices of the pieces of some ``works`` drawn at random, ``pieces`` or a few more in all, and of all others."""
    import numpy as np

    given: list[int] = []
    for work in np.random.default_rng(1).permutation(sorted(set(works))).tolist():
        if len(given) < pieces:
            given += [index for index, each in enumerate(works) if each == work]
    return given, [index for index in range(len(works)) if index not in set(given)]


def fine_tune(pieces: Sequence[Any], options: argparse.Namespace) -> tuple[float, float]:
    """Write the pieces to a folder and run train.py on it; returns the seconds it took, and those of the processor."""
    import shutil

    from musiclstm.formats.midi import write_midi
    from train import main

    folder, out = options.work / "songs", options.work / "finetuned"
    for old in (folder, out, out.with_name(f"{out.name}.work")):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True)
    for piece in pieces:
        write_midi(piece, folder / f"{Path(piece.source).stem}.mid")
    began, busy = time.perf_counter(), time.process_time()
    if main(["--from", str(options.checkpoint), "--data", str(folder), "--out", str(out)]):
        raise SystemExit("train.py failed.")
    return time.perf_counter() - began, time.process_time() - busy


def written(checkpoint: Any, passage: Any, number: int, candidates: int) -> Any:
    """The continuation of a passage's seed."""
    from musiclstm.generation import compose

    return compose(checkpoint, passage.request(random_seed=number, candidates=candidates)).takes[0].continuation


def mean_odds(critic: Any, passages: Sequence[Any], takes: Sequence[Any]) -> str:
    """What the critic thinks of the continuations on average."""
    import numpy as np

    found = []
    for passage, take in zip(passages, takes, strict=True):
        metre = passage.piece.metres[0]
        bars = (passage.end - passage.split) // metre.bar_ticks
        found.append(critic.score(passage.seed.notes, passage.split, metre, take.notes, bars))
    return f"{np.mean(found):+.2f}"


def scores(found: dict[str, Any], side: str) -> list[str]:
    """Some loops and structure scores of a side, and how far its music overlaps with people's."""
    area = found["musicality"]["mean_overlapping_area" if side == "generated" else "ceiling"]["mean"]
    parts = [*(found["loops"][name] for name in LOOPS), *(found["structure"][name] for name in STRUCTURE)]
    return [f"{area:.3f}", *(f"{part[side]['mean']:.3f}" for part in parts)]


def changes(bits: dict[str, Any]) -> list[Figure]:
    """Bits per note before and after, and the change with its interval."""
    figures = []
    for kind, bound in (("new", 0.0), ("old", 0.1)):
        found = bits[kind]
        low, high = found["change"]
        figures += [
            Figure(f"{kind} music, before", found["before"], "bits per note"),
            Figure(f"{kind} music, after", found["after"], "bits per note"),
            Figure(f"{kind} music, change: lower end of its 95 % interval", low, "bits per note"),
            Figure(f"{kind} music, change: upper end", high, "bits per note", most=bound),
        ]
    return figures


def table(rows: Sequence[Sequence[str]]) -> str:
    """One line for each kind of take, the last one for people."""
    head = ["takes", "candidates", *(f"told apart by {judge}" for judge in ("trees", "logistic", "network")), "critic"]
    head += ["overlap with people", *(name.replace("_", " ") for name in (*LOOPS, *STRUCTURE))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    run(
        __doc__,
        measure,
        passages=40,
        more={"--pieces": {"type": int, "default": 30, "help": "pieces to fine-tune on"}},
    )
