"""Train with several processes, on one machine or many: each processes some of the lanes, and all take every step together.

This is synchronous data parallelism on TensorFlow's collective operations, with the processes described by TF_CONFIG. Only sums
are exchanged (of gradients and of note weights). Every process keeps a complete network, including LSTM state; all start with the
same weights and apply the same sums, so they stay equal. One process on the same batches reaches the same losses.
(Keras' ``fit`` does not run under MultiWorkerMirroredStrategy.)
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.config import MOST_WORKERS
from musiclstm.errors import OptionError, WorkerError
from musiclstm.model import Batch

Arrays = list[NDArray[Any]]


class WorkerGroup:
    """The processes that train together; this one is number ``rank`` of ``size``. A single process sends nothing."""

    def __init__(self, size: int = 1, rank: int = 0) -> None:
        if size > 1:
            import keras
            import tensorflow as tf

            if keras.backend.backend() != "tensorflow":
                raise OptionError("Several workers can train together only on TensorFlow: unset KERAS_BACKEND.")

            tf.get_logger().setLevel("CRITICAL")  # it logs lost workers, which WorkerError reports already
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self.size, self.rank = size, rank

    @property
    def leads(self) -> bool:
        """Whether this process is the leader, which logs and saves."""
        return self.rank == 0

    def lanes(self, total: int) -> int:
        """The number of lanes per process out of ``total``. Raises OptionError if they can't be divided evenly."""
        if total % self.size:
            raise OptionError(f"--lanes {total} can't be divided among {self.size} workers: give a multiple of {self.size}.")
        return total // self.size

    def share(self, batch: Batch) -> Batch:
        """This process's lanes of a batch."""
        if self.size == 1:
            return batch
        lanes = self.lanes(len(batch.rows))
        mine = slice(self.rank * lanes, (self.rank + 1) * lanes)
        return replace(batch, **{field.name: getattr(batch, field.name)[mine] for field in fields(batch)})

    def total(self, tensors: Sequence[Any]) -> list[Any]:
        """Each tensor summed over all processes; every process must call this, with tensors of equal shapes."""
        if self.size == 1:
            return list(tensors)
        import tensorflow as tf

        def add() -> Any:
            placed = [tf.identity(tensor) for tensor in tensors]  # on this process's device, or it isn't reduced
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, placed)

        return list(self.strategy.run(add))

    def from_leader(self, arrays: Sequence[NDArray[Any]]) -> Arrays:
        """Send the leader's ``arrays`` to every process; all need equal shapes and types. Raises WorkerError."""
        if self.size == 1:
            return list(arrays)
        # A float64 represents every float32 and every whole number below 2 ** 53 exactly.
        mine = [np.asarray(array, np.float64) if self.leads else np.zeros(array.shape) for array in arrays]
        with self.together():
            sums = self.total(mine)
        return [np.asarray(value).astype(array.dtype) for value, array in zip(sums, arrays, strict=True)]

    def wait(self) -> None:
        """Wait until every process has called this. Raises WorkerError."""
        self.from_leader([np.zeros(1)])

    def check_alike(self, facts: Any) -> None:
        """Raise WorkerError unless all processes have the same ``facts`` (JSON data)."""
        if self.size == 1:
            return
        mine = np.array(zlib.crc32(json.dumps(facts, sort_keys=True).encode()), np.float64)
        theirs = self.from_leader([mine])[0]
        with self.together():
            strangers = float(self.total([np.float64(mine != theirs)])[0])
        if strangers:
            raise WorkerError("The workers have different options or data: start each with the same command on the same files.")

    @contextmanager
    def together(self) -> Iterator[None]:
        """A context for communication that raises WorkerError if another process has left."""
        if self.size == 1:
            yield
            return
        import tensorflow as tf

        gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError, tf.errors.CancelledError)
        try:
            yield
        except (*gone, tf.errors.InternalError, tf.errors.UnknownError) as error:
            raise WorkerError(
                f"One of the {self.size} workers is gone, so training stopped; the last complete epoch is saved: start all "
                "workers again with --resume."
            ) from error


class DistributedStep:
    """One training step that all processes take together, each with its own lanes. TensorFlow only.

    The loss is the mean over all notes of all lanes, as in a single process; ``weights`` are the loss weights of the streams.
    """

    def __init__(self, group: WorkerGroup, network: Any, weights: Mapping[str, float]) -> None:
        import keras
        import tensorflow as tf

        self.group, self.network, self.weights = group, network, dict(weights)
        self._nats = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
        self._compiled = tf.function(self._step, autograph=False)

    def __call__(self, inputs: Any, targets: Mapping[str, Any], weight: Any) -> dict[str, float]:
        """Update the network's weights. Returns the mean loss of each stream over all lanes in nats, as ``NAME_loss``, and the
        number of ``notes``. Raises WorkerError if another process has left.
        """
        with self.group.together():
            losses, notes = self._compiled(inputs, dict(targets), weight)
            return {f"{name}_loss": float(loss) for name, loss in losses.items()} | {"notes": float(notes)}

    def _step(self, inputs: Any, targets: dict[str, Any], weight: Any) -> tuple[dict[str, Any], Any]:
        import tensorflow as tf

        notes = self.group.total([tf.reduce_sum(weight)])[0]
        with tf.GradientTape() as tape:
            logits = self.network(inputs, training=True)
            # Divided by the notes of all processes, so that idle lanes add nothing.
            parts = {
                name: tf.reduce_sum(self._nats(targets[name], logits[name]) * weight) / tf.maximum(notes, 1.0) for name in targets
            }
            loss = tf.add_n([self.weights[name] * part for name, part in parts.items()])
        variables = self.network.trainable_variables
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, [v.value for v in variables])]
        # One message for all gradients: many small ones would wait for each other.
        flat = tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients] + [tf.stack(list(parts.values()))], axis=0)
        flat = self.group.total([flat])[0]
        *pieces, losses = tf.split(flat, [int(np.prod(gradient.shape)) for gradient in gradients] + [len(parts)])
        summed = [tf.reshape(piece, gradient.shape) for piece, gradient in zip(pieces, gradients, strict=True)]
        self.network.optimizer.apply(summed, variables)
        return dict(zip(parts, tf.unstack(losses), strict=True)), notes


def workers_of_environment() -> WorkerGroup:
    """The processes that TF_CONFIG describes, once all have started; a group of one if it is not set. Raises OptionError."""
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return WorkerGroup()
    try:
        described = json.loads(text)
        workers, index = described["cluster"]["worker"], described["task"]["index"]
        known = list(described["cluster"]) == ["worker"] and described["task"]["type"] == "worker"
        fits = isinstance(workers, list) and isinstance(index, int) and 0 <= index < len(workers) <= MOST_WORKERS
    except (ValueError, KeyError, TypeError):
        known = fits = False
    if not known or not fits:
        raise OptionError(
            'TF_CONFIG must be {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": N}} with up to '
            f"{MOST_WORKERS} workers."
        )
    return WorkerGroup(len(workers), index) if len(workers) > 1 else WorkerGroup()
