"""Fine-tune: go on from a trained checkpoint with a handful of pieces, and measure what it learnt and what it forgot.

A network that reads only new music soon forgets the old. The old training pieces are seldom at hand, but the checkpoint can
write: takes of its own after its openings are read beside the new pieces (pseudo-rehearsal: Robins 1995, "Catastrophic
forgetting, rehearsal and pseudorehearsal"). The openings themselves are not read. With what their composers wrote next they are
the old music on which the network is measured before and after, since no checkpoint is trained on its openings.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from musiclstm.api import BUNDLED, open_checkpoint
from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.data import Collection
from musiclstm.generation import OPEN_ENDED, ComposeRequest, compose
from musiclstm.hub import cached_checkpoint, split_reference
from musiclstm.model import Vocabulary
from musiclstm.music import Piece, join
from musiclstm.publishing import measured_on
from musiclstm.scoring import OriginalityIndex
from musiclstm.seeds import Seed

MEMORY_BARS = 24  # of each opening's take
MOST_MEMORY = 64  # takes
KNOWN = 32  # notes in a row; of 120 pieces in two styles that were not trained on, none shares more than 13

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Start:
    """The trained network that a run starts from: its ``weights`` and their ``digest``.

    ``memory``: music of its own, read beside the training pieces so that it forgets less. ``known``: the works of the collection
    that it was trained on.
    """

    weights: Sequence[NDArray[np.float32]]
    digest: str
    memory: tuple[Piece, ...] = ()
    known: frozenset[str] = frozenset()


def open_base(reference: str) -> Checkpoint:
    """The checkpoint to go on from: a folder, OWNER/NAME[@REVISION], or the name of the bundled one.

    Raises OptionError or CheckpointError.
    """
    return open_checkpoint(None if reference == BUNDLED.name and not Path(reference).exists() else reference)


def credits_of(base: Checkpoint, reference: str) -> Path:
    """Where the table of credits of a ``base`` is that ``open_base`` found by its ``reference``; it need not have one."""
    if base.origin:
        downloaded = cached_checkpoint(*split_reference(base.origin))
        return (downloaded.folder if downloaded else Path(reference)) / "credits.csv"
    folder = Path(reference).expanduser()
    return (BUNDLED if reference == BUNDLED.name and not folder.exists() else folder) / "credits.csv"


def start_from(
    base: Checkpoint, collection: Collection, random_seed: int, seed_works: Container[str] = (), say: Say = print
) -> Start:
    """All that a run needs to go on from ``base``; writing the music of its memory takes seconds.

    ``seed_works``: works that contain its openings, which it was not trained on.
    """
    known = {work for work in known_works(base.originality, collection) if work not in seed_works}
    if base.originality is None:
        say(f"{base.name} does not tell what it was trained on: some of the held-out pieces may have been among it.")
    if known:
        say(f"{base.name} was trained on {len(known)} of the works before: they are read again, none of them is held out.")
    odd = unfit_share((collection.piece(index) for index in range(len(collection))), base.vocabulary)
    if odd:
        say(f"The vocabulary of {base.name} lacks the step or the duration of {odd:.1%} of the notes: they take the nearest.")
    say(f"{base.name} plays from memory, so that it forgets less ...")
    weights = [keras.ops.convert_to_numpy(weight) for weight in base.network.trainable_weights]
    return Start(weights, base.digest, memory_of(base, random_seed), frozenset(known))


def memory_of(base: Checkpoint, random_seed: int) -> tuple[Piece, ...]:
    """What ``base`` writes after each of its openings, as it learnt it: with diversity 1, nothing left out or chosen."""
    sampling = SamplingOptions(diversity=1.0, top_p=1.0, loop_guard=False)
    takes = []
    for seed in base.seeds[:MOST_MEMORY]:
        request = ComposeRequest(
            seed, bars=MEMORY_BARS, candidates=1, random_seed=random_seed, sampling=sampling, ending=OPEN_ENDED
        )
        takes.append(replace(compose(base, request).takes[0].continuation, composer=seed.composer))
    return tuple(take for take in takes if len(take) > 1)


def known_works(index: OriginalityIndex | None, collection: Collection) -> set[str]:
    """The works of the collection that share more than KNOWN notes in a row with a piece of ``index``."""
    if index is None:
        return set()
    pieces = ((entry.work, collection.piece(number)) for number, entry in enumerate(collection.entries))
    return {work for work, piece in pieces if index.longest(piece).notes > KNOWN}


def unfit_share(pieces: Iterable[Piece], vocabulary: Vocabulary) -> float:
    """The share of all notes whose step or duration is not in the vocabulary."""
    odd = notes = 0
    for piece in pieces:
        steps = np.diff(piece.notes["onset"], prepend=piece.notes["onset"][:1])
        fits = np.isin(steps, vocabulary.steps) & np.isin(piece.notes["duration"], vocabulary.durations)
        odd, notes = odd + int((~fits).sum()), notes + len(piece)
    return odd / max(1, notes)


def old_music(base: Checkpoint) -> list[Piece]:
    """The openings of ``base``, each with the composer's own continuation where that is known."""

    def whole(seed: Seed) -> Piece:
        return seed.piece if seed.original is None else join(seed.piece, seed.original.piece, seed.end)

    return [replace(whole(seed), source=seed.id, composer=seed.composer) for seed in base.seeds]


def compared(base: Checkpoint, tuned: Checkpoint, pieces: Sequence[Piece], works: Sequence[str]) -> dict[str, Any]:
    """Bits per note of both on the same notes, as JSON data: of ``pieces``, whose ``works`` are named, and of the old music."""
    old = old_music(base)
    found: dict[str, Any] = {"from": base.name, "origin": base.origin, "weights": base.digest}
    for name, music, names in (("new", pieces, works), ("old", old, [piece.source for piece in old])):
        if music:
            before, after = (measured_on(checkpoint.name, checkpoint, music) for checkpoint in (base, tuned))
            change = after.above(before, names)
            found[name] = {
                "pieces": len(music),
                "works": len(set(names)),
                "notes": before.figures["notes"],
                "before": before.bits,
                "after": after.bits,
                "change": [round(bits, 4) for bits in change],
            }
    return found


def joined_openings(new: Sequence[Seed], old: Sequence[Seed]) -> tuple[Seed, ...]:
    """The ``new`` openings first, then the ``old`` ones without those that are among the new."""
    ids = {seed.id for seed in new}
    return (*new, *(seed for seed in old if seed.id not in ids))


def joined_index(old: OriginalityIndex | None, new: OriginalityIndex) -> OriginalityIndex:
    """All pieces of both; ``new`` alone if the other hashes other rows."""
    if old is None or old.rows != new.rows:
        return new
    counts, figures = (np.concatenate([getattr(old, name), getattr(new, name)]) for name in ("counts", "figures"))
    return OriginalityIndex((*old.pieces, *new.pieces), counts, figures, new.rows)
