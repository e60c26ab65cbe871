"""Pieces to rows and back, and the vocabulary as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from musiclstm.errors import CheckpointError, OptionError
from musiclstm.model.vocabulary import BAR, DURATION, PITCH, POSITION, STEP, VELOCITY, Vocabulary, decode, encode, fit_vocabulary
from musiclstm.music.notes import Metre, Piece, make_notes

PLAIN = Vocabulary(steps=(0, 1, 6, 12, 24, 36, 48, 72, 96), durations=(1, 6, 12, 24, 36, 48, 72, 96), composers=("", "Bach"))


def piece(onsets: Any, pitches: Any = None, durations: Any = 12, **rest: Any) -> Piece:
    onsets = np.asarray(onsets)
    pitches = np.full(len(onsets), 60) if pitches is None else pitches
    durations = np.broadcast_to(durations, len(onsets))
    return Piece(make_notes(onsets, pitches, durations, np.full(len(onsets), 66)), **rest)


def onsets_of(music: Piece, vocabulary: Vocabulary) -> np.ndarray[Any, Any]:
    return decode(encode(music, vocabulary), vocabulary, start=int(music.notes["onset"][0]))["onset"]


# There and back


def test_music_within_the_vocabulary_comes_back_note_for_note(tunes: dict[str, Piece]) -> None:
    vocabulary = fit_vocabulary(tunes.values(), velocities=128)
    for music in tunes.values():
        assert np.array_equal(decode(encode(music, vocabulary), vocabulary), music.notes)


def test_random_music_within_the_vocabulary_comes_back_note_for_note() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        onsets = 96 + np.cumsum(rng.choice(PLAIN.steps, 40))
        notes = make_notes(onsets, rng.integers(21, 109, 40), rng.choice([1, 6], 40), rng.integers(0, 32, 40) * 4 + 2)
        # Of two notes at one place one remains, and a note ends where its key is struck again: rows of what is left.
        kept = np.isin(notes["duration"], PLAIN.durations)
        music = Piece(notes[kept])
        gaps = np.diff(np.unique(music.notes["onset"]))
        if np.isin(gaps, PLAIN.steps).all():
            assert np.array_equal(decode(encode(music, PLAIN), PLAIN, start=int(music.notes["onset"][0])), music.notes)


def test_a_row_says_step_pitch_duration_velocity_and_the_place_in_the_bar() -> None:
    music = piece([0, 24, 24, 84], [21, 60, 108, 64], [24, 12, 48, 6], metres=(Metre(0, 3, 4),))
    rows = encode(music, PLAIN)
    assert rows[:, STEP].tolist() == [0, 4, 0, PLAIN.steps.index(48)]  # 60 ticks are no class: 48 and 72 are equally near
    assert rows[:, PITCH].tolist() == [0, 39, 87, 43]
    assert rows[:, DURATION].tolist() == [3, 2, 5, 1]
    assert rows[:, VELOCITY].tolist() == [66 * 32 // 128] * 4
    assert rows[:, POSITION].tolist() == [0, 24, 24, 12]
    assert rows[:, BAR].tolist() == [72, 72, 72, 72]


@pytest.mark.parametrize("bins", [1, 2, 12, 32, 48, 64, 100, 127, 128])
def test_a_decoded_velocity_lies_in_its_own_bin(bins: int) -> None:
    vocabulary = replace(PLAIN, velocities=bins)
    velocities = np.arange(1, 128)
    music = Piece(make_notes(np.arange(127) * 12, np.full(127, 60), np.full(127, 6), velocities))
    rows = encode(music, vocabulary)
    assert rows[:, VELOCITY].tolist() == (velocities * bins // 128).tolist()
    again = decode(rows, vocabulary)["velocity"]
    assert (again.astype(int) * bins // 128).tolist() == rows[:, VELOCITY].tolist()
    assert np.abs(again - velocities).max() <= 128 / bins


def test_a_duration_goes_to_the_nearest_class_and_the_shorter_of_two_equally_near() -> None:
    music = piece(np.arange(6) * 200, durations=[1, 3, 4, 18, 19, 400])
    assert [PLAIN.durations[c] for c in encode(music, PLAIN)[:, DURATION]] == [1, 1, 6, 12, 24, 96]


def test_an_empty_piece_gives_no_rows() -> None:
    assert encode(Piece(make_notes([], [], [], [])), PLAIN).shape == (0, 6)


# Time


def test_onsets_never_stray_further_than_half_the_largest_gap_between_classes() -> None:
    rng = np.random.default_rng(2)
    largest = max(b - a for a, b in zip(PLAIN.steps, PLAIN.steps[1:], strict=False))
    for _ in range(5):
        music = piece(np.cumsum(rng.integers(1, 97, 3000)))
        drift = onsets_of(music, PLAIN) - music.notes["onset"]
        assert np.abs(drift).max() <= largest / 2
        assert np.abs(drift).max() > 0


def test_a_human_performance_does_not_drift_from_its_bar_lines() -> None:
    beats = np.arange(4000) * 12
    music = piece(beats + np.random.default_rng(3).integers(-2, 3, 4000) + 2)
    drift = onsets_of(music, PLAIN) - beats
    assert np.abs(drift).max() <= 12
    assert abs(drift[-1000:].mean() - drift[:1000].mean()) < 2


def test_a_chord_stays_a_chord_and_step_0_is_for_notes_that_start_together() -> None:
    rng = np.random.default_rng(4)
    onsets = np.repeat(np.cumsum(rng.integers(1, 60, 500)), 3)
    music = piece(onsets, np.tile([60, 64, 67], 500))
    rows = encode(music, PLAIN)
    struck_together = np.concatenate(([False], np.diff(music.notes["onset"]) == 0))
    assert ((rows[1:, STEP] == 0) == struck_together[1:]).all()
    written = onsets_of(music, PLAIN).reshape(-1, 3)
    assert (written == written[:, :1]).all()
    assert (np.diff(written[:, 0]) > 0).all()


@pytest.mark.parametrize("rest", [97, 140, 193, 240, 1000, 96 * 50, 96 * 50 + 47])
def test_a_very_long_rest_is_shortened_by_whole_bars(rest: int) -> None:
    music = piece([0, 24, 24 + rest, 48 + rest, 60 + rest, 84 + rest])
    written = onsets_of(music, PLAIN)
    drift = (written - music.notes["onset"] + 48) % 96 - 48  # within the bar of 96 ticks
    assert np.abs(drift).max() <= 12
    assert written[2] - written[1] <= 96
    # The music after the rest comes at once in its own rhythm.
    assert np.abs(np.diff(written[2:]) - [24, 12, 24]).max() <= 12


def test_a_rest_in_a_bar_longer_than_any_step_keeps_the_place_from_the_next_onset_on() -> None:
    music = piece([0, 140, 164, 288], metres=(Metre(0, 12, 8),))
    assert onsets_of(music, PLAIN).tolist() == [0, 96, 168, 264]


# Fitting


def test_the_most_frequent_values_become_classes() -> None:
    onsets = np.cumsum([0] + [7] * 30 + [11] * 20 + [13] * 10)
    vocabulary = fit_vocabulary([piece(onsets, durations=5)], steps=11, durations=10)
    assert vocabulary.steps == (0, 1, 6, 7, 11, 12, 24, 36, 48, 72, 96)
    assert vocabulary.durations == (1, 5, 6, 12, 24, 36, 48, 72, 96)


def test_the_order_of_reading_does_not_matter() -> None:
    music = [piece([0, 7, 14], composer="B"), piece([0, 9, 18], composer="A"), piece([0, 11, 22], composer="C")]
    forwards, backwards = fit_vocabulary(music, steps=10, composers=2), fit_vocabulary(reversed(music), steps=10, composers=2)
    assert forwards == backwards
    assert 7 in forwards.steps
    assert forwards.composers == ("", "A", "B")


def test_composers_with_the_most_notes_get_a_class_and_no_name_means_unknown() -> None:
    music = [piece(np.arange(n) * 12, composer=name) for n, name in ((9, ""), (2, "Satie"), (5, "Bach"), (4, "Liszt"))]
    assert fit_vocabulary(music, composers=2).composers == ("", "Bach", "Liszt")


def test_a_composer_is_found_by_full_name_or_surname_in_any_case() -> None:
    vocabulary = replace(PLAIN, composers=("", "Bach", "Robert Schumann", "Schumann"))
    names = ("Bach", "johann sebastian BACH", "robert schumann", "Clara Schumann", "Satie", "", "  ")
    assert [vocabulary.composer_class(name) for name in names] == [1, 1, 2, 3, 0, 0, 0]


def test_accents_do_not_hide_a_composer_nor_other_scripts_become_one() -> None:
    vocabulary = replace(PLAIN, composers=("", "Burgmüller", "Dvořák", "Чайковский", "武満"))
    names = ("Burgmueller", "Friedrich Burgmüller", "Burgmu\u0308ller", "DVORAK", "Чайковский", "武満", "Скрябин", "")
    assert [vocabulary.composer_class(name) for name in names] == [1, 1, 1, 2, 3, 4, 0, 0]


@pytest.mark.parametrize("sizes", [{"steps": 9}, {"durations": 9}, {"steps": 0}])
def test_too_small_a_vocabulary_is_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="at least 10"):
        fit_vocabulary([piece([0, 12])], **sizes)


# JSON


def test_json_brings_the_same_vocabulary_back() -> None:
    vocabulary = replace(PLAIN, composers=("", "Dvořák", "Bach"), velocities=16)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


@pytest.mark.parametrize(
    "change",
    [
        {"ticks_per_quarter": 12},
        {"lowest_pitch": 0},
        {"highest_pitch": 127},
        {"steps": []},
        {"steps": [0]},
        {"steps": [1, 2]},
        {"steps": [0, 6, 6]},
        {"steps": [0, 12, 6]},
        {"steps": [0, 6.0]},
        {"steps": [0, True]},
        {"steps": [0, "6"]},
        {"steps": [0, 10**9]},
        {"steps": "06"},
        {"steps": 6},
        {"steps": None},
        {"durations": []},
        {"durations": [0, 1]},
        {"durations": [2, 1]},
        {"durations": [-1]},
        {"velocities": 0},
        {"velocities": 129},
        {"velocities": 32.0},
        {"velocities": True},
        {"velocities": "32"},
        {"composers": []},
        {"composers": ["Bach"]},
        {"composers": ["", "Bach", "Bach"]},
        {"composers": ["", 1]},
        {"composers": ["", ["Bach"]]},
        {"composers": None},
    ],
    ids=str,
)
def test_json_that_says_something_impossible_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError):
        Vocabulary.from_json(json.dumps(json.loads(PLAIN.to_json()) | change))


@pytest.mark.parametrize(
    "name", ["ticks_per_quarter", "lowest_pitch", "highest_pitch", "steps", "durations", "velocities", "composers"]
)
def test_json_with_a_part_missing_is_refused(name: str) -> None:
    fields = json.loads(PLAIN.to_json())
    del fields[name]
    with pytest.raises(CheckpointError, match=name):
        Vocabulary.from_json(json.dumps(fields))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"steps"', "not JSON", "[" * 100_000], ids=lambda text: text[:10])
def test_text_that_is_no_vocabulary_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        Vocabulary.from_json(text)
