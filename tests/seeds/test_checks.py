"""What a stored seed may hold: every odd field is refused in one sentence that names it."""

from __future__ import annotations

from typing import Any

import pytest

from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Key, Metre
from musiclstm.seeds.checks import read_stored_seed

CURATION = {
    "density": 1,
    "pitch_variety": 0.5,
    "rhythm_variety": 0.5,
    "repetition": 0.25,
    "tonal_clarity": 0.75,
    "bits_per_note": None,
    "total": 0.5,
}
STORED = {
    **{name: name for name in ("id", "title", "composer", "work", "source", "licence", "key", "metre", "texture")},
    "bars": [1, 4],
    "tempo": 90,
    "fifths": -3,
    "mode": "minor",
    "metres": [[0, 3, 4]],
    "curation": CURATION,
    "notes": [[0, 60, 24, 64], [24, 62, 24, 64]],
}


def sentence(**changes: Any) -> str:
    """Why a seed with these changes is refused."""
    with pytest.raises(CheckpointError) as caught:
        read_stored_seed({**STORED, **changes})
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 300
    return text


def test_fields_come_back_as_they_were_stored() -> None:
    seed = read_stored_seed(STORED)
    assert (seed.id, seed.tempo, seed.bars) == ("id", 90.0, (1, 4))
    assert seed.key_signature == Key(-3, "minor")
    assert seed.metre_list == (Metre(0, 3, 4),)
    assert seed.note_array.tolist() == [(0, 60, 24, 64), (24, 62, 24, 64)]


def test_a_seed_may_have_no_key() -> None:
    assert read_stored_seed({**STORED, "fifths": None, "mode": None}).key_signature is None


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
    assert "In the stored seed 'id', notes" in sentence(notes=notes)


@pytest.mark.parametrize(
    "metres", [None, [], [[0, 3, 5]], [[24, 3, 4]], [[0, 64, 1]], [[0, 3, 4], [24, 3, 4]], [[0, 3]], [["0", 3, 4]]]
)
def test_odd_metres_are_refused(metres: object) -> None:
    assert "metres" in sentence(metres=metres)


@pytest.mark.parametrize("change", [{"fifths": 8}, {"fifths": 0.5}, {"fifths": True}, {"mode": "blues"}, {"mode": None}])
def test_odd_keys_are_refused(change: dict[str, object]) -> None:
    assert "must be" in sentence(**change)


@pytest.mark.parametrize("tempo", [None, "fast", float("nan"), float("inf"), 0, 10_000, True])
def test_odd_numbers_are_refused(tempo: object) -> None:
    assert "tempo must be" in sentence(tempo=tempo)


def test_the_sentence_says_what_is_allowed_and_what_came() -> None:
    assert sentence(tempo=10_000) == "In the stored seed 'id', tempo must be less than or equal to 400, not 10000."
    assert sentence(notes=[]) == "In the stored seed 'id', notes must have at least 1 item, not []."
    assert sentence(id="") == "In the stored seed '', id must have at least 1 character, not ''."
    assert sentence(curation=5) == "In the stored seed 'id', curation must be a valid dictionary, not 5."
    assert sentence(curation=CURATION | {"more": 1.0}) == "In the stored seed 'id', curation.more is unknown."


@pytest.mark.parametrize(
    "curation",
    [None, [], {"total": 1.0}, CURATION | {"total": "2"}, CURATION | {"total": float("nan")}, CURATION | {"more": 1.0}],
)
def test_odd_measures_are_refused(curation: object) -> None:
    assert "curation" in sentence(curation=curation)


@pytest.mark.parametrize("name", STORED)
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        read_stored_seed({key: value for key, value in STORED.items() if key != name})


@pytest.mark.parametrize("data", [None, [], "seed", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(CheckpointError, match="must be a JSON object"):
        read_stored_seed(data)
