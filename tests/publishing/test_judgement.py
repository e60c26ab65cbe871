"""What a card says of the judges."""

from __future__ import annotations

import pytest

from musiclstm.checkpoint import Checkpoint
from musiclstm.music.notes import Piece
from musiclstm.publishing.judgement import judgement, section

FOUND = {
    "bars": 16,
    "seed_bars": 8,
    "judge": {
        "pairs": 60,
        "works": 31,
        "told_apart": {"trees": {"share": 0.6333, "interval": [0.51, 0.7449]}, "network": {"share": 0.5, "interval": [0.4, 0.6]}},
        "shifts": [{"figure": f"figure {number}", "shift": 0.4 - number / 10} for number in range(9)],
    },
}


def test_a_card_tells_how_well_judges_tell_takes_from_human_music() -> None:
    text = section(FOUND)
    assert "Of 60 passages from 31 held-out works the checkpoint continued 8 bars by\n16, at the default settings." in text
    assert "| trees | 63% | 51% to 74% |\n| network | 50% | 40% to 60% |" in text
    assert text.endswith("figure 0 +0.40, figure 1 +0.30, figure 2 +0.20, figure 3 +0.10, figure 4 +0.00.")


def test_too_few_works_are_told_and_leave_the_section_out(
    small_checkpoint: Checkpoint, tunes: dict[str, Piece], capsys: pytest.CaptureFixture[str]
) -> None:
    assert judgement(small_checkpoint, list(tunes.values())) == ""
    assert "A judge needs passages of 10 works or more" in capsys.readouterr().out
