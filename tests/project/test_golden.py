"""The bundled checkpoint writes the stored notes. After a change on purpose: PYTHONPATH=. python scripts/write_golden.py"""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.processors import instructions
from musiclstm.checkpoint import Checkpoint
from musiclstm.generation.check import differing_bars
from musiclstm.music.notes import Piece, make_notes
from scripts.write_golden import GOLDEN, golden, text_of

AGAIN = "If the decoder or the checkpoint changed on purpose, run PYTHONPATH=. python scripts/write_golden.py."


def test_the_bundled_checkpoint_writes_the_stored_notes(bundled: Checkpoint) -> None:
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))
    made = golden(bundled)
    assert made["checkpoint"] == stored["checkpoint"], f"The bundled checkpoint is another one. {AGAIN}"
    metres = bundled.seeds[0].piece.metres
    old, new = (Piece(make_notes(*np.transpose(each["notes"])), metres=metres) for each in (stored, made))
    apart = differing_bars(old, new)
    if apart and stored["instructions"] != instructions():
        pytest.skip(
            f"This processor ({instructions()}) writes other notes from bar {apart[0]} of the continuation on than the one that "
            f"the stored notes come from ({stored['instructions']}): see benchmarks/RESULTS.md, Processors."
        )
    assert not apart, f"Other notes from bar {apart[0]} of the continuation on. {AGAIN}"
    assert made["midi"] == stored["midi"], f"The same notes, but other MIDI bytes. {AGAIN}"


def test_the_stored_notes_are_a_line_each() -> None:
    text = GOLDEN.read_text(encoding="utf-8")
    assert text_of(json.loads(text)) == text
    assert len(json.loads(text)["notes"]) > 40
