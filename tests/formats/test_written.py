from __future__ import annotations

from fractions import Fraction

import pytest
from score_examples import rows

from musiclstm.errors import MusicFileError
from musiclstm.formats.written import Score, middle, piece_of
from musiclstm.music.notes import Key, Metre, Tempo


def test_a_note_goes_on_in_its_own_voice_or_in_its_part_or_where_a_tie_ends() -> None:
    score = Score()
    score.strike(0, 60, 1, ("right", "1"), (0, 1), ["start"])
    score.strike(0, 60, 1, ("left", "2"), (0, 1), ["start"])
    score.strike(1, 60, 2, ("left", "2"), (0, 1), [])
    score.strike(1, 60, 3, ("third", "1"), (0, 1), [])
    score.strike(1, 60, 4, ("third", "1"), (0, 1), ["stop"])
    assert score.notes == [(0, 60, 4), (0, 60, 2), (1, 60, 3)]


def test_times_are_rounded_to_ticks_and_bars_without_length_are_left_out() -> None:
    score = Score(notes=[(Fraction(1, 5), 60, Fraction(2, 5)), (Fraction(3), 62, Fraction(4))])
    score.bars = [(0, 2, (2, 4)), (2, 2, (2, 4)), (2, 4, (2, 4))]
    piece = piece_of(score, "a.abc")
    assert rows(piece) == [(5, 60, 5), (72, 62, 24)]
    assert (piece.metres, piece.tempi, piece.key, piece.title) == ((Metre(0, 2, 4),), (Tempo(0, 100.0),), None, "a")


@pytest.mark.parametrize("signature", [None, (3, 5), (3, 0), (0, 4)])
def test_an_impossible_metre_counts_as_none(signature: tuple[int, int] | None) -> None:
    score = Score(notes=[(0, 60, 3)], bars=[(0, 3, signature), (3, 6, signature)])
    assert piece_of(score, "a").metres == (Metre(0, 3, 4),)


@pytest.mark.parametrize(("fifths", "folded"), [(-6, -6), (7, 7), (-8, 4), (9, -3)])
def test_a_signature_is_kept_up_to_seven_signs(fifths: int, folded: int) -> None:
    assert piece_of(Score(notes=[(0, 60, 3)], key=(fifths, "major")), "a").key == Key(folded, "major")


def test_too_much_of_anything_is_refused() -> None:
    with pytest.raises(MusicFileError, match="a is longer than 100000 quarters"):
        piece_of(Score(notes=[(0, 60, 100_001)]), "a")
    with pytest.raises(MusicFileError, match="a has a metre of 1000 beats"):
        piece_of(Score(notes=[(0, 60, 1)], bars=[(0, 1, (1000, 4))]), "a")
    with pytest.raises(MusicFileError, match="a has no notes"):
        piece_of(Score(), "a")


@pytest.mark.parametrize("pitch", [10**4, -(10**4), 10**30])
def test_a_pitch_beyond_all_hearing_is_refused(pitch: int) -> None:
    with pytest.raises(MusicFileError, match="beyond what can be heard"):
        piece_of(Score(notes=[(0, pitch, 1)]), "a.xml")


@pytest.mark.parametrize(
    ("text", "tempo"),
    [
        ("76", 76),
        ("c. 76.5", 76.5),
        ("72-80", 76),
        ("72 – 80", 76),
        ("72/80", 76),
        ("72 to 80", 76),
        ("66,5", 66.5),
        ("= 60 (or 80)", 60),
        ("fast", None),
        ("", None),
    ],
)
def test_the_tempo_in_words_is_a_number_or_the_middle_of_two(text: str, tempo: float | None) -> None:
    assert middle(text) == tempo


def test_a_long_text_is_no_burden() -> None:
    assert middle("1" * 100_000) == float("inf")
    assert middle("1-" * 50_000) == 1
