"""Folders for what is not finished: they go with their process, and what a killed one left goes with the next."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from musiclstm import scratch
from musiclstm.scratch import APP, DRAFT, AppFolder, app_folder, draft_folder, held, temporary_folder

# Makes a folder of each kind below sys.argv[1], says so, and waits.
OWNER = """
import sys, time
from pathlib import Path
from musiclstm.scratch import app_folder, draft_folder
with app_folder(), draft_folder(Path(sys.argv[1])) as draft:
    (draft / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files go to ``tmp_path``, and what an app changes for its process is as before after the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a folder of each kind."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder: Path) -> list[str]:
    """How the names in a folder begin."""
    return sorted(path.name[:-8] for path in folder.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_and_what_a_living_one_holds_stays(
    owner: subprocess.Popen[str], tmp_path: Path
) -> None:
    with app_folder(), draft_folder(tmp_path):
        assert names(tmp_path) == [DRAFT, DRAFT, APP, APP]
    assert names(tmp_path) == [DRAFT, APP]
    owner.kill()
    owner.wait()
    assert names(tmp_path) == [DRAFT, APP]
    with app_folder(), draft_folder(tmp_path) as draft:
        assert names(tmp_path) == [DRAFT, APP]
        assert not list(draft.iterdir())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("deletes", ["before it is opened", "before it is locked", "after it is locked"])
def test_a_program_that_starts_at_the_same_moment_does_not_take_a_new_folder_for_abandoned(
    deletes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [2]  # how often another program looks for what is abandoned at that moment

    def others_start() -> None:
        if left[0]:
            left[0] -= 1
            for prefix in (APP, DRAFT):
                scratch._delete_abandoned(tmp_path, prefix)

    def made(*given: Any, **named: Any) -> str:
        path = mkdtemp(*given, **named)
        others_start()
        return path

    mkdtemp = tempfile.mkdtemp
    if deletes == "before it is opened":
        monkeypatch.setattr(tempfile, "mkdtemp", made)
    else:
        flock = fcntl.flock
        asked = []

        def lock(opened: int, how: int) -> None:
            asked.append(opened)
            mine = len(asked) == 1
            if mine and deletes == "before it is locked":
                others_start()
            flock(opened, how)
            if mine and deletes == "after it is locked":
                others_start()

        monkeypatch.setattr(fcntl, "flock", lock)
    with app_folder() as folder:
        assert folder.path is not None
        assert folder.path.is_dir()
        assert held(folder.path)
        with draft_folder(tmp_path) as draft:
            assert draft.is_dir()
            assert held(draft)
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_told_to_end_leaves_nothing_of_the_app(owner: subprocess.Popen[str], tmp_path: Path) -> None:
    owner.send_signal(signal.SIGTERM)
    assert owner.wait() == 0
    assert APP not in names(tmp_path)


def test_only_folders_with_such_names_are_deleted(tmp_path: Path) -> None:
    others = [f"{APP}notes", f"{DRAFT}backup-1", f"{APP}abcdefgh.lock", ".musiclstm", "musiclstm-abcdefgh"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / f"{APP}12345678").write_text("a file")
    (tmp_path / f"{DRAFT}12345678").symlink_to(tmp_path / others[0])
    before = {path.name for path in tmp_path.iterdir()}
    with app_folder(), draft_folder(tmp_path):
        assert before < {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == before


def test_all_temporary_files_of_an_app_are_in_its_folder(tmp_path: Path) -> None:
    with app_folder() as folder:
        with temporary_folder() as one, tempfile.TemporaryDirectory() as other:
            assert one.parent == Path(other).parent == folder.path
        child = subprocess.run(
            [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], capture_output=True, text=True, check=True
        )
        assert child.stdout.strip() == str(folder.path)
        assert Path(os.environ["GRADIO_TEMP_DIR"]).parent == folder.path


def test_an_app_works_on_after_somebody_deleted_its_folder(tmp_path: Path) -> None:
    with app_folder() as folder:
        assert folder.path is not None
        shutil.rmtree(folder.path)
        with temporary_folder() as work:
            assert work.parent == folder.path
        assert not held(folder.path)
        folder.tidy()
        assert held(folder.path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def folder() -> Iterator[AppFolder]:
    with app_folder() as folder:
        yield folder


@pytest.fixture
def file(folder: AppFolder, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], Path]:
    """Makes a visitor's file of a given age in minutes and of 100 bytes: the clock of ``tidy`` is set, not the file's."""
    assert folder.path is not None
    ages: dict[str, float] = {}

    def make(name: str, age: int) -> Path:
        assert folder.path is not None
        path = folder.path / "gradio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100))
        ages[str(path)] = time.time() - 60 * age
        return path

    def files(where: Path) -> Iterator[tuple[float, int, Path]]:
        yield from ((ages[str(path)], path.stat().st_size, path) for path in where.rglob("*") if path.is_file())

    monkeypatch.setattr(scratch, "_files", files)
    return make


def test_beyond_the_bound_the_oldest_files_go_but_never_one_that_may_still_be_fetched(
    folder: AppFolder, file: Callable[[str, int], Path]
) -> None:
    paths = [file(f"{age}/joined.wav", age) for age in (1, 9, 11, 30, 60)]
    folder.tidy(most_bytes=300)
    assert [path.exists() for path in paths] == [True, True, True, False, False]
    folder.tidy(most_bytes=0)
    assert [path.exists() for path in paths] == [True, True, False, False, False]


def test_files_that_nobody_will_fetch_any_more_go(folder: AppFolder, file: Callable[[str, int], Path]) -> None:
    old, broken_off, young = file("a/old.mid", 200), file("tmpabcdefgh", 11), file("tmpqrstuvwx", 9)
    folder.tidy()
    assert [path.exists() for path in (old, broken_off, young)] == [False, False, True]


def test_folders_without_files_go_when_they_are_no_longer_young(folder: AppFolder, file: Callable[[str, int], Path]) -> None:
    empty = file("a/old.mid", 200).parent
    folder.tidy()
    assert empty.exists()
    os.utime(empty, (1e9, 1e9))
    folder.tidy()
    assert not empty.exists()


def test_a_running_app_tidies_up_by_itself(folder: AppFolder, file: Callable[[str, int], Path]) -> None:
    from waiting import wait_until

    old = file("a/old.mid", 200)
    folder.look_after(0.01)
    wait_until(lambda: not old.exists())
