"""Browsing: every opening has its facts, and words find the openings that a musician would expect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musiclstm.music.notes import Piece, make_notes
from musiclstm.seeds.browse import DIFFICULTIES, MOODS, difficulty, era, found, moods
from musiclstm.seeds.openings import load_catalogue
from musiclstm.seeds.seed import Seed, find_seed, seed_from_piece


@pytest.fixture(scope="module")
def catalogue() -> tuple[Seed, ...]:
    return load_catalogue()


def test_every_opening_has_an_era_moods_and_a_difficulty(catalogue: tuple[Seed, ...]) -> None:
    assert {era(seed) for seed in catalogue} == {"baroque", "classical", "romantic", "modern"}
    for seed in catalogue:
        assert 1 <= len(moods(seed)) <= 3 and set(moods(seed)) <= set(MOODS), seed.id
    assert {word for seed in catalogue for word in moods(seed)} == set(MOODS)
    assert {difficulty(seed) for seed in catalogue} == set(DIFFICULTIES)


@pytest.mark.parametrize(
    ("name", "when", "feeling", "hard"),
    [
        ("bach-prelude-c", "baroque", ("flowing", "bright"), "easy"),
        ("mozart-k545-1", "classical", ("lively", "bright", "cheerful"), "easy"),
        ("beethoven-moonlight-1", "classical", ("calm", "dark", "sad"), "medium"),
        ("chopin-waltz-a-minor", "romantic", ("flowing", "wistful"), "medium"),
        ("schumann-wild-horseman", "romantic", ("lively", "dramatic"), "medium"),
        ("satie-gymnopedie-1", "modern", ("calm", "warm", "gentle"), "easy"),
        ("clara-schumann-polonaise-op1-1", "romantic", ("lively", "bright", "cheerful"), "hard"),
        ("turpin-st-louis-rag", "modern", ("lively", "bright", "cheerful"), "hard"),
    ],
)
def test_facts_of_well_known_openings(
    catalogue: tuple[Seed, ...], name: str, when: str, feeling: tuple[str, ...], hard: str
) -> None:
    seed = find_seed(catalogue, name)
    assert (era(seed), moods(seed), difficulty(seed)) == (when, feeling, hard)


def test_a_visitors_own_music_has_facts_too() -> None:
    seed = seed_from_piece(Piece(make_notes(range(0, 768, 24), [60, 64, 67, 72] * 8, [24] * 32, [64] * 32)))
    assert (era(seed), moods(seed), difficulty(seed)) == ("", ("flowing", "bright"), "easy")
    assert found([seed], "flowing") == (seed,)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("op 28", ["chopin-prelude-op28-4", "chopin-prelude-op28-7", "chopin-prelude-op28-20"]),
        ("Op. 28 No. 4", ["chopin-prelude-op28-4"]),
        ("opus 28 nr 4", ["chopin-prelude-op28-4"]),
        ("op28 4", ["chopin-prelude-op28-4"]),
        ("k545", ["mozart-k545-1"]),
        ("KV 545", ["mozart-k545-1"]),
        ("bwv846", ["bach-prelude-c"]),
        ("hob. XVI:27", ["haydn-hob16-27-3"]),
        ("woo 59", ["beethoven-fur-elise"]),
        ("gymnopedie", ["satie-gymnopedie-1", "satie-gymnopedie-3"]),
        ("GYMNOPÉDIE 1", ["satie-gymnopedie-1"]),
        ("fuer elise", ["beethoven-fur-elise"]),
        ("fur  élise!", ["beethoven-fur-elise"]),
        ("moonl", ["beethoven-moonlight-1"]),
        ("Händel", ["handel-minuet-f"]),
        ("haendel", ["handel-minuet-f"]),
        ("tschaikowsky", ["tchaikovsky-old-french-song", "tchaikovsky-morning-prayer"]),
        ("clara", ["clara-schumann-polonaise-op1-1"]),
        ("c-sharp minor", ["beethoven-moonlight-1", "chopin-mazurka-op6-2"]),
        ("C# minor chopin", ["chopin-mazurka-op6-2"]),
        ("waltz by chopin in a minor", ["chopin-waltz-a-minor"]),
        ("e minor baroque dance", ["rameau-tambourin"]),
        ("ases death", ["grieg-ases-death"]),
        ("aloha oe", ["liliuokalani-aloha-oe"]),
        ("9/8", ["debussy-clair-de-lune"]),
        ("hard polonaise", ["clara-schumann-polonaise-op1-1"]),
    ],
)
def test_words_find_openings(catalogue: tuple[Seed, ...], text: str, names: list[str]) -> None:
    assert [seed.id for seed in found(catalogue, text)] == names


@pytest.mark.parametrize("text", ["op 2", "op 284", "k54", "xyz", "chopin baroque", "b sharp major", "mozart 28"])
def test_words_that_describe_nothing_find_nothing(catalogue: tuple[Seed, ...], text: str) -> None:
    assert found(catalogue, text) == ()


@pytest.mark.parametrize("text", ["", "  ", "...", "the"])
def test_a_text_without_words_finds_everything(catalogue: tuple[Seed, ...], text: str) -> None:
    assert found(catalogue, text) == catalogue


@pytest.mark.parametrize("word", ["minor", "major"])
def test_a_mode_finds_all_openings_in_it(catalogue: tuple[Seed, ...], word: str) -> None:
    assert found(catalogue, word) == tuple(seed for seed in catalogue if seed.key.endswith(word))


@pytest.mark.parametrize("word", ["baroque", "classical", "romantic", "modern"])
def test_an_era_finds_its_openings(catalogue: tuple[Seed, ...], word: str) -> None:
    assert set(found(catalogue, word)) == {seed for seed in catalogue if era(seed) == word}


@pytest.mark.parametrize("word", MOODS)
def test_a_mood_finds_its_openings(catalogue: tuple[Seed, ...], word: str) -> None:
    assert set(found(catalogue, word)) >= {seed for seed in catalogue if word in moods(seed)}


def test_a_faster_tempo_makes_an_opening_livelier(catalogue: tuple[Seed, ...]) -> None:
    seed = find_seed(catalogue, "bach-prelude-c")
    fast = replace(seed, tempo=160.0, piece=replace(seed.piece, tempi=(replace(seed.piece.tempi[0], qpm=160.0),)))
    assert "lively" in moods(fast)
