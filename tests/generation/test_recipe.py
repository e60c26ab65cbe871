from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from musiclstm import limits
from musiclstm.api import request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.generation.composition import recipe_of
from musiclstm.generation.link import link_from_recipe, recipe_from_link
from musiclstm.generation.recipe import parse_recipe, read_recipe
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import Metre, Piece, Tempo, bar_lines, make_notes
from musiclstm.seeds.seed import seed_from_piece


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
        "revision": "r",
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


# What an upload may hold, its recipe and its link may hold too


def dense(bars: int, metre: Metre, count: int, *, title: str = "", composer: str = "") -> Piece:
    """Random music: as many different notes as possible, so that nothing can be packed well."""
    rng = np.random.default_rng(1)
    ticks = bars * metre.bar_ticks
    onset = np.concatenate([[0, ticks - 1], rng.integers(0, ticks, 4 * count)])
    columns = (rng.integers(21, 109, len(onset)), rng.integers(1, 400, len(onset)), rng.integers(1, 128, len(onset)))
    notes = make_notes(onset, *columns)
    notes = np.concatenate([notes[: count - 1], notes[-1:]]) if len(notes) > count else notes
    return Piece(notes, metres=(metre,), source="dense.mid", title=title, composer=composer)


@pytest.mark.parametrize(
    "piece",
    [
        dense(32, Metre(0, 4, 4), limits.SEED_NOTES),
        dense(32, Metre(0, 1, 32), 90),
        dense(32, Metre(0, 64, 16), limits.SEED_NOTES),
        dense(16, Metre(0, 4, 4), 200, title="T" * 5_000, composer="É" * 5_000),
        Piece(make_notes([0, 96], [60, 62], [24 * limits.FILE_QUARTERS, 24], [64, 64])),  # held for hours
        Piece(make_notes([0], [60], [1], [1]), tempi=(Tempo(0, 10.0),)),
        Piece(make_notes([0], [60], [1], [1]), tempi=(Tempo(0, 600.0),)),
    ],
    ids=["5,000 notes", "tiny bars", "long bars", "long names", "a note without end", "too slow", "too fast"],
)
def test_what_an_upload_may_hold_its_link_may_hold(small_checkpoint: Checkpoint, piece: Piece) -> None:
    bars = min(limits.SEED_BARS, len(bar_lines(piece)) - 1)
    seed = seed_from_piece(piece, (1, bars), name="own")
    link = link_from_recipe(recipe_of(small_checkpoint, ComposeRequest(seed, bars=1)))
    again = request_from(small_checkpoint, recipe_from_link(link)).seed
    assert again.to_json() == seed.to_json()
    assert again.piece == seed.piece


def test_a_seed_of_too_many_bars_is_refused_in_an_upload_and_in_a_recipe(small_checkpoint: Checkpoint) -> None:
    seed = seed_from_piece(dense(33, Metre(0, 1, 32), 90), (1, 33))
    with pytest.raises(OptionError, match=r"A seed has 1 to 32 bars, not 33\."):
        ComposeRequest(seed, bars=1)
    recipe = {"program": "musiclstm", "seed": "own", "own_seed": seed.to_json(), "bars": 1}
    with pytest.raises(OptionError, match=r"A seed has 1 to 32 bars, not 33\."):
        request_from(small_checkpoint, parse_recipe(json.dumps(recipe)))
