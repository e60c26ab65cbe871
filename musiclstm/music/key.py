"""Keys: estimating one from notes, and naming it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.music.notes import Key, Piece

#: How strongly each pitch class belongs to C major and to C minor: mean ratings of Krumhansl & Kessler (1982), "Tracing the
#: dynamic changes in perceived tonal organization", Psychological Review 89, table 2; used as in the Krumhansl-Schmuckler
#: algorithm: Krumhansl (1990), "Cognitive Foundations of Musical Pitch", chapter 4.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
MAJOR_TONICS = ("C", "D-flat", "D", "E-flat", "E", "F", "F-sharp", "G", "A-flat", "A", "B-flat", "B")
MINOR_TONICS = ("C", "C-sharp", "D", "E-flat", "E", "F", "F-sharp", "G", "G-sharp", "A", "B-flat", "B")
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
    best = (-2.0, 0, "major")
    for mode, profile in (("major", MAJOR_PROFILE), ("minor", MINOR_PROFILE)):
        for tonic in range(12):
            correlation = float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1])
            best = max(best, (correlation, tonic, mode))
    correlation, tonic, mode = best
    major_tonic = tonic if mode == "major" else (tonic + 3) % 12
    return Key((7 * major_tonic + 5) % 12 - 5, mode), correlation


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
    return other if _correlation(other, weights) > _correlation(written, weights) + CLEARLY else written


def _correlation(key: Key, weights: NDArray[Any]) -> float:
    """How well the pitch classes fit a key, -1..1."""
    profile = MAJOR_PROFILE if key.mode == "major" else MINOR_PROFILE
    return float(np.corrcoef(np.roll(profile, key.tonic), weights)[0, 1])


def _in_scale(key: Key, weights: NDArray[Any]) -> float:
    """The weight of the seven pitch classes that need no accidental."""
    return float(sum(weights[7 * fifths % 12] for fifths in range(key.fifths - 1, key.fifths + 6)))


def key_name(key: Key) -> str:
    """A key signature in words, like "E-flat major"."""
    tonic = 7 * key.fifths % 12
    name = MAJOR_TONICS[tonic] if key.mode == "major" else MINOR_TONICS[(tonic - 3) % 12]
    if key.fifths in (-6, -7, 7) and key.mode == "major":
        name = {-6: "G-flat", -7: "C-flat", 7: "C-sharp"}[key.fifths]
    if key.fifths in (6, 7, -7) and key.mode == "minor":
        name = {6: "D-sharp", 7: "A-sharp", -7: "A-flat"}[key.fifths]
    return f"{name} {key.mode}"
