"""The use case: a checkpoint, a request and its random seed become a composition."""

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
from musiclstm.music import Notes, Piece, Tempo, cut, join, transpose, voices_of
from musiclstm.scoring import RANKED_BARS, SharedPassage
from musiclstm.seeds import Seed

MAX_BARS, MAX_TAKES, MAX_RANDOM_SEED = 64, 8, 2**32 - 1
MAX_TOTAL_BARS = 512  # of a continuation that is extended again and again
MAX_TRANSPOSITION = 12
CLOSING = 4  # bars: fewer are too few to come to an end
OPEN_ENDED = 1000  # bars: an ending so far off is out of sight
MAX_NOTES = 4096  # of one take: 64 bars of very dense music


@dataclass(frozen=True)
class Prefix:
    """What a request goes on from: the first ``bars`` bars of an earlier take's ``continuation``, which begins at tick 0.

    ``recipe`` is that of the composition it is from, ``number`` the take's there.
    """

    continuation: Piece
    bars: int
    recipe: Mapping[str, Any]
    number: int


@dataclass(frozen=True)
class ComposeRequest:
    """What a person asks for. Raises OptionError for numbers or names outside their range.

    ``bars`` 1..64 of continuation; ``takes`` 1..8 different continuations; ``random_seed`` 0..2**32 - 1 decides all chance;
    ``after``: what was written already and is written on from; ``tempo`` 20..400 quarters a minute, None for the seed's own;
    ``transposition``: semitones, -12..12, by which all is heard higher (``transposed``);
    ``instrument`` a name of ``instruments.INSTRUMENTS``.
    ``ending``: with which bar the music comes to its end, from ``bars`` to OPEN_ENDED, which is out of sight; None for the last
    one, in which it then closes with one chord on the first beat (fewer than CLOSING bars are left open).
    """

    seed: Seed
    bars: int = 16
    takes: int = 1
    random_seed: int = 1
    tempo: float | None = None
    instrument: str = "piano"
    transposition: int = 0
    after: Prefix | None = None
    ending: int | None = None
    sampling: SamplingOptions = field(default_factory=SamplingOptions)

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("The number of bars", self.bars, 1, MAX_BARS),
            ("The number of takes", self.takes, 1, MAX_TAKES),
            ("The random seed", self.random_seed, 0, MAX_RANDOM_SEED),
            ("The transposition in semitones", self.transposition, -MAX_TRANSPOSITION, MAX_TRANSPOSITION),
            ("The bar of the ending", self.bars if self.ending is None else self.ending, self.bars, OPEN_ENDED),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise OptionError(f"{name} must be a whole number from {low} to {high}, not {value}.")
        if self.total_bars > MAX_TOTAL_BARS:
            raise OptionError(f"A continuation may have up to {MAX_TOTAL_BARS} bars in all, not {self.total_bars}.")
        tempo = self.tempo
        if tempo is not None and (isinstance(tempo, bool) or not isinstance(tempo, int | float) or not 20 <= tempo <= 400):
            raise OptionError(f"The tempo must lie between 20 and 400 quarter notes a minute, not {tempo}.")
        if not isinstance(self.instrument, str):
            raise OptionError(f"The instrument must be a name, not {self.instrument!r}.")
        voices_of(self.instrument)

    @property
    def total_bars(self) -> int:
        """Bars of the whole continuation, those it goes on from included."""
        return self.bars + (self.after.bars if self.after else 0)


@dataclass(frozen=True)
class Take:
    """One continuation, as written (``transposed`` transposes it): ``continuation`` begins at tick 0, ``joined`` is seed and all.

    ``loops`` is how many times the loop guard stepped in, ``guarded`` the number of notes written under it. ``number``, from 0,
    and the random seed decide what it is; ``score`` is how typical it is of what people write (``ranking.Ranking.score``), None
    while it is being written, outside ``ranking.RANKED_BARS``, or where the checkpoint can't tell.
    ``shared_passage``: the longest passage of the finished continuation that is found in a training piece; None where not known.
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
    """What was written so far: ``bars`` is how many whole bars every take has, those it goes on from included; ``finished``
    whether it is all.

    ``takes`` stand in the order of their numbers while they are written; of a finished composition the best comes first.
    """

    request: ComposeRequest
    seed: Piece
    split: int
    takes: tuple[Take, ...]
    bars: int
    finished: bool
    recipe: dict[str, Any]


def extension_request(composition: Composition, number: int, **settings: Any) -> ComposeRequest:
    """The request that writes on from take ``number`` of a finished composition, with its settings or others.

    A take that came to its end is taken up again where its last bar began: nothing follows a closing chord. Raises OptionError
    for settings out of range, among them more than MAX_TOTAL_BARS in all.
    """
    request = composition.request
    bars = composition.bars - (1 if _closes(request) and composition.bars > 1 else 0)
    written = prefix_of(composition, number, bars)
    return replace(request, **{"after": written, "takes": 1, "ending": None, **settings})


def prefix_of(composition: Composition, number: int, bars: int) -> Prefix:
    """The first ``bars`` bars of take ``number`` of a finished composition. Raises OptionError if it has not so many."""
    take = next((take for take in composition.takes if take.number == number), None)
    if take is None or not 1 <= bars <= composition.bars:
        raise OptionError(f"There is no take number {number} with {bars} bars to go on from.")
    kept = cut(take.continuation, 0, bars * _bar(composition.seed))
    return Prefix(kept, bars, composition.recipe, number)


def take_recipe(composition: Composition, number: int) -> dict[str, Any]:
    """The recipe of one take: that of the composition, and which of several takes it is."""
    return composition.recipe | ({"take": number} if len(composition.takes) > 1 else {})


def transposed(composition: Composition) -> Composition:
    """The composition as it is heard and written to files: all its music transposed as the request says."""
    semitones = composition.request.transposition
    if not semitones:
        return composition
    takes = tuple(
        replace(take, continuation=transpose(take.continuation, semitones), joined=transpose(take.joined, semitones))
        for take in composition.takes
    )
    return replace(composition, seed=transpose(composition.seed, semitones), takes=takes)


def compose(checkpoint: Checkpoint, request: ComposeRequest) -> Composition:
    """The finished composition. The same checkpoint and request give the same notes."""
    for composition in compose_stream(checkpoint, request):
        last = composition
    return last


def compose_stream(checkpoint: Checkpoint, request: ComposeRequest) -> Iterator[Composition]:
    """The composition as it grows, a few bars at a time; whoever stops looking keeps the last one, which is music too."""
    seed = request.seed.piece if request.tempo is None else replace(request.seed.piece, tempi=(Tempo(0, request.tempo),))
    split = request.seed.end
    bar, before = _bar(seed), request.after.bars if request.after else 0
    known = join(seed, request.after.continuation, split) if request.after else seed
    rows = encode(known, checkpoint.vocabulary)
    here = split + before * bar
    rest = here - int(known.notes["onset"][-1])
    # Where no step reaches from the last onset to the bar line, in a very long bar, that onset is told to be nearer to it.
    gap = min(rest, checkpoint.vocabulary.steps[-1])
    rows[-1, POSITION] += rest - gap
    composer = checkpoint.vocabulary.composer_class(request.seed.composer)
    decoder, made = checkpoint.decoder, recipe_of(checkpoint, request)
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
    """All that is needed to write the same notes again, as JSON data: also a seed that is not among the checkpoint's, and the
    recipe of what an extension goes on from.
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
        "tempo": request.tempo,
        "instrument": request.instrument,
        "transposition": request.transposition,
        "ending": request.ending,
    }
    if request.seed not in checkpoint.seeds:
        made["own_seed"] = request.seed.to_json()
    if request.after is not None:
        before = {key: value for key, value in request.after.recipe.items() if key != "own_seed"}  # it is the same one
        made["after"] = {"recipe": before, "number": request.after.number, "bars": request.after.bars}
    return made


def _judged(takes: tuple[Take, ...], split: int, bars: int, checkpoint: Checkpoint) -> tuple[Take, ...]:
    """The finished takes with what they borrow, and with their scores, the highest first, where they can be ranked."""
    known, ranking = checkpoint.originality, checkpoint.ranking
    if known is not None:
        begin = int(np.searchsorted(takes[0].joined.notes["onset"], split))
        takes = tuple(replace(take, shared_passage=known.longest(take.joined, begin)) for take in takes)
    if ranking is None or not RANKED_BARS[0] <= bars <= RANKED_BARS[1]:
        return takes
    scored = [replace(take, score=ranking.score(take.joined, split)) for take in takes]
    return tuple(sorted(scored, key=lambda take: -(take.score or 0.0)))


def _bar(seed: Piece) -> int:
    """Ticks of a bar of the continuation: of the bar in which the seed's last note stands."""
    return seed.metre_at(int(seed.notes["onset"][-1])).bar_ticks


def _closes(request: ComposeRequest) -> bool:
    """Whether what is written comes to an end with its last bar."""
    return request.bars >= CLOSING if request.ending is None else request.ending == request.bars


def _take(seed: Piece, request: ComposeRequest, number: int, notes: Notes, guarded: np.ndarray[Any, Any], end: int) -> Take:
    split = request.seed.end
    # The metre in which the last note stands: the one that the rows told to the network.
    metre = replace(seed.metre_at(int(seed.notes["onset"][-1])), onset=0)
    continuation = replace(seed, notes=_ring_out(notes, end), metres=(metre,), tempi=(Tempo(0, seed.tempo_at(split)),))
    if request.after is not None:
        before = replace(request.after.continuation, tempi=continuation.tempi)
        continuation = join(before, continuation, request.after.bars * metre.bar_ticks)
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
