"""The network's weights on disk: written by Keras, checked with h5py before Keras reads them.

A weights file from elsewhere may declare arrays that take gigabytes, or link to other files. Names and shapes are compared with
those of the network that the config describes before any array is read.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError
from musiclstm.model.network import Network, build_network

WEIGHTS = "model.weights.h5"
MAX_WEIGHTS_BYTES = 200_000_000  # a network at the bounds of ModelConfig stays below


def save_network(network: Network, folder: Path) -> None:
    """Write the network to ``folder`` in Keras's own layout: config.json, metadata.json and model.weights.h5."""
    keras.saving.save_model(network, folder, zipped=False)


def load_network(config: ModelConfig, path: Path) -> Network:
    """A network of ``config`` with the weights in the file ``path``.

    Raises CheckpointError, in one sentence, if the file is too large, damaged, or holds the weights of another network.
    """
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes; at most {MAX_WEIGHTS_BYTES:,} are read.")
    found = dict(_shapes(path))
    # Keras packs nothing, so what is smaller than its arrays say lies; it is refused before a network of that size is built.
    declared = sum(math.prod(shape[:-1]) * np.dtype(shape[-1]).itemsize for shape in found.values())
    if declared > path.stat().st_size:
        raise CheckpointError(
            f"The weights in {path} declare {declared:,} bytes of numbers in a file of {path.stat().st_size:,}: it is damaged."
        )
    network = build_network(config)
    with tempfile.TemporaryDirectory() as scratch:
        like = Path(scratch) / WEIGHTS
        network.save_weights(like)
        wanted = dict(_shapes(like))
    if found != wanted:
        odd = sorted(set(found.items()) ^ set(wanted.items()))[0]
        raise CheckpointError(
            f"The weights in {path} are not those of the network they come with: {odd[0]} {list(odd[1])} differs."
        )
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {_first_line(error)}.") from error
    return network


def _shapes(path: Path) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Path, shape and kind of every array in a weights file, none of them read. Links and outside data are refused."""
    try:
        with h5py.File(path, "r") as file:
            yield from _walk(file, "")
    except RecursionError as error:
        raise CheckpointError(f"The weights in {path} are damaged: their groups run in a circle.") from error
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {_first_line(error)}.") from error


def _walk(group: h5py.Group, prefix: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for name in group:
        path = f"{prefix}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CheckpointError(f"The weights link to another file at {path}; that is not followed.")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _walk(item, path)
        elif not isinstance(item, h5py.Dataset) or item.shape is None:
            raise CheckpointError(f"The weights hold something at {path} that is not an array of numbers.")
        elif item.external or item.is_virtual:
            raise CheckpointError(f"The weights keep {path} in another file; that is not followed.")
        else:
            yield path, (*item.shape, str(item.dtype))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
