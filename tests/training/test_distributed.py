"""Several processes train one network: they do what one would, and when one is gone the others say so and can go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from musiclstm.errors import OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, make_notes
from musiclstm.training.distributed import WorkerGroup, workers_of_environment
from musiclstm.training.launcher import launch_workers

ROOT = Path(__file__).resolve().parents[2]
# Trains without dropout, whose chance is each process's own, and writes down what it went through.
TRAINING = """
import json, sys
from pathlib import Path
from musiclstm.training.launcher import launch_workers
from musiclstm.quiet import import_tensorflow
data, work, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with launch_workers(workers, [sys.executable, __file__, *sys.argv[1:3], "1"], work):
    import_tensorflow()
    from musiclstm.training import package
    from musiclstm.config import TrainConfig
    from musiclstm.training.distributed import workers_of_environment
    group = workers_of_environment()
    sizes = {"units": 8, "layers": 1, "head": 8, "dropout": 0.0}
    options = TrainConfig(epochs=1, lanes=4, window=16, transpose=3, learning_rate=0.02)
    trainer = package.prepare(str(data), work, options, sizes, group=group, say=lambda _: None)
    trainer.fit(work, resume=False, say=lambda _: None)
    if group.leads:
        history = trainer.progress.history
        (work / "history.json").write_text(json.dumps([[h["train_nats"], h["validation"]["bits_per_note"]] for h in history]))
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


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    return kept | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"} | settings


def test_two_processes_lose_what_one_loses_on_the_same_batches(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "training.py"
    script.write_text(TRAINING, encoding="utf-8")
    went = {}
    for workers in (1, 2):
        work = tmp_path / str(workers)
        command = [sys.executable, str(script), str(data), str(work), str(workers)]
        subprocess.run(command, env=environment(), check=True, timeout=240, capture_output=True)
        went[workers] = json.loads((work / "history.json").read_text(encoding="utf-8"))
    for (alone, validation), (together, theirs) in zip(went[1], went[2], strict=True):
        assert theirs == pytest.approx(validation, rel=1e-4)
        for stream in ("step", "pitch", "duration", "velocity"):
            assert together[stream] == pytest.approx(alone[stream], rel=1e-4)


def test_a_worker_that_is_gone_ends_with_a_sentence_and_the_run_can_go_on(data: Path, tmp_path: Path) -> None:
    sizes = ["--lanes", "4", "--window", "16", "--units", "8", "--layers", "1", "--head", "8", "--workers", "2"]
    command = [sys.executable, "train.py", "--data", str(data), "--out", str(tmp_path / "out"), *sizes]
    with (tmp_path / "words").open("w+", encoding="utf-8") as words:
        process = subprocess.Popen(
            [*command, "--epochs", "1000", "--patience", "1000"],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        )
        assert process.stdout is not None
        assert any(line.startswith("epoch 1: validation") for line in process.stdout)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        assert len(children) == 1
        os.kill(int(children[0]), signal.SIGKILL)
        assert process.wait(timeout=120) == 2
        process.stdout.close()
        words.seek(0)
        assert words.read().splitlines()[-1] == (
            "One of the 2 workers is gone, so training stopped; the last whole epoch is kept: "
            "start all of them again with --resume."
        )
    resumed = subprocess.Popen(
        [*command, "--epochs", "1000", "--patience", "1000", "--resume"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert resumed.stdout is not None
    assert any(line.startswith("Resumed after epoch ") for line in resumed.stdout)
    resumed.kill()
    resumed.wait()
    resumed.stdout.close()


def test_impossible_teams_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for count in (0, 65):
        with pytest.raises(OptionError, match="from 1 to 64"), launch_workers(count, [], tmp_path):
            pass
    described = {"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(described))
    with pytest.raises(OptionError, match="TF_CONFIG already says"), launch_workers(2, [], tmp_path):
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
