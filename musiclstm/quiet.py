"""What libraries would do unasked: TensorFlow's developer messages on the terminal, telemetry, and to keep memory."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from typing import Any

from musiclstm.compiled import compile_quickly, keep_compiled

# What Keras and TensorFlow import only if it is there, for plots and other kinds of data: a third of the time, and 100 MB.
_SPARED = ("matplotlib", "pandas", "scipy", "sklearn")
_M_ARENA_MAX = -8  # of malloc.h


class _Spared(MetaPathFinder):
    """Hides packages from the thread that makes it, unless they are imported already; other threads find them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._thread = names, threading.get_ident()

    def find_spec(self, name: str, *_: Any) -> None:
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is not needed now.", name=name)


@contextmanager
def import_without(*names: str) -> Iterator[None]:
    """Within this block, what this thread imports does not find these packages, and Python collects no garbage."""
    finder, collecting = _Spared(names), gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if collecting:
            gc.enable()


def import_tensorflow() -> None:
    """Import TensorFlow without the messages that its C++ code writes to stderr, and let it keep what it compiles.

    They go straight to the file descriptor before any logging level is read, so the descriptor is redirected during the import.
    Python errors are not affected: they are raised after stderr is restored. The import makes half a million objects, which stay;
    not to look for garbage among them, now and later, takes a third off its time. So does sparing _SPARED.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keep_compiled()
    compile_quickly()
    sys.stderr.flush()
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        with import_without(*_SPARED):
            importlib.import_module("keras")
            gc.freeze()
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def give_memory_back() -> None:
    """Give the system what the C library keeps for later: after compiling 100 to 200 MB. Only glibc, on Linux, can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def share_memory() -> None:
    """Let threads share what the C library keeps for later: a page with its hundred threads takes 100 MB less. Only glibc can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)


def switch_off_telemetry() -> None:
    """Keep Gradio and huggingface_hub from reporting anything; call it before they are imported, when they read this."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def one_thread_each() -> None:
    """Let NumPy, not imported yet, compute with one thread for each caller, unless the environment says otherwise.

    Where several callers compute at once, more threads only wait for each other. TensorFlow keeps a thread for each core, which
    its callers share; on a page each caller has its own (``model/graph_process.py``).
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
