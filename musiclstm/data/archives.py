"""Archives of music files, such as the shards of a large dataset: their files are read one after the other, never unpacked."""

from __future__ import annotations

import errno
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from musiclstm import limits
from musiclstm.data import works
from musiclstm.data.listing import Source
from musiclstm.errors import MusicFileError
from musiclstm.formats import ARCHIVE_ENDINGS, MUSIC_ENDINGS, UNPACKING_ERRORS, read_music
from musiclstm.music import Piece, as_played, known_composer
from musiclstm.scratch import temporary_folder

_USUAL_BYTES = 10_000  # of a music file in an archive
_LARGE = f"has more than {limits.FILE_BYTES:,} bytes."
_DAMAGED: tuple[type[Exception], ...] = (tarfile.TarError, *UNPACKING_ERRORS)


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
            for given, content in self._files():
                inner = given.encode("utf-8", "replace").decode("utf-8")  # names in old encodings
                name, folder = f"{self.name}/{inner}", PurePosixPath(inner).parent
                # Movements of a work may be in several archives; a name without a folder may be anything.
                work = works.work_of(inner if folder.name else name)
                read = partial(_refuse, f"{name} {content}") if isinstance(content, str) else partial(_read, name, content)
                yield Source(name, work, known_composer(folder.name), "", read, self.dataset)
        except _DAMAGED as error:
            if _of_the_disk(error):
                raise
            yield Source(self.name, self.name, "", "", partial(_refuse, f"{self.name} is damaged: {_line(error)}"), self.dataset)

    def _files(self) -> Iterator[tuple[str, bytes | str]]:
        """The name of each music file, and its content, or what is wrong with it."""
        if self.path.suffix.lower() == ".zip":
            with zipfile.ZipFile(self.path) as packed:
                for entry in packed.infolist():
                    if _is_music(entry.filename) and not entry.is_dir():
                        yield entry.filename, _entry(packed, entry)
            return
        with tarfile.open(self.path, "r|*") as stream:
            for member in stream:
                if _is_music(member.name) and member.isfile():
                    file = stream.extractfile(member) if member.size <= limits.FILE_BYTES else None
                    yield member.name, file.read() if file else _LARGE


def _entry(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | str:
    """The content of a file in a zip archive, or what is wrong with it; the others can be read all the same."""
    try:
        with packed.open(entry) as file:
            content = file.read(limits.FILE_BYTES + 1)  # whatever size the archive declares
    except _DAMAGED as error:
        if _of_the_disk(error):
            raise
        return f"is damaged: {_line(error)}"
    return content if len(content) <= limits.FILE_BYTES else _LARGE


def _of_the_disk(error: Exception) -> bool:
    """Whether the disk failed. What the libraries raise of an archive has no number, or that of an invalid argument."""
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


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
        path = folder / f"music{PurePosixPath(name).suffix.lower()}"  # no name that the disk may not take
        path.write_bytes(data)
        try:
            piece = read_music(path)
        except MusicFileError as error:
            raise MusicFileError(str(error).replace(path.name, name)) from error
        return as_played(replace(piece, title="" if piece.title == path.stem else piece.title))


def _refuse(reason: str) -> Piece:
    raise MusicFileError(reason)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") + "."
