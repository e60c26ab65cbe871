"""Reading and writing MIDI.

Reading merges all parts of a file except drums and moves every event to the nearest of 24 ticks to the quarter. Writing uses 480
ticks to the quarter, which other programs expect and 24 divides, so that written music is read back unchanged.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musiclstm.errors import MusicFileError
from musiclstm.formats.file_bytes import file_bytes, require_size
from musiclstm.formats.midi_events import (
    DRUMS,
    END_OF_TRACK,
    KEY_SIGNATURE,
    KIND,
    TEMPO,
    TEXT,
    TIME_SIGNATURE,
    TRACK_NAME,
    Meta,
    MidiFile,
    Track,
    microseconds,
    parse_midi,
    struck_notes,
)
from musiclstm.formats.midi_parts import only_parts
from musiclstm.formats.midi_title import midi_title
from musiclstm.music import (
    PIANO,
    TICKS_PER_QUARTER,
    Key,
    Metre,
    Notes,
    Piece,
    Staves,
    Tempo,
    Voice,
    bar_lines,
    clean_metres,
    clean_tempi,
    heard_key,
    make_notes,
    share_out,
    staves_of,
)

MAX_QUARTERS = 100_000  # 14 hours at 120 quarters a minute: more is a damaged file
WRITTEN_TICKS_PER_QUARTER = 480
_STRETCH = WRITTEN_TICKS_PER_QUARTER // TICKS_PER_QUARTER
Change = TypeVar("Change", Metre, Tempo)
_Event = tuple[int, int, bytes]  # onset in our ticks, rank at that tick, message
_PAN = 10  # the controller that places a channel between left and right
_LEFT, _RIGHT = 28, 100  # the outer seats; the middle is 64. FluidR3's stereo samples move by 2 to 4 dB
_CHANNELS = (*range(DRUMS), *range(DRUMS + 1, 16))
_SMALLEST_UNIT = 5  # a 32nd, as the power of two that MIDI writes
_BARS_AFTER_UPBEAT = 4  # for which the second metre holds at least, where the first is only an upbeat's


def read_midi(source: Path | str | bytes, *, name: str = "", parts: Collection[int] | None = None) -> Piece:
    """Read a MIDI file from a path or from bytes; ``name`` replaces the file name in ``source`` and in messages.

    All tracks are merged, or only ``parts``, numbers of ``midi_parts``. The patterns of a file of format 2 follow each other,
    drums are left out. Onsets and ends are rounded to 24 ticks a quarter. Metres and tempi are kept, impossible ones dropped; 4/4
    and 120 quarters a minute hold until the first. An upbeat with a short metre of its own ends a complete bar of the next. The
    key is that of the first signature, unless the notes speak against it (``heard_key``). The title is the name of the first
    track if that is one, or else of the file.
    Raises MusicFileError for anything that isn't MIDI with at least one note, is larger than 10 MB, or lacks one of ``parts``.
    """
    return midi_piece(*open_midi(source, name=name, parts=parts))


def open_midi(source: Path | str | bytes, *, name: str = "", parts: Collection[int] | None = None) -> tuple[MidiFile, str, str]:
    """The events that ``read_midi`` reads, what messages call the file, and its name. Raises as it does for what isn't MIDI."""
    label = name or (Path(source).name if not isinstance(source, bytes) else "The MIDI data")
    data = source if isinstance(source, bytes) else file_bytes(Path(source), label, KIND)
    if not data:
        raise MusicFileError("{label} is empty; a MIDI file is needed.", label=label)
    require_size(data, label, KIND)
    file = parse_midi(data, label)
    return file if parts is None else only_parts(file, parts, label), label, "" if label == "The MIDI data" else label


def midi_piece(file: MidiFile, label: str, file_name: str) -> Piece:
    """The piece that ``read_midi`` makes of a file's events. Raises MusicFileError without notes, or for too many quarters."""
    piece = _in_turn(file, label) if file.in_turn else _together(file, file.tracks, label)
    if not len(piece):
        drums = any(key >> 7 == DRUMS for track in file.tracks for key in track.keys[1::3])
        if drums:
            raise MusicFileError("{label} has only drums; at least one pitched note is needed.", label=label)
        raise MusicFileError("{label} has no notes; at least one pitched note is needed.", label=label)
    return replace(piece, title=midi_title(file.tracks) or Path(file_name).stem, source=file_name)


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
    for kind, words in ((TRACK_NAME, piece.title), (TEXT, text)):
        if words:
            conductor.append((0, kind == TEXT, _meta(kind, words.encode("utf-8", "replace"))))
    for metre in piece.metres:
        clocks = min(255, metre.beat_ticks)  # a MIDI clock is a 24th of a quarter too
        body = bytes([metre.numerator, metre.denominator.bit_length() - 1, clocks, 8])
        conductor.append((metre.onset, 2, _meta(TIME_SIGNATURE, body)))
    if piece.key is not None:
        conductor.append((0, 3, _meta(KEY_SIGNATURE, bytes([piece.key.fifths & 0xFF, piece.key.mode == "minor"]))))
    for tempo in piece.tempi:
        length = max(1, min(0xFFFFFF, round(60e6 / tempo.qpm)))  # of a quarter, in microseconds
        conductor.append((tempo.onset, 4, _meta(TEMPO, length.to_bytes(3, "big"))))
    return _track(conductor)


def _player(voice: Voice, notes: Notes, channel: int, pan: int | None) -> bytes:
    """The track of one voice on ``channel`` (0..15), seated at ``pan`` (0 left, 127 right; None leaves it to the synthesizer)."""
    name = _meta(TRACK_NAME, voice.name.encode("utf-8", "replace"))
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


def _together(file: MidiFile, tracks: Sequence[Track], label: str) -> Piece:
    """The music of tracks that sound at the same time, perhaps without notes."""
    rows = [struck_notes(track, round(file.per_quarter)) for track in tracks]
    struck = np.concatenate(rows or [np.empty((0, 4), np.int64)])
    parts = 16 * np.repeat(np.arange(len(rows)), [len(track) for track in rows]) + (struck[:, 2] >> 7)  # track and channel
    pitched = struck[:, 2] >> 7 != DRUMS
    (start, end, key, velocity), parts = struck[pitched].T, parts[pitched]
    if len(end) and end.max() > MAX_QUARTERS * file.per_quarter:
        raise MusicFileError(
            "{label} has notes beyond {quarters} quarters; it is damaged or far too long.",
            label=label,
            quarters=MAX_QUARTERS,
        )
    onset = _ticks(start, file.per_quarter)
    metas = sorted((meta for track in tracks for meta in track.metas), key=lambda meta: meta.time)
    music = Piece(
        notes=make_notes(onset, key & 0x7F, _ticks(end, file.per_quarter) - onset, velocity),
        metres=_metres(metas, file.per_quarter),
        tempi=_tempi(metas, file),
        staves=_staves(onset, key & 0x7F, parts),
    )
    return _with_whole_upbeat(replace(music, key=_key(music, metas)))


def _staves(onset: NDArray[np.int64], pitch: NDArray[np.int64], parts: NDArray[np.int64]) -> Staves:
    """Two parts are taken for two hands, the higher one on the upper staff."""
    numbers, of = np.unique(parts, return_inverse=True)
    if len(numbers) != 2:
        return Staves()
    if pitch[of == 0].mean() < pitch[of == 1].mean():
        of = 1 - of
    return staves_of(zip(onset.tolist(), pitch.tolist(), of.tolist(), strict=True))


def _in_turn(file: MidiFile, label: str) -> Piece:
    """The patterns of a file one after another, each from a bar line. What tracks without notes begin with applies to all."""
    silent = [meta for track in file.tracks if not track.keys for meta in track.metas if meta.time == 0]
    general = Track(array("q"), tuple({meta.kind: meta for meta in silent}.values()), end=0)
    at, first, rows = 0, Piece(make_notes([], [], [], [])), list[Notes]()
    metres, tempi = list[Metre](), list[Tempo]()
    for track in file.tracks:
        pattern = _together(file, (general, track), label)
        if not len(pattern):
            continue
        first = first if rows else pattern
        rows.append(_later_notes(pattern.notes, at))
        metres += _later(pattern.metres, at)
        tempi += _later(pattern.tempi, at)
        at += int(bar_lines(pattern)[-1])
        if at > MAX_QUARTERS * TICKS_PER_QUARTER:
            raise MusicFileError(
                "{label} has notes beyond {quarters} quarters; it is damaged or far too long.",
                label=label,
                quarters=MAX_QUARTERS,
            )
    notes = np.concatenate(rows or [first.notes])
    together = make_notes(notes["onset"], notes["pitch"], notes["duration"], notes["velocity"])
    return replace(first, notes=together, metres=clean_metres(metres), tempi=clean_tempi(tempi), staves=Staves())


def _later(changes: Sequence[Change], ticks: int) -> list[Change]:
    """Metres or tempi moved by ``ticks``."""
    return [replace(change, onset=change.onset + ticks) for change in changes]


def _later_notes(notes: Notes, ticks: int) -> Notes:
    moved = notes.copy()
    moved["onset"] += ticks
    return moved


def _ticks(times: ArrayLike, per_quarter: float) -> NDArray[np.int64]:
    """Times in the file rounded to the nearest of our ticks, halves upwards."""
    return np.floor(np.asarray(times) * TICKS_PER_QUARTER / per_quarter + 0.5).astype(np.int64)


def _metres(metas: Sequence[Meta], per_quarter: float) -> tuple[Metre, ...]:
    possible = [m for m in metas if m.kind == TIME_SIGNATURE and len(m.body) >= 2 and m.body[1] <= _SMALLEST_UNIT]
    onsets = _ticks([m.time for m in possible], per_quarter).tolist()
    found = [Metre(onset, m.body[0], 2 ** m.body[1]) for onset, m in zip(onsets, possible, strict=True)]
    return clean_metres([Metre(0, 4, 4), *found])


def _tempi(metas: Sequence[Meta], file: MidiFile) -> tuple[Tempo, ...]:
    found = [(m.time, length) for m in metas if m.kind == TEMPO and (length := microseconds(m))]
    if file.in_seconds:
        found = [(0, length) for _, length in found[:1]]
    onsets = _ticks([time for time, _ in found], file.per_quarter).tolist()
    # Files round 100 quarters a minute to whole microseconds; three decimals bring the 100 back.
    tempi = [Tempo(onset, round(60e6 / length, 3)) for onset, (_, length) in zip(onsets, found, strict=True)]
    return clean_tempi([Tempo(0, 120.0), *tempi])


def _key(music: Piece, metas: Sequence[Meta]) -> Key | None:
    """The first possible key signature, or what is heard where it is in doubt."""
    signatures = [meta.body for meta in metas if meta.kind == KEY_SIGNATURE and len(meta.body) >= 2]
    fifths = [((body[0] + 128) % 256 - 128, body[1]) for body in signatures]
    written = next((Key(count, "minor" if minor else "major") for count, minor in fifths if -7 <= count <= 7), None)
    return None if written is None else heard_key(music, written)


def _with_whole_upbeat(music: Piece) -> Piece:
    """The music with its first bar made complete, if that is an upbeat with a metre of its own, as notation programs write it."""
    if len(music.metres) < 2 or not (_is_upbeat(*music.metres[:3]) or _is_completed(*music.metres)):
        return music
    (first, main), later = music.metres[:2], music.metres[2:]
    missing = main.bar_ticks - first.bar_ticks
    return replace(
        music,
        notes=_later_notes(music.notes, missing),
        staves=music.staves.moved(missing),
        metres=(replace(main, onset=0), *_later(later, missing)),
        tempi=(music.tempi[0], *_later(music.tempi[1:], missing)),
    )


def _is_upbeat(first: Metre, main: Metre, later: Metre | None = None) -> bool:
    """Whether the first metre holds for one short bar, and the next for several; much music changes its metre at every bar."""
    short = first.bar_ticks < min(main.bar_ticks, 4 * TICKS_PER_QUARTER)
    in_its_units = first.denominator >= main.denominator or 2 * first.bar_ticks <= main.bar_ticks
    stays = later is None or later.onset >= main.onset + _BARS_AFTER_UPBEAT * main.bar_ticks
    return main.onset == first.bar_ticks and short and in_its_units and stays


def _is_completed(first: Metre, main: Metre, *later: Metre) -> bool:
    """Whether the first metre is that of an upbeat, and the last one that of a closing bar that lacks just as much."""
    return len(later) == 1 and first.bar_ticks + later[0].bar_ticks == main.bar_ticks and _is_upbeat(first, main)


def midi_text(data: bytes) -> str:
    """The text that ``midi_bytes`` wrote into a MIDI file, or "" if there is none; accepts any bytes."""
    try:
        first = parse_midi(data, "").tracks[:1]
    except MusicFileError:
        return ""
    return next((meta.body.decode("utf-8", "replace") for track in first for meta in track.metas if meta.kind == TEXT), "")


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
    body = b"".join(_with_deltas(sorted(events))) + b"\x00" + _meta(END_OF_TRACK, b"")
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def _with_deltas(events: list[_Event]) -> Iterator[bytes]:
    now = 0
    for onset, _rank, message in events:
        yield _variable_length((onset - now) * _STRETCH)
        yield message
        now = onset
