"""Scores to print: pages of the right size with all their words, the same every time."""

from __future__ import annotations

import re
import zlib

import pytest

from musiclstm import limits
from musiclstm.errors import MusicFileError, OptionError
from musiclstm.formats.musicxml import musicxml_text
from musiclstm.music.notes import Piece, make_notes
from musiclstm.render.sheet_pdf import sheet_pdf


def music(bars: int, title: str = "Étude") -> Piece:
    """Quarters over a bass note in every bar."""
    onsets = [24 * beat for beat in range(4 * bars)] + [96 * bar for bar in range(bars)]
    pitches = [72 + beat % 5 for beat in range(4 * bars)] + [43] * bars
    return Piece(
        make_notes(onsets, pitches, [24] * 4 * bars + [96] * bars, [70] * 5 * bars), title=title, composer="Cécile Chaminade"
    )


def boxes(pdf: bytes) -> list[tuple[int, int]]:
    """Width and height of each page in points."""
    found = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(round(float(width)), round(float(height))) for width, height in found]


def fonts(pdf: bytes) -> set[bytes]:
    return set(re.findall(rb"/BaseFont ?/[A-Z]+\+([A-Za-z]+)", pdf))


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_pages_have_the_size_of_the_paper(paper: str, size: tuple[int, int]) -> None:
    pdf = sheet_pdf(musicxml_text(music(8), split=384), split=384, paper=paper)
    assert pdf.startswith(b"%PDF-")
    assert boxes(pdf) == [size]


def test_long_music_has_several_systems_to_the_page_and_several_pages() -> None:
    pages = len(boxes(sheet_pdf(musicxml_text(music(120)))))
    assert 3 <= pages <= 6


def test_every_font_is_in_the_file() -> None:
    pdf = sheet_pdf(musicxml_text(music(4), split=96), split=96)
    assert fonts(pdf) == {b"LibertinusSerif"}  # symbols are outlines
    assert pdf.count(b"/Type/FontDescriptor") == pdf.count(b"/FontFile") > 0


def test_the_same_score_gives_the_same_bytes() -> None:
    text = musicxml_text(music(4), split=96)
    assert sheet_pdf(text, split=96) == sheet_pdf(text, split=96)


def test_titles_are_text_whatever_is_in_them() -> None:
    for title in ('"); #panic("x")', "a \\ b", '#image("/etc/passwd")', "$x$ *b* _c_ @d <e>", ""):
        assert boxes(sheet_pdf(musicxml_text(music(1, title))))


def test_the_title_is_in_the_properties_of_the_file() -> None:
    pdf = sheet_pdf(musicxml_text(music(1, "Sonatina")))
    streams = [zlib.decompress(found) for found in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", pdf, re.DOTALL)]
    assert any(b"Sonatina" in part for part in (pdf, *streams))


def test_an_unknown_paper_is_refused_in_one_sentence() -> None:
    with pytest.raises(OptionError, match=r"^The paper must be A4 or Letter, not 'A0'\.$"):
        sheet_pdf(musicxml_text(music(1)), paper="A0")


def test_a_score_with_too_many_pages_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PRINTED_PAGES", 1)
    with pytest.raises(MusicFileError, match=r"^The score has \d+ pages; a PDF has at most 1\.$"):
        sheet_pdf(musicxml_text(music(60)))


@pytest.mark.parametrize("text", ["", "<score-partwise/>"])
def test_an_invalid_score_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(MusicFileError, match=r"^The score can't be engraved[^.]*\.$"):
        sheet_pdf(text)
