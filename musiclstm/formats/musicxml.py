"""Writing MusicXML that a pianist can read."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

from musiclstm.music import TICKS_PER_QUARTER, Piece
from musiclstm.notation import QUARTER, UNITS, Engraving, Head, StaffBar, Symbol, engrave

_TYPES = {96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}  # by plain value in ticks


def musicxml_text(piece: Piece) -> str:
    """The piece as MusicXML for piano: two staves under one brace, with key, metre, tempo and bar numbers.

    Note values are simplified until a pianist can read them. The same piece gives the same text.
    """
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    exporter = GeneralObjectExporter(_stream(piece, engrave(piece)))
    exporter.makeNotation = False  # bars, ties, beams and accidentals are set already, faster than music21 would find them
    text = exporter.parse().decode("utf-8")
    unwanted = "<encoding-date>.*?</encoding-date>"  # it changes from day to day
    if not piece.composer:
        unwanted += '|<creator type="composer">Music21</creator>'
    return re.sub(rf"\s*(?:{unwanted})|[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)  # XML can't hold control characters


def write_musicxml(piece: Piece, path: Path | str) -> None:
    """Write ``musicxml_text`` of the piece to ``path``."""
    Path(path).write_text(musicxml_text(piece), encoding="utf-8")


def _stream(piece: Piece, page: Engraving) -> Any:
    """A music21 Score, complete down to beams."""
    from music21 import instrument, layout, metadata, stream

    score = stream.Score()
    score.metadata = metadata.Metadata()
    score.metadata.title = piece.title or "Piano"
    if piece.composer:
        score.metadata.composer = piece.composer
    staves = []
    for hand, bars in enumerate(page.staves):
        staff = stream.PartStaff(id=f"staff-{hand + 1}")
        piano = instrument.Piano()
        piano.partId, piano.instrumentId = "P1", "P1-I1"
        staff.coreInsert(0.0, piano)
        for index, staff_bar in enumerate(bars):
            staff.coreInsert(page.bars[index].start / TICKS_PER_QUARTER, _measure(page, index, staff_bar, hand))
        staff.coreElementsChanged()
        score.insert(0, staff)
        staves.append(staff)
    score.insert(0, layout.StaffGroup(staves, name="Piano", abbreviation="Pno.", symbol="brace"))
    return score


def _measure(page: Engraving, index: int, staff_bar: StaffBar, hand: int) -> Any:
    from music21 import bar, clef, key, meter, stream, tempo

    here, before = page.bars[index], page.bars[index - 1] if index else None
    measure = stream.Measure(number=index + 1)
    if index == 0 or page.staves[hand][index - 1].clef != staff_bar.clef:
        measure.coreInsert(0.0, clef.TrebleClef() if staff_bar.clef == "G" else clef.BassClef())
    if index == 0:
        measure.coreInsert(0.0, key.KeySignature(page.key.fifths))
    if before is None or (before.metre.numerator, before.metre.denominator) != (here.metre.numerator, here.metre.denominator):
        measure.coreInsert(0.0, meter.TimeSignature(f"{here.metre.numerator}/{here.metre.denominator}"))
    qpm = dict(page.tempi).get(index)
    if qpm is not None and hand == 0:
        beat = 1.5 if here.metre.beat_ticks == 36 else 1.0  # a dotted quarter in 6/8 and the like
        measure.coreInsert(0.0, tempo.MetronomeMark(number=round(qpm / beat), referent=beat))
    start = here.start * UNITS
    if len(staff_bar.voices) == 1:
        _fill(measure, staff_bar.voices[0], start, "")
    else:
        for number, symbols in enumerate(staff_bar.voices, start=1):
            voice = stream.Voice(id=str(number))
            _fill(voice, symbols, start, "up" if number == 1 else "down")
            measure.coreInsert(0.0, voice)
    measure.coreElementsChanged()
    if index == len(page.bars) - 1:
        measure.rightBarline = bar.Barline("final")
    return measure


def _fill(target: Any, symbols: tuple[Symbol, ...], start: int, stem: str) -> None:
    for symbol in symbols:
        element = _element(symbol, stem)
        element.fullMeasure = not symbol.heads and len(symbols) == 1
        target.coreInsert(Fraction(symbol.value.start - start, QUARTER), element)
    target.coreElementsChanged()


def _element(symbol: Symbol, stem: str) -> Any:
    from music21 import chord, duration, note

    value = symbol.value
    length = duration.Duration(_TYPES[value.plain], dots=value.dots)
    if value.tuplet is not None:
        tuplet = duration.Tuplet(*value.tuplet)
        tuplet.type = symbol.bracket or None
        length.appendTuplet(tuplet)
    if not symbol.heads:
        rest = note.Rest(duration=length)
        rest.style.hideObjectOnPrint = symbol.hidden
        return rest
    notes = [_note(head, length) for head in symbol.heads]
    element = notes[0] if len(notes) == 1 else chord.Chord(notes, duration=length)
    for beam in symbol.beams:
        element.beams.append(*beam.split("-"))
    if stem:
        element.stemDirection = stem
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
