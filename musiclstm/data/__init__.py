from musiclstm.data.collection import Collection, Source, folder_sources, music21_sources, open_collection, split
from musiclstm.data.sources import open_data

__all__ = [
    "Collection",
    "Source",
    "folder_sources",
    "music21_sources",
    "open_collection",
    "open_data",
    "split",
]
