"""The split that the table of results is measured on, and the proof that nothing leaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.heldout import FIGURE, chorales, held_out, shared_figures
from musiclstm.data.listing import Source
from musiclstm.formats.midi import write_midi
from musiclstm.model.vocabulary import COLUMNS, PITCH, STEP, Rows
from musiclstm.music.notes import Piece, make_notes

OPTIONS = {"validation_share": 0.2, "test_share": 0.2, "random_seed": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pieces of random notes, each a work of its own."""
    path = tmp_path_factory.mktemp("music")
    for number in range(8):
        pitches = np.random.default_rng(number).integers(40, 80, 40)
        write_midi(Piece(make_notes(12 * np.arange(40), pitches, [12] * 40, [64] * 40)), path / f"{number}-piece.mid")
    return path


def metrics(works: list[str]) -> dict[str, Any]:
    return {"training": {"options": OPTIONS, "works_in_test": works}}


def rows(pitches: list[int]) -> Rows:
    made = np.zeros((len(pitches), COLUMNS), np.int16)
    made[:, PITCH], made[:, STEP] = pitches, 1
    return made


def test_a_checkpoints_own_data_are_split_as_they_were(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        held_out([str(folder)], metrics(["none"]), tmp_path)
    works = str(refused.value).split("would hold out ")[1].removesuffix(".").split(", ")
    held = held_out([str(folder)], metrics(works), tmp_path)
    assert held.own
    assert held.names("test") == [f"{work}.mid" for work in works]
    assert not set(held.names("test")) & set(held.names("train") + held.names("validation"))


def test_data_that_may_have_been_trained_on_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="may have been trained on"):
        held_out([str(folder)], metrics(["Beethoven/pathetique"]), tmp_path)


def test_the_chorales_of_one_cantata_are_one_work(corpus: list[Source], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.heldout.music21_sources", lambda: corpus)
    found = chorales()
    works = {source.name: source.work for source in found}
    assert len(found) > 200
    assert works["bach/bwv190.7.mxl"] == works["bach/bwv190.7-inst.mxl"] == "bach/bwv190"
    assert "bach/bwv846.mxl" not in works


def test_a_transposed_copy_is_found_and_other_music_is_not() -> None:
    rng = np.random.default_rng(1)
    tune, other = rng.integers(20, 60, 100).tolist(), rng.integers(20, 60, 100).tolist()
    assert shared_figures([rows(tune)], [rows([pitch + 5 for pitch in tune]), rows(other)]) == [1.0]
    assert shared_figures([rows(tune)], [rows(other)]) == [0.0]
    assert shared_figures([rows(tune[:50] + other[:50])], [rows(other)])[0] == pytest.approx(0.4, abs=0.02)


def test_a_piece_too_short_for_a_figure_shares_none() -> None:
    assert shared_figures([rows([40] * FIGURE)], [rows([40] * 50)]) == [0.0]
