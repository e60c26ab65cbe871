"""Deploy the app as a Gradio Space on the Hugging Face Hub: only the files it needs, in one commit, and its variables.

With a checkpoint from the Hub, the Space is pinned to one commit of it. That commit is downloaded when the Space is built
(``preload_from_hub``), so that starting needs no requests to the Hub.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from musiclstm.checkpoint import load_checkpoint
from musiclstm.checkpoint_files import OPTIONAL, PARTS
from musiclstm.config import REPO_VARIABLE, REVISION_VARIABLE
from musiclstm.errors import HubError
from musiclstm.generation import MP3
from musiclstm.hub import Remote, address, create, look, put, set_variables, split_reference
from musiclstm.project import package_files, project_file
from musiclstm.publishing import examples
from musiclstm.publishing.card import front_matter, with_front_matter

TOP = ("app.py", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "packages.txt")
BUNDLED = "checkpoints/classical-piano"
PAGES = ("benchmarks/EXPERIMENTS.md", "benchmarks/RESULTS.md", "benchmarks/diversity.svg")  # the README links to them
FOLDERS = ("musiclstm", "docs", BUNDLED)
PICTURE = "docs/page.png"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Pinned:
    """A checkpoint on the Hub at one ``commit`` (full hash), and the names of its ``files`` that the app reads.

    ``sounds``: those of its examples to hear.
    """

    repo: str
    commit: str
    files: tuple[str, ...]
    sounds: tuple[str, ...] = ()


def deploy(
    space: str, reference: str | None = None, *, private: bool = False, dry_run: bool = False, say: Say = print
) -> str | None:
    """Create or update the Space OWNER/NAME; returns its newest commit, or None for a ``dry_run``, which changes nothing.

    ``reference``: the checkpoint to play, OWNER/NAME[@REVISION] on the Hub, or None for the bundled one. Program files that this
    version no longer has are removed from the Space. Raises OptionError for a malformed name, HubError if the checkpoint does
    not exist or the Hub refuses.
    """
    pinned = None if reference is None else pin(reference)
    remote = look(space, "space")
    files = exhibited(space, space_files(pinned), pinned)  # before a Space is created: what fails here leaves none behind
    ours = tuple(f"{folder}/" for folder in (*FOLDERS, examples.FOLDER))
    changed = list(files) if remote is None else remote.changed(files)
    removed = [] if remote is None else [name for name in remote.files if name.startswith(ours) and name not in files]
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
    say(f"{space} is {done}, commit {commit}; it uses {_playing(pinned)}.")
    return commit


def pin(reference: str) -> Pinned:
    """The commit that OWNER/NAME[@REVISION] refers to now. Raises OptionError or HubError."""
    repo, revision = split_reference(reference)
    remote: Remote | None = look(repo)
    if remote is None:
        raise HubError(f"The Hub has no model {repo}, or this token may not see it: check OWNER/NAME.")
    commit = remote.commit_of(None if revision == "main" else revision)
    if commit is None:
        raise HubError(
            f"The Hub has no tag {revision} of {repo}: give a tag ({', '.join(remote.tags) or 'there are none'}) or a commit."
        )
    missing = [name for name in PARTS if name not in remote.files]
    if missing:
        raise HubError(f"On the Hub, {repo} is not a checkpoint of this program: it lacks {', '.join(missing)}.")
    sounds = sorted(name for name in remote.files if name.startswith(f"{examples.FOLDER}/") and name.endswith(MP3))
    return Pinned(repo, commit, tuple(name for name in (*PARTS, *OPTIONAL) if name in remote.files), tuple(sounds))


def space_files(pinned: Pinned | None) -> dict[str, bytes]:
    """The files of a Space by name: the program, its bundled checkpoint, and a README whose metadata name the checkpoint.

    A Space installs requirements.txt and nothing else, so there it holds the locked versions of all packages.
    """
    paths = {name: project_file(name) for name in (*TOP, *PAGES)} | {"requirements.txt": project_file("constraints.txt")}
    paths |= package_files()
    paths |= {
        f"{folder}/{path.name}": path
        for folder in FOLDERS[1:]
        for path in sorted(project_file(folder).iterdir())
        if path.is_file()
    }
    files = {name: path.read_bytes() for name, path in paths.items()}
    if pinned is not None:
        readme = files["README.md"].decode("utf-8")
        preloaded = f"{pinned.repo} {','.join(pinned.files)} {pinned.commit}"
        named = {"models": f"models: [{pinned.repo}]", "preload_from_hub": f"preload_from_hub:\n- {preloaded}"}
        files["README.md"] = with_front_matter(readme, front_matter(readme) | named).encode()
    return files


def exhibited(space: str, files: dict[str, bytes], pinned: Pinned | None) -> dict[str, bytes]:
    """The files of a Space with a picture for links to it, and with examples to hear.

    They are those in the repository of the pinned checkpoint, or new ones of the bundled checkpoint.
    """
    readme = files["README.md"].decode("utf-8")
    picture = {"thumbnail": f"thumbnail: {address(space, PICTURE, 'space')}"}
    text = with_front_matter(readme, front_matter(readme) | picture).rstrip()
    if pinned is not None:
        played, heard = dict[str, bytes](), examples.linked(pinned.sounds, partial(address, pinned.repo, revision=pinned.commit))
    else:
        found = examples.examples_of(load_checkpoint(project_file(BUNDLED)))
        played, heard = examples.files_of(found), examples.section(found, partial(address, space, kind="space"))
    return files | played | {"README.md": "\n\n".join([text, *([heard] if heard else [])]).encode() + b"\n"}


def _playing(pinned: Pinned | None) -> str:
    return "the bundled checkpoint" if pinned is None else f"{pinned.repo} at {pinned.commit}"
