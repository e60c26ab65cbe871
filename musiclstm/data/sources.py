"""Open data by name as a collection: folders, music21's own corpus, and datasets on the Hub or on Kaggle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from musiclstm.children import cores
from musiclstm.data import kaggle
from musiclstm.data.archives import Archive, folder_archives
from musiclstm.data.collection import Collection, open_collection
from musiclstm.data.listing import Source, folder_sources, music21_sources
from musiclstm.errors import OptionError
from musiclstm.hub import download_dataset

SHOWN = 10  # skipped files to list


def open_data(data: Sequence[str], cache: Path, say: Callable[[str], None] = print) -> Collection:
    """Read ``data`` into ``cache``, or reuse what an earlier run left there.

    Each of ``data`` is a folder, "music21", "hf://datasets/ID[@REVISION]" or "kaggle://OWNER/NAME[@VERSION]"; together they are
    one collection. Lists skipped files through ``say``. Raises DataError, OptionError or MissingToolError.
    """
    names = [dataset_name(reference) for reference in data]
    if len(set(names)) < len(names):
        raise OptionError(f"Datasets need different names, but these are called {', '.join(names)}; rename a folder.")
    found = [_listed(reference) for reference in data]
    sources = [source for files, _ in found for source in files]
    archives = [archive for _, packed in found for archive in packed]
    with tqdm(total=len(sources) + sum(map(len, archives)), desc="reading", unit="file", mininterval=1.0) as bar:
        told = partial(_told, bar)
        collection = open_collection(sources, cache, told, archives=archives, processes=cores())
    for reason in collection.skipped[:SHOWN]:
        say(f"Skipped: {reason}")
    if len(collection.skipped) > SHOWN:
        say(f"Skipped {len(collection.skipped) - SHOWN} more files.")
    return collection


def dataset_name(reference: str) -> str:
    """A short name for data, without this machine's paths: that of the folder, or the reference itself."""
    return Path(reference).resolve().name if Path(reference).is_dir() else reference


def _listed(reference: str) -> tuple[Sequence[Source], Sequence[Archive]]:
    """The files and the archives of one of the data."""
    if reference == "music21":
        return music21_sources(), ()
    folder, dataset = Path(reference), ""
    if reference.startswith("hf://"):
        folder, dataset = download_dataset(reference), reference
    elif reference.startswith(kaggle.DATASETS):
        folder, dataset = kaggle.download_dataset(reference), reference
    archives = folder_archives(folder, dataset)
    return folder_sources(folder, dataset, none=bool(archives)), archives


def _told(bar: tqdm[NoReturn], files: int) -> None:
    bar.update(files)
