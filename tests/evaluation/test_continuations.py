"""Passages: how they are chosen, continued and scored; human continuations compared with themselves show no difference."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import DataError, OptionError
from musiclstm.evaluation.continuations import (
    FEWEST_NOTES,
    MUSICAL,
    Passage,
    Trial,
    compare,
    compare_continuations,
    continued,
    held_out,
    scores_of,
)
from musiclstm.music.notes import Metre, Piece, join, make_notes, transpose
from musiclstm.scoring import loops, musicality, structure
from musiclstm.scoring.originality import build_index


def walk(random_seed: int, bars: int, metre: Metre = Metre(0, 4, 4), per_bar: int = 12) -> Piece:  # noqa: B008
    """A random walk of ``bars`` bars with ``per_bar`` notes each."""
    rng = np.random.default_rng(random_seed)
    onset = np.concatenate([bar * metre.bar_ticks + np.arange(per_bar) * (metre.bar_ticks // per_bar) for bar in range(bars)])
    pitch = 60 + np.cumsum(rng.integers(-2, 3, len(onset))) % 24
    name = f"{random_seed}.mid"
    return Piece(make_notes(onset, pitch, np.full(len(onset), 6), rng.integers(40, 90, len(onset))), metres=(metre,), source=name)


def passages(count: int = 12, pieces: int = 4, bars: int = 4) -> list[Passage]:
    found = [walk(number, 48) for number in range(pieces)]
    return held_out(found, np.random.default_rng(1), count, seed_bars=8, bars=bars)


def own_works(given: list[Passage]) -> list[str]:
    """Two works from each piece, so that there are enough for intervals."""
    return [f"{passage.name} {number // 8}" for number, passage in enumerate(given)]


# Passages


def test_seed_and_continuation_are_consecutive_whole_bars_of_the_piece() -> None:
    pieces = {f"{number}.mid": walk(number, 48, Metre(0, 3, 4)) for number in range(4)}
    for passage in held_out(list(pieces.values()), np.random.default_rng(1), 12, seed_bars=8, bars=4):
        start = (passage.bar - 1) * 72
        original = pieces[passage.name].notes
        part = original[(original["onset"] >= start) & (original["onset"] < start + 12 * 72)]
        assert (passage.split, passage.end) == (8 * 72, 12 * 72)
        assert passage.seed.metres == passage.continuation.metres == (Metre(0, 3, 4),)
        assert len(passage.seed) + len(passage.continuation) == len(part)
        assert join(passage.seed, passage.continuation, passage.split).notes["pitch"].tolist() == part["pitch"].tolist()


def test_every_piece_gives_a_passage_before_any_gives_a_second() -> None:
    pieces = [walk(0, 400), *(walk(number, 30) for number in range(1, 6))]
    found = held_out(pieces, np.random.default_rng(1), 12, seed_bars=4, bars=4)
    assert Counter(passage.name for passage in found) == {f"{number}.mid": 2 for number in range(6)}


def test_continuations_overlap_only_if_there_are_no_others_left() -> None:
    pieces = [walk(number, 40) for number in range(3)]
    few = held_out(pieces, np.random.default_rng(1), 18, seed_bars=8, bars=4)
    assert not any(passage.overlaps for passage in few)
    for number in range(3):
        starts = sorted(passage.bar for passage in few if passage.name == f"{number}.mid")
        assert all(np.diff(starts) >= 4)
    many = held_out(pieces, np.random.default_rng(1), 60, seed_bars=8, bars=4)
    assert len(many) == 60
    assert [passage.overlaps for passage in many] == sorted(passage.overlaps for passage in many)
    assert len({(passage.name, passage.bar) for passage in many}) == 60


def test_the_random_seed_determines_the_passages() -> None:
    pieces = [walk(number, 100) for number in range(4)]

    def bars(random_seed: int) -> list[tuple[str, int]]:
        return [(p.name, p.bar) for p in held_out(pieces, np.random.default_rng(random_seed), 12)]

    assert bars(1) == bars(1)
    assert bars(1) != bars(2)


def test_sparse_music_and_changes_of_metre_are_left_out() -> None:
    good = walk(1, 60)
    sparse = replace(walk(2, 60, per_bar=2), source="sparse")
    changing = replace(
        walk(3, 60), source="changing", metres=(Metre(0, 4, 4), *(Metre(96 * bar, 3 + bar % 2, 4) for bar in (5, 10)))
    )
    found = held_out([good, sparse, changing], np.random.default_rng(1), 40, seed_bars=4, bars=4)
    assert {passage.name for passage in found} == {"1.mid", "changing"}
    for passage in found:
        assert min(len(passage.seed), len(passage.continuation)) >= FEWEST_NOTES
        assert len(passage.piece.metres) == 1
        assert passage.end == 8 * passage.piece.metres[0].bar_ticks


def test_a_seed_has_an_onset_in_its_last_bar() -> None:
    notes = walk(1, 60).notes
    silent = walk(1, 60).notes["onset"] // 96 % 5 == 4
    found = held_out([Piece(notes[~silent], source="x")], np.random.default_rng(1), 40, seed_bars=4, bars=4)
    assert all(passage.seed.notes["onset"][-1] >= 3 * 96 for passage in found)


def test_too_little_music_is_refused() -> None:
    with pytest.raises(DataError, match=r"8 passages of 24 whole bars .* it contains 0"):
        held_out([walk(1, 20)], np.random.default_rng(1), 20)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"continuations": 3}, "from 8 to 10000, not 3"),
        ({"continuations": 20, "bars": 1}, "from 2 to 64, not 1"),
        ({"continuations": 20, "bars": 65}, "not 65"),
        ({"continuations": 20, "seed_bars": 0}, "from 1 to 32, not 0"),
        ({"continuations": 20, "random_seed": -1}, "random seed"),
    ],
)
def test_a_trial_validates_its_numbers(options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        Trial(**options)


# Scores


def test_every_score_is_computed_and_only_the_continuation_is_scored() -> None:
    passage = passages()[0]
    found = scores_of(passage, passage.continuation)
    assert set(found) == {*MUSICAL, *loops.SCORES, *structure.SCORES}
    assert found["notes_per_bar"] == 12.0  # no extra bar at the end
    copied = scores_of(passage, replace(passage.seed, metres=passage.continuation.metres))
    assert copied["notes_8"] == 1.0
    assert copied["repeated_figures"] > 0.9 > found["repeated_figures"]


def test_a_long_last_note_adds_no_bar() -> None:
    passage = passages()[0]
    notes = passage.continuation.notes.copy()
    notes["duration"][-1] = 500
    assert scores_of(passage, replace(passage.continuation, notes=notes))["notes_per_bar"] == 12.0


def test_human_continuations_compared_with_themselves_show_no_difference() -> None:
    given = passages(16)
    found = compare(given, [passage.continuation for passage in given], own_works(given), np.random.default_rng(1), resamples=20)
    assert found["musicality"]["share_of_ceiling"]["mean"] == 1.0
    assert found["musicality"]["mean_overlapping_area"]["mean"] == found["musicality"]["ceiling"]["mean"] > 0.5
    for group in (found["musicality"]["features"], found["loops"], found["structure"]):
        for score in group.values():
            assert score["difference"] == {"mean": 0.0, "interval": [0.0, 0.0]}
            assert score["generated"] == score["people"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["passages"], found["works"]) == (16, 8)
    few = compare(given, [passage.continuation for passage in given], ["one"] * 16, np.random.default_rng(1), resamples=20)
    assert few["musicality"]["share_of_ceiling"] == {"mean": 1.0, "interval": [None, None]}
    assert few["loops"]["looping"]["people"]["interval"] == [None, None]


def test_every_kind_of_score_separates_a_repeated_note_from_human_music() -> None:
    given = passages(16)
    onset = np.arange(32) * 12
    dull = Piece(make_notes(onset, [60] * 32, [12] * 32, [64] * 32))
    found = compare(given, [dull] * 16, own_works(given), np.random.default_rng(1), resamples=20)
    assert found["loops"]["looping"]["generated"]["mean"] == 1.0
    assert found["loops"]["looping"]["people"]["mean"] == 0.0
    assert found["loops"]["looping"]["difference"]["interval"] == [1.0, 1.0]
    assert found["musicality"]["share_of_ceiling"]["mean"] < 0.9
    assert found["musicality"]["features"]["pitch_class_entropy"]["overlapping_area"]["mean"] < 0.2
    low = found["structure"]["notes_1"]["difference"]["interval"][0]
    assert low > 0.5
    assert (
        found["loops"]["repeated_figures"]["generated"]["median"] > found["loops"]["repeated_figures"]["people"]["quartiles"][1]
    )


def test_the_mean_area_covers_the_five_fixed_features() -> None:
    given = passages(16)
    found = compare(
        given, [transpose(passage.continuation, 1) for passage in given], own_works(given), np.random.default_rng(1), resamples=20
    )["musicality"]
    fixed = [feature for feature in found["features"].values() if feature["in_mean"]]
    assert [name for name, feature in found["features"].items() if feature["in_mean"]] == list(musicality.FEATURES)
    mean = np.mean([feature["overlapping_area"]["mean"] for feature in fixed])
    assert found["mean_overlapping_area"]["mean"] == pytest.approx(mean, abs=1e-3)


def test_passages_shared_with_training_pieces_are_compared_with_human_ones() -> None:
    given = passages(16)
    known = walk(99, 48)
    copied = Piece(known.notes[:48], source="copied")
    human = [passage.continuation for passage in given]
    found = compare(given, [copied, *human[1:]], own_works(given), np.random.default_rng(1), build_index([known]), resamples=20)[
        "originality"
    ]
    assert found["longest"]["difference"]["mean"] == pytest.approx((48 - found_length(given, known)) / 16, abs=1e-3)
    assert found["above_people_95"]["generated"]["mean"] == pytest.approx(1 / 16, abs=0.07)
    assert compare(given, human, own_works(given), np.random.default_rng(1), resamples=2)["originality"] is None


def found_length(given: list[Passage], known: Piece) -> int:
    """Notes that the first human continuation shares with the known piece."""
    return build_index([known]).longest(given[0].continuation).notes


def test_a_human_continuation_is_not_compared_with_its_own_piece() -> None:
    given = passages(16)
    pieces = [walk(number, 48) for number in range(4)]
    found = compare(
        given,
        [passage.continuation for passage in given],
        own_works(given),
        np.random.default_rng(1),
        build_index(pieces),
        resamples=20,
    )["originality"]
    assert found["longest"]["generated"]["mean"] == 48.0  # copied entirely from known pieces
    assert found["longest"]["people"]["mean"] < 10


# The whole comparison


def test_each_seed_is_continued_in_its_metre_for_the_same_number_of_bars(small_checkpoint: Checkpoint) -> None:
    pieces = [walk(1, 60), walk(2, 60, Metre(0, 3, 4))]
    given = held_out(pieces, np.random.default_rng(1), 8, seed_bars=4, bars=3)
    written = list(continued(small_checkpoint, given, SamplingOptions()))
    assert len(written) == 8
    for passage, continuation in zip(given, written, strict=True):
        assert continuation.metres == passage.continuation.metres
        assert continuation.tempi == passage.continuation.tempi
        assert continuation.end >= passage.end - passage.split
        assert 0 <= continuation.notes["onset"].min() <= continuation.notes["onset"].max() < passage.end - passage.split


def test_the_same_trial_gives_the_same_figures_and_reports_each_continuation(small_checkpoint: Checkpoint) -> None:
    pieces = [walk(number, 40) for number in range(3)]
    reported: list[tuple[int, int]] = []
    trial = Trial(9, seed_bars=4, bars=3, random_seed=3, sampling=SamplingOptions(diversity=1.1))

    def report(done: int, total: int) -> None:
        reported.append((done, total))

    first, again = (compare_continuations(small_checkpoint, pieces, trial, report) for _ in range(2))
    assert first == again
    assert reported == [(done, 9) for done in range(1, 10)] * 2
    settings = {"passages": 9, "seed_bars": 4, "bars": 3, "random_seed": 3, "diversity": 1.1, "loop_guard": True}
    assert {name: first[name] for name in settings} == settings
    json.dumps(first, allow_nan=False)
