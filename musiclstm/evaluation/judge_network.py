"""A judge that reads the notes themselves: a small convolutional network, for what no figure was made for."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from musiclstm.evaluation.continuations import Passage
from musiclstm.music import Notes, Piece, join

LONGEST = 512  # notes: the seed's latest and the continuation's first
SEED_NOTES = 128
CHANNELS = 5 + 12
FILTERS, DROPOUT = 32, 0.3
EPOCHS, BATCH = 12, 32

Singles = NDArray[np.float32]


def read(passage: Passage, continuation: Piece) -> Singles:
    """Seed and continuation as an array [LONGEST, CHANNELS]; velocities are left out, and unused rows are 0.

    The channels: step, duration, height, place in the bar, whether it belongs to the continuation, and its pitch class above
    that of the seed's lowest note.
    """
    whole = join(passage.seed, continuation, passage.split).notes
    begin = int(np.searchsorted(whole["onset"], passage.split))
    notes: Notes = whole[max(0, begin - SEED_NOTES) :][:LONGEST]
    bar = passage.piece.metres[0].bar_ticks
    onset, pitch = notes["onset"].astype(np.int64), notes["pitch"].astype(np.int64)
    seed_pitch = passage.seed.notes["pitch"].astype(np.int64)
    table = np.zeros((LONGEST, CHANNELS), np.float32)
    columns = (
        np.log1p(np.diff(onset, prepend=onset[:1])) / 4,
        np.log(notes["duration"]) / 4,
        (pitch - seed_pitch.mean()) / 12,
        onset % bar / bar,
        onset >= passage.split,
    )
    table[: len(notes), :5] = np.stack([np.asarray(column, np.float32) for column in columns], axis=1)
    table[np.arange(len(notes)), 5 + (pitch - seed_pitch.min()) % 12] = 1.0
    return table


def fit_and_score(tables: Singles, human: NDArray[np.bool_], learnt: NDArray[np.bool_], random_seed: int) -> Singles:
    """Log-odds [n] that a person wrote each of ``tables`` [n, LONGEST, CHANNELS], by a network fitted to the ``learnt`` ones."""
    keras.utils.set_random_seed(random_seed)
    network = _network()
    network.compile(optimizer=keras.optimizers.AdamW(2e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    rng = np.random.default_rng(random_seed)
    target = human.astype(np.float32)[:, None]
    for _ in range(EPOCHS):
        order = rng.permutation(np.flatnonzero(learnt))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            some = order[start : start + BATCH]
            network.train_on_batch(_shifted(tables[some], rng), target[some])
    odds = [network(tables[at : at + BATCH], training=False)[:, 0] for at in range(0, len(tables), BATCH)]
    return np.concatenate([keras.ops.convert_to_numpy(some) for some in odds])


def _network() -> keras.Model:
    notes = keras.Input((LONGEST, CHANNELS))
    x = notes
    for filters in (FILTERS, FILTERS, 2 * FILTERS):
        x = layers.Conv1D(filters, 5, padding="same", activation="relu")(x)
        x = layers.MaxPooling1D(2)(x)
    pooled = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return keras.Model(notes, layers.Dense(1)(layers.Dropout(DROPOUT)(pooled)))


def _shifted(tables: Singles, rng: np.random.Generator) -> Singles:
    """The same music with its pitch classes counted from another note."""
    moved = tables.copy()
    for row, shift in enumerate(rng.integers(12, size=len(tables)).tolist()):
        moved[row, :, 5:] = np.roll(tables[row, :, 5:], shift, axis=1)
    return moved
