from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from score_examples import MINUET, onsets, rows

from musiclstm.formats.musicxml import HAND_OVER, musicxml_text, write_musicxml
from musiclstm.formats.score import parse_abc, read_corpus, read_score
from musiclstm.music import Staves, voices_of
from musiclstm.music.notes import Metre, Piece, Tempo, bar_lines, clean_metres, make_notes


def bars_of(text: str) -> list[ET.Element]:
    return ET.fromstring(text.encode()).findall("part/measure")


def filled(bar: ET.Element) -> list[Fraction]:
    """How far the bar's content reaches each time the writer goes back to its start, in quarters of 10080 divisions."""
    reached, now = [], 0
    for element in bar:
        length = int(element.findtext("duration", "0"))
        if element.tag == "backup":
            reached.append(now)
            now -= length
            assert now == 0
        elif element.tag == "forward" or (element.tag == "note" and element.find("chord") is None):
            now += length
    return [Fraction(end, 10080) for end in [*reached, now]]


def assert_well_written(piece: Piece, folder: Path) -> Piece:
    """Every bar is exactly full in every voice and no pitch is lost; returns what is read back."""
    text = musicxml_text(piece)
    bars = bars_of(text)
    starts = bar_lines(piece, max(1, piece.end))[:-1]
    last = int(np.searchsorted(starts, int(piece.notes["onset"].max()), side="right"))  # bars with onsets
    assert last <= len(bars) <= len(starts)
    length = Fraction(0)
    for bar in bars:
        time = bar.find("attributes/time")
        if time is not None:
            length = Fraction(4 * int(time.findtext("beats", "")), int(time.findtext("beat-type", "")))
        (full,) = set(filled(bar))
        assert full < length if bar.get("implicit") == "yes" else full == length
    (folder / "written.musicxml").write_text(text)
    again = read_score(folder / "written.musicxml")
    assert set(again.notes["pitch"].tolist()) == set(piece.notes["pitch"].tolist())
    return again


def test_clean_music_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    again = assert_well_written(piece, tmp_path)
    assert rows(again) == rows(piece)
    assert (again.metres, again.tempi, again.key, again.title, again.composer) == (
        (piece.metres, piece.tempi, piece.key, piece.title, piece.composer)
    )


def test_a_chorale_is_read_back_with_every_onset(tmp_path: Path) -> None:
    piece = read_corpus("bach/bwv66.6")
    assert onsets(assert_well_written(piece, tmp_path)) == onsets(piece)


def test_metre_changes_and_dense_tuplets_are_read_back_with_every_onset(tmp_path: Path) -> None:
    beats = {0: 1, 24: 2, 48: 3, 72: 4, 96: 5, 120: 6, 144: 7, 168: 8, 192: 3}
    struck = [beat + (2 * k * 24 + parts) // (2 * parts) for beat, parts in beats.items() for k in range(parts)]
    piece = Piece(
        make_notes(struck, [60 + i % 12 for i in range(len(struck))], [2] * len(struck), [64] * len(struck)),
        metres=(Metre(0, 4, 4), Metre(96, 5, 8), Metre(156, 3, 4)),
    )
    again = assert_well_written(piece, tmp_path)
    # Fifths and sevenths of a beat fall between our ticks; reading rounds them to the ticks they came from.
    assert {onset for onset, _ in onsets(again)} >= {onset for onset in struck if onset < 96}
    assert again.metres == piece.metres


def test_a_note_longer_than_a_bar_is_tied_and_read_back_whole(tmp_path: Path) -> None:
    piece = Piece(make_notes([0, 24, 48], [48, 72, 74], [288, 24, 24], [64] * 3), metres=(Metre(0, 3, 4),))
    assert (0, 48, 288) in rows(assert_well_written(piece, tmp_path))


def test_any_notes_in_any_metres_can_be_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    metres = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2), (9, 16), (3, 2), (1, 4), (11, 16), (2, 32), (12, 8)]
    for round_ in range(12):
        count, span = int(rng.integers(1, 60)), int(rng.integers(10, 500))
        notes = make_notes(
            rng.integers(0, span, count), rng.integers(21, 109, count), rng.choice([1, 3, 8, 24, 97, 400], count), [64] * count
        )
        changes = [Metre(int(rng.integers(0, span)), *metres[rng.integers(len(metres))]) for _ in range(round_ % 4)]
        assert_well_written(Piece(notes, metres=clean_metres(changes)), tmp_path)


def test_no_notes_give_a_bar_of_rest() -> None:
    bars = bars_of(musicxml_text(Piece(make_notes([], [], [], []))))
    assert len(bars) == 1
    assert len(bars[0].findall("note/rest")) == 2


def test_a_score_has_two_staves_with_key_metre_and_tempo() -> None:
    piece = replace(parse_abc(MINUET, "minuet.abc"), metres=(Metre(0, 6, 8),), tempi=(Tempo(0, 90.0), Tempo(144, 120.0)))
    text = musicxml_text(piece)
    first, _, third, *_ = bars_of(text)
    assert first.findtext("attributes/staves") == "2"
    assert [clef.findtext("sign") for clef in first.findall("attributes/clef")] == ["G", "F"]
    assert (first.findtext("attributes/key/fifths"), first.findtext("attributes/time/beats")) == ("1", "6")
    assert first.find(".//metronome/beat-unit-dot") is not None
    assert (first.findtext(".//per-minute"), third.findtext(".//per-minute")) == ("60", "80")
    assert [bar.get("number") for bar in bars_of(text)] == [str(n) for n in range(1, 9)]


def test_the_same_piece_gives_the_same_text_without_a_date() -> None:
    piece = parse_abc(MINUET, "minuet.abc")
    assert musicxml_text(piece) == musicxml_text(piece)
    assert "encoding-date" not in musicxml_text(piece)
    assert ">Music21<" not in musicxml_text(replace(piece, composer=""))


def test_text_in_names_is_escaped(tmp_path: Path) -> None:
    piece = replace(parse_abc(MINUET, "minuet.abc"), title="Tom & <Jerry>", composer='"B"')
    write_musicxml(piece, tmp_path / "written.musicxml")
    assert read_score(tmp_path / "written.musicxml").title == "Tom & <Jerry>"


def test_a_title_with_control_characters_still_gives_valid_xml() -> None:
    piece = Piece(make_notes([0], [60], [24], [64]), title="A\x07B\x1f <c>")
    whole = ET.fromstring(musicxml_text(piece))
    assert "AB <c>" in "".join(whole.itertext())


def two_bars(*, metre: tuple[int, int] = (4, 4), velocity: int = 64, qpm: float = 90.0) -> Piece:
    """Two bars of a chord on each, in which nothing is special."""
    bar = Metre(0, *metre).bar_ticks
    notes = make_notes([0, 0, bar, bar], [48, 72, 50, 74], [bar] * 4, [velocity, velocity, velocity, velocity + 1])
    return Piece(notes, metres=(Metre(0, *metre),), tempi=(Tempo(0, qpm),))


def test_the_hand_over_has_a_double_bar_and_words_and_the_end_a_final_bar_line() -> None:
    text = musicxml_text(two_bars(), split=96)
    first, second = bars_of(text)
    assert first.findtext("barline/bar-style") == "light-light"
    assert second.findtext("barline/bar-style") == "light-heavy"
    assert [bar.findtext("direction/direction-type/words") for bar in (first, second)] == [None, HAND_OVER]
    assert f"{HAND_OVER} from bar 2" in [creator.text for creator in ET.fromstring(text.encode()).iter("creator")]
    assert HAND_OVER not in musicxml_text(two_bars())


def test_a_pickup_is_an_implicit_bar_0() -> None:
    notes = make_notes([72, 96], [67, 72], [24, 96], [64, 64])
    first, second = bars_of(musicxml_text(Piece(notes)))
    assert [(bar.get("number"), bar.get("implicit")) for bar in (first, second)] == [("0", "yes"), ("1", "no")]
    assert set(filled(first)) == {Fraction(1)}


@pytest.mark.parametrize(
    ("metre", "qpm", "unit", "dots", "number"),
    [
        ((4, 4), 90.0, "quarter", 0, "90"),
        ((6, 8), 90.0, "quarter", 1, "60"),
        ((2, 2), 120.0, "half", 0, "60"),
        ((3, 8), 70.0, "eighth", 0, "140"),
        ((3, 8), 120.0, "quarter", 1, "80"),
        ((3, 2), 120.0, "half", 0, "60"),
        ((9, 16), 60.0, "eighth", 1, "80"),
    ],
)
def test_the_tempo_counts_the_unit_of_the_metre(metre: tuple[int, int], qpm: float, unit: str, dots: int, number: str) -> None:
    first, *_ = bars_of(musicxml_text(two_bars(metre=metre, qpm=qpm)))
    mark = first.find(".//metronome")
    assert mark is not None
    assert (mark.findtext("beat-unit"), len(mark.findall("beat-unit-dot")), mark.findtext("per-minute")) == (unit, dots, number)


def test_the_first_dynamic_stands_under_the_first_note() -> None:
    first, second = bars_of(musicxml_text(two_bars(velocity=90)))
    assert first.find("direction/direction-type/dynamics/f") is not None
    assert second.find(".//dynamics") is None


def test_high_music_stands_under_an_8va_line_and_sounds_as_it_should(tmp_path: Path) -> None:
    pitches = [76, 79, 84, 79] * 2 + [98, 100, 101, 100] * 2 + [76, 79, 84, 79] * 2
    piece = Piece(make_notes([24 * i for i in range(24)], pitches, [24] * 24, [64] * 24))
    again = assert_well_written(piece, tmp_path)
    assert again.notes["pitch"].tolist() == pitches
    shifts = [shift.get("type") for shift in ET.fromstring(musicxml_text(piece).encode()).iter("octave-shift")]
    assert shifts == ["down", "stop"]


def test_an_ensemble_is_written_in_parts_from_the_highest_down(tmp_path: Path) -> None:
    notes = [(24 * i, pitch) for i in range(8) for pitch in (43, 60, 67, 76)]
    piece = Piece(make_notes([onset for onset, _ in notes], [pitch for _, pitch in notes], [24] * 32, [64] * 32))
    write_musicxml(piece, tmp_path / "quartet.musicxml", voices=voices_of("string quartet"))
    score = ET.parse(tmp_path / "quartet.musicxml")
    assert [part.findtext("part-name") for part in score.iter("score-part")] == [
        "First violin",
        "Second violin",
        "Viola",
        "Cello",
    ]
    assert [part.findtext("part-abbreviation") for part in score.iter("score-part")] == ["Vln. I", "Vln. II", "Vla.", "Vc."]
    assert [part.findtext("measure/attributes/clef/sign") for part in score.findall("part")] == ["G", "G", "C", "F"]
    assert rows(read_score(tmp_path / "quartet.musicxml")) == rows(piece)


def test_a_silent_staff_has_a_rest_for_its_whole_bar_in_any_metre() -> None:
    for metre in ((4, 4), (9, 8), (5, 4), (3, 8)):
        bar = Metre(0, *metre).bar_ticks
        piece = Piece(make_notes([0, bar], [84, 84], [bar, bar], [64, 64]), metres=(Metre(0, *metre),))
        rests = [rest for bar in bars_of(musicxml_text(piece)) for rest in bar.findall("note/rest")]
        assert [rest.get("measure") for rest in rests] == ["yes", "yes"]


def test_music_with_a_pickup_is_read_back_at_the_same_times(tmp_path: Path) -> None:
    onsets_, pitches = [24, 30, *range(36, 108, 6)], [76, 75, 76, 75, 76, 71, 74, 72, 69, 60, 64, 69, 71, 52]
    piece = Piece(make_notes(onsets_, pitches, [6] * 14, [64] * 14), metres=(Metre(0, 3, 8),))
    assert onsets(assert_well_written(piece, tmp_path)) == onsets(piece)


def test_what_was_written_on_two_staves_is_read_back_on_them(tmp_path: Path) -> None:
    crossed = Staves(upper=frozenset({(0, 48), (48, 50)}), lower=frozenset({(0, 60), (24, 62), (72, 64)}))
    rows = sorted(crossed.upper | crossed.lower)
    piece = Piece(make_notes(*zip(*((*place, 24, 64) for place in rows), strict=True)), staves=crossed)
    write_musicxml(piece, tmp_path / "crossed.musicxml")
    assert read_score(tmp_path / "crossed.musicxml").staves == crossed
