"""Read the files of strangers in processes of their own.

The libraries that read music were not written for files that mean harm: some need minutes and gigabytes, others crash. Here that
costs the sender a sentence, and everyone else nothing: a process that takes too long is ended, its memory is limited, and another
takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import TimeoutError as OutOfTime
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from musiclstm import limits
from musiclstm.errors import MusicFileError
from musiclstm.formats.midi_parts import Part, midi_parts
from musiclstm.formats.processes import process_context, settle
from musiclstm.formats.read import MIDI_ENDINGS, read_visitor
from musiclstm.music import Piece, bar_lines
from musiclstm.sentence import sentence

T = TypeVar("T")


class MusicReader:
    """Some processes that read music files, started by the first file or by ``warm_up``.

    ``seconds`` and ``memory`` (bytes of address space, not limited on Windows) are for one file.
    """

    def __init__(self, *, seconds: float = limits.READ_SECONDS, memory: int = limits.READ_MEMORY) -> None:
        self._seconds, self._memory = seconds, memory
        self._lock = threading.Lock()
        self._pool = self._started(process_context())

    def __enter__(self) -> MusicReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warm_up(self) -> None:
        """Start the processes, which import their libraries in the background."""
        self._pool.schedule(os.getpid)

    def read(self, path: Path, parts: Collection[int] | None = None) -> Piece:
        """What ``read_visitor`` returns. Raises MusicFileError as it does, and if the file takes too long or too much memory."""
        return self._answer(path, _read, path, parts)

    def _answer(self, path: Path, function: Callable[..., T], *arguments: Any) -> T:
        """What a function answers in one of the processes, whose business is the file ``path``."""
        for pool in (self._pool, None):
            try:
                return self._asked(pool or self._renewed(), path, function, arguments)
            except BrokenProcessPool:
                continue
        raise MusicFileError("{name} can't be read now; try again in some minutes.", name=path.name)

    def parts(self, path: Path) -> tuple[Part, ...]:
        """The parts of a MIDI file, as from ``midi_parts``; none for another kind of file. Raises what ``read`` raises."""
        if path.suffix.lower() not in MIDI_ENDINGS:
            return ()
        return self._answer(path, midi_parts, path)

    def close(self) -> None:
        """End the processes."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _started(self, context: multiprocessing.context.BaseContext) -> ProcessPool:
        return ProcessPool(limits.READERS, initializer=settle, initargs=(self._memory,), context=context)

    def _renewed(self) -> ProcessPool:
        """A new pool if the old one broke: a process died while it had nothing to do, or none could be started.

        Its processes start afresh, since the one that the others were copies of may be out of reach.
        """
        with self._lock:
            if not self._pool.active:
                self.close()
                self._pool = self._started(multiprocessing.get_context("spawn"))
            return self._pool

    def _asked(self, pool: ProcessPool, path: Path, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        try:
            future = pool.schedule(function, arguments, timeout=self._seconds)
        except RuntimeError as error:
            raise BrokenProcessPool(str(error)) from error
        try:
            answer: T = future.result(self._seconds + 1)
            return answer
        except OutOfTime as error:
            future.cancel()  # type: ignore[no-untyped-call]
            raise MusicFileError(
                "Reading {name} took more than {seconds:g} seconds; it may be damaged, or far too long.",
                name=path.name,
                seconds=self._seconds,
            ) from error
        except MemoryError as error:
            raise MusicFileError(
                "Reading {name} takes too much memory; it may be damaged, or far too long.", name=path.name
            ) from error
        except ProcessExpired as error:
            raise MusicFileError("{name} can't be read; a complete, valid music file is needed.", name=path.name) from error


def _read(path: Path, parts: Collection[int] | None) -> Piece:
    piece = read_visitor(path, parts)
    changes = len(piece.metres) + len(piece.tempi)
    for count, most, said in (
        (len(piece), limits.FILE_NOTES, sentence("{name} has {count:,} notes; at most {most:,} can be read.")),
        (
            changes,
            limits.FILE_CHANGES,
            sentence("{name} has {count:,} changes of metre and tempo; at most {most:,} can be read."),
        ),
        (len(bar_lines(piece)) - 1, limits.FILE_BARS, sentence("{name} has {count:,} bars; at most {most:,} can be read.")),
    ):
        if count > most:
            raise MusicFileError(said.template, name=path.name, count=count, most=most)
    return piece
