"""The bytes of a music file, before anything is read from them."""

from __future__ import annotations

import zipfile
import zlib
from lzma import LZMAError
from pathlib import Path

from musiclstm.errors import MusicFileError

MAX_FILE_BYTES = 10_000_000
#: What the libraries raise at damaged packed bytes, encrypted ones (RuntimeError) and unknown methods (NotImplementedError).
UNPACKING_ERRORS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    LZMAError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OSError,
)


def file_bytes(path: Path, label: str, kind: str) -> bytes:
    """All bytes of the ``kind`` of file at ``path``; ``label`` stands for it in messages.

    Raises MusicFileError if it is missing, not a regular file (a folder, pipe or device), unreadable, or larger than 10 MB.
    """
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise MusicFileError(f"{label} {what}; the path of a {kind} is needed.")
        with path.open("rb") as file:
            return require_size(file.read(MAX_FILE_BYTES + 1), label, kind)
    except OSError as error:
        raise MusicFileError(f"{label} can't be opened: {error.strerror or error}.") from error


def require_size(data: bytes, label: str, kind: str) -> bytes:
    """The data itself. Raises MusicFileError if it is larger than 10 MB."""
    if len(data) > MAX_FILE_BYTES:
        raise MusicFileError(f"{label} is larger than 10 MB; a {kind} of up to 10 MB can be read.")
    return data
