"""What a stored seed may hold: every odd field is refused in one sentence that names it."""

from __future__ import annotations

from typing import Any

import pytest

from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Key, Metre
from musiclstm.seeds.checks import StoredSeed


def stored(**changes: Any) -> StoredSeed:
    fields = {
        "id": "tune",
        "tempo": 90,
        "fifths": -3,
        "mode": "minor",
        "metres": [[0, 3, 4]],
        "notes": [[0, 60, 24, 64], [24, 62, 24, 64]],
    }
    return StoredSeed({**fields, **changes})


def test_fields_come_back_as_they_were_stored() -> None:
    seed = stored()
    assert seed.text("id") == "tune"
    assert seed.number("tempo", 20, 400) == 90.0
    assert seed.key() == Key(-3, "minor")
    assert seed.metres() == (Metre(0, 3, 4),)
    assert seed.notes().tolist() == [(0, 60, 24, 64), (24, 62, 24, 64)]


def test_a_seed_may_have_no_key() -> None:
    assert stored(fifths=None, mode=None).key() is None


@pytest.mark.parametrize(
    "notes",
    [
        None,
        [],
        "many",
        [[0, 60, 24]],
        [[0, 60, 24, 64.0]],
        [[0, True, 24, 64]],
        [[-1, 60, 24, 64]],
        [[0, 20, 24, 64]],
        [[0, 109, 24, 64]],
        [[0, 60, 0, 64]],
        [[0, 60, 24, 0]],
        [[0, 60, 24, 128]],
        [[0, 60, 10**9, 64]],
        [[24, 60, 24, 64], [0, 62, 24, 64]],
        [[0, 60, 48, 64], [24, 60, 24, 64]],
        [[0, 60, 24, 64]] * 5_001,
    ],
)
def test_odd_notes_are_refused(notes: object) -> None:
    with pytest.raises(CheckpointError, match=r"'tune', notes must be"):
        stored(notes=notes).notes()


@pytest.mark.parametrize(
    "metres", [None, [], [[0, 3, 5]], [[24, 3, 4]], [[0, 64, 1]], [[0, 3, 4], [24, 3, 4]], [[0, 3]], [["0", 3, 4]]]
)
def test_odd_metres_are_refused(metres: object) -> None:
    with pytest.raises(CheckpointError, match="metres must be"):
        stored(metres=metres).metres()


@pytest.mark.parametrize("change", [{"fifths": 8}, {"fifths": 0.5}, {"fifths": True}, {"mode": "dorian"}, {"mode": None}])
def test_odd_keys_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="must be"):
        stored(**change).key()


@pytest.mark.parametrize("tempo", [None, "fast", float("nan"), float("inf"), 0, 10_000, True])
def test_odd_numbers_are_refused(tempo: object) -> None:
    with pytest.raises(CheckpointError, match=r"tempo must be a number from 20 to 400, not"):
        stored(tempo=tempo).number("tempo", 20, 400)


@pytest.mark.parametrize(
    "measures", [None, [], {"a": 1.0}, {"a": 1.0, "b": "2"}, {"a": 1.0, "b": float("nan")}, {"a": None, "b": 1.0}]
)
def test_odd_measures_are_refused(measures: object) -> None:
    with pytest.raises(CheckpointError, match="curation must be"):
        stored(curation=measures).measures("curation", ("a", "b"), ("b",))


def test_a_missing_field_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"In the stored seed 'tune', title must be a text, but it is missing\."):
        stored().text("title")


@pytest.mark.parametrize("data", [None, [], "seed", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(CheckpointError, match="must be a JSON object"):
        StoredSeed(data)
