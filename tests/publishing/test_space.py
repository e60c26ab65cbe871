"""The app on the Hub: a Space's files, its pinned checkpoint and variables. ui/test_page.py starts the app from such a folder."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hub_client import HubClient
from hub_server import LocalHub

from musiclstm.checkpoint_files import PARTS
from musiclstm.publishing.card import front_matter
from musiclstm.publishing.space import space_files

pytestmark = pytest.mark.programs

SPACE, REPO = "anna/stage", "anna/tiny"
WHOLE = {name: name.encode() for name in (*PARTS, "originality.npz", "README.md", "examples/a.mp3")}


@dataclass(frozen=True)
class Deploy:
    """The command line ``deploy`` in the client's process: its exit code and what it wrote to stdout and stderr."""

    client: HubClient

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        words = ["deploy", "--space", SPACE, *arguments]
        code, out, error = self.client.ask("command", token=LocalHub.token, program="musiclstm", arguments=words)
        assert LocalHub.token not in out + error + self.client.printed
        return code, out, error


@pytest.fixture
def deploy(hub_client: HubClient) -> Deploy:
    return Deploy(hub_client)


def files(hub: LocalHub) -> dict[str, bytes]:
    repository = hub.repositories["space", SPACE]
    return repository.commits[repository.refs["main"]]


def test_a_space_is_created_pinned_updated_and_brought_back(hub: LocalHub, deploy: Deploy) -> None:
    commit = hub.commit(REPO, WHOLE, tag="v1")
    hub.commit(REPO, WHOLE | {"README.md": b"later"})
    code, out, error = deploy("--checkpoint", f"{REPO}@v1")
    assert code == 0, error
    assert f"it uses {REPO} at {commit}" in out
    space = hub.repositories["space", SPACE]
    assert space.variables == {"MUSICLSTM_REPO": REPO, "MUSICLSTM_REVISION": commit}
    matter = front_matter(files(hub)["README.md"].decode())
    assert matter["models"] == f"models: [{REPO}]"
    assert matter["preload_from_hub"].endswith(f" {commit}")
    assert matter["thumbnail"] == f"thumbnail: {hub.url}/spaces/{SPACE}/resolve/main/docs/page.png"
    assert f'src="{hub.url}/{REPO}/resolve/{commit}/examples/a.mp3"' in files(hub)["README.md"].decode()
    assert {name: data for name, data in files(hub).items() if name not in ("README.md", ".gitattributes")} == {
        name: data for name, data in space_files(None).items() if name != "README.md"
    }

    hub.commit(SPACE, files(hub) | {"musiclstm/gone.py": b"", "docs-by-hand.txt": b""}, kind="space")
    code, out, _ = deploy()  # the bundled checkpoint again
    assert code == 0
    assert "it uses the bundled checkpoint" in out
    assert not space.variables
    assert "models" not in front_matter(files(hub)["README.md"].decode())
    assert "musiclstm/gone.py" not in files(hub)
    assert "docs-by-hand.txt" in files(hub)
    sounds = [name for name in files(hub) if name.startswith("examples/") and name.endswith(".mp3")]
    assert sounds
    assert all(f"{hub.url}/spaces/{SPACE}/resolve/main/{name}" in files(hub)["README.md"].decode() for name in sounds)

    before = dict(space.refs)
    _, out, _ = deploy("--dry-run")
    assert "Would" not in out
    code, out, _ = deploy()
    assert "is up to date" in out
    assert space.refs == before


def test_a_dry_run_changes_nothing(hub: LocalHub, deploy: Deploy) -> None:
    code, out, _ = deploy("--dry-run")
    assert code == 0
    assert "Would send app.py" in out
    assert not hub.repositories


def test_a_refusal_and_a_missing_checkpoint_are_one_sentence(hub: LocalHub, deploy: Deploy) -> None:
    hub.refuse_to_create = "Gradio Spaces need a paid plan"
    code, _, error = deploy()
    assert code == 2
    assert error == "The Hub requires payment to create anna/stage: Gradio Spaces need a paid plan.\n"
    code, _, error = deploy("--checkpoint", "anna/none")
    assert code == 2
    assert "The Hub has no model anna/none" in error
    hub.commit(REPO, {"README.md": b""})
    code, _, error = deploy("--checkpoint", REPO)
    assert code == 2
    assert "is not a checkpoint of this program: it lacks musiclstm.json" in error
    assert set(hub.repositories) == {("model", REPO)}


def test_a_space_holds_what_it_needs_and_nothing_else() -> None:
    found = space_files(None)
    assert {"app.py", "requirements.txt", "packages.txt", "checkpoints/classical-piano/model.weights.h5"} <= set(found)
    assert not [name for name in found if name.startswith(("tests/", ".")) or name.endswith(".pyc")]
    assert not [name for name in found if name.startswith("benchmarks/") and name.endswith(".py")]
    assert sum(map(len, found.values())) < 25_000_000
