"""Facts for choosing a seed, and the search: era, moods, how hard its texture is, and whether words describe it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np

from musiclstm.music import Notes, era_of, known_composer
from musiclstm.seeds.seed import Seed

#: All words that ``moods`` gives.
MOODS = ("calm", "flowing", "lively", "bright", "warm", "dark", "wistful", "gentle", "cheerful", "sad", "dramatic")
DIFFICULTIES = ("easy", "medium", "hard")

_CALM, _LIVELY = 2.2, 4.5  # onsets a second, weighted by tempo
_USUAL_TEMPO = 90.0  # quarters a minute
_BRIGHT, _DARK = 62, 60  # mean pitches: a little above, and at, middle C
#: Composers too little known for ``era_of``, which guesses at names of folders.
_ERAS = {"Tom Turpin": "modern", "J. Rosamond Johnson": "modern", "Liliʻuokalani": "romantic"}
_KEY = re.compile(r"\b([a-g])(?:[-\s]+(flat|sharp)|\s*([♭#♯]))?[-\s]+(major|minor)\b|\b([a-g])(?:[-\s]+(flat|sharp)|([♭#♯]))")
_NUMBERED = re.compile(r"\b(op|opus|no|nr|nos|k|kv|bwv|hwv|d|l|b|woo|sz|rv|s)\b[.\s]*(\d+)\b")
_ALIASES = {"opus": "op", "nr": "no", "kv": "k"}
_IGNORED = frozenset(("the", "a", "an", "of", "in", "by", "from", "for", "and", "with", "key"))


def era(seed: Seed) -> str:
    """When its composer lived: "renaissance", "baroque", "classical", "romantic" or "modern"; "" for a composer not known."""
    return _ERAS.get(seed.composer) or era_of(seed.composer)


def moods(seed: Seed) -> tuple[str, ...]:
    """One to three words of ``MOODS``, from the speed of the notes, the mode and the register.

    The pace is the number of onsets a second times the square root of the tempo over 90: the same notes feel calmer in a slow
    metre. Below 2.2 it is "calm", from 4.5 on "lively", else "flowing". Major is "bright" where the mean pitch, weighted by
    duration, is 62 (the D above middle C) or more, else "warm"; minor is "dark" below 60, else "wistful" unless it is lively.
    Calm major is also "gentle", lively major "cheerful", calm minor "sad", lively minor "dramatic".
    """
    notes, seconds = seed.piece.notes, seed.piece.seconds(seed.end)
    pace = len(np.unique(notes["onset"])) / seconds * (seed.tempo / _USUAL_TEMPO) ** 0.5
    speed = "calm" if pace < _CALM else "lively" if pace >= _LIVELY else "flowing"
    register = float(np.average(notes["pitch"], weights=notes["duration"]))
    if seed.key.endswith("minor"):
        colour = "dark" if register < _DARK else "" if speed == "lively" else "wistful"
        both = {"calm": "sad", "lively": "dramatic"}.get(speed, "")
    else:
        colour = "bright" if register >= _BRIGHT else "warm"
        both = {"calm": "gentle", "lively": "cheerful"}.get(speed, "")
    return tuple(word for word in (speed, colour, both) if word)


def difficulty(seed: Seed) -> str:
    """How hard the texture is to play: "easy", "medium" or "hard"; notes, not music: a slow hymn can be easy here.

    Points are added up: for notes a second (5 or more: 1, 9: 2, 12: 3), for keys held at once, on average (3: 1, 5: 2), and for
    a hand that must strike more than an octave at once (1), hands being parted at the widest gap of a chord. Up to 1 point is
    easy, up to 3 are medium.
    """
    notes = seed.piece.notes
    speed = len(notes) / seed.piece.seconds(seed.end)
    held = float(notes["duration"].sum()) / seed.end
    points = sum(speed >= least for least in (5, 9, 12)) + sum(held >= least for least in (3, 5)) + (_reach(notes) > 12)
    return DIFFICULTIES[0 if points <= 1 else 1 if points <= 3 else 2]


def found(seeds: Iterable[Seed], text: str) -> tuple[Seed, ...]:
    """The seeds that all words of ``text`` describe, in their order; all of them for an empty text.

    A word, or its beginning from two letters on, may stand in the id, title, composer, work, texture, era or moods; it may also
    be the metre ("3/4") or the difficulty. Case, accents and punctuation don't matter, "ue" is like "ü", and "tschaikowsky" like
    "Tchaikovsky". Numbers must be whole, and a number after "op", "no", "k", "bwv" and the like belongs to it: "op 28" is not
    "op 10 no 28". A key in words, such as "e minor", "c sharp" or "B♭ major", must be the key of the seed.
    """
    keys, words = _asked(text)
    return tuple(seed for seed in seeds if all(_in_key(seed, key) for key in keys) and _described(seed, words))


def _described(seed: Seed, words: list[str]) -> bool:
    """Whether every word is one of the seed's, or begins one."""
    if not words:
        return True
    known = _tokens(seed)
    hard = difficulty(seed) if set(words) & set(DIFFICULTIES) else ""
    return all(word == hard or _stands(word, known) or _stands(_plain(known_composer(word)), known) for word in words)


def _stands(word: str, known: frozenset[str]) -> bool:
    begins = len(word) > 1 and word.isalpha()
    return bool(word) and (word in known or (begins and any(token.startswith(word) for token in known)))


def _tokens(seed: Seed) -> frozenset[str]:
    """All words that describe a seed."""
    texts = [seed.id, seed.title, seed.composer, known_composer(seed.composer), seed.work, seed.texture, seed.key, era(seed)]
    return frozenset([*_words(" ; ".join([*texts, *moods(seed)])), seed.metre])


def _asked(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The keys that a text names, as tonic and mode, "" if it leaves the mode open; and its other words."""
    keys: list[tuple[str, str]] = []

    def keep(named: re.Match[str]) -> str:
        letter, word, sign = named[1] or named[5], named[2] or named[6], named[3] or named[7]
        accidental = word or {"♭": "flat", "#": "sharp", "♯": "sharp"}.get(sign or "", "")
        keys.append((f"{letter}-{accidental}" if accidental else letter, named[4] or ""))
        return " "

    rest = _KEY.sub(keep, _letters(text))
    return keys, [word for word in _words(rest, split=False) if word not in _IGNORED]


def _in_key(seed: Seed, key: tuple[str, str]) -> bool:
    tonic, _, mode = seed.key.lower().partition(" ")
    return tonic == key[0] and key[1] in ("", mode)


def _words(text: str, *, split: bool = True) -> list[str]:
    """The words of a text in plain small letters; a numbered one, such as "op28", once more as its number if ``split``."""
    plain = re.sub(r"(?<=[a-z])(?=\d)", " ", _letters(text))  # k545, op28
    glued = _NUMBERED.sub(lambda found: f"{_ALIASES.get(found[1], found[1])}{found[2]}", re.sub(r"[-_]", " ", plain))
    words = [_plain(word) for word in re.findall(r"\d+/\d+|[^\W_]+", glued.replace("'", "").replace("ʻ", "").replace("’", ""))]
    numbers = [digits for word in words if split and (digits := re.sub(r"^[a-z]+", "", word)) != word]
    return [word for word in [*words, *numbers] if word]


def _letters(text: str) -> str:
    """The text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _plain(word: str) -> str:
    """The word in small letters without accents, an umlaut like its vowel with or without an e."""
    return re.sub("([aou])e", r"\1", _letters(word))


def _reach(notes: Notes) -> int:
    """The widest interval, in semitones, that a hand strikes at once, if the widest gap in a chord parts the hands."""
    widest = 0
    for chord in np.split(notes["pitch"].astype(int), np.flatnonzero(np.diff(notes["onset"])) + 1):
        if len(chord) > 1:
            gap = int(np.diff(chord).argmax()) + 1
            widest = max(widest, chord[gap - 1] - chord[0], chord[-1] - chord[gap])
    return int(widest)
