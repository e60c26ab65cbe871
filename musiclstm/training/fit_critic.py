"""Train the critic of a checkpoint: human continuations of passages against its own, of the same seeds.

The more works, the better the critic, so that it learns from those that the network was trained on, too. On their seeds the
network writes with the same faults as on others. A critic that chooses is led where its own eyes are weak. So it learns in two
rounds: from takes that nobody chose, then also from takes that the first critic chose (benchmarks/EXPERIMENTS.md, "Choosing among
candidates").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import DataError
from musiclstm.evaluation import Passage, held_out
from musiclstm.generation import ComposeRequest, compose
from musiclstm.music import Notes, Piece
from musiclstm.scoring import Critic, figure_names, figure_row, standardised

PASSAGES, CHOSEN = 800, 400  # for the first round, and how many more for the second
FEWEST_PASSAGES = 48  # of 8 bars and the 16 that follow; with fewer there is no critic
FEWEST_WORKS = 6
LENGTHS = (2, 4, 6, 8, 10, 12, 14, 16)  # bars of a continuation that the critic hears: phrases still being written, too
HEARD = 3  # of these lengths for each continuation
TAKES = 2  # of each passage
MEMBERS, HIDDEN, DROPOUT, DECAY = 4, 48, 0.3, 1e-3
EPOCHS, PATIENCE, BATCH, HELD_OUT = 60, 6, 128, 0.2

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Examples:
    """``rows`` [n, f] of figures, whether each is ``human`` [n], and the number of the ``work`` [n] it belongs to."""

    rows: Floats
    human: NDArray[np.bool_]
    work: NDArray[np.int64]

    def of(self, works: Sequence[int]) -> Examples:
        """Those of some works."""
        inside = np.isin(self.work, works)
        return Examples(self.rows[inside], self.human[inside], self.work[inside])


def with_critic(
    checkpoint: Checkpoint,
    pieces: Sequence[Piece],
    works: Sequence[str],
    *,
    random_seed: int = 1,
    say: Callable[[str], None] = print,
) -> Checkpoint:
    """The checkpoint with a critic learnt from ``pieces``; unchanged if they are too few.

    ``works`` are the works of the pieces: each has its turn before one has a second, and those that decide when to stop learning
    are never learnt from.
    """
    names = sorted(set(works))
    rng = np.random.default_rng(random_seed)
    try:
        passages = held_out(_by_turns(pieces, works, rng)[: PASSAGES + CHOSEN], rng, PASSAGES + CHOSEN)
    except DataError:
        return checkpoint
    if len(passages) < FEWEST_PASSAGES or len(names) < FEWEST_WORKS:
        return checkpoint
    work_of = {piece.source: names.index(work) for piece, work in zip(pieces, works, strict=True)}
    first = round(len(passages) * PASSAGES / (PASSAGES + CHOSEN))
    numbered = [(passage, work_of[passage.name], number) for number, passage in enumerate(passages)]
    say(f"Training the critic on {first} passages ...")
    heard = [_examples(checkpoint, *each, takes=TAKES, candidates=1) for each in numbered[:first]]
    judged = replace(checkpoint, critic=fit_critic(joined(heard), random_seed))
    say(f"Training it on {len(passages) - first} more, with takes that it chose ...")
    heard += [_examples(judged, *each, takes=1, candidates=ComposeRequest.candidates) for each in numbered[first:]]
    return replace(checkpoint, critic=fit_critic(joined(heard), random_seed))


def fit_critic(examples: Examples, random_seed: int) -> Critic:
    """A critic for ``examples``. The same examples and random seed give the same critic."""
    mean, spread = examples.rows.mean(axis=0), np.maximum(examples.rows.std(axis=0), 1e-6)
    away = standardised(examples.rows, mean, spread).astype(np.float32)
    members = [_fit_member(away, examples, np.random.default_rng([random_seed, member])) for member in range(MEMBERS)]
    hidden, hidden_bias, out, out_bias = (np.stack(weights).astype(np.float64) for weights in zip(*members, strict=True))
    return Critic(mean, spread, hidden, hidden_bias, out[..., 0], out_bias[..., 0])


def joined(parts: Iterable[Examples]) -> Examples:
    """All examples as one."""
    listed = list(parts)
    return Examples(*(np.concatenate([getattr(part, name) for part in listed]) for name in ("rows", "human", "work")))


def _by_turns(pieces: Sequence[Piece], works: Sequence[str], rng: np.random.Generator) -> list[Piece]:
    """The pieces in random order, first one of each work, then a second one of each that has several, and so on."""
    turns: Counter[str] = Counter()
    placed: list[tuple[int, int, int]] = []
    for number in rng.permutation(len(pieces)).tolist():
        placed.append((turns[works[number]], len(placed), number))
        turns[works[number]] += 1
    return [pieces[number] for _, _, number in sorted(placed)]


def _fit_member(away: Singles, examples: Examples, rng: np.random.Generator) -> list[Singles]:
    """Weights of one network, from the epoch that was best on a few works held out."""
    works = np.unique(examples.work)
    held = np.isin(examples.work, rng.permutation(works)[: max(1, round(HELD_OUT * len(works)))])
    learnt = np.flatnonzero(~held)
    keras.utils.set_random_seed(int(rng.integers(2**31)))
    network = keras.Sequential(
        [
            keras.Input((away.shape[1],)),
            layers.Dropout(DROPOUT),
            layers.Dense(HIDDEN, activation="relu", kernel_regularizer=keras.regularizers.L2(DECAY)),
            layers.Dropout(DROPOUT),
            layers.Dense(1, kernel_regularizer=keras.regularizers.L2(DECAY)),
        ]
    )
    network.compile(optimizer=keras.optimizers.Adam(2e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    # Both kinds count the same, however many takes there are of each passage.
    weight = np.where(examples.human, 1.0 / examples.human.mean(), 1.0 / (1.0 - examples.human.mean()))
    target = examples.human.astype(np.float32)[:, None]
    best, waited, kept = np.inf, 0, network.get_weights()
    for _ in range(EPOCHS):
        order = rng.permutation(learnt)
        for start in range(0, len(order), BATCH):
            some = order[start : start + BATCH]
            network.train_on_batch(away[some], target[some], sample_weight=weight[some])
        odds = network.predict_on_batch(away[held])[:, 0].astype(np.float64)
        loss = float((weight[held] * np.logaddexp(0.0, np.where(examples.human[held], -odds, odds))).mean())
        if loss < best:
            best, waited, kept = loss, 0, network.get_weights()
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    return list(kept)


def _examples(checkpoint: Checkpoint, passage: Passage, work: int, number: int, *, takes: int, candidates: int) -> Examples:
    """Figures of the human continuation and of takes of the checkpoint, each heard up to a few bar lines."""
    metre = passage.piece.metres[0]
    composition = compose(checkpoint, passage.request(takes=takes, random_seed=number, candidates=candidates))
    heard: list[tuple[bool, Notes]] = [(True, passage.continuation.notes)]
    heard += [(False, take.continuation.notes) for take in composition.takes]
    rows, human = [], []
    for bars in np.random.default_rng(number).choice(LENGTHS, HEARD, replace=False).tolist():
        for kind, notes in heard:
            row = figure_row(composition.seed.notes, composition.split, metre, notes, bars)
            if row is not None:
                rows.append(row)
                human.append(kind)
    return Examples(np.array(rows).reshape(-1, len(figure_names())), np.array(human, bool), np.full(len(rows), work))
