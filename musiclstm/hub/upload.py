"""Publishing on the Hugging Face Hub: a checkpoint in one commit and a version tag, a Space in one commit, or nothing at all.

The commit names the one it follows, so that what somebody else published meanwhile is never overwritten unseen. Files that the
Hub has already are not sent again. The token is huggingface_hub's own business (HF_TOKEN or ``hf auth login``) and never shown.
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
    """A model repository or a Space as it stands on the Hub: its newest ``commit``, each file's hash by name, each tag's commit.

    The hash is what the Hub gives: SHA-256 for files that it stores apart, the git blob's SHA-1 for others.
    """

    repo: str
    commit: str
    files: Mapping[str, str]
    tags: Mapping[str, str]
    kind: Kind = "model"

    def commit_of(self, revision: str | None) -> str | None:
        """The whole commit that a tag or a commit means; None for another revision, the newest commit if none is given."""
        if revision is None or revision == self.commit:
            return self.commit
        return self.tags.get(revision) or (revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None)

    @property
    def version(self) -> str | None:
        """The newest version tag of the newest commit."""
        found = [tag for tag, commit in self.tags.items() if commit == self.commit and _VERSION.fullmatch(tag)]
        return max(found, key=lambda tag: int(tag[1:]), default=None)

    @property
    def next_version(self) -> str:
        """One more than the highest version tag: v1, v2, ..."""
        return f"v{1 + max((int(found[1]) for tag in self.tags if (found := _VERSION.fullmatch(tag))), default=0)}"

    def changed(self, files: Mapping[str, bytes]) -> list[str]:
        """The names of those ``files`` that the Hub does not have, or has with other bytes."""
        return [name for name, data in files.items() if self.files.get(name) not in (_sha256(data), _git_blob(data))]


@dataclass(frozen=True)
class Published:
    """What a push made of a repository: its newest ``commit``, the ``version`` tag on it, and the names of what was ``sent``."""

    commit: str
    version: str
    sent: tuple[str, ...]


def look(repo: str, kind: Kind = "model") -> Remote | None:
    """The model repository or Space OWNER/NAME as it stands; None if there is none.

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
    """The text of a file of the newest commit; None if it is not there. Raises HubError."""
    if name not in remote.files:
        return None
    with _explained(remote.repo, "read"):
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(remote.repo, name, repo_type=remote.kind, revision=remote.commit, etag_timeout=ANSWER_SECONDS)
        return Path(path).read_text(encoding="utf-8", errors="replace")


def publish(repo: str, files: Mapping[str, bytes], remote: Remote | None, *, message: str, private: bool = False) -> Published:
    """Make ``files`` (bytes by name) what the repository holds of them, in one commit on top of ``remote``, and tag it.

    ``remote`` is what ``look`` found when the decision to publish was made; None creates the repository, ``private`` or not. If
    nothing differs no commit is made; a version tag that is missing, since an earlier push was cut off before it, is added.
    Raises HubError in one sentence; then no file of the repository has changed, though its last commit may still lack its tag.
    """
    remote = remote or create(repo, private=private)
    sent = remote.changed(files)
    commit = put(remote, {name: files[name] for name in sent}, message=message) if sent else remote.commit
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
        raise HubError(f"The Hub says that it created {repo} but does not show it: try again.")
    return made


def put(remote: Remote, files: Mapping[str, bytes], removed: Sequence[str] = (), *, message: str) -> str:
    """One commit on top of ``remote`` that writes ``files`` and removes others; returns it. Raises HubError, nothing changed."""
    with _explained(remote.repo, "write to"):
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        changes = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=data) for name, data in files.items()]
        gone = [CommitOperationDelete(path_in_repo=name) for name in removed]
        made = HfApi().create_commit(
            remote.repo, [*changes, *gone], commit_message=message, parent_commit=remote.commit, repo_type=remote.kind
        )
        return str(made.oid)


def set_variables(space: str, variables: Mapping[str, str | None]) -> None:
    """Set public variables of a Space, remove those that are None; it restarts if any changes. Raises HubError."""
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
    """Turn what huggingface_hub raises into a HubError of one sentence that gives away neither headers nor addresses."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # is read when the library is imported for the first time
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except HubError:
        raise
    # A failed upload of a large file comes as a RuntimeError with the reason as its cause.
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
        (status == 401, f"The Hub does not know who wants to {doing} {repo}: set HF_TOKEN to a valid token that may write, or "
         "log in with `hf auth login`."),
        (status == 402, f"The Hub asks for payment to {doing} {repo}: {_told(error)}"),
        (status == 403, f"The Hub does not allow this token to {doing} {repo}: it needs the right to write there; {kept}."),
        (status == 409 and doing == "create", f"Somebody created {repo} meanwhile: push again."),
        (status == 409 and doing == "tag", f"The files of {repo} are published, but their tag was taken meanwhile: push again."),
        (status == 412, f"Somebody else published to {repo} meanwhile: push again, to be compared with that."),
        (status == 404, f"The Hub has no model {repo}, or this token may not see it: check OWNER/NAME; {kept}."),
        (status == 429 or status >= 500, f"The Hub can't {doing} {repo} now (it answers {status}): push again later; {kept}."),
        (status > 0, f"The Hub answers {status} to the wish to {doing} {repo}: {_told(error)}"),
        (isinstance(error, hub.OfflineModeIsEnabled), f"HF_HUB_OFFLINE is set, so nothing can {doing} {repo}: unset it."),
        (isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol),
         f"The Hub ({host}) can't be reached to {doing} {repo}: check the connection and HF_ENDPOINT."),
        (isinstance(error, httpx.TimeoutException | TimeoutError),
         f"The Hub ({host}) did not answer in time to {doing} {repo}: push again; what it has is whole."),
        (isinstance(error, httpx.TransportError | OSError),
         f"The connection to the Hub ({host}) broke off while trying to {doing} {repo}: push again; what it has is whole."),
        (True, f"What answers at {host} is not the Hugging Face Hub: check HF_ENDPOINT."),
    )  # fmt: skip
    return next(sentence for applies, sentence in reasons if applies)


def _told(error: Exception) -> str:
    """What the Hub's own server says, in one line."""
    message = str(getattr(error, "server_message", "") or "it gives no reason")
    return " ".join(message.split()).rstrip(".") + "."
