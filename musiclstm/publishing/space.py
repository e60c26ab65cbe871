"""Deploying the app as a Gradio Space on the Hugging Face Hub: just the files it needs, in one commit, and its variables.

With a checkpoint from the Hub the Space is pinned to one commit of it, which is downloaded when the Space is built
(``preload_from_hub``), so that its start asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from musiclstm.checkpoint import ORIGINALITY, PARTS
from musiclstm.errors import HubError
from musiclstm.hub import Remote, create, look, put, set_variables, split_reference
from musiclstm.publishing.card import front_matter, with_front_matter

ROOT = Path(__file__).parents[2]
TOP = ("app.py", "README.md", "requirements.txt", "packages.txt", "LICENSE", "docs/page.png")
FOLDERS = ("musiclstm", "checkpoints/classical-piano")
REPO_VARIABLE, REVISION_VARIABLE = "MUSICLSTM_REPO", "MUSICLSTM_REVISION"  # of the environment; the page reads them

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pinned:
    """A checkpoint on the Hub at one whole ``commit``, and the names of its ``files`` that the app reads."""

    repo: str
    commit: str
    files: tuple[str, ...]


def deploy(
    space: str, reference: str | None = None, *, private: bool = False, dry_run: bool = False, say: Say = print
) -> str | None:
    """Create or update the Space OWNER/NAME; returns its newest commit, None for a ``dry_run``, which changes nothing.

    ``reference``: the checkpoint it plays, OWNER/NAME[@REVISION] on the Hub; None is the bundled one. Files of the Space that an
    earlier version of the program put there and that it no longer has are removed. Raises OptionError for a malformed name,
    HubError if there is no such checkpoint or the Hub refuses.
    """
    pinned = None if reference is None else pin(reference)
    files = space_files(pinned)
    remote = look(space, "space")
    changed = list(files) if remote is None else remote.changed(files)
    removed = [] if remote is None else [name for name in remote.files if name.startswith(FOLDERS) and name not in files]
    if dry_run:
        for name in changed:
            say(f"Would send {name}, {len(files[name]):,} bytes.")
        for name in removed:
            say(f"Would remove {name}.")
        say(f"Nothing was sent to {space}.")
        return None
    remote = remote or create(space, "space", private=private)
    if changed:
        say(f"Sending {len(changed)} files, {sum(len(files[name]) for name in changed) / 1e6:.1f} MB ...")
    commit = remote.commit
    if changed or removed:
        commit = put(remote, {name: files[name] for name in changed}, removed, message=f"Play {_playing(pinned)}")
    repo, revision = (pinned.repo, pinned.commit) if pinned else (None, None)
    set_variables(space, {REPO_VARIABLE: repo, REVISION_VARIABLE: revision})
    done = "deployed" if changed or removed else "up to date"
    say(f"{space} is {done}, commit {commit}; it plays {_playing(pinned)}.")
    return commit


def pin(reference: str) -> Pinned:
    """The commit that OWNER/NAME[@REVISION] means now. Raises OptionError or HubError."""
    repo, revision = split_reference(reference)
    remote: Remote | None = look(repo)
    if remote is None:
        raise HubError(f"The Hub has no model {repo}, or this token may not see it: check OWNER/NAME.")
    commit = remote.commit_of(None if revision == "main" else revision)
    if commit is None:
        raise HubError(
            f"The Hub has no tag {revision} of {repo}: give a tag ({', '.join(remote.tags) or 'it has none'}) or a commit."
        )
    missing = [name for name in PARTS if name not in remote.files]
    if missing:
        raise HubError(f"On the Hub, {repo} is not a checkpoint of this program: it lacks {', '.join(missing)}.")
    return Pinned(repo, commit, tuple(name for name in (*PARTS, ORIGINALITY) if name in remote.files))


def space_files(pinned: Pinned | None, root: Path = ROOT) -> dict[str, bytes]:
    """The files of a Space by name: the program, its bundled checkpoint, and a README whose metadata name the checkpoint."""
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in _wanted(root)}
    if pinned is not None:
        readme = files["README.md"].decode("utf-8")
        preloaded = f"{pinned.repo} {','.join(pinned.files)} {pinned.commit}"
        named = {"models": f"models: [{pinned.repo}]", "preload_from_hub": f"preload_from_hub:\n- {preloaded}"}
        files["README.md"] = with_front_matter(readme, front_matter(readme) | named).encode()
    return files


def _wanted(root: Path) -> Iterator[Path]:
    yield from (root / name for name in TOP)
    for folder in FOLDERS:
        yield from sorted(path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _playing(pinned: Pinned | None) -> str:
    return "the bundled checkpoint" if pinned is None else f"{pinned.repo} at {pinned.commit}"
