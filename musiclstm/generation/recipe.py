"""Recipes: the settings of a composition as JSON, in a file, a MIDI file or a link, so that it can be composed again.

The ranges of settings are checked where the settings are used.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.formats import midi_text

IDENTITY = ("checkpoint", "seed_digest")
SETTINGS = (
    *("seed", "own_seed", "diversity", "top_p", "loop_guard", "bars", "takes", "candidates", "random_seed"),
    *("tempo", "instrument", "transposition", "ending", "regenerate", "after", "take"),
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


def parse_recipe(text: str | bytes, name: str = "It") -> dict[str, Any]:
    """The settings in a recipe, with its checkpoint and seed digest; settings that are None are left out.

    Raises OptionError if the text is not a recipe; ``name`` is what the message calls it.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{name} is not a recipe: it is not JSON.") from error
    return _settings(fields, name, limits.NESTED)


def link_from_recipe(recipe: Mapping[str, Any]) -> str:
    """The recipe as letters, digits, - and _, for use in a link; ``recipe_from_link`` reads it."""
    text = json.dumps(recipe, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def recipe_from_link(text: str) -> dict[str, Any]:
    """The settings in a link, as from ``parse_recipe``. Raises OptionError if the link is damaged or too long."""
    name = "The link"
    if len(text) > limits.LINK_CHARACTERS:
        raise OptionError(f"{name} is too long for a recipe.")
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        opened = zlib.decompressobj()
        data = opened.decompress(packed, limits.RECIPE_BYTES)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise OptionError(f"{name} is damaged: copy all of it.") from error
    if not opened.eof:
        raise OptionError(f"{name} is cut off or too large for a recipe: copy all of it.")
    return parse_recipe(data, name)


def nesting(recipe: Mapping[str, Any]) -> int:
    """How many earlier recipes a recipe contains, one in another."""
    depth = 0
    while "after" in recipe:
        recipe, depth = recipe["after"]["recipe"], depth + 1
    return depth


def require_same(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Raise OptionError unless the recipe ``made`` has the same checkpoint and seed as the recipe ``wanted``."""
    if wanted.get("checkpoint", made["checkpoint"]) != made["checkpoint"]:
        raise OptionError(
            f"The recipe needs the checkpoint {wanted['checkpoint']}, not {made['checkpoint']}; set it with --checkpoint."
        )
    if wanted.get("seed_digest", made["seed_digest"]) != made["seed_digest"]:
        raise OptionError(
            f"The recipe was made with a seed whose notes differ from those of {made['seed']}; give its file with --seed."
        )


def _settings(fields: Any, name: str, depth: int) -> dict[str, Any]:
    if not isinstance(fields, dict) or fields.get("program") != "musiclstm" or not isinstance(fields.get("seed"), str):
        raise OptionError(f"{name} is not a musiclstm recipe.")
    if len(fields["seed"]) > limits.SEED_NAME:
        raise OptionError(
            f"{name} has a seed name of {len(fields['seed']):,} characters; at most {limits.SEED_NAME:,} are allowed."
        )
    # A recipe from before there were candidates had one of each phrase.
    kept = {"candidates": 1} | {key: fields[key] for key in (*SETTINGS, *IDENTITY) if fields.get(key) is not None}
    if "after" in kept:
        after = kept["after"]
        if not isinstance(after, dict) or not all(isinstance(after.get(key), int) for key in ("number", "bars")) or not depth:
            raise OptionError(f"{name} does not contain the music that it extends.")
        kept["after"] = {**after, "recipe": _settings(after.get("recipe"), name, depth - 1)}
    return kept
