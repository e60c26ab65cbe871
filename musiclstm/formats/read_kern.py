"""Reading Humdrum's **kern: columns ("spines") of notes that part and join, with a line for each moment that something begins at.

When that is follows from the note values above (https://www.humdrum.org/rep/kern). Other spines, such as words and dynamics, are
passed over. kern writes what sounds, also for instruments that transpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from musiclstm.errors import MusicFileError
from musiclstm.formats.written import Score, Signature
from musiclstm.music import MODES

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MODES = {"": "", "dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "loc": "locrian"}
_VALUE = re.compile(r"(\d+)(?:%(\d+))?")  # 4: a quarter, 0: two whole notes, 3%2: two thirds of a whole note; dots follow
_PITCH = re.compile(r"([A-G]+|[a-g]+)(#*)(-*)")  # c: middle C, cc: an octave higher, C: an octave lower
_TIES = (("[", "start"), ("_", "stop"), ("_", "start"), ("]", "stop"))
_METRE = re.compile(r"\*M(\d{1,9}(?:\+\d{1,9})*)/(\d{1,9})")
_TEMPO = re.compile(r"\*MM(\d{1,9}(?:\.\d{1,9})?)")


def read_kern(text: str, name: str) -> Score:
    """The score in a Humdrum file; ``name`` stands for the file in messages.

    Grace notes are left out; repeats are not written out. Raises MusicFileError for anything but Humdrum with a **kern spine, in
    lines of as many cells as there are spines.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    score = Score(key=_key(text), titles=[_record("OTL", text)], composer=_record("COM", text))
    reader = _Reader(score)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("!") or not line.strip():  # a comment
            continue
        cells = line.split("\t")
        if not reader.spines:
            reader.spines = [_Spine(place, cell == "**kern") for place, cell in enumerate(cells)]
            if not all(cell.startswith("**") for cell in cells) or not any(spine.kern for spine in reader.spines):
                raise MusicFileError("{name} can't be read as Humdrum; its first line must name a **kern spine.", name=name)
            continue
        if len(cells) != len(reader.spines):
            raise MusicFileError(
                "{name} is damaged: line {line} has {cells} cells where {spines} spines need one each.",
                name=name,
                line=number,
                cells=len(cells),
                spines=len(reader.spines),
            )
        try:
            reader.read(cells)
        except ValueError as error:
            raise MusicFileError(
                "{name} has a note value of {value} in line {line}; this must be a mistake.",
                name=name,
                value=str(error)[:12],
                line=number,
            ) from error
        if not reader.spines:
            break
    reader.end_bar()
    return score


@dataclass(frozen=True)
class _Spine:
    """A column: which of the first line it came from, whether it holds notes, and when the latest of them ends."""

    number: int
    kern: bool
    end: Fraction = Fraction(0)


class _Reader:
    """What holds from one line to the next, while a score is filled."""

    def __init__(self, score: Score) -> None:
        self.spines: list[_Spine] = []
        self._score = score
        self._now = self._bar = Fraction(0)  # when the next line sounds, and when its bar began
        self._signature: Signature | None = None

    def read(self, cells: list[str]) -> None:
        """Take in a line, one cell for each spine. Raises ValueError, with the value, for an impossible note value."""
        kern = [cell for cell, spine in zip(cells, self.spines, strict=True) if spine.kern]
        if any(cell.startswith("*") for cell in cells):
            self._interpret(kern)
            self.spines = list(_parted(self.spines, cells))
        elif any(cell.startswith("=") for cell in kern):
            self.end_bar()
        else:
            self._strike(cells)

    def end_bar(self) -> None:
        """Note down the bar that ends now."""
        if self._now > self._bar:
            self._score.bars.append((self._bar, self._now, self._signature))
            self._bar = self._now

    def _interpret(self, kern: list[str]) -> None:
        metre = next(filter(None, map(_METRE.fullmatch, kern)), None)
        if metre:
            self._signature = sum(map(int, metre[1].split("+"))), int(metre[2])
        tempo = next(filter(None, map(_TEMPO.fullmatch, kern)), None)
        if tempo:
            self._score.tempi.append((self._now, float(tempo[1])))

    def _strike(self, cells: list[str]) -> None:
        """Begin the notes and rests of a line, and move on to when the first of all that sounds ends."""
        struck = False
        for place, (cell, spine) in enumerate(zip(cells, self.spines, strict=True)):
            end = self._chord(cell, spine.number) if spine.kern and cell != "." else None
            if end is not None:
                self.spines[place] = replace(spine, end=end)
                struck = True
        if struck:
            self._now = min((spine.end for spine in self.spines if spine.end > self._now), default=self._now)

    def _chord(self, cell: str, voice: int) -> Fraction | None:
        """Begin the notes of a cell; returns when they end, None for grace notes."""
        end = None
        for note in cell.split(" "):
            value = _VALUE.search(note)
            if value is None or "q" in note.lower():
                continue
            end = self._now + _quarters(value) * (2 - Fraction(1, 2 ** min(9, note.count("."))))
            pitch = _PITCH.search(note)
            if pitch is not None and "r" not in note:
                ties = [tie for sign, tie in _TIES if sign in note]
                staff = -voice, 1  # the lowest is written first
                self._score.strike(self._now, _semitones(pitch), end, (voice, ""), staff, ties)
        return end


def _parted(spines: list[_Spine], cells: list[str]) -> Iterator[_Spine]:
    """The spines after a line that may part, join, exchange, end or rename them."""
    exchanged = [place for place, cell in enumerate(cells) if cell == "*x"][:2]
    order = list(range(len(cells)))
    if len(exchanged) == 2:
        order[exchanged[0]], order[exchanged[1]] = exchanged[1], exchanged[0]
    joined: _Spine | None = None
    for place in order:
        spine, cell = spines[place], cells[place]
        if cell == "*v":  # neighbours become one
            joined = spine if joined is None else replace(joined, end=max(joined.end, spine.end))
            continue
        if joined is not None:
            yield joined
            joined = None
        if cell.startswith("**"):
            yield replace(spine, kern=cell == "**kern")
        elif cell != "*-":
            yield spine
        if cell == "*^":
            yield spine
        elif cell == "*+":  # the next line names it
            yield replace(spine, kern=False)
    if joined is not None:
        yield joined


def _quarters(value: re.Match[str]) -> Fraction:
    """The length of a note value in quarters. Raises ValueError for an impossible one."""
    number, over = value[1], value[2] or "1"
    if len(number + over) > 6 or not int(over) or (value[2] and not int(number)):
        raise ValueError(value[0])
    return Fraction(4 * int(over), int(number)) if int(number) else Fraction(4 * 2 ** len(number))


def _semitones(pitch: re.Match[str]) -> int:
    """The MIDI number of a pitch."""
    letters, sharps, flats = pitch.groups()
    octave = 4 + len(letters) if letters.islower() else 5 - len(letters)
    return 12 * octave + _SEMITONES[letters[0].upper()] + len(sharps) - len(flats)


def _key(text: str) -> tuple[int, str] | None:
    """The key that is named before the first note, as in *G: or *a:dor, or else the first signature, as in *k[f#]."""
    notes = re.search(r"(?m)^[^*!=\n]", text)
    named = re.search(r"(?m)(?:^|\t)\*([A-Ga-g])([#-]?):([a-z]*)", text[: notes.start()] if notes else text)
    signature = re.search(r"(?m)(?:^|\t)\*k\[([a-g#-]{0,30})\]", text)
    if named and named[3] in _MODES:
        mode = _MODES[named[3]] or ("minor" if named[1].islower() else "major")
        tonic = "FCGDAEB".index(named[1].upper()) - 1 + 7 * {"#": 1, "-": -1}.get(named[2], 0)
        return tonic - MODES[mode], mode
    return (signature[1].count("#") - signature[1].count("-"), "") if signature else None


def _record(key: str, text: str) -> str | None:
    """The first reference record of a kind, in whatever language."""
    found = re.search(rf"(?m)^!!!{key}[^:\n]*:(.*)", text)
    return found[1] if found else None
