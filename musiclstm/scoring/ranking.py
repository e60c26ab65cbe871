"""Ranking takes by their similarity to human continuations.

Fourteen traits describe how a continuation differs from its seed and how it repeats it. Their means, spreads and correlations in
human continuations are measured when a checkpoint is made. A take's score is its squared distance from the mean, in standard
deviations along the principal axes (Mahalanobis, 1936), negated. The likelihood of the notes is left out on purpose: the
likeliest music is the dullest (Holtzman et al., 2020). Human continuations are measured over 16 bars after 8; in much shorter or
longer ones some traits are naturally different, so those are not ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import CheckpointError
from musiclstm.music import Notes, Piece, bar_lines, cut
from musiclstm.scoring import loops, musicality, structure

CHANGES = ("pitch_class_entropy", "scale_consistency", "polyphony", "groove_consistency", "mean_velocity")
RATIOS = ("notes_per_bar", "mean_duration")
HABITS = ("repeated_figures", "compression", "rhythm_1", "harmony_1", "harmony_4")
TRAITS = (*CHANGES, *RATIOS, *HABITS, "register", "tonality")
FEWEST = 4 * len(TRAITS)  # human continuations to measure: fewer say too little about the correlations
FURTHEST = 4.0  # standard deviations: anything further out counts the same
RANKED_BARS = (8, 32)  # the shortest and the longest continuation that is ranked
LARGEST = 1e6  # absolute value of any number in an untrusted ranking
SHRINKAGE = 0.2  # weight of "traits are independent" against their measured correlations (cf. Ledoit & Wolf, 2004)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The distribution of human continuations.

    ``mean`` and ``spread`` [t] of the TRAITS, and the ``inverse`` [t, t] of their correlations.
    """

    mean: Floats
    spread: Floats
    inverse: Floats

    def score(self, joined: Piece, split: int) -> float:
        """How typical of a human continuation the notes of ``joined`` from tick ``split`` on are: 0 at most."""
        away = np.nan_to_num((traits(joined, split) - self.mean) / self.spread, nan=0.0)
        away = np.clip(away, -FURTHEST, FURTHEST)
        return -float(away @ self.inverse @ away)

    def to_json(self) -> dict[str, Any]:
        """The ranking as JSON data, for ``from_json``."""
        numbers = {"mean": self.mean, "spread": self.spread, "inverse": self.inverse}
        return {"traits": list(TRAITS)} | {name: np.round(value, 5).tolist() for name, value in numbers.items()}

    @staticmethod
    def from_json(fields: Any) -> Ranking:
        """The ranking that ``to_json`` wrote. Raises CheckpointError for anything else."""
        try:
            known = list(fields["traits"]) == list(TRAITS)
            mean, spread, inverse = (np.asarray(fields[name], dtype=np.float64) for name in ("mean", "spread", "inverse"))
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise CheckpointError("The ranking of takes in metrics.json is damaged.") from error
        size = len(TRAITS)
        shapes = (mean.shape, spread.shape, inverse.shape) == ((size,), (size,), (size, size))
        if not known or not shapes or not _is_valid(mean, spread, inverse):
            raise CheckpointError(f"The ranking of takes in metrics.json must give mean, spread and inverse of {size} traits.")
        return Ranking(mean, spread, inverse)


def fit_ranking(continuations: Sequence[tuple[Piece, int]]) -> Ranking | None:
    """Fit human ``continuations``, each a piece and the tick at which its seed ends; None for fewer than FEWEST."""
    if len(continuations) < FEWEST:
        return None
    found = np.array([traits(piece, split) for piece, split in continuations])
    mean = np.nanmean(found, axis=0)
    spread = np.maximum(np.nanstd(found, axis=0), 1e-3)
    away = np.clip(np.nan_to_num((found - mean) / spread, nan=0.0), -FURTHEST, FURTHEST)
    correlations = (1 - SHRINKAGE) * (away.T @ away) / len(away) + SHRINKAGE * np.eye(len(TRAITS))
    return Ranking(mean, spread, np.linalg.inv(correlations))


def traits(joined: Piece, split: int) -> Floats:
    """The TRAITS [t] of ``joined`` from tick ``split`` on, compared with the part before it; NaN where one is undefined."""
    end = _closing_line(joined)
    seed, continuation = cut(joined, 0, split), cut(joined, split, max(split + 1, end))
    before = musicality.features(musicality.until(seed, split))
    after = musicality.features(musicality.until(continuation, end - split))
    found = {name: after[name] - before[name] for name in CHANGES}
    found |= {name: _log_ratio(after[name], before[name]) for name in RATIOS}
    begin = int(np.searchsorted(joined.notes["onset"], split))
    habits: Mapping[str, float] = loops.scores(joined, begin) | structure.scores(joined, split)
    found |= {name: habits[name] for name in HABITS}
    found["register"] = _mean_pitch(continuation.notes) - _mean_pitch(seed.notes)
    found["tonality"] = _alike(seed.notes, continuation.notes)
    return np.array([found[name] for name in TRAITS])


def _closing_line(piece: Piece) -> int:
    """The first bar line after the last onset."""
    last = int(piece.notes["onset"][-1]) if len(piece) else 0
    return int(bar_lines(piece, last + 1)[-1])


def _is_valid(mean: Floats, spread: Floats, inverse: Floats) -> bool:
    """Whether the numbers are finite, at most LARGEST, and give distances that are never negative."""
    bounded = all(bool((np.abs(values) <= LARGEST).all()) for values in (mean, spread, inverse))  # false for NaN
    symmetric = bounded and np.allclose(inverse, inverse.T, atol=1e-3)
    return bool(symmetric and (spread > 0).all() and np.linalg.eigvalsh(inverse).min() > -1e-3)


def _log_ratio(value: float, other: float) -> float:
    return float(np.log(value / other)) if value > 0 and other > 0 else float("nan")


def _mean_pitch(notes: Notes) -> float:
    return float(notes["pitch"].mean()) if len(notes) else float("nan")


def _alike(notes: Notes, others: Notes) -> float:
    """Cosine similarity of the counts of the 12 pitch classes; NaN if either part has no notes."""
    one, other = (np.bincount(part["pitch"] % 12, minlength=12).astype(float) for part in (notes, others))
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else float("nan")
