"""Takes are ranked by similarity to human continuations: the distance from the mean of their distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Piece, join, make_notes, transpose
from musiclstm.scoring.ranking import FEWEST, TRAITS, Ranking, fit_ranking, traits

BAR = 96


def tune(seed: int, bars: int = 8, low: int = 55, high: int = 79) -> Piece:
    """Eighths in C major that move by small steps: a little like music."""
    rng = np.random.default_rng(seed)
    scale = [pitch for pitch in range(low, high) if pitch % 12 in (0, 2, 4, 5, 7, 9, 11)]
    places = np.clip(np.cumsum(rng.integers(-2, 3, bars * 8)) + len(scale) // 2, 0, len(scale) - 1)
    velocity = rng.integers(60, 80, bars * 8)
    return Piece(make_notes(np.arange(bars * 8) * 12, [scale[place] for place in places], [12] * (bars * 8), velocity))


def continued(seed: Piece, continuation: Piece) -> tuple[Piece, int]:
    return join(seed, continuation, 4 * BAR), 4 * BAR


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    """The ranking measured on tunes of eight bars, four bars after a seed of four."""
    fitted = fit_ranking([(tune(seed), 4 * BAR) for seed in range(FEWEST + 20)])
    assert fitted is not None
    return fitted


@pytest.fixture(scope="module")
def seed() -> Piece:
    return tune(1000, bars=4)


def test_the_most_typical_continuation_scores_zero(seed: Piece) -> None:
    piece, split = continued(seed, tune(5, bars=4))
    here = traits(piece, split)
    assert Ranking(here, np.ones(len(TRAITS)), np.eye(len(TRAITS))).score(piece, split) == 0
    one_off = Ranking(here - np.eye(len(TRAITS))[0], np.ones(len(TRAITS)), np.eye(len(TRAITS)))
    assert one_off.score(piece, split) == pytest.approx(-1)


def test_similar_music_scores_above_one_note_another_key_and_noise(ranking: Ranking, seed: Piece) -> None:
    count = 32
    loop = Piece(make_notes(np.arange(count) * 12, [60] * count, [12] * count, [70] * count))
    rng = np.random.default_rng(0)
    noise = Piece(make_notes(np.arange(4 * count) * 3, rng.integers(21, 109, 4 * count), [3] * 4 * count, [70] * 4 * count))
    for number in range(5):
        good = ranking.score(*continued(seed, tune(2000 + number, bars=4)))
        for worse in (loop, noise, transpose(tune(2000 + number, bars=4), 6)):
            assert ranking.score(*continued(seed, worse)) < good


def test_the_score_does_not_depend_on_the_key(ranking: Ranking, seed: Piece) -> None:
    piece, split = continued(seed, tune(7, bars=4))
    assert ranking.score(transpose(piece, 5), split) == pytest.approx(ranking.score(piece, split))


def test_a_continuation_without_notes_has_a_score_too(ranking: Ranking, seed: Piece) -> None:
    silent = replace(seed, notes=seed.notes[:0])
    assert np.isfinite(ranking.score(*continued(seed, silent)))


def test_too_few_continuations_give_no_ranking() -> None:
    assert fit_ranking([(tune(seed), 4 * BAR) for seed in range(FEWEST - 1)]) is None


def test_a_ranking_survives_json(ranking: Ranking, seed: Piece) -> None:
    again = Ranking.from_json(ranking.to_json())
    piece, split = continued(seed, tune(9, bars=4))
    assert again.score(piece, split) == pytest.approx(ranking.score(piece, split), abs=0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": [0.0]},
        {"spread": [0.0] * len(TRAITS)},
        {"inverse": [[float("nan")] * len(TRAITS)] * len(TRAITS)},
        {"traits": ["loudness"]},
        {"mean": "many"},
        {"mean": None},
        {"mean": [10**400] * len(TRAITS)},
        {"spread": [float("inf")] * len(TRAITS)},
        {"inverse": (-np.eye(len(TRAITS))).tolist()},
        {"inverse": (1e308 * np.eye(len(TRAITS))).tolist()},
        {"inverse": np.triu(np.ones((len(TRAITS), len(TRAITS)))).tolist()},
    ],
)
def test_a_damaged_ranking_is_refused(ranking: Ranking, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="ranking"):
        Ranking.from_json(ranking.to_json() | change)


@pytest.mark.parametrize("fields", [[], "x", 3, {}])
def test_data_that_is_not_a_ranking_is_refused(fields: Any) -> None:
    with pytest.raises(CheckpointError, match="ranking"):
        Ranking.from_json(fields)
