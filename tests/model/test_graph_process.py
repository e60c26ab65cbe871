"""The model in a process of its own: it writes what it writes here, and says so if it can't."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from musiclstm.checkpoint import Checkpoint, in_a_process, save_checkpoint
from musiclstm.checkpoint_files import WEIGHTS
from musiclstm.config import SamplingOptions
from musiclstm.errors import CheckpointError, StoppedError
from musiclstm.generation import ComposeRequest, compose
from musiclstm.model import Decoder, Graph, GraphProcess

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def saved(small_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The small checkpoint, in a folder, computing here as it does in a process of its own: with XLA."""
    folder = tmp_path_factory.mktemp("saved") / "small"
    save_checkpoint(small_checkpoint, folder, card="# Small")
    here = replace(small_checkpoint, weights=folder / WEIGHTS)
    graph = Graph(here.network, here.config, here.vocabulary)
    object.__setattr__(here, "decoder", Decoder(graph, here.vocabulary))
    return here


@pytest.mark.parametrize("candidates", [1, 8], ids=["one take", "chosen by the critic"])
def test_takes_are_the_same_as_of_a_model_in_this_process(saved: Checkpoint, candidates: int) -> None:
    apart = in_a_process(saved)
    assert apart.apart is not None
    try:
        request = ComposeRequest(saved.seeds[0], bars=4, candidates=candidates, sampling=SamplingOptions(diversity=1.0))
        here, there = (compose(checkpoint, request).takes[0].continuation for checkpoint in (saved, apart))
        assert here == there
        assert len(here)
    finally:
        apart.apart.close()
    with pytest.raises(StoppedError):
        apart.apart.compile()


def test_weights_that_do_not_fit_are_refused_in_the_usual_sentence(saved: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"no weights")
    apart = GraphProcess(saved.config, saved.vocabulary, tmp_path / WEIGHTS)
    try:
        with pytest.raises(CheckpointError, match=rf"The weights in {tmp_path / WEIGHTS} are damaged"):
            apart.check()
    finally:
        apart.close()


def test_a_checkpoint_that_is_in_no_folder_computes_here(small_checkpoint: Checkpoint) -> None:
    assert in_a_process(small_checkpoint) is small_checkpoint
