"""Judges: people against themselves are a toss-up, shuffled bars are found out, and no judge knows the works it judges."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from musiclstm.errors import DataError, MissingToolError
from musiclstm.evaluation import judge as module
from musiclstm.evaluation import judge_network
from musiclstm.evaluation.continuations import Passage, held_out
from musiclstm.evaluation.judge import FEWEST_WORKS, judge_of, judge_pairs
from musiclstm.evaluation.judge_figures import figures
from musiclstm.evaluation.judge_network import LONGEST, fit_and_score, read
from musiclstm.music.notes import Piece, make_notes

BAR = 96


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """There are fewer folds, and the network learns for a shorter time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FOLDS", 2)
        patch.setattr(judge_network, "EPOCHS", 3)
        yield


def composed(number: int, bars: int = 24) -> Piece:
    """Music with a plan: eighths that climb from bar to bar for four bars and come back, over the roots of four chords."""
    rng = np.random.default_rng(number)
    key, figure = int(rng.integers(12)), rng.permutation([0, 2, 4, 7, 4, 2, 7, 4])
    onset, pitch, length = [], [], []
    for bar in range(bars):
        root = 48 + key + (0, 5, 7, 0)[bar % 4]
        onset += [bar * BAR + 12 * place for place in range(8)] + [bar * BAR]
        pitch += [root + 12 + int(step) for step in figure] + [root]
        length += [12] * 8 + [96]
    velocity = 50 + np.arange(len(onset)) * 7 % 40
    piece = Piece(make_notes(onset, pitch, length, velocity))
    return replace(piece, source=f"piece {number}")


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    """Two passages of eight and eight bars from each of twelve works."""
    return held_out([composed(number) for number in range(12)], np.random.default_rng(1), 24, 8, 8)


def shuffled(passage: Passage) -> Piece:
    """The human continuation with all of its notes' pitches mixed up."""
    notes = passage.continuation.notes
    mixed = np.random.default_rng(passage.bar).permutation(notes["pitch"])
    return replace(passage.continuation, notes=make_notes(notes["onset"], mixed, notes["duration"], notes["velocity"]))


def works(passages: Sequence[Passage]) -> dict[str, str]:
    return {passage.name: passage.name for passage in passages}


def test_people_against_themselves_are_a_toss_up(passages: list[Passage]) -> None:
    found = judge_pairs(works(passages), passages, [passage.continuation for passage in passages])
    assert (found["pairs"], found["works"]) == (24, 12)
    assert set(found["told_apart"]) == {"trees", "logistic", "network"}
    for told in found["told_apart"].values():
        assert told == {"share": 0.5, "interval": [0.5, 0.5]}
    assert {shift["shift"] for shift in found["shifts"]} == {0.0}


@pytest.fixture(scope="module")
def mess(passages: list[Passage]) -> dict[str, Any]:
    """What the judges say of a mess."""
    return judge_pairs(works(passages), passages, [shuffled(passage) for passage in passages])


def test_a_mess_is_found_out_and_the_figures_say_by_what(mess: dict[str, Any]) -> None:
    found = mess
    best = found["told_apart"][found["best"]]
    assert best["share"] > 0.9
    assert best["interval"][0] > 0.8
    first = found["shifts"][0]
    assert abs(first["shift"]) > 1
    assert {"figure", "people", "generated", "shift"} == set(first)


def test_the_same_pairs_are_judged_the_same(passages: list[Passage], mess: dict[str, Any]) -> None:
    assert judge_pairs(works(passages), passages, [shuffled(passage) for passage in passages]) == mess


def test_no_judge_learns_from_a_work_that_it_judges(passages: list[Passage], monkeypatch: pytest.MonkeyPatch) -> None:
    work = np.repeat([passage.name for passage in passages], 2)
    judged: list[set[str]] = []

    def watched(rows: np.ndarray, human: np.ndarray, learnt: np.ndarray, *_: object) -> np.ndarray:
        known, unknown = set(work[learnt]), set(work[~learnt])
        assert not known & unknown
        judged.append(unknown)
        return np.zeros(len(rows))

    for name in ("_trees", "_logistic", "fit_and_score"):
        monkeypatch.setattr(module, name, watched)
    judge_pairs(works(passages), passages, [passage.continuation for passage in passages])
    assert len(judged) == 3 * module.FOLDS
    assert set().union(*judged) == set(work)


def test_too_few_works_are_refused(passages: list[Passage]) -> None:
    same = {passage.name: "one work" for passage in passages}
    for ask in (judge_of, lambda works: judge_pairs(works, passages, [passage.continuation for passage in passages])):
        with pytest.raises(DataError, match=f"passages of {FEWEST_WORKS} works or more, not 1"):
            ask(same)


def test_without_scikit_learn_the_message_says_what_to_install(passages: list[Passage], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(MissingToolError, match=r"pip install"):
        judge_of(works(passages))


def test_figures_count_what_is_there(passages: list[Passage]) -> None:
    passage = passages[0]
    found = figures(passage, passage.continuation)
    assert all(np.isfinite(value) for value in found.values())
    assert (found["missed downbeats"], found["missed beats"]) == (0.0, 0.0)
    assert found["size 2"] == pytest.approx(1 / 8)  # the first eighth of a bar and its bass
    assert found["place 0"] == found["place 2"] == pytest.approx(1 / 8)
    assert found["step 4"] == 1.0  # eighths
    assert found["missed downbeats change"] == 0.0
    late = replace(passage.continuation, notes=passage.continuation.notes[2:])
    assert figures(passage, late)["missed downbeats"] == pytest.approx(1 / 8)
    assert all(np.isfinite(value) for value in figures(passage, replace(late, notes=late.notes[:1])).values())


def test_touch_counts_only_where_somebody_played(passages: list[Passage]) -> None:
    played = passages[0]
    piece = played.piece
    flat = replace(piece, notes=make_notes(*(piece.notes[name].tolist() for name in ("onset", "pitch", "duration", "velocity"))))
    even = make_notes(piece.notes["onset"], piece.notes["pitch"], piece.notes["duration"], [64] * len(piece))
    typeset = replace(played, piece=replace(flat, notes=even))
    louder = replace(played.continuation, notes=played.continuation.notes.copy())
    assert figures(played, louder)["spread of velocities"] > 5
    for name in ("spread of velocities", "mean_velocity", "mean_velocity change", "change of velocity change"):
        assert figures(typeset, louder)[name] == 0.0


def test_the_network_reads_seed_and_continuation_in_any_key(passages: list[Passage]) -> None:
    passage = passages[0]
    table = read(passage, passage.continuation)
    assert table.shape == (LONGEST, judge_network.CHANNELS)
    assert table.dtype == np.float32
    seed, continuation = len(passage.seed), len(passage.continuation)
    assert table[:, 4].sum() == continuation
    assert table[:, 5:].sum() == seed + continuation


def test_the_network_learns_what_sets_apart() -> None:
    rng = np.random.default_rng(1)
    human = np.arange(128) % 2 == 0
    tables = rng.normal(size=(128, LONGEST, judge_network.CHANNELS)).astype(np.float32)
    tables[human, :, 0] += 1.0
    learnt = np.arange(128) < 96
    odds = fit_and_score(tables, human, learnt, 1)
    assert odds[human & ~learnt].min() > odds[~human & ~learnt].max()
