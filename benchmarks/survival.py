"""Claim: whatever is killed, full, gone or cut off, nothing is lost or half-written, nothing is left, the next visitor is served.

Real processes in real trouble, at random moments: pages and trainings killed with SIGKILL, a disk that is full, a temporary
folder that is deleted, FluidSynth killed or hanging, damaged sound fonts, a Hub that dies, visitors who hang up. After each,
processes and files that stayed are counted, and a visitor asks for music with sound.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import QUICK, QUICK_APP, ROOT, Family, Page, files_in, page, wait_until
from benchmarks.report import Figure, cores, publish, section
from benchmarks.troubles import (
    SOON,
    Outcome,
    Place,
    disk_full,
    folder_gone,
    hanging_up,
    model_killed,
    soundfont_damaged,
    synthesizer_hangs,
    synthesizer_killed,
)

TIMES = 20
TRAINED = 600.0  # seconds in which a small training must finish
SMALL = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16"]
PULL = """
import sys
from pathlib import Path
from musiclstm.hub import download_checkpoint
print(download_checkpoint("anna/tiny", cache=Path(sys.argv[1])).folder)
"""


def ended(place: Place, times: int, end: Callable[[Page], None], name: str, *, clean: bool) -> Outcome:
    """Pages that end at random moments, every second one while it starts; ``clean`` ones leave no file."""
    outcome, home = Outcome(name), place.home(f"ended-{clean}")
    for number in range(times):
        running = Page(home, place.settings, QUICK_APP)
        if number % 2:
            running.wait()
            outcome.serve(running, bars=1)
            busy(running, place)
        place.moment(3.0 if number % 2 else 8.0)
        began = time.monotonic()
        end(running)
        outcome.processes += running.gone(SOON)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        running.end()
        outcome.times += 1
        left = list(running.tmp.iterdir())
        if len(left) > (0 if clean else 1):  # what a killed page leaves, the next start must have deleted
            outcome.files += [str(path) for path in left]
    with page(home, place.settings, QUICK_APP) as running:
        outcome.serve(running)
        outcome.files += [str(path) for path in running.tmp.iterdir() if path.name not in own(running)]
    return outcome


def busy(running: Page, place: Place) -> None:
    """Let visitors ask for takes and send a file that takes long, until the page is gone."""

    def ask(what: Callable[[], Any]) -> None:
        with suppress(OSError, ValueError):
            while running.process.poll() is None:
                what()

    for what in (lambda: running.take("march", 16), lambda: running.continued(place.slow)):
        threading.Thread(target=ask, args=(what,), daemon=True).start()


def terminated(running: Page) -> None:
    """Tell a page to end; it must be gone within SOON."""
    running.process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        running.process.wait(SOON)


def own(running: Page) -> set[str]:
    """The names in the temporary folder that belong to the page that runs there now: one."""
    newest = max(running.tmp.glob("musiclstm-app-*"), key=lambda path: path.stat().st_ctime, default=None)
    return {newest.name} if newest else set()


def two_pages(place: Place, times: int) -> Outcome:
    """Two pages start together, share all caches and the temporary folder; one is killed, and a third one starts."""
    outcome = Outcome("two pages started together on the same caches, one killed")
    for number in range(times):
        home = place.home(f"two-{number}")
        first, second = (Page(home, place.settings, QUICK_APP) for _ in range(2))
        first.wait()
        second.wait()
        answers = [running.take("march", 1) for running in (first, second)]
        first.kill()
        outcome.processes += first.gone(SOON)
        with page(home, place.settings, QUICK_APP) as third:
            if not second.sound_of(answers[1]):
                outcome.unserved.append("the file of the other page is gone")
            for running in (second, third):
                outcome.serve(running, bars=1, random_seed=number)
            if len(list(home.glob("tmp/musiclstm-app-*"))) != 2:
                outcome.files += files_in(home / "tmp")
        second.end()
        outcome.times += 1
    return outcome


def hub_dies(place: Place, times: int) -> Outcome:
    """The Hub dies in the middle of a pull, and at every second time the program that pulls is killed; then both are back."""
    sys.path.insert(0, str(ROOT / "tests"))
    from hub_server import LocalHub

    outcome, hub, home = Outcome("Hub or program killed in the middle of a pull"), LocalHub(), place.home("pull")
    whole = {path.name: path.read_bytes() for path in place.small.iterdir()}
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    for number in range(times):
        whole["README.md"] = f"Version {number}".encode() * 1000
        hub.commit("anna/tiny", whole)
        hub.slow = "README.md" if number % 2 else "resolve"
        pulling = Family([sys.executable, "-c", PULL, str(home / "hub")], home, settings)
        wait_until(lambda: bool(hub.downloads()))
        place.moment(1.0)
        if number % 2:
            pulling.kill()
        else:
            hub.stop()
        began = time.monotonic()
        pulling.process.wait(60)
        outcome.processes += pulling.gone(SOON)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)
        if not number % 2:
            hub.start()
        hub.repair()
        done = subprocess.run(
            [sys.executable, "-c", PULL, str(home / "hub")],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        folder = Path(done.stdout.strip() or "none")
        if {path.name: path.read_bytes() for path in folder.glob("*")} != whole:
            outcome.unserved.append(done.stderr[-200:])
        outcome.files += [path for path in files_in(home / "hub") if path.endswith(".incomplete")]
        outcome.times += 1
    hub.close()
    return outcome


def training(place: Place, times: int) -> tuple[Outcome, float]:
    """Trainings killed ``times`` times in all; the largest difference of a weight from a training that nobody killed.

    Each is resumed until it finishes, then the next one begins. Stops at the first one that fails or hangs.
    """
    outcome, data, home = Outcome("training killed"), place.work / "data", place.home("training")
    write_data(data)
    options = ["--data", str(data), *SMALL, "--seeds", "data", "--epochs", "6", "--patience", "6", "--resume"]

    def started(out: str) -> Family:
        command = [*QUICK, "train", *options, "--out", str(home / out)]
        return Family(command, home, {"XDG_CACHE_HOME": str(place.work / "cache")})

    def finished(run: Family, seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            if run.process.wait(seconds):
                outcome.unserved.append((home / "log").read_text(errors="replace")[-2000:])
        return run.process.returncode == 0

    def end(run: Family) -> None:
        run.kill()
        began = time.monotonic()
        outcome.times += run.process.returncode == -signal.SIGKILL  # else it was done before
        outcome.processes += run.gone(SOON)
        outcome.slowest = max(outcome.slowest, time.monotonic() - began)

    began = time.monotonic()
    if not finished(started("whole"), TRAINED):
        raise SystemExit((home / "log").read_text(errors="replace")[-2000:])
    lasts, outs = time.monotonic() - began, ["killed-01"]
    while outcome.times < times and not outcome.unserved:
        run = started(outs[-1])
        if finished(run, float(place.rng.uniform(0, lasts))):
            outs.append(f"killed-{len(outs) + 1:02}")
        end(run)
    last = started(outs[-1])
    if not finished(last, TRAINED) and not outcome.unserved:
        outcome.unserved.append("the last training hangs")
    outcome.processes += last.gone(SOON)
    for out in outs:
        outcome.files += sorted(set(names_in(home, out)) ^ set(names_in(home, "whole")))
    outcome.files += [path for path in files_in(home) if path.startswith(".")]  # drafts
    outcome.files += [path for path in files_in(home / "tmp") if not path.startswith("pymp-")]
    return outcome, float("inf") if outcome.unserved else max(difference(home / "whole", home / out) for out in outs)


def names_in(home: Path, out: str) -> Iterator[str]:
    """The files of a training, under the names that they have in every training."""
    for folder in (out, f"{out}.work"):
        yield from (path if folder == out else f"work/{path}" for path in files_in(home / folder))


def difference(one: Path, other: Path) -> float:
    """The largest difference between the weights of two checkpoints."""
    from musiclstm.checkpoint import load_checkpoint

    pairs = zip(*(load_checkpoint(folder).network.get_weights() for folder in (one, other)), strict=True)
    return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


def write_data(folder: Path) -> None:
    """Write nine pieces of three composers, each long enough for a seed."""
    from musiclstm.formats import write_midi
    from musiclstm.music.notes import bar_lines, join, transpose
    from musiclstm.seeds import load_catalogue

    for composer, seed in zip(("Schumann", "Chopin", "Bach"), load_catalogue(), strict=False):
        (folder / composer).mkdir(parents=True)
        for number, name in enumerate(("air", "duo", "trio")):
            piece = transpose(seed.piece, number)
            write_midi(join(piece, piece, int(bar_lines(piece)[-1])), folder / composer / f"{name}.mid")


def reported(outcome: Outcome) -> Outcome:
    """Print an outcome as soon as it is there, since the whole takes long."""
    print(outcome.row(), *outcome.processes, *outcome.files, *outcome.unserved, sep="\n    ", flush=True)
    return outcome


def main() -> None:
    """Make trouble, look, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=TIMES, help="how often each program is killed")
    parser.add_argument("--random-seed", type=int, default=1)
    options = parser.parse_args()
    times, few = options.times, max(2, options.times // 4)
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as work:
        place = Place(Path(work), options.random_seed)
        outcomes = []
        with place.page("shared") as running:
            outcomes += [
                reported(hanging_up(running, place, times)),
                reported(synthesizer_killed(running, times)),
                reported(model_killed(running, place, times)),
                reported(folder_gone(running, place, few)),
            ]
        outcomes += [
            reported(disk_full(place, times)),
            reported(soundfont_damaged(place, times)),
            reported(synthesizer_hangs(place, 2)),
            reported(hub_dies(place, times)),
            reported(two_pages(place, 3)),
            reported(ended(place, times, Family.kill, "page killed (SIGKILL), half of them at the start", clean=False)),
            reported(ended(place, times, terminated, "page told to end (SIGTERM), half of them at the start", clean=True)),
        ]
        trained, weights = training(place, times)
        outcomes.append(reported(trained))
    figures = [
        Figure("processes that stayed", sum(len(outcome.processes) for outcome in outcomes), most=0),
        Figure("files that stayed", sum(len(outcome.files) for outcome in outcomes), most=0),
        Figure("visitors not served afterwards", sum(len(outcome.unserved) for outcome in outcomes), most=0),
        Figure("a page told to end is gone after, at most", outcomes[-2].slowest, "s", most=3),
        Figure("largest difference of a weight between a training killed so often and one never killed", weights, most=1e-6),
    ]
    head = [
        "| what was done | times | processes left | files left | served afterwards | the longest wait |",
        "|---|---|---|---|---|---|",
    ]
    claim = "\n".join([(__doc__ or "").splitlines()[0], "", *head, *(outcome.row() for outcome in outcomes)])
    notes = [
        "Longest wait: until the processes of a killed program were gone, or a visitor in the midst of it had an answer.",
        "A killed page's files are deleted by the next start; here are those that stayed after it.",
    ]
    libraries = ("gradio", "keras", "pebble", "tensorflow")
    publish("Survival", section(claim, figures, notes=notes, threads=f"{cores()} cores", libraries=libraries))


if __name__ == "__main__":
    main()
