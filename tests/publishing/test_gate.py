"""From a checkpoint folder to the Hub: gates, card, push; the real huggingface_hub against a small Hub on this machine."""

from __future__ import annotations

import hashlib
import re
import shutil
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import training_run
from hub_client import HubClient, RefusedError
from hub_server import LocalHub, Repository
from training_run import TrainingRun

from musiclstm.checkpoint import load_checkpoint, save_checkpoint
from musiclstm.errors import DataError
from musiclstm.publishing.card import merged, with_sections
from musiclstm.publishing.gate import Contender, Verdict, held_out
from train import main

REPO = "anna/tiny"


@dataclass(frozen=True)
class Releaser:
    """Calls ``release`` for the trained checkpoint in the client's process."""

    client: HubClient
    trained: TrainingRun

    def __call__(self, folder: Path | None = None, data: Path | None = None, **options: Any) -> tuple[Any, list[str]]:
        """The commit, version and sent files (None if nothing was published), and the messages. Raises RefusedError."""
        folder, data = folder or self.trained.folder, data or self.trained.data
        settings = {"folder": str(folder), "repo": REPO, "data": str(data), "options": options}
        made, messages = self.client.ask("release", token=LocalHub.token, **settings)
        return made, messages


@pytest.fixture(scope="module")
def release(hub_client: HubClient, trained: TrainingRun) -> Releaser:
    return Releaser(hub_client, trained)


@pytest.fixture(scope="module")
def worse(trained: TrainingRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same checkpoint with weights that need more bits per note."""
    loaded = load_checkpoint(trained.folder)
    loaded.network.set_weights([-3 * weight for weight in loaded.network.get_weights()])
    out = tmp_path_factory.mktemp("runs") / "worse"
    save_checkpoint(replace(loaded, name="worse"), out, card=(trained.folder / "README.md").read_text(encoding="utf-8"))
    return out


@pytest.fixture(scope="module")
def forced_release(running: LocalHub, release: Releaser) -> tuple[Any, list[str], Repository]:
    """What ``release`` returned for a forced release, its messages, and the repository after it."""
    running.repositories.clear()
    running.repair()
    return *release(forced="a try-out"), running.repositories["model", REPO]


@pytest.fixture
def published(hub: LocalHub, forced_release: tuple[Any, list[str], Repository]) -> tuple[Any, list[str]]:
    """The Hub holds the forced release: what was returned and the messages."""
    made, messages, repository = forced_release
    hub.repositories["model", REPO] = deepcopy(repository)
    return made, messages


def files(hub: LocalHub) -> dict[str, bytes]:
    """The newest commit."""
    repository = hub.repositories["model", REPO]
    return repository.commits[repository.refs["main"]]


def test_a_checkpoint_worse_than_counting_stays_here(hub: LocalHub, release: Releaser) -> None:
    with pytest.raises(RefusedError) as refused:
        release()
    assert re.fullmatch(
        r"CheckpointError: It needs \d+\.\d{3} bits per note on held-out pieces \(Markov chain of order \d: \d+\.\d{3}\)\. "
        r"It was not published; --force REASON publishes it anyway and writes the reason into the card\.",
        str(refused.value),
    )
    assert not hub.repositories


def test_a_forced_release_tells_why_and_can_be_checked_and_loaded(
    hub: LocalHub, published: tuple[Any, list[str]], hub_client: HubClient, trained: TrainingRun
) -> None:
    (commit, version, sent), messages = published
    assert version == "v1"
    assert set(sent) <= set(files(hub))
    assert messages[-1] == f"Published as {REPO}@v1, commit {commit}."
    card = files(hub)["README.md"].decode()
    assert "Published anyway: a try-out" in card
    assert "| Markov chain of order" in card
    played = {name for name in files(hub) if name.startswith("examples/")}
    assert sorted(Path(name).suffix for name in played) == [".mid", ".mp3", ".svg"]
    assert (
        f'<audio controls src="{hub.url}/{REPO}/resolve/main/{next(name for name in played if name.endswith(".mp3"))}">' in card
    )
    for name, content in files(hub).items():
        if name not in ("README.md", ".gitattributes"):
            assert name in played or content == (trained.folder / name).read_bytes()
            assert f"| `{name}` | {len(content):,} | `{hashlib.sha256(content).hexdigest()}` |" in card
    assert hub_client.ask("same", repo=REPO, folder=str(trained.folder))


def test_the_same_folder_again_is_neither_measured_nor_sent(
    hub: LocalHub, published: tuple[Any, list[str]], release: Releaser
) -> None:
    (commit, _, _), _ = published
    before = files(hub)
    again, messages = release()  # not forced: there is nothing to decide
    assert again == [commit, "v1", []]
    assert messages == [f"Nothing to publish: the Hub already has these files as {REPO}@v1, commit {commit}."]
    assert files(hub) == before


@pytest.mark.usefixtures("published")
def test_one_worse_than_the_published_is_refused_and_nothing_changes(hub: LocalHub, release: Releaser, worse: Path) -> None:
    before = files(hub)
    with pytest.raises(RefusedError, match=r"^CheckpointError: .*published \(v1\).*Markov chain"):
        release(worse)
    assert files(hub) == before
    assert set(hub.repositories["model", REPO].refs) == {"main", "v1"}


@pytest.mark.usefixtures("published")
def test_what_a_person_wrote_in_the_card_stays(hub: LocalHub, release: Releaser, worse: Path) -> None:
    card = (
        files(hub)["README.md"].decode().replace("library_name:", "base_model: anna/older\nlibrary_name:")
        + "\nThanks to Berta.\n"
    )
    hub.commit(REPO, files(hub) | {"README.md": card.encode()})
    (_, version, _), _ = release(worse, forced="worse on purpose")
    assert version == "v2"
    kept = files(hub)["README.md"].decode()
    assert "Thanks to Berta." in kept
    assert "base_model: anna/older" in kept
    assert "worse on purpose" in kept
    assert "a try-out" not in kept


def test_a_dry_run_measures_and_sends_nothing(hub: LocalHub, release: Releaser) -> None:
    made, messages = release(forced="a try-out", dry_run=True)
    assert made is None
    assert any(line.startswith("Would send model.weights.h5, ") for line in messages)
    assert messages[-1] == f"Nothing was sent to {REPO}."
    assert any("| Markov chain" in line for line in messages)
    assert not hub.repositories


def test_other_data_than_it_was_trained_on_are_refused(
    hub: LocalHub, release: Releaser, trained: TrainingRun, tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(trained.data.rglob("*.mid"))):
        shutil.copy(path, tmp_path / f"{number} other.mid")
    moved = tmp_path / "elsewhere"
    shutil.copytree(trained.folder, moved)  # without the music that its training read
    with pytest.raises(RefusedError, match=r"^DataError: .*not the data that the checkpoint was trained on"):
        release(moved, tmp_path)
    assert not hub.repositories


def test_training_can_end_on_the_hub(trained: TrainingRun, hub_client: HubClient) -> None:
    assert f"Published as {training_run.REPO}@v1" in trained.output
    assert LocalHub.token not in trained.output + hub_client.printed
    assert trained.published.access == "private"
    newest = trained.published.commits[trained.published.refs["v1"]]
    assert newest["model.weights.h5"] == (trained.folder / "model.weights.h5").read_bytes()


def test_how_to_publish_is_asked_only_where_something_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", "music21", "--dry-run"]) == 2
    assert "give --push OWNER/NAME too" in capsys.readouterr().err


# The parts


WORKS = ("one", "one", "two", "three", "four", "five", "six")


def contender(name: str, *bits: float) -> Contender:
    """A model with bits per note for each of seven pieces of 100 notes; the last number goes for all further ones."""
    each = np.array([*bits, *[bits[-1]] * 7])[:7]
    figures = {
        "pieces": 7, "notes": 700, "bits_per_note": each.mean(), "bits_per_quarter": 9.0, "new_material": {"bits_per_note": 3.0},
        "accuracy": {"pitch": 0.5, "step": 0.6, "duration": 0.7},
    }  # fmt: skip
    return Contender(name, figures, 100 * each, np.full(7, 100.0))


def test_a_gate_is_shut_by_whoever_surely_needs_fewer_bits() -> None:
    mine, counting = contender("mine", 2.5), contender("counting", 4.0)
    for other in (2.6, 2.5, 2.4996):
        assert Verdict((mine, contender("published", other), counting), WORKS).reasons == ()
    (reason,) = Verdict((mine, contender("published", 2.4), counting), WORKS).reasons
    assert reason == "It needs 2.500 bits per note on held-out pieces (published: 2.400)."


def test_what_is_better_on_one_work_only_shuts_no_gate() -> None:
    mine, luckier = contender("mine", 2.5), contender("published", 1.5, 1.5, 2.6)  # the first two are one work
    assert luckier.bits < mine.bits
    assert Verdict((mine, luckier), WORKS).reasons == ()
    (reason,) = Verdict((mine, contender("published", 1.5, 1.5, 2.3, 2.4)), WORKS).reasons
    assert re.search(r"\(published: 2\.\d{3}\), more by 0\.\d{3} to 0\.\d{3}\.$", reason)


def test_of_few_works_the_difference_itself_decides() -> None:
    mine, luckier = contender("mine", 2.5), contender("published", 1.5, 1.5, 2.6)
    assert Verdict((mine, luckier), ("one",) * 7).reasons
    assert not Verdict((luckier, mine), ("one",) * 7).reasons


def test_a_checkpoint_that_does_not_tell_its_split_is_refused() -> None:
    with pytest.raises(DataError, match="does not record how its data was split"):
        held_out({}, None)  # type: ignore[arg-type]


def test_a_verdict_without_reasons_says_none() -> None:
    text = Verdict((contender("this one", 2.0), contender("other", 2.25)), WORKS).section()
    assert "On 7 held-out pieces with 700 predicted notes; works in all: 6." in text
    assert "| this one | 2.000 |  | 9.00 | 3.000 | 50.0% | 60.0% | 70.0% |" in text
    assert text.endswith("| other | 2.250 | +0.250 | 9.00 | 3.000 | 50.0% | 60.0% | 70.0% |")


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
