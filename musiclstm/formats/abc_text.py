"""The text of an ABC file: its first tune, reduced to what decides which notes sound.

Everything that decorates, comments or repeats is left out, and every directive: the program that reads the rest has nothing to
embellish and no other file to open. The notation is described at https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from musiclstm.errors import MusicFileError
from musiclstm.formats.written import middle

_LONGEST_FIELD, _LONGEST_TEXT = 200, 2_000  # characters
_LONGEST_TUNE = 1_000_000  # characters; a symphony has fewer
_MOST_TUNES = 100_000  # that may come before one with notes
_SOUNDING = "KLMQV"  # fields that decide what sounds: key, unit length, metre, tempo, voice
_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.*)")  # A: begins a field; A:| and A:: are a note before a repeat sign
#: What a line of music consists of; whatever else stands there makes no sound. Bar lines and endings of all kinds are alike.
_TOKENS = re.compile(
    r"(?P<field>\[[A-Za-z]:[^\[\]]*\])"
    r'|(?P<silent>"[^"]*"|%.*|![^!|\s]*!|\+[^+|\s]*\+|\{[^{}]*\}|y\d*)'
    r'|(?P<bar>\[?(?:\|[|:]*|:+\|[|:]*|::+)\]?(?:\s?\[?\d[\d,.\-]*|\s?\[(?="))?|\[\d[\d,.\-]*)'
    r"|(?P<sound>\(\d(?::\d*){0,2}|\d+|[A-Ga-gxzXZ,'/^_=\[\]&<>\- ])"
)
_CHORD = re.compile(r"\[([^\[\]:|]*)\]([\d/]{1,9})(?![\d/])")  # with a length after it
_NOTE = re.compile(r"([\^_=]*[A-Ga-gz][,']*)([\d/]{0,9})")
#: Letters that a title writes as a backslash and two signs: an accent before its letter, or a name of two letters.
_ACCENTS = dict(zip("`'^~\"cvur=.H", "\u0300\u0301\u0302\u0303\u0308\u0327\u030c\u0306\u030a\u0304\u0307\u030b", strict=True))
_LETTERS = {"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "/o": "ø", "/O": "Ø", "/l": "ł"}


@dataclass(frozen=True)
class Tune:
    """``header``: its fields as (letter, text), K: last. ``body``: music, and the fields within it that decide how it sounds."""

    header: tuple[tuple[str, str], ...]
    body: str

    def field(self, letter: str) -> str:
        """The text of the first field of this kind in the header that has one, "" if there is none."""
        return next((text for kind, text in self.header if kind == letter and text), "")

    def staves(self) -> list[int | None]:
        """The staff of each voice, counted from the top, voices in the order in which they come.

        Voices in round brackets of a directive %%score or %%staves share one, those that it leaves out have none; without a
        directive each has its own.
        """
        named = (text for letter, text in self.header if letter == "V")
        within = re.findall(r"(?m)^V:(.*)|\[V:([^\]]*)\]", self.body)
        texts = (*named, *(line or inline for line, inline in within))
        voices = [*dict.fromkeys(text.split()[0] for text in texts if text.strip())]
        layouts = (text for letter, text in self.header if letter == "I" and re.match(r"(?:score|staves)\b", text))
        groups = re.findall(r"\([^()]*\)|[^\s()]+", re.sub(r"^\w+|[{}\[\]|*]", " ", next(layouts, "")))
        places = {voice: number for number, group in enumerate(groups) for voice in group.strip("()").split()}
        return [places.get(voice) if groups else number for number, voice in enumerate(voices)]


def first_tune(text: str, name: str) -> Tune:
    """The first tune with notes in an ABC file; a tune ends at an empty line. ``name`` is that of the file.

    Raises MusicFileError if there are no notes, or for note values, metres and lengths that can only be a mistake.
    """
    text = text[: 2 * _LONGEST_TUNE]  # the first tunes of a large collection are enough
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("X:")] or _unnumbered(lines)
    shared = _fields(_paragraph(lines, 0), name) if starts[0] else []  # by all tunes of the file
    for start in starts[:_MOST_TUNES]:
        own = [*_paragraph(lines, start)]
        if sum(map(len, own)) > _LONGEST_TUNE:
            raise MusicFileError(
                "{name} has a tune of more than {letters:,} letters; it is damaged or far too long.",
                name=name,
                letters=_LONGEST_TUNE,
            )
        tune = _tune(shared, iter(own), name)
        if re.search("[A-Ga-g]", re.sub(r"(?m)\[[A-Z]:[^\]\n]*\]|^[A-Z]:.*", "", tune.body)):
            return tune
    raise MusicFileError("{name} has no notes; at least one pitched note is needed.", name=name)


def _unnumbered(lines: list[str]) -> list[int]:
    """Where the paragraphs begin that have a key and so are tunes, in a file that doesn't number its tunes."""
    begins = [number for number, line in enumerate(lines) if line.strip() and not (number and lines[number - 1].strip())]
    return [number for number in begins if any(line.startswith("K:") for line in _paragraph(lines, number))] or [0]


def _paragraph(lines: list[str], start: int) -> Iterator[str]:
    """The lines from ``start`` to the next empty line or tune."""
    for number in range(start, len(lines)):
        if not lines[number].strip() or (lines[number].startswith("X:") and number > start):
            return
        yield lines[number]


def _tune(shared: list[tuple[str, str]], lines: Iterator[str], name: str) -> Tune:
    own = _fields(lines, name)
    letters = {"X", "K", *(letter for letter, _ in own)}
    header = *(field for field in shared if field[0] not in letters), *own
    percussion = {text.split()[0] for letter, text in header if letter == "V" and "perc" in text}
    return Tune(header, "\n".join(filter(str.strip, _body(lines, percussion, name))))


def _fields(lines: Iterator[str], name: str) -> list[tuple[str, str]]:
    """The fields up to the first K:, which ends a header; a directive such as %%landscape is I:landscape."""
    found = []
    for line in lines:
        field = _FIELD.match(f"I:{line[2:]}" if line.startswith("%%") else line)
        if field:
            found.append((field[1], _sounding(field[1], field[2], name) if field[1] in _SOUNDING else _words(field[2])))
            if field[1] == "K":
                break
    return found


def _body(lines: Iterable[str], percussion: set[str], name: str) -> Iterator[str]:
    """Lines of a tune after its header, without what has no pitch, such as the voices called ``percussion``."""
    typeset = silent = False  # within text to be printed, in a voice of percussion
    for line in lines:
        typeset = line.startswith("%%begin") or (typeset and not line.startswith("%%end"))
        field = _FIELD.match(line)
        voice = re.match(r"(?:V:|\[V:)\s*([^\s\]]+)", line)
        silent = voice[1] in percussion if voice else silent
        if typeset or silent or line.startswith(("%", "+:")) or (field and field[1] not in _SOUNDING):
            continue
        yield f"{field[1]}:{_changed(field[1], field[2], name)}" if field else _music(line, name)


def _music(line: str, name: str) -> str:
    kept = []
    for token in _TOKENS.finditer(line):
        found = token[0]
        if token.lastgroup == "bar":
            kept.append("|")
        elif token.lastgroup == "field" and found[1] in _SOUNDING:
            kept.append(f"[{found[1]}:{_changed(found[1], found[3:-1], name)}]")
        elif token.lastgroup == "sound":
            _require_value(found, name)
            kept.append(found)
    return _CHORD.sub(_with_inner_lengths, "".join(kept))


def _with_inner_lengths(chord: re.Match[str]) -> str:
    """A chord with the length after it multiplied into its notes; abc2midi would forget lengths inside it."""
    outer = _value(chord[2])
    return f"[{_NOTE.sub(lambda note: f'{note[1]}{outer * _value(note[2])}', chord[1])}]"


def _value(length: str) -> Fraction:
    """A length such as "3/2", "/" for a half, or "" for 1."""
    over, *under = length.split("/")
    below = int(under[0]) if under and under[0] else 2 ** min(len(under), 9)
    return Fraction(int(over or 1), below or 1)


def _words(text: str) -> str:
    r"""A text for people, without its comment, and with letters in place of their names, such as \'e for é."""
    text = re.sub(r"(?<!\\)%.*", "", text[:_LONGEST_TEXT]).replace("\\%", "%")
    text = re.sub(r"\\u(?![dD][89a-fA-F])([0-9A-Fa-f]{4})", lambda code: chr(int(code[1], 16)), text)
    text = re.sub(r"\\(ss|[aA][aeAE]|[oO][eE]|/[oOl])", lambda letter: _LETTERS.get(letter[1], letter[1]), text)
    text = re.sub(r"\\([`'^~\"cvur=.H])([A-Za-z])", lambda accented: accented[2] + _ACCENTS[accented[1]], text)
    return unicodedata.normalize("NFC", text).strip()


def _changed(letter: str, text: str, name: str) -> str:
    """The text of a field within the music. Accidentals without a key replace all before; for abc2midi C does that."""
    sounding = _sounding(letter, text, name)
    return re.sub(r"^[A-G][#b]? *exp *(?=[\^_=]|$)", "C ", sounding) if letter == "K" else sounding


def _sounding(letter: str, text: str, name: str) -> str:
    """The text of a field without comments and names of voices. Raises MusicFileError for an impossible metre or unit length."""
    text = re.sub(r'\w*=?"[^"]*"|%.*|\\', "", text[:_LONGEST_FIELD]).encode("ascii", "ignore").decode().strip()
    beats = re.search(r"\d{3,}", text) if letter == "M" else None
    if beats:
        raise MusicFileError(
            "{name} has a metre of {beats} beats; this must be a mistake in the file.", name=name, beats=beats[0][:12]
        )
    if letter == "K" and not re.match("[A-G]|HP|Hp", text):  # no key, though a clef or an octave may follow
        text = f"C exp {text.removeprefix('none')}"
    if letter == "Q":
        text = _tempo(text)
    if letter == "L":
        _require_value(text.partition("/")[0], name, 1)
    return text


def _tempo(text: str) -> str:
    """The text of a Q: field with one number, in 64ths to keep its fractions; the old ways count unit lengths."""
    beats, equals, rest = text.partition("=")
    number = middle(rest if equals else text)
    if number is None or not number < 1e6:
        return ""
    if equals and "/" in beats:
        lengths = [int(over) / int(under) for over, under in re.findall(r"(\d{1,3})/(\d{1,3})", beats) if int(under)]
        return f"1/64={round(64 * sum(lengths) * number)}"
    return f"{beats if beats.startswith('C') and equals else 'C'}={round(number)}"


def _require_value(number: str, name: str, digits: int = 3) -> None:
    """Raise MusicFileError for a note value of more than so many digits."""
    if number.isdecimal() and len(number) > digits:
        raise MusicFileError(
            "{name} has a note value of {number} units; this must be a mistake in the file.", name=name, number=number[:12]
        )
