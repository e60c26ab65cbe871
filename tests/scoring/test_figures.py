"""Figures of a passage, with values counted by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from musiclstm.music.notes import Metre, Notes, make_notes
from musiclstm.scoring.figures import Parts, describe, parts_of, passage

BAR, METRE = 96, Metre(0, 4, 4)


def part(notes: Sequence[tuple[int, int, int]], bars: int = 1, metre: Metre = METRE) -> Parts:
    """Notes as (onset, pitch, duration)."""
    onset, pitch, duration = zip(*notes, strict=True)
    return parts_of([make_notes(onset, pitch, duration, [64] * len(notes))], bars, metre)


def described(notes: Sequence[tuple[int, int, int]], bars: int = 1) -> dict[str, float]:
    """The figures of a single part."""
    return {name: value for name, (value,) in describe(part(notes, bars)).items()}


def scale(bars: int, step: int = 24) -> list[tuple[int, int, int]]:
    """A C major scale up and up, one note every ``step`` ticks."""
    pitches = [60, 62, 64, 65, 67, 69, 71]
    return [(tick, pitches[i % 7] + 12 * (i // 7), step) for i, tick in enumerate(range(0, bars * BAR, step))]


def test_a_part_holds_the_notes_of_its_bars_from_its_first_bar_line() -> None:
    notes = make_notes([0, 90, 96, 96, 191, 192], [60, 61, 62, 65, 63, 64], [10] * 6, [64] * 6)
    found = parts_of([passage(notes, 96, BAR)], 1, METRE)
    assert found.onset.tolist() == [0, 0, 95]
    assert found.pitch.tolist() == [62, 65, 63]
    assert (found.times.tolist(), found.count.tolist(), found.chord.tolist()) == ([0, 95], [2, 1], [0, 0, 1])
    assert (found.low.tolist(), found.top.tolist()) == ([62, 63], [65, 63])
    assert (found.measure.tolist(), found.place.tolist()) == ([0, 0], [0, 95])
    assert not len(passage(notes, 288, BAR))


@pytest.mark.parametrize("metre", [METRE, Metre(0, 7, 8), Metre(0, 4, 2)], ids=lambda metre: metre.name)
def test_parts_described_together_have_the_figures_of_each_alone(metre: Metre) -> None:
    rng = np.random.default_rng(4)

    def random(count: int, bars: int) -> Notes:
        onset = np.sort(rng.integers(0, bars * metre.bar_ticks, count))
        return make_notes(onset, rng.integers(21, 109, count), rng.integers(1, 200, count), [64] * count)

    for bars in (1, 2, 5):
        single = random(1, bars)  # twice in a row: equal neighbours are still two parts
        passages = [single, single, *(random(count, bars) for count in (40, 2, 200, 7))]
        together = describe(parts_of(passages, bars, metre))
        for number, notes in enumerate(passages):
            for name, (value,) in describe(parts_of([notes], bars, metre)).items():
                assert together[name][number] == pytest.approx(value, abs=1e-12), name


def test_rhythm() -> None:
    # A bar of quarters, one that begins on the second beat with eighths, an empty one, and the quarters again.
    quarters = [(tick, 60, 24) for tick in (0, 24, 48, 72)]
    late = [(96 + tick, 60, 12) for tick in (24, 36, 48, 60, 78)]
    found = described([*quarters, *late, *((288 + tick, pitch, length) for tick, pitch, length in quarters)], bars=4)
    assert found["bars without downbeat"] == 0.5
    assert found["beats without onset"] == pytest.approx(6 / 16)
    assert found["off the half beat"] == pytest.approx(1 / 13)
    assert found["off the sixteenth"] == 0.0
    assert found["empty bars"] == 0.25
    assert found["places"] == pytest.approx(np.log(7))  # 0 24 36 48 60 72 78
    assert found["kinds of bars"] == 0.75
    assert found["notes a bar"] == found["onsets a bar"] == pytest.approx(np.log(13 / 4 + 0.1))
    assert described(scale(2), 2)["same step again"] == 1.0
    assert described(scale(2), 2)["rhythm of the bar before"] == pytest.approx(1.0)
    assert described(scale(2), 2)["entropy of steps"] == 0.0


def test_lengths_of_notes() -> None:
    found = described([(0, 60, 48), (0, 64, 24), (48, 62, 12), (72, 65, 24)])
    assert found["uneven chords"] == 1.0
    assert found["silence"] == pytest.approx(12 / 96)
    assert found["notes sounding"] == pytest.approx((48 + 24 + 12 + 24) / 96)
    assert found["duration"] == pytest.approx(np.log([48, 24, 12, 24]).mean())
    assert found["staccato"] == 0.0  # half of the time to the next onset is not yet short
    assert described([(0, 60, 20), (48, 60, 48)])["staccato"] == 0.5
    assert described([(0, 60, 96), (24, 72, 24)])["held on"] == 0.5


def test_texture_and_register() -> None:
    found = described([(0, 48, 24), (0, 60, 24), (0, 76, 24), (24, 62, 24), (48, 50, 24), (48, 57, 24)])
    assert found["notes an onset"] == 2.0
    assert (found["single notes"], found["three notes or more"], found["five notes or more"]) == pytest.approx((1 / 3, 1 / 3, 0))
    assert found["span"] == pytest.approx((28 + 0 + 7) / 3)
    assert found["widest span"] == 28
    assert found["spans over two octaves"] == pytest.approx(1 / 3)
    assert (found["highest"], found["lowest"], found["range"]) == pytest.approx((76 / 12, 48 / 12, 28 / 12))


def test_intervals_struck_together() -> None:
    found = described([(0, 60, 24), (0, 61, 24), (24, 60, 24), (24, 71, 24), (48, 60, 24), (48, 72, 24), (72, 60, 24)])
    assert found["clashing chords"] == pytest.approx(2 / 3)  # a semitone, a major seventh, an octave
    assert found["octaves"] == pytest.approx(1 / 3)
    assert found["clashes with held notes"] == 0.0
    held = described([(0, 60, 96), (24, 61, 24), (48, 64, 24)])
    assert held["clashes with held notes"] == pytest.approx(1 / 2)
    triads = described([(0, 60, 24), (0, 64, 24), (0, 67, 24), (0, 70, 24)])
    assert (triads["thirds"], triads["tritones"], triads["seconds"]) == pytest.approx((3 / 6, 1 / 6, 1 / 6))


def test_harmony_and_bass() -> None:
    chords = [(48, (48, 52, 55)), (48, (53, 57, 60)), (48, (43, 47, 50)), (48, (48, 52, 55))]
    notes = [(96 * bar, pitch, length) for bar, (length, pitches) in enumerate(chords) for pitch in pitches]
    found = described(notes, 4)
    assert found["pitch classes a bar"] == 3.0
    assert found["in one scale"] == 1.0
    assert found["bass of bars moves"] == 1.0
    assert found["bass of bars moves by a fifth"] == pytest.approx(2 / 3)  # up a fourth, down a seventh, up a fourth
    assert found["basses of bars"] == 0.75
    assert found["harmony of the bar before"] == pytest.approx((1 / 3 + 0 + 1 / 3) / 3)
    assert found["most changed harmony"] == 0.0
    assert found["entropy of pitch classes"] > 2.5


def test_voices() -> None:
    fifths = [(24 * i, pitch, 24) for i, low in enumerate((48, 50, 52, 52)) for pitch in (low, low + 7)]
    found = described(fifths)
    assert found["parallel fifths and octaves"] == pytest.approx(2 / 3)
    assert found["contrary motion"] == 0.0
    assert (found["upper goes by step"], found["upper repeats"]) == pytest.approx((2 / 3, 1 / 3))
    apart = described([(0, 60, 24), (0, 64, 24), (24, 59, 24), (24, 65, 24), (48, 47, 24), (48, 79, 24)])
    assert apart["contrary motion"] == 1.0
    assert apart["upper leaps over an octave"] == 0.5
    assert described(scale(2), 2)["upper turns"] == 0.0


@pytest.mark.parametrize("notes", [[(0, 60, 24)], [(95, 108, 1)], [(0, 21, 1), (0, 108, 400)]])
def test_all_figures_of_tiny_parts_are_numbers(notes: list[tuple[int, int, int]]) -> None:
    for bars in (1, 3):
        assert all(np.isfinite(value) for value in described(notes, bars).values())


def test_bars_longer_than_the_grid_fit_into_it() -> None:
    long = part([(0, 60, 24), (191, 64, 1), (192, 60, 1)], bars=2, metre=Metre(0, 4, 2))
    assert np.argwhere(long.grid[0]).tolist() == [[0, 0], [0, 95], [1, 0]]
    assert long.chroma[0].sum(axis=1) == pytest.approx([24 + 6 + 1 + 6, 1 + 6])
