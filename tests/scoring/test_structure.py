"""Bars that return after a known number of bars are found there, in any key."""

from __future__ import annotations

import math

import numpy as np
import pytest

from musiclstm.music.notes import Metre, Piece, make_notes, transpose
from musiclstm.scoring import structure

BAR = 96


def song(bars: list[list[tuple[int, int]]], quarters: int = 4) -> Piece:
    """Bars of (onset in ticks, pitch), each ``quarters`` long."""
    metre = Metre(0, quarters, 4)
    notes = [(index * metre.bar_ticks + onset, pitch) for index, bar in enumerate(bars) for onset, pitch in bar]
    onset, pitch = zip(*notes, strict=True)
    return Piece(make_notes(onset, pitch, [12] * len(notes), [64] * len(notes)), metres=(metre,))


def random_bars(count: int, random_seed: int = 1) -> list[list[tuple[int, int]]]:
    rng = np.random.default_rng(random_seed)
    return [
        [(int(onset), int(rng.integers(48, 84))) for onset in sorted(rng.choice(BAR, 8, replace=False))] for _ in range(count)
    ]


@pytest.mark.parametrize("distance", structure.DISTANCES)
def test_bars_that_return_after_a_distance_are_alike_at_it(distance: int) -> None:
    found = structure.scores(song(random_bars(distance) * (16 // distance)))
    for view in structure.VIEWS:
        assert found[f"{view}_{distance}"] == pytest.approx(1.0)
        for shorter in structure.DISTANCES:
            if shorter < distance:
                assert found[f"{view}_{shorter}"] < 0.8


def test_random_music_shares_few_onsets_and_no_notes() -> None:
    found = structure.scores(song(random_bars(24)))
    assert all(found[f"rhythm_{distance}"] < 0.15 and found[f"notes_{distance}"] < 0.02 for distance in structure.DISTANCES)


def test_the_similarity_of_two_bars_matches_a_count_by_hand() -> None:
    one = [(0, 60), (0, 64), (24, 67), (48, 72)]
    other = [(0, 60), (24, 65), (72, 67)]
    found = structure.scores(song([one, other]))
    assert found["rhythm_1"] == pytest.approx(2 / 4)  # 0 and 24 of 0, 24, 48, 72
    assert found["notes_1"] == pytest.approx(1 / 6)  # (0, 60) of six different ones
    # Pitch classes c 2, e 1, g 1 and c 1, f 1, g 1.
    assert found["harmony_1"] == pytest.approx((2 * 1 + 1 * 1) / math.sqrt(6 * 3))
    assert math.isnan(found["rhythm_2"])


def test_the_same_rhythm_in_another_harmony_is_alike_in_rhythm_only() -> None:
    rhythm = (0, 24, 36, 72)
    bars = [[(onset, 60 if index % 2 else 66) for onset in rhythm] for index in range(8)]
    found = structure.scores(song(bars))
    assert (found["rhythm_1"], found["harmony_1"], found["notes_1"]) == (1.0, 0.0, 0.0)
    assert (found["rhythm_2"], found["harmony_2"], found["notes_2"]) == pytest.approx((1.0, 1.0, 1.0))


def test_a_transposed_copy_has_the_same_structure() -> None:
    piece = song([*random_bars(8), *random_bars(4), *random_bars(12, 2)])
    assert structure.scores(transpose(piece, 5)) == pytest.approx(structure.scores(piece))


def test_a_continuation_is_compared_with_its_seed_which_is_not_scored() -> None:
    seed, own = random_bars(8), random_bars(8, 2)
    assert structure.scores(song(seed + seed), 8 * BAR)["notes_8"] == pytest.approx(1.0)
    assert structure.scores(song(seed[:1] * 8 + own), 8 * BAR)["notes_1"] < 0.05
    assert structure.scores(song(seed[:1] * 8 + own))["notes_1"] > 0.4


def test_a_silent_bar_resembles_no_other_and_two_of_them_are_not_counted() -> None:
    bar = [(0, 60), (48, 67)]
    assert structure.scores(song([bar, [], bar]))["rhythm_1"] == 0.0
    assert structure.scores(song([bar, bar, [], [], bar, bar]))["rhythm_1"] == pytest.approx(2 / 4)


def test_bars_follow_the_metre() -> None:
    bars = [[(onset, 60 + index) for onset in (0, 12, 48)] for index in range(4)]
    assert structure.scores(song(bars, 3))["rhythm_1"] == 1.0
    assert structure.scores(song(bars, 4))["rhythm_1"] == 1.0
    assert structure.scores(Piece(song(bars, 3).notes))["rhythm_1"] < 0.6  # read in 4/4


def test_without_notes_nothing_is_alike() -> None:
    found = structure.scores(Piece(make_notes([], [], [], [])))
    assert set(found) == set(structure.SCORES)
    assert all(math.isnan(value) for value in found.values())
