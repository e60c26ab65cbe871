from __future__ import annotations

from musiclstm.music.notes import Notes, make_notes
from musiclstm.notation.hands import REACH, left_hand

# Mozart, Sonata K. 545, first two bars: the accompaniment lies wholly above middle C. (onset, pitch, duration) in ticks.
MELODY = [(0, 72, 48), (48, 76, 24), (72, 79, 24), (96, 71, 36), (132, 72, 6), (138, 74, 6), (144, 72, 24)]
ALBERTI = [(12 * i, pitch, 12) for i, pitch in enumerate([60, 67, 64, 67, 60, 67, 64, 67, 62, 67, 65, 67, 60, 67, 64, 67])]


def notes_of(*parts: list[tuple[int, int, int]]) -> Notes:
    onset, pitch, duration = zip(*(note for part in parts for note in part), strict=True)
    return make_notes(onset, pitch, duration, [64] * len(onset))


def left_of(notes: Notes) -> set[tuple[int, int]]:
    return {(onset, pitch) for onset, pitch, _, _ in notes[left_hand(notes)].tolist()}


def test_an_accompaniment_above_middle_c_stays_in_the_left_hand() -> None:
    assert left_of(notes_of(MELODY, ALBERTI)) == {note[:2] for note in ALBERTI}


def test_two_voices_in_the_bass_are_shared_by_two_hands() -> None:
    lower = [(24 * i, 36, 24) for i in range(8)]
    upper = [(24 * i, 53 + i % 3, 24) for i in range(8)]
    assert left_of(notes_of(lower, upper)) == {note[:2] for note in lower}


def test_a_lone_melody_stays_in_one_hand() -> None:
    melody = [(12 * i, pitch, 12) for i, pitch in enumerate([67, 69, 71, 72, 74, 76, 77, 79, 77, 74, 71, 67, 64, 62, 60, 59])]
    assert left_of(notes_of(melody)) == set()
    low = [(onset, pitch - 24, duration) for onset, pitch, duration in melody]
    assert left_of(notes_of(low)) == {note[:2] for note in low}


def test_no_hand_stretches_beyond_a_tenth_where_the_chord_allows() -> None:
    chords = [(24 * i, pitch, 24) for i in range(4) for pitch in (41, 53, 57, 65, 69, 77)]
    notes = notes_of(chords)
    left = left_hand(notes)
    for hand in (notes[left], notes[~left]):
        assert hand["pitch"].max() - hand["pitch"].min() <= REACH


def test_no_hand_plays_more_than_five_notes_of_ten() -> None:
    notes = notes_of([(0, pitch, 24) for pitch in (60, 61, 62, 63, 64, 65, 66, 67, 68, 69)])
    assert left_hand(notes).sum() == 5


def test_no_notes_give_no_hands() -> None:
    assert left_hand(make_notes([], [], [], [])).tolist() == []
