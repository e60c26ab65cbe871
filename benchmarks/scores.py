"""Claim: scores are easy to read, and hands that the program finds are those of the composer.

Every opening of the bundled checkpoint is continued once and laid out; what a reader stumbles over is counted. The hands of the
openings are those of their sources. Where the program finds hands itself, it is compared with sources that have them: in the
openings, and in the bars that the composers wrote next, where it knows the hands of the opening as in a continuation.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise

import numpy as np

from benchmarks.report import Figure, cores, publish, section
from musiclstm.api import generate, open_checkpoint
from musiclstm.formats import parse_abc
from musiclstm.music import LOWER, UNKNOWN, Piece, cut, join
from musiclstm.notation import Engraving, StaffBar, Symbol, engrave, left_hand
from musiclstm.seeds import Seed

RANDOM_SEED = 1
TENTH = 16  # semitones
_BOTTOM = {"G": 30, "F": 18, "C": 24}  # the height of the lowest line, in steps above the lowest C


def measure() -> None:
    """Continue, lay out, count, publish."""
    checkpoint = open_checkpoint()
    counted: Counter[str] = Counter()
    for seed in checkpoint.seeds:
        composition = generate(seed, checkpoint=checkpoint, random_seed=RANDOM_SEED)
        counted += faults(engrave(composition.takes[0].joined, split=composition.split))
    bars = counted.pop("bars")
    known = [seed for seed in checkpoint.seeds if seed.piece.staves]
    openings = [agreeing(seed.piece, seed.piece) for seed in known]
    following = [agreeing(piece, cut(piece, 0, seed.end), seed.end) for seed in known for piece in continued(seed)]
    figures = [Figure(f"{name}, in 100 bars", 100 * count / bars) for name, count in counted.items()]
    figures.append(Figure("notes in the hand of the source, in openings", 100 * float(np.concatenate(openings).mean()), "%"))
    share = 100 * float(np.concatenate(following).mean())
    figures.append(Figure("the same in the composers' next bars, after an opening with hands", share, "%", least=95))
    notes = [
        f"{len(checkpoint.seeds)} openings with 16 bars of continuation each, {bars:,} bars of two staves.",
        f"Hands: {sum(map(len, openings)):,} notes of {len(openings)} openings, and {sum(map(len, following)):,} notes of the "
        f"bars after {len(following)} of them; the program's constants were tuned on the same music.",
    ]
    claim, libraries = (__doc__ or "").splitlines()[0], ("numpy", "keras", "tensorflow")
    publish("Scores", section(claim, figures, notes=notes, threads=f"{cores()} threads", libraries=libraries))


def continued(seed: Seed) -> Iterator[Piece]:
    """The opening with what its composer wrote next, if its hands are known too."""
    path = files("musiclstm.seeds") / "catalogue" / f"{seed.id}.original.abc"
    if path.is_file():
        original = parse_abc(path.read_text(encoding="utf-8"), path.name)
        if original.staves:
            yield join(seed.piece, original, seed.end)


def agreeing(piece: Piece, told: Piece, start: int = 0) -> np.ndarray:
    """For the notes from tick ``start`` on whose hands are known: whether the program finds them, knowing those of ``told``."""
    staves = piece.staves.of(piece.notes)
    given = None if start == 0 else told.staves.of(piece.notes)
    asked = (staves != UNKNOWN) & (piece.notes["onset"] >= start)
    return np.asarray(left_hand(piece.notes, given)[asked] == (staves[asked] == LOWER))


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
        lines = _ledger_lines(symbol, bar) if pitches else 0
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
    return max(0, *((bottom - height) // 2 for height in heights)) + max(0, *((height - bottom - 8) // 2 for height in heights))


def _silent(bar: StaffBar) -> bool:
    return not any(symbol.heads for voice in bar.voices for symbol in voice)


def _chordal(bar: StaffBar) -> bool:
    chords = [len(symbol.heads) for voice in bar.voices for symbol in voice if symbol.heads]
    return len(chords) > 1 and sum(chords) >= 2 * len(chords)


def main() -> None:
    """Measure."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    measure()


if __name__ == "__main__":
    main()
