"""Write takes as drafts that grow: plainly, or phrase by phrase, keeping the candidate that the critic prefers.

For each phrase of PHRASE bars several candidates are written; the best goes on, the others are dropped. Small steps matter more
than many candidates: a fault is avoided before anything is built on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.config import SamplingOptions
from musiclstm.errors import StoppedError
from musiclstm.model import Rows, Vocabulary, decode
from musiclstm.music import NOTE, Notes, make_notes
from musiclstm.scoring import Ear

if TYPE_CHECKING:
    from musiclstm.model import Decoder, State, Turn

PHRASE = 2  # bars
ENOUGH = 0.0  # the score of a phrase that is good enough: the critic can't tell it from a person's
UNWANTED = 1e6  # off the score of a candidate that repeats other music: it is taken only if all do


@dataclass(frozen=True)
class Draft:
    """A take so far: its ``notes`` (ticks from the first bar line), which of them were ``guarded`` [n], and its whole ``bars``.

    A take is cut off at limits.TAKE_NOTES; it is then complete up to the start of its last bar. ``score`` is the one for which
    its latest phrase was chosen.
    """

    notes: Notes
    guarded: NDArray[np.bool_]
    bars: int
    finished: bool
    score: float = 0.0
    stopped: bool = False


@dataclass(frozen=True)
class Task:
    """What to write: ``bars`` bars of ``bar`` ticks from ``state``, which has read everything before, ``gap`` ticks ahead.

    ``random_seed`` and the number of a take determine its notes. ``given``: rows [6] of notes that are fixed, in order, each with
    its tick. ``hindsight`` gives finished candidates the log-likelihood of what follows. No take repeats what ``unlike`` holds.
    ``turn``: see ``Decoder.write``. ``rewrites``: old bars are written anew. ``attempts``: how many times candidates are written
    for a phrase while none is good enough.
    """

    decoder: Decoder
    vocabulary: Vocabulary
    state: State
    sampling: SamplingOptions
    random_seed: int
    bars: int
    bar: int
    gap: int
    attempts: int
    given: tuple[tuple[int, Rows], ...] = ()
    hindsight: Callable[[State], NDArray[np.float64]] | None = None
    unlike: tuple[Notes, ...] = ()
    turn: Turn | None = None
    rewrites: bool = False

    def draft(self, notes: Notes, guarded: NDArray[np.bool_], bars: int | None, finished: bool, score: float = 0.0) -> Draft:
        """A draft of ``notes``; ``bars`` is None if only the notes say how many are whole."""
        if bars is None or len(notes) >= limits.TAKE_NOTES:
            bars = int(notes["onset"].max()) // self.bar if len(notes) else 0
        return Draft(_merged(notes), guarded, min(bars, self.bars), finished, score)


@dataclass(frozen=True)
class Lanes:
    """Candidates so far: ``notes`` of each in the order in which they were written, which of them were ``guarded``, whether each
    is ``done``, and the ``state`` of all.
    """

    notes: list[Notes]
    guarded: list[NDArray[np.bool_]]
    done: NDArray[np.bool_]
    state: State


def written(task: Task, takes: int) -> Iterator[list[Draft]]:
    """Drafts of all takes, written together as one batch. The state is that of ``takes`` takes.

    Once the turn is stopped, the last drafts have the bars that are whole in all takes. Raises StoppedError if there is none.
    """
    # One rng per take: take 0 of four is the same music as a single take.
    rngs = [np.random.default_rng([task.random_seed, take]) for take in range(takes)]
    lanes = Lanes(*_nothing(takes), np.zeros(takes, bool), task.state)
    try:
        for grown in _growing(task, task.state, lambda _: rngs, (0, task.bars), limits.TAKE_NOTES):
            lanes, finished = grown, bool(grown.done.all())
            whole = [task.bars if done else None for done in lanes.done.tolist()]
            yield [task.draft(*facts, finished) for facts in zip(lanes.notes, lanes.guarded, whole, strict=True)]
    except StoppedError:
        bars = min(
            task.draft(notes, guarded, None, False).bars for notes, guarded in zip(lanes.notes, lanes.guarded, strict=True)
        )
        if not bars:
            raise
        kept = [notes["onset"] < bars * task.bar for notes in lanes.notes]
        drafts = zip(lanes.notes, lanes.guarded, kept, strict=True)
        yield [replace(task.draft(notes[keep], guarded[keep], bars, True), stopped=True) for notes, guarded, keep in drafts]


def chosen(task: Task, takes: int, candidates: int, ear: Ear) -> Iterator[list[Draft]]:
    """Drafts of all takes, a phrase at a time, each the one of ``candidates`` that ``ear`` prefers; the state is of one take.

    The first phrases do not depend on how many follow, except for the last one of a piece that closes. Once the turn is stopped,
    the last drafts have the phrases that are there. Raises StoppedError if there is none, or if old bars are written anew.
    """
    states = [task.decoder.choose(task.state, 0, takes=candidates, begin=0) for _ in range(takes)]
    notes, guarded = _nothing(takes)
    scores, drafts = [0.0] * takes, list[Draft]()
    # No last phrase of a single bar: a piece that closes needs room to arrive at its last chord.
    lines = [0, *range(PHRASE, task.bars - 1, PHRASE), task.bars]
    try:
        for begin, end in pairwise(lines):
            rivals = list(task.unlike) if end == task.bars else []
            for take in range(takes):
                before = notes[take], guarded[take]
                best = _best_of_attempts(task, states[take], (take, begin, end), candidates, before, ear, rivals)
                notes[take], guarded[take], states[take], scores[take] = best.notes, best.guarded, best.state, best.merit
                rivals.append(best.merged)
            drafts = [task.draft(notes[take], guarded[take], end, end == task.bars, scores[take]) for take in range(takes)]
            yield drafts
    except StoppedError:
        if not drafts or task.rewrites:
            raise
        yield [replace(draft, finished=True, stopped=True) for draft in drafts]


@dataclass(frozen=True)
class Choice:
    """The best of some candidates for a phrase.

    ``notes``: those of the take so far, in the order in which they were written; ``merged``: the same as they sound; ``guarded``:
    which of them are; ``state``: the one after them; ``heard``: the ear's score; ``merit``: the one that counts everything.
    """

    notes: Notes
    merged: Notes
    guarded: NDArray[np.bool_]
    state: State
    heard: float
    merit: float


def _best_of_attempts(
    task: Task,
    state: State,
    where: tuple[int, int, int],
    candidates: int,
    before: tuple[Notes, NDArray[np.bool_]],
    ear: Ear,
    unlike: Sequence[Notes],
) -> Choice:
    """The best of some candidates, and of more while none is good; ``where``: the take, and the first and last bar line."""
    take, begin, end = where
    attempts: list[Choice] = []
    while len(attempts) < task.attempts and all(choice.heard < ENOUGH for choice in attempts):
        numbers = range(len(attempts) * candidates, (len(attempts) + 1) * candidates)
        keys = [(task.random_seed, take, begin, number) for number in numbers]
        attempts.append(_best(task, state, keys, (begin, end), before, ear, unlike))
    return max(attempts, key=lambda choice: choice.merit)


def _best(
    task: Task,
    state: State,
    keys: Sequence[tuple[int, ...]],
    bars: tuple[int, int],
    before: tuple[Notes, NDArray[np.bool_]],
    ear: Ear,
    unlike: Sequence[Notes],
) -> Choice:
    """The best of the candidates for some ``bars``: ``keys`` seed their generators, and ``before`` are the notes before them, and
    which of those are guarded.
    """

    def rngs(segment: int) -> list[np.random.Generator]:
        return [np.random.default_rng([*key, segment] if segment else key) for key in keys]

    lanes = Lanes(*_nothing(len(keys)), np.zeros(len(keys), bool), state)
    for grown in _growing(task, state, rngs, bars, limits.TAKE_NOTES - len(before[0]), whole=True):
        lanes = grown
    longer = [np.concatenate([before[0], phrase]) for phrase in lanes.notes]
    merged = [_merged(each) for each in longer]
    end = bars[1]
    heard = ear(merged, end)
    merit = heard.copy()
    if task.hindsight and end == task.bars:
        merit += task.hindsight(lanes.state)
    merit[[any(_same(each, other) for other in unlike) for each in merged]] -= UNWANTED
    lane = int(np.argmax(merit))
    after = task.decoder.choose(lanes.state, lane, takes=len(keys), begin=end * task.bar)
    guarded = np.concatenate([before[1], lanes.guarded[lane]])
    return Choice(longer[lane], merged[lane], guarded, after, float(heard[lane]), float(merit[lane]))


def _growing(
    task: Task,
    state: State,
    rngs: Callable[[int], Sequence[np.random.Generator]],
    bars: tuple[int, int],
    most: int,
    *,
    whole: bool = False,
) -> Iterator[Lanes]:
    """Candidates from the first bar line in ``bars`` to the second, at most ``most`` notes each, as they grow.

    Given notes cut the music into segments, which are written in turn; ``rngs`` gives a generator for each lane of a segment.
    With ``whole`` a segment is seen once, at its end.
    """
    begin, end = bars[0] * task.bar, bars[1] * task.bar
    notes, guarded = _nothing(len(rngs(0)))
    given = [(tick, row) for tick, row in task.given if begin <= tick < end]
    for segment, (until, fixed) in enumerate([*given, (end, None)]):
        room = most - max(map(len, notes))
        chunks = task.decoder.write(state, task.sampling, rngs(segment), until=until, most=room, turn=task.turn, whole=whole)
        for chunk in chunks:
            pairs = zip(chunk.rows, state["clock"].tolist(), strict=True)
            fresh = [decode(rows, task.vocabulary, start=tick) for rows, tick in pairs]
            notes = [np.concatenate(pair) for pair in zip(notes, fresh, strict=True)]
            guarded = [np.concatenate(pair) for pair in zip(guarded, chunk.guarded, strict=True)]
            state = chunk.state
            yield Lanes(notes, guarded, chunk.done, state)
        if fixed is not None:
            state = task.decoder.strike(state, fixed, tick=until)


def _merged(notes: Notes) -> Notes:
    """Notes as they sound together: each ends where its key is struck again."""
    return make_notes(notes["onset"], notes["pitch"], notes["duration"], notes["velocity"])


def _same(one: Notes, other: Notes) -> bool:
    """Whether the same keys are struck at the same times."""
    return all(np.array_equal(one[name], other[name]) for name in ("onset", "pitch"))


def _nothing(takes: int) -> tuple[list[Notes], list[NDArray[np.bool_]]]:
    return [np.zeros(0, NOTE)] * takes, [np.zeros(0, bool)] * takes
