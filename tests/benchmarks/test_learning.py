"""Training of the original's networks: it can be interrupted, and does not mix two sets of data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import BATCH, Learner
from benchmarks.original import WINDOW, Windows


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    classes = np.tile(np.arange(4), 60)
    windows = Windows(classes, np.arange(WINDOW, len(classes)))

    def learner() -> Learner:
        return Learner(windows, windows, 5, tmp_path / "gap.npz", units=8)

    first = learner()
    first.learn(1e-9, say=lambda _: None)
    assert first.progress.windows == BATCH
    again = learner()
    again.learn(first.progress.seconds / 60 + 0.02, say=lambda _: None)
    assert again.progress.windows > BATCH
    assert again.progress.checks[0] == first.progress.checks[0]
    nats, _ = again.answers(windows)
    assert nats.mean() == pytest.approx(again.progress.best, rel=1e-5)


def test_a_run_on_other_data_is_refused(tmp_path: Path) -> None:
    windows = Windows(np.tile(np.arange(4), 60), np.arange(WINDOW, 240))
    Learner(windows, windows, 5, tmp_path / "gap.npz", units=8).learn(1e-9, say=lambda _: None)
    fewer = Windows(windows.classes, windows.targets[:-1])
    with pytest.raises(SystemExit, match="other data"):
        Learner(fewer, windows, 5, tmp_path / "gap.npz", units=8).learn(1e-9, say=lambda _: None)
