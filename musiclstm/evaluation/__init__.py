from musiclstm.evaluation.continuations import Passage, Trial, compare_continuations, held_out
from musiclstm.evaluation.judge import judge_of, judge_pairs
from musiclstm.evaluation.likelihood import LANES, WINDOW, Evaluator, evaluate, read_pieces
from musiclstm.evaluation.resampling import middle_95, work_weights
from musiclstm.evaluation.scores import NoteScores, is_new, total

__all__ = [
    "LANES",
    "WINDOW",
    "Evaluator",
    "NoteScores",
    "Passage",
    "Trial",
    "compare_continuations",
    "evaluate",
    "held_out",
    "is_new",
    "judge_of",
    "judge_pairs",
    "middle_95",
    "read_pieces",
    "total",
    "work_weights",
]
