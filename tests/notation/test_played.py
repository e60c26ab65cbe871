"""Music that was played freely gets the beats, bars and note values that a pianist would write, and can be corrected."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.beats import Played, judged, played
from musiclstm.errors import MusicFileError, OptionError
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes
from musiclstm.notation.beats import beat_times, strikes
from musiclstm.notation.played import OnBeat, beat_grid
from musiclstm.project import project_file
from musiclstm.seeds.seed import Seed

Q = 24


def waltz(bars: int = 12, pickup: bool = False) -> Piece:
    """A waltz: bass on one, chords on two and three, a tune above; with a pickup it begins on the third beat."""
    rows = []
    for bar in range(bars):
        at, root = 72 * bar, (36, 41, 43, 36)[bar % 4]
        rows += [(at, root, 24)] + [(at + beat, root + up, 24) for beat in (24, 48) for up in (16, 19)]
        rows += [(at, 72 + bar % 4, 48), (at + 48, 76, 12), (at + 60, 74, 12)]
    kept = [row for row in rows if not pickup or row[0] >= 48]
    return Piece(make_notes(*zip(*[(*row, 70) for row in kept], strict=True)), (Metre(0, 3, 4),))


def grid_of(music: Played, **given: object) -> OnBeat:
    return beat_grid(music.onsets, music.durations, music.pitches, music.velocities, **given)  # type: ignore[arg-type]


def onsets(piece: Piece) -> list[tuple[int, int]]:
    return [(onset, pitch) for onset, pitch, _, _ in piece.notes.tolist()]


@pytest.mark.parametrize("tempo", [66, 84, 100, 126, 150])
def test_a_waltz_is_written_down_as_it_is(tempo: int) -> None:
    found = grid_of(played(waltz(), tempo, np.random.default_rng(tempo), jitter=0.01))
    assert found.tempo == pytest.approx(tempo, rel=0.04)
    assert found.metre == "3/4" and found.piece.metres == (Metre(0, 3, 4),)
    assert found.piece.tempi == (Tempo(0, found.tempo),)
    assert onsets(found.piece) == onsets(waltz())
    assert found.piece.notes["duration"].tolist() == waltz().notes["duration"].tolist()


def test_a_pickup_stays_a_pickup() -> None:
    music = played(waltz(pickup=True), 100, np.random.default_rng(3), jitter=0.01)
    found = grid_of(music)
    assert found.metre == "3/4"
    assert found.piece.notes["onset"][0] == 48
    assert onsets(found.piece) == onsets(waltz(pickup=True))
    assert found.first_beat == pytest.approx(float(music.beats[3]), abs=0.07)


def test_the_first_beat_is_when_the_first_whole_bar_begins() -> None:
    music = played(waltz(), 90, np.random.default_rng(5), jitter=0.005)
    assert grid_of(music).first_beat == pytest.approx(float(music.onsets.min()), abs=0.07)


def test_what_was_understood_is_said_in_a_sentence() -> None:
    found = grid_of(played(waltz(), 90, np.random.default_rng(5)))
    assert found.sentence == (
        f"Played without a beat grid: set on an estimated beat, {found.tempo:.0f} quarter notes a minute in 3/4."
    )


# Corrections


def test_the_tempo_can_be_corrected_to_half_and_twice() -> None:
    music = played(waltz(), 100, np.random.default_rng(7))
    for tempo, half in ((50.0, 18), (200.0, 72)):
        found = grid_of(music, tempo=tempo)
        assert found.tempo == tempo
        tune = found.piece.notes[found.piece.notes["pitch"] >= 72]["onset"]
        assert tune[-1] - tune[0] == pytest.approx((72 * 12 - 12) * tempo / 100, abs=half)


def test_the_metre_can_be_corrected() -> None:
    music = played(waltz(), 100, np.random.default_rng(7))
    assert grid_of(music, metre="4/4").piece.metres == (Metre(0, 4, 4),)
    compound = grid_of(music, metre="6/8")
    assert compound.metre == "6/8"
    assert compound.tempo == pytest.approx(150, rel=0.04)  # quarters, where a dotted quarter is a beat


def test_the_first_beat_can_be_corrected() -> None:
    music = played(waltz(), 100, np.random.default_rng(7), jitter=0.005)
    second = float(music.beats[1])
    found = grid_of(music, first_beat=second)
    assert found.first_beat == pytest.approx(second, abs=0.02)
    assert found.piece.notes["onset"][0] == 48  # what was the first beat is now a pickup


def test_a_note_that_is_held_for_ages_costs_no_more_than_another() -> None:
    long = beat_grid([0.0, 0.5], [4e7, 0.4], [60, 64], [80, 80], tempo=120, metre="4/4", first_beat=0.0)
    assert long.piece.end < 48 * 2 * 61
    with pytest.raises(OptionError, match="time signature"):
        beat_grid([0.0], [0.4], [60], [80], metre="²/4")


@pytest.mark.parametrize("first", [0.0, 1.5, 10.0])
def test_a_bar_begins_at_the_given_first_beat(first: float) -> None:
    music = played(waltz(), 100, np.random.default_rng(11))
    found = grid_of(music, first_beat=first, tempo=100)
    bars = (found.first_beat - first) / (3 * 0.6)
    assert bars == pytest.approx(round(bars), abs=0.2)


@pytest.mark.parametrize("metre", ["", "3", "3/5", "waltz", "0/4", "3/4/4", "999/4", "-3/4"])
def test_what_is_no_metre_is_refused(metre: str) -> None:
    with pytest.raises(OptionError, match="must be a time signature"):
        beat_grid([0.0], [1.0], [60], [64], metre=metre)


@pytest.mark.parametrize("tempo", [0, 19, 401, float("nan"), True])
def test_an_impossible_tempo_is_refused(tempo: float) -> None:
    with pytest.raises(OptionError, match="between 20 and 400"):
        beat_grid([0.0], [1.0], [60], [64], tempo=tempo)


def test_an_impossible_first_beat_is_refused() -> None:
    for first in (float("nan"), 1e9):
        with pytest.raises(OptionError, match="first beat"):
            beat_grid([0.0], [1.0], [60], [64], first_beat=first)


# Odd music


def test_nothing_and_hours_are_refused() -> None:
    with pytest.raises(MusicFileError, match="at least one note"):
        beat_grid([], [], [], [])
    for onset in ([0.0, 4000.0], [0.0, float("nan")]):
        with pytest.raises(MusicFileError, match="within 60 minutes"):
            beat_grid(onset, [1.0, 1.0], [60, 62], [64, 64])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_few_notes_become_a_few_notes(count: int) -> None:
    times = 3 + 0.5 * np.arange(count)
    found = beat_grid(times, np.full(count, 0.45), 60 + np.arange(count), np.full(count, 64))
    assert found.piece.notes["pitch"].tolist() == list(range(60, 60 + count))
    assert np.diff(found.piece.notes["onset"]).tolist() == [Q] * (count - 1) or count < 3


def test_a_single_chord_stays_one() -> None:
    found = beat_grid([1.0, 1.01, 1.02], [2.0] * 3, [60, 64, 67], [64] * 3)
    assert len(set(found.piece.notes["onset"].tolist())) == 1


def test_the_order_of_the_notes_does_not_matter() -> None:
    music = played(waltz(), 100, np.random.default_rng(2))
    mixed = np.random.default_rng(0).permutation(len(music.onsets))
    again = beat_grid(music.onsets[mixed], music.durations[mixed], music.pitches[mixed], music.velocities[mixed])
    assert again.piece == grid_of(music).piece


def test_any_notes_give_a_piece_on_its_bar_lines() -> None:
    random = np.random.default_rng(4)
    for _ in range(8):
        count = int(random.integers(1, 60))
        found = beat_grid(
            random.uniform(0, random.uniform(0.1, 20), count),
            random.exponential(0.5, count),
            random.integers(21, 109, count),
            random.integers(1, 128, count),
        )
        first = int(found.piece.notes["onset"][0])
        assert 0 <= first < found.piece.metres[0].bar_ticks
        assert 20 <= found.tempo <= 400


def test_a_long_silence_is_crossed() -> None:
    first, second = (played(waltz(8), 100, np.random.default_rng(seed), jitter=0.005) for seed in (1, 2))
    times = np.concatenate([first.onsets, second.onsets + 200])
    assert len(beat_times(strikes(times, np.concatenate([first.durations] * 2), np.concatenate([first.pitches] * 2)))) > 300


# How often it succeeds: benchmarks/beats.py measures it on the whole catalogue


def test_the_beats_of_most_openings_are_found_at_a_usual_tempo() -> None:
    names = (
        "mozart-k545-1",
        "clementi-op36-1-1",
        "petzold-minuet-g",
        "schumann-happy-farmer",
        "corelli-op3-1-1",
        "bach-wachet-auf",
    )
    stored = json.loads((project_file("checkpoints/classical-piano") / "seeds.json").read_text(encoding="utf-8"))
    seeds = [Seed.from_json(seed) for seed in stored if seed["id"] in names]
    right = 0
    for number, seed in enumerate(seeds):
        music = played(seed.piece, 90, np.random.default_rng(number))
        kind, phase = judged(beat_times(strikes(music.onsets, music.durations, music.pitches)), music)
        right += kind == "right" and phase
    assert right >= 5
