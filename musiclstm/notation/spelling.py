"""Note names: C sharp or D flat, and where an accidental must be printed.

Names are places on the line of fifths (… B♭ F C G D A E B F♯ …), counted from C = 0, as in Temperley (2001), "The Cognition of
Basic Musical Structures", chapter 5: a key uses twelve adjacent places on that line.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from musiclstm.music import Key, Notes

#: A written pitch: letter, alteration in semitones (-2..2), octave (middle C is in octave 4).
Spelled = tuple[str, int, int]
_LETTERS = "FCGDAEB"


def reading_key(notes: Notes, given: Key | None) -> Key:
    """The key to write music in: the ``given`` signature, or the one that needs the fewest accidentals, with the mode that fits.

    The mode is always estimated, since many files say "major" whatever the music is.
    """
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


def spell(pitch: int, key: Key) -> Spelled:
    """The name of a MIDI pitch in ``key``: C major reaches from A flat to C sharp, A minor from B flat to D sharp."""
    lowest = key.fifths - (2 if key.mode == "minor" else 4)
    place = lowest + (pitch * 7 - lowest) % 12
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
