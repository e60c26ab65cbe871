"""The parts of a MIDI file: who plays what, to choose from."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import file_bytes, require_size
from musiclstm.formats.midi_events import DRUMS, KIND, TRACK_NAME, MidiFile, Track, parse_midi
from musiclstm.formats.midi_title import decoded

_LONGEST = 100  # letters of a name
_PLAIN_NAMES = {"StringInstrument": "Strings", "Sampler": "Synthesizer", "Violoncello": "Cello"}  # for those of music21


@dataclass(frozen=True)
class Part:
    """What one channel of one track plays.

    ``number``: from 0, in the order of the file. ``name``: of its track, "" if it has none. ``instrument``: in words, such as
    "Violin". ``notes``: how many, at least one; ``lowest`` and ``highest``: MIDI pitches.
    """

    number: int
    name: str
    instrument: str
    notes: int
    lowest: int
    highest: int


def midi_parts(source: Path | str | bytes, *, name: str = "") -> tuple[Part, ...]:
    """The parts of a MIDI file that have notes, without drums; ``source`` and ``name`` as in ``read_midi``.

    Raises MusicFileError for anything that isn't MIDI, or is larger than 10 MB.
    """
    label = name or (Path(source).name if not isinstance(source, bytes) else "The MIDI data")
    data = source if isinstance(source, bytes) else file_bytes(Path(source), label, KIND)
    require_size(data, label, KIND)
    return tuple(_part(number, *part) for number, part in enumerate(_parts(parse_midi(data, label).tracks)))


def only_parts(file: MidiFile, numbers: Collection[int], label: str) -> MidiFile:
    """The file with the notes of these parts alone. Raises MusicFileError if there are none, or not as many."""
    parts = [(track, channel) for track, channel, _ in _parts(file.tracks)]
    wrong = [number for number in numbers if not 0 <= number < len(parts)]
    if wrong or not numbers:
        asked = f"not {wrong[0]}" if wrong else "and at least one must be chosen"
        count = f"{len(parts)} part{'s' if len(parts) != 1 else ''}"
        raise MusicFileError(f"{label} has {count} with notes, numbered from 0; {asked}.")
    chosen = {(id(parts[number][0]), parts[number][1]) for number in numbers}
    return replace(file, tracks=tuple(_only(track, chosen) for track in file.tracks))


def _parts(tracks: Sequence[Track]) -> Iterator[tuple[Track, int, list[int]]]:
    """Track, channel and pitches of every part."""
    for track in tracks:
        events = np.array(track.keys, dtype=np.int64).reshape(-1, 3)
        struck = events[events[:, 2] > 0, 1]
        for channel in np.unique(struck >> 7).tolist():
            if channel != DRUMS:
                yield track, channel, (struck[struck >> 7 == channel] & 0x7F).tolist()


def _part(number: int, track: Track, channel: int, pitches: list[int]) -> Part:
    names = (decoded(meta.body) for meta in track.metas if meta.kind == TRACK_NAME)
    named = " ".join("".join(c if c.isprintable() else " " for c in next(names, "")).split())[:_LONGEST]
    programs = [program for _, place, program in track.programs if place == channel]
    return Part(number, named, _instrument(programs[0] if programs else 0), len(pitches), min(pitches), max(pitches))


def _instrument(program: int) -> str:
    """The instrument of a General MIDI program, 0 to 127, in words."""
    from music21.instrument import instrumentFromMidiProgram

    found = str(instrumentFromMidiProgram(program).instrumentName)
    return _PLAIN_NAMES.get(found, found)


def _only(track: Track, chosen: Collection[tuple[int, int]]) -> Track:
    events = np.array(track.keys, dtype=np.int64).reshape(-1, 3)
    channels = [channel for channel in range(16) if (id(track), channel) in chosen]
    kept = events[np.isin(events[:, 1] >> 7, channels)]
    return replace(track, keys=array("q", kept.ravel().tolist()))
