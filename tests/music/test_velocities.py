"""Music without velocities gets gentle ones; music that has them keeps them."""

from __future__ import annotations

import numpy as np

from musiclstm.music.notes import Metre, Piece, make_notes
from musiclstm.music.velocities import as_played


def test_tune_and_first_beats_are_louder_than_inner_voices_and_other_beats() -> None:
    # A bar of 4/4: a held tune over a broken chord whose bass is held too.
    onsets = [0, 0, 12, 24, 36, 48, 60]
    pitches = [48, 72, 60, 64, 60, 64, 60]
    durations = [96, 96, 12, 12, 12, 12, 12]
    played = as_played(Piece(make_notes(onsets, pitches, durations, [64] * 7)))
    velocity = {(int(row["onset"]), int(row["pitch"])): int(row["velocity"]) for row in played.notes}
    assert velocity[0, 72] > velocity[0, 48] > velocity[24, 64] > velocity[12, 60]
    assert min(velocity.values()) >= 40 and max(velocity.values()) <= 90


def test_a_tune_is_loud_on_the_beats_of_a_compound_metre_too() -> None:
    tune = as_played(Piece(make_notes(range(0, 72, 12), range(60, 66), [12] * 6, [80] * 6), metres=(Metre(0, 6, 8),)))
    velocity = tune.notes["velocity"].tolist()
    assert velocity[0] > velocity[3] > velocity[1] == velocity[2] == velocity[4]


def test_velocities_of_a_performance_are_kept() -> None:
    performed = Piece(make_notes([0, 24], [60, 62], [24, 24], [50, 51]))
    assert as_played(performed) is performed


def test_only_velocities_change() -> None:
    piece = Piece(make_notes([0, 0, 24], [60, 64, 62], [24, 30, 24], [64] * 3))
    played = as_played(piece)
    for column in ("onset", "pitch", "duration"):
        assert np.array_equal(played.notes[column], piece.notes[column])


def test_silence_stays_silence() -> None:
    assert len(as_played(Piece(make_notes([], [], [], [])))) == 0
