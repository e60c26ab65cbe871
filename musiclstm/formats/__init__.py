from musiclstm.formats.file_bytes import UNPACKING_ERRORS
from musiclstm.formats.midi import midi_bytes, midi_text, read_midi, write_midi
from musiclstm.formats.midi_parts import Part, midi_parts
from musiclstm.formats.musicxml import HAND_OVER, musicxml_text, write_musicxml
from musiclstm.formats.processes import answers
from musiclstm.formats.read import ARCHIVE_ENDINGS, MUSIC_ENDINGS, read_music, read_visitor
from musiclstm.formats.read_abc import can_read_abc
from musiclstm.formats.reader import MusicReader
from musiclstm.formats.score import corpus_names, parse_abc, read_corpus
from musiclstm.formats.written import WRITTEN_VELOCITY

__all__ = [
    "ARCHIVE_ENDINGS",
    "HAND_OVER",
    "MUSIC_ENDINGS",
    "UNPACKING_ERRORS",
    "WRITTEN_VELOCITY",
    "MusicReader",
    "Part",
    "answers",
    "can_read_abc",
    "corpus_names",
    "midi_bytes",
    "midi_parts",
    "midi_text",
    "musicxml_text",
    "parse_abc",
    "read_corpus",
    "read_midi",
    "read_music",
    "read_visitor",
    "write_midi",
    "write_musicxml",
]
