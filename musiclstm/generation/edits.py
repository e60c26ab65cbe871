"""What a person changed by hand in a take, as part of its recipe: notes, and bars that go. Written again, it is changed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, Notes, Piece, cut, join, line_after, make_notes

_DAMAGED = "What was changed by hand is damaged."
_LARGEST = 2**20  # ticks
_RINGING = 384  # ticks after the end for which a note that was changed by hand may be held


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
                    raise OptionError(
                        "A note has a pitch from {lowest} to {highest} and a velocity from 1 to 127.",
                        lowest=LOWEST_PITCH,
                        highest=HIGHEST_PITCH,
                    )

    @property
    def onsets(self) -> tuple[int, ...]:
        """Where the notes begin that go and come."""
        return tuple(row[0] for row in (*self.removed, *self.added))

    def applied(self, notes: Notes) -> Notes:
        """The notes after the change."""
        gone = set(self.removed)
        stays = [pair not in gone for pair in zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True)]
        kept, new = notes[np.array(stays, dtype=bool)], np.array(self.added, dtype=np.int64).reshape(-1, 4)
        columns = zip(("onset", "pitch", "duration", "velocity"), new.T, strict=True)
        return make_notes(*(np.concatenate([kept[name], column]) for name, column in columns))

    def changed(self, music: Piece, split: int, bars: int) -> Piece:
        """The music, whose continuation of ``bars`` bars begins at tick ``split``, after the change.

        Raises OptionError if the opening or bars after the end would change.
        """
        end = split + line_after(cut(music, split, _after(music, split)), bars)
        if not all(split <= onset < end for onset in self.onsets):
            raise OptionError("Only notes of the continuation can be changed; the opening stays as it is.")
        if any(onset + duration > end + _RINGING for onset, _, duration, _ in self.added):
            raise OptionError("A note can't be held for much longer than the music lasts.")
        return replace(music, notes=self.applied(music.notes))

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
class Deletion:
    """One change: bars ``first`` to ``last`` go, counted from 1 in the continuation as it is then, and what follows moves up.

    Raises OptionError for numbers that no bars have.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if type(self.first) is not int or type(self.last) is not int or not 1 <= self.first <= self.last:
            raise OptionError(_DAMAGED)

    @property
    def bars(self) -> int:
        """How many bars go."""
        return self.last - self.first + 1

    def changed(self, music: Piece, split: int, bars: int) -> Piece:
        """The music, whose continuation of ``bars`` bars begins at tick ``split``, after the change.

        A note that is held into the bars ends with the bar before them, or goes on after them. Raises OptionError for bars that
        do not exist, and if no bar would stay.
        """
        if self.last > bars:
            raise OptionError("The continuation has {bars} bars; bar {last} of it can't be deleted.", bars=bars, last=self.last)
        if self.bars == bars:
            raise OptionError("At least one bar of the continuation must stay; to start afresh, press Generate.")
        continuation = cut(music, split, _after(music, split))
        begin, end = (split + line_after(continuation, line) for line in (self.first - 1, self.last))
        kept = cut(music, 0, begin)
        notes = kept.notes.copy()
        stop = notes["onset"] + notes["duration"]
        notes["duration"] -= np.clip(stop - begin, 0, end - begin)
        kept = replace(kept, notes=notes)
        return join(kept, cut(music, end, _after(music, end)), begin) if self.last < bars else kept

    def to_json(self) -> dict[str, list[int]]:
        """The change as JSON data."""
        return {"delete": [self.first, self.last]}

    @classmethod
    def from_json(cls, data: Any) -> Deletion:
        """The change that ``to_json`` wrote. Raises OptionError for anything else."""
        bars = data.get("delete") if isinstance(data, dict) else None
        if not isinstance(bars, list) or len(bars) != 2:
            raise OptionError(_DAMAGED)
        return cls(*bars)


@dataclass(frozen=True)
class Edits:
    """The changes of take ``number``, one after the other.

    Raises OptionError for a change of nothing, beyond limits.EDITS changes, and beyond limits.EDITED_NOTES notes in all of them.
    """

    number: int
    steps: tuple[Edit | Deletion, ...]

    def __post_init__(self) -> None:
        sizes = [len(step.onsets) for step in self.steps if isinstance(step, Edit)]
        if 0 in sizes:
            raise OptionError(_DAMAGED)
        if len(self.steps) > limits.EDITS or sum(sizes) > limits.EDITED_NOTES:
            raise OptionError(
                "Music can be changed by hand {edits} times; to go on, use its file as a new opening.", edits=limits.EDITS
            )

    @property
    def deleted(self) -> int:
        """How many bars go in all."""
        return sum(step.bars for step in self.steps if isinstance(step, Deletion))

    def keeps_end(self, bars: int) -> bool:
        """Whether the last bar of a continuation of ``bars`` bars stays."""
        for step in self.steps:
            if isinstance(step, Deletion):
                if step.last >= bars:
                    return False
                bars -= step.bars
        return True

    def changed(self, music: Piece, split: int, bars: int) -> Piece:
        """The music, whose continuation of ``bars`` bars begins at tick ``split``, after all changes.

        Raises OptionError if the opening or bars after the end would change, or no bar or no note would stay.
        """
        for step in self.steps:
            music = step.changed(music, split, bars)
            bars -= step.bars if isinstance(step, Deletion) else 0
            if not (music.notes["onset"] >= split).any():
                raise OptionError("At least one note of the continuation must stay.")
        return music

    def without_bars(self, music: Piece, split: int, bars: int) -> Piece:
        """As ``changed``, for music of which only metre and tempo count: bars go, all notes of other bars stay."""
        for step in self.steps:
            if isinstance(step, Deletion):
                music = step.changed(music, split, bars)
                bars -= step.bars
        return music

    def to_json(self) -> dict[str, Any]:
        """The changes as JSON data."""
        return {"take": self.number, "steps": [step.to_json() for step in self.steps]}

    @classmethod
    def from_json(cls, data: Any) -> Edits:
        """The changes that ``to_json`` wrote. Raises OptionError for anything else."""
        steps = data.get("steps") if isinstance(data, dict) else None
        if not isinstance(steps, Sequence) or type(data.get("take")) is not int:
            raise OptionError(_DAMAGED)
        made = (Deletion.from_json(step) if isinstance(step, dict) else Edit.from_json(step) for step in steps)
        return cls(data["take"], tuple(made))


def _after(music: Piece, tick: int) -> int:
    """A tick after the music and after ``tick``."""
    return max(music.end, tick) + 1
