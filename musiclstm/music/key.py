"""Keys: estimating one from notes, and naming it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.music.notes import MODES, Key, Notes, Piece

#: How strongly each pitch class belongs to C major and to C minor: mean ratings of Krumhansl & Kessler (1982), "Tracing the
#: dynamic changes in perceived tonal organization", Psychological Review 89, table 2; used as in the Krumhansl-Schmuckler
#: algorithm: Krumhansl (1990), "Cognitive Foundations of Musical Pitch", chapter 4.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
CLEARLY = 0.15  # by how much better another key must correlate than the written one
FEWEST_TO_HEAR = 8  # notes, in which another key can be heard


def estimate_key(piece: Piece) -> tuple[Key, float]:
    """The likeliest of 24 keys, and the correlation, -1..1, of its profile with the pitch classes weighted by duration.

    This is the Krumhansl-Schmuckler algorithm. A passage without notes, or with all twelve classes equally long, gives C major
    with 0.
    """
    return likeliest_key(np.bincount(piece.notes["pitch"] % 12, weights=piece.notes["duration"], minlength=12))


def likeliest_key(weights: NDArray[Any]) -> tuple[Key, float]:
    """The likeliest key for the ``weights`` [12] of the pitch classes from C on, and its correlation."""
    if not weights.std():
        return Key(0), 0.0
    keys = [Key(fifths, mode) for mode in ("major", "minor") for fifths in range(-5, 7)]
    correlation, _, _, best = max((_correlation(weights, key), key.tonic, key.mode, key) for key in keys)
    return best, correlation


def fitting_key(fifths: int, notes: Notes) -> Key:
    """The major or minor key with this signature, whichever fits the notes better; major without notes."""
    weights = np.bincount(notes["pitch"] % 12, weights=notes["duration"], minlength=12)
    major, minor = Key(fifths), Key(fifths, "minor")
    return minor if weights.std() and _correlation(weights, minor) > _correlation(weights, major) else major


def named_like(key: Key, home: Key | None) -> Key:
    """``home`` if it has the tonic and third of ``key``, which may be spelled otherwise, else ``key``."""
    same = home is not None and (home.tonic, home.has_minor_third) == (key.tonic, key.has_minor_third)
    return home if same and home is not None else key


def heard_key(piece: Piece, written: Key) -> Key:
    """The key of a piece with the signature ``written``: another one if that fits the notes clearly better.

    Programs write C major where nobody chose a key, and major where nobody chose the mode. So C major may stand for any key whose
    scale has more of the notes, and every major key for its relative minor. A minor key was chosen.
    """
    weights = np.bincount(piece.notes["pitch"] % 12, weights=piece.notes["duration"], minlength=12)
    if written.mode == "minor" or len(piece) < FEWEST_TO_HEAR or not weights.std():
        return written
    other = Key(written.fifths, "minor")
    if written.fifths == 0 and _in_scale(likeliest_key(weights)[0], weights) > _in_scale(written, weights):
        other = likeliest_key(weights)[0]
    return other if _correlation(weights, other) > _correlation(weights, written) + CLEARLY else written


def _in_scale(key: Key, weights: NDArray[Any]) -> float:
    """The weight of the seven pitch classes that need no accidental."""
    return float(sum(weights[7 * fifths % 12] for fifths in range(key.fifths - 1, key.fifths + 6)))


def key_name(key: Key) -> str:
    """A key in words, like "E-flat major"."""
    place = key.fifths + MODES[key.mode] + 1  # of the tonic on the line of fifths, from F on
    accidental = {-1: "-flat", 0: "", 1: "-sharp"}[place // 7]
    return f"{'FCGDAEB'[place % 7]}{accidental} {key.mode}"


def _correlation(weights: NDArray[Any], key: Key) -> float:
    """How well the ``weights`` [12] of the pitch classes, not all equal, fit a major or minor key, -1..1."""
    profile = MINOR_PROFILE if key.mode == "minor" else MAJOR_PROFILE
    return float(np.corrcoef(np.roll(profile, key.tonic), weights)[0, 1])
