"""The original, re-implemented so that its architecture can be measured on any pieces: tokens, three networks, training.

A piece becomes the notes and chords that music21 makes of a MIDI file with a track for each hand: a chord is what one hand begins
and ends together, everything else is an event of its own, after a gap of 0 if need be. (Pieces do not keep their tracks, so the
hands are those that sheet music is written with.) A chord is its set of pitch classes (the original writes their normal order,
which says the same), so octaves, voicing and velocity are lost, as they are there. Kinder than its own code: offsets count from
the piece's start, windows never cross a piece, and the best weights are kept.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.hands import left_hand
from musiclstm.notes import LOWEST_PITCH, PITCHES, TICKS_PER_QUARTER, Notes, Piece

WINDOW = 64
SIXTEENTH = TICKS_PER_QUARTER // 4
UNITS, HIDDEN, DROPOUT = 512, 128, 0.25
BATCH, LEARNING_RATE = 32, 1e-3
STREAMS = ("note", "gap", "duration")
FEWEST = 2  # a token met less often in training belongs to the unknown class
CHECK = 400  # batches from one look at the validation windows to the next
PATIENCE = 4 * 60_000  # windows without improvement: four epochs of the original, whose epochs had 60,000
ANSWERED_AT_ONCE = 256
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
    """The tokens met in training at least FEWEST times; all others share the last class, whose chances are all they cost."""

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
    """Classes [n] of a stream, and which of them are to be foretold (``targets`` [m]) from the WINDOW before each."""

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


@dataclass
class Progress:
    """Where a training stands. ``checks``: windows seen, validation nats and accuracy, one row a look."""

    windows: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    best_windows: int = 0
    checks: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether patience is at an end."""
        return self.windows - self.best_windows >= PATIENCE


class Learner:
    """One stream's network in training. After ``learn`` its weights are those that foretold the validation windows best."""

    def __init__(self, train: Windows, validation: Windows, classes: int, path: Path, units: int = UNITS) -> None:
        import keras

        if len(train) < BATCH or not len(validation):
            raise SystemExit(f"{len(train)} windows to learn from and {len(validation)} to check are too few for the original.")
        keras.utils.set_random_seed(RANDOM_SEED)
        self.unknown = classes - 1
        self.train, self.validation, self.path = train, validation, path
        self.network = lookup_network(classes, units)
        self.network.compile(
            optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self.network.optimizer.build(self.network.trainable_variables)
        self.best: list[NDArray[np.float32]] = self.network.get_weights()
        self.progress = Progress()

    def learn(self, minutes: float, say: Callable[[str], None] = print) -> None:
        """Train on random windows until this network has had ``minutes`` in all, earlier runs included, or patience is at an end.

        Every look at the validation windows is saved, so a run that is stopped goes on from the last one.
        """
        self._restore()
        state, started = self.progress, time.perf_counter() - self.progress.seconds
        unchecked, order = 0, self._order()
        while not state.finished and state.seconds < 60 * minutes:
            self.network.train_on_batch(*self.train.batch(next(order)))
            state.windows, state.seconds, unchecked = state.windows + BATCH, time.perf_counter() - started, unchecked + 1
            if unchecked == CHECK or state.seconds >= 60 * minutes:
                unchecked = 0
                self._check(say)
                state.seconds = time.perf_counter() - started
                self._save()
        self.network.set_weights(self.best)

    def answers(self, windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Nats and hits [m] for each target; the unknown class is never a hit, since it does not say which token comes."""
        nats, hits = np.zeros(len(windows)), np.zeros(len(windows), bool)
        for start in range(0, len(windows), ANSWERED_AT_ONCE):
            part = np.arange(start, min(start + ANSWERED_AT_ONCE, len(windows)))
            inputs, came = windows.batch(part)
            logits = self.network.predict_on_batch(inputs).astype(np.float64)
            logits -= logits.max(axis=1, keepdims=True)
            nats[part] = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(part)), came]
            hits[part] = (logits.argmax(axis=1) == came) & (came < self.unknown)
        return nats, hits

    def _order(self) -> Iterator[Ints]:
        """Batches from where the run stands: each epoch is a new shuffle of all windows, the same if the run is interrupted."""
        epoch_windows = len(self.train) - len(self.train) % BATCH
        while True:
            epoch, place = divmod(self.progress.windows, epoch_windows)
            order = np.random.default_rng([RANDOM_SEED, epoch]).permutation(len(self.train))
            yield from (order[start : start + BATCH] for start in range(place, epoch_windows, BATCH))

    def _check(self, say: Callable[[str], None]) -> None:
        state = self.progress
        nats, hits = self.answers(self.validation)
        state.checks.append((state.windows, float(nats.mean()), float(hits.mean())))
        if nats.mean() < state.best:
            state.best, state.best_windows, self.best = float(nats.mean()), state.windows, self.network.get_weights()
        say(
            f"{self.path.stem}: {state.windows:,} windows, {state.seconds / 60:.1f} min, validation {nats.mean():.3f} nats, "
            f"accuracy {hits.mean():.3f}"
        )

    def _facts(self) -> dict[str, Any]:
        sizes = [len(self.train), len(self.validation), int(self.train.classes.sum()), int(self.train.targets.sum())]
        return {"data": [*sizes, int(self.validation.targets.sum()), *self.network.output_shape[1:]], **asdict(self.progress)}

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self.network.optimizer.variables]

    def _save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {"facts": np.frombuffer(json.dumps(self._facts()).encode(), np.uint8)}
        arrays |= {f"now/{index:04d}": np.asarray(variable) for index, variable in enumerate(self._variables())}
        arrays |= {f"best/{index:04d}": weight for index, weight in enumerate(self.best)}
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            np.savez(file, **arrays)
        temporary.replace(self.path)

    def _restore(self) -> None:
        if not self.path.exists():
            return
        with np.load(self.path) as saved:
            facts = json.loads(saved["facts"].tobytes())
            if facts.pop("data") != self._facts()["data"]:
                raise SystemExit(f"{self.path} was trained on other data; remove it or give another --work.")
            groups = {name: [saved[key] for key in sorted(saved.files) if key.startswith(name)] for name in ("now/", "best/")}
        for variable, value in zip(self._variables(), groups["now/"], strict=True):
            variable.assign(value)
        self.best = groups["best/"]
        self.progress = Progress(**facts | {"checks": [tuple(check) for check in facts["checks"]]})


@dataclass(frozen=True)
class Answers:
    """What three networks made of some targets: ``bits`` of all streams and ``quarters`` covered, both added up; by stream, which
    targets were ``right`` [m], and the share of tokens that are ``unknown``.
    """

    bits: float
    quarters: float
    right: dict[str, NDArray[np.bool_]]
    unknown: dict[str, float]


class Trio:
    """The original: a network for notes, one for gaps and one for durations, none of which knows of the others."""

    def __init__(self, train: Material, targets: Ints, validation: Material, checked: Ints, folder: Path) -> None:
        self.classes = {name: Classes.of(train.streams[name]) for name in STREAMS}
        self.learners = {
            name: Learner(
                Windows(classes.encode(train.streams[name]), targets),
                Windows(classes.encode(validation.streams[name]), checked),
                len(classes),
                folder / f"{name}.npz",
            )
            for name, classes in self.classes.items()
        }

    def learn(self, minutes: float, say: Callable[[str], None] = print) -> None:
        """Train each network for ``minutes`` in all."""
        for learner in self.learners.values():
            learner.learn(minutes, say)

    def answers(self, pieces: Material, targets: Ints) -> Answers:
        """Foretell the targets of other pieces."""
        windows = {name: Windows(classes.encode(pieces.streams[name]), targets) for name, classes in self.classes.items()}
        found = {name: self.learners[name].answers(windows[name]) for name in STREAMS}
        return Answers(
            bits=float(sum(nats.sum() for nats, _ in found.values()) / np.log(2)),
            quarters=pieces.quarters(targets),
            right={name: hits for name, (_, hits) in found.items()},
            unknown={name: float((windows[name].classes[targets] == self.classes[name].unknown).mean()) for name in STREAMS},
        )

    @property
    def parameters(self) -> int:
        """Of the three networks together."""
        return sum(int(learner.network.count_params()) for learner in self.learners.values())

    @property
    def minutes(self) -> float:
        """Training time of the three networks together."""
        return sum(learner.progress.seconds for learner in self.learners.values()) / 60
