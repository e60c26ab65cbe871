from musiclstm.scoring.originality import OriginalityIndex, SharedPassage, build_index, human_overlap, read_index, write_index
from musiclstm.scoring.ranking import RANKED_BARS, Ranking, fit_ranking

__all__ = [
    "RANKED_BARS",
    "OriginalityIndex",
    "Ranking",
    "SharedPassage",
    "build_index",
    "fit_ranking",
    "human_overlap",
    "read_index",
    "write_index",
]
