from musiclstm.hub.download import Downloaded, cached_checkpoint, download_checkpoint, download_dataset, split_reference
from musiclstm.hub.upload import CARD, Published, Remote, address, create, look, put, set_variables
from musiclstm.hub.vote_copies import VoteCopies, download_votes

__all__ = [
    "CARD",
    "Downloaded",
    "Published",
    "Remote",
    "VoteCopies",
    "address",
    "cached_checkpoint",
    "create",
    "download_checkpoint",
    "download_dataset",
    "download_votes",
    "look",
    "put",
    "set_variables",
    "split_reference",
]
