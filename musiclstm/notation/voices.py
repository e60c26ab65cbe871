"""From the notes of a staff to the voices of its bars: one wherever that will do, two where a note is held under moving ones.

Readability comes before exactness: a note a little shorter than the gap to the next one fills it, and one that rings on over
others, as with the pedal, ends with the next. This module uses no score library.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from math import gcd

from musiclstm.music import Notes
from musiclstm.notation.rhythm import QUARTER, SHORTEST, UNITS, Bar, Tile, snap_end, snap_onset, values
from musiclstm.notation.spelling import Spelled

_EIGHTH, _SIXTEENTH = QUARTER // 2, QUARTER // 4
_AHEAD = 8  # notes after a bar, up to one of which a note may be held
_HAND, _REACH = 4, 16  # notes that a hand holds with ease, and semitones that it spans
_TIE, _REST, _MOVED = 2.0, 1.0, 0.4  # what is hard to read: a tie, a rest, and, for each sixteenth, an end other than played


@dataclass(frozen=True)
class Note:
    """A written note, times in units. ``again``: when its pitch is struck next; ``begun``: its first onset, of those tied;
    ``released``: its end as played, not rounded to a note value.
    """

    onset: int
    end: int
    pitch: int
    name: Spelled
    again: int
    begun: int
    released: int

    @property
    def tied_back(self) -> bool:
        """Whether it began in an earlier bar."""
        return self.begun < self.onset

    def rings_over(self, time: int, onsets: Container[int]) -> bool:
        """Whether it is held beyond ``time`` on purpose, perhaps up to one of the ``onsets``, and not only a little too long."""
        over = self.released - time
        return over >= _EIGHTH and (over >= QUARTER or 3 * over >= self.released - self.begun or self.end in onsets)


@dataclass(frozen=True)
class Segment:
    """A chord or a rest of one voice from ``start`` to ``end`` (units); ``on``: its pitches that are tied into the next bar."""

    start: int
    end: int
    notes: tuple[Note, ...] = ()
    on: frozenset[int] = frozenset()
    hidden: bool = False


def written_notes(notes: Notes, names: Sequence[Spelled], grid: Sequence[Tile]) -> list[Note]:
    """The notes at their written times, by onset and pitch; of two that coincide the longer stays."""
    final = grid[-1]
    last = (final.start + final.length) * UNITS
    latest = last - (SHORTEST * UNITS if final.parts == final.normal else final.step)  # of an onset, on the grid of a tuplet
    found: dict[tuple[int, int], tuple[int, int, Spelled]] = {}
    for (onset, pitch, duration, _velocity), name in zip(notes.tolist(), names, strict=True):
        start = min(snap_onset(grid, onset), latest)
        end = min(last, snap_end(grid, onset + duration, start))
        if (start, pitch) not in found or end > found[start, pitch][0]:
            found[start, pitch] = end, start + duration * UNITS, name
    written: list[Note] = []
    struck: dict[int, int] = {}
    for (onset, pitch), (end, released, name) in sorted(found.items(), reverse=True):
        again = struck.get(pitch, last)
        written.append(Note(onset, min(end, again), pitch, name, again, onset, min(released, again)))
        struck[pitch] = onset
    return written[::-1]


def voices_of_bars(notes: Sequence[Note], bars: Sequence[Bar], grid: Sequence[Tile]) -> Iterator[list[list[Segment]]]:
    """The voices of every bar, the upper first, with rests; notes held over the bar line continue in the next bar.

    ``grid``: the tiles of the bars, on which the ``notes`` lie.
    """
    carried: list[Note] = []
    at = 0
    for bar in bars:
        first, last = bar.start * UNITS, bar.end * UNITS
        struck = []
        while at < len(notes) and notes[at].onset < last:
            struck.append(notes[at])
            at += 1
        again = {note.pitch for note in struck if note.onset == first}
        sounding = [note for note in carried if note.pitch not in again] + struck
        later = [note.onset for note in notes[at : at + _AHEAD]] or [last + 1]
        onsets = sorted({note.onset for note in sounding})
        voices = [list(_segments(line, bar, grid, onsets, later)) for line in _lines(sounding, last)]
        following = [note.pitch for note in notes[at : at + _AHEAD] if note.onset == last]
        tied = [pitch for voice in voices for segment in voice for pitch in segment.on]
        if following and tied and not _holds([*tied, *following]):
            voices = [[replace(segment, on=frozenset()) for segment in voice] for voice in voices]
        segments = [segment for voice in voices for segment in voice]
        carried = [replace(note, onset=last) for s in segments for note in s.notes if note.pitch in s.on]
        yield _with_rests(_upper_and_lower(*voices) if len(voices) > 1 else voices, first, last)


def _lines(notes: Sequence[Note], last: int) -> list[list[list[Note]]]:
    """The chords of a bar as one line, or as two: notes held while others move, and moving notes."""
    chords = [list(chord) for _, chord in groupby(sorted(notes, key=lambda n: (n.onset, n.pitch)), key=lambda n: n.onset)]
    held: list[list[Note]] = []
    moving: list[list[Note]] = []
    free = 0
    for index, chord in enumerate(chords):
        ringing = _held(chord, chords[index + 1 :], last) if chord[0].onset >= free else []
        if ringing:
            held.append(ringing)
            free = max(note.end for note in ringing)
        short = [note for note in chord if note not in ringing]
        if short:
            moving.append(short)
    return [line for line in (held, moving) if line]


def _held(chord: Sequence[Note], later: Sequence[Sequence[Note]], last: int) -> list[Note]:
    """The notes of a chord that are held while others, of the chord and later ones, move above or below all of them."""
    if not later:
        return _longer(chord, last)
    moved = [other[0].onset for other in later]
    ringing = [note for note in chord if note.rings_over(moved[0], moved)]
    if not ringing:
        return []
    until = min(last, max(note.end for note in ringing))
    during = [note for following in later for note in following if note.onset < until - _SIXTEENTH]
    together = len(ringing) < len(chord) or until - moved[0] >= QUARTER or len({note.onset for note in during}) > 1
    if not during or not together:  # a lone note that rings into the next one
        return []
    pitches = [note.pitch for note in [*during, *(note for note in chord if note not in ringing)]]
    below = [note for note in ringing if note.pitch < min(pitches)]
    above = [note for note in ringing if note.pitch > max(pitches)]
    pedalled = sum(note.rings_over(next((time for time in moved if time > note.onset), last), ()) for note in during)
    if 2 * pedalled >= len(during):  # everything rings on: that is the pedal, not a voice
        return []
    return above if len(above) > len(below) else below


def _longer(chord: Sequence[Note], last: int) -> list[Note]:
    """The upper or lower notes of a bar's last chord that are held at least twice as long as the others."""
    lengths = {note: min(note.end, last) - note.onset for note in chord}
    shortest = min(lengths.values())
    long = [note for note in chord if lengths[note] >= max(2 * shortest, shortest + QUARTER)]
    short = [note.pitch for note in chord if note not in long]
    sorted_out = long and (long[0].pitch > max(short) or long[-1].pitch < min(short))
    return long if sorted_out else []


def _holds(pitches: Sequence[int]) -> bool:
    """Whether a hand can hold these notes together. What it can't hold is left to the pedal, and not written out."""
    return len(pitches) <= _HAND and max(pitches) - min(pitches) <= _REACH


def _segments(
    line: Sequence[list[Note]], bar: Bar, grid: Sequence[Tile], onsets: Sequence[int], later: Sequence[int]
) -> Iterator[Segment]:
    """The chords of a line, each up to its end or, if the gap is small, up to the next.

    ``onsets``: of all lines of the bar; ``later``: of the notes after it.
    """
    origin, last = bar.full_start * UNITS, bar.end * UNITS
    for chord, following in zip(line, [*(chord[0].onset for chord in line[1:]), last], strict=True):
        start, limit = chord[0].onset, min(following, *(note.again for note in chord))
        end = min(limit, max(note.end for note in chord))
        passed = max((onset for onset in onsets if start < onset < end), default=end)
        if end < last and end not in onsets and end - passed <= min(_SIXTEENTH, (end - start) // 8):
            end = passed  # a little too long for the other line
        anew = end in onsets and gcd(end - origin, last - origin) > gcd(
            limit - origin, last - origin
        )  # the other line, on a beat
        if end < limit:
            ends = {time for time in range(origin, end, QUARTER) if end - time <= (end - start) // 4} | {end}
            ends |= {limit} if limit - end <= max(_SIXTEENTH, (end - start) // 3) and not anew else set()
            end = min(sorted(ends), key=partial(_effort, grid, bar, start, end, limit))
        on = frozenset(note.pitch for note in chord if end == last and _is_tied(note, last, later))
        yield Segment(start, end, tuple(chord), on)


def _effort(grid: Sequence[Tile], bar: Bar, start: int, played: int, limit: int, end: int) -> float:
    """How hard a note is to read that was ``played`` to one time and is written to ``end``, before a rest to ``limit``."""
    ties, rests = len(values(grid, bar, start, end)) - 1, len(values(grid, bar, end, limit, rest=True))
    return _TIE * ties + _REST * rests + _MOVED * abs(end - played) / _SIXTEENTH


def _is_tied(note: Note, last: int, later: Sequence[int]) -> bool:
    """Whether a note goes on after the bar line at ``last``: over a new note only if it is held on purpose."""
    return note.rings_over(last, later) if later[0] == last else note.end >= last + _SIXTEENTH


def _upper_and_lower(held: Sequence[Segment], moving: Sequence[Segment]) -> list[list[Segment]]:
    """The upper and the lower voice: what moves is the upper one where it sounds above what is held, the lower one elsewhere."""
    upper, lower = list[Segment](), list[Segment]()
    above, done = True, 0
    for at, segment in enumerate(held):
        until = held[at + 1].start if at + 1 < len(held) else moving[-1].end
        over = [other for other in moving if segment.start < other.end and other.start < segment.end]
        busy = at > 0 and any(other.start < segment.start < other.end for other in moving)  # and so can't change places
        if over and not busy:
            above = _mean_pitch(over) > _mean_pitch([segment])
        own = [other for other in moving[done:] if other.start < until or at + 1 == len(held)]
        (upper if above else lower).extend(own)
        (lower if above else upper).append(segment)
        done += len(own)
    return [upper, lower] if upper and lower else [[*upper, *lower]]


def _mean_pitch(voice: Sequence[Segment]) -> float:
    pitches = [note.pitch for segment in voice for note in segment.notes]
    return sum(pitches) / len(pitches)


def _with_rests(voices: Sequence[Sequence[Segment]], first: int, last: int) -> list[list[Segment]]:
    """The voices of a bar, filled with rests: visible where no voice sounds, and only in the upper one."""
    upper, *others = voices or [[]]
    edges = {time for voice in others for segment in voice for time in (segment.start, segment.end)}
    filled = [list(_filled(upper, first, last, sorted(edges)))]
    filled += [list(_filled(voice, first, last, [])) for voice in others]
    sounding = [(segment.start, segment.end) for voice in others for segment in voice]
    for place, segment in enumerate(filled[0]):
        covered = any(start < segment.end and segment.start < end for start, end in sounding)
        if not segment.notes and covered:
            filled[0][place] = replace(segment, hidden=True)
    return [filled[0], *([replace(s, hidden=not s.notes) for s in voice] for voice in filled[1:])]


def _filled(voice: Sequence[Segment], first: int, last: int, edges: Sequence[int]) -> Iterator[Segment]:
    """The segments and the rests between them, cut at ``edges``."""
    now = first
    for segment in [*voice, Segment(last, last)]:
        cuts = [now, *(time for time in edges if now < time < segment.start), segment.start]
        yield from (Segment(start, end) for start, end in pairwise(cuts) if start < end)
        if segment.end > segment.start:
            yield segment
        now = segment.end
