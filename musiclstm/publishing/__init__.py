from musiclstm.publishing.card import Dataset, model_card, with_finetuning
from musiclstm.publishing.gate import check_reason, measured_on, release
from musiclstm.publishing.space import deploy

__all__ = [
    "Dataset",
    "check_reason",
    "deploy",
    "measured_on",
    "model_card",
    "release",
    "with_finetuning",
]
