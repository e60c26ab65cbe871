"""On which of a piano's two staves each note stands, where a source says so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Place = tuple[int, int]  # onset in ticks, pitch: no two notes of a piece share both
UPPER, LOWER, UNKNOWN = 0, 1, -1
_REACH = 16  # semitones: a tenth, as far as most hands stretch
_LETTERS = "ul-"  # in stored music: UPPER, LOWER, UNKNOWN
_RARELY = 20  # one chord in so many may be wider, as it is broken


@dataclass(frozen=True)
class Staves:
    """The notes that a source writes on the ``upper`` and the ``lower`` staff; the program places those that are in neither."""

    upper: frozenset[Place] = frozenset()
    lower: frozenset[Place] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.upper or self.lower)

    def __or__(self, other: Staves) -> Staves:
        return Staves(self.upper | other.upper, self.lower | other.lower)

    def moved(self, ticks: int = 0, semitones: int = 0) -> Staves:
        """The staves of notes that are moved."""
        return Staves(*(frozenset((on + ticks, pitch + semitones) for on, pitch in side) for side in (self.upper, self.lower)))

    def between(self, start: int, stop: int) -> Staves:
        """The staves of the notes that begin in ticks [start, stop)."""
        return Staves(*(frozenset(place for place in side if start <= place[0] < stop) for side in (self.upper, self.lower)))

    def of(self, notes: NDArray[np.void]) -> NDArray[np.int8]:
        """UPPER, LOWER or UNKNOWN for each row of a piece's notes."""
        places = zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True)
        found = (UPPER if place in self.upper else LOWER if place in self.lower else UNKNOWN for place in places)
        return np.fromiter(found, np.int8, len(notes))

    def letters(self, notes: NDArray[np.void]) -> str:
        """A letter for each row: "u" on the upper staff, "l" on the lower, "-" unknown; "" if no staff is known."""
        return "".join(_LETTERS[staff] for staff in self.of(notes).tolist()) if self else ""

    @classmethod
    def from_letters(cls, places: Iterable[Place], letters: str) -> Staves:
        """What ``letters`` wrote, for notes at these places."""
        placed = list(zip(places, letters, strict=bool(letters)))
        return cls(*(frozenset(place for place, letter in placed if letter == side) for side in _LETTERS[:UNKNOWN]))


def staves_of(notes: Iterable[tuple[int, int, int]]) -> Staves:
    """The staves of ``notes`` (onset, pitch, number of the part or staff that it is in, counted from the top).

    Unknown unless there are two of them with notes, each of which one hand can play.
    """
    chords: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for onset, pitch, number in notes:
        chords[number][onset].append(pitch)
    if len(chords) != 2 or any(_too_wide(part.values()) for part in chords.values()):
        return Staves()
    upper, lower = (
        frozenset((onset, pitch) for onset, chord in chords[number].items() for pitch in chord) for number in sorted(chords)
    )
    return Staves(upper, lower - upper)


def _too_wide(chords: Iterable[list[int]]) -> bool:
    wide = Counter(max(chord) - min(chord) > _REACH for chord in chords)
    return wide[True] * _RARELY > wide.total()
