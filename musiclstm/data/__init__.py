from musiclstm.data.archives import folder_archives
from musiclstm.data.collection import Collection, open_collection, split, works_with
from musiclstm.data.listing import Source, folder_sources, music21_sources
from musiclstm.data.sources import dataset_name, open_data
from musiclstm.data.works import works_of

__all__ = [
    "Collection",
    "Source",
    "dataset_name",
    "folder_archives",
    "folder_sources",
    "music21_sources",
    "open_collection",
    "open_data",
    "split",
    "works_of",
    "works_with",
]
