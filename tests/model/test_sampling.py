"""From logits to a choice: temperature, top-p, one sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from musiclstm.model.loop_guard import GUARD
from musiclstm.model.sampling import heated, mask, nucleus, sample

Array = np.ndarray[Any, Any]


def chosen(logits: Sequence[float], uniform: Array, *, temperature: float = 1.0, top_p: float = 1.0) -> Array:
    """One choice for each number of ``uniform``, all from the same ``logits``."""
    many = np.tile(np.asarray(logits, np.float32), (len(uniform), 1))
    heat = np.full(len(uniform), temperature, np.float32)
    return np.asarray(sample(nucleus(heated(many, heat), np.full(len(many), top_p, np.float32)), uniform.astype(np.float32)))


EVERYWHERE = np.linspace(0, 1, 2001, endpoint=False)

# Choosing


def test_a_temperature_near_0_takes_the_likeliest() -> None:
    logits = np.random.default_rng(1).normal(size=40).tolist()
    assert set(chosen(logits, EVERYWHERE, temperature=1e-3)) == {int(np.argmax(logits))}


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.05, {1}), (0.49, {1}), (0.51, {1, 3}), (0.79, {1, 3}), (0.81, {0, 1, 3}), (0.96, {0, 1, 2, 3}), (1.0, {0, 1, 2, 3})],
)
def test_top_p_keeps_the_smallest_set_that_holds_the_share(top_p: float, kept: set[int]) -> None:
    logits = np.log([0.15, 0.5, 0.05, 0.3]).tolist()
    assert set(chosen(logits, EVERYWHERE, top_p=top_p)) == kept


def test_top_p_is_taken_after_the_temperature() -> None:
    logits = (np.log([0.15, 0.5, 0.05, 0.3]) * 2).tolist()
    assert set(chosen(logits, EVERYWHERE, temperature=2.0, top_p=0.79)) == {1, 3}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_choices_follow_the_probabilities(temperature: float) -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=8)
    probabilities = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    draws = 40_000
    counts = np.bincount(chosen(logits.tolist(), rng.random(draws), temperature=temperature), minlength=8)
    chi_square = ((counts - draws * probabilities) ** 2 / (draws * probabilities)).sum()
    assert chi_square < 24.3  # 7 degrees of freedom: exceeded once in a thousand


def test_kept_classes_keep_their_proportions() -> None:
    counts = np.bincount(chosen(np.log([0.15, 0.5, 0.05, 0.3]).tolist(), EVERYWHERE, top_p=0.79), minlength=4) / len(EVERYWHERE)
    assert np.allclose(counts, [0, 0.625, 0, 0.375], atol=1e-3)


def test_a_class_out_of_reach_is_never_chosen() -> None:
    logits = np.asarray(mask(np.array([[50.0, 1.0, 0.0, 40.0]]), np.array([[False, True, True, False]])))[0]
    for temperature in (0.1, 1.0, 2.0 * GUARD.hottest):
        assert set(chosen(logits.tolist(), EVERYWHERE, temperature=temperature)) <= {1, 2}
    assert set(chosen([-1e9, -1e9, 3.0], EVERYWHERE, temperature=3.2)) == {2}


def test_the_ends_of_the_uniform_range_stay_inside_the_kept_classes() -> None:
    ends = np.array([0.0, np.nextafter(np.float32(1), np.float32(0))])
    assert chosen([-1e9, 0.0, 0.0, -1e9], ends).tolist() == [1, 2]
    assert chosen([-1e9, 0.0, -20.0, -20.0], ends, top_p=0.9).tolist() == [1, 1]


def test_nearby_numbers_give_the_same_or_a_nearby_class() -> None:
    assert (np.diff(chosen(np.random.default_rng(3).normal(size=30).tolist(), EVERYWHERE)) >= 0).all()


def test_lanes_choose_from_their_own_logits_at_their_own_temperature() -> None:
    logits = np.array([[0.0, 3.0, 0.0], [9.0, 0.0, 0.0]], np.float32)
    picked = sample(heated(logits, np.array([100.0, 0.1], np.float32)), np.array([0.999, 0.999], np.float32))
    assert np.asarray(picked).tolist() == [2, 0]
