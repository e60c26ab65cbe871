"""Collections: pieces read and skipped, the cache, and the split by work."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from musiclstm.data.collection import Collection, open_collection, split, works_with
from musiclstm.data.listing import Credit, Source, folder_sources
from musiclstm.data.parts import FEW, FEWEST_NOTES, Entry, in_parts, notes_of, read_parts, readings
from musiclstm.data.works import work_of
from musiclstm.errors import DataError, MusicFileError
from musiclstm.formats.midi import write_midi
from musiclstm.formats.processes import process_context
from musiclstm.music import as_played
from musiclstm.music.notes import NOTE, Metre, Piece, Tempo, make_notes


def melody(seed: int, notes: int = 40) -> Piece:
    """A melody in 3/4, different for each ``seed``."""
    pitches = np.random.default_rng(seed).integers(40, 90, notes)
    velocities = 60 + np.arange(notes) % 5
    return Piece(make_notes(np.arange(notes) * 12, pitches, [12] * notes, velocities), (Metre(0, 3, 4),), (Tempo(0, 90.0),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four usable music files and four unusable ones."""
    data = tmp_path / "data"
    for name, piece in (
        ("Bach/prelude_1.mid", melody(1)),
        ("Bach/prelude_2.MIDI", melody(2)),
        ("Satie/gnossienne.mid", melody(3)),
        ("alone.mid", melody(4, FEWEST_NOTES)),
        ("Satie/copy.mid", melody(1)),
        ("short.mid", melody(5, FEWEST_NOTES - 1)),
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        write_midi(piece, data / name)
    (data / "broken.mid").write_bytes(b"MThd, but nothing more")
    (data / "Bach" / "words.abc").write_text("no tune at all", encoding="utf-8")
    (data / "notes.txt").write_text("not music", encoding="utf-8")
    return data


def opened(folder: Path, report: Callable[[int], None] | None = None) -> Collection:
    return open_collection(folder_sources(folder), folder.parent / "cache", report)


# Reading


def test_usable_pieces_are_kept_with_their_names_and_composers(folder: Path) -> None:
    collection = opened(folder)
    assert [(e.name, e.composer, e.count) for e in collection.entries] == [
        ("Bach/prelude_1.mid", "Bach", 40),
        ("Bach/prelude_2.MIDI", "Bach", 40),
        ("Satie/gnossienne.mid", "Satie", 40),
        ("alone.mid", "", FEWEST_NOTES),
    ]
    piece = collection.piece(2)
    assert np.array_equal(piece.notes, melody(3).notes)
    assert (piece.metres, piece.tempi) == ((Metre(0, 3, 4),), (Tempo(0, 90.0),))
    assert (piece.composer, piece.source) == ("Satie", "Satie/gnossienne.mid")
    assert len(collection) == 4


def test_every_skipped_file_is_named_with_its_reason(folder: Path) -> None:
    skipped = opened(folder).skipped
    assert len(skipped) == 4
    for name, reason in (
        ("words.abc", ""),
        ("copy.mid", "Bach/prelude_1.mid"),
        ("short.mid", f"{FEWEST_NOTES}"),
        ("broken.mid", ""),
    ):
        sentence = next(s for s in skipped if name in s)
        assert reason in sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_several_tempi_become_one_that_keeps_the_total_duration(tmp_path: Path) -> None:
    piece = replace(melody(1), tempi=(Tempo(0, 60.0), Tempo(240, 120.0)))
    collection = open_collection([Source("a", "a", "", "", lambda: piece)], tmp_path)
    assert collection.piece(0).seconds(piece.end) == pytest.approx(piece.seconds(piece.end), rel=1e-3)


def test_music_without_velocities_gets_them_as_a_seed_does(tmp_path: Path) -> None:
    notes = melody(1).notes
    flat = replace(melody(1), notes=make_notes(notes["onset"], notes["pitch"], notes["duration"], [80] * 40))
    write_midi(flat, tmp_path / "flat.mid")
    kept = open_collection(folder_sources(tmp_path), tmp_path / "cache").piece(0)
    assert np.array_equal(kept.notes["velocity"], as_played(flat).notes["velocity"])
    assert len(np.unique(kept.notes["velocity"])) > 1


def test_the_composer_named_in_a_file_is_used_if_its_folder_gives_none(tmp_path: Path) -> None:
    named = replace(melody(1), composer="Chopin")
    sources = [
        Source("a", "a", "", "", lambda: named),
        Source("b", "b", "Liszt", "", lambda: replace(melody(2), composer="F. L.")),
    ]
    assert [e.composer for e in open_collection(sources, tmp_path).entries] == ["Chopin", "Liszt"]


def test_only_known_composers_become_names_to_learn(tmp_path: Path) -> None:
    for number, folder in enumerate(("BeethovenLv", "cpebach", "leadSheet", "anna")):
        (tmp_path / folder).mkdir()
        write_midi(melody(number), tmp_path / folder / "a.mid")
    composers = {source.name.split("/")[0]: source.composer for source in folder_sources(tmp_path)}
    assert composers == {"BeethovenLv": "Beethoven", "cpebach": "Carl Philipp Emanuel Bach", "leadSheet": "", "anna": ""}
    named, unknown = replace(melody(5), composer="F. Liszt"), replace(melody(6), composer="me")
    sources = [Source("a", "a", "", "", lambda: named), Source("b", "b", "", "", lambda: unknown)]
    assert [e.composer for e in open_collection(sources, tmp_path / "cache").entries] == ["Liszt", ""]


def test_without_abc2midi_the_other_files_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tune = "X:1\nL:1/8\nK:C\n" + "CDEFGABc|cGEcAFDB,|" * 3
    (folder / "tune.abc").write_text(tune, encoding="utf-8")
    assert len(opened(folder)) == 5
    monkeypatch.setenv("PATH", "")
    collection = opened(folder)
    assert len(collection) == 4
    assert any("the package is abcmidi" in reason for reason in collection.skipped)


def test_every_file_is_reported(folder: Path) -> None:
    reported: list[int] = []
    opened(folder, reported.append)
    assert sum(reported) == 8


# Error messages


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        folder_sources(tmp_path / "nowhere")


def test_a_folder_without_music_is_named_with_the_accepted_formats(folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    (empty / "song.mp3").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty contains no .*\.mid.*\.musicxml.* file"):
        folder_sources(empty)


def test_if_nothing_is_usable_the_first_reason_is_given(tmp_path: Path) -> None:
    def unreadable() -> Piece:
        raise MusicFileError("a.mid is damaged.")

    with pytest.raises(DataError, match=r"No piece of the data can be used: a\.mid is damaged"):
        open_collection([Source("a.mid", "a", "", "", unreadable)], tmp_path)


def test_a_collection_without_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files"):
        open_collection([], tmp_path)


# The cache


def test_a_second_time_no_file_is_read(folder: Path) -> None:
    first = opened(folder)
    reported: list[int] = []
    second = opened(folder, reported.append)
    assert not reported
    assert second == first
    assert np.array_equal(second.piece(1).notes, first.piece(1).notes)


def test_a_changed_file_is_read_again(folder: Path) -> None:
    opened(folder)
    path = folder / "Satie" / "gnossienne.mid"
    write_midi(melody(9), path)
    os.utime(path, ns=(1, 1))
    assert np.array_equal(opened(folder).piece(2).notes, melody(9).notes)


def test_a_new_file_is_noticed(folder: Path) -> None:
    opened(folder)
    write_midi(melody(9), folder / "Satie" / "more.mid")
    assert len(opened(folder)) == 5


def test_an_interrupted_reading_goes_on_after_the_last_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for seed, name in enumerate("abc"):
        write_midi(melody(seed), tmp_path / "data" / f"{name}.mid")
    sources = folder_sources(tmp_path / "data")

    def interrupted() -> Piece:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_collection([*sources[:2], replace(sources[2], read=interrupted)], tmp_path / "cache")
    (facts,) = tmp_path.rglob("facts.jsonl")
    for path in (facts, facts.with_name("notes.bin")):  # a line and notes that were not written to their end
        path.write_bytes(path.read_bytes() + b"{")
    assert not list(tmp_path.rglob("index*"))
    for name in "ab":  # they need not be read again
        (tmp_path / "data" / f"{name}.mid").unlink()
    collection = open_collection(sources, tmp_path / "cache")
    assert [entry.name for entry in collection.entries] == ["a.mid", "b.mid", "c.mid"]
    assert all(np.array_equal(collection.piece(i).notes, melody(i).notes) for i in range(3))


def test_a_file_that_crashed_the_program_is_named_the_next_time(tmp_path: Path) -> None:
    write_midi(melody(1), tmp_path / "a.mid")
    (source,) = folder_sources(tmp_path)
    sources = [Source("crashes.mid", "", "", "", partial(os._exit, 3)), source]
    with ProcessPoolExecutor(1, mp_context=process_context()) as pool, pytest.raises(BrokenProcessPool):
        pool.submit(open_collection, sources, tmp_path / "cache").result()
    collection = open_collection(sources, tmp_path / "cache")
    assert [entry.name for entry in collection.entries] == ["a.mid"]
    assert collection.skipped[0].startswith("crashes.mid takes more than")


def test_two_programs_that_read_the_same_data_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for seed in range(8):
        write_midi(melody(seed), tmp_path / "data" / f"{seed}.mid")
    sources = [replace(source, read=partial(slowly, source.read)) for source in folder_sources(tmp_path / "data")]
    with ThreadPoolExecutor(2) as programs:  # each opens the folder for itself, as two programs do
        one, other = programs.map(lambda _: open_collection(sources, tmp_path / "cache"), range(2))
    assert one == other
    assert all(np.array_equal(one.piece(i).notes, melody(i).notes) for i in range(8))


def slowly(read: Callable[[], Piece]) -> Piece:
    sleep(0.02)
    return read()


def test_several_processes_read_the_same_and_leave_out_what_crashes_or_hangs_them(tmp_path: Path) -> None:
    for seed in range(FEW + 1):
        write_midi(melody(seed), tmp_path / f"{seed:02}.mid")
    files = folder_sources(tmp_path)
    alone = open_collection(files, tmp_path / "alone")
    crashes = Source("crashes.mid", "", "", "", partial(os._exit, 3))
    hangs = Source("hangs.mid", "", "", "", partial(sleep, 1000))  # type: ignore[arg-type]
    parts, folder = in_parts([files[0], crashes, *files[1:], hangs]), tmp_path / "together"
    read_parts(parts, folder, processes=2, seconds=3.0)
    found = [reading for number in range(len(parts)) for reading in readings(folder, number)]
    entries = [reading.entry for reading in found if reading.entry]
    assert [entry.name for entry in entries] == [entry.name for entry in alone.entries]
    assert all(np.array_equal(notes_of(folder, entry), alone.piece(index).notes) for index, entry in enumerate(entries))
    left_out = {reading.name: reading.skipped for reading in found if reading.skipped}
    assert set(left_out) == {"crashes.mid", "hangs.mid"}
    assert left_out["hangs.mid"].startswith("hangs.mid takes more than 3 seconds to read, or crashes")


def test_notes_stay_on_disk_until_they_are_needed(folder: Path) -> None:
    collection = opened(folder)
    (path,) = collection.folder.rglob("notes.bin")
    stored = np.fromfile(path, NOTE)
    stored["pitch"][40:80] = 60  # the second piece
    stored.tofile(path)
    assert np.array_equal(collection.piece(0).notes, melody(1).notes)
    assert set(collection.piece(1).notes["pitch"].tolist()) == {60}


# Works


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("Mozart/mz_545_1.mid", "Mozart/mz_545"),
        ("Mozart/mz_545_3.mid", "Mozart/mz_545"),
        ("Chopin/chpn_op25_e11.mid", "Chopin/chpn_op25_e"),
        ("Bach/Invention 4.mid", "Bach/Invention"),
        ("Schubert/d960 mov 2.mid", "Schubert/d960"),
        ("Schubert/d960-No3.mid", "Schubert/d960"),
        ("Haydn/op20/movement4.xml", "Haydn/op20/movement"),
        ("bach/bwv1.6.mxl", "bach/bwv1"),
        ("elise.mid", "elise"),
        ("Bach/01.mid", "Bach/01"),
        ("Bach/12b.mid", "Bach/12b"),
        ("Bach/._1.mid", "Bach/._1"),
        ("7", "7"),
        ("Bach/BWV-827-2.mid", "Bach/BWV-827"),
        ("Bach/bwv 988.mid", "Bach/bwv 988"),
        ("Mozart/K545.mid", "Mozart/K545"),
        ("Mozart/kv331_2.mid", "Mozart/kv331"),
        ("Traditional/walk2.mid", "Traditional/walk"),
    ],
)
def test_movements_of_a_work_share_one_work_name(name: str, work: str) -> None:
    assert work_of(name) == work


def test_the_music21_corpus_has_names_works_and_composers(corpus: list[Source]) -> None:
    sources = {source.name: source for source in corpus}
    assert len(sources) > 500
    chorale = sources["bach/bwv66.6.mxl"]
    assert (chorale.composer, len(chorale.read())) == ("Bach", 154)
    composers = {source.composer for source in sources.values()}
    assert {"", "Carl Philipp Emanuel Bach", "Clara Schumann", "Palestrina"} <= composers
    assert not composers & {"Cpebach", "Leadsheet", "Ryansmammoth", "Trecento"}


def collection_of(works: dict[str, list[int]]) -> Collection:
    """A collection of works by name, given the note counts of their pieces."""
    entries, first = [], 0
    for work, counts in works.items():
        for number, count in enumerate(counts):
            entries.append(Entry(f"{work}_{number}.mid", work, "", "", first, count, ((0, 4, 4),), 120.0))
            first += count
    return Collection(Path("nowhere"), tuple(entries), ())


MANY = collection_of({f"work {i}": [100 + 10 * i] * (1 + i % 4) for i in range(60)})


@pytest.mark.parametrize("random_seed", range(5))
def test_every_piece_is_on_one_side_and_no_work_on_two(random_seed: int) -> None:
    sides = split(MANY, 0.1, 0.2, random_seed)
    assert sorted(index for side in sides.values() for index in side) == list(range(len(MANY)))
    works = [{MANY.entries[index].work for index in side} for side in sides.values()]
    assert sum(len(names) for names in works) == 60


def test_a_side_exceeds_its_share_of_the_notes_by_at_most_one_work() -> None:
    sides = split(MANY, 0.1, 0.2, 1)
    total = sum(entry.count for entry in MANY.entries)
    largest = max(sum(e.count for e in MANY.entries if e.work == work) for work in {e.work for e in MANY.entries})
    for name, share in (("validation", 0.1), ("test", 0.2)):
        held = sum(MANY.entries[index].count for index in sides[name])
        assert share * total <= held <= share * total + largest


def test_the_split_depends_on_the_random_seed() -> None:
    assert split(MANY, 0.1, 0.1, 1) == split(MANY, 0.1, 0.1, 1)
    assert split(MANY, 0.1, 0.1, 1) != split(MANY, 0.1, 0.1, 2)


def test_the_split_does_not_depend_on_the_order_of_files() -> None:
    turned = Collection(MANY.folder, MANY.entries[::-1], ())
    for side, indices in split(MANY, 0.1, 0.1, 1).items():
        mirrored = [len(MANY) - 1 - index for index in split(turned, 0.1, 0.1, 1)[side]]
        assert sorted(mirrored) == indices


def test_a_share_of_0_leaves_a_side_empty() -> None:
    sides = split(MANY, 0.0, 0.0, 1)
    assert (len(sides["validation"]), len(sides["test"]), len(sides["train"])) == (0, 0, len(MANY))


def test_works_of_seeds_are_not_trained_on_and_held_out_ones_stay_where_they_are() -> None:
    plain = split(MANY, 0.1, 0.1, 1)
    assert plain["seeds"] == []
    works = {side: {MANY.entries[index].work for index in pieces} for side, pieces in plain.items()}
    trained, held = sorted(works["train"])[:3], sorted(works["test"])[0]
    sides = split(MANY, 0.1, 0.1, 1, {*trained, held, "no such work"})
    assert {MANY.entries[index].work for index in sides["seeds"]} == set(trained)
    assert (sides["test"], sides["validation"]) == (plain["test"], plain["validation"])
    assert sorted(sides["train"] + sides["seeds"]) == plain["train"]


def test_a_second_dataset_leaves_the_works_of_the_first_where_they_are() -> None:
    more = [replace(entry, name=f"more {entry.name}", work=f"more {entry.work}", dataset="more") for entry in MANY.entries[:60]]
    again = [replace(entry, name=f"again {entry.name}", dataset="more") for entry in MANY.entries[60:]]
    both = Collection(MANY.folder, (*MANY.entries, *more, *again), ())
    alone, together = split(MANY, 0.1, 0.1, 1), split(both, 0.1, 0.1, 1)
    for side, pieces in together.items():
        assert [index for index in pieces if index < len(MANY)] == alone[side]
    assert all({both.entries[index].dataset for index in together[side]} == {"", "more"} for side in ("validation", "test"))
    sides = {index: side for side, pieces in together.items() for index in pieces}
    for index in range(60, len(MANY)):
        assert sides[len(MANY) + index] == sides[index]


def test_editions_of_a_work_in_two_folders_count_as_one_work(tmp_path: Path) -> None:
    moves = np.random.default_rng(1).choice([-7, -4, -2, -1, 1, 2, 3, 5], 80)
    pitches = 50 + np.abs(np.cumsum(moves)) % 24
    for name, pitch in (
        ("one/Bach/air.mid", pitches),
        ("two/JSB/suite_2.mid", pitches + 2),
        ("two/JSB/other.mid", pitches[::-1]),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_midi(Piece(make_notes(np.arange(80) * 12, pitch, [12] * 80, [64] * 80)), tmp_path / name)
    sources = [*folder_sources(tmp_path / "one"), *folder_sources(tmp_path / "two")]
    collection = open_collection(sources, tmp_path / "cache")
    works = {(entry.dataset, entry.name): entry.work for entry in collection.entries}
    assert works == {
        ("one", "Bach/air.mid"): "Bach/air",
        ("two", "JSB/suite_2.mid"): "Bach/air",
        ("two", "JSB/other.mid"): "JSB/other",
    }
    assert works_with(collection, [make_notes(np.arange(30) * 24, pitches[20:50] - 5, [24] * 30, [64] * 30)]) == {"Bach/air"}


def test_a_table_in_the_folder_gives_the_credits(folder: Path) -> None:
    rows = "file,composer,title,licence,typesetter\nBach/prelude_1.mid,Bach,Prelude,CC BY 3.0,Anna\nnowhere.mid,,,,\n"
    (folder / "metadata.csv").write_text(rows, encoding="utf-8")
    credited = {entry.name: entry.credit for entry in opened(folder).entries}
    assert credited["Bach/prelude_1.mid"] == Credit("Prelude", "CC BY 3.0", "Anna")
    assert credited["alone.mid"] == Credit()
    (folder / "metadata.csv").write_text(rows.replace("Anna", "Berta"), encoding="utf-8")
    assert opened(folder).entries[0].credit.typesetter == "Berta"
    (folder / "metadata.csv").write_bytes(b"title\n\xff\x00\n")
    assert {entry.credit for entry in opened(folder).entries} == {Credit()}


@pytest.mark.parametrize("works", [1, 2])
def test_too_few_works_for_a_split_are_refused(works: int) -> None:
    with pytest.raises(DataError, match=f"only {works} work"):
        split(collection_of({f"work {i}": [100, 100] for i in range(works)}), 0.1, 0.1, 1)
