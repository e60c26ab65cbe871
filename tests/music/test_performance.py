"""How music is played: what is allowed, and what it does to a piece."""

from __future__ import annotations

from typing import Any

import pytest

from musiclstm.errors import OptionError
from musiclstm.music.instruments import voices_of
from musiclstm.music.notes import Piece
from musiclstm.music.performance import Performance


def test_by_default_a_piece_is_played_as_it_is(tunes: dict[str, Piece]) -> None:
    assert Performance().played(tunes["waltz"]) == tunes["waltz"]


def test_a_piece_is_played_at_the_tempo_and_as_high_as_asked_for(tunes: dict[str, Piece]) -> None:
    waltz = tunes["waltz"]
    played = Performance(tempo=75, transposition=-3).played(waltz)
    assert played.seconds(played.end) == pytest.approx(2 * waltz.seconds(waltz.end))  # it goes at 150
    assert (played.notes["pitch"] == waltz.notes["pitch"] - 3).all()
    assert Performance(tempo=75, transposition=-3).paced(waltz).notes["pitch"].tolist() == waltz.notes["pitch"].tolist()


def test_playing_twice_changes_the_tempo_no_further(tunes: dict[str, Piece]) -> None:
    slow = Performance(tempo=60)
    assert slow.played(slow.played(tunes["jig"])) == slow.played(tunes["jig"])


def test_the_voices_are_those_of_the_instrument() -> None:
    assert Performance("String_Quartet").voices == voices_of("string quartet")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"instrument": "kazoo"}, "instrument must be one of"),
        ({"instrument": 3}, "instrument must be a name"),
        ({"tempo": 19}, "tempo must lie between 20 and 400"),
        ({"tempo": float("nan")}, "tempo must lie"),
        ({"tempo": True}, "tempo must lie"),
        ({"tempo": "fast"}, "tempo must lie"),
        ({"transposition": 13}, "from -12 to 12, not 13"),
        ({"transposition": 1.5}, "whole number of semitones"),
        ({"transposition": True}, "whole number of semitones"),
    ],
)
def test_what_is_out_of_range_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Performance(**settings)
