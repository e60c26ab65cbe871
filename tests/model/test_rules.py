"""The rules of writing: what each filter allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from musiclstm.model.features import FeatureSpec
from musiclstm.model.rules import (
    CALM_TOUCH,
    RULES,
    Moment,
    away_from_the_loop,
    calm_diversity,
    closing_chord,
    diversity,
    filtered,
    guarded_diversity,
    no_step_over_the_last_downbeat,
    room_for_a_chord,
    within_the_passage,
)
from musiclstm.music.notes import LOWEST_PITCH, PITCHES

BAR = 96
SPEC = FeatureSpec(steps=(0, 12, 24, 96), durations=(12, 24), velocities=1)
C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60]  # MIDI pitches


def moment(
    *,
    clock: int = 0,
    begin: int = 0,
    until: int = 4 * BAR,
    end: int = -1,
    pitch: int = 30,
    played: list[int] = C_MAJOR,
    **settings: Any,
) -> Moment:
    """One take whose latest onset stands at tick ``clock``, on key ``pitch`` of 88, after ``played``."""
    memory = np.full((1, SPEC.horizon), -1, np.int32)
    memory[0, -len(played) :] = np.array(played) - LOWEST_PITCH
    durations = np.where(memory < 0, -1, 1).astype(np.int32)
    state = {
        "row": np.array([[0, pitch, 0, 0, 0, BAR]], np.int32),
        "pitch": memory,
        "duration": durations,
        "clock": np.array([clock], np.int32),
        "begin": np.array([begin], np.int32),
        "end": np.array([end], np.int32),
    }
    defaults: dict[str, Any] = {
        "temperature": np.array([1.0], np.float32),
        "top_p": np.ones(1, np.float32),
        "guarded": np.array([0], np.int32),
        "expected": np.array([-1], np.int32),
    }
    return Moment(state, SPEC, np.array([until], np.int32), **defaults | settings)


def steps(rule: Any, now: Moment) -> list[int]:
    """The steps, in ticks, that a rule allows."""
    logits = np.asarray(rule(np.zeros((1, len(SPEC.steps)), np.float32), now))[0]
    return [ticks for ticks, logit in zip(SPEC.steps, logits, strict=True) if logit > -1e8]


def pitches(now: Moment) -> set[int]:
    """The MIDI pitches that the rule of the closing chord allows."""
    logits = np.asarray(closing_chord(np.zeros((1, PITCHES), np.float32), now))[0]
    return set((np.flatnonzero(logits > -1e8) + LOWEST_PITCH).tolist())


def test_the_first_note_waits_for_the_bar_line() -> None:
    assert steps(within_the_passage, moment(clock=-24)) == [24, 96]


def test_the_first_note_comes_before_the_end() -> None:
    assert steps(within_the_passage, moment(clock=-24, until=48)) == [24]


def test_where_no_step_fits_the_first_note_may_come_late() -> None:
    assert steps(within_the_passage, moment(clock=-96, until=0)) == [96]


def test_the_first_note_of_a_later_passage_stands_in_it() -> None:
    assert steps(within_the_passage, moment(clock=72, begin=96, until=192)) == [24, 96]
    assert steps(within_the_passage, moment(clock=96, begin=96, until=192)) == [0, 12, 24, 96]
    assert steps(within_the_passage, moment(clock=48, begin=96, until=108)) == [96]  # later, if nothing fits


def test_once_begun_any_step_may_come() -> None:
    assert steps(within_the_passage, moment(clock=0)) == [0, 12, 24, 96]


@pytest.mark.parametrize(("pitch", "chord"), [(PITCHES - 2, True), (PITCHES - 1, False)])
def test_a_chord_stops_at_the_highest_key(pitch: int, chord: bool) -> None:
    assert (0 in steps(room_for_a_chord, moment(pitch=pitch))) == chord


@pytest.mark.parametrize(("pitch", "chord"), [(PITCHES - 14, True), (PITCHES - 13, False)])
def test_a_closing_chord_keeps_room_for_its_triad(pitch: int, chord: bool) -> None:
    assert (0 in steps(room_for_a_chord, moment(pitch=pitch, clock=3 * BAR, end=4 * BAR))) == chord


def test_a_piece_that_closes_reaches_its_last_downbeat_and_never_steps_over_it() -> None:
    assert steps(no_step_over_the_last_downbeat, moment(clock=3 * BAR - 24, end=4 * BAR)) == [0, 12, 24]
    assert steps(no_step_over_the_last_downbeat, moment(clock=3 * BAR - 24)) == [0, 12, 24, 96]  # an open end
    assert steps(no_step_over_the_last_downbeat, moment(clock=3 * BAR - 24, end=8 * BAR)) == [0, 12, 24, 96]  # a later one


def test_the_last_chord_stands_on_the_tonic() -> None:
    arrives = moment(clock=3 * BAR - 24, end=4 * BAR, step=np.array([2], np.int32))
    assert {pitch % 12 for pitch in pitches(arrives)} == {0}
    goes_on = moment(clock=3 * BAR, end=4 * BAR, step=np.array([0], np.int32))
    assert {pitch % 12 for pitch in pitches(goes_on)} == {0, 4, 7}


def test_the_key_of_the_last_chord_is_that_of_the_music() -> None:
    a_minor = [pitch - 3 for pitch in (60, 62, 63, 65, 67, 68, 71, 72, 67, 63, 60)]
    goes_on = moment(clock=3 * BAR, end=4 * BAR, step=np.array([0], np.int32), played=a_minor)
    assert {pitch % 12 for pitch in pitches(goes_on)} == {9, 0, 4}


def test_before_the_last_bar_every_pitch_may_come() -> None:
    assert len(pitches(moment(clock=2 * BAR, end=4 * BAR, step=np.array([1], np.int32)))) == PITCHES
    assert len(pitches(moment(clock=3 * BAR, step=np.array([1], np.int32)))) == PITCHES


def test_only_the_note_that_would_continue_the_loop_is_lowered() -> None:
    now = moment(guarded=np.array([4], np.int32), expected=np.array([2], np.int32))
    lowered = np.asarray(away_from_the_loop(np.zeros((1, 4), np.float32), now))[0]
    assert lowered.tolist() == [0, 0, -2, 0]


def test_diversity_divides_the_logits_and_the_guard_raises_it() -> None:
    now = moment(temperature=np.array([2.0], np.float32), guarded=np.array([1], np.int32))
    logits = np.array([[1.1, 2.2]], np.float32)
    assert np.allclose(diversity(logits, now), logits / 2)
    assert np.allclose(guarded_diversity(logits, now), logits / 2.2)
    assert np.allclose(calm_diversity(logits, now), logits / CALM_TOUCH)
    assert np.allclose(calm_diversity(logits, moment(temperature=np.array([0.5], np.float32))), logits / 0.5)


def test_every_stream_ends_with_a_temperature_and_top_p() -> None:
    logits = np.log(np.array([[0.15, 0.5, 0.05, 0.3]], np.float32))
    for stream in RULES:
        now = moment(top_p=np.full(1, 0.7, np.float32), step=np.array([1], np.int32))
        classes = np.tile(logits, (1, PITCHES // 4)) if stream == "pitch" else logits
        kept = np.asarray(filtered(stream, classes, now)) > -1e8
        assert 0 < kept.sum() < kept.size, stream


def test_every_rule_says_in_a_sentence_what_it_does() -> None:
    for rule in {rule for rules in RULES.values() for rule in rules}:
        assert (rule.__doc__ or "").strip().endswith("."), rule.__name__
