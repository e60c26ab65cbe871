"""Phrases that a person plays between answers: they stay as they were, and a recipe remembers them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from musiclstm import limits
from musiclstm.api import bars_in_all, request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.generation.composition import Composition, compose, extension_request, prefix_of
from musiclstm.generation.phrases import Phrase, played_bars
from musiclstm.generation.recipe import parse_recipe
from musiclstm.generation.request import ComposeRequest

PHRASE = Phrase(((0, 60, 24, 80), (24, 64, 24, 70), (48, 67, 96, 90), (96, 72, 90, 75)), bars=2)


@pytest.fixture(scope="module")
def first(small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=3, candidates=1, ending=1000))


@pytest.fixture(scope="module")
def answer(small_checkpoint: Checkpoint, first: Composition) -> Composition:
    after = prefix_of(first, 0, 2).followed_by(PHRASE)
    return compose(small_checkpoint, replace(first.request, after=after, bars=2, random_seed=5, context=20, attempts=1))


def rows(composition: Composition) -> list[tuple[int, ...]]:
    return [tuple(row) for row in composition.takes[0].continuation.notes.tolist()]


def test_an_answer_comes_after_the_phrase_which_stays_as_it_was_played(first: Composition, answer: Composition) -> None:
    assert (answer.bars, answer.fresh) == (6, 2)
    played = [(onset - 192, pitch, velocity) for onset, pitch, _, velocity in rows(answer) if 192 <= onset < 384]
    assert played == [(onset, pitch, velocity) for onset, pitch, _, velocity in PHRASE.notes]
    assert [row[:2] for row in rows(answer) if row[0] < 192] == [row[:2] for row in rows(first) if row[0] < 192]
    assert any(row[0] >= 384 for row in rows(answer))


def test_the_recipe_of_an_answer_writes_it_again(small_checkpoint: Checkpoint, answer: Composition) -> None:
    longer = compose(small_checkpoint, extension_request(answer, 0, bars=2))
    for made in (answer, longer):
        settings = parse_recipe(json.dumps(made.recipe))
        again = compose(small_checkpoint, request_from(small_checkpoint, settings))
        assert again.takes[0].joined == made.takes[0].joined
        assert again.recipe == made.recipe
        assert bars_in_all(settings) == made.request.written
    assert longer.recipe["after"]["recipe"]["after"]["played"] == PHRASE.to_json()


def test_a_shorter_context_reads_only_the_latest_notes(small_checkpoint: Checkpoint, first: Composition) -> None:
    def notes(context: int) -> list[tuple[int, ...]]:
        return rows(compose(small_checkpoint, replace(first.request, context=context)))

    count = len(first.seed)
    assert notes(count) == rows(first)
    assert notes(1) != rows(first)
    assert "context" not in first.recipe
    with pytest.raises(OptionError, match="number of notes that are read"):
        replace(first.request, context=0)


def test_which_bars_a_person_played(answer: Composition, small_checkpoint: Checkpoint) -> None:
    assert played_bars(answer.recipe, 8) == {2, 3}
    longer = extension_request(answer, 0, kept=3, bars=4)
    assert longer.after is not None
    outer = {"after": {"recipe": answer.recipe, "number": 0, "bars": 3}, "bars": 4}
    assert played_bars(outer, 8) == {2}
    assert played_bars(outer | {"regenerate": 11, "bars": 1}, 8) == set()
    fewer = {"edits": {"take": 0, "steps": [[[[0, 60]], []], {"delete": [2, 3]}, {"delete": [1, 1]}]}}
    assert played_bars(answer.recipe | fewer, 8) == {0}  # of bars 0 to 5 the second and third go, then the first


@pytest.mark.parametrize(
    "data",
    [
        *(None, [], {}, {"bars": 1}, {"bars": 1, "notes": []}, {"bars": 0, "notes": [[0, 60, 24, 80]]}),
        *({"bars": True, "notes": [[0, 60, 24, 80]]}, {"bars": 33, "notes": [[0, 60, 24, 80]]}, {"bars": 1, "notes": [3]}),
        *({"bars": 1, "notes": [[0, 60, 24]]}, {"bars": 1, "notes": [[0, 60, 24, 200]]}, {"bars": 1, "notes": [[0, 5, 24, 80]]}),
        {"bars": 1, "notes": [[0, 60, 24, 80]] * (limits.EDITED_NOTES + 1)},
    ],
)
def test_what_is_no_phrase_is_refused(data: Any, answer: Composition) -> None:
    with pytest.raises(OptionError):
        Phrase.from_json(data)
    recipe = answer.recipe | {"after": answer.recipe["after"] | {"played": data or []}}
    with pytest.raises(OptionError):
        parse_recipe(json.dumps(recipe))


def test_a_phrase_lasts_until_its_last_note(first: Composition) -> None:
    with pytest.raises(OptionError, match="before its last note"):
        prefix_of(first, 0, 2).followed_by(Phrase(((96, 60, 24, 80),), bars=1))
