"""Write takes as drafts that grow: plainly, or phrase by phrase, keeping the candidate that the critic prefers.

For each phrase of PHRASE bars several candidates are written; the best goes on, the others are dropped. Small steps matter more
than many candidates: a fault is avoided before anything is built on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from musiclstm.config import SamplingOptions
from musiclstm.model import Chunk, Decoder, Rows, State, Vocabulary, decode
from musiclstm.music import Notes
from musiclstm.scoring import Ear

PHRASE = 2  # bars
MAX_NOTES = 4096  # of one take: 64 bars of very dense music
UNWANTED = 1e6  # off the score of a candidate that repeats other music: it is taken only if all do


@dataclass(frozen=True)
class Draft:
    """A take so far: its ``notes`` (ticks from the first bar line), which of them were ``guarded`` [n], and its whole ``bars``.

    A take is cut off at MAX_NOTES; it is then complete up to the start of its last bar. ``score`` is the one for which its
    latest phrase was chosen.
    """

    notes: Notes
    guarded: NDArray[np.bool_]
    bars: int
    finished: bool
    score: float = 0.0


@dataclass(frozen=True)
class Task:
    """What to write: ``bars`` bars of ``bar`` ticks from ``state``, which has read everything before, ``gap`` ticks ahead.

    ``random_seed`` and the number of a take determine its notes. ``given``: rows [6] of notes that are fixed, in order, each with
    its tick. ``hindsight`` gives finished candidates the log-likelihood of what follows. No take repeats what ``unlike`` holds.
    """

    decoder: Decoder
    vocabulary: Vocabulary
    state: State
    sampling: SamplingOptions
    random_seed: int
    bars: int
    bar: int
    gap: int
    given: tuple[tuple[int, Rows], ...] = ()
    hindsight: Callable[[State], NDArray[np.float64]] | None = None
    unlike: tuple[Notes, ...] = ()

    def draft(self, rows: Rows, guarded: NDArray[np.bool_], bars: int | None, finished: bool, score: float = 0.0) -> Draft:
        """A draft of ``rows``; ``bars`` is None if only the notes say how many are whole."""
        notes = decode(rows, self.vocabulary, start=-self.gap)
        if bars is None or len(notes) >= MAX_NOTES:
            bars = int(notes["onset"][-1]) // self.bar if len(notes) else 0
        return Draft(notes, guarded, min(bars, self.bars), finished, score)


def written(task: Task, takes: int) -> Iterator[list[Draft]]:
    """Drafts of all takes, written together as one batch. The state is that of ``takes`` takes."""
    # One rng per take: take 0 of four is the same music as a single take.
    rngs = [np.random.default_rng([task.random_seed, take]) for take in range(takes)]
    for lanes in _growing(task, task.state, rngs, (0, task.bars), MAX_NOTES):
        finished = bool(lanes.done.all())
        whole = [task.bars if done else None for done in lanes.done.tolist()]
        yield [task.draft(*facts, finished) for facts in zip(lanes.rows, lanes.guarded, whole, strict=True)]


def chosen(task: Task, takes: int, candidates: int, ear: Ear) -> Iterator[list[Draft]]:
    """Drafts of all takes, a phrase at a time, each the one of ``candidates`` that ``ear`` prefers; the state is of one take.

    The first phrases do not depend on how many follow, except for the last one of a piece that closes.
    """
    states = [task.decoder.choose(task.state, 0, takes=candidates, begin=0) for _ in range(takes)]
    rows, guarded = _nothing(takes)
    unlike = list(task.unlike)
    # No last phrase of a single bar: a piece that closes needs room to arrive at its last chord.
    lines = [0, *range(PHRASE, task.bars - 1, PHRASE), task.bars]
    for begin, end in pairwise(lines):
        last, best_scores = end == task.bars, []
        for take in range(takes):
            rngs = [np.random.default_rng([task.random_seed, take, begin, lane]) for lane in range(candidates)]
            lanes = Chunk(*_nothing(candidates), np.zeros(candidates, bool), states[take])
            for grown in _growing(task, states[take], rngs, (begin, end), MAX_NOTES - len(rows[take])):
                lanes = grown
            longer = [np.concatenate([rows[take], phrase]) for phrase in lanes.rows]
            notes = [decode(each, task.vocabulary, start=-task.gap) for each in longer]
            scores = np.array([ear(each, end) for each in notes])
            if last:
                scores += task.hindsight(lanes.state) if task.hindsight else 0.0
                scores[[any(_same(each, other) for other in unlike) for each in notes]] -= UNWANTED
            best = int(np.argmax(scores))
            best_scores.append(float(scores[best]))
            if last:
                unlike.append(notes[best])
            rows[take], guarded[take] = longer[best], np.concatenate([guarded[take], lanes.guarded[best]])
            states[take] = task.decoder.choose(lanes.state, best, takes=candidates, begin=end * task.bar)
        yield [task.draft(rows[take], guarded[take], end, last, best_scores[take]) for take in range(takes)]


def _growing(task: Task, state: State, rngs: Sequence[np.random.Generator], bars: tuple[int, int], most: int) -> Iterator[Chunk]:
    """One lane for each of ``rngs``, from the first bar line in ``bars`` to the second, at most ``most`` notes: all so far."""
    rows, guarded = _nothing(len(rngs))
    begin, end = bars[0] * task.bar, bars[1] * task.bar
    given = [(tick, row) for tick, row in task.given if begin <= tick < end]
    for until, fixed in [*given, (end, None)]:
        for chunk in task.decoder.write(state, task.sampling, rngs, until=until, most=most):
            rows = [np.concatenate(pair) for pair in zip(rows, chunk.rows, strict=True)]
            guarded = [np.concatenate(pair) for pair in zip(guarded, chunk.guarded, strict=True)]
            state = chunk.state
            yield replace(chunk, rows=rows, guarded=guarded)
        if fixed is not None:
            state, struck = task.decoder.strike(state, fixed, tick=until)
            rows = [np.concatenate([lane, row[None]]) for lane, row in zip(rows, struck, strict=True)]
            guarded = [np.append(lane, False) for lane in guarded]


def _same(one: Notes, other: Notes) -> bool:
    """Whether the same keys are struck at the same times."""
    return all(np.array_equal(one[name], other[name]) for name in ("onset", "pitch"))


def _nothing(takes: int) -> tuple[list[Rows], list[NDArray[np.bool_]]]:
    return [np.zeros((0, 6), np.int16)] * takes, [np.zeros(0, bool)] * takes
