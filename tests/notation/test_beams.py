from __future__ import annotations

import pytest

from musiclstm.music.notes import Metre
from musiclstm.notation.beams import beam_groups
from musiclstm.notation.rhythm import UNITS, Bar, Value


def groups(metre: tuple[int, int], *values: int, missing: int = 0) -> list[int]:
    """How many of ``values`` (in ticks, negative for a rest), each undotted, share a beam, beam by beam."""
    bar = Bar(missing, 0, Metre(0, *metre).bar_ticks - missing, Metre(0, *metre), missing=missing)
    voice, now = [], 0
    for value in values:
        voice.append((Value(now * UNITS, abs(value) * UNITS, abs(value), 0), value > 0))
        now += abs(value)
    return [len(group) for group in beam_groups(voice, bar)]


@pytest.mark.parametrize(
    ("metre", "values", "expected"),
    [
        ((4, 4), [12] * 8, [4, 4]),
        ((2, 2), [12] * 8, [4, 4]),
        ((2, 4), [12] * 4, [4]),
        ((3, 4), [12] * 6, [6]),
        ((3, 4), [24, 12, 12, 12, 12], [2, 2]),
        ((3, 8), [12] * 3, [3]),
        ((6, 8), [12] * 6, [3, 3]),
        ((9, 8), [12] * 9, [3, 3, 3]),
        ((9, 16), [6] * 9, [3, 3, 3]),
        ((4, 4), [6] * 16, [4, 4, 4, 4]),
        ((4, 4), [12, 12, 6, 6, 6, 6, 48], [2, 4]),
        ((4, 4), [-12, 12, 12, 12, 48], [2]),
        ((4, 4), [24, 12, 12, 12, 12, 24], [2, 2]),
    ],
)
def test_beams_follow_the_metre(metre: tuple[int, int], values: list[int], expected: list[int]) -> None:
    assert groups(metre, *values) == expected


def test_the_beats_of_a_pickup_count_from_where_its_bar_would_begin() -> None:
    assert groups((4, 4), 12, 12, 12, missing=60) == [2]
