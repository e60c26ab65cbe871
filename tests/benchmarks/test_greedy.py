"""Our network's choices turned into the original's tokens."""

from __future__ import annotations

import numpy as np

from benchmarks.greedy import Right, compared, right_tokens
from benchmarks.original import Tokens, tokens, tokens_of
from musiclstm.checkpoint import Checkpoint
from musiclstm.evaluation.likelihood import Evaluator
from musiclstm.model.batches import PREDICTED
from musiclstm.model.vocabulary import DURATION, PITCH, STEP, Vocabulary, encode
from musiclstm.music.notes import Piece, make_notes

VOCABULARY = Vocabulary(steps=(0, 1, 12, 24), durations=(2, 12, 24, 48))
# A triad over a long bass note, then two single notes and a closing octave.
NOTES = [(0, 40, 48), (24, 40, 48), (24, 64, 24), (24, 67, 24), (48, 72, 24), (72, 74, 12), (96, 60, 24), (96, 72, 24)]
PIECE = Piece(make_notes(*zip(*((on, pitch, length, 64) for on, pitch, length in NOTES), strict=True)))
ROWS = encode(PIECE, VOCABULARY)
BASS, TRIAD, FIRST, SECOND, OCTAVE = range(1, 6)  # events after the first note


def one_hand(piece: Piece) -> Tokens:
    """The tokens of a piece if one hand plays it all."""
    return tokens(piece.notes, np.zeros(len(piece), np.int64))


def foretold(*changes: tuple[int, int, int]) -> Right:
    """What is right if the network chooses the truth but for some (row, column, class)."""
    chosen = ROWS[1:, PREDICTED].astype(np.int32)
    for row, column, value in changes:
        chosen[row - 1, column] = value
    return compared(one_hand(PIECE), ROWS, chosen, PIECE.notes["onset"].astype(np.int64), VOCABULARY)


def test_the_truth_is_right_but_for_what_nobody_sees() -> None:
    right = foretold()
    assert right.note.tolist() == [False, True, True, True, True, False]  # the first is given, the last has no end
    assert right.gap.tolist() == right.duration.tolist() == [False, True, True, True, True, True]


def test_one_wrong_pitch_spoils_its_chord_and_no_other() -> None:
    right = foretold((3, PITCH, 0))
    assert np.flatnonzero(~right.note).tolist() == [0, TRIAD, OCTAVE]


def test_a_note_too_many_spoils_the_chord_before() -> None:
    right = foretold((4, STEP, 0))
    assert np.flatnonzero(~right.note).tolist() == [0, TRIAD, OCTAVE]
    assert np.flatnonzero(~right.gap).tolist() == [0, FIRST]


def test_a_note_that_does_not_come_in_time_spoils_a_chord() -> None:
    assert not foretold((3, STEP, 2)).note[TRIAD]


def test_a_single_note_is_right_whenever_it_comes() -> None:
    right = foretold((5, STEP, 2))
    assert right.note[SECOND]
    assert not right.gap[SECOND]


def test_notes_that_would_not_end_together_are_no_chord() -> None:
    right = foretold((3, DURATION, 3))
    assert not right.note[TRIAD]
    assert right.duration[TRIAD]  # the lowest note's


def test_a_chord_that_would_swallow_its_neighbour_is_wrong() -> None:
    right = foretold((1, DURATION, 2))
    assert np.flatnonzero(~right.note).tolist() == [0, BASS, TRIAD, OCTAVE]
    assert not right.duration[BASS]


def test_a_duration_of_the_same_token_is_right() -> None:
    short = Piece(make_notes([0, 24, 48], [60, 62, 64], [24, 4, 24], [64] * 3))
    rows = encode(short, VOCABULARY)
    chosen = rows[1:, PREDICTED].astype(np.int32)
    assert compared(one_hand(short), rows, chosen, short.notes["onset"].astype(np.int64), VOCABULARY).duration[1]


def test_choices_of_a_real_network_agree_with_its_hits(small_checkpoint: Checkpoint, tunes: dict[str, Piece]) -> None:
    evaluator = Evaluator(small_checkpoint, lanes=2)
    pieces = list(tunes.values())
    right = right_tokens(evaluator, pieces)
    for piece, here, scores in zip(pieces, right, evaluator.scores(pieces), strict=True):
        truth, step = tokens_of(piece), encode(piece, small_checkpoint.vocabulary)[:, STEP]
        assert len(here.note) == len(here.gap) == len(here.duration) == len(truth.note)
        # A step is chosen from the true past alone, as in scoring: where it is right, the gap is.
        first = np.unique(truth.event, return_index=True)[1][1:-1]
        step_right, pitch_right = scores.hits[first - 1, STEP], scores.hits[first - 1, PITCH]
        assert here.gap[1:-1][step_right].all()
        # Where the step is right, the pitch was chosen knowing the true one, as in scoring.
        alone = (step[first] > 0) & (step[first + 1] > 0)
        assert here.note[1:-1][alone & step_right & pitch_right & scores.hits[first, STEP]].all()
        assert not here.note[1:-1][alone & step_right & ~pitch_right].any()
