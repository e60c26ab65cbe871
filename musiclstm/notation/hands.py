"""Which hand plays which note: a split pitch that moves with the music.

Every onset has a border pitch: notes below it belong to the left hand, the others to the right. The whole path of borders is
chosen at once (Viterbi, 1967), so that hands keep their register, stay within reach, a close chord stays in one hand, and a line
changes hands as rarely as the music allows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import HIGHEST_PITCH, LOWER, LOWEST_PITCH, PITCHES, TICKS_PER_QUARTER, UNKNOWN, Notes

REACH = 16  # semitones: a tenth, as far as most hands stretch
FINGERS = 5
_BORDERS = np.arange(36, 85)  # from C2 to C6; a border outside would leave a hand without keys
_HOME = 62  # the border where nothing else decides: just above middle C
_AROUND = 17  # ticks: notes this near decide where a hand is
_AT_REST = 4  # semitones to either side of its centre that a hand reaches at no cost
_LONELY = 0.2  # how much distance counts where a line is alone
_CLOSE = 8  # semitones: two notes nearer than this are seldom struck by different hands
_ALIKE, _UNLIKE = 0.7, 0.3  # notes of a chord are about as long; what a border between others costs
_TOGETHER = 1  # tick between the notes of a chord, if they are not struck at once
_LEGATO = 2  # ticks by which a note may overlap the next of a line
_RINGING = 5  # ticks by which a note may last beyond the next without being held on purpose
_EASY = 1  # a hand plays one note at no cost
_IDLE_COST = 3.4  # for each note more, if the other hand has none
_KNOWN_COST = 60.0  # for each note on the wrong side of the border, where the source says who plays it
_UNEVEN = 1.4  # the smaller the distance, the more it counts
# Tuned on the catalogue's openings and what their composers wrote next, whose hands are known.
_HOME_COST, _MOVE_COST, _CHANGE_COST, _REACH_COST, _FINGER_COST, _SPLIT_COST, _FULL_COST = 0.002, 2.3, 3.6, 14.0, 6.0, 24.0, 2.0


def left_hand(notes: Notes, known: NDArray[np.int8] | None = None) -> NDArray[np.bool_]:
    """Whether the left hand plays each row of ``notes``, which are sorted by (onset, pitch).

    ``known``: UPPER or LOWER for the notes of a source that says so, which are kept, UNKNOWN for the others.
    """
    if not len(notes):
        return np.zeros(0, dtype=np.bool_)
    begins = np.diff(notes["onset"], prepend=-1 - _TOGETHER) > _TOGETHER
    onsets, chord = notes["onset"][begins], np.cumsum(begins) - 1
    lengths = np.zeros((len(onsets), PITCHES))
    lengths[chord, notes["pitch"] - LOWEST_PITCH] = notes["duration"]
    struck = (lengths > 0).astype(np.float64)
    # A lone melody may range freely: distance calls for two hands only where notes sound together.
    weight = _LONELY + (1 - _LONELY) * _share_together(notes, onsets)
    stretch = _stretch_cost(_sum_around(struck, onsets, _AROUND)) * weight[:, None]
    cost = stretch + _chord_cost(struck) + _split_cost(lengths) + _full_cost(_sounding(notes, onsets))
    cost += _HOME_COST * (_BORDERS - _HOME) ** 2
    if known is not None:
        np.add.at(cost, chord, _KNOWN_COST * _disagreements(notes["pitch"], known))
    found = notes["pitch"] < _BORDERS[_cheapest_path(cost, *_sides(struck))][chord]
    return np.asarray(found if known is None else np.where(known == UNKNOWN, found, known == LOWER))


def _disagreements(pitch: NDArray[np.int16], known: NDArray[np.int8]) -> NDArray[np.bool_]:
    """(notes, borders): whether a border puts a note into the hand that is known not to play it."""
    below = pitch[:, None] < _BORDERS
    return np.asarray((known[:, None] != UNKNOWN) & (below != (known[:, None] == LOWER)))


def _sum_around(values: NDArray[np.float64], onsets: NDArray[np.int32], ticks: int) -> NDArray[np.float64]:
    """For every onset, the sum of ``values`` (first axis: onsets) over the onsets up to ``ticks`` away."""
    totals = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    return totals[np.searchsorted(onsets, onsets + ticks, "right")] - totals[np.searchsorted(onsets, onsets - ticks, "left")]


def _share_together(notes: Notes, onsets: NDArray[np.int32]) -> NDArray[np.float64]:
    """For every onset, the share of the onsets within a quarter at which two or more notes sound together, 0 to 1."""
    begun = np.searchsorted(np.sort(notes["onset"]), onsets, "right")
    ended = np.searchsorted(np.sort(notes["onset"] + notes["duration"]), onsets + _LEGATO, "right")
    together = (begun - ended >= 2).astype(np.float64)
    return _sum_around(together, onsets, TICKS_PER_QUARTER) / _sum_around(np.ones(len(onsets)), onsets, TICKS_PER_QUARTER)


def _stretch_cost(nearby: NDArray[np.float64]) -> NDArray[np.float64]:
    """(onsets, borders): mean squared distance of nearby notes from the resting range of their hand."""
    pitches = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
    total = np.zeros((len(nearby), len(_BORDERS)))
    for index, border in enumerate(_BORDERS):
        for side in (pitches < border, pitches >= border):
            weights = nearby[:, side]
            count = np.maximum(1, weights.sum(axis=1))
            centre = weights @ pitches[side] / count
            outside = np.maximum(0, np.abs(pitches[side] - centre[:, None]) - _AT_REST)
            total[:, index] += (weights * outside**2).sum(axis=1)
    return total / np.maximum(1, nearby.sum(axis=1))[:, None]


def _chord_cost(struck: NDArray[np.float64]) -> NDArray[np.float64]:
    """(onsets, borders): cost of what exceeds the reach or the fingers of either hand."""
    total = np.zeros((len(struck), len(_BORDERS)))
    for index, border in enumerate(_BORDERS - LOWEST_PITCH):
        for side in (struck[:, :border], struck[:, border:]):
            count = side.sum(axis=1)
            span = np.where(count > 0, side.shape[1] - 1 - np.argmax(side[:, ::-1], axis=1) - np.argmax(side, axis=1), 0)
            total[:, index] += _REACH_COST * np.maximum(0, span - REACH) + _FINGER_COST * np.maximum(0, count - FINGERS)
    return total


def _sounding(notes: Notes, onsets: NDArray[np.int32]) -> NDArray[np.float64]:
    """(onsets, keys): 1 where a key sounds, whether it is struck then or held from before."""
    changes = np.zeros((len(onsets) + 1, PITCHES))
    keys = notes["pitch"] - LOWEST_PITCH
    first = np.searchsorted(onsets, notes["onset"], "right") - 1
    last = np.maximum(first + 1, np.searchsorted(onsets, notes["onset"] + notes["duration"] - _RINGING))
    np.add.at(changes, (first, keys), 1)
    np.add.at(changes, (last, keys), -1)
    return np.minimum(1, np.cumsum(changes, axis=0)[:-1])


def _full_cost(sounding: NDArray[np.float64]) -> NDArray[np.float64]:
    """(onsets, borders): cost of a full hand while the other could help."""
    below = np.cumsum(sounding, axis=1)[:, _BORDERS - LOWEST_PITCH - 1]
    above = sounding.sum(axis=1)[:, None] - below
    full = np.maximum(0, below - _EASY) + np.maximum(0, above - _EASY)
    return np.asarray(full * (_FULL_COST + _IDLE_COST * ((below == 0) | (above == 0))))


def _split_cost(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """(onsets, borders): cost of a border between two notes that are close to one another, less if one is much shorter.

    ``lengths`` (onsets, keys): the duration of what is struck, else 0.
    """
    keys = np.arange(PITCHES)
    below = np.maximum.accumulate(np.where(lengths > 0, keys, -PITCHES), axis=1)[:, _BORDERS - LOWEST_PITCH - 1]
    above = np.minimum.accumulate(np.where(lengths > 0, keys, 2 * PITCHES)[:, ::-1], axis=1)[:, ::-1][:, _BORDERS - LOWEST_PITCH]
    lower, upper = (np.take_along_axis(lengths, np.clip(side, 0, PITCHES - 1), axis=1) for side in (below, above))
    weight = np.where(np.minimum(lower, upper) >= _ALIKE * np.maximum(lower, upper), 1.0, _UNLIKE)
    return np.asarray(_SPLIT_COST * np.maximum(0, 1 - (above - below) / _CLOSE) ** _UNEVEN * weight)


def _sides(struck: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(onsets, borders): whether all struck notes lie below the border, and whether all lie at or above it."""
    pitches = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
    lowest, highest = pitches[struck.argmax(axis=1)], pitches[::-1][struck[:, ::-1].argmax(axis=1)]
    return highest[:, None] < _BORDERS, lowest[:, None] >= _BORDERS


def _cheapest_path(cost: NDArray[np.float64], below: NDArray[np.bool_], above: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The border index for every onset that minimises the sum of ``cost``, border movement and hand changes.

    ``below`` and ``above`` say for which borders one hand plays the whole onset.
    """
    move = _MOVE_COST * np.abs(_BORDERS[:, None] - _BORDERS[None, :])
    best, came_from = cost[0], np.zeros(cost.shape, dtype=np.intp)
    for onset in range(1, len(cost)):
        before = onset - 1
        passed = (below[before][:, None] & above[onset]) | (above[before][:, None] & below[onset])
        reached = best[:, None] + move + _CHANGE_COST * passed  # from border (rows) to border (columns)
        came_from[onset] = reached.argmin(axis=0)
        best = reached.min(axis=0) + cost[onset]
    path = np.zeros(len(cost), dtype=np.intp)
    path[-1] = best.argmin()
    for onset in range(len(cost) - 1, 0, -1):
        path[onset - 1] = came_from[onset, path[onset]]
    return path
