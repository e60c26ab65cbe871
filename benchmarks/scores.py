"""How easily the scores can be read: every opening of the bundled checkpoint with a continuation, laid out, and counted.

What a reader stumbles over is counted for every 100 bars, and the hands that the program finds are compared with those of the
openings' sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from benchmarks.report import Figure, publish, section
from musiclstm.api import generate, open_checkpoint
from musiclstm.music import LOWER, UNKNOWN, Piece, Staves
from musiclstm.notation import Engraving, StaffBar, Symbol, engrave, left_hand

TITLE = "Scores"
CLAIM = "Scores of the bundled openings and their continuations have few ledger lines, wide stretches, second voices and ties."
RANDOM_SEED = 1
TENTH = 16  # semitones
_BOTTOM = {"G": 30, "F": 18, "C": 24}  # the height of the lowest line, in steps above the lowest C


@dataclass(frozen=True)
class Score:
    """A piece as written, and the tick at which its continuation begins."""

    piece: Piece
    split: int


def written() -> list[Score]:
    """Every seed with one continuation under the default settings."""
    checkpoint = open_checkpoint()
    made = (generate(seed, checkpoint=checkpoint, random_seed=RANDOM_SEED) for seed in checkpoint.seeds)
    return [Score(composition.takes[0].joined, composition.split) for composition in made]


def faults(page: Engraving) -> Counter[str]:
    """How often each thing that makes a score harder to read occurs."""
    found: Counter[str] = Counter(bars=len(page.bars))
    for staff in page.staves:
        clefs = [clef for bar in staff for clef in (bar.clef, *(clef for _, clef in bar.changes))]
        found["new clefs"] += sum(old != new for old, new in pairwise(clefs))
        for bar in staff:
            found["bars of a hand with two voices"] += len(bar.voices) > 1
            found += _of_bar(bar)
    for upper, lower in zip(*page.staves, strict=True):
        for one, other in ((upper, lower), (lower, upper)):
            found["bars in which one hand plays chords and the other nothing"] += _silent(one) and _chordal(other)
    return found


def _of_bar(bar: StaffBar) -> Counter[str]:
    found: Counter[str] = Counter()
    for symbol in (symbol for voice in bar.voices for symbol in voice if not symbol.hidden):
        pitches = [head.pitch for head in symbol.heads]
        found["chords wider than a tenth"] += bool(pitches) and max(pitches) - min(pitches) > TENTH
        lines = _ledger_lines(symbol, bar)
        found["ledger lines"] += lines
        found["chords with three ledger lines or more"] += lines >= 3
        found["tied notes"] += sum(head.tied_back for head in symbol.heads)
        found["rests"] += not pitches and not symbol.whole
    found["unisons and crossings of the voices of a hand"] += sum(_crossed(*pair) for pair in _together(bar))
    return found


def _together(bar: StaffBar) -> Iterator[tuple[Symbol, Symbol]]:
    """Symbols with notes of the upper and of the lower voice that begin at once."""
    if len(bar.voices) == 2:
        lower = {symbol.value.start: symbol for symbol in bar.voices[1] if symbol.heads}
        yield from (
            (symbol, lower[symbol.value.start]) for symbol in bar.voices[0] if symbol.heads and symbol.value.start in lower
        )


def _crossed(upper: Symbol, lower: Symbol) -> bool:
    return min(head.pitch for head in upper.heads) <= max(head.pitch for head in lower.heads)


def _ledger_lines(symbol: Symbol, bar: StaffBar) -> int:
    clef = [bar.clef, *(clef for time, clef in bar.changes if time <= symbol.value.start)][-1]
    heights = [7 * (octave - symbol.octaves) + "CDEFGAB".index(letter) for letter, _, octave in (h.name for h in symbol.heads)]
    bottom = _BOTTOM[clef]
    below, above = (max((side for side in sides), default=0) for sides in (
        [(bottom - height) // 2 for height in heights], [(height - bottom - 8) // 2 for height in heights]
    ))  # fmt: skip
    return max(0, below) + max(0, above)


def _silent(bar: StaffBar) -> bool:
    return not any(symbol.heads for voice in bar.voices for symbol in voice)


def _chordal(bar: StaffBar) -> bool:
    chords = [len(symbol.heads) for voice in bar.voices for symbol in voice if symbol.heads]
    return len(chords) > 1 and sum(chords) >= 2 * len(chords)


def agreement(pieces: Sequence[Piece]) -> tuple[float, int]:
    """The share of notes that the program, not knowing it, gives to the hand of the source, and how many notes there are."""
    known = [piece.staves.of(piece.notes) for piece in pieces]
    right = [
        (left_hand(piece.notes)[told != UNKNOWN] == (told[told != UNKNOWN] == LOWER))
        for piece, told in zip(pieces, known, strict=True)
    ]
    together = np.concatenate(right)
    return float(together.mean()), len(together)


def main() -> None:
    """Write the scores, count, publish."""
    scores = written()
    totals = {}
    for name, kept in (("with the hands of the source", True), ("without", False)):
        pages = [engrave(score.piece if kept else replace(score.piece, staves=Staves()), split=score.split) for score in scores]
        totals[name] = sum(map(faults, pages), Counter[str]())
    first, second = totals.values()
    figures = [
        Figure(f"{fault}{ending}", 100 * counted[fault] / counted["bars"], "in 100 bars")
        for fault in first
        if fault != "bars"
        for ending, counted in (("", first), (", hands of the source unknown", second))
    ]
    share, notes = agreement([seed.piece for seed in open_checkpoint().seeds if seed.piece.staves])
    figures.append(Figure("notes of openings given to the hand of the source, found without it", 100 * share, "%"))
    notes_on = [
        f"{len(scores)} openings with 16 bars each of continuation, {first['bars']:,} bars; hands compared on {notes:,} notes",
        "a bar of both staves is one bar; ledger lines are counted for each chord",
    ]
    publish(TITLE, section(CLAIM, figures, notes=notes_on, threads="2 threads", libraries=["numpy", "tensorflow"]))


if __name__ == "__main__":
    main()
