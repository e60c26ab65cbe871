"""Note names: C sharp or D flat, and where an accidental must be printed.

Names are places on the line of fifths (… B♭ F C G D A E B F♯ …), counted from C = 0, as in Temperley (2001), "The Cognition of
Basic Musical Structures", chapter 5: a key uses twelve adjacent places on that line. The notes around it vote on the name of a
note, as in Meredith (2006), "The ps13 pitch spelling algorithm", Journal of New Music Research 35.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from musiclstm.music import Key, Notes

#: A written pitch: letter, alteration in semitones (-2..2), octave (middle C is in octave 4).
Spelled = tuple[str, int, int]
_LETTERS = "FCGDAEB"
# Tuned on works from Bach to Schumann, whose scores name every note.
_BEFORE, _AFTER = 12, 36  # notes whose pitch classes say in which keys a note may be heard
#: Places from a tonic to the note 0..11 semitones above it, as in major and minor together, with the Neapolitan second.
_INTERVALS = np.array([0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5])


def reading_key(notes: Notes, given: Key | None) -> Key:
    """The key to write music in: the ``given`` signature, or the one that needs the fewest accidentals, with the mode that fits.

    A minor key was chosen and stays; other modes are estimated, since many files say "major" whatever the music is.
    """
    if given is not None and given.mode == "minor":
        return given
    weights = np.bincount(notes["pitch"] % 12, weights=notes["duration"], minlength=12)
    places = np.arange(-7, 19)
    on_line = weights[places * 7 % 12]  # total duration of each place on the line of fifths
    if given is None:
        scales = [on_line[fifths - 1 + 7 : fifths + 6 + 7].sum() for fifths in range(-5, 7)]
        fifths = int(np.argmax(scales)) - 5 if len(notes) else 0
    else:
        fifths = given.fifths
    tonic = fifths + 7
    major, minor = on_line[[tonic, tonic + 1]].sum(), on_line[[tonic + 3, tonic + 4]].sum()  # tonic and dominant of either
    return Key(fifths, "minor" if minor > major else "major")


def spell_all(notes: Notes, key: Key) -> list[Spelled]:
    """The names of ``notes``, which are sorted by onset, in a piece in ``key``.

    Every pitch class near a note is taken for the tonic in turn, gives the note the name that it has in that key, and counts as
    often as it is heard. So a passage in another key is spelled in that key.
    """
    classes = notes["pitch"].astype(np.int64) % 12
    tonics = _places(np.arange(12), key)
    heard = np.concatenate([np.zeros((1, 12)), np.cumsum(np.eye(12)[classes], axis=0)])
    at = np.arange(len(classes))
    votes = heard[np.minimum(at + _AFTER, len(at))] - heard[np.maximum(at - _BEFORE, 0)]
    votes[:, [7 * fifths % 12 for fifths in range(key.fifths - 1, key.fifths + 6)]] += 1
    proposed = tonics + _INTERVALS[(classes[:, None] - np.arange(12)) % 12]  # (notes, tonics)
    choices = np.arange(key.fifths - 12, key.fifths + 16)
    weights = (votes[:, None, :] * (proposed[:, None, :] == choices[:, None])).sum(axis=2)
    weights[:, (choices < -15) | (choices > 19)] = -1  # beyond double accidentals
    best = choices[(weights - 1e-3 * np.abs(choices - key.fifths - 2)).argmax(axis=1)]
    return [_named(pitch, place) for pitch, place in zip(notes["pitch"].tolist(), best.tolist(), strict=True)]


def spell(pitch: int, key: Key) -> Spelled:
    """The name of a MIDI pitch in ``key``: C major reaches from A flat to C sharp, A minor from B flat to D sharp."""
    return _named(pitch, int(_places(np.array([pitch]), key)[0]))


def _places(pitches: NDArray[np.int64], key: Key) -> NDArray[np.int64]:
    lowest = key.fifths - (2 if key.mode == "minor" else 4)
    return np.asarray(lowest + (pitches * 7 - lowest) % 12)


def _named(pitch: int, place: int) -> Spelled:
    letter, alter = _LETTERS[(place + 1) % 7], (place + 1) // 7
    return letter, alter, (pitch - alter) // 12 - 1


def accidentals(bar: Iterable[tuple[Spelled, bool]], key: Key) -> list[bool]:
    """Whether the accidental (or natural) is printed for each note of one bar and staff, in order.

    Each note comes with whether it is tied to the note before; tied notes need none. An accidental holds to the end of the bar.
    """
    signature = {letter: (key.fifths + 6 - index) // 7 for index, letter in enumerate(_LETTERS)}
    holding: dict[tuple[str, int], int] = {}
    printed = []
    for (letter, alter, octave), tied in bar:
        shown = not tied and alter != holding.get((letter, octave), signature[letter])
        printed.append(shown)
        if shown:
            holding[letter, octave] = alter
    return printed
