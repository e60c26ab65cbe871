"""The critic: how likely it is that a person wrote a continuation, judged by its figures against those of its seed.

A few small networks with one hidden layer each learn to tell human continuations from the model's own takes; a score is the mean
of their log-odds, so 0 means that the critic can't tell. It chooses among candidates while music is written, and ranks takes. It
must not say how good a model is: the takes that it chose have every fault that it overlooks (``evaluation.judge`` is for that).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from musiclstm.errors import CheckpointError
from musiclstm.music import Metre, Notes, make_notes
from musiclstm.scoring.figures import Parts, describe, parts_of, passage
from musiclstm.scoring.groups import Floats
from musiclstm.scoring.likeness import figures

WINDOW = 16  # bars: the critic learns from continuations of 2 to this many
MOST_OPENING = 256  # bars of a seed that are heard: bars may be tiny, and each is compared with each of the continuation
FURTHEST = 4.0  # standard deviations: anything further out counts the same
MOST_MEMBERS, MOST_HIDDEN = 16, 512
LARGEST = 1e6  # absolute value of any number in an untrusted critic
SILENT = -50.0  # the score of bars without notes

#: Scores [k] for the notes of k continuations of a certain seed, whose onsets count from the first bar line, and the number of
#: bars, which all have.
Ear = Callable[[Sequence[Notes], int], Floats]


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
        if opening is None:
            return lambda continuations, _bars: np.full(len(continuations), SILENT)
        of_seed = describe(opening)

        def scores(continuations: Sequence[Notes], bars: int) -> Floats:
            heard = min(bars, WINDOW)
            latest = [passage(notes, (bars - heard) * metre.bar_ticks, heard * metre.bar_ticks) for notes in continuations]
            sounding = [number for number, notes in enumerate(latest) if len(notes)]
            found = np.full(len(latest), SILENT)
            if sounding:
                parts = parts_of([latest[number] for number in sounding], heard, metre)
                found[sounding] = self.log_odds(np.stack(list(figures(opening, of_seed, parts).values()), axis=1))
            return found

        return scores

    def score(self, seed: Notes, split: int, metre: Metre, notes: Notes, bars: int) -> float:
        """The mean score of a whole continuation, WINDOW bars at a time."""
        ear = self.ear(seed, split, metre)
        stops = [*range(WINDOW, bars, WINDOW), bars]
        return float(np.mean([ear([notes], stop) for stop in stops]))

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


def seed_part(seed: Notes, split: int, metre: Metre) -> Parts | None:
    """The last whole bars of a seed before tick ``split``, in the ``metre`` of its continuation; None if they have no notes."""
    bars = min(MOST_OPENING, max(1, split // metre.bar_ticks))
    notes = passage(seed, split - bars * metre.bar_ticks, bars * metre.bar_ticks)
    return parts_of([notes], bars, metre) if len(notes) else None


def figure_row(seed: Notes, split: int, metre: Metre, notes: Notes, bars: int) -> Floats | None:
    """The figures [f] of the first ``bars`` bars of a continuation, as ``Critic`` reads them; None if a side has no notes."""
    opening, heard = seed_part(seed, split, metre), passage(notes, 0, bars * metre.bar_ticks)
    if opening is None or not len(heard):
        return None
    return np.concatenate(list(figures(opening, describe(opening), parts_of([heard], bars, metre)).values()))


@cache
def figure_names() -> tuple[str, ...]:
    """The names of the figures, in the order of the columns."""
    note = parts_of([make_notes([0], [60], [24], [64])], 1, Metre(0, 4, 4))
    return tuple(figures(note, describe(note), note))


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
