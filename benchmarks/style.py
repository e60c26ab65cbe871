"""Claim: a composer's name as input to the network changes the style of what it writes.

Each held-out seed is continued in the style of several composers in turn, with the same random seed. A judge that knows nothing
of the network attributes each continuation to one of them: it has a Markov chain for each composer, counted on the training
pieces. If the name had no effect, a composer would be recognised just as often when another was requested; the difference is
the effect. How often the judge is right about human held-out music is its limit.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

FEWEST_NOTES = 20_000  # of training music: fewer say too little about a composer
ORDER = 2  # of the judge's chains


def measure(options: argparse.Namespace) -> None:
    """Continue, attribute, compare, publish."""
    import numpy as np

    from benchmarks.heldout import opened
    from musiclstm.evaluation import continuations
    from musiclstm.generation import compose
    from musiclstm.model import encode

    loaded, held = opened(options)
    judge = Judge(held, loaded.vocabulary)
    if len(judge.names) < 2:
        print(f"Not measured: it takes two composers with {FEWEST_NOTES:,} notes each; give --data.")
        return
    others = held.pieces("validation") + held.pieces("test")
    passages = continuations.held_out(others, np.random.default_rng(1), 400)
    right = [
        judge.composer(encode(passage.continuation, loaded.vocabulary)) == judge.names.index(composer)
        for passage in passages
        if (composer := passage.piece.composer) in judge.names
    ]
    chosen = passages[: options.passages]
    recognised = np.zeros((len(chosen), len(judge.names), len(judge.names)))  # seed, requested, recognised
    for number, passage in enumerate(chosen):
        request = passage.request(random_seed=number)
        for asked, name in enumerate(judge.names):
            named = replace(request, seed=replace(request.seed, composer=name))  # the network knows a seed's composer, no more
            rows = encode(compose(loaded, named).takes[0].continuation, loaded.vocabulary)
            recognised[number, asked, judge.composer(rows)] = 1
    figures = effect(recognised, np.random.default_rng(2))
    figures.append(Figure("the judge is right about human held-out music", float(np.mean(right)) if right else float("nan")))
    notes = [
        f"{len(chosen)} seeds of validation and test pieces, each continued for 16 bars as by {', '.join(judge.names)}.",
        f"The judge: Markov chains of order {ORDER}; {len(right)} passages of human held-out music by these composers.",
    ]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    publish("Style", section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries))


class Judge:
    """A Markov chain for each of ``names``, the composers with much music among the training pieces."""

    def __init__(self, held: Any, vocabulary: Any) -> None:
        from musiclstm.evaluation import ngram
        from musiclstm.model import encode

        pieces: dict[str, list[Any]] = {}
        for index in held.sides["train"]:
            pieces.setdefault(held.collection.entries[index].composer, []).append(index)
        notes = {name: sum(held.collection.entries[index].count for index in found) for name, found in pieces.items()}
        self.names = sorted(name for name in pieces if notes[name] >= FEWEST_NOTES and vocabulary.composer_class(name))
        self.chains = [
            ngram.fit([encode(held.collection.piece(index), vocabulary) for index in pieces[name]], vocabulary)
            for name in self.names
        ]

    def composer(self, rows: Any) -> int:
        """The index in ``names`` of the composer whose chain needs the fewest bits for the rows."""
        bits = [float(chain.scores(rows, ORDER)[0][:, :3].sum()) for chain in self.chains]
        return bits.index(min(bits))


def effect(recognised: Any, rng: Any) -> list[Figure]:
    """How often a composer is recognised when requested and when another is, with an interval over seeds."""
    import numpy as np

    count, composers = recognised.shape[:2]
    same = np.eye(composers, dtype=bool)
    asked, otherwise = recognised[:, same].mean(axis=1), recognised[:, ~same].mean(axis=1)
    gain = asked - otherwise
    low, high = np.percentile(gain[rng.integers(count, size=(2000, count))].mean(axis=1), (2.5, 97.5)).tolist()
    return [
        Figure("recognised when requested", float(asked.mean())),
        Figure("recognised when another was requested", float(otherwise.mean())),
        Figure("difference", float(gain.mean())),
        Figure("lower end of its 95 % interval", low, least=0.0),
        Figure("upper end of its 95 % interval", high),
    ]


if __name__ == "__main__":
    run(__doc__, measure, passages=24)
