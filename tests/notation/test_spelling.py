from __future__ import annotations

import numpy as np
import pytest

from musiclstm.music.notes import Key, Notes, make_notes
from musiclstm.notation.spelling import accidentals, reading_key, spell, spell_all

ACCIDENTALS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}


def scale(pitches: list[int], weights: list[int] | None = None) -> Notes:
    n = len(pitches)
    return make_notes([24 * i for i in range(n)], pitches, weights or [24] * n, [64] * n)


def names(key: Key, pitches: range) -> str:
    return " ".join(letter + ACCIDENTALS[alter] for letter, alter, _ in (spell(pitch, key) for pitch in pitches))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key(0), "C C# D Eb E F F# G Ab A Bb B"),
        (Key(0, "minor"), "C C# D D# E F F# G G# A Bb B"),
        (Key(4), "C C# D D# E E# F# G G# A A# B"),
        (Key(-3, "minor"), "C Db D Eb E F F# G Ab A Bb B"),
        (Key(-5), "C Db D Eb Fb F Gb G Ab Bbb Bb Cb"),
    ],
)
def test_pitches_are_named_to_fit_the_key(key: Key, expected: str) -> None:
    assert names(key, range(60, 72)) == expected


@pytest.mark.parametrize("fifths", range(-7, 8))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_name_denotes_its_pitch(fifths: int, mode: str) -> None:
    for pitch in range(21, 109):
        letter, alter, octave = spell(pitch, Key(fifths, mode))
        assert {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter] + alter + 12 * (octave + 1) == pitch
        assert -2 <= alter <= 2


def test_octave_numbers_follow_the_letter() -> None:
    assert spell(71, Key(-6)) == ("C", -1, 5)  # C flat above the B it sounds like
    assert spell(60, Key(7)) == ("B", 1, 3)


def test_a_given_signature_is_kept_with_the_mode_that_fits() -> None:
    a_minor = scale([57, 59, 60, 62, 64, 65, 68, 69], [48, 12, 24, 12, 48, 12, 12, 48])
    assert reading_key(a_minor, Key(0, "major")) == Key(0, "minor")


def test_a_given_minor_key_is_kept_whatever_the_notes_are() -> None:
    c_major = scale([60, 62, 64, 65, 67, 69, 71, 72], [48, 12, 24, 12, 48, 12, 12, 48])
    assert reading_key(c_major, Key(0, "minor")) == Key(0, "minor")


@pytest.mark.parametrize("tonic", range(12))
def test_without_a_signature_the_key_with_fewest_accidentals_is_chosen(tonic: int) -> None:
    major = scale([60 + tonic + step for step in (0, 2, 4, 5, 7, 9, 11, 12)])
    found = reading_key(major, None)
    assert (found.fifths * 7 - tonic) % 12 == 0
    assert -5 <= found.fifths <= 6
    assert found.mode == "major"


def test_an_accidental_is_printed_once_in_a_bar_and_cancelled() -> None:
    bar = [(("F", 1, 4), False), (("F", 1, 4), False), (("F", 1, 5), False), (("F", 0, 4), False), (("F", 0, 4), False)]
    assert accidentals(bar, Key(0)) == [True, False, True, True, False]


def test_notes_of_the_signature_need_no_accidentals_and_naturals_do() -> None:
    bar = [(("B", -1, 4), False), (("E", -1, 4), False), (("E", 0, 4), False), (("E", -1, 4), False)]
    assert accidentals(bar, Key(-2)) == [False, False, True, True]


def test_a_tied_note_needs_no_accidental_but_its_successor_does() -> None:
    assert accidentals([(("G", 1, 4), True), (("G", 1, 4), False)], Key(0)) == [False, True]


def spelled(key: Key, *pitches: int) -> str:
    notes = make_notes([12 * i for i in range(len(pitches))], pitches, [12] * len(pitches), [64] * len(pitches))
    return " ".join(letter + ACCIDENTALS[alter] for letter, alter, _ in spell_all(notes, key))


def test_the_leading_note_of_a_minor_key_is_a_sharp() -> None:
    # Bach, Invention 4 in D minor
    subject = (62, 64, 65, 67, 69, 70, 61, 70, 69, 67, 65, 64, 65, 69, 74, 67, 73, 76)
    assert spelled(Key(-1, "minor"), *subject) == "D E F G A Bb C# Bb A G F E F A D G C# E"


def test_a_passage_in_another_key_is_spelled_in_that_key() -> None:
    home, away = (60, 64, 67, 65, 69, 72, 71, 67) * 4, (69, 73, 76, 68, 71, 76, 73, 69) * 6
    assert set(spelled(Key(0), *home, *away).split()[40:]) == {"A", "C#", "E", "G#", "B"}
    away = (68, 72, 75, 61, 65, 68, 70, 75) * 6
    assert set(spelled(Key(0), *home, *away).split()[40:]) == {"Ab", "C", "Eb", "Db", "F", "Bb"}


@pytest.mark.parametrize("fifths", range(-7, 8))
def test_a_scale_in_any_key_needs_no_accidentals(fifths: int) -> None:
    tonic = 60 + 7 * fifths % 12
    scale = [tonic + step for step in (0, 2, 4, 5, 7, 9, 11, 12)] * 3
    notes = make_notes([12 * i for i in range(len(scale))], scale, [12] * len(scale), [64] * len(scale))
    assert not any(accidentals([(name, False) for name in spell_all(notes, Key(fifths))], Key(fifths)))


def test_every_name_of_a_passage_denotes_its_pitch() -> None:
    rng = np.random.default_rng(2)
    for fifths in range(-7, 8):
        notes = make_notes(range(200), rng.integers(21, 109, 200), [1] * 200, [64] * 200)
        for pitch, (letter, alter, octave) in zip(notes["pitch"].tolist(), spell_all(notes, Key(fifths)), strict=True):
            assert {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter] + alter + 12 * (octave + 1) == pitch
            assert -2 <= alter <= 2
