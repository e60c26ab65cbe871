"""MIDI that was recorded from free playing, without a metronome: recognised, and set on the beats that were played.

A recorder counts time as if everything were played at its own tempo, 120 quarters a minute if nobody chose one. Nothing then lies
on its grid: the onsets, as places within a sixteenth, a triplet and the like, are spread evenly. So each grid is asked how much
the onsets agree on one place in it; that place may be anywhere, since a recording can begin at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.formats.midi import midi_piece, open_midi
from musiclstm.formats.midi_events import (
    DEFAULT_TEMPO,
    DRUMS,
    TEMPO,
    MidiFile,
    microseconds,
    struck_notes,
)
from musiclstm.music import Piece
from musiclstm.notation import LONGEST_PLAYING, beat_grid

FEWEST = 16  # strikes, below which nothing is sure
AGREED = 0.6  # the agreement of onsets on a place, 0 to 1, from which they were meant to lie there
_GRIDS = (1.0, 0.5, 0.25, 0.125, 1 / 3, 1 / 6, 0.2)  # quarters
_BY_CHANCE = 2.5  # times the agreement that evenly spread onsets have on average


def read_played(path: Path, parts: Collection[int] | None = None) -> Piece:
    """A MIDI file as ``read_midi`` reads it; if it is a free recording, set on the beats that were played (``beat_grid``).

    ``remark`` of the piece then says so. Recordings of more than an hour stay as they are. ``parts``: numbers of ``midi_parts``.
    Raises what ``read_midi`` raises.
    """
    file, label, name = open_midi(path, parts=parts)
    piece = midi_piece(file, label, name)
    if len(piece) > limits.FILE_NOTES or not is_free(file):
        return piece
    seconds, (start, end, key, velocity) = _seconds(file), _rows(file).T
    if np.ptp(start) * seconds > LONGEST_PLAYING:
        return piece
    played = beat_grid(start * seconds, (end - start) * seconds, key & 0x7F, velocity)
    return replace(played.piece, title=piece.title, composer=piece.composer, source=piece.source, remark=played.sentence)


def is_free(file: MidiFile) -> bool:
    """Whether the notes lie on no grid of the file's quarters: at least 16 strikes at one tempo, which agree on no place.

    Written music has few different places in a quarter, however odd; played music has nearly as many as there can be.
    """
    if file.in_turn or len({meta.body for track in file.tracks for meta in track.metas if meta.kind == TEMPO}) > 1:
        return False
    ticks = np.unique(_rows(file)[:, 0])
    most = file.per_quarter * -np.expm1(-len(ticks) / file.per_quarter)  # places, if they are chosen by chance
    if len(ticks) < FEWEST or len(np.unique(ticks % file.per_quarter)) < most / 2:
        return False
    start = ticks / file.per_quarter
    least = max(AGREED, _BY_CHANCE / np.sqrt(len(start)))
    return all(abs(np.exp(2j * np.pi * start / grid).mean()) < least for grid in _GRIDS)


def _rows(file: MidiFile) -> NDArray[np.int64]:
    """The notes without drums, [n, 4]: start, end, key and velocity."""
    found = [struck_notes(track, round(file.per_quarter)) for track in file.tracks]
    rows = np.concatenate(found or [np.empty((0, 4), np.int64)])
    return np.asarray(rows[rows[:, 2] >> 7 != DRUMS])


def _seconds(file: MidiFile) -> float:
    """The length of one of the file's ticks."""
    tempi = (microseconds(meta) for track in file.tracks for meta in track.metas if meta.kind == TEMPO)
    return next(filter(None, tempi), DEFAULT_TEMPO) / 1e6 / file.per_quarter
