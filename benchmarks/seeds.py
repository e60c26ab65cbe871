"""Claim: every bundled seed leads somewhere worth hearing at the default settings.

Each seed is continued three times, as for a visitor who presses the button: 16 bars, random seeds 1, 2 and 3. A take's score is
the one that ranks several takes (``musiclstm/scoring/critic.py``): the log-odds that a person wrote it. Human continuations of
held-out pieces are scored for comparison. The table shows the lowest of the three takes.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

BARS, RANDOM_SEEDS, LOWEST, PASSAGES = 16, (1, 2, 3), 10, 200


def measure(options: argparse.Namespace) -> None:
    """Continue each seed, score, publish."""
    import numpy as np

    from benchmarks.heldout import opened
    from musiclstm.evaluation import continuations
    from musiclstm.generation import ComposeRequest, compose

    loaded, held = opened(options)
    critic = loaded.critic
    if critic is None or loaded.originality is None:
        raise SystemExit("The checkpoint was trained on too little to rank takes, or has no index of what it was trained on.")
    pieces = held.pieces("test")
    passages = continuations.held_out(pieces, np.random.default_rng(1), PASSAGES)
    human = [
        critic.score(passage.seed.notes, passage.split, passage.piece.metres[0], passage.continuation.notes, BARS)
        for passage in passages
    ]
    takes = [
        scored(loaded, compose(loaded, ComposeRequest(seed, bars=BARS, random_seed=random_seed)))
        for seed in loaded.seeds
        for random_seed in RANDOM_SEEDS
    ]
    takes.sort(key=lambda take: float(take["score"]))
    scores = [float(take["score"]) for take in takes]
    lowest = {take["seed"]: take for take in reversed(takes)}
    figures = [
        Figure("score, median of all takes", median(scores)),
        Figure(f"score, mean of the {LOWEST} lowest", sum(scores[:LOWEST]) / LOWEST),
        Figure("score of human continuations, median", median(human)),
        Figure("score that 95 % of human continuations reach", float(np.quantile(human, 0.05))),
        Figure("takes below that", int(np.sum(np.array(scores) < np.quantile(human, 0.05))), most=0),
        Figure("takes that end in a loop", sum(take["loop"] for take in takes), most=0),
    ]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    notes = [f"{len(takes)} takes of {len(lowest)} seeds, {BARS} bars each; {len(passages)} passages of the test pieces."]
    text = section(
        f"{claim}\n\n{table(sorted(lowest.values(), key=lambda take: take['score']))}",
        figures,
        notes=notes,
        threads=f"{cores()} threads",
        libraries=libraries,
    )
    publish("Seeds", text)


def scored(loaded: Any, made: Any) -> dict[str, Any]:
    """What the table says of a composition's one take."""
    import numpy as np

    from musiclstm.scoring import loops

    take = made.takes[0]
    begin = int(np.searchsorted(take.joined.notes["onset"], made.split))
    habits = loops.scores(take.joined, begin)
    shared_passage = loaded.originality.longest(take.joined, begin)
    return {
        "seed": made.request.seed.id,
        "random seed": made.request.random_seed,
        "score": take.score,
        "notes": len(take.continuation),
        "repeated figures": habits["repeated_figures"],
        "loop": int(habits["looping"]),
        "longest shared passage": f"{shared_passage.notes} notes",
    }


def table(takes: list[dict[str, Any]]) -> str:
    """All takes in Markdown, the lowest first."""
    rows = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in take.values()] for take in takes]
    return "\n".join([f"| {' | '.join(takes[0])} |", "|---" * len(takes[0]) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    run(__doc__, measure)
