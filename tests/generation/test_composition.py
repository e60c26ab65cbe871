"""Composing: a request becomes takes of the requested length, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from critics import critic_for

from musiclstm.api import request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.generation.changes import played_so
from musiclstm.generation.composition import (
    Composition,
    compose,
    compose_stream,
    extension_request,
    performed,
)
from musiclstm.generation.request import CLOSING, OPEN_ENDED, ComposeRequest
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes
from musiclstm.music.performance import Performance
from musiclstm.scoring.critic import Critic
from musiclstm.seeds.seed import Seed, seed_from_piece

WILD = SamplingOptions(diversity=1.0, top_p=1.0)


def request_for(checkpoint: Checkpoint, seed: int | Seed = 0, **options: Any) -> ComposeRequest:
    """A request for four takes of eight bars, unless ``options`` say otherwise."""
    seed = checkpoint.seeds[seed] if isinstance(seed, int) else seed
    performance = Performance(**{name: options.pop(name) for name in ("instrument", "tempo", "transposition") if name in options})
    usual: dict[str, Any] = {"bars": 8, "takes": 4, "sampling": WILD, "performance": performance}
    return ComposeRequest(seed, **(usual | options))


def notes(composition: Composition) -> list[list[tuple[int, ...]]]:
    return [[tuple(row) for row in take.continuation.notes.tolist()] for take in composition.takes]


# Bars


@pytest.mark.parametrize("tune", [0, 1, 2])
@pytest.mark.parametrize("bars", [1, 3, 12])
def test_a_continuation_fills_exactly_the_requested_bars(small_checkpoint: Checkpoint, tune: int, bars: int) -> None:
    composition = compose(small_checkpoint, request_for(small_checkpoint, tune, bars=bars))
    metre = small_checkpoint.seeds[tune].piece.metres[0]
    assert composition.finished
    assert composition.bars == bars
    assert len(composition.takes) == 4
    for take in composition.takes:
        onset = take.continuation.notes["onset"]
        assert len(onset) > 0
        assert onset.min() >= 0
        assert onset.max() < bars * metre.bar_ticks
        assert take.continuation.metres == (metre,)
        last = take.continuation.notes[onset == onset.max()]
        assert (last["onset"] + last["duration"] >= bars * metre.bar_ticks).all()


def test_after_a_bar_longer_than_any_step_nothing_begins_before_the_bar_line(small_checkpoint: Checkpoint) -> None:
    onsets, pitches = [0, 48, 96, 144, *[192] * 12, *[384] * 3], [60, 62, 64, 65, *range(50, 62), 48, 55, 64]
    long = Piece(make_notes(onsets, pitches, [48] * 4 + [192] * 15, [64] * 19), metres=(Metre(0, 4, 2),))
    seed = seed_from_piece(long)
    assert seed.end - long.notes["onset"][-1] > small_checkpoint.vocabulary.steps[-1]
    for random_seed in range(3):
        composition = compose(small_checkpoint, request_for(small_checkpoint, seed, bars=2, random_seed=random_seed))
        assert composition.split == 3 * 192
        for take in composition.takes:
            assert take.continuation.notes["onset"][0] == 0  # the longest step leads exactly to the bar line
            assert take.continuation.notes["onset"].max() < 2 * 192


def test_the_continuation_keeps_the_metre_of_the_seeds_last_bar(small_checkpoint: Checkpoint) -> None:
    march = small_checkpoint.seeds[0]
    other = replace(march, piece=replace(march.piece, metres=(Metre(0, 4, 4), Metre(march.end, 3, 4))))
    composition = compose(small_checkpoint, request_for(small_checkpoint, other, bars=3))
    for take in composition.takes:
        assert take.continuation.metres == (Metre(0, 4, 4),)
        assert take.joined.metres == (Metre(0, 4, 4),)


# Reproducibility, ranking and endings


def test_the_same_request_gives_the_same_notes(small_checkpoint: Checkpoint) -> None:
    first, second = (compose(small_checkpoint, request_for(small_checkpoint)) for _ in range(2))
    assert notes(first) == notes(second)
    assert first.takes[0].joined == second.takes[0].joined


def test_every_take_of_every_random_seed_is_different(small_checkpoint: Checkpoint) -> None:
    first, second = (notes(compose(small_checkpoint, request_for(small_checkpoint, random_seed=seed))) for seed in (1, 2))
    different = {tuple(take) for take in first + second}
    assert len(different) == 8


def test_a_single_take_equals_the_first_of_four(small_checkpoint: Checkpoint) -> None:
    four, one = (compose(small_checkpoint, request_for(small_checkpoint, takes=takes)) for takes in (4, 1))
    assert notes(one) == notes(four)[:1]


def judged_by(checkpoint: Checkpoint, critic: Critic) -> Checkpoint:
    """The checkpoint with a critic."""
    return replace(checkpoint, critic=critic)


def test_finished_takes_are_sorted_by_score_and_keep_their_numbers(small_checkpoint: Checkpoint) -> None:
    judged = judged_by(small_checkpoint, critic_for("pitch", -1.0))
    first, *_, last = compose_stream(judged, request_for(judged, bars=32, candidates=1))
    assert [take.number for take in first.takes] == [0, 1, 2, 3]
    assert {take.score for take in first.takes} == {None}
    scores = [take.score for take in last.takes]
    assert scores == sorted(scores, key=lambda score: -(score or 0.0))
    assert None not in scores
    plain = notes(compose(small_checkpoint, request_for(small_checkpoint, bars=32)))
    assert [plain[take.number] for take in last.takes] == notes(last)


def test_without_a_critic_takes_stay_in_order(small_checkpoint: Checkpoint) -> None:
    takes = compose(small_checkpoint, request_for(small_checkpoint)).takes
    assert [(take.number, take.score) for take in takes] == [(0, None), (1, None), (2, None), (3, None)]


# Candidates


def height(composition: Composition) -> float:
    return float(np.mean([take.continuation.notes["pitch"].mean() for take in composition.takes]))


@pytest.mark.parametrize("tune", [0, 1, 2])
@pytest.mark.parametrize("bars", [1, 3, 12])
def test_chosen_phrases_fill_exactly_the_requested_bars(small_checkpoint: Checkpoint, tune: int, bars: int) -> None:
    judged = judged_by(small_checkpoint, critic_for("pitch"))
    *_, composition = compose_stream(judged, request_for(judged, tune, bars=bars, takes=2, candidates=4))
    bar = small_checkpoint.seeds[tune].piece.metres[0].bar_ticks
    assert (composition.finished, composition.bars, len(composition.takes)) == (True, bars, 2)
    for take in composition.takes:
        onset = take.continuation.notes["onset"]
        assert onset.min() >= 0
        assert onset.max() < bars * bar
        assert set(range(max(1, bars // 2))) <= set((onset // (2 * bar)).tolist())  # each phrase has notes


def test_the_critic_decides_which_phrases_stay(small_checkpoint: Checkpoint) -> None:
    low, high = (
        height(compose(judged_by(small_checkpoint, critic_for("pitch", sign)), request_for(small_checkpoint, candidates=4)))
        for sign in (-1.0, 1.0)
    )
    plain = height(compose(small_checkpoint, request_for(small_checkpoint)))
    assert low < plain - 1 < plain + 1 < high


def test_more_candidates_are_written_while_none_is_good(small_checkpoint: Checkpoint) -> None:
    def written(mood: float, **options: Any) -> Composition:
        judged = judged_by(small_checkpoint, critic_for("pitch", mood=mood))
        return compose(judged, request_for(judged, takes=1, bars=2, candidates=4, **options))

    pleased, displeased = written(1000.0), written(-1000.0)
    assert height(displeased) > height(pleased)  # the best of twelve and the best of four
    hurried = written(-1000.0, attempts=1)
    assert notes(hurried) == notes(pleased)
    assert hurried.recipe["attempts"] == 1


def test_chosen_takes_are_the_same_every_time_differ_and_do_not_depend_on_each_other(small_checkpoint: Checkpoint) -> None:
    judged = judged_by(small_checkpoint, critic_for("legato"))
    request = request_for(judged, candidates=4)
    four, again = (compose(judged, request) for _ in range(2))
    assert notes(four) == notes(again)
    assert len({tuple(take) for take in notes(four)}) == 4
    alone = notes(compose(judged, replace(request, takes=1)))
    by_number = {take.number: played for take, played in zip(four.takes, notes(four), strict=True)}
    assert alone == [by_number[0]]


def test_chosen_music_grows_by_phrases_and_its_first_bars_can_be_composed_alone(small_checkpoint: Checkpoint) -> None:
    judged = judged_by(small_checkpoint, critic_for("pitch"))
    grown = list(compose_stream(judged, request_for(judged, takes=1, bars=8, candidates=4)))
    assert [composition.bars for composition in grown] == [2, 4, 6, 8]
    half = compose(judged, request_for(judged, takes=1, bars=4, ending=8, candidates=4))
    for name in ("onset", "pitch"):
        assert np.array_equal(half.takes[0].continuation.notes[name], grown[1].takes[0].continuation.notes[name])


def test_chosen_music_closes_and_is_extended(small_checkpoint: Checkpoint) -> None:
    judged = judged_by(small_checkpoint, critic_for("pitch"))
    bar = judged.seeds[0].piece.metres[0].bar_ticks
    first = compose(judged, request_for(judged, takes=1, bars=7, candidates=4))
    onset = first.takes[0].continuation.notes["onset"]
    assert set(onset[onset >= 6 * bar].tolist()) == {6 * bar}
    longer = compose(judged, extension_request(first, 0, bars=4))
    assert longer.bars == 10
    kept = longer.takes[0].continuation.notes
    assert np.array_equal(
        kept["pitch"][: int((onset < 6 * bar).sum())], first.takes[0].continuation.notes["pitch"][onset < 6 * bar]
    )
    assert longer.recipe["after"]["recipe"]["candidates"] == 4


@pytest.mark.parametrize("candidates", [0, 17, True, 2.0])
def test_an_impossible_number_of_candidates_is_refused(small_checkpoint: Checkpoint, candidates: Any) -> None:
    with pytest.raises(OptionError, match=r"The number of candidates must be a whole number from 1 to 16"):
        request_for(small_checkpoint, candidates=candidates)


def test_the_ending_changes_the_notes(small_checkpoint: Checkpoint) -> None:
    closed, open_ended = (
        compose(small_checkpoint, request_for(small_checkpoint, ending=ending)) for ending in (None, OPEN_ENDED)
    )
    assert notes(closed) != notes(open_ended)
    assert notes(closed) == notes(compose(small_checkpoint, request_for(small_checkpoint, ending=8)))
    assert open_ended.recipe["ending"] == OPEN_ENDED


@pytest.mark.parametrize("tune", [0, 1, 2])
def test_an_ending_is_one_chord_on_the_first_beat_of_the_last_bar(small_checkpoint: Checkpoint, tune: int) -> None:
    bar = small_checkpoint.seeds[tune].piece.metres[0].bar_ticks
    for bars in (CLOSING, 8):
        for take in compose(small_checkpoint, request_for(small_checkpoint, tune, bars=bars)).takes:
            onset = take.continuation.notes["onset"]
            assert set(onset[onset >= (bars - 1) * bar].tolist()) == {(bars - 1) * bar}
    last_bars = [
        take.continuation.notes["onset"][-1]
        for take in compose(small_checkpoint, request_for(small_checkpoint, tune, ending=9)).takes
    ]
    assert any(onset > 7 * bar for onset in last_bars)  # without an ending the music fills its last bar


def test_very_short_continuations_are_left_open(small_checkpoint: Checkpoint) -> None:
    few = request_for(small_checkpoint, bars=CLOSING - 1)
    assert notes(compose(small_checkpoint, few)) == notes(compose(small_checkpoint, replace(few, ending=OPEN_ENDED)))


def test_the_first_bars_of_a_longer_piece_can_be_composed_alone(small_checkpoint: Checkpoint) -> None:
    whole = compose(small_checkpoint, request_for(small_checkpoint, bars=8))
    half = compose(small_checkpoint, request_for(small_checkpoint, bars=4, ending=8))
    until = 4 * small_checkpoint.seeds[0].piece.metres[0].bar_ticks
    for alone, longer in zip(half.takes, whole.takes, strict=True):
        first = longer.continuation.notes[longer.continuation.notes["onset"] < until]
        assert np.array_equal(alone.continuation.notes[["onset", "pitch"]], first[["onset", "pitch"]])


@pytest.mark.parametrize("ending", [7, 0, OPEN_ENDED + 1, True, 8.0, "never"])
def test_an_ending_before_the_last_bar_is_refused(small_checkpoint: Checkpoint, ending: Any) -> None:
    with pytest.raises(OptionError, match=r"The bar of the ending must be a whole number from 8 to 1000"):
        request_for(small_checkpoint, ending=ending)


def test_a_recipe_contains_the_whole_request(small_checkpoint: Checkpoint) -> None:
    options: dict[str, Any] = {"bars": 2, "random_seed": 2**32 - 1, "tempo": 72.0, "instrument": "harp", "ending": 5}
    options["transposition"] = 2
    recipe = compose(small_checkpoint, request_for(small_checkpoint, 1, **options)).recipe
    assert json.loads(json.dumps(recipe)) == recipe
    other = compose(small_checkpoint, request_for(small_checkpoint, 2, **options)).recipe
    digest = recipe.pop("seed_digest")
    assert len(digest) == len(recipe.pop("checkpoint_digest")) == 16
    assert digest != other["seed_digest"]  # so a seed with the same name but other notes is noticed
    sampling = {"diversity": 1.0, "top_p": 1.0, "loop_guard": True}
    assert recipe == options | sampling | {
        "program": "musiclstm",
        "checkpoint": "small",
        "revision": "bundled",
        "seed": "waltz",
        "takes": 4,
        "candidates": 8,
    }


# Seed and continuation joined


@pytest.mark.parametrize("tune", [0, 1, 2])
def test_joined_is_the_seed_followed_by_the_continuation_at_the_bar_line(small_checkpoint: Checkpoint, tune: int) -> None:
    composition = compose(small_checkpoint, request_for(small_checkpoint, tune))
    seed = small_checkpoint.seeds[tune]
    assert composition.split == seed.end
    assert composition.split % seed.piece.metres[0].bar_ticks == 0
    for take in composition.takes:
        joined, continuation = take.joined.notes, take.continuation.notes
        before = joined[joined["onset"] < composition.split]
        after = joined[joined["onset"] >= composition.split]
        assert before[["onset", "pitch", "velocity"]].tolist() == seed.piece.notes[["onset", "pitch", "velocity"]].tolist()
        assert (after["onset"] - composition.split).tolist() == continuation["onset"].tolist()
        for name in ("pitch", "duration", "velocity"):
            assert after[name].tolist() == continuation[name].tolist()
        assert (take.joined.metres, take.joined.tempi) == (seed.piece.metres, seed.piece.tempi)


def test_another_tempo_changes_no_note(small_checkpoint: Checkpoint) -> None:
    plain, slow = (compose(small_checkpoint, request_for(small_checkpoint, tempo=tempo)) for tempo in (None, 50))
    assert notes(plain) == notes(slow)
    assert plain.seed.tempi == plain.takes[0].continuation.tempi == plain.takes[0].joined.tempi == (Tempo(0, 120.0),)
    assert slow.seed.tempi == slow.takes[0].continuation.tempi == slow.takes[0].joined.tempi == (Tempo(0, 50.0),)


def test_a_take_that_is_played_in_another_way_is_the_one_that_would_have_been_written(small_checkpoint: Checkpoint) -> None:
    harp = Performance("harp", 90.0, 3)
    ways = (Performance(), harp)
    plain, other = (compose(small_checkpoint, request_for(small_checkpoint, takes=2, performance=way)) for way in ways)
    assert played_so(plain, harp) == other
    assert played_so(other, Performance()) == plain
    longer = compose(small_checkpoint, extension_request(other, 1, bars=3))
    again = played_so(longer, Performance())
    assert again.takes[0].joined == compose(small_checkpoint, request_from(small_checkpoint, again.recipe)).takes[0].joined


# While it grows


def test_a_composition_only_grows_and_ends_finished(small_checkpoint: Checkpoint) -> None:
    grown = list(compose_stream(small_checkpoint, request_for(small_checkpoint, bars=40)))
    assert len(grown) > 2
    assert [composition.finished for composition in grown] == [False] * (len(grown) - 1) + [True]
    for before, after in pairwise(grown):
        assert before.bars <= after.bars
        for old, new in zip(before.takes, after.takes, strict=True):
            known = len(old.continuation)
            assert known <= len(new.continuation)
            for name in ("onset", "pitch", "velocity"):
                assert np.array_equal(old.continuation.notes[name], new.continuation.notes[name][:known])
    assert grown[0].bars < grown[-1].bars == 40


def test_an_unfinished_take_ends_with_its_current_bar(small_checkpoint: Checkpoint) -> None:
    first = next(compose_stream(small_checkpoint, request_for(small_checkpoint, bars=32)))
    for take in first.takes:
        onset, bar = take.continuation.notes["onset"], 96
        assert first.bars <= onset[-1] // bar
        ringing = 96  # the longest duration there is
        assert take.continuation.end <= (onset[-1] // bar + 1) * bar + ringing
        last = take.continuation.notes[onset == onset[-1]]
        assert (last["onset"] + last["duration"] >= (onset[-1] // bar + 1) * bar).all()


def test_loops_count_the_times_the_guard_stepped_in(small_checkpoint: Checkpoint) -> None:
    drum = Piece(make_notes(np.arange(32) * 24, [60] * 32, [24] * 32, [64] * 32))
    seed = seed_from_piece(drum)
    on = compose(small_checkpoint, request_for(small_checkpoint, seed))
    off = compose(small_checkpoint, request_for(small_checkpoint, seed, sampling=SamplingOptions(loop_guard=False)))
    for take in on.takes:
        assert 1 <= take.loops <= take.guarded < len(take.continuation)
    assert [(take.loops, take.guarded) for take in off.takes] == [(0, 0)] * 4


# Valid requests


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"bars": 0}, "bars must be a whole number from 1 to 64, not 0"),
        ({"bars": 65}, "from 1 to 64, not 65"),
        ({"bars": 2.5}, "not 2.5"),
        ({"bars": True}, "not True"),
        ({"bars": "8"}, "whole number"),
        ({"takes": 0}, "takes must be a whole number from 1 to 8, not 0"),
        ({"takes": 9}, "not 9"),
        ({"random_seed": -1}, "not -1"),
        ({"random_seed": 2**32}, "from 0 to 4294967295"),
        ({"tempo": 19.9}, "between 20 and 400"),
        ({"tempo": 401}, "not 401"),
        ({"tempo": float("nan")}, "not nan"),
        ({"tempo": "fast"}, "not fast"),
        ({"tempo": True}, "not True"),
        ({"instrument": "kazoo"}, "piano.*not 'kazoo'"),
        ({"instrument": 5}, "not 5"),
    ],
    ids=str,
)
def test_a_setting_out_of_range_is_refused(small_checkpoint: Checkpoint, options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        request_for(small_checkpoint, **options)


@pytest.mark.parametrize("diversity", [-1, 99, float("nan"), 0])
def test_a_diversity_out_of_range_is_refused(diversity: float) -> None:
    with pytest.raises(OptionError, match=r"Diversity must lie between 0\.1 and 2"):
        SamplingOptions(diversity=diversity)


# Extending, transposing, repeating


def test_an_extension_keeps_the_take_and_adds_to_it(small_checkpoint: Checkpoint) -> None:
    first = compose(small_checkpoint, request_for(small_checkpoint, bars=4, ending=OPEN_ENDED))
    longer = compose(small_checkpoint, extension_request(first, 1, bars=3, random_seed=9))
    old = next(take for take in first.takes if take.number == 1).continuation
    new = longer.takes[0].continuation
    assert longer.bars == 7
    assert longer.split == first.split
    # A note may end earlier than before, if its key is struck again.
    assert new.notes[["onset", "pitch", "velocity"]][: len(old)].tolist() == old.notes[["onset", "pitch", "velocity"]].tolist()
    later = new.notes["onset"][len(old) :]
    bar = first.seed.metres[0].bar_ticks
    assert len(later)
    assert (later >= 4 * bar).all()
    assert (later < 7 * bar).all()
    third = compose(small_checkpoint, extension_request(longer, 0, bars=2, random_seed=3))
    assert third.bars == 9


def test_a_take_with_an_ending_is_extended_from_the_start_of_its_last_bar(small_checkpoint: Checkpoint) -> None:
    closed = compose(small_checkpoint, request_for(small_checkpoint, bars=6, takes=1))
    longer = compose(small_checkpoint, extension_request(closed, 0, bars=4))
    bar = closed.seed.metres[0].bar_ticks
    before = closed.takes[0].continuation.notes
    kept = before[before["onset"] < 5 * bar][["onset", "pitch"]]
    assert longer.bars == 9
    assert longer.takes[0].continuation.notes[["onset", "pitch"]][: len(kept)].tolist() == kept.tolist()


def test_the_recipe_of_an_extension_gives_the_same_notes(small_checkpoint: Checkpoint) -> None:
    own = seed_from_piece(replace(small_checkpoint.seeds[0].piece, title="Mine", source="mine.mid"))
    first = compose(small_checkpoint, request_for(small_checkpoint, own, bars=4))
    longer = compose(
        small_checkpoint,
        extension_request(first, first.takes[1].number, bars=5, random_seed=2, performance=Performance(transposition=-2)),
    )
    settings = json.loads(json.dumps(longer.recipe))
    assert settings["own_seed"]["title"] == "Mine"
    assert "own_seed" not in settings["after"]["recipe"]
    again = compose(small_checkpoint, request_from(small_checkpoint, settings))
    assert again.takes[0].joined == longer.takes[0].joined
    assert again.recipe == longer.recipe


def test_an_impossible_extension_is_refused(small_checkpoint: Checkpoint) -> None:
    first = compose(small_checkpoint, request_for(small_checkpoint, bars=2, takes=1))
    with pytest.raises(OptionError, match="no take number 5"):
        extension_request(first, 5)
    with pytest.raises(OptionError, match="can't go on after bar 9 of 2"):
        request_from(small_checkpoint, first.recipe | {"after": {"recipe": first.recipe, "number": 0, "bars": 9}})
    with pytest.raises(OptionError, match="no take number 3 with 2 bars"):
        request_from(small_checkpoint, first.recipe | {"after": {"recipe": first.recipe, "number": 3, "bars": 2}})
    damaged = first.recipe | {"own_seed": {"title": "?"}}
    with pytest.raises(OptionError, match="own seed is damaged"):
        request_from(small_checkpoint, damaged)


def test_a_foreign_recipe_reads_no_local_file(small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["jig"], tmp_path / "private.mid")
    settings = {"seed": str(tmp_path / "private.mid"), "bars": 1}
    with pytest.raises(OptionError, match="There is no seed called"):
        request_from(small_checkpoint, settings)
    assert request_from(small_checkpoint, settings, files=True).seed.title == "Jig"


def test_a_transposition_changes_the_output_but_not_the_composed_notes(small_checkpoint: Checkpoint) -> None:
    plain = compose(small_checkpoint, request_for(small_checkpoint, bars=2, takes=1))
    higher = compose(small_checkpoint, request_for(small_checkpoint, bars=2, takes=1, transposition=5))
    assert higher.takes[0].joined == plain.takes[0].joined
    assert performed(plain) == plain
    sounding = performed(higher)
    assert (sounding.takes[0].joined.notes["pitch"] == plain.takes[0].joined.notes["pitch"] + 5).all()
    assert (sounding.seed.notes["pitch"] == plain.seed.notes["pitch"] + 5).all()
    for semitones in (-13, 13, 1.5):
        with pytest.raises(OptionError, match="transposition"):
            request_for(small_checkpoint, transposition=semitones)
