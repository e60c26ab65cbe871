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
from musiclstm.generation.drafts import Draft, Task, chosen, written
from musiclstm.model import POSITION, encode
from musiclstm.music import Metre, Notes, Performance, Piece, Tempo, cut, join
from musiclstm.scoring import SharedPassage
from musiclstm.seeds import Seed

MAX_BARS, MAX_TAKES, MAX_CANDIDATES, MAX_RANDOM_SEED = 64, 8, 16, 2**32 - 1
MAX_TOTAL_BARS = 512  # of a continuation including its extensions
CLOSING = 4  # bars: shorter continuations get no ending
OPEN_ENDED = 1000  # bars: so far off that no ending is in sight


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

    ``bars``: length of the continuation, 1..64; ``takes``: number of different continuations, 1..8; ``candidates``, 1..16: how
    many versions of each phrase are written for the checkpoint's critic to choose from (a checkpoint without one writes one);
    ``random_seed`` 0..2**32 - 1 determines all random choices; ``after``: an earlier take to extend; ``performance``: how seed
    and continuation are played (``performed``), which changes nothing about the notes that are written.
    ``ending``: the bar in which the music ends, from ``bars`` to OPEN_ENDED, which means no ending in sight. None for the last
    bar: the music then closes with one chord on its first beat (fewer than CLOSING bars are left open).
    """

    seed: Seed
    bars: int = 16
    takes: int = 1
    candidates: int = 8  # benchmarks/EXPERIMENTS.md, "Choosing among candidates"
    random_seed: int = 1
    performance: Performance = field(default_factory=Performance)
    after: Prefix | None = None
    ending: int | None = None
    sampling: SamplingOptions = field(default_factory=SamplingOptions)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("The number of bars", self.bars, 1, MAX_BARS),
            ("The number of takes", self.takes, 1, MAX_TAKES),
            ("The number of candidates", self.candidates, 1, MAX_CANDIDATES),
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
    and the random seed determine the notes. ``score`` is that of the checkpoint's critic (``scoring.critic``), log-odds that a
    person wrote it; None until the take is finished, or without a critic. ``shared_passage`` is the longest passage that the
    finished continuation shares with a training piece; None if unknown.
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
    kept = cut(take.continuation, 0, bars * _metre(composition.seed).bar_ticks)
    return Prefix(kept, bars, composition.recipe, number)


def take_recipe(composition: Composition, number: int) -> dict[str, Any]:
    """The recipe of one take: the composition's recipe, plus the take's number if there are several."""
    return composition.recipe | ({"take": number} if len(composition.takes) > 1 else {})


def performed(composition: Composition) -> Composition:
    """The composition as it sounds and is written to files, at the tempo and in the transposition of its request."""
    play = composition.request.performance.played
    takes = tuple(replace(take, continuation=play(take.continuation), joined=play(take.joined)) for take in composition.takes)
    return replace(composition, seed=play(composition.seed), takes=takes)


def original_of(composition: Composition) -> Piece | None:
    """The composer's own continuation, at the tempo and in the transposition of the request; None if it is unknown."""
    original = composition.request.seed.original
    return None if original is None else composition.request.performance.played(original.piece)


def compose(checkpoint: Checkpoint, request: ComposeRequest) -> Composition:
    """The finished composition. The same checkpoint and request give the same notes."""
    for composition in compose_stream(checkpoint, request):
        last = composition
    return last


def compose_stream(checkpoint: Checkpoint, request: ComposeRequest) -> Iterator[Composition]:
    """Yields the composition as it grows, a few bars at a time. A caller may stop early: every one yielded is complete music."""
    seed = request.performance.paced(request.seed.piece)
    split = request.seed.end
    bar, before = _metre(seed).bar_ticks, request.after.bars if request.after else 0
    made = recipe_of(checkpoint, request)
    for drafts in _drafts(checkpoint, request, seed):
        finished = all(draft.finished for draft in drafts)
        ends = [bar * min(request.bars, max(draft.bars, _last_bar(draft.notes, bar))) for draft in drafts]
        takes = tuple(_take(seed, request, number, *each) for number, each in enumerate(zip(drafts, ends, strict=True)))
        yield Composition(
            request=request,
            seed=seed,
            split=split,
            takes=_judged(takes, seed, split, request.total_bars, checkpoint) if finished else takes,
            bars=before + min(draft.bars for draft in drafts),
            finished=finished,
            recipe=made,
        )


def _drafts(checkpoint: Checkpoint, request: ComposeRequest, seed: Piece) -> Iterator[list[Draft]]:
    split, metre = request.seed.end, _metre(seed)
    bar, before = metre.bar_ticks, request.after.bars if request.after else 0
    known = join(seed, request.after.continuation, split) if request.after else seed
    rows = encode(known, checkpoint.vocabulary)
    rest = split + before * bar - int(known.notes["onset"][-1])
    # In a very long bar no step may reach from the last onset to the bar line: encode that onset closer to it.
    gap = min(rest, checkpoint.vocabulary.steps[-1])
    rows[-1, POSITION] += rest - gap
    composer = checkpoint.vocabulary.composer_class(request.seed.composer)
    open_ended = request.ending is None and request.bars < CLOSING
    end = bar * (OPEN_ENDED if open_ended else request.ending or request.bars)
    choosing = request.candidates > 1 and checkpoint.critic is not None
    state = checkpoint.decoder.prime(rows, composer=composer, takes=1 if choosing else request.takes, gap=gap, end=end)
    task = Task(
        decoder=checkpoint.decoder,
        vocabulary=checkpoint.vocabulary,
        state=state,
        sampling=request.sampling,
        random_seed=request.random_seed,
        bars=request.bars,
        bar=bar,
        gap=gap,
    )
    if checkpoint.critic is None or not choosing:
        return written(task, request.takes)
    heard = checkpoint.critic.ear(seed.notes, split, metre)
    earlier = request.after.continuation.notes if request.after else seed.notes[:0]

    def ear(notes: Notes, bars: int) -> float:
        return heard(_after(earlier, notes, before * bar), before + bars)

    return chosen(task, request.takes, request.candidates, ear)


def _last_bar(notes: Notes, bar: int) -> int:
    """The number of bars up to and including the one with the last onset."""
    return int(notes["onset"][-1]) // bar + 1 if len(notes) else 0


def _after(earlier: Notes, notes: Notes, tick: int) -> Notes:
    """Notes that begin at ``tick``, behind ``earlier`` ones."""
    moved = notes.copy()
    moved["onset"] += tick
    return np.concatenate([earlier, moved])


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
        "candidates": request.candidates,
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


def _judged(takes: tuple[Take, ...], seed: Piece, split: int, bars: int, checkpoint: Checkpoint) -> tuple[Take, ...]:
    """The finished takes with their shared passages and, if there is a critic, their scores, highest first."""
    known, critic = checkpoint.originality, checkpoint.critic
    if known is not None:
        begin = int(np.searchsorted(takes[0].joined.notes["onset"], split))
        takes = tuple(replace(take, shared_passage=known.longest(take.joined, begin)) for take in takes)
    if critic is None:
        return takes
    metre = _metre(seed)
    scored = [replace(take, score=critic.score(seed.notes, split, metre, take.continuation.notes, bars)) for take in takes]
    return tuple(sorted(scored, key=lambda take: -(take.score or 0.0)))


def _metre(seed: Piece) -> Metre:
    """The metre of the continuation: that of the bar with the seed's last onset, which the network saw in the rows."""
    return replace(seed.metre_at(int(seed.notes["onset"][-1])), onset=0)


def _closes(request: ComposeRequest) -> bool:
    """Whether the music ends in its last bar."""
    return request.bars >= CLOSING if request.ending is None else request.ending == request.bars


def _take(seed: Piece, request: ComposeRequest, number: int, draft: Draft, end: int) -> Take:
    split, metre, notes = request.seed.end, _metre(seed), _ring_out(draft.notes, end)
    continuation = replace(seed, notes=notes, metres=(metre,), tempi=(Tempo(0, seed.tempo_at(split)),))
    if request.after is not None:
        before = replace(request.after.continuation, tempi=continuation.tempi)
        continuation = join(before, continuation, request.after.bars * metre.bar_ticks)
    entered = int((np.diff(np.concatenate(([False], draft.guarded)).astype(int)) == 1).sum())
    guarded = int(draft.guarded.sum())
    return Take(continuation, join(seed, continuation, split), loops=entered, guarded=guarded, number=number)


def _ring_out(notes: Notes, end: int) -> Notes:
    """Hold the last chord until the closing bar line at tick ``end``, so that the music ends instead of breaking off."""
    if not len(notes):
        return notes
    last = notes["onset"] == notes["onset"][-1]
    held = notes.copy()
    held["duration"][last] = np.maximum(notes["duration"][last], end - notes["onset"][last])
    return held
