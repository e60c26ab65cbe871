"""Pieces to learn from and pieces to be measured on, split exactly as a checkpoint's own were, and proof that nothing leaks."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.data import Collection, Source, music21_sources, open_collection, open_data, split
from musiclstm.errors import DataError
from musiclstm.model import PITCH, STEP, Rows
from musiclstm.music import Piece
from musiclstm.publishing import gate

FIGURE = 16  # notes of the figures that are looked for on both sides
_CHORALE = re.compile(r"bach/bwv\d+(?=\.\d)")  # movements of Bach's cantatas and passions, in music21's corpus


@dataclass(frozen=True)
class HeldOut:
    """A collection and its "train", "validation" and "test" pieces; ``own``: whether the checkpoint was trained on "train"."""

    collection: Collection
    sides: dict[str, list[int]]
    own: bool

    def pieces(self, side: str) -> list[Piece]:
        """The pieces of a side."""
        return [self.collection.piece(index) for index in self.sides[side]]

    def works(self, side: str) -> dict[str, str]:
        """The work of each piece of a side, by the piece's source."""
        entries = (self.collection.entries[index] for index in self.sides[side])
        return {piece.source: entry.work for piece, entry in zip(self.pieces(side), entries, strict=True)}

    def names(self, side: str) -> list[str]:
        """The pieces of a side, by file name."""
        return [self.collection.entries[index].name for index in self.sides[side]]


def opened(options: argparse.Namespace) -> tuple[Checkpoint, HeldOut]:
    """The checkpoint and the pieces that a script's options name (``music.parser``)."""
    loaded = load_checkpoint(options.checkpoint)
    return loaded, held_out(options.data, loaded.metrics, options.work / "cache")


def held_out(data: Sequence[str] | None, metrics: Mapping[str, Any], cache: Path) -> HeldOut:
    """The pieces of ``data``, or without it Bach's chorales from music21's corpus, split with the checkpoint's options.

    Data has to be the checkpoint's own: its test works are compared with those in ``metrics``. The chorales must hold none of
    them. Ends with one sentence if that is not so.
    """
    collection = open_collection(chorales(), cache) if data is None else open_data(data, cache)
    try:
        return HeldOut(collection, gate.held_out(metrics, collection), own=True)
    except DataError as error:
        options, theirs = metrics["training"]["options"], set(metrics["training"]["works_in_test"])
        if data is not None or theirs & {entry.work for entry in collection.entries}:
            raise SystemExit(f"The checkpoint may have been trained on what would be measured here. {error}") from error
    sides = split(collection, options["validation_share"], options["test_share"], options["random_seed"])
    return HeldOut(collection, sides, own=False)


def chorales() -> list[Source]:
    """Four-part chorales of music21's corpus, those of one cantata as one work."""
    found = [(source, _CHORALE.match(source.name)) for source in music21_sources()]
    return [replace(source, work=match[0]) for source, match in found if match]


def shared_figures(pieces: Sequence[Rows], others: Sequence[Rows]) -> list[float]:
    """For each piece the share of its figures of FIGURE notes, in steps and intervals, that occur in any of the ``others``."""
    known = np.unique(np.concatenate([figures(rows) for rows in others]))
    return [float(np.isin(figures(rows), known).mean()) if len(rows) > FIGURE else 0.0 for rows in pieces]


def figures(rows: Rows) -> NDArray[np.uint64]:
    """One number of 64 bits for each run of FIGURE notes, the same in every key."""
    moves = np.diff(rows[:, PITCH].astype(np.int64)) + 128 + 256 * rows[1:, STEP].astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(moves.astype(np.uint64), min(FIGURE - 1, len(moves)))
    weights = np.random.default_rng(0).integers(0, 2**64, windows.shape[1], np.uint64) | np.uint64(1)
    mixed = windows * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed ^ (mixed >> np.uint64(29))) * weights).sum(axis=1, dtype=np.uint64)
