"""Folders for what is not finished, which never stay behind: not even if the process that made one is killed.

A process locks each of its folders for as long as it lives. Whoever makes the next one deletes those that nobody holds any more.
The system releases a lock when its process ends, however it ends. Where folders can't be locked (on Windows, on some network
disks) none is deleted but one's own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

APP, DRAFT = "musiclstm-app-", ".musiclstm."  # how the names begin; eight characters of ``tempfile`` follow
FILES = "gradio"  # in the folder of an app: the files that visitors sent or may fetch
GRADIO_VARIABLE = "GRADIO_TEMP_DIR"
_VARIABLES = ("TMPDIR", GRADIO_VARIABLE)  # where other libraries and programs put theirs
MOST_BYTES = 2_000_000_000  # of visitors' files
YOUNG, OLD = 600.0, 10_000.0  # seconds: a younger file may still be fetched, an older one is of no use


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder in ``parent`` for files that will be moved when all are complete; what dead processes left there goes.

    Raises OSError.
    """
    _delete_abandoned(parent, DRAFT)
    while True:
        with tempfile.TemporaryDirectory(dir=parent, prefix=DRAFT, ignore_cleanup_errors=True) as name:
            try:
                lock = _claimed(Path(name))
            except FileNotFoundError:
                continue
            try:
                yield Path(name)
            finally:
                if lock is not None:
                    os.close(lock)
            return


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A temporary folder. It is made even if somebody has deleted the folder for all temporary ones. Raises OSError."""
    Path(tempfile.gettempdir()).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="musiclstm-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def app_folder() -> Iterator[AppFolder]:
    """One folder for all temporary files of a running app, its visitors' files among them; those of dead apps are deleted.

    Enter it before Gradio is imported, and in the main thread: until it is left, SIGTERM deletes the folder and ends the process
    at once, with exit code 0. The folder is made where GRADIO_TEMP_DIR says, else in the usual place for temporary files.
    """
    folder = AppFolder(Path(os.environ.get(GRADIO_VARIABLE) or tempfile.gettempdir()))

    def end(*_: object) -> None:
        folder.delete()
        os._exit(0)  # at once: Python would wait for threads that compile for seconds, and Gradio for visitors who wait

    before = signal.signal(signal.SIGTERM, end), tempfile.tempdir, {name: os.environ.get(name) for name in _VARIABLES}
    try:
        folder.open()
        yield folder
    finally:
        folder.delete()
        _, tempfile.tempdir, variables = before
        os.environ |= {name: value for name, value in variables.items() if value is not None}
        for name in (name for name, value in variables.items() if value is None):
            os.environ.pop(name, None)
        signal.signal(signal.SIGTERM, before[0])


class AppFolder:
    """The folder of a running app in ``base``; see ``app_folder``."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._lock: int | None = None
        self._ended = threading.Event()
        self.path: Path | None = None

    def open(self) -> None:
        """Make the folder, and use it for the temporary files of this process and of those that it starts."""
        self._base.mkdir(parents=True, exist_ok=True)
        _delete_abandoned(self._base, APP)
        while True:
            self.path = Path(tempfile.mkdtemp(dir=self._base, prefix=APP))
            with suppress(FileNotFoundError):
                self._lock = _claimed(self.path)
                break
        os.environ |= dict(zip(_VARIABLES, (str(self.path), str(self.path / FILES)), strict=True))
        tempfile.tempdir = str(self.path)

    def look_after(self, seconds: float = 30.0) -> None:
        """Tidy up every ``seconds``, in the background, until the folder is deleted."""

        def look() -> None:
            while not self._ended.wait(seconds):
                self.tidy()

        threading.Thread(target=look, name="scratch", daemon=True).start()

    def tidy(self, *, most_bytes: int = MOST_BYTES, young: float = YOUNG, old: float = OLD) -> None:
        """Delete visitors' files older than ``old`` seconds, and beyond ``most_bytes`` the oldest, but no ``young`` one.

        Also make the folder again and lock it, if somebody has deleted it.
        """
        assert self.path is not None
        with suppress(OSError):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._lock is None or not _is_open(self._lock, self.path):
                self._release()
                self._lock = _locked(self.path)
        kept, now = 0, time.time()
        for changed, size, path in sorted(_files(self.path / FILES), reverse=True):
            kept += size
            broken_off = path.parent.name == FILES  # an upload; a whole one has a folder
            if now - changed > old or (now - changed > young and (broken_off or kept > most_bytes)):
                with suppress(OSError):
                    path.unlink()
        for folder in sorted((self.path / FILES).glob("*/"), reverse=True):
            with suppress(OSError):  # it has files, or is gone
                if now - folder.stat().st_mtime > young:
                    folder.rmdir()

    def delete(self) -> None:
        """Delete the folder with all files. What other threads write meanwhile, the next start deletes."""
        self._ended.set()
        for _ in range(3):
            if self.path is None or not self.path.exists():
                break
            shutil.rmtree(self.path, ignore_errors=True)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other program is in ``folder``, and keep those that come later waiting. Needs folders that can be locked."""
    if sys.platform == "win32":
        yield
        return
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network disks have no locks
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def held(path: Path) -> bool:
    """Whether a living process has locked a file or folder, or that can't be told."""
    lock = _locked(path)
    if lock is not None:
        os.close(lock)
    return lock is None


def _delete_abandoned(parent: Path, prefix: str) -> None:
    """Delete the folders of dead processes."""
    for folder in parent.glob(f"{prefix}*"):
        if not re.fullmatch(rf"{re.escape(prefix)}\w{{8}}", folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _claimed(path: Path) -> int | None:
    """The lock of a new folder, None where there are none.

    Raises FileNotFoundError if a program that started at the same moment took the folder for abandoned: make another one.
    """
    try:
        lock = _lock(path)
        if lock is not None and not (path.exists() and _is_open(lock, path)):
            os.close(lock)
            raise FileNotFoundError
    except BlockingIOError as error:
        raise FileNotFoundError from error
    except FileNotFoundError:
        raise
    except OSError:  # this disk has no locks
        return None
    return lock


def _locked(path: Path) -> int | None:
    """As ``_lock``; None also if it is locked or can't be."""
    try:
        return _lock(path)
    except OSError:
        return None


def _lock(path: Path) -> int | None:
    """A file descriptor that locks ``path`` until it is closed or the process ends; None on Windows.

    Raises BlockingIOError if it is locked, FileNotFoundError if it is gone, another OSError if it can't be.
    """
    if sys.platform == "win32":
        return None
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


def _is_open(opened: int, path: Path) -> bool:
    """Whether a file descriptor belongs to what is at ``path`` now."""
    return os.path.samestat(os.fstat(opened), path.stat())


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each file under ``folder`` was last handed out, and its size. Gradio touches a file that it hands out again."""
    for path in folder.rglob("*"):
        with suppress(OSError):
            facts = path.lstat()
            if path.is_file():
                yield facts.st_ctime, facts.st_size, path
