from __future__ import annotations

from pathlib import Path

import pytest

from musiclstm.api import BUNDLED, generate, open_checkpoint, open_seed, save
from musiclstm.checkpoint import Checkpoint, save_checkpoint
from musiclstm.errors import CheckpointError, OptionError
from musiclstm.formats.midi import read_midi


def test_three_lines_of_python_make_music(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    composition = generate("march", checkpoint=small_checkpoint, bars=2, random_seed=3)
    (files,) = save(composition, tmp_path / "out", audio=False)
    assert len(read_midi(files.joined_midi)) == len(composition.takes[0].joined)


def test_a_seed_can_be_an_id_or_a_seed_object(small_checkpoint: Checkpoint) -> None:
    by_name = generate("jig", checkpoint=small_checkpoint, bars=1)
    by_seed = generate(small_checkpoint.seeds[2], checkpoint=small_checkpoint, bars=1)
    assert by_name.takes[0].continuation.notes.tolist() == by_seed.takes[0].continuation.notes.tolist()


def test_a_checkpoint_is_found_by_its_folder(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(small_checkpoint, tmp_path / "own", card="")
    assert open_checkpoint(str(tmp_path / "own")).name == "small"
    assert open_checkpoint(tmp_path / "own").revision == "local"


def test_a_missing_folder_and_an_odd_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        open_checkpoint(str(tmp_path / "none"))
    with pytest.raises(CheckpointError):
        open_checkpoint("just-a-word")


def test_nothing_is_saved_over_a_file(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    composition = generate("march", checkpoint=small_checkpoint, bars=1)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OptionError, match="must be a folder"):
        save(composition, tmp_path / "file", audio=False)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_bundled_checkpoint_loads_has_its_seeds_and_stays_small(bundled: Checkpoint) -> None:
    assert bundled.revision == "bundled"
    assert len(bundled.seeds) >= 24
    assert len({seed.composer for seed in bundled.seeds}) >= 10
    assert bundled.network.count_params() <= 4_000_000
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 20_000_000


def test_the_bundled_checkpoint_continues_a_seed_with_varied_notes(bundled: Checkpoint) -> None:
    take = generate(bundled.seeds[0], checkpoint=bundled, bars=8, random_seed=1).takes[0]
    assert len(take.continuation) >= 24
    assert len(set(take.continuation.notes["pitch"].tolist())) >= 6


def test_an_unknown_seed_names_close_ones(small_checkpoint: Checkpoint) -> None:
    with pytest.raises(OptionError, match="waltz"):
        open_seed(small_checkpoint, "walz")
