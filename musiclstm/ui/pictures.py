"""What is seen of music: rolls of seeds and takes as they are heard, and sheet music. Knows no widgets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musiclstm.formats import musicxml_text
from musiclstm.generation import Composition, Take, transposed
from musiclstm.music import Piece, at_tempo, transpose
from musiclstm.render.pianoroll import roll_svg
from musiclstm.render.sheet import Sheet, engrave
from musiclstm.seeds import Seed
from musiclstm.ui.results import Shown

_ROLL_WIDTH, _PREVIEW_WIDTH, _CARD_WIDTH = 900.0, 270.0, 240.0  # pixels of music beside the controls, below the seeds, on a card
_HEADROOM = 7  # semitones around the seed that are shown before the continuation needs them


def sounding(shown: Shown) -> tuple[Composition, Take]:
    """The composition and the take as they are heard: transposed."""
    composition = transposed(shown.composition)
    return composition, next(take for take in composition.takes if take.number == shown.take.number)


def sounding_seed(seed: Seed, tempo: float | None, transposition: int) -> Piece:
    """A seed as it is heard."""
    piece = seed.piece if tempo is None else at_tempo(seed.piece, tempo)
    return transpose(piece, transposition) if transposition else piece


def sheet(shown: Shown) -> Sheet:
    """The take with its seed as sheet music."""
    composition, take = sounding(shown)
    return engrave(musicxml_text(take.joined), split=composition.split)


def seed_roll(seed: Seed, tempo: float | None = None, transposition: int = 0) -> str:
    """A seed's roll, small enough to stand below the list of seeds."""
    piece = sounding_seed(seed, tempo, transposition)
    return roll_svg(piece, height=160, quarter_px=_fitting(seed.end, _PREVIEW_WIDTH, 4.0, 18.0))


def waiting_roll(seed: Seed, bars: int, tempo: float | None = None, transposition: int = 0) -> str:
    """A seed's roll with room for ``bars`` more."""
    until = seed.end + bars * seed.piece.metre_at(seed.end).bar_ticks
    piece = sounding_seed(seed, tempo, transposition)
    return roll_svg(piece, until=until, pitches=_expected(piece), quarter_px=_fitting(until))


def growing_roll(composition: Composition) -> str:
    """The first take as far as it is written."""
    return take_roll(Shown(composition, composition.takes[0], ""))


def take_roll(shown: Shown) -> str:
    """Seed and continuation as far as it is written, with room for the rest, so that a growing roll holds still."""
    composition, take = sounding(shown)
    split, seed = composition.split, composition.seed
    length = composition.request.total_bars * seed.metre_at(split).bar_ticks
    return roll_svg(
        seed,
        _cut_off(take.continuation, length),
        split=split,
        until=split + length,
        pitches=_expected(seed),
        quarter_px=_fitting(split + length),
    )


def small_roll(shown: Shown) -> str:
    """A take's roll as a card: without reading it, one sees how it goes."""
    composition, take = sounding(shown)
    ticks = composition.split + composition.request.total_bars * composition.seed.metre_at(composition.split).bar_ticks
    return roll_svg(
        composition.seed, take.continuation, split=composition.split, height=160, quarter_px=_fitting(ticks, _CARD_WIDTH, 4.0)
    )


def _cut_off(piece: Piece, end: int) -> Piece:
    """The piece without what rings on after tick ``end``, where it would call for another bar."""
    notes = piece.notes.copy()
    notes["duration"] = np.maximum(1, np.minimum(notes["duration"], end - notes["onset"]))
    return replace(piece, notes=notes)


def _fitting(ticks: int, width: float = _ROLL_WIDTH, least: float = 9.0, most: float = 22.0) -> float:
    """Pixels a quarter, so that so many ticks fill ``width`` if they can."""
    return min(most, max(least, width / max(1.0, ticks / 24)))


def _expected(seed: Piece) -> tuple[int, int]:
    pitches = seed.notes["pitch"]
    return max(21, int(pitches.min()) - _HEADROOM), min(108, int(pitches.max()) + _HEADROOM)
