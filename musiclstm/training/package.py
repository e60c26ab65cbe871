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
from musiclstm.publishing import Dataset, model_card, with_finetuning
from musiclstm.scoring import OriginalityIndex, build_index, human_overlap
from musiclstm.seeds import Seed, curate, curation_score, load_catalogue
from musiclstm.training.distributed import WorkerGroup
from musiclstm.training.finetuning import compared, joined_index, joined_openings, start_from
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
    base: Checkpoint | None = None,
    group: WorkerGroup | None = None,
    say: Callable[[str], None] = print,
) -> Trainer:
    """Read ``data`` (as in ``open_data``) into the cache in ``work``, split it and fit the vocabulary.

    With a ``base`` the run goes on from that checkpoint, whose vocabulary and sizes stay. Works that contain one of the ``seeds``
    are not trained on. In a ``group`` the leader reads first, so that workers on the same
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
    start = None if base is None else start_from(base, collection, options.random_seed, seed_works, say)
    known = start.known if start is not None else frozenset[str]()
    sides = split(collection, options.validation_share, options.test_share, options.random_seed, seed_works, known)
    notes = {side: sum(collection.entries[index].count for index in pieces) for side, pieces in sides.items()}
    say(", ".join(f"{side}: {len(pieces)} pieces, {notes[side]:,} notes" for side, pieces in sides.items()))
    if base is not None:
        return Trainer(collection, sides, base.vocabulary, base.config, options, group, start)
    vocabulary = fit_vocabulary(collection.piece(index) for index in sides["train"])
    return Trainer(collection, sides, vocabulary, size_for(vocabulary, **sizes), options, group)


def package(
    trainer: Trainer,
    folder: Path,
    name: str,
    datasets: Sequence[Dataset],
    *,
    own_seeds: bool,
    base: Checkpoint | None = None,
    credits_of_base: Path | None = None,
    say: Callable[[str], None] = print,
) -> Composition:
    """Save the trained network in ``folder``, reload it and let it write eight bars, which are returned.

    With ``own_seeds`` the seeds are the best passages of the collection's test and validation pieces, otherwise those of the
    catalogue; either way each gets the network's bits per note. What was fine-tuned from a ``base`` keeps that one's seeds after
    its own, its critic, what it knows, and its table of credits, if that is a file. Raises CheckpointError if the network did not
    learn or does not write music.
    """
    if base is not None and trainer.progress.waited == trainer.progress.epoch:
        raise CheckpointError(
            f"After {trainer.progress.epoch} epochs the network still needs more bits per note on the validation pieces than "
            f"{base.name}, so nothing was saved: give it more pieces, or a lower --learning-rate."
        )
    say("Evaluating on the test pieces ...")
    trainer.average = trainer.best_weights
    metrics = measured(trainer)
    network = trained_network(trainer)
    draft = Checkpoint(name, trainer.model, trainer.vocabulary, lambda: network, (), metrics)
    say("Choosing seeds ...")
    unseen = [*trainer.sides["test"], *trainer.sides["validation"]] if own_seeds else None
    seeds = chosen_seeds(draft, trainer.collection, unseen, base.seeds if base is not None else ())
    say("Indexing the training pieces ...")
    known = base.originality if base is not None else None
    finished = with_originality(replace(draft, seeds=seeds), trainer.collection, trainer.sides, known)
    if base is not None and base.critic is not None:
        finished = replace(finished, critic=base.critic)
    else:
        finished = with_critic(finished, *_studied(trainer), random_seed=trainer.options.random_seed, say=say)
    finished = replace(finished, metrics={**finished.metrics, "critic": finished.critic is not None})
    if base is not None:
        finished = _with_comparison(finished, base, trainer, say)
    work = folder.with_name(f"{folder.name}.work")
    work.mkdir(parents=True, exist_ok=True)
    draw_curves(trainer.progress.history, work / CURVES)
    named = trainer.vocabulary.composers[1:]
    composers = Counter(entry.composer for entry in trainer.collection.entries if entry.composer in named)
    card = model_card(name, finished.metrics, datasets, composers, seeds)
    if base is not None:
        card = with_finetuning(card, finished.metrics["finetuning"], base.metrics)
    write_credits(trainer, work / CREDITS, credits_of_base)
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
            "works_known": sorted(trainer.start.known) if trainer.start is not None else [],
            "epochs": trainer.progress.epoch,
            "best_epoch": trainer.progress.epoch - trainer.progress.waited,
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


def _with_comparison(checkpoint: Checkpoint, base: Checkpoint, trainer: Trainer, say: Callable[[str], None]) -> Checkpoint:
    """The checkpoint with metrics of what it learnt and forgot since ``base``."""
    say(f"Comparing with {base.name} ...")
    entries = [trainer.collection.entries[index] for index in trainer.sides["test"]]
    pieces = [trainer.collection.piece(index) for index in trainer.sides["test"]]
    found = compared(base, checkpoint, pieces, [entry.work for entry in entries])
    for name in ("new", "old"):
        if name in found:
            say(f"{name} music: {found[name]['before']:.3f} bits per note before, {found[name]['after']:.3f} after.")
    found["memory"] = {"takes": len(trainer.memory), "notes": sum(map(len, trainer.memory))}
    return replace(checkpoint, metrics={**checkpoint.metrics, "finetuning": found})


def with_originality(
    checkpoint: Checkpoint,
    collection: Collection,
    sides: Mapping[str, Sequence[int]],
    known: OriginalityIndex | None = None,
) -> Checkpoint:
    """The checkpoint with an index of known pieces, and with metrics of how much held-out music shares with them.

    Known are the "train" pieces, the works of the seeds, what the composers wrote after the seeds, and what an earlier index of
    a network's training pieces holds. ``sides`` must be those of
    the training: indices of the "train", "validation", "test" and "seeds" pieces. Nothing is trained, so an older checkpoint can
    be saved again with an index and a new card.
    """
    pieces = (collection.piece(number) for number in (*sides["train"], *sides["seeds"]))
    originals = (seed.original.piece for seed in checkpoint.seeds if seed.original is not None)
    index = joined_index(known, build_index(pieces if known is not None else chain(pieces, originals)))
    unseen = [*sides["test"], *sides["validation"]]
    overlap = human_overlap(index, (collection.piece(number) for number in unseen))
    return replace(checkpoint, originality=index, metrics={**checkpoint.metrics, "originality": overlap})


def _studied(trainer: Trainer) -> tuple[list[Piece], list[str]]:
    """The pieces from which the critic learns, and their works: all but validation and test, which measure what it chose."""
    pieces = [*trainer.sides["train"], *trainer.sides["seeds"]]
    return [trainer.collection.piece(index) for index in pieces], [trainer.collection.entries[index].work for index in pieces]


def chosen_seeds(
    checkpoint: Checkpoint, collection: Collection, pieces: Sequence[int] | None, others: Sequence[Seed] = ()
) -> tuple[Seed, ...]:
    """The best seeds of ``pieces``, then the ``others``, with the network's bits per note in their score.

    If there are no others, and ``pieces`` is None or none of them has a suitable passage, the seeds are those of the catalogue.
    """
    evaluator = Evaluator(checkpoint, lanes=1)
    own: tuple[Seed, ...] = ()
    if pieces is not None:
        own = curate((collection.piece(i) for i in pieces), CURATED, bits=lambda piece: evaluator.bits_per_note([piece])[0])
    listed = others or (() if own else load_catalogue())
    bits = evaluator.bits_per_note([seed.piece for seed in listed])
    rated = [replace(seed, curation=curation_score(seed.piece, bit)) for seed, bit in zip(listed, bits, strict=True)]
    return joined_openings(own, rated)


def write_credits(trainer: Trainer, path: Path, earlier: Path | None = None) -> None:
    """Write a table of all pieces: dataset, file, composer, title, licence, typesetter, and side of the split.

    Below stand the rows of the ``earlier`` table, if that is a file.
    """
    kept: list[list[str]] = []
    if earlier is not None and earlier.is_file():
        with earlier.open(encoding="utf-8", newline="") as file:
            kept = list(csv.reader(file))[1:]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("dataset", "file", "composer", "title", "licence", "typesetter", "side"))
        for side, pieces in trainer.sides.items():
            for entry in (trainer.collection.entries[index] for index in pieces):
                credit = entry.credit
                title = credit.title or entry.title
                table.writerow((entry.dataset, entry.name, entry.composer, title, credit.licence, credit.typesetter, side))
        table.writerows(kept)


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
