"""Several processes train one network: they do what one would, and when one is gone the others say so and can go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import PATIENCE, wait_until

from musiclstm.config import TrainConfig
from musiclstm.errors import OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, make_notes
from musiclstm.training.distributed import WorkerGroup, workers_of_environment
from musiclstm.training.launcher import launch_workers
from musiclstm.training.package import prepare

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = TrainConfig(epochs=1000, patience=1000, lanes=4, window=16, learning_rate=0.02)
SIZES: dict[str, Any] = {"units": 8, "layers": 1, "head": 8}
TESTS = ROOT / "tests"
# train.py without XLA, and without dropout, whose random numbers are each process's own.
PROGRAM = f"""
import runpy
import pytest
from compiling import without_xla
from musiclstm.config import ModelConfig
without_xla(pytest.MonkeyPatch())
init = ModelConfig.__init__
ModelConfig.__init__ = lambda self, *sizes, **named: init(self, *sizes, **({{"dropout": 0.0}} | named))
runpy.run_path({str(ROOT / "train.py")!r}, run_name="__main__")
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven pieces of broken chords, of different lengths, so that lanes run idle at the end of an epoch."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(7):
        rng = np.random.default_rng(number)
        notes = 60 + 16 * number
        pitches = np.repeat(rng.integers(40, 60, notes // 4), 4) + np.tile([0, 4, 7, 4], notes // 4)
        piece = Piece(make_notes(np.arange(notes) * 12, pitches, [12] * notes, [64] * notes))
        write_midi(piece, folder / f"chords {chr(ord('a') + number)}.mid")
    return folder


def one_epoch() -> TrainConfig:
    """The options of a run whose time is up after its first epoch, or at once if it goes on."""
    return replace(OPTIONS, minutes=1e-6)


class Run:
    """A training run of two processes. It writes its state to out.work in ``folder`` and its messages to stderr.txt."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.folder = folder
        (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
        options = {name: getattr(OPTIONS, name) for name in ("epochs", "patience", "lanes", "window", "learning_rate")} | SIZES
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        command = [
            sys.executable,
            "program.py",
            "--data",
            str(data),
            "--out",
            "out",
            "--workers",
            "2",
            "--seeds",
            "data",
            *words,
        ]
        kept = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
        settings = kept | {"PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}", "TF_CPP_MIN_LOG_LEVEL": "3"}
        with (folder / "stderr.txt").open("w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                command, cwd=folder, env=settings, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )

    def wait_for(self, beginning: str) -> None:
        """Read its output up to a line with that ``beginning``."""
        assert self.process.stdout is not None
        assert any(line.startswith(beginning) for line in self.process.stdout), self.errors()

    def errors(self) -> str:
        """What it wrote to stderr."""
        return (self.folder / "stderr.txt").read_text(encoding="utf-8")

    def other(self) -> int:
        """The number of the other process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        assert len(children) == 1
        return int(children[0])

    def close(self) -> None:
        """End all processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def interrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run whose second process was killed after the first epoch or a later one; the first process notices after a while."""
    run = Run(data, tmp_path_factory.mktemp("two"))
    try:
        run.wait_for("epoch 1: validation")
        wait_until((run.folder / "out.work" / "resume.npz").exists)
        os.kill(run.other(), signal.SIGKILL)
        yield run
    finally:
        run.close()


@pytest.mark.programs
@pytest.mark.usefixtures("no_xla")
def test_two_processes_lose_what_one_loses_on_the_same_batches(interrupted: Run, data: Path, tmp_path: Path) -> None:
    trainer = prepare([str(data)], tmp_path, one_epoch(), SIZES | {"dropout": 0.0}, say=lambda _: None)
    trainer.fit(tmp_path, resume=False, say=lambda _: None)
    (alone,) = trainer.progress.history
    with np.load(interrupted.folder / "out.work" / "resume.npz") as saved:
        together = json.loads(saved["facts"].tobytes())["progress"]["history"][0]
    assert together["validation"]["bits_per_note"] == pytest.approx(alone["validation"]["bits_per_note"], rel=1e-4)
    for stream in ("step", "pitch", "duration", "velocity"):
        assert together["train_nats"][stream] == pytest.approx(alone["train_nats"][stream], rel=1e-4)


@pytest.mark.programs
def test_a_worker_that_is_gone_ends_with_a_sentence_and_the_run_can_go_on(interrupted: Run, data: Path, tmp_path: Path) -> None:
    assert interrupted.process.wait(timeout=PATIENCE) == 2
    assert interrupted.errors().splitlines()[-1] == (
        "One of the 2 workers is gone, so training stopped; the last complete epoch is saved: "
        "start all workers again with --resume."
    )
    again, said = prepare([str(data)], tmp_path, one_epoch(), SIZES | {"dropout": 0.0}, say=lambda _: None), list[str]()
    again.fit(interrupted.folder / "out.work", resume=True, say=said.append)
    assert [line.startswith("Resumed after epoch ") for line in said] == [True]


def test_impossible_teams_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for count in (0, 65):
        with pytest.raises(OptionError, match="from 1 to 64"), launch_workers(count, [], tmp_path):
            pass
    described = {"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(described))
    with pytest.raises(OptionError, match="TF_CONFIG already names"), launch_workers(2, [], tmp_path):
        pass
    assert workers_of_environment().size == 1
    for wrong in (
        "{",
        "[]",
        json.dumps(described | {"task": {"type": "worker", "index": 1}}),
        json.dumps({"cluster": {"ps": []}}),
    ):
        monkeypatch.setenv("TF_CONFIG", wrong)
        with pytest.raises(OptionError, match="TF_CONFIG must be"):
            workers_of_environment()


def test_one_process_is_a_team_of_its_own() -> None:
    alone = WorkerGroup()
    assert alone.leads
    assert alone.lanes(5) == 5
    assert alone.total([1, 2]) == [1, 2]
