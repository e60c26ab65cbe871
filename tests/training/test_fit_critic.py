"""Training the critic: it tells human music from takes, the same every time, and only where there is enough of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from training_run import three_times

from musiclstm.checkpoint import Checkpoint
from musiclstm.generation.composition import compose
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import Piece, transpose
from musiclstm.scoring.critic import Critic
from musiclstm.training import fit_critic as module
from musiclstm.training.fit_critic import Examples, fit_critic, joined, with_critic


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """A smaller critic that learns for a shorter time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MEMBERS", 2)
        patch.setattr(module, "EPOCHS", 20)
        yield


@pytest.fixture(scope="module")
def pieces(tunes: dict[str, Piece]) -> list[Piece]:
    """Nine pieces of 24 bars."""
    return [
        replace(three_times(transpose(tune, number)), source=f"{name} {number}", composer=name)
        for name, tune in tunes.items()
        for number in range(3)
    ]


@pytest.fixture(scope="module")
def judged(small_checkpoint: Checkpoint, pieces: list[Piece]) -> Checkpoint:
    """The small checkpoint with a critic of nine passages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST_PASSAGES", 8)
        patch.setattr(module, "CHOSEN", 100)  # one passage of nine: to choose among candidates takes longest
        return with_critic(small_checkpoint, pieces, [piece.source for piece in pieces], say=lambda _: None)


def test_a_critic_prefers_human_music_to_that_of_an_untrained_network(judged: Checkpoint, pieces: list[Piece]) -> None:
    assert judged.critic is not None
    seed = judged.seeds[0]
    metre = seed.piece.metres[0]
    takes = compose(judged, ComposeRequest(seed, bars=8, takes=4, candidates=1)).takes
    human = judged.critic.score(seed.piece.notes, seed.end, metre, seed.piece.notes, 8)  # a repeat
    assert human > 0 > max(judged.critic.score(seed.piece.notes, seed.end, metre, take.continuation.notes, 8) for take in takes)


def test_the_rest_of_the_checkpoint_stays(judged: Checkpoint, small_checkpoint: Checkpoint) -> None:
    assert small_checkpoint.critic is None
    assert judged.network is small_checkpoint.network
    assert judged.seeds == small_checkpoint.seeds


def test_too_few_passages_or_works_give_no_critic(small_checkpoint: Checkpoint, pieces: list[Piece]) -> None:
    names = [piece.source for piece in pieces]
    assert with_critic(small_checkpoint, pieces, names, say=lambda _: None) is small_checkpoint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEWEST_PASSAGES", 8)
        assert with_critic(small_checkpoint, pieces, ["one work"] * 9, say=lambda _: None) is small_checkpoint
        assert with_critic(small_checkpoint, pieces[:1], names[:1], say=lambda _: None) is small_checkpoint


def test_each_work_has_its_turn_before_one_has_a_second(pieces: list[Piece]) -> None:
    works = ["a", "a", "a", "a", "b", "b", "c", "c", "c"]
    for random_seed in range(5):
        ordered = module._by_turns(pieces, works, np.random.default_rng(random_seed))
        assert sorted(piece.source for piece in ordered) == sorted(piece.source for piece in pieces)
        work_of = dict(zip((piece.source for piece in pieces), works, strict=True))
        taken = [work_of[piece.source] for piece in ordered]
        assert [sorted(taken[:3]), sorted(taken[3:6]), sorted(taken[6:8]), taken[8:]] == [
            list("abc"),
            list("abc"),
            list("ac"),
            ["a"],
        ]


def examples(shift: float = 2.0) -> Examples:
    """Twelve works in which a person's first figure is larger by ``shift``."""
    rng = np.random.default_rng(1)
    human = np.arange(240) % 3 == 0
    rows = rng.normal(size=(240, 6)) * (1, 5, 0.1, 1, 1, 1) + 10
    rows[:, 0] += shift * human
    rows[:, 5] = 3.0  # always the same
    return Examples(rows, human, np.arange(240) // 20)


@pytest.fixture(scope="module")
def learnt() -> Critic:
    return fit_critic(examples(), 1)


def test_what_sets_human_music_apart_is_learnt(learnt: Critic) -> None:
    fresh = np.tile(examples().rows.mean(axis=0), (2, 1))
    fresh[:, 0] += (2.0, -2.0)
    high, low = learnt.log_odds(fresh)
    assert high > 0.5 > -0.5 > low


def test_the_same_examples_give_the_same_critic_and_others_another(learnt: Critic) -> None:
    again, other = fit_critic(examples(), 1), fit_critic(examples(), 2)
    assert np.array_equal(learnt.hidden, again.hidden)
    assert not np.array_equal(learnt.hidden, other.hidden)


def test_examples_are_joined_and_chosen_by_work() -> None:
    some = examples()
    both = joined([some.of([0, 1]), some.of([5])])
    assert np.unique(both.work).tolist() == [0, 1, 5]
    assert len(both.rows) == len(both.human) == 60
