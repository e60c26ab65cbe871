"""Damaged files and recipes: each ends as music or as one sentence. `make fuzz` reads many more, beside a running page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import damaged, read, sound
from musiclstm.checkpoint import Checkpoint
from musiclstm.formats.reader import MusicReader

COUNT = 240


@pytest.fixture(scope="module")
def reader() -> Iterator[MusicReader]:
    with MusicReader() as reader:
        yield reader


def test_damaged_files_end_as_music_or_as_one_sentence_and_leave_nothing(
    reader: MusicReader, small_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    files = damaged(sound(), COUNT, np.random.default_rng(20))
    answers = Counter(read(small_checkpoint, reader.read, tmp_path, *file).answer for file in files)
    assert set(answers) == {"music", "sentence"}
    assert min(answers.values()) > COUNT / 20
    assert not list(tmp_path.iterdir())
