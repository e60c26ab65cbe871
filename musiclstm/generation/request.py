"""What to compose: a request, checked when it is made, and the place in the music where it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.config import HORIZON, SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.generation.edits import Edits
from musiclstm.generation.phrases import Phrase
from musiclstm.music import Metre, Notes, Performance, Piece, Tempo, bar_lines, cut, estimate_key, join, line_after, make_notes
from musiclstm.notation import pickup_bars
from musiclstm.seeds import Seed
from musiclstm.sentence import sentence

MAX_RANDOM_SEED = 2**32 - 1
CLOSING = 4  # bars: shorter continuations get no ending
OPEN_ENDED = 1000  # bars: so far off that no ending is in sight
TIED = 12  # ticks: a note that sounds this long after a bar line is held over it on purpose
KEY_NOTES = 192  # the latest notes say in which key music ends, as for a closing chord
ATTEMPTS = 3  # as many times candidates are written for a phrase while none is good enough
NEAR = 6  # ticks before a note that stays: no new one strikes its key there


@dataclass(frozen=True)
class Prefix:
    """The music that a request extends or changes: the first ``bars`` bars of an earlier take's ``continuation``.

    The continuation begins at tick 0, which is tick ``split`` of the music with the ``opening`` before it. ``recipe`` is the
    recipe of the earlier composition, ``number`` the number of the take in it, ``written`` how many bars were written for it in
    all. ``closes``: it ends with a closing chord. ``phrase``: what a person played after that take; it is the end of the
    ``continuation``, and counts in ``bars`` and ``written``.
    """

    opening: Piece
    continuation: Piece
    bars: int
    split: int
    recipe: Mapping[str, Any]
    number: int
    written: int
    closes: bool
    phrase: Phrase | None = None

    @property
    def ticks(self) -> int:
        """Length of the bars in ticks."""
        return line_after(self.continuation, self.bars)

    def followed_by(self, phrase: Phrase) -> Prefix:
        """The same music with what a person played after it. Raises OptionError if a note begins after the phrase's bars."""
        bars, begin = self.bars + phrase.bars, self.ticks
        onset, pitch, duration, velocity = np.array(phrase.notes, dtype=np.int64).T
        if begin + int(onset.max()) >= line_after(self.continuation, bars):
            raise OptionError("A phrase ends before its last note begins.")
        played = make_notes(begin + onset, pitch, duration, velocity)
        old = cut(self.continuation, 0, begin).notes
        both = np.concatenate([old, played])
        notes = make_notes(both["onset"], both["pitch"], both["duration"], both["velocity"])
        continuation = replace(self.continuation, notes=notes)
        written = self.written + phrase.bars
        return replace(self, continuation=continuation, bars=bars, written=written, closes=False, phrase=phrase)


@dataclass(frozen=True)
class ComposeRequest:
    """What to compose. Raises OptionError for numbers or names outside their range.

    ``bars``: how many to write, 1..64; ``takes``: number of different continuations, 1..8; ``candidates``, 1..16: how many
    versions of each phrase are written for the checkpoint's critic to choose from (a checkpoint without one writes one);
    ``random_seed`` 0..2**32 - 1 determines all random choices; ``after``: an earlier take to extend; ``performance``: how seed
    and continuation are played (``performed``), which changes nothing about the notes that are written.
    ``ending``: the bar in which the music ends, from ``bars`` to OPEN_ENDED, which means no ending in sight. None for the last
    bar: the music then closes with one chord on its first beat (fewer than CLOSING bars are left open).
    ``regenerate``: write ``bars`` bars anew from this one on, counted from 1 in seed and continuation together, a pickup too (see
    ``numbers``), instead of going on at the end: bars of the seed's own music, or of the take in ``after``. All other bars stay.
    New last bars close if the old ones did.
    ``edits``: what a person then changed by hand in one of the takes. Where bars were deleted, it is the only one.
    For an answer without delay: ``context``, 1..HORIZON, how many of the latest notes the model reads; ``attempts``, 1..ATTEMPTS,
    how many times candidates are written for a phrase while none is good enough.
    """

    seed: Seed
    bars: int = 16
    takes: int = 1
    candidates: int = 8  # benchmarks/EXPERIMENTS.md, "Choosing among candidates"
    random_seed: int = 1
    performance: Performance = field(default_factory=Performance)
    after: Prefix | None = None
    ending: int | None = None
    regenerate: int | None = None
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    edits: Edits | None = None
    context: int = HORIZON
    attempts: int = ATTEMPTS

    def __post_init__(self) -> None:
        for name, value, low, high in (
            (sentence("The number of bars"), self.bars, 1, limits.BARS),
            (sentence("The number of takes"), self.takes, 1, limits.TAKES),
            (sentence("The number of candidates"), self.candidates, 1, limits.CANDIDATES),
            (sentence("The random seed"), self.random_seed, 0, MAX_RANDOM_SEED),
            (sentence("The number of notes that are read"), self.context, 1, HORIZON),
            (sentence("The number of attempts"), self.attempts, 1, ATTEMPTS),
            (sentence("The bar of the ending"), self.bars if self.ending is None else self.ending, self.bars, OPEN_ENDED),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise OptionError(
                    "{name} must be a whole number from {low} to {high}, not {value}.", name=name, low=low, high=high, value=value
                )
        require_written(self.written)
        if self.edits is not None and not 0 <= self.edits.number < self.takes:
            raise OptionError("There is no take number {number} to change by hand.", number=self.edits.number)
        if self.edits is not None and self.total_bars < 1:
            raise OptionError("At least one bar of the continuation must stay.")
        if self.after is None and self.regenerate is None:
            _require_short(self.seed)
        if self.regenerate is not None:
            _require_bars(self, self.regenerate)

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The first and last bar that are written anew, as they are numbered in a score: a pickup is bar 0. None without."""
        if self.regenerate is None:
            return None
        first = self.regenerate - pickup_bars(self.seed.piece)
        return first, first + self.bars - 1

    @property
    def split(self) -> int:
        """The tick of the music at which the continuation begins."""
        if self.after is not None:
            return self.after.split
        return self.seed.end if self.regenerate is None else line_after(self.seed.piece, self.regenerate - 1)

    @property
    def existing(self) -> int:
        """Bars of the continuation that exist before this request writes."""
        if self.after is not None:
            return self.after.bars
        return 0 if self.regenerate is None else len(bar_lines(self.seed.piece, self.seed.end)) - self.regenerate

    @property
    def written_bars(self) -> int:
        """Bars of the whole continuation, including those that exist already, before any are deleted by hand."""
        return self.existing + (self.bars if self.regenerate is None else 0)

    @property
    def total_bars(self) -> int:
        """Bars of the whole continuation in the end."""
        return self.written_bars - (self.edits.deleted if self.edits else 0)

    @property
    def written(self) -> int:
        """Bars that are written for this music in all, including earlier requests."""
        return self.bars + (self.after.written if self.after else 0)

    @property
    def closes(self) -> bool:
        """Whether the music is written to end with a closing chord."""
        if self.regenerate is not None:
            return _ends_with_a_chord(self.seed) if self.after is None else self.after.closes
        return self.bars >= CLOSING if self.ending is None else self.ending == self.bars

    @property
    def ends_closed(self) -> bool:
        """Whether the closing chord is still there after what was changed by hand."""
        return self.closes and (self.edits is None or self.edits.keeps_end(self.written_bars))


@dataclass(frozen=True, eq=False)
class Place:
    """Where a request writes: ``bars`` bars of ``metre`` in ``music``, from tick ``begin`` to tick ``stop``.

    ``split``: where the continuation begins, which has ``existing`` bars already; ``end``: where the music will end, much later
    if that is open. ``rewrites``: the bars are among those that exist.
    """

    music: Piece
    split: int
    begin: int
    bars: int
    metre: Metre
    existing: int
    end: int
    rewrites: bool

    @property
    def stop(self) -> int:
        """The tick of the bar line at which the new bars end."""
        return self.begin + self.bars * self.metre.bar_ticks

    @property
    def music_end(self) -> int:
        """The tick of the bar line at which the music ends now."""
        return line_after(cut(self.music, self.split, self.music.end + 1), self.existing) + self.split

    def outside(self, until: int) -> NDArray[np.bool_]:
        """Which notes of the music [n] stay if the bars from ``begin`` to tick ``until`` are new.

        Those that begin elsewhere, and those that are held over the end of the passage: the following bars need them.
        """
        onset = self.music.notes["onset"]
        return (onset < self.begin) | (onset >= until) | self.held_over

    @property
    def held_over(self) -> NDArray[np.bool_]:
        """Which notes of the music [n] begin in the passage and are held over its end."""
        onset, duration = self.music.notes["onset"], self.music.notes["duration"]
        something_follows = self.rewrites and self.stop < self.music_end
        return something_follows & (onset >= self.begin) & (onset < self.stop) & (onset + duration >= self.stop + TIED)

    def filled(self, notes: Notes, bars: int) -> Piece:
        """The music with ``notes``, whose onsets count from ``begin``, as its first ``bars`` new bars.

        Bars that existed keep every note: a new one ends at the passage's end, and does not strike a key that is held already.
        """
        new = notes.copy()
        new["onset"] += self.begin
        until = self.begin + bars * self.metre.bar_ticks
        old = self.music.notes[self.outside(until) if self.rewrites else slice(None)]
        if self.rewrites:
            new = new[(new["onset"] >= self.begin) & (new["onset"] < until)]
            new["duration"] = np.minimum(new["duration"], self.stop - new["onset"])
            new = new[~_held_already(old, new)]
        both = np.concatenate([old, new])
        merged = make_notes(both["onset"], both["pitch"], both["duration"], both["velocity"])
        return replace(self.music, notes=merged)


def require_written(bars: int) -> None:
    """Raise OptionError if ``bars``, written for one piece in all, are too many."""
    if bars > limits.BARS_IN_ALL:
        raise OptionError(
            "For one piece up to {bars_in_all} bars can be written in total, not {bars}.",
            bars_in_all=limits.BARS_IN_ALL,
            bars=bars,
        )


def place_of(request: ComposeRequest) -> Place:
    """Where ``request`` writes."""
    seed, after, bars = request.performance.paced(request.seed.piece), request.after, request.bars
    music = seed
    if after is not None:
        continuation = replace(after.continuation, tempi=(Tempo(0, seed.tempo_at(after.split)),))
        music = join(replace(after.opening, tempi=seed.tempi), cut(continuation, 0, after.ticks), after.split)
    if request.regenerate is not None:
        begin = line_after(music, request.regenerate - 1)
        metre = replace(music.metre_at(begin), onset=0)
        there = after.split + after.ticks if after else request.seed.end
        end = there if request.closes else begin + OPEN_ENDED * metre.bar_ticks
        return Place(music, request.split, begin, bars, metre, request.existing, end, rewrites=True)
    begin = after.split + after.ticks if after else request.seed.end
    # The bar with the last onset: the network saw its metre in the rows.
    metre = replace(music.metre_at(int(music.notes["onset"][-1])), onset=0)
    kept = tuple(change for change in music.metres if change.onset < begin)
    music = replace(music, metres=kept, tempi=tuple(change for change in music.tempi if change.onset <= begin))
    open_ended = request.ending is None and bars < CLOSING
    end = begin + metre.bar_ticks * (OPEN_ENDED if open_ended else request.ending or bars)
    return Place(music, request.split, begin, bars, metre, request.existing, end, rewrites=False)


def _require_short(seed: Seed) -> None:
    """Raise OptionError if a seed has more bars than the model can make use of."""
    bars = len(bar_lines(seed.piece, seed.end)) - 1
    if bars > limits.SEED_BARS:
        raise OptionError("A seed has 1 to {seed_bars} bars, not {bars:,}.", seed_bars=limits.SEED_BARS, bars=bars)


def _require_bars(request: ComposeRequest, first: int) -> None:
    """Raise OptionError unless there are ``request.bars`` bars of one metre from bar ``first`` on that may be changed."""
    if isinstance(first, bool) or not isinstance(first, int):
        raise OptionError("The first bar to regenerate must be a whole number, not {first}.", first=first)
    after, piece = request.after, request.seed.piece
    opening = len(bar_lines(piece, after.split if after else request.seed.end)) - 1
    low, high = (opening + 1, opening + after.bars) if after else (2, opening)
    last = first + request.bars - 1
    if high < low:
        raise OptionError("This music has a single bar, which stays, since the model goes on from it.")
    if high > limits.CHANGED_BARS:
        raise OptionError(
            "Music of up to {changed_bars:,} bars can be changed, not of {high:,}; cut out a part.",
            changed_bars=limits.CHANGED_BARS,
            high=high,
        )
    shift = pickup_bars(piece)
    numbers = {"first": first - shift, "last": last - shift}
    if not low <= first <= last <= high:
        wish = {"low": low - shift, "high": high - shift, **numbers}
        if after:
            raise OptionError(
                "Only bars {low} to {high} can be regenerated (bars of the continuation), not {first} to {last}.", **wish
            )
        raise OptionError(
            "Only bars {low} to {high} can be regenerated (the first bar stays, since the model goes on from it), "
            "not {first} to {last}.",
            **wish,
        )
    place = place_of(request)
    inside = [metre for metre in place.music.metres if place.begin < metre.onset < place.stop]
    if inside or not (place.music.notes["onset"] < place.begin).any():
        if inside:
            raise OptionError("Bars {first} to {last} can't be regenerated: the metre changes in them.", **numbers)
        raise OptionError("Bars {first} to {last} can't be regenerated: there are no notes before them.", **numbers)


def _ends_with_a_chord(seed: Seed) -> bool:
    """Whether the music closes: its last bar holds a single chord, on the first beat, over the tonic."""
    piece, notes = seed.piece, seed.piece.notes
    line = int(bar_lines(piece, seed.end)[-2])
    last = notes[notes["onset"] >= line]
    keys = (piece.key, estimate_key(replace(piece, notes=notes[-KEY_NOTES:]))[0])  # the music may end in another key
    over_the_tonic = int(last["pitch"].min()) % 12 in {key.tonic for key in keys if key is not None}
    return bool((last["onset"] == line).all()) and over_the_tonic


def _held_already(old: Notes, new: Notes) -> NDArray[np.bool_]:
    """Which of the ``new`` notes [n] strike a key that one of the ``old`` ones holds down then, or is about to strike."""
    same = new["pitch"][:, None] == old["pitch"]
    since = new["onset"][:, None] - old["onset"]
    return (same & (since > -NEAR) & (since < old["duration"])).any(axis=1)
