"""Writing MusicXML that a pianist can read, or the players of an ensemble."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from musiclstm.music import PIANO, TICKS_PER_QUARTER, Metre, Piece, Voice
from musiclstm.notation import QUARTER, UNITS, Engraving, Head, StaffBar, Symbol, engrave

#: What is printed above the bar in which a continuation begins.
HAND_OVER = "continued by musiclstm"
_TYPES = {96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}  # by plain value in ticks
_SHORT = {
    "Piano": "Pno.",
    "First violin": "Vln. I",
    "Second violin": "Vln. II",
    "Viola": "Vla.",
    "Cello": "Vc.",
    "Flute": "Fl.",
    "Oboe": "Ob.",
    "Clarinet": "Cl.",
    "Bassoon": "Bsn.",
}
_FASTEST_BEAT = 180  # a minute; a shorter one gives way to the bar, as in a fast 3/8


def musicxml_text(piece: Piece, *, split: int | None = None, voices: Sequence[Voice] = PIANO) -> str:
    """The piece as MusicXML: for piano two staves under one brace, for an ensemble a staff for each of its ``voices``.

    ``split`` is the tick at which a continuation begins: a double bar and words mark it, and the music before is spelled as if
    nothing followed. Note values are simplified until they can be read. The same arguments give the same text.
    """
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    exporter = GeneralObjectExporter(_stream(piece, engrave(piece, split=split, voices=voices), voices))
    exporter.makeNotation = False  # bars, ties, beams and accidentals are set already, faster than music21 would find them
    text = exporter.parse().decode("utf-8")
    unwanted = "<encoding-date>.*?</encoding-date>"  # it changes from day to day
    if not piece.composer:
        unwanted += '|<creator type="composer">Music21</creator>'
    return re.sub(rf"\s*(?:{unwanted})|[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)  # XML can't hold control characters


def write_musicxml(piece: Piece, path: Path | str, *, split: int | None = None, voices: Sequence[Voice] = PIANO) -> None:
    """Write ``musicxml_text`` of the piece to ``path``."""
    Path(path).write_text(musicxml_text(piece, split=split, voices=voices), encoding="utf-8")


def _stream(piece: Piece, page: Engraving, voices: Sequence[Voice]) -> Any:
    """A music21 Score, complete down to beams."""
    from music21 import layout, metadata, stream

    score = stream.Score()
    score.metadata = metadata.Metadata()
    score.metadata.title = piece.title or "Piano"
    if piece.composer:
        score.metadata.composer = piece.composer
    if page.hand_over is not None:
        words = f"{HAND_OVER} from bar {page.bars[page.hand_over].number}"
        score.metadata.addContributor(metadata.Contributor(role="arranger", name=words))
    piano = len(voices) == 1
    staves = []
    for number, bars in enumerate(page.staves):
        staff = stream.PartStaff(id=f"staff-{number + 1}") if piano else stream.Part(id=f"part-{number + 1}")
        staff.coreInsert(0.0, _instrument(1, "Piano") if piano else _instrument(number + 1, voices[-1 - number].name, voices))
        for index, staff_bar in enumerate(bars):
            staff.coreInsert(page.bars[index].start / TICKS_PER_QUARTER, _measure(page, index, staff_bar, number))
        staff.coreElementsChanged()
        for line in _octave_lines(bars, staff):
            staff.insert(0, line)
        score.insert(0, staff)
        staves.append(staff)
    group = {"name": "Piano", "abbreviation": "Pno.", "symbol": "brace"} if piano else {"symbol": "bracket"}
    score.insert(0, layout.StaffGroup(staves, **group))
    return score


def _instrument(number: int, name: str, voices: Sequence[Voice] = PIANO) -> Any:
    from music21 import instrument

    player = instrument.Instrument(name)
    player.partName = name
    player.partAbbreviation = _SHORT.get(name, f"{name[:4]}.")
    player.partId, player.instrumentId = f"P{number}", f"P{number}-I1"
    player.midiProgram = next(voice.program for voice in voices if voice.name == name)
    return player


def _measure(page: Engraving, index: int, staff_bar: StaffBar, number: int) -> Any:
    from music21 import bar, stream

    measure = stream.Measure(number=page.bars[index].number)
    if page.bars[index].missing:
        measure.showNumber = stream.enums.ShowNumber.NEVER
    for sign in _signs(page, index, staff_bar, number):
        measure.coreInsert(0.0, sign)
    if number == 0:
        for offset, mark in _marks(page, index):
            measure.coreInsert(offset, mark)
    start = page.bars[index].start * UNITS
    if len(staff_bar.voices) == 1:
        _fill(measure, staff_bar.voices[0], start, staff_bar.changes)
    else:
        for name, symbols in enumerate(staff_bar.voices, start=1):
            voice = stream.Voice(id=str(name))
            _fill(voice, symbols, start, staff_bar.changes if name == 1 else ())
            measure.coreInsert(0.0, voice)
    measure.coreElementsChanged()
    if index == len(page.bars) - 1:
        measure.rightBarline = bar.Barline("final")
    elif index + 1 == page.hand_over:
        measure.rightBarline = bar.Barline("double")
    return measure


def _signs(page: Engraving, index: int, staff_bar: StaffBar, number: int) -> list[Any]:
    """The clef, key and metre at the beginning of a bar, where they are new."""
    from music21 import key, meter

    here, before = page.bars[index].metre, page.bars[index - 1].metre if index else None
    found: list[Any] = []
    if index == 0 or _last_clef(page.staves[number][index - 1]) != staff_bar.clef:
        found.append(_clef(staff_bar.clef))
    if index == 0:
        found.append(key.KeySignature(page.key.fifths))
    if before is None or before.name != here.name:
        found.append(meter.TimeSignature(here.name))
    return found


def _last_clef(staff_bar: StaffBar) -> str:
    return staff_bar.changes[-1][1] if staff_bar.changes else staff_bar.clef


def _clef(name: str) -> Any:
    from music21 import clef

    return {"G": clef.TrebleClef, "F": clef.BassClef, "C": clef.AltoClef}[name]()


def _marks(page: Engraving, index: int) -> list[tuple[Fraction, Any]]:
    """The tempo of a bar, the words at the hand-over and the dynamics, with their times in quarters from its start."""
    from music21 import dynamics, expressions, tempo

    start, found = Fraction(0), list[tuple[Fraction, Any]]()
    qpm = dict(page.tempi).get(index)
    if qpm is not None:
        beat = _beat(page.bars[index].metre, qpm)
        found.append((start, tempo.MetronomeMark(number=round(qpm / beat), referent=beat)))
    if index == page.hand_over:
        words = expressions.TextExpression(HAND_OVER)
        words.placement = "above"
        words.style.fontStyle = "italic"
        found.append((start, words))
    level = dict(page.dynamics).get(index)
    if level is not None:
        found.append((_first_onset(page, index), dynamics.Dynamic(level)))
    return found


def _beat(metre: Metre, qpm: float) -> float:
    """What a tempo mark counts, in quarters: the beat of the metre, or the bar of a fast metre of three short beats."""
    beat = metre.beat_ticks / TICKS_PER_QUARTER
    fast = metre.numerator == 3 and beat < 1 and qpm / beat > _FASTEST_BEAT
    if fast or beat not in (0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0):
        return 3 * beat if fast else 1.0
    return beat


def _first_onset(page: Engraving, index: int) -> Fraction:
    """When the first note of a bar is struck, in quarters from its start."""
    onsets = [s.value.start for staff in page.staves for voice in staff[index].voices for s in voice if s.heads]
    return Fraction(min(onsets, default=page.bars[index].start * UNITS) - page.bars[index].start * UNITS, QUARTER)


def _fill(target: Any, symbols: tuple[Symbol, ...], start: int, changes: Sequence[tuple[int, str]]) -> None:
    for time, name in changes:
        target.coreInsert(Fraction(time - start, QUARTER), _clef(name))
    for symbol in symbols:
        element = _element(symbol)
        element.editorial.octaves = symbol.octaves
        target.coreInsert(Fraction(symbol.value.start - start, QUARTER), element)
    target.coreElementsChanged()


def _octave_lines(bars: Sequence[StaffBar], staff: Any) -> list[Any]:
    """The 8va lines of a staff; those who read MusicXML expect one for each run of chords."""
    from music21 import spanner

    found, run, under = [], list[Any](), 0
    if any(symbol.octaves for bar in bars for voice in bar.voices for symbol in voice):
        elements = sorted(staff.recurse().notes, key=lambda element: element.getOffsetInHierarchy(staff))
        for element in [*elements, None]:
            octaves = element.editorial.octaves if element is not None else 0
            if octaves != under and under:
                line = spanner.Ottava(
                    type="8va" if under > 0 else "8vb", transposing=False, placement="above" if under > 0 else "below"
                )
                line.addSpannedElements(run)
                found.append(line)
            run, under = ([*run, element] if octaves == under else [element]), octaves
    return found


def _element(symbol: Symbol) -> Any:
    from music21 import chord, duration, note

    value = symbol.value
    if symbol.whole:
        rest = note.Rest(quarterLength=Fraction(value.length, QUARTER))
        rest.fullMeasure = True
        rest.style.hideObjectOnPrint = symbol.hidden
        return rest
    length = duration.Duration(_TYPES[value.plain], dots=value.dots)
    if value.tuplet is not None:
        tuplet = duration.Tuplet(*value.tuplet)
        tuplet.type = symbol.bracket or None
        tuplet.bracket = not symbol.beamed
        length.appendTuplet(tuplet)
    if not symbol.heads:
        rest = note.Rest(duration=length)
        rest.style.hideObjectOnPrint = symbol.hidden
        return rest
    notes = [_note(head, length) for head in symbol.heads]
    element = notes[0] if len(notes) == 1 else chord.Chord(notes, duration=length)
    for beam in symbol.beams:
        element.beams.append(*beam.split("-"))
    if symbol.stem:
        element.stemDirection = symbol.stem
    return element


def _note(head: Head, length: Any) -> Any:
    from music21 import note, pitch, tie

    step, alter, octave = head.name
    written = pitch.Pitch(step=step, octave=octave)
    if alter or head.accidental:
        written.accidental = pitch.Accidental(alter)
        written.accidental.displayStatus = head.accidental
    element = note.Note(written, duration=length)
    if head.tied_back or head.tied_on:
        element.tie = tie.Tie("continue" if head.tied_back and head.tied_on else "stop" if head.tied_back else "start")
    return element
