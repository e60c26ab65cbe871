"""The network's weights on disk: written by Keras, checked with h5py before Keras reads them.

An untrusted weights file may declare arrays of many gigabytes, or link to other files. So its names and shapes are compared with
those of the network that the config describes before any array is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from musiclstm.checkpoint_files import WEIGHTS
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError
from musiclstm.model.network import Network, build_network
from musiclstm.scratch import temporary_folder

MAX_WEIGHTS_BYTES = 200_000_000  # the largest network that ModelConfig allows is smaller


def save_network(network: Network, folder: Path) -> None:
    """Write the network to ``folder`` in Keras's own layout: config.json, metadata.json and model.weights.h5."""
    keras.saving.save_model(network, folder, zipped=False)


def load_network(config: ModelConfig, path: Path) -> Network:
    """A network of ``config`` with the weights in the file ``path``.

    Raises CheckpointError if the file is too large, damaged, or holds the weights of another network.
    """
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes; at most {MAX_WEIGHTS_BYTES:,} are allowed.")
    found = dict(_shapes(path))
    # Keras does not compress, so a file smaller than its arrays is forged or cut off: refuse it before building such a network.
    declared = sum(math.prod(shape[:-1]) * np.dtype(shape[-1]).itemsize for shape in found.values())
    if declared > path.stat().st_size:
        raise CheckpointError(
            f"The weights in {path} are damaged: they declare {declared:,} bytes of numbers in a file of {path.stat().st_size:,}."
        )
    network = build_network(config)
    with temporary_folder() as folder:
        like = folder / WEIGHTS
        network.save_weights(like)
        wanted = dict(_shapes(like))
    if found != wanted:
        odd = sorted(set(found.items()) ^ set(wanted.items()))[0]
        raise CheckpointError(
            f"The weights in {path} do not fit the network that its config describes: {odd[0]} {list(odd[1])} differs."
        )
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {_first_line(error)}.") from error
    return network


def _shapes(path: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Path, shape and dtype of every array in a weights file, without reading any. Refuses links and external data."""
    try:
        with h5py.File(path, "r") as file:
            yield from _walk(file, "")
    except RecursionError as error:
        raise CheckpointError(f"The weights in {path} are damaged: their groups form a cycle.") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {_first_line(error)}.") from error


def _walk(group: h5py.Group, prefix: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
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
            yield path, (*item.shape, str(item.dtype))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
