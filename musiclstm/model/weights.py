"""The network's weights on disk: written by Keras, checked with h5py before Keras reads them.

The shapes and types in a file are compared with those of the network that the config describes before Keras reads any array.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import keras

from musiclstm.checkpoint_files import WEIGHTS
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError
from musiclstm.model.network import Network, build_network
from musiclstm.model.stored_weights import first_line, shapes, weights_digest
from musiclstm.scratch import temporary_folder


def save_network(network: Network, folder: Path) -> None:
    """Write the network to ``folder`` in Keras's own layout: config.json, metadata.json and model.weights.h5."""
    keras.saving.save_model(network, folder, zipped=False)


def load_network(config: ModelConfig, path: Path) -> Network:
    """A network of ``config`` with the weights in the file ``path``.

    Raises CheckpointError if the file is too large, damaged, or holds the weights of another network.
    """
    found = shapes(path)
    network = build_network(config)
    # That each has its place, too, Keras finds out: it loads them by their names. To save the network for these takes longer.
    if Counter(found.values()) != Counter((*weight.shape, weight.dtype) for weight in network.weights):
        odd = sorted(set(found.items()) ^ set(_shapes_of(network).items()))[0]
        raise CheckpointError(
            f"The weights in {path} do not fit the network that its config describes: {odd[0]} {list(odd[1])} differs."
        )
    try:
        network.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"The weights in {path} are damaged: {first_line(error)}.") from error
    return network


def _shapes_of(network: Network) -> dict[str, tuple[Any, ...]]:
    """What ``shapes`` gives for the file of a saved network."""
    with temporary_folder() as folder:
        path = folder / WEIGHTS
        network.save_weights(path)
        return shapes(path)


def network_digest(network: Network) -> str:
    """What ``weights_digest`` gives for the file of a saved network."""
    with temporary_folder() as folder:
        path = folder / WEIGHTS
        network.save_weights(path)
        return weights_digest(path)
