"""Reading music files of any supported kind, MIDI or score, through one function."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import read_midi
from musiclstm.formats.recording import read_played
from musiclstm.formats.score import read_score
from musiclstm.formats.score_text import SCORE_ENDINGS
from musiclstm.music import Piece

MIDI_ENDINGS = (".mid", ".midi", ".kar", ".rmi")
MUSIC_ENDINGS = MIDI_ENDINGS + SCORE_ENDINGS
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")  # in which datasets pack many of them


def read_music(path: Path) -> Piece:
    """Read a MIDI, MusicXML, kern or ABC file. Raises MusicFileError for any other kind, or if it can't be read."""
    ending = path.suffix.lower()
    if ending not in MUSIC_ENDINGS:
        raise MusicFileError(
            "{name} is not a music file this program can read ({endings}).",
            name=path.name,
            endings=", ".join(MUSIC_ENDINGS),
        )
    return read_midi(path) if ending in MIDI_ENDINGS else read_score(path)


def read_visitor(path: Path, parts: Collection[int] | None = None) -> Piece:
    """Read a file that someone wants to continue: as ``read_music``, but with free recordings set on their beats.

    ``parts``: numbers of ``midi_parts``, to read only these from a MIDI file; None for all. A free recording is MIDI played
    without a metronome; ``remark`` of the piece says what was made of it. Raises MusicFileError as ``read_music`` does, also for
    ``parts`` of another kind of file.
    """
    if path.suffix.lower() in MIDI_ENDINGS:
        return read_played(path, parts)
    if parts is not None:
        raise MusicFileError(
            "{name} is no MIDI file; parts can be chosen from {endings} only.",
            name=path.name,
            endings=", ".join(MIDI_ENDINGS),
        )
    return read_music(path)
