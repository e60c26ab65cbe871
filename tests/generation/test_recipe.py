from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.generation.recipe import link_from_recipe, parse_recipe, read_recipe, recipe_from_link, require_same
from musiclstm.music.notes import Piece


def test_settings_are_read_and_those_that_are_none_left_out(tmp_path: Path) -> None:
    fields = {
        "program": "musiclstm",
        "checkpoint": "c",
        "revision": "r",
        "seed": "s",
        "bars": 4,
        "tempo": None,
        "loop_guard": False,
    }
    (tmp_path / "recipe.json").write_text(json.dumps(fields))
    assert read_recipe(tmp_path / "recipe.json") == {
        "seed": "s",
        "bars": 4,
        "loop_guard": False,
        "checkpoint": "c",
        "candidates": 1,  # what recipes from before there were candidates mean
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"program": "other", "seed": "s"}', '{"program": "musiclstm"}', "\x00"])
def test_other_content_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(OptionError, match=r"odd\.json"):
        read_recipe(tmp_path / "odd.json")


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="can't be read"):
        read_recipe(tmp_path / "none.json")
    (tmp_path / "huge.json").write_text(" " * (limits.RECIPE_BYTES + 1))
    with pytest.raises(OptionError, match="too large"):
        read_recipe(tmp_path / "huge.json")


def test_another_checkpoint_or_other_seed_notes_are_refused() -> None:
    made = {"checkpoint": "mine", "seed": "air", "seed_digest": "12"}
    require_same({}, made)
    require_same(made, made)
    with pytest.raises(OptionError, match="needs the checkpoint yours, not mine"):
        require_same({"checkpoint": "yours"}, made)
    with pytest.raises(OptionError, match="--seed"):
        require_same({"checkpoint": "mine", "seed_digest": "34"}, made)


RECIPE = {"program": "musiclstm", "checkpoint": "c", "seed": "über", "bars": 4, "takes": 1, "candidates": 4, "random_seed": 7}


def test_a_link_returns_the_settings() -> None:
    text = link_from_recipe(RECIPE)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert recipe_from_link(text) == {name: value for name, value in RECIPE.items() if name != "program"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "abc",
        link_from_recipe(RECIPE)[:-6],
        "A" * 70_000,
        link_from_recipe({"seed": 1}),
        link_from_recipe(RECIPE | {"seed": "x" * 5000}),
        "ä",
    ],
)
def test_a_damaged_or_foreign_link_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="The link"):
        recipe_from_link(text)


def test_a_link_cannot_unpack_into_gigabytes() -> None:
    with pytest.raises(OptionError, match="too large"):
        recipe_from_link(link_from_recipe({"seed": "x" * 3_000_000}))


def test_a_midi_file_carries_its_recipe(tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["waltz"], tmp_path / "with.mid", text=json.dumps(RECIPE))
    write_midi(tunes["waltz"], tmp_path / "without.mid")
    assert read_recipe(tmp_path / "with.mid")["seed"] == "über"
    with pytest.raises(OptionError, match=r"without\.mid"):
        read_recipe(tmp_path / "without.mid")


def test_an_extension_without_its_beginning_is_refused() -> None:
    whole = RECIPE | {"after": {"recipe": RECIPE, "number": 0, "bars": 4}}
    assert parse_recipe(json.dumps(whole))["after"]["recipe"]["random_seed"] == 7
    for after in (
        {},
        {"recipe": RECIPE},
        {"recipe": {}, "number": 0, "bars": 1},
        {"recipe": RECIPE, "number": "0", "bars": 1},
        3,
    ):
        with pytest.raises(OptionError):
            parse_recipe(json.dumps(RECIPE | {"after": after}))
    deep = RECIPE
    for _ in range(70):
        deep = RECIPE | {"after": {"recipe": deep, "number": 0, "bars": 1}}
    with pytest.raises(OptionError):
        parse_recipe(json.dumps(deep))
