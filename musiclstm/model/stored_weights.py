"""The arrays in a weights file, looked at with h5py alone: their names and shapes, and a hash of their numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from musiclstm.errors import CheckpointError


def shapes(path: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Path, shape and dtype of every array in a weights file, without reading any.

    Raises CheckpointError for a damaged file, and for links and external data.
    """
    try:
        with h5py.File(path, "r") as file:
            for name, item in _walk(file, ""):
                yield name, (*item.shape, str(item.dtype))
    except RecursionError as error:
        raise CheckpointError(f"The weights in {path} are damaged: their groups form a cycle.") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {first_line(error)}.") from error


def weights_digest(path: Path) -> str:
    """A SHA-256 of the names, shapes and numbers of all arrays in a weights file, in hexadecimal digits.

    It does not depend on how the file arranges them. Reads every array: look at ``shapes`` before, if the file is not trusted.
    Raises CheckpointError as ``shapes`` does.
    """
    digest = hashlib.sha256()
    try:
        with h5py.File(path, "r") as file:
            for name, item in sorted(_walk(file, ""), key=lambda found: found[0]):
                numbers = np.ascontiguousarray(item[()])
                little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
                digest.update(repr((name, little.shape, little.dtype.str)).encode())
                digest.update(little.tobytes())
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {first_line(error)}.") from error
    return digest.hexdigest()


def _walk(group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group:
        path = f"{prefix}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CheckpointError(f"The weights contain a link at {path}; links are not allowed.")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _walk(item, path)
        elif not isinstance(item, h5py.Dataset) or item.shape is None:
            raise CheckpointError(f"The weights contain something at {path} that is not an array of numbers.")
        elif item.external or item.is_virtual:
            raise CheckpointError(f"The weights keep {path} in another file; external data is not allowed.")
        else:
            yield path, item


def first_line(error: Exception) -> str:
    """What an error of h5py or Keras says, as the end of a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".")
