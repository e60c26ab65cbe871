"""Our network in the original's tokens: its likeliest next note or chord, gap and duration, from the true notes before.

Each note is predicted greedily: the likeliest step; given that, the likeliest pitch; given both, the likeliest duration. All
notes before it, lower notes of the same chord included, are the true ones. A chord is right if the network makes the same notes
begin and end together, with every pitch right and none added. The original's token needs pitch classes only, so this is a lower
bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.original import Ints, Tokens, events, on_grid, tokens_of
from musiclstm.evaluation import Evaluator, likelihood
from musiclstm.model import (
    DURATION,
    PITCH,
    PREDICTED,
    STEP,
    STREAMS,
    Part,
    Rows,
    Vocabulary,
    encode,
    iterate_batches,
    plan_lanes,
    reset_memory,
)
from musiclstm.music import Piece

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Right:
    """For each event of a piece [n]: whether the original's token is right. The first event is never predicted: False."""

    note: Flags
    gap: Flags
    duration: Flags


def right_tokens(evaluator: Evaluator, pieces: Sequence[Piece]) -> list[Right]:
    """What the network gets right of each piece, in the original's tokens."""
    rows = [encode(piece, evaluator.vocabulary) for piece in pieces]
    composers = [evaluator.vocabulary.composer_class(piece.composer) for piece in pieces]
    chosen = [piece[1:, PREDICTED].astype(np.int32) for piece in rows]
    for column in (STEP, PITCH, DURATION):  # each choice depends on those before it, and the next pass sees it
        likeliest = _likeliest(evaluator, rows, composers, chosen)
        for mine, best in zip(chosen, likeliest, strict=True):
            mine[:, column] = best[:, column]
    return [
        compared(tokens_of(piece), here, mine, piece.notes["onset"].astype(np.int64), evaluator.vocabulary)
        for piece, here, mine in zip(pieces, rows, chosen, strict=True)
    ]


def compared(tokens: Tokens, rows: Rows, chosen: NDArray[np.int32], onset: Ints, vocabulary: Vocabulary) -> Right:
    """``chosen`` [rows - 1, 4], the classes predicted for each row after the first, in the original's tokens, against the truth.

    ``onset`` [rows]: the true onsets in ticks. The piece's last event counts as wrong: nothing shows that the network ends it.
    """
    _, first = np.unique(tokens.event, return_index=True)
    chosen = np.concatenate([rows[:1, PREDICTED].astype(np.int32), chosen])  # the first row is given
    step = np.asarray(vocabulary.steps)[chosen[:, STEP]]
    length = np.asarray(vocabulary.durations)[chosen[:, DURATION]]

    begins = np.zeros(len(rows), bool)
    begins[first] = True
    note_right = (chosen[:, PITCH] == rows[:, PITCH]) & (begins | (chosen[:, STEP] == rows[:, STEP]))
    ends = np.concatenate([(rows[1:, STEP] > 0) & (step[1:] == 0), [True]])  # a note is added where an onset should be over
    wrong = np.bincount(tokens.event, ~note_right) + np.bincount(tokens.event, ends)
    note = (wrong == 0) & _same_groups(tokens.event, events(onset, onset + length, tokens.hand))

    before, expected = first[1:] - 1, tokens.gap[1:]
    gap = on_grid(onset[before] + step[first[1:]]) - on_grid(tokens.onset[:-1]) == expected
    duration = on_grid(length[first], least=1) == tokens.duration
    note[0], duration[0] = False, False
    return Right(note, np.concatenate(([False], gap)), duration)


def _same_groups(event: Ints, predicted: Ints) -> Flags:
    """For each event whether the ``predicted`` grouping of the notes has one of exactly the same notes."""
    pairs, notes = np.unique(np.stack([event, predicted]), axis=1, return_counts=True)
    same = np.zeros(event.max() + 1, bool)
    same[pairs[0]] = (np.bincount(event)[pairs[0]] == notes) & (np.bincount(predicted)[pairs[1]] == notes)
    return same


def _likeliest(
    evaluator: Evaluator, rows: Sequence[Rows], composers: Sequence[int], given: Sequence[NDArray[np.int32]]
) -> list[NDArray[np.int32]]:
    """The likeliest class of each stream for every row after the first, [n - 1, 4] a piece, each head gets what is ``given``."""
    lanes = evaluator.scanner.empty["row"].shape[0]
    found = [np.zeros_like(piece) for piece in given]
    plan = plan_lanes([len(piece) for piece in rows], lanes, likelihood.WINDOW)
    for batch in iterate_batches(plan, likelihood.WINDOW, lambda index: Part(rows[index], composers[index])):
        targets = batch.targets.copy()
        parts = [
            (lane, int(index), int(start), int(batch.weight[lane].sum()))
            for lane, (index, start) in enumerate(zip(batch.piece, batch.start, strict=True))
            if index >= 0
        ]
        for lane, index, start, size in parts:
            targets[lane, :size] = given[index][start : start + size]
        reset_memory(evaluator.network, ~batch.fresh)
        logits = evaluator.network.predict_on_batch(evaluator.scanner.inputs(replace(batch, targets=targets)))
        for column, stream in enumerate(STREAMS):
            best = logits[stream].argmax(axis=-1)
            for lane, index, start, size in parts:
                found[index][start : start + size, column] = best[lane, :size]
    return found
