"""Running pages for ``survival``: start one, visit it, see which processes and files it has and what stays of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
APP = (sys.executable, "app.py")
QUICK = (sys.executable, "benchmarks/quick.py")
QUICK_APP = (*QUICK, "app")
PATIENCE = 120.0  # seconds
MARK = "MUSICLSTM_BENCHMARK"  # an environment variable: all processes of a family inherit it


class Family:
    """A program and all that it starts, in a folder of its own, whose ``tmp`` holds the temporary files."""

    def __init__(self, command: Sequence[str], home: Path, settings: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
        self.home, self.tmp, self._mark = home, home / "tmp", uuid.uuid4().hex
        self.tmp.mkdir(parents=True, exist_ok=True)
        known = {name: value for name, value in os.environ.items() if name not in ("GRADIO_TEMP_DIR", MARK)}
        environment = {**known, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.tmp), MARK: self._mark, **(settings or {})}
        with (home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)

    def members(self) -> dict[int, str]:
        """The command lines of the processes that live, by their numbers."""
        found = {}
        for entry in Path("/proc").iterdir():
            with suppress(OSError):  # it has ended
                if entry.name.isdigit() and self._is_ours(entry):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return found

    def _is_ours(self, entry: Path) -> bool:
        if (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "Z":
            return False
        mark = f"{MARK}={self._mark}".encode()
        return mark in (entry / "environ").read_bytes().split(b"\0") or (entry / "cwd").readlink().is_relative_to(self.tmp)

    def kill(self, name: str = "") -> None:
        """Kill the program, or its children whose command line contains ``name``, with SIGKILL."""
        if not name:
            self.process.kill()
            self.process.wait()
        else:
            _kill(number for number, line in self.members().items() if name in line and number != self.process.pid)

    def computing(self) -> set[int]:
        """The numbers of those of its children that compute: they have TensorFlow."""
        found = set()
        for number in self.members():
            with suppress(OSError):  # it has ended
                if number != self.process.pid and "libtensorflow" in Path(f"/proc/{number}/maps").read_text(errors="replace"):
                    found.add(number)
        return found

    def kill_computing(self) -> None:
        """Kill what computes, with SIGKILL."""
        _kill(self.computing())

    def kill_readers(self) -> None:
        """Kill the other processes of Python that it has started, with SIGKILL: those that read files."""
        others = {self.process.pid, *self.computing()}
        _kill(number for number, line in self.members().items() if "multiprocessing." in line and number not in others)

    def gone(self, seconds: float) -> list[str]:
        """The command lines of those that still live when all should have ended; waits for ``seconds`` at most."""
        until = time.monotonic() + seconds
        while (left := self.members()) and time.monotonic() < until:
            time.sleep(0.05)
        return list(left.values())

    def end(self) -> None:
        """Kill all."""
        self.kill()
        _kill(self.members())


class Page(Family):
    """A running page."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None, command: Sequence[str] = APP) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        super().__init__(command, home, {"GRADIO_SERVER_PORT": str(self.port), **(settings or {})})
        self.address = f"http://127.0.0.1:{self.port}/"

    def answers(self) -> bool:
        """Whether the page is served."""
        with suppress(OSError):
            return bool(_open(self.address).status == 200)
        return False

    def wait(self) -> None:
        """Wait until the page is served."""
        wait_until(lambda: self.process.poll() is not None or self.answers())
        if self.process.poll() is not None:
            raise SystemExit(f"The page ended by itself: {(self.home / 'log').read_text(errors='replace')[-2000:]}")

    def ask(self, endpoint: str, *values: Any) -> str:
        """Ask for something as curl does; the number of the event, for ``answer``."""
        body = json.dumps({"data": values}).encode()
        request = urllib.request.Request(  # noqa: S310  the page's own address
            f"{self.address}gradio_api/call/{endpoint}", body, {"Content-Type": "application/json"}
        )
        return str(json.loads(_open(request).read())["event_id"])

    def answer(self, endpoint: str, event: str) -> Any:
        """What an event gave; the error as text if it failed."""
        kind = ""
        with _open(f"{self.address}gradio_api/call/{endpoint}/{event}") as lines:
            for line in lines:
                name, _, value = line.decode().strip().partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "complete":
                    return json.loads(value)
                elif name == "data" and kind == "error":
                    return value
        return "no answer"

    def take(self, seed: str, bars: int = 4, random_seed: int = 1) -> Any:
        """A take: the files and the recipe, or an error as text."""
        return self.answer("generate", self.ask("generate", *take_of(seed, bars, random_seed)))

    def sound_of(self, answer: Any) -> int:
        """The bytes of a take's joined sound, fetched as a visitor does; 0 if there is none."""
        return len(_open(answer[5]["url"]).read()) if isinstance(answer, list) and answer[5] else 0

    def notes_of(self, answer: Any) -> bytes:
        """The MIDI file of a take's joined music."""
        return bytes(_open(answer[2]["url"]).read())

    def upload(self, path: Path) -> str:
        """Send a file; the path under which the page knows it."""
        body = b"--x\r\nContent-Disposition: form-data; name=files; filename=" + path.name.encode() + b"\r\n\r\n"
        request = urllib.request.Request(  # noqa: S310  the page's own address
            f"{self.address}gradio_api/upload",
            body + path.read_bytes() + b"\r\n--x--\r\n",
            {"Content-Type": "multipart/form-data; boundary=x"},
        )
        return str(json.loads(_open(request).read())[0])

    def continued(self, path: Path) -> Any:
        """A take after a visitor's own music."""
        file = {"path": self.upload(path), "meta": {"_type": "gradio.FileData"}}
        return self.answer("continue", self.ask("continue", file, None, None, 1.0, 1, 1, None, "piano", 0))


def take_of(seed: str, bars: int, random_seed: int) -> tuple[Any, ...]:
    """The arguments of /generate."""
    return seed, 1.05, bars, random_seed, None, "piano", 0.95, True, False, 0


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until ``holds``; SystemExit if it does not within ``seconds``."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"This does not happen within {seconds:.0f} s: {holds}")
        time.sleep(0.05)


@contextmanager
def page(home: Path, settings: Mapping[str, str] | None = None, command: Sequence[str] = APP) -> Iterator[Page]:
    """A page that answers; all its processes are killed in the end."""
    running = Page(home, settings, command)
    try:
        running.wait()
        yield running
    finally:
        running.end()


def files_in(*folders: Path) -> list[str]:
    """The files under some folders, with their paths in these."""
    # ``os.walk`` passes over folders that are deleted meanwhile; ``rglob`` fails at them.
    found = ((folder, Path(base, name)) for folder in folders for base, _, names in os.walk(folder) for name in names)
    return sorted(str(path.relative_to(folder)) for folder, path in found)


def _kill(numbers: Iterable[int]) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _open(address: str | urllib.request.Request) -> Any:
    return urllib.request.urlopen(address, timeout=PATIENCE)  # noqa: S310  the page's own address
