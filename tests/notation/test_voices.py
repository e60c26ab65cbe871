from __future__ import annotations

from musiclstm.music.notes import Key, Metre, Piece, make_notes
from musiclstm.notation.rhythm import UNITS, tiles, written_bars
from musiclstm.notation.spelling import spell_all
from musiclstm.notation.voices import Segment, voices_of_bars, written_notes

Written = list[tuple[float, float, tuple[int, ...]]]


def segments(*notes: tuple[int, int, int], metre: tuple[int, int] = (4, 4)) -> list[list[list[Segment]]]:
    """The voices of every bar of one staff with notes (onset, pitch, duration)."""
    onset, pitch, duration = zip(*notes, strict=True)
    piece = Piece(make_notes(onset, pitch, duration, [64] * len(onset)), metres=(Metre(0, *metre),))
    bars = written_bars(piece)
    grid = tiles(bars, sorted(set(onset)))
    return list(voices_of_bars(written_notes(piece.notes, spell_all(piece.notes, Key(0)), grid), bars, grid))


def voices(*notes: tuple[int, int, int], metre: tuple[int, int] = (4, 4), bar: int = 0) -> list[Written]:
    """The chords of a bar without rests: (start, end, pitches), times in ticks."""
    found = segments(*notes, metre=metre)[bar]
    return [[(s.start / UNITS, s.end / UNITS, tuple(n.pitch for n in s.notes)) for s in voice if s.notes] for voice in found]


def ties(*notes: tuple[int, int, int], metre: tuple[int, int] = (4, 4), bar: int = 0) -> set[int]:
    """The pitches that are tied over the end of a bar."""
    return {pitch for voice in segments(*notes, metre=metre)[bar] for segment in voice for pitch in segment.on}


def test_an_arpeggio_held_by_the_pedal_is_one_voice() -> None:
    arpeggio = [(12 * step, 48 + 4 * step, 96 - 12 * step) for step in range(8)]
    assert voices(*arpeggio) == [[(12.0 * step, 12.0 * step + 12, (48 + 4 * step,)) for step in range(8)]]


def test_a_bass_held_under_a_figure_is_a_voice() -> None:
    figure = [(12 * step, 60 + step % 3, 12) for step in range(1, 8)]
    assert voices((0, 43, 96), *figure)[1] == [(0, 96, (43,))]


def test_notes_that_overlap_a_little_stay_one_voice_without_ties() -> None:
    legato = [(24 * step, 60 + step, 32) for step in range(8)]
    assert len(voices(*legato)) == 1
    assert ties(*legato) == set()


def test_a_lone_note_that_rings_an_eighth_into_the_next_is_one_voice() -> None:
    assert len(voices((0, 72, 36), (24, 60, 24), (48, 67, 48))) == 1


def test_a_suspension_keeps_its_two_voices() -> None:
    assert voices((0, 72, 48), (0, 64, 24), (24, 65, 24), (48, 71, 48), (48, 67, 48)) == [
        [(0, 48, (72,))],
        [(0, 24, (64,)), (24, 48, (65,)), (48, 96, (67, 71))],
    ]


def test_a_last_chord_with_one_long_note_has_two_voices() -> None:
    assert voices((0, 67, 72), (0, 55, 24), metre=(3, 4)) == [[(0, 72, (67,))], [(0, 24, (55,))]]


def test_a_note_that_goes_on_to_the_next_note_of_the_next_bar_is_tied_there() -> None:
    # Debussy's Clair de lune, bars 3 and 4: a dotted quarter that ends with the first eighth of the next bar.
    line = [(0, 77, 36), (36, 75, 36), (72, 73, 48), (120, 72, 12), (132, 73, 12), (108, 66, 72)]
    assert ties(*line, metre=(9, 8)) == {73}
    assert voices(*line, metre=(9, 8), bar=1)[0][0] == (108, 120, (73,))


def test_a_note_that_rings_into_the_next_bar_without_reason_ends_at_the_bar_line() -> None:
    assert ties((0, 60, 96 + 8), (96, 62, 96)) == set()
    assert ties((0, 60, 96 + 48), (96, 72, 96)) == {60}


def test_rests_are_visible_only_where_the_staff_is_silent() -> None:
    held = [(0, 84, 24), (24, 86, 24), (48, 88, 24), (48, 76, 48), (72, 86, 24)]
    for voice in segments(*held)[0]:
        for segment in voice:
            assert segment.notes or segment.hidden
    (upper, lower), *_ = segments((0, 84, 48), (0, 72, 24), (24, 74, 24))
    assert [(s.start / UNITS, s.end / UNITS) for s in upper if not s.notes and not s.hidden] == [(48, 96)]
    assert all(s.hidden for s in lower if not s.notes)


def test_a_held_note_ends_where_the_other_voice_moves_on() -> None:
    # Bach's first prelude: the second note is held up to the next bass, and not to its own return a sixteenth later.
    assert voices((0, 60, 48), (6, 64, 42), (48, 60, 48), (54, 64, 42))[0] == [(6, 48, (64,)), (54, 96, (64,))]


def test_a_held_note_that_is_a_little_short_is_written_to_the_bar_line() -> None:
    figure = [(6 * step, 56 + 4 * (step % 2), 6) for step in range(8)]
    assert voices((0, 75, 38), *figure, metre=(2, 4))[0] == [(0, 48, (75,))]


def test_a_note_before_a_short_rest_ends_on_its_beat_and_not_in_a_tie() -> None:
    # A half note, then a run that begins a sixteenth after the third beat.
    run = [(54 + 6 * step, 60 + step, 6) for step in range(7)]
    assert voices((0, 62, 48), *run)[0][0] == (0, 48, (62,))
    assert voices((0, 62, 50), *run)[0][0] == (0, 48, (62,))
    assert voices((0, 62, 54), *run)[0][0] == (0, 54, (62,))  # played up to the run


def test_a_held_note_that_ends_with_a_new_note_of_the_other_line_keeps_its_end() -> None:
    moving = [(48 + 6 * step, 67 + step % 2, 6) for step in range(16)]
    assert voices((0, 72, 48), (48, 55, 96), *moving, (144, 55, 48), bar=1)[-1][0] == (96, 144, (55,))


def test_notes_that_a_hand_can_not_hold_with_the_next_ones_are_not_tied() -> None:
    held = [(48, pitch, 72) for pitch in (42, 49, 54, 58)]
    assert ties(*held, (96, 35, 24), (96, 47, 48)) == set()
    assert ties(*held[:2], (96, 45, 24), (96, 47, 48)) == {42, 49}
    assert ties((48, 42, 72), (96, 66, 48)) == set()


def test_a_held_note_between_or_beyond_those_of_its_chord_that_move_on_is_no_voice() -> None:
    # Between a bass and a melody, or above a bass that the lower voice would have to cross.
    moving = [(24, 69, 24), (48, 67, 48)]
    assert len(voices((0, 55, 24), (0, 62, 72), (0, 67, 24), *moving)) == 1
    assert len(voices((0, 45, 24), (0, 49, 72), *moving)) == 1
    assert voices((0, 62, 96), (0, 67, 24), *moving)[1] == [(0, 96, (62,))]


def test_of_two_voices_the_one_that_sounds_above_is_the_upper_one_also_within_a_bar() -> None:
    over, under = [(0, 83, 48), (0, 79, 24), (24, 76, 24)], [(48, 74, 48), (48, 84, 24), (72, 86, 24)]
    upper, lower = voices(*over, *under)
    assert upper == [(0, 48, (83,)), (48, 72, (84,)), (72, 96, (86,))]
    assert lower == [(0, 24, (79,)), (24, 48, (76,)), (48, 96, (74,))]
