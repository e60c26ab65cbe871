"""Claim: judges hardly tell takes at the default settings from human continuations, and takes of a seed stay distinct.

For each number of candidates the checkpoint continues the same held-out passages, twice each. Three judges, which learn from
other works than they judge and know nothing of the critic (``musiclstm/evaluation/judge.py``), then say which of two
continuations is human: the first take, or the composer's. At 50 % they guess. Two takes of a seed are compared note by note: the
share of their notes that are struck at the same time on the same key, next to what a take shares with the composer's own.
Some figures of the takes follow, and those in which they differ most.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

JUDGES = ("trees", "logistic", "network")
SHOWN = 12  # rows of the table of shifts
TARGETS = ("bars without downbeat", "clashing chords", "rhythm of the seed, later half")
SAMPLES = 2000


def measure(options: argparse.Namespace) -> None:
    """Continue, judge, publish; figures of validation pieces are printed only."""
    import numpy as np

    from benchmarks.heldout import opened
    from musiclstm.evaluation import continuations, judge_pairs

    loaded, held = opened(options)
    works = held.works(options.side)
    passages = continuations.held_out(held.pieces(options.side), np.random.default_rng(1), options.passages)
    rows, judged = [], {}
    for candidates in options.candidates:
        began = time.perf_counter()
        pairs = [both(loaded, passage, number, candidates) for number, passage in enumerate(passages)]
        seconds = (time.perf_counter() - began) / len(pairs) / 2
        judged = judge_pairs(works, passages, [first for first, _ in pairs])
        common = float(np.mean([in_common(*pair) for pair in pairs]))
        human = [in_common(first, passage.continuation) for (first, _), passage in zip(pairs, passages, strict=True)]
        shares = [with_interval(judged["told_apart"][name]) for name in JUDGES]
        rows.append([str(candidates), *shares, f"{common:.3f}", f"{np.mean(human):.3f}", f"{seconds:.2f} s"])
        print(" | ".join(rows[-1]), flush=True)
    best = judged["told_apart"][judged["best"]]
    figures = [Figure("pairs told apart by the best judge, at the default", best["share"], most=0.65)]
    figures += targets(passages, [first for first, _ in pairs], [works[passage.name] for passage in passages], loaded.originality)
    said = [__doc__.splitlines()[0] if __doc__ else "", table(rows), shifts(judged["shifts"])]
    count, different = len(passages), len({works[passage.name] for passage in passages})
    notes = [f"{count} passages of {different} {options.side} works: 16 bars after 8. Intervals hold 95 % of samples of works."]
    text = section(
        "\n\n".join(said),
        figures,
        notes=notes,
        threads=f"{cores()} threads",
        libraries=("numpy", "keras", "tensorflow", "sklearn"),
    )
    if options.side == "test":
        publish("Judges", text)
    else:
        print(text)


def both(loaded: Any, passage: Any, number: int, candidates: int) -> tuple[Any, Any]:
    """Two takes of a passage's seed, of different random seeds."""
    from musiclstm.generation import compose

    request = passage.request(random_seed=2 * number, candidates=candidates)
    first, second = (compose(loaded, replace(request, random_seed=2 * number + which)).takes[0] for which in (0, 1))
    return first.continuation, second.continuation


def targets(passages: Sequence[Any], takes: Sequence[Any], works: Sequence[str], index: Any) -> list[Figure]:
    """Figures of the takes, those of human continuations with their interval as the bound."""
    import numpy as np

    from musiclstm.evaluation import middle_95, work_weights
    from musiclstm.scoring import figure_names, figure_row

    weights = work_weights(works, SAMPLES, np.random.default_rng(1))
    columns = [figure_names().index(name) for name in TARGETS]
    sides, values = ([passage.continuation for passage in passages], takes), []
    for side in sides:
        rows = []
        for passage, piece in zip(passages, side, strict=True):
            bars = (passage.end - passage.split) // passage.piece.metres[0].bar_ticks
            row = figure_row(passage.seed.notes, passage.split, passage.piece.metres[0], piece.notes, bars)
            rows.append(np.full(len(columns), np.nan) if row is None else row[columns])
        values.append(np.array(rows))
    human, ours = values
    figures = []
    for column, name in enumerate(TARGETS):
        low, high = middle_95(weights @ human[:, column] / weights.sum(axis=1))
        figures.append(Figure(f"{name}, human", float(human[:, column].mean())))
        figures.append(Figure(f"{name}, takes", float(ours[:, column].mean()), least=low, most=high))
    if index is not None:
        lengths = [
            np.array([index.longest(piece).notes for piece in side]) for side in ([p.continuation for p in passages], takes)
        ]
        above = float((lengths[1] > np.percentile(lengths[0], 95, method="inverted_cdf")).mean())
        figures.append(Figure("takes that share longer passages than 95 % of human music", above, most=0.05))
    return figures


def in_common(one: Any, two: Any) -> float:
    """The share of the notes of two pieces that both have: same onset, same pitch (Jaccard index)."""
    struck = [set(piece.notes[["onset", "pitch"]].tolist()) for piece in (one, two)]
    return len(struck[0] & struck[1]) / max(1, len(struck[0] | struck[1]))


def with_interval(found: dict[str, Any]) -> str:
    """A share with its interval."""
    low, high = found["interval"]
    return f"{found['share']:.2f} ({low:.2f} to {high:.2f})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """One line for each number of candidates."""
    head = (
        "candidates",
        *(f"told apart by {name}" for name in JUDGES),
        "two takes have in common",
        "a take and the human one",
        "a take",
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


def shifts(found: Sequence[dict[str, Any]]) -> str:
    """The figures that give takes away most."""
    lines = [
        f"| {each['figure']} | {each['people']:.3f} | {each['generated']:.3f} | {each['shift']:+.2f} |" for each in found[:SHOWN]
    ]
    head = "What differs most at the default, in standard deviations of human music:\n\n| figure | human | takes | shift |\n"
    return head + "\n".join(["|---|---|---|---|", *lines])


if __name__ == "__main__":
    run(
        __doc__,
        measure,
        passages=200,
        more={
            "--candidates": {"type": int, "nargs": "+", "default": [1, 8], "help": "the last one is the default"},
            "--side": {"choices": ("validation", "test"), "default": "test", "help": "tune on validation; judge once on test"},
        },
    )
