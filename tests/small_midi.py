"""Small MIDI files, written byte by byte."""

from __future__ import annotations

from musiclstm.music.notes import Piece


def midi_file(*tracks: bytes, division: int = 24, kind: int = 1) -> bytes:
    """A file of format ``kind`` with the given track bodies, each event with its delta time; the end of the track is added."""
    numbers = b"".join(number.to_bytes(2, "big") for number in (kind, len(tracks), division))
    return chunk(b"MThd", numbers) + b"".join(chunk(b"MTrk", body + b"\x00\xff\x2f\x00") for body in tracks)


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "big") + body


def strike(delta: int, pitch: int, channel: int = 0, velocity: int = 64) -> bytes:
    return bytes([delta, 0x90 | channel, pitch, velocity])


def release(delta: int, pitch: int, channel: int = 0) -> bytes:
    return bytes([delta, 0x80 | channel, pitch, 0])


def melody(*pitches: int, ticks: int = 24) -> bytes:
    """Notes one after another, of ``ticks`` each."""
    return b"".join(strike(0, pitch) + release(ticks, pitch) for pitch in pitches)


def meta(delta: int, kind: int, body: bytes) -> bytes:
    return bytes([delta, 0xFF, kind, len(body)]) + body


def metre(delta: int, numerator: int, power: int) -> bytes:
    return meta(delta, 0x58, bytes([numerator, power, 24, 8]))


def tempo(delta: int, qpm: int) -> bytes:
    return meta(delta, 0x51, (60_000_000 // qpm).to_bytes(3, "big"))


def track_name(body: bytes) -> bytes:
    return meta(0, 0x03, body)


def rows(piece: Piece) -> list[tuple[int, int, int]]:
    return [(onset, pitch, duration) for onset, pitch, duration, _ in piece.notes.tolist()]
