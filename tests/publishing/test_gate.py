"""From a checkpoint folder to the Hub: gates, card, push; the real huggingface_hub against a small Hub on this machine."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hub_client import HubClient, environment
from hub_server import LocalHub

from musiclstm.checkpoint import load_checkpoint, save_checkpoint
from musiclstm.errors import DataError
from musiclstm.formats.midi import write_midi
from musiclstm.music.notes import Piece, bar_lines, join, transpose
from musiclstm.publishing.card import merged, with_sections
from musiclstm.publishing.gate import Contender, Verdict, held_out, reasons_against
from train import main

ROOT = Path(__file__).resolve().parents[2]
REPO = "anna/tiny"
SMALL = ["--units", "16", "--layers", "1", "--head", "16", "--lanes", "2", "--window", "16", "--epochs", "1", "--seeds", "data"]

# huggingface_hub reads its environment when it is imported: one process for all tests, which does what it is told to.
RELEASER = """
import json, sys
from pathlib import Path
from musiclstm.quiet import import_tensorflow
import_tensorflow()
import numpy as np
from musiclstm.checkpoint import load_checkpoint
from musiclstm.errors import MusicLSTMError
from musiclstm.model.network import input_specs
from musiclstm.publishing import release
print("ready", flush=True)

def same(repo, folder):
    # The snippet that the Hub itself shows, beside our own loader.
    import keras
    theirs, ours = keras.saving.load_model("hf://" + repo), load_checkpoint(Path(folder))
    rng, inputs = np.random.default_rng(1), {}
    for name, tensor in theirs.input.items():
        shape = (1, 4, *tensor.shape[2:])
        classes = input_specs(ours.config)[name]
        inputs[name] = rng.integers(0, classes, shape).astype("int32") if classes else rng.random(shape, dtype="float32")
    left, right = (network.predict_on_batch(inputs) for network in (theirs, ours.network))
    return all(np.array_equal(left[stream], right[stream]) for stream in right)

for line in sys.stdin:
    order, said = json.loads(line), []
    try:
        if order["folder"] is None:
            answer = same(order["repo"], order["data"])
        else:
            made = release(Path(order["folder"]), order["repo"], order["data"], say=said.append, **order["options"])
            answer = made and [made.commit, made.version, list(made.sent)]
    except MusicLSTMError as error:
        answer = {"error": type(error).__name__, "sentence": str(error)}
    print(json.dumps([answer, said]), flush=True)
"""


class Releaser(HubClient):
    """Calls ``release`` in another process whose Hub is at ``url``."""

    def __init__(self, url: str, home: Path) -> None:
        super().__init__(RELEASER, url, home, LocalHub.token)

    def __call__(self, folder: Path | None, data: Path, **options: Any) -> tuple[Any, list[str]]:
        """What ``release`` returned, or its error and sentence; and what it said."""
        answer, said = self.ask({"folder": folder and str(folder), "repo": REPO, "data": str(data), "options": options})
        return answer, said


@pytest.fixture(scope="module")
def data(tunes: dict[str, Piece], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nine pieces, each long enough to hold a seed."""
    folder = tmp_path_factory.mktemp("data")
    for letter, tune in zip("abc", tunes.values(), strict=True):
        for number, name in enumerate(("air", "duo", "trio")):
            piece = transpose(tune, number)
            end = int(bar_lines(piece)[-1])
            write_midi(join(join(piece, piece, end), piece, 2 * end), folder / f"{letter} {name}.mid")
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["--data", str(data), "--out", str(out), *SMALL]) == 0
    return out


@pytest.fixture(scope="module")
def worse(trained: Path) -> Path:
    """The same checkpoint with weights that foretell worse."""
    loaded = load_checkpoint(trained)
    loaded.network.set_weights([-3 * weight for weight in loaded.network.get_weights()])
    out = trained.with_name("worse")
    save_checkpoint(replace(loaded, name="worse"), out, card=(trained / "README.md").read_text(encoding="utf-8"))
    return out


@pytest.fixture(scope="module")
def release(running: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releaser]:
    releaser = Releaser(running.url, tmp_path_factory.mktemp("home"))
    yield releaser
    releaser.close()


def files(hub: LocalHub) -> dict[str, bytes]:
    """The newest commit."""
    repository = hub.repositories["model", REPO]
    return repository.commits[repository.refs["main"]]


def test_a_checkpoint_worse_than_counting_stays_here(hub: LocalHub, release: Releaser, trained: Path, data: Path) -> None:
    answer, _ = release(trained, data)
    assert answer["error"] == "CheckpointError"
    assert re.fullmatch(
        r"It needs \d+\.\d{3} bits a note on held-out pieces, Markov chain of order \d \d+\.\d{3}\. "
        r"It is not published; --force REASON does so and tells why in the card\.",
        answer["sentence"],
    )
    assert not hub.repositories


def test_a_forced_release_tells_why_and_can_be_checked_and_loaded(
    hub: LocalHub, release: Releaser, trained: Path, data: Path
) -> None:
    (commit, version, sent), said = release(trained, data, forced="a try-out")
    assert version == "v1"
    assert set(sent) <= set(files(hub))
    assert said[-1] == f"Published as {REPO}@v1, commit {commit}."
    card = files(hub)["README.md"].decode()
    assert "Published all the same: a try-out" in card
    assert "| Markov chain of order" in card
    for name, content in files(hub).items():
        if name not in ("README.md", ".gitattributes"):
            assert content == (trained / name).read_bytes()
            assert f"| `{name}` | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |" in card
    assert release(None, trained)[0] is True  # the Hub's own snippet loads it and predicts as ours does


def test_the_same_folder_again_is_neither_measured_nor_sent(hub: LocalHub, release: Releaser, trained: Path, data: Path) -> None:
    first = release(trained, data, forced="a try-out")[0]
    before = files(hub)
    again, said = release(trained, data)  # not forced: there is nothing to decide
    assert again == [first[0], "v1", []]
    assert said == [f"Nothing to publish: the Hub has these files as {REPO}@v1, commit {first[0]}."]
    assert files(hub) == before


def test_one_worse_than_the_published_is_refused_and_nothing_changes(
    hub: LocalHub, release: Releaser, trained: Path, worse: Path, data: Path
) -> None:
    release(trained, data, forced="a try-out")
    before = files(hub)
    answer, _ = release(worse, data)
    assert answer["error"] == "CheckpointError"
    assert "published, v1" in answer["sentence"]
    assert "Markov chain" in answer["sentence"]
    assert files(hub) == before
    assert set(hub.repositories["model", REPO].refs) == {"main", "v1"}


def test_what_a_person_wrote_in_the_card_stays(hub: LocalHub, release: Releaser, trained: Path, worse: Path, data: Path) -> None:
    release(trained, data, forced="a try-out")
    card = (
        files(hub)["README.md"].decode().replace("library_name:", "base_model: anna/older\nlibrary_name:")
        + "\nThanks to Berta.\n"
    )
    hub.commit(REPO, files(hub) | {"README.md": card.encode()})
    (_, version, _), _ = release(worse, data, forced="worse on purpose")
    assert version == "v2"
    kept = files(hub)["README.md"].decode()
    assert "Thanks to Berta." in kept
    assert "base_model: anna/older" in kept
    assert "worse on purpose" in kept
    assert "a try-out" not in kept


def test_a_dry_run_measures_and_sends_nothing(hub: LocalHub, release: Releaser, trained: Path, data: Path) -> None:
    answer, said = release(trained, data, forced="a try-out", dry_run=True)
    assert answer is None
    assert any(line.startswith("Would send model.weights.h5, ") for line in said)
    assert said[-1] == f"Nothing was sent to {REPO}."
    assert any("| Markov chain" in line for line in said)
    assert not hub.repositories


def test_other_data_than_it_was_trained_on_are_refused(
    hub: LocalHub, release: Releaser, trained: Path, data: Path, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(data.iterdir())):
        shutil.copy(path, tmp_path / f"{number} other.mid")
    moved = tmp_path / "elsewhere"
    shutil.copytree(trained, moved)  # without the music that its training read
    answer, _ = release(moved, tmp_path)
    assert answer["error"] == "DataError"
    assert "not the data that the checkpoint was trained on" in answer["sentence"]
    assert not hub.repositories


def test_training_can_end_on_the_hub(hub: LocalHub, trained: Path, data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "train.py", "--data", str(data), "--out", str(trained), "--resume", *SMALL, "--push", REPO]
    ran = subprocess.run(
        [*command, "--private", "--force", "a test"],
        check=False,
        cwd=ROOT,
        env=environment(hub.url, tmp_path, hub.token),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"Published as {REPO}@v1" in ran.stdout
    assert LocalHub.token not in ran.stdout + ran.stderr
    assert hub.repositories["model", REPO].access == "private"


def test_how_to_publish_is_asked_only_where_something_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", "music21", "--dry-run"]) == 2
    assert "give --push OWNER/NAME too" in capsys.readouterr().err


# The parts


def contender(name: str, bits: float) -> Contender:
    return Contender(name, {"bits_per_note": bits})


def test_a_gate_is_shut_by_whoever_foretells_better() -> None:
    mine = contender("mine", 2.5)
    assert reasons_against([mine, contender("published", 2.6), contender("counting", 4.0)]) == ()
    assert reasons_against([mine, contender("published", 2.5), contender("counting", 4.0)]) == ()
    (reason,) = reasons_against([mine, contender("published", 2.4), contender("counting", 4.0)])
    assert reason == "It needs 2.500 bits a note on held-out pieces, published 2.400."


def test_a_checkpoint_that_does_not_tell_its_split_is_refused() -> None:
    with pytest.raises(DataError, match="does not tell how its data were split"):
        held_out({}, None)  # type: ignore[arg-type]


def test_a_verdict_without_reasons_says_none() -> None:
    figures = {
        "pieces": 3, "notes": 1000, "bits_per_note": 2.0, "bits_per_quarter": 9.0, "new_material": {"bits_per_note": 3.0},
        "accuracy": {"pitch": 0.5, "step": 0.6, "duration": 0.7},
    }  # fmt: skip
    text = Verdict((Contender("this one", figures),), ()).section()
    assert "On 3 held-out pieces with 1,000 notes to foretell:" in text
    assert text.endswith("| this one | 2.000 | 9.00 | 3.000 | 50.0% | 60.0% | 70.0% |")


def test_cards_are_merged_by_what_is_whose() -> None:
    new = with_sections("---\nlicense: other\ntags: [a,\n  b]\n---\n# Plain card of old\n", ["## More"])
    assert new.index("# Plain card of old") < new.index("## More")
    by_hand = "---\nlicense: mit\nthumbnail:\n  picture.png\n---\nMy own words.\n"
    both = merged(new, by_hand)
    assert "license: other" in both
    assert "license: mit" not in both
    assert "thumbnail:\n  picture.png" in both
    assert both.index("# Plain card of old") < both.index("My own words.")
    assert merged(new, both) == both  # nothing is added twice
