"""The model. Names of files that import TensorFlow, which takes seconds, are looked up when they are first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from musiclstm.model.vocabulary import (
    BAR,
    DURATION,
    PITCH,
    POSITION,
    STEP,
    VELOCITY,
    Rows,
    Vocabulary,
    decode,
    encode,
    fit_vocabulary,
    quarters,
)

if TYPE_CHECKING:
    from musiclstm.model.batches import (
        PREDICTED,
        Batch,
        FeatureScanner,
        Part,
        bars_left,
        batch_count,
        iterate_batches,
        plan_lanes,
        prefetch,
    )
    from musiclstm.model.continuous_batching import Turn, rounds_at_once
    from musiclstm.model.decoder import Chunk, Decoder
    from musiclstm.model.features import FeatureSpec
    from musiclstm.model.graph import Graph
    from musiclstm.model.graph_process import GraphProcess, ModelProcess
    from musiclstm.model.lanes import State
    from musiclstm.model.loop_guard import GUARD, is_looping
    from musiclstm.model.modules import kept_modules
    from musiclstm.model.network import STREAMS, Network, build_network, reset_memory
    from musiclstm.model.stored_weights import weights_digest
    from musiclstm.model.weights import load_network, network_digest, save_network

__all__ = [
    "BAR",
    "DURATION",
    "GUARD",
    "PITCH",
    "POSITION",
    "PREDICTED",
    "STEP",
    "STREAMS",
    "VELOCITY",
    "Batch",
    "Chunk",
    "Decoder",
    "FeatureScanner",
    "FeatureSpec",
    "Graph",
    "GraphProcess",
    "ModelProcess",
    "Network",
    "Part",
    "Rows",
    "State",
    "Turn",
    "Vocabulary",
    "bars_left",
    "batch_count",
    "build_network",
    "decode",
    "encode",
    "fit_vocabulary",
    "is_looping",
    "iterate_batches",
    "kept_modules",
    "load_network",
    "network_digest",
    "plan_lanes",
    "prefetch",
    "quarters",
    "reset_memory",
    "rounds_at_once",
    "save_network",
    "weights_digest",
]

_FILES = {
    "batches": "PREDICTED Batch FeatureScanner Part bars_left batch_count iterate_batches plan_lanes prefetch",
    "continuous_batching": "Turn rounds_at_once",
    "decoder": "Chunk Decoder",
    "features": "FeatureSpec",
    "graph": "Graph",
    "graph_process": "GraphProcess ModelProcess",
    "lanes": "State",
    "loop_guard": "GUARD is_looping",
    "modules": "kept_modules",
    "network": "STREAMS Network build_network reset_memory",
    "stored_weights": "weights_digest",
    "weights": "load_network network_digest save_network",
}


def __getattr__(name: str) -> Any:
    """Import the file that has ``name`` (PEP 562)."""
    for file, names in _FILES.items():
        if name in names.split():
            return getattr(import_module(f"{__name__}.{file}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
