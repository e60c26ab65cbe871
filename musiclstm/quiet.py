"""Keeping TensorFlow's notes to its developers off people's screens, so that an error is one line and nothing else."""

from __future__ import annotations

import importlib
import os
import sys


def import_tensorflow() -> None:
    """Import TensorFlow without what its C++ parts write to stderr on the way.

    They write before any logging level is looked at, straight to the file descriptor, so that is turned aside for the progress
    of the import alone. Python's own errors are not touched: they are raised after stderr is back.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("keras")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
