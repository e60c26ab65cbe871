from __future__ import annotations

import pickle

from musiclstm.music.notes import Piece, cut, join, make_notes, transpose
from musiclstm.music.staves import LOWER, UNKNOWN, UPPER, Staves, staves_of

ROWS = [(0, 48, 24, 64), (0, 72, 24, 64), (96, 50, 24, 64), (96, 74, 24, 64)]
STAVES = Staves(upper=frozenset({(0, 72), (96, 74)}), lower=frozenset({(0, 48), (96, 50)}))


def piece(staves: Staves = STAVES) -> Piece:
    return Piece(make_notes(*zip(*ROWS, strict=True)), staves=staves)


def on(music: Piece) -> list[int]:
    return music.staves.of(music.notes).tolist()


def test_notes_keep_their_staves_when_they_are_cut_moved_and_joined() -> None:
    assert on(cut(piece(), 96, 192)) == [LOWER, UPPER]
    assert on(transpose(piece(), -5)) == [LOWER, UPPER, LOWER, UPPER]
    assert on(join(piece(), piece(Staves()), 192)) == [LOWER, UPPER, LOWER, UPPER, *[UNKNOWN] * 4]
    assert on(join(piece(Staves()), piece(), 192)) == [*[UNKNOWN] * 4, LOWER, UPPER, LOWER, UPPER]


def test_staves_make_no_difference_to_what_is_heard() -> None:
    assert piece() == piece(Staves())


def test_staves_survive_another_process() -> None:
    assert on(pickle.loads(pickle.dumps(piece()))) == [LOWER, UPPER, LOWER, UPPER]


def test_two_parts_are_two_hands_only_if_a_hand_can_play_each() -> None:
    hands = [(onset, pitch, int(pitch < 60)) for onset, pitch, *_ in ROWS]
    assert staves_of(hands) == STAVES
    assert not staves_of([(onset, pitch, 0) for onset, pitch, *_ in ROWS])  # one part for both hands
    assert not staves_of([*hands, (0, 48 - 17, 1), (96, 50 - 17, 1)])  # beyond a tenth
    assert not staves_of([*hands, (0, 84, 2)])  # three parts
