"""Claim: of four takes, the one ranked first is nearer to the human continuation than a random take.

Held-out passages of the test pieces are continued four times. The distance of a take from the human continuation of the same
seed is the mean, over nine features of the music (``musiclstm/scoring/musicality.py``), of their difference in standard
deviations of human music. The ranking (``musiclstm/scoring/ranking.py``) sees the seed and the take, never the human
continuation, and was fitted on training pieces.
"""

from __future__ import annotations

import argparse

from benchmarks.music import run
from benchmarks.report import Figure, cores, publish, section

TAKES = 4


def measure(options: argparse.Namespace) -> None:
    """Continue, rank, compare, publish."""
    import numpy as np

    from benchmarks.heldout import held_out
    from musiclstm.checkpoint import load_checkpoint
    from musiclstm.evaluation import continuations
    from musiclstm.generation import compose
    from musiclstm.scoring import loops, musicality

    loaded = load_checkpoint(options.checkpoint)
    if loaded.ranking is None:
        raise SystemExit("The checkpoint has no ranking in its metrics.json.")
    held = held_out(options.data, loaded.metrics, options.work / "cache")
    rng = np.random.default_rng(1)
    passages = continuations.held_out([held.collection.piece(i) for i in held.sides["test"]], rng, options.passages)
    names = (*musicality.FEATURES, *musicality.EXTRAS)
    true = np.array([[passage.features(passage.continuation)[name] for name in names] for passage in passages])
    spread = np.maximum(np.nanstd(true, axis=0), 1e-9)
    away, repeated, central = [], [], []
    for number, passage in enumerate(passages):
        takes = compose(loaded, passage.request(takes=TAKES, random_seed=number)).takes
        found = np.array([[passage.features(take.continuation)[name] for name in names] for take in takes])
        away.append(np.nanmean(np.abs(found - true[number]) / spread, axis=1))
        spreads = np.nanmean(np.abs(found - np.nanmean(found, axis=0)) / spread, axis=1)
        central.append(away[-1][int(np.argmin(spreads))])
        begin = len(passage.seed)
        theirs = loops.repeated_figures(loops.rows(passage.piece), begin)
        repeated.append([abs(loops.repeated_figures(loops.rows(take.joined), begin) - theirs) for take in takes])
    distances, figures_apart = np.array(away), np.array(repeated)
    middle = np.array(central)
    gains = distances.mean(axis=1) - distances[:, 0]
    samples = gains[rng.integers(len(gains), size=(2000, len(gains)))].mean(axis=1)
    low, high = np.percentile(samples, (2.5, 97.5)).tolist()
    figures = [
        Figure("a random take: distance from the human continuation", float(distances.mean()), "standard deviations"),
        *(
            Figure(f"take ranked {place + 1}: distance", float(distances[:, place].mean()), "standard deviations")
            for place in range(TAKES)
        ),
        Figure("the take nearest to the mean of the four: distance", float(middle.mean()), "standard deviations"),
        Figure("the first is nearer than a random one by", float(gains.mean()), "standard deviations"),
        Figure("lower end of the 95 % interval of that", low, "standard deviations", least=0.0),
        Figure("upper end of the 95 % interval", high, "standard deviations"),
        Figure("share of repeated figures, first take: distance from the human share", float(figures_apart[:, 0].mean())),
        Figure("share of repeated figures, random take: distance from the human share", float(figures_apart.mean())),
    ]
    notes = [f"{len(passages)} passages of the test pieces, {TAKES} takes of 16 bars each at the default diversity."]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    text = section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries)
    publish("Best take first", text)


if __name__ == "__main__":
    run(__doc__, measure, passages=60)
