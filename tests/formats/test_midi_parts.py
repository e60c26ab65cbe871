"""A file's parts are listed with who plays what, and only the chosen ones are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_midi import melody, midi_file, release, rows, strike, track_name

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import read_midi, write_midi
from musiclstm.formats.midi_parts import Part, midi_parts
from musiclstm.formats.read import read_visitor
from musiclstm.music.instruments import voices_of
from musiclstm.music.notes import Piece, make_notes


def program(number: int, channel: int = 0) -> bytes:
    return bytes([0, 0xC0 | channel, number])


FLUTE = track_name(b"Solo") + program(73) + melody(72, 74, 76)
BASS = track_name("Kontrabaß".encode("cp1252")) + program(43, 1) + strike(0, 36, 1) + release(72, 36, 1)
DRUMS = strike(0, 38, 9) + release(24, 38, 9)
BAND = midi_file(track_name(b"Song"), FLUTE, BASS, DRUMS)


def test_the_parts_of_a_file_are_listed_without_drums() -> None:
    assert midi_parts(BAND) == (Part(0, "Solo", "Flute", 3, 72, 76), Part(1, "Kontrabaß", "Contrabass", 1, 36, 36))


def test_channels_of_one_track_are_parts_of_their_own() -> None:
    both = midi_file(
        program(40) + program(42, 1) + strike(0, 60) + strike(0, 48, 1) + release(24, 60) + release(0, 48, 1), kind=0
    )
    assert [(part.instrument, part.lowest) for part in midi_parts(both)] == [("Violin", 60), ("Cello", 48)]


def test_a_part_without_a_program_is_a_piano_and_one_without_a_name_has_none() -> None:
    assert midi_parts(midi_file(melody(60, 62))) == (Part(0, "", "Piano", 2, 60, 62),)


def test_every_program_has_an_instrument_in_words() -> None:
    names = [midi_parts(midi_file(program(number) + melody(60)))[0].instrument for number in range(128)]
    assert all(name and name[0].isupper() and "Instrument" not in name for name in names)


def test_by_default_all_parts_are_read() -> None:
    assert {pitch for _, pitch, _ in rows(read_midi(BAND))} == {72, 74, 76, 36}


@pytest.mark.parametrize(("numbers", "pitches"), [((0,), [72, 74, 76]), ((1,), [36]), ((0, 1), [36, 72, 74, 76]), ([1, 1], [36])])
def test_only_the_chosen_parts_are_read(numbers: tuple[int, ...], pitches: list[int]) -> None:
    piece = read_midi(BAND, parts=numbers)
    assert sorted(pitch for _, pitch, _ in rows(piece)) == pitches
    assert piece.title == read_midi(BAND).title


@pytest.mark.parametrize(("numbers", "what"), [((), "at least one must be chosen"), ((2,), "not 2"), ((-1,), "not -1")])
def test_parts_that_are_not_there_are_refused(numbers: tuple[int, ...], what: str) -> None:
    with pytest.raises(MusicFileError, match=what):
        read_midi(BAND, name="band.mid", parts=numbers)


def test_our_own_quartets_have_four_parts(tmp_path: Path) -> None:
    piece = Piece(make_notes([0, 0, 0, 0], [40, 58, 66, 80], [24] * 4, [64] * 4))
    write_midi(piece, tmp_path / "quartet.mid", voices=voices_of("string quartet"))
    parts = midi_parts(tmp_path / "quartet.mid")
    assert [(part.name, part.instrument) for part in parts] == [
        ("First violin", "Violin"),
        ("Second violin", "Violin"),
        ("Viola", "Viola"),
        ("Cello", "Cello"),
    ]
    assert rows(read_visitor(tmp_path / "quartet.mid", (3,))) == [(0, 40, 24)]


def test_parts_of_a_score_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tune.abc").write_text("X:1\nK:C\nCDEF|\n", encoding="utf-8")
    with pytest.raises(MusicFileError, match="is no MIDI file"):
        read_visitor(tmp_path / "tune.abc", (0,))


@pytest.mark.parametrize("data", [b"", b"nothing", BAND[:10]])
def test_what_is_no_midi_has_no_parts(data: bytes) -> None:
    with pytest.raises(MusicFileError):
        midi_parts(data, name="odd.mid")
