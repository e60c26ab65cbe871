"""A checkpoint's likelihood: bits per note of single pieces, and the figures of ``evaluate`` for a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from musiclstm.checkpoint import Checkpoint
from musiclstm.data import Source
from musiclstm.errors import DataError, MusicFileError
from musiclstm.evaluation.scores import NoteScores, score_notes, total
from musiclstm.model import FeatureScanner, FeatureSpec, Part, build_network, encode, quarters
from musiclstm.music import Piece, require_notes

LANES, WINDOW = 16, 256


def read_pieces(sources: Sequence[Source], folder: str) -> tuple[list[Piece], list[str]]:
    """The readable pieces of a folder, and one sentence for each unreadable file.

    A piece's composer is the name of its own folder, or ``folder`` for files at the top level; its source is its path in the
    folder. Raises DataError if no piece has two notes.
    """
    pieces, skipped = [], []
    for source in sources:
        try:
            piece = require_notes(source.read(), 2)
        except MusicFileError as error:
            skipped.append(str(error))
        else:
            pieces.append(replace(piece, composer=source.composer or folder, source=source.name))
    if not pieces:
        raise DataError(f"No file in {folder} can be used: {skipped[0]}")
    return pieces, skipped


def evaluate(checkpoint: Checkpoint, pieces: Sequence[Piece]) -> dict[str, Any]:
    """The likelihood of ``pieces``: see ``scores.Likelihood.summary``."""
    covered = quarters([encode(piece, checkpoint.vocabulary) for piece in pieces], checkpoint.vocabulary)
    return total(Evaluator(checkpoint, min(LANES, len(pieces))).scores(pieces), covered).summary()


class Evaluator:
    """A checkpoint's network, compiled to score ``lanes`` pieces in parallel; compiling takes seconds, so reuse the instance."""

    def __init__(self, checkpoint: Checkpoint, lanes: int = LANES) -> None:
        self.vocabulary = checkpoint.vocabulary
        self.network = build_network(checkpoint.config, lanes=lanes)
        for mine, theirs in zip(self.network.trainable_weights, checkpoint.network.trainable_weights, strict=True):
            mine.assign(theirs)
        self.scanner = FeatureScanner(FeatureSpec.of(self.vocabulary), lanes)

    def scores(self, pieces: Sequence[Piece]) -> list[NoteScores]:
        """Nats and hits of every note after the first of each piece."""

        def read(index: int) -> Part:
            # The ending stays hidden: a prediction may not use where the piece ends.
            return Part(encode(pieces[index], self.vocabulary), self.vocabulary.composer_class(pieces[index].composer))

        return score_notes(self.network, self.scanner, [len(piece) for piece in pieces], read, window=WINDOW)

    def bits_per_note(self, pieces: Sequence[Piece]) -> list[float]:
        """Bits per note (step + pitch + duration) of each piece; 0 for a single note."""
        return [score.lost / max(1, len(score.nats)) for score in self.scores(pieces)]
