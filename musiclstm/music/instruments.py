"""Who plays: instruments and ensembles as voices, each with a General MIDI sound and a register of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from musiclstm.errors import OptionError

MOST_VOICES = 15  # MIDI has 16 channels, and the tenth is the drums'


@dataclass(frozen=True)
class Voice:
    """One player: its notes are those from MIDI pitch ``lowest`` up to the lowest of the next voice.

    ``name`` is that of its track in a MIDI file, ``program`` its General MIDI sound, 0 (grand piano) to 127.
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
    # What is played is piano music, whatever plays it: so the track is called, and a request made again gives the same bytes.
    return (Voice("Piano", program),)


PIANO = _alone(0)

#: What people call an instrument or an ensemble, and its voices, the lowest first.
#:
#: Registers are given out, not voices in the sense of counterpoint: who plays a note depends on its pitch alone. So the seed and
#: its continuation are shared out alike and independently of each other, and both together sound like the sum of the two.
INSTRUMENTS: Mapping[str, tuple[Voice, ...]] = MappingProxyType(
    {
        "piano": PIANO,
        "harpsichord": _alone(6),
        "organ": _alone(19),
        "harp": _alone(46),
        "strings": _alone(48),
        "guitar": _alone(24),
        "music box": _alone(10),
        # A sound font may lack what no violin is asked for: FluidR3 has no A sharp 6 (94) and nothing above F7 (101).
        "string quartet": (
            Voice("Cello", 42),
            Voice("Viola", 41, 55),
            Voice("Second violin", 40, 64),
            Voice("First violin", 40, 72),
        ),
        # Each where it speaks well and can be heard: an oboe below F4 honks, a flute below C5 is faint.
        "wind quartet": (
            Voice("Bassoon", 70),
            Voice("Clarinet", 71, 55),
            Voice("Oboe", 68, 65),
            Voice("Flute", 73, 72),
        ),
    }
)


def voices_of(name: str) -> tuple[Voice, ...]:
    """The voices of an instrument or ensemble; upper case, ``_`` and ``-`` do not matter. Raises OptionError."""
    words = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    if words not in INSTRUMENTS:
        raise OptionError(f"The instrument must be one of {', '.join(INSTRUMENTS)}, not {name!r}.")
    return INSTRUMENTS[words]


def share_out(pitches: ArrayLike, voices: Sequence[Voice]) -> NDArray[np.int64]:
    """For each of ``pitches`` [N] (MIDI, 0..127) the index of the voice that plays it: [N].

    Raises OptionError unless there are 1 to 15 voices, the first from pitch 0 on and each from a higher pitch than the last.
    """
    lowest = np.array([voice.lowest for voice in voices], dtype=np.int64)
    if not 1 <= len(lowest) <= MOST_VOICES or lowest[0] != 0 or (np.diff(lowest) < 1).any():
        raise OptionError(f"1 to {MOST_VOICES} voices begin at rising pitches, the first at 0, not at {lowest.tolist()}.")
    return np.searchsorted(lowest, np.asarray(pitches, dtype=np.int64), side="right").astype(np.int64) - 1
