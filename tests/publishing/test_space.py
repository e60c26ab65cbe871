"""The app on the Hub: a Space's files, its pinned checkpoint and variables; and that the folder starts as a Space starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hub_client import environment
from hub_server import LocalHub

from musiclstm.checkpoint import PARTS
from musiclstm.publishing.card import front_matter
from musiclstm.publishing.space import Pinned, space_files

ROOT = Path(__file__).resolve().parents[2]
SPACE, REPO = "anna/stage", "anna/tiny"
WHOLE = {name: name.encode() for name in (*PARTS, "originality.npz", "README.md")}


def deploy(hub: LocalHub, home: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command; its exit code and what it printed to stdout and stderr."""
    settings = environment(hub.url, home, hub.token)
    command = [sys.executable, "-m", "musiclstm", "deploy", "--space", SPACE, *arguments]
    ran = subprocess.run(command, check=False, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert hub.token not in ran.stdout + ran.stderr
    return ran.returncode, ran.stdout, ran.stderr


def files(hub: LocalHub) -> dict[str, bytes]:
    repository = hub.repositories["space", SPACE]
    return repository.commits[repository.refs["main"]]


def test_a_space_is_created_pinned_updated_and_brought_back(hub: LocalHub, tmp_path: Path) -> None:
    commit = hub.commit(REPO, WHOLE, tag="v1")
    hub.commit(REPO, WHOLE | {"README.md": b"later"})
    code, out, error = deploy(hub, tmp_path, "--checkpoint", f"{REPO}@v1")
    assert code == 0, error
    assert f"it plays {REPO} at {commit}" in out
    space = hub.repositories["space", SPACE]
    assert space.variables == {"MUSICLSTM_REPO": REPO, "MUSICLSTM_REVISION": commit}
    matter = front_matter(files(hub)["README.md"].decode())
    assert matter["models"] == f"models: [{REPO}]"
    assert matter["preload_from_hub"].endswith(f" {commit}")
    assert {name: data for name, data in files(hub).items() if name not in ("README.md", ".gitattributes")} == {
        name: data for name, data in space_files(None).items() if name != "README.md"
    }

    hub.commit(SPACE, files(hub) | {"musiclstm/gone.py": b"", "by-hand.txt": b""}, kind="space")
    code, out, _ = deploy(hub, tmp_path)  # the bundled checkpoint again
    assert code == 0
    assert "it plays the bundled checkpoint" in out
    assert not space.variables
    assert "models" not in front_matter(files(hub)["README.md"].decode())
    assert "musiclstm/gone.py" not in files(hub)
    assert "by-hand.txt" in files(hub)

    before = dict(space.refs)
    code, out, _ = deploy(hub, tmp_path)
    assert "is up to date" in out
    assert space.refs == before


def test_a_dry_run_changes_nothing(hub: LocalHub, tmp_path: Path) -> None:
    code, out, _ = deploy(hub, tmp_path, "--dry-run")
    assert code == 0
    assert "Would send app.py" in out
    assert not hub.repositories


def test_a_refusal_and_a_missing_checkpoint_are_one_sentence(hub: LocalHub, tmp_path: Path) -> None:
    hub.refuse_to_create = "Gradio Spaces need a paid plan"
    code, _, error = deploy(hub, tmp_path)
    assert code == 2
    assert error == "The Hub asks for payment to create anna/stage: Gradio Spaces need a paid plan.\n"
    code, _, error = deploy(hub, tmp_path, "--checkpoint", "anna/none")
    assert code == 2
    assert "The Hub has no model anna/none" in error
    hub.commit(REPO, {"README.md": b""})
    code, _, error = deploy(hub, tmp_path, "--checkpoint", REPO)
    assert code == 2
    assert "is not a checkpoint of this program: it lacks musiclstm.json" in error
    assert set(hub.repositories) == {("model", REPO)}


def test_a_space_holds_what_it_needs_and_nothing_else() -> None:
    found = space_files(None)
    assert {"app.py", "requirements.txt", "packages.txt", "checkpoints/classical-piano/model.weights.h5"} <= set(found)
    assert not [name for name in found if name.startswith(("tests/", "benchmarks/", ".")) or name.endswith(".pyc")]
    assert sum(map(len, found.values())) < 25_000_000


def test_the_folder_of_a_space_makes_music_by_itself(tmp_path: Path) -> None:
    for name, data in space_files(Pinned(REPO, "0" * 40, PARTS)).items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / name).write_bytes(data)
    # What only developers install must not be needed.
    program = (
        "import sys\n"
        "for name in ('pytest', 'playwright', 'mypy', 'xdist', 'importlinter'): sys.modules[name] = None\n"
        "from musiclstm.ui.active_checkpoint import open_active_checkpoint\n"
        "from musiclstm.ui.page import build_page\n"
        "from musiclstm.api import generate\n"
        "active = open_active_checkpoint(None)\n"
        "build_page(active)\n"
        "print(len(generate(active.now.first, checkpoint=active.now.checkpoint, bars=1).takes[0].continuation))\n"
    )
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"SYSTEM": "spaces"}
    ran = subprocess.run(
        [sys.executable, "-c", program], check=False, cwd=tmp_path / "space", env=settings, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout.split()[-1]) > 0
