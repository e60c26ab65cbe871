"""Claim: freely played music is set on the beats that it was played to.

Every opening of the catalogue is played at several tempi as a person would: the tempo sways by 3 %, every note misses its time
by 20 ms (one standard deviation), keys are released a little early. The beats are then found from the times alone. A beat is the
felt one: a dotted quarter in 6/8. A tempo is right within 4 %; half or twice as many beats, and three for two, are counted apart.
A phase is right if four of five beats lie within 70 ms of a true one.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Figure, cores, publish, section, set_threads
from musiclstm.music import Piece
from musiclstm.notation import beat_grid
from musiclstm.notation.beats import beat_times, strikes
from musiclstm.seeds import load_catalogue

TEMPI = (60, 80, 100, 120, 140, 160)
SWAY, JITTER, NEAR, TOLERANCE = 0.03, 0.02, 0.07, 0.04
RATIOS = {"half or twice": (0.5, 2, 0.25, 4), "three for two, or three": (1.5, 2 / 3, 3, 1 / 3, 4 / 3, 0.75)}

Seconds = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Played:
    """A piece as played: onsets and durations in seconds, pitches, velocities, and when its beats were."""

    onsets: Seconds
    durations: Seconds
    pitches: NDArray[np.int64]
    velocities: NDArray[np.int64]
    beats: Seconds


def played(piece: Piece, tempo: float, random: np.random.Generator, sway: float = SWAY, jitter: float = JITTER) -> Played:
    """The piece at ``tempo`` beats a minute."""
    notes, beat = piece.notes, piece.metres[0].beat_ticks
    end = piece.end + beat
    tick = 60 / tempo / beat
    phase, period = random.uniform(0, 2 * np.pi), random.uniform(6, 14)
    pace = 1 + sway * np.sin(2 * np.pi * np.arange(end) * tick / period + phase)
    clock = random.uniform(0.2, 2) + np.concatenate([[0.0], np.cumsum(pace * tick)])
    onsets = np.maximum(0, clock[notes["onset"]] + random.normal(0, jitter, len(notes)))
    held = (clock[np.minimum(notes["onset"] + notes["duration"], end)] - clock[notes["onset"]]) * random.uniform(
        0.85, 1, len(notes)
    )
    velocities = np.clip(notes["velocity"] + random.normal(0, 6, len(notes)), 1, 127).astype(np.int64)
    return Played(onsets, np.maximum(0.05, held), notes["pitch"].astype(np.int64), velocities, clock[::beat])


def judged(found: Seconds, music: Played) -> tuple[str, bool]:
    """How the number of beats compares with the true one, and whether most beats lie where they should."""
    first, last = music.onsets.min() - 0.3, music.onsets.max() + 0.3
    true, mine = (beats[(beats >= first) & (beats <= last)] for beats in (music.beats, found))
    ratio = np.mean(np.diff(true)) / np.mean(np.diff(mine)) if len(mine) > 1 else 0.0
    near = np.abs(mine[:, None] - true).min(axis=1) < NEAR if len(mine) else np.zeros(1, dtype=bool)
    if abs(ratio - 1) < TOLERANCE:
        return "right", float(near.mean()) > 0.8
    kind = next((name for name, ratios in RATIOS.items() if any(abs(ratio / r - 1) < TOLERANCE for r in ratios)), "other")
    return kind, False


def measured() -> Iterator[tuple[int, str, bool, float]]:
    """For each opening and tempo: the tempo, the kind of its estimate, whether the phase is right, and the seconds it took."""
    for number, seed in enumerate(load_catalogue()):
        random = np.random.default_rng([1, number])
        for tempo in TEMPI:
            music = played(seed.piece, tempo, random)
            started = time.perf_counter()
            beats = beat_times(strikes(music.onsets, music.durations, music.pitches))
            beat_grid(music.onsets, music.durations, music.pitches, music.velocities)
            yield tempo, *judged(beats, music), time.perf_counter() - started


def main() -> None:
    """Measure and publish."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    set_threads(1)
    results = list(measured())
    kinds = ("right", *RATIOS, "other")
    rows = ["| beats a minute | " + " | ".join(kinds) + " | right, and in phase |", "|---" * (len(kinds) + 2) + "|"]
    for tempo in TEMPI:
        here = [result for result in results if result[0] == tempo]
        counts = Counter(kind for _, kind, _, _ in here)
        cells = [counts[kind] for kind in kinds] + [sum(phase for _, _, phase, _ in here)]
        rows.append(f"| {tempo} | " + " | ".join(f"{100 * cell / len(here):.0f} %" for cell in cells) + " |")
    share = {kind: 100 * sum(found == kind for _, found, _, _ in results) / len(results) for kind in kinds}
    figures = [
        Figure("tempo right", share["right"], "%", least=70),
        Figure("half or twice the tempo", share["half or twice"], "%"),
        Figure("tempo and phase right", 100 * sum(phase for _, _, phase, _ in results) / len(results), "%", least=60),
        Figure("time for an opening, median", 1000 * float(np.median([seconds for *_, seconds in results])), "ms"),
    ]
    claim = (__doc__ or "").splitlines()[0]
    table = "\n".join(rows)
    text = section(f"{claim}\n\n{table}", figures, threads=f"1 thread of {cores()}", libraries=("numpy",))
    publish("Beats", text)


if __name__ == "__main__":
    main()
