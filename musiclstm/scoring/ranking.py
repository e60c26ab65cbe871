"""Which of several takes to hear first: the one that relates to its seed most as people's continuations relate to theirs.

Fourteen traits tell how a continuation differs from its seed and how it repeats it. How they vary, and vary together, in people's
continuations is measured when a checkpoint is made; a take's score is its squared distance from the middle of that cloud, in
standard deviations along the cloud's own axes (Mahalanobis, 1936), negated. How probable the notes are is left out on purpose:
the likeliest music is the dullest (Holtzman et al., 2020). People are measured over 16 bars after 8; of much shorter or longer
continuations some traits are naturally different, and they are not ranked.
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
FEWEST = 4 * len(TRAITS)  # continuations to measure people by: fewer say too little about how traits vary together
FURTHEST = 4.0  # standard deviations: further out is equally odd
RANKED_BARS = (8, 32)  # the shortest and the longest continuation that is ranked
LARGEST = 1e6  # of any number in a ranking that came from elsewhere
SHRINKAGE = 0.2  # weight of "traits vary independently" against their measured correlations (cf. Ledoit & Wolf, 2004)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The cloud of people's continuations.

    ``mean`` and ``spread`` [t] of the TRAITS, and the ``inverse`` [t, t] of their correlations.
    """

    mean: Floats
    spread: Floats
    inverse: Floats

    def score(self, joined: Piece, split: int) -> float:
        """How typical the notes of ``joined`` from tick ``split`` on are of what people write after such a seed: 0 at most."""
        away = np.nan_to_num((traits(joined, split) - self.mean) / self.spread, nan=0.0)
        away = np.clip(away, -FURTHEST, FURTHEST)
        return -float(away @ self.inverse @ away)

    def to_json(self) -> dict[str, Any]:
        """As JSON data; ``from_json`` reads it."""
        numbers = {"mean": self.mean, "spread": self.spread, "inverse": self.inverse}
        return {"traits": list(TRAITS)} | {name: np.round(value, 5).tolist() for name, value in numbers.items()}

    @staticmethod
    def from_json(fields: Any) -> Ranking:
        """Raises CheckpointError if ``fields`` are not what ``to_json`` gives."""
        try:
            known = list(fields["traits"]) == list(TRAITS)
            mean, spread, inverse = (np.asarray(fields[name], dtype=np.float64) for name in ("mean", "spread", "inverse"))
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise CheckpointError("The ranking of takes in metrics.json is damaged.") from error
        size = len(TRAITS)
        shapes = (mean.shape, spread.shape, inverse.shape) == ((size,), (size,), (size, size))
        if not known or not shapes or not _is_a_cloud(mean, spread, inverse):
            raise CheckpointError(f"The ranking of takes in metrics.json must give mean, spread and inverse of {size} traits.")
        return Ranking(mean, spread, inverse)


def fit_ranking(continuations: Sequence[tuple[Piece, int]]) -> Ranking | None:
    """The cloud of people's ``continuations``, each a piece and the tick at which its seed ends; None for fewer than FEWEST."""
    if len(continuations) < FEWEST:
        return None
    found = np.array([traits(piece, split) for piece, split in continuations])
    mean = np.nanmean(found, axis=0)
    spread = np.maximum(np.nanstd(found, axis=0), 1e-3)
    away = np.clip(np.nan_to_num((found - mean) / spread, nan=0.0), -FURTHEST, FURTHEST)
    correlations = (1 - SHRINKAGE) * (away.T @ away) / len(away) + SHRINKAGE * np.eye(len(TRAITS))
    return Ranking(mean, spread, np.linalg.inv(correlations))


def traits(joined: Piece, split: int) -> Floats:
    """The TRAITS [t] of the part of ``joined`` from tick ``split`` on beside the part before it; NaN where one is not defined."""
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


def _is_a_cloud(mean: Floats, spread: Floats, inverse: Floats) -> bool:
    """Whether the numbers are finite, of a sensible size, and give distances that are never negative."""
    bounded = all(bool((np.abs(values) <= LARGEST).all()) for values in (mean, spread, inverse))  # false for NaN
    symmetric = bounded and np.allclose(inverse, inverse.T, atol=1e-3)
    return bool(symmetric and (spread > 0).all() and np.linalg.eigvalsh(inverse).min() > -1e-3)


def _log_ratio(value: float, other: float) -> float:
    return float(np.log(value / other)) if value > 0 and other > 0 else float("nan")


def _mean_pitch(notes: Notes) -> float:
    return float(notes["pitch"].mean()) if len(notes) else float("nan")


def _alike(notes: Notes, others: Notes) -> float:
    """Cosine of how often each of the 12 pitch classes is struck; NaN where nothing is."""
    one, other = (np.bincount(part["pitch"] % 12, minlength=12).astype(float) for part in (notes, others))
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else float("nan")
