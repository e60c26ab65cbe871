"""Claim: the page is there within seconds of a start, the first take soon after, and it is gone at once when it is told to go.

The page starts in a process of its own, with the bundled checkpoint: the first time on a machine, when nothing is compiled yet,
and once more. A take counts from the page on, and from the start on, since a page that answers sooner does not bring the take
sooner. Then the page is told to end while it is still warming up. Where the time goes is measured in processes of their own that
do the same, one step after the other.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.browsing import Visitor
from benchmarks.hostile import family
from benchmarks.report import Figure, cores, publish, section

PATIENCE = 120.0  # seconds
STEPS = """
import time
from musiclstm.quiet import import_tensorflow, one_thread_each
one_thread_each()
from musiclstm.api import open_checkpoint
from musiclstm.generation import ComposeRequest, compose
checkpoint = open_checkpoint()

def timed(what, step):
    began, used = time.perf_counter(), time.process_time()
    step()
    print(what, time.perf_counter() - began, time.process_time() - used, sep="\\t")

timed("import TensorFlow and Keras", import_tensorflow)
timed("read modules and weights", lambda: checkpoint.decoder)
timed("compile the decoder", lambda: checkpoint.decoder.compile())
timed("write 16 bars", lambda: compose(checkpoint, ComposeRequest(checkpoint.seeds[0], bars=16)))
"""


def main() -> None:
    """Start, ask, end, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier version, measured in turn")
    options = parser.parse_args()
    versions = {"": Path(__file__).resolve().parents[1]} | ({"before: ": options.before} if options.before else {})
    figures: list[Figure] = []
    for version, folder in versions.items():
        now = not version
        with tempfile.TemporaryDirectory(prefix="musiclstm-") as cache:
            for start, most in (("first start", (6, 3, 9)), ("next start", (3, 1.5, 4.5))):
                targets = most if now else (None, None, None)
                page, notes, take = started(folder, Path(cache))
                figures += [
                    Figure(f"{version}{start}: the page answers after", page, "s", most=targets[0]),
                    Figure(f"{version}{start}: the first visitor sees new notes, after the page", notes, "s"),
                    Figure(f"{version}{start}: the first take with its files, after the page", take, "s", most=targets[1]),
                    Figure(
                        f"{version}{start}: the first take with its files, after the start", page + take, "s", most=targets[2]
                    ),
                ]
        if now:
            with tempfile.TemporaryDirectory(prefix="musiclstm-") as cache:
                for start in ("first start", "next start"):
                    figures += steps(start, folder, Path(cache))
        with tempfile.TemporaryDirectory(prefix="musiclstm-") as cache:
            gone = ended(folder, Path(cache))
            figures.append(Figure(f"{version}told to end while warming up, gone after", gone, "s", most=3 if now else None))
    claim, libraries = (__doc__ or "").splitlines()[0], ("gradio", "keras", "tensorflow")
    publish("Start", section(claim, figures, threads=f"{cores()} cores", libraries=libraries))


def started(folder: Path, cache: Path) -> tuple[float, float, float]:
    """Seconds until the page of a checkout answers, and from then until a visitor who generates at once sees notes and a take."""
    began = time.perf_counter()
    address, process = launched(folder, cache)
    try:
        wait_for(address)
        page = time.perf_counter() - began
        with Visitor(address) as visitor:
            visitor.arrive()
            clicked = time.perf_counter() - began - page
            seen = visitor.press("generate")
        if seen.faults or seen.first_notes is None or seen.files is None:
            raise SystemExit(f"The first visitor got no take: {'; '.join(seen.faults)}.")
        return page, clicked + seen.first_notes, clicked + seen.files
    finally:
        process.kill()
        process.wait()


def steps(start: str, folder: Path, cache: Path) -> list[Figure]:
    """What the steps of a start take in a process of their own: seconds, and seconds of all processors together."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", STEPS]
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = []
    for line in done.stdout.splitlines():
        what, seconds, used = line.split("\t")
        name = f"{start}, without the page: {what}"
        found += [Figure(name, float(seconds), "s"), Figure(f"{name}, processor time", float(used), "s")]
    return found


def ended(folder: Path, cache: Path) -> float:
    """Seconds from the signal to end, sent as soon as the page answers, until it and all that it started are gone."""
    address, process = launched(folder, cache)
    wait_for(address)
    time.sleep(1)  # the warm-up compiles now
    children = family(process.pid)[1:]
    began = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
        while any(Path(f"/proc/{number}").exists() for number in children) and time.perf_counter() < began + PATIENCE:
            time.sleep(0.01)
    finally:
        process.kill()
    return time.perf_counter() - began


def launched(folder: Path, cache: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """The address and the process of a page, which keeps what it compiles in ``cache``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    return f"http://127.0.0.1:{port}/", process


def wait_for(address: str) -> None:
    """Wait until a page answers."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(address, timeout=PATIENCE).read()  # noqa: S310  the page's own address
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"The page does not answer within {PATIENCE:.0f} s.")


if __name__ == "__main__":
    main()
