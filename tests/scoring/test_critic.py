"""The critic: it hears figures, and never trusts a file."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from critics import critic_for

from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Metre, Notes, make_notes
from musiclstm.scoring.critic import (
    MOST_HIDDEN,
    MOST_MEMBERS,
    MOST_OPENING,
    SILENT,
    WINDOW,
    Critic,
    figure_names,
    figure_row,
    seed_part,
)

METRE = Metre(0, 4, 4)


def even(bars: int, pitch: int = 60) -> Notes:
    """Four quarters a bar, all the same pitch."""
    count = 4 * bars
    return make_notes(np.arange(count) * 24, [pitch] * count, [24] * count, [64] * count)


def some_critic() -> Critic:
    rng = np.random.default_rng(1)
    f = len(figure_names())
    return Critic(
        mean=rng.normal(size=f),
        spread=rng.uniform(0.5, 2, f),
        hidden=rng.normal(size=(3, f, 8)),
        hidden_bias=rng.normal(size=(3, 8)),
        out=rng.normal(size=(3, 8)),
        out_bias=rng.normal(size=3),
    )


def test_the_score_is_the_mean_of_the_networks() -> None:
    critic, rows = some_critic(), np.random.default_rng(2).normal(scale=9, size=(5, len(figure_names())))
    expected = []
    for row in rows:
        away = np.clip((row - critic.mean) / critic.spread, -4, 4)
        hidden = [np.maximum(away @ critic.hidden[k] + critic.hidden_bias[k], 0) for k in range(3)]
        expected.append(np.mean([hidden[k] @ critic.out[k] + critic.out_bias[k] for k in range(3)]))
    assert critic.log_odds(rows) == pytest.approx(np.array(expected))


def test_an_ear_prefers_what_the_critic_prefers() -> None:
    ear = critic_for("pitch", -1.0).ear(even(4), 4 * 96, METRE)
    # Silence between the others must not shift their scores.
    assert ear([even(2, 50), even(2)[:0], even(2, 70)], 2) == pytest.approx(np.array([-50 / 12, SILENT, -70 / 12]))
    assert ear([even(2)[:0]], 2).tolist() == [SILENT]
    assert critic_for("pitch").ear(even(4)[:0], 4 * 96, METRE)([even(2)], 2).tolist() == [SILENT]


def test_an_ear_hears_the_latest_bars() -> None:
    ear = critic_for("pitch").ear(even(4), 4 * 96, METRE)
    notes = even(WINDOW + 4, 60)
    notes["pitch"][: 4 * 4] = 100  # these are too long ago
    assert ear([notes], WINDOW + 4) == pytest.approx(np.array([5.0]))
    assert ear([notes], WINDOW)[0] > 5.0


def test_a_long_continuation_gets_the_mean_score_of_its_windows() -> None:
    critic, notes = critic_for("pitch"), even(WINDOW + 2, 60)
    notes["pitch"][4 * WINDOW :] = 84
    last = (14 * 60 + 2 * 84) / 16  # the second window is the last sixteen bars
    assert critic.score(even(4), 4 * 96, METRE, notes, WINDOW + 2) == pytest.approx((60 + last) / 2 / 12)


def test_figures_of_silence_are_none() -> None:
    assert figure_row(even(4), 4 * 96, METRE, even(2)[:0], 2) is None
    assert figure_row(even(4)[:0], 4 * 96, METRE, even(2), 2) is None
    row = figure_row(even(4), 4 * 96, METRE, even(2), 2)
    assert row is not None
    assert row.shape == (len(figure_names()),)


def test_a_seed_shorter_than_a_bar_is_heard() -> None:
    assert critic_for("pitch").ear(even(1)[2:], 96, Metre(0, 6, 4))([even(2)], 2) == pytest.approx(np.array([5.0]))


def test_a_seed_of_many_tiny_bars_is_heard_from_its_last_ones_on() -> None:
    tiny = Metre(0, 1, 32)
    opening = seed_part(even(16), 16 * 96, tiny)
    assert opening is not None
    assert opening.bars == MOST_OPENING < 16 * 96 // tiny.bar_ticks
    assert opening.onset[-1] == MOST_OPENING * tiny.bar_ticks - 24


def test_json_keeps_a_critic() -> None:
    critic = some_critic()
    again = Critic.from_json(json.loads(json.dumps(critic.to_json())))
    rows = np.random.default_rng(2).normal(size=(5, len(figure_names())))
    assert again.log_odds(rows) == pytest.approx(critic.log_odds(rows), rel=1e-3, abs=1e-3)
    assert again.to_json() == critic.to_json()


def damage(**changes: Any) -> dict[str, Any]:
    return some_critic().to_json() | changes


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (None, "damaged"),
        ([], "damaged"),
        ({}, "damaged"),
        (damage(mean="much"), "damaged"),
        (damage(hidden=[[1], [1, 2]]), "damaged"),
        (damage(figures=["pitch"]), "other figures"),
        (damage(out=[]), "networks"),
        (damage(out=[[]]), "networks"),
        (damage(out=[[0.0] * (MOST_HIDDEN + 1)]), "networks"),
        (damage(out=[[0.0] * 8] * (MOST_MEMBERS + 1)), "networks"),
        (damage(out_bias=[0.0]), "networks"),
        (damage(mean=[0.0]), "networks"),
        (damage(out_bias=[0.0, float("nan"), 0.0]), "finite"),
        (damage(out_bias=[0.0, 1e9, 0.0]), "finite"),
        (damage(spread=[0.0] * len(figure_names())), "above 0"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(fields: Any, says: str) -> None:
    with pytest.raises(CheckpointError, match=rf"^[^\n]*{says}[^\n]*\.$"):
        Critic.from_json(fields)
