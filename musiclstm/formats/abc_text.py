"""The text of an ABC file: its first tune, reduced to what decides which notes sound.

Everything that decorates, comments or repeats is left out, and every directive: the program that reads the rest has nothing to
embellish and no other file to open. The notation is described at https://abcnotation.com/wiki/abc:standard:v2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from musiclstm.errors import MusicFileError
from musiclstm.formats.written import middle

_LONGEST_FIELD = 200  # characters
_SOUNDING = "KLMQV"  # fields that decide what sounds: key, unit length, metre, tempo, voice
_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.*)")  # A: begins a field; A:| and A:: are a note before a repeat sign
#: What a line of music consists of; whatever else stands there makes no sound. Bar lines and endings of all kinds are alike.
_TOKENS = re.compile(
    r"(?P<field>\[[A-Za-z]:[^\[\]]*\])"
    r'|(?P<silent>"[^"]*"|%.*|![^!|\s]*!|\+[^+|\s]*\+|\{[^{}]*\}|y\d*)'
    r'|(?P<bar>\[?(?:\|[|:]*|:+\|[|:]*|::+)\]?(?:\s?\[?\d[\d,.\-]*|\s?\[(?="))?|\[\d[\d,.\-]*)'
    r"|(?P<sound>\(\d(?::\d*){0,2}|\d+|[A-Ga-gxzXZ,'/^_=\[\]&<>\- ])"
)


@dataclass(frozen=True)
class Tune:
    """``header``: its fields as (letter, text), K: last. ``body``: music, and the fields within it that decide how it sounds."""

    header: tuple[tuple[str, str], ...]
    body: str

    def field(self, letter: str) -> str:
        """The text of the first field of this kind in the header, "" if there is none."""
        return next((text for kind, text in self.header if kind == letter), "")


def first_tune(text: str, name: str) -> Tune:
    """The first tune with notes in an ABC file; a tune ends at an empty line. ``name`` is that of the file.

    Raises MusicFileError if there are no notes, or for note values and metres that can only be a mistake.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [number for number, line in enumerate(lines) if line.startswith("X:")] or [0]
    shared = _fields(_paragraph(lines, 0), name) if starts[0] else []  # by all tunes of the file
    for start in starts:
        tune = _tune(shared, _paragraph(lines, start), name)
        if re.search("[A-Ga-g]", re.sub(r"(?m)\[[A-Z]:[^\]\n]*\]|^[A-Z]:.*", "", tune.body)):
            return tune
    raise MusicFileError(f"{name} has no notes; at least one pitched note is needed.")


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
            found.append((field[1], _sounding(field[1], field[2], name) if field[1] in _SOUNDING else field[2].strip()))
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
        yield f"{field[1]}:{_sounding(field[1], field[2], name)}" if field else _music(line, name)


def _music(line: str, name: str) -> str:
    kept = []
    for token in _TOKENS.finditer(line):
        found = token[0]
        if token.lastgroup == "bar":
            kept.append("|")
        elif token.lastgroup == "field" and found[1] in _SOUNDING:
            kept.append(f"[{found[1]}:{_sounding(found[1], found[3:-1], name)}]")
        elif token.lastgroup == "sound":
            _require_value(found, name)
            kept.append(found)
    return "".join(kept)


def _sounding(letter: str, text: str, name: str) -> str:
    """The text of a field without comments and names of voices. Raises MusicFileError for an impossible metre or unit length."""
    text = re.sub(r'\w*=?"[^"]*"|%.*|\\', "", text[:_LONGEST_FIELD]).encode("ascii", "ignore").decode().strip()
    beats = re.search(r"\d{3,}", text) if letter == "M" else None
    if beats:
        raise MusicFileError(f"{name} has a metre of {beats[0][:12]} beats; this must be a mistake in the file.")
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
        raise MusicFileError(f"{name} has a note value of {number[:12]} units; this must be a mistake in the file.")
