"""Datasets on Kaggle, through kagglehub: an optional package, needed only to train on one of them.

KAGGLE_API_TOKEN, KAGGLEHUB_CACHE and the like work as kagglehub documents them; a public dataset needs no account.
"""

from __future__ import annotations

import re
from pathlib import Path

from musiclstm.errors import DataError, MissingToolError, OptionError
from musiclstm.formats import ARCHIVE_ENDINGS, MUSIC_ENDINGS

DATASETS = "kaggle://"

_REFERENCE = re.compile(
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]{0,99})/(?P<name>[A-Za-z0-9][A-Za-z0-9-]{0,99})(@(?P<version>[1-9][0-9]{0,8}))?"
)


def download_dataset(reference: str) -> Path:
    """Download ``kaggle://OWNER/NAME[@VERSION]`` (default: the newest version); returns its folder in kagglehub's cache.

    Raises OptionError for a malformed reference, MissingToolError without kagglehub, and DataError if the dataset does not exist,
    is private, contains no music file, or Kaggle can't be reached.
    """
    parts = _REFERENCE.fullmatch(reference.removeprefix(DATASETS)) if reference.startswith(DATASETS) else None
    if parts is None:
        raise OptionError(
            f"A dataset on Kaggle is written {DATASETS}OWNER/NAME or {DATASETS}OWNER/NAME@VERSION, not {reference}."
        )
    handle = f"{parts['owner']}/{parts['name']}"
    try:
        import kagglehub
        from kagglehub import exceptions
        from requests import RequestException
    except ImportError as error:
        raise MissingToolError(f"To read {reference}, install kagglehub: pip install kagglehub.") from error
    try:
        folder = Path(kagglehub.dataset_download(handle + (f"/versions/{parts['version']}" if parts["version"] else "")))
    except RequestException as error:
        status = error.response.status_code if error.response is not None else 0
        raise DataError(_explained(handle, parts["version"], status)) from error
    except (exceptions.BackendError, exceptions.DataCorruptionError, exceptions.CredentialError, OSError, ValueError) as error:
        raise DataError(f"The download of {handle} from Kaggle is incomplete: try again.") from error
    if not any(path.name.lower().endswith(MUSIC_ENDINGS + ARCHIVE_ENDINGS) for path in folder.rglob("*")):
        raise DataError(f"The Kaggle dataset {handle} contains no {', '.join(MUSIC_ENDINGS)} file and no archive.")
    return folder


def _explained(handle: str, version: str | None, status: int) -> str:
    """Why the download failed; ``status`` is 0 if Kaggle did not answer."""
    which = f"{handle} in version {version}" if version else handle
    if status in (401, 403, 404):  # Kaggle does not reveal whether a dataset is private or missing
        return f"Kaggle has no dataset {which}, or it is private: check OWNER/NAME, or set KAGGLE_API_TOKEN to your token."
    if status:
        return f"Kaggle can't deliver {which} now (HTTP status {status}): try again later."
    return f"Kaggle can't be reached to download {which}: check the connection."
