"""Write the modules of the bundled checkpoint to musiclstm/model/traced, so that a first start has nothing to trace.

Run it after a change in musiclstm/model, musiclstm/music or musiclstm/config.py, or of the checkpoint:
PYTHONPATH=. python scripts/trace_modules.py
"""

from __future__ import annotations

from dataclasses import replace

from musiclstm.api import open_checkpoint
from musiclstm.quiet import import_tensorflow


def main() -> None:
    """Replace them all."""
    import_tensorflow()
    from musiclstm.model.graph import FIRST, LATER, Graph
    from musiclstm.model.modules import SHIPPED, kept_modules

    for path in SHIPPED.glob("*.xz"):
        path.unlink()
    checkpoint = open_checkpoint()
    assert checkpoint.weights is not None
    facts = checkpoint.config, checkpoint.vocabulary
    graph = Graph(checkpoint.build, *facts, replace(kept_modules(*facts, checkpoint.weights), folder=SHIPPED))
    for name in FIRST + LATER:
        graph.trace(name)
    for path in SHIPPED.glob("*.xz"):
        path.chmod(0o644)  # a draft was for nobody else


if __name__ == "__main__":
    main()
