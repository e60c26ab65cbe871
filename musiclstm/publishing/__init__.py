from musiclstm.publishing.card import Dataset, model_card
from musiclstm.publishing.gate import check_reason, release
from musiclstm.publishing.space import deploy

__all__ = [
    "Dataset",
    "check_reason",
    "deploy",
    "model_card",
    "release",
]
