"""Piano rolls and scores of seeds and takes, as they sound. No widgets here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from musiclstm.formats import musicxml_text
from musiclstm.generation import Composition, Take, original_of, performed, played_bars
from musiclstm.music import Performance, Piece, bar_lines, cut, line_after
from musiclstm.render.pianoroll import RollWords, roll_svg
from musiclstm.render.sheet import Sheet, engrave
from musiclstm.seeds import Seed
from musiclstm.sentence import counted
from musiclstm.ui.language import ENGLISH, Language
from musiclstm.ui.results import Shown

_ROLL_WIDTH, _CARD_WIDTH = 900.0, 240.0  # pixels of music: next to the controls, on a card
_ROLL_HEIGHT = 300  # pixels
SHEET_WIDTH = 1000  # pixels
SHEET_WIDTHS = (340, 1400)  # on a phone, and where lines get too long to read
_HEADROOM = 7  # semitones shown above and below the seed, so that most continuations fit in


def sounding(shown: Shown) -> tuple[Composition, Take]:
    """The composition and the take as they sound."""
    composition = performed(shown.composition)
    return composition, next(take for take in composition.takes if take.number == shown.take.number)


def sheet(shown: Shown, width: int = SHEET_WIDTH, language: Language = ENGLISH) -> Sheet:
    """The score of a take with its seed, for a place ``width`` pixels wide."""
    composition, take = sounding(shown)
    voices = composition.request.performance.voices
    text, split = musicxml_text(take.joined, split=composition.split, voices=voices), composition.split
    return engrave(text, split=split, width=width, words=_score_words(language))


def opening_sheet(seed: Seed, performance: Performance, width: int = SHEET_WIDTH, language: Language = ENGLISH) -> Sheet:
    """The score of a seed alone."""
    text = musicxml_text(performance.played(seed.piece), voices=performance.voices)
    return engrave(text, width=width, words=_score_words(language))


def _score_words(language: Language) -> Callable[[str, str | None], str]:
    """What describes a score to a screen reader."""

    def described(title: str, begins: str | None) -> str:
        if begins is None:
            return language.say("Score of {title}", title=title)
        return language.say("Score of {title}; the continuation begins in bar {bar}", title=title, bar=begins)

    return described


def waiting_roll(seed: Seed, bars: int, performance: Performance, language: Language = ENGLISH) -> str:
    """The piano roll of a seed, with room for ``bars`` more."""
    until = seed.end + bars * seed.piece.metre_at(seed.end).bar_ticks
    piece = performance.played(seed.piece)
    return roll_svg(
        piece,
        split=seed.end,
        until=until,
        pitches=_expected(piece, None if seed.original is None else performance.played(seed.original.piece)),
        height=_ROLL_HEIGHT,
        quarter_px=_fitting(until),
        voices=performance.voices,
        written=seed.end,
        words=_words(language),
    )


def growing_roll(composition: Composition, language: Language = ENGLISH) -> str:
    """The piano roll of the first take, as far as it is written."""
    return _roll(Shown(composition, composition.takes[0], ""), language)


def take_roll(shown: Shown, language: Language = ENGLISH) -> str:
    """The piano roll of seed and continuation, with the numbers of locked bars for the script."""
    return f'<div data-locked="{" ".join(map(str, sorted(shown.locked)))}">{_roll(shown, language)}</div>'


def _roll(shown: Shown, language: Language) -> str:
    """The piano roll of seed and continuation. It has room for the bars still to come, so it keeps its size while it grows."""
    composition, take = sounding(shown)
    split, seed = composition.split, composition.seed
    length = line_after(take.continuation, max(composition.bars, composition.request.total_bars))
    original = original_of(shown.composition)
    return roll_svg(
        seed,
        _cut_off(take.continuation, length),
        split=split,
        until=split + length,
        pitches=_expected(seed, original),
        height=_ROLL_HEIGHT,
        quarter_px=_fitting(split + length),
        voices=composition.request.performance.voices,
        written=split + line_after(take.continuation, composition.bars),
        original=None if original is None else (own_name(composition.request.seed, language), beginning(original, length)),
        played=_played(composition, take.continuation),
        words=_words(language),
    )


def _played(composition: Composition, continuation: Piece) -> NDArray[np.bool_]:
    """Which notes of a continuation a person played, between the model's."""
    bars = played_bars(composition.recipe, len(bar_lines(composition.seed, composition.split)) - 1)
    onset = continuation.notes["onset"]
    if not bars:
        return np.zeros(len(onset), bool)
    lines = bar_lines(continuation, int(onset[-1]) + 1)
    return np.isin(np.searchsorted(lines, onset, side="right") - 1, list(bars))


def small_roll(shown: Shown, language: Language = ENGLISH) -> str:
    """A thumbnail of a take, for its card."""
    composition, take = sounding(shown)
    ticks = composition.split + line_after(take.continuation, composition.request.total_bars)
    wide = _fitting(ticks, _CARD_WIDTH, 4.0)
    words = _words(language)
    return roll_svg(composition.seed, take.continuation, split=composition.split, height=160, quarter_px=wide, words=words)


def _words(language: Language) -> RollWords:
    """The words in and about a piano roll."""

    def described(seed_bars: int, seed_notes: int, bars: int | None, notes: int) -> str:
        sizes = {
            "bars": counted("{n} bar", "{n} bars", seed_bars),
            "notes": counted("{n} note", "{n} notes", seed_notes),
        }
        if bars is None:
            return language.say("Piano roll: opening of {bars} with {notes}", **sizes)
        return language.say(
            "Piano roll: opening of {bars} with {notes}, continuation of {new_bars} with {new_notes}",
            new_bars=counted("{n} bar", "{n} bars", bars),
            new_notes=counted("{n} note", "{n} notes", notes),
            **sizes,
        )

    return RollWords(language.say("opening"), language.say("continuation"), language.say("C{octave}"), described)


def own_name(seed: Seed, language: Language = ENGLISH) -> str:
    """What the composer's own continuation is called: "Mozart's own"."""
    return language.say("{composer}'s own", composer=seed.surname) if seed.surname else language.say("The composer's own")


def beginning(piece: Piece, end: int) -> Piece:
    """The notes of a piece before tick ``end``, none held beyond it."""
    return _cut_off(cut(piece, 0, end), end)


def _cut_off(piece: Piece, end: int) -> Piece:
    """The piece with its notes cut off at tick ``end``: notes that ring longer would need one more bar."""
    notes = piece.notes.copy()
    notes["duration"] = np.maximum(1, np.minimum(notes["duration"], end - notes["onset"]))
    return replace(piece, notes=notes)


def _fitting(ticks: int, width: float = _ROLL_WIDTH, least: float = 9.0, most: float = 22.0) -> float:
    """Pixels per quarter, so that ``ticks`` fill ``width`` within the limits ``least`` and ``most``."""
    return min(most, max(least, width / max(1.0, ticks / 24)))


def _expected(seed: Piece, original: Piece | None) -> tuple[int, int]:
    """The lowest and highest pitch to leave room for: those of most continuations, and of the composer's own."""
    pitches = seed.notes["pitch"]
    low, high = max(21, int(pitches.min()) - _HEADROOM), min(108, int(pitches.max()) + _HEADROOM)
    own = [] if original is None else original.notes["pitch"].tolist()
    return min([low, *own]), max([high, *own])
