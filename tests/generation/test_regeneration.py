"""Bars written anew: everything around them stays to the note, they differ, and a recipe writes them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from critics import critic_for

from musiclstm import limits
from musiclstm.api import generate, request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import MusicFileError, OptionError
from musiclstm.formats.midi import read_midi, write_midi
from musiclstm.generation.check import differing_bars
from musiclstm.generation.composition import Composition, compose, compose_stream, extension_request, regeneration_request
from musiclstm.generation.link import link_from_recipe, recipe_from_link
from musiclstm.generation.recipe import nesting, parse_recipe, read_recipe
from musiclstm.generation.request import TIED, ComposeRequest, place_of
from musiclstm.generation.summary import summary
from musiclstm.music.notes import Metre, Notes, Piece, make_notes
from musiclstm.seeds.seed import Seed, seed_from_file, seed_from_piece

BAR = 96


def outside(notes: Notes, begin: int, stop: int) -> list[tuple[int, ...]]:
    """The notes that begin before tick ``begin`` or from ``stop`` on."""
    return [tuple(row) for row in notes[(notes["onset"] < begin) | (notes["onset"] >= stop)].tolist()]


def inside(notes: Notes, begin: int, stop: int) -> Notes:
    return notes[(notes["onset"] >= begin) & (notes["onset"] < stop)]


def scale(bars: int, **named: Any) -> Piece:
    """Eighths up and down."""
    onset = np.arange(8 * bars) * 12
    return Piece(make_notes(onset, 60 + np.arange(8 * bars) % 8, np.full(8 * bars, 12), np.full(8 * bars, 64)), **named)


@pytest.fixture(scope="module")
def take(small_checkpoint: Checkpoint) -> Composition:
    """A take of eight bars after the eight of the march, with an ending."""
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=8, candidates=1))


def test_all_notes_around_the_bars_stay_and_the_bars_differ(small_checkpoint: Checkpoint, take: Composition) -> None:
    before = take.takes[0]
    changed = compose(small_checkpoint, regeneration_request(take, 0, 11, 12, takes=3, candidates=2))
    assert (changed.bars, changed.fresh, changed.split) == (8, 2, take.split)
    assert changed.seed == take.seed
    versions = {before.joined.notes.tobytes()}
    for new in changed.takes:
        assert outside(new.joined.notes, 10 * BAR, 12 * BAR) == outside(before.joined.notes, 10 * BAR, 12 * BAR)
        assert len(inside(new.joined.notes, 10 * BAR, 12 * BAR)) > 0
        assert outside(new.continuation.notes, 2 * BAR, 4 * BAR) == outside(before.continuation.notes, 2 * BAR, 4 * BAR)
        versions.add(new.joined.notes.tobytes())
    assert len(versions) == 4


def test_bars_of_a_seed_and_of_a_whole_file_can_be_changed(
    small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path: Path
) -> None:
    waltz = small_checkpoint.seeds[1]
    line = 3 * waltz.piece.metres[0].bar_ticks
    new = compose(small_checkpoint, ComposeRequest(waltz, bars=1, regenerate=4, candidates=2))
    assert outside(new.takes[0].joined.notes, line, line + 72) == outside(waltz.piece.notes, line, line + 72)
    assert new.split == line
    assert new.takes[0].joined.metres == waltz.piece.metres
    write_midi(scale(40), tmp_path / "long.mid")
    given = read_midi(tmp_path / "long.mid").notes  # all of one velocity, which stays
    written = (
        generate(tmp_path / "long.mid", checkpoint=small_checkpoint, bars=2, regenerate=30, candidates=2).takes[0].joined.notes
    )
    assert outside(written, 29 * BAR, 31 * BAR) == outside(given, 29 * BAR, 31 * BAR)
    assert len(given) == 320


def test_what_is_held_over_either_edge_stays_and_nothing_new_is(small_checkpoint: Checkpoint) -> None:
    tune = scale(8)
    held = [(3 * BAR - 24, 48, 24 + BAR, 70), (5 * BAR - 36, 84, 36 + TIED, 70)]  # into bar 4, and out of bar 5
    rows = [tuple(row) for row in tune.notes.tolist()] + held
    onset, pitch, duration, velocity = zip(*rows, strict=True)
    seed = seed_from_piece(replace(tune, notes=make_notes(onset, pitch, duration, velocity)))
    kept = {tuple(row) for row in seed.piece.notes.tolist() if row[:3] in ([r[:3] for r in held])}
    assert len(kept) == 2
    for random_seed in range(4):
        request = ComposeRequest(seed, bars=2, regenerate=4, random_seed=random_seed, candidates=2)
        for new in compose(small_checkpoint, request).takes:
            notes = new.joined.notes
            assert kept <= {tuple(row) for row in notes.tolist()}
            fresh = [row for row in inside(notes, 3 * BAR, 5 * BAR).tolist() if tuple(row) not in kept]
            assert fresh
            assert all(onset + duration <= 5 * BAR for onset, _, duration, _ in fresh)
            assert not any(row[1] == 48 and row[0] < 4 * BAR for row in fresh)  # that key is down


def test_a_note_hardly_longer_than_its_bar_is_not_held_over(small_checkpoint: Checkpoint) -> None:
    tune = scale(6)
    notes = tune.notes.copy()
    notes["duration"][31] += TIED - 1
    place = place_of(ComposeRequest(seed_from_piece(replace(tune, notes=notes)), bars=1, regenerate=4))
    assert not place.held_over.any()


def test_new_last_bars_close_as_the_old_ones_did(small_checkpoint: Checkpoint, take: Composition) -> None:
    for new in compose(small_checkpoint, regeneration_request(take, 0, 15, 16, takes=2, candidates=2)).takes:
        last = new.joined.notes[new.joined.notes["onset"] >= 15 * BAR]
        assert set(last["onset"].tolist()) == {15 * BAR}
        assert (last["onset"] + last["duration"] == 16 * BAR).all()


def test_the_closing_bar_alone_is_a_new_closing_chord(small_checkpoint: Checkpoint, take: Composition) -> None:
    seed, old = small_checkpoint.seeds[0], take.takes[0].joined
    for changed in (seed_from_piece(old, (1, 16)), take):
        if isinstance(changed, Composition):
            request = regeneration_request(take, 0, 16, 16, candidates=2)
        else:
            request = ComposeRequest(changed, bars=1, regenerate=16, candidates=2)
        assert request.closes
        new = compose(small_checkpoint, request).takes[0].joined.notes
        assert outside(new, 15 * BAR, 16 * BAR) == outside(old.notes, 15 * BAR, 16 * BAR)
        assert set(new["onset"][new["onset"] >= 15 * BAR].tolist()) == {15 * BAR}
    assert not ComposeRequest(seed_from_piece(scale(8)), bars=1, regenerate=8).closes
    assert seed.end == 8 * BAR


def test_a_last_chord_that_rings_past_the_bar_line_is_new_too(small_checkpoint: Checkpoint) -> None:
    notes = scale(8).notes.copy()
    notes["duration"][-1] = 200
    seed = seed_from_piece(Piece(notes))
    new = compose(small_checkpoint, ComposeRequest(seed, bars=1, regenerate=8, candidates=2)).takes[0].joined.notes
    assert inside(new, 7 * BAR, 8 * BAR).tolist() != inside(notes, 7 * BAR, 8 * BAR).tolist()


def test_after_a_rest_of_bars_the_new_ones_begin_in_their_place(small_checkpoint: Checkpoint) -> None:
    notes = scale(8).notes
    notes = notes[(notes["onset"] < 2 * BAR) | (notes["onset"] >= 4 * BAR)].copy()
    seed = seed_from_piece(Piece(notes), (1, 8))
    new = compose(small_checkpoint, ComposeRequest(seed, bars=2, regenerate=5, candidates=2)).takes[0].joined.notes
    assert outside(new, 4 * BAR, 6 * BAR) == outside(seed.piece.notes, 4 * BAR, 6 * BAR)
    assert len(inside(new, 4 * BAR, 6 * BAR)) > 0


def test_a_second_change_leaves_what_the_first_one_left(small_checkpoint: Checkpoint) -> None:
    tune = scale(8)
    rows = [
        *(tuple(row) for row in tune.notes.tolist()),
        (2 * BAR - 6, 67, 150, 64),
    ]  # rings into bar 4, where it is struck again
    seed = seed_from_piece(replace(tune, notes=make_notes(*zip(*rows, strict=True))))
    once = compose(small_checkpoint, ComposeRequest(seed, bars=1, regenerate=3, candidates=2))
    twice = compose(small_checkpoint, regeneration_request(once, 0, 4, 4, candidates=2))
    before, after = once.takes[0].joined.notes, twice.takes[0].joined.notes
    assert outside(before, 3 * BAR, 4 * BAR) == outside(after, 3 * BAR, 4 * BAR)


def test_the_critic_decides_between_candidates(small_checkpoint: Checkpoint) -> None:
    request = ComposeRequest(seed_from_piece(scale(12)), bars=2, regenerate=5, candidates=2, random_seed=3)

    def height(sign: float) -> float:
        judged = replace(small_checkpoint, critic=critic_for("pitch", sign))
        return float(inside(compose(judged, request).takes[0].joined.notes, 4 * BAR, 6 * BAR)["pitch"].mean())

    assert height(1000.0) > height(-1000.0)


def test_what_makes_the_following_bars_likelier_is_preferred(
    small_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ComposeRequest(seed_from_piece(scale(12)), bars=1, regenerate=5, random_seed=3)

    def preferring(best: int, candidates: int) -> Piece:
        nats = 10.0 * (np.arange(candidates) == best)
        monkeypatch.setattr(type(small_checkpoint.decoder), "log_likelihood", lambda *_, **__: nats)
        return compose(small_checkpoint, replace(request, candidates=candidates)).takes[0].joined

    only = preferring(0, 1)
    assert preferring(0, 2) == only
    assert preferring(1, 2) != only


def test_a_recipe_writes_the_same_bars_even_of_changed_music(small_checkpoint: Checkpoint, take: Composition) -> None:
    once = compose(small_checkpoint, regeneration_request(take, 0, 10, 10, candidates=2))
    twice = compose(small_checkpoint, regeneration_request(once, 0, 13, 14, candidates=2, random_seed=7))
    again = compose(small_checkpoint, request_from(small_checkpoint, recipe_from_link(link_from_recipe(twice.recipe))))
    assert again.takes[0].joined == twice.takes[0].joined
    assert again.recipe == twice.recipe
    assert "regenerate" not in take.recipe
    own = compose(small_checkpoint, ComposeRequest(seed_from_piece(scale(8)), bars=1, regenerate=5, candidates=2))
    settings = parse_recipe(json.dumps(own.recipe))
    assert compose(small_checkpoint, request_from(small_checkpoint, settings)).takes[0].joined == own.takes[0].joined


def test_changed_music_can_be_extended(small_checkpoint: Checkpoint, take: Composition) -> None:
    changed = compose(small_checkpoint, regeneration_request(take, 0, 10, 11, candidates=2))
    longer = compose(small_checkpoint, extension_request(changed, 0, bars=2, candidates=1))
    assert longer.bars == 9  # without the closing bar
    assert longer.takes[0].joined.notes["pitch"][: len(take.seed)].tolist() == take.seed.notes["pitch"].tolist()
    opening = compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=1, regenerate=5, candidates=2))
    longer = compose(small_checkpoint, extension_request(opening, 0, bars=2, candidates=1))
    assert (opening.bars, longer.bars, longer.split) == (4, 6, 4 * BAR)
    both = [piece.takes[0].joined.notes[["onset", "pitch"]].tolist() for piece in (opening, longer)]
    assert both[1][: len(both[0])] == both[0]


def test_music_grows_by_phrases_and_what_is_not_reached_yet_is_the_old(small_checkpoint: Checkpoint, take: Composition) -> None:
    request = regeneration_request(take, 0, 10, 15, candidates=2)
    stages = list(compose_stream(small_checkpoint, request))
    assert [stage.fresh for stage in stages] == [2, 4, 6]
    assert [stage.finished for stage in stages] == [False, False, True]
    old = take.takes[0].joined.notes
    assert outside(stages[0].takes[0].joined.notes, 9 * BAR, 11 * BAR) == outside(old, 9 * BAR, 11 * BAR)


def other_metre(at: int) -> Seed:
    """Eight bars of 4/4, but 2/4 from bar ``at`` on."""
    return seed_from_piece(scale(8, metres=(Metre(0, 4, 4), Metre((at - 1) * BAR, 2, 4))))


def test_bars_after_a_change_of_metre_are_written_in_the_new_one(small_checkpoint: Checkpoint) -> None:
    seed = other_metre(4)
    place = place_of(ComposeRequest(seed, bars=2, regenerate=4))
    assert (place.begin, place.stop, place.metre) == (3 * BAR, 4 * BAR, Metre(0, 2, 4))
    new = compose(small_checkpoint, ComposeRequest(seed, bars=2, regenerate=4, candidates=2)).takes[0].joined
    assert new.metres == seed.piece.metres
    assert outside(new.notes, 3 * BAR, 4 * BAR) == outside(seed.piece.notes, 3 * BAR, 4 * BAR)


@pytest.mark.parametrize(
    ("regenerate", "bars", "says"),
    [
        (1, 1, "Only bars 2 to 8 can be regenerated \\(the first bar stays, since the model goes on from it\\), not 1 to 1"),
        (8, 2, "not 8 to 9"),
        (0, 1, "not 0 to 0"),
        (2.5, 1, "must be a whole number, not 2.5"),
        (True, 1, "must be a whole number, not True"),
    ],
)
def test_bars_that_do_not_exist_are_refused(small_checkpoint: Checkpoint, regenerate: Any, bars: int, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        ComposeRequest(small_checkpoint.seeds[0], bars=bars, regenerate=regenerate)


def test_bars_have_the_numbers_of_the_score_where_a_pickup_is_bar_0(small_checkpoint: Checkpoint) -> None:
    music = scale(8)
    upbeat = seed_from_piece(replace(music, notes=music.notes[music.notes["onset"] >= 72].copy()), (1, 8))
    with pytest.raises(OptionError, match=r"Only bars 1 to 7 can be regenerated .*, not 7 to 8"):
        ComposeRequest(upbeat, bars=2, regenerate=8)
    made = generate(upbeat, checkpoint=small_checkpoint, regenerate=3, bars=2, candidates=2)
    assert "bars 3-4 written anew" in summary(made, made.takes[0])
    assert made.recipe["regenerate"] == 4  # which counts them all
    assert outside(made.takes[0].joined.notes, 3 * BAR, 5 * BAR) == outside(upbeat.piece.notes, 3 * BAR, 5 * BAR)
    differ = differing_bars(upbeat.piece, made.takes[0].joined)
    assert differ and set(differ) <= {3, 4}


def test_bars_that_can_not_be_written_in_one_go_are_refused(take: Composition) -> None:
    with pytest.raises(OptionError, match=r"Only bars 9 to 16 can be regenerated \(bars of the continuation\), not 8 to 9"):
        regeneration_request(take, 0, 8, 9)
    with pytest.raises(OptionError, match="Bars 3 to 4 can't be regenerated: the metre changes in them"):
        ComposeRequest(other_metre(4), bars=2, regenerate=3)
    late = scale(8)
    late = replace(late, notes=late.notes[late.notes["onset"] >= 2 * BAR].copy())
    with pytest.raises(OptionError, match="there are no notes before them"):
        ComposeRequest(seed_from_piece(late, (1, 8)), bars=1, regenerate=2)


def test_music_may_be_changed_as_often_as_a_recipe_can_hold(small_checkpoint: Checkpoint, take: Composition) -> None:
    recipe: dict[str, Any] = dict(take.recipe)
    for _ in range(limits.NESTED):
        recipe = {**take.recipe, "after": {"recipe": recipe, "number": 0, "bars": 8}, "regenerate": 10, "bars": 1}
    assert nesting(recipe) == limits.NESTED
    assert parse_recipe(json.dumps(recipe))["regenerate"] == 10
    with pytest.raises(OptionError, match="Music can be extended or changed 64 times"):
        regeneration_request(replace(take, recipe=recipe), 0, 10, 10)
    long = {**take.recipe, "bars": 64}
    for _ in range(8):
        long = {**take.recipe, "after": {"recipe": long, "number": 0, "bars": 64}, "regenerate": 10, "bars": 64}
    with pytest.raises(OptionError, match="up to 512 bars can be written in total, not 576"):
        request_from(small_checkpoint, parse_recipe(json.dumps(long)))
    other = {**take.recipe, "after": {"recipe": {**take.recipe, "seed": "waltz"}, "number": 0, "bars": 8}}
    with pytest.raises(OptionError, match="can't extend or change the music of another seed"):
        request_from(small_checkpoint, parse_recipe(json.dumps(other)))


def test_the_recipe_of_a_long_file_can_be_read_again(tmp_path: Path) -> None:
    write_midi(scale(625), tmp_path / "long.mid")
    seed = seed_from_file(tmp_path / "long.mid", whole=True)
    assert len(seed.piece) == 5000
    made = {"program": "musiclstm", "seed": seed.id, "own_seed": seed.to_json(), "regenerate": 600, "bars": 2}
    (tmp_path / "recipe.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
    assert Seed.from_json(read_recipe(tmp_path / "recipe.json")["own_seed"]).piece == seed.piece


def test_a_file_too_long_to_be_kept_in_a_recipe_is_refused(tmp_path: Path) -> None:
    write_midi(scale(626), tmp_path / "long.mid")
    with pytest.raises(MusicFileError, match=r"Bars 1 to 626 of long\.mid have 5,008 notes; a seed has 5,000 at most\."):
        seed_from_file(tmp_path / "long.mid", whole=True)
