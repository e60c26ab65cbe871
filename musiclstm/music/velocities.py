"""Velocities for music that has none, so that it sounds played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musiclstm.music.notes import Piece, bar_positions, make_notes


def as_played(piece: Piece) -> Piece:
    """The piece itself if its velocities vary; otherwise with gentle accents, so that it does not sound mechanical.

    The base is 62. Metre: +8 on the first beat of a bar, +3 on other beats, -3 between beats. Voicing: +10 for the highest
    sounding note, -6 for inner notes. Melody lead and metrical accent are the best documented habits of pianists, e.g.
    Goebl (2001), "Melody lead in piano performance", JASA 110; the amounts are ours.
    """
    notes = piece.notes
    if len(np.unique(notes["velocity"])) > 1 or not len(notes):
        return piece
    position, _ = bar_positions(piece)
    onset, end, pitch = notes["onset"], notes["onset"] + notes["duration"], notes["pitch"]
    velocity = np.full(len(notes), 62)
    for i, tick in enumerate(onset.tolist()):
        beat = piece.metre_at(tick).beat_ticks
        velocity[i] += 8 if position[i] == 0 else 3 if position[i] % beat == 0 else -3
        sounding = pitch[(onset <= tick) & (end > tick)]
        velocity[i] += 10 if pitch[i] == sounding.max() else 0 if pitch[i] == sounding.min() else -6
    return replace(piece, notes=make_notes(onset, pitch, notes["duration"], velocity))
