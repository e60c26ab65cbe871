from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from score_examples import MINUET, onsets, rows

from musiclstm.formats.musicxml import musicxml_text, write_musicxml
from musiclstm.formats.score import parse_abc, read_corpus, read_score
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
    assert len(bars) == len(bar_lines(piece, max(1, piece.end))) - 1
    length = Fraction(0)
    for bar in bars:
        time = bar.find("attributes/time")
        if time is not None:
            length = Fraction(4 * int(time.findtext("beats", "")), int(time.findtext("beat-type", "")))
        assert set(filled(bar)) == {length}
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
    piece = Piece(make_notes([0, 24, 48], [48, 72, 74], [300, 24, 24], [64] * 3), metres=(Metre(0, 3, 4),))
    assert (0, 48, 300) in rows(assert_well_written(piece, tmp_path))


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
