"""Compare generated with human continuations: take held-out passages, let the checkpoint continue each, and score both.

A passage is a seed of a few bars from a piece that the checkpoint never saw, plus its human continuation: the bars that follow.
The checkpoint continues the same seed for the same number of bars. Both continuations are scored in the same way; scores that
look back (loops, structure) look back into the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.data import works_of
from musiclstm.errors import DataError, OptionError
from musiclstm.evaluation.resampling import middle_95, work_weights
from musiclstm.generation import MAX_RANDOM_SEED, OPEN_ENDED, ComposeRequest, compose
from musiclstm.music import Piece, bar_lines, cut, join
from musiclstm.scoring import OriginalityIndex, loops, musicality, structure
from musiclstm.seeds import seed_from_piece

FEWEST_NOTES = 32  # in a seed and in its continuation: passages with fewer are pauses or endings
FEWEST_PASSAGES, MOST_PASSAGES = 8, 10_000  # 8: two halves of four, each with six pairwise distances
RESAMPLES = 200  # bootstrap samples
MUSICAL = musicality.FEATURES + musicality.EXTRAS

Floats = NDArray[np.float64]
Table = dict[str, Floats]  # the values of each score, one per passage


@dataclass(frozen=True)
class Trial:
    """The settings of a comparison. Raises OptionError for numbers outside their range.

    ``continuations`` 8..10,000 of ``bars`` 2..64 bars each, after seeds of ``seed_bars`` 1..64; ``random_seed`` 0..2**32 - 1
    determines everything random: the choice of passages, the generated music, the bootstrap.
    """

    continuations: int
    seed_bars: int = 8
    bars: int = 16
    random_seed: int = 1
    sampling: SamplingOptions = field(default_factory=SamplingOptions)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("The number of continuations", self.continuations, FEWEST_PASSAGES, MOST_PASSAGES),
            ("The number of bars in a seed", self.seed_bars, 1, limits.SEED_BARS),
            ("The number of bars to judge", self.bars, 2, limits.BARS),
            ("The random seed", self.random_seed, 0, MAX_RANDOM_SEED),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise OptionError(f"{name} must be a whole number from {low} to {high}, not {value}.")


@dataclass(frozen=True, eq=False)
class Passage:
    """A seed and its human continuation in one ``piece``; the continuation goes from tick ``split`` to ``end``, both bar lines.

    ``name`` is the source file and ``bar`` the seed's first bar in it, counted from 1. ``overlaps``: whether its continuation
    may share bars with that of another passage.
    """

    name: str
    bar: int
    piece: Piece
    split: int
    end: int
    overlaps: bool = False

    @property
    def seed(self) -> Piece:
        """The bars to continue."""
        return cut(self.piece, 0, self.split)

    @property
    def continuation(self) -> Piece:
        """The human continuation."""
        return cut(self.piece, self.split, self.end)

    def request(self, **settings: Any) -> ComposeRequest:
        """A request to continue the seed for the same number of bars, open-ended; ``settings`` as in ``ComposeRequest``."""
        bar = self.piece.metres[0].bar_ticks
        seed = seed_from_piece(self.seed, (1, self.split // bar))
        return ComposeRequest(seed, bars=(self.end - self.split) // bar, **{"ending": OPEN_ENDED, **settings})

    def features(self, continuation: Piece) -> dict[str, float]:
        """``musicality.features`` of any ``continuation`` of this seed, cut to the length of the human one."""
        return musicality.features(musicality.until(continuation, self.end - self.split))


def compare_continuations(
    checkpoint: Checkpoint,
    pieces: Sequence[Piece],
    trial: Trial,
    report: Callable[[int, int], None] | None = None,
    judge: Callable[[Sequence[Passage], Sequence[Piece]], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Choose passages of ``pieces``, let the checkpoint continue them, and return the result of ``compare`` and the settings.

    ``report(done, total)`` is called after each continuation. The result of ``judge(passages, continuations)`` is "judge".
    Raises DataError like ``held_out``.
    """
    rng = np.random.default_rng(trial.random_seed)
    passages = held_out(pieces, rng, trial.continuations, trial.seed_bars, trial.bars)
    written = []
    for continuation in continued(checkpoint, passages, trial.sampling, trial.random_seed):
        written.append(continuation)
        if report is not None:
            report(len(written), len(passages))
    settings = {"seed_bars": trial.seed_bars, "bars": trial.bars, "random_seed": trial.random_seed}
    known = works_of(pieces)
    works = [known[passage.name] for passage in passages]
    found = settings | asdict(trial.sampling) | compare(passages, written, works, rng, checkpoint.originality)
    return found if judge is None else found | {"judge": judge(passages, written)}


def held_out(pieces: Sequence[Piece], rng: np.random.Generator, count: int, seed_bars: int = 8, bars: int = 16) -> list[Passage]:
    """Up to ``count`` passages of ``seed_bars`` + ``bars`` bars, taken from the pieces in turn so that long ones don't dominate.

    All bars are whole and in one metre; seed and continuation have at least FEWEST_NOTES notes each, and the seed's last bar has
    an onset. Continuations overlap only if there are not enough others. Raises DataError if ``pieces`` contain fewer than
    FEWEST_PASSAGES such passages.
    """
    order = rng.permutation(len(pieces)).tolist()
    apart, close = [], []
    for index in order:
        starts = _starts(pieces[index], seed_bars, bars)
        first = _apart(starts, bars, rng)
        rest = [start for start in starts if start not in first]
        apart.append([(index, int(start), False) for start in rng.permutation(first)])
        close.append([(index, int(start), True) for start in rng.permutation(rest)])
    chosen = [*_by_turns(apart), *_by_turns(close)][:count]
    if len(chosen) < FEWEST_PASSAGES:
        raise DataError(
            f"To compare continuations, the data must contain {FEWEST_PASSAGES} passages of {seed_bars + bars} whole bars in one "
            f"metre, with {FEWEST_NOTES} notes each in seed and continuation; it contains {len(chosen)}."
        )
    return [_passage(pieces[index], start, seed_bars, bars, overlaps) for index, start, overlaps in chosen]


def continued(
    checkpoint: Checkpoint, passages: Sequence[Passage], options: SamplingOptions, random_seed: int = 1
) -> Iterator[Piece]:
    """Yields the checkpoint's continuation of each passage's seed, in the same metre, tempo and number of bars."""
    for number, passage in enumerate(passages):
        chance = int(np.random.default_rng([random_seed, number]).integers(2**32))
        yield compose(checkpoint, passage.request(random_seed=chance, sampling=options)).takes[0].continuation


def scores_of(passage: Passage, continuation: Piece) -> dict[str, float]:
    """Every score of a ``continuation`` of the passage's seed; NaN if undefined."""
    whole = join(passage.seed, continuation, passage.split)
    begin = int(np.searchsorted(whole.notes["onset"], passage.split))
    return passage.features(continuation) | loops.scores(whole, begin) | structure.scores(whole, passage.split)


def scores_of_all(passages: Sequence[Passage], continuations: Sequence[Piece]) -> Table:
    """``scores_of`` every passage: score -> values [n]."""
    scored = [scores_of(passage, piece) for passage, piece in zip(passages, continuations, strict=True)]
    return {name: np.array([scores[name] for scores in scored]) for name in scored[0]}


def compare(
    passages: Sequence[Passage],
    continuations: Sequence[Piece],
    works: Sequence[str],
    rng: np.random.Generator,
    originality: OriginalityIndex | None = None,
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Every score of the generated ``continuations`` compared with the human ones, as JSON data with 95 % bootstrap intervals.

    The bootstrap draws from ``works``, one for each passage: ``resamples`` times for areas, and five times as often for means,
    which are cheap. ``originality``: the index of the training pieces, to measure the passages shared with them. Raises
    OptionError for fewer than FEWEST_PASSAGES passages.
    """
    human = scores_of_all(passages, [passage.continuation for passage in passages])
    generated = scores_of_all(passages, continuations)
    weights = work_weights(works, 5 * resamples, rng)
    return {
        "passages": len(passages),
        "works": len(set(works)),
        "overlapping": sum(passage.overlaps for passage in passages),
        "notes": {"generated": sum(map(len, continuations)), "people": sum(len(p.continuation) for p in passages)},
        "musicality": _musicality(human, generated, weights, rng, resamples),
        "loops": {name: _comparison(human[name], generated[name], weights) for name in loops.SCORES},
        "structure": {name: _comparison(human[name], generated[name], weights) for name in structure.SCORES},
        "originality": None if originality is None else _originality(passages, continuations, weights, originality),
    }


def _starts(piece: Piece, seed_bars: int, bars: int) -> list[int]:
    """Bars, counted from 0, at which a passage can begin."""
    lines = bar_lines(piece)
    onset = piece.notes["onset"]
    at = np.searchsorted(onset, lines)
    found = []
    for first in range(len(lines) - seed_bars - bars):
        metre, split, last = piece.metre_at(int(lines[first])), first + seed_bars, first + seed_bars + bars
        same = (np.diff(lines[first : last + 1]) == metre.bar_ticks).all()
        metres = {(m.numerator, m.denominator) for m in piece.metres if lines[first] < m.onset < lines[last]}
        enough = min(at[split] - at[first], at[last] - at[split]) >= FEWEST_NOTES and at[split] > at[split - 1]
        if same and enough and metres <= {(metre.numerator, metre.denominator)}:
            found.append(first)
    return found


def _apart(starts: list[int], bars: int, rng: np.random.Generator) -> list[int]:
    """Some of ``starts``, at least ``bars`` apart, picked greedily from a random first bar."""
    if not starts:
        return []
    from_bar = starts[0] + int(rng.integers(bars))
    found: list[int] = []
    for start in starts:
        if start >= from_bar and (not found or start >= found[-1] + bars):
            found.append(start)
    return found or [starts[int(rng.integers(len(starts)))]]


def _by_turns(queues: list[list[tuple[int, int, bool]]]) -> list[tuple[int, int, bool]]:
    """The first item of every queue, then the second of every queue that has one, and so on."""
    longest = max(map(len, queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def _passage(piece: Piece, start: int, seed_bars: int, bars: int, overlaps: bool) -> Passage:
    lines = bar_lines(piece)
    first, split, end = (int(lines[bar]) for bar in (start, start + seed_bars, start + seed_bars + bars))
    return Passage(piece.source, start + 1, cut(piece, first, end), split - first, end - first, overlaps)


def _musicality(human: Table, generated: Table, weights: Floats, rng: np.random.Generator, resamples: int) -> dict[str, Any]:
    # Undefined values, such as the groove of a single bar, count as 0, far from all real music.
    true, made = (np.nan_to_num(np.stack([table[name] for name in MUSICAL], axis=1), nan=0.0) for table in (human, generated))
    overlap = musicality.overlap(true, made, weights[:resamples], rng)
    fixed = len(musicality.FEATURES)
    area, ceiling = overlap.areas[:, :fixed].mean(axis=1)
    samples = overlap.resampled[:, :, :fixed].mean(axis=2)
    features = {}
    for index, name in enumerate(MUSICAL):
        areas = {
            "overlapping_area": _estimate(overlap.areas[0, index], overlap.resampled[:, 0, index]),
            "ceiling": _estimate(overlap.areas[1, index], overlap.resampled[:, 1, index]),
        }
        features[name] = {"in_mean": index < fixed} | areas | _comparison(human[name], generated[name], weights)
    return {
        "mean_overlapping_area": _estimate(area, samples[:, 0]),
        "ceiling": _estimate(ceiling, samples[:, 1]),
        "share_of_ceiling": _estimate(area / ceiling, samples[:, 0] / samples[:, 1]),
        "features": features,
    }


def _originality(
    passages: Sequence[Passage], continuations: Sequence[Piece], weights: Floats, index: OriginalityIndex
) -> dict[str, Any]:
    """Longest shared passage in notes, and the share of takes that exceed the 95th percentile of human continuations."""
    # If the passages come from training music, the index knows their own pieces; those do not count as shared.
    human = np.array([index.longest(p.continuation, exclude=_own(p, index)).notes for p in passages], dtype=float)
    generated = np.array([index.longest(continuation).notes for continuation in continuations], dtype=float)
    most = float(np.percentile(human, 95, method="inverted_cdf"))
    above = _comparison((human > most).astype(float), (generated > most).astype(float), weights)
    return {"longest": _comparison(human, generated, weights), "people_95": most, "above_people_95": above}


def _own(passage: Passage, index: OriginalityIndex) -> set[str]:
    """Names under which the index may know the passage's own piece; paths may be relative to another folder."""
    return {known.name for known in index.pieces if known.name and f"/{passage.name}".endswith(f"/{known.name}")}


def _comparison(human: Floats, generated: Floats, weights: Floats) -> dict[str, Any]:
    """Mean with its interval, median and quartiles of both sides, and the mean of the paired differences.

    Passages for which either side is undefined are left out; if none remain, every figure is None.
    """
    known = np.isfinite(human) & np.isfinite(generated)
    sides = {"generated": generated, "people": human, "difference": generated - human}
    found = {}
    for side, values in sides.items():
        counts = weights @ known
        means = (weights @ np.where(known, values, 0.0))[counts > 0] / counts[counts > 0]
        found[side] = _estimate(float(values[known].mean()) if known.any() else math.nan, means)
        if side != "difference":
            quartiles = np.percentile(values[known], (25, 50, 75)).tolist() if known.any() else [math.nan] * 3
            found[side] |= {"median": _number(quartiles[1]), "quartiles": [_number(quartiles[0]), _number(quartiles[2])]}
    return found


def _estimate(value: float, resampled: Floats) -> dict[str, Any]:
    """A value with the middle 95 % of its bootstrap samples."""
    low, high = middle_95(resampled)
    return {"mean": _number(value), "interval": [_number(low), _number(high)]}


def _number(value: float) -> float | None:
    """Rounded to four decimals; None for NaN, which JSON lacks."""
    return round(float(value), 4) if math.isfinite(value) else None
