from __future__ import annotations

from pathlib import Path

import pytest

from musiclstm.checkpoint import Checkpoint
from musiclstm.data.listing import folder_sources
from musiclstm.data.works import works_of
from musiclstm.errors import DataError
from musiclstm.evaluation.likelihood import Evaluator, evaluate, read_pieces
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece

pytestmark = pytest.mark.usefixtures("no_xla")


def test_the_total_is_the_mean_of_the_pieces_weighted_by_notes(small_checkpoint: Checkpoint, tunes: dict[str, Piece]) -> None:
    pieces = [tunes["march"], tunes["waltz"]]
    single = Evaluator(small_checkpoint, len(pieces)).bits_per_note(pieces)
    weights = [len(piece) - 1 for piece in pieces]
    mean = sum(bits * weight for bits, weight in zip(single, weights, strict=True)) / sum(weights)
    assert evaluate(small_checkpoint, pieces)["bits_per_note"] == pytest.approx(mean, abs=1e-3)


def test_quarters_are_the_sum_of_steps(small_checkpoint: Checkpoint, tunes: dict[str, Piece]) -> None:
    pieces = [tunes["march"], tunes["waltz"]]
    onsets = [piece.notes["onset"] for piece in pieces]
    expected = sum(int(onset[-1]) - int(onset[0]) for onset in onsets) / 24
    assert evaluate(small_checkpoint, pieces)["quarters"] == pytest.approx(expected)


def test_the_composer_is_the_name_of_a_files_folder(tunes: dict[str, Piece], tmp_path: Path) -> None:
    (tmp_path / "Bach").mkdir()
    write_midi(tunes["march"], tmp_path / "Bach" / "a.mid")
    write_midi(tunes["waltz"], tmp_path / "b.mid")
    pieces, skipped = read_pieces(folder_sources(tmp_path), "Haydn")
    assert [piece.composer for piece in pieces] == ["Bach", "Haydn"]
    assert skipped == []


def test_files_of_the_same_name_in_two_folders_stay_two_works(tunes: dict[str, Piece], tmp_path: Path) -> None:
    for composer, tune in (("Bach", "march"), ("Chopin", "waltz")):
        (tmp_path / composer).mkdir()
        write_midi(tunes[tune], tmp_path / composer / "air.mid")
    pieces, _ = read_pieces(folder_sources(tmp_path), "data")
    assert works_of(pieces) == {"Bach/air.mid": "Bach/air", "Chopin/air.mid": "Chopin/air"}


def test_a_folder_of_unreadable_files_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_text("no")
    with pytest.raises(DataError, match=r"x\.mid"):
        read_pieces(folder_sources(tmp_path), "data")
