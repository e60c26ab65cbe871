"""What the network sees besides the last note, on rows made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from musiclstm.model.features import (
    CHROMA,
    LENGTH_EDGES,
    LOOKBACK_BARS,
    MATCHES,
    PLANES,
    RECENCY_TICKS,
    VOTE_DOUBLINGS,
    VOTE_SCALE,
    FeatureSpec,
    State,
    advance,
    initial_state,
    look_ahead,
    observe,
)
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.music.notes import PITCHES

SPEC = FeatureSpec(steps=(0, 6, 12, 24, 48), durations=(6, 12, 24, 96), velocities=8, horizon=32, recent=16)
NO_STEP, NO_DURATION, NO_VELOCITY = len(SPEC.steps), len(SPEC.durations), SPEC.velocities
SOUNDING, STRUCK, RECENT, BACK = 0, 1, 2, 2 + len(RECENCY_TICKS)
QUARTERS = 3  # the step class of 24 ticks
Array = np.ndarray[Any, Any]


def melody(*pitches: int, step: int = QUARTERS, bar: int = 96, duration: int = 1, velocity: int = 4) -> Array:
    """Rows of one pitch after another, the first at place 0 of a bar of ``bar`` ticks."""
    ticks = np.arange(len(pitches)) * SPEC.steps[step]
    columns: list[Any] = [np.full(len(pitches), step), pitches, np.full(len(pitches), duration), np.full(len(pitches), velocity)]
    return np.stack([*columns, ticks % bar, np.full(len(pitches), bar)], axis=1).astype(np.int32)


def after(rows: Array, spec: FeatureSpec = SPEC) -> State:
    """The state after ``rows`` [n, 6], or [lanes, n, 6]."""
    rows = rows if rows.ndim == 3 else rows[None]
    state = initial_state(len(rows), spec)
    for index in range(rows.shape[1]):
        state = advance(state, rows[:, index], spec)
    return state


def seen(rows: Array, spec: FeatureSpec = SPEC) -> dict[str, Any]:
    """The observed features of one lane after ``rows``."""
    return {name: np.asarray(value)[0] for name, value in observe(after(rows, spec), spec).items()}


def ahead(rows: Array, step: int) -> dict[str, Any]:
    """The features of the onset a ``step`` class after ``rows``."""
    return {name: np.asarray(value)[0] for name, value in look_ahead(after(rows), np.array([step], np.int32), SPEC).items()}


def length_class(rows: int, on_metre: bool) -> int:
    return 2 * sum(rows >= edge for edge in LENGTH_EDGES) - 1 + on_metre


# Suggestions


def test_a_suggestion_is_the_row_after_the_longest_match() -> None:
    rows = melody(40, 41, 42, 50, 39, 41, 42, 60, 40, 41, 42)
    rows[3, 2:4] = [2, 7]  # what is suggested has a duration and a velocity of its own
    given = seen(rows)
    # 40 41 42 led to 50 once; 41 42 led to 60 more lately, but agrees for two rows only.
    assert given["exact_pitch"] == 50
    assert (given["exact_step"], given["exact_duration"], given["exact_velocity"]) == (QUARTERS, 2, 7)
    assert given["exact_match"] == length_class(3, on_metre=True)  # eight quarters later, two bars


def test_of_two_equally_long_matches_the_later_one_counts() -> None:
    assert seen(melody(41, 42, 50, 41, 42, 60, 41, 42))["exact_pitch"] == 60


def test_a_match_counts_only_where_the_steps_agree_too() -> None:
    rows = melody(40, 41, 42, 50, 40, 41, 42)
    rows[1, 0] = 2
    given = seen(rows)
    assert given["exact_pitch"] == 50
    assert given["exact_match"] == length_class(1, on_metre=True)
    rows[2, 0] = 2
    assert seen(rows)["exact_match"] == 0


def test_a_match_off_the_metre_has_a_class_of_its_own() -> None:
    assert seen(melody(40, 41, 50, 40, 41))["exact_match"] == length_class(2, on_metre=False)
    assert seen(melody(40, 41, 50, 40, 41, bar=72))["exact_match"] == length_class(2, on_metre=True)


def test_without_a_match_every_class_is_one_past_the_end() -> None:
    for rows in (melody(40), melody(40, 43, 50)):
        given = seen(rows)
        for name in ("exact", "relative"):
            found = [given[f"{name}_{kind}"] for kind in ("step", "pitch", "duration", "velocity", "match")]
            assert found == [NO_STEP, PITCHES, NO_DURATION, NO_VELOCITY, 0]


def test_a_transposed_return_is_found_and_suggested_at_its_own_level() -> None:
    given = seen(melody(40, 42, 45, 44, 70, 47, 49, 52))  # 40 42 45 44 returns seven semitones higher
    assert given["exact_pitch"] == PITCHES
    assert given["relative_pitch"] == 51
    assert given["relative_match"] == length_class(2, on_metre=False)
    assert given["relative_step"] == QUARTERS


def test_one_equal_interval_is_no_relative_match() -> None:
    assert seen(melody(40, 42, 70, 50, 52))["relative_match"] == 0


def test_a_relative_suggestion_outside_the_keyboard_is_none() -> None:
    given = seen(melody(40, 42, 44, 60, 83, 85, 87))
    assert given["relative_pitch"] == PITCHES
    assert given["relative_match"] == 0


def test_what_matches_exactly_is_not_suggested_a_second_time() -> None:
    given = seen(melody(40, 42, 45, 44, 40, 42, 45))
    assert given["exact_pitch"] == 44
    assert given["relative_match"] == 0


@pytest.mark.parametrize("edge", LENGTH_EDGES[:8])
def test_longer_matches_have_higher_classes(edge: int) -> None:
    figure = np.random.default_rng(1).permutation(80)[:edge].tolist()
    given = seen(melody(*figure, 85, *figure), FeatureSpec(SPEC.steps, SPEC.durations, 8, horizon=64, recent=16))
    assert given["exact_match"] == length_class(edge, on_metre=(edge + 1) % 4 == 0)
    assert given["exact_match"] < MATCHES


def test_withholding_hides_suggestions_in_that_lane_only() -> None:
    rows = melody(40, 41, 42, 50, 40, 41, 42)
    state = after(np.stack([rows, rows]))
    open_, hidden = observe(state, SPEC), observe(state, SPEC, np.array([True, False]))
    for name, value in hidden.items():
        free = np.asarray(open_[name])
        assert np.array_equal(np.asarray(value)[1], free[1]), name
        if not name.startswith(("exact", "relative")):
            assert np.array_equal(np.asarray(value)[0], free[0]), name
    assert int(hidden["exact_pitch"][0]) == PITCHES
    assert int(hidden["exact_match"][0]) == 0
    assert int(hidden["exact_pitch"][1]) == 50


def test_a_match_older_than_the_horizon_is_forgotten() -> None:
    short = FeatureSpec(SPEC.steps, SPEC.durations, SPEC.velocities, horizon=8, recent=8)
    figure, filler = [40, 41, 42, 50], list(range(60, 70))
    assert seen(melody(*figure, *filler, *figure[:3]))["exact_pitch"] == 50
    assert seen(melody(*figure, *filler, *figure[:3]), short)["exact_pitch"] == PITCHES


def test_a_longer_horizon_changes_nothing_while_the_piece_fits_the_shorter() -> None:
    rows = melody(*np.random.default_rng(2).integers(40, 44, 30).tolist())
    longer = FeatureSpec(SPEC.steps, SPEC.durations, SPEC.velocities, horizon=50, recent=16)
    left, right = seen(rows), seen(rows, longer)
    for name, value in left.items():
        assert np.array_equal(value, right[name]), name


# Lookback


def test_lookback_shows_what_was_struck_bars_ago_at_the_coming_place() -> None:
    rows = melody(10, 20, 30, 40, 50, step=2, bar=24)  # two notes a bar, at places 0 and 12
    assert LOOKBACK_BARS == (1, 2, 4, 8, 16)
    for step, *back in ((2, 40, 20, None), (3, 50, 30, None), (1, None, None, None), (4, None, 50, 10)):
        board = ahead(rows, step)["next_planes"][:, BACK:]
        for channel, pitch in enumerate((*back, None, None)):
            expected = np.zeros(PITCHES)
            if pitch is not None:
                expected[pitch] = 1
            assert board[:, channel].tolist() == expected.tolist(), (step, LOOKBACK_BARS[channel])


def test_lookback_reaches_sixteen_bars() -> None:
    rows = melody(*(10 + bar for bar in range(17)), step=4, bar=48)  # one note a bar
    board = ahead(rows, 4)["next_planes"][:, BACK:]
    assert [np.flatnonzero(board[:, channel]).tolist() for channel in range(5)] == [[26], [25], [23], [19], [11]]


def test_lookback_shows_all_notes_of_a_chord() -> None:
    rows = melody(10, 14, 17, 60, step=2, bar=24)
    rows[1:3, 0] = 0
    rows[:, 4] = [0, 0, 0, 12]
    assert np.flatnonzero(ahead(rows, 2)["next_planes"][:, BACK]).tolist() == [10, 14, 17]


def test_the_step_taken_one_bar_ago_is_given() -> None:
    rows = melody(10, 20, 30, 40, step=3, bar=48)
    rows[1] = [1, 20, 1, 4, 6, 48]  # onsets 0, 6, 54, 78
    rows[2] = [4, 30, 1, 4, 6, 48]
    rows[3] = [3, 40, 1, 4, 30, 48]
    given = seen(rows[:3])
    assert given["back_1"] == 4  # from place 6 of the bar before it was 48 ticks to the next onset
    assert given["back_2"] == NO_STEP  # two bars ago there was no music yet
    # At place 30 of the bar before nothing was struck: the next onset came 24 ticks later.
    assert seen(rows)["back_1"] == QUARTERS


# The keys


def test_planes_show_what_sounds_what_is_struck_and_how_long_ago() -> None:
    rows = melody(30, 50, step=2, duration=2)  # 24 ticks long, 12 ticks apart
    now, next_, later = seen(rows)["planes"], ahead(rows, 2)["next_planes"], ahead(rows, 3)["next_planes"]
    assert now.shape == (PITCHES, PLANES)
    assert np.flatnonzero(now[:, SOUNDING]).tolist() == [30, 50]
    assert np.flatnonzero(next_[:, SOUNDING]).tolist() == [50]
    assert np.flatnonzero(later[:, SOUNDING]).tolist() == []
    assert np.flatnonzero(now[:, STRUCK]).tolist() == [50]
    assert np.flatnonzero(next_[:, STRUCK]).tolist() == []
    for channel, decay in enumerate(RECENCY_TICKS):
        assert now[50, RECENT + channel] == 1
        assert now[30, RECENT + channel] == pytest.approx(np.exp(-12 / decay))
        assert later[30, RECENT + channel] == pytest.approx(np.exp(-36 / decay))
        assert now[70, RECENT + channel] == 0


def test_pitch_classes_show_the_highest_value_among_their_octaves() -> None:
    rows = melody(3, 30, 51, step=2, duration=2)  # C, D sharp, C: key 0 is A
    now, next_ = seen(rows), ahead(rows, 2)
    assert now["chroma"].shape == (12, CHROMA)
    assert np.flatnonzero(now["chroma"][:, SOUNDING]).tolist() == [3, 6]
    assert np.flatnonzero(now["chroma"][:, STRUCK]).tolist() == [3]
    assert now["chroma"][3, RECENT] == 1  # the later of the two Cs
    assert next_["next_chroma"][6, RECENT] == pytest.approx(np.exp(-24 / RECENCY_TICKS[0]))
    for planes, chroma in (("planes", now["chroma"]), ("next_planes", next_["next_chroma"])):
        board = (now if planes == "planes" else next_)[planes][:, :CHROMA]
        assert chroma.tolist() == [board[pitch::12].max(axis=0).tolist() for pitch in range(12)]


def test_inside_a_chord_only_higher_keys_are_allowed() -> None:
    rows = melody(40, 45)
    chord, later = ahead(rows, 0)["forbidden"], ahead(rows, 1)["forbidden"]
    assert np.flatnonzero(chord).tolist() == list(range(46))
    assert not later.any()


def test_places_count_ticks_in_the_quarter_sixteenths_in_the_bar_and_eighths_of_the_metre() -> None:
    rows = melody(40, 41, 42, 43, step=2, bar=72)
    given, coming = seen(rows), ahead(rows, 2)
    assert (given["phase"], given["place"], given["metre"]) == (36 % 24, 36 // 6, 72 // 12)
    assert (coming["next_phase"], coming["next_place"]) == (0, 48 // 6)
    assert ahead(rows, 4)["next_place"] == 12 // 6  # 84 ticks are 12 in the next bar


# Lanes


def test_lanes_are_independent() -> None:
    rng = np.random.default_rng(6)
    lanes = [melody(*rng.integers(30, 36, 12).tolist(), step=step, bar=bar) for step, bar in ((1, 72), (2, 48), (3, 96))]
    together = {name: np.asarray(value) for name, value in observe(after(np.stack(lanes)), SPEC).items()}
    for lane, rows in enumerate(lanes):
        for name, value in seen(rows).items():
            assert np.array_equal(together[name][lane], value), name


def test_the_spec_of_a_vocabulary_holds_its_ticks() -> None:
    spec = FeatureSpec.of(Vocabulary(steps=(0, 6), durations=(12, 24), velocities=4))
    assert (spec.steps, spec.durations, spec.velocities) == ((0, 6), (12, 24), 4)


# Votes


def shares(votes: Array) -> Array:
    """What a vote was before the logarithm."""
    return (np.exp(np.asarray(votes) * np.log1p(VOTE_SCALE)) - 1) / VOTE_SCALE


def test_votes_are_shared_by_what_followed_every_match_weighted_by_their_length() -> None:
    # After (41, 42) came 50; after 42 alone, before that, 60; then (41, 42) again.
    rows = melody(30, 42, 60, 35, 41, 42, 50, 36, 41, 42)
    votes = shares(ahead(rows, QUARTERS)["next_exact_votes"])
    assert votes.sum() == pytest.approx(1, abs=1e-5)
    assert np.flatnonzero(votes > 1e-6).tolist() == [50, 60]
    assert votes[50] > ((1 << VOTE_DOUBLINGS) - 0.5) * votes[60]  # one row longer, and fresher


def test_votes_count_only_places_that_took_the_same_step() -> None:
    rows = melody(41, 50, 30, 41)
    rows[1, 0] = QUARTERS - 1
    assert shares(ahead(rows, QUARTERS - 1)["next_exact_votes"])[50] == pytest.approx(1, abs=1e-5)
    assert not ahead(rows, QUARTERS)["next_exact_votes"].any()


def test_votes_on_the_step_are_what_followed() -> None:
    rows = melody(41, 50, 30, 41)
    rows[1, 0] = 1
    votes = shares(seen(rows)["exact_step_votes"])
    assert votes[1] == pytest.approx(1, abs=1e-5)


def test_relative_votes_move_with_the_pitch_and_never_off_the_keys() -> None:
    rows = melody(40, 42, 45, 60, 62)  # up two, up three; then up two again from elsewhere
    assert shares(ahead(rows, QUARTERS)["next_relative_votes"])[65] == pytest.approx(1, abs=1e-5)
    rows = melody(40, 42, 45, PITCHES - 4, PITCHES - 2)
    assert not ahead(rows, QUARTERS)["next_relative_votes"].any()


def test_without_a_match_and_where_withheld_there_are_no_votes() -> None:
    assert not ahead(melody(40, 41, 43, 47), QUARTERS)["next_exact_votes"].any()
    state = after(np.stack([melody(41, 50, 30, 41)] * 2))
    hidden = np.array([True, False])
    step = np.array([QUARTERS, QUARTERS], np.int32)
    given = look_ahead(state, step, SPEC, hidden) | observe(state, SPEC, hidden)
    for name in ("next_exact_votes", "next_relative_votes", "exact_step_votes", "relative_step_votes"):
        assert not np.asarray(given[name])[0].any(), name
    assert np.asarray(given["next_exact_votes"])[1].any()
    assert np.asarray(given["exact_step_votes"])[1].any()
