from __future__ import annotations

import numpy as np

from musiclstm.music.notes import Notes, make_notes
from musiclstm.music.staves import LOWER, UNKNOWN, UPPER
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


def test_a_close_chord_stays_in_one_hand() -> None:
    # Chopin, Prelude in E minor, Op. 28 No. 4, bars 1 and 2: the left hand repeats chords under a slow melody.
    chords = [(12 * i, pitch, 12) for i in range(16) for pitch in ((55, 59, 64) if i < 8 else (54, 57, 64 if i < 12 else 63))]
    melody = [(0, 71, 72), (72, 72, 24), (96, 71, 72), (168, 72, 24)]
    assert left_of(notes_of(melody, chords)) == {note[:2] for note in chords}


def test_the_chords_of_a_waltz_stay_in_the_left_hand() -> None:
    # Chopin, Waltz in A minor, bars 1 and 2.
    bass = [(0, 33, 24), (72, 38, 24)]
    chords = [(at, pitch, 24) for at in (24, 48) for pitch in (57, 60, 64)]
    chords += [(at, pitch, 24) for at in (96, 120) for pitch in (57, 62, 65)]
    melody = [(0, 69, 12), (12, 71, 12), (24, 72, 24), (48, 72, 24), (72, 74, 12), (84, 76, 12), (96, 77, 48)]
    assert left_of(notes_of(bass, chords, melody)) == {note[:2] for note in (*bass, *chords)}


def test_four_held_notes_are_shared_by_two_hands() -> None:
    # Debussy, Clair de lune, bars 1 and 2: thirds in either hand.
    lower = [(12, 65, 96), (12, 68, 96), (108, 66, 108), (108, 69, 108)]
    upper = [(24, 77, 48), (24, 80, 48), (72, 73, 48), (72, 77, 48), (120, 72, 12), (120, 75, 12), (132, 73, 12), (132, 77, 12)]
    assert left_of(notes_of(lower, upper)) == {note[:2] for note in lower}


def test_a_chord_that_is_rolled_by_a_tick_is_one_chord() -> None:
    rolled = [(24 * i + late, pitch, 24 - late) for i in range(8) for pitch, late in ((55, 0), (59, 1), (64, 1))]
    melody = [(24 * i, 71 + i % 2, 24) for i in range(8)]
    assert left_of(notes_of(melody, rolled)) == {note[:2] for note in rolled}


def test_two_lines_are_shared_by_two_hands_wherever_they_lie() -> None:
    upper, lower = [(12 * i, 84 + i % 3, 12) for i in range(16)], [(24 * i, 72 - i % 2, 24) for i in range(8)]
    assert left_of(notes_of(lower, upper)) == {note[:2] for note in lower}


def test_a_line_whose_notes_overlap_a_little_stays_in_one_hand() -> None:
    assert left_of(notes_of([(24 * i, 72 + (0, 2, 4, 5)[i % 4], 29) for i in range(8)])) == set()


def test_known_hands_are_kept_even_where_they_cross() -> None:
    notes = notes_of([(0, 48, 24), (0, 72, 24), (24, 76, 24), (24, 50, 24)])
    assert left_hand(notes, np.array([UPPER, LOWER, UNKNOWN, LOWER], np.int8)).tolist() == [False, True, True, True]
