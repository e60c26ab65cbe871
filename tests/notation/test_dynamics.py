from __future__ import annotations

from musiclstm.music.notes import Piece, make_notes
from musiclstm.notation.dynamics import dynamics
from musiclstm.notation.rhythm import written_bars


def marks(*velocities: int) -> list[tuple[int, str]]:
    """The marks of a piece with these velocities, four quarters to the bar."""
    count = len(velocities)
    piece = Piece(make_notes([24 * i for i in range(count)], [60 + i % 5 for i in range(count)], [24] * count, velocities))
    return dynamics(piece, written_bars(piece))


def test_the_first_mark_says_how_loud_the_music_begins() -> None:
    assert marks(44, 46, 42, 45) == [(0, "p")]
    assert marks(66, 62, 70, 62) == [(0, "mf")]
    assert marks(95, 90, 99, 90) == [(0, "f")]


def test_a_lasting_change_has_a_mark_and_an_accent_has_none() -> None:
    soft, loud = [44, 46, 42, 45], [92, 90, 88, 90]
    assert marks(*soft * 4, *loud * 4) == [(0, "p"), (4, "f")]
    assert marks(*soft * 3, *loud, *soft * 4) == [(0, "p")]


def test_a_rest_before_the_music_has_no_mark() -> None:
    piece = Piece(make_notes([96, 120], [60, 62], [24, 24], [40, 44]))
    assert dynamics(piece, written_bars(piece)) == [(1, "p")]


def test_music_of_one_velocity_has_no_marks() -> None:
    assert marks(64, 64, 64, 64) == []
