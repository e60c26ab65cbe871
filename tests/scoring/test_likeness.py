"""A continuation against its seed."""

from __future__ import annotations

import numpy as np
import pytest

from musiclstm.music.notes import Metre, Notes, make_notes
from musiclstm.scoring import likeness
from musiclstm.scoring.figures import Parts, describe, parts_of
from musiclstm.scoring.likeness import figures

BAR, METRE = 96, Metre(0, 4, 4)


def music(bars: int, *, seed: int = 1, step: int = 12, lowest: int = 55) -> Notes:
    """A random melody in C major of even steps."""
    rng = np.random.default_rng(seed)
    onset = np.arange(0, bars * BAR, step)
    pitches = lowest + np.array([0, 2, 4, 5, 7, 9, 11])[rng.integers(7, size=len(onset))]
    return make_notes(onset, pitches, [step] * len(onset), [64] * len(onset))


def whole(*passages: Notes, bars: int) -> Parts:
    return parts_of(passages, bars, METRE)


def compare(seed: Parts, part: Parts) -> dict[str, float]:
    """What is said of a single part."""
    return {name: value for name, (value,) in likeness.compare(seed, part).items()}


def shifted(notes: Notes, semitones: int = 0, ticks: int = 0) -> Notes:
    return make_notes(notes["onset"] + ticks, notes["pitch"] + semitones, notes["duration"], notes["velocity"])


def test_a_repeated_seed_is_like_itself_and_has_nothing_new() -> None:
    seed = whole(music(4), bars=4)
    found = compare(seed, seed)
    for name in (
        "rhythm of the seed",
        "least rhythm of the seed",
        "harmony of the seed",
        "bars that return",
        "likest bar before",
    ):
        assert found[name] == pytest.approx(1.0)
    for name, value in found.items():
        if name.endswith("unlike") or name.startswith(("new ", "texture ")) or name in ("above the seed", "below the seed"):
            assert value == pytest.approx(0.0, abs=1e-9), name
    assert (found["harmony 4 bars before"], found["rhythm 4 bars before"]) == pytest.approx((1.0, 1.0))
    assert found["density at the seam"] == found["densest bar"] == found["thinnest bar"] == 0.0


def test_what_the_seed_does_not_have_is_new() -> None:
    seed = whole(music(4), bars=4)
    other = music(4, step=16)
    found = compare(seed, whole(shifted(other, 1), bars=4))
    assert found["new durations"] == found["new steps"] == 1.0
    assert 0.4 < found["new places"] < 0.7
    assert found["new pitch classes"] > 0.5
    high = compare(seed, whole(shifted(music(4), 24), bars=4))
    assert (high["above the seed"], high["below the seed"]) == (1.0, 0.0)
    assert high["bars that return"] == 0.0
    assert high["harmony of any bar before"] == pytest.approx(1.0)


def test_bars_return_as_far_as_they_strike_the_same_keys_at_the_same_places() -> None:
    opening, following = music(3), music(4, seed=2)
    bars = [{(n["onset"] % BAR, n["pitch"]) for n in notes[notes["onset"] // BAR == bar]}
            for notes, count in ((opening, 3), (following, 4)) for bar in range(count)]  # fmt: skip
    likest = [max(len(bars[at] & other) / len(bars[at] | other) for other in bars[:at]) for at in range(3, 7)]
    found = compare(whole(opening, bars=3), whole(following, bars=4))
    assert found["likest bar before"] == pytest.approx(np.mean(likest))
    assert found["likest bar of all"] == max(likest) > 0


def test_the_seam_and_the_drift() -> None:
    seed = whole(make_notes([0, 48], [48, 60], [48, 48], [64, 64]), bars=1)
    later = make_notes([0, 0, 96, 120, 144, 168], [50, 72, 80, 81, 82, 83], [48] * 6, [64] * 6)
    found = compare(seed, whole(later, bars=2))
    assert found["upper leap at the seam"] == pytest.approx(12 / 12)
    assert found["lower leap at the seam"] == pytest.approx(10 / 12)
    assert found["drift of density"] == pytest.approx(np.log(5 / 3))
    assert found["drift of pitch"] == pytest.approx((81.5 - 61) / 12)
    assert found["drift of chord size"] == pytest.approx(-1.0)
    shorter = make_notes([0, 48, 96], [60, 62, 64], [24, 48, 12], [64] * 3)
    assert compare(seed, whole(shorter, bars=2))["drift of duration"] == pytest.approx(np.log(12 / 36))
    for half in (later[:2], later[2:]):  # the other half is empty
        found = compare(seed, whole(half, bars=2))
        assert {value for name, value in found.items() if name.startswith("drift")} == {0.0}


def test_a_bar_that_has_none_so_far_before_it_is_neither_like_nor_unlike() -> None:
    found = compare(whole(music(1), bars=1), whole(music(1), bars=1))
    assert (found["harmony 1 bars before"], found["rhythm 1 bars before"]) == pytest.approx((1.0, 1.0))
    for apart in (2, 4, 8):
        assert found[f"harmony {apart} bars before"] == found[f"rhythm {apart} bars before"] == 0.5


def test_going_round_in_circles_is_counted() -> None:
    seed = whole(music(4), bars=4)
    circle = make_notes(np.arange(0, 4 * BAR, 12), np.tile([60, 64, 67], 11)[:32], [12] * 32, [64] * 32)
    found = compare(whole(shifted(music(4), -24), bars=4), whole(circle, bars=4))
    assert found["notes repeated after 1 to 4"] == pytest.approx(29 / 32)  # all but the first three
    assert found["notes repeated after 5 to 12"] == pytest.approx(26 / 32)
    assert found["different notes"] == pytest.approx(3 / 32)
    # After a seed of three notes the fifth one before is there from the third note on.
    short = whole(make_notes([0, 32, 64], [40, 41, 42], [32] * 3, [64] * 3), bars=1)
    five = make_notes(np.arange(15) * 12, np.tile([60, 62, 64, 65, 67], 3), [12] * 15, [64] * 15)
    assert compare(short, whole(five, bars=2))["notes repeated after 5 to 12"] == pytest.approx(
        (10 - 1) / 13
    )  # the first step is longer
    plain = compare(seed, whole(music(4, seed=2), bars=4))
    assert plain["notes repeated after 1 to 4"] < 0.4


def repeated(count: int, of: int) -> dict[str, float]:
    """What is said of the last ``count`` notes of a scale of ``of`` notes, written again after it."""
    step = 12
    seed_bars, bars = -(-of * step // BAR), -(-count * step // BAR)
    onset = np.arange(seed_bars * BAR - of * step, seed_bars * BAR, step)
    pitches = np.arange(30, 30 + of)
    seed = make_notes(onset, pitches, [step] * of, [64] * of)
    again = make_notes(np.arange(count) * step, pitches[-count:], [step] * count, [64] * count)
    found = compare(whole(seed, bars=seed_bars), whole(again, bars=bars))
    return {name: value for name, value in found.items() if name.startswith("notes repeated")}


def test_notes_of_the_seed_that_return_are_repeated_however_far_it_goes_back() -> None:
    assert list(repeated(48, of=60).values()) == pytest.approx([0.0, 0.0, 1.0])
    assert list(repeated(49, of=60).values()) == pytest.approx([0.0, 0.0, 0.0])  # that is further than anybody remembers
    assert list(repeated(8, of=9).values()) == pytest.approx([0.0, 1.0, 0.0])
    assert list(repeated(2, of=3).values()) == pytest.approx([1.0, 0.0, 0.0])


def test_touch_is_compared_with_a_seed_that_somebody_played() -> None:
    def played(notes: Notes, low: int, step: int) -> Parts:
        velocities = low + step * (np.arange(len(notes)) % 20)
        return whole(make_notes(notes["onset"], notes["pitch"], notes["duration"], velocities), bars=4)

    seed, loud = played(music(4), 40, 2), played(music(4), 56, 2)
    found = compare(seed, loud)
    assert found["louder"] == pytest.approx(1.0)
    assert found["spread of velocities"] == pytest.approx(0.0)
    assert compare(seed, played(music(4), 40, 1))["spread of velocities"] < -0.2
    voices = np.tile([60, 72], 32)  # a low note and a high one, louder by 32, all louder by 16 in the later half
    velocities = np.tile([48, 80], 32) + 16 * (np.arange(64) >= 32)
    found = compare(seed, whole(make_notes(np.repeat(np.arange(32) * 12, 2), voices, [12] * 64, velocities), bars=4))
    assert found["upper notes louder"] == pytest.approx(1.0)  # than the mean of their chord, by 16
    assert found["drift of velocity"] == pytest.approx(1.0)
    assert found["changes of velocity"] == pytest.approx(1 / 31 - np.abs(np.diff(seed.velocity)).mean() / 16)
    related = [np.corrcoef(some, others)[0, 1] for some, others in ((voices, velocities), (seed.pitch, seed.velocity))]
    assert found["high notes louder"] == pytest.approx(related[0] - related[1], abs=1e-4)
    assert {compare(whole(music(4), bars=4), loud)[name] for name in ("louder", "spread of velocities", "drift of velocity")} == {
        0.0
    }


def test_all_figures_have_the_same_names_and_are_numbers() -> None:
    names = set()
    for bars in (1, 2, 16):
        for seed_bars in (1, 8):
            seed = whole(music(seed_bars), bars=seed_bars)
            found = figures(seed, describe(seed), whole(music(bars, seed=2, step=18)[:40], bars=bars))
            assert all(np.isfinite(values).all() for values in found.values())
            names.add(tuple(found))
    assert len(names) == 1
    assert len(next(iter(names))) == 210


def test_continuations_compared_together_have_the_figures_of_each_alone() -> None:
    rng = np.random.default_rng(5)

    def played(count: int, bars: int) -> Notes:
        onset = np.sort(rng.integers(0, bars * BAR, count))
        return make_notes(onset, rng.integers(48, 72, count), rng.integers(1, 100, count), rng.integers(20, 100, count))

    for bars, seed_bars in ((1, 1), (2, 8), (9, 3)):
        for count in (1, 60):
            seed = whole(played(count, seed_bars), bars=seed_bars)
            passages = [played(count, bars) for count in (1, 30, 2, 150)]
            together = figures(seed, describe(seed), whole(*passages, bars=bars))
            for number, notes in enumerate(passages):
                for name, (value,) in figures(seed, describe(seed), whole(notes, bars=bars)).items():
                    assert together[name][number] == pytest.approx(value, abs=1e-12), name


def test_figures_do_not_depend_on_the_key() -> None:
    def of(semitones: int) -> dict[str, float]:
        seed, later = (whole(shifted(notes, semitones), bars=4) for notes in (music(4), music(4, seed=2)))
        return {name: value for name, (value,) in figures(seed, describe(seed), later).items()}

    moved = {"pitch", "upper line", "lower line", "highest", "lowest"}
    plain, transposed = of(0), of(3)
    for name, value in plain.items():
        assert transposed[name] == pytest.approx(value + (3 / 12 if name in moved else 0.0), abs=1e-9), name
