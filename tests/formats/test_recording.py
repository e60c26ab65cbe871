"""A recording without a metronome is recognised and set on its beats; other music is left as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_midi import chunk, midi_file, tempo

from benchmarks.beats import Played, played
from musiclstm.formats.midi import midi_bytes, read_midi
from musiclstm.formats.midi_events import parse_midi
from musiclstm.formats.read import read_visitor
from musiclstm.formats.recording import is_free
from musiclstm.music.notes import Metre, Piece, make_notes
from musiclstm.seeds.seed import seed_from_file

A_QUARTER = 480  # ticks of the recorder, which counts two quarters a second


def march(bars: int = 12) -> Piece:
    """A bass in quarters below a tune in eighths, whose bars begin with a long note."""
    bass = [(24 * beat, (36, 43, 40, 43)[beat % 4], 24) for beat in range(4 * bars)]
    tune = [(96 * bar + at, 72 + (3 * bar + at // 12) % 8, length) for bar in range(bars) for at, length in TUNE]
    return Piece(make_notes(*zip(*[(*row, 70) for row in bass + tune], strict=True)), (Metre(0, 4, 4),))


TUNE = ((0, 36), (36, 12), (48, 12), (60, 12), (72, 24))


def number(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def recorded(music: Played, more: bytes = b"") -> bytes:
    """What a recorder writes: one track whose quarters have nothing to do with the music."""
    rows = zip(music.onsets, music.durations, music.pitches.tolist(), music.velocities.tolist(), strict=True)
    events = []
    for onset, duration, pitch, velocity in rows:
        start, end = round(onset * 2 * A_QUARTER), round((onset + duration) * 2 * A_QUARTER)
        events += [(start, 1, bytes([0x90, pitch, velocity])), (end, 0, bytes([0x80, pitch, 0]))]
    body, now = more, 0
    for time, _, message in sorted(events):
        body, now = body + number(time - now) + message, time
    return midi_file(body, division=A_QUARTER, kind=0)


def free(beats_a_minute: float = 93, seed: int = 1) -> bytes:
    return recorded(played(march(), beats_a_minute, np.random.default_rng(seed)))


def test_a_free_recording_is_recognised() -> None:
    for beats_a_minute in (66, 93, 111, 134):
        assert is_free(parse_midi(free(beats_a_minute), "free.mid"))


def test_written_music_is_not_free() -> None:
    odd = Piece(make_notes(range(0, 1200, 5), [60 + number % 12 for number in range(240)], [5] * 240, [64] * 240))
    for piece in (march(), odd):
        assert not is_free(parse_midi(midi_bytes(piece), "written.mid"))


def test_music_with_a_metronome_is_not_free() -> None:
    steady = played(march(), 120, np.random.default_rng(2), sway=0.0)
    assert not is_free(parse_midi(recorded(steady), "steady.mid"))


def test_music_with_a_map_of_tempi_is_not_free() -> None:
    data = recorded(played(march(), 93, np.random.default_rng(1)), more=tempo(0, 90) + tempo(10, 96))
    assert not is_free(parse_midi(data, "mapped.mid"))


def test_a_few_notes_are_not_free() -> None:
    assert not is_free(parse_midi(recorded(played(march(1), 93, np.random.default_rng(1))), "short.mid"))


def test_a_free_recording_becomes_a_seed_on_its_beats_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "My improvisation.mid").write_bytes(free())
    seed = seed_from_file(tmp_path / "My improvisation.mid")
    assert seed.tempo == pytest.approx(93, rel=0.04)
    assert (seed.metre, seed.title) == ("4/4", "My improvisation")
    assert seed.remark == f"Played without a beat grid: set on an estimated beat, {seed.tempo:.0f} quarter notes a minute in 4/4."
    wanted = {(onset, pitch) for onset, pitch, _, _ in march().notes.tolist()}
    found = {(onset, pitch) for onset, pitch, _, _ in seed.piece.notes.tolist()}
    assert len(wanted & found) >= 0.9 * len(wanted)


def test_other_files_are_read_as_before_and_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "march.mid").write_bytes(midi_bytes(march()))
    piece = read_visitor(tmp_path / "march.mid")
    assert piece == read_midi(tmp_path / "march.mid")
    assert piece.remark == "" == seed_from_file(tmp_path / "march.mid").remark


def test_training_reads_a_free_recording_as_it_counts(tmp_path: Path) -> None:
    (tmp_path / "free.mid").write_bytes(free())
    assert read_midi(tmp_path / "free.mid").usual_tempo == 120.0


def test_a_recording_of_film_frames_is_read(tmp_path: Path) -> None:
    music = played(march(), 93, np.random.default_rng(1))
    data = recorded(music)
    frames = data.replace(chunk(b"MThd", bytes([0, 0, 0, 1, 1, 224])), chunk(b"MThd", bytes([0, 0, 0, 1, 0xE7, 40])))
    (tmp_path / "frames.mid").write_bytes(frames)  # 25 frames of 40 parts: a thousand ticks a second
    assert len(read_visitor(tmp_path / "frames.mid")) > 0.9 * len(march())
