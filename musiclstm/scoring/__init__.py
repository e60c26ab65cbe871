from musiclstm.scoring.critic import Critic, Ear, figure_names, figure_row, standardised
from musiclstm.scoring.originality import (
    OriginalityIndex,
    SharedPassage,
    build_index,
    hash_runs,
    human_overlap,
    read_index,
    write_index,
)

__all__ = [
    "Critic",
    "Ear",
    "OriginalityIndex",
    "SharedPassage",
    "build_index",
    "figure_names",
    "figure_row",
    "hash_runs",
    "human_overlap",
    "read_index",
    "standardised",
    "write_index",
]
