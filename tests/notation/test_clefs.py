from __future__ import annotations

from dataclasses import replace

import pytest

from musiclstm.music.notes import Key
from musiclstm.notation.clefs import PIANO, Place, State, middle_step, states, step
from musiclstm.notation.spelling import spell

LEFT = (PIANO[1], PIANO[0], *PIANO[2:])


def places(*chords: int | tuple[int, ...], beats: int = 4) -> list[Place]:
    """A chord on every beat, ``beats`` to the bar."""
    return [
        Place(
            at, tuple(spell(pitch, Key(0)) for pitch in (chord if isinstance(chord, tuple) else (chord,))), at % beats == 0, True
        )
        for at, chord in enumerate(chords)
    ]


def chosen(allowed: tuple[State, ...], *chords: int | tuple[int, ...]) -> list[State]:
    return states(places(*chords), allowed)


def test_an_accompaniment_above_middle_c_has_the_treble_clef() -> None:
    # Mozart's sonata K. 545
    assert set(chosen(LEFT, 60, 67, 64, 67, 62, 67, 65, 67)) == {("G", 0)}


def test_one_high_or_low_note_changes_no_clef() -> None:
    assert set(chosen(LEFT, 48, 52, 55, 67, 48, 52, 55, 52)) == {("F", 0)}
    assert set(chosen(PIANO, 72, 74, 55, 72, 74, 76, 72, 74)) == {("G", 0)}


def test_a_new_clef_stands_at_a_bar_line_if_it_can() -> None:
    found = chosen(LEFT, 40, 43, 47, 60, 72, 76, 79, 76, 72, 76, 79, 76)
    assert found == [("F", 0)] * 4 + [("G", 0)] * 8


def test_a_few_notes_on_three_or_four_ledger_lines_have_a_new_clef() -> None:
    found = chosen(LEFT, 36, 67, 65, 67, 69, 67, 43, 40, 43)  # the left hand of a continuation of Schumann's "Träumerei"
    assert found == [("F", 0)] + [("G", 0)] * 5 + [("F", 0)] * 3


def test_very_high_passages_stand_under_an_octave_line() -> None:
    high = [96, 98, 100, 98] * 2
    low = [72, 74, 76, 74] * 2
    assert chosen(PIANO, *low, *high, *low) == [("G", 0)] * 8 + [("G", 1)] * 8 + [("G", 0)] * 8


def test_no_octave_line_stands_over_two_voices() -> None:
    two = [replace(place, alone=False) for place in places(*[96, 98, 100, 98] * 2)]
    assert set(states(two, PIANO)) == {("G", 0)}


def test_octaves_deep_in_the_bass_are_written_as_they_sound() -> None:
    # Beethoven's "Moonlight" sonata
    assert set(chosen(LEFT, (37, 49), (35, 47), (33, 45), (30, 42))) == {("F", 0)}


@pytest.mark.parametrize(("clef", "middle"), [("G", ("B", 0, 4)), ("F", ("D", 0, 3)), ("C", ("C", 0, 4))])
def test_the_middle_line_of_a_clef(clef: str, middle: tuple[str, int, int]) -> None:
    assert middle_step(clef) == step(middle)


def test_no_notes_need_no_states() -> None:
    assert states([], PIANO) == []
