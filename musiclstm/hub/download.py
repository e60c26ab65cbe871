"""Downloads checkpoints and datasets from the Hugging Face Hub into the Hub's own cache on this machine.

huggingface_hub does the transfer. This file adds what ``snapshot_download`` can't do: a limit on the total time, a look at names
and sizes before anything is downloaded, a branch or tag that moves only when its new files are complete, one sentence for each
failure, and for checkpoints a transfer that never keeps the program from exiting (its own runs in threads that Python waits for).

A commit that is in the cache needs no request. A branch or tag is looked up first; if the Hub can't be reached, its last complete
copy is used. No telemetry is sent. HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE work as in huggingface_hub.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

from musiclstm.checkpoint_files import OPTIONAL, PARTS
from musiclstm.errors import CheckpointError, DataError, OptionError
from musiclstm.formats import ARCHIVE_ENDINGS, MUSIC_ENDINGS
from musiclstm.scratch import held

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo, ModelInfo

Result = TypeVar("Result")

EXTRAS = ("README.md", "credits.csv", *OPTIONAL)  # downloaded if the repository has them
MAX_BYTES = 200_000_000  # of a checkpoint's files together
CHECKPOINT_SECONDS = 300.0
DATASET_SECONDS = 3600.0
CONTACT_SECONDS = 20.0  # for the first answer of the Hub, including the DNS lookup
ANSWER_SECONDS = 10.0  # for one answer
DATASETS = "hf://datasets/"

_REPO = re.compile(r"(?=.{3,96}$)[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?/[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", re.ASCII)
_REVISION = re.compile(r"(?=.{1,200}$)[A-Za-z0-9_][A-Za-z0-9_.+-]*(/[A-Za-z0-9_][A-Za-z0-9_.+-]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Downloaded:
    """A checkpoint in the cache: its ``folder`` and its ``commit``, 40 hexadecimal digits."""

    folder: Path
    commit: str

    @property
    def revision(self) -> str:
        """The commit as the Hub's pages show it: its first seven digits."""
        return self.commit[:7]


@dataclass(frozen=True)
class _Order:
    """What to download, and how long it may take."""

    kind: Literal["model", "dataset"]
    repo: str
    revision: str | None
    cache: Path | None
    seconds: float

    @property
    def failure(self) -> type[CheckpointError | DataError]:
        return CheckpointError if self.kind == "model" else DataError

    def __str__(self) -> str:
        return f"the {self.kind} {self.repo}" + (f" at {self.revision}" if self.revision else "")


def split_reference(text: str) -> tuple[str, str | None]:
    """The repository and the revision (a branch, tag or commit) of ``OWNER/NAME[@REVISION]``. Raises OptionError.

    >>> split_reference("owner/name@v1.0"), split_reference("owner/name")
    (('owner/name', 'v1.0'), ('owner/name', None))
    """
    repo, at, revision = text.partition("@")
    check_reference(repo, revision if at else None)
    return repo, revision if at else None


def download_checkpoint(
    repo: str, revision: str | None = None, *, cache: Path | None = None, seconds: float = CHECKPOINT_SECONDS
) -> Downloaded:
    """The checkpoint in the model repository ``repo`` (OWNER/NAME), downloaded unless it is in the cache.

    ``revision`` is a branch, a tag or a full commit hash; None is the newest. ``cache`` replaces the Hub's usual cache folder. If
    the Hub can't be reached, the last copy of that revision is used; for None, the newest copy of any. Raises OptionError for a
    malformed name, and CheckpointError if there is no such repository or revision, access is denied, it is not a checkpoint of
    this program, it holds more than 200 MB, or the download takes longer than ``seconds``.
    """
    check_reference(repo, revision)
    folder = _pull(_Order("model", repo, revision, cache, seconds), _cached_checkpoint, _download_checkpoint)
    return Downloaded(folder, folder.name)


def cached_checkpoint(repo: str, revision: str | None) -> Downloaded | None:
    """The checkpoint at a full commit hash if it is in the cache; makes no request. Raises OptionError for a malformed name."""
    check_reference(repo, revision)
    if revision is None or not _COMMIT.fullmatch(revision):
        return None
    folder = _cached_checkpoint(_Order("model", repo, revision, None, 0.0), revision)
    return None if folder is None else Downloaded(folder, folder.name)


def download_dataset(reference: str, *, cache: Path | None = None, seconds: float = DATASET_SECONDS) -> Path:
    """The folder with music files, and archives of them, of ``hf://datasets/OWNER/NAME[@REVISION]``; nothing else is downloaded.

    Complete files stay in the cache, so an interrupted download continues where it stopped. Raises OptionError for a malformed
    reference, and DataError if there is no such dataset or revision, access is denied, it holds no music file, or the download
    takes longer than ``seconds``.
    """
    if not reference.startswith(DATASETS):
        raise OptionError(
            f"A dataset on the Hub is named as {DATASETS}OWNER/NAME or {DATASETS}OWNER/NAME@REVISION, not {reference}."
        )
    repo, revision = split_reference(reference.removeprefix(DATASETS))
    order = _Order("dataset", repo, revision, cache, seconds)
    folder = _pull(order, _cached_dataset, _download_dataset)
    if not any(path.name.lower().endswith(MUSIC_ENDINGS + ARCHIVE_ENDINGS) for path in folder.rglob("*")):
        raise DataError(f"On the Hub, {order} contains no {', '.join(MUSIC_ENDINGS)} file and no archive.")
    return folder


def check_reference(repo: str, revision: str | None) -> None:
    """Raise OptionError unless this is OWNER/NAME, and a branch, tag or commit or None."""
    # The Hub refuses these names too; checked here, they can't become paths outside the cache.
    if not _REPO.fullmatch(repo) or "--" in repo or ".." in repo or repo.endswith(".git"):
        raise OptionError(
            "A repository on the Hub is named OWNER/NAME or OWNER/NAME@REVISION, in letters, digits and single -, _ or . between "
            f"them, not {repo!r}."
        )
    if revision is not None and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise OptionError(f"A revision is a branch, a tag or a full commit hash, such as main or v1.0, not {revision!r}.")


def _pull(
    order: _Order, cached: Callable[[_Order, str], Path | None], download: Callable[[_Order, ModelInfo | DatasetInfo], Path]
) -> Path:
    """The folder of an order: a commit from the cache, else from the Hub, else the last copy in the cache."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # is read when the library is imported for the first time
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    if order.revision and _COMMIT.fullmatch(order.revision) and (folder := cached(order, order.revision)):
        return folder
    _delete_abandoned(order)
    try:
        info = within(min(CONTACT_SECONDS, order.seconds), lambda: _look_up(order))
        folder = within(order.seconds, lambda: download(order, info))
    except (httpx.HTTPError, OSError, ValueError) as error:
        out_of_reach, reason = _explained(order, error)
        if out_of_reach:
            folder = cached(order, order.revision or "main")
            if folder is None and order.revision is None:
                folder = next((f for commit in _commits(order) if (f := cached(order, commit))), None)
            if folder is not None:
                return folder
        raise order.failure(reason) from error
    _remember(folder, order.revision or "main")
    return folder


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What ``work`` returns or raises; TimeoutError after ``seconds``.

    It runs in a daemon thread: neither this call nor the exit of the program waits for a connection that hangs.
    """
    with ThreadPool(1) as pool:
        try:
            return pool.apply_async(work).get(seconds)
        except multiprocessing.TimeoutError:
            raise TimeoutError(f"{seconds:g} seconds") from None


def _look_up(order: _Order) -> ModelInfo | DatasetInfo:
    """The repository's commit and files. Raises ValueError for an answer that no Hub would give."""
    from huggingface_hub import HfApi

    look_up = HfApi().model_info if order.kind == "model" else HfApi().dataset_info
    sizes = order.kind == "model"
    try:
        info = look_up(order.repo, revision=order.revision, timeout=ANSWER_SECONDS, files_metadata=sizes)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("the answer describes no repository") from error
    if not info.sha or not _COMMIT.fullmatch(info.sha):
        raise ValueError("the answer names no commit")
    return info


def _download_checkpoint(order: _Order, info: ModelInfo | DatasetInfo) -> Path:
    from huggingface_hub import hf_hub_download

    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    missing = [name for name in PARTS if name not in sizes]
    if missing:
        raise CheckpointError(f"On the Hub, {order} is not a checkpoint of this program: it lacks {', '.join(missing)}.")
    # The parts come last: a folder that has all of them is complete.
    wanted = [name for name in (*EXTRAS, *PARTS) if name in sizes]
    total = sum(sizes[name] for name in wanted)
    if total > MAX_BYTES:
        raise CheckpointError(
            f"On the Hub, {order} holds {total / 1e6:,.0f} MB; a checkpoint of at most {MAX_BYTES / 1e6:,.0f} MB is downloaded."
        )
    # One after the other: the threads of a parallel download would keep the program from exiting if a connection hangs.
    paths = [
        hf_hub_download(order.repo, name, revision=info.sha, cache_dir=order.cache, etag_timeout=ANSWER_SECONDS)
        for name in wanted
    ]
    return Path(paths[0]).parent


def _cached_checkpoint(order: _Order, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(order.repo, name, cache_dir=order.cache, revision=revision) for name in PARTS]
    paths = [Path(path) for path in found if isinstance(path, str)]
    return paths[0].parent if len(paths) == len(PARTS) else None


def _download_dataset(order: _Order, info: ModelInfo | DatasetInfo) -> Path:
    return _dataset_snapshot(order, str(info.sha), local=False)


def _cached_dataset(order: _Order, revision: str) -> Path | None:
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError

    try:
        # Only the list of files tells whether a snapshot is complete.
        get_cached_repo_tree(order.repo, repo_type="dataset", revision=revision, cache_dir=order.cache)
        return _dataset_snapshot(order, revision, local=True)
    except (CachedRepoTreeNotFoundError, LocalEntryNotFoundError):
        return None


def _dataset_snapshot(order: _Order, revision: str, *, local: bool) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            order.repo,
            repo_type="dataset",
            revision=revision,
            cache_dir=order.cache,
            allow_patterns=_patterns(MUSIC_ENDINGS + ARCHIVE_ENDINGS),
            local_files_only=local,
        )
    )


def _patterns(endings: Sequence[str]) -> list[str]:
    """Patterns for files of these endings in any folder, in capitals or not.

    >>> _patterns([".mid"])
    ['*.[mM][iI][dD]']
    """
    return ["*" + "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in ending) for ending in endings]


def _commits(order: _Order) -> list[str]:
    """Commits of the repository in the cache, the newest first."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        cache = scan_cache_dir(order.cache)
    except (CacheNotFound, ValueError):  # there is no folder
        return []
    revisions = [
        revision
        for repo in cache.repos
        if (repo.repo_type, repo.repo_id) == (order.kind, order.repo)
        for revision in repo.revisions
    ]
    return [revision.commit_hash for revision in sorted(revisions, key=lambda r: r.last_modified, reverse=True)]


def _delete_abandoned(order: _Order) -> None:
    """Delete what killed programs left half downloaded. One that is downloading a file holds its lock."""
    from huggingface_hub import constants

    cache, name = Path(order.cache or constants.HF_HUB_CACHE), f"{order.kind}s--{order.repo.replace('/', '--')}"
    for part in (cache / name / "blobs").glob("*.incomplete"):
        lock = cache / ".locks" / name / f"{part.name.partition('.')[0]}.lock"
        if not lock.exists() or not held(lock):
            with suppress(OSError):
                part.unlink()


def _remember(folder: Path, revision: str) -> None:
    """Store in the cache which commit a branch or tag is, as huggingface_hub does, but only once all files are there.

    Stored earlier, an interrupted download would hide the last complete copy.
    """
    if _COMMIT.fullmatch(revision):
        return
    note = folder.parent.parent / "refs" / revision
    draft = note.with_name(f".{note.name}.{os.getpid()}")
    with suppress(OSError):  # a cache that can't be written to is still good for reading
        note.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(folder.name, encoding="ascii")
        draft.replace(note)


def _explained(order: _Order, error: Exception) -> tuple[bool, str]:
    """Whether the Hub is out of reach (rather than refusing), and one sentence on why the order failed.

    The sentence quotes neither headers nor whole addresses, so that it can't give away a token.
    """
    from huggingface_hub import constants
    from huggingface_hub import errors as hub
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    host = urlsplit(constants.ENDPOINT).hostname or "no address"
    whole = f"the {order.kind} {order.repo}"
    status = error.response.status_code if isinstance(error, hub.HfHubHTTPError) else 0
    busy = status >= 500 or status in (408, 429)
    out_of_order = (httpx.ConnectError, httpx.TimeoutException, httpx.ProxyError, httpx.UnsupportedProtocol)
    broken_off = (httpx.TransportError, ConnectionError, hub.LocalEntryNotFoundError)
    reasons = (  # the first that applies
        (isinstance(error, hub.GatedRepoError), False, f"The Hub gives {whole} to those who accepted its terms: do so on its "
         "page, and set HF_TOKEN to your token."),
        (isinstance(error, hub.RepositoryNotFoundError), False, f"The Hub has no {order.kind} {order.repo}, or it is private: "
         "check OWNER/NAME, or set HF_TOKEN to a token that may read it."),
        (isinstance(error, hub.RevisionNotFoundError), False, f"The Hub has no revision {order.revision or 'main'} of {whole}: "
         "give a branch, a tag or a full commit hash of 40 digits."),
        (status == 401, False, f"The Hub does not accept the token that came with the request for {whole}: set HF_TOKEN to a "
         "valid one, or to none."),
        (status == 403, False, f"The Hub does not allow reading {whole}: set HF_TOKEN to a token with read access."),
        (busy, True, f"The Hub can't deliver {order} now (HTTP status {status}) and the cache does not have it: try again "
         "later."),
        (status > 0, False, f"The Hub refused {order} (HTTP status {status}): check OWNER/NAME and HF_ENDPOINT."),
        (isinstance(error, hub.OfflineModeIsEnabled), True, f"The cache does not have {order}: unset HF_HUB_OFFLINE."),
        (isinstance(error, TimeoutError), True, f"The Hub ({host}) did not deliver {order} within {error}: try again; complete "
         "files are kept."),
        (isinstance(error, out_of_order), True, f"The Hub ({host}) can't be reached and the cache does not have {order}: check "
         "the connection and HF_ENDPOINT."),
        (isinstance(error, broken_off), True, f"The connection to the Hub ({host}) broke off during {order}: try again."),
        (isinstance(error, OSError) and error.errno, False, f"The cache can't take {order}: {getattr(error, 'strerror', '')}."),
        (isinstance(error, OSError), False, f"A file of {order} arrived damaged: try again."),
        (True, False, f"The server at {host} is not the Hugging Face Hub: check HF_ENDPOINT."),
    )  # fmt: skip
    return next((out_of_reach, sentence) for applies, out_of_reach, sentence in reasons if applies)
