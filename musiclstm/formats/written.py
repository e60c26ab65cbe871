"""What all readers of scores share: from written notes, bars and marks to a piece."""

from __future__ import annotations

import re
from collections.abc import Container, Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from musiclstm.errors import MusicFileError
from musiclstm.formats.score_text import tidy_composer, tidy_title
from musiclstm.music import MODES, TICKS_PER_QUARTER, Key, Notes, Piece, Tempo, clean_tempi, fitting_key, make_notes, staves_of
from musiclstm.notation import WrittenBar, metres_of_bars, unmarked_bar

MOST_QUARTERS = 100_000  # 14 hours at 120 quarters a minute: more is a mistake
MOST_BEATS = 99  # in a bar
HIGHEST_NUMBER = 1_000  # of a pitch, up or down; the piano ends at 108
DEFAULT_QPM = 100.0  # if a score gives no tempo, or only a word
WRITTEN_VELOCITY = 64  # scores carry no velocities

Quarters = Fraction | float
Signature = tuple[int, int]  # numerator and denominator
Note = tuple[Quarters, int, Quarters]  # onset, pitch, end
_Voice = tuple[Hashable, Hashable]
_Staff = tuple[int, int]  # the part and the staff within it, both from the top
Bar = tuple[Quarters, Quarters, Signature | None]  # start, end, and the time signature that holds


@dataclass
class Score:
    """What a reader found in a score. Times are in quarters from its first bar line, pitches are those that sound.

    ``notes``: onset, pitch, end; tied notes are one. ``bars``: start, end, and the time signature that holds, None if there is
    none. ``staves``: of each note, None where it is unknown; empty if all are. ``tempi``: onset, quarters per minute.
    ``key``: fifths and mode, "" if none is named. ``titles``: the best one first.
    """

    notes: list[Note] = field(default_factory=list)
    staves: list[_Staff | None] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    tempi: list[tuple[Quarters, float]] = field(default_factory=list)
    key: tuple[int, str] | None = None
    titles: Sequence[str | None] = ()
    composer: str | None = None
    _tied: dict[tuple[int, Quarters], dict[_Voice, int]] = field(default_factory=dict)  # see strike

    def strike(
        self, onset: Quarters, pitch: int, end: Quarters, voice: _Voice, staff: _Staff, ties: Container[str | None]
    ) -> None:
        """Add a note of a ``voice`` (part and name), or lengthen the one that is tied to it, in the same voice if possible, or in
        another one of the part, or anywhere if its ``ties`` hold "stop". "start" among them: a later note may lengthen this one.
        """
        waiting = self._tied.get((pitch, onset), {})
        order = sorted(waiting, key=lambda other: (other != voice, other[0] != voice[0]))
        if order and (order[0][0] == voice[0] or "stop" in ties):
            place = waiting.pop(order[0])
            self.notes[place] = self.notes[place][0], pitch, end
        else:
            place = len(self.notes)
            self.notes.append((onset, pitch, end))
            self.staves.append(staff)
        if "start" in ties:  # its place in ``notes``, by what a note has to match, and by voice
            self._tied.setdefault((pitch, end), {})[voice] = place


def piece_of(score: Score, name: str) -> Piece:
    """The piece that is written; ``name`` is that of the file. A pickup ends a complete first bar: tick 0 is a bar line.

    Raises MusicFileError if there are no notes, more than 100000 quarters, pitches beyond 1000, or more than 99 beats in a bar.
    """
    if not score.notes:
        raise MusicFileError("{name} has no notes; at least one pitched note is needed.", name=name)
    if max(end for _, _, end in score.notes) > MOST_QUARTERS:
        raise MusicFileError(
            "{name} is longer than {quarters} quarters; it is damaged or far too long.",
            name=name,
            quarters=MOST_QUARTERS,
        )
    if max(abs(pitch) for _, pitch, _ in score.notes) > HIGHEST_NUMBER:
        raise MusicFileError("{name} has a note far beyond what can be heard; this must be a mistake in the file.", name=name)
    beats = max((signature[0] for _, _, signature in score.bars if signature), default=0)
    if beats > MOST_BEATS:
        raise MusicFileError(
            "{name} has a metre of {beats} beats; this must be a mistake in the file.", name=name, beats=str(beats)[:12]
        )
    shift, metres = metres_of_bars(_bars(score))
    rows = [(_ticks(onset), pitch, _ticks(end) - _ticks(onset)) for onset, pitch, end in score.notes]
    onsets, pitches, durations = zip(*rows, strict=True)
    notes = make_notes([onset + shift for onset in onsets], pitches, durations, [WRITTEN_VELOCITY] * len(rows))
    order = {staff: number for number, staff in enumerate(sorted({staff for staff in score.staves if staff is not None}))}
    placed = zip(onsets, pitches, score.staves, strict=bool(score.staves))
    tempi = [Tempo(max(0, _ticks(onset) + shift), round(qpm, 3)) for onset, qpm in score.tempi]
    return Piece(
        notes=notes,
        metres=metres,
        tempi=clean_tempi(tempi or [Tempo(0, DEFAULT_QPM)]),
        key=_key(score.key, notes),
        title=tidy_title(score.titles, name),
        composer=tidy_composer(score.composer),
        source=name,
        staves=staves_of((onset + shift, pitch, order[staff]) for onset, pitch, staff in placed if staff is not None),
    )


def middle(text: str) -> float | None:
    """The number in the text of a tempo, such as "c. 76", or the middle of two, such as "72-80"; None without a number."""
    number = r"(\d+(?:[.,]\d+)?)"
    found = re.search(rf"{number}(?:\s{{0,9}}(?:[-\u2010-\u2015\u2212/~]|to|bis)\s{{0,9}}{number})?", text)
    low, high = (float((figures or found[1]).replace(",", ".")) for figures in found.groups()) if found else (0, 0)
    return (low + high) / 2 if found else None


def _ticks(quarters: Quarters) -> int:
    return round(quarters * TICKS_PER_QUARTER)


def _bars(score: Score) -> list[WrittenBar]:
    """The bars of the score; those without length, such as one that holds only a repeat sign, are left out."""
    bars = []
    for start, end, signature in score.bars:
        length = _ticks(end) - _ticks(start)
        if length > 0:
            usual = signature is not None and signature[0] > 0 and signature[1] in (1, 2, 4, 8, 16, 32)
            bars.append(WrittenBar(_ticks(start), *signature) if usual and signature else unmarked_bar(_ticks(start), length))
    return bars


def _key(found: tuple[int, str] | None, notes: Notes) -> Key | None:
    """The key signature, folded to at most seven sharps or flats, with the mode that is named or else fits the notes."""
    if found is None:
        return None
    fifths, named = found
    mode = {"ionian": "major", "aeolian": "minor"}.get(named.strip().lower(), named.strip().lower())
    fifths = fifths if -7 <= fifths <= 7 else (fifths + 6) % 12 - 6
    return Key(fifths, mode) if mode in MODES else fitting_key(fifths, notes)
