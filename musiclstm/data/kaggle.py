"""Datasets on Kaggle, through kagglehub: an optional package, wanted by those who train on one and by nobody else.

KAGGLE_API_TOKEN, KAGGLEHUB_CACHE and the like mean what kagglehub says they mean; a public dataset needs no account.
"""

from __future__ import annotations

import re
from pathlib import Path

from musiclstm.errors import DataError, MissingToolError, OptionError
from musiclstm.formats import MUSIC_ENDINGS

DATASETS = "kaggle://"

_REFERENCE = re.compile(
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9-]{0,99})/(?P<name>[A-Za-z0-9][A-Za-z0-9-]{0,99})(@(?P<version>[1-9][0-9]{0,8}))?"
)


def download_dataset(reference: str) -> Path:
    """The folder of the dataset ``kaggle://OWNER/NAME[@VERSION]``, in kagglehub's cache; the newest version if none is given.

    Raises OptionError for a malformed reference, MissingToolError without kagglehub, and DataError if there is no such dataset,
    it may not be read, Kaggle can't be reached, or it holds no music file.
    """
    parts = _REFERENCE.fullmatch(reference.removeprefix(DATASETS)) if reference.startswith(DATASETS) else None
    if parts is None:
        raise OptionError(
            f"A dataset on Kaggle is named as {DATASETS}OWNER/NAME or {DATASETS}OWNER/NAME@VERSION, not {reference}."
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
        raise DataError(f"Kaggle did not deliver {handle} whole: try again.") from error
    if not any(path.suffix.lower() in MUSIC_ENDINGS for path in folder.rglob("*")):
        raise DataError(f"On Kaggle, {handle} holds no {', '.join(MUSIC_ENDINGS)} file.")
    return folder


def _explained(handle: str, version: str | None, status: int) -> str:
    """Why Kaggle did not deliver a dataset; ``status`` is 0 if it gave no answer."""
    which = f"{handle} in version {version}" if version else handle
    if status in (401, 403, 404):  # Kaggle tells those who may not see a dataset no more than that
        return f"Kaggle has no dataset {which}, or it is private: check OWNER/NAME, or set KAGGLE_API_TOKEN to your token."
    if status:
        return f"Kaggle can't deliver {which} now (it answers {status}): try again later."
    return f"Kaggle can't be reached to deliver {which}: check the connection."
