"""Claim: the loop guard's rules seldom catch human music.

Before the decoder writes a note, it checks for a loop. This benchmark makes the same check at every note of the validation and
test pieces. The rules are added one by one: figures that go round and round; phrases that come a third time; and a passage that
is copied at length, which composers do to repeat a whole section, but a continuation of some bars should not.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section


def measure(options: argparse.Namespace) -> None:
    """Check at every note, publish."""
    from benchmarks.heldout import opened
    from musiclstm.model import GUARD, encode

    loaded, held = opened(options)
    rows = [encode(held.collection.piece(i), loaded.vocabulary) for side in ("validation", "test") for i in held.sides[side]]
    endless = 10**6
    rules = {
        "figures": replace(GUARD, phrase=endless, longest=endless),
        "figures and phrases": replace(GUARD, longest=endless),
        "figures, phrases and copies": GUARD,
    }
    shares = {name: 100 * standing_in_loops(rows, loaded.vocabulary, guard) for name, guard in rules.items()}
    figures = [
        Figure(f"notes of human music at which the guard would step in, by {name}", share, "%") for name, share in shares.items()
    ]
    notes = [f"{sum(map(len, rows)):,} notes of {len(rows)} validation and test pieces."]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    publish("Loop guard", section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries))


def standing_in_loops(pieces: list[Any], vocabulary: Any, guard: Any) -> float:
    """The share of the pieces' notes, rows [n, 6] each, after which the guard would step in."""
    import numpy as np
    import tensorflow as tf

    from musiclstm.config import HORIZON
    from musiclstm.model import features, is_looping

    spec = features.FeatureSpec(vocabulary.steps, vocabulary.durations, vocabulary.velocities, horizon=HORIZON)
    longest = max(map(len, pieces))
    padded = np.stack([np.pad(np.asarray(rows, np.int32), ((0, longest - len(rows)), (0, 0))) for rows in pieces], axis=1)
    present = np.arange(longest)[:, None] < np.array([len(rows) for rows in pieces])

    def ask(rows: Any, present: Any) -> Any:
        """How many of the rows [T, B, 6] that are ``present`` [T, B] stand in a loop."""

        def body(time: Any, state: Any, count: Any) -> tuple[Any, Any, Any]:
            state = features.advance(state, rows[time], spec)
            looping = is_looping(state["exact"], state["relative"], guard)[0]
            return time + 1, state, count + tf.reduce_sum(tf.cast(looping & present[time], tf.int32))

        start = (tf.constant(0), features.initial_state(len(pieces), spec), tf.constant(0))
        return tf.while_loop(lambda time, *_: time < longest, body, start)[2]

    compiled = tf.function(ask, autograph=False)
    return int(compiled(tf.constant(padded), tf.constant(present))) / int(present.sum())


if __name__ == "__main__":
    run(__doc__, measure)
