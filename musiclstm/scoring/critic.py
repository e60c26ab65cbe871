"""The critic: how likely it is that a person wrote a continuation, judged by its figures against those of its seed.

A few small networks with one hidden layer each learn to tell human continuations from the model's own takes; a score is the mean
of their log-odds, so 0 means that the critic can't tell. It chooses among candidates while music is written, and ranks takes. It
must not say how good a model is: the takes that it chose have every fault that it overlooks (``evaluation.judge`` is for that).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import CheckpointError
from musiclstm.music import Metre, Notes, make_notes
from musiclstm.scoring.figures import Part, describe, part_of
from musiclstm.scoring.likeness import figures

WINDOW = 16  # bars: the critic learns from continuations of 2 to this many
FURTHEST = 4.0  # standard deviations: anything further out counts the same
MOST_MEMBERS, MOST_HIDDEN = 16, 512
LARGEST = 1e6  # absolute value of any number in an untrusted critic
SILENT = -50.0  # the score of bars without notes

Floats = NDArray[np.float64]
#: A score for the notes of a continuation of a certain seed, whose onsets count from its first bar line, and its number of bars.
Ear = Callable[[Notes, int], float]


@dataclass(frozen=True, eq=False)
class Critic:
    """The weights of m networks with h hidden units each, for f figures.

    ``mean`` and ``spread`` [f] are those of the figures in the examples; ``hidden`` [m, f, h], ``hidden_bias`` [m, h],
    ``out`` [m, h] and ``out_bias`` [m].
    """

    mean: Floats
    spread: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    out_bias: Floats

    def log_odds(self, rows: Floats) -> Floats:
        """The log-odds [n] that a person wrote the continuations with the figures ``rows`` [n, f]; see ``figure_row``."""
        away = standardised(rows, self.mean, self.spread)
        active = np.maximum(away @ self.hidden + self.hidden_bias[:, None], 0.0)
        return (np.einsum("mnh,mh->mn", active, self.out) + self.out_bias[:, None]).mean(axis=0)

    def ear(self, seed: Notes, split: int, metre: Metre) -> Ear:
        """An ear for continuations of ``seed``, which begin at tick ``split`` and are in ``metre``.

        It scores the last WINDOW bars against the seed: a listener compares with the opening, however long ago it was.
        """
        opening = seed_part(seed, split, metre)
        of_seed = None if opening is None else describe(opening)

        def score(notes: Notes, bars: int) -> float:
            first = max(0, bars - WINDOW)
            part = part_of(notes, first * metre.bar_ticks, bars - first, metre.bar_ticks, metre.beat_ticks)
            if opening is None or of_seed is None or part is None:
                return SILENT
            row = np.array([list(figures(opening, of_seed, part).values())])
            return float(self.log_odds(row)[0])

        return score

    def score(self, seed: Notes, split: int, metre: Metre, notes: Notes, bars: int) -> float:
        """The mean score of a whole continuation, WINDOW bars at a time."""
        ear = self.ear(seed, split, metre)
        stops = [*range(WINDOW, bars, WINDOW), bars]
        return float(np.mean([ear(notes[notes["onset"] < stop * metre.bar_ticks], stop) for stop in stops]))

    def to_json(self) -> dict[str, Any]:
        """The critic as JSON data, for ``from_json``; six digits of each number."""
        numbers = {name: np.vectorize(_six_digits)(getattr(self, name)).tolist() for name in _ARRAYS}
        return {"figures": list(figure_names())} | numbers

    @staticmethod
    def from_json(fields: Any) -> Critic:
        """The critic that ``to_json`` wrote. Raises CheckpointError for anything else."""
        try:
            known = list(fields["figures"]) == list(figure_names())
            arrays = {name: np.asarray(fields[name], dtype=np.float64) for name in _ARRAYS}
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise CheckpointError("critic.json is damaged.") from error
        if not known:
            raise CheckpointError("critic.json is about other figures than this program's: train the checkpoint again.")
        members, hidden = arrays["out"].shape if arrays["out"].ndim == 2 else (0, 0)
        f = len(figure_names())
        shapes = ((f,), (f,), (members, f, hidden), (members, hidden), (members, hidden), (members,))
        sized = 1 <= members <= MOST_MEMBERS and 1 <= hidden <= MOST_HIDDEN
        if not sized or tuple(array.shape for array in arrays.values()) != shapes:
            raise CheckpointError(f"critic.json must hold 1 to {MOST_MEMBERS} networks of 1 to {MOST_HIDDEN} hidden units.")
        # Written so that NaN, which compares false with everything, is refused too.
        if not all((np.abs(array) <= LARGEST).all() for array in arrays.values()) or not (arrays["spread"] > 0).all():
            raise CheckpointError(f"The numbers in critic.json must be finite and at most {LARGEST:g}, its spreads above 0.")
        return Critic(**arrays)


_ARRAYS = ("mean", "spread", "hidden", "hidden_bias", "out", "out_bias")


def standardised(rows: Floats, mean: Floats, spread: Floats) -> Floats:
    """Figures [n, f] in standard deviations from their mean, FURTHEST at most."""
    return np.clip((rows - mean) / spread, -FURTHEST, FURTHEST)


def seed_part(seed: Notes, split: int, metre: Metre) -> Part | None:
    """The whole bars of a seed before tick ``split``, in the ``metre`` of its continuation; None if they have no notes."""
    bars = max(1, split // metre.bar_ticks)
    return part_of(seed, split - bars * metre.bar_ticks, bars, metre.bar_ticks, metre.beat_ticks)


def figure_row(seed: Notes, split: int, metre: Metre, notes: Notes, bars: int) -> Floats | None:
    """The figures [f] of the first ``bars`` bars of a continuation, as ``Critic`` reads them; None if a side has no notes."""
    opening = seed_part(seed, split, metre)
    part = part_of(notes, 0, bars, metre.bar_ticks, metre.beat_ticks)
    if opening is None or part is None:
        return None
    return np.array(list(figures(opening, describe(opening), part).values()))


@cache
def figure_names() -> tuple[str, ...]:
    """The names of the figures, in the order of the columns."""
    note = part_of(make_notes([0], [60], [24], [64]), 0, 1, 96, 24)
    assert note is not None
    return tuple(figures(note, describe(note), note))


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
