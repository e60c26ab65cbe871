"""Archives: their files become pieces as files of a folder do; what is damaged costs itself alone."""

from __future__ import annotations

import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from musiclstm import limits
from musiclstm.data.archives import folder_archives
from musiclstm.data.collection import open_collection, split
from musiclstm.data.listing import folder_sources
from musiclstm.data.sources import open_data
from musiclstm.errors import DataError, MusicFileError
from musiclstm.formats.midi import midi_bytes
from musiclstm.music.notes import Metre, Piece, Tempo, make_notes


def melody(seed: int, notes: int = 40) -> Piece:
    pitches = np.random.default_rng(seed).integers(40, 90, notes)
    return Piece(make_notes(np.arange(notes) * 12, pitches, [12] * notes, [64] * notes), (Metre(0, 3, 4),), (Tempo(0, 90.0),))


FILES = {
    "Bach/prelude_1.mid": midi_bytes(melody(1)),
    "Bach/prelude_2.mid": midi_bytes(melody(2)),
    "Bach/._prelude_2.mid": b"what macOS adds",
    "Satie/gnossienne.MID": midi_bytes(melody(3)),
    "Satie/broken.mid": b"MThd, but nothing more",
    "../outside.mid": midi_bytes(melody(4)),
    "readme.txt": b"not music",
}
PLAYED = ["Bach/prelude_1.mid", "Bach/prelude_2.mid", "Satie/gnossienne.MID", "../outside.mid"]


def packed(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    kinds = {".tar": "w", ".bz2": "w:bz2", ".xz": "w:xz"}
    with tarfile.open(path, kinds.get(path.suffix, "w:gz")) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_an_archive_of_every_kind_is_read_without_being_unpacked(tmp_path: Path, name: str) -> None:
    packed(tmp_path / "data" / "sub" / name, FILES)
    collection = open_collection([], tmp_path / "cache", archives=folder_archives(tmp_path / "data"))
    assert [entry.name for entry in collection.entries] == [f"sub/{name}/{file}" for file in PLAYED]
    assert [entry.composer for entry in collection.entries] == ["Bach", "Bach", "Satie", ""]
    assert collection.entries[0].work == collection.entries[1].work != collection.entries[2].work
    assert all(np.array_equal(collection.piece(i).notes["pitch"], melody(i + 1).notes["pitch"]) for i in range(4))
    assert len(collection.skipped) == 1
    assert "broken.mid" in collection.skipped[0]
    assert not list(tmp_path.rglob("*.mid"))


def test_data_may_be_files_and_archives_together_or_archives_alone(tmp_path: Path) -> None:
    packed(tmp_path / "data" / "more.zip", {"b.mid": midi_bytes(melody(2))})
    said: list[str] = []
    alone = open_data([str(tmp_path / "data")], tmp_path / "cache", said.append)
    (tmp_path / "data" / "a.mid").write_bytes(midi_bytes(melody(1)))
    both = open_data([str(tmp_path / "data")], tmp_path / "cache", said.append)
    assert [[(entry.name, entry.dataset) for entry in found.entries] for found in (alone, both)] == [
        [("more.zip/b.mid", "data")],
        [("a.mid", "data"), ("more.zip/b.mid", "data")],
    ]
    with pytest.raises(DataError, match="contains no"):
        folder_sources(packed(tmp_path / "only" / "a.zip", FILES).parent)


def test_what_is_damaged_or_too_large_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    whole = packed(folder / "cut.tar.gz", {f"{number}.mid": midi_bytes(melody(number, 400)) for number in range(8)})
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "no.zip").write_bytes(b"PK, and nothing more")
    monkeypatch.setattr(limits, "FILE_BYTES", len(midi_bytes(melody(1, 400))) + 100)
    big = packed(folder / "big.zip", {name: midi_bytes(melody(seed)) for seed, name in ((20, "a.mid"), (22, "c.mid"))})
    with zipfile.ZipFile(big, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.mid", midi_bytes(melody(21, 4000)))
        archive.writestr("d.mid", midi_bytes(melody(23)))
        broken = archive.getinfo("c.mid").header_offset
    data = bytearray(big.read_bytes())
    data[broken + 60] ^= 255
    big.write_bytes(data)
    collection = open_collection([], tmp_path / "cache", archives=folder_archives(folder))
    kept = {entry.name for entry in collection.entries}
    assert {"big.zip/a.mid", "big.zip/d.mid", "cut.tar.gz/0.mid"} <= kept
    assert len(kept) < 10
    assert [reason.partition(" ")[0] for reason in collection.skipped] == [
        "big.zip/c.mid",
        "big.zip/b.mid",
        "cut.tar.gz",
        "no.zip",
    ]
    assert all(reason.endswith(".") and "\n" not in reason for reason in collection.skipped)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_damage_to_an_archive_ends_the_reading(tmp_path: Path, kind: int) -> None:
    path, rng = tmp_path / "data" / "a.zip", np.random.default_rng(kind)
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", kind) as archive:
        for number in range(3):
            archive.writestr(f"{number}.mid", midi_bytes(melody(number)))
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3).tolist():
            data[place] = int(rng.integers(256))
        path.write_bytes(data)
        for source in folder_archives(path.parent)[0]:
            with suppress(MusicFileError):
                source.read()


def test_any_name_in_an_archive_will_do(tmp_path: Path) -> None:
    files = {"曲" * 95 + ".mid": melody(1), "..\\..\\x.mid": melody(2), "Satie/caf\udce9.mid": melody(3)}
    packed(tmp_path / "data" / "a.tar", {name: midi_bytes(piece) for name, piece in files.items()})
    collection = open_collection([], tmp_path / "cache", archives=folder_archives(tmp_path / "data"))
    assert len(collection) == 3
    assert collection.entries[2].name == "a.tar/Satie/caf?.mid"
    split(collection, 0.0, 0.4, 1)


def test_movements_of_a_work_in_two_archives_are_one_work(tmp_path: Path) -> None:
    for number in (1, 2):
        packed(tmp_path / "data" / f"shard-{number}.zip", {f"Mozart/k545_{number}.mid": midi_bytes(melody(number))})
    collection = open_collection([], tmp_path / "cache", archives=folder_archives(tmp_path / "data"))
    assert len({entry.work for entry in collection.entries}) == 1


def test_another_archive_of_the_same_name_is_read_anew(tmp_path: Path) -> None:
    for seed in (1, 2):
        packed(tmp_path / "data" / "a.zip", {f"{seed}.mid": midi_bytes(melody(seed))})
        collection = open_collection([], tmp_path / "cache", archives=folder_archives(tmp_path / "data"))
        assert [entry.name for entry in collection.entries] == [f"a.zip/{seed}.mid"]
