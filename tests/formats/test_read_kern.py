from __future__ import annotations

from pathlib import Path

import pytest
import verovio
from music21 import corpus
from score_examples import KERN, onsets, rows

from musiclstm.errors import MusicFileError
from musiclstm.formats.read_kern import read_kern
from musiclstm.formats.written import piece_of
from musiclstm.music.notes import Key, Metre, Piece, Tempo, bar_lines


def read(*lines: str) -> Piece:
    """A piece from lines of kern, whose columns are parted by spaces; a comma stands for the space in a chord."""
    return piece_of(read_kern("\n".join("\t".join(line.split()).replace(",", " ") for line in lines) + "\n", "a.krn"), "a.krn")


def test_key_metre_and_ties_are_read() -> None:
    piece = piece_of(read_kern(KERN, "a.krn"), "a.krn")
    assert rows(piece) == [(0, 53, 36), (0, 69, 12), (12, 72, 24), (36, 48, 36), (36, 64, 36)]
    assert (piece.key, piece.metres, piece.tempi) == (Key(-1, "major"), (Metre(0, 3, 8),), (Tempo(0, 100.0),))


def test_columns_part_and_join_without_losing_a_note() -> None:
    piece = read(
        "**kern **kern", "*M4/4 *M4/4", "*^ *", "*^ * *", "1C 2E 4G 1c", ". . 4A .", ". 2F 2B .", "*v *v * *", "=2 =2 =2",
        "4D 1d 1f", "2.E . .", "*v *v *", "=3 =3", "1C 1c", "*- *-",
    )  # fmt: skip
    bars = [[pitch for onset, pitch in onsets(piece) if onset // 96 == bar] for bar in range(3)]
    assert bars == [[48, 52, 55, 60, 57, 53, 59], [50, 62, 65, 52], [48, 60]]
    assert (24, 52, 72) in [(onset % 96, pitch, length) for onset, pitch, length in rows(piece)]


def test_two_columns_are_two_staves_the_left_one_lower() -> None:
    piece = read("**kern **kern", "2C,2E 4c", ". 4B", "*- *-")
    assert piece.staves.letters(piece.notes) == "lluu"
    assert not read("**kern **kern **kern", "2C 4c 4e", "*- *- *-").staves


def test_columns_can_change_places_and_end_early() -> None:
    piece = read("**kern **kern", "4c 4g", "*x *x", "4a 4d", "* *-", "4b", "*-")
    assert onsets(piece) == [(0, 60), (0, 67), (24, 62), (24, 69), (48, 71)]
    late = read("**kern", "4c", "*+", "* **text", "4d la", "*- *-")
    assert onsets(late) == [(0, 60), (24, 62)]


def test_other_spines_grace_notes_and_comments_are_passed_over() -> None:
    piece = read(
        "!!!COM:Mozart,Wolfgang", "**dynam **kern **text **kern", "!x !y !z !w", "* *M2/4 * *M2/4", "f 4c la 2e", "< . . .",
        ". 8ddq . .", ". 4d 4 .", "*- *- *- *-",
    )  # fmt: skip
    assert rows(piece) == [(0, 60, 24), (0, 64, 48), (24, 62, 24)]


@pytest.mark.parametrize(
    ("value", "ticks"),
    [("4", 24), ("4.", 36), ("4..", 42), ("12", 8), ("16", 6), ("1", 96), ("0", 192), ("00", 384), ("3%2", 64), ("2%3", 144)],
)
def test_note_values(value: str, ticks: int) -> None:
    assert rows(read("**kern", f"{value}c", "*-")) == [(0, 60, ticks)]


@pytest.mark.parametrize(
    ("pitch", "number"),
    [("c", 60), ("cc", 72), ("C", 48), ("CC", 36), ("f#", 66), ("b-", 70), ("e--", 62), ("cn", 60), ("B#", 60)],
)
def test_pitches(pitch: str, number: int) -> None:
    assert onsets(read("**kern", f"(4{pitch}'L", "*-")) == [(0, number)]


def test_a_tie_lengthens_the_note_of_its_own_column() -> None:
    piece = read("**kern **kern", "4c [2e", "[4e .", "4e] 2e_", "4c .", "*- *-")
    assert rows(piece) == [(0, 60, 24), (0, 64, 24), (24, 64, 48), (72, 60, 24)]
    chord = read("**kern", "[2c,2e", "2c],2e", "*-")
    assert rows(chord) == [(0, 60, 96), (0, 64, 48), (48, 64, 48)]


def test_bars_without_a_metre_keep_their_written_length() -> None:
    piece = read("**kern", "4c", "4d", "4e", "=2", "2.f", "=3", "2g", "4a", "*-")
    assert piece.metres == (Metre(0, 3, 4),)
    assert bar_lines(piece).tolist() == [0, 72, 144, 216]


def test_an_upbeat_ends_a_complete_bar_and_tempi_hold_from_where_they_stand() -> None:
    piece = read("**kern", "*M3/4", "*MM96", "4g", "=1", "2.c", "=2", "*MM60", "2.d", "*-")
    assert onsets(piece) == [(48, 67), (72, 60), (144, 62)]
    assert piece.tempi == (Tempo(0, 96.0), Tempo(144, 60.0))


@pytest.mark.parametrize(
    ("marks", "key"),
    [
        (("*k[f#]", "*G:"), Key(1, "major")),
        (("*k[]", "*a:"), Key(0, "minor")),
        (("*k[f#]", "*a:dor"), Key(1, "dorian")),
        (("*k[b-]", "*C:mix"), Key(-1, "mixolydian")),
        (("*k[b-e-a-d-g-c-]", "*G-:"), Key(-6, "major")),
        (("*k[b-]",), Key(-1, "minor")),  # the notes decide
    ],
)
def test_the_key_is_the_one_that_is_named(marks: tuple[str, ...], key: Key) -> None:
    assert read("**kern", *marks, "4d", "4f", "4a", "4c#", "1d", "*-").key == key


def test_a_key_after_the_first_note_is_not_that_of_the_piece() -> None:
    assert read("**kern", "*k[b-]", "4c", "*e-:", "4c", "4f", "*-").key == Key(-1, "major")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way_but_not_at_odd_signs(end: str) -> None:
    lines = ("!!!OTL: Wait\x85", "!! a \u2028 b", "**kern", "*G:", "4c", "*-", "")
    piece = piece_of(read_kern(end.join(lines), "a.krn"), "a.krn")
    assert (piece.title, piece.key, onsets(piece)) == ("Wait", Key(1, "major"), [(0, 60)])


def test_transposing_instruments_sound_as_they_are_written() -> None:
    assert onsets(read("**kern", "*ITrd1c2", "4c", "*-")) == [(0, 60)]


def test_title_and_composer_are_reference_records() -> None:
    text = "!!!OTL@@DE: Ein Lied\n!!!COM: Schumann, Robert\n**kern\n4c\n*-\n"
    piece = piece_of(read_kern(text, "a.krn"), "a.krn")
    assert (piece.title, piece.composer) == ("Ein Lied", "Robert Schumann")


@pytest.mark.parametrize("text", ["", "4c\n*-\n", "**text\nla\n*-\n", "**kern\t**kern\n4c\n"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(MusicFileError, match=r"a.krn (can't be read as Humdrum|is damaged: line 2|has no notes)"):
        piece_of(read_kern(text, "a.krn"), "a.krn")


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "!!!OTL" * 20_000, "*k[" * 40_000, "*MM" * 40_000, "4" * 100_000, "c" * 100_000 + "4", "#" * 100_000]
)
def test_long_lines_are_read_or_refused_at_once(line: str) -> None:
    try:
        read_kern(f"**kern\n{line}\n4c\n*-\n", "a.krn")
    except MusicFileError as refusal:
        assert len(str(refusal)) < 200


@pytest.mark.parametrize("name", ["bach/bwv277.krn", "beethoven/opus18no1/movement3.krn"])
def test_verovio_finds_the_same_notes(name: str) -> None:
    text = (Path(corpus.__file__).parent / name).read_text(encoding="utf-8")
    toolkit = verovio.toolkit()
    toolkit.setOptions({"inputFrom": "humdrum", "breaks": "none", "expandNever": True})
    plain = "".join(line for line in text.splitlines(keepends=True) if "q" not in line or line.startswith(("!", "*")))
    assert toolkit.loadData(plain)  # without grace notes, which delay others when played
    moments = toolkit.renderToTimemap()
    found = {
        (moment["qstamp"], toolkit.getMIDIValuesForElement(note)["pitch"]) for moment in moments for note in moment.get("on", ())
    }
    ends = {
        (moment["qstamp"], toolkit.getMIDIValuesForElement(note)["pitch"]) for moment in moments for note in moment.get("off", ())
    }
    notes = read_kern(text, name).notes
    assert {(float(onset), pitch) for onset, pitch, _ in notes} <= found
    assert {(float(end), pitch) for _, pitch, end in notes} <= ends
    assert len(notes) > 200
