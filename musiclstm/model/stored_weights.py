"""The arrays in a weights file, looked at with h5py alone: their names and shapes, their numbers, and a hash of them.

An untrusted file may declare arrays of many gigabytes, or link to other files. So its size is compared with what it declares
before any array is read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import CheckpointError

MAX_WEIGHTS_BYTES = 200_000_000  # the largest network that ModelConfig allows is smaller
Shape = tuple[Any, ...]  # the sizes, then the dtype


def shapes(path: Path) -> dict[str, Shape]:
    """Shape and dtype of every array in a weights file, by its name, without reading any.

    Raises CheckpointError if the file is too large, damaged, smaller than its arrays, or has links or external data; OSError.
    """
    size = path.stat().st_size
    if size > MAX_WEIGHTS_BYTES:
        raise CheckpointError(f"{path} has {size:,} bytes; at most {MAX_WEIGHTS_BYTES:,} are allowed.")
    try:
        with h5py.File(path, "r") as file:
            found = {name: (*item.shape, str(item.dtype)) for name, item in _walk(file, "")}
    except RecursionError as error:
        raise CheckpointError(f"The weights in {path} are damaged: their groups form a cycle.") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error
    # Keras does not compress, so a file smaller than its arrays is forged or cut off: refuse it before building such a network.
    declared = sum(math.prod(shape[:-1]) * np.dtype(shape[-1]).itemsize for shape in found.values())
    if declared > size:
        raise CheckpointError(
            f"The weights in {path} are damaged: they declare {declared:,} bytes of numbers in a file of {size:,}."
        )
    return found


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Every array in a weights file, by its name.

    Raises, before it reads any, what ``shapes`` raises, and CheckpointError if one is not of float32.
    """
    odd = next((name for name, shape in shapes(path).items() if shape[-1] != "float32"), None)
    if odd is not None:
        raise CheckpointError(f"The weights in {path} fit no network of this program: {odd} is not of float32.")
    try:
        with h5py.File(path, "r") as file:
            return {name: np.ascontiguousarray(item[()]) for name, item in _walk(file, "")}
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def digest_of(arrays: Mapping[str, NDArray[Any]]) -> str:
    """A SHA-256 of the names, shapes and numbers of the arrays of a weights file, in hexadecimal digits.

    It does not depend on how the file arranges them.
    """
    digest = hashlib.sha256()
    for name, numbers in sorted(arrays.items()):
        little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
        digest.update(repr((name, little.shape, little.dtype.str)).encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def weights_digest(path: Path) -> str:
    """The ``digest_of`` the arrays in a weights file. Raises what ``shapes`` raises."""
    return digest_of(read_weights(path))


def _walk(group: h5py.Group, prefix: str) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group:
        path = f"{prefix}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CheckpointError(f"The weights contain a link at {path}; links are not allowed.")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _walk(item, path)
        elif not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "fiub":
            raise CheckpointError(f"The weights contain something at {path} that is not an array of numbers.")
        elif item.external or item.is_virtual:
            raise CheckpointError(f"The weights keep {path} in another file; external data is not allowed.")
        else:
            yield path, item


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"The weights in {path} are damaged: {first_line(error)}.")


def first_line(error: Exception) -> str:
    """What an error of h5py or Keras says, as the end of a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".")
