from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from musiclstm.music.notes import Metre, Piece, bar_lines, clean_metres, make_notes
from musiclstm.notation.rhythm import (
    SHORTEST,
    UNITS,
    Bar,
    WrittenBar,
    metres_of_bars,
    snap_end,
    snap_onset,
    tiles,
    values,
    written_bars,
)


def measures(metre: tuple[int, int], *lengths: int) -> list[WrittenBar]:
    starts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    return [WrittenBar(start, *metre) for start in starts]


def lines(bars: list[WrittenBar]) -> list[int]:
    """The bar lines that follow from the metres found for these bars."""
    shift, metres = metres_of_bars(bars)
    end = bars[-1].start + shift
    return bar_lines(Piece(make_notes([end], [60], [1], [64]), metres=metres), end).tolist()


# Reading bars


def test_regular_bars_need_one_metre() -> None:
    assert metres_of_bars(measures((3, 4), 72, 72)) == (0, (Metre(0, 3, 4),))


def test_a_short_first_bar_is_a_pickup() -> None:
    assert metres_of_bars(measures((4, 4), 24, 96, 96)) == (72, (Metre(0, 4, 4),))
    assert metres_of_bars(measures((6, 8), 12, 72)) == (60, (Metre(0, 6, 8),))
    assert metres_of_bars(measures((4, 4), 48, 48, 96)) == (0, (Metre(0, 4, 4),))


def test_a_single_bar_is_not_a_pickup() -> None:
    assert metres_of_bars(measures((4, 4))) == (0, (Metre(0, 4, 4),))


def test_two_parts_of_a_bar_around_a_repeat_sign_are_one_bar() -> None:
    assert metres_of_bars(measures((4, 4), 96, 72, 24, 96)) == (0, (Metre(0, 4, 4),))


def test_a_bar_of_another_length_gets_its_own_metre() -> None:
    assert metres_of_bars(measures((4, 4), 96, 72, 96))[1] == (Metre(0, 4, 4), Metre(96, 3, 4), Metre(168, 4, 4))
    assert metres_of_bars(measures((4, 4), 96, 120, 96))[1] == (Metre(0, 4, 4), Metre(96, 5, 4), Metre(216, 4, 4))
    assert lines(measures((2, 4), 48, 51, 48, 39, 48)) == [0, 48, 99, 147, 186, 234]


def test_a_cadenza_is_whole_bars_and_a_remainder() -> None:
    assert lines(measures((4, 4), 96, 1000 // 3 * 3, 96))[-2:] == [96 + 999, 96 + 999 + 96]


def test_no_bars_give_common_time() -> None:
    assert metres_of_bars([]) == (0, (Metre(0, 4, 4),))


# Writing bars and values

METRES = [(4, 4), (3, 4), (2, 2), (6, 8), (9, 8), (12, 8), (5, 8), (7, 8), (3, 8), (9, 16), (3, 2), (2, 32)]


def bar_of(metre: tuple[int, int]) -> Bar:
    return Bar(0, 0, Metre(0, *metre).bar_ticks, Metre(0, *metre))


def written(metre: tuple[int, int], start: int, end: int, rest: bool = False) -> list[tuple[int, int]]:
    """(ticks without dots, dots) of the values that fill a stretch of a bar."""
    bar = bar_of(metre)
    return [(v.plain, v.dots) for v in values(tiles([bar], []), bar, start * UNITS, end * UNITS, rest)]


@pytest.mark.parametrize("metre", METRES)
@pytest.mark.parametrize("rest", [False, True])
def test_values_fill_every_stretch_of_a_bar(metre: tuple[int, int], rest: bool) -> None:
    bar = bar_of(metre)
    grid = tiles([bar], [])
    for start in range(0, bar.length, SHORTEST):
        for end in range(start + SHORTEST, bar.length + 1, SHORTEST):
            found = values(grid, bar, start * UNITS, end * UNITS, rest)
            assert [v.start for v in found] == [start * UNITS + sum(v.length for v in found[:i]) for i in range(len(found))]
            assert sum(v.length for v in found) == (end - start) * UNITS
            assert all(v.length == v.plain * UNITS * (3 if v.dots else 2) // 2 for v in found)


@pytest.mark.parametrize(
    ("metre", "start", "end", "expected"),
    [
        ((4, 4), 0, 96, [(96, 0)]),
        ((3, 4), 0, 72, [(48, 1)]),
        ((6, 8), 0, 72, [(48, 1)]),
        ((4, 4), 12, 36, [(24, 0)]),  # eighth, quarter, eighth
        ((4, 4), 6, 18, [(12, 0)]),  # sixteenth, eighth, sixteenth
        ((4, 4), 0, 36, [(24, 1)]),
        ((4, 4), 12, 60, [(12, 0), (24, 1)]),  # the second beat shows
        ((6, 8), 0, 48, [(24, 1), (12, 0)]),
        ((6, 8), 24, 48, [(12, 0), (12, 0)]),
        ((6, 8), 0, 18, [(12, 1)]),  # two in the time of three
        ((5, 4), 0, 120, [(96, 0), (24, 0)]),
    ],
)
def test_note_values_show_the_beats(metre: tuple[int, int], start: int, end: int, expected: list[tuple[int, int]]) -> None:
    assert written(metre, start, end) == expected


def test_rests_off_the_beat_do_not_cross_beats() -> None:
    assert written((4, 4), 12, 36, rest=True) == [(12, 0), (12, 0)]
    assert written((4, 4), 24, 72, rest=True) == [(24, 0), (24, 0)]
    assert written((4, 4), 48, 96, rest=True) == [(48, 0)]


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5, 6, 7, 8])
def test_up_to_eight_equal_notes_in_a_beat_are_recognised(parts: int) -> None:
    onsets = [(2 * k * 24 + parts) // (2 * parts) for k in range(parts)]
    tile = tiles([bar_of((1, 4))], onsets)[0]
    assert tile.parts == parts
    assert [Fraction(snap_onset([tile], onset), 24 * UNITS) for onset in onsets] == [Fraction(k, parts) for k in range(parts)]


@pytest.mark.parametrize("onsets", [[0, 1], [1], [23], [0, 1, 2], [0, 13], [0, 11]])
def test_small_unevenness_is_read_as_plain_values(onsets: list[int]) -> None:
    assert tiles([bar_of((1, 4))], onsets)[0].parts <= 2


def test_tuplets_are_written_as_such_and_ties_lead_into_them() -> None:
    bar = bar_of((2, 4))
    grid = tiles([bar], [0, 8, 24, 32, 40])
    found = values(grid, bar, 8 * UNITS, 32 * UNITS)
    assert [(v.plain, v.dots, v.tuplet) for v in found] == [(24, 0, (3, 2)), (12, 0, (3, 2))]
    assert [(v.plain, v.tuplet) for v in values(grid, bar, 0, 48 * UNITS)] == [(48, None)]


def test_a_note_has_at_least_one_step_however_short_it_sounds() -> None:
    grid = tiles([bar_of((2, 4))], [0, 6, 12, 18])
    assert snap_end(grid, 7, 6 * UNITS) == 12 * UNITS
    assert snap_end(grid, 46, 24 * UNITS) == 48 * UNITS


def test_written_bars_follow_each_other_and_have_the_metre_of_their_length() -> None:
    metres = clean_metres([Metre(0, 4, 4), Metre(50, 6, 8), Metre(131, 5, 16), Metre(132, 3, 4)])
    bars = written_bars(Piece(make_notes([400], [60], [1], [64]), metres=metres))
    assert bars[0].start == 0
    assert all(following.start == bar.end for bar, following in pairwise(bars))
    assert all(bar.length == bar.metre.bar_ticks and bar.length % SHORTEST == 0 for bar in bars)
    assert [bar.onset for bar in bars[:5]] == [0, 50, 122, 131, 132]
