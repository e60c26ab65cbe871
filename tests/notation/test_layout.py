from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from musiclstm.music import Staves, voices_of
from musiclstm.music.notes import Key, Metre, Piece, Tempo, clean_metres, make_notes
from musiclstm.notation.layout import Engraving, StaffBar, Symbol, engrave
from musiclstm.notation.rhythm import UNITS, pickup_bars


class Written(NamedTuple):
    """A symbol of a voice, times in ticks from the start of the piece."""

    start: float
    length: float
    pitches: tuple[int, ...]


def piece_of(*notes: tuple[int, int, int], metre: tuple[int, int] = (4, 4), key: Key | None = None) -> Piece:
    """A piece of (onset, pitch, duration)."""
    onset, pitch, duration = zip(*notes, strict=True)
    return Piece(make_notes(onset, pitch, duration, [64] * len(onset)), metres=(Metre(0, *metre),), key=key)


def right(page: Engraving, bar: int = 0) -> StaffBar:
    return page.staves[0][bar]


def voices(staff_bar: StaffBar) -> list[list[Written]]:
    return [
        [Written(s.value.start / UNITS, s.value.length / UNITS, tuple(h.pitch for h in s.heads)) for s in voice]
        for voice in staff_bar.voices
    ]


def symbols(page: Engraving) -> list[Symbol]:
    return [symbol for staff in page.staves for bar in staff for voice in bar.voices for symbol in voice]


def test_notes_of_one_onset_are_a_chord_and_gaps_are_rests() -> None:
    page = engrave(piece_of((0, 72, 24), (0, 76, 24), (48, 74, 24)))
    assert voices(right(page)) == [[(0, 24, (72, 76)), (24, 24, ()), (48, 24, (74,)), (72, 24, ())]]


def test_a_hand_without_notes_rests_for_the_bar() -> None:
    page = engrave(piece_of((0, 72, 96)))
    assert voices(page.staves[1][0]) == [[(0, 96, ())]]


def test_notes_stay_on_the_staves_of_their_source_and_the_hands_go_on_from_there() -> None:
    # A figure in the right hand under its melody, over a bass: by pitch alone it is the left hand's.
    figure = [(12 * at, 55 + 4 * (at % 2), 12) for at in range(32)]
    melody, bass = [(96 * bar, 67, 96) for bar in range(4)], [(96 * bar, 36, 96) for bar in range(4)]
    music = piece_of(*figure, *melody, *bass)
    upper = frozenset((onset, pitch) for onset, pitch, _ in (*figure, *melody) if onset < 192)
    page = engrave(replace(music, staves=Staves(upper, frozenset((onset, pitch) for onset, pitch, _ in bass[:2]))))
    for bar in range(4):
        assert voices(page.staves[1][bar]) == [[(96 * bar, 96, (36,))]]


def test_a_note_a_little_too_short_or_too_long_ends_with_the_next() -> None:
    page = engrave(piece_of((0, 72, 18), (24, 74, 29), (48, 76, 20), (72, 77, 24)))
    assert voices(right(page)) == [[(0, 24, (72,)), (24, 24, (74,)), (48, 24, (76,)), (72, 24, (77,))]]


def test_a_note_held_under_moving_ones_gets_a_voice_of_its_own() -> None:
    page = engrave(piece_of((0, 84, 96), (0, 76, 24), (24, 77, 24), (48, 79, 24), (72, 77, 24), (0, 40, 96)))
    assert voices(right(page)) == [
        [(0, 96, (84,))],
        [(0, 24, (76,)), (24, 24, (77,)), (48, 24, (79,)), (72, 24, (77,))],
    ]


def test_rests_of_a_second_voice_are_hidden() -> None:
    page = engrave(piece_of((0, 84, 24), (24, 86, 24), (48, 88, 24), (72, 86, 24), (48, 76, 48), (48, 40, 48), (0, 40, 48)))
    upper, lower = right(page).voices
    assert [(symbol.heads == (), symbol.hidden) for symbol in lower] == [(True, True), (False, False)]
    assert not any(symbol.hidden for symbol in upper)


def test_a_note_over_the_bar_line_is_tied() -> None:
    page = engrave(piece_of((72, 72, 48), (120, 74, 72)))
    heads = [symbol.heads[0] for bar in page.staves[0] for symbol in bar.voices[0] if symbol.heads]
    assert [(head.pitch, head.tied_back, head.tied_on) for head in heads[:3]] == [
        (72, False, True),
        (72, True, False),
        (74, False, False),
    ]


def test_tuplets_are_bracketed_from_first_to_last() -> None:
    page = engrave(piece_of((0, 72, 8), (8, 74, 8), (16, 76, 8), (24, 77, 72)))
    voice = right(page).voices[0]
    assert [symbol.bracket for symbol in voice] == ["start", "", "stop", ""]
    assert [symbol.value.tuplet for symbol in voice] == [(3, 2)] * 3 + [None]


def test_beams_join_the_notes_of_a_beat() -> None:
    page = engrave(piece_of(*[(onset, 72, 6) for onset in (0, 12, 18, 24, 30, 36, 42)], (48, 72, 48)))
    assert [symbol.beams for symbol in right(page).voices[0]] == [
        ("start",),
        ("continue", "start"),
        ("stop", "stop"),
        ("start", "start"),
        ("continue", "continue"),
        ("continue", "continue"),
        ("stop", "stop"),
        (),
    ]


def test_a_dotted_figure_has_half_a_beam() -> None:
    page = engrave(piece_of((0, 72, 18), (18, 74, 6), (24, 76, 72)))
    assert [symbol.beams for symbol in right(page).voices[0]] == [("start",), ("stop", "partial-left"), ()]


def test_six_eight_is_beamed_in_threes() -> None:
    page = engrave(piece_of(*[(12 * i, 72 + i, 12) for i in range(6)], metre=(6, 8)))
    assert [symbol.beams for symbol in right(page).voices[0]] == [("start",), ("continue",), ("stop",)] * 2


def test_an_accidental_holds_for_its_octave_to_the_end_of_the_bar() -> None:
    bass = [(24 * i, 40, 24) for i in range(4)]
    page = engrave(piece_of((0, 78, 96), (0, 66, 24), (24, 66, 24), (48, 65, 24), (72, 66, 24), *bass, key=Key(0)))
    heads = sorted(
        (symbol.value.start, head.pitch, head.accidental)
        for voice in right(page).voices
        for symbol in voice
        for head in symbol.heads
    )
    assert [(pitch, shown) for _, pitch, shown in heads] == [(66, True), (78, True), (66, False), (65, True), (66, True)]


def test_the_left_hand_changes_clef_only_for_high_music() -> None:
    low, high = [(24 * i, 40, 24) for i in range(4)], [(96 + 24 * i, 72, 24) for i in range(4)]
    melody = [(24 * i, 88, 24) for i in range(8)]
    page = engrave(piece_of(*low, *high, *melody))
    assert [bar.clef for bar in page.staves[1]] == ["F", "G"]
    assert [bar.clef for bar in page.staves[0]] == ["G", "G"]


def test_small_changes_of_tempo_are_not_printed() -> None:
    tempi = (Tempo(0, 100.0), Tempo(96, 95.0), Tempo(192, 60.0), Tempo(200, 300.0), Tempo(288, 61.0))
    piece = replace(piece_of((0, 72, 384)), tempi=tempi)
    assert engrave(piece).tempi == ((0, 100.0), (2, 60.0))


def test_every_voice_fills_its_bar_and_every_pitch_is_written_for_any_input() -> None:
    rng = np.random.default_rng(11)
    metres = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (9, 16), (3, 2), (1, 4), (11, 16), (2, 32), (12, 8)]
    for round_ in range(60):
        count, span = int(rng.integers(1, 80)), int(rng.integers(5, 700))
        durations = rng.choice([1, 2, 3, 6, 8, 12, 24, 48, 97, 300], count)
        notes = make_notes(rng.integers(0, span, count), rng.integers(21, 109, count), durations, [64] * count)
        changes = [Metre(int(rng.integers(0, span)), *metres[rng.integers(len(metres))]) for _ in range(round_ % 5)]
        page = engrave(Piece(notes, metres=clean_metres(changes)))
        for staff in page.staves:
            for bar, staff_bar in zip(page.bars, staff, strict=True):
                for voice in staff_bar.voices:
                    ends = [s.value.start + s.value.length for s in voice]
                    assert [s.value.start for s in voice] == [bar.start * UNITS, *ends[:-1]]
                    assert ends[-1] == bar.end * UNITS
                    edges = [s.bracket for s in voice if s.bracket]
                    assert edges == ["start", "stop"] * (len(edges) // 2)
        assert {head.pitch for symbol in symbols(page) for head in symbol.heads} == set(notes["pitch"].tolist())


def test_a_note_struck_just_before_the_last_bar_line_fits_into_a_tuplet() -> None:
    dense = [(89, 41, 1), (91, 82, 1), (93, 85, 1), (94, 87, 1), (95, 89, 1)]
    page = engrave(piece_of((0, 60, 24), *dense))
    assert {pitch for voice in voices(right(page)) for symbol in voice for pitch in symbol.pitches} >= {82, 85, 87, 89}


@pytest.mark.parametrize("ring", [1, 6, 12, 24, 60, 96, 200])
def test_ties_match_on_both_sides(ring: int) -> None:
    notes = [(24 * i, 60 + (7 * i) % 24, 24 + ring) for i in range(16)]
    page = engrave(piece_of(*notes))
    for staff in page.staves:
        into = {(s.value.start, h.pitch) for bar in staff for voice in bar.voices for s in voice for h in s.heads if h.tied_back}
        onward = {
            (s.value.start + s.value.length, h.pitch)
            for bar in staff
            for voice in bar.voices
            for s in voice
            for h in s.heads
            if h.tied_on
        }
        last = page.bars[-1].end * UNITS
        assert into == {tie for tie in onward if tie[0] < last}


def test_an_opening_is_spelled_as_if_nothing_followed() -> None:
    opening = [(12 * i, pitch, 12) for i, pitch in enumerate((62, 64, 65, 67, 69, 70, 61, 70, 69, 67, 65, 64, 65, 69, 74, 61))]
    flats = [(192 + 12 * i, pitch, 12) for i, pitch in enumerate((61, 65, 68, 61, 63, 66, 68, 61) * 8)]

    def names(page: Engraving, bars: int) -> list[tuple[str, int, int]]:
        return [h.name for staff in page.staves for bar in staff[:bars] for voice in bar.voices for s in voice for h in s.heads]

    alone = engrave(piece_of(*opening, key=Key(-1, "minor")))
    both = engrave(piece_of(*opening, *flats, key=Key(-1, "minor")), split=192)
    assert both.hand_over == 2
    assert sorted(names(both, 2)) == sorted(names(alone, 2))
    assert {name[:2] for name in names(both, 2)} >= {("C", 1)}
    assert both.key == alone.key == Key(-1, "minor")


def test_a_last_note_that_rings_on_needs_no_bar_of_its_own() -> None:
    assert len(engrave(piece_of((0, 72, 96), (96, 74, 140))).bars) == 2
    assert len(engrave(piece_of((0, 72, 96), (96, 74, 192))).bars) == 3  # but is held on purpose to the end of the next


def test_a_pickup_is_bar_0_and_has_no_rest_before_it() -> None:
    # Beethoven, Für Elise: two sixteenths before the first bar of 3/8
    piece = piece_of((24, 76, 6), (30, 75, 6), (36, 76, 6), (42, 75, 6), (48, 76, 24), metre=(3, 8))
    page = engrave(piece)
    assert [(bar.number, bar.missing, bar.length) for bar in page.bars] == [(0, 24, 12), (1, 0, 36)]
    assert pickup_bars(piece) == 1
    assert voices(right(page)) == [[(0, 6, (76,)), (6, 6, (75,))]]


@pytest.mark.parametrize("first", [0, 6, 24, 42, 96])
def test_a_bar_that_begins_with_a_short_rest_is_no_pickup(first: int) -> None:
    piece = piece_of((first, 72, 96 - first % 96), (96, 74, 96))
    assert [bar.number for bar in engrave(piece).bars] == [1, 2]
    assert pickup_bars(piece) == 0


def test_a_pickup_of_triplets_keeps_its_whole_beat() -> None:
    page = engrave(piece_of((80, 72, 8), (88, 74, 8), (96, 76, 96)))
    assert (page.bars[0].missing, page.bars[0].length) == (72, 24)
    assert [symbol.value.tuplet for symbol in right(page).voices[0]] == [(3, 2)] * 3


def test_an_ensemble_has_a_staff_for_each_player_with_its_clef() -> None:
    notes = [(24 * i, pitch, 24) for i in range(4) for pitch in (43, 60, 67, 76)]
    page = engrave(piece_of(*notes), voices=voices_of("string quartet"))
    assert [bars[0].clef for bars in page.staves] == ["G", "G", "C", "F"]
    assert [{h.pitch for v in bars[0].voices for s in v for h in s.heads} for bars in page.staves] == [{76}, {67}, {60}, {43}]


def test_music_under_an_8va_line_is_written_an_octave_lower() -> None:
    high = [(24 * i, 100, 24) for i in range(8)]
    page = engrave(piece_of(*high, *[(24 * i, 48, 24) for i in range(8)]))
    assert {s.octaves for bar in page.staves[0] for voice in bar.voices for s in voice} == {1}


def test_a_single_note_of_a_tuplet_has_its_rests() -> None:
    alone, two = ((0, 36, 96), (0, 76, 96), (8, 67, 8)), ((0, 36, 96), (0, 76, 96), (8, 67, 8), (16, 69, 8))
    for notes, hidden in ((alone, [False, False, False]), (two, [True, False, False])):
        lower = right(engrave(piece_of(*notes))).voices[1]
        assert [symbol.hidden for symbol in lower if symbol.value.tuplet] == hidden


def test_a_beam_shows_a_tuplet_without_a_bracket() -> None:
    page = engrave(piece_of((0, 72, 8), (8, 74, 8), (16, 76, 8), (24, 72, 16), (40, 74, 8), (48, 72, 48)))
    starts = [symbol.beamed for symbol in right(page).voices[0] if symbol.bracket == "start"]
    assert starts == [True, False]


def test_stems_point_away_from_the_other_voice_only_while_it_sounds() -> None:
    page = engrave(piece_of((0, 76, 48), (0, 72, 24), (24, 74, 24), (48, 64, 24), (72, 65, 24), (0, 40, 96)))
    upper, lower = right(page).voices
    assert [symbol.stem for symbol in upper if symbol.heads] == ["up"]
    assert [symbol.stem for symbol in lower if symbol.heads] == ["down", "down", "up", "up"]
