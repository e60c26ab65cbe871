from __future__ import annotations

import pytest
from small_midi import melody, meta, midi_file, track_name

from musiclstm.formats.midi import read_midi
from musiclstm.formats.midi_title import decoded


def title(body: bytes, *others: bytes) -> str:
    return read_midi(midi_file(track_name(body) + melody(60), *others), name="file.mid").title


READABLE = [
    ("Für Elise", "utf-8"),
    ("Für Elise", "utf-8-sig"),
    ("Für Elise", "utf-16"),
    ("Für Elise", "utf-16-le"),
    ("Für Elise", "utf-16-be"),
    ("夜の歌", "utf-16"),
    ("夜の歌", "utf-8"),
    ("Für Elise", "cp1252"),
    ("Prélude à l’après-midi – nº 2", "cp1252"),
    ("Étude", "cp1252"),
    ("Été", "cp1252"),
    ("L’œuvre “complète” © 1998", "cp1252"),
    ("Größe", "cp1252"),
    ("Åses død", "cp1252"),
    ("Canção do mar", "cp1252"),
    ("Antonín Dvořák", "cp1250"),
    ("Pieśń łabędzia", "cp1250"),
    ("Gece şarkısı", "cp1254"),
    ("Märchen", "cp850"),
    ("Ночная песня", "cp1251"),
    ("Ночная песня", "koi8_r"),
    ("Ночная песня", "cp866"),
    ("Вальс № 2", "cp1251"),
    ("夜の歌", "shift_jis"),
    ("月光ソナタ op.27-2", "shift_jis"),
    ("別れの曲", "shift_jis"),
]


@pytest.mark.parametrize(("words", "encoding"), READABLE)
def test_a_title_is_read_in_the_encoding_it_was_written_in(words: str, encoding: str) -> None:
    assert title(words.encode(encoding)) == words


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Νυχτερινό τραγούδι", "cp1253"),
        ("שיר לילה", "cp1255"),
        ("月亮代表我的心", "gb2312"),
        ("월광", "euc_kr"),
        ("夜の歌", "euc_jp"),
        ("夜の歌", "utf-16-le"),
        ("Świt", "cp1250"),
    ],
)
def test_the_file_name_serves_where_the_encoding_is_in_doubt(words: str, encoding: str) -> None:
    assert title(words.encode(encoding)) == "file"


def test_any_bytes_are_decoded_or_given_up() -> None:
    for first in range(256):
        for rest in (b"", b"a", b"\x00", b"\x80\xff", b"Fr\x81\x9d"):
            assert "\ufffd" not in decoded(bytes([first]) + rest)
    assert title(b"\xff\xfe") == title(b"\xff\xfeA") == title(b"\x00\x07") == title(b"") == "file"


NO_TITLES = [
    "Piano",
    "Piano right",
    "Tempo Track",
    "Conductor",
    "Conductor Track",
    "Steinway Grand Piano",
    "Concert Grand Piano",
    "Bösendorfer",
    "Untitled",
    "untitled-1",
    "Track 1",
    "MIDI out #2",
    "Staff-1",
    "R.H.",
    "Klavier rechts",
    "main gauche",
    "Acoustic Grand Piano",
    "control track",
    "New Song",
    "elise.mid",
    "C:\\MUSIC\\ELISE.MID",
    " \t ",
    "- 2 -",
]
TITLES = [
    "The Conductor's Waltz",
    "Piano Sonata No. 14",
    "Song without words",
    "Tempo di valse",
    "Left alone",
    "Gigue",
    "Prelude in C",
]


@pytest.mark.parametrize("name", NO_TITLES)
def test_what_programs_call_a_track_is_no_title(name: str) -> None:
    assert title(name.encode()) == "file"


@pytest.mark.parametrize("name", TITLES)
def test_a_title_may_share_words_with_names_of_tracks(name: str) -> None:
    assert title(name.encode()) == name


def test_a_title_is_one_line_of_at_most_200_letters() -> None:
    assert title(b"A\tvery\r\nodd\x00 title\x00") == "A very odd title"
    assert title(b"la " * 42) == "la " * 41 + "la"
    long = b"\x00\xff\x03\x86\x48" + b"tra la " * 120
    assert read_midi(midi_file(long + melody(60))).title == ("tra la " * 29)[:200]


def test_only_the_first_track_names_the_music() -> None:
    assert title(b"Piano", track_name(b"Fugue") + melody(64)) == "file"


def test_the_words_for_singing_may_hold_the_title() -> None:
    words = meta(0, 0x01, b"@KMIDI KARAOKE FILE") + meta(0, 0x01, b"@TThe Willow Song") + meta(0, 0x01, b"@TA composer")
    assert title(b"Soft Karaoke", track_name(b"Words") + words) == "The Willow Song"
    assert title(b"A Real Title", track_name(b"Words") + words) == "A Real Title"
