"""What a person plays after a take, to be answered: part of the recipe of the answer, so that this can be written again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.generation.edits import Edit

_DAMAGED = "The phrase that was played is damaged."


@dataclass(frozen=True)
class Phrase:
    """Some ``bars`` that a person played: ``notes`` as (onset, pitch, duration, velocity), in ticks from their first bar line.

    Raises OptionError without notes, for numbers that no note has, and beyond limits.EDITED_NOTES notes or limits.SEED_BARS bars.
    """

    notes: tuple[tuple[int, int, int, int], ...]
    bars: int

    def __post_init__(self) -> None:
        if type(self.bars) is not int or not 1 <= self.bars <= limits.SEED_BARS:
            raise OptionError("A phrase has 1 to {seed_bars} bars.", seed_bars=limits.SEED_BARS)
        if not 1 <= len(self.notes) <= limits.EDITED_NOTES:
            raise OptionError("A phrase has 1 to {edited_notes:,} notes.", edited_notes=limits.EDITED_NOTES)
        Edit(added=self.notes)  # knows what a note can be

    def to_json(self) -> dict[str, Any]:
        """The phrase as JSON data."""
        return {"bars": self.bars, "notes": [list(row) for row in self.notes]}

    @classmethod
    def from_json(cls, data: Any) -> Phrase:
        """The phrase that ``to_json`` wrote. Raises OptionError for anything else."""
        rows = data.get("notes") if isinstance(data, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise OptionError(_DAMAGED)
        return cls(tuple(tuple(row) for row in rows), data.get("bars"))


def played_bars(recipe: Mapping[str, Any], opening: int) -> frozenset[int]:
    """Which bars of the continuation a person played, counted from 0, after an opening of some bars; from a checked recipe."""
    after = recipe.get("after")
    if after is None:
        return frozenset()
    kept = {bar for bar in played_bars(after["recipe"], opening) if bar < after["bars"]}
    phrase = after.get("played")
    if phrase is not None:
        kept |= set(range(after["bars"], after["bars"] + phrase["bars"]))
    if recipe.get("regenerate") is not None:
        first = recipe["regenerate"] - 1 - opening
        kept -= set(range(first, first + recipe["bars"]))
    for step in recipe.get("edits", {"steps": ()})["steps"]:
        if isinstance(step, dict):
            first, last = step["delete"]
            kept = {bar if bar < first - 1 else bar - (last - first + 1) for bar in kept if not first - 1 <= bar < last}
    return frozenset(kept)
