"""musiclstm from Python: open a checkpoint, generate, save. The command line and the page use the same functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.checkpoint import Checkpoint, in_a_process, load_checkpoint
from musiclstm.checkpoint_files import BUNDLED_CHECKPOINT
from musiclstm.config import SamplingOptions
from musiclstm.errors import CheckpointError, DifferenceError, MusicLSTMError, OptionError
from musiclstm.formats import MUSIC_ENDINGS
from musiclstm.generation import (
    SAME,
    WAV,
    ComposeRequest,
    Composition,
    Edits,
    Phrase,
    Prefix,
    TakeFiles,
    compose,
    midi_verdict,
    original_of,
    performed,
    prefix_of,
    read_recipe,
    require_checkpoint,
    require_seed,
    require_written,
    shared_composition,
    shared_in,
    shared_prefix,
    take_recipe,
    write_take,
)
from musiclstm.hub import Downloaded, cached_checkpoint, download_checkpoint, split_reference
from musiclstm.music import Performance
from musiclstm.notation import pickup_bars
from musiclstm.project import project_file
from musiclstm.seeds import Seed, find_seed, seed_from_file

if TYPE_CHECKING:
    from musiclstm.model import ModelProcess, Turn

    Start = Callable[[], ModelProcess]

#: The folder of the checkpoint that comes with the program.
BUNDLED = project_file(BUNDLED_CHECKPOINT)


def generate(
    seed: str | Path | Seed,
    *,
    checkpoint: str | Path | Checkpoint | None = None,
    diversity: float = SamplingOptions.diversity,
    top_p: float = SamplingOptions.top_p,
    loop_guard: bool = True,
    instrument: str = Performance.instrument,
    tempo: float | None = None,
    transposition: int = 0,
    **settings: Any,
) -> Composition:
    """Continue ``seed``: a Seed, the id of a seed of the checkpoint, or a music file.

    ``checkpoint`` is a Checkpoint or what ``open_checkpoint`` takes. ``settings`` go to ``ComposeRequest``: bars, takes,
    random_seed and so on; with ``regenerate``, ``bars`` bars of the seed are written anew from that one on, which has its number
    in a score: a pickup is bar 0. The same arguments give the same notes. Raises the errors of ``musiclstm.errors``.
    """
    opened = checkpoint if isinstance(checkpoint, Checkpoint) else open_checkpoint(checkpoint)
    whole = settings.get("regenerate") is not None
    chosen = seed if isinstance(seed, Seed) else open_seed(opened, str(seed), whole=whole)
    if isinstance(first := settings.get("regenerate"), int) and not isinstance(first, bool):
        settings["regenerate"] = first + pickup_bars(chosen.piece)
    sampling, performance = SamplingOptions(diversity, top_p, loop_guard), Performance(instrument, tempo, transposition)
    return compose(opened, ComposeRequest(chosen, performance=performance, sampling=sampling, **settings))


def request_from(
    checkpoint: Checkpoint,
    settings: Mapping[str, Any],
    *,
    files: bool = False,
    turn: Turn | None = None,
    seed: Seed | None = None,
) -> ComposeRequest:
    """Build a request from ``settings``, named as in a recipe. ``seed`` stands for the one that they name.

    With ``files`` the seed may be the path of a music file on this machine; never allow that for settings from the network. If
    the settings extend earlier music, that is composed first, when it is its ``turn``. Raises OptionError, also if the seed has
    other notes than those that the recipe was made with, MusicFileError and StoppedError.
    """

    def seed_of(settings: Mapping[str, Any]) -> Seed:
        found = _seed_from(checkpoint, settings, files) if seed is None else seed
        require_seed(settings, found)
        return found

    def composed(earlier: ComposeRequest, written: Mapping[str, Any]) -> Prefix:
        composition = compose(checkpoint, earlier, turn)
        if turn:
            turn.check()  # else this may have been cut short
        return prefix_of(composition, written["number"], written["bars"])

    return _request(settings, seed_of, composed)


def open_link(checkpoint: Checkpoint, link: str) -> Composition | None:
    """The music in the ``link`` to a take, exactly as it was shared, whatever checkpoint wrote it; nothing is written.

    ``checkpoint`` says what its seed is known by and what passages the music shares with others. None if the link carries a
    recipe alone: ``request_from(checkpoint, recipe_from_link(link))`` is the request to write it again. Raises OptionError for a
    damaged link.
    """
    shared = shared_in(link)
    if shared is None:
        return None
    like = (known for known in checkpoint.seeds if known.id == shared.seed.id and known.piece == shared.seed.piece)
    seed = shared.seed if "own_seed" in shared.recipe else next(like, shared.seed)
    request = _request(shared.settings, lambda _: seed, partial(shared_prefix, shared))
    return shared_composition(shared, request, checkpoint.originality)


def check_file(checkpoint: Checkpoint, path: Path) -> str:
    """Write the music of a MIDI file again from the recipe in it, and say that its notes are the same.

    A recipe.json stands for the joined.mid beside it. Raises DifferenceError if the notes differ, from which bar on; OptionError
    if the recipe needs another checkpoint; and what ``request_from`` raises.
    """
    settings = read_recipe(path)
    require_checkpoint(settings, checkpoint)
    composition = compose(checkpoint, request_from(checkpoint, settings, files=True))
    midi = path if path.suffix.lower() != ".json" else path.with_name("joined.mid")
    said = midi_verdict(midi, composition, settings.get("take", composition.takes[0].number))
    if said != SAME:
        raise DifferenceError(said)
    return str(said)


def _request(
    settings: Mapping[str, Any],
    seed_of: Callable[[Mapping[str, Any]], Seed],
    prefix: Callable[[ComposeRequest, Mapping[str, Any]], Prefix],
) -> ComposeRequest:
    """The request of ``settings``; ``prefix`` gives what it extends, from the earlier request and the ``after`` of a recipe."""

    def given_of(*names: str) -> dict[str, Any]:
        return {name: settings[name] for name in names if settings.get(name) is not None}

    given = given_of("bars", "takes", "candidates", "random_seed", "ending", "regenerate", "context", "attempts")
    given["sampling"] = SamplingOptions(**given_of("diversity", "top_p", "loop_guard"))
    given["performance"] = Performance(**given_of("instrument", "tempo", "transposition"))
    if settings.get("edits") is not None:
        given["edits"] = Edits.from_json(settings["edits"])
    seed = seed_of(settings)
    written = settings.get("after")
    if written is not None:
        if written["recipe"]["seed"] != settings["seed"]:
            raise OptionError("A recipe can't extend or change the music of another seed.")
        require_written(bars_in_all(settings))  # before any are
        earlier = _request({"own_seed": settings.get("own_seed"), **written["recipe"]}, seed_of, prefix)
        if not 1 <= written["bars"] <= earlier.total_bars:
            raise OptionError(f"A recipe can't go on after bar {written['bars']} of {earlier.total_bars}.")
        before = prefix(earlier, written)
        given["after"] = before if "played" not in written else before.followed_by(Phrase.from_json(written["played"]))
    return ComposeRequest(seed, **given)


def bars_in_all(settings: Mapping[str, Any]) -> int:
    """Bars that are written for a checked recipe, including those that it contains and those that a person played."""
    bars, after = settings.get("bars", ComposeRequest.bars), settings.get("after")
    earlier = bars_in_all(after["recipe"]) + after.get("played", {"bars": 0})["bars"] if after else 0
    return earlier + (bars if isinstance(bars, int) else 0)


def _seed_from(checkpoint: Checkpoint, settings: Mapping[str, Any], files: bool) -> Seed:
    own = settings.get("own_seed")
    if own is None:
        whole = settings.get("regenerate") is not None
        return open_seed(checkpoint, settings["seed"], whole=whole) if files else find_seed(checkpoint.seeds, settings["seed"])
    try:
        return Seed.from_json(own)
    except CheckpointError as error:
        raise OptionError(f"The recipe's own seed is damaged: {error}") from error


def save(composition: Composition, folder: str | Path, *, audio: bool = True, pdf: str = "") -> list[TakeFiles]:
    """Write the files of a composition to ``folder``; several takes go to its subfolders take-1, take-2 and so on.

    ``pdf``: the paper of a score to print, "A4" or "Letter"; none by default.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"The output must be a folder, but {folder} is a file.")
    several, sounding = len(composition.takes) > 1, performed(composition)
    return [
        write_take(
            folder / f"take-{place}" if several else folder,
            sounding.seed,
            take.continuation,
            take.joined,
            composition.split,
            recipe=take_recipe(composition, take.number),
            original=original_of(composition),
            instrument=composition.request.performance.instrument,
            audio=WAV if audio else "",
            pdf=pdf,
        )
        for place, take in enumerate(sounding.takes, start=1)
    ]


def open_local(reference: str | None = None, *, apart: Start | None = None) -> Checkpoint | None:
    """Like ``open_checkpoint``, but without the network: the bundled one, a folder, or a cached commit; else None."""
    if reference is None or _is_folder(reference):
        return open_checkpoint(reference, apart=apart)
    repo, revision = split_reference(reference)
    cached = cached_checkpoint(repo, revision)
    return None if cached is None else _from_hub(repo, cached, apart)


def open_checkpoint(reference: str | Path | None = None, *, apart: Start | None = None) -> Checkpoint:
    """Open a checkpoint: a folder, OWNER/NAME[@REVISION] on the Hub, or None for the bundled one.

    With ``apart``, ModelProcess for one, its decoder computes in a process that this starts: see ``in_a_process``. Raises
    OptionError for a malformed name, CheckpointError for a checkpoint that is missing or can't be used.
    """
    if reference is None:
        bundled = load_checkpoint(BUNDLED, revision="bundled", trusted=True)
        return in_a_process(bundled, apart) if apart else bundled
    if _is_folder(reference):
        return _opened(Path(reference).expanduser(), "", apart)
    repo, revision = split_reference(str(reference))
    return _from_hub(repo, download_checkpoint(repo, revision), apart)


def _from_hub(repo: str, downloaded: Downloaded, apart: Start | None) -> Checkpoint:
    return replace(_opened(downloaded.folder, downloaded.revision, apart), origin=f"{repo}@{downloaded.commit}")


def _opened(folder: Path, revision: str, apart: Start | None) -> Checkpoint:
    """The checkpoint in ``folder``, whose weights are checked here or in its own process."""
    if not apart:
        return load_checkpoint(folder, revision=revision)
    opened = in_a_process(load_checkpoint(folder, revision=revision, trusted=True), apart)
    assert opened.apart is not None
    try:
        opened.apart.check()
    except (MusicLSTMError, OSError) as error:
        opened.apart.close()
        if isinstance(error, OSError):
            raise CheckpointError(f"The weights in {folder} can't be read: {error.strerror or error}.") from error
        raise
    return opened


def _is_folder(reference: str | Path) -> bool:
    # "owner/name" could be either. An existing folder wins, and anything that looks like a path is never looked up on the Hub.
    text = str(reference)
    exists = isinstance(reference, Path) or Path(reference).expanduser().exists()
    return exists or text.startswith((".", "/", "~")) or text.partition("@")[0].count("/") != 1


def open_seed(checkpoint: Checkpoint, reference: str, *, whole: bool = False) -> Seed:
    """Open a seed: the id of a seed of the checkpoint, or a music file: its opening, or all of it if ``whole``.

    Raises OptionError, MusicFileError.
    """
    if Path(reference).suffix.lower() in MUSIC_ENDINGS or "/" in reference:
        return seed_from_file(Path(reference).expanduser(), whole=whole)
    return find_seed(checkpoint.seeds, reference)
