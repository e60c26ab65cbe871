"""A running page in trouble: what is killed, full or gone costs a visitor a sentence at most, and leaves nothing.

``make survival`` does much more of this, at random moments.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

from benchmarks import troubles
from benchmarks.processes import QUICK_APP, Page, take_of
from musiclstm.checkpoint import Checkpoint, save_checkpoint
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes there are"),
]
HANG = "sleep 1000 "  # the command line of a FluidSynth that hangs


@pytest.fixture(scope="module")
def home(small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkpoint, a tune, a score that takes long to read, and a FluidSynth that hangs if there is a file ``hang``."""
    home = tmp_path_factory.mktemp("home")
    save_checkpoint(small_checkpoint, home / "small", card="# Small")
    write_midi(tunes["waltz"], home / "waltz.mid")
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
    bars = "".join(f'<measure number="{number}">{note * 4}</measure>' for number in range(1, 15_001))
    head = '<part-list><score-part id="P"><part-name>P</part-name></score-part></part-list>'
    (home / "long.musicxml").write_text(f'<score-partwise version="4.0">{head}<part id="P">{bars}</part></score-partwise>')
    (home / "bin").mkdir()
    program = f'#!/bin/sh\n[ -e {home}/hang ] && exec {HANG}\nexec {shutil.which("fluidsynth")} "$@"\n'
    (home / "bin" / "fluidsynth").write_text(program)
    (home / "bin" / "fluidsynth").chmod(0o755)
    return home


def started(home: Path) -> Page:
    settings = {"MUSICLSTM_REPO": str(home / "small"), "PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
    return Page(home, settings, QUICK_APP)


@pytest.fixture(scope="module")
def page(home: Path) -> Iterator[Page]:
    """A page that has served a take."""
    page = started(home)
    page.wait()
    assert page.sound_of(page.take("march", 2))
    yield page
    page.end()


def scratch_files(page: Page) -> set[str]:
    return troubles.scratch_files(page.tmp)


def test_all_files_of_a_page_are_in_one_folder(page: Page) -> None:
    (folder,) = page.tmp.iterdir()
    assert folder.name.startswith("musiclstm-app-")


@pytest.mark.parametrize(("room", "notes"), [(0, False), (200_000, True)], ids=["no file", "no sound"])
def test_where_no_more_can_be_written_a_visitor_gets_a_sentence_or_only_the_notes(page: Page, room: int, notes: bool) -> None:
    before, (_, hard) = scratch_files(page), resource.prlimit(page.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(page.process.pid, resource.RLIMIT_FSIZE, (room, hard))
    answer = page.take("march", 2, 10 + room)
    resource.prlimit(page.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert isinstance(answer, list) == notes
    assert "File too large" in answer or not page.sound_of(answer)
    assert page.sound_of(page.take("march", 2, 10 + room)), "the next visitor gets no sound"
    wait_until(lambda: scratch_files(page) <= before)  # the page may still be writing its example


def test_if_fluidsynth_is_killed_only_the_sound_is_missing_and_the_next_visitor_has_it(page: Page, home: Path) -> None:
    (home / "hang").touch()
    answers = list[object]()
    asking = threading.Thread(target=lambda: answers.append(page.take("march", 2, 20)))
    asking.start()
    while asking.is_alive():
        page.kill(HANG)
    (home / "hang").unlink()
    (answer,) = answers
    assert isinstance(answer, list)
    assert not page.sound_of(answer)
    assert page.sound_of(page.take("march", 2, 20))


def test_a_visitor_who_hangs_up_keeps_nobody_waiting_and_leaves_no_file(page: Page) -> None:
    before = scratch_files(page)
    events = [page.ask("generate", *take_of("march", 16, random_seed)) for random_seed in (30, 31, 32)]
    for event in events:
        with socket.create_connection(("127.0.0.1", page.port)) as connection:
            connection.sendall(f"GET /gradio_api/call/generate/{event} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert page.sound_of(page.take("march", 2, 33))
    wait_until(lambda: scratch_files(page) <= before)


def test_a_page_whose_temporary_folder_is_deleted_serves_on_even_if_its_readers_are_killed_too(page: Page, home: Path) -> None:
    def gone() -> bool:
        shutil.rmtree(page.tmp, ignore_errors=True)  # the page may write meanwhile
        return not page.tmp.exists()

    wait_until(gone)
    assert page.sound_of(page.take("march", 2, 40))
    assert page.sound_of(page.continued(home / "waltz.mid"))
    page.kill_readers()
    assert page.sound_of(page.continued(home / "waltz.mid"))


def test_a_take_is_the_same_if_the_process_that_computes_is_killed_meanwhile(page: Page) -> None:
    expected = page.notes_of(page.take("march", 8, 60))
    before = page.computing()
    assert len(before) == 1
    event = page.ask("generate", *take_of("march", 8, 60))
    page.kill_computing()
    assert page.notes_of(page.answer("generate", event)) == expected
    assert not before & page.computing()


def test_nothing_of_a_killed_page_lives_on_and_the_next_start_deletes_its_files(page: Page, home: Path) -> None:
    (home / "hang").touch()
    page.ask("generate", *take_of("march", 2, 50))
    path = page.upload(home / "long.musicxml")
    page.ask("continue", {"path": path, "meta": {"_type": "gradio.FileData"}}, None, None, 1.0, 1, 1, None, "piano", 0)
    wait_until(lambda: HANG in page.members().values())
    page.kill()
    wait_until(lambda: not page.members())
    (left,) = page.tmp.iterdir()
    again = started(home)
    try:
        wait_until(lambda: not left.exists())
        wait_until(lambda: len(list(page.tmp.iterdir())) == 1)
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(60) == 0
        wait_until(lambda: not again.members())
        assert not list(page.tmp.iterdir())
    except subprocess.TimeoutExpired:
        pytest.fail("SIGTERM does not end the page")
    finally:
        again.end()
