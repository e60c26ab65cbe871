"""The modules that come with the program are those of the bundled checkpoint and of this very code."""

from __future__ import annotations

from musiclstm.checkpoint import Checkpoint
from musiclstm.model import kept_modules
from musiclstm.model.graph import FIRST, LATER, Graph
from musiclstm.model.modules import SHIPPED, export


def test_a_first_start_with_the_bundled_checkpoint_has_nothing_to_trace(bundled: Checkpoint) -> None:
    assert bundled.weights is not None
    kept = kept_modules(bundled.config, bundled.vocabulary, bundled.weights)
    names = sorted(kept.file(name) for name in FIRST + LATER)
    assert sorted(path.name for path in SHIPPED.iterdir()) == names, "run scripts/trace_modules.py"


def test_what_is_shipped_is_what_the_code_traces(bundled: Checkpoint) -> None:
    assert bundled.weights is not None
    kept = kept_modules(bundled.config, bundled.vocabulary, bundled.weights)
    graph = Graph(bundled.build, bundled.config, bundled.vocabulary)
    shipped, traced = kept.read("prime-1"), export(*graph._function("prime-1"), bundled.network)
    assert shipped is not None
    assert shipped.code == traced.code
    assert shipped.outputs == traced.outputs
    assert tuple(shipped.weights) == kept.names(bundled.network)
