"""Find the same music under different names: two editions of a work, or the work from which a seed was taken.

Pieces are compared by the figures of their upper line: every NOTES successive intervals between the highest notes of its
onsets, so that neither the key nor the rhythm nor the lower voices of an edition matter. Grace notes differ between editions, so
notes of up to GRACE ticks are left out. Scales and trills occur everywhere, so figures of fewer than DISTINCT different intervals
don't count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import Notes, Piece
from musiclstm.scoring import hash_runs

NOTES, DISTINCT, GRACE = 12, 5, 3
#: The least share of the figures of the shorter piece. Of 1,086 keyboard pieces from two sources, editions of one work share 0.12
#: or more (all pairs but one 0.3 or more), and different works at most 0.041.
SAME_WORK = 0.08
SAME_PASSAGE = 0.5  # of the figures of an opening, which the piece contains as a whole
FEWEST = 4  # figures in common: fewer may be chance
AT_ONCE = 2_000_000  # figures that are sorted in one go, which takes 100 MB
WIDESPREAD = 40  # pieces; a figure that more of them share identifies none

#: The last number is one of Bach's, Handel's, Haydn's, Mozart's, Schubert's, or Vivaldi's catalogue.
_CATALOGUED = re.compile(r"(?:^|[^a-z])(?:bwv|hwv|hob|kv?|d|rv)[-_. ]*\d+[a-z]?$", re.IGNORECASE)

Figures = NDArray[np.uint64]


def work_of(name: str) -> str:
    """The work that a file belongs to: its name without the last number, so that numbered movements stay together.

    The number after the name of a catalogue of works is part of the work's name.

    >>> work_of("Mozart/mz_545_1.mid"), work_of("Mozart/mz_545_2.mid")
    ('Mozart/mz_545', 'Mozart/mz_545')
    >>> work_of("Bach/BWV-827-1.mid"), work_of("Bach/BWV-827.mid")
    ('Bach/BWV-827', 'Bach/BWV-827')
    """
    path = Path(name)
    stem = path.stem
    if not _CATALOGUED.search(stem):
        stem = re.sub(r"[-_. ]*(mov|no|nr|op)?[-_. ]*\d+[a-z]?$", "", stem, flags=re.IGNORECASE)
    return str(path.with_name(stem if stem.strip(" ._-") else path.stem))


def works_of(pieces: Sequence[Piece]) -> dict[str, str]:
    """The work of each piece by the name of its file, as its name and its music say."""
    works = join_works([work_of(piece.source) for piece in pieces], [figures(piece.notes) for piece in pieces])
    return {piece.source: work for piece, work in zip(pieces, works, strict=True)}


def figures(notes: Notes) -> Figures:
    """The distinct figures of ``notes``, ascending: one number of 64 bits each."""
    notes = notes[notes["duration"] > GRACE]
    _, first, count = np.unique(notes["onset"], return_index=True, return_counts=True)
    upper = notes["pitch"][first + count - 1].astype(np.int64)
    intervals = np.diff(upper) + 128
    if len(intervals) < NOTES:
        return np.empty(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(intervals, NOTES)
    kinds = 1 + (np.diff(np.sort(windows, axis=1), axis=1) > 0).sum(axis=1)
    return np.unique(hash_runs(intervals, NOTES)[kinds >= DISTINCT])


def join_works(works: Sequence[str], pieces: Sequence[Figures]) -> list[str]:
    """The work of each piece, where works that share music become one: it is called like the first of them.

    ``works`` are the names that the files suggest, ``pieces`` their figures.
    """
    first: dict[str, str] = {work: work for work in works}

    def root(work: str) -> str:
        while first[work] != work:
            work = first[work]
        return work

    place = {work: number for number, work in reversed(list(enumerate(works)))}
    sizes = [len(piece) for piece in pieces]
    for one, other, shared in _shared(pieces):
        if shared >= max(FEWEST, SAME_WORK * min(sizes[one], sizes[other])):
            early, late = sorted((root(works[one]), root(works[other])), key=place.__getitem__)
            first[late] = early
    return [root(work) for work in works]


def works_with(passages: Iterable[Figures], works: Sequence[str], pieces: Sequence[Figures]) -> set[str]:
    """The works that contain one of the ``passages``, such as openings, as a whole."""
    found = set()
    for passage in passages:
        for work, known in zip(works, pieces, strict=True):
            shared = np.isin(passage, known, assume_unique=True).sum()
            if shared >= max(FEWEST, SAME_PASSAGE * len(passage)):
                found.add(work)
    return found


def _shared(pieces: Sequence[Figures]) -> Iterable[tuple[int, int, int]]:
    """Pairs of pieces and the number of figures they share; without pairs that share none.

    The figures may be more than fit into memory: they are sorted a share at a time, by their last bits.
    """
    shares = 1 + sum(map(len, pieces)) // AT_ONCE
    found, counts = np.empty(0, np.int64), np.empty(0, np.int64)
    for share in range(shares):
        some = [piece[piece % shares == share] for piece in pieces] if shares > 1 else pieces
        pairs, shared = np.unique(_pairs(some), return_counts=True)
        found, places = np.unique(np.concatenate([found, pairs]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([counts, shared]), len(found)).astype(np.int64)
    for pair, count in zip(found.tolist(), counts.tolist(), strict=True):
        yield *divmod(pair, len(pieces)), count


def _pairs(pieces: Sequence[Figures]) -> NDArray[np.int64]:
    """Two pieces as one number, for each figure that they share."""
    if not pieces:
        return np.empty(0, np.int64)
    owners = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    keys = np.concatenate(pieces)
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], owners[order]
    pairs = [np.empty(0, np.int64)]
    for apart in range(1, WIDESPREAD):
        same = keys[apart:] == keys[:-apart]
        if not same.any():
            break
        pairs.append(owners[:-apart][same] * len(pieces) + owners[apart:][same])
    return np.concatenate(pairs)
