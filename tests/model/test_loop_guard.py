"""The loop guard: what it calls a loop, and how it leads out of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from musiclstm.model.features import FeatureSpec, State, advance, initial_state
from musiclstm.model.loop_guard import GUARD, guarded_temperature, is_looping, reluctant
from musiclstm.model.sampling import heated, nucleus, sample
from musiclstm.music.notes import PITCHES

SPEC = FeatureSpec(steps=(0, 6, 12, 24), durations=(12,), velocities=1, horizon=256, recent=8)
after = tf.function(lambda state, row: advance(state, row, SPEC))


def play(pitches: Sequence[int], steps: Sequence[int] | None = None) -> State:
    """The context's state after a melody in eighths, or in the given step classes."""
    state = initial_state(1, SPEC)
    for index, pitch in enumerate(pitches):
        state = after(state, row(pitch, 2 if steps is None else steps[index]))
    return state


def row(pitch: int, step: int = 2) -> Any:
    return tf.constant([[step, pitch, 0, 0, 0, 96]])


def loops(pitches: Sequence[int], steps: Sequence[int] | None = None) -> bool:
    state = play(pitches, steps)
    return bool(is_looping(state["exact"], state["relative"])[0][0])


def expected_next(pitches: Sequence[int]) -> int:
    """The pitch that followed the last round of the loop."""
    state = play(pitches)
    looping, slot = is_looping(state["exact"], state["relative"])
    assert bool(looping[0])
    return int(state["pitch"][0, int(slot[0]) + 1])


ALBERTI = [40, 47, 44, 47, 38, 47, 43, 47]
FIGURE = [40, 44, 47, 52]


def test_one_note_again_and_again_is_a_loop_once_sixteen_of_it_repeat() -> None:
    assert not loops([40] * GUARD.fewest)
    assert loops([40] * (GUARD.fewest + 1))


def test_a_figure_of_four_is_a_loop_once_sixteen_of_its_notes_repeat() -> None:
    assert not loops((FIGURE * 5)[:19])
    assert loops(FIGURE * 5)


def test_an_alberti_bar_may_be_written_three_times_and_is_a_loop_the_fourth_time() -> None:
    assert not loops(ALBERTI * 3)
    assert not loops((ALBERTI * 4)[:-1])
    assert loops(ALBERTI * 4)


def test_a_long_passage_may_be_repeated_until_it_was_copied_for_ninety_six_notes() -> None:
    passage = np.random.default_rng(4).integers(0, PITCHES, 110).tolist()
    copied = passage + passage[: GUARD.longest]
    assert not loops(copied[:-1])
    assert loops(copied)


def test_a_phrase_may_come_twice_and_is_a_loop_once_it_has_begun_a_third_time() -> None:
    phrase = np.random.default_rng(8).integers(0, PITCHES, GUARD.phrase).tolist()
    begun = 2 * phrase + phrase[: len(phrase) // 4]
    assert not loops(begun[:-1])
    assert loops(begun)


def test_a_pattern_that_climbs_may_run_twice_as_long() -> None:
    # Of each round the first note comes by another interval than its model, so one note more is needed.
    assert not loops(range(20, 20 + GUARD.fewest + 1))
    assert loops(range(20, 20 + GUARD.fewest + 2))
    climbing = [pitch + 2 * round_ for round_ in range(9) for pitch in FIGURE]
    assert not loops(climbing[: 4 + 24])
    assert loops(climbing[: 4 + 25])


def test_the_same_notes_in_another_rhythm_are_no_loop() -> None:
    steps = np.random.default_rng(5).integers(1, 4, 32).tolist()
    assert loops(ALBERTI * 4)
    assert not loops(ALBERTI * 4, steps)


def test_music_that_does_not_repeat_is_no_loop() -> None:
    rng = np.random.default_rng(6)
    assert not any(loops(rng.integers(30, 60, 60).tolist()) for _ in range(3))


@pytest.mark.parametrize(("figure", "count"), [([40], 20), (FIGURE, 6), (ALBERTI, 5)])
def test_the_slot_stands_at_the_last_round(figure: list[int], count: int) -> None:
    looped = figure * count
    state = play(looped)
    assert int(is_looping(state["exact"], state["relative"])[1][0]) == SPEC.horizon - 1 - len(figure)
    for extra in range(len(figure)):
        assert expected_next(looped + figure[:extra]) == figure[extra]


def test_the_guard_heats_up_step_by_step_to_a_limit() -> None:
    heat = np.asarray(guarded_temperature(np.full(4, 0.5, np.float32), np.array([0, 1, 2, 99])))
    assert np.allclose(heat, 0.5 * np.array([1, 1.1, 1.21, 1.6]))


def test_the_note_that_would_go_on_is_lowered_more_and_more_and_no_other() -> None:
    logits = np.zeros((3, 5), np.float32)
    lowered = np.asarray(reluctant(logits, np.array([2, 2, -1], np.int32), np.array([1, 4, 9], np.int32)))
    assert lowered.tolist() == [[0, 0, -0.5, 0, 0], [0, 0, -2, 0, 0], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize("figure", [[40], FIGURE, ALBERTI], ids=["one note", "four notes", "alberti"])
def test_the_guard_leads_out_of_a_loop_that_lasts_without_it(figure: list[int]) -> None:
    most = 80
    assert write_in_circles(figure, guard=False, most=most) == most
    assert write_in_circles(figure, guard=True, most=most) < most


def write_in_circles(figure: list[int], *, guard: bool, most: int) -> int:
    """How many notes, at most ``most``, a network that is 99.9 % sure of ``figure`` writes until the first other."""
    rng, state, guarded = np.random.default_rng(7), play(figure), np.zeros(1, np.int32)
    for count in range(most):
        wanted = figure[count % len(figure)]
        logits = np.zeros((1, PITCHES), np.float32)
        logits[0, wanted] = 11.5
        looping, slot = is_looping(state["exact"], state["relative"])
        on = np.asarray(looping) & guard
        guarded = np.where(on, guarded + 1, 0).astype(np.int32)
        expected = np.where(on, np.asarray(state["pitch"])[0, int(slot[0]) + 1], -1).astype(np.int32)
        heat = guarded_temperature(np.ones(1, np.float32), guarded)
        uniform = rng.random(1).astype(np.float32)
        pitch = int(sample(nucleus(heated(reluctant(logits, expected, guarded), heat), np.full(1, 0.98, np.float32)), uniform)[0])
        if pitch != wanted:
            return count
        state = after(state, row(pitch))
    return most
