"""Notes changed and bars deleted by hand: what stays, what a recipe remembers, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from musiclstm.api import open_link, request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.generation.changes import edited, played_so
from musiclstm.generation.composition import Composition, compose, extension_request, regeneration_request
from musiclstm.generation.edits import Deletion, Edit, Edits
from musiclstm.generation.link import link_of
from musiclstm.generation.request import ComposeRequest
from musiclstm.music import Performance
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes


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


def test_bars_go_and_the_rest_moves_up() -> None:
    notes = make_notes([0, 48, 90, 96, 192, 276], [60, 62, 50, 64, 65, 67], [96, 24, 150, 48, 24, 12], [80] * 6)
    metres = (Metre(0, 2, 4), Metre(192, 3, 4))
    music = Piece(notes, metres, (Tempo(0, 100.0), Tempo(192, 80.0)))
    changed = Deletion(2, 3).changed(music, 48, 4)  # bars of 48 ticks, the last of 72: the second and third of four go
    assert changed.notes.tolist() == [
        (0, 60, 96, 80),  # ends where the deleted bars began
        (48, 62, 24, 80),
        (90, 50, 54, 80),  # was held beyond them
        (96, 65, 24, 80),
        (180, 67, 12, 80),
    ]
    assert changed.metres == (Metre(0, 2, 4), Metre(96, 3, 4))
    assert changed.tempi == (Tempo(0, 100.0), Tempo(96, 80.0))
    shorter = Deletion(4, 4).changed(music, 48, 4)
    assert shorter.notes.tolist() == [(0, 60, 96, 80), (48, 62, 24, 80), (90, 50, 102, 80), (96, 64, 48, 80)]


def test_a_take_without_some_bars_is_known_to_its_recipe_its_link_and_what_changes_it(
    small_checkpoint: Checkpoint, two_takes: Composition
) -> None:
    bar, split = two_takes.seed.metres[0].bar_ticks, two_takes.split
    before = rows(two_takes, 1)
    once = edited(two_takes, 1, Deletion(2, 2))
    kept = [row[:2] for row in before if row[0] < split + bar]
    moved = [(onset - bar, pitch) for onset, pitch, *_ in before if onset >= split + 2 * bar]
    assert [row[:2] for row in rows(once, 1)] == kept + moved
    assert once.bars == 3
    twice = edited(once, 1, Edit(added=((split + 2 * bar + 6, 100, 12, 64),)))  # in the last bar, which was the fourth

    def again(recipe: dict[str, Any]) -> Composition:
        return compose(small_checkpoint, request_from(small_checkpoint, json.loads(json.dumps(recipe))))

    written = again(twice.recipe)
    assert rows(written, 1) == rows(twice, 1)
    assert [take.number for take in written.takes] == [1]
    assert written.bars == 3
    opened = open_link(small_checkpoint, link_of(twice, twice.takes[0]))
    assert opened is not None
    assert (opened.bars, rows(opened, 1)) == (3, rows(twice, 1))
    faster = played_so(twice, Performance(tempo=90.0))
    assert rows(again(faster.recipe), 1) == rows(twice, 1)
    first = _bars(twice) + 2
    for request, bars in (
        (extension_request(twice, 1, bars=2, candidates=1), 4),  # to go on, the closing bar is left out
        (regeneration_request(twice, 1, first, first, candidates=1), 3),
    ):
        longer = compose(small_checkpoint, request)
        assert [row[:2] for row in rows(longer, 0)][: len(kept)] == kept
        assert longer.bars == bars
        assert rows(again(longer.recipe), 0) == rows(longer, 0)
        shared = open_link(small_checkpoint, link_of(longer, longer.takes[0]))
        assert shared is not None
        assert (shared.bars, rows(shared, 0)) == (bars, rows(longer, 0))
        assert edited(longer, 0, Deletion(1, bars - 1)).bars == 1


def test_without_its_closing_bar_a_take_goes_on_at_its_end(small_checkpoint: Checkpoint, two_takes: Composition) -> None:
    open_ended = edited(two_takes, 0, Deletion(4, 4))
    assert two_takes.request.ends_closed
    assert not open_ended.request.ends_closed
    request = extension_request(open_ended, 0, bars=2)
    assert request.after is not None
    assert (request.after.bars, request.after.closes) == (3, False)
    opened = open_link(small_checkpoint, link_of(open_ended, open_ended.takes[0]))
    assert opened is not None
    assert not opened.request.ends_closed


def test_one_bar_and_one_note_stay_when_bars_are_deleted(small_checkpoint: Checkpoint, two_takes: Composition) -> None:
    with pytest.raises(OptionError, match="At least one bar of the continuation must stay"):
        edited(two_takes, 0, Deletion(1, 4))
    with pytest.raises(OptionError, match="The continuation has 4 bars; bar 5 of it can't be deleted"):
        edited(two_takes, 0, Deletion(2, 5))
    lines = [two_takes.split + bar * two_takes.seed.metres[0].bar_ticks for bar in range(4)]
    elsewhere = tuple(row[:2] for row in rows(two_takes, 0) if row[0] >= lines[1])
    with pytest.raises(OptionError, match="At least one note"):
        edited(edited(two_takes, 0, Edit(removed=elsewhere)), 0, Deletion(1, 1))  # type: ignore[arg-type]
    for steps in ([{"delete": [1, 4]}], [{"delete": [1, 2]}, {"delete": [2, 3]}], [{"delete": [3, 5]}]):
        recipe = two_takes.recipe | {"edits": {"take": 0, "steps": steps}}
        with pytest.raises(OptionError):
            compose(small_checkpoint, request_from(small_checkpoint, recipe))


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
        *(
            {"take": 0, "steps": [{"delete": bars}]}
            for bars in (None, 3, [], [1], [0, 1], [2, 1], [1, True], ["1", 2], [1, 2, 3])
        ),
        {"take": 0, "steps": [{}]},
    ],
)
def test_damaged_lists_of_changes_are_refused(data: Any) -> None:
    with pytest.raises(OptionError):
        Edits.from_json(data)


def test_changes_survive_json() -> None:
    edits = Edits(1, (Edit(((0, 60),), ((6, 61, 12, 80),)), Deletion(2, 3), Edit(((6, 61),))))
    assert Edits.from_json(json.loads(json.dumps(edits.to_json()))) == edits


def _bars(composition: Composition) -> int:
    return composition.split // composition.seed.metres[0].bar_ticks
