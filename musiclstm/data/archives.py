"""Archives of music files, such as the shards of a large dataset: their files are read one after the other, never unpacked."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from musiclstm import limits
from musiclstm.data import works
from musiclstm.data.listing import Source
from musiclstm.errors import MusicFileError
from musiclstm.formats import ARCHIVE_ENDINGS, MUSIC_ENDINGS, read_music
from musiclstm.music import Piece, as_played, known_composer
from musiclstm.scratch import temporary_folder

_USUAL_BYTES = 10_000  # of a music file in an archive
_LONGEST_NAME = 100  # characters that a file's name keeps, from its end
# What the libraries raise at damaged bytes, beside OSError; an encrypted file is a RuntimeError, an unknown method the last one.
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, LZMAError, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Archive:
    """An archive in a collection: ``name`` is its path in the ``dataset``, ``stamp`` changes with its content.

    It is a part of a collection (``parts.Part``): one process reads it from its beginning to its end.
    """

    path: Path
    name: str
    stamp: str
    dataset: str

    def __len__(self) -> int:
        return 1 + self.path.stat().st_size // _USUAL_BYTES

    def __iter__(self) -> Iterator[Source]:
        """Its music files, as sources. What is damaged or too large is a source that raises MusicFileError when it is read."""
        try:
            for name, size, data in self._files():
                full = f"{self.name}/{name}"
                composer = known_composer(PurePosixPath(name).parent.name)
                large = f"{full} has {size:,} bytes; at most {limits.FILE_BYTES:,} are read."
                read = partial(_refuse, large) if data is None else partial(_read, full, data)
                yield Source(full, works.work_of(full), composer, "", read, self.dataset)
        except _DAMAGED as error:
            yield Source(self.name, self.name, "", "", partial(_refuse, f"{self.name} is damaged: {_line(error)}"), self.dataset)

    def _files(self) -> Iterator[tuple[str, int, bytes | None]]:
        """Name, size and content of each music file; None for the content of one that is too large."""
        if self.path.suffix.lower() == ".zip":
            with zipfile.ZipFile(self.path) as packed:
                for entry in packed.infolist():
                    if _is_music(entry.filename) and not entry.is_dir():
                        fits = entry.file_size <= limits.FILE_BYTES
                        yield entry.filename, entry.file_size, packed.read(entry) if fits else None
            return
        with tarfile.open(self.path, "r|*") as stream:
            for member in stream:
                if _is_music(member.name) and member.isfile():
                    file = stream.extractfile(member) if member.size <= limits.FILE_BYTES else None
                    yield member.name, member.size, file.read() if file else None


def folder_archives(folder: Path, dataset: str = "") -> list[Archive]:
    """Every archive under ``folder``, by name; ``dataset`` as in ``folder_sources``."""
    found = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(ARCHIVE_ENDINGS) and path.is_file())
    named = dataset or folder.resolve().name
    return [
        Archive(path, path.relative_to(folder).as_posix(), f"{path.stat().st_size} {path.stat().st_mtime_ns}", named)
        for path in found
    ]


def _is_music(name: str) -> bool:
    path = PurePosixPath(name)  # macOS puts files with other data beside those that it packs, with names that begin so
    return path.suffix.lower() in MUSIC_ENDINGS and not path.name.startswith("._")


def _read(name: str, data: bytes) -> Piece:
    with temporary_folder() as folder:
        path = folder / PurePosixPath(name).name[-_LONGEST_NAME:]
        path.write_bytes(data)
        return as_played(read_music(path))


def _refuse(reason: str) -> Piece:
    raise MusicFileError(reason)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") + "."
