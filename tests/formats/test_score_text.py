from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import MAX_FILE_BYTES
from musiclstm.formats.score_text import composer_of_folder, first_tune, require_plausible, score_text, tidy_composer, tidy_title


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


def test_the_encoding_of_a_text_is_detected(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "latin-1"):
        (tmp_path / "a.abc").write_bytes("T:Für Elise".encode(encoding))
        assert score_text(tmp_path / "a.abc") == "T:Für Elise"


def test_a_compressed_score_is_unpacked_even_under_another_ending(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(zipped(score_xml="<score/>"))
    assert score_text(tmp_path / "a.xml") == "<score/>"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(readme_txt="hello"), "without a score in it"),
        (zipped(score_xml="<score/>")[:-30], "damaged or incomplete"),
        (zipped(score_xml="<score/>" * 50).replace(b"score.xml", b"score\xffxml"), "mxl"),
        (zipped(score_xml=" " * 50_000_001), "unpacks to more than 50 MB"),
        (b"PK\x03\x04" + bytes(MAX_FILE_BYTES), "larger than 10 MB"),
    ],
    ids=("no score", "cut short", "odd name", "too large unpacked", "too large"),
)
def test_a_bad_archive_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.mxl").write_bytes(data)
    with pytest.raises(MusicFileError, match=message):
        score_text(tmp_path / "bad.mxl")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("abc", "X:1\nM:1000/4\nK:C\nC"),
        ("abc", "X:1\nK:C\nC [M:100/8] D"),
        ("abc", "X:1\nK:C\nC123"),
        ("abc", "X:1\nL:10/1\nK:C\nC"),
        ("krn", "**kern\n*M4000/4\n4c\n*-"),
        ("xml", "<time><beats>3+100</beats></time>"),
    ],
)
def test_impossible_metres_and_values_are_refused(kind: str, text: str) -> None:
    with pytest.raises(MusicFileError, match=r"file has a (metre|note value) of \d+ (beats|units)"):
        require_plausible(text, kind, "file")


def test_large_numbers_elsewhere_are_accepted() -> None:
    require_plausible(
        'X:1000\nT:No. 1234\nQ:1/4=120\nL:1/16\n%%scale 1000\nK:C\n"opus 1234"C [Q:1/4=144] D2|\nw:1000', "abc", "file"
    )
    require_plausible("<beats>12</beats><duration>10080</duration>", "xml", "file")


def test_the_first_tune_with_notes_is_taken() -> None:
    assert first_tune("X:1\nK:C\n\nX:2\nK:G\nGAB\n\nX:3\nK:C\nC\n") == "X:2\nK:G\nGAB\n\n"
    assert first_tune("K:C\nCDE") == "K:C\nCDE"


def test_a_title_that_is_only_a_file_name_is_skipped() -> None:
    assert tidy_title(["  Minuet\n in  G "], "a.abc") == "Minuet in G"
    assert tidy_title([None, "bwv66.6.mxl", "Chorale"], "a.abc") == "Chorale"
    assert tidy_title(["", None], "folder/bwv66.6.mxl") == "bwv66.6"


@pytest.mark.parametrize(
    ("found", "tidy"),
    [("Chopin, Frederic", "Frederic Chopin"), ("J. S. Bach (1685-1750)", "J. S. Bach"), ("A, B, C", "A, B, C"), (None, "")],
)
def test_composers_are_written_first_name_first_without_years(found: str | None, tidy: str) -> None:
    assert tidy_composer(found) == tidy


def test_a_folder_of_the_corpus_names_its_composer() -> None:
    folders = ("bach", "schumann_clara", "johnson_j_r", "cpebach", "trecento")
    assert [composer_of_folder(f) for f in folders] == ["Bach", "Clara Schumann", "J. R. Johnson", "C. P. E. Bach", ""]
