"""Seeds: the catalogue is sound, JSON keeps everything, and files and collections become seeds."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from musiclstm.errors import CheckpointError, MusicFileError, OptionError
from musiclstm.formats.midi import write_midi
from musiclstm.formats.score import parse_abc, read_corpus
from musiclstm.music.key import key_name
from musiclstm.music.notes import HIGHEST_PITCH, LOWEST_PITCH, Metre, Piece, Tempo, bar_lines, join, make_notes
from musiclstm.seeds.curation import LEAST_NOTES, longest_silence, reject_reason
from musiclstm.seeds.openings import load_catalogue
from musiclstm.seeds.seed import Seed, curate, find_seed, seed_from_file, seed_from_piece


@pytest.fixture(scope="module")
def catalogue() -> tuple[Seed, ...]:
    return load_catalogue()


@pytest.mark.parametrize(
    ("title", "source", "shown"),
    [
        ("Own title", "clair_de_lune.mid", "Own title"),
        ("", "clair_de__lune .mid", "clair de lune"),
        ("", "Op. 10 No. 3.musicxml", "Op. 10 No. 3"),
        ("", "_.mid", "Untitled"),
        ("", "", "Untitled"),
    ],
)
def test_music_without_a_title_is_called_like_its_file(title: str, source: str, shown: str) -> None:
    assert seed_from_piece(replace(tune(8, title=title), source=source)).title == shown


def test_the_stored_music_is_that_of_the_abc_files() -> None:
    folder = Path(str(files("musiclstm.seeds") / "catalogue"))
    stored = json.loads((folder / "music.json").read_text(encoding="utf-8"))
    assert set(stored) == {path.name for path in folder.glob("*.abc")}
    for name, music in stored.items():
        piece = parse_abc((folder / name).read_text(encoding="utf-8"), name)
        metres = [[metre.onset, metre.numerator, metre.denominator] for metre in piece.metres]
        notes = [list(row[:3]) for row in piece.notes.tolist()]
        assert (music["metres"], music["notes"]) == (metres, notes), "scripts/read_catalogue.py writes it anew"


@pytest.fixture(scope="module")
def elise(catalogue: tuple[Seed, ...]) -> Seed:
    return find_seed(catalogue, "beethoven-fur-elise")


def tune(bars: int, a_bar: int = 8, composer: str = "", title: str = "Tune") -> Piece:
    """A wandering line in 4/4 with ``a_bar`` equal notes a bar over a bass; each fourth bar ends with a rest."""
    step = 96 // a_bar
    line = [(i * step, 60 + (5 * i + i // 7) % 19) for i in range(bars * a_bar) if i % (4 * a_bar) < 4 * a_bar - 3]
    bass = [(96 * bar, 36 + (7 * bar) % 12) for bar in range(bars)]
    onset, pitch = zip(*(line + bass), strict=True)
    duration = [step] * len(line) + [96] * len(bass)
    return Piece(make_notes(onset, pitch, duration, [64] * len(onset)), composer=composer, title=title)


# The catalogue


def test_the_catalogue_is_large_and_varied(catalogue: tuple[Seed, ...]) -> None:
    assert len(catalogue) >= 48
    assert len({seed.id for seed in catalogue}) == len({seed.title for seed in catalogue}) == len(catalogue)
    assert len({seed.composer for seed in catalogue}) >= 20
    assert len({seed.metre for seed in catalogue}) >= 5
    assert len({seed.key for seed in catalogue}) >= 15
    assert len({seed.texture for seed in catalogue}) >= 20
    minor = sum(seed.key.endswith("minor") for seed in catalogue)
    assert 0.3 <= minor / len(catalogue) <= 0.7
    tempi = [seed.tempo for seed in catalogue]
    assert min(tempi) < 50 and max(tempi) > 150
    assert max(Counter(seed.composer for seed in catalogue).values()) <= len(catalogue) / 5


def test_every_opening_is_whole_bars_of_at_least_64_notes(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        lines = bar_lines(seed.piece, seed.end)
        assert len(seed.piece) >= LEAST_NOTES, seed.id
        assert len(lines) - 1 == seed.bars[1] - seed.bars[0] + 1, seed.id
        assert 4 <= len(lines) - 1 <= 16, seed.id
        assert reject_reason(seed.piece) is None, seed.id
        onset = seed.piece.notes["onset"]
        assert len(np.unique(onset[onset < lines[1]])) >= 2 and onset[0] <= lines[1] * 2 // 3, seed.id  # no bare pickup


def test_every_opening_lasts_7_to_40_seconds(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        assert 7 <= seed.piece.seconds(seed.end) <= 40, seed.id


def test_every_opening_is_playable_on_the_piano_without_gaps(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        pitch, velocity = seed.piece.notes["pitch"], seed.piece.notes["velocity"]
        assert pitch.min() >= LOWEST_PITCH and pitch.max() <= HIGHEST_PITCH, seed.id
        assert longest_silence(seed.piece) <= seed.piece.metres[0].bar_ticks, seed.id
        assert len(np.unique(velocity)) >= 3 and velocity.min() >= 40 and velocity.max() <= 100, seed.id


def test_every_opening_states_its_facts_and_its_licence(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        for name in ("id", "title", "composer", "work", "source", "licence", "key", "metre", "texture"):
            assert getattr(seed, name).strip(), (seed.id, name)
        assert seed.id == seed.id.lower() and " " not in seed.id
        assert "public domain" in seed.licence, seed.id
        assert seed.piece.tempi == (Tempo(0, seed.tempo),), seed.id
        first = seed.piece.metres[0]
        assert seed.metre == f"{first.numerator}/{first.denominator}", seed.id
        assert seed.piece.key is not None and seed.key == key_name(seed.piece.key), seed.id


def test_the_notes_agree_with_the_stated_key(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        assert seed.piece.key is not None
        scale = {(7 * fifth) % 12 for fifth in range(seed.piece.key.fifths - 1, seed.piece.key.fifths + 6)}
        if seed.piece.key.mode == "minor":  # the raised sixth and seventh of melodic and harmonic minor
            scale |= {(7 * (seed.piece.key.fifths + fifth)) % 12 for fifth in (6, 8)}
        weight = np.bincount(seed.piece.notes["pitch"] % 12, weights=seed.piece.notes["duration"], minlength=12)
        assert sum(weight[pitch] for pitch in scale) / weight.sum() > 0.8, seed.id


def test_scores_of_the_catalogue_are_good(catalogue: tuple[Seed, ...]) -> None:
    totals = [seed.curation.total for seed in catalogue]
    assert min(totals) > 0.7 and np.mean(totals) > 0.85


def test_fur_elise_begins_with_its_well_known_notes(elise: Seed) -> None:
    top = [int(pitch) for onset, pitch in elise.piece.notes[["onset", "pitch"]].tolist() if pitch >= 64]
    e, d_sharp, b, d, c, a = 76, 75, 71, 74, 72, 69
    assert top[:12] == [e, d_sharp, e, d_sharp, e, b, d, c, a, 64, a, b]
    assert elise.piece.notes["onset"][0] == 24 and elise.end == 12 * 36


def test_the_prelude_in_c_has_its_first_chords(catalogue: tuple[Seed, ...]) -> None:
    prelude = find_seed(catalogue, "bach-prelude-c").piece
    chords = [sorted(set(prelude.notes["pitch"][prelude.notes["onset"] // 96 == bar].tolist())) for bar in range(4)]
    assert chords == [[60, 64, 67, 72, 76], [60, 62, 69, 74, 77], [59, 62, 67, 74, 77], [60, 64, 67, 72, 76]]


def pitches(seed: Seed, bar: int) -> list[int]:
    """The pitches of one bar, counted from 1, by onset and pitch."""
    lines = bar_lines(seed.piece, seed.end)
    onset = seed.piece.notes["onset"]
    return seed.piece.notes["pitch"][(onset >= lines[bar - 1]) & (onset < lines[bar])].tolist()


@pytest.mark.parametrize(
    ("name", "bar", "expected"),
    [
        ("mozart-alla-turca", 1, [71, 69, 68, 69]),  # the pickup: B A G# A
        ("beethoven-pathetique-3", 1, [67, 72, 74]),  # the pickup: G C D
        ("schumann-traumerei", 1, [41, 65, 48, 53, 57, 60, 64, 65, 69]),
        ("grieg-ases-death", 1, [35, 47, 50, 54, 38, 47, 54, 59, 42, 49, 54, 58, 61]),
        ("bach-prelude-c-minor", 1, [48, 72, 55, 63, 53, 62, 55, 63, 51, 60, 55, 63, 53, 62, 55, 63] * 2),
        ("johnson-lift-every-voice", 2, [56, 60, 68, 72, 55, 58, 64, 72]),
        ("satie-gymnopedie-3", 5, [45, 81, 60, 64, 69]),
    ],
)
def test_well_known_openings_have_their_notes(catalogue: tuple[Seed, ...], name: str, bar: int, expected: list[int]) -> None:
    assert pitches(find_seed(catalogue, name), bar) == expected


def test_a_pickup_stays_a_pickup(catalogue: tuple[Seed, ...]) -> None:
    first = {seed.id: int(seed.piece.notes["onset"][0]) for seed in catalogue}
    assert (first["mozart-alla-turca"], first["beethoven-pathetique-3"], first["beethoven-op49-2-minuet"]) == (24, 60, 48)
    assert first["johnson-lift-every-voice"] == 36
    bars = {seed.id: seed.bars for seed in catalogue}
    assert (bars["mozart-alla-turca"], bars["schumann-traumerei"], bars["mozart-k545-1"]) == ((0, 8), (1, 8), (1, 8))


# The composers' own continuations


def test_every_opening_has_the_bars_that_follow_it_in_the_work(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        original = seed.original
        assert original is not None, seed.id
        first, last = original.bars
        assert first == seed.bars[1] + 1 and 4 <= last - first + 1 <= 16, seed.id
        metre = seed.piece.metre_at(int(seed.piece.notes["onset"][-1]))
        assert original.piece.metres == (replace(metre, onset=0),), seed.id
        onset, pitch, velocity = (original.piece.notes[name] for name in ("onset", "pitch", "velocity"))
        assert onset[-1] // metre.bar_ticks == last - first, seed.id
        assert onset[0] < metre.bar_ticks and longest_silence(original.piece) <= metre.bar_ticks, seed.id
        assert pitch.min() >= LOWEST_PITCH and pitch.max() <= HIGHEST_PITCH, seed.id
        assert len(np.unique(velocity)) >= 3, seed.id
        assert original.source
    whole = sum(seed.original is not None and seed.original.bars[1] - seed.original.bars[0] == 15 for seed in catalogue)
    assert whole >= 40  # the others end earlier


def test_the_prelude_in_c_goes_on_as_bach_wrote(catalogue: tuple[Seed, ...]) -> None:
    original = find_seed(catalogue, "bach-prelude-c").original
    assert original is not None
    notes = original.piece.notes
    chords = [sorted(set(notes["pitch"][notes["onset"] // 96 == bar].tolist())) for bar in range(3)]
    assert chords == [[57, 60, 64, 67, 72], [50, 57, 62, 66, 72], [55, 59, 62, 67, 71]]


def test_the_facts_of_a_seed_hold_no_notes(elise: Seed) -> None:
    facts = elise.facts()
    assert "notes" not in facts
    assert facts["original"] == {"bars": [12, 27], "source": "notes after the Mutopia Project's edition, ornaments left out"}
    assert "original" not in replace(elise, original=None).facts()


# Names


def test_an_unknown_seed_is_refused_with_close_names(catalogue: tuple[Seed, ...]) -> None:
    with pytest.raises(OptionError, match=r"no seed called 'fur-elise'; close ones are .*beethoven-fur-elise"):
        find_seed(catalogue, "fur-elise")
    with pytest.raises(OptionError, match="no seeds at all"):
        find_seed((), "fur-elise")


# JSON


def test_every_seed_survives_json(catalogue: tuple[Seed, ...]) -> None:
    for seed in catalogue:
        back = Seed.from_json(json.loads(json.dumps(seed.to_json())))
        assert np.array_equal(back.piece.notes, seed.piece.notes)
        assert (back.piece.metres, back.piece.tempi, back.piece.key) == (seed.piece.metres, seed.piece.tempi, seed.piece.key)
        assert back.to_json() == seed.to_json()
        assert (back.piece.title, back.piece.composer) == (seed.title, seed.composer)


def test_json_keeps_bits_per_note(elise: Seed) -> None:
    scored = replace(elise, curation=replace(elise.curation, bits_per_note=3.25))
    assert Seed.from_json(scored.to_json()).curation.bits_per_note == 3.25


def test_a_stored_seed_keeps_its_staves_and_does_without(elise: Seed) -> None:
    stored = elise.to_json()
    assert set(stored["staves"]) == {"u", "l"}
    again = Seed.from_json(stored)
    assert again.piece.staves == elise.piece.staves
    without = Seed.from_json({name: value for name, value in stored.items() if name != "staves"})
    assert without.piece == elise.piece and "staves" not in without.to_json()


def test_json_without_a_field_is_refused(elise: Seed) -> None:
    whole = elise.to_json()
    for name in whole.keys() - {"original", "staves"}:
        with pytest.raises(CheckpointError, match=f"{name} is missing"):
            Seed.from_json({key: value for key, value in whole.items() if key != name})


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""},
        {"title": 3},
        {"bars": [1]},
        {"bars": [-1, 4]},
        {"tempo": 0},
        {"notes": []},
        {"notes": [[0, 300, 24, 64]]},
        {"metres": [[0, 0, 4]]},
        {"fifths": 9},
        {"curation": {"total": 1}},
        {"original": 3},
        {"staves": "ul"},
        {"staves": 3},
        {"original": {"bars": [13, 28]}},
        {"original": {"bars": [13, 28], "source": "", "notes": [[0, 300, 24, 64]]}},
        {"original": {"bars": [13, 28], "source": "", "notes": [[24, 60, 24, 64], [0, 60, 24, 64]]}},
    ],
)
def test_invalid_json_is_refused_in_one_sentence(elise: Seed, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError) as caught:
        Seed.from_json({**elise.to_json(), **change})
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


# Users' files


def test_a_midi_file_becomes_a_seed_of_its_first_bars(tmp_path: Path) -> None:
    write_midi(tune(24), tmp_path / "My Tune.mid")
    seed = seed_from_file(tmp_path / "My Tune.mid")
    assert seed.id == "my-tune" and seed.title == "Tune"
    assert seed.bars[0] == 1 and len(seed.piece) >= LEAST_NOTES
    assert seed.end == 96 * seed.bars[1]
    assert seed.bars[1] == 16


def test_a_long_piece_gives_its_first_16_bars_and_a_short_one_all_it_has() -> None:
    assert seed_from_piece(tune(40, a_bar=1)).bars == (1, 16)
    assert seed_from_piece(tune(40, a_bar=48)).bars == (1, 16)
    assert seed_from_piece(tune(2)).bars == (1, 2)
    upbeat = tune(40)
    upbeat = replace(upbeat, notes=upbeat.notes[upbeat.notes["onset"] >= 72].copy())
    assert seed_from_piece(upbeat).bars == (0, 15)
    assert seed_from_piece(upbeat, (5, 6)).bars == (4, 5)


def test_leading_silence_is_skipped_and_bars_can_be_chosen() -> None:
    late = join(Piece(make_notes([], [], [], [])), tune(12), 3 * 96)
    assert seed_from_piece(late).bars[0] == 4
    assert seed_from_piece(late).piece.notes["onset"][0] == 0
    chosen = seed_from_piece(tune(12), (5, 6))
    assert chosen.bars == (5, 6) and chosen.end == 2 * 96


def test_a_seed_from_a_piece_has_one_steady_tempo_and_a_key() -> None:
    slow = replace(tune(8), tempi=(Tempo(0, 90.0), Tempo(96, 12.0)))
    seed = seed_from_piece(slow)
    assert seed.tempo == 20.0 and seed.piece.tempi == (Tempo(0, 20.0),)
    assert seed.key.endswith(("major", "minor")) and seed.piece.key is not None


@pytest.mark.parametrize(
    ("tempi", "expected"),
    [
        ([(0, 120.0), (96, 56.0)], 56.0),  # an upbeat at a program's default
        ([(0, 120.0), (6 * 96, 50.0)], 120.0),  # a slow end
        ([(0, 80.0), (5 * 96, 60.0), (5 * 96 + 48, 40.0), (6 * 96, 81.0)], 80.0),  # a pause
        ([(0, 60.0), (96, 100.0), (2 * 96, 98.0), (4 * 96, 102.0), (6 * 96, 104.0), (9 * 96, 30.0)], 100.0),  # free playing
    ],
)
def test_the_tempo_of_a_seed_is_the_one_that_holds_for_most_of_it(tempi: list[tuple[int, float]], expected: float) -> None:
    seed = seed_from_piece(replace(tune(8), tempi=tuple(Tempo(*tempo) for tempo in tempi)))
    assert seed.tempo == expected


def test_files_without_music_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.mid").write_bytes(b"MThd nothing")
    with pytest.raises(MusicFileError):
        seed_from_file(tmp_path / "broken.mid")
    with pytest.raises(MusicFileError, match="few usable notes"):
        seed_from_piece(Piece(make_notes([], [], [], [])))
    with pytest.raises(OptionError, match="Bars must lie between 1 and 8"):
        seed_from_piece(tune(8), (7, 12))


def test_a_score_becomes_a_seed(tmp_path: Path) -> None:
    abc = "X:1\nT:Waltz\nC:Me\nM:3/4\nL:1/8\nQ:1/4=150\nK:G\n" + "GBdgfe | dcBAGF |\n" * 8
    (tmp_path / "waltz.abc").write_text(abc, encoding="utf-8")
    seed = seed_from_file(tmp_path / "waltz.abc")
    assert (seed.title, seed.composer, seed.metre, seed.key, seed.tempo) == ("Waltz", "Me", "3/4", "G major", 150.0)
    assert len(np.unique(seed.piece.notes["velocity"])) > 1


# Collections


def collection() -> list[Piece]:
    bach = [read_corpus(f"bach/{name}") for name in ("bwv227.1", "bwv140.7", "bwv26.6")]
    drone = Piece(make_notes(range(0, 96 * 16, 12), [60] * 128, [12] * 128, [64] * 128), composer="Nobody")
    return [drone, *bach, tune(24, composer="Someone"), tune(3, composer="Brief")]


def test_the_best_passages_are_chosen_with_a_limit_per_composer() -> None:
    seeds = curate(collection(), 10, per_composer=2)
    assert seeds
    assert Counter(seed.composer for seed in seeds)["Johann Sebastian Bach"] <= 2
    assert {"Nobody", "Brief"}.isdisjoint(seed.composer for seed in seeds)
    totals = [seed.curation.total for seed in seeds]
    assert totals == sorted(totals, reverse=True)
    assert len({seed.id for seed in seeds}) == len(seeds)
    for seed in seeds:
        assert reject_reason(seed.piece) is None and LEAST_NOTES <= len(seed.piece) <= 200
        assert Seed.from_json(seed.to_json()).bars == seed.bars


def test_at_most_count_seeds_are_chosen_and_equal_ids_are_numbered() -> None:
    same = [tune(24, title="Study") for _ in range(5)]
    seeds = curate(same, 3)
    assert [seed.id for seed in seeds] == ["study-9", "study-9-2", "study-9-3"]
    with pytest.raises(OptionError, match="at least 1"):
        curate(same, 0)


def test_passages_with_few_bits_per_note_come_first() -> None:
    pieces = [tune(24, title=f"Study {i}") for i in range(4)]
    seeds = curate(iter(pieces), 2, bits=lambda piece: 3.0 if piece.title == "Study 2" else 9.0)
    assert seeds[0].title == "Study 2" and seeds[0].curation.bits_per_note == 3.0
    assert len(seeds) == 2


def test_a_collection_without_good_passages_gives_no_seeds() -> None:
    assert curate([tune(3)], 4) == ()
    assert curate([], 4) == ()


def test_metre_changes_inside_a_seed_survive_json() -> None:
    mixed = replace(tune(8), metres=(Metre(0, 4, 4), Metre(192, 3, 4)))
    seed = seed_from_piece(mixed, (1, 6))
    assert Seed.from_json(seed.to_json()).piece.metres == (Metre(0, 4, 4), Metre(192, 3, 4))
