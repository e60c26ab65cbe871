"""Copies of votes in a dataset on the Hub, for pages whose own disk forgets them, as a Space's does.

huggingface_hub's CommitScheduler sends what has changed every few minutes. A Hub that is away or refuses costs the copy, nothing
else: votes are kept on the disk, and the next time they are sent too.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.errors import HubError
from musiclstm.hub.download import ANSWER_SECONDS, check_reference
from musiclstm.votes import PATTERN, BallotBox, Vote, read_votes

if TYPE_CHECKING:
    from huggingface_hub import CommitScheduler

MINUTES = 5.0  # between two copies
LAST_SECONDS = 10.0  # for the last copy, when the page ends


class VoteCopies:
    """Copies what ``box`` collects to the dataset OWNER/NAME, and tells the box what is there already.

    A dataset that does not exist is created, private. Nothing here waits for the Hub but ``close``, for seconds. Raises
    OptionError for a malformed name.
    """

    def __init__(self, box: BallotBox, repo: str, *, minutes: float = MINUTES) -> None:
        check_reference(repo, None)
        self._box, self._repo, self._minutes = box, repo, minutes
        self._scheduler: CommitScheduler | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._begin, name="votes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send the last votes, if the Hub answers within seconds."""
        self._ended.set()
        self._thread.join(LAST_SECONDS)
        if self._scheduler is not None:
            with suppress(TimeoutError, CancelledError):
                self._scheduler.trigger().result(LAST_SECONDS)
            self._scheduler.stop()

    def _begin(self) -> None:
        """Read what is there and start to copy; try again until the Hub answers."""
        told = False
        while self._scheduler is None:
            try:
                self._box.learn(download_votes(self._repo))
                self._scheduler = self._start()
            except HubError as error:
                if not told:
                    logging.getLogger(__name__).warning("Votes are not copied now: %s", error)
                told = True
                if self._ended.wait(60 * self._minutes):
                    return

    def _start(self) -> CommitScheduler | None:
        folder = self._box.folder
        return None if folder is None else _answered(self._repo, lambda: _scheduler_for(folder, self._repo, self._minutes))


def download_votes(repo: str) -> dict[str, list[Vote]]:
    """The votes in each file of the dataset OWNER/NAME; {} if there is none. Raises OptionError, HubError."""
    check_reference(repo, None)
    return _answered(repo, lambda: _downloaded(repo))


def _downloaded(repo: str) -> dict[str, list[Vote]]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Silent(tqdm):
        """No progress bars in the log of a page."""

        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **{**options, "disable": True})  # type: ignore[no-untyped-call]

    patience: Any = {"etag_timeout": ANSWER_SECONDS, "tqdm_class": Silent}
    try:
        folder = snapshot_download(repo, repo_type="dataset", allow_patterns=PATTERN, **patience)
    except RepositoryNotFoundError:
        return {}
    return read_votes(Path(folder))


def _answered(repo: str, ask: Callable[[], Any]) -> Any:
    """What the Hub answers. Raises HubError with one sentence."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when the library is first imported
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        return ask()
    except HfHubHTTPError as error:
        status = error.response.status_code
        said = "check HF_TOKEN" if status in (401, 403) else "try again later"
        raise HubError(f"The Hub gives no access to the dataset {repo} (HTTP status {status}): {said}.") from error
    except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:  # the last two: it is another server
        raise HubError(f"The Hub can't be reached for the dataset {repo} now.") from error


def _scheduler_for(folder: Path, repo: str, minutes: float) -> CommitScheduler:
    from huggingface_hub import CommitScheduler
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    class Quiet(CommitScheduler):
        """Keeps quiet about a Hub that is away: the next copy holds all that this one would have."""

        def push_to_hub(self) -> Any:
            with suppress(httpx.HTTPError, OSError, ValueError, RuntimeError):
                return super().push_to_hub()
            return None

    return Quiet(repo_id=repo, repo_type="dataset", folder_path=folder, every=minutes, private=True, allow_patterns=PATTERN)
