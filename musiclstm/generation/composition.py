"""Compose: a checkpoint and a request become a composition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.checkpoint import Checkpoint
from musiclstm.config import HORIZON
from musiclstm.errors import OptionError
from musiclstm.generation.drafts import Draft, Task, chosen, written
from musiclstm.generation.edits import Edits
from musiclstm.generation.recipe import DIGITS, require_shallow, seed_digest
from musiclstm.generation.request import ATTEMPTS, ComposeRequest, Place, Prefix, place_of
from musiclstm.model import BAR, POSITION, Rows, encode
from musiclstm.music import Notes, Piece, cut, line_after
from musiclstm.scoring import Critic, Ear, SharedPassage

if TYPE_CHECKING:
    from musiclstm.model import State, Turn

_UNHURRIED = {"context": HORIZON, "attempts": ATTEMPTS}
OPENING, FOLLOWING = 8, 4  # bars before and after a passage that new bars must fit to


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
    """The music written so far. Every take has ``bars`` whole bars, ``fresh`` of them written by this request; ``finished``:
    nothing is missing.

    While they are being written, ``takes`` are in the order of their numbers; once finished, the best comes first.
    """

    request: ComposeRequest
    seed: Piece
    split: int
    takes: tuple[Take, ...]
    bars: int
    fresh: int
    finished: bool
    recipe: dict[str, Any]


def extension_request(composition: Composition, number: int, *, kept: int | None = None, **settings: Any) -> ComposeRequest:
    """A request that extends take ``number`` of a finished composition; ``settings`` override those of the composition.

    It goes on after bar ``kept`` of the continuation; what was after it is left out. None goes on at the end, for a take with an
    ending from the start of its last bar, since nothing can follow a closing chord. Raises OptionError for settings out of range,
    including more than limits.BARS_IN_ALL in total.
    """
    request = composition.request
    our_ending = request.ends_closed and composition.split == request.seed.end  # not that of a person's own music
    bars = composition.bars - (1 if our_ending and composition.bars > 1 else 0)
    written = prefix_of(composition, number, bars if kept is None else kept)
    usual = _UNHURRIED | {"after": written, "takes": 1, "ending": None, "regenerate": None, "edits": None}
    return replace(request, **{**usual, **settings})


def regeneration_request(composition: Composition, number: int, first: int, last: int, **settings: Any) -> ComposeRequest:
    """A request for other bars ``first`` to ``last`` in take ``number`` of a finished composition.

    Bars count from 1 in seed and continuation together, a pickup too. ``settings`` override those of the composition. Raises
    OptionError for bars outside the continuation and for settings out of range.
    """
    whole = prefix_of(composition, number, composition.bars)
    usual = {"after": whole, "takes": 1, "candidates": ComposeRequest.candidates, "ending": None, "edits": None}
    usual |= _UNHURRIED | {"regenerate": first, "bars": last - first + 1}
    return replace(composition.request, **{**usual, **settings})


def prefix_of(composition: Composition, number: int, bars: int) -> Prefix:
    """The first ``bars`` bars of take ``number`` of a finished composition. Raises OptionError if they do not exist."""
    take = next((take for take in composition.takes if take.number == number), None)
    if take is None or not 1 <= bars <= composition.bars:
        raise OptionError(f"There is no take number {number} with {bars} bars.")
    require_shallow(composition.recipe)
    kept = cut(take.continuation, 0, line_after(take.continuation, bars))
    request, whole = composition.request, bars == composition.bars
    return Prefix(
        opening=cut(take.joined, 0, composition.split),
        continuation=kept,
        bars=bars,
        split=composition.split,
        recipe=composition.recipe,
        number=number,
        written=request.written,
        closes=whole and request.ends_closed,
    )


def take_recipe(composition: Composition, number: int) -> dict[str, Any]:
    """The recipe of one take: the composition's recipe, plus the take's number if there are several."""
    return composition.recipe | ({"take": number} if len(composition.takes) > 1 else {})


def performed(composition: Composition) -> Composition:
    """The composition as it sounds and is written to files, at the tempo and in the transposition of its request."""
    play = composition.request.performance.played
    takes = tuple(replace(take, continuation=play(take.continuation), joined=play(take.joined)) for take in composition.takes)
    return replace(composition, seed=play(composition.seed), takes=takes)


def changed_take(take: Take, edits: Edits, split: int, bars: int) -> Take:
    """The take, whose continuation of ``bars`` bars begins at tick ``split``, after what was changed by hand, if it is the one.

    Raises OptionError if the opening or bars after the end would change, or no bar or no note would stay.
    """
    if take.number != edits.number:
        return take
    joined = edits.changed(take.joined, split, bars)
    return replace(take, joined=joined, continuation=cut(joined, split, max(joined.end, split) + 1))


def original_of(composition: Composition) -> Piece | None:
    """The composer's own continuation, at the tempo and in the transposition of the request; None if it is unknown."""
    request = composition.request
    known = request.seed.original if composition.split == request.seed.end else None
    return None if known is None else request.performance.played(known.piece)


def compose(checkpoint: Checkpoint, request: ComposeRequest, turn: Turn | None = None) -> Composition:
    """The finished composition. The same checkpoint and request give the same notes. ``turn`` as for ``compose_stream``."""
    for composition in compose_stream(checkpoint, request, turn):
        last = composition
    return last


def compose_stream(checkpoint: Checkpoint, request: ComposeRequest, turn: Turn | None = None) -> Iterator[Composition]:
    """Yields the composition as it grows, a few bars at a time. A caller may stop early: every one yielded is complete music.

    ``turn``: whose notes are written first where several compose at once, and when to stop. Then the last composition is the one
    of a request for the bars that are whole; raises StoppedError if there is none, or if old bars are written anew.
    """
    place, made = place_of(request), recipe_of(checkpoint, request)
    seed = request.performance.paced(request.seed.piece)
    if place.split < request.seed.end:
        seed = cut(seed, 0, place.split)
    for drafts in _drafts(checkpoint, request, place, turn):
        if drafts[0].stopped:
            # What was changed by hand may lie in bars that are not written.
            request = replace(request, bars=drafts[0].bars, ending=request.ending or request.bars, edits=None)
            place, made = place_of(request), recipe_of(checkpoint, request)
        finished = all(draft.finished for draft in drafts)
        takes = tuple(_take(place, number, draft) for number, draft in enumerate(drafts))
        fresh = min(draft.bars for draft in drafts)
        if finished and request.edits is not None:
            takes = _by_hand(takes, request.edits, place.split, request.written_bars)
        if finished:
            takes = _judged(takes, drafts, seed, place, checkpoint, request.edits)
        bars = request.written_bars - (0 if place.rewrites else request.bars - fresh)
        bars -= request.edits.deleted if finished and request.edits is not None else 0
        yield Composition(request, seed, place.split, takes, bars, fresh, finished, made)


def _by_hand(takes: tuple[Take, ...], edits: Edits, split: int, bars: int) -> tuple[Take, ...]:
    """The takes after what was changed by hand in one of them; that one alone if it has fewer bars than the others."""
    changed = tuple(changed_take(take, edits, split, bars) for take in takes)
    return tuple(take for take in changed if take.number == edits.number) if edits.deleted else changed


def _drafts(checkpoint: Checkpoint, request: ComposeRequest, place: Place, turn: Turn | None) -> Iterator[list[Draft]]:
    decoder, vocabulary, critic = checkpoint.decoder, checkpoint.vocabulary, checkpoint.critic
    bar, onset = place.metre.bar_ticks, place.music.notes["onset"]
    rows = encode(place.music, vocabulary)
    known = rows[onset < place.begin][-request.context :]  # what lies further back hardly matters and would take its time
    rest = place.begin - int(onset[onset < place.begin][-1])
    # No step may reach exactly from the last onset to the bar line: encode that onset closer to it. The metre may change here.
    gap = max(step for step in vocabulary.steps if step <= rest)
    known[-1, POSITION], known[-1, BAR] = -gap % bar, bar
    choosing = place.rewrites or (request.candidates > 1 and critic is not None)
    composer, takes = vocabulary.composer_class(request.seed.composer), 1 if choosing else request.takes
    if choosing:
        decoder.compile()
    state = decoder.prime(known, composer=composer, takes=takes, gap=gap, end=place.end - place.begin, turn=turn)
    task = Task(
        decoder=decoder,
        vocabulary=vocabulary,
        state=state,
        sampling=request.sampling,
        random_seed=request.random_seed,
        bars=request.bars,
        bar=bar,
        gap=gap,
        attempts=request.attempts,
        turn=turn,
    )
    if not choosing:
        return written(task, request.takes)
    if place.rewrites:
        task = _between(task, place, rows)
    return chosen(task, request.takes, request.candidates, _ear(critic, place))


def _between(task: Task, place: Place, rows: Rows) -> Task:
    """The task with what stands around and in a passage that is written anew; ``rows`` are those of all the music."""
    notes, onset = place.music.notes, place.music.notes["onset"]
    following = (onset >= place.stop) & (onset < place.stop + FOLLOWING * task.bar)
    given = [(int(onset[index]) - place.begin, rows[index]) for index in np.flatnonzero(place.held_over)]
    old = _moved(notes[(onset >= place.begin) & (onset < place.stop) & ~place.held_over], -place.begin)
    first = int(onset[following][0]) - place.begin if following.any() else 0

    def hindsight(state: State) -> NDArray[np.float64]:
        return task.decoder.log_likelihood(state, rows[following], tick=first)

    later = hindsight if following.any() else None
    return replace(task, given=tuple(given), unlike=(old,), hindsight=later, rewrites=True)


def _ear(critic: Critic | None, place: Place) -> Ear:
    """How well the first bars that are written would fit, to the critic: to the seed's music, or to the bars around them."""
    if critic is None:
        return lambda candidates, _bars: np.zeros(len(candidates))
    bar, music = place.metre.bar_ticks, place.music.notes
    if not place.rewrites:
        heard = critic.ear(music[music["onset"] < place.split], place.split, place.metre)
        before = place.begin - place.split
        earlier = _moved(music[music["onset"] >= place.split], -place.split)
        return lambda candidates, bars: heard(
            [np.concatenate([earlier, _moved(notes, before)]) for notes in candidates], before // bar + bars
        )
    opening = min(OPENING * bar, place.begin // bar * bar or place.begin)
    heard = critic.ear(cut(place.music, place.begin - opening, place.begin).notes, opening, place.metre)
    until = min(place.stop + FOLLOWING * bar, place.music_end)
    stays = _moved(music[place.outside(place.stop) & (music["onset"] >= place.begin) & (music["onset"] < until)], -place.begin)

    def ear(candidates: Sequence[Notes], bars: int) -> NDArray[np.float64]:
        end = bars * bar if bars < place.bars else until - place.begin
        both = [np.concatenate([notes, stays[stays["onset"] < end]]) for notes in candidates]
        return heard([np.sort(notes, order=("onset", "pitch")) for notes in both], end // bar)

    return ear


def recipe_of(checkpoint: Checkpoint, request: ComposeRequest) -> dict[str, Any]:
    """Everything needed to write the same notes again, as JSON data, including a seed that the checkpoint does not have and the
    recipe of the music that is extended.
    """
    made: dict[str, Any] = {
        "program": "musiclstm",
        "checkpoint": checkpoint.name,
        "revision": checkpoint.revision,
        "checkpoint_digest": checkpoint.digest[:DIGITS],
        "seed": request.seed.id,
        "seed_digest": seed_digest(request.seed),
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
    made |= {name: getattr(request, name) for name, usual in _UNHURRIED.items() if getattr(request, name) != usual}
    if request.edits is not None:
        made["edits"] = request.edits.to_json()
    if checkpoint.origin:
        made["origin"] = checkpoint.origin
    if request.seed not in checkpoint.seeds:
        made["own_seed"] = request.seed.to_json()
    if request.regenerate is not None:
        made["regenerate"] = request.regenerate
    if request.after is not None:
        before = {key: value for key, value in request.after.recipe.items() if key != "own_seed"}  # the same seed
        made["after"] = {"recipe": before, "number": request.after.number, "bars": request.after.bars}
        if request.after.phrase is not None:
            made["after"]["bars"] -= request.after.phrase.bars
            made["after"]["played"] = request.after.phrase.to_json()
    return made


def _judged(
    takes: tuple[Take, ...], drafts: list[Draft], seed: Piece, place: Place, checkpoint: Checkpoint, edits: Edits | None
) -> tuple[Take, ...]:
    """The finished takes with their shared passages and, if there is a critic, their scores, the best first."""
    known, critic = checkpoint.originality, checkpoint.critic
    if known is not None:
        begin = int(np.searchsorted(takes[0].joined.notes["onset"], place.split))
        takes = tuple(replace(take, shared_passage=known.longest(take.joined, begin)) for take in takes)
    if critic is not None:
        bars = ((place.music_end if place.rewrites else place.stop) - place.split) // place.metre.bar_ticks
        bars = max(1, bars - (edits.deleted if edits else 0))
        score = partial(critic.score, seed.notes, place.split, place.metre)
        takes = tuple(replace(take, score=score(take.continuation.notes, bars)) for take in takes)
    # New bars in old music count for how they fit in there, which the score of the whole hardly shows.
    merit = [drafts[take.number].score if place.rewrites else take.score or 0.0 for take in takes]
    return tuple(takes[index] for index in np.argsort(np.negative(merit), kind="stable"))


def _take(place: Place, number: int, draft: Draft) -> Take:
    bar = place.metre.bar_ticks
    if place.rewrites:
        ends = draft.bars == place.bars and place.stop == place.end
        notes = _ring_out(draft.notes, place.bars * bar) if ends else draft.notes
    else:
        notes = _ring_out(draft.notes, bar * min(place.bars, max(draft.bars, _last_bar(draft.notes, bar))))
    joined = place.filled(notes, draft.bars)
    entered = int((np.diff(np.concatenate(([False], draft.guarded)).astype(int)) == 1).sum())
    guarded = int(draft.guarded.sum())
    continuation = cut(joined, place.split, max(joined.end, place.split) + 1)
    return Take(continuation, joined, loops=entered, guarded=guarded, number=number)


def _last_bar(notes: Notes, bar: int) -> int:
    """The number of bars up to and including the one with the last onset."""
    return int(notes["onset"][-1]) // bar + 1 if len(notes) else 0


def _moved(notes: Notes, ticks: int) -> Notes:
    """The notes, ``ticks`` later."""
    moved = notes.copy()
    moved["onset"] += ticks
    return moved


def _ring_out(notes: Notes, end: int) -> Notes:
    """Hold the last chord until the closing bar line at tick ``end``, so that the music ends instead of breaking off."""
    if not len(notes):
        return notes
    last = notes["onset"] == notes["onset"][-1]
    held = notes.copy()
    held["duration"][last] = np.maximum(notes["duration"][last], end - notes["onset"][last])
    return held
