"""What can go wrong for a running page, for ``survival``: a full disk, a deleted folder, FluidSynth, sound fonts, visitors."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import QUICK_APP, Page, files_in, page, take_of, wait_until

SOON = 3.0  # seconds in which the children of a killed program must have ended


@dataclass
class Outcome:
    """What became of one kind of trouble: how often it was made, and what was found afterwards, in words."""

    what: str
    times: int = 0
    processes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)
    slowest: float = 0.0  # seconds until the processes were gone, or until a visitor in trouble had an answer

    def serve(self, running: Page, **asked: Any) -> None:
        """Let the next visitor ask for a take with sound."""
        answer = running.take("march", **asked)
        if not running.sound_of(answer):
            self.unserved.append(str(answer)[:200])

    def row(self) -> str:
        """A row of the table."""
        counts = (self.times, len(self.processes), len(self.files), f"{self.times - len(self.unserved)} of {self.times}")
        return f"| {self.what} | {' | '.join(map(str, counts))} | {self.slowest:.1f} s |"


class Place:
    """Where it all happens: ``work`` for the files, ``settings`` for pages with a small network, and random moments."""

    def __init__(self, work: Path, random_seed: int = 1) -> None:
        from musiclstm.formats import write_midi
        from musiclstm.seeds import load_catalogue

        self.work, self.rng = work, np.random.default_rng(random_seed)
        self.small = work / "small"
        save_small(self.small)
        self.settings = {"MUSICLSTM_REPO": str(self.small), "XDG_CACHE_HOME": str(work / "cache")}
        self.upload = work / "upload.mid"
        write_midi(load_catalogue()[0].piece, self.upload)
        self.slow = work / "slow.musicxml"  # takes seconds to read
        note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
        bars = "".join(f'<measure number="{number}">{note * 4}</measure>' for number in range(1, 15_001))
        head = '<part-list><score-part id="P"><part-name>P</part-name></score-part></part-list>'
        self.slow.write_text(f'<score-partwise version="4.0">{head}<part id="P">{bars}</part></score-partwise>', encoding="utf-8")

    def home(self, name: str) -> Path:
        """A folder for a program and its temporary files."""
        folder = self.work / name
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def page(self, name: str, **settings: str) -> Iterator[Page]:
        """A page that serves takes."""
        with page(self.home(name), {**self.settings, **settings}, QUICK_APP) as running:
            running.take("march", 1)
            yield running

    def moment(self, most: float) -> None:
        """Wait for a random time, at most so many seconds."""
        time.sleep(float(self.rng.uniform(0, most)))


def save_small(folder: Path) -> None:
    """Save a checkpoint with a tiny, untrained network and three tunes as seeds, the march among them."""
    from musiclstm.checkpoint import Checkpoint, save_checkpoint, size_for
    from musiclstm.model import build_network, fit_vocabulary
    from musiclstm.quiet import import_tensorflow
    from musiclstm.seeds import load_catalogue

    import_tensorflow()
    first, *_ = load_catalogue()
    vocabulary = fit_vocabulary([first.piece])
    config = size_for(vocabulary, units=32, layers=1, head=16, channels=4)
    network = build_network(config)
    save_checkpoint(Checkpoint("small", config, vocabulary, lambda: network, (replace(first, id="march"),), {}), folder, card="")


def hanging_up(running: Page, place: Place, times: int) -> Outcome:
    """Visitors hang up in the queue, while their take is written, in the middle of a download, in the middle of an upload."""
    outcome = Outcome("visitors hang up: in the queue, while writing, in a download, in an upload")
    before = scratch_files(running.tmp)
    for number in range(times):
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(_request(running, number).encode())
            if number % 4 == 2:
                connection.recv(1000)
            place.moment(1.0)
        began = time.monotonic()
        outcome.serve(running, bars=1, random_seed=600 + number)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        outcome.times += 1
    until = time.monotonic() + SOON
    while scratch_files(running.tmp) - before and time.monotonic() < until:
        time.sleep(0.1)
    outcome.files = sorted(scratch_files(running.tmp) - before)
    outcome.processes = [line for line in running.members().values() if "fluidsynth" in line]
    return outcome


def scratch_files(tmp: Path) -> set[str]:
    """The temporary files, without whole ones that visitors may fetch, and the example, which a page writes when it has time."""
    kept = re.compile(r"/gradio/\w{40,}/[^.]|/gradio/tmp|/musiclstm-example-")  # Gradio's unfinished files begin with a point
    return {name for name in files_in(tmp) if not kept.search(name)}


def _request(running: Page, number: int) -> str:
    """What a visitor sends before hanging up: waiting for a take, or for the last of five, fetching a file, or sending one."""
    if number % 4 < 2:
        asked = range(500 + number, 501 + number + 4 * (number % 2))
        events = [running.ask("generate", *take_of("march", 16, random_seed)) for random_seed in asked]
        return f"GET /gradio_api/call/generate/{events[-1]} HTTP/1.1\r\nHost: x\r\n\r\n"
    if number % 4 == 2:
        file = running.take("march", 16, 500 + number)[5]["url"].partition(str(running.port))[2]
        return f"GET {file} HTTP/1.1\r\nHost: x\r\n\r\n"
    head = "Host: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000000"
    part = "Content-Disposition: form-data; name=files; filename=a.mid"
    return f"POST /gradio_api/upload HTTP/1.1\r\n{head}\r\n\r\n--x\r\n{part}\r\n\r\n{'a' * 100_000}"


def disk_full(place: Place, times: int) -> Outcome:
    """A disk of 60 MB that fills up while takes are written. It needs a system that lets users mount one for themselves."""
    outcome, home = Outcome("disk full while a take is written"), place.home("full")
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=60m tmpfs "$TMPDIR" && exec "$@"', "sh", *QUICK_APP]
    with page(home, place.settings, mount) as running:
        tmp = Path(f"/proc/{running.process.pid}/root{running.tmp}")
        running.take("march", 1)
        before = scratch_files(tmp)
        for number in range(times):
            room = int(place.rng.integers(0, 8_000_000)) if number else 0
            with suppress(OSError), (tmp / "filler").open("wb") as filler:  # to close it may fail too
                free = os.statvfs(tmp)
                filler.write(bytes(max(0, free.f_bavail * free.f_frsize - room)))
            began = time.monotonic()
            running.take("march", 2, 100 + number)
            outcome.slowest = max(outcome.slowest, time.monotonic() - began)
            (tmp / "filler").unlink()
            for path in tmp.glob("musiclstm-app-*/gradio/*/*.wav"):  # room for the next
                path.unlink()
            outcome.serve(running, bars=1, random_seed=200 + number)
            outcome.times += 1
        outcome.files = sorted(scratch_files(tmp) - before)
    return outcome


def folder_gone(running: Page, place: Place, times: int) -> Outcome:
    """The temporary folder of a running page is deleted, and at every second time the processes that read files are killed."""
    outcome = Outcome("temporary folder deleted, readers killed")
    for number in range(times):
        shutil.rmtree(running.tmp, ignore_errors=True)
        if number % 2:
            running.kill_readers()
        began = time.monotonic()
        answer = running.continued(place.upload)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        if not running.sound_of(answer):
            outcome.unserved.append(str(answer)[:200])
        outcome.times += 1
    return outcome


def synthesizer_killed(running: Page, times: int) -> Outcome:
    """FluidSynth is killed while it renders; the visitor gets the notes and a sentence, the next one gets sound."""
    outcome = Outcome("FluidSynth killed while it renders")
    for number in range(times):
        asked = threading.Thread(target=running.take, args=("march", 64, 300 + number))
        asked.start()
        killed = False
        while asked.is_alive() and not killed:
            before = len(running.members())
            running.kill("fluidsynth")
            killed = len(running.members()) < before
        asked.join()
        outcome.times += killed
        outcome.serve(running, bars=1, random_seed=number)
    return outcome


def model_killed(running: Page, place: Place, times: int) -> Outcome:
    """The process that computes is killed while three visitors wait for takes: each gets a take, and the first the same notes."""
    outcome = Outcome("the process that computes killed while three visitors wait")
    expected = running.notes_of(running.take("march", 16, 700))
    for number in range(times):
        events = [running.ask("generate", *take_of("march", 16, random_seed)) for random_seed in (700, 701, 702)]
        place.moment(1.0)
        running.kill_computing()
        began = time.monotonic()
        answers = [running.answer("generate", event) for event in events]
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        lost = [str(answer)[:200] for answer in answers if not isinstance(answer, list)]
        outcome.unserved += lost or ["other notes"] * (running.notes_of(answers[0]) != expected)
        outcome.times += 1
        outcome.serve(running, bars=1, random_seed=number)
    outcome.processes = [running.members().get(number, "") for number in sorted(running.computing())[1:]]
    return outcome


def synthesizer_hangs(place: Place, times: int) -> Outcome:
    """A FluidSynth that sleeps for ever: how long a visitor waits for the notes. Then the page is killed beside it."""
    outcome, bin_folder = Outcome("FluidSynth hangs, then the page is killed"), place.work / "bin"
    bin_folder.mkdir()
    (bin_folder / "fluidsynth").write_text("#!/bin/sh\nexec sleep 1000\n")
    (bin_folder / "fluidsynth").chmod(0o755)
    home = place.home("hangs")
    for number in range(times):
        with page(home, {**place.settings, "PATH": f"{bin_folder}:{os.environ['PATH']}"}, QUICK_APP) as running:
            began = time.monotonic()
            answer = running.take("march", 1, number)
            outcome.slowest = max(outcome.slowest, time.monotonic() - began)
            if not isinstance(answer, list):
                outcome.unserved.append(str(answer)[:200])
            running.ask("generate", *take_of("march", 1, number))
            wait_until(lambda: "sleep 1000 " in running.members().values())
            running.kill()
            outcome.processes += running.gone(SOON)
            outcome.times += 1
    return outcome


def soundfont_damaged(place: Place, times: int) -> Outcome:
    """The sound font is cut short, emptied, deleted, or has random bytes in its tables, and is whole again afterwards."""
    from musiclstm.render.audio import find_soundfont

    outcome, font = Outcome("sound font missing or damaged"), place.work / "font.sf2"
    whole = find_soundfont()
    shutil.copy(whole, font)
    tables = whole.read_bytes().rfind(b"pdta")
    with place.page("font", MUSICLSTM_SOUNDFONT=str(font)) as running:
        for number in range(times):
            if number % 4 == 0:
                font.unlink()
            else:
                with font.open("r+b") as file:
                    if number % 4 == 1:
                        file.truncate(int(place.rng.integers(0, font.stat().st_size)))
                    for _ in range(40 if number % 4 > 1 else 0):
                        file.seek(int(place.rng.integers(0 if number % 4 == 2 else tables, font.stat().st_size)))
                        file.write(place.rng.bytes(8))
            began = time.monotonic()
            answer = running.take("march", 1, 400 + number)
            outcome.slowest = max(outcome.slowest, time.monotonic() - began)
            if not isinstance(answer, list):
                outcome.unserved.append(str(answer)[:200])
            shutil.copy(whole, font)
            outcome.serve(running, bars=1, random_seed=400 + number)
            outcome.processes += [line for line in running.members().values() if "fluidsynth" in line]
            outcome.times += 1
    return outcome
