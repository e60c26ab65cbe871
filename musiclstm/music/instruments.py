"""Instruments and ensembles as voices, each with a General MIDI sound and a register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musiclstm.errors import OptionError

MOST_VOICES = 15  # MIDI has 16 channels, and the tenth is for drums


@dataclass(frozen=True)
class Voice:
    """One player: it plays the notes from MIDI pitch ``lowest`` up to the lowest of the next voice.

    ``name`` is its track name in a MIDI file, ``program`` its General MIDI sound, 0 (grand piano) to 127.
    Raises OptionError for a program or a pitch outside 0..127.
    """

    name: str
    program: int
    lowest: int = 0

    def __post_init__(self) -> None:
        for what, value in (("program", self.program), ("pitch", self.lowest)):
            if not 0 <= value <= 127:
                raise OptionError(f"A MIDI {what} must lie between 0 and 127, not {value}.")


def _alone(program: int) -> tuple[Voice, ...]:
    # Always named "Piano": it is piano music whatever plays it, and a repeated request must give the same bytes.
    return (Voice("Piano", program),)


PIANO = _alone(0)

#: Instruments and ensembles by their usual names, with their voices from the lowest up.
#:
#: A voice is a register, not a part in counterpoint: pitch alone decides who plays a note. So a seed and its continuation
#: can be divided independently, and both together sound like the sum of the two.
INSTRUMENTS: Mapping[str, tuple[Voice, ...]] = MappingProxyType(
    {
        "piano": PIANO,
        "harpsichord": _alone(6),
        "organ": _alone(19),
        "harp": _alone(46),
        "strings": _alone(48),
        "guitar": _alone(24),
        "music box": _alone(10),
        # A sound font may lack notes that violins rarely play: FluidR3 has no A sharp 6 (94) and nothing above F7 (101).
        "string quartet": (
            Voice("Cello", 42),
            Voice("Viola", 41, 55),
            Voice("Second violin", 40, 64),
            Voice("First violin", 40, 72),
        ),
        # Each in the register where it speaks well and carries: an oboe below F4 honks, a flute below C5 is faint.
        "wind quartet": (
            Voice("Bassoon", 70),
            Voice("Clarinet", 71, 55),
            Voice("Oboe", 68, 65),
            Voice("Flute", 73, 72),
        ),
    }
)


def voices_of(name: str) -> tuple[Voice, ...]:
    """The voices of an instrument or ensemble; case, ``_`` and ``-`` do not matter. Raises OptionError for an unknown name."""
    words = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    if words not in INSTRUMENTS:
        raise OptionError(f"The instrument must be one of {', '.join(INSTRUMENTS)}, not {name!r}.")
    return INSTRUMENTS[words]


def share_out(pitches: ArrayLike, voices: Sequence[Voice]) -> NDArray[np.int64]:
    """The index [N] of the voice that plays each of ``pitches`` [N] (MIDI, 0..127).

    Raises OptionError unless there are 1 to 15 voices, the first from pitch 0 and each from a higher pitch than the last.
    """
    lowest = np.array([voice.lowest for voice in voices], dtype=np.int64)
    if not 1 <= len(lowest) <= MOST_VOICES or lowest[0] != 0 or (np.diff(lowest) < 1).any():
        raise OptionError(f"1 to {MOST_VOICES} voices must begin at rising pitches, the first at 0, not at {lowest.tolist()}.")
    return np.searchsorted(lowest, np.asarray(pitches, dtype=np.int64), side="right").astype(np.int64) - 1
