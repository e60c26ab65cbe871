"""Names of files and folders that say which music is in them: mozart-k545-1-continued-713797.mid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from musiclstm.generation.composition import Composition
from musiclstm.generation.export import TakeFiles
from musiclstm.seeds import slug


def music_name(composition: Composition, number: int | None = None) -> str:
    """What to call a composition: its seed, what was done with it, and the random seed; with the ``number`` of one of its takes.

    Letters, digits and hyphens only, whatever the seed is called.
    """
    done = "continued" if composition.request.regenerate is None else "changed"
    several = len(composition.takes) > 1
    return f"{_seed_name(composition)}-{done}-{composition.request.random_seed}" + (
        f"-{number + 1}" if several and number is not None else ""
    )


def named_for_the_music(files: TakeFiles, composition: Composition, number: int) -> TakeFiles:
    """Rename the MIDI files of take ``number``, so that they can be told apart in one folder with those of others."""
    whole, seed = music_name(composition, number), _seed_name(composition)
    own = files.original_midi
    return replace(
        files,
        joined_midi=_moved(files.joined_midi, whole),
        continuation_midi=_moved(files.continuation_midi, f"{whole}-continuation"),
        seed_midi=_moved(files.seed_midi, f"{seed}-opening"),
        original_midi=None if own is None else _moved(own, f"{seed}-original"),
    )


def free_folder(parent: Path, name: str) -> Path:
    """Make a folder ``name`` in ``parent``, with -2, -3 and so on behind it if there is one already. Raises OSError."""
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def _seed_name(composition: Composition) -> str:
    return slug(composition.request.seed.id)


def _moved(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name + path.suffix))
