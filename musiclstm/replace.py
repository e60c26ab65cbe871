"""One folder in the place of another, in one step."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_HERE = -100  # AT_FDCWD: paths are relative to the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)


def replace_folder(draft: Path, folder: Path) -> None:
    """Make ``draft`` the new ``folder``; what was there before ends up beside the draft's old place, for the caller to delete.

    At every moment, even if the process is killed, ``folder`` is the old one or the new one. Where the system can't exchange
    two folders in one step (it is not Linux, or its file system can't) there is an instant without ``folder``: a failure or
    Ctrl+C then puts the old one back. Both paths lie on one disk. Raises OSError.
    """
    if not folder.exists():
        draft.replace(folder)
    elif not _exchanged(draft, folder):
        _replaced_in_two(draft, folder)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system exchanged the two."""
    if sys.platform != "linux":
        return False
    exchange = getattr(ctypes.CDLL(None), "renameat2", None)
    return exchange is not None and exchange(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _replaced_in_two(draft: Path, folder: Path) -> None:
    previous = draft.with_name(f"{draft.name}.previous")
    try:
        folder.replace(previous)
        draft.replace(folder)
    except BaseException:  # Ctrl+C too
        if previous.exists() and not folder.exists():
            previous.replace(folder)
        raise
