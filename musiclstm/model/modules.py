"""The loops as StableHLO modules: traced once, kept on the disk, and compiled by XLA for the processor at hand.

To build the network and to trace it keeps Python busy for seconds. A module is what comes of it: mathematics alone, as bytecode,
with the weights as arguments. Where the modules are on the disk already, a process reads them and the weights, and needs no
network. Those of the bundled checkpoint come with the program; of others each is traced once on a machine.

StableHLO: https://openxla.org/stablehlo. Modules are called as JAX calls its own in TensorFlow, by the operation XlaCallModule.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import call_module

from musiclstm.compiled import kept_folder
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError
from musiclstm.model.network import Network
from musiclstm.model.stored_weights import digest_of, read_weights
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.project import package_files
from musiclstm.scratch import temporary_folder

Function = Callable[..., Any]  # tensors, also in tuples and dicts -> tensors likewise

_CALL_VERSION = 9  # of XlaCallModule
# Steps of a few notes are no work for a GPU, and so the notes are the same with and without one. If there are several CPUs, it is
# the first, or the one that a thread has chosen with ``tf.device``.
_DEVICE = "/device:CPU:*"
_SOURCES = ("musiclstm/model/", "musiclstm/music/", "musiclstm/config.py")  # what decides how the loops compute
SHIPPED = Path(__file__).parent / "traced"  # the modules of the bundled checkpoint, by scripts/trace_modules.py


@dataclass(frozen=True)
class Module:
    """A function, as MLIR's bytecode. Its arguments are weights, then others; ``outputs`` are nested lists and dicts of types,
    "float32[8, 384]".

    ``weights``: what the first arguments are called in the file of weights; empty if there is none.
    """

    code: bytes
    outputs: Any
    weights: tuple[str, ...] = ()


class Bound:
    """A module with its weights: a function of arrays in tuples and dicts to arrays likewise. Threads may share it."""

    def __init__(self, module: Module, weights: Sequence[Any]) -> None:
        self.module = module
        types = [_type(each) for each in tf.nest.flatten(module.outputs)]
        facts = {"version": _CALL_VERSION, "module": module.code, "platforms": ["CPU"]}
        facts |= {"Tout": [dtype for dtype, _ in types], "Sout": [shape for _, shape in types]}
        # A function of TensorFlow's looks at the whole module once; without it each call does.
        self._function = tf.function(lambda *others: call_module([*weights, *others], **facts), autograph=False)
        self._concrete: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """The outputs. Arguments have the same shapes in every call."""
        with tf.device(_DEVICE):
            tensors = [tf.constant(each) for each in tf.nest.flatten(arguments)]
            self._concrete = self._concrete or self._function.get_concrete_function(*tensors)
            found = self._concrete(*tensors)
        return tf.nest.pack_sequence_as(self.module.outputs, [each.numpy() for each in found])


class Modules:
    """Functions of a network by name, each traced when it is first asked for, unless it was kept. Threads may share them.

    ``trace`` gives a function, and arguments of the right shapes.
    """

    def __init__(
        self, build: Callable[[], Network], trace: Callable[[str], tuple[Function, tuple[Any, ...]]], place: Kept | None
    ) -> None:
        self._build, self._trace, self._kept = build, trace, place
        self._lock = threading.Lock()
        self._found: dict[str, Callable[..., Any]] = {}

    def load(self, names: Sequence[str]) -> bool:
        """Whether these functions were kept; what was is read now, and needs no disk later."""
        with self._lock:
            for name in names:
                module = self._kept.read(name) if self._kept else None
                if module is not None:
                    self._found[name] = Bound(module, self._named(module.weights))
            return all(name in self._found for name in names)

    def __call__(self, name: str) -> Callable[..., Any]:
        """A function of arrays, in tuples and dicts, which returns them in lists and dicts."""
        found = self._found.get(name)
        if found is None:
            self.load([name])
            with self._lock:  # only those wait who need a function that is not there yet
                found = self._found.get(name) or self._new(name)
                self._found[name] = found
        return found

    def _new(self, name: str) -> Callable[..., Any]:
        network = self._build()
        module = export(*self._trace(name), network)
        if self._kept is None:
            return Bound(module, self._weights)
        module = replace(module, weights=self._kept.names(network))
        self._kept.write(name, module)
        return Bound(module, self._named(module.weights))

    def _named(self, names: Iterable[str]) -> list[Any]:
        return [self._kept.weights[name] for name in names] if self._kept else []

    @cached_property
    def _weights(self) -> list[Any]:
        return _tensors(self._build().weights)


def export(function: Function, arguments: tuple[Any, ...], network: Network) -> Module:
    """The module of a function that calls layers of the network, for ``arguments`` of these shapes."""
    variables = network.weights

    def pure(weights: Sequence[Any], *given: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return function(*given)

    with tf.device(_DEVICE):
        tensors = (_tensors(variables), *tf.nest.map_structure(tf.constant, arguments))
        traced = tf.function(pure, jit_compile=True, autograph=False)
        structure = traced.get_concrete_function(*tensors).structured_outputs
        traced_code = traced.experimental_get_compiler_ir(*tensors)(stage="stablehlo", platform_name="CPU")
    code = _renamed(tf.mlir.experimental.run_pass_pipeline(traced_code, "builtin.module(strip-debuginfo)"))
    outputs = tf.nest.map_structure(lambda each: f"{each.dtype.name}{each.shape.as_list()}", structure)
    return Module(_bytecode(code), json.loads(json.dumps(outputs)))  # lists, as of one that was kept


def _bytecode(code: str) -> bytes:
    """The same module in a fifth of the bytes, of which TensorFlow makes many copies."""
    with temporary_folder() as folder:
        path = folder / "module"
        tf.mlir.experimental.write_bytecode(str(path), code)
        return path.read_bytes()


def _renamed(code: str) -> str:
    """The same module, the same text whenever and wherever it is traced: TensorFlow numbers its names by what it did before."""
    names = re.findall(r"^(?:module|  func\.func private) @([\w.]+)", code, flags=re.MULTILINE)
    places = {name: f"f{place}" for place, name in enumerate(names)}
    return re.sub(r"@([\w.]+)", lambda found: "@" + places.get(found[1], found[1]), code)


@dataclass(frozen=True)
class Kept:
    """Modules of the network with these ``weights``, tensors by name. They come from SHIPPED or ``folder``, new ones go there.

    ``key`` tells them from those of other networks and other versions of the program; ``digest``: of the weights.
    """

    folder: Path | None
    key: str
    digest: str
    weights: Mapping[str, Any]

    def read(self, name: str) -> Module | None:
        """A module; None if it isn't there, or damaged."""
        for folder in (SHIPPED, self.folder):
            with suppress(OSError, EOFError, lzma.LZMAError, ValueError, TypeError):
                if folder is not None:
                    facts, _, code = lzma.decompress((folder / self.file(name)).read_bytes()).partition(b"\n")
                    return Module(code, **json.loads(facts))
        return None

    def write(self, name: str, module: Module) -> None:
        """Keep a module, if there is a place for it and the disk takes it."""
        if self.folder is None:
            return
        facts = json.dumps({"outputs": module.outputs, "weights": module.weights})
        data = lzma.compress(facts.encode() + b"\n" + module.code, preset=3)
        with suppress(OSError):
            number, draft = tempfile.mkstemp(dir=self.folder, suffix=".draft")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(data)
                Path(draft).replace(self.folder / self.file(name))
            finally:
                Path(draft).unlink(missing_ok=True)

    def file(self, name: str) -> str:
        """The name of a module's file."""
        return f"{self.key}-{name}.mlir.xz"

    def names(self, network: Network) -> tuple[str, ...]:
        """Where a network's weights are in the file. Two with the same numbers may be taken for each other.

        Raises CheckpointError for the weights of another network.
        """
        places = {_content(weight): name for name, weight in self.weights.items()}
        found = [places.get(_content(weight)) for weight in network.weights]
        if None in found:
            raise CheckpointError("The weights of the checkpoint are others than before: start again.")
        return tuple(name for name in found if name is not None)


def kept_modules(config: ModelConfig, vocabulary: Vocabulary, weights: Path) -> Kept:
    """The modules of the network whose weights are in a file. Raises CheckpointError if it is damaged, OSError."""
    arrays = read_weights(weights)
    digest = digest_of(arrays)
    key = hashlib.sha256(repr((digest, asdict(config), vocabulary.to_json(), keras.__version__, tf.__version__)).encode())
    for name, path in package_files().items():
        if name.startswith(_SOURCES) and path.suffix == ".py":
            key.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return Kept(kept_folder(), key.hexdigest()[:16], digest, dict(zip(arrays, _tensors(arrays.values()), strict=True)))


def _tensors(weights: Iterable[Any]) -> list[Any]:
    with tf.device(_DEVICE):
        return [tf.constant(np.asarray(weight)) for weight in weights]


def _content(weight: Any) -> tuple[tuple[int, ...], bytes]:
    numbers = np.asarray(weight)
    return numbers.shape, numbers.tobytes()


def _type(text: str) -> tuple[str, list[int]]:
    dtype, bracket, shape = text.partition("[")
    return dtype, json.loads(bracket + shape)
