from __future__ import annotations

import json
from pathlib import Path

import pytest

from musiclstm.errors import OptionError
from musiclstm.recipe import MAX_BYTES, read_recipe, require_same


def test_settings_are_read_and_what_is_none_is_left_out(tmp_path: Path) -> None:
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
    }


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"program": "other", "seed": "s"}', '{"program": "musiclstm"}', "\x00"])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(OptionError, match=r"odd\.json"):
        read_recipe(tmp_path / "odd.json")


def test_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="can't be read"):
        read_recipe(tmp_path / "none.json")
    (tmp_path / "huge.json").write_text(" " * (MAX_BYTES + 1))
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
