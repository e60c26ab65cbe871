"""Sheet music: every note once, the hand-over to be seen, nothing from outside."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.notes import Piece, make_notes
from musiclstm.render.sheet import engrave
from musiclstm.score import musicxml_text

SPLIT = 2 * 96


def scale(title: str = "Scale") -> Piece:
    """Four bars of quarters, a low C under each bar."""
    onsets = [24 * beat for beat in range(16)] + [96 * bar for bar in range(4)]
    pitches = [60 + 2 * (beat % 8) for beat in range(16)] + [36] * 4
    return Piece(make_notes(onsets, pitches, [24] * 16 + [96] * 4, [70] * 20), title=title)


def drawn(svg: str) -> dict[str, str]:
    """The class of each note by its id."""
    return dict(re.findall(r'<g id="([\w-]+)" class="(note[^"]*)"', svg))


def test_every_note_is_engraved_once_and_where_it_sounds() -> None:
    piece = scale()
    sheet = engrave(musicxml_text(piece))
    assert sorted(onset for _, onset, _ in sheet.notes) == sorted(piece.notes["onset"].tolist())
    assert {name for name, _, _ in sheet.notes} == set(drawn(sheet.svg))
    assert all(onset < end <= piece.end for _, onset, end in sheet.notes)


def test_a_tied_note_sounds_in_all_its_parts() -> None:
    tied = Piece(make_notes([72, 96], [60, 40], [48, 96], [70, 70]))
    assert [onset for _, onset, _ in engrave(musicxml_text(tied)).notes] == [72, 96, 96]  # over the bar line in two parts


def test_the_continuation_is_marked_from_its_first_note_on() -> None:
    sheet = engrave(musicxml_text(scale()), split=SPLIT)
    classes = drawn(sheet.svg)
    for name, onset, _ in sheet.notes:
        assert ("continuation" in classes[name].split()) == (onset >= SPLIT)
    assert sheet.svg.count(">continuation</text>") == 1
    assert "continuation" not in engrave(musicxml_text(scale())).svg


def test_the_picture_stands_alone_and_fits_its_place() -> None:
    svg = engrave(musicxml_text(scale("<script>alert(1)</script>")), split=SPLIT).svg
    assert "<script" not in svg
    addresses = re.findall(r"https?://[^\"' )<]+", svg)
    assert {address for address in addresses if not address.startswith("http://www.w3.org/")} == set()
    head = svg.split(">", maxsplit=1)[0]
    assert "viewBox" in head
    assert not re.search(r"\bwidth=", head)


def test_it_is_engraved_in_any_thread() -> None:
    text = musicxml_text(scale())
    with ThreadPoolExecutor(2) as pool:
        sheets = list(pool.map(lambda _: engrave(text), range(2)))
    assert [len(sheet.notes) for sheet in sheets] == [20, 20]


def test_what_is_no_score_is_one_sentence() -> None:
    with pytest.raises(MusicFileError, match="can't be engraved"):
        engrave("<score-partwise")
