"""The take that the page shows first: what is stored with the bundled checkpoint, and what speaks against a take."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from musiclstm.api import BUNDLED, open_checkpoint, open_link
from musiclstm.checkpoint import Checkpoint
from musiclstm.checkpoint_files import EXAMPLE
from musiclstm.generation import ComposeRequest, Composition, compose, other_checkpoint, recipe_from_link
from musiclstm.music import Piece, join, make_notes
from musiclstm.scoring import SharedPassage, structure
from scripts.choose_example import MOST_UNUSUAL, Candidate, Ranges, best, faults, stored, usual_structure

AGAIN = "After a training, run PYTHONPATH=. python scripts/choose_example.py."


def test_the_bundled_example_is_by_the_bundled_weights_and_without_a_fault() -> None:
    checkpoint = open_checkpoint()
    assert checkpoint.example, AGAIN
    assert other_checkpoint(recipe_from_link(checkpoint.example), checkpoint) is None, AGAIN
    composition = open_link(checkpoint, checkpoint.example)
    assert composition is not None
    people = checkpoint.metrics["originality"]["people"]
    take = composition.takes[0]
    assert list(faults(composition, take, usual_structure(checkpoint.seeds), people["50"])) == []
    told = json.loads((BUNDLED / EXAMPLE).read_text(encoding="utf-8"))
    assert take.shared_passage is not None
    assert (told["faults"], told["shared_notes"]) == ([], take.shared_passage.notes)


@pytest.fixture(scope="module")
def composition(small_checkpoint: Checkpoint) -> Composition:
    """The opening, a march in C major, once more, with a last C."""
    made = compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=8))
    march = made.seed.notes
    rows = np.concatenate([march, make_notes([march["onset"][-1] + 24], [48], [24], [80])])
    return with_music(made, replace(made.seed, notes=rows))


def with_music(composition: Composition, music: Piece) -> Composition:
    take = replace(composition.takes[0], loops=0, continuation=music, joined=join(composition.seed, music, composition.split))
    return replace(composition, takes=(take,))


def with_pitches(composition: Composition, pitch: NDArray[np.int64]) -> Composition:
    music = composition.takes[0].continuation
    notes = music.notes.copy()
    notes["pitch"] = pitch
    return with_music(composition, replace(music, notes=notes))


def found(composition: Composition, usual: Ranges | None = None) -> list[str]:
    return list(faults(composition, composition.takes[0], usual or {}, 9))


def test_each_fault_is_found(composition: Composition) -> None:
    take, music = composition.takes[0], composition.takes[0].continuation
    pitch = music.notes["pitch"].astype(np.int64)
    assert found(composition) == []
    assert found(replace(composition, takes=(replace(take, loops=1),))) == ["loops"]
    assert found(replace(composition, takes=(replace(take, shared_passage=SharedPassage(10, "a piece", 0)),))) == ["copied"]
    assert found(with_pitches(composition, np.append(pitch[:-1], 50))) == ["end"]
    assert "key" in found(with_pitches(composition, pitch + 6))
    assert found(with_music(composition, replace(music, notes=music.notes[-1:]))) == ["density"]
    assert found(composition, dict.fromkeys(structure.SCORES[: MOST_UNUSUAL + 1], (2.0, 3.0))) == ["structure"]
    assert found(composition, dict.fromkeys(structure.SCORES[:MOST_UNUSUAL], (2.0, 3.0))) == []


def test_a_take_without_faults_wins_and_the_critic_decides_among_equals(composition: Composition) -> None:
    take = composition.takes[0]
    poor = Candidate(composition, replace(take, score=9.0), ("loops",))
    good, better = (Candidate(composition, replace(take, score=score), ()) for score in (1.0, 2.0))
    assert best([poor, good, better]) is better
    told = stored(better, 3)
    assert (told["critic"], told["best_of"], told["faults"]) == (2.0, 3, [])
