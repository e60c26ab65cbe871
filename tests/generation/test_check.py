"""Is this the music that its recipe writes? And which checkpoint does a recipe need?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from musiclstm.api import request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.generation.check import SAME, differing_bars, verdict
from musiclstm.generation.composition import compose, recipe_of
from musiclstm.generation.recipe import other_checkpoint, require_checkpoint, settings_in
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import Metre, Piece, make_notes


def test_bars_with_other_notes_are_counted_from_one_in_their_metres() -> None:
    notes = make_notes(np.arange(12) * 24, [60] * 12, [24] * 12, [64] * 12)
    piece = Piece(notes, metres=(Metre(0, 4, 4), Metre(96, 2, 4)))  # bars begin at 0, 96, 144, 192, 240
    assert differing_bars(piece, piece) == []
    assert verdict(piece, piece) == SAME
    for column, row, bars in (("pitch", 0, [1]), ("velocity", 4, [2]), ("duration", 7, [3]), ("pitch", 11, [5])):
        changed = notes.copy()
        changed[column][row] -= 1
        assert differing_bars(piece, replace(piece, notes=changed)) == bars
        assert differing_bars(replace(piece, notes=changed), piece) == bars
    other = replace(piece, notes=np.concatenate([notes[:7], make_notes([300], [60], [24], [64])]))
    assert differing_bars(piece, other) == [3, 4, 5, 6]
    said = "This machine writes other notes from this recipe: 4 of 5 bars differ, from bar 3 on."
    assert str(verdict(piece, other)) == said
    assert differing_bars(replace(piece, notes=notes[:0]), piece) != []


@pytest.fixture(scope="module")
def settings(small_checkpoint: Checkpoint) -> dict[str, Any]:
    return settings_in(recipe_of(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=4)))


def says(settings: dict[str, Any], checkpoint: Checkpoint) -> str:
    with pytest.raises(OptionError) as caught:
        require_checkpoint(settings, checkpoint, "do without")
    return str(caught.value)


def test_a_recipe_needs_the_checkpoint_with_its_hash_under_whatever_name(
    small_checkpoint: Checkpoint, settings: dict[str, Any]
) -> None:
    require_checkpoint(settings, small_checkpoint)
    require_checkpoint(settings, replace(small_checkpoint, name="copy", revision="local"))
    retrained = settings | {"checkpoint_digest": "0123456789abcdef"}
    assert says(retrained | {"revision": "local"}, small_checkpoint) == (
        f"The recipe needs the checkpoint small, version 01234567, not version {small_checkpoint.digest[:8]}: "
        "give its folder with --checkpoint, or do without."
    )
    assert "the version of this program that it came with" in says(retrained, small_checkpoint)
    assert "leave out --checkpoint" in says(retrained, replace(small_checkpoint, revision="local"))
    known = retrained | {"checkpoint": "theirs", "revision": "abcdef1", "origin": f"they/theirs@{'abcdef1' * 5}"}
    assert says(known, small_checkpoint) == (
        f"The recipe needs the checkpoint theirs, not small: give --checkpoint they/theirs@{'abcdef1' * 5}, or do without."
    )


def test_of_an_old_recipe_the_name_is_compared(small_checkpoint: Checkpoint, settings: dict[str, Any]) -> None:
    old = {key: value for key, value in settings.items() if key not in ("checkpoint_digest", "revision")}
    require_checkpoint(old, small_checkpoint)
    require_checkpoint({key: value for key, value in old.items() if key != "checkpoint"}, small_checkpoint)
    assert says(old | {"checkpoint": "yours"}, small_checkpoint).startswith("The recipe needs the checkpoint yours, not small:")


def test_the_music_that_a_recipe_extends_counts_too(small_checkpoint: Checkpoint, settings: dict[str, Any]) -> None:
    longer = settings | {"after": {"recipe": settings | {"checkpoint_digest": "0" * 16}, "number": 0, "bars": 3}}
    other = other_checkpoint(longer, small_checkpoint)
    assert other is not None
    assert "00000000" in other.needed


def test_a_recipe_says_where_its_checkpoint_came_from(small_checkpoint: Checkpoint, settings: dict[str, Any]) -> None:
    assert "origin" not in settings
    assert settings["checkpoint_digest"] == small_checkpoint.digest[:16]
    hub = replace(small_checkpoint, origin="me/mine@0123")
    assert recipe_of(hub, ComposeRequest(hub.seeds[0]))["origin"] == "me/mine@0123"


def test_other_notes_of_the_seed_are_refused_before_anything_is_written(
    small_checkpoint: Checkpoint, settings: dict[str, Any]
) -> None:
    inner = settings | {"seed_digest": "0" * 16}
    for odd in (inner, settings | {"after": {"recipe": inner, "number": 0, "bars": 4}}):
        with pytest.raises(OptionError, match="differ from those of march here"):
            request_from(small_checkpoint, odd)
    assert compose(small_checkpoint, request_from(small_checkpoint, settings | {"candidates": 1, "bars": 1})).finished
