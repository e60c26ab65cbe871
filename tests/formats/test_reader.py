"""Strangers' files, read in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import write_midi
from musiclstm.formats.read import read_music
from musiclstm.formats.reader import MusicReader
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes


@pytest.fixture(scope="module")
def reader() -> Iterator[MusicReader]:
    with MusicReader() as reader:
        yield reader


@pytest.fixture
def long_tune(tmp_path: Path) -> Path:
    """A sound file that takes seconds to read."""
    path = tmp_path / "long.musicxml"
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
    bars = "".join(f'<measure number="{n}">{note * 4}</measure>' for n in range(1, 5_001))
    parts = '<part-list><score-part id="P"><part-name>P</part-name></score-part></part-list>'
    path.write_text(f'<score-partwise version="4.0">{parts}<part id="P">{bars}</part></score-partwise>', encoding="utf-8")
    return path


def test_a_file_is_read_as_in_this_process(reader: MusicReader, tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["waltz"], tmp_path / "waltz.mid")
    assert reader.read(tmp_path / "waltz.mid") == read_music(tmp_path / "waltz.mid")


def test_a_long_path_of_the_temporary_folder_does_no_harm(
    tunes: dict[str, Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    write_midi(tunes["waltz"], folder / "waltz.mid")
    with MusicReader() as reader:
        assert len(reader.read(folder / "waltz.mid")) == len(tunes["waltz"])


def test_a_refusal_is_the_readers_own_sentence(reader: MusicReader, tmp_path: Path) -> None:
    (tmp_path / "page.mid").write_text("<html></html>", encoding="utf-8")
    with pytest.raises(MusicFileError, match=r"page.mid is not a MIDI file"):
        reader.read(tmp_path / "page.mid")


def test_reading_that_takes_too_long_ends_and_the_next_file_is_read(long_tune: Path, tunes: dict[str, Piece]) -> None:
    write_midi(tunes["waltz"], long_tune.parent / "waltz.mid")
    with MusicReader(seconds=0.3) as hasty:
        for _ in range(3):  # more than there are processes
            with pytest.raises(MusicFileError, match=r"Reading long.musicxml took more than 0.3 seconds"):
                hasty.read(long_tune)
    with MusicReader() as patient:
        assert len(patient.read(long_tune.parent / "waltz.mid")) == len(tunes["waltz"])


def test_reading_that_takes_too_much_memory_is_one_sentence(long_tune: Path) -> None:
    with MusicReader(memory=1_000_000) as narrow, pytest.raises(MusicFileError, match=r"long.musicxml (takes|can't)"):
        narrow.read(long_tune)


def test_only_the_chosen_parts_are_read(tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["waltz"], tmp_path / "waltz.mid")
    with MusicReader() as reader:
        assert len(reader.read(tmp_path / "waltz.mid", (0,))) == len(tunes["waltz"])
        with pytest.raises(MusicFileError, match="1 part with notes, numbered from 0; not 1"):
            reader.read(tmp_path / "waltz.mid", (1,))


def dying(_: Path, parts: object) -> Piece:
    """Do what a library written in C does on a bad day."""
    os.abort()


def test_a_process_that_dies_costs_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musiclstm.formats.reader._read", dying)
    sentence = r"tune.mid can't be read; a complete, valid music file is needed\."
    with MusicReader() as reader, pytest.raises(MusicFileError, match=sentence):
        reader.read(tmp_path / "tune.mid")


def children() -> list[int]:
    """The reading processes that live."""
    return [process.pid for process in multiprocessing.active_children() if process.pid and process.name == "pebble_pool_worker"]


@pytest.mark.parametrize("socket", ["there", "gone"])
def test_after_idle_processes_were_killed_the_next_file_is_read(
    socket: str, tunes: dict[str, Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_midi(tunes["waltz"], tmp_path / "waltz.mid")
    with MusicReader() as reader:
        before = set(children())
        reader.warm_up()
        assert len(reader.read(tmp_path / "waltz.mid")) == len(tunes["waltz"])
        if socket == "gone":  # somebody deleted the temporary folder, through which other processes are started
            monkeypatch.setattr("multiprocessing.forkserver._forkserver._forkserver_address", str(tmp_path / "gone"))
        for process in set(children()) - before:
            os.kill(process, signal.SIGKILL)
        assert len(reader.read(tmp_path / "waltz.mid")) == len(tunes["waltz"])


def music(count: int, step: int, metre: Metre, *, tempi: int = 1) -> Piece:
    onsets = [step * number for number in range(count)]
    slow_and_fast = tuple(Tempo(number, 100.0 + number % 2) for number in range(tempi))
    return Piece(make_notes(onsets, [60] * count, [1] * count, [64] * count), metres=(metre,), tempi=slow_and_fast)


@pytest.mark.parametrize(
    ("piece", "sentence"),
    [
        (music(50_001, 1, Metre(0, 4, 4)), r"much.mid has 50,001 notes; at most 50,000 can be read\."),
        (music(20_001, 3, Metre(0, 1, 32)), r"much.mid has 20,001 bars; at most 20,000 can be read\."),
        (music(100, 300, Metre(0, 4, 4), tempi=10_000), r"much.mid has 10,001 changes of metre and tempo; at most 10,000"),
    ],
)
def test_music_with_too_much_of_anything_is_refused(reader: MusicReader, tmp_path: Path, piece: Piece, sentence: str) -> None:
    write_midi(piece, tmp_path / "much.mid")
    with pytest.raises(MusicFileError, match=sentence):
        reader.read(tmp_path / "much.mid")
