"""MusPy's features on music small enough to count by hand, and overlapping areas of sets whose agreement is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from musiclstm.errors import OptionError
from musiclstm.music.notes import Metre, Piece, make_notes, transpose
from musiclstm.scoring import musicality
from musiclstm.scoring.musicality import EXTRAS, FEATURES, features, halved_areas, overlap, overlapping_area, random_halves

Q = 24


def piece(*notes: tuple[float, int, float], metre: tuple[int, int] = (4, 4)) -> Piece:
    """Notes as (onset in quarters, pitch, duration in quarters)."""
    onset, pitch, duration = zip(*notes, strict=True) if notes else ((), (), ())
    ticks = [round(x * Q) for x in onset], pitch, [round(x * Q) for x in duration], [64] * len(notes)
    return Piece(make_notes(*ticks), metres=(Metre(0, *metre),))


# MusPy's features


def test_pitch_class_entropy_is_two_bits_for_four_equal_classes_in_any_octave() -> None:
    assert musicality.pitch_class_entropy(piece((0, 60, 1), (1, 64, 1), (2, 67, 1), (3, 70, 1))) == pytest.approx(2.0)
    assert musicality.pitch_class_entropy(piece((0, 60, 1), (1, 72, 1), (2, 48, 1))) == 0.0
    # Three in four: 0.75 * log2(4 / 3) + 0.25 * 2
    assert musicality.pitch_class_entropy(piece((0, 60, 1), (1, 60, 1), (2, 72, 1), (3, 67, 1))) == pytest.approx(
        0.811278, abs=1e-6
    )


def test_scale_consistency_is_the_share_within_the_best_scale() -> None:
    scale = [(float(i), pitch, 1.0) for i, pitch in enumerate((62, 64, 66, 67, 69, 71, 73))]
    assert musicality.scale_consistency(piece(*scale)) == 1.0
    # D major with one F natural: seven of eight.
    assert musicality.scale_consistency(piece(*scale, (7, 65, 1))) == pytest.approx(7 / 8)
    chromatic = [(float(i), 60 + i, 1.0) for i in range(12)]
    assert musicality.scale_consistency(piece(*chromatic)) == pytest.approx(7 / 12)


def test_polyphony_is_the_mean_number_of_pitches_while_any_sounds() -> None:
    # A quarter of three notes, a quarter of one, a quarter of silence that does not count.
    assert musicality.polyphony(piece((0, 60, 2), (0, 64, 1), (0, 67, 1), (3, 60, 1))) == pytest.approx((3 + 1 + 1) / 3)


def test_an_empty_beat_is_a_quarter_without_sound_and_the_beat_of_the_last_end_counts() -> None:
    # Quarters 0 to 4: sound in 0, in 1 only the end of the first note, none in 2; 3 and, as its end, 4.
    assert musicality.empty_beat_rate(piece((0, 60, 1), (3, 60, 1))) == pytest.approx(1 / 5)
    assert musicality.empty_beat_rate(piece((0, 60, 0.9), (3, 60, 0.9))) == pytest.approx(2 / 4)
    assert musicality.empty_beat_rate(piece((0, 60, 8))) == 0.0


def test_groove_is_one_for_equal_bars_and_falls_by_the_ticks_that_differ() -> None:
    same = piece(*[(bar * 3 + beat, 60 + bar, 0.5) for bar in range(3) for beat in range(3)], metre=(3, 4))
    assert musicality.groove_consistency(same) == 1.0
    # The second bar lacks one onset and has another: two of 72 ticks.
    other = piece((0, 60, 0.5), (1, 62, 0.5), (3, 60, 0.5), (4.5, 62, 0.5), metre=(3, 4))
    assert musicality.groove_consistency(other) == pytest.approx(1 - 2 / 72)
    # A note that ends on the bar line adds an empty third bar: nothing, then two onsets, of 2 x 72 ticks.
    ended = piece((0, 60, 0.5), (1, 62, 0.5), (3, 60, 0.5), (4, 62, 2), metre=(3, 4))
    assert musicality.groove_consistency(ended) == pytest.approx(1 - 2 / 144)


def test_the_other_features_are_plain_counts_and_means() -> None:
    found = features(piece((0, 50, 1), (1, 60, 0.5), (4, 74, 1.5), (4, 62, 3)))
    assert found["pitch_range"] == 24
    assert found["notes_per_bar"] == 4 / 2
    assert found["mean_duration"] == pytest.approx(6 / 4)
    assert found["mean_velocity"] == 64


def test_a_transposed_copy_has_the_same_features() -> None:
    rng = np.random.default_rng(1)
    pitches, lengths = rng.integers(50, 80, 60), rng.choice([0.2, 1.0], 60)
    original = piece(*[(i / 4, int(p), float(d)) for i, (p, d) in enumerate(zip(pitches, lengths, strict=True))])
    assert features(transpose(original, 3)) == pytest.approx(features(original))


def test_features_of_no_notes_are_undefined() -> None:
    found = features(piece())
    assert set(found) == {*FEATURES, *EXTRAS}
    assert all(math.isnan(value) for value in found.values())
    assert math.isnan(features(piece((0, 60, 1)))["groove_consistency"])


# Overlapping areas


def test_the_area_of_a_set_with_itself_is_one() -> None:
    values = np.random.default_rng(1).normal(size=300)
    assert overlapping_area(values, values) == pytest.approx(1.0)
    assert overlapping_area(np.zeros(5), np.zeros(5)) == 1.0


def test_sets_far_apart_share_no_area() -> None:
    rng = np.random.default_rng(1)
    assert overlapping_area(rng.normal(0, 1, 300), rng.normal(20, 1, 300)) < 1e-3
    assert overlapping_area(np.zeros(5), np.ones(5)) < 1e-3


def test_a_constant_among_few_others_overlaps_as_much_as_they_share() -> None:
    mostly, always = np.array([0.0] * 90 + [1.0] * 10), np.zeros(100)
    assert overlapping_area(mostly, always) == pytest.approx(0.9, abs=0.02)


def test_the_area_is_that_of_two_sums_of_gaussians() -> None:
    rng = np.random.default_rng(1)
    sets = rng.normal(0, 1, 400), rng.gamma(2.0, 1.0, 400)
    width = math.sqrt((sets[0].var(ddof=1) + sets[1].var(ddof=1)) / 2) * 400**-0.2
    grid = np.linspace(-10, 20, 6001)
    densities = [np.exp(-0.5 * ((grid[:, None] - s) / width) ** 2).mean(axis=1) / width / math.sqrt(2 * math.pi) for s in sets]
    assert overlapping_area(*sets) == pytest.approx(np.minimum(*densities).sum() * 0.005, abs=2e-3)


def test_two_normal_sets_share_the_area_of_their_curves() -> None:
    rng = np.random.default_rng(1)
    area = overlapping_area(rng.normal(0, 1, 40_000), rng.normal(2, 1, 40_000))
    assert area == pytest.approx(math.erfc(1 / math.sqrt(2)), abs=0.03)  # twice the tail beyond one deviation: 0.317


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(OptionError, match="not 0 and 3"):
        overlapping_area(np.zeros(0), np.ones(3))


# Human music compared with itself


def music(seed: int, count: int = 60, shift: float = 0.0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, spread, (count, 2))


def drawn(resamples: int, count: int = 60) -> np.ndarray:
    """Weights of a bootstrap that draws seeds."""
    return np.random.default_rng(2).multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)


def test_halves_are_equally_large_and_drawn_independently() -> None:
    halves = random_halves(10, 50, np.random.default_rng(1))
    assert (halves.sum(axis=1) == 5).all()
    assert len({tuple(half) for half in halves.tolist()}) > 40


def test_music_like_human_music_reaches_the_ceiling() -> None:
    found = overlap(music(1), music(2), drawn(20), np.random.default_rng(1))
    assert found.areas[1].min() > 0.85
    assert found.areas[0] == pytest.approx(found.areas[1], abs=0.05)


def test_human_music_itself_scores_exactly_the_ceiling() -> None:
    found = overlap(music(1), music(1), drawn(20), np.random.default_rng(1))
    assert found.areas[0] == pytest.approx(found.areas[1], abs=1e-12)


@pytest.mark.parametrize(("shift", "spread", "most"), [(6.0, 1.0, 0.1), (1.5, 1.0, 0.85), (0.0, 0.0, 0.9), (0.0, 4.0, 0.6)])
def test_other_music_stays_below_the_ceiling(shift: float, spread: float, most: float) -> None:
    found = overlap(music(1), music(2, shift=shift, spread=spread), drawn(2), np.random.default_rng(1))
    assert (found.areas[0] < most).all()
    assert (found.areas[1] > 0.85).all()


def test_a_seed_is_never_compared_with_itself() -> None:
    two = np.array([[0.0, 0.0], [1.0, 1.0]] * 2)
    alone = np.array([[True, True, False, False]])
    # The one distance within {0, 1} is 1, those across are 0, 1, 1, 0: half in common, however often the seeds are drawn.
    assert halved_areas(two, two, alone, np.array([3.0, 3.0, 3.0, 3.0]))[1] == pytest.approx(0.5, abs=0.1)


def test_a_weight_of_three_equals_a_seed_given_three_times() -> None:
    human, generated, half = music(1, 4), music(2, 4), np.array([[True, True, False, False]])
    repeated = [0, 1, 2, 2, 2, 3]
    long_half = np.array([[True, True, False, False, False, False]])
    weighted = halved_areas(human, generated, half, np.array([1.0, 1.0, 3.0, 1.0]))
    assert weighted == pytest.approx(halved_areas(human[repeated], generated[repeated], long_half, np.ones(6)))


def test_resampled_areas_surround_the_estimate_and_more_seeds_narrow_them() -> None:
    widths = []
    for count in (16, 128):
        found = overlap(music(1, count), music(2, count), drawn(40, count), np.random.default_rng(1))
        assert found.resampled.mean(axis=0) == pytest.approx(found.areas)
        widths.append(found.resampled.std(axis=0).mean())
    assert widths[1] < widths[0]


def test_eight_seeds_are_enough_and_seven_are_not() -> None:
    found = overlap(music(1, 8), music(2, 8), drawn(200, 8), np.random.default_rng(1))
    assert np.isfinite(found.resampled).all()
    with pytest.raises(OptionError, match="at least 8"):
        overlap(music(1, 7), music(2, 7), drawn(200, 7), np.random.default_rng(1))
