"""Before and after the training itself: prepare the data, and turn trained weights into a checkpoint folder.

The second part evaluates, chooses seeds, draws the learning curves, writes the card, saves, reloads and composes.
"""

from __future__ import annotations

import csv
import platform
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import keras

from musiclstm.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, size_for
from musiclstm.config import TrainConfig
from musiclstm.data import Collection, open_data, split, works_with
from musiclstm.errors import CheckpointError
from musiclstm.evaluation import Evaluator
from musiclstm.generation import ComposeRequest, Composition, compose
from musiclstm.model import fit_vocabulary
from musiclstm.music import Piece
from musiclstm.publishing import Dataset, model_card
from musiclstm.scoring import build_index, human_overlap
from musiclstm.seeds import Seed, curate, curation_score, load_catalogue
from musiclstm.training.distributed import WorkerGroup
from musiclstm.training.fit_critic import with_critic
from musiclstm.training.trainer import Trainer, trained_network

CURVES, CREDITS = "learning-curves.svg", "credits.csv"
CURATED = 24


def prepare(
    data: Sequence[str],
    work: Path,
    options: TrainConfig,
    sizes: dict[str, Any],
    *,
    seeds: Sequence[Seed] = (),
    group: WorkerGroup | None = None,
    say: Callable[[str], None] = print,
) -> Trainer:
    """Read ``data`` (as in ``open_data``) into the cache in ``work``, split it and fit the vocabulary.

    Works that contain one of the ``seeds`` are not trained on. In a ``group`` the leader reads first, so that workers on the same
    disk find the cache. Raises DataError, OptionError, CheckpointError, MissingToolError or WorkerError.
    """
    group = group or WorkerGroup()
    group.lanes(options.lanes)  # fail before reading the data, not after
    if not group.leads:
        group.wait()
    collection = open_data(data, work / "cache", say)
    if group.leads:
        group.wait()
    seed_works = works_with(collection, (seed.piece.notes for seed in seeds)) if seeds else set()
    sides = split(collection, options.validation_share, options.test_share, options.random_seed, seed_works)
    notes = {side: sum(collection.entries[index].count for index in pieces) for side, pieces in sides.items()}
    say(", ".join(f"{side}: {len(pieces)} pieces, {notes[side]:,} notes" for side, pieces in sides.items()))
    vocabulary = fit_vocabulary(collection.piece(index) for index in sides["train"])
    return Trainer(collection, sides, vocabulary, size_for(vocabulary, **sizes), options, group)


def package(
    trainer: Trainer,
    folder: Path,
    name: str,
    datasets: Sequence[Dataset],
    *,
    own_seeds: bool,
    say: Callable[[str], None] = print,
) -> Composition:
    """Save the trained network in ``folder``, reload it and let it write eight bars, which are returned.

    With ``own_seeds`` the seeds are the best passages of the collection's test and validation pieces, otherwise those of the
    catalogue; either way each gets the network's bits per note. Raises CheckpointError if the saved network does not write music.
    """
    say("Evaluating on the test pieces ...")
    trainer.average = trainer.best_weights
    metrics = measured(trainer)
    network = trained_network(trainer)
    draft = Checkpoint(name, trainer.model, trainer.vocabulary, lambda: network, (), metrics)
    say("Choosing seeds ...")
    seeds = chosen_seeds(draft, trainer.collection, [*trainer.sides["test"], *trainer.sides["validation"]] if own_seeds else None)
    say("Indexing the training pieces ...")
    finished = with_originality(replace(draft, seeds=seeds), trainer.collection, trainer.sides)
    finished = with_critic(finished, *_studied(trainer), random_seed=trainer.options.random_seed, say=say)
    finished = replace(finished, metrics={**finished.metrics, "critic": finished.critic is not None})
    work = folder.with_name(f"{folder.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    draw_curves(trainer.progress.history, work / CURVES)
    known = trainer.vocabulary.composers[1:]
    composers = Counter(entry.composer for entry in trainer.collection.entries if entry.composer in known)
    card = model_card(name, finished.metrics, datasets, composers, seeds)
    write_credits(trainer, work / CREDITS)
    save_checkpoint(finished, folder, card=card, extras=[work / CURVES, work / CREDITS])
    say(f"Saved {folder}; reloading it to write eight bars ...")
    return played(load_checkpoint(folder))


def measured(trainer: Trainer) -> dict[str, Any]:
    """The contents of metrics.json: likelihood on the test and validation pieces, and facts about the training."""
    sides = trainer.sides
    return {
        "test": trainer.validate("test"),
        "validation": trainer.validate("validation"),
        "parameters": trainer.network.count_params(),
        "training": {
            "pieces": {side: len(pieces) for side, pieces in sides.items()},
            "notes": {side: sum(trainer.lengths[index] for index in pieces) for side, pieces in sides.items()},
            "datasets": counted(trainer.collection),
            "works_in_test": sorted({trainer.collection.entries[index].work for index in sides["test"]}),
            "works_of_seeds": sorted({trainer.collection.entries[index].work for index in sides["seeds"]}),
            "epochs": trainer.progress.epoch,
            "best_epoch": min(trainer.progress.history, key=lambda e: e["validation"]["bits_per_note"])["epoch"],
            "minutes": round(trainer.progress.seconds / 60, 1),
            "options": asdict(trainer.options),
            "machine": f"{platform.machine()}, Keras {keras.__version__} on {keras.backend.backend()}",
        },
        "history": trainer.progress.history,
    }


def counted(collection: Collection) -> dict[str, dict[str, int]]:
    """Pieces and notes of each dataset."""
    found: dict[str, dict[str, int]] = {}
    for entry in collection.entries:
        counts = found.setdefault(entry.dataset, {"pieces": 0, "notes": 0})
        counts["pieces"] += 1
        counts["notes"] += entry.count
    return found


def with_originality(checkpoint: Checkpoint, collection: Collection, sides: Mapping[str, Sequence[int]]) -> Checkpoint:
    """The checkpoint with an index of known pieces, and with metrics of how much held-out music shares with them.

    Known are the "train" pieces, the works of the seeds, and what the composers wrote after the seeds. ``sides`` must be those of
    the training: indices of the "train", "validation", "test" and "seeds" pieces. Nothing is trained, so an older checkpoint can
    be saved again with an index and a new card.
    """
    pieces = (collection.piece(number) for number in (*sides["train"], *sides["seeds"]))
    originals = (seed.original.piece for seed in checkpoint.seeds if seed.original is not None)
    index = build_index(chain(pieces, originals))
    unseen = [*sides["test"], *sides["validation"]]
    overlap = human_overlap(index, (collection.piece(number) for number in unseen))
    return replace(checkpoint, originality=index, metrics={**checkpoint.metrics, "originality": overlap})


def _studied(trainer: Trainer) -> tuple[list[Piece], list[str]]:
    """The pieces from which the critic learns, and their works: all but validation and test, which measure what it chose."""
    pieces = [*trainer.sides["train"], *trainer.sides["seeds"]]
    return [trainer.collection.piece(index) for index in pieces], [trainer.collection.entries[index].work for index in pieces]


def chosen_seeds(checkpoint: Checkpoint, collection: Collection, pieces: Sequence[int] | None) -> tuple[Seed, ...]:
    """The best seeds of ``pieces``, with the network's bits per note in their score.

    If ``pieces`` is None, or none of them has a suitable passage, the seeds are those of the catalogue.
    """
    evaluator = Evaluator(checkpoint, lanes=1)
    if pieces is not None:
        own = curate((collection.piece(i) for i in pieces), CURATED, bits=lambda piece: evaluator.bits_per_note([piece])[0])
        if own:
            return own
    catalogue = load_catalogue()
    bits = evaluator.bits_per_note([seed.piece for seed in catalogue])
    return tuple(replace(seed, curation=curation_score(seed.piece, bit)) for seed, bit in zip(catalogue, bits, strict=True))


def write_credits(trainer: Trainer, path: Path) -> None:
    """Write a table of all pieces: dataset, file, composer, title, licence, typesetter, and side of the split."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("dataset", "file", "composer", "title", "licence", "typesetter", "side"))
        for side, pieces in trainer.sides.items():
            for entry in (trainer.collection.entries[index] for index in pieces):
                credit = entry.credit
                title = credit.title or entry.title
                table.writerow((entry.dataset, entry.name, entry.composer, title, credit.licence, credit.typesetter, side))


def played(checkpoint: Checkpoint) -> Composition:
    """Eight bars after the first seed. Raises CheckpointError if they have fewer than two different pitches."""
    if not checkpoint.seeds:
        raise CheckpointError("The checkpoint has no seeds, so there is nothing to continue.")
    composition = compose(checkpoint, ComposeRequest(checkpoint.seeds[0], bars=8))
    pitches = set(composition.takes[0].continuation.notes["pitch"].tolist())
    if len(pitches) < 2:
        raise CheckpointError(
            f"The trained network writes only {len(pitches)} different pitches in eight bars: train it for longer."
        )
    return composition


def draw_curves(history: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the learning curves as SVG: training and validation bits per note by stream over epochs."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # Figure alone avoids pyplot's global state

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
