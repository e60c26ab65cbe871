"""From trained weights to a checkpoint folder: measure, choose seeds, draw the curves, write the card, save, reload and play.

What the weights are trained on and how is ``training``'s business; here they become something others can use and judge.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from musiclstm.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, size_for
from musiclstm.config import TrainConfig
from musiclstm.data import Collection, open_data, split
from musiclstm.errors import CheckpointError, DataError
from musiclstm.evaluation import Evaluator, held_out
from musiclstm.generation import ComposeRequest, Composition, compose
from musiclstm.model import fit_vocabulary
from musiclstm.publishing import Credit, model_card
from musiclstm.scoring import build_index, fit_ranking, human_overlap
from musiclstm.seeds import Seed, curate, curation_score, load_catalogue
from musiclstm.training.distributed import WorkerGroup
from musiclstm.training.trainer import Trainer, trained_network

CURVES = "learning-curves.svg"
CURATED = 24
RANKED, RANKING_SEED = 300, 1  # pieces that people's continuations are taken from, about two of each


def prepare(
    data: str,
    work: Path,
    options: TrainConfig,
    sizes: dict[str, int],
    *,
    group: WorkerGroup | None = None,
    say: Callable[[str], None] = print,
) -> Trainer:
    """Read ``data`` (as ``open_data``) into the cache in ``work``, split it, fit the vocabulary.

    Of a ``group`` the leader reads first, so that others on the same disk find the cache. Raises DataError, OptionError,
    CheckpointError, MissingToolError or WorkerError in one sentence.
    """
    group = group or WorkerGroup()
    group.lanes(options.lanes)  # what can't be shared out should not cost the reading
    if not group.leads:
        group.wait()
    collection = open_data(data, work / "cache", say)
    if group.leads:
        group.wait()
    sides = split(collection, options.validation_share, options.test_share, options.random_seed)
    notes = {side: sum(collection.entries[index].count for index in pieces) for side, pieces in sides.items()}
    say(", ".join(f"{side}: {len(pieces)} pieces, {notes[side]:,} notes" for side, pieces in sides.items()))
    vocabulary = fit_vocabulary(collection.piece(index) for index in sides["train"])
    return Trainer(collection, sides, vocabulary, size_for(vocabulary, **sizes), options, group)


def package(
    trainer: Trainer, folder: Path, name: str, credit: Credit, *, own_seeds: bool, say: Callable[[str], None] = print
) -> Composition:
    """Save the trained network in ``folder`` and prove that it plays: returns eight bars that the reloaded one wrote.

    With ``own_seeds`` the seeds are the best passages of the collection's test and validation pieces, else those of the
    catalogue; either way each gets the network's bits per note. Raises CheckpointError if what was saved does not write music.
    """
    say("Measuring on the test pieces ...")
    trainer.average = trainer.best_weights
    metrics = measured(trainer)
    draft = Checkpoint(name, trainer.model, trainer.vocabulary, trained_network(trainer), (), metrics)
    say("Choosing seeds ...")
    seeds = chosen_seeds(draft, trainer.collection, [*trainer.sides["test"], *trainer.sides["validation"]] if own_seeds else None)
    say("Noting what is known ...")
    finished = with_originality(replace(draft, seeds=seeds), trainer.collection, trainer.sides)
    finished = with_ranking(finished, trainer.collection, trainer.sides["train"])
    work = folder.with_name(f"{folder.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    draw_curves(trainer.progress.history, work / CURVES)
    known = trainer.vocabulary.composers[1:]
    composers = Counter(entry.composer for entry in trainer.collection.entries if entry.composer in known)
    card = model_card(name, finished.metrics, credit, composers, seeds)
    save_checkpoint(finished, folder, card=card, extras=[work / CURVES])
    say(f"Saved {folder}; loading it again to write eight bars ...")
    return played(load_checkpoint(folder))


def measured(trainer: Trainer) -> dict[str, Any]:
    """The figures of metrics.json: likelihood on test and validation pieces, and how the training went."""
    sides = trainer.sides
    return {
        "test": trainer.validate("test"),
        "validation": trainer.validate("validation"),
        "parameters": trainer.network.count_params(),
        "training": {
            "pieces": {side: len(pieces) for side, pieces in sides.items()},
            "notes": {side: sum(trainer.lengths[index] for index in pieces) for side, pieces in sides.items()},
            "works_in_test": sorted({trainer.collection.entries[index].work for index in sides["test"]}),
            "epochs": trainer.progress.epoch,
            "best_epoch": min(trainer.progress.history, key=lambda e: e["validation"]["bits_per_note"])["epoch"],
            "minutes": round(trainer.progress.seconds / 60, 1),
            "options": asdict(trainer.options),
            "machine": f"{platform.machine()}, Keras {keras.__version__} on {keras.backend.backend()}",
        },
        "history": trainer.progress.history,
    }


def with_originality(checkpoint: Checkpoint, collection: Collection, sides: Mapping[str, Sequence[int]]) -> Checkpoint:
    """The checkpoint with an index of the "train" pieces, and in its metrics how much people's held-out pieces share with them.

    ``sides`` must be those the network was trained with: indices of the "train", "validation" and "test" pieces. Nothing is
    trained, so that a checkpoint made before can be saved again with an index and a new card.
    """
    index = build_index(collection.piece(number) for number in sides["train"])
    unseen = [*sides["test"], *sides["validation"]]
    people = human_overlap(index, (collection.piece(number) for number in unseen))
    return replace(checkpoint, originality=index, metrics={**checkpoint.metrics, "originality": people})


def with_ranking(checkpoint: Checkpoint, collection: Collection, pieces: Sequence[int]) -> Checkpoint:
    """The checkpoint with a ranking of takes, measured on what people wrote in some of ``pieces``; as it is if they are too few.

    ``pieces`` should be those it was trained on: the others are for judging.
    """
    rng = np.random.default_rng(RANKING_SEED)
    some = rng.permutation(len(pieces))[:RANKED]
    try:
        passages = held_out([collection.piece(pieces[index]) for index in some], rng, 2 * RANKED)
    except DataError:
        return checkpoint
    ranking = fit_ranking([(passage.piece, passage.split) for passage in passages])
    return checkpoint if ranking is None else replace(checkpoint, metrics={**checkpoint.metrics, "ranking": ranking.to_json()})


def chosen_seeds(checkpoint: Checkpoint, collection: Collection, pieces: Sequence[int] | None) -> tuple[Seed, ...]:
    """Seeds with the network's bits per note in their score: the best of ``pieces``.

    Where ``pieces`` is None, or none of them has a passage that makes a seed, they are those of the catalogue.
    """
    evaluator = Evaluator(checkpoint, lanes=1)
    if pieces is not None:
        own = curate((collection.piece(i) for i in pieces), CURATED, bits=lambda piece: evaluator.bits_per_note([piece])[0])
        if own:
            return own
    catalogue = load_catalogue()
    bits = evaluator.bits_per_note([seed.piece for seed in catalogue])
    return tuple(replace(seed, curation=curation_score(seed.piece, bit)) for seed, bit in zip(catalogue, bits, strict=True))


def played(checkpoint: Checkpoint) -> Composition:
    """Eight bars after the first seed. Raises CheckpointError if nothing, or one pitch only, is written."""
    if not checkpoint.seeds:
        raise CheckpointError("The checkpoint has no seeds, so nothing can be continued with it.")
    composition = compose(checkpoint, ComposeRequest(checkpoint.seeds[0], bars=8))
    pitches = set(composition.takes[0].continuation.notes["pitch"].tolist())
    if len(pitches) < 2:
        raise CheckpointError(
            f"The trained network writes {len(pitches)} different pitches in eight bars: it has not learnt music yet."
        )
    return composition


def draw_curves(history: Sequence[dict[str, Any]], path: Path) -> None:
    """Learning curves as an SVG picture: bits per note by stream over epochs, training and validation."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # Figure alone keeps pyplot's global state out

    with mpl.rc_context({"svg.hashsalt": "musiclstm", "font.size": 10}):
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        epochs = [entry["epoch"] for entry in history]
        for stream, colour in (("step", "#0072B2"), ("pitch", "#D55E00"), ("duration", "#009E73")):
            train = [entry["train_nats"][stream] / 0.6931471805599453 for entry in history]
            held_out = [entry["validation"]["stream_bits_per_note"][stream] for entry in history]
            axes.plot(epochs, held_out, color=colour, marker="o", markersize=3, label=f"{stream}, validation")
            axes.plot(epochs, train, color=colour, linestyle="--", linewidth=1, label=f"{stream}, training")
        axes.set_xlabel("epoch")
        axes.set_ylabel("bits per note")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(ncols=3, fontsize=8)
        figure.savefig(path, format="svg", metadata={"Date": None})
