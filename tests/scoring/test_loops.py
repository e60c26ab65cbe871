"""Repetition in music with planted loops, figures and runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from musiclstm.music.notes import Piece, join, make_notes, transpose
from musiclstm.scoring import loops


def line(pitches: list[int], step: int = 12) -> Piece:
    """One note after another, each ``step`` ticks long."""
    count = len(pitches)
    return Piece(make_notes(np.arange(count) * step, pitches, [step] * count, [64] * count))


def noise(count: int, random_seed: int = 1) -> list[int]:
    """Random pitches."""
    return np.random.default_rng(random_seed).integers(21, 109, count).tolist()


def test_one_repeated_note_is_the_smallest_loop() -> None:
    found = loops.scores(line([60] * 100))
    assert loops.loop_period(loops.rows(line([60] * 100))) == 1
    assert found["looping"] == 1.0
    assert found["longest_run"] == 99  # the first note has no step before it
    assert found["repeated_figures"] == pytest.approx(95 / 97)
    assert found["distinct_4"] == pytest.approx(2 / 97)
    assert found["looped_share"] == pytest.approx(95 / 100)
    assert found["compression"] > 10


def test_random_music_does_not_repeat() -> None:
    found = loops.scores(line(noise(300)))
    assert (found["looping"], found["looped_share"], found["repeated_figures"], found["distinct_4"]) == (0.0, 0.0, 0.0, 1.0)
    assert found["longest_run"] <= 2
    assert found["compression"] < 2.2  # random pitches: only the steps, all equal, compress


@pytest.mark.parametrize("period", [2, 3, 7, 16])
def test_a_loop_occurs_five_times_in_succession(period: int) -> None:
    once = list(range(60, 60 + period))
    before = noise(20)
    assert loops.loop_period(loops.rows(line(before + 5 * once))) == period
    assert loops.loop_period(loops.rows(line(before + 4 * once))) == 0
    assert loops.loop_period(loops.rows(line(before + 5 * once + [30]))) == 0


def test_a_loop_that_has_ended_shows_only_in_the_share() -> None:
    found = loops.scores(line(noise(50) + [60, 64, 67] * 10 + noise(20, 2)))
    assert found["looping"] == 0.0
    assert found["looped_share"] == pytest.approx((30 - 15 + 1) / 100, abs=0.02)


def test_one_pitch_in_changing_rhythm_is_not_a_loop() -> None:
    steps = np.random.default_rng(1).permutation(100) + 1
    piece = Piece(make_notes(np.cumsum(steps), [60] * 100, [1] * 100, [64] * 100))
    assert loops.scores(piece)["looping"] == 0.0
    assert loops.scores(piece)["longest_run"] == 1


def test_figures_repeat_within_two_hundred_notes_and_not_beyond() -> None:
    figure = [60, 72, 65, 79]
    for gap, expected in ((190, 1), (250, 0)):
        between = [pitch for pitch in noise(2 * gap) if pitch not in figure][:gap]
        all_rows = loops.rows(line([40, *figure, *between, *figure]))
        assert round(loops.repeated_figures(all_rows) * (len(all_rows) - 3)) == expected


def test_the_seed_counts_as_past_music_and_is_not_scored() -> None:
    seed, copied, own = noise(40), noise(40), noise(40, 2)
    again, new = loops.scores(line(seed + copied), 40), loops.scores(line(seed + own), 40)
    # The first figure differs: its first note has a step from the seed, while the seed's own first note has none.
    assert again["repeated_figures"] == pytest.approx(36 / 37)
    assert new["repeated_figures"] == 0.0
    assert again["compression"] > 3 * new["compression"]
    assert again["distinct_4"] == new["distinct_4"] == 1.0
    assert loops.scores(line([60] * 40 + own), 40)["looped_share"] == 0.0


def test_a_loop_may_begin_in_the_seed() -> None:
    figure = [60, 64, 67, 72]
    assert loops.scores(line(noise(10) + 5 * figure), 10 + 4 * 4)["looping"] == 1.0


def test_a_joined_piece_is_scored_from_the_given_row_on() -> None:
    seed, continuation = line(noise(16)), line(noise(16))
    whole = join(seed, continuation, 16 * 12)
    assert loops.scores(whole, 16)["repeated_figures"] == pytest.approx(12 / 13)


def test_a_transposed_copy_repeats_as_much() -> None:
    piece = line([pitch % 40 + 40 for pitch in noise(60)] + [60, 64, 67] * 8)
    moved = transpose(piece, 5)
    for name, value in loops.scores(piece).items():
        assert loops.scores(moved)[name] == pytest.approx(value, rel=0.05 if name == "compression" else 1e-12)


def test_too_little_music_has_no_figures() -> None:
    found = loops.scores(line([60, 62]))
    assert math.isnan(found["repeated_figures"])
    assert math.isnan(found["distinct_4"])
    assert found["looping"] == 0.0
    assert set(found) == set(loops.SCORES)
    assert all(math.isnan(loops.scores(line([60, 62]), 2)[name]) for name in ("looping", "looped_share", "compression"))
