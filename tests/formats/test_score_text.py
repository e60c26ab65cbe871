from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import MAX_FILE_BYTES
from musiclstm.formats.score_text import composer_of_folder, score_text, tidy_composer, tidy_title


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


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packed_score_with_any_byte_changed_is_read_or_refused(kind: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        archive.writestr("score.xml", "<score>" + "".join(map(str, range(300))) + "</score>")
    whole, refused = buffer.getvalue(), 0
    for place in range(0, len(whole), 5):
        (tmp_path / "a.mxl").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            score_text(tmp_path / "a.mxl")
        except MusicFileError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    "encoding",
    [
        "ISO-8859-1",
        "Shift_JIS",
        "windows-1251",
        "EUC-JP",
        "Big5",
        "GB18030",
        "koi8-r",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
    ],
)
def test_the_encoding_that_xml_declares_holds(encoding: str, tmp_path: Path) -> None:
    words = {"ISO-8859-1": "Übung", "windows-1251": "Ночь", "koi8-r": "Ночь", "Big5": "夜歌", "GB18030": "夜歌"}.get(
        encoding, "夜の歌"
    )
    text = f'<?xml version="1.0" encoding="{encoding}"?><score>{words}</score>'
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert score_text(tmp_path / "a.xml") == text


@pytest.mark.parametrize("encoding", ["utf-16", "nonsense", "idna", "hex", "us-ascii"])
def test_a_wrong_or_unknown_declaration_is_passed_over(encoding: str, tmp_path: Path) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><score>Ü 夜🎹</score>'
    (tmp_path / "a.xml").write_bytes(text.encode())
    assert score_text(tmp_path / "a.xml") == text


def test_hidden_twins_in_an_archive_are_no_scores(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("__MACOSX/._score.xml", "__MACOSX/score.xml", "folder/._score.xml", ".DS.xml", "folder/score.xml"):
            archive.writestr(name, "<score/>" if name == "folder/score.xml" else "no score")
    (tmp_path / "a.mxl").write_bytes(buffer.getvalue())
    assert score_text(tmp_path / "a.mxl") == "<score/>"


@pytest.mark.parametrize("named", ["b.xml", "/b.xml", "Für &amp; b.xml", "score"])
def test_the_container_says_which_score_is_meant(named: str, tmp_path: Path) -> None:
    files = '<!-- full-path="a.xml" --><rootfile full-path="a.pdf"/>' + f'<rootfile full-path="{named}"/>'
    name = named.replace("&amp;", "&").lstrip("/")
    with zipfile.ZipFile(tmp_path / "a.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", f"<container>{files}</container>")
        archive.writestr("a.pdf", "") if named != "score" else None
        archive.writestr(name, "<score/>")
        archive.writestr("a.xml", "another") if named != "score" else None
    assert score_text(tmp_path / "a.mxl") == "<score/>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_score_that_is_not_compressed_is_read_under_that_ending(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.mxl").write_bytes("<score>Ü</score>".encode(encoding))
    assert score_text(tmp_path / "a.mxl") == "<score>Ü</score>"


@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="ISO-8859-1"?>', '<?xml version="1.0" encoding="UTF-8"?>'])
def test_quotation_marks_of_windows_are_understood(head: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(f"{head}<score>“Ü” –</score>".encode("cp1252"))
    assert score_text(tmp_path / "a.xml").endswith("<score>“Ü” –</score>")


def test_the_encoding_that_abc_declares_holds(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_bytes("%abc-2.1\nI:abc-charset iso-8859-2\nC:Dvořák".encode("iso-8859-2"))
    assert score_text(tmp_path / "a.abc").endswith("Dvořák")


def test_a_title_that_is_only_a_file_name_is_skipped() -> None:
    assert tidy_title(["  Minuet\n in  G "], "a.abc") == "Minuet in G"
    assert tidy_title([None, "bwv66.6.mxl", "Chorale"], "a.abc") == "Chorale"
    assert tidy_title(["", None], "folder/bwv66.6.mxl") == "bwv66.6"


@pytest.mark.parametrize(
    ("found", "tidy"),
    [
        ("Chopin, Frederic", "Frederic Chopin"),
        ("J. S. Bach (1685-1750)", "J. S. Bach"),
        ("Weber, Carl Maria von [* 1786]", "Carl Maria von Weber"),
        ("C. P. E. Bach (the son)", "C. P. E. Bach (the son)"),
        ("A, B, C", "A, B, C"),
        (None, ""),
    ],
)
def test_composers_are_written_first_name_first_without_years(found: str | None, tidy: str) -> None:
    assert tidy_composer(found) == tidy


@pytest.mark.parametrize("text", ["(1" * 50_000, "(" + "1" * 100_000, "((((" * 25_000, " " * 100_000 + "(1999", "[1999" * 20_000])
def test_a_long_line_of_composers_is_no_burden(text: str) -> None:
    assert len(tidy_composer(text)) <= 200


def test_a_folder_of_the_corpus_names_its_composer() -> None:
    folders = ("bach", "schumann_clara", "johnson_j_r", "cpebach", "trecento")
    assert [composer_of_folder(f) for f in folders] == ["Bach", "Clara Schumann", "J. R. Johnson", "C. P. E. Bach", ""]
