"""Reading a seed's music and figures back from JSON that may come from anywhere, with strict checks."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from musiclstm.errors import CheckpointError
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, MAX_BAR_TICKS, Key, Metre, Notes, clean_metres, make_notes

MOST_ROWS = 5_000  # notes a stored seed may hold; the curated ones have 64 to 200
LATEST = MAX_BAR_TICKS * 1_000  # ticks: a thousand of the longest bars


class StoredSeed:
    """The JSON fields of a seed, each checked as it is read; every complaint is a CheckpointError that names seed and field."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise CheckpointError(f"A stored seed must be a JSON object, not {type(data).__name__}.")
        self.data = data
        self.name = data.get("id", "without id")

    def wrong(self, field: str, allowed: str) -> CheckpointError:
        """The complaint about one field: what is allowed and what came."""
        came = f"not {str(self.data[field])[:60]!r}" if field in self.data else "but it is missing"
        return CheckpointError(f"In the stored seed {str(self.name)[:60]!r}, {field} must be {allowed}, {came}.")

    def text(self, field: str) -> str:
        """A text of at most 1,000 characters; the id may not be empty."""
        value = self.data.get(field)
        if not isinstance(value, str) or len(value) > 1_000 or (field == "id" and not value):
            raise self.wrong(field, "a text")
        return value

    def number(self, field: str, low: float, high: float) -> float:
        """A finite number from ``low`` to ``high``."""
        value = self.data.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(field, f"a number from {low:g} to {high:g}")
        return float(value)

    def rows(self, field: str, ranges: tuple[tuple[int, int], ...], *, nested: bool = True) -> list[list[int]]:
        """Rows of whole numbers, one range for each column; without ``nested`` the field is a single row."""
        value = self.data.get(field)
        value = value if nested else [value]
        spans = ", ".join(f"{low}..{high}" for low, high in ranges)
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_ROWS:
            raise self.wrong(field, f"1 to {MOST_ROWS} rows of whole numbers {spans}")
        for row in value:
            whole = isinstance(row, list) and len(row) == len(ranges) and all(type(number) is int for number in row)
            if not whole or not all(low <= number <= high for number, (low, high) in zip(row, ranges, strict=True)):
                raise self.wrong(field, f"made of whole numbers {spans}")
        return value

    def notes(self) -> Notes:
        """The rows of ``notes`` in canonical form; onsets and durations in ticks."""
        rows = self.rows("notes", ((0, LATEST), (LOWEST_PITCH, HIGHEST_PITCH), (1, LATEST), (1, 127)))
        notes = make_notes(*zip(*rows, strict=True))
        if [list(row) for row in notes.tolist()] != rows:
            raise self.wrong("notes", "sorted by onset and pitch, each pitch ending before it is struck again")
        return notes

    def metres(self) -> tuple[Metre, ...]:
        """The rows of ``metres``: onset in ticks, numerator, denominator."""
        rows = self.rows("metres", ((0, LATEST), (1, 64), (1, 32)))
        metres = tuple(Metre(*row) for row in rows)
        if metres != clean_metres(metres) or rows[0][0] != 0:
            raise self.wrong("metres", "playable time signatures, the first at 0, each later and different from the one before")
        return metres

    def measures(self, field: str, names: Collection[str], may_be_unknown: Collection[str] = ()) -> dict[str, Any]:
        """An object of exactly these finite numbers, some of which may be null."""
        value = self.data.get(field)
        if not isinstance(value, dict) or set(value) != set(names):
            raise self.wrong(field, f"an object of {', '.join(names)}")
        for name, number in value.items():
            unknown = number is None and name in may_be_unknown
            if not unknown and (isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number)):
                raise self.wrong(field, "an object of numbers")
        return value

    def key(self) -> Key | None:
        """The key signature told by ``fifths`` and ``mode``; None where ``fifths`` is null."""
        if self.data.get("fifths", 0) is None:
            return None
        fifths = self.number("fifths", -7, 7)
        if self.data.get("mode") not in ("major", "minor") or fifths != int(fifths):
            raise self.wrong("mode", "major or minor beside whole fifths")
        return Key(int(fifths), self.data["mode"])
