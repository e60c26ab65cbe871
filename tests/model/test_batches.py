"""Lanes of windows: every row predicted once, no window across two pieces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from musiclstm.model.batches import (
    PREDICTED,
    FeatureScanner,
    Part,
    bars_left,
    batch_count,
    iterate_batches,
    plan_lanes,
    prefetch,
    window_count,
)
from musiclstm.model.features import FeatureSpec, advance, initial_state, look_ahead, observe
from musiclstm.model.vocabulary import encode, fit_vocabulary
from musiclstm.music.notes import Piece

LENGTHS = [1, 2, 7, 8, 9, 10, 17, 40, 3, 0, 65, 33]
WINDOW = 8


def numbered(lengths: list[int]) -> Callable[[int], Part]:
    """Pieces whose rows say where they come from: column 0 the piece, column 1 the row."""

    def read(index: int) -> Part:
        rows = np.zeros((lengths[index], 6), np.int16)
        rows[:, 0], rows[:, 1] = index, np.arange(lengths[index])
        return Part(rows, index + 100)

    return read


@pytest.mark.parametrize("lanes", [1, 3, 20])
@pytest.mark.parametrize("shuffled", [False, True])
def test_every_row_after_the_first_is_predicted_exactly_once(lanes: int, shuffled: bool) -> None:
    plan = plan_lanes(LENGTHS, lanes, WINDOW, np.random.default_rng(1) if shuffled else None)
    seen = [np.zeros(length, int) for length in LENGTHS]
    for batch in iterate_batches(plan, WINDOW, numbered(LENGTHS)):
        for piece, row in batch.targets[batch.weight > 0][:, :2]:
            seen[piece][row] += 1
    for counts in seen:
        assert (counts[1:] == 1).all()
        assert (counts[:1] == 0).all()


def test_a_window_holds_one_piece_in_order_and_its_targets_are_the_rows_that_follow() -> None:
    plan = plan_lanes(LENGTHS, 3, WINDOW, np.random.default_rng(2))
    for batch in iterate_batches(plan, WINDOW, numbered(LENGTHS)):
        for lane in range(3):
            size = int(batch.weight[lane].sum())
            assert (batch.weight[lane, :size] == 1).all()  # padding stands at the end only
            rows, targets = batch.rows[lane, :size], batch.targets[lane, :size]
            assert (rows[:, 0] == batch.piece[lane]).all()
            assert (targets[:, 0] == batch.piece[lane]).all()
            assert rows[:, 1].tolist() == list(range(batch.start[lane], batch.start[lane] + size))
            assert (targets[:, 1] == rows[:, 1] + 1).all()
            if size:
                assert (batch.composer[lane] == batch.piece[lane] + 100).all()


def test_a_lane_is_fresh_at_the_beginning_of_a_piece_and_only_there() -> None:
    plan = plan_lanes(LENGTHS, 3, WINDOW)
    before = [-1] * 3
    for batch in iterate_batches(plan, WINDOW, numbered(LENGTHS)):
        for lane in range(3):
            if batch.piece[lane] < 0:
                assert batch.fresh[lane]
                assert not batch.weight[lane].any()
                continue
            assert batch.fresh[lane] == (batch.piece[lane] != before[lane]) == (batch.start[lane] == 0)
            before[lane] = batch.piece[lane]


def test_a_piece_is_read_once_when_its_turn_comes() -> None:
    asked: list[int] = []
    read = numbered(LENGTHS)

    def watched(index: int) -> Part:
        asked.append(index)
        return read(index)

    stream = iterate_batches([[7, 6], [5]], WINDOW, watched)
    next(stream)
    assert asked == [7, 5]
    list(stream)
    assert asked == [7, 5, 6]


@pytest.mark.parametrize(("length", "windows"), [(0, 0), (1, 0), (2, 1), (9, 1), (10, 2), (17, 2), (18, 3)])
def test_the_last_row_needs_no_window(length: int, windows: int) -> None:
    assert window_count(length, WINDOW) == windows
    assert len(list(iterate_batches([[0]], WINDOW, numbered([length])))) == windows


def test_the_number_of_batches_is_known_beforehand() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        lengths = rng.integers(0, 100, 30).tolist()
        plan = plan_lanes(lengths, 4, WINDOW, rng)
        assert batch_count(lengths, plan, WINDOW) == len(list(iterate_batches(plan, WINDOW, numbered(lengths))))
    assert batch_count([], [], WINDOW) == 0


def test_lanes_are_about_equally_long_and_hold_every_piece_once() -> None:
    lengths = np.random.default_rng(3).integers(2, 2000, 200).tolist()
    plan = plan_lanes(lengths, 8, WINDOW, np.random.default_rng(4))
    assert sorted(index for lane in plan for index in lane) == list(range(200))
    loads = [sum(window_count(lengths[index], WINDOW) for index in lane) for lane in plan]
    assert max(loads) - min(loads) <= 0.01 * max(loads)


def test_a_plan_depends_on_the_generator_alone() -> None:
    lengths = np.random.default_rng(3).integers(2, 200, 60).tolist()
    plans = [plan_lanes(lengths, 4, WINDOW, np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert plan_lanes(lengths, 4, WINDOW) == plan_lanes(lengths, 4, WINDOW)


def test_bars_left_count_the_bar_lines_until_the_last_row() -> None:
    steps = (0, 12, 24, 96, 300, 48)
    #        step class, pitch, duration, velocity, position, bar: 4/4, then 3/4
    rows = np.array(
        [
            [0, 0, 0, 0, 0, 96],
            [2, 0, 0, 0, 24, 96],
            [3, 0, 0, 0, 24, 96],  # a bar on
            [4, 0, 0, 0, 36, 96],  # three bars on: 24 + 300 = 3 * 96 + 36
            [0, 5, 0, 0, 36, 96],
            [2, 0, 0, 0, 60, 96],
            [5, 0, 0, 0, 12, 72],  # the bar line before a new metre is one of the old
            [3, 0, 0, 0, 36, 72],
        ],
        np.int16,
    )
    assert bars_left(rows, steps).tolist() == [6, 6, 5, 2, 2, 2, 1, 0]
    assert bars_left(rows[:1], steps).tolist() == [0]


def test_the_ending_is_given_in_classes_and_left_out_in_padding() -> None:
    left = np.arange(20, -1, -1, dtype=np.int32)
    part = Part(np.zeros((21, 6), np.int16), 0, left)
    classes = np.concatenate([batch.ending for batch in iterate_batches([[0]], 8, lambda _: part)], axis=1)[0]
    assert classes[:20].tolist() == [6] * 12 + [5] * 4 + [4] * 2 + [3, 2]
    assert not classes[20:].any()
    silent = next(iterate_batches([[0]], 8, lambda _: Part(part.rows)))
    assert not silent.ending.any()


# Features of whole windows


def test_features_of_windows_are_those_of_the_rows_one_by_one(tunes: dict[str, Piece]) -> None:
    vocabulary = fit_vocabulary(tunes.values())
    spec = FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities, horizon=64, recent=32)
    music = [encode(tunes[name], vocabulary) for name in ("march", "waltz", "jig")]
    scanner = FeatureScanner(spec, lanes=2)
    # One lane goes on to the jig after the waltz, so what is carried has to be forgotten there.
    plan = [[0], [1, 2]]
    step = tf.function(lambda state, row: advance(state, row, spec))
    compared = 0
    for batch in iterate_batches(plan, 16, lambda index: Part(music[index])):
        inputs = scanner.inputs(batch)
        assert (inputs["next_pitch"] == batch.targets[..., PREDICTED.index(1)]).all()
        for lane in range(2):
            size = int(batch.weight[lane].sum())
            if not size:
                continue
            state, rows = initial_state(1, spec), music[batch.piece[lane]].astype(np.int32)
            last = batch.start[lane] + size - 1
            for row in rows[: last + 1]:
                state = step(state, row[None])
            alone = observe(state, spec) | look_ahead(state, rows[last + 1, 0][None], spec)
            for name, value in alone.items():
                assert np.allclose(inputs[name][lane, size - 1], np.asarray(value)[0], atol=1e-6), name
                compared += 1
    assert compared > 100


# Made ahead


def test_prefetched_items_are_the_same_in_the_same_order() -> None:
    assert list(prefetch(iter(range(5)))) == [0, 1, 2, 3, 4]
    assert list(prefetch(iter([]))) == []
    assert list(prefetch(iter([None, 0, None]))) == [None, 0, None]


def test_an_item_is_made_while_the_one_before_it_is_used() -> None:
    made: list[int] = []
    started = threading.Event()

    def items() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            if number == 1:
                started.set()
            yield number

    stream = prefetch(items())
    assert next(stream) == 0
    assert started.wait(5)
    assert made[:2] == [0, 1]
    assert list(stream) == [1, 2]


def test_an_error_in_making_an_item_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    stream = prefetch(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_stopping_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    stream = prefetch(iter(range(9)))
    next(stream)
    stream.close()
    assert threading.active_count() == before
