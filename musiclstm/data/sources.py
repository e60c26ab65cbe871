"""Open data by name as a collection: a folder, music21's own corpus, or a dataset on the Hub or on Kaggle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from musiclstm.data import kaggle
from musiclstm.data.collection import Collection, folder_sources, music21_sources, open_collection
from musiclstm.hub import download_dataset

SHOWN = 10  # skipped files to list


def open_data(data: str, cache: Path, say: Callable[[str], None] = print) -> Collection:
    """Read ``data`` into ``cache``, or reuse what an earlier run left there: a folder, "music21", "hf://datasets/ID[@REVISION]"
    or "kaggle://OWNER/NAME[@VERSION]".

    Lists skipped files through ``say``. Raises DataError, OptionError or MissingToolError.
    """
    if data == "music21":
        sources = music21_sources()
    elif data.startswith("hf://"):
        sources = folder_sources(download_dataset(data))
    elif data.startswith(kaggle.DATASETS):
        sources = folder_sources(kaggle.download_dataset(data))
    else:
        sources = folder_sources(Path(data))
    with tqdm(total=len(sources), desc="reading", unit="file", mininterval=1.0) as bar:
        collection = open_collection(sources, cache, lambda *_: bar.update() and None)
    for reason in collection.skipped[:SHOWN]:
        say(f"Skipped: {reason}")
    if len(collection.skipped) > SHOWN:
        say(f"Skipped {len(collection.skipped) - SHOWN} more files.")
    return collection
