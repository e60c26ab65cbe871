"""Recipes: the settings of a composition as JSON, written beside it and read back to write the same notes again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiclstm.errors import OptionError

IDENTITY = ("checkpoint", "seed_digest")
SETTINGS = ("seed", "diversity", "top_p", "loop_guard", "bars", "takes", "random_seed", "tempo", "instrument", "ending")
MAX_BYTES = 100_000


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings in a recipe file, and the names of its checkpoint and seed, those left at None omitted.

    Their ranges are checked where they are used.

    Raises OptionError if the file is missing, too large or not a recipe.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise OptionError(f"{path} is too large for a recipe.")
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"The recipe {path} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise OptionError(f"The recipe {path} is not JSON.") from error
    if not isinstance(fields, dict) or fields.get("program") != "musiclstm" or not isinstance(fields.get("seed"), str):
        raise OptionError(f"{path} is not a recipe of musiclstm.")
    return {name: fields[name] for name in (*SETTINGS, *IDENTITY) if fields.get(name) is not None}


def require_same(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Raise OptionError unless what was ``made`` has the checkpoint and the seed that a recipe ``wanted``."""
    if wanted.get("checkpoint", made["checkpoint"]) != made["checkpoint"]:
        raise OptionError(
            f"The recipe needs the checkpoint {wanted['checkpoint']}, not {made['checkpoint']}; give it with --checkpoint."
        )
    if wanted.get("seed_digest", made["seed_digest"]) != made["seed_digest"]:
        raise OptionError(
            f"The recipe was made with other notes as its seed than {made['seed']} has; give their file with --seed."
        )
