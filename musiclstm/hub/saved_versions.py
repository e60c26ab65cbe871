"""Versions that a visitor keeps in a dataset of their own on the Hub: one commit for each, the newest listed first.

Whoever calls gives the visitor's token. It goes to the Hub alone: it is neither stored nor quoted, and the page's own token
(HF_TOKEN) is never used instead. What is read stays in memory, since it may be private.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from musiclstm import limits
from musiclstm.errors import HubError, SignedOutError
from musiclstm.hub.download import ANSWER_SECONDS, CONTACT_SECONDS, check_reference, within

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Result = TypeVar("Result")

DATASET = "musiclstm-versions"  # its name in the visitor's account
FOLDER = "versions"  # where the versions are in it
LINK = "link.txt"  # the letters of a version's link
SAVE_SECONDS = 60.0

_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-([A-Za-z0-9-]{1,120})", re.ASCII)
_CARD = b"""---
tags: [music, midi, musiclstm]
---

# Versions from musiclstm

Each folder in `versions` holds one version: the music as MIDI and as a score (MusicXML), the recipe that writes it again, and in
`link.txt` the letters of the link that opens it. Delete a folder to remove a version.
"""


@dataclass(frozen=True, order=True)
class Saved:
    """A version in the dataset: when it was saved, in UTC, and the ``music``, as its files are called."""

    when: datetime
    music: str

    @property
    def name(self) -> str:
        """The name of its folder, which ``saved_link`` takes."""
        return f"{self.when:{_TIME}}-{self.music}"


def dataset_of(owner: str) -> str:
    """The name of a visitor's dataset. Raises OptionError if nobody can be called so."""
    repo = f"{owner}/{DATASET}"
    check_reference(repo, None)
    return repo


def page_of(owner: str) -> str:
    """The address of a visitor's dataset, for their browser."""
    from huggingface_hub import constants

    return f"{constants.ENDPOINT}/datasets/{dataset_of(owner)}"


def save_version(owner: str, token: str, music: str, files: Mapping[str, bytes]) -> Saved:
    """Save ``files`` (bytes by name), LINK among them, in one commit. Without a dataset one is made, which is private.

    ``music``: letters, digits and hyphens. Raises HubError with one sentence for the visitor.
    """
    repo, saved = dataset_of(owner), Saved(datetime.now(UTC).replace(microsecond=0), music[:120])
    inside = {f"{FOLDER}/{saved.name}/{name}": data for name, data in files.items()}
    _asked(repo, SAVE_SECONDS, token, lambda api: _commit(api, repo, inside, f"Save {saved.music}"))
    return saved


def saved_versions(owner: str, token: str, *, seconds: float = CONTACT_SECONDS) -> list[Saved]:
    """The newest versions, the newest first; [] if there is no dataset. Files of other kinds are passed over.

    Raises HubError, at the latest after so many ``seconds``.
    """
    repo = dataset_of(owner)
    names = _asked(repo, seconds, token, lambda api: list(islice(_names(api, repo), limits.SAVED_LOOKED_AT)))
    found = (_saved(name) for name in names)
    return sorted((saved for saved in found if saved is not None), reverse=True)[: limits.SAVED_LISTED]


def saved_link(owner: str, token: str, name: str) -> str:
    """The letters of the link of a version. Raises HubError if it is gone, or if its file is too large or none of ours."""
    repo, damaged = dataset_of(owner), HubError("This version can't be opened: its link is damaged, or something else wrote it.")
    if _saved(name) is None:
        raise damaged
    data = _asked(repo, CONTACT_SECONDS, token, lambda api: _read(api, repo, f"{FOLDER}/{name}/{LINK}"))
    if len(data) > limits.LINK_CHARACTERS or not data.isascii():
        raise damaged
    return data.decode("ascii").strip()


def _commit(api: HfApi, repo: str, files: Mapping[str, bytes], message: str) -> None:
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()  # those of Xet would go to the log

    def commit(all_files: Mapping[str, bytes]) -> None:
        changes = [CommitOperationAdd(path_in_repo=path, path_or_fileobj=data) for path, data in all_files.items()]
        api.create_commit(repo, changes, commit_message=message, repo_type="dataset")

    try:
        commit(files)
    except RepositoryNotFoundError as error:
        if error.response.status_code != 404:
            raise
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        commit({"README.md": _CARD, **files})


def _names(api: HfApi, repo: str) -> Iterator[str]:
    """The names of what is in the folder of the versions."""
    from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError

    try:
        for entry in api.list_repo_tree(repo, FOLDER, repo_type="dataset"):
            yield entry.path.rpartition("/")[2]
    except (RemoteEntryNotFoundError, RepositoryNotFoundError) as error:
        if error.response.status_code != 404:
            raise


def _saved(name: str) -> Saved | None:
    """The version in a folder of this ``name``; None if the page did not make it."""
    found = _NAME.fullmatch(name)
    try:
        return Saved(datetime.strptime(found[1], _TIME).replace(tzinfo=UTC), found[2]) if found else None
    except ValueError:  # a thirteenth month, say
        return None


def _read(api: HfApi, repo: str, path: str) -> bytes:
    """A small file; of a larger one only as much as shows that it is too large."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

    headers, address = build_hf_headers(token=api.token), hf_hub_url(repo, path, repo_type="dataset")
    with get_session().stream("GET", address, headers=headers, timeout=ANSWER_SECONDS) as response:
        if response.is_error:
            response.read()  # the reason
        hf_raise_for_status(response)
        data = b""
        for part in response.iter_bytes():
            data += part
            if len(data) > limits.LINK_CHARACTERS:
                break
        return data


def _asked(repo: str, seconds: float, token: str, ask: Callable[[HfApi], Result]) -> Result:
    """What the Hub answers within ``seconds``. Raises HubError with one sentence."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is first imported
    from huggingface_hub import HfApi
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    if not token:  # the library would look for another one
        raise SignedOutError("You are not signed in any more: sign in again.")
    try:
        return within(seconds, lambda: ask(HfApi(token=token)))
    # KeyError, TypeError and ValueError: it is another server. A failed upload of a large file raises a RuntimeError.
    except (httpx.HTTPError, OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        reason = error.__cause__ if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception) else error
        raise _refusal(repo, reason) from error


def _refusal(repo: str, error: Exception) -> HubError:
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
    full = "storage" in str(getattr(error, "server_message", "") or "").lower()
    if status == 401:
        return SignedOutError("You are not signed in any more: sign in again.")
    if status in (402, 413, 507) or (status == 403 and full):
        return HubError("Your account on the Hub has no room left: delete something there, then save again.")
    if isinstance(error, EntryNotFoundError):
        return HubError("This version is not in {dataset} any more.", dataset=repo)
    if status in (403, 404):
        return HubError(
            "The Hub gives this page no access to {dataset}: sign out, sign in again and allow it, or rename that dataset if "
            "something else made it.",
            dataset=repo,
        )
    if 400 <= status < 500 and status != 429:
        return HubError("The Hub refused this (status {status}): try again later.", status=status)
    return HubError("The Hub doesn't answer now: try again in some minutes.")
