"""A few dynamics from velocities: at the beginning, and where the level changes for good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from musiclstm.music import Piece
from musiclstm.notation.rhythm import Bar

_LEVELS = {"p": 46.0, "mf": 66.0, "f": 88.0}  # the velocity in the middle of each
_CHANGE = 50.0  # a new level must fit better by this much, in velocities summed over bars


def dynamics(piece: Piece, bars: Sequence[Bar]) -> list[tuple[int, str]]:
    """Marks as (bar index, "p", "mf" or "f"), the first where the music begins; none if all velocities are equal."""
    notes = piece.notes
    if len(np.unique(notes["velocity"])) < 2:
        return []
    of_bar = np.searchsorted([bar.onset for bar in bars], notes["onset"], side="right") - 1
    played = sorted(set(of_bar.tolist()))
    best, came_from = np.zeros(len(_LEVELS)), []
    centres = np.array(list(_LEVELS.values()))
    for bar in played:
        reached = best[None, :] + _CHANGE * (1 - np.eye(len(centres)))
        came_from.append(reached.argmin(axis=1))
        best = reached.min(axis=1) + np.abs(notes["velocity"][of_bar == bar].mean() - centres)
    path = [int(best.argmin())]
    for row in came_from[:0:-1]:
        path.append(int(row[path[-1]]))
    levels = [list(_LEVELS)[index] for index in reversed(path)]
    return [(bar, level) for at, (bar, level) in enumerate(zip(played, levels, strict=True)) if not at or level != levels[at - 1]]
