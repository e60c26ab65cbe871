"""Likelihood of music under a network: nats and hits for every note of every piece.

Conventions: the first note of a piece is given, not predicted. Bits are -log2 of the probability that the network gave to the
true class. A note is "new material" if the three (step, pitch) rows before it have not occurred earlier in the piece: written-out
repeats are easy to predict and would make the total look better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.model import (
    PITCH,
    STEP,
    STREAMS,
    FeatureScanner,
    Network,
    Part,
    Rows,
    iterate_batches,
    plan_lanes,
    prefetch,
    reset_memory,
)

MATCHED_ROWS = 3
SCORED = ("step", "pitch", "duration")  # velocity is reported separately: it is performance, not composition


@dataclass(frozen=True)
class NoteScores:
    """For one piece of n notes: ``nats`` [n - 1, 4] and ``hits`` [n - 1, 4] (columns as STREAMS), ``new`` [n - 1] bool."""

    nats: NDArray[np.float32]
    hits: NDArray[np.bool_]
    new: NDArray[np.bool_]

    @property
    def lost(self) -> float:
        """Bits of all predicted notes: step, pitch and duration."""
        columns = [STREAMS.index(stream) for stream in SCORED]
        return float(self.nats[:, columns].sum(dtype=np.float64) / np.log(2))


@dataclass(frozen=True)
class Likelihood:
    """Sums over a collection; ``summary`` gives the figures to report."""

    pieces: int
    notes: int
    quarters: float
    bits: dict[str, float]
    hits: dict[str, float]
    new_notes: int
    new_bits: float

    def summary(self) -> dict[str, Any]:
        """Bits per note and quarter (step + pitch + duration), velocity bits, accuracies, and share and bits of new material."""
        notes = max(1, self.notes)
        total = sum(self.bits[stream] for stream in SCORED)
        return {
            "pieces": self.pieces,
            "notes": self.notes,
            "quarters": round(self.quarters, 3),
            "bits_per_note": round(total / notes, 4),
            "bits_per_quarter": round(total / max(1e-9, self.quarters), 4),
            "velocity_bits_per_note": round(self.bits["velocity"] / notes, 4),
            "stream_bits_per_note": {stream: round(self.bits[stream] / notes, 4) for stream in SCORED},
            "accuracy": {stream: round(self.hits[stream] / notes, 4) for stream in STREAMS},
            "new_material": {
                "share": round(self.new_notes / notes, 4),
                "bits_per_note": round(self.new_bits / max(1, self.new_notes), 4),
            },
        }


def is_new(rows: Rows) -> NDArray[np.bool_]:
    """For each row after the first [n - 1]: whether the three (step, pitch) rows before it have not occurred earlier.

    Rows with fewer than three before them are new.
    """
    seen: set[tuple[int, ...]] = set()
    new = np.ones(max(0, len(rows) - 1), dtype=bool)
    keys = (rows[:, STEP].astype(np.int64) * 128 + rows[:, PITCH]).tolist()
    for index in range(MATCHED_ROWS, len(rows)):
        figure = tuple(keys[index - MATCHED_ROWS : index])
        new[index - 1] = figure not in seen
        seen.add(figure)
    return new


def score_notes(
    network: Network,
    scanner: FeatureScanner,
    lengths: Sequence[int],
    read: Callable[[int], Part],
    *,
    window: int = 256,
) -> list[NoteScores]:
    """Scores of each piece, in the order of ``lengths``.

    ``network`` must have as many lanes as ``scanner``; ``read`` returns a piece. LSTM state and context are carried through each
    piece. Nats are computed in float64.
    """
    lanes = scanner.empty["row"].shape[0]
    nats = [np.zeros((max(0, length - 1), len(STREAMS)), np.float32) for length in lengths]
    hits = [np.zeros((max(0, length - 1), len(STREAMS)), bool) for length in lengths]
    new = [np.ones(max(0, length - 1), bool) for length in lengths]

    def read_and_mark(index: int) -> Part:
        part = read(index)
        new[index] = is_new(part.rows)
        return part

    plan = plan_lanes(lengths, lanes, window)
    for batch, inputs in prefetch((batch, scanner.inputs(batch)) for batch in iterate_batches(plan, window, read_and_mark)):
        reset_memory(network, ~batch.fresh)
        logits = network.predict_on_batch(inputs)
        for column, stream in enumerate(STREAMS):
            lost, right = _nats(logits[stream], batch.targets[..., column])
            for lane, (index, start) in enumerate(zip(batch.piece, batch.start, strict=True)):
                size = int(batch.weight[lane].sum())
                if size:
                    nats[index][start : start + size, column] = lost[lane, :size]
                    hits[index][start : start + size, column] = right[lane, :size]
    return [NoteScores(*parts) for parts in zip(nats, hits, new, strict=True)]


def total(scores: Sequence[NoteScores], quarters: float) -> Likelihood:
    """The sums over pieces with a total length of ``quarters`` quarter notes (the sum of their steps)."""
    bits = sum((s.nats.sum(axis=0, dtype=np.float64) for s in scores), np.zeros(len(STREAMS))) / np.log(2)
    hits = sum((s.hits.sum(axis=0) for s in scores), np.zeros(len(STREAMS)))
    columns = [STREAMS.index(stream) for stream in SCORED]
    return Likelihood(
        pieces=len(scores),
        notes=sum(len(s.nats) for s in scores),
        quarters=quarters,
        bits=dict(zip(STREAMS, bits.tolist(), strict=True)),
        hits=dict(zip(STREAMS, hits.tolist(), strict=True)),
        new_notes=int(sum(s.new.sum() for s in scores)),
        new_bits=float(sum(s.nats[s.new][:, columns].sum(dtype=np.float64) for s in scores) / np.log(2)),
    )


def _nats(logits: NDArray[np.float32], targets: NDArray[np.int32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    top = logits.max(axis=-1, keepdims=True)
    normaliser = np.log(np.exp((logits - top).astype(np.float64)).sum(axis=-1)) + top[..., 0]
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return normaliser - chosen, logits.argmax(axis=-1) == targets
