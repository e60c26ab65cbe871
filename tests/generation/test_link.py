"""Links: they carry a take with all its notes, open it as it was without the model, and refuse what is not music."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiclstm import limits
from musiclstm.api import open_link, request_from
from musiclstm.checkpoint import Checkpoint
from musiclstm.config import SamplingOptions
from musiclstm.errors import MusicLSTMError, OptionError
from musiclstm.generation.composition import (
    Composition,
    compose,
    extension_request,
    performed,
    prefix_of,
    recipe_of,
    regeneration_request,
)
from musiclstm.generation.export import write_midis
from musiclstm.generation.link import link_from_recipe, link_of, packed, recipe_from_link, shared_in, unpacked
from musiclstm.generation.phrases import Phrase
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.notes import Metre, Piece, bar_lines, make_notes
from musiclstm.music.performance import Performance
from musiclstm.seeds.seed import seed_from_piece

DAMAGED = r"^The link [^\n]*\.$"


@pytest.fixture(scope="module")
def take(small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=4, candidates=1))


def own(bars: int = 6) -> Piece:
    """Eighths in two metres, the last one held into what follows."""
    onset = np.arange(8 * bars) * 12
    duration = np.where(onset == onset[-1], 400, 12)
    notes = make_notes(onset, 60 + np.arange(8 * bars) % 8, duration, 40 + np.arange(8 * bars) % 60)
    return Piece(notes, metres=(Metre(0, 4, 4), Metre(192, 2, 4)), title="Mine", composer="Me", source="mine.mid")


def plain(checkpoint: Checkpoint) -> ComposeRequest:
    return ComposeRequest(checkpoint.seeds[1], bars=3, candidates=1, random_seed=5)


def played(checkpoint: Checkpoint) -> ComposeRequest:
    how = Performance("string quartet", 77, -3)
    return replace(plain(checkpoint), performance=how, sampling=SamplingOptions(1.3, 0.9, False), ending=7)


def several(checkpoint: Checkpoint) -> ComposeRequest:
    return replace(plain(checkpoint), takes=2)


def own_music(checkpoint: Checkpoint) -> ComposeRequest:
    return replace(plain(checkpoint), seed=seed_from_piece(own(), name="mine"))


def extended(checkpoint: Checkpoint) -> ComposeRequest:
    first = compose(checkpoint, replace(several(checkpoint), bars=5))
    return extension_request(first, 1, bars=4, candidates=1)


def regenerated(checkpoint: Checkpoint) -> ComposeRequest:
    longer = compose(checkpoint, replace(extended(checkpoint), performance=Performance(tempo=90)))
    return regeneration_request(longer, 0, 12, 13, candidates=2)


def extended_again(checkpoint: Checkpoint) -> ComposeRequest:
    return extension_request(compose(checkpoint, regenerated(checkpoint)), 0, bars=2, candidates=1)


def answered(checkpoint: Checkpoint) -> ComposeRequest:
    first = compose(checkpoint, own_music(checkpoint))
    phrase = Phrase(((0, 60, 20, 80), (24, 64, 40, 70)), bars=1)
    return replace(first.request, after=prefix_of(first, 0, 2).followed_by(phrase), bars=2, context=30)


def bars_of_the_seed(checkpoint: Checkpoint) -> ComposeRequest:
    return replace(plain(checkpoint), bars=2, regenerate=4, candidates=2)


def bars_of_own_music(checkpoint: Checkpoint) -> ComposeRequest:
    return replace(bars_of_the_seed(checkpoint), seed=seed_from_piece(own(), (1, 10), name="mine"))


KINDS = [plain, played, several, own_music, extended, regenerated, extended_again, answered, bars_of_the_seed, bars_of_own_music]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def composition(request: pytest.FixtureRequest, small_checkpoint: Checkpoint) -> Composition:
    return compose(small_checkpoint, request.param(small_checkpoint))


def forgetful(checkpoint: Checkpoint) -> Checkpoint:
    """A checkpoint of another name with other seeds, which writes no note."""

    def ask() -> Any:
        raise AssertionError("The model was asked.")

    return replace(checkpoint, name="other", seeds=checkpoint.seeds[2:], build=ask)


def files(composition: Composition, number: int, folder: Path) -> list[bytes]:
    sounding = performed(composition)
    take = next(take for take in sounding.takes if take.number == number)
    folder.mkdir()
    several = len(composition.takes) > 1
    recipe = composition.recipe | ({"take": number} if several else {})
    write_midis(folder, sounding.seed, take.continuation, take.joined, recipe=recipe)
    return [(folder / f"{part}.mid").read_bytes() for part in ("seed", "continuation", "joined")]


def test_a_link_opens_the_very_same_music_without_the_model(
    small_checkpoint: Checkpoint, composition: Composition, tmp_path: Path
) -> None:
    for take in composition.takes:
        link = link_of(composition, take)
        opened = open_link(forgetful(small_checkpoint), link)
        assert opened is not None
        (again,) = opened.takes
        assert (again.joined, again.continuation) == (take.joined, take.continuation)
        assert (again.number, again.loops, again.guarded) == (take.number, take.loops, take.guarded)
        assert (opened.seed, opened.split) == (composition.seed, composition.split)
        assert (opened.bars, opened.fresh, opened.finished) == (composition.bars, composition.fresh, True)
        wanted = composition.request
        for name in ("bars", "written", "closes", "existing", "split", "performance", "sampling"):
            assert getattr(opened.request, name) == getattr(wanted, name), name
        number = take.number
        assert files(opened, number, tmp_path / f"b{number}") == files(composition, number, tmp_path / f"a{number}")
        assert link_of(opened, again) == link


@pytest.mark.parametrize("kind", [plain, extended, answered, bars_of_own_music])
def test_what_a_link_opens_is_extended_and_changed_as_if_it_had_just_been_written(
    small_checkpoint: Checkpoint, kind: Callable[[Checkpoint], ComposeRequest]
) -> None:
    composition = compose(small_checkpoint, kind(small_checkpoint))
    take = composition.takes[-1]
    opened = open_link(small_checkpoint, link_of(composition, take))
    assert opened is not None
    first = len(bar_lines(composition.request.seed.piece, composition.split))  # of the continuation

    def longer(music: Composition) -> ComposeRequest:
        return extension_request(music, take.number, bars=1, candidates=1)

    def changed(music: Composition) -> ComposeRequest:
        return regeneration_request(music, take.number, first, first, candidates=2)

    for change in (longer, changed):
        one, other = (compose(small_checkpoint, change(music)) for music in (composition, opened))
        assert one.takes[0].joined == other.takes[0].joined
        settings = recipe_from_link(link_from_recipe(other.recipe))
        assert compose(small_checkpoint, request_from(small_checkpoint, settings)).takes[0].joined == one.takes[0].joined


def test_a_link_is_short_and_one_of_too_much_music_is_its_recipe_alone(
    small_checkpoint: Checkpoint, take: Composition, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(take, take.takes[0])
    assert len(link) < 1000
    assert link.replace("-", "").replace("_", "").isalnum()
    alone = link_from_recipe(take.recipe)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "LINK_CHARACTERS", len(link) - 1)
        assert link_of(take, take.takes[0]) == alone
        with pytest.raises(OptionError, match="too long"):
            shared_in(link)
    monkeypatch.setattr(limits, "DRAWN_NOTES", len(take.takes[0].joined) - 1)
    assert link_of(take, take.takes[0]) == alone
    assert open_link(small_checkpoint, alone) is None


def test_a_link_keeps_which_bars_are_locked(take: Composition) -> None:
    plain, held = link_of(take, take.takes[0]), link_of(take, take.takes[0], {11, 9})
    kept, none = shared_in(held), shared_in(plain)
    assert kept is not None
    assert none is not None
    assert (kept.locked, none.locked) == (frozenset({9, 11}), frozenset())
    assert np.array_equal(kept.notes, none.notes)
    assert link_of(take, take.takes[0], ()) == plain


def test_an_old_link_without_notes_is_still_read(small_checkpoint: Checkpoint, take: Composition) -> None:
    text = json.dumps({key: value for key, value in take.recipe.items() if "digest" not in key or "seed" in key}).encode()
    old = base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")
    assert shared_in(old) is None
    again = compose(small_checkpoint, request_from(small_checkpoint, recipe_from_link(old)))
    assert again.takes[0].joined == take.takes[0].joined


def test_the_seed_of_the_checkpoint_is_used_where_it_has_the_same(small_checkpoint: Checkpoint, take: Composition) -> None:
    opened = open_link(small_checkpoint, link_of(take, take.takes[0]))
    assert opened is not None
    assert opened.request.seed is small_checkpoint.seeds[0]
    other = replace(small_checkpoint, seeds=(replace(small_checkpoint.seeds[1], id=small_checkpoint.seeds[0].id),))
    opened = open_link(other, link_of(take, take.takes[0]))
    assert opened is not None
    assert opened.request.seed.piece == small_checkpoint.seeds[0].piece
    assert "own_seed" in recipe_of(other, opened.request)


# Links that nobody should have made


def parts(link: str) -> tuple[dict[str, Any], bytes]:
    line, _, columns = unpacked(link).partition(b"\n")
    return json.loads(line), columns


def head(**changes: Any) -> Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]:
    return lambda fields, columns: (fields | changes, columns)


def recipe(**changes: Any) -> Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]:
    return lambda fields, columns: (fields | {"recipe": fields["recipe"] | changes}, columns)


def seed(**changes: Any) -> Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]:
    return lambda fields, columns: (fields | {"seed": fields["seed"] | changes}, columns)


def columns(change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]:
    return lambda fields, columns: (fields, change(columns))


HOSTILE = {
    "no notes": head(notes=[0, 0]),
    "no music": lambda fields, columns: (fields | {"notes": [fields["notes"][0], 0]}, columns[: 4 * fields["notes"][0]]),
    "other counts": head(notes=[3, 5]),
    "counts that are none": head(notes=[-1, "9"]),
    "counts of truth": head(notes=[True, True]),
    "huge counts": head(notes=[10**9, 10**9]),
    "a count too few": head(notes=[9]),
    "no counts": head(notes=None),
    "no recipe": head(recipe=None),
    "a recipe of another program": recipe(program="other"),
    "a seed without a name": head(seed={}),
    "a seed in bars that are none": seed(bars=[0, "x"]),
    "a seed of another name": seed(id="jig"),
    "another digest": recipe(seed_digest="0" * 16),
    "loops without end": head(loops=10**12),
    "loops that are none": head(guarded=-1),
    "a locked bar that is none": head(locked=["9"]),
    "locked bars that are no list": head(locked={"9": 1}),
    "locked bars without end": head(locked=[9] * 30_000),
    "a take that is not there": recipe(take=7),
    "a take that is none": recipe(take="1"),
    "fewer bars": recipe(bars=2),
    "more bars than allowed": recipe(bars=10**9),
    "bars that are none": recipe(bars="4"),
    "an extension of nothing": recipe(after={"recipe": {}, "number": 0, "bars": 1}),
    "an odd tempo": recipe(tempo=1e308),
    "an odd instrument": recipe(instrument=["piano"]),
    "other bars": recipe(regenerate=999),
    "a checkpoint that is no name": recipe(checkpoint={"a": 1}),
    "a checkpoint without end": recipe(checkpoint="x" * 5000),
    "no columns": columns(lambda _: b""),
    "half the columns": columns(lambda data: data[: len(data) // 2]),
    "a number without end": columns(lambda data: data[:-1] + b"\xff" * 50 + b"\x01"),
    "a huge number": columns(lambda data: b"\xff\xff\xff\xff\x0f" + data[1:]),
    "numbers that are cut off": columns(lambda data: data[:-1] + b"\xff"),
    "pitches above the piano": columns(lambda data: data.replace(bytes([60]), bytes([127]))),
    "silent notes": columns(lambda data: bytes(len(data))),
    "all at the same time": lambda fields, columns: (fields, bytes([0]) * 40 + columns[40:]),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_forged_link_is_one_sentence(
    small_checkpoint: Checkpoint, take: Composition, change: Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]
) -> None:
    fields, data = change(*parts(link_of(take, take.takes[0])))
    with pytest.raises(OptionError) as caught:
        open_link(forgetful(small_checkpoint), packed(json.dumps(fields).encode() + b"\n" + data))
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_link_with_a_letter_lost_or_changed_is_one_sentence(small_checkpoint: Checkpoint, take: Composition) -> None:
    link, rng = link_of(take, take.takes[0]), np.random.default_rng(3)
    for _ in range(60):
        place = int(rng.integers(len(link)))
        letter = "A" if link[place] != "A" else "B"
        for damaged in (link[:place], link[:place] + link[place + 1 :], link[:place] + letter + link[place + 1 :]):
            try:
                opened = open_link(small_checkpoint, damaged)
            except MusicLSTMError as error:
                assert "\n" not in str(error)
            else:  # the last letter of a link has bits to spare
                assert opened is not None
                assert opened.takes[0].joined == take.takes[0].joined


def test_a_link_cannot_unpack_into_gigabytes(small_checkpoint: Checkpoint, take: Composition) -> None:
    fields, _ = parts(link_of(take, take.takes[0]))
    bomb = packed(json.dumps(fields).encode() + b"\n" + bytes(30_000_000))
    assert len(bomb) < limits.LINK_CHARACTERS
    with pytest.raises(OptionError, match="too large"):
        open_link(small_checkpoint, bomb)
