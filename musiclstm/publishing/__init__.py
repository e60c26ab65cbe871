from musiclstm.publishing.card import Dataset, model_card
from musiclstm.publishing.gate import check_reason, release
from musiclstm.publishing.space import REPO_VARIABLE, REVISION_VARIABLE, deploy

__all__ = [
    "REPO_VARIABLE",
    "REVISION_VARIABLE",
    "Dataset",
    "check_reason",
    "deploy",
    "model_card",
    "release",
]
