"""What judges say of a checkpoint, as a section of its card: can its continuations be told from people's?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from musiclstm.checkpoint import Checkpoint
from musiclstm.data import works_of
from musiclstm.errors import DataError, MissingToolError
from musiclstm.evaluation import Trial, compare_continuations, judge_of
from musiclstm.music import Piece

PASSAGES = 60  # continuations to judge: some minutes on two processor cores
_SHOWN = 5  # of the figures that differ most


def judgement(checkpoint: Checkpoint, pieces: Sequence[Piece], say: Callable[[str], None] = print) -> str:
    """A section of Markdown about takes of passages from held-out ``pieces``, at the default settings.

    "" if the pieces are of too few works or scikit-learn is missing; then ``say`` tells so.
    """
    try:
        judge = judge_of(works_of(pieces))
        say(f"Letting judges compare {PASSAGES} continuations with people's, which takes some minutes ...")
        found = compare_continuations(checkpoint, pieces, Trial(PASSAGES), judge=judge)
    except (DataError, MissingToolError) as error:
        say(f"The card will not have a section about judges: {error}")
        return ""
    return section(found)


def section(found: Mapping[str, Any]) -> str:
    """The section for the result of ``compare_continuations``."""
    judged, bars, seed_bars = found["judge"], found["bars"], found["seed_bars"]
    rows = [
        f"| {name} | {told['share']:.0%} | {told['interval'][0]:.0%} to {told['interval'][1]:.0%} |"
        for name, told in judged["told_apart"].items()
    ]
    shifts = [f"{shift['figure']} {shift['shift']:+.2f}" for shift in judged["shifts"][:_SHOWN]]
    return "\n".join(
        [
            "## Judges\n",
            f"Of {judged['pairs']} passages from {judged['works']} held-out works the checkpoint continued {seed_bars} bars by",
            f"{bars}, at the default settings. Three judges, each on works that it did not learn from, guess which of two",
            "continuations a person wrote. 50 % is as good as guessing.\n",
            "| judge | right | 95 % interval, drawing works |",
            "|---|---|---|",
            *rows,
            f"\nWhat differs most, in standard deviations of human music: {', '.join(shifts)}.",
        ]
    )
