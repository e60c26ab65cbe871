"""The use case: a checkpoint, a request and its random seed become a composition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.notes import Notes, Piece, Tempo, join
from musiclstm.ranking import BARS
from musiclstm.render.audio import program_of
from musiclstm.scoring.originality import Borrowed
from musiclstm.seeds import Seed
from musiclstm.tokens import BAR, POSITION, decode, encode

MAX_BARS, MAX_TAKES, MAX_RANDOM_SEED = 64, 8, 2**32 - 1
CLOSING = 4  # bars: fewer are too few to come to an end
OPEN_ENDED = 1000  # bars: an ending so far off is out of sight
MAX_NOTES = 4096  # of one take: 64 bars of very dense music


@dataclass(frozen=True)
class ComposeRequest:
    """What a person asks for. Raises OptionError for numbers or names outside their range.

    ``bars`` 1..64 of continuation; ``takes`` 1..8 different continuations; ``random_seed`` 0..2**32 - 1 decides all chance;
    ``tempo`` 20..400 quarters a minute, None for the seed's own; ``instrument`` a name of ``audio.INSTRUMENTS``.
    ``ending``: with which bar the music comes to its end, from ``bars`` to OPEN_ENDED, which is out of sight; None for the last
    one, in which it then closes with one chord on the first beat (fewer than CLOSING bars are left open).
    """

    seed: Seed
    bars: int = 16
    takes: int = 1
    random_seed: int = 1
    tempo: float | None = None
    instrument: str = "piano"
    ending: int | None = None
    sampling: SamplingOptions = field(default_factory=SamplingOptions)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("The number of bars", self.bars, 1, MAX_BARS),
            ("The number of takes", self.takes, 1, MAX_TAKES),
            ("The random seed", self.random_seed, 0, MAX_RANDOM_SEED),
            ("The bar of the ending", self.bars if self.ending is None else self.ending, self.bars, OPEN_ENDED),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise OptionError(f"{name} must be a whole number from {low} to {high}, not {value}.")
        tempo = self.tempo
        if tempo is not None and (isinstance(tempo, bool) or not isinstance(tempo, int | float) or not 20 <= tempo <= 400):
            raise OptionError(f"The tempo must lie between 20 and 400 quarter notes a minute, not {tempo}.")
        if not isinstance(self.instrument, str):
            raise OptionError(f"The instrument must be a name, not {self.instrument!r}.")
        program_of(self.instrument)


@dataclass(frozen=True)
class Take:
    """One continuation. ``continuation`` begins at tick 0, ``joined`` is seed and continuation in one.

    ``loops`` is how many times the loop guard stepped in, ``guarded`` the number of notes written under it. ``number``, from 0,
    and the random seed decide what it is; ``score`` is how typical it is of what people write (``ranking.Ranking.score``), None
    while it is being written, outside ``ranking.BARS``, or where the checkpoint can't tell.
    ``borrowed``: the longest passage of the finished continuation that is found in a training piece; None where not known.
    """

    continuation: Piece
    joined: Piece
    loops: int
    guarded: int
    number: int = 0
    score: float | None = None
    borrowed: Borrowed | None = None


@dataclass(frozen=True)
class Composition:
    """What was written so far: ``bars`` is how many whole bars every take has, ``finished`` whether it is all.

    ``takes`` stand in the order of their numbers while they are written; of a finished composition the best comes first.
    """

    request: ComposeRequest
    seed: Piece
    split: int
    takes: tuple[Take, ...]
    bars: int
    finished: bool
    recipe: dict[str, Any]


def compose(checkpoint: Checkpoint, request: ComposeRequest) -> Composition:
    """The finished composition. The same checkpoint and request give the same notes."""
    for composition in composing(checkpoint, request):
        last = composition
    return last


def composing(checkpoint: Checkpoint, request: ComposeRequest) -> Iterator[Composition]:
    """The composition as it grows, a few bars at a time; whoever stops looking keeps the last one, which is music too."""
    seed = request.seed.piece if request.tempo is None else replace(request.seed.piece, tempi=(Tempo(0, request.tempo),))
    split = request.seed.end
    rows = encode(seed, checkpoint.vocabulary)
    rest = split - int(seed.notes["onset"][-1])
    # Where no step reaches from the last onset to the bar line, in a very long bar, that onset is told to be nearer to it.
    gap = min(rest, checkpoint.vocabulary.steps[-1])
    rows[-1, POSITION] += rest - gap
    bar = int(rows[-1, BAR])
    composer = checkpoint.vocabulary.composer_class(request.seed.composer)
    decoder = checkpoint.decoder
    open_ended = request.ending is None and request.bars < CLOSING
    end = bar * (OPEN_ENDED if open_ended else request.ending or request.bars)
    state = decoder.prime(rows, composer=composer, takes=request.takes, gap=gap, end=end)
    # A generator for each take: number 0 of four is the same music as the only take of one.
    rngs = [np.random.default_rng([request.random_seed, take]) for take in range(request.takes)]
    written = [rows[:0] for _ in rngs]
    guarded = [np.zeros(0, bool) for _ in rngs]
    for chunk in decoder.write(state, request.sampling, rngs, until=request.bars * bar, most=MAX_NOTES):
        written = [np.concatenate(pair) for pair in zip(written, chunk.rows, strict=True)]
        guarded = [np.concatenate(pair) for pair in zip(guarded, chunk.guarded, strict=True)]
        finished = bool(chunk.done.all())
        notes = [decode(take, checkpoint.vocabulary, start=-gap) for take in written]
        # A take that was cut off by the highest number of notes is whole up to the bar it stands in.
        complete = [bool(done) and len(take) < MAX_NOTES for take, done in zip(notes, chunk.done, strict=True)]
        whole = [request.bars if done else int(take["onset"][-1]) // bar for take, done in zip(notes, complete, strict=True)]
        ends = [bar * min(request.bars, bars if done else bars + 1) for bars, done in zip(whole, complete, strict=True)]
        takes = tuple(_take(seed, split, *take) for take in zip(range(request.takes), notes, guarded, ends, strict=True))
        yield Composition(
            request=request,
            seed=seed,
            split=split,
            takes=_judged(takes, split, request.bars, checkpoint) if finished else takes,
            bars=min(whole),
            finished=finished,
            recipe=recipe(checkpoint, request),
        )


def recipe(checkpoint: Checkpoint, request: ComposeRequest) -> dict[str, Any]:
    """All that is needed to write the same notes again, as JSON data."""
    return {
        "program": "musiclstm",
        "checkpoint": checkpoint.name,
        "revision": checkpoint.revision,
        "seed": request.seed.id,
        "seed_digest": hashlib.sha256(request.seed.piece.notes.tobytes()).hexdigest()[:16],
        "diversity": request.sampling.diversity,
        "top_p": request.sampling.top_p,
        "loop_guard": request.sampling.loop_guard,
        "bars": request.bars,
        "takes": request.takes,
        "random_seed": request.random_seed,
        "tempo": request.tempo,
        "instrument": request.instrument,
        "ending": request.ending,
    }


def _judged(takes: tuple[Take, ...], split: int, bars: int, checkpoint: Checkpoint) -> tuple[Take, ...]:
    """The finished takes with what they borrow, and with their scores, the highest first, where they can be ranked."""
    known, ranking = checkpoint.originality, checkpoint.ranking
    if known is not None:
        begin = int(np.searchsorted(takes[0].joined.notes["onset"], split))
        takes = tuple(replace(take, borrowed=known.longest(take.joined, begin)) for take in takes)
    if ranking is None or not BARS[0] <= bars <= BARS[1]:
        return takes
    scored = [replace(take, score=ranking.score(take.joined, split)) for take in takes]
    return tuple(sorted(scored, key=lambda take: -(take.score or 0.0)))


def _take(seed: Piece, split: int, number: int, notes: Notes, guarded: np.ndarray[Any, Any], end: int) -> Take:
    # The metre in which the last note stands: the one that the rows told to the network.
    metre = replace(seed.metre_at(int(seed.notes["onset"][-1])), onset=0)
    continuation = replace(seed, notes=_ring_out(notes, end), metres=(metre,), tempi=(Tempo(0, seed.tempo_at(split)),))
    entered = int((np.diff(np.concatenate(([False], guarded)).astype(int)) == 1).sum())
    return Take(continuation, join(seed, continuation, split), loops=entered, guarded=int(guarded.sum()), number=number)


def _ring_out(notes: Notes, end: int) -> Notes:
    """The last chord held to the closing bar line at tick ``end``: an ending, not a break."""
    if not len(notes):
        return notes
    last = notes["onset"] == notes["onset"][-1]
    held = notes.copy()
    held["duration"][last] = np.maximum(notes["duration"][last], end - notes["onset"][last])
    return held
