"""Judge generated music: of two continuations of the same seed, which one did a person write?

Three judges learn it: boosted trees and logistic regression on figures, and a small network on the notes. Each judges works that
it did not learn from: the works are dealt into folds, and a judge for each fold learns from the others. A judge that can't tell
gets half of the pairs right. Intervals resample works, not passages: passages of one work are alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import DataError, MissingToolError
from musiclstm.evaluation.continuations import Passage
from musiclstm.evaluation.judge_figures import figures
from musiclstm.evaluation.judge_network import fit_and_score, read
from musiclstm.evaluation.resampling import middle_95, work_weights
from musiclstm.music import Piece

FOLDS = 5
RESAMPLES = 2000
SHOWN = 24  # figures of the table of shifts
FEWEST_WORKS = 2 * FOLDS

Floats = NDArray[np.float64]


def judge_of(works: Mapping[str, str]) -> Callable[[Sequence[Passage], Sequence[Piece]], dict[str, Any]]:
    """``judge_pairs`` for passages of these ``works``; raises its errors at once, before anything is written to be judged."""
    _require(set(works.values()))
    _sklearn("ensemble")
    return partial(judge_pairs, works)


def judge_pairs(
    works: Mapping[str, str], passages: Sequence[Passage], continuations: Sequence[Piece], random_seed: int = 1
) -> dict[str, Any]:
    """How well each judge tells the generated ``continuations`` from the human ones, as JSON data.

    ``works`` gives the work of a passage by its name. For each judge ``told_apart`` is the share of pairs in which it prefers the
    human one, with a 95 % interval; ``best`` is the judge with the highest share. ``shifts`` are the figures that differ most, in
    standard deviations of human music. Raises DataError for fewer than FEWEST_WORKS works, MissingToolError without scikit-learn.
    """
    mine = [works[passage.name] for passage in passages]
    names = sorted(set(mine))
    _require(names)
    both = zip(passages, continuations, strict=True)
    pairs = [(passage, piece) for passage, made in both for piece in (passage.continuation, made)]
    listed = [figures(passage, piece) for passage, piece in pairs]
    labels = list(listed[0])
    rows = np.array([[each[label] for label in labels] for each in listed])
    tables = np.stack([read(passage, piece) for passage, piece in pairs])
    human = np.arange(len(pairs)) % 2 == 0
    rng = np.random.default_rng(random_seed)
    fold_of = {name: number % FOLDS for number, name in enumerate(rng.permutation(names).tolist())}
    fold = np.repeat([fold_of[work] for work in mine], 2)
    judges: dict[str, Callable[[NDArray[np.bool_]], Floats]] = {
        "trees": lambda learnt: _trees(rows, human, learnt, random_seed),
        "logistic": lambda learnt: _logistic(rows, human, learnt),
        "network": lambda learnt: fit_and_score(tables, human, learnt, random_seed).astype(np.float64),
    }
    weights = work_weights(mine, RESAMPLES, rng)
    told = {name: _told_apart(_judged(judge, fold), weights) for name, judge in judges.items()}
    return {
        "pairs": len(passages),
        "works": len(names),
        "told_apart": told,
        "best": max(told, key=lambda name: float(told[name]["share"])),
        "shifts": _shifts(labels, rows[human], rows[~human]),
    }


def _require(works: Collection[str]) -> None:
    if len(works) < FEWEST_WORKS:
        raise DataError(f"A judge needs passages of {FEWEST_WORKS} works or more, not {len(works)}.")


def _judged(judge: Callable[[NDArray[np.bool_]], Floats], fold: NDArray[np.int64]) -> Floats:
    """Log-odds of all continuations, each by a judge that has not learnt from its fold."""
    odds = np.zeros(len(fold))
    for number in range(FOLDS):
        odds[fold == number] = judge(fold != number)[fold == number]
    return odds


def _told_apart(odds: Floats, weights: Floats) -> dict[str, Any]:
    """The share of pairs (human, generated) in which the human one has the higher odds; half for equal ones."""
    difference = odds[0::2] - odds[1::2]
    right = (difference > 0) + 0.5 * (difference == 0)
    low, high = middle_95(weights @ right / weights.sum(axis=1))
    return {"share": round(float(right.mean()), 4), "interval": [round(low, 4), round(high, 4)]}


def _shifts(labels: Sequence[str], human: Floats, generated: Floats) -> list[dict[str, Any]]:
    """The figures with the largest shift of their mean, largest first."""
    spread = human.std(axis=0)
    shift = np.where(spread > 1e-9, (generated.mean(axis=0) - human.mean(axis=0)) / np.maximum(spread, 1e-9), 0.0)
    order = np.argsort(-np.abs(shift))[:SHOWN].tolist()
    return [
        {
            "figure": labels[number],
            "people": round(float(human[:, number].mean()), 4),
            "generated": round(float(generated[:, number].mean()), 4),
            "shift": round(float(shift[number]), 3),
        }
        for number in order
    ]


def _trees(rows: Floats, human: NDArray[np.bool_], learnt: NDArray[np.bool_], random_seed: int) -> Floats:
    ensemble = _sklearn("ensemble")
    trees = ensemble.HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.06, max_leaf_nodes=12, l2_regularization=1.0, random_state=random_seed
    )
    return np.asarray(trees.fit(rows[learnt], human[learnt]).decision_function(rows), np.float64)


def _logistic(rows: Floats, human: NDArray[np.bool_], learnt: NDArray[np.bool_]) -> Floats:
    linear = _sklearn("linear_model")
    mean, spread = rows[learnt].mean(axis=0), np.maximum(rows[learnt].std(axis=0), 1e-9)
    away = np.clip((rows - mean) / spread, -5.0, 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may stop early, which is enough
        model = linear.LogisticRegression(C=0.02, max_iter=500).fit(away[learnt], human[learnt])
    return np.asarray(model.decision_function(away), np.float64)


def _sklearn(part: str) -> Any:
    """A part of scikit-learn, which only judging needs."""
    try:
        import sklearn.ensemble
        import sklearn.linear_model
    except ImportError as error:
        raise MissingToolError('Judging needs scikit-learn: pip install "scikit-learn>=1.6".') from error
    return getattr(sklearn, part)
