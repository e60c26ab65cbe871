"""Names that say which music is in a file or folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from musiclstm.checkpoint import Checkpoint
from musiclstm.generation.composition import Composition, compose, original_of, take_recipe
from musiclstm.generation.export import write_take
from musiclstm.generation.file_names import free_folder, music_name, named_for_the_music
from musiclstm.generation.request import ComposeRequest


@pytest.fixture(scope="module")
def composition(small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=1, candidates=1, random_seed=713797))


def test_a_name_tells_the_seed_what_was_done_and_the_random_seed(composition: Composition) -> None:
    assert music_name(composition) == "march-continued-713797"
    assert music_name(composition, 0) == "march-continued-713797"
    several = replace(composition, takes=composition.takes * 2)
    assert music_name(several, 1) == "march-continued-713797-2"
    changed = replace(composition, request=replace(composition.request, regenerate=3))
    assert music_name(changed) == "march-changed-713797"


@pytest.mark.parametrize("id", ["../../Für Elise", "C:\\march", "a" * 500, "曲"])
def test_a_name_is_safe_for_every_disk(composition: Composition, id: str) -> None:
    seed = replace(composition.request.seed, id=id)
    name = music_name(replace(composition, request=replace(composition.request, seed=seed)))
    assert name.isascii()
    assert name.replace("-", "").isalnum()
    assert len(name) < 100


def test_the_midi_files_of_a_take_are_renamed_in_their_folder(composition: Composition, tmp_path: Path) -> None:
    (take,) = composition.takes
    given = (composition.seed, take.continuation, take.joined, composition.split)
    original, recipe = original_of(composition), take_recipe(composition, 0)
    files = write_take(tmp_path, *given, recipe=recipe, original=original, audio="", score=False)
    named = named_for_the_music(files, composition, 0)
    assert all(path.parent == tmp_path and path.exists() for path in named.all())
    whole = "march-continued-713797"
    assert {path.name for path in tmp_path.glob("*.mid")} == {
        f"{whole}.mid",
        f"{whole}-continuation.mid",
        "march-opening.mid",
        "march-original.mid",
    }


def test_a_free_folder_is_never_one_that_is_there(tmp_path: Path) -> None:
    made = [free_folder(tmp_path / "new", "march").name for _ in range(3)]
    assert made == ["march", "march-2", "march-3"]
