"""Compose: a checkpoint and a request become a composition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.model import POSITION, decode, encode
from musiclstm.music import Notes, Performance, Piece, Tempo, cut, join
from musiclstm.scoring import RANKED_BARS, SharedPassage
from musiclstm.seeds import Seed

MAX_BARS, MAX_TAKES, MAX_RANDOM_SEED = 64, 8, 2**32 - 1
MAX_TOTAL_BARS = 512  # of a continuation including its extensions
CLOSING = 4  # bars: shorter continuations get no ending
OPEN_ENDED = 1000  # bars: so far off that no ending is in sight
MAX_NOTES = 4096  # of one take: 64 bars of very dense music


@dataclass(frozen=True)
class Prefix:
    """The music that a request extends: the first ``bars`` bars of an earlier take's ``continuation``, which begins at tick 0.

    ``recipe`` is the recipe of the earlier composition, ``number`` the number of the take in it.
    """

    continuation: Piece
    bars: int
    recipe: Mapping[str, Any]
    number: int


@dataclass(frozen=True)
class ComposeRequest:
    """What to compose. Raises OptionError for numbers or names outside their range.

    ``bars``: length of the continuation, 1..64; ``takes``: number of different continuations, 1..8; ``random_seed``
    0..2**32 - 1 determines all random choices; ``after``: an earlier take to extend; ``performance``: how seed and continuation
    are played (``performed``), which changes nothing about the notes that are written.
    ``ending``: the bar in which the music ends, from ``bars`` to OPEN_ENDED, which means no ending in sight. None for the last
    bar: the music then closes with one chord on its first beat (fewer than CLOSING bars are left open).
    """

    seed: Seed
    bars: int = 16
    takes: int = 1
    random_seed: int = 1
    performance: Performance = field(default_factory=Performance)
    after: Prefix | None = None
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
        if self.total_bars > MAX_TOTAL_BARS:
            raise OptionError(f"A continuation may have up to {MAX_TOTAL_BARS} bars in total, not {self.total_bars}.")

    @property
    def total_bars(self) -> int:
        """Bars of the whole continuation, including those it extends."""
        return self.bars + (self.after.bars if self.after else 0)


@dataclass(frozen=True)
class Take:
    """One continuation, not transposed (see ``performed``): ``continuation`` begins at tick 0, ``joined`` includes the seed.

    ``loops`` is how many times the loop guard stepped in, ``guarded`` the number of notes written under it. ``number``, from 0,
    and the random seed determine the notes. ``score`` is the similarity to human continuations (``ranking.Ranking.score``); None
    until the take is finished, outside ``ranking.RANKED_BARS``, or if the checkpoint has no ranking. ``shared_passage`` is the
    longest passage that the finished continuation shares with a training piece; None if unknown.
    """

    continuation: Piece
    joined: Piece
    loops: int
    guarded: int
    number: int = 0
    score: float | None = None
    shared_passage: SharedPassage | None = None


@dataclass(frozen=True)
class Composition:
    """The music written so far. Every take has ``bars`` whole bars, including those it extends; ``finished``: nothing is missing.

    While they are being written, ``takes`` are in the order of their numbers; once finished, the best comes first.
    """

    request: ComposeRequest
    seed: Piece
    split: int
    takes: tuple[Take, ...]
    bars: int
    finished: bool
    recipe: dict[str, Any]


def extension_request(composition: Composition, number: int, **settings: Any) -> ComposeRequest:
    """A request that extends take ``number`` of a finished composition; ``settings`` override those of the composition.

    A take with an ending is extended from the start of its last bar, since nothing can follow a closing chord. Raises
    OptionError for settings out of range, including more than MAX_TOTAL_BARS in total.
    """
    request = composition.request
    bars = composition.bars - (1 if _closes(request) and composition.bars > 1 else 0)
    written = prefix_of(composition, number, bars)
    return replace(request, **{"after": written, "takes": 1, "ending": None, **settings})


def prefix_of(composition: Composition, number: int, bars: int) -> Prefix:
    """The first ``bars`` bars of take ``number`` of a finished composition. Raises OptionError if they do not exist."""
    take = next((take for take in composition.takes if take.number == number), None)
    if take is None or not 1 <= bars <= composition.bars:
        raise OptionError(f"There is no take number {number} with {bars} bars to extend.")
    kept = cut(take.continuation, 0, bars * _bar(composition.seed))
    return Prefix(kept, bars, composition.recipe, number)


def take_recipe(composition: Composition, number: int) -> dict[str, Any]:
    """The recipe of one take: the composition's recipe, plus the take's number if there are several."""
    return composition.recipe | ({"take": number} if len(composition.takes) > 1 else {})


def performed(composition: Composition) -> Composition:
    """The composition as it sounds and is written to files, at the tempo and in the transposition of its request."""
    play = composition.request.performance.played
    takes = tuple(replace(take, continuation=play(take.continuation), joined=play(take.joined)) for take in composition.takes)
    return replace(composition, seed=play(composition.seed), takes=takes)


def compose(checkpoint: Checkpoint, request: ComposeRequest) -> Composition:
    """The finished composition. The same checkpoint and request give the same notes."""
    for composition in compose_stream(checkpoint, request):
        last = composition
    return last


def compose_stream(checkpoint: Checkpoint, request: ComposeRequest) -> Iterator[Composition]:
    """Yields the composition as it grows, a few bars at a time. A caller may stop early: every one yielded is complete music."""
    seed = request.performance.paced(request.seed.piece)
    split = request.seed.end
    bar, before = _bar(seed), request.after.bars if request.after else 0
    known = join(seed, request.after.continuation, split) if request.after else seed
    rows = encode(known, checkpoint.vocabulary)
    here = split + before * bar
    rest = here - int(known.notes["onset"][-1])
    # In a very long bar no step may reach from the last onset to the bar line: encode that onset closer to it.
    gap = min(rest, checkpoint.vocabulary.steps[-1])
    rows[-1, POSITION] += rest - gap
    composer = checkpoint.vocabulary.composer_class(request.seed.composer)
    decoder, made = checkpoint.decoder, recipe_of(checkpoint, request)
    open_ended = request.ending is None and request.bars < CLOSING
    end = bar * (OPEN_ENDED if open_ended else request.ending or request.bars)
    state = decoder.prime(rows, composer=composer, takes=request.takes, gap=gap, end=end)
    # One rng per take: take 0 of four is the same music as a single take.
    rngs = [np.random.default_rng([request.random_seed, take]) for take in range(request.takes)]
    written = [rows[:0] for _ in rngs]
    guarded = [np.zeros(0, bool) for _ in rngs]
    for chunk in decoder.write(state, request.sampling, rngs, until=request.bars * bar, most=MAX_NOTES):
        written = [np.concatenate(pair) for pair in zip(written, chunk.rows, strict=True)]
        guarded = [np.concatenate(pair) for pair in zip(guarded, chunk.guarded, strict=True)]
        finished = bool(chunk.done.all())
        notes = [decode(take, checkpoint.vocabulary, start=-gap) for take in written]
        # A take cut off by MAX_NOTES is complete up to the start of its current bar.
        complete = [bool(done) and len(take) < MAX_NOTES for take, done in zip(notes, chunk.done, strict=True)]
        whole = [request.bars if done else int(take["onset"][-1]) // bar for take, done in zip(notes, complete, strict=True)]
        ends = [bar * min(request.bars, bars if done else bars + 1) for bars, done in zip(whole, complete, strict=True)]
        takes = tuple(_take(seed, request, *take) for take in zip(range(request.takes), notes, guarded, ends, strict=True))
        yield Composition(
            request=request,
            seed=seed,
            split=split,
            takes=_judged(takes, split, request.total_bars, checkpoint) if finished else takes,
            bars=before + min(whole),
            finished=finished,
            recipe=made,
        )


def recipe_of(checkpoint: Checkpoint, request: ComposeRequest) -> dict[str, Any]:
    """Everything needed to write the same notes again, as JSON data, including a seed that the checkpoint does not have and the
    recipe of the music that is extended.
    """
    made: dict[str, Any] = {
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
        "tempo": request.performance.tempo,
        "instrument": request.performance.instrument,
        "transposition": request.performance.transposition,
        "ending": request.ending,
    }
    if request.seed not in checkpoint.seeds:
        made["own_seed"] = request.seed.to_json()
    if request.after is not None:
        before = {key: value for key, value in request.after.recipe.items() if key != "own_seed"}  # the same seed
        made["after"] = {"recipe": before, "number": request.after.number, "bars": request.after.bars}
    return made


def _judged(takes: tuple[Take, ...], split: int, bars: int, checkpoint: Checkpoint) -> tuple[Take, ...]:
    """The finished takes with their shared passages and, if they can be ranked, their scores, highest first."""
    known, ranking = checkpoint.originality, checkpoint.ranking
    if known is not None:
        begin = int(np.searchsorted(takes[0].joined.notes["onset"], split))
        takes = tuple(replace(take, shared_passage=known.longest(take.joined, begin)) for take in takes)
    if ranking is None or not RANKED_BARS[0] <= bars <= RANKED_BARS[1]:
        return takes
    scored = [replace(take, score=ranking.score(take.joined, split)) for take in takes]
    return tuple(sorted(scored, key=lambda take: -(take.score or 0.0)))


def _bar(seed: Piece) -> int:
    """Length of a bar of the continuation in ticks: that of the bar with the seed's last onset."""
    return seed.metre_at(int(seed.notes["onset"][-1])).bar_ticks


def _closes(request: ComposeRequest) -> bool:
    """Whether the music ends in its last bar."""
    return request.bars >= CLOSING if request.ending is None else request.ending == request.bars


def _take(seed: Piece, request: ComposeRequest, number: int, notes: Notes, guarded: np.ndarray[Any, Any], end: int) -> Take:
    split = request.seed.end
    # The metre at the last onset: the one that the network saw in the rows.
    metre = replace(seed.metre_at(int(seed.notes["onset"][-1])), onset=0)
    continuation = replace(seed, notes=_ring_out(notes, end), metres=(metre,), tempi=(Tempo(0, seed.tempo_at(split)),))
    if request.after is not None:
        before = replace(request.after.continuation, tempi=continuation.tempi)
        continuation = join(before, continuation, request.after.bars * metre.bar_ticks)
    entered = int((np.diff(np.concatenate(([False], guarded)).astype(int)) == 1).sum())
    return Take(continuation, join(seed, continuation, split), loops=entered, guarded=int(guarded.sum()), number=number)


def _ring_out(notes: Notes, end: int) -> Notes:
    """Hold the last chord until the closing bar line at tick ``end``, so that the music ends instead of breaking off."""
    if not len(notes):
        return notes
    last = notes["onset"] == notes["onset"][-1]
    held = notes.copy()
    held["duration"][last] = np.maximum(notes["duration"][last], end - notes["onset"][last])
    return held
