"""The model in a process of its own: it writes what it writes here, and says so if it can't."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiclstm.checkpoint import Checkpoint, in_a_process, save_checkpoint
from musiclstm.checkpoint_files import WEIGHTS
from musiclstm.config import SamplingOptions
from musiclstm.errors import CheckpointError, ModelLostError, StoppedError
from musiclstm.generation import ComposeRequest, compose
from musiclstm.model import Decoder, Graph, GraphProcess, ModelProcess, weights_digest
from musiclstm.music import Piece
from musiclstm.ui.active_checkpoint import open_active_checkpoint

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def saved(small_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The small checkpoint, in a folder, computing here as it does in a process of its own: with XLA."""
    folder = tmp_path_factory.mktemp("saved") / "small"
    save_checkpoint(small_checkpoint, folder, card="# Small")
    here = replace(small_checkpoint, weights=folder / WEIGHTS, weights_digest=lambda: weights_digest(folder / WEIGHTS))
    graph = Graph(here.build, here.config, here.vocabulary)
    object.__setattr__(here, "decoder", Decoder(graph, here.vocabulary))
    return here


@pytest.mark.parametrize("candidates", [1, 8], ids=["one take", "chosen by the critic"])
def test_takes_are_the_same_as_of_a_model_in_this_process(saved: Checkpoint, candidates: int) -> None:
    apart = in_a_process(saved, ModelProcess)
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


def test_takes_that_are_written_side_by_side_are_those_of_each_alone(saved: Checkpoint) -> None:
    apart = in_a_process(saved, ModelProcess)
    assert apart.apart is not None

    def take(checkpoint: Checkpoint, number: int) -> Piece:
        request = ComposeRequest(saved.seeds[0], bars=4, candidates=2 + number, random_seed=number)
        return compose(checkpoint, request).takes[0].continuation

    try:
        with ThreadPoolExecutor() as visitors:
            asked = [visitors.submit(take, apart, number) for number in range(6)]
            assert [each.result() for each in asked] == [take(saved, number) for number in range(6)]
    finally:
        apart.apart.close()


def test_weights_that_do_not_fit_are_refused_in_the_usual_sentence(saved: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"no weights")
    apart = GraphProcess(saved.config, saved.vocabulary, tmp_path / WEIGHTS, lambda: "", ModelProcess)
    try:
        with pytest.raises(CheckpointError, match=rf"The weights in {tmp_path / WEIGHTS} are damaged"):
            apart.check()
    finally:
        apart.close()


class Failing:
    """A process that ends during each of the first ``times`` calls; the next ones get their arguments back."""

    times = 0
    facts: tuple[object, ...] = ()

    def load(self, *facts: object) -> None:
        self.facts = facts

    def ask(self, function: str, arguments: tuple[object, ...]) -> object:
        assert self.facts
        Failing.times -= 1
        if Failing.times >= 0:
            raise EOFError
        return function, arguments, self.facts[-1]

    def close(self) -> None:
        """Nothing is open."""


def failing_process(saved: Checkpoint, digest: Callable[[], str]) -> GraphProcess:
    start: Any = Failing
    assert saved.weights is not None
    return GraphProcess(saved.config, saved.vocabulary, saved.weights, digest, start)


@pytest.fixture
def failing(saved: Checkpoint) -> GraphProcess:
    return failing_process(saved, lambda: "the digest")


def test_a_call_whose_process_ends_is_answered_by_another_one_with_the_same_weights(failing: GraphProcess) -> None:
    Failing.times = 1
    answer: Any = failing.judge({}, np.zeros(1), 1, 0)
    assert answer == ("judge", ({}, np.zeros(1), 1, 0), "the digest")


def test_a_call_that_ends_two_processes_is_a_sentence_and_the_next_one_is_answered(failing: GraphProcess) -> None:
    Failing.times = 2
    with pytest.raises(ModelLostError, match="Try again later"):
        failing.check()
    failing.check()


def test_while_the_weights_cannot_be_read_calls_are_a_sentence_and_later_ones_are_answered(saved: Checkpoint) -> None:
    answers: Iterator[OSError | str] = iter([OSError("too many open files"), "the digest"])

    def digest() -> str:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    apart, Failing.times = failing_process(saved, digest), 2
    with pytest.raises(ModelLostError):
        apart.judge({}, np.zeros(1), 1, 0)
    answer: Any = apart.judge({}, np.zeros(1), 1, 0)
    assert answer[0] == "judge"


def test_other_weights_in_the_place_of_the_first_do_not_answer(saved: Checkpoint, tmp_path: Path) -> None:
    assert saved.weights is not None
    apart = GraphProcess(saved.config, saved.vocabulary, saved.weights, lambda: "the digest of others", ModelProcess)
    try:
        apart.check()
        apart.rest()
        with pytest.raises(CheckpointError, match="are others than before: start the page again"):
            apart.check()
    finally:
        apart.close()


def models() -> list[int | None]:
    """The processes of models that run."""
    return [each.pid for each in multiprocessing.active_children() if each.name == "model"]


def assert_one_model_answers(saved: Checkpoint, start: Callable[[], ModelProcess]) -> None:
    apart = in_a_process(saved, start)
    assert apart.apart is not None
    try:
        apart.apart.check()
        assert len(models()) == 1
    finally:
        apart.apart.close()
    assert not models()


def test_a_process_that_has_started_before_the_checkpoint_was_opened_answers(saved: Checkpoint) -> None:
    process = ModelProcess()
    assert_one_model_answers(saved, lambda: process)


def test_if_that_process_is_killed_before_another_one_answers(saved: Checkpoint) -> None:
    process = ModelProcess()
    process.close()
    assert_one_model_answers(saved, partial(next, chain([process], iter(ModelProcess, None))))


APP = """
import multiprocessing, sys, types
def serve(*_, **__):
    print([each.name for each in multiprocessing.active_children()])
sys.modules["musiclstm.ui.page"] = types.SimpleNamespace(serve=serve)
from musiclstm.cli import main
main(["app"])
"""


def test_the_app_runs_one_model() -> None:
    done = subprocess.run([sys.executable, "-c", APP], capture_output=True, text=True, check=True)
    assert done.stdout == "['model']\n"


def test_a_process_that_nobody_needs_ends_when_it_is_closed() -> None:
    ModelProcess().close()
    assert not models()


def test_a_checkpoint_that_cannot_be_opened_leaves_no_process(tmp_path: Path) -> None:
    process = ModelProcess()
    active = open_active_checkpoint(str(tmp_path / "missing"), apart=lambda: process)
    try:
        assert active.now.checkpoint.revision == "bundled"
        assert len(models()) == 1
    finally:
        active.close()
    assert not models()


def test_a_checkpoint_that_is_in_no_folder_computes_here(small_checkpoint: Checkpoint) -> None:
    assert in_a_process(small_checkpoint, ModelProcess) is small_checkpoint
