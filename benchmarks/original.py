"""The original, re-implemented so that its architecture can be measured on any pieces: its tokens and its network.

A piece becomes the notes and chords that music21 makes of a MIDI file with a track for each hand: a chord is what one hand begins
and ends together, everything else is an event of its own, after a gap of 0 if need be. (Pieces do not keep their tracks, so the
hands are those that sheet music is written with.) A chord is its set of pitch classes (the original writes their normal order,
which says the same), so octaves, voicing and velocity are lost, as they are there. Kinder than its own code: offsets count from
the piece's start, and windows never cross a piece. How the networks are trained: ``learning.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import LOWEST_PITCH, PITCHES, TICKS_PER_QUARTER, Notes, Piece
from musiclstm.notation import left_hand

WINDOW = 64
SIXTEENTH = TICKS_PER_QUARTER // 4
UNITS, HIDDEN, DROPOUT = 512, 128, 0.25
STREAMS = ("note", "gap", "duration")
FEWEST = 2  # a token met less often in training belongs to the unknown class
RANDOM_SEED = 1  # of initial weights, order and samples

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """A piece as the original sees it, one entry an event [n]: ``note``, a key 0..87 if it is alone, else 88 + the set of pitch
    classes as bits; ``gap`` and ``duration`` in ticks on music21's grid; the true ``onset`` in ticks.

    For each note of the piece [notes] ``event`` tells to which entry it belongs, ``hand`` who plays it: 1 the left, 0 the right.
    """

    note: Ints
    gap: Ints
    duration: Ints
    onset: Ints
    event: Ints
    hand: Ints


def tokens_of(piece: Piece) -> Tokens:
    """The tokens of a piece."""
    return tokens(piece.notes, left_hand(piece.notes).astype(np.int64))


def tokens(notes: Notes, hand: Ints) -> Tokens:
    """The tokens of notes and the hand that plays each (see ``Tokens``); a chord's duration is that of its lowest note."""
    onset, pitch, duration = (notes[name].astype(np.int64) for name in ("onset", "pitch", "duration"))
    event = events(onset, onset + duration, hand)
    _, first, size = np.unique(event, return_index=True, return_counts=True)
    chord = np.zeros(len(first), np.int64)
    np.bitwise_or.at(chord, event, 1 << pitch % 12)
    return Tokens(
        note=np.where(size == 1, pitch[first] - LOWEST_PITCH, PITCHES + chord),
        gap=np.diff(on_grid(onset[first]), prepend=0),
        duration=on_grid(duration[first], least=1),
        onset=onset[first],
        event=event,
        hand=hand,
    )


def events(onset: Ints, end: Ints, hand: Ints) -> Ints:
    """The event of each note [n], numbered in order: with a note go the same hand's later ones that begin less than a sixteenth
    after it and end at most a sixteenth from its end, as in music21's reading of MIDI. Notes are sorted by onset, times in ticks.
    """
    onsets, ends, hands = onset.tolist(), end.tolist(), hand.tolist()
    found, count = [-1] * len(onsets), 0
    for index, (start, stop) in enumerate(zip(onsets, ends, strict=True)):
        if found[index] >= 0:
            continue
        found[index], other = count, index + 1
        while other < len(onsets) and onsets[other] - start < SIXTEENTH:
            if found[other] < 0 and hands[other] == hands[index] and abs(ends[other] - stop) <= SIXTEENTH:
                found[other] = count
            other += 1
        count += 1
    return np.asarray(found, np.int64)


def on_grid(ticks: Ints, least: int = 0) -> Ints:
    """Ticks moved to the nearest quarter or third of a quarter note, as music21 quantises MIDI; sixteenths win a tie.

    With ``least`` 1 nothing becomes 0: a shorter duration becomes the shortest there is.
    """
    units = SIXTEENTH, TICKS_PER_QUARTER // 3
    candidates = [np.maximum(-((unit - 2 * ticks) // (2 * unit)), least) * unit for unit in units]
    errors = [np.abs(candidate - ticks) for candidate in candidates]
    return np.where(errors[0] <= errors[1], candidates[0], candidates[1])


@dataclass(frozen=True)
class Material:
    """Tokens of several pieces one after the other: ``streams`` [n] by name, ``onset`` [n], and ``targets`` [m], the places that
    have a whole window before them in their own piece.
    """

    streams: dict[str, Ints]
    onset: Ints
    targets: Ints

    def quarters(self, targets: Ints) -> float:
        """Quarter notes from each target's predecessor to it, added up."""
        return float((self.onset[targets] - self.onset[targets - 1]).sum()) / TICKS_PER_QUARTER


def material(pieces: Sequence[Tokens]) -> Material:
    """Pieces laid end to end; no target's window reaches into the piece before."""
    starts = np.cumsum([0, *(len(piece.onset) for piece in pieces)])
    targets = [np.arange(start + WINDOW, stop) for start, stop in pairwise(starts)]
    streams = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in STREAMS}
    return Material(streams, np.concatenate([piece.onset for piece in pieces]), np.concatenate(targets))


@dataclass(frozen=True)
class Classes:
    """The tokens met in training at least FEWEST times; all others share the last class and its probability."""

    values: tuple[int, ...]

    @staticmethod
    def of(tokens: Ints) -> Classes:
        """The classes of a stream of training tokens."""
        values, counts = np.unique(tokens, return_counts=True)
        return Classes(tuple(values[counts >= FEWEST].tolist()))

    def __len__(self) -> int:
        return len(self.values) + 1

    @property
    def unknown(self) -> int:
        """The class of every other token."""
        return len(self.values)

    def encode(self, tokens: Ints) -> Ints:
        """The class of each token."""
        values = np.asarray(self.values)
        place = np.minimum(np.searchsorted(values, tokens), len(values) - 1)
        return np.where(values[place] == tokens, place, self.unknown)


@dataclass(frozen=True)
class Windows:
    """Classes [n] of a stream, and which of them are to be predicted (``targets`` [m]) from the WINDOW before each."""

    classes: Ints
    targets: Ints

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: Ints) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The windows [b, WINDOW] before the chosen targets, and what came [b]."""
        targets = self.targets[chosen]
        windows = self.classes[targets[:, None] + np.arange(-WINDOW, 0)]
        return windows.astype(np.int32), self.classes[targets].astype(np.int32)


def sampled(targets: Ints, most: int) -> Ints:
    """At most ``most`` of the targets, drawn without return, in order; all of them for 0."""
    if not most or len(targets) <= most:
        return targets
    return np.sort(np.random.default_rng(RANDOM_SEED).choice(targets, most, replace=False))


def network(classes: int, units: int = UNITS, dropout: float = DROPOUT) -> Any:
    """One of the original's three networks as it was: one-hot windows [b, WINDOW, classes] -> chances [b, classes]."""
    import keras

    return keras.Sequential(
        [
            keras.Input((WINDOW, classes)),
            keras.layers.LSTM(units),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(HIDDEN),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )


def lookup_network(classes: int, units: int = UNITS, dropout: float = DROPOUT) -> Any:
    """The same network fed with class numbers [b, WINDOW], and giving logits.

    A one-hot vector times a kernel is a row of the kernel: looked up here, multiplied out there. Weights, their order, their
    initial distributions and their gradients are the same.
    """
    import keras
    from keras import ops

    class Lookup(keras.layers.Layer):
        """A row of the LSTM's kernel for each class number."""

        def build(self, _: Any) -> None:
            self.kernel = self.add_weight(shape=(classes, 4 * units), initializer="glorot_uniform", name="kernel")

        def call(self, numbers: Any) -> Any:
            # The product makes the gradient dense: of a sparse one, Adam would square each part by itself.
            return ops.take(1.0 * self.kernel, numbers, axis=0)

    class Cell(keras.layers.Layer):
        """An LSTM's cell whose input has been multiplied with the kernel already."""

        def __init__(self) -> None:
            super().__init__()
            self.state_size, self.output_size = [units, units], units

        def build(self, _: Any) -> None:
            def open_forget_gates(_: Any, dtype: Any = None) -> Any:
                return ops.concatenate([ops.zeros(units, dtype), ops.ones(units, dtype), ops.zeros(2 * units, dtype)])

            self.recurrent = self.add_weight(shape=(units, 4 * units), initializer="orthogonal", name="recurrent")
            self.bias = self.add_weight(shape=(4 * units,), initializer=open_forget_gates, name="bias")

        def call(self, projected: Any, states: Any) -> Any:
            hidden, carried = states
            let_in, forget, candidate, let_out = ops.split(projected + ops.matmul(hidden, self.recurrent) + self.bias, 4, axis=1)
            carried = ops.sigmoid(forget) * carried + ops.sigmoid(let_in) * ops.tanh(candidate)
            hidden = ops.sigmoid(let_out) * ops.tanh(carried)
            return hidden, [hidden, carried]

    return keras.Sequential(
        [
            keras.Input((WINDOW,), dtype="int32"),
            Lookup(),
            keras.layers.RNN(Cell()),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(HIDDEN),
            keras.layers.Dense(classes),
        ]
    )
