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
from musiclstm.model.decoder import HORIZON, Chunk, Decoder
from musiclstm.model.features import FeatureSpec
from musiclstm.model.loop_guard import GUARD, is_looping
from musiclstm.model.network import STREAMS, Network, build_network, reset_memory
from musiclstm.model.vocabulary import (
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
from musiclstm.model.weights import load_network, save_network

__all__ = [
    "DURATION",
    "GUARD",
    "HORIZON",
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
    "Network",
    "Part",
    "Rows",
    "Vocabulary",
    "bars_left",
    "batch_count",
    "build_network",
    "decode",
    "encode",
    "fit_vocabulary",
    "is_looping",
    "iterate_batches",
    "load_network",
    "plan_lanes",
    "prefetch",
    "quarters",
    "reset_memory",
    "save_network",
]
