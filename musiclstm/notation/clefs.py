"""Which clef a staff has where, and what is written an octave lower or higher under an 8va or 8vb line.

The cheapest path (Viterbi, 1967) through all notes of a staff: ledger lines cost, and so does every change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from musiclstm.notation.spelling import Spelled

#: The letter and octave of the lowest line under each clef; F with a lower octave and so on are states of a staff, see ``State``.
_LOWEST_LINE = {"G": ("E", 4), "F": ("G", 2), "C": ("F", 3)}
State = tuple[str, int]  # a clef, and the octaves by which music sounds higher than it is written
PIANO: tuple[State, ...] = (("G", 0), ("F", 0), ("G", 1), ("F", -1))
_LEDGER_COSTS = (0.0, 0.1, 0.6, 2.2, 4.5, 7.0, 10.0)  # of the note of a chord with the most ledger lines
_AT_BAR, _AT_BEAT, _ELSEWHERE = 2.5, 4.0, 40.0  # a new clef at such a place
_OCTAVE = 5.0  # the beginning or the end of an 8va line
_AWAY = 0.15  # for each chord under another clef than the usual one
_TWO_VOICES = 100.0  # for each chord under an 8va line: verovio reads the second voice in the wrong octave
_UP, _DOWN = 0.6, 3.0  # for each chord under an 8va or 8vb line: the lowest notes are usually written as they sound


@dataclass(frozen=True)
class Place:
    """A chord on a staff: its onset in units, the names of its notes, whether a bar or at least a beat begins with it, and
    whether its bar has one voice ``alone``.
    """

    onset: int
    names: tuple[Spelled, ...]
    bar: bool
    beat: bool
    alone: bool = True


def states(places: Sequence[Place], allowed: Sequence[State]) -> list[State]:
    """The state of the staff at every place, the first of ``allowed`` where nothing speaks for another."""
    best = [_changed((state[0], 0), state, 0.0) for state in allowed]
    came_from: list[list[int]] = []
    for at, place in enumerate(places):
        own = [_ledgers(place.names, state) + _AWAY * (state[0] != allowed[0][0]) for state in allowed]
        own = [cost + _TWO_VOICES * (state[1] != 0 and not place.alone) for cost, state in zip(own, allowed, strict=True)]
        if at:
            change = _AT_BAR if place.bar else _AT_BEAT if place.beat else _ELSEWHERE
            reach = [[best[i] + _changed(old, new, change) for i, old in enumerate(allowed)] for new in allowed]
            came_from.append([row.index(min(row)) for row in reach])
            best = [min(row) for row in reach]
        best = [cost + more for cost, more in zip(best, own, strict=True)]
    path = [best.index(min(best))] if places else []
    for row in reversed(came_from):
        path.append(row[path[-1]])
    return [allowed[index] for index in reversed(path)]


def middle_step(clef: str) -> int:
    """The height of the middle line under a clef, see ``step``."""
    return step((_LOWEST_LINE[clef][0], 0, _LOWEST_LINE[clef][1])) + 4


def step(name: Spelled) -> int:
    """The height of a written pitch in steps of the staff; the lowest C is 0."""
    letter, _, octave = name
    return 7 * octave + "CDEFGAB".index(letter)


def _changed(old: State, new: State, cost: float) -> float:
    return cost * (old[0] != new[0]) + _OCTAVE * (old[1] != new[1])


def _ledgers(names: Sequence[Spelled], state: State) -> float:
    clef, octaves = state
    low = middle_step(clef) - 4 + 7 * octaves
    most = max(max(low - step(name), step(name) - low - 8, 0) // 2 for name in names)
    lines = _LEDGER_COSTS[most] if most < len(_LEDGER_COSTS) else _LEDGER_COSTS[-1] + 3.0 * (most - len(_LEDGER_COSTS) + 1)
    return lines + _UP * max(0, octaves) + _DOWN * max(0, -octaves)
