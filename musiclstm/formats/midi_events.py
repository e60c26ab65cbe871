"""The events of a MIDI file: notes, texts, metres, tempi and keys, with times in the file's own ticks.

What is meant is read wherever it is plain: inside a RIFF or MacBinary wrapper, after a long header, between chunks of other
kinds, with running status that goes on after a system exclusive message, without the end of a track or the release of a note.
"""

from __future__ import annotations

from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import MusicFileError

KIND = "MIDI file"
DRUMS = 9  # the drum channel, counted from 0
TEXT, TRACK_NAME, END_OF_TRACK, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x01, 0x03, 0x2F, 0x51, 0x58, 0x59
DEFAULT_TEMPO = 500_000  # microseconds to the quarter, until a file says otherwise
SHORTEST, LONGEST = 100_000, 6_000_000  # microseconds: 600 and 10 quarters a minute
MOST_TRACKS = 1_000  # an orchestra has a hundred
MOST_EVENTS = 1_000_000  # keys struck and released, changes of tempo and the like; a sonata has ten thousand
_KEPT = (TEXT, TRACK_NAME, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE)
_MAC_HEADER = 128  # bytes that MacBinary puts before a file
_PARAMETERS = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # bytes after a system message; none after others


class Meta(NamedTuple):
    """A text, name, metre, tempo or key: ``kind`` is one of the constants above, ``body`` its bytes."""

    time: int
    kind: int
    body: bytes


@dataclass(frozen=True, eq=False)
class Track:
    """The events of one track and the time at which it ends.

    ``keys`` has three numbers for each key struck or released: time, 128 x channel + pitch, and velocity, 0 for a release.
    ``programs``: time, channel (from 0) and General MIDI program of each choice of an instrument.
    """

    keys: array[int]
    metas: tuple[Meta, ...]
    end: int
    programs: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class MidiFile:
    """The tracks of a file and how they count time.

    ``per_quarter``: ticks to the quarter, above 0. ``in_seconds``: its ticks all last the same time, whatever the tempo.
    ``in_turn``: the tracks are patterns, to be played one by one.
    """

    tracks: tuple[Track, ...]
    per_quarter: float
    in_seconds: bool
    in_turn: bool


def parse_midi(data: bytes, label: str) -> MidiFile:
    """The events in the bytes of a MIDI file, which ``label`` names in messages; its time grows in proportion to their number.

    A file that counts in film frames (SMPTE) has its quarters from the first tempo, or else two a second.
    Raises MusicFileError for anything that isn't MIDI, or is damaged.
    """
    data = _unwrapped(data, label)
    if len(data) < 14:
        raise MusicFileError("{label} ends within its MIDI header; a complete MIDI file is needed.", label=label)
    try:
        tracks = tuple(_track(body, complete) for body, complete in _bodies(data))
        if not tracks:
            raise ValueError("no tracks")
    except (IndexError, ValueError) as error:
        raise MusicFileError("{label} is a damaged or incomplete MIDI file; a complete one is needed.", label=label) from error
    if sum(len(track.keys) // 3 + len(track.metas) + len(track.programs) for track in tracks) > MOST_EVENTS:
        raise MusicFileError(
            "{label} has more than {events:,} events; it is damaged or far too long.", label=label, events=MOST_EVENTS
        )
    in_seconds = data[12] >= 0x80
    per_quarter = _of_frames(256 - data[12], data[13], tracks) if in_seconds else int.from_bytes(data[12:14], "big")
    if not per_quarter:
        raise MusicFileError("{label} counts 0 ticks to the quarter note; a MIDI file needs at least 1.", label=label)
    return MidiFile(tracks, per_quarter, in_seconds, in_turn=data[8:10] == b"\x00\x02")


def struck_notes(track: Track, least: int) -> NDArray[np.int64]:
    """The notes of a track, [n, 4]: start, end, key as in ``Track`` and velocity.

    A release ends the earliest note of its key that sounds. Where a key has strikes without a release, a strike ends the note
    before it, and the last note ends with the track, but not before ``least`` ticks.
    """
    notes, held = array("q"), defaultdict[int, deque[tuple[int, int]]](deque)
    for time, key, velocity in _triples(track.keys):
        if velocity:
            held[key].append((time, velocity))
        elif held[key]:
            start, loudness = held[key].popleft()
            notes.extend((start, time, key, loudness))
    found = np.array(notes, dtype=np.int64).reshape(-1, 4)
    unreleased = [key for key, waiting in held.items() if waiting]
    if not unreleased:
        return found
    events = np.array(track.keys, dtype=np.int64).reshape(-1, 3)
    events = events[np.isin(events[:, 1], unreleased)]
    events = events[np.lexsort((events[:, 2] > 0, events[:, 0]))]  # at one tick releases come first
    return np.concatenate([found[~np.isin(found[:, 2], unreleased)], _cut_short(events.tolist(), track.end, least)])


def _cut_short(events: Iterable[Sequence[int]], end: int, least: int) -> NDArray[np.int64]:
    """The notes of keys that are not always released, as ``struck_notes`` gives them."""
    notes, sounding = array("q"), dict[int, tuple[int, int]]()
    for time, key, velocity in events:
        if key in sounding:
            start, loudness = sounding.pop(key)
            notes.extend((start, time, key, loudness))
        if velocity:
            sounding[key] = time, velocity
    for key, (start, loudness) in sounding.items():
        notes.extend((start, max(end, start + least), key, loudness))
    return np.array(notes, dtype=np.int64).reshape(-1, 4)


def _unwrapped(data: bytes, label: str) -> bytes:
    """The bytes from the MIDI header on."""
    if data[:4] == b"RIFF":
        at = 12  # past the letters RIFF, a length and the letters RMID
        while data[at : at + 4] not in (b"data", b""):
            length = int.from_bytes(data[at + 4 : at + 8], "little")
            at += 8 + length + length % 2
        data = data[at + 8 :]
        if data[:4] != b"MThd":
            raise MusicFileError("{label} is a RIFF file without MIDI in it; a MIDI file is needed.", label=label)
    elif data[:1] == b"\x00" and data[_MAC_HEADER : _MAC_HEADER + 4] == b"MThd":
        data = data[_MAC_HEADER:]
    if data[:4] != b"MThd":
        raise MusicFileError(
            "{label} is not a MIDI file; it must begin with the letters MThd, not with {data}.", label=label, data=repr(data[:4])
        )
    return data


def _bodies(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The bytes of each track, and whether they are all there. Raises ValueError for an absurd number of tracks."""
    at, count = 8 + max(6, int.from_bytes(data[4:8], "big")), 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            count += 1
            if count > MOST_TRACKS:
                raise ValueError(f"more than {MOST_TRACKS} tracks")
            yield data[at + 8 : at + 8 + length], at + 8 + length <= len(data)
        at += 8 + length


def _track(body: bytes, complete: bool) -> Track:
    """The events of a track. Raises IndexError or ValueError where its bytes can't be events."""
    keys, metas, now, at, running, size = array("q"), list[Meta](), 0, 0, 0, len(body)
    programs = list[tuple[int, int, int]]()
    while at < size:
        wait, at = body[at], at + 1
        if wait >= 0x80:
            wait, at = _number(body, at - 1)
        now += wait
        status = body[at]
        if status >= 0xF0:
            kind, start, at = _system_message(body, at)
            if kind == END_OF_TRACK:
                return Track(keys, tuple(metas), now, tuple(programs))
            if kind in _KEPT:
                metas.append(Meta(now, kind, body[start:at]))
            continue
        if status >= 0x80:
            running, at = status, at + 1
        first, second, at = (body[at], 0, at + 1) if 0xC0 <= running < 0xE0 else (body[at], body[at + 1], at + 2)
        if not running or first | second >= 0x80:
            raise ValueError("a number stands where a message must begin, or the other way round")
        _play(keys, programs, now, running, (first, second))
    if at > size or not complete:
        raise ValueError("the track ends within an event, or before its end")
    return Track(keys, tuple(metas), now, tuple(programs))


def _play(keys: array[int], programs: list[tuple[int, int, int]], now: int, status: int, numbers: tuple[int, int]) -> None:
    """Keep what a channel's message says of keys or of its instrument; some write a strike of velocity 0 for a release."""
    first, second = numbers
    if status < 0xA0:
        keys.extend((now, (status & 0x0F) << 7 | first, second if status >= 0x90 else 0))
    elif status & 0xF0 == 0xC0:
        programs.append((now, status & 0x0F, first))


def _system_message(body: bytes, at: int) -> tuple[int, int, int]:
    """The kind of a meta event, or -1 for other messages, and where its contents begin and end."""
    status = body[at]
    if status not in (0xF0, 0xF7, 0xFF):
        return -1, at + 1, at + 1 + _PARAMETERS.get(status, 0)
    kind, at = (body[at + 1], at + 2) if status == 0xFF else (-1, at + 1)
    length, start = _number(body, at)
    return kind, start, start + length


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, seven bits a byte and four bytes at most, and where it ends."""
    number = 0
    for position in range(at, at + 4):
        number = number << 7 | body[position] & 0x7F
        if body[position] < 0x80:
            return number, position + 1
    raise ValueError("a number has more than four bytes")


def _of_frames(frames: int, parts: int, tracks: Sequence[Track]) -> float:
    """Ticks to the quarter where a second has ``frames`` of ``parts`` ticks each; 29 stands for 29.97 frames."""
    a_second = parts * (30_000 / 1001 if frames == 29 else frames)
    tempi = sorted((meta for track in tracks for meta in track.metas if meta.kind == TEMPO), key=lambda meta: meta.time)
    first = next((tempo for meta in tempi if (tempo := microseconds(meta))), DEFAULT_TEMPO)
    return a_second * first / 1e6


def microseconds(tempo: Meta) -> int:
    """The length of a quarter, 0 if the tempo is none that music has."""
    length = int.from_bytes(tempo.body, "big") if len(tempo.body) == 3 else 0
    return length if SHORTEST <= length <= LONGEST else 0


def _triples(flat: array[int]) -> Iterator[tuple[int, int, int]]:
    numbers = iter(flat)
    return zip(numbers, numbers, numbers, strict=True)
