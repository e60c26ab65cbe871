"""Reading music files of any supported kind, MIDI or score, through one function."""

from __future__ import annotations

from pathlib import Path

from musiclstm.errors import MusicFileError
from musiclstm.formats.midi import read_midi
from musiclstm.formats.score import read_score
from musiclstm.formats.score_text import SCORE_ENDINGS
from musiclstm.music import Piece

MIDI_ENDINGS = (".mid", ".midi", ".kar", ".rmi")
MUSIC_ENDINGS = MIDI_ENDINGS + SCORE_ENDINGS


def read_music(path: Path) -> Piece:
    """Read a MIDI, MusicXML, kern or ABC file. Raises MusicFileError for any other kind, or if it can't be read."""
    ending = path.suffix.lower()
    if ending not in MUSIC_ENDINGS:
        raise MusicFileError(f"{path.name} is not a music file this program can read ({', '.join(MUSIC_ENDINGS)}).")
    return read_midi(path) if ending in MIDI_ENDINGS else read_score(path)
