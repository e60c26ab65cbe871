"""What two of the judges look at: shares of rhythms, lengths, intervals, chords and pitch classes, and the scores of ``scoring``.

These are not the figures of the critic (``scoring.figures``), which chooses takes: a judge that saw what the critic sees would
find nothing wrong with its choice. Each figure is that of a continuation, or its difference from the seed's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from musiclstm.evaluation.continuations import Passage, scores_of
from musiclstm.music import Notes, Piece, cut
from musiclstm.scoring import musicality

STEPS = (1, 6, 8, 12, 16, 18, 24, 36, 48, 72, 96)  # ticks: lower edges of the classes of steps and durations
PLACES = 16  # of a bar
LEAPS = (0, 1, 2, 3, 5, 8, 12, 13)  # semitones: lower edges of the classes of leaps
SIZES = 6  # notes at once; more count the same
FEWEST_VELOCITIES = 16  # different ones; music with fewer was typeset and has only the accents that the program gave it

Floats = NDArray[np.float64]


def figures(passage: Passage, continuation: Piece) -> dict[str, float]:
    """All figures of a ``continuation`` of the passage's seed; what is undefined counts as 0."""
    bar, beat = passage.piece.metres[0].bar_ticks, passage.piece.metres[0].beat_ticks
    played = len(np.unique(passage.piece.notes["velocity"])) >= FEWEST_VELOCITIES
    seed, made = passage.seed, cut(continuation, 0, passage.end - passage.split) if len(continuation) else continuation
    before, after = (_habits(part.notes, bar, beat, played) for part in (seed, made))
    of_seed = musicality.features(musicality.until(seed, passage.split))
    scored = scores_of(passage, made)
    scored |= {f"{name} change": scored[name] - value for name, value in of_seed.items()}
    if not played:
        scored["mean_velocity"] = scored["mean_velocity change"] = 0.0
    found = scored | after | {f"{name} change": value - before[name] for name, value in after.items()}
    return {name: float(np.nan_to_num(value)) for name, value in found.items()}


def _habits(notes: Notes, bar: int, beat: int, played: bool) -> dict[str, float]:
    """Shares of classes, each as a figure of its own."""
    onset = notes["onset"].astype(np.int64)
    times, first, count = np.unique(onset, return_index=True, return_counts=True)
    top, low = notes["pitch"][first + count - 1].astype(np.int64), notes["pitch"][first].astype(np.int64)
    bars = max(1, int(times[-1]) // bar + 1) if len(times) else 1
    struck = np.unique(times[times % bar == 0])
    found = {"missed downbeats": 1 - len(struck) / bars}
    found["missed beats"] = 1 - len(np.unique(times[times % beat == 0])) / max(1, bars * (bar // beat))
    chord = np.repeat(np.arange(len(first)), count)
    pairs = np.concatenate([_within(notes["pitch"].astype(np.int64), chord, apart) for apart in range(1, 5)])
    for name, values, classes in (
        ("place", times % bar * PLACES // bar, PLACES),
        ("step", _classes(np.diff(times), STEPS), len(STEPS) + 1),
        ("duration", _classes(notes["duration"], STEPS), len(STEPS) + 1),
        ("upper leap", _classes(np.abs(np.diff(top)), LEAPS), len(LEAPS) + 1),
        ("lower leap", _classes(np.abs(np.diff(low)), LEAPS), len(LEAPS) + 1),
        ("interval", pairs, 12),
        ("size", np.minimum(count, SIZES), SIZES + 1),
    ):
        shares = np.bincount(values, minlength=classes)[:classes] / max(1, len(values))
        found |= {f"{name} {number}": float(share) for number, share in enumerate(shares)}
    shares = np.sort(np.bincount(notes["pitch"] % 12, minlength=12))[::-1] / max(1, len(notes))
    found |= {f"pitch classes {number + 1}": float(share) for number, share in enumerate(shares.cumsum()[:11])}
    return found | (_touch(notes, chord, first, count) if played and len(notes) else dict.fromkeys(_TOUCH, 0.0))


_TOUCH = ("spread of velocities", "velocity of upper notes", "change of velocity", "velocity with pitch")


def _touch(notes: Notes, chord: NDArray[np.int64], first: NDArray[np.int64], count: NDArray[np.int64]) -> dict[str, float]:
    velocity, pitch = notes["velocity"].astype(float), notes["pitch"].astype(float)
    mean = np.bincount(chord, velocity) / count
    apart = (velocity - velocity.mean()) * (pitch - pitch.mean())
    values = (
        velocity.std(),
        float((velocity[first + count - 1] - mean).mean()),
        float(np.abs(np.diff(mean)).mean()) if len(mean) > 1 else 0.0,
        float(apart.mean() / (velocity.std() * pitch.std() + 1e-6)),
    )
    return dict(zip(_TOUCH, map(float, values), strict=True))


def _within(pitch: NDArray[np.int64], chord: NDArray[np.int64], apart: int) -> NDArray[np.int64]:
    """Interval classes of notes that are struck together, ``apart`` notes from each other."""
    together = chord[apart:] == chord[:-apart]
    return (pitch[apart:] - pitch[:-apart])[together] % 12


def _classes(values: NDArray[np.integer], edges: Sequence[int]) -> NDArray[np.int64]:
    return np.searchsorted(np.asarray(edges), values, side="right")
