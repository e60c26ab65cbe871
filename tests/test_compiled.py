"""Compiled code is kept in the user's cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiclstm import compiled
from musiclstm.compiled import FLAGS, compile_quickly, keep_compiled


@pytest.fixture(autouse=True)
def no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FLAGS, "")  # so that it is restored, whatever a test makes of it
    monkeypatch.delenv(FLAGS)


def entry(folder: Path, name: str, size: int, age: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"\x0a" + bytes([size - 2]) + bytes(size - 2) if size < 128 else bytes(size))  # one field and its length
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_tensorflow_gets_a_folder_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_compiled()
    option, _, folder = os.environ[FLAGS].partition("=")
    assert option == "--tf_xla_persistent_cache_directory"
    assert Path(folder).is_dir()
    assert Path(folder).parent == tmp_path / "musiclstm"


def test_flags_that_are_set_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FLAGS, "--tf_xla_auto_jit=2")
    keep_compiled(tmp_path)
    assert os.environ[FLAGS] == "--tf_xla_auto_jit=2"
    assert not list(tmp_path.iterdir())


def test_without_a_place_to_write_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keep_compiled(tmp_path / "file")
    assert FLAGS not in os.environ


def test_the_oldest_entries_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_BYTES", 250)
    paths = [entry(tmp_path / f"xla-{age}", "code.pb", 100, age) for age in (3, 1, 2)]
    others = [entry(tmp_path / "else", "kept", 1000, 9), entry(tmp_path / "xla-1", "module.mlir.xz", 40, 0)]
    keep_compiled(tmp_path)
    assert [path.exists() for path in paths] == [False, True, True]
    assert all(other.exists() for other in others)


def test_entries_that_the_disk_has_lost_a_part_of_go_and_so_do_drafts_of_killed_programs(tmp_path: Path) -> None:
    whole = b"\x0a\x03key\x12\x90\x01" + bytes(144)
    contents = {"whole.pb": whole, "cut.pb": whole[:-1], "empty.pb": b"", "other.pb": b"\xff" * 40, "old.pbvm.tmp": whole[:9]}
    paths = [entry(tmp_path / "xla-1", name, 9, 9000) for name in contents] + [tmp_path / "xla-1" / "being-written.pbvm.tmp"]
    for path, content in zip(paths, [*contents.values(), b""], strict=True):
        path.write_bytes(content)
    os.utime(tmp_path / "xla-1" / "old.pbvm.tmp", (1e9, 1e9))
    keep_compiled(tmp_path)
    assert sorted(path.name for path in (tmp_path / "xla-1").iterdir()) == ["being-written.pbvm.tmp", "whole.pb"]


def test_on_a_full_disk_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "LEAST_FREE", 1e18)  # a disk of any size is full then
    keep_compiled(tmp_path)
    assert FLAGS not in os.environ


def test_xla_gets_options_only_with_the_tensorflow_that_has_them_and_where_none_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(present: str | None, version: str) -> str | None:
        monkeypatch.setattr(compiled, "_tensorflow", lambda: version)
        monkeypatch.setenv("XLA_FLAGS", present or "")
        if present is None:
            monkeypatch.delenv("XLA_FLAGS")
        compile_quickly()
        return os.environ.get("XLA_FLAGS")

    known = compiled._tensorflow()
    assert known == compiled._KNOWN  # after an update: does it still have the option, and is it still worth it?
    assert given(None, known) == "--xla_cpu_use_fusion_emitters=false"
    assert given("--xla_dump_to=x", known) == "--xla_dump_to=x"
    assert given(None, "2.99.0") is None


PROGRAM = """
from musiclstm.quiet import import_tensorflow
import_tensorflow()
import tensorflow as tf
print(float(tf.function(lambda x: x * 2, jit_compile=True)(tf.constant(21.0))))
"""


def test_what_one_process_compiles_is_found_by_the_next(tmp_path: Path) -> None:
    def run() -> dict[str, float]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == "42.0\n"
        return {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("xla_*")}

    first = run()
    assert len(first) == 1
    assert run() == first
