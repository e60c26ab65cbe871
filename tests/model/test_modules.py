"""Modules: what was traced once is kept, for these weights and this code, and needs no network any more."""

from __future__ import annotations

import lzma
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from musiclstm import compiled
from musiclstm.checkpoint import Checkpoint, _graph
from musiclstm.checkpoint_files import WEIGHTS
from musiclstm.compiled import FLAGS
from musiclstm.errors import CheckpointError
from musiclstm.model import Graph, Network, kept_modules, save_network, weights_digest
from musiclstm.model.graph import FIRST, LATER
from musiclstm.model.lanes import READ, State


@dataclass
class Stored:
    """A small network in a file, and a graph of it that counts how often the network is asked for."""

    checkpoint: Checkpoint
    weights: Path
    built: int = 0

    def build(self) -> Network:
        self.built += 1
        return self.checkpoint.network

    def graph(self) -> Graph:
        facts = self.checkpoint.config, self.checkpoint.vocabulary
        return Graph(self.build, *facts, kept_modules(*facts, self.weights))


@pytest.fixture(scope="module")
def traced(small_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of a small network, and one with the module that reads a seed with it."""
    folder = tmp_path_factory.mktemp("traced")
    save_network(small_checkpoint.network, folder / "small")
    (folder / "kept").mkdir()
    stored = Stored(small_checkpoint, folder / "small" / WEIGHTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FLAGS, f"{compiled._DIRECTORY}={folder / 'kept'}")  # TensorFlow has read its own long ago
        stored.graph().trace("prime-1")
    return folder


@pytest.fixture
def stored(small_checkpoint: Checkpoint, traced: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """A copy of these."""
    shutil.copytree(traced, tmp_path / "copy")
    monkeypatch.setenv(FLAGS, f"{compiled._DIRECTORY}={tmp_path / 'copy' / 'kept'}")
    return Stored(small_checkpoint, tmp_path / "copy" / "small" / WEIGHTS)


def read(graph: Graph) -> State:
    """The state after some notes."""
    rows = np.zeros((1, READ, 6), np.int32)
    rows[0, :9] = np.random.default_rng(1).integers(1, 5, (9, 6))
    return graph.prime(graph.begin(0, -1, 0), rows, 9, np.arange(READ, dtype=np.int32)[None], False)


def modules(stored: Stored) -> list[Path]:
    return sorted((stored.weights.parents[1] / "kept").iterdir())


def test_what_one_graph_traced_the_next_one_reads_and_builds_no_network(stored: Stored) -> None:
    there = read(stored.graph())
    assert stored.built == 0
    (path,) = modules(stored)
    assert path.name.endswith("-prime-1.mlir.xz")
    path.unlink()
    first = read(stored.graph())
    assert stored.built > 0
    assert modules(stored) == [path]
    assert all(np.array_equal(first[name], there[name]) for name in first)
    assert np.abs(first["h_1"]).max() > 0.01


def test_once_loaded_a_graph_needs_no_file_any_more(stored: Stored) -> None:
    stored.graph().load()
    assert stored.built == 1  # one function is not all
    (path,) = modules(stored)
    for name in FIRST + LATER:
        if name != "prime-1":
            shutil.copy(path, path.with_name(path.name.replace("prime-1", name)))  # it is not asked what is in it
    stored.built = 0
    graph = stored.graph()
    graph.load()
    for path in (stored.weights, *modules(stored)):
        path.unlink()
    read(graph)
    assert stored.built == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: b"",
        lambda data: data[:200] + bytes(400) + data[600:],
        lambda data: lzma.compress(b"// no"),
    ],
)
def test_a_damaged_module_is_traced_again(stored: Stored, damage: Any) -> None:
    (path,) = modules(stored)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    stored.graph().trace("prime-1")
    assert stored.built > 0
    assert path.read_bytes() == whole


def test_another_file_in_the_place_of_the_weights_that_are_meant_is_not_used(stored: Stored) -> None:
    config, vocabulary = stored.checkpoint.config, stored.checkpoint.vocabulary
    meant = weights_digest(stored.weights)
    for digest, built in ((meant, False), ("other", True)):
        _graph(stored.build, config, vocabulary, stored.weights, partial(str, digest)).trace("prime-1")
        assert (stored.built > 0) == built


def test_each_network_has_its_own_modules(stored: Stored) -> None:
    config, vocabulary = stored.checkpoint.config, stored.checkpoint.vocabulary
    others = [
        kept_modules(config, vocabulary, stored.weights),
        kept_modules(replace(config, layers=1), vocabulary, stored.weights),
        kept_modules(config, replace(vocabulary, velocities=3), stored.weights),
    ]
    with h5py.File(stored.weights, "r+") as file:
        file["layers/lstm/cell/vars/2"][0] += 1
    others.append(kept_modules(config, vocabulary, stored.weights))
    assert len({each.key for each in others}) == len({each.file("prime-1") for each in others}) == 4


def test_where_nothing_is_kept_a_graph_computes_all_the_same(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(stored.graph())
    monkeypatch.setenv(FLAGS, "")
    assert np.array_equal(read(stored.graph())["h_1"], first["h_1"])
    assert stored.built > 0


def test_a_folder_that_is_gone_is_no_error(stored: Stored) -> None:
    shutil.rmtree(stored.weights.parents[1] / "kept")
    stored.graph().trace("prime-1")
    assert stored.built > 0


def test_weights_that_no_network_has_are_refused_before_tensorflow_sees_them(stored: Stored) -> None:
    with h5py.File(stored.weights, "r+") as file:
        bias = file["layers/lstm/cell/vars/2"][()]
        del file["layers/lstm/cell/vars/2"]
        file["layers/lstm/cell/vars/2"] = bias.astype(np.longdouble)
    with pytest.raises(CheckpointError, match="is not of float32"):
        stored.graph()


def test_weights_that_are_damaged_are_refused(stored: Stored) -> None:
    stored.weights.write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="are damaged"):
        stored.graph()
