from musiclstm.hub.download import Downloaded, cached_checkpoint, download_checkpoint, download_dataset, split_reference
from musiclstm.hub.upload import CARD, Published, Remote, create, look, put, set_variables

__all__ = [
    "CARD",
    "Downloaded",
    "Published",
    "Remote",
    "cached_checkpoint",
    "create",
    "download_checkpoint",
    "download_dataset",
    "look",
    "put",
    "set_variables",
    "split_reference",
]
