"""Adds the catalogue's new openings to the bundled checkpoint: its seeds, its index of known music and its card.

Run it after openings were added to the catalogue: PYTHONPATH=. python scripts/add_seeds.py
The weights and the seeds that are there stay as they are, and recipes stay valid. An opening that the network was trained on
would be recited, so this refuses one that shares a long passage with the training pieces.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from musiclstm.api import BUNDLED, open_checkpoint
from musiclstm.checkpoint import Checkpoint
from musiclstm.evaluation import Evaluator
from musiclstm.scoring import OriginalityIndex, build_index, write_index
from musiclstm.seeds import Seed, curation_score, load_catalogue

MOST_SHARED = 24  # notes in a row; human music of 16 bars shares 17 or fewer with the training pieces, 95 times of 100


def missing(checkpoint: Checkpoint) -> list[Seed]:
    """The openings of the catalogue that the checkpoint lacks, with the network's bits per note in their score."""
    known = {seed.id for seed in checkpoint.seeds}
    seeds = [seed for seed in load_catalogue() if seed.id not in known]
    bits = Evaluator(checkpoint, lanes=1).bits_per_note([seed.piece for seed in seeds]) if seeds else []
    return [replace(seed, curation=curation_score(seed.piece, bit)) for seed, bit in zip(seeds, bits, strict=True)]


def recited(seeds: Sequence[Seed], index: OriginalityIndex, folder: Path) -> list[str]:
    """The ids of ``seeds`` that share a long passage with a piece of the side "train" in credits.csv."""
    with (folder / "credits.csv").open(encoding="utf-8", newline="") as file:
        trained = {row["file"] for row in csv.DictReader(file) if row["side"] == "train"}
    others = [piece.name for piece in index.pieces if piece.name not in trained]
    return [seed.id for seed in seeds if index.longest(seed.piece, exclude=others).notes > MOST_SHARED]


def with_originals(index: OriginalityIndex, seeds: Sequence[Seed]) -> OriginalityIndex:
    """The index with the composers' own continuations of ``seeds``."""
    added = build_index(seed.original.piece for seed in seeds if seed.original is not None)
    return OriginalityIndex(
        tuple(chain(index.pieces, added.pieces)),
        np.concatenate([index.counts, added.counts]),
        np.concatenate([index.figures, added.figures]),
    )


def write(folder: Path, seeds: Sequence[Seed], known: int, index: OriginalityIndex) -> None:
    """Append ``seeds`` to seeds.json and to the card, and write the ``index``, which had ``known`` pieces."""
    stored = (folder / "seeds.json").read_text(encoding="utf-8").rstrip().removesuffix("]")
    rows = [json.dumps(seed.to_json(), ensure_ascii=False, separators=(",", ":")) for seed in seeds]
    (folder / "seeds.json").write_text(",".join([stored, *rows]) + "]\n", encoding="utf-8")
    write_index(index, folder / "originality.npz")
    for name, counted in (("README.md", "{} known pieces"), ("metrics.json", '"known": {}')):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(counted.format(known), counted.format(len(index.pieces))), encoding="utf-8")
    listed, heading, rest = (folder / "README.md").read_text(encoding="utf-8").partition("\n## Limits")
    lines = [f"- {seed.composer}: {seed.title} ({seed.source}; {seed.licence})" for seed in seeds]
    (folder / "README.md").write_text("\n".join([listed.rstrip(), *lines, ""]) + heading + rest, encoding="utf-8")


def main() -> None:
    """Add what is missing."""
    checkpoint = open_checkpoint()
    index = checkpoint.originality
    if index is None:
        raise SystemExit("The bundled checkpoint has no index of known music.")
    seeds = missing(checkpoint)
    if learnt := recited(seeds, index, BUNDLED):
        raise SystemExit(f"The network was trained on {', '.join(learnt)}; choose other openings.")
    if seeds:
        write(BUNDLED, seeds, len(index.pieces), with_originals(index, seeds))


if __name__ == "__main__":
    main()
