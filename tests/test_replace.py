"""A folder replaced in one step: whatever interrupts it, the old one or the new one is there, whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from musiclstm import replace
from musiclstm.replace import replace_folder

ROOT = Path(__file__).resolve().parents[1]
# Replaces a folder and deletes the old one, as a save does, and kills itself before the system call with number sys.argv[3].
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from musiclstm import replace
draft, folder, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
watching = False
def watch(event, arguments):
    global left
    if watching and event.split(".")[0] in ("os", "shutil", "ctypes", "open"):
        left -= 1
        if left == -1:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
watching = True
replace.replace_folder(draft, folder)
shutil.rmtree(draft.parent)
"""


def old_and_new(root: Path) -> tuple[Path, Path]:
    """A folder of two files, and the draft of one that shall take its place."""
    folder, draft = root / "folder", root / ".scratch" / "draft"
    for path, text in ((folder, "old"), (draft, "new")):
        path.mkdir(parents=True)
        for name in ("a", "b"):
            (path / name).write_text(text)
    return draft, folder


def content(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_the_new_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    draft, folder = old_and_new(tmp_path)
    replace_folder(draft, folder)
    assert content(folder) == ["new", "new"]


def test_where_there_is_none_the_draft_is_moved(tmp_path: Path) -> None:
    draft, _ = old_and_new(tmp_path)
    replace_folder(draft, tmp_path / "nothing yet")
    assert content(tmp_path / "nothing yet") == ["new", "new"]
    assert not draft.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders in one step")
def test_a_process_killed_at_any_step_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    for step in range(100):
        (tmp_path / str(step)).mkdir()
        draft, folder = old_and_new(tmp_path / str(step))
        ran = subprocess.run([sys.executable, "-c", KILLED, draft, folder, str(step)], cwd=ROOT, check=False)
        assert content(folder) in (["old", "old"], ["new", "new"]), f"killed at step {step}"
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL
    assert content(folder) == ["new", "new"]
    assert step > 3  # it was killed on the way at all


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_without_an_exchange_an_interrupt_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, error: type[BaseException]
) -> None:
    draft, folder = old_and_new(tmp_path)
    monkeypatch.setattr(replace, "_exchanged", lambda *_: False)
    renamed = 0
    really = os.replace

    def rename(source: Path, target: Path) -> None:
        nonlocal renamed
        renamed += 1
        if renamed == failing:
            raise error
        really(source, target)

    monkeypatch.setattr(os, "replace", rename)
    with pytest.raises(error):
        replace_folder(draft, folder)
    assert content(folder) == ["old", "old"]


def test_without_an_exchange_the_new_folder_comes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, folder = old_and_new(tmp_path)
    monkeypatch.setattr(replace, "_exchanged", lambda *_: False)
    replace_folder(draft, folder)
    assert content(folder) == ["new", "new"]
