"""Which one is by Mozart? Two continuations without names, and what the visitor said of them. No widgets here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape
from typing import Any

from musiclstm.generation import original_of
from musiclstm.music import Piece
from musiclstm.render.pianoroll import note_data
from musiclstm.sentence import sentence
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.pictures import beginning, sounding
from musiclstm.ui.results import Shown
from musiclstm.votes import LEAST_GUESSES, MOST_OF_ONE, percent

MOST_BARS = 8  # to compare
LETTERS = ("A", "B")
NOT_COUNTED = sentence("It is not counted: of one visitor {number} answers a day are.", number=MOST_OF_ONE)


@dataclass(frozen=True)
class Pair:
    """The first ``bars`` bars of the composer's own continuation and of ours, as they sound after tick ``split``.

    ``composer``: the surname, "" if it is not known.
    """

    composer: str
    bars: int
    split: int
    original: Piece
    ours: Piece


@dataclass(frozen=True)
class Question:
    """Which letter is the composer's, what the visitor ``chose`` ("" until then), and whether they had ``heard`` one before.

    ``counted``: the guess is one of the votes. ``others``: the ``summary`` of earlier blind guesses.
    """

    letter: str
    chose: str = ""
    heard: bool = False
    counted: bool = True
    others: Any = None

    @property
    def right(self) -> bool:
        """Whether the visitor knew."""
        return self.chose == self.letter


def pair_of(shown: Shown) -> Pair | None:
    """What a visitor may compare; None where the composer's own continuation is unknown.

    Both are cut to the same number of whole bars. Our closing bar is left out: it would give us away.
    """
    composition, take = sounding(shown)
    original, seed = original_of(shown.composition), composition.request.seed
    if original is None or seed.original is None:
        return None
    ours = composition.bars - (1 if composition.request.ends_closed and composition.bars > 1 else 0)
    bars = min(ours, seed.original.bars[1] - seed.original.bars[0] + 1, MOST_BARS)
    length = bars * composition.seed.metre_at(max(0, composition.split - 1)).bar_ticks
    return Pair(seed.surname, bars, composition.split, beginning(original, length), beginning(take.continuation, length))


def name_of(shown: Shown) -> str:
    """Tells takes apart, however they are played."""
    return hashlib.sha256(shown.take.joined.notes.tobytes()).hexdigest()


def question_page(pair: Pair, question: Question, language: Language = ENGLISH) -> str:
    """The two to listen to, and the question; after the answer, the truth.

    Until then nothing in it says which is which: both are notes alone.
    """
    own = LETTERS.index(question.letter)
    pieces = [pair.original, pair.ours] if own == 0 else [pair.ours, pair.original]
    composer, ours = composer_of(pair, language), language.say("ours")
    names = [composer, ours] if own == 0 else [ours, composer]
    parts = ["original", "continuation"] if own == 0 else ["continuation", "original"]
    buttons = ""
    for letter, piece, name, part in zip(LETTERS, pieces, names, parts, strict=True):
        if question.chose:
            label = language.say("Play {letter}, {name}", letter=letter, name=name)
            buttons += _button(part, f"{letter} · {name}", label, "")
        else:
            notes = f' data-notes="{note_data(piece.notes, pair.split)}"'
            buttons += _button(letter.lower(), letter, language.say("Play {letter}", letter=letter), notes)
    asked = language.say("Which one is by {composer}?", composer=composer)
    said = f'<h3>{escape(asked)}</h3><div class="two">{buttons}</div>'
    if question.chose:
        return f'{said}<p role="status">{escape(_answer(pair, question, language))}</p>'
    told = language.counted(
        "The next bar, once by {composer} and once by the network.",
        "The next {n} bars, once by {composer} and once by the network.",
        pair.bars,
        composer=composer,
    )
    return f"{said}<p>{escape(told)} {escape(language.say('Your guess is counted, nothing about you is stored.'))}</p>"


def composer_of(pair: Pair, language: Language = ENGLISH) -> str:
    """What the composer is called."""
    return pair.composer or language.say("the composer")


def _button(part: str, words: str, label: str, notes: str) -> str:
    return (
        f'<button type="button" class="{part}" data-guess="{part}"{notes} aria-label="{escape(label)}" aria-pressed="false">'
        f'<i aria-hidden="true"></i>{escape(words)}</button>'
    )


def _answer(pair: Pair, question: Question, language: Language) -> str:
    """The truth, and how others guessed once they are many enough."""
    truth = {"letter": question.letter, "composer": composer_of(pair, language)}
    right, wrong = sentence("Right! {letter} is by {composer}.", **truth), sentence("No: {letter} is by {composer}.", **truth)
    said = [right if question.right else wrong]
    others = question.others or {"number": 0}
    if others["number"] >= LEAST_GUESSES:
        share = percent(others["share"])
        said.append(sentence("Others guessed right {share} of {times} times.", share=share, times=others["number"]))
    if not question.counted:
        said.append(NOT_COUNTED)
    elif question.heard:
        said.append(sentence("You had heard one of them before, so your guess is counted apart."))
    return " ".join(map(language.say, said))
