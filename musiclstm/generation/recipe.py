"""Recipes: the settings of a composition as JSON, in a file, a MIDI file or a link, so that it can be composed again.

The ranges of settings are checked where the settings are used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import OptionError
from musiclstm.formats import midi_text
from musiclstm.generation.phrases import Phrase
from musiclstm.seeds import Seed
from musiclstm.sentence import Sentence

PROGRAM = "musiclstm"
DIGITS = 16  # of a hash: enough to tell things apart that nobody made alike on purpose
SHOWN = 8  # of them in a sentence
IDENTITY = ("checkpoint", "revision", "origin", "checkpoint_digest", "seed_digest")
SETTINGS = (
    *("seed", "own_seed", "diversity", "top_p", "loop_guard", "bars", "takes", "candidates", "random_seed"),
    *("tempo", "instrument", "transposition", "ending", "regenerate", "after", "take", "edits"),
    *("context", "attempts"),
)


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings in a recipe file, or in a MIDI file that contains one; as from ``parse_recipe``.

    Raises OptionError if the file is missing, too large or not a recipe.
    """
    try:
        if path.stat().st_size > limits.RECIPE_BYTES:
            raise OptionError(f"{path} is too large for a recipe.")
        data = path.read_bytes()
    except OSError as error:
        raise OptionError(f"The recipe {path} can't be read: {error.strerror}.") from error
    return parse_recipe(midi_text(data) if data.startswith(b"MThd") else data, str(path))


def parse_recipe(text: str | bytes, name: str | Sentence = "It") -> dict[str, Any]:
    """The settings in a recipe, with what identifies its checkpoint and its seed; settings that are None are left out.

    Raises OptionError if the text is not a recipe; ``name`` is what the message calls it.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError("{name} is not a recipe: it is not JSON.", name=name) from error
    return settings_in(checked_recipe(fields, name))


def checked_recipe(fields: Any, name: str | Sentence = "It", depth: int = limits.NESTED) -> dict[str, Any]:
    """The recipe in JSON data as it was made, without fields that no recipe has. Raises OptionError as ``parse_recipe`` does."""
    if not isinstance(fields, dict) or fields.get("program") != PROGRAM or not isinstance(fields.get("seed"), str):
        raise OptionError("{name} is not a musiclstm recipe.", name=name)
    if len(fields["seed"]) > limits.SEED_NAME:
        raise OptionError(
            "{name} has a seed name of {number:,} characters; at most {seed_name:,} are allowed.",
            name=name,
            number=len(fields["seed"]),
            seed_name=limits.SEED_NAME,
        )
    kept = {key: value for key, value in fields.items() if key in ("program", *SETTINGS, *IDENTITY)}
    for key in IDENTITY:
        if not isinstance(kept.get(key) or "", str) or len(kept.get(key) or "") > limits.SEED_NAME:
            raise OptionError(
                "{name} does not say which checkpoint and seed it needs: {key} must be a short text.", name=name, key=key
            )
    take = kept.get("take")
    if take is not None and (isinstance(take, bool) or not isinstance(take, int) or not 0 <= take < limits.TAKES):
        raise OptionError(
            "{name} has the take number {take}; allowed are 0 to {takes}.",
            name=name,
            take=f"{take!r:.60}",
            takes=limits.TAKES - 1,
        )
    if kept.get("after") is not None:
        after = kept["after"]
        if not isinstance(after, dict) or not all(isinstance(after.get(key), int) for key in ("number", "bars")) or not depth:
            raise OptionError("{name} does not contain the music that it extends.", name=name)
        earlier = checked_recipe(after.get("recipe"), name, depth - 1)
        kept["after"] = {"recipe": earlier, "number": after["number"], "bars": after["bars"]}
        if after.get("played") is not None:
            kept["after"]["played"] = Phrase.from_json(after["played"]).to_json()
    return kept


def settings_in(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a checked recipe, without those that are None."""
    # A recipe from before there were candidates had one of each phrase.
    kept = {"candidates": 1} | {key: value for key, value in recipe.items() if value is not None and key != "program"}
    if "after" in kept:
        kept["after"] = {**kept["after"], "recipe": settings_in(kept["after"]["recipe"])}
    return kept


def nesting(recipe: Mapping[str, Any]) -> int:
    """How many earlier recipes a recipe contains, one in another."""
    depth = 0
    while "after" in recipe:
        recipe, depth = recipe["after"]["recipe"], depth + 1
    return depth


def require_shallow(recipe: Mapping[str, Any], more: int = 1) -> None:
    """Raise OptionError if the music of a recipe can't be extended or changed ``more`` times."""
    if nesting(recipe) + more > limits.NESTED:
        raise OptionError(
            "Music can be extended or changed {nested} times; to go on, use its file as a new seed.", nested=limits.NESTED
        )


def seed_digest(seed: Seed) -> str:
    """What a recipe remembers of the notes of its seed."""
    return hashlib.sha256(seed.piece.notes.tobytes()).hexdigest()[:DIGITS]


def require_seed(settings: Mapping[str, Any], seed: Seed) -> None:
    """Raise OptionError if the recipe with these ``settings`` was made with other notes than those of ``seed``."""
    if settings.get("seed_digest") not in (None, seed_digest(seed)):
        raise OptionError(
            "The recipe was made with a seed whose notes differ from those of {id} here; give its music as your own seed.",
            id=seed.id,
        )


@dataclass(frozen=True)
class Other:
    """Another checkpoint than the one at hand wrote some of the music: ``needed`` is its name, ``here`` that of the one at hand.

    Two of the same name are told apart by their digests. ``offer``: how the option --checkpoint gets it.
    """

    needed: str
    here: str
    offer: str

    def __str__(self) -> str:
        return f"the checkpoint {self.needed}, not {self.here}"


def other_checkpoint(settings: Mapping[str, Any], checkpoint: Checkpoint) -> Other | None:
    """The checkpoint that a recipe, or one in it, was made with; None if it is ``checkpoint``, under whatever name.

    A recipe from before there were digests only knows a name.
    """
    digest, name = settings.get("checkpoint_digest"), settings.get("checkpoint", checkpoint.name)
    offer = _offer(settings, checkpoint)
    if digest is None and name != checkpoint.name:
        return Other(name, checkpoint.name, offer)
    if digest is not None and digest != checkpoint.digest[:DIGITS]:
        if name != checkpoint.name:
            return Other(name, checkpoint.name, offer)
        return Other(f"{name}, version {digest[:SHOWN]}", f"version {checkpoint.digest[:SHOWN]}", offer)
    earlier = settings.get("after")
    return None if earlier is None else other_checkpoint(earlier["recipe"], checkpoint)


def require_checkpoint(settings: Mapping[str, Any], checkpoint: Checkpoint, otherwise: str = "") -> None:
    """Raise OptionError if another checkpoint than ``checkpoint`` wrote the music of a recipe with these ``settings``.

    The message says where to find it; ``otherwise`` is what else can be done.
    """
    other = other_checkpoint(settings, checkpoint)
    if other is not None:
        raise OptionError(f"The recipe needs {other}: {other.offer}{otherwise and f', or {otherwise}'}.")


def _offer(settings: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    if settings.get("origin"):
        return f"give --checkpoint {settings['origin']}"
    if settings.get("revision") != "bundled":
        return "give its folder with --checkpoint"
    if checkpoint.revision != "bundled":
        return "leave out --checkpoint, since it comes with the program"
    return "use the version of this program that it came with"
