"""Notes that a person changed by hand in a take, as part of its recipe: written again, the music is changed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, Notes, make_notes

_DAMAGED = "The notes that were changed by hand are damaged."
_LARGEST = 2**20  # ticks


@dataclass(frozen=True)
class Edit:
    """One change: notes that go, by (onset, pitch), and notes that come, as (onset, pitch, duration, velocity).

    Onsets are ticks of the whole music. A note that moves goes and comes. Raises OptionError for numbers that no note has.
    """

    removed: tuple[tuple[int, int], ...] = ()
    added: tuple[tuple[int, int, int, int], ...] = ()

    def __post_init__(self) -> None:
        ranges = ((0, _LARGEST), (LOWEST_PITCH, HIGHEST_PITCH), (1, _LARGEST), (1, 127))
        for width, rows in ((2, self.removed), (4, self.added)):
            for row in rows:
                if len(row) != width or any(type(value) is not int for value in row):
                    raise OptionError(_DAMAGED)
                if not all(low <= value <= high for value, (low, high) in zip(row, ranges, strict=False)):
                    raise OptionError(f"A note has a pitch from {LOWEST_PITCH} to {HIGHEST_PITCH} and a velocity from 1 to 127.")

    def applied(self, notes: Notes) -> Notes:
        """The notes after the change."""
        gone = set(self.removed)
        stays = [pair not in gone for pair in zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True)]
        kept, new = notes[np.array(stays, dtype=bool)], np.array(self.added, dtype=np.int64).reshape(-1, 4)
        columns = zip(("onset", "pitch", "duration", "velocity"), new.T, strict=True)
        return make_notes(*(np.concatenate([kept[name], column]) for name, column in columns))

    def to_json(self) -> list[list[list[int]]]:
        """The change as JSON data: the notes that go, and those that come."""
        return [[list(row) for row in rows] for rows in (self.removed, self.added)]

    @classmethod
    def from_json(cls, data: Any) -> Edit:
        """The change that ``to_json`` wrote. Raises OptionError for anything else."""
        if not isinstance(data, list) or len(data) != 2 or not all(isinstance(rows, list) for rows in data):
            raise OptionError(_DAMAGED)
        if not all(isinstance(row, list) for rows in data for row in rows) or sum(map(len, data)) > limits.EDITED_NOTES:
            raise OptionError(_DAMAGED)
        removed, added = (tuple(tuple(row) for row in rows) for rows in data)
        return cls(removed, added)


@dataclass(frozen=True)
class Edits:
    """The changes of take ``number``, one after the other.

    Raises OptionError for a change of nothing, beyond limits.EDITS changes, and beyond limits.EDITED_NOTES notes in all of them.
    """

    number: int
    steps: tuple[Edit, ...]

    def __post_init__(self) -> None:
        if not all(step.removed or step.added for step in self.steps):
            raise OptionError(_DAMAGED)
        notes = sum(len(step.removed) + len(step.added) for step in self.steps)
        if len(self.steps) > limits.EDITS or notes > limits.EDITED_NOTES:
            raise OptionError(f"Music can be changed by hand {limits.EDITS} times; to go on, use its file as a new opening.")

    def applied(self, notes: Notes) -> Notes:
        """The notes after all changes."""
        for step in self.steps:
            notes = step.applied(notes)
        return notes

    def to_json(self) -> dict[str, Any]:
        """The changes as JSON data."""
        return {"take": self.number, "steps": [step.to_json() for step in self.steps]}

    @classmethod
    def from_json(cls, data: Any) -> Edits:
        """The changes that ``to_json`` wrote. Raises OptionError for anything else."""
        steps = data.get("steps") if isinstance(data, dict) else None
        if not isinstance(steps, Sequence) or type(data.get("take")) is not int:
            raise OptionError(_DAMAGED)
        return cls(data["take"], tuple(Edit.from_json(step) for step in steps))
