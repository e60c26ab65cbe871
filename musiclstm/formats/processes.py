"""Processes that read music files, beside this one: how they start, what they may take, and when they end."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

LONGEST_FOLDER = 107 - len("/pymp-12345678/listener-12345678")  # bytes in the path of the temporary folder
_LIBRARIES = ("musiclstm.formats.read", "music21.converter", "verovio")  # imported once, before the processes part

T = TypeVar("T")
Task = TypeVar("Task")


def answers(function: Callable[[Task], T], tasks: Sequence[Task], *, processes: int) -> Iterator[T | None]:
    """What ``function`` answers to each task, in order, with several of them worked on at once.

    None stands for an answer whose process crashed or ended; another process takes its place. An error that the function raises
    is raised here. Function and tasks must be picklable.
    """
    pool = ProcessPool(processes, initializer=settle, context=process_context())
    try:
        found = pool.map(function, tasks).result()
        for _ in tasks:
            try:
                yield next(found)
            except ProcessExpired:
                yield None
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


def process_context() -> multiprocessing.context.BaseContext:
    """How processes start: as copies of one that has no threads and has imported the libraries, where the system can do that."""
    # The one process listens at a socket in the temporary folder, and a socket's path has at most 107 bytes.
    short = len(os.fsencode(tempfile.gettempdir())) <= LONGEST_FOLDER
    if "forkserver" not in multiprocessing.get_all_start_methods() or not short:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LIBRARIES))
    return context


def settle(memory: int | None = None) -> None:
    """Let other processes go before this one, and end it when its parent is gone, even in the middle of a file.

    ``memory``: the most bytes of address space, not limited on Windows.
    """
    threading.Thread(target=_follow, name="follow", daemon=True).start()
    try:
        import resource
    except ImportError:  # Windows
        return
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def _follow() -> None:
    """Wait until the process that reads the answers is gone, and end this one."""
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)
