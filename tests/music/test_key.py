from __future__ import annotations

import pytest

from musiclstm.music.key import estimate_key, fitting_key, key_name, named_like
from musiclstm.music.notes import MODES, Key, Notes, Piece, make_notes


def melody(*pitches: int) -> Notes:
    return make_notes(range(0, 24 * len(pitches), 24), pitches, [24] * len(pitches), [64] * len(pitches))


@pytest.mark.parametrize(
    ("key", "name", "tonic"),
    [
        (Key(0), "C major", 0),
        (Key(-6), "G-flat major", 6),
        (Key(6), "F-sharp major", 6),
        (Key(-7, "minor"), "A-flat minor", 8),
        (Key(1, "dorian"), "A dorian", 9),
        (Key(0, "mixolydian"), "G mixolydian", 7),
        (Key(0, "phrygian"), "E phrygian", 4),
        (Key(0, "lydian"), "F lydian", 5),
        (Key(-2, "locrian"), "A locrian", 9),
    ],
)
def test_a_key_has_the_name_and_tonic_of_its_mode(key: Key, name: str, tonic: int) -> None:
    assert (key_name(key), key.tonic) == (name, tonic)


def test_every_signature_and_mode_has_its_own_name() -> None:
    assert len({key_name(Key(fifths, mode)) for fifths in range(-7, 8) for mode in MODES}) == 15 * len(MODES)


def test_the_notes_decide_between_the_two_keys_of_a_signature() -> None:
    assert fitting_key(0, melody(69, 76, 72, 68, 69, 57)) == Key(0, "minor")
    assert fitting_key(0, melody(60, 67, 64, 65, 60, 48)) == Key(0, "major")
    assert fitting_key(-6, melody(66, 73, 70, 66)) == Key(-6, "major")
    assert fitting_key(3, melody()) == Key(3, "major")
    assert fitting_key(3, melody(*range(60, 72))) == Key(3, "major")


def test_an_estimated_key_is_named_like_the_home_key_if_it_is_the_same() -> None:
    g_flat = Piece(melody(66, 73, 70, 66, 71, 68, 66))
    found = estimate_key(g_flat)[0]
    assert key_name(found) == "F-sharp major"
    assert named_like(found, Key(-6)) == Key(-6)
    assert named_like(Key(0, "minor"), Key(1, "dorian")) == Key(1, "dorian")
    assert named_like(Key(0), Key(0, "minor")) == Key(0)
    assert named_like(Key(2), None) == Key(2)
