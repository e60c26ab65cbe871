"""Notes changed by hand: what stays, what a recipe remembers, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from musiclstm.api import open_link, request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.generation.changes import edited
from musiclstm.generation.composition import Composition, compose, extension_request, regeneration_request
from musiclstm.generation.edits import Edit, Edits
from musiclstm.generation.link import link_of
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import make_notes


@pytest.fixture(scope="module")
def two_takes(small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=4, takes=2, candidates=1))


def rows(composition: Composition, number: int) -> list[tuple[int, ...]]:
    take = next(take for take in composition.takes if take.number == number)
    return [tuple(row) for row in take.joined.notes.tolist()]


def test_a_recipe_cannot_change_what_a_hand_cannot(small_checkpoint: Checkpoint, two_takes: Composition) -> None:
    for row in ([0, 60, 6, 60], [two_takes.split + 4000, 60, 6, 60], [two_takes.split, 60, 100_000, 60]):
        recipe = two_takes.recipe | {"edits": {"take": 0, "steps": [[[], [row]]]}}
        with pytest.raises(OptionError):
            compose(small_checkpoint, request_from(small_checkpoint, recipe))


def test_notes_go_and_come() -> None:
    notes = make_notes([0, 0, 24], [60, 64, 62], [24, 24, 24], [80, 80, 80])
    changed = Edit(removed=((0, 64),), added=((24, 65, 12, 90), (48, 67, 24, 70))).applied(notes)
    assert changed.tolist() == [(0, 60, 24, 80), (24, 62, 24, 80), (24, 65, 12, 90), (48, 67, 24, 70)]


def test_a_changed_take_is_changed_again_by_its_recipe_its_link_and_what_extends_it(
    small_checkpoint: Checkpoint, two_takes: Composition
) -> None:
    split = two_takes.split
    onset, pitch, *_ = next(row for row in rows(two_takes, 1) if row[0] >= split)
    once = edited(two_takes, 1, Edit(((onset, pitch),), ((split + 6, 100, 12, 64),)))
    twice = edited(once, 1, Edit(added=((split + 30, 101, 12, 64),)))
    assert set(rows(twice, 1)) >= {(split + 6, 100, 12, 64), (split + 30, 101, 12, 64)}
    assert (onset, pitch) not in {row[:2] for row in rows(twice, 1)}
    assert twice.takes[0].continuation.notes["onset"].min() >= 0

    def again(recipe: dict[str, Any]) -> Composition:
        return compose(small_checkpoint, request_from(small_checkpoint, json.loads(json.dumps(recipe))))

    assert rows(again(twice.recipe), 1) == rows(twice, 1)
    assert rows(again(twice.recipe), 0) == rows(two_takes, 0)  # the other take stays
    opened = open_link(small_checkpoint, link_of(twice, twice.takes[0]))
    assert opened is not None
    assert rows(opened, 1) == rows(twice, 1)
    assert edited(opened, 1, Edit(added=((split, 90, 6, 60),))).request.edits.steps[:2] == twice.request.edits.steps  # type: ignore[union-attr]
    for request in (extension_request(twice, 1, bars=2), regeneration_request(twice, 1, _bars(twice) + 4, _bars(twice) + 4)):
        longer = compose(small_checkpoint, request)
        assert (split + 6, 100) in {row[:2] for row in rows(longer, 0)}
        assert rows(again(longer.recipe), 0) == rows(longer, 0)


def test_music_goes_on_from_any_bar(small_checkpoint: Checkpoint, two_takes: Composition) -> None:
    shorter = compose(small_checkpoint, extension_request(two_takes, 0, kept=2, bars=3))
    bar = two_takes.seed.metres[0].bar_ticks
    assert shorter.bars == 5
    kept = [row[:2] for row in rows(two_takes, 0) if row[0] < two_takes.split + 2 * bar]
    assert [row[:2] for row in rows(shorter, 0)][: len(kept)] == kept
    assert rows(compose(small_checkpoint, request_from(small_checkpoint, shorter.recipe)), 0) == rows(shorter, 0)
    with pytest.raises(OptionError, match="no take number 0 with 9 bars"):
        extension_request(two_takes, 0, kept=9)


def test_the_opening_and_the_last_note_stay(two_takes: Composition) -> None:
    for tick in (0, two_takes.split + 4 * two_takes.seed.metres[0].bar_ticks):
        with pytest.raises(OptionError, match="opening stays"):
            edited(two_takes, 0, Edit(added=((tick, 60, 6, 60),)))
    with pytest.raises(OptionError, match="held for much longer"):
        edited(two_takes, 0, Edit(added=((two_takes.split, 60, 100_000, 60),)))
    every = tuple(row[:2] for row in rows(two_takes, 0) if row[0] >= two_takes.split)
    with pytest.raises(OptionError, match="At least one note"):
        edited(two_takes, 0, Edit(removed=every))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        *(None, [], [[]], [[[1]], []], [["ab"], []], [[[0, True]], []], [[], [[1, 2, 3]]], [[], [[0, 60, 6, 0]]]),
        *([[], [[0, 200, 6, 60]]], [[], [[0, 60.5, 6, 60]]], [[], [[0, 60, 6, 60]] * 6000]),
    ],
)
def test_damaged_changes_are_refused(data: Any) -> None:
    with pytest.raises(OptionError):
        Edit.from_json(data)


@pytest.mark.parametrize(
    "data",
    [
        *(None, [], {}, {"take": 0}, {"take": "0", "steps": []}, {"take": 0, "steps": [[[], []]]}),
        {"take": 0, "steps": [[[[0, 60]], []]] * 501},
        {"take": 0, "steps": [[[[0, 60]] * 2600, []]] * 2},
    ],
)
def test_damaged_lists_of_changes_are_refused(data: Any) -> None:
    with pytest.raises(OptionError):
        Edits.from_json(data)


def test_changes_survive_json() -> None:
    edits = Edits(1, (Edit(((0, 60),), ((6, 61, 12, 80),)), Edit(((6, 61),))))
    assert Edits.from_json(json.loads(json.dumps(edits.to_json()))) == edits


def _bars(composition: Composition) -> int:
    return composition.split // composition.seed.metres[0].bar_ticks
