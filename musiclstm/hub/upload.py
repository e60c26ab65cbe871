"""Upload to the Hugging Face Hub: a checkpoint in one commit plus a version tag, a Space in one commit.

The commit names its parent, so that it fails instead of overwriting what somebody else has just published. Files that the Hub
already has are not sent again. huggingface_hub handles the token (HF_TOKEN or ``hf auth login``); it is never shown.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from musiclstm.errors import HubError
from musiclstm.hub.download import ANSWER_SECONDS, check_reference

CARD = "README.md"
Kind = Literal["model", "space"]
_VERSION = re.compile(r"v(\d+)")


@dataclass(frozen=True)
class Remote:
    """The state of a model repository or Space on the Hub: its newest ``commit``, file hashes by name and commits by tag.

    Hashes are the Hub's own: SHA-256 for LFS files, the git blob's SHA-1 for others.
    """

    repo: str
    commit: str
    files: Mapping[str, str]
    tags: Mapping[str, str]
    kind: Kind = "model"

    def commit_of(self, revision: str | None) -> str | None:
        """The full commit hash of a tag or commit; None for any other revision. Without a ``revision``, the newest commit."""
        if revision is None or revision == self.commit:
            return self.commit
        return self.tags.get(revision) or (revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None)

    @property
    def version(self) -> str | None:
        """The highest version tag on the newest commit."""
        found = [tag for tag, commit in self.tags.items() if commit == self.commit and _VERSION.fullmatch(tag)]
        return max(found, key=lambda tag: int(tag[1:]), default=None)

    @property
    def next_version(self) -> str:
        """One more than the highest version tag: v1, v2, ..."""
        return f"v{1 + max((int(found[1]) for tag in self.tags if (found := _VERSION.fullmatch(tag))), default=0)}"

    def changed(self, files: Mapping[str, bytes]) -> list[str]:
        """The names of the ``files`` that are missing on the Hub or differ there."""
        return [name for name, data in files.items() if self.files.get(name) not in (_sha256(data), _git_blob(data))]


@dataclass(frozen=True)
class Published:
    """The result of a push: the repository's newest ``commit``, its ``version`` tag, and the names of the files ``sent``."""

    commit: str
    version: str
    sent: tuple[str, ...]


def look(repo: str, kind: Kind = "model") -> Remote | None:
    """The current state of the model repository or Space OWNER/NAME; None if there is none.

    Raises OptionError for a malformed name, HubError if the Hub refuses or can't be reached.
    """
    check_reference(repo, None)
    with _explained(repo, "look at"):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import RepositoryNotFoundError

        api = HfApi()
        try:
            ask = api.model_info if kind == "model" else api.space_info
            info = ask(repo, files_metadata=True, timeout=ANSWER_SECONDS)
            refs = api.list_repo_refs(repo, repo_type=kind)
        except RepositoryNotFoundError as error:
            if error.response.status_code == 401 and api.token is not None:
                raise
            return None
        files = {file.rfilename: file.lfs.sha256 if file.lfs else str(file.blob_id) for file in info.siblings or ()}
        return Remote(repo, str(info.sha), files, {tag.name: tag.target_commit for tag in refs.tags}, kind)


def read(remote: Remote, name: str) -> str | None:
    """The text of a file in the newest commit; None if it does not exist. Raises HubError."""
    if name not in remote.files:
        return None
    with _explained(remote.repo, "read"):
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(remote.repo, name, repo_type=remote.kind, revision=remote.commit, etag_timeout=ANSWER_SECONDS)
        return Path(path).read_text(encoding="utf-8", errors="replace")


def address(repo: str, name: str, kind: Kind = "model", revision: str | None = None) -> str:
    """Where anybody's browser fetches a file of a repository: its newest version, or that of a ``revision``."""
    from huggingface_hub import hf_hub_url

    return hf_hub_url(repo, name, repo_type=kind, revision=revision)


def publish(
    repo: str,
    files: Mapping[str, bytes],
    remote: Remote | None,
    *,
    removed: Sequence[str] = (),
    message: str,
    private: bool = False,
) -> Published:
    """Upload ``files`` (bytes by name) and delete those ``removed``, in one commit on top of ``remote`` with a new version tag.

    ``remote`` is what ``look`` returned when the decision to publish was made; None creates the repository, ``private`` or not.
    If no file differs, no commit is made; the version tag is added if an interrupted push left it out. Raises HubError; either
    no file of the repository has changed then, or all files are published and only the tag is missing.
    """
    remote = remote or create(repo, private=private)
    sent = remote.changed(files)
    commit = put(remote, {name: files[name] for name in sent}, removed, message=message) if sent else remote.commit
    if not sent and remote.version is not None:
        return Published(commit, remote.version, ())
    with _explained(repo, "tag"):
        from huggingface_hub import HfApi

        HfApi().create_tag(repo, tag=remote.next_version, revision=commit, tag_message=message)
    return Published(commit, remote.next_version, tuple(sent))


def create(repo: str, kind: Kind = "model", *, private: bool = False) -> Remote:
    """Create a model repository or a Gradio Space. Raises HubError."""
    with _explained(repo, "create"):
        from huggingface_hub import HfApi

        HfApi().create_repo(repo, private=private, repo_type=kind, space_sdk="gradio" if kind == "space" else None)
    made = look(repo, kind)
    if made is None:
        raise HubError(f"The Hub reported that it created {repo} but does not list it: try again.")
    return made


def put(remote: Remote, files: Mapping[str, bytes], removed: Sequence[str] = (), *, message: str) -> str:
    """Write ``files`` and delete ``removed`` in one commit on top of ``remote``; returns its hash.

    Raises HubError; then nothing has changed.
    """
    with _explained(remote.repo, "write to"):
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        changes = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=data) for name, data in files.items()]
        gone = [CommitOperationDelete(path_in_repo=name) for name in removed]
        made = HfApi().create_commit(
            remote.repo, [*changes, *gone], commit_message=message, parent_commit=remote.commit, repo_type=remote.kind
        )
        return str(made.oid)


def set_variables(space: str, variables: Mapping[str, str | None]) -> None:
    """Set public variables of a Space and delete those that are None; a change restarts the Space. Raises HubError."""
    with _explained(space, "set a variable of"):
        from huggingface_hub import HfApi

        api = HfApi()
        known = {name: variable.value for name, variable in api.get_space_variables(space).items()}
        for name, value in variables.items():
            if value is None and name in known:
                api.delete_space_variable(space, name)
            elif value is not None and known.get(name) != value:
                api.add_space_variable(space, name, value)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@contextmanager
def _explained(repo: str, doing: str) -> Iterator[None]:
    """Turn errors of huggingface_hub into a HubError of one sentence, without headers or addresses."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is first imported
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except HubError:
        raise
    # A failed upload of a large file raises a RuntimeError with the reason as its cause.
    except (httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        reason = error.__cause__ if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception) else error
        raise HubError(_sentence(repo, doing, reason)) from error


def _sentence(repo: str, doing: str, error: Exception) -> str:
    from huggingface_hub import constants
    from huggingface_hub import errors as hub
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    host = urlsplit(constants.ENDPOINT).hostname or "no address"
    status = error.response.status_code if isinstance(error, hub.HfHubHTTPError) else 0
    kept = "nothing there has changed"
    reasons: tuple[tuple[Any, str], ...] = (  # the first that applies
        (status == 401, f"The Hub requires a valid token to {doing} {repo}: set HF_TOKEN to one with write access, or log in "
         "with `hf auth login`."),
        (status == 402, f"The Hub requires payment to {doing} {repo}: {_server_message(error)}"),
        (status == 403, f"The Hub does not allow this token to {doing} {repo}: it needs write access; {kept}."),
        (status == 409 and doing == "create", f"Somebody else has just created {repo}: push again."),
        (status == 409 and doing == "tag", f"The files of {repo} are published, but somebody else took their tag: push again."),
        (status == 412, f"Somebody else has just published to {repo}: push again to compare with the new version."),
        (status == 404, f"The Hub has no repository {repo}, or this token may not see it: check OWNER/NAME; {kept}."),
        (status == 429 or status >= 500, f"The Hub can't {doing} {repo} now (HTTP status {status}): push again later; {kept}."),
        (status > 0, f"The Hub refused to {doing} {repo} (HTTP status {status}): {_server_message(error)}"),
        (isinstance(error, hub.OfflineModeIsEnabled), f"HF_HUB_OFFLINE is set, so the Hub can't {doing} {repo}: unset it."),
        (isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol),
         f"The Hub ({host}) can't be reached to {doing} {repo}: check the connection and HF_ENDPOINT."),
        (isinstance(error, httpx.TimeoutException | TimeoutError),
         f"The Hub ({host}) took too long to {doing} {repo}: push again; the repository is intact."),
        (isinstance(error, httpx.TransportError | OSError),
         f"The connection to the Hub ({host}) broke off while trying to {doing} {repo}: push again; the repository is intact."),
        (True, f"The server at {host} is not the Hugging Face Hub: check HF_ENDPOINT."),
    )  # fmt: skip
    return next(sentence for applies, sentence in reasons if applies)


def _server_message(error: Exception) -> str:
    """The message of the Hub's server, in one line."""
    message = str(getattr(error, "server_message", "") or "it gives no reason")
    return " ".join(message.split()).rstrip(".") + "."
