"""What other programs write into MIDI files, and how it is meant."""

from __future__ import annotations

import pytest
from small_midi import chunk, melody, meta, midi_file, release, rows, strike, tempo

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import midi_text, read_midi
from musiclstm.music.notes import Tempo

SCALE = midi_file(melody(60, 62, 64))
READ = [(0, 60, 24), (24, 62, 24), (48, 64, 24)]


def in_riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A RIFF file; odd chunks are padded, lengths are little-endian."""
    body = b"RMID" + b"".join(name + len(data).to_bytes(4, "little") + data + b"\x00" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


WRAPPED = {
    "RIFF": in_riff((b"data", SCALE)),
    "RIFF with other chunks": in_riff(
        (b"LIST", b"INFOINAM\x05\x00\x00\x00MThd" * 9), (b"DISP", b"odd"), (b"data", SCALE), (b"LIST", b"x")
    ),
    "MacBinary": b"\x00\x05scale".ljust(65, b"\x00") + b"Midi".ljust(63, b"\x00") + SCALE + bytes(100),
    "a long header": chunk(b"MThd", SCALE[8:14] + b"more") + SCALE[14:],
    "a chunk between header and tracks": SCALE[:14] + chunk(b"XFIH", b"whatever") + SCALE[14:],
    "a chunk after the tracks": SCALE + chunk(b"XFKM", b"\xff" * 30),
    "bytes after the end of the track": SCALE[:14] + chunk(b"MTrk", SCALE[22:] + b"\x90"),
    "a track that is longer by its own account": SCALE[:18] + b"\x7f\xff\xff\xff" + SCALE[22:],
    "a track without its end": SCALE[:14] + chunk(b"MTrk", SCALE[22:-4]),
    "more tracks by its own account": SCALE[:11] + b"\x09" + SCALE[12:],
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_a_file_is_read_in_any_wrapper_and_with_any_chunks(kind: str) -> None:
    assert rows(read_midi(WRAPPED[kind])) == READ


RUNNING = strike(0, 60) + release(24, 60) + strike(0, 62)  # two more numbers strike or release another key
INTERRUPTED = {
    "a system exclusive message": b"\x00\xf0\x03\x7e\x09\xf7",
    "an escape": b"\x00\xf7\x02\xf3\x01",
    "a text": meta(0, 0x01, b"words"),
    "an unknown meta event": meta(0, 0x7F, b"\x00\xff\x90"),
    "a song select": b"\x00\xf3\x01",
    "a clock": b"\x00\xf8",
}


@pytest.mark.parametrize("kind", INTERRUPTED)
def test_running_status_goes_on_after(kind: str) -> None:
    body = RUNNING + INTERRUPTED[kind] + bytes([24, 62, 0]) + bytes([0, 64, 64, 24, 64, 0])
    assert rows(read_midi(midi_file(body))) == READ


def test_programs_pressure_and_controllers_are_passed_over() -> None:
    others = b"\x00\xc0\x05\x00\x07\x00\xd0\x10\x00\x20\x00\xb0\x40\x7f\x00\x07\x64\x00\xe0\x00\x40\x00\xa0\x3c\x10"
    assert rows(read_midi(midi_file(others + melody(60, 62, 64)))) == READ


def test_a_release_and_a_strike_at_the_same_tick_are_two_notes_in_either_order() -> None:
    released_first = strike(0, 60) + release(24, 60) + strike(0, 60) + release(24, 60)
    struck_first = strike(0, 60) + strike(24, 60) + release(0, 60) + release(24, 60)
    for body in (released_first, struck_first):
        assert rows(read_midi(midi_file(body))) == [(0, 60, 24), (24, 60, 24)]


def test_a_note_without_release_lasts_until_its_key_is_struck_again_or_the_track_ends() -> None:
    again = strike(0, 60) + strike(48, 60) + release(24, 60)
    assert rows(read_midi(midi_file(again))) == [(0, 60, 48), (48, 60, 24)]
    to_the_end = strike(0, 60) + strike(24, 64) + release(24, 64) + meta(48, 0x01, b"here it ends")
    assert rows(read_midi(midi_file(to_the_end))) == [(0, 60, 96), (24, 64, 24)]
    release_comes_first = strike(0, 60) + release(24, 60) + strike(0, 60) + strike(24, 62) + release(24, 62)
    assert rows(read_midi(midi_file(release_comes_first))) == [(0, 60, 24), (24, 60, 48), (48, 62, 24)]


def test_a_note_that_is_held_when_the_recording_stops_lasts_a_quarter() -> None:
    assert rows(read_midi(midi_file(melody(60) + strike(0, 62)))) == [(0, 60, 24), (24, 62, 24)]


def test_two_voices_may_hold_the_same_key() -> None:
    body = strike(0, 60) + strike(12, 60) + release(12, 60) + release(24, 60)
    assert rows(read_midi(midi_file(body))) == [(0, 60, 12), (12, 60, 36)]


def test_a_release_without_a_note_is_passed_over() -> None:
    assert rows(read_midi(midi_file(release(0, 60) + melody(60, 62, 64)))) == READ


def test_the_patterns_of_format_2_follow_each_other_from_bar_to_bar() -> None:
    first = tempo(0, 90) + melody(60, 64)
    second = meta(0, 0x58, b"\x03\x02\x18\x08") + melody(61)
    piece = read_midi(midi_file(first, second, melody(62, ticks=100), kind=2))
    assert rows(piece) == [(0, 60, 24), (24, 64, 24), (96, 61, 24), (168, 62, 100)]
    assert [(m.onset, m.name) for m in piece.metres] == [(0, "4/4"), (96, "3/4"), (168, "4/4")]
    assert piece.tempi == (Tempo(0, 90.0), Tempo(96, 120.0))


def test_in_format_2_tracks_without_notes_apply_to_all_patterns() -> None:
    piece = read_midi(midi_file(tempo(0, 50), melody(60), melody(62), kind=2))
    assert rows(piece) == [(0, 60, 24), (96, 62, 24)]
    assert piece.tempi == (Tempo(0, 50.0),)


@pytest.mark.parametrize(("frames", "parts"), [(24, 100), (25, 40), (30, 80)])
def test_a_file_that_counts_film_frames_has_two_quarters_a_second(frames: int, parts: int) -> None:
    half = frames * parts // 2
    delta = bytes([0x80 | half >> 7, half & 0x7F])
    body = b"".join(b"\x00\x90" + bytes([pitch, 64]) + delta + b"\x80" + bytes([pitch, 0]) for pitch in (60, 62, 64))
    piece = read_midi(midi_file(body, division=(256 - frames) << 8 | parts))
    assert rows(piece) == READ
    assert piece.tempi == (Tempo(0, 120.0),)


def test_the_first_tempo_says_how_many_film_frames_a_quarter_has() -> None:
    body = tempo(0, 60) + melody(60, 62, 64, ticks=100) + tempo(0, 30)
    piece = read_midi(midi_file(body, division=(256 - 25) << 8 | 4))
    assert rows(piece) == READ
    assert piece.tempi == (Tempo(0, 60.0),)


DAMAGED = {
    "a number of five bytes": b"\x80\x80\x80\x80\x00" + strike(0, 60)[1:] + release(24, 60),
    "numbers without a message": b"\x00\x3c\x40",
    "a message within a message": b"\x00\x90\x3c\x90" + release(24, 60),
    "a text beyond the end of the track": melody(60) + b"\x00\xff\x01\x7f",
    "nothing but high bytes": b"\x80" * 200_000,
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_tracks_are_refused(kind: str) -> None:
    data = midi_file(DAMAGED[kind])
    with pytest.raises(MusicFileError, match=r"^bad\.mid is a damaged or incomplete MIDI file"):
        read_midi(data, name="bad.mid")
    assert midi_text(data) == ""


def test_a_file_without_tracks_or_with_thousands_is_refused() -> None:
    for count in (0, 1001):
        with pytest.raises(MusicFileError, match="damaged or incomplete"):
            read_midi(midi_file(*[melody(60)] * count))
    assert rows(read_midi(midi_file(*[melody(60)] * 1000))) == [(0, 60, 24)]


def test_a_file_of_more_than_a_million_events_is_refused() -> None:
    trill = bytes([0, 0x90, 60, 64, 0, 60, 0]) + bytes([0, 60, 64, 0, 60, 0]) * 499_999
    with pytest.raises(MusicFileError, match=r"^black\.mid has more than 1,000,000 events"):
        read_midi(midi_file(trill, strike(0, 62)), name="black.mid")


def test_a_riff_file_without_midi_is_refused() -> None:
    for data in (in_riff((b"WAVE", b"\x00" * 20)), in_riff((b"data", b"\x00" * 20)), b"RIFF"):
        with pytest.raises(MusicFileError, match=r"^x\.rmi is a RIFF file without MIDI in it"):
            read_midi(data, name="x.rmi")


def test_a_file_cut_off_anywhere_is_refused_or_only_lacks_what_comes_after_its_end() -> None:
    for length in range(len(SCALE)):
        with pytest.raises(MusicFileError):
            read_midi(SCALE[:length])
