from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.music.notes import (
    Key,
    Metre,
    Piece,
    Tempo,
    at_tempo,
    bar_lines,
    bar_positions,
    clean_metres,
    clean_tempi,
    cut,
    cut_bars,
    join,
    line_after,
    make_notes,
    require_notes,
    transpose,
)


def rows(piece: Piece) -> list[tuple[int, ...]]:
    return [tuple(row) for row in piece.notes.tolist()]


def scale(quarters: int = 8) -> Piece:
    """One quarter note after another, upwards from middle C."""
    n = range(quarters)
    return Piece(make_notes([24 * i for i in n], [60 + i for i in n], [24] * quarters, [64] * quarters))


# Rows


def test_rows_are_sorted_by_onset_then_pitch() -> None:
    notes = make_notes([24, 0, 0], [60, 67, 64], [1, 2, 3], [10, 20, 30])
    assert notes.tolist() == [(0, 64, 3, 30), (0, 67, 2, 20), (24, 60, 1, 10)]


def test_two_equal_notes_become_one_and_the_longer_stays() -> None:
    assert make_notes([0, 0, 0], [60, 60, 60], [12, 24, 6], [1, 2, 3]).tolist() == [(0, 60, 24, 2)]


def test_a_note_ends_where_its_pitch_is_struck_again() -> None:
    notes = make_notes([0, 10, 12], [60, 61, 60], [100, 100, 100], [64] * 3)
    assert notes["duration"].tolist() == [12, 100, 100]


def test_durations_are_at_least_one_tick_and_velocities_within_midi() -> None:
    notes = make_notes([0, 0, 0], [60, 61, 62], [0, -5, 7], [0, 128, 64])
    assert notes["duration"].tolist() == [1, 1, 7]
    assert notes["velocity"].tolist() == [1, 127, 64]


def test_pitches_outside_the_piano_move_by_octaves_into_it() -> None:
    outside = np.concatenate([np.arange(0, 21), np.arange(109, 128)])
    notes = make_notes(np.arange(len(outside)), outside, [1] * len(outside), [64] * len(outside))
    assert ((notes["pitch"] - outside) % 12 == 0).all()
    assert notes["pitch"].min() >= 21
    assert notes["pitch"].max() <= 108
    assert notes["pitch"].tolist()[20] == 32  # the semitone below the lowest key
    assert notes["pitch"].tolist()[21] == 97  # the semitone above the highest


def test_a_piece_may_have_no_notes() -> None:
    piece = Piece(make_notes([], [], [], []))
    assert (len(piece), piece.end, bar_lines(piece).tolist(), bar_positions(piece)[0].tolist()) == (0, 0, [0], [])


def test_the_rows_of_a_piece_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        scale().notes["pitch"] = 60


def test_pieces_are_equal_only_if_notes_and_names_are() -> None:
    assert scale() == scale()
    assert scale() != transpose(scale(), 1)
    assert scale() != replace(scale(), title="Scale")
    assert scale() != scale(3)
    assert scale() != "scale"


# Time


@pytest.mark.parametrize(
    ("metre", "bar", "beat"),
    [
        ((4, 4), 96, 24),
        ((3, 4), 72, 24),
        ((2, 2), 96, 48),
        ((6, 4), 144, 24),
        ((5, 8), 60, 12),
        ((3, 8), 36, 12),
        ((6, 8), 72, 36),
        ((12, 8), 144, 36),
        ((9, 16), 54, 18),
        ((1, 32), 3, 3),
    ],
)
def test_bar_and_beat_lengths_follow_from_the_metre(metre: tuple[int, int], bar: int, beat: int) -> None:
    assert (Metre(0, *metre).bar_ticks, Metre(0, *metre).beat_ticks) == (bar, beat)


def test_bar_lines_reach_the_end_and_follow_the_metre() -> None:
    piece = replace(scale(10), metres=(Metre(0, 4, 4), Metre(96, 3, 4)))
    assert bar_lines(piece).tolist() == [0, 96, 168, 240]
    assert bar_lines(piece, 97).tolist() == [0, 96, 168]
    assert bar_lines(piece, 96).tolist() == [0, 96]


def test_several_metre_changes_within_a_bar_still_give_growing_bar_lines() -> None:
    metres = (Metre(0, 4, 4), Metre(50, 3, 4), Metre(51, 2, 4), Metre(53, 1, 32), Metre(55, 4, 4))
    assert bar_lines(replace(scale(8), metres=metres)).tolist() == [0, 50, 51, 53, 55, 151, 247]


@pytest.mark.parametrize("changes", [(), (96,), (96, 168), (50, 51, 53, 55)])
def test_the_line_after_some_bars_is_that_of_the_bar_lines(changes: tuple[int, ...]) -> None:
    metres = [Metre(0, 4, 4), *(Metre(onset, 3 - number % 2, 4) for number, onset in enumerate(changes))]
    piece = replace(scale(8), metres=tuple(metres))
    lines = bar_lines(piece, 2000).tolist()
    assert [line_after(piece, bars) for bars in range(len(lines))] == lines


def test_bar_positions_count_from_the_bar_line() -> None:
    piece = replace(scale(7), metres=(Metre(0, 3, 4), Metre(72, 2, 4)))
    position, length = bar_positions(piece)
    assert position.tolist() == [0, 24, 48, 0, 24, 0, 24]
    assert length.tolist() == [72, 72, 72, 48, 48, 48, 48]


def test_seconds_follow_the_tempo_map() -> None:
    piece = replace(scale(), tempi=(Tempo(0, 60.0), Tempo(24, 120.0), Tempo(48, 30.0)))
    assert [piece.seconds(tick) for tick in (0, 12, 24, 36, 48, 72)] == [0, 0.5, 1.0, 1.25, 1.5, 3.5]


def test_metre_and_tempo_hold_from_their_onset_on() -> None:
    piece = replace(scale(), metres=(Metre(0, 4, 4), Metre(96, 3, 4)), tempi=(Tempo(0, 60.0), Tempo(96, 90.0)))
    assert [piece.metre_at(tick).numerator for tick in (-1, 0, 95, 96, 1000)] == [4, 4, 4, 3, 3]
    assert [piece.tempo_at(tick) for tick in (-1, 0, 95, 96, 1000)] == [60, 60, 60, 90, 90]


def test_at_tempo_keeps_the_notes_and_sets_one_tempo() -> None:
    piece = at_tempo(replace(scale(), tempi=(Tempo(0, 60.0), Tempo(24, 120.0))), 72)
    assert piece.tempi == (Tempo(0, 72.0),)
    assert rows(piece) == rows(scale())


@pytest.mark.parametrize("qpm", [19.9, 401, float("nan"), -60])
def test_a_tempo_out_of_range_is_refused(qpm: float) -> None:
    with pytest.raises(OptionError, match="between 20 and 400"):
        at_tempo(scale(), qpm)


def test_clean_metres_leaves_out_impossible_and_repeated_ones() -> None:
    metres = [Metre(96, 3, 4), Metre(-5, 2, 4), Metre(48, 4, 4), Metre(60, 0, 4), Metre(70, 4, 0), Metre(80, 4, 3)]
    assert clean_metres([*metres, Metre(90, 255, 4), Metre(168, 3, 4)]) == (Metre(0, 4, 4), Metre(96, 3, 4))
    assert clean_metres([]) == (Metre(0, 4, 4),)
    assert clean_metres([Metre(0, 4, 4), Metre(0, 6, 8)]) == (Metre(0, 6, 8),)


def test_clean_tempi_leaves_out_impossible_and_repeated_ones() -> None:
    tempi = [Tempo(48, 90.0), Tempo(24, 5.0), Tempo(30, float("nan")), Tempo(72, 90.0), Tempo(96, 60.0), Tempo(96, 61.0)]
    assert clean_tempi(tempi) == (Tempo(0, 90.0), Tempo(96, 61.0))
    assert clean_tempi([]) == (Tempo(0, 120.0),)


# Cutting, joining, moving


def test_a_cut_begins_at_zero_with_the_metre_and_tempo_that_hold_there() -> None:
    piece = replace(
        scale(10), metres=(Metre(0, 4, 4), Metre(96, 3, 4)), tempi=(Tempo(0, 60.0), Tempo(50, 80.0), Tempo(120, 90.0))
    )
    part = cut(piece, 72, 144)
    assert rows(part) == [(0, 63, 24, 64), (24, 64, 24, 64), (48, 65, 24, 64)]
    assert part.metres == (Metre(0, 4, 4), Metre(24, 3, 4))
    assert part.tempi == (Tempo(0, 80.0), Tempo(48, 90.0))


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (6, 5)])
def test_a_cut_without_length_is_refused(start: int, stop: int) -> None:
    with pytest.raises(OptionError, match="0 <= start < stop"):
        cut(scale(), start, stop)


def test_bars_are_counted_from_one_and_both_ends_are_included() -> None:
    assert [row[1] for row in rows(cut_bars(scale(10), 2, 3))] == [64, 65, 66, 67, 68, 69]


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 4)])
def test_bars_outside_the_piece_are_refused(first: int, last: int) -> None:
    with pytest.raises(OptionError, match="between 1 and 3"):
        cut_bars(scale(10), first, last)


def test_cutting_a_piece_in_two_and_joining_restores_it() -> None:
    piece = replace(
        scale(10),
        metres=(Metre(0, 4, 4), Metre(96, 3, 4)),
        tempi=(Tempo(0, 60.0), Tempo(48, 80.0), Tempo(120, 90.0)),
        key=Key(2),
        title="Scale",
    )
    lines = bar_lines(piece)
    for line in lines[1:-1].tolist():
        assert join(cut(piece, 0, line), cut(piece, line, piece.end + 1), line) == piece


def test_a_note_that_rings_into_the_second_piece_ends_where_its_pitch_is_struck() -> None:
    first, second = (Piece(make_notes([0], [60], [500], [64])) for _ in range(2))
    assert rows(join(first, second, 96)) == [(0, 60, 96, 64), (96, 60, 500, 64)]


def test_transposing_moves_every_pitch_and_can_be_undone() -> None:
    assert [row[1] for row in rows(transpose(scale(3), 5))] == [65, 66, 67]
    assert transpose(transpose(scale(), 5), -5) == scale()


@pytest.mark.parametrize(
    ("fifths", "semitones", "expected"), [(0, 1, -5), (0, 2, 2), (0, -1, 5), (-3, 2, -1), (5, 1, 0), (0, 6, -6)]
)
def test_transposing_moves_the_key_signature(fifths: int, semitones: int, expected: int) -> None:
    assert transpose(replace(scale(), key=Key(fifths, "minor")), semitones).key == Key(expected, "minor")


@pytest.mark.parametrize("fifths", range(-7, 8))
def test_transposing_by_an_octave_or_nothing_keeps_the_key_signature(fifths: int) -> None:
    piece = replace(scale(), key=Key(fifths))
    assert transpose(piece, 12).key == transpose(piece, 0).key == piece.key


def test_a_piece_with_too_few_notes_is_refused_by_name() -> None:
    piece = replace(scale(3), source="short.mid")
    assert require_notes(piece, 3) is piece
    with pytest.raises(MusicFileError, match=r"short\.mid has too few usable notes: at least 4 needed, 3 found"):
        require_notes(piece, 4)
