"""Chooses the take that the page shows to new visitors, and stores it with a checkpoint: example.json.

Run it after a training: PYTHONPATH=. python scripts/choose_example.py [--checkpoint DIR]
Of many takes of several openings, those without a fault stay: no loop was left by force, no more is shared with known pieces than
half of human music shares, it ends in the key on its tonic, has the opening's key and density, and bars are as alike as they are
where composers went on themselves. The critic chooses among them. The notes are stored as a link, so the page needs no model to
show them; a checkpoint without example.json, or with one of other weights, writes an example when it starts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.api import BUNDLED
from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.checkpoint_files import EXAMPLE
from musiclstm.config import SamplingOptions
from musiclstm.generation import ComposeRequest, Composition, Take, compose, link_of
from musiclstm.music import Piece, estimate_key, join, named_like
from musiclstm.scoring import structure
from musiclstm.seeds import Seed

BARS, TAKES = 16, 4
DENSITY = (0.7, 1.4)  # notes a tick, continuation against opening
USUAL = (10, 90)  # percentiles of what composers wrote
MOST_UNUSUAL = 2  # figures of structure outside of them, of 12; one in five is outside for the composers themselves

Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Candidate:
    """A take, and the names of its ``faults``."""

    composition: Composition
    take: Take
    faults: tuple[str, ...]


def usual_structure(seeds: Sequence[Seed]) -> Ranges:
    """Between which values the figures of structure usually lie where composers went on after ``seeds`` themselves."""
    whole = [(join(seed.piece, seed.original.piece, seed.end), seed.end) for seed in seeds if seed.original is not None]
    known = [structure.scores(piece, end) for piece, end in whole]
    if not known:
        return {}
    low, high = np.nanpercentile([[each[name] for name in structure.SCORES] for each in known], USUAL, axis=0).tolist()
    return dict(zip(structure.SCORES, zip(low, high, strict=True), strict=True))


def faults(composition: Composition, take: Take, usual: Ranges, most_shared: int) -> Iterator[str]:
    """What speaks against showing a take to everybody."""
    seed, key, split = composition.seed, composition.seed.key, composition.split
    if take.loops:
        yield "loops"
    if take.shared_passage is not None and take.shared_passage.notes > most_shared:
        yield "copied"
    if key is not None:
        if named_like(estimate_key(take.continuation)[0], key) != key:
            yield "key"
        if int(_last_chord(take.continuation)[0]) % 12 != key.tonic:
            yield "end"
    density = len(take.continuation) * split / max(1, take.joined.end - split) / len(seed)
    if not DENSITY[0] <= density <= DENSITY[1]:
        yield "density"
    found = structure.scores(take.joined, split)
    if sum(not low <= found[name] <= high for name, (low, high) in usual.items()) > MOST_UNUSUAL:
        yield "structure"


def _last_chord(piece: Piece) -> NDArray[np.int64]:
    """The pitches that are struck last, the lowest first."""
    onset = piece.notes["onset"]
    return np.sort(piece.notes["pitch"][onset == onset[-1]])


def candidates(checkpoint: Checkpoint, seeds: Sequence[Seed], diversities: Sequence[float], numbers: int) -> Iterator[Candidate]:
    """TAKES takes for each opening, diversity and random seed from 1 to ``numbers``."""
    usual = usual_structure(checkpoint.seeds)
    most_shared = int(checkpoint.metrics.get("originality", {}).get("people", {}).get("50", 9))
    for seed in seeds:
        for diversity in diversities:
            for number in range(1, numbers + 1):
                asked = ComposeRequest(
                    seed, bars=BARS, takes=TAKES, random_seed=number, sampling=SamplingOptions(diversity=diversity)
                )
                composition = compose(checkpoint, asked)
                for take in composition.takes:
                    yield Candidate(composition, take, tuple(faults(composition, take, usual, most_shared)))


def best(found: Sequence[Candidate]) -> Candidate:
    """The one with the fewest faults; of these, the critic's favourite."""
    return min(found, key=lambda each: (len(each.faults), -(each.take.score or 0.0)))


def stored(chosen: Candidate, count: int) -> dict[str, Any]:
    """The contents of example.json: the music as a link, and why it was chosen, for readers."""
    take, request = chosen.take, chosen.composition.request
    shared = None if take.shared_passage is None else take.shared_passage.notes
    return {
        "link": link_of(chosen.composition, take),
        "seed": request.seed.id,
        "diversity": request.sampling.diversity,
        "random_seed": request.random_seed,
        "take": take.number,
        "critic": None if take.score is None else round(take.score, 2),
        "shared_notes": shared,
        "faults": list(chosen.faults),
        "best_of": count,
    }


def main() -> None:
    """Write many takes, choose, store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=BUNDLED, metavar="DIR")
    parser.add_argument("--openings", type=int, default=12, help="how many of the checkpoint's seeds, the first")
    parser.add_argument("--diversity", type=float, nargs="*", default=[0.95, 1.05, 1.15])
    parser.add_argument("--random-seeds", type=int, default=1, help="how many for each opening and diversity")
    options = parser.parse_args()
    # The name that the page gives it, so that the recipe names the same checkpoint.
    checkpoint = load_checkpoint(options.checkpoint, revision="bundled" if options.checkpoint == BUNDLED else "")
    found = []
    for each in candidates(checkpoint, checkpoint.seeds[: options.openings], options.diversity, options.random_seeds):
        found.append(each)
        request, score = each.composition.request, each.take.score or 0.0
        print(request.seed.id, request.sampling.diversity, request.random_seed, each.take.number, f"{score:.2f}", *each.faults)
    text = json.dumps(stored(best(found), len(found)), indent=1)
    (options.checkpoint / EXAMPLE).write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
