"""A checkpoint measured on music: bits per note of single pieces, and the figures of ``evaluate`` for a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.context import ContextSpec
from musiclstm.corpus import Source
from musiclstm.errors import DataError, MusicFileError
from musiclstm.network import STREAMS, build_network
from musiclstm.notes import TICKS_PER_QUARTER, Piece, require_notes
from musiclstm.scoring.likelihood import SCORED, NoteScores, score_notes, total
from musiclstm.tokens import STEP, Rows, encode
from musiclstm.windows import FeatureScanner

LANES, WINDOW = 16, 256


def readable(sources: Sequence[Source], folder: str) -> tuple[list[Piece], list[str]]:
    """The pieces of a folder that can be read, and one sentence for each file that can't.

    A piece's composer is the name of its own folder, or ``folder`` for files that lie at the top. Raises DataError if no
    piece has two notes.
    """
    pieces, skipped = [], []
    for source in sources:
        try:
            piece = require_notes(source.read(), 2)
        except MusicFileError as error:
            skipped.append(str(error))
        else:
            pieces.append(replace(piece, composer=source.composer or folder))
    if not pieces:
        raise DataError(f"No file of {folder} can be used: {skipped[0]}")
    return pieces, skipped


def evaluate(checkpoint: Checkpoint, pieces: Sequence[Piece]) -> dict[str, Any]:
    """The likelihood of ``pieces``: see ``likelihood.Likelihood.summary``."""
    scores, quarters = _scores(checkpoint, pieces)
    return total(scores, quarters).summary()


def bits_per_note(checkpoint: Checkpoint, pieces: Sequence[Piece]) -> list[float]:
    """Bits per note (step + pitch + duration) of each piece; the first note is given."""
    scores, _ = _scores(checkpoint, pieces)
    columns = [STREAMS.index(stream) for stream in SCORED]
    return [float(s.nats[:, columns].sum(axis=1).mean() / np.log(2)) if len(s.nats) else 0.0 for s in scores]


def _scores(checkpoint: Checkpoint, pieces: Sequence[Piece]) -> tuple[list[NoteScores], float]:
    vocabulary, quarters = checkpoint.vocabulary, 0.0
    lanes = min(LANES, max(1, len(pieces)))
    network = build_network(checkpoint.config, lanes=lanes)
    for mine, theirs in zip(network.trainable_weights, checkpoint.network.trainable_weights, strict=True):
        mine.assign(theirs)
    scanner = FeatureScanner(ContextSpec.of(vocabulary), lanes)
    lengths = [len(piece) for piece in pieces]

    def rows_of(index: int) -> tuple[Rows, int]:
        nonlocal quarters
        piece = pieces[index]
        rows = encode(piece, vocabulary)
        quarters += float(np.asarray(vocabulary.steps)[rows[1:, STEP]].sum()) / TICKS_PER_QUARTER
        return rows, vocabulary.composer_class(piece.composer)

    return score_notes(network, scanner, lengths, rows_of, window=WINDOW), quarters
