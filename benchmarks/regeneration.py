"""Claim: bars written anew lead into the bars that follow, though not as well as the composer's own.

From each passage of the test pieces two bars after the eighth are cut out and written again. Two models say how many bits a note
of the following four bars then takes, after the composer's bars, after new ones, and after bars of another piece: the
checkpoint's network, which also chose the new bars among candidates, and a Markov chain, which had no part in that.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

FIRST, BARS, FOLLOWING = 9, 2, 4
CANDIDATES = 8


def measure(options: argparse.Namespace) -> None:
    """Cut out, write again, measure what follows, publish."""
    import numpy as np

    from benchmarks.heldout import opened
    from musiclstm.evaluation import Evaluator, continuations, middle_95, work_weights
    from musiclstm.evaluation.ngram import best_order, bits_by_order, fit
    from musiclstm.model import encode

    loaded, held = opened(options)
    known, validation, test = (held.pieces(side) for side in ("train", "validation", "test"))
    passages = [each for each in continuations.held_out(test, np.random.default_rng(1), options.passages) if plays_on(each)]
    versions = [versions_of(loaded, passage, number, other_bars(passages, number)) for number, passage in enumerate(passages)]
    evaluator = Evaluator(loaded)
    chain = fit([encode(piece, loaded.vocabulary) for piece in known], loaded.vocabulary)
    order = best_order(bits_by_order(chain, [encode(piece, loaded.vocabulary) for piece in validation]))
    models: dict[str, Callable[[list[Any]], Any]] = {
        "network": lambda pieces: [score.nats for score in evaluator.scores(pieces)],
        f"Markov chain of order {order}": lambda pieces: [
            chain.scores(encode(piece, loaded.vocabulary), order, recall=True)[0] for piece in pieces
        ],
    }
    works = held.works("test")
    groups = [works[passage.name] for passage in passages]
    weights = work_weights(groups, 2000, np.random.default_rng(1))
    figures = []
    for model, nats_of in models.items():
        bits = {name: bits_after(nats_of([each[name] for each in versions]), versions, name) for name in versions[0]}
        for name, values in bits.items():
            figures.append(Figure(f"{model}: bits per note after {name}", float(np.mean(values))))
        for name in list(bits)[1:]:
            apart = bits[name] - bits["the composer's bars"]
            low, high = middle_95(weights @ apart / weights.sum(axis=1))
            figures.append(Figure(f"{model}: {name}, above the composer's, 95 % from", low))
            figures.append(Figure(f"{model}: {name}, above the composer's, 95 % to", high))
    notes = [f"{len(passages)} passages of {len(set(groups))} test works; intervals resample works."]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    publish("Regenerated bars", section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries))


def plays_on(passage: Any) -> bool:
    """Whether there are notes in the bars that are cut out, and from the beat after them to the end of the following bars."""
    import numpy as np

    bar = passage.piece.metres[0].bar_ticks
    lines = [(FIRST - 1 + bars) * bar for bars in (0, BARS, BARS + FOLLOWING - 1, BARS + FOLLOWING)]
    return bool((np.diff(np.searchsorted(passage.piece.notes["onset"], lines)) > 0).all())


def other_bars(passages: list[Any], number: int) -> Any:
    """The bars in the same place of the next piece in the same metre; of the passage itself if there is none."""
    from musiclstm.music import cut

    mine, later = passages[number], passages[number + 1 :] + passages[: number + 1]
    fits = (each for each in later if each.name != mine.name and each.piece.metres[0] == mine.piece.metres[0])
    chosen = next(fits, mine)
    bar = mine.piece.metres[0].bar_ticks
    return cut(chosen.piece, (FIRST - 1) * bar, (FIRST - 1 + BARS) * bar)


def versions_of(loaded: Any, passage: Any, number: int, other: Any) -> dict[str, Any]:
    """The opening, two bars of each kind, and the following bars as the composer wrote them."""
    from musiclstm.generation import ComposeRequest, compose
    from musiclstm.music import cut, join
    from musiclstm.seeds import seed_from_piece

    bar = passage.piece.metres[0].bar_ticks
    begin, stop, end = ((FIRST - 1 + bars) * bar for bars in (0, BARS, BARS + FOLLOWING))
    whole = cut(passage.piece, 0, end)
    request = ComposeRequest(seed_from_piece(whole, (1, end // bar)), bars=BARS, regenerate=FIRST, random_seed=number)
    return {
        "the composer's bars": whole,
        f"the best of {CANDIDATES} candidates": compose(loaded, replace(request, candidates=CANDIDATES)).takes[0].joined,
        "one candidate": compose(loaded, replace(request, candidates=1)).takes[0].joined,
        "bars of another piece": join(join(cut(whole, 0, begin), other, begin), cut(whole, stop, end), stop),
    }


def bits_after(nats: Any, versions: Any, name: str) -> Any:
    """Bits per note (step, pitch, duration) of the following bars, for each passage."""
    import numpy as np

    found = []
    for lost, each in zip(nats, versions, strict=True):
        piece = each[name]
        bar = piece.metres[0].bar_ticks
        begins = int(np.searchsorted(piece.notes["onset"], (FIRST - 1 + BARS) * bar))
        found.append(float(lost[begins - 1 :, :3].sum(axis=1).mean() / np.log(2)))
    return np.array(found)


if __name__ == "__main__":
    run(__doc__, measure, passages=100)
