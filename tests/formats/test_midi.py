from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from small_midi import melody, meta, metre, midi_file, release, rows, strike, tempo, track_name
from symusic.core import ScoreTick

from musiclstm.errors import MusicFileError, OptionError
from musiclstm.formats.file_bytes import MAX_FILE_BYTES
from musiclstm.formats.midi import midi_bytes, read_midi, write_midi
from musiclstm.music.instruments import INSTRUMENTS, PIANO, Voice, voices_of
from musiclstm.music.notes import Key, Metre, Piece, Tempo, bar_lines, bar_positions, make_notes


def waltz() -> Piece:
    """Four bars of 3/4 and two of 2/4, with chords, repeated notes, a triplet and an accelerando."""
    onset = [0, 24, 24, 48, 48, 72, 72, 80, 88, 144, 216, 288, 336, 360]
    pitch = [48, 64, 67, 64, 67, 50, 72, 74, 76, 72, 72, 72, 60, 21]
    duration = [24, 20, 20, 20, 20, 72, 8, 8, 8, 72, 72, 48, 24, 100]
    velocity = [80, 50, 50, 50, 50, 127, 1, 64, 65, 66, 67, 68, 69, 70]
    return Piece(
        notes=make_notes(onset, pitch, duration, velocity),
        metres=(Metre(0, 3, 4), Metre(288, 2, 4)),
        tempi=(Tempo(0, 93.43), Tempo(72, 120.0), Tempo(80, 600.0), Tempo(100, 10.0)),
        key=Key(-3, "minor"),
        title="Walzer für Ännchen",
    )


def test_a_written_piece_is_read_back_unchanged() -> None:
    piece = waltz()
    again = read_midi(midi_bytes(piece))
    assert np.array_equal(again.notes, piece.notes)
    assert again.metres == piece.metres
    assert again.key == piece.key
    assert again.title == piece.title
    assert [t.onset for t in again.tempi] == [t.onset for t in piece.tempi]
    assert [t.qpm for t in again.tempi] == pytest.approx([t.qpm for t in piece.tempi], abs=0.01)


@pytest.mark.parametrize("fifths", range(-7, 8))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_key_signature_is_read_back(fifths: int, mode: str) -> None:
    piece = Piece(make_notes([0], [60], [24], [64]), key=Key(fifths, mode))
    assert read_midi(midi_bytes(piece)).key == Key(fifths, mode)


def test_a_piece_without_key_is_read_back_without_key() -> None:
    assert read_midi(midi_bytes(Piece(make_notes([0], [60], [24], [64])))).key is None


def test_the_same_piece_gives_the_same_bytes() -> None:
    assert midi_bytes(waltz()) == midi_bytes(waltz())


def test_a_note_ends_before_its_pitch_is_struck_again() -> None:
    piece = Piece(make_notes([0, 24], [60, 60], [24, 24], [64, 64]))
    body = midi_bytes(piece).split(b"MTrk")[2]
    assert body.index(bytes([0x80, 60, 64, 0, 0x90, 60])) > 0  # the release, no time passes, the next strike


def test_the_text_and_the_program_are_in_the_file() -> None:
    recipe = '{"random_seed": 7}' + " " * 200  # long enough for a two-byte length
    data = midi_bytes(waltz(), voices=voices_of("harpsichord"), text=recipe)
    assert recipe.encode() in data
    assert ScoreTick.from_midi(data).tracks[0].program == 6
    assert np.array_equal(read_midi(data).notes, waltz().notes)


@pytest.mark.parametrize("name", [name for name, voices in INSTRUMENTS.items() if len(voices) == 1])
def test_solo_instruments_differ_only_in_the_program_byte(name: str) -> None:
    (voice,) = voices_of(name)
    start = b"\x00\xff\x03\x05Piano\x00\xc0"
    piano = midi_bytes(waltz())
    assert piano.count(b"MTrk") == 2
    assert start + b"\x00" in piano
    assert midi_bytes(waltz(), voices=(voice,)) == piano.replace(start + b"\x00", start + bytes([voice.program]))


@pytest.mark.parametrize("name", ["string quartet", "wind quartet"])
def test_an_ensemble_has_a_track_and_a_channel_for_each_voice_and_is_read_back(name: str) -> None:
    voices, piece = voices_of(name), waltz()
    data = midi_bytes(piece, voices=voices)
    tracks = ScoreTick.from_midi(data).tracks
    assert [(track.name, track.program) for track in tracks] == [(voice.name, voice.program) for voice in reversed(voices)]
    borders = [*(voice.lowest for voice in voices), 128]
    for track, low, high in zip(reversed(tracks), borders[:-1], borders[1:], strict=True):
        expected = [pitch for pitch in piece.notes["pitch"].tolist() if low <= pitch < high]
        assert sorted(note.pitch for note in track.notes) == sorted(expected)
        assert expected
    for channel, voice in enumerate(reversed(voices)):
        assert bytes([0, 0xC0 | channel, voice.program]) in data
    again = read_midi(data)
    assert again == read_midi(midi_bytes(piece))
    assert np.array_equal(again.notes, piece.notes)


def test_an_ensemble_is_panned_from_left_to_right_and_a_soloist_is_not() -> None:
    def seats(voices: tuple[Voice, ...]) -> list[list[int]]:
        return [
            [c.value for c in track.controls if c.number == 10]
            for track in ScoreTick.from_midi(midi_bytes(waltz(), voices=voices)).tracks
        ]

    assert seats(PIANO) == [[]]
    quartet = seats(voices_of("string quartet"))
    assert [len(seat) for seat in quartet] == [1] * 4
    assert quartet == sorted(quartet)


def test_a_voice_without_notes_keeps_its_empty_track() -> None:
    low = Piece(make_notes([0], [40], [24], [64]))
    data = midi_bytes(low, voices=voices_of("string quartet"))
    assert data.count(b"MTrk") == 5
    assert rows(read_midi(data)) == rows(low)


def test_the_drum_channel_stays_free() -> None:
    fifteen = tuple(Voice(f"Voice {n}", n, 8 * n) for n in range(15))
    piece = Piece(make_notes(range(88), range(21, 109), [24] * 88, [64] * 88))
    data = midi_bytes(piece, voices=fifteen)
    assert not any(track.is_drum for track in ScoreTick.from_midi(data).tracks)
    assert np.array_equal(read_midi(data).notes, piece.notes)


def test_an_ensemble_without_voices_is_refused() -> None:
    with pytest.raises(OptionError, match="not at \\[\\]"):
        midi_bytes(waltz(), voices=())


def test_an_independent_reader_finds_metre_tempo_and_end() -> None:
    score = ScoreTick.from_midi(midi_bytes(waltz()))
    assert score.ticks_per_quarter == 480
    assert [(t.time, t.numerator, t.denominator) for t in score.time_signatures] == [(0, 3, 4), (288 * 20, 2, 4)]
    assert [t.time for t in score.tempos] == [0, 1440, 1600, 2000]
    assert score.end() == waltz().end * 20


def test_an_empty_piece_can_be_written_but_not_read() -> None:
    with pytest.raises(MusicFileError, match="no notes"):
        read_midi(midi_bytes(Piece(make_notes([], [], [], []))))


def test_a_piece_names_the_file_it_was_read_from(tmp_path: Path) -> None:
    write_midi(waltz(), tmp_path / "waltz.mid")
    piece = read_midi(tmp_path / "waltz.mid")
    assert piece.source == "waltz.mid"
    assert rows(piece) == rows(waltz())
    assert read_midi(str(tmp_path / "waltz.mid"), name="upload.mid").source == "upload.mid"


def test_all_parts_are_merged_and_drums_left_out() -> None:
    right, left = strike(0, 72) + release(24, 72), strike(12, 48, channel=3) + release(24, 48, channel=3)
    drums = strike(0, 38, channel=9) + release(24, 38, channel=9)
    assert rows(read_midi(midi_file(right, left, drums))) == [(0, 72, 24), (12, 48, 24)]


def test_two_tracks_or_channels_are_two_hands_the_higher_one_above() -> None:
    low, high = strike(0, 48) + release(24, 48), strike(0, 72) + release(24, 72)
    for left, right in ((low, high), (high, low)):
        piece = read_midi(midi_file(left, right))
        assert piece.staves.letters(piece.notes) == "lu"
    both = read_midi(midi_file(strike(0, 48) + strike(0, 72, channel=1) + release(24, 48) + release(0, 72, channel=1)))
    assert both.staves.letters(both.notes) == "lu"
    assert not read_midi(midi_file(low + high)).staves


@pytest.mark.parametrize("division", [1, 7, 24, 96, 100, 384, 480, 1024, 32767])
def test_onsets_and_ends_are_rounded_to_the_nearest_tick(division: int) -> None:
    lengths = [i % 3 for i in range(40)]  # a note every third tick of the file, 0 to 2 ticks long
    gaps = [0] + [3 - length for length in lengths]
    body = b"".join(strike(gap, 60) + release(length, 60) for gap, length in zip(gaps, lengths, strict=False))
    found = {onset: duration for onset, _, duration in rows(read_midi(midi_file(body, division=division)))}
    for start, length in zip(range(0, 120, 3), lengths, strict=True):
        onset, end = (int(time * 24 / division + 0.5) for time in (start, start + length))
        assert onset in found
        if division <= 24:  # coarser than ours, so that no two onsets coincide
            assert found[onset] == max(1, end - onset)


def test_running_status_and_strikes_of_velocity_0_are_understood() -> None:
    assert rows(read_midi(midi_file(strike(0, 60) + bytes([24, 60, 0, 0, 64, 64, 12, 64, 0])))) == [(0, 60, 24), (24, 64, 12)]


def test_a_metre_change_off_the_bar_line_starts_a_new_bar() -> None:
    time_signatures = b"\x00\xff\x58\x04\x04\x02\x18\x08" + b"\x32\xff\x58\x04\x03\x02\x18\x08"  # 4/4, at tick 50 3/4
    piece = read_midi(midi_file(time_signatures, strike(0, 60) + release(127, 60) + strike(100, 62) + release(24, 62)))
    assert piece.metres == (Metre(0, 4, 4), Metre(50, 3, 4))
    assert bar_lines(piece).tolist() == [0, 50, 122, 194, 266]
    assert bar_positions(piece)[0].tolist() == [0, 33]


def test_impossible_metres_tempi_and_keys_are_left_out() -> None:
    metre = b"\x00\xff\x58\x04\x00\x02\x18\x08" + b"\x00\xff\x58\x04\x04\xff\x18\x08" + b"\x00\xff\x58\x04\xff\x00\x18\x08"
    tempo, key = b"\x00\xff\x51\x03\x00\x00\x00", b"\x00\xff\x59\x02\x63\x00"
    piece = read_midi(midi_file(metre + tempo + key, strike(0, 60) + release(24, 60)))
    assert (piece.metres, piece.tempi, piece.key) == ((Metre(0, 4, 4),), (Tempo(0, 120.0),), None)


def test_metres_whose_unit_is_no_note_value_are_left_out() -> None:
    for power in (6, 33, 34, 255):  # a 64th is the shortest that could be meant
        assert read_midi(midi_file(metre(0, 3, power) + melody(60))).metres == (Metre(0, 4, 4),)


def test_common_time_and_120_hold_until_the_file_says_otherwise() -> None:
    late = melody(60, 62, 64, 65, 67, 69, 71, 72) + metre(0, 3, 2) + tempo(0, 50) + melody(60, 62, 64)
    piece = read_midi(midi_file(late))
    assert piece.metres == (Metre(0, 4, 4), Metre(192, 3, 4))
    assert piece.tempi == (Tempo(0, 120.0), Tempo(192, 50.0))


UPBEATS = [  # numerator and power of two of the upbeat and of the bars after it
    ((1, 2), (4, 2)),
    ((1, 3), (6, 3)),
    ((1, 2), (6, 3)),
    ((3, 3), (2, 2)),
    ((3, 2), (4, 2)),
]


@pytest.mark.parametrize(("short", "usual"), UPBEATS)
def test_an_upbeat_with_a_metre_of_its_own_ends_a_complete_bar(short: tuple[int, int], usual: tuple[int, int]) -> None:
    length = 96 * short[0] >> short[1]
    whole = 96 * usual[0] >> usual[1]
    head = metre(0, *short) + tempo(0, 90) + metre(length, *usual) + tempo(0, 60)
    notes = strike(0, 60) + release(length, 60) + melody(*[62, 64, 65, 67] * 4, ticks=whole // 4)
    piece = read_midi(midi_file(head, notes))
    assert piece.metres == (Metre(0, usual[0], 2 ** usual[1]),)
    assert rows(piece)[:2] == [(whole - length, 60, length), (whole, 62, whole // 4)]
    assert piece.tempi == (Tempo(0, 90.0), Tempo(whole, 60.0))


def test_a_closing_bar_that_lacks_the_upbeat_keeps_it_one() -> None:
    head = metre(0, 1, 2) + metre(24, 3, 2) + metre(120, 2, 2)
    piece = read_midi(midi_file(head, melody(*range(60, 69))))
    assert (piece.metres[0], int(piece.notes["onset"][0])) == (Metre(0, 3, 4), 48)


def test_metres_that_change_from_bar_to_bar_begin_with_no_upbeat() -> None:
    promenade = metre(0, 5, 2) + metre(120, 6, 2) + metre(127, 5, 2)
    assert read_midi(midi_file(promenade, melody(60))).metres[0] == Metre(0, 5, 4)
    twice = metre(0, 1, 2) + metre(48, 4, 2)
    assert read_midi(midi_file(twice, melody(60))).metres == (Metre(0, 1, 4), Metre(48, 4, 4))
    late = metre(96, 5, 2)  # before it common time holds, which nobody wrote
    assert read_midi(midi_file(late, melody(60))).metres == (Metre(0, 4, 4), Metre(96, 5, 4))


A_MINOR = (69, 72, 76, 72, 68, 71, 76, 71, 69, 76, 72, 71, 69, 68, 69, 57)
C_MAJOR = (60, 64, 67, 64, 65, 67, 71, 74, 72, 67, 64, 67, 65, 62, 59, 60)


def key_of(written: bytes, pitches: tuple[int, ...], higher: int = 0) -> Key | None:
    return read_midi(midi_file(meta(0, 0x59, written) + melody(*(pitch + higher for pitch in pitches)))).key


def test_a_key_that_programs_write_unasked_is_not_believed_against_the_notes() -> None:
    nothing, three_flats = b"\x00\x00", b"\xfd\x00"
    assert key_of(nothing, A_MINOR) == Key(0, "minor")
    assert key_of(nothing, A_MINOR, 3) == Key(-3, "minor")
    assert key_of(nothing, C_MAJOR, 2) == Key(2, "major")
    assert key_of(three_flats, A_MINOR, 3) == Key(-3, "minor")


def test_a_key_that_somebody_chose_is_believed() -> None:
    assert key_of(b"\x00\x00", C_MAJOR) == Key(0, "major")
    assert key_of(b"\xfd\x00", C_MAJOR, 3) == Key(-3, "major")
    assert key_of(b"\x02\x00", A_MINOR) == Key(2, "major")  # no program writes two sharps unasked
    assert key_of(b"\x02\x01", C_MAJOR) == Key(2, "minor")
    assert key_of(b"\x00\x00", A_MINOR[:4]) == Key(0, "major")  # too few notes to tell


def test_drums_in_several_tracks_are_left_out() -> None:
    drums = strike(0, 38, channel=9) + release(24, 38, channel=9)
    assert rows(read_midi(midi_file(drums, melody(60), drums))) == [(0, 60, 24)]
    with pytest.raises(MusicFileError, match="only drums"):
        read_midi(midi_file(drums, track_name(b"More drums") + drums))


BAD_FILES = {
    "empty": (b"", "bad.mid is empty"),
    "text": (b"X:1\nT:an ABC tune\nK:C\nCDEF|", "bad.mid is not a MIDI file"),
    "header only": (b"MThd\x00\x00", "bad.mid ends within its MIDI header"),
    "truncated": (midi_bytes(waltz())[:-40], "bad.mid is a damaged or incomplete MIDI file"),
    "a web page": (b"<!DOCTYPE html><html><body>MThd</body></html>", "bad.mid is not a MIDI file"),
    "no ticks": (midi_file(strike(0, 60) + release(24, 60), division=0), "bad.mid"),
    "no notes": (midi_file(b""), "bad.mid has no notes"),
    "only drums": (midi_file(strike(0, 38, channel=9) + release(24, 38, channel=9)), "bad.mid has only drums"),
    "too long": (midi_file(b"\xff\xff\xff\x7f\x90\x3c\x40" + release(24, 60)), "bad.mid has notes beyond 100000 quarters"),
    "too many patterns": (midi_file(*[b"\x94\x50" + melody(60)[1:]] * 999, kind=2), "bad.mid has notes beyond 100000 quarters"),
    "overflow": (midi_file(b"\xff\xff\xff\x7f\xff\x01\x00" * 9 + strike(0, 60) + release(24, 60)), "bad.mid"),
    "over 10 MB": (b"MThd" + bytes(MAX_FILE_BYTES), "bad.mid is larger than 10 MB"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_sentence_that_names_it(kind: str, tmp_path: Path) -> None:
    data, message = BAD_FILES[kind]
    (tmp_path / "bad.mid").write_bytes(data)
    with pytest.raises(MusicFileError) as refusal:
        read_midi(tmp_path / "bad.mid")
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
    with pytest.raises(MusicFileError):
        read_midi(data)


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mid", tmp_path, Path("/dev/zero"), Path("a\0b.mid"), Path("x" * 5000)):
        with pytest.raises(MusicFileError, match=r"does not exist|is not a file|can't be opened"):
            read_midi(path)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """``data`` with 1 to 20 places changed, deleted or inserted."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(result))
        match rng.randrange(3):
            case 0:
                result[at] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 1:
                del result[at : at + rng.randrange(1, 8)]
            case _:
                result[at:at] = rng.randbytes(rng.randrange(1, 8))
    return bytes(result)


def test_a_damaged_file_is_either_refused_or_read_as_a_valid_piece() -> None:
    whole, rng, refused = midi_bytes(waltz(), text="recipe"), random.Random(5), 0
    for _ in range(600):
        try:
            piece = read_midi(mutated(whole, rng), name="damaged.mid")
        except MusicFileError as refusal:
            assert str(refusal).startswith("damaged.mid")
            refused += 1
        else:
            assert (np.diff(bar_lines(piece)) > 0).all()
            assert np.array_equal(read_midi(midi_bytes(piece)).notes, piece.notes)
    assert 100 < refused < 590  # both outcomes occur
