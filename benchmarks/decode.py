"""Claim: a note takes hardly longer than the bare products with the weights, and far less than in the original.

In one run, with one thread setting, taking turns:

- ours: ``Decoder.write``, one take and eight takes;
- bare products: X W once for each weight matrix W that a note needs, for one take and for eight, numpy's BLAS in float32, and
  nothing else. The convolution along the keys is its product with the 88 windows of each take, laid out beforehand;
- the original: three networks LSTM(512) -> Dropout(0.25) -> Dense(128) -> Dense(V, softmax) with V = 277, 28 and 36, one Keras
  ``predict`` each per note on a one-hot window of 64 notes, sampled with temperature. Speed does not depend on weights, so
  they are left as initialised.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Figure, publish, ratio, section, set_threads, taking_turns

ORIGINAL = ((277, 0.7), (28, 0.7), (36, 0.2))  # classes and temperature of notes, offsets and durations
TAKES = 8


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/classical-piano"), metavar="DIR")
    parser.add_argument("--notes", type=int, default=512, help="notes of each take in a round")
    parser.add_argument("--original-notes", type=int, default=8, help="notes of the original in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="of every peer")
    options = parser.parse_args()
    set_threads(options.threads)
    import tensorflow as tf

    from musiclstm.checkpoint import load_checkpoint

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)

    loaded = load_checkpoint(options.checkpoint)
    one, compiling = first_use(ours(loaded, 1, options.notes))
    eight, compiling_eight = first_use(ours(loaded, TAKES, options.notes))
    bare, bare_eight = products(loaded.network, 1), products(loaded.network, TAKES)
    original = originals()
    for warm_up in (bare, bare_eight, original):
        warm_up(1)
    peers: dict[str, Callable[[], object]] = {
        "one": one,
        "bare": lambda: bare(options.notes),
        "bare eight": lambda: bare_eight(options.notes),
        "eight": eight,
        "original": lambda: original(options.original_notes),
    }
    figures = figures_of(taking_turns(peers, options.rounds), options, compiling, compiling_eight)
    sizes = sum(4 * 512 * (classes + 512 + 1) + 513 * 128 + 129 * classes for classes, _ in ORIGINAL)
    notes = [
        f"Medians of {options.rounds} rounds in which the peers take turns, ratios within a round. In each round {options.notes} "
        f"notes a take of ours and {options.original_notes} notes of the original; reading the seed is not counted for either.",
        f"Checkpoint {loaded.name}: {loaded.network.count_params():,} parameters; the original's three networks: {sizes:,}.",
    ]
    threads = f"{options.threads} thread{'s' if options.threads > 1 else ''} for each peer"
    text = section(__doc__.splitlines()[0], figures, notes=notes, threads=threads, libraries=("numpy", "keras", "tensorflow"))
    publish("Writing notes", text)


def figures_of(
    rounds: dict[str, list[float]], options: argparse.Namespace, compiling: float, compiling_eight: float
) -> list[Figure]:
    """The figures of the peers' ``rounds`` in seconds, and of the first use of one and of eight takes."""

    def per_note(name: str, notes: int) -> list[float]:
        return [1000 * seconds / notes for seconds in rounds[name]]

    ours_ms, bare_ms = per_note("one", options.notes), per_note("bare", options.notes)
    eight_ms, bare_eight_ms = (per_note(name, TAKES * options.notes) for name in ("eight", "bare eight"))
    original_ms = per_note("original", options.original_notes)
    return [
        Figure("ours, one take: time per note", median(ours_ms), "ms"),
        Figure("ours, one take: notes a second", 1000 / median(ours_ms)),
        Figure(f"ours, {TAKES} takes at once: time per note", median(eight_ms), "ms", most=0.15),
        Figure(f"ours, {TAKES} takes at once: notes a second, all together", 1000 / median(eight_ms)),
        Figure("the original: time per note", median(original_ms), "ms"),
        Figure("bare products: time per note", median(bare_ms), "ms"),
        Figure(f"bare products, {TAKES} takes at once: time per note", median(bare_eight_ms), "ms"),
        Figure("how many times faster than the original", ratio(original_ms, ours_ms), least=200),
        Figure("our time per note / bare products", ratio(ours_ms, bare_ms), most=1.3),
        Figure(f"our time per note / bare products, {TAKES} takes at once", ratio(eight_ms, bare_eight_ms), most=1.3),
        Figure(f"{TAKES} takes / one take, the same number of notes each", ratio(rounds["eight"], rounds["one"]), most=3),
        Figure("first use, one take: compiling and writing", compiling, "s"),
        Figure(f"first use, {TAKES} takes: compiling and writing", compiling_eight, "s"),
    ]


def first_use(write: Callable[[], object]) -> tuple[Callable[[], object], float]:
    """``write`` after it has run once, and the seconds that took: it is compiled on first use."""
    started = time.perf_counter()
    write()
    return write, time.perf_counter() - started


def ours(loaded: Any, takes: int, notes: int) -> Callable[[], object]:
    """Writing ``notes`` notes of each take after a seed that has been read."""
    import numpy as np

    from musiclstm.config import SamplingOptions
    from musiclstm.model import encode
    from musiclstm.seeds import load_catalogue

    seed = (loaded.seeds or load_catalogue())[0]
    rows = encode(seed.piece, loaded.vocabulary)
    state: dict[str, Any] = {}

    def write() -> None:
        if not state:  # read on first use, which counts the compiling of both halves
            state.update(loaded.decoder.prime(rows, takes=takes, gap=0))
        rngs = [np.random.default_rng([1, take]) for take in range(takes)]
        chunks = list(loaded.decoder.write(state, SamplingOptions(), rngs, until=10**9, most=notes))
        written = sum(len(rows) for chunk in chunks for rows in chunk.rows)
        if written != takes * notes:
            raise SystemExit(
                f"{written} notes were written, not {takes} x {notes}: --notes must be a multiple of the decoder's chunk."
            )

    return write


def products(network: Any, takes: int) -> Callable[[int], object]:
    """The products that one note of each take needs, as a function of the number of notes."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    todo = []
    for variable in network.weights:
        weights = keras.ops.convert_to_numpy(variable)
        if weights.ndim == 2 and not variable.path.endswith("embeddings"):
            inputs = rng.random((takes, len(weights)), np.float32)
            factors = inputs, np.ascontiguousarray(weights)
            if takes == 1:  # in this layout BLAS is faster here
                factors = np.ascontiguousarray(weights.T), inputs[0]
            todo.append((*factors, np.dot(*factors)))
        elif weights.ndim == 4:
            kernel = weights.reshape(-1, weights.shape[-1])
            windows = rng.random((88 * takes, len(kernel)), np.float32)
            todo.append((windows, kernel, np.dot(windows, kernel)))

    def multiply(notes: int) -> None:
        for _ in range(notes):
            for one, other, out in todo:
                np.dot(one, other, out=out)

    return multiply


def originals() -> Callable[[int], object]:
    """The original's way to write notes, as a function of their number."""
    import numpy as np

    from benchmarks.original import WINDOW, network

    networks, windows = [], []
    for classes, _ in ORIGINAL:
        networks.append(network(classes))
        windows.append(np.eye(classes, dtype=np.float32)[np.arange(WINDOW) % classes][None])
    rng = np.random.default_rng(0)

    def write(notes: int) -> None:
        for _ in range(notes):
            for index, (model, (classes, temperature)) in enumerate(zip(networks, ORIGINAL, strict=True)):
                probabilities = model.predict(windows[index], verbose=0)[0].astype(np.float64)
                heated = np.exp(np.log(probabilities + 1e-12) / temperature)
                choice = rng.choice(classes, p=heated / heated.sum())
                following = np.eye(classes, dtype=np.float32)[choice][None, None]
                windows[index] = np.concatenate([windows[index][:, 1:], following], axis=1)

    return write


if __name__ == "__main__":
    main()
