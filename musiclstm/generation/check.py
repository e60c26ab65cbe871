"""Does a recipe write the same notes again, and if not, from which bar on do they differ?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from musiclstm.errors import OptionError
from musiclstm.formats import midi_bytes, read_midi
from musiclstm.generation.composition import Composition, performed
from musiclstm.music import Piece, bar_lines
from musiclstm.notation import pickup_bars
from musiclstm.sentence import Sentence, sentence

SAME = sentence("The same notes were written again.")


def differing_bars(one: Piece, other: Piece) -> list[int]:
    """The numbers of the bars in which the notes of two pieces differ, in the metre of the first, by the bar of their onset.

    They are those in a score of the first: a pickup is bar 0.
    """
    rows = [set(map(tuple, piece.notes.tolist())) for piece in (one, other)]
    onsets = [row[0] for row in rows[0] ^ rows[1]]
    lines = bar_lines(one, max(onsets, default=0) + 1)
    shift = pickup_bars(one)
    return sorted({int(np.searchsorted(lines, onset, side="right")) - shift for onset in onsets})


def verdict(one: Piece, other: Piece) -> Sentence:
    """SAME, or a sentence that says which notes of ``one`` this machine writes otherwise."""
    bars, count = differing_bars(one, other), len(bar_lines(one)) - 1
    if not bars:
        return SAME
    return sentence(
        "This machine writes other notes from this recipe: {differ} of {bars} bars differ, from bar {first} on.",
        differ=len(bars),
        bars=count,
        first=bars[0],
    )


def midi_verdict(path: Path, composition: Composition, number: int) -> Sentence:
    """As ``verdict``, for a MIDI file of take ``number``: of the seed, the continuation or both joined.

    Raises MusicFileError for a file that can't be read, OptionError if there is no such take.
    """
    found, sounding = read_midi(path), performed(composition)
    take = next((take for take in sounding.takes if take.number == number), None)
    if take is None:
        raise OptionError(f"The recipe has no take number {number}.")
    voices = composition.request.performance.voices
    parts = (take.joined, take.continuation, sounding.seed)
    written = [read_midi(midi_bytes(part, voices=voices)) for part in parts if len(part)]
    return verdict(found, min(written, key=lambda part: len(differing_bars(found, part))))
