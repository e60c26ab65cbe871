"""The title of a MIDI file, whose texts are bytes in an encoding that the file doesn't name.

Detectors of encodings need more text than a title has: chardet takes "Prélude à l'après-midi" for Russian, charset-normalizer
"Étude" for Arabic. Here a reading of the bytes is believed if its letters are those of one language, and no other is as good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_lowercase

from musiclstm.formats.midi_events import TEXT, TRACK_NAME, Track

_LONGEST = 200  # letters of a title
_MOST_BYTES = 2_000  # of a name that can be one
_FILE_NAME = re.compile(r".*\.(midi?|kar|rmi|smf)", re.IGNORECASE)
# What programs call a track in place of a title: "Tempo Track", "Steinway Grand Piano", "Piano right", "Untitled".
_NO_TITLE = frozenset(
    """track staff part voice system channel ch midi gm general out output in port instrument inst patch seq sequence song new
    score project file untitled unnamed noname no name title unknown default empty none sans titre unbenannt ohne titel
    tempo conductor master meta control controller controls header global time signature key marker markers map info setup init
    initial click metronome copyright text soft karaoke words lyrics vocal vocals choir
    right left hand hands upper lower up down top bottom rh lh solo treble bass clef both main droite gauche mano destra sinistra
    derecha izquierda rechte linke rechts links hände oben unten
    acoustic grand piano pianoforte fortepiano forte klavier flügel clavier keyboard bright concert stereo electric upright honky
    tonk steinway yamaha bösendorfer bosendorfer bechstein kawai roland korg casio fazioli
    harpsichord cembalo clavecin clavichord organ orgel orgue church pipe strings string ensemble orchestra synth pad lead
    violin violine viola cello violoncello contrabass flute oboe clarinet bassoon horn trumpet trombone tuba harp guitar
    violins violas cellos flutes oboes clarinets bassoons horns trumpets trombones sax saxophone harmonica accordion celesta
    pno pf kbd vln vla vlc fl ob cl bn tr trk accompaniment
    soprano alto tenor baritone basso drums drum percussion""".split()  # noqa: SIM905 - shorter than a list of strings
)
# The letters beyond a to z of each language, under the code pages in which its computers wrote them.
_FRENCH, _GERMAN, _SPANISH, _PORTUGUESE, _ITALIAN = "àâçèéêëîïôœùûü", "äöüßé", "áéíñóúü", "áàâãçéêíóôõúü", "àèéìíòóù"
_WESTERN = (_FRENCH, _GERMAN, _SPANISH, _PORTUGUESE, _ITALIAN, "æøåéó", "åäöé", "áéëïíóöüú", "àçèéíïòóúü")
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
_LATIN = {"cp1252": _WESTERN, "cp1250": _CENTRAL, "cp1254": ("âçğîıöşü",), "mac_roman": _WESTERN, "cp850": _WESTERN}
_RUSSIAN = ("cp1251", "koi8_r", "cp866")
_RUSSIAN_WORD = re.compile("[а-яёіїєґў]+")
_COMMON = frozenset("оеаинтсрвлкм")  # three of four letters in Russian
_JAPANESE = re.compile("[\u3001-\u3005「-』\u3040-\u30ff\u4e00-\u9fff\uff01-\uff5e♪☆★]")  # kana, kanji, wide letters, punctuation
_SECOND_KANJI = 0x98  # rarer kanji begin with this byte or a higher one
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")
_NO_FRENCH = re.compile(r"œ(?![cdilnstu])")
_LETTER = r"[^\W\d_]"
_SIGNS = re.compile(  # those that titles have beyond ASCII; most of them don't stand between two letters
    rf"[’‘´·–—\u00a0]|(?<=[\dnN.])[ºª]|(?<!{_LETTER})[“”„«»…°©®§¿¡№]|[“”„«»…°©®§¿¡№](?!{_LETTER})"
)


def midi_title(tracks: Sequence[Track]) -> str:
    """The name of the first track, unless it only says what a track is; else the title among the words for singing; else ""."""
    names = [meta.body for track in tracks[:1] for meta in track.metas if meta.kind == TRACK_NAME]
    sung = [meta.body[2:] for track in tracks for meta in track.metas if meta.kind == TEXT and meta.body[:2] == b"@T"]
    return next(filter(None, (_title(body) for body in names[:1] + sung[:1])), "")


def decoded(body: bytes) -> str:
    """A short text in whatever encoding, or "" if it can't be read with confidence."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _strictly(body, "utf-16")
    for encoding, high_bytes in (("utf-16-le", body[1::2]), ("utf-16-be", body[::2])):
        if len(body) % 2 == 0 and set(high_bytes) == {0}:
            return _strictly(body, encoding)
    if text := _strictly(body, "utf-8-sig"):
        return "" if _CONTROL.search(text) else text  # UTF-16 without its mark
    latin = {page: text for page, alphabets in _LATIN.items() if _is_latin(text := _strictly(body, page), alphabets)}
    if "cp1252" in latin:  # by far the commonest
        return latin["cp1252"]
    russian = [text for page in _RUSSIAN if _is_russian(text := _strictly(body, page))]
    japanese = [text for page in ("cp932",) if _is_japanese(text := _strictly(body, page))]
    readings = {*latin.values(), *russian, *japanese}
    return readings.pop() if len(readings) == 1 else ""


def _title(body: bytes) -> str:
    """A name on one line, or "" if it is no title."""
    read = decoded(body) if len(body) <= _MOST_BYTES else ""
    text = " ".join("".join(c if c.isprintable() else " " for c in read).split())[:_LONGEST]
    words = re.findall(rf"{_LETTER}+", text.lower())
    generic = all(word in _NO_TITLE or word in ascii_lowercase for word in words)
    return "" if generic or _FILE_NAME.fullmatch(text) else text


def _strictly(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _special_words(text: str) -> list[str] | None:
    """The words that go beyond ASCII; None if one has a capital inside, or if there are signs that titles don't have."""
    words = [word for word in re.findall(rf"{_LETTER}+", _SIGNS.sub(" ", text)) if not word.isascii()]
    plain = all(sign.isascii() or sign.isalpha() for sign in _SIGNS.sub("", text))
    return words if plain and all(word.isupper() or word[1:].lower() == word[1:] for word in words) else None


def _is_latin(text: str, alphabets: Sequence[str]) -> bool:
    """Whether the letters beyond a to z are of one of ``alphabets``, and no word of more than one letter consists of them."""
    words = _special_words(text)
    if words is None or not text or _NO_FRENCH.search(text.lower()):
        return False
    special = {small for word in words for letter in word if not (small := letter.lower()[0]).isascii()}
    few = all(len(word) == 1 or any(letter.isascii() for letter in word) for word in words)
    return few and any(special <= set(alphabet) for alphabet in alphabets)


def _is_russian(text: str) -> bool:
    words = _special_words(text)
    letters = "".join(words or ()).lower()
    usual = sum(letter in _COMMON for letter in letters) >= 0.6 * len(letters)
    return bool(words) and usual and all(_RUSSIAN_WORD.fullmatch(word.lower()) for word in words or ())


def _is_japanese(text: str) -> bool:
    wide = [letter for letter in text if not letter.isascii()]
    usual = [letter for letter in wide if letter.encode("cp932")[0] < _SECOND_KANJI]
    apart = not re.search("[A-Za-z][^\x00-\x7f]", text)  # from Latin words
    return bool(wide) and apart and all(map(_JAPANESE.fullmatch, wide)) and 2 * len(usual) >= len(wide)
