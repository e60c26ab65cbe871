"""What belongs to one visitor: their own music, the results made for them, and which one is on show. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from musiclstm import limits
from musiclstm.errors import OptionError
from musiclstm.generation import Composition, played_so
from musiclstm.music import Performance, Piece, bar_lines
from musiclstm.notation import pickup_bars
from musiclstm.seeds import Seed, find_seed, seed_from_piece
from musiclstm.ui.engine import Engine
from musiclstm.ui.guess import Question
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.results import Result, Shown, result_of

OWN = "own"  # the id of the visitor's own music in the list of seeds
KEPT_RESULTS = 24  # how far Undo goes back
KEPT_QUESTIONS = 100


@dataclass(frozen=True)
class OwnMusic:
    """A piece that the visitor uploaded, and the seed cut from it."""

    piece: Piece
    seed: Seed

    @property
    def numbers(self) -> tuple[int, int]:
        """The numbers of the first and last bar of the whole piece, as in a score: a pickup is bar 0."""
        pickup = pickup_bars(self.piece)
        return 1 - pickup, len(bar_lines(self.piece)) - 1 - pickup


@dataclass(frozen=True)
class Playing:
    """What was played on the page's keyboard: notes as (onset, duration, pitch, velocity) in seconds and MIDI numbers.

    ``tempo`` in quarters a minute, ``metre`` and the second of the ``first_beat`` where they are known; None where they are to be
    found.
    """

    notes: tuple[tuple[float, float, int, int], ...]
    tempo: float | None = None
    metre: str | None = None
    first_beat: float | None = None

    def corrected(self, tempo: float | None, metre: str | None, first_beat: float | None) -> Playing:
        """The same notes, understood in another way."""
        return replace(self, tempo=tempo, metre=metre, first_beat=first_beat)


@dataclass(frozen=True)
class Duet:
    """A turn of a duet: the model's ``answer`` to a phrase at a ``tempo`` in quarters a minute.

    ``before``: the result that the phrase followed, None if it was the first.
    """

    answer: Composition
    tempo: float
    before: Result | None

    @property
    def result(self) -> Result:
        """The answer, with the bars locked that were locked before it."""
        return result_of([self.answer]).with_locked(self.before.shown.locked if self.before else frozenset())

    def is_of(self, composition: Composition) -> bool:
        """Whether a composition is the answer, perhaps played in another way."""
        return replace(composition.request, performance=self.answer.request.performance) == self.answer.request


@dataclass
class Session:
    """The state of one open page; Gradio keeps one for each visitor.

    ``language``: that of the page.
    ``stopped``: Stop was pressed. ``engine``: the one that was active when the page loaded. ``playing``: what ``own`` was made
    of, if it was played, and ``understood`` at which tempo, in which metre, from which first beat. ``results``: for Undo, the
    latest last; ``undone``: for Redo. ``opening``: an opening is on show, for which nothing is written yet. ``growing``: a take
    that is being written is on show. ``turn``: counts what the stage was given to: what is written for an earlier turn comes too
    late. ``example``: the only result is the one that every visitor is shown first, to which Undo doesn't go back.
    ``selection``: the bars that are chosen. ``score``: the score is chosen, not the roll. ``staged``: the opening that was on
    show last. ``questions``: by the name of a take, which continuation is the composer's. ``guessed``: seeds of which the visitor
    knows the truth.
    ``duet``: the latest turn of a duet that the visitor has heard, which is among the results. ``answer``: the turn that was
    written last, until it is heard; a visitor who goes on with their phrase gets another one.
    """

    language: Language = ENGLISH
    stopped: bool = False
    engine: Engine | None = None
    own: OwnMusic | None = None
    playing: Playing | None = None
    understood: tuple[float, str, float] | None = None
    results: list[Result] = field(default_factory=list)
    performance: Performance = field(default_factory=Performance)
    undone: list[Result] = field(default_factory=list)
    opening: bool = True
    growing: bool = False
    turn: int = 0
    example: bool = False
    selection: tuple[int, int] | None = None
    score: bool = False
    staged: Seed | None = None
    questions: dict[str, Question] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    duet: Duet | None = None
    answer: Duet | None = None

    @property
    def result(self) -> Result | None:
        """The result on show; None while an opening is."""
        return None if self.opening else self.results[-1]

    @property
    def music(self) -> tuple[object, object]:
        """What sounds, and how, to compare by identity: a take with its composition, or an opening."""
        if self.result is not None:
            return self.result.shown.take, self.result.shown.composition
        return self.staged, self.performance

    def add(self, result: Result) -> None:
        """Show a new result and forget the oldest ones."""
        self.opening = False
        if self.example:
            self.results.clear()
            self.example = False
        self.results.append(result)
        self.undone.clear()
        del self.results[:-KEPT_RESULTS]

    def bring(self, results: Sequence[Result]) -> None:
        """Put results from elsewhere before those of this page, and show the latest, unless the visitor has begun already."""
        self.results[:0] = results
        if results and not self.turn:
            self.opening = False

    def go_back(self) -> None:
        """Show the result before the one on show, or the latest one if an opening is. Raises OptionError if there is none."""
        if len(self.results) < (1 if self.opening else 2):
            raise OptionError("There is nothing to undo.")
        if not self.opening:
            self.undone.append(self.results.pop())
        self.opening = False

    def go_forward(self) -> None:
        """Show again what was undone. Raises OptionError if nothing was."""
        if not self.undone:
            raise OptionError("There is nothing to redo.")
        self.results.append(self.undone.pop())
        self.opening = False

    def bring_back(self, number: int) -> None:
        """Show an earlier result again, as the latest one. Raises OptionError if there is no such result."""
        if not 0 <= number < len(self.results):
            raise OptionError("This version is no longer here.")
        if number < len(self.results) - 1:
            self.results.append(self.results[number])  # the others keep their numbers
        self.opening = False
        self.undone.clear()

    def play_so(self, performance: Performance) -> None:
        """From now on, play so, the result on show too."""
        self.performance = performance
        result = self.result
        if result is not None:
            takes = tuple(replace(shown, composition=played_so(shown.composition, performance)) for shown in result.takes)
            self.results[-1] = replace(result, takes=takes)

    def lock(self, bars: frozenset[int]) -> None:
        """From now on, just these bars of the take on show are locked."""
        assert self.result is not None
        takes, chosen = self.result.takes, self.result.chosen
        locked = replace(takes[chosen], locked=bars)
        self.results[-1] = replace(self.result, takes=(*takes[:chosen], locked, *takes[chosen + 1 :]))

    def chosen_bars(self) -> tuple[Shown, tuple[int, int]]:
        """The take on show, and the first and last bar that are chosen in it. Raises OptionError."""
        if self.result is None:
            raise OptionError("There is no version to change yet. Press Generate first.")
        if self.selection is None:
            raise OptionError("Choose some bars first, on the roll or in the score.")
        return self.result.shown, self.selection

    def question(self, take: str, new: Question) -> Question:
        """The question about a take: the one that was asked before, or a ``new`` one."""
        for old in list(self.questions)[: 1 - KEPT_QUESTIONS]:
            del self.questions[old]
        return self.questions.setdefault(take, new)

    def seed(self, seed_id: str, engine: Engine) -> Seed:
        """Find a seed by its id, including the visitor's own music. Raises OptionError."""
        return self.own.seed if seed_id == OWN and self.own else find_seed(engine.checkpoint.seeds, seed_id)

    def id_of(self, seed: Seed) -> str:
        """What ``seed`` finds it by."""
        return OWN if self.own is not None and seed == self.own.seed else seed.id


def own_bars(piece: Piece, bars: tuple[int, int] | None) -> OwnMusic:
    """Cut a seed from the (first, last) ``bars`` of a piece, as numbered in a score: a pickup is bar 0. None takes its opening.

    Raises OptionError, MusicFileError.
    """
    if bars is not None and not 0 <= bars[1] - bars[0] < limits.SEED_BARS:
        raise OptionError(
            "A seed has 1 to {most} bars; bars {first} to {last} are not possible.",
            most=limits.SEED_BARS,
            first=bars[0],
            last=bars[1],
        )
    pickup = pickup_bars(piece)
    return OwnMusic(piece, seed_from_piece(piece, None if bars is None else (bars[0] + pickup, bars[1] + pickup)))
