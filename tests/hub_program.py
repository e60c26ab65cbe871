"""A program whose Hub is a local one: it reads orders as lines of JSON and answers each with a line of JSON.

huggingface_hub reads its environment on import, so this runs in its own process, which ``hub_client`` starts. All tests share
one process because importing TensorFlow takes seconds.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from musiclstm.errors import MusicLSTMError
from musiclstm.quiet import import_tensorflow


def download(function: str, arguments: list[Any], options: dict[str, Any], cache: str | None = None) -> list[str | None]:
    """Call a function of ``musiclstm.hub.download``; returns the folder and, for a checkpoint, its commit and revision."""
    from musiclstm.hub import download

    found = getattr(download, function)(*arguments, cache=None if cache is None else Path(cache), **options)
    return [str(found), None, None] if isinstance(found, Path) else [str(found.folder), found.commit, found.revision]


def active(reference: str) -> list[Any]:
    """The checkpoint that a page uses at once: its revision, the ids of its seeds, and the note for visitors."""
    from musiclstm.ui.active_checkpoint import open_active_checkpoint

    opened = open_active_checkpoint(reference)
    checkpoint = opened.now.checkpoint
    opened.close()
    return [checkpoint.revision, [seed.id for seed in checkpoint.seeds], opened.note]


def publish(repo: str, files: dict[str, str], private: bool) -> list[Any]:
    """Publish ``files`` (base64 by name), if any: the commit before, what was published, the version before."""
    from musiclstm.hub import upload

    content = {name: base64.b64decode(data) for name, data in files.items()}
    remote = upload.look(repo)
    made = upload.publish(repo, content, remote, message="Better", private=private) if content else None
    return [remote and remote.commit, made and [made.commit, made.version, list(made.sent)], remote and remote.version]


def release(folder: str, repo: str, data: str, options: dict[str, Any]) -> list[Any]:
    """Release a checkpoint: its commit, version and sent files (None if nothing was published), and the messages."""
    from musiclstm.publishing.gate import release

    messages: list[str] = []
    made = release(Path(folder), repo, [data], say=messages.append, **options)
    return [made and [made.commit, made.version, list(made.sent)], messages]


def same(repo: str, folder: str) -> bool:
    """Whether the Hub's own snippet for Keras loads a network with the same predictions as the checkpoint in ``folder``."""
    import keras
    import numpy as np

    from musiclstm.checkpoint import load_checkpoint
    from musiclstm.model.network import input_specs

    theirs, ours = keras.saving.load_model(f"hf://{repo}"), load_checkpoint(Path(folder))
    rng, inputs = np.random.default_rng(1), {}
    for name, tensor in theirs.input.items():
        shape = (1, 4, *tensor.shape[2:])
        classes = input_specs(ours.config)[name]
        inputs[name] = rng.integers(0, classes, shape).astype("int32") if classes else rng.random(shape, dtype="float32")
    left, right = (network(inputs, training=False) for network in (theirs, ours.network))
    return all(np.array_equal(left[stream], right[stream]) for stream in right)


def command(program: str, arguments: list[str]) -> list[Any]:
    """Run a command line ("musiclstm" or "train.py"); returns the exit code and what it wrote to stdout and stderr."""
    import train
    from musiclstm import cli

    main = {"musiclstm": cli.main, "train.py": train.main}[program]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as error:
        code = main(arguments)
    return [code, out.getvalue(), error.getvalue()]


def vote(folder: str, repo: str, votes: list[str]) -> int:
    """Cast votes, given as lines, on a page that copies them to a dataset; returns how many it knows in the end."""
    from musiclstm.hub import VoteCopies
    from musiclstm.votes import BallotBox, vote_in

    box = BallotBox(Path(folder))
    copies = VoteCopies(box, repo, minutes=0.02)
    for line in votes:
        made = vote_in(line)
        assert made is not None
        box.cast(made)
    copies.close()
    return len(box.votes())


def keep(owner: str, secret: str, music: str, files: dict[str, str]) -> str:
    """Save a version in the dataset of a visitor whose token is ``secret``; returns its name."""
    from musiclstm.hub import save_version

    return save_version(owner, secret, music, {name: text.encode() for name, text in files.items()}).name


def kept(owner: str, secret: str, seconds: float = 20.0) -> list[str]:
    """The names of a visitor's versions."""
    from musiclstm.hub import saved_versions

    return [saved.name for saved in saved_versions(owner, secret, seconds=seconds)]


def kept_link(owner: str, secret: str, name: str) -> str:
    """The link of a version."""
    from musiclstm.hub import saved_link

    return saved_link(owner, secret, name)


ACTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (download, active, publish, release, same, command, vote, keep, kept, kept_link)
}


def answer(order: dict[str, Any]) -> dict[str, Any]:
    """The ``result`` of an order, or its ``error`` as a type and a sentence."""
    os.environ.pop("HF_TOKEN", None)
    if order["token"]:
        os.environ["HF_TOKEN"] = order["token"]
    library: Any = sys.modules.get("huggingface_hub.file_download")  # since an order that imported it
    if library is not None:  # it waits a second each time before it goes on with a download that broke off
        library.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 20))
    try:
        return {"result": ACTIONS[order["action"]](**order["settings"])}
    except MusicLSTMError as error:
        return {"error": [type(error).__name__, str(error)]}


def main() -> None:
    """Answer orders until there are no more."""
    import_tensorflow()
    from compiling import without_xla

    patch = pytest.MonkeyPatch()
    without_xla(patch)
    patch.setattr("musiclstm.publishing.examples.COUNT", 1)
    patch.setattr("musiclstm.publishing.examples.BARS", 2)
    patch.setattr("musiclstm.training.finetuning.MEMORY_BARS", 2)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
