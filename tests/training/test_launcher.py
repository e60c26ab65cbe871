"""How the other processes of a training run are started."""

from __future__ import annotations

import sys

import pytest

from musiclstm.training.launcher import command_line


@pytest.mark.parametrize("program", [["-m", "musiclstm", "train"], ["/usr/bin/musiclstm", "train"], ["train.py"]])
@pytest.mark.parametrize("workers", [["--workers", "2"], ["--workers=2"]])
def test_another_worker_starts_like_this_process_but_without_workers(
    program: list[str], workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python3", *program, "--data", "music", *workers, "--out", "runs/mine"])
    assert command_line() == [sys.executable, *program, "--data", "music", "--out", "runs/mine"]
