"""Checkpoint folders: saved and loaded, by other programs too, and one clear error for each kind of damage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from critics import critic_for

from musiclstm.checkpoint import (
    FORMAT,
    MAX_TEXT_BYTES,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    size_for,
)
from musiclstm.checkpoint_files import ORIGINALITY, PARTS
from musiclstm.errors import CheckpointError
from musiclstm.model.network import STREAMS, input_shape, input_specs
from musiclstm.model.stored_weights import MAX_WEIGHTS_BYTES, shapes
from musiclstm.model.vocabulary import Vocabulary
from musiclstm.music.notes import Piece
from musiclstm.scoring.originality import build_index

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = "model.weights.h5"


@pytest.fixture(scope="module")
def saved(small_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints") / "small"
    save_checkpoint(small_checkpoint, folder, card="# Small\n")
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(saved, tmp_path / "copy")


def inputs(checkpoint: Checkpoint) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    for name, classes in input_specs(checkpoint.config).items():
        shape = (1, 3, *input_shape(name, checkpoint.config))
        found[name] = rng.integers(0, classes, shape).astype(np.int32) if classes else rng.random(shape).astype(np.float32)
    return found


def logits(network: Any, given: dict[str, Any]) -> dict[str, Any]:
    return {stream: np.asarray(value) for stream, value in network(given, training=False).items()}


def sentence(folder: Path) -> str:
    """The message of ``load_checkpoint``: always a CheckpointError of one sentence."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


# Saving and loading


def test_a_loaded_checkpoint_equals_the_saved_one(small_checkpoint: Checkpoint, saved: Path) -> None:
    again = load_checkpoint(saved)
    for name in ("name", "config", "vocabulary", "metrics"):
        assert getattr(again, name) == getattr(small_checkpoint, name), name
    assert [seed.to_json() for seed in again.seeds] == [seed.to_json() for seed in small_checkpoint.seeds]
    given = inputs(small_checkpoint)
    before, after = logits(small_checkpoint.network, given), logits(again.network, given)
    assert all(np.array_equal(before[stream], after[stream]) for stream in STREAMS)
    assert again.revision == "local"
    assert load_checkpoint(saved, revision="abc").revision == "abc"


def test_copies_share_what_their_network_was_compiled_to(small_checkpoint: Checkpoint) -> None:
    copy = replace(small_checkpoint, critic=critic_for("pitch", 1.0), name="copy")
    assert copy.decoder.graph is small_checkpoint.decoder.graph
    other = replace(small_checkpoint, build=lambda: small_checkpoint.network)
    assert other.decoder.graph is not small_checkpoint.decoder.graph


def test_a_hash_is_that_of_all_that_decides_the_notes_and_of_nothing_else(
    small_checkpoint: Checkpoint, folder: Path, tmp_path: Path
) -> None:
    digest = small_checkpoint.digest
    assert len(digest) == 64
    assert load_checkpoint(folder).digest == load_checkpoint(folder, trusted=True).digest == digest
    for file, change in (
        ("musiclstm.json", lambda marker: marker | {"name": "renamed"}),
        ("seeds.json", lambda seeds: seeds[1:]),
        ("metrics.json", lambda metrics: metrics | {"bits_per_note": 1.0}),
    ):
        edit(folder / file, change)
    assert load_checkpoint(folder, revision="later", trusted=True).digest == digest
    found = {digest}
    words = small_checkpoint.vocabulary
    rounded = replace(small_checkpoint, critic=critic_for("pitch", 1.23456789))
    save_checkpoint(rounded, tmp_path / "rounded", card="")
    assert load_checkpoint(tmp_path / "rounded", trusted=True).digest == rounded.digest
    for other in (
        rounded,
        replace(small_checkpoint, critic=critic_for("pitch", 1.0)),
        replace(small_checkpoint, vocabulary=replace(words, composers=(*words.composers[:-1], "zz top"))),
        replace(small_checkpoint, vocabulary=replace(words, steps=(*words.steps[:-1], words.steps[-1] + 1))),
    ):
        found.add(other.digest)
    with h5py.File(folder / WEIGHTS, "r+") as file:
        name = next(iter(shapes(folder / WEIGHTS)))
        file[name][...] = np.nextafter(file[name][...], np.float32(9))  # the smallest possible change
    found.add(load_checkpoint(folder, trusted=True).digest)
    assert len(found) == 6


def test_the_hash_of_a_folder_needs_no_tensorflow(saved: Path) -> None:
    asked = f"""
import sys
from pathlib import Path
from musiclstm.checkpoint import load_checkpoint
print(load_checkpoint(Path({str(saved)!r}), trusted=True).digest, "keras" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert said == [load_checkpoint(saved, trusted=True).digest, "False"]


def test_other_programs_load_the_folder_with_stock_keras(small_checkpoint: Checkpoint, saved: Path) -> None:
    network = keras.saving.load_model(saved)
    given = inputs(small_checkpoint)
    mine, theirs = logits(small_checkpoint.network, given), logits(network, given)
    assert all(np.allclose(mine[stream], theirs[stream], rtol=1e-6, atol=1e-6) for stream in STREAMS)


def test_a_folder_contains_only_its_parts_and_the_card(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {*PARTS, "README.md"}
    assert (saved / "README.md").read_text(encoding="utf-8") == "# Small\n"
    assert json.loads((saved / "musiclstm.json").read_text(encoding="utf-8"))["format"] == FORMAT


def test_a_checkpoint_keeps_the_index_of_its_training_pieces(
    small_checkpoint: Checkpoint, tunes: dict[str, Piece], tmp_path: Path
) -> None:
    assert small_checkpoint.originality is None
    save_checkpoint(replace(small_checkpoint, originality=build_index(tunes.values())), tmp_path / "out", card="")
    again = load_checkpoint(tmp_path / "out").originality
    assert again is not None
    found = again.longest(tunes["waltz"])
    assert (found.notes, found.title) == (len(tunes["waltz"]), "Chopin: Waltz")


def test_a_checkpoint_keeps_its_critic_and_a_damaged_one_is_refused(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    assert small_checkpoint.critic is None
    critic = critic_for("pitch")
    save_checkpoint(replace(small_checkpoint, critic=critic), tmp_path / "out", card="")
    again = load_checkpoint(tmp_path / "out").critic
    assert again is not None
    assert again.to_json() == critic.to_json()
    (tmp_path / "out" / "critic.json").write_text("[]", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"critic\.json is damaged"):
        load_checkpoint(tmp_path / "out")


def test_a_checkpoint_keeps_its_example_and_a_damaged_one_is_refused(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(small_checkpoint, tmp_path / "out", card="")
    assert load_checkpoint(tmp_path / "out").example == ""
    save_checkpoint(replace(small_checkpoint, example="a link"), tmp_path / "out", card="")
    assert load_checkpoint(tmp_path / "out").example == "a link"
    for damaged in ("[]", '{"link": 1}', "{"):
        (tmp_path / "out" / "example.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(CheckpointError, match=r"example\.json is damaged"):
            load_checkpoint(tmp_path / "out")


def test_extras_are_copied_into_the_folder(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    extra = tmp_path / "curve.png"
    extra.write_bytes(b"picture")
    save_checkpoint(small_checkpoint, tmp_path / "out", card="", extras=[extra])
    assert (tmp_path / "out" / "curve.png").read_bytes() == b"picture"


def test_saving_again_replaces_the_older_checkpoint_completely(small_checkpoint: Checkpoint, folder: Path) -> None:
    (folder / "leftover.txt").write_text("of an older version", encoding="utf-8")
    save_checkpoint(replace(small_checkpoint, name="newer"), folder, card="")
    assert load_checkpoint(folder).name == "newer"
    assert not (folder / "leftover.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]  # no temporary files remain


def test_a_failed_save_keeps_the_older_checkpoint(small_checkpoint: Checkpoint, folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_checkpoint(replace(small_checkpoint, name="newer"), folder, card="", extras=[folder / "nowhere.png"])
    assert load_checkpoint(folder).name == "small"
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]


def test_the_next_save_deletes_what_a_killed_one_left(small_checkpoint: Checkpoint, folder: Path) -> None:
    half = folder.parent / ".musiclstm.12345678" / "draft"
    half.mkdir(parents=True)
    (half / WEIGHTS).write_bytes(b"half")
    save_checkpoint(small_checkpoint, folder, card="")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_ctrl_c_at_any_step_of_a_save_leaves_the_older_checkpoint_or_the_newer(
    small_checkpoint: Checkpoint, folder: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer, left = replace(small_checkpoint, name="newer"), -1

    def save_network(_: object, draft: Path) -> None:  # the same files as Keras would write, in a tenth of the time
        draft.mkdir()
        for name in ("config.json", "metadata.json", WEIGHTS):
            shutil.copy(saved / name, draft / name)

    monkeypatch.setattr("musiclstm.model.weights.save_network", save_network)

    def interrupt(event: str, _: object) -> None:
        nonlocal left
        if left >= 0 and event.split(".", maxsplit=1)[0] in ("open", "os", "shutil", "tempfile"):
            left -= 1
            if left < 0:
                raise KeyboardInterrupt

    sys.addaudithook(interrupt)  # Python calls it before it opens, renames or deletes a file; it can't be removed again
    steps, interrupted = 0, True
    while interrupted:
        left = steps
        try:
            save_checkpoint(newer, folder, card="")
            interrupted = False
        except KeyboardInterrupt:
            steps += 1
        left = -1
        assert all((folder / name).is_file() for name in (*PARTS, "README.md")), f"interrupted at step {steps}"
    assert steps > 20
    assert load_checkpoint(folder).name == "newer"


def test_a_folder_with_other_files_is_not_overwritten(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        save_checkpoint(small_checkpoint, tmp_path, card="")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_not_overwritten(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("years of work", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is a file"):
        save_checkpoint(small_checkpoint, tmp_path / "thesis", card="")
    assert (tmp_path / "thesis").read_text(encoding="utf-8") == "years of work"


def test_an_empty_folder_may_be_filled(small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    save_checkpoint(small_checkpoint, tmp_path / "new", card="")
    assert load_checkpoint(tmp_path / "new").name == "small"


def test_a_network_and_a_vocabulary_that_do_not_match_are_refused(small_checkpoint: Checkpoint) -> None:
    vocabulary = small_checkpoint.vocabulary
    for other in (
        replace(vocabulary, steps=(*vocabulary.steps, 500)),
        replace(vocabulary, durations=vocabulary.durations[:-1]),
        replace(vocabulary, velocities=16),
        replace(vocabulary, composers=("",)),
    ):
        with pytest.raises(CheckpointError, match="do not match"):
            replace(small_checkpoint, vocabulary=other)


def test_size_for_takes_its_class_counts_from_a_vocabulary() -> None:
    config = size_for(Vocabulary((0, 6, 12), (6, 12), 16, ("", "Bach")), units=64)
    assert (config.steps, config.durations, config.velocities, config.composers, config.units) == (3, 2, 16, 2, 64)


# Damage


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_named(folder: Path, part: str) -> None:
    (folder / part).unlink()
    assert f"lacks {part}" in sentence(folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "no checkpoint folder" in sentence(tmp_path / "nowhere")


@pytest.mark.parametrize("part", ["musiclstm.json", "vocabulary.json", "seeds.json", "metrics.json"])
@pytest.mark.parametrize(
    "content", [b"", b"just words", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"null", b"3"], ids=lambda content: repr(content[:8])
)
def test_text_instead_of_json_is_named(folder: Path, part: str, content: bytes) -> None:
    (folder / part).write_bytes(content)
    assert part in sentence(folder)


def test_a_newer_format_asks_for_an_update(folder: Path) -> None:
    edit(folder / "musiclstm.json", lambda marker: marker | {"format": FORMAT + 1})
    assert f"format {FORMAT + 1}; this program reads format {FORMAT}" in sentence(folder)


@pytest.mark.parametrize("format_", [None, "1", 1.5, []])
def test_a_format_that_is_no_number_is_refused(folder: Path, format_: Any) -> None:
    edit(folder / "musiclstm.json", lambda marker: marker | {"format": format_})
    assert "does not state its format" in sentence(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [("units", 100_000), ("units", 0), ("layers", 99), ("head", "16"), ("dropout", 7), ("channels", 1.5), ("steps", True)],
)
def test_a_config_out_of_bounds_is_refused_before_anything_is_built(folder: Path, name: str, value: Any) -> None:
    edit(folder / "musiclstm.json", lambda marker: marker | {"model": marker["model"] | {name: value}})
    assert f"Model {name}" in sentence(folder)


@pytest.mark.parametrize("change", [{"surprise": 1}, None, [], "large"])
def test_a_config_with_other_fields_is_refused(folder: Path, change: Any) -> None:
    new: Callable[[Any], Any] = lambda model: model | change if isinstance(change, dict) else change  # noqa: E731
    edit(folder / "musiclstm.json", lambda marker: marker | {"model": new(marker["model"])})
    assert "must describe the model by exactly" in sentence(folder)


def test_a_vocabulary_of_another_size_is_refused(folder: Path) -> None:
    edit(folder / "vocabulary.json", lambda vocabulary: vocabulary | {"durations": vocabulary["durations"][:-1]})
    assert "do not match" in sentence(folder)


def test_a_vocabulary_out_of_order_is_refused(folder: Path) -> None:
    edit(folder / "vocabulary.json", lambda vocabulary: vocabulary | {"steps": vocabulary["steps"][::-1]})
    assert "ascend" in sentence(folder)


def test_a_damaged_seed_is_named(folder: Path) -> None:
    edit(folder / "seeds.json", lambda seeds: [*seeds[:1], seeds[1] | {"tempo": "fast"}])
    assert "waltz" in sentence(folder)


def test_metrics_must_be_an_object_and_seeds_a_list(folder: Path) -> None:
    for part in ("metrics.json", "seeds.json"):
        before = (folder / part).read_text(encoding="utf-8")
        (folder / part).write_text("{}" if part == "seeds.json" else "[]", encoding="utf-8")
        assert part in sentence(folder)
        (folder / part).write_text(before, encoding="utf-8")


def test_truncated_weights_are_refused(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    for size in (0, 100, len(content) // 2, len(content) - 1):
        (folder / WEIGHTS).write_bytes(content[:size])
        assert "damaged" in sentence(folder)


def test_weights_larger_than_any_network_are_not_opened(folder: Path) -> None:
    with (folder / WEIGHTS).open("r+b") as file:
        file.truncate(MAX_WEIGHTS_BYTES + 1)  # a sparse file: it takes no room
    assert "at most" in sentence(folder)


def test_a_text_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "seeds.json").open("r+b") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    assert "at most" in sentence(folder)


def an_array(file: h5py.File) -> str:
    """The path of the first array in a weights file."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found[0]


def another_shape(file: h5py.File, path: str) -> None:
    file[path] = np.zeros((2, 2), np.float32)


def another_type(file: h5py.File, path: str) -> None:
    file[path] = np.zeros((2, 2), np.float64)


def a_soft_link(file: h5py.File, path: str) -> None:
    file[path] = h5py.SoftLink("/elsewhere")


def a_link_to_another_file(file: h5py.File, path: str) -> None:
    file[path] = h5py.ExternalLink("/etc/passwd", "/")


def data_in_another_file(file: h5py.File, path: str) -> None:
    file.create_dataset(path, (4,), "f4", external=[("/etc/passwd", 0, 16)])


def a_virtual_array(file: h5py.File, path: str) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset(path, layout)


def a_type_in_place_of_an_array(file: h5py.File, path: str) -> None:
    file[path] = np.dtype("f4")


def an_array_without_a_shape(file: h5py.File, path: str) -> None:
    file[path] = h5py.Empty("f4")


def an_array_larger_than_the_file(file: h5py.File, path: str) -> None:
    file.create_dataset(path, (1 << 40, 1 << 20), "f4", chunks=(1024, 1024))  # none of its chunks is written


def nothing(file: h5py.File, path: str) -> None:
    """The array is missing."""


def a_cycle(file: h5py.File, path: str) -> None:
    file[path] = file["/"]


@pytest.mark.parametrize(
    ("put", "says"),
    [
        (another_shape, "do not fit the network"),
        (another_type, "do not fit the network"),
        (nothing, "do not fit the network"),
        (an_array_larger_than_the_file, "declare"),
        (a_soft_link, "not allowed"),
        (a_link_to_another_file, "not allowed"),
        (data_in_another_file, "not allowed"),
        (a_virtual_array, "not allowed"),
        (a_type_in_place_of_an_array, "not an array"),
        (an_array_without_a_shape, "not an array"),
        (a_cycle, "form a cycle"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_weights_that_are_not_arrays_of_this_network_are_refused(
    folder: Path, put: Callable[[h5py.File, str], None], says: str
) -> None:
    with h5py.File(folder / WEIGHTS, "r+") as file:
        path = an_array(file)
        del file[path]
        put(file, path)
    assert says in sentence(folder)


def test_an_array_of_another_name_is_refused(folder: Path) -> None:
    with h5py.File(folder / WEIGHTS, "r+") as file:
        path = an_array(file)
        file.move(path, f"{path}0")
    assert "are damaged" in sentence(folder)


def test_a_small_file_that_declares_huge_arrays_needs_little_memory(folder: Path) -> None:
    with h5py.File(folder / WEIGHTS, "r+") as file:
        path = an_array(file)
        shape = file[path].shape
        del file[path]
        file.create_dataset(path, (*shape[:-1], 1 << 30), "f4", chunks=True)
    big = {"units": 1024, "layers": 4, "head": 1024, "channels": 128}  # the largest network that a config allows
    edit(folder / "musiclstm.json", lambda marker: marker | {"model": marker["model"] | big})
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from musiclstm import checkpoint, errors\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        "try:\n"
        "    checkpoint.load_checkpoint(Path(sys.argv[1]))\n"
        "except errors.CheckpointError as error:\n"
        "    print(peak() - before, error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True)
    megabytes, _, message = ran.stdout.partition(" ")
    assert "declare" in message
    assert int(megabytes) < 100


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    edit(folder / "musiclstm.json", lambda marker: marker | {"model": marker["model"] | {"units": 16}})
    assert "do not fit the network" in sentence(folder)


def test_an_extra_array_is_refused(folder: Path) -> None:
    with h5py.File(folder / WEIGHTS, "r+") as file:
        file["surprise"] = np.zeros(3, np.float32)
    assert "surprise" in sentence(folder)


def test_a_damaged_originality_index_is_refused_and_a_missing_one_is_none(folder: Path) -> None:
    assert load_checkpoint(folder).originality is None
    (folder / ORIGINALITY).write_bytes(b"just words")
    assert ORIGINALITY in sentence(folder)


def test_config_json_is_never_executed(small_checkpoint: Checkpoint, folder: Path) -> None:
    (folder / "config.json").write_text("not even JSON", encoding="utf-8")
    again = load_checkpoint(folder)
    given = inputs(small_checkpoint)
    assert np.array_equal(logits(again.network, given)["pitch"], logits(small_checkpoint.network, given)["pitch"])
