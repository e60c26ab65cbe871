"""Copied passages of known length are found in full, in any key, and index files are checked before they are trusted."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musiclstm.errors import CheckpointError
from musiclstm.music.notes import Piece, join, make_notes, transpose
from musiclstm.scoring import originality
from musiclstm.scoring.originality import (
    MOST_FIGURES,
    ROWS,
    OriginalityIndex,
    build_index,
    human_overlap,
    passages,
    read_index,
    write_index,
)


def random_piece(random_seed: int, notes: int = 400, title: str = "") -> Piece:
    """Random music: irregular onsets, four octaves, some chords."""
    rng = np.random.default_rng(random_seed)
    onset = np.cumsum(rng.choice([0, 3, 6, 8, 12, 24], notes))
    found = make_notes(onset, rng.integers(40, 88, notes), rng.integers(1, 48, notes), rng.integers(20, 100, notes))
    name = f"random/{random_seed}.mid"
    return Piece(found, title=title or f"Number {random_seed}", composer="Random", source=name)


def with_passage(host: Piece, at: int, source: Piece, first: int, count: int) -> Piece:
    """``host`` with ``count`` notes of ``source`` from note ``first`` inserted as its notes from ``at`` on.

    Gaps of 500 ticks on both sides keep the shared passage from extending further.
    """
    taken = source.notes[first : first + count].copy()
    head, tail = host.notes[:at].copy(), host.notes[at:].copy()
    taken["onset"] += (head["onset"][-1] if at else 0) + 500 - taken["onset"][0]
    tail["onset"] += taken["onset"][-1] + 500 - (tail["onset"][0] if len(tail) else 0)
    return replace(host, notes=np.concatenate([head, taken, tail]))


@pytest.fixture(scope="module")
def known() -> list[Piece]:
    return [random_piece(number) for number in range(5)]


@pytest.fixture(scope="module")
def index(known: list[Piece]) -> OriginalityIndex:
    return build_index(known)


@pytest.fixture
def path(index: OriginalityIndex, tmp_path: Path) -> Path:
    """The index as a file, to damage."""
    write_index(index, tmp_path / "originality.npz")
    return tmp_path / "originality.npz"


# Known answers


@pytest.mark.parametrize("count", [ROWS + 1, 7, 9, 20, 100])
def test_a_copied_passage_of_k_notes_gives_k_and_names_its_piece(index: OriginalityIndex, known: list[Piece], count: int) -> None:
    music = with_passage(random_piece(99), 50, known[3], 120, count)
    found = index.longest(music)
    assert (found.notes, found.start, found.origin) == (count, 50, 120)
    assert (found.title, found.name) == ("Random: Number 3", "random/3.mid")


def test_a_transposed_copy_gives_the_same(index: OriginalityIndex, known: list[Piece]) -> None:
    music = with_passage(random_piece(99), 50, known[2], 10, 30)
    for semitones in (-6, -1, 1, 5):
        assert index.longest(transpose(music, semitones)) == index.longest(music)
    assert index.longest(music).notes == 30


def test_durations_and_velocities_do_not_hide_a_copy(index: OriginalityIndex, known: list[Piece]) -> None:
    music = with_passage(random_piece(99), 0, known[1], 40, 25)
    played = music.notes.copy()
    played["duration"], played["velocity"] = 1, 127
    assert index.longest(replace(music, notes=played)) == index.longest(music)


def test_a_changed_rhythm_or_pitch_ends_a_passage(index: OriginalityIndex, known: list[Piece]) -> None:
    copy = with_passage(random_piece(99), 0, known[1], 40, 25)
    for column in ("pitch", "onset"):
        changed = copy.notes.copy()
        changed[column][15 if column == "pitch" else slice(15, None)] += 1
        assert index.longest(replace(copy, notes=changed)).notes == 15


def test_random_music_shares_nothing(index: OriginalityIndex) -> None:
    assert all(index.longest(random_piece(number)) == originality.SharedPassage(0, "", 0) for number in range(100, 120))


def test_figures_count_only_in_their_order_in_one_piece(index: OriginalityIndex, known: list[Piece]) -> None:
    one_after_the_other = with_passage(with_passage(random_piece(99), 30, known[0], 100, 12), 42, known[1], 200, 14)
    assert index.longest(one_after_the_other).notes == 14
    swapped = with_passage(with_passage(random_piece(99), 30, known[0], 100, 12), 42, known[0], 88, 13)
    assert index.longest(swapped).notes == 13


def test_a_loop_matches_only_as_far_as_the_known_piece_goes() -> None:
    def repeated(count: int) -> Piece:
        return Piece(make_notes(np.arange(count) * 6, [60] * count, [6] * count, [64] * count))

    index = build_index([replace(repeated(9), title="Nine")])
    assert index.longest(repeated(60)).notes == 9
    assert index.longest(repeated(8)).notes == 8


def test_a_passage_does_not_run_on_from_one_piece_into_the_next(known: list[Piece]) -> None:
    index = build_index(known[:2])
    both = np.concatenate([known[0].notes, known[1].notes])
    both["onset"][len(known[0]) :] += known[0].end
    assert index.longest(Piece(both)).notes == max(len(known[0]), len(known[1]))


def test_what_a_continuation_has_from_its_seed_does_not_count(index: OriginalityIndex, known: list[Piece]) -> None:
    seed = with_passage(random_piece(99, 60), 5, known[2], 30, 40)
    begin, both = len(seed), join(seed, random_piece(98), seed.end)
    quoting = with_passage(both, begin + 20, known[2], 30, 40)
    assert index.longest(quoting).notes == 40
    assert index.longest(quoting, begin).notes == 0
    assert index.longest(with_passage(both, begin + 20, known[2], 30, 47), begin).notes == 47  # goes on as the known piece does
    assert index.longest(with_passage(quoting, begin + 100, known[0], 7, 11), begin).notes == 11


def test_only_notes_after_the_seed_count(index: OriginalityIndex, known: list[Piece]) -> None:
    music = with_passage(with_passage(random_piece(99), 20, known[4], 60, 40), 200, known[0], 7, 11)
    assert index.longest(music).notes == 40
    after = index.longest(music, start=100)
    assert (after.notes, after.start, after.name) == (11, 200, "random/0.mid")
    assert index.longest(music, start=45).notes == 15  # of the forty, those after the seed
    assert index.longest(music, start=len(music)).notes == 0


def test_pieces_can_be_left_out(index: OriginalityIndex, known: list[Piece]) -> None:
    assert index.longest(known[2]).notes == len(known[2])
    assert index.longest(known[2], exclude={"random/2.mid"}).notes == 0


def test_too_few_notes_share_nothing(index: OriginalityIndex, known: list[Piece]) -> None:
    for count in range(ROWS + 1):
        assert index.longest(replace(known[0], notes=known[0].notes[:count].copy())).notes == 0
    assert index.longest(replace(known[0], notes=known[0].notes[: ROWS + 1].copy())).notes == ROWS + 1


def test_an_empty_index_finds_nothing(known: list[Piece], tmp_path: Path) -> None:
    write_index(build_index([]), tmp_path / "empty.npz")
    assert read_index(tmp_path / "empty.npz").longest(known[0]).notes == 0


def test_titles_say_the_composer_once_and_fall_back_to_the_file() -> None:
    def words(title: str, composer: str) -> str:
        return originality.Known("Clementi/op36_1.mid", title, composer).words

    assert words("Sonatine", "Clementi") == "Clementi: Sonatine"
    assert words("CLEMENTI: Sonatine", "Clementi") == "CLEMENTI: Sonatine"
    assert words(": Sonatine", "") == "Sonatine"
    assert words("", "Clementi") == "Clementi: op36_1"


# Human music


def test_human_music_is_measured_in_passages_of_sixteen_bars(index: OriginalityIndex, known: list[Piece]) -> None:
    copiers = [with_passage(random_piece(number, 130), 20, known[0], 0, 21) for number in (97, 98)]
    measured = human_overlap(index, [*copiers, *(random_piece(number, 240) for number in range(100, 118))])
    assert measured["passages"] == 20
    assert measured["people"] == {"50": 0, "75": 0, "95": 21}
    assert (measured["n"], measured["known"], measured["bars"]) == (ROWS, 5, 16)


def test_passages_follow_each_other_and_are_full(tunes: dict[str, Piece]) -> None:
    march = tunes["march"]
    long = join(join(march, march, 8 * 96), march, 16 * 96)  # 24 bars
    (passage,) = passages(long)
    assert int(passage.notes["onset"][-1]) < 16 * 96
    assert [len(p) for p in passages(long, 8)] == [len(march)] * 3
    assert not list(passages(march))


# Files


def test_a_written_index_is_read_back_unchanged(index: OriginalityIndex, known: list[Piece], path: Path, tmp_path: Path) -> None:
    again = read_index(path)
    assert (again.pieces, again.rows) == (index.pieces, index.rows)
    music = with_passage(random_piece(99), 50, known[3], 120, 17)
    assert again.longest(music) == index.longest(music)
    write_index(again, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_no_notes_are_in_the_file(known: list[Piece], path: Path) -> None:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    assert set(arrays) == {"about", "counts", "figures"}
    assert set(json.loads(arrays["about"].tobytes())) == {"format", "rows", "pieces"}
    assert len(arrays["figures"]) == sum(len(piece) - ROWS for piece in known)
    assert len(np.unique(arrays["figures"] >> 24)) > 200  # spread over all 32 bits, as hashes are and notes are not
    pitches = known[0].notes["pitch"][:-ROWS].astype(float)
    assert abs(np.corrcoef(pitches, arrays["figures"][: len(pitches)].astype(float))[0, 1]) < 0.2


def test_unprintable_names_are_cleaned(known: list[Piece], tmp_path: Path) -> None:
    odd = replace(known[0], title="Two\nlines\x00 \udc80 " + "x" * 1000, source="a\tb.mid")
    write_index(build_index([odd]), tmp_path / "odd.npz")
    (piece,) = read_index(tmp_path / "odd.npz").pieces
    assert piece.title.startswith("Two lines x")
    assert len(piece.title) == originality.LONGEST_NAME
    assert piece.name == "a b.mid"


def test_pieces_beyond_the_bound_are_left_out(known: list[Piece], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originality, "MOST_FIGURES", 1000)
    assert [piece.name for piece in build_index(known).pieces] == ["random/0.mid", "random/1.mid"]


def sentence(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_index(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def about(**changes: object) -> bytes:
    fields = {"format": 1, "rows": ROWS, "pieces": [["a.mid", "A", "B"], ["c.mid", "C", "D"]]} | changes
    return npy(np.frombuffer(json.dumps(fields).encode(), dtype="u1"))


GOOD = {
    "about.npy": about(),
    "counts.npy": npy(np.array([1, 2], "<u4")),
    "figures.npy": npy(np.array([5, 6, 7], "<u4")),
}


def archive(path: Path, members: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A valid archive in which ``members``, named without their ending, are replaced or added."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in (GOOD | {f"{name}.npy": content for name, content in (members or {}).items()}).items():
            file.writestr(name, content)
    return path


def test_a_file_made_by_hand_is_read(tmp_path: Path) -> None:
    assert len(read_index(archive(tmp_path / "o.npz")).pieces) == 2


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"figures": npy(np.array([5, 6, 7], "<u8"))}, "kind <u4"),
        ({"figures": npy(np.array([5, 6, 7], ">u4"))}, "kind <u4"),
        ({"figures": npy(np.array([[5, 6, 7]], "<u4"))}, "kind <u4"),
        ({"figures": npy(np.array(5, "<u4"))}, "kind <u4"),
        ({"figures": npy(np.array([{}, None, 1], dtype=object))}, "kind <u4"),
        ({"figures": b""}, "kind <u4"),
        ({"figures": GOOD["figures.npy"][:-2]}, "does not hold"),
        ({"figures": GOOD["figures.npy"] + b"more"}, "does not hold"),
        ({"figures": GOOD["figures.npy"].replace(b"(3,)", b"(4,)")}, "does not hold"),
        ({"figures": npy(np.array([5, 6], "<u4"))}, "count 3 figures but it holds 2"),
        ({"counts": npy(np.array([3], "<u4"))}, "each of its 1 pieces"),
        ({"counts": npy(np.array([2**32 - 1, 4], "<u4"))}, "figures but it holds"),
        ({"about": about(format=2)}, "format 2"),
        ({"about": about(rows=0)}, "1 to 64 rows"),
        ({"about": about(rows=True)}, "1 to 64 rows"),
        ({"about": about(rows=10**9)}, "1 to 64 rows"),
        ({"about": about(pieces=[["a", "b"], ["c", "d"]])}, "needs a name"),
        ({"about": about(pieces=[["a", "b", 3], ["c", "d", "e"]])}, "needs a name"),
        ({"about": about(pieces=[["a", "two\nlines", ""], ["c", "d", "e"]])}, "needs a name"),
        ({"about": about(pieces=[["a", "b" * 5000, ""], ["c", "d", "e"]])}, "needs a name"),
        ({"about": about(surprise=1)}, "does not name"),
        ({"about": npy(np.frombuffer(b"[" * 200_000, dtype="u1"))}, "damaged"),
        ({"about": npy(np.frombuffer(b"\xff\xfe{}", dtype="u1"))}, "damaged"),
        ({"about": npy(np.frombuffer(b"", dtype="u1"))}, "damaged"),
        ({"surprise": GOOD["counts.npy"]}, "three arrays"),
    ],
)
def test_invalid_parts_are_refused(tmp_path: Path, members: dict[str, bytes], says: str) -> None:
    assert says in sentence(archive(tmp_path / "o.npz", members))


def test_a_missing_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "o.npz", "w") as file:
        for name in ("about", "counts", "other"):
            file.writestr(f"{name}.npy", GOOD["counts.npy"] if name == "other" else GOOD[f"{name}.npy"])
    assert "figures" in sentence(tmp_path / "o.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods_are_refused(tmp_path: Path, method: int) -> None:
    assert "unknown way" in sentence(archive(tmp_path / "o.npz", method=method))


@pytest.mark.parametrize(
    "content",
    [b"", b"just words", b"PK\5\6", b"PK\5\6" + bytes(18), bytes(1000), GOOD["figures.npy"]],
    ids=lambda content: repr(content[:6]),
)
def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "o.npz").write_bytes(content)
    assert "damaged or not an index" in sentence(tmp_path / "o.npz")


def peak(work: Callable[[], object]) -> int:
    """Peak memory in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count", [MOST_FIGURES, MOST_FIGURES + 1, 999_999_999, 10**30])
def test_an_array_that_only_declares_its_size_takes_no_memory(tmp_path: Path, count: int) -> None:
    text = f"{{'descr': '<u4', 'fortran_order': False, 'shape': ({count},), }}".ljust(117).encode() + b"\n"
    archive(tmp_path / "o.npz", {"figures": b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text})
    assert peak(lambda: sentence(tmp_path / "o.npz")) < 1_000_000


def test_a_decompression_bomb_is_not_unpacked(tmp_path: Path) -> None:
    text = b"{'descr': '<u4', 'fortran_order': False, 'shape': (3,), }".ljust(117) + b"\n"
    swollen = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(50_000_000)
    archive(tmp_path / "o.npz", {"figures": swollen})
    assert (tmp_path / "o.npz").stat().st_size < 100_000
    del swollen
    assert peak(lambda: sentence(tmp_path / "o.npz")) < 1_000_000


def test_an_oversized_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "o.npz").open("wb") as file:
        file.truncate(60_000_000)  # a sparse file: it takes no disk space
    assert "at most" in sentence(tmp_path / "o.npz")


def test_any_damage_is_reported_in_one_sentence(path: Path) -> None:
    rng = np.random.default_rng(3)
    whole = path.read_bytes()
    for _ in range(400):
        content = bytearray(whole)
        if rng.random() < 0.3:
            del content[int(rng.integers(len(whole))) :]
        else:  # mostly in the headers, where more can go wrong
            spots = (rng.integers(300), len(whole) - 1 - rng.integers(300), rng.integers(len(whole)))
            content[int(rng.choice(spots))] ^= int(rng.integers(1, 256))
        path.write_bytes(content)
        try:
            read_index(path)
        except CheckpointError as error:
            assert str(error).count("\n") == 0  # some flipped bits, such as those of a date, do no harm
