"""Release a checkpoint: gate, examples, judges, card, push.

A checkpoint is not published if it surely needs more bits per note than a competitor. The gate measures three models on the
pieces that the new checkpoint held out from training: the new checkpoint, the one on the Hub now, and a Markov chain counted on
the new one's training pieces (``evaluation.ngram``). "Surely": the 95 % interval of the difference, piece by piece and resampling
works, lies above 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.checkpoint import Checkpoint, load_checkpoint
from musiclstm.checkpoint_files import MARKER, OPTIONAL, PARTS
from musiclstm.data import Collection, open_data, split
from musiclstm.errors import CheckpointError, DataError, OptionError
from musiclstm.evaluation import LANES, Evaluator, NoteScores, is_new, middle_95, ngram, total, work_weights
from musiclstm.hub import CARD, Published, Remote, download_checkpoint, upload
from musiclstm.model import encode, quarters
from musiclstm.music import Piece
from musiclstm.publishing import examples
from musiclstm.publishing.card import merged, with_sections
from musiclstm.publishing.judgement import judgement
from musiclstm.scratch import temporary_folder

ROUNDING = 0.0005  # bits per note; smaller differences count as equal, since three decimals are shown
RESAMPLES = 2000
BESIDE_THE_CARD = ("learning-curves.svg", "credits.csv")
LONGEST_REASON = 300

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Contender:
    """A measured model: its figures on the held-out pieces, as from ``scores.Likelihood.summary``, and those of each piece.

    ``lost`` [pieces]: bits of all notes of a piece; ``notes`` [pieces]: how many were predicted.
    """

    name: str
    figures: Mapping[str, Any]
    lost: NDArray[np.float64]
    notes: NDArray[np.float64]

    @property
    def bits(self) -> float:
        """Bits per note."""
        return float(self.figures["bits_per_note"])

    def above(self, other: Contender, works: Sequence[str]) -> tuple[float, float]:
        """By how many bits per note it needs more than ``other``: a 95 % interval, resampling the ``works`` of the pieces.

        For too few works both ends are the difference itself.
        """
        weights = work_weights(works, RESAMPLES, np.random.default_rng(1))
        if not len(weights):
            weights = np.ones((1, len(works)))
        return middle_95(weights @ (self.lost - other.lost) / (weights @ self.notes))


@dataclass(frozen=True)
class Verdict:
    """Whether a checkpoint may be published: only without ``reasons`` against it. The new one is the first of ``contenders``.

    ``works`` are those of the pieces that all were measured on.
    """

    contenders: tuple[Contender, ...]
    works: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each contender that surely needs fewer bits per note than the first."""
        mine, *others = self.contenders
        found = []
        for other in others:
            low, high = mine.above(other, self.works)
            if low > ROUNDING:
                more = f", more by {low:.3f} to {high:.3f}" if low < high else ""
                found.append(f"It needs {mine.bits:.3f} bits per note on held-out pieces ({other.name}: {other.bits:.3f}){more}.")
        return tuple(found)

    def section(self, forced: str = "") -> str:
        """The verdict as a section of the model card; ``forced``: the reason to publish anyway."""
        mine = self.contenders[0]
        pieces, notes = mine.figures["pieces"], mine.figures["notes"]
        head = "| | bits per note | more than this one | bits per quarter | new material | pitch | step | duration |"
        comments = [*self.remarks, *self.reasons, *([f"Published anyway: {forced}"] if forced else [])]
        apart = [_span(*other.above(mine, self.works)) for other in self.contenders[1:]]
        rows = "\n".join(_row(*each) for each in zip(self.contenders, ["", *apart], strict=True))
        said = f"On {pieces} held-out pieces with {notes:,} predicted notes; works in all: {len(set(self.works))}. "
        said += "The intervals hold 95 % of bootstrap samples that draw works."
        return "\n\n".join([f"## Before publishing\n\n{said}\n\n{head}\n{'|---' * 8}|\n{rows}", *comments])


@dataclass(frozen=True)
class Release:
    """A checkpoint ready to be published: its files by name, the current state of the repository, and the verdict.

    ``verdict`` is None if the Hub has these files already, so that there is nothing to decide.
    """

    repo: str
    files: Mapping[str, bytes]
    remote: Remote | None
    verdict: Verdict | None

    def push(self, *, private: bool = False) -> Published:
        """Publish the checkpoint; see ``upload.publish``. Raises HubError."""
        version = self.remote.next_version if self.remote else "v1"
        there = self.remote.files if self.remote else ()
        old = [name for name in there if name.startswith(f"{examples.FOLDER}/") and name not in self.files]
        said = f"Checkpoint {version}"
        return upload.publish(self.repo, self.files, self.remote, removed=old, message=said, private=private)


def release(
    folder: Path,
    repo: str,
    data: Sequence[str],
    *,
    forced: str = "",
    private: bool = False,
    dry_run: bool = False,
    say: Say = print,
) -> Published | None:
    """``prepare`` and ``push``, with progress through ``say``; None for a ``dry_run``, which sends nothing.

    Data that the training has cached in the neighbouring folder DIR.work is not read again.
    """
    work = folder.resolve().with_name(f"{folder.resolve().name}.work")
    with temporary_folder() as scratch:
        prepared = prepare(folder, repo, data, (work if work.is_dir() else scratch) / "cache", forced=forced, say=say)
    if prepared.verdict is not None:
        say(prepared.verdict.section(forced))
    sent = prepared.remote.changed(prepared.files) if prepared.remote else list(prepared.files)
    for name in sent:
        say(f"{'Would send' if dry_run else 'Sending'} {name}, {len(prepared.files[name]):,} bytes.")
    if dry_run:
        say(f"Nothing was sent to {repo}.")
        return None
    published = prepared.push(private=private)
    where = f"{repo}@{published.version}, commit {published.commit}"
    say(f"Published as {where}." if published.sent else f"Nothing to publish: the Hub already has these files as {where}.")
    return published


def prepare(folder: Path, repo: str, data: Sequence[str], cache: Path, *, forced: str = "", say: Say = print) -> Release:
    """Check the folder, look at the repository, measure, write the card.

    ``data`` is the training data, named as for training; ``cache`` is its cache folder. ``forced``: the reason to publish even if
    the gate refuses. Raises CheckpointError if the folder is not a complete checkpoint or the gate refuses it; DataError if
    ``data`` is not what it was trained on; OptionError for a malformed name; HubError.
    """
    check_reason(forced)
    new = load_checkpoint(folder)
    names = (*PARTS, *OPTIONAL, CARD, *BESIDE_THE_CARD)
    files = {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}
    if CARD not in files:
        raise CheckpointError(f"{folder} has no {CARD}: a checkpoint can only be published with its model card.")
    remote = upload.look(repo)
    if remote is not None and set(remote.changed(files)) <= {CARD}:
        card = upload.read(remote, CARD)  # unchanged: its verdict still holds
        kept = files if card is None else files | {CARD: card.encode()}
        return Release(repo, kept, remote, None)
    collection = open_data(data, cache, say)
    verdict = measure(new, _published(repo, remote, say), collection, say)
    if verdict.reasons and not forced:
        raise CheckpointError(
            f"{' '.join(verdict.reasons)} It was not published; --force REASON publishes it anyway and writes the reason into "
            "the card."
        )
    say("Writing examples to hear ...")
    played = examples.examples_of(new)
    files |= examples.files_of(played)
    heard = examples.section(played, partial(upload.address, repo))
    tested = [collection.piece(index) for index in held_out(new.metrics, collection)["test"]]
    sections = heard, judgement(new, tested, say), verdict.section(forced), _hashes(files)
    card = with_sections(files[CARD].decode("utf-8"), [section for section in sections if section])
    theirs = upload.read(remote, CARD) if remote is not None else None
    text = card if theirs is None else merged(card, theirs)
    return Release(repo, files | {CARD: text.encode()}, remote, verdict)


def measure(new: Checkpoint, published: Checkpoint | None, collection: Collection, say: Say = print) -> Verdict:
    """Measure all three models on the pieces that ``new`` held out. Raises DataError if it was not trained on ``collection``."""
    sides = held_out(new.metrics, collection)
    remarks = []
    chosen = sides["test"]
    if published is not None:
        theirs = set(published.metrics.get("training", {}).get("works_in_test", ()))
        both = [index for index in chosen if collection.entries[index].work in theirs]
        if both and len(both) < len(chosen):
            chosen = both
            remarks.append("Both this checkpoint and the published one held out these pieces.")
        elif not both:
            remarks.append("The published checkpoint held out other pieces, so it may have been trained on some of these.")
    pieces = [collection.piece(index) for index in chosen]
    say(f"Evaluating on {len(pieces)} held-out pieces ...")
    contenders = [measured_on(f"this checkpoint ({new.name})", new, pieces)]
    if published is not None:
        contenders.append(measured_on(f"published ({published.revision})", published, pieces))
    contenders.append(_counted(new, pieces, collection, sides))
    works = tuple(collection.entries[index].work for index in chosen)
    return Verdict(tuple(contenders), works, tuple(remarks))


def check_reason(forced: str) -> None:
    """Raise OptionError if the reason to publish a worse checkpoint is too long for the model card."""
    if len(forced) > LONGEST_REASON:
        raise OptionError(f"The reason in the model card may have up to {LONGEST_REASON} characters, not {len(forced)}.")


def held_out(metrics: Mapping[str, Any], collection: Collection) -> dict[str, list[int]]:
    """The "train", "validation" and "test" pieces of a checkpoint's training data. Raises DataError for other data."""
    try:
        training = metrics["training"]
        options, theirs = training["options"], set(training["works_in_test"])
        shares = options["validation_share"], options["test_share"], options["random_seed"]
        seed_works, known_works = (set(training.get(name, ())) for name in ("works_of_seeds", "works_known"))
    except (KeyError, TypeError) as error:
        raise DataError("The checkpoint does not record how its data was split: train it with this program.") from error
    sides = split(collection, *shares, seed_works, known_works)
    works = {collection.entries[index].work for index in sides["test"]}
    if works != theirs:
        raise DataError(
            f"This is not the data that the checkpoint was trained on: it held out {_some(theirs)}, but from this data it would "
            f"hold out {_some(works)}."
        )
    return sides


def measured_on(name: str, checkpoint: Checkpoint, pieces: Sequence[Piece]) -> Contender:
    """The checkpoint, measured on ``pieces``."""
    rows = [encode(piece, checkpoint.vocabulary) for piece in pieces]
    scores = Evaluator(checkpoint, min(LANES, len(pieces))).scores(pieces)
    return _contender(name, scores, quarters(rows, checkpoint.vocabulary))


def _contender(name: str, scores: Sequence[NoteScores], covered: float) -> Contender:
    figures = total(scores, covered).summary()
    return Contender(name, figures, *np.array([(score.lost, len(score.nats)) for score in scores], np.float64).T)


def _counted(new: Checkpoint, pieces: Sequence[Piece], collection: Collection, sides: Mapping[str, Sequence[int]]) -> Contender:
    """A Markov chain counted on the training pieces, of the order that is best on the validation pieces."""
    vocabulary = new.vocabulary
    known, validation = ([encode(collection.piece(i), vocabulary) for i in sides[side]] for side in ("train", "validation"))
    model = ngram.fit(known, vocabulary)
    order = ngram.best_order(ngram.bits_by_order(model, validation))
    rows = [encode(piece, vocabulary) for piece in pieces]
    scores = [NoteScores(*model.scores(piece, order, recall=True), is_new(piece)) for piece in rows]
    return _contender(f"Markov chain of order {order}", scores, quarters(rows, vocabulary))


def _published(repo: str, remote: Remote | None, say: Say) -> Checkpoint | None:
    """The checkpoint on the Hub now; None if there is none that this program can read."""
    if remote is None or MARKER not in remote.files:
        return None
    pulled = download_checkpoint(repo, remote.commit)
    try:
        return load_checkpoint(pulled.folder, revision=remote.version or pulled.revision)
    except CheckpointError as error:  # for example, an older format
        say(f"Not compared with the published checkpoint: {error}")
        return None


def _span(low: float, high: float) -> str:
    return f"{low:+.3f} to {high:+.3f}" if low < high else f"{low:+.3f}"


def _row(contender: Contender, apart: str) -> str:
    figures = contender.figures
    right = " | ".join(f"{figures['accuracy'][stream]:.1%}" for stream in ("pitch", "step", "duration"))
    new = figures["new_material"]["bits_per_note"]
    return f"| {contender.name} | {contender.bits:.3f} | {apart} | {figures['bits_per_quarter']:.2f} | {new:.3f} | {right} |"


def _hashes(files: Mapping[str, bytes]) -> str:
    """The section of the card with a hash of every file, to check a copy."""
    listed = ((name, data) for name, data in files.items() if name != CARD)
    lines = [f"| `{name}` | {len(data):,} | `{hashlib.sha256(data).hexdigest()}` |" for name, data in listed]
    return "\n".join(["## Files\n", "| file | bytes | SHA-256 |", "|---|---|---|", *lines])


def _some(works: set[str]) -> str:
    return ", ".join(sorted(works)[:3]) + (", ..." if len(works) > 3 else "")
