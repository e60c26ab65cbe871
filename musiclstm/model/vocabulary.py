"""Vocabulary: pieces to rows of integer classes, and back.

A row is one note. The network predicts its first four columns; the last two describe the bar and are given, never predicted.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import CheckpointError, OptionError
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, MAX_BAR_TICKS, TICKS_PER_QUARTER, Notes, Piece, bar_positions, make_notes

#: Columns of a row: four classes, then the onset's distance from its bar line and the bar's length, both in ticks.
STEP, PITCH, DURATION, VELOCITY, POSITION, BAR = range(6)
COLUMNS = 6
Rows = NDArray[np.int16]

# Always in the vocabulary: without them a bar of 4/4, 3/4 or 6/8 could not be filled.
_ALWAYS = (1, 6, 12, 24, 36, 48, 72, 96)
_LONGEST_STEP = 2 * MAX_BAR_TICKS


@dataclass(frozen=True)
class Vocabulary:
    """The classes of each stream.

    ``steps``: ticks since the previous onset, ascending, the first 0. ``durations``: ticks, ascending, the first at least 1.
    ``velocities``: number of equal bins over 0..127. ``composers``: names; class 0 is "" and means unknown.
    Raises CheckpointError if any of this does not hold: a wrong vocabulary would make every later note wrong.
    """

    steps: tuple[int, ...]
    durations: tuple[int, ...]
    velocities: int = 32
    composers: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        def ascending(values: Sequence[int], least: int) -> bool:
            inside = all(type(v) is int and least <= v <= _LONGEST_STEP for v in values)
            return inside and all(a < b for a, b in pairwise(values))

        if len(self.steps) < 2 or self.steps[0] != 0 or not ascending(self.steps, 0):
            raise CheckpointError(f"A vocabulary's steps must ascend from 0 in whole ticks, not {list(self.steps)[:8]}.")
        if not self.durations or not ascending(self.durations, 1):
            raise CheckpointError(
                f"A vocabulary's durations must be ascending ticks of 1 or more, not {list(self.durations)[:8]}."
            )
        if type(self.velocities) is not int or not 1 <= self.velocities <= 128:
            raise CheckpointError(f"A vocabulary's velocities must be 1 to 128 bins, not {self.velocities}.")
        names = self.composers
        if not names or not all(isinstance(n, str) for n in names) or names[0] != "" or len(set(names)) != len(names):
            raise CheckpointError('A vocabulary\'s composers must be "" followed by distinct names.')

    def composer_class(self, name: str) -> int:
        """The class of a composer, by full name or surname ("Robert Schumann" finds "Schumann"), ignoring case; 0 if unknown."""
        known = {_plain(composer): index for index, composer in enumerate(self.composers)}
        words = _plain(name).split()
        return known.get(_plain(name), known.get(words[-1], 0) if words else 0)

    def to_json(self) -> str:
        """The vocabulary as JSON text."""
        fields = {
            "ticks_per_quarter": TICKS_PER_QUARTER,
            "lowest_pitch": LOWEST_PITCH,
            "highest_pitch": HIGHEST_PITCH,
            "steps": list(self.steps),
            "durations": list(self.durations),
            "velocities": self.velocities,
            "composers": list(self.composers),
        }
        return json.dumps(fields, indent=1, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Vocabulary:
        """The vocabulary that ``to_json`` wrote. Raises CheckpointError on anything else."""
        try:
            fields = json.loads(text)
            scale = (fields["ticks_per_quarter"], fields["lowest_pitch"], fields["highest_pitch"])
            lists = tuple(fields["steps"]), tuple(fields["durations"]), fields["velocities"], tuple(fields["composers"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CheckpointError(f"vocabulary.json is damaged: {error!r}.") from error
        if scale != (TICKS_PER_QUARTER, LOWEST_PITCH, HIGHEST_PITCH):
            raise CheckpointError(
                f"vocabulary.json has other units of time or pitch {scale} than this program "
                f"{(TICKS_PER_QUARTER, LOWEST_PITCH, HIGHEST_PITCH)}."
            )
        return Vocabulary(*lists)


def fit_vocabulary(
    pieces: Iterable[Piece], *, steps: int = 32, durations: int = 48, velocities: int = 32, composers: int = 31
) -> Vocabulary:
    """The vocabulary of the most frequent steps, durations and composers of ``pieces`` (read in one pass).

    A step of 0 and a few plain note values are always included. Raises OptionError if ``steps`` or ``durations`` is below 10.
    """
    if steps < 10 or durations < 10:
        raise OptionError(f"A vocabulary needs at least 10 steps and 10 durations, not {steps} and {durations}.")
    step_counts: Counter[int] = Counter()
    duration_counts: Counter[int] = Counter()
    composer_counts: Counter[str] = Counter()
    for piece in pieces:
        gaps = np.diff(np.unique(piece.notes["onset"]))
        step_counts.update(gaps[gaps <= _LONGEST_STEP].tolist())
        duration_counts.update(piece.notes["duration"][piece.notes["duration"] <= _LONGEST_STEP].tolist())
        composer_counts[piece.composer] += len(piece)
    composer_counts.pop("", None)
    return Vocabulary(
        steps=(0, *_most_frequent(step_counts, steps - 1)),
        durations=_most_frequent(duration_counts, durations),
        velocities=velocities,
        composers=("", *sorted(sorted(composer_counts, key=lambda name: (-composer_counts[name], name))[:composers])),
    )


def encode(piece: Piece, vocabulary: Vocabulary) -> Rows:
    """Rows [notes, 6] of a piece, one per note and in the same order.

    An onset between two step classes moves to the nearer one, and the error is carried into the next step, so the music never
    drifts away from the bar lines. A rest too long for any class is shortened by whole bars. Only notes with the same onset get a
    step of 0.
    """
    notes = piece.notes
    rows = np.empty((len(notes), COLUMNS), dtype=np.int16)
    position, bar = bar_positions(piece)
    onsets, chord = np.unique(notes["onset"], return_inverse=True)
    classes = np.concatenate(([0], _step_classes(np.diff(onsets), bar, chord, vocabulary)))
    first_of_chord = np.concatenate(([True], np.diff(chord) > 0)) if len(notes) else np.zeros(0, dtype=bool)
    rows[:, STEP] = np.where(first_of_chord, classes[chord], 0) if len(notes) else 0
    rows[:, PITCH] = notes["pitch"] - LOWEST_PITCH
    rows[:, DURATION] = _nearest(notes["duration"], np.asarray(vocabulary.durations))
    rows[:, VELOCITY] = notes["velocity"].astype(np.int32) * vocabulary.velocities // 128
    rows[:, POSITION] = np.minimum(position, MAX_BAR_TICKS)
    rows[:, BAR] = bar
    return rows


def decode(rows: NDArray[np.integer], vocabulary: Vocabulary, start: int = 0) -> Notes:
    """Notes of rows [notes, 4 or more columns]; the first row's onset is ``start`` plus its own step, in ticks."""
    rows = np.asarray(rows, dtype=np.int64)
    onset = start + np.cumsum(np.asarray(vocabulary.steps)[rows[:, STEP]])
    # The middle of the bin: its lowest velocity and half its width.
    velocity = -(-rows[:, VELOCITY] * 128 // vocabulary.velocities) + 64 // vocabulary.velocities
    return make_notes(onset, rows[:, PITCH] + LOWEST_PITCH, np.asarray(vocabulary.durations)[rows[:, DURATION]], velocity)


def quarters(pieces: Iterable[Rows], vocabulary: Vocabulary) -> float:
    """The total length of ``pieces`` [n, 6] in quarter notes, each from its first onset to its last, in vocabulary steps."""
    steps = np.asarray(vocabulary.steps)
    return sum(float(steps[rows[1:, STEP]].sum()) for rows in pieces) / TICKS_PER_QUARTER


def _plain(name: str) -> str:
    """A name in lower case without umlauts or accents: "Burgmüller" equals "Burgmueller". Other scripts stay unchanged."""
    whole = unicodedata.normalize("NFC", name.casefold())  # some file systems keep letter and dots apart
    german = whole.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return unicodedata.normalize("NFKD", german).encode("ascii", "ignore").decode().strip() or whole


def _most_frequent(counts: Counter[int], size: int) -> tuple[int, ...]:
    always = _ALWAYS[: max(0, size)]
    # Ties go to the shorter value, so that the vocabulary does not depend on the order of the pieces.
    ranked = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if value > 0]
    chosen = list(always) + [value for value in ranked if value not in always][: size - len(always)]
    return tuple(sorted(chosen))


def _step_classes(
    gaps: NDArray[np.int64], bar: NDArray[np.int64], chord: NDArray[np.int64], vocabulary: Vocabulary
) -> NDArray[np.int64]:
    """Class of each gap between neighbouring onsets; errors are carried into the next gap."""
    values = np.asarray(vocabulary.steps)
    exact = np.minimum(np.searchsorted(values, gaps), len(values) - 1)
    if np.array_equal(values[exact], gaps):
        return exact
    last_of_chord = np.searchsorted(chord, np.arange(len(gaps)))
    nonzero, classes, carry = values[1:], np.empty(len(gaps), dtype=np.int64), 0
    reach = int(values[-1] + np.diff(values).max() // 2)
    for i, gap in enumerate(gaps.tolist()):
        wanted = gap + carry
        length = int(bar[last_of_chord[i]])
        if wanted > reach:  # shorten by whole bars before choosing a class, to keep the position in the bar
            shortened = reach - (reach - wanted) % length
            wanted = shortened if shortened > 0 else shortened + length
        classes[i] = 1 + int(np.abs(nonzero - wanted).argmin())
        carry = wanted - int(values[classes[i]])
    return classes


def _nearest(wanted: NDArray[np.int32], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the nearest of the ascending ``values`` for each wanted one; the smaller value on a tie."""
    right = np.clip(np.searchsorted(values, wanted), 1, max(1, len(values) - 1))
    left = right - 1
    right = np.minimum(right, len(values) - 1)
    return np.where(np.abs(values[left] - wanted) <= np.abs(values[right] - wanted), left, right)
