"""What XLA compiles takes seconds and then runs many times as fast. Most tests run it so seldom that they do without XLA."""

from __future__ import annotations

import functools

import pytest
import tensorflow as tf

from musiclstm.model import FeatureScanner, Graph, build_network


def without_xla(patch: pytest.MonkeyPatch) -> None:
    """From here on the graphs of checkpoints and the scanners of trainers do without XLA.

    And what was compiled is used again: the graph of the same network, scanners for the same size, and the network of
    evaluators, which each of them gives its own weights. Evaluators read shorter windows. TensorFlow does not look for faster
    graphs either: that takes longer than the slower ones. (XLA does, for what it compiles.)
    """
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    graph = functools.lru_cache(maxsize=8)(lambda network, *sizes: Graph(lambda: network, *sizes, jit_compile=False))
    patch.setattr("musiclstm.checkpoint._graph", lambda build, *facts: graph(build(), *facts[:2]))
    for module in ("musiclstm.training.trainer", "musiclstm.evaluation.likelihood"):  # they read windows of other lengths
        patch.setattr(f"{module}.FeatureScanner", functools.cache(functools.partial(FeatureScanner, jit_compile=False)))
    patch.setattr("musiclstm.evaluation.likelihood.WINDOW", 64)
    patch.setattr("musiclstm.evaluation.likelihood.build_network", functools.cache(build_network))
