from musiclstm.scoring.critic import Critic, Ear, figure_names, figure_row
from musiclstm.scoring.originality import OriginalityIndex, SharedPassage, build_index, human_overlap, read_index, write_index

__all__ = [
    "Critic",
    "Ear",
    "OriginalityIndex",
    "SharedPassage",
    "build_index",
    "figure_names",
    "figure_row",
    "human_overlap",
    "read_index",
    "write_index",
]
