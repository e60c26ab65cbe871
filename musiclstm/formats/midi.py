"""Reading and writing MIDI.

Reading merges all parts of a file except drums and moves every event to the nearest of 24 ticks to the quarter. Writing uses 480
ticks to the quarter, which other programs expect and 24 divides, so that written music is read back unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from symusic.core import ScoreTick

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import file_bytes, require_size
from musiclstm.music import (
    PIANO,
    TICKS_PER_QUARTER,
    Key,
    Metre,
    Notes,
    Piece,
    Tempo,
    Voice,
    clean_metres,
    clean_tempi,
    make_notes,
    share_out,
)

KIND = "MIDI file"
MAX_TICKS = 100_000 * TICKS_PER_QUARTER  # 14 hours at 120 quarters a minute: more is a damaged file
WRITTEN_TICKS_PER_QUARTER = 480
_STRETCH = WRITTEN_TICKS_PER_QUARTER // TICKS_PER_QUARTER
# Track names that programs write in place of a title: "Piano right", "Track 1", "MIDI out #2".
_NO_TITLE = re.compile(
    r"(piano|grand|acoustic|right|left|upper|lower|up|down|hand|rh|lh|staff|track|midi|out|untitled|\d|\W)*", re.IGNORECASE
)
_Event = tuple[int, int, bytes]  # onset in our ticks, rank at that tick, message
_TEXT, _TRACK_NAME, _END_OF_TRACK, _TEMPO, _TIME_SIGNATURE, _KEY_SIGNATURE = 0x01, 0x03, 0x2F, 0x51, 0x58, 0x59
_PAN = 10  # the controller that places a channel between left and right
_LEFT, _RIGHT = 28, 100  # the outer seats; the middle is 64. FluidR3's stereo samples move by 2 to 4 dB
_CHANNELS = (*range(9), *range(10, 16))  # all but the drum channel


def read_midi(source: Path | str | bytes, *, name: str = "") -> Piece:
    """Read a MIDI file from a path or from bytes; ``name`` replaces the file name in ``source`` and in messages.

    All tracks are merged, drums are left out, onsets and ends are rounded to 24 ticks a quarter. Metres, tempi and the first key
    signature are kept; impossible ones are dropped. The title is the name of the first track, or else of the file.
    Raises MusicFileError for anything that isn't MIDI with at least one note, or is larger than 10 MB.
    """
    label = name or (Path(source).name if not isinstance(source, bytes) else "The MIDI data")
    data = _checked(source if isinstance(source, bytes) else file_bytes(Path(source), label, KIND), label)
    try:
        score = ScoreTick.from_midi(data)
    except (RuntimeError, ValueError, OverflowError) as error:
        raise MusicFileError(f"{label} is a damaged or incomplete MIDI file; a complete one is needed.") from error
    per_quarter = int(score.ticks_per_quarter)
    if per_quarter < 1:
        raise MusicFileError(f"{label} counts {per_quarter} ticks to the quarter note; a MIDI file needs at least 1.")
    file_name = name or ("" if isinstance(source, bytes) else label)
    return Piece(
        notes=_merged_notes(score, per_quarter, label),
        metres=_metres(score, per_quarter),
        tempi=_tempi(score, per_quarter),
        key=next((Key(k.key, "minor" if k.tonality else "major") for k in score.key_signatures if -7 <= k.key <= 7), None),
        title=_track_name(data) or Path(file_name).stem,
        source=file_name,
    )


def midi_bytes(piece: Piece, *, voices: Sequence[Voice] = PIANO, text: str = "") -> bytes:
    """The piece as a MIDI file: title, ``text``, metre, key and tempo in the first track, then a track for each of ``voices``.

    Each voice has its own channel and plays the notes of its register. A voice without notes keeps an empty track, so that the
    files of a seed, its continuation and both together have the same tracks. The highest comes first, as in a score. The same
    piece and voices always give the same bytes. Raises OptionError as ``instruments.share_out`` does.
    """
    players = share_out(piece.notes["pitch"], voices)
    highest_first = reversed(range(len(voices)))
    parts = [
        _player(voices[number], piece.notes[players == number], channel, pan)
        for number, channel, pan in zip(highest_first, _CHANNELS, _seats(len(voices)), strict=False)
    ]
    header = (6, 4), (1, 2), (1 + len(parts), 2), (WRITTEN_TICKS_PER_QUARTER, 2)
    return b"MThd" + b"".join(n.to_bytes(size, "big") for n, size in header) + _conductor(piece, text) + b"".join(parts)


def write_midi(piece: Piece, path: Path | str, *, voices: Sequence[Voice] = PIANO, text: str = "") -> None:
    """Write ``midi_bytes`` of the piece to ``path``."""
    Path(path).write_bytes(midi_bytes(piece, voices=voices, text=text))


def _conductor(piece: Piece, text: str) -> bytes:
    """The first track, with everything that applies to all players."""
    conductor: list[_Event] = []
    for kind, words in ((_TRACK_NAME, piece.title), (_TEXT, text)):
        if words:
            conductor.append((0, kind == _TEXT, _meta(kind, words.encode("utf-8", "replace"))))
    for metre in piece.metres:
        clocks = min(255, metre.beat_ticks)  # a MIDI clock is a 24th of a quarter too
        body = bytes([metre.numerator, metre.denominator.bit_length() - 1, clocks, 8])
        conductor.append((metre.onset, 2, _meta(_TIME_SIGNATURE, body)))
    if piece.key is not None:
        conductor.append((0, 3, _meta(_KEY_SIGNATURE, bytes([piece.key.fifths & 0xFF, piece.key.mode == "minor"]))))
    for tempo in piece.tempi:
        microseconds = max(1, min(0xFFFFFF, round(60e6 / tempo.qpm)))
        conductor.append((tempo.onset, 4, _meta(_TEMPO, microseconds.to_bytes(3, "big"))))
    return _track(conductor)


def _player(voice: Voice, notes: Notes, channel: int, pan: int | None) -> bytes:
    """The track of one voice on ``channel`` (0..15), seated at ``pan`` (0 left, 127 right; None leaves it to the synthesizer)."""
    name = _meta(_TRACK_NAME, voice.name.encode("utf-8", "replace"))
    player: list[_Event] = [(0, 0, name), (0, 1, bytes([0xC0 | channel, voice.program]))]
    if pan is not None:
        player.append((0, 1, bytes([0xB0 | channel, _PAN, pan])))
    for onset, pitch, duration, velocity in notes.tolist():
        # At one tick a note must end before its pitch is struck again, so releases sort first.
        player.append((onset + duration, 2, bytes([0x80 | channel, pitch, 64])))
        player.append((onset, 3, bytes([0x90 | channel, pitch, velocity])))
    return _track(player)


def _seats(players: int) -> list[int | None]:
    """The pan of each player, from left to right; a single player keeps that of the sound font."""
    return [None] if players == 1 else np.linspace(_LEFT, _RIGHT, players).round().astype(int).tolist()


def _checked(data: bytes, label: str) -> bytes:
    """The bytes from the MIDI header on; raises MusicFileError if the header shows that they can't be read."""
    if not data:
        raise MusicFileError(f"{label} is empty; a MIDI file is needed.")
    require_size(data, label, KIND)
    if data[:4] == b"RIFF" and b"MThd" in data[:64]:  # RMID: a MIDI file in a RIFF wrapper
        data = data[data.index(b"MThd") :]
    if data[:4] != b"MThd":
        raise MusicFileError(f"{label} is not a MIDI file; it must begin with the letters MThd, not with {data[:4]!r}.")
    if len(data) < 14:
        raise MusicFileError(f"{label} ends within its MIDI header; a complete MIDI file is needed.")
    if data[12] & 0x80:
        raise MusicFileError(f"{label} counts time in film frames (SMPTE); only MIDI files in ticks per quarter can be read.")
    return data


def _ticks(times: NDArray[np.integer], per_quarter: int) -> NDArray[np.int64]:
    """Times in the file rounded to the nearest of our ticks, halves upwards, in integer arithmetic."""
    return (times.astype(np.int64) * (2 * TICKS_PER_QUARTER) + per_quarter) // (2 * per_quarter)


def _merged_notes(score: ScoreTick, per_quarter: int, label: str) -> Notes:
    tracks = [track.notes.numpy() for track in score.tracks if not track.is_drum and len(track.notes)]
    if not tracks:
        drums = any(len(track.notes) for track in score.tracks)
        raise MusicFileError(f"{label} has {'only drums' if drums else 'no notes'}; at least one pitched note is needed.")
    start, length, pitch, velocity = (
        np.concatenate([track[column] for track in tracks]).astype(np.int64)
        for column in ("time", "duration", "pitch", "velocity")
    )
    onset, end = _ticks(start, per_quarter), _ticks(start + length, per_quarter)
    if onset.min() < 0 or length.min() < 0 or end.max() > MAX_TICKS:
        raise MusicFileError(f"{label} has notes beyond 100000 quarters; it is damaged or far too long.")
    return make_notes(onset, pitch, end - onset, velocity)


def _metres(score: ScoreTick, per_quarter: int) -> tuple[Metre, ...]:
    events = score.time_signatures.numpy()
    onsets = _ticks(events["time"], per_quarter).tolist()
    return clean_metres(
        [Metre(*row) for row in zip(onsets, events["numerator"].tolist(), events["denominator"].tolist(), strict=True)]
    )


def _tempi(score: ScoreTick, per_quarter: int) -> tuple[Tempo, ...]:
    events = score.tempos.numpy()
    onsets, microseconds = _ticks(events["time"], per_quarter).tolist(), events["mspq"].tolist()
    # Files round 100 quarters a minute to whole microseconds; three decimals bring the 100 back.
    return clean_tempi([Tempo(onset, round(60e6 / m, 3)) for onset, m in zip(onsets, microseconds, strict=True) if m > 0])


def midi_text(data: bytes) -> str:
    """The text that ``midi_bytes`` wrote into a MIDI file, or "" if there is none; accepts any bytes."""
    found = next((body for kind, body in _words(data) if kind == _TEXT), b"") if data[:4] == b"MThd" else b""
    return found.decode("utf-8", "replace")


def _track_name(data: bytes) -> str:
    """The name of the first track, if given before its first note, or "" (symusic drops tracks without notes)."""
    name = next((_clean_text(body) for kind, body in _words(data) if kind == _TRACK_NAME), "")
    return "" if _NO_TITLE.fullmatch(name) else name


def _words(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of the meta events at the start of the first track."""
    at = 8 + int.from_bytes(data[4:8], "big") + 8
    while at < len(data):
        while at < len(data) and data[at] & 0x80:  # skip the time, a number of variable length
            at += 1
        if data[at + 1 : at + 2] != b"\xff":
            return
        kind, at = data[at + 2 : at + 3], at + 3
        length = 0
        while at < len(data) and data[at] & 0x80:
            length, at = length << 7 | data[at] & 0x7F, at + 1
        length = length << 7 | (data[at] if at < len(data) else 0)
        body, at = data[at + 1 : at + 1 + length], at + 1 + length
        if kind:
            yield kind[0], body


def _clean_text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("latin-1")  # what older sequencers wrote; any byte is valid in it
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _meta(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable_length(len(body)) + body


def _variable_length(number: int) -> bytes:
    """Seven bits a byte, the highest first, the top bit set on all but the last."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def _track(events: list[_Event]) -> bytes:
    """A track chunk from events in any order."""
    body = b"".join(_with_deltas(sorted(events))) + b"\x00" + _meta(_END_OF_TRACK, b"")
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def _with_deltas(events: list[_Event]) -> Iterator[bytes]:
    now = 0
    for onset, _rank, message in events:
        yield _variable_length((onset - now) * _STRETCH)
        yield message
        now = onset
