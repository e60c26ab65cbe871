"""musiclstm from Python: open a checkpoint, generate, save. The command line and the page stand on the same functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import CheckpointError, OptionError
from musiclstm.formats import MUSIC_ENDINGS
from musiclstm.generation import ComposeRequest, Composition, TakeFiles, compose, prefix_of, take_recipe, transposed, write_take
from musiclstm.hub import cached_checkpoint, download_checkpoint, split_reference
from musiclstm.seeds import Seed, find_seed, seed_from_file

#: The checkpoint that comes with the program.
BUNDLED = Path(__file__).parent.parent / "checkpoints" / "classical-piano"


def generate(
    seed: str | Path | Seed,
    *,
    checkpoint: str | Path | Checkpoint | None = None,
    diversity: float = SamplingOptions.diversity,
    top_p: float = SamplingOptions.top_p,
    loop_guard: bool = True,
    **settings: Any,
) -> Composition:
    """Continue ``seed`` (a Seed, the id of one of the checkpoint's, or a music file).

    ``checkpoint`` as for ``open_checkpoint``; ``settings`` are those of ``ComposeRequest``: bars, takes, random_seed, tempo,
    instrument. The same arguments give the same notes. Raises the errors of ``musiclstm.errors``.
    """
    opened = checkpoint if isinstance(checkpoint, Checkpoint) else open_checkpoint(checkpoint)
    chosen = seed if isinstance(seed, Seed) else open_seed(opened, str(seed))
    return compose(opened, ComposeRequest(chosen, sampling=SamplingOptions(diversity, top_p, loop_guard), **settings))


def request_from(checkpoint: Checkpoint, settings: Mapping[str, Any], *, files: bool = False) -> ComposeRequest:
    """The request that settings describe, under the names they have in a recipe.

    With ``files`` the seed may name a music file of this machine: not for what comes over the network. What it goes on from is
    composed first. Raises OptionError, MusicFileError.
    """
    names = ("bars", "takes", "random_seed", "tempo", "instrument", "transposition", "ending")
    given = {name: settings[name] for name in names if settings.get(name) is not None}
    sampling = {name: settings[name] for name in ("diversity", "top_p", "loop_guard") if settings.get(name) is not None}
    seed = _seed_from(checkpoint, settings, files)
    written = settings.get("after")
    if written is not None:
        earlier = request_from(checkpoint, {"own_seed": settings.get("own_seed"), **written["recipe"]}, files=files)
        # An extension drops the last bar at most; so the bars in all bound what a long chain of them can cost.
        if not 0 <= earlier.total_bars - written["bars"] <= 1:
            raise OptionError(f"A recipe can't go on after bar {written['bars']} of {earlier.total_bars}.")
        given["after"] = prefix_of(compose(checkpoint, earlier), written["number"], written["bars"])
    return ComposeRequest(seed, sampling=SamplingOptions(**sampling), **given)


def _seed_from(checkpoint: Checkpoint, settings: Mapping[str, Any], files: bool) -> Seed:
    own = settings.get("own_seed")
    if own is None:
        return open_seed(checkpoint, settings["seed"]) if files else find_seed(checkpoint.seeds, settings["seed"])
    try:
        return Seed.from_json(own)
    except CheckpointError as error:
        raise OptionError(f"The recipe's own seed is damaged: {error}") from error


def save(composition: Composition, folder: str | Path, *, audio: bool = True) -> list[TakeFiles]:
    """Write a composition's files to ``folder``, or to take-1, take-2 ... in it if there are several takes."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"The output must be a folder, but {folder} is a file.")
    several, sounding = len(composition.takes) > 1, transposed(composition)
    return [
        write_take(
            folder / f"take-{place}" if several else folder,
            sounding.seed,
            take.continuation,
            take.joined,
            composition.split,
            recipe=take_recipe(composition, take.number),
            instrument=composition.request.instrument,
            audio=audio,
        )
        for place, take in enumerate(sounding.takes, start=1)
    ]


def open_at_hand(reference: str | None = None) -> Checkpoint | None:
    """``open_checkpoint`` for what needs no request: the bundled one, a folder, a commit in the cache; None for anything else."""
    if reference is None or _is_folder(reference):
        return open_checkpoint(reference)
    pulled = cached_checkpoint(*split_reference(reference))
    return None if pulled is None else load_checkpoint(pulled.folder, revision=pulled.revision)


def open_checkpoint(reference: str | Path | None = None) -> Checkpoint:
    """A checkpoint by folder, by Hub id OWNER/NAME[@REVISION], or the bundled one for None. Raises CheckpointError."""
    if reference is None:
        return load_checkpoint(BUNDLED, revision="bundled")
    if _is_folder(reference):
        return load_checkpoint(Path(reference).expanduser())
    pulled = download_checkpoint(*split_reference(str(reference)))
    return load_checkpoint(pulled.folder, revision=pulled.revision)


def _is_folder(reference: str | Path) -> bool:
    # "owner/name" could be either: a folder that is there wins, and what looks like a path is never looked up on the Hub.
    text = str(reference)
    there = isinstance(reference, Path) or Path(reference).expanduser().exists()
    return there or text.startswith((".", "/", "~")) or text.partition("@")[0].count("/") != 1


def open_seed(checkpoint: Checkpoint, reference: str) -> Seed:
    """A seed by the id of one of the checkpoint's, or from a music file. Raises OptionError or MusicFileError."""
    if Path(reference).suffix.lower() in MUSIC_ENDINGS or "/" in reference:
        return seed_from_file(Path(reference).expanduser())
    return find_seed(checkpoint.seeds, reference)
