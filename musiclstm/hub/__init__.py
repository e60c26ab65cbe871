from musiclstm.hub.download import Downloaded, cached_checkpoint, download_checkpoint, download_dataset, split_reference
from musiclstm.hub.saved_versions import LINK, Saved, dataset_of, page_of, save_version, saved_link, saved_versions
from musiclstm.hub.upload import CARD, Published, Remote, address, create, look, put, set_variables
from musiclstm.hub.vote_copies import VoteCopies, download_votes

__all__ = [
    "CARD",
    "LINK",
    "Downloaded",
    "Published",
    "Remote",
    "Saved",
    "VoteCopies",
    "address",
    "cached_checkpoint",
    "create",
    "dataset_of",
    "download_checkpoint",
    "download_dataset",
    "download_votes",
    "look",
    "page_of",
    "put",
    "save_version",
    "saved_link",
    "saved_versions",
    "set_variables",
    "split_reference",
]
