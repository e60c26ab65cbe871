"""Reading MusicXML: what sounds, and when, is plain in it, so a few elements are enough.

A cursor goes through each bar: notes and rests move it forward by their duration, <backup> and <forward> move it for another
voice (https://www.w3.org/2021/06/musicxml40/). Scores by parts and scores by bars ("timewise") are read alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element, ParseError, XMLParser

from musiclstm.errors import MusicFileError
from musiclstm.formats.written import Score, Signature, middle

_ROUNDING = Fraction(1, 8)  # of a quarter: what the tuplets of a bar may lack where a program counts in few divisions
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS = {"long": 16, "breve": 8, "whole": 4, "half": 2, "quarter": 1, "eighth": 0.5, "16th": 0.25, "32nd": 0.125, "64th": 0.0625}


def read_musicxml(text: str, name: str) -> Score:
    """The score in a MusicXML document; ``name`` stands for the file in messages.

    Grace notes, cue notes, percussion and chord symbols are left out; repeats are not written out.
    Raises MusicFileError for anything that isn't a whole MusicXML score.
    """
    root = _root(text, name)
    score = Score(titles=[root.findtext("work/work-title"), root.findtext("movement-title")])
    score.composer = root.findtext("identification/creator[@type='composer']")
    try:
        divisions = _number(root.findtext(".//divisions") or "1")  # for parts that don't say
        parts = [_Part(place, bars, divisions) for place, bars in enumerate(_parts(root))]
        start = Fraction(0)
        for number in range(max((len(part.bars) for part in parts), default=0)):
            voices = [voice for part in parts for voice in part.read(number, start, score)]
            signature = next((part.signature for part in parts if part.signature), None)
            end = _bar_end(start, voices, signature)
            score.bars.append((start, end, signature))
            start = end
    except (ValueError, ArithmeticError) as error:  # a number that is none
        raise MusicFileError("{name} can't be read as MusicXML; a complete, valid score is needed.", name=name) from error
    return score


def _root(text: str, name: str) -> Element:
    """The outermost element. Entities of a file's own are refused: a few of them can stand for gigabytes."""
    if "<!ENTITY" in text:
        raise MusicFileError(
            "{name} defines entities of its own, which no score needs; a MusicXML file without them can be read.", name=name
        )
    parser = XMLParser()  # noqa: S314 - it loads no other document, and entities are refused
    try:
        parser.feed(text.lstrip())
        root = parser.close()
    except (ParseError, ValueError) as error:
        raise MusicFileError("{name} can't be read as MusicXML; a complete, valid score is needed.", name=name) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # without its namespace
    if root.tag not in ("score-partwise", "score-timewise"):
        raise MusicFileError("{name} can't be read as MusicXML; a complete, valid score is needed.", name=name)
    return root


def _parts(root: Element) -> list[list[Element]]:
    """The bars of each part, whichever way the score is ordered."""
    if root.tag == "score-partwise":
        return [part.findall("measure") for part in root.findall("part")]
    parts = defaultdict[str | None, list[Element]](list)
    for measure in root.findall("measure"):
        for part in measure.findall("part"):
            parts[part.get("id")].append(part)
    return list(parts.values())


def _bar_end(start: Fraction, voices: list[_Voice], signature: Signature | None) -> Fraction:
    """Where a bar ends in which the ``voices`` reach so far, when they don't agree.

    Rests of a whole bar are often written with a wrong length, and some voices are a beat too short or too long.
    """
    ends = [voice.end for voice in voices if voice.sounds] or [voice.end for voice in voices] or [start]
    complete = start + Fraction(4 * signature[0], signature[1]) if signature else None
    silent = not any(voice.sounds for voice in voices)
    if complete is not None and (any(abs(end - complete) < _ROUNDING for end in ends) or (silent and max(ends) > complete)):
        return complete
    return max(ends, key=lambda end: (ends.count(end), end))


@dataclass
class _Voice:
    """How far a voice reaches in a bar, and whether it has notes there."""

    end: Fraction
    sounds: bool = False


class _Part:
    """A part being read: what holds from one bar to the next."""

    def __init__(self, place: int, bars: list[Element], divisions: Fraction) -> None:
        self._place = place  # from the top of the score
        self.bars = bars
        self.signature: Signature | None = None
        self._divisions = divisions
        self._semitones = dict[str | None, int]()  # how far a staff sounds from what is written; None: all staves
        self._fifths = 0  # how far its key sounds from what is written
        self._now = self._onset = self._end = Fraction(0)
        self._voices = dict[str, _Voice]()
        self._voice = _Voice(self._now)  # the one of the latest note

    def read(self, number: int, start: Fraction, score: Score) -> Iterable[_Voice]:
        """Add a bar that begins at ``start`` to the score; returns its voices."""
        self._now = self._onset = self._end = start
        self._voices = {}
        for element in self.bars[number] if number < len(self.bars) else ():
            if element.tag == "note":
                self._note(element, score)
            elif element.tag == "backup":
                self._now = max(start, self._now - self._length(element))
            elif element.tag == "forward":
                self._now += self._length(element)
                self._voice.end = max(self._voice.end, self._now)
            elif element.tag == "attributes":
                self._attributes(element, score)
            elif element.tag in ("direction", "sound"):
                score.tempi += [(self._now, qpm) for qpm in _tempi(element)][:1]
        return self._voices.values()

    def _length(self, element: Element) -> Fraction:
        """The duration of an element in quarters."""
        return max(Fraction(0), _number(element.findtext("duration", "0"))) / self._divisions

    def _note(self, note: Element, score: Score) -> None:
        if note.find("grace") is not None:
            return
        if note.find("chord") is None:
            self._onset = self._now
            self._now += self._length(note)
            self._voice = self._voices.setdefault(note.findtext("voice", ""), _Voice(self._onset))
            self._voice.end = max(self._voice.end, self._now)
            self._voice.sounds |= note.find("rest") is None
            self._end = self._now  # of the whole chord: some programs write other durations into its other notes
        onset, end = self._onset, self._end
        if note.find("cue") is not None or note.find("pitch") is None or end == onset:
            return
        staff = note.findtext("staff")
        pitch = _pitch(note) + self._semitones.get(staff, self._semitones.get(None, 0))
        ties = {tie.get("type") for tie in note.findall("tie") or note.findall("notations/tied")}
        ties |= {"start", "stop"} if "continue" in ties else set()
        on = self._place, int(staff or 1)
        score.strike(onset, pitch, end, (self._place, note.findtext("voice")), on, ties)

    def _attributes(self, attributes: Element, score: Score) -> None:
        divisions = attributes.findtext("divisions")
        self._divisions = _number(divisions) if divisions else self._divisions
        for transpose in attributes.findall("transpose"):
            octaves = int(transpose.findtext("octave-change", "0"))
            semitones, steps = int(transpose.findtext("chromatic", "0")), transpose.findtext("diatonic")
            self._semitones[transpose.get("number")] = semitones + 12 * octaves
            self._fifths = 7 * semitones - 12 * (int(steps) if steps else round(semitones * 7 / 12))
        key = attributes.find("key")
        if key is not None and key.findtext("fifths") and score.key is None:
            score.key = int(key.findtext("fifths", "")) + self._fifths, key.findtext("mode", "")
        time = attributes.find("time")
        if time is not None:
            self.signature = _signature(time)


def _number(text: str) -> Fraction:
    return Fraction(float(text))  # by way of a float: 1e999999999 as a fraction would take forever


def _pitch(note: Element) -> int:
    step, alter = note.findtext("pitch/step", "").strip(), float(note.findtext("pitch/alter", "0"))
    if step not in _SEMITONES:
        raise ValueError(f"{step!r} is no note name")
    return 12 * (int(note.findtext("pitch/octave", "")) + 1) + _SEMITONES[step] + round(alter)


def _signature(time: Element) -> Signature | None:
    """The time signature, "2+3" over 8 as 5/8; None where the music has none (senza misura)."""
    units = [int(unit.text or "") for unit in time.findall("beat-type")]
    beats = [sum(int(beat) for beat in (beats.text or "").strip(" ()").split("+")) for beats in time.findall("beats")]
    if not units:
        return None
    smallest = max(units)
    return sum(beat * smallest // unit for beat, unit in zip(beats, units, strict=False)), smallest


def _tempi(element: Element) -> Iterator[float]:
    """The tempi of a direction in quarters per minute: first the one to play, then the ones that are printed."""
    for sound in element.iter("sound"):
        if played := middle(sound.get("tempo", "")):
            yield played
    for mark in element.iter("metronome"):
        number, unit = middle(mark.findtext("per-minute", "")), _UNITS.get(mark.findtext("beat-unit", "").strip())
        if number and unit:
            yield number * unit * (2 - 0.5 ** len(mark.findall("beat-unit-dot")))
