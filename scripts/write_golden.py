"""Writes what the bundled checkpoint composes for one fixed request into tests/golden/, for the test that compares.

Run it after a change on purpose of the decoder or the checkpoint: PYTHONPATH=. python scripts/write_golden.py
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from benchmarks.processors import instructions
from musiclstm.api import generate, open_checkpoint
from musiclstm.checkpoint import Checkpoint
from musiclstm.formats import midi_bytes

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden" / "mozart-k545-1.json"
SEED, BARS, RANDOM_SEED = GOLDEN.stem, 8, 1


def golden(checkpoint: Checkpoint) -> dict[str, Any]:
    """The notes of the continuation (onset, pitch, duration, velocity), the MIDI file of it all, and what wrote them."""
    composition = generate(SEED, checkpoint=checkpoint, bars=BARS, random_seed=RANDOM_SEED)
    take = composition.takes[0]
    midi = midi_bytes(take.joined, text=json.dumps(composition.recipe, ensure_ascii=False, sort_keys=True))
    return {
        "instructions": instructions(),
        "checkpoint": checkpoint.digest,
        "midi": hashlib.sha256(midi).hexdigest(),
        "notes": take.continuation.notes.tolist(),
    }


def text_of(made: dict[str, Any]) -> str:
    """The same as JSON with a line for each note."""
    head = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in made.items() if key != "notes"]
    rows = ",\n".join(f"  {json.dumps(list(row))}" for row in made["notes"])
    return "\n".join(["{", *head, ' "notes": [', rows, " ]", "}", ""])


if __name__ == "__main__":
    GOLDEN.write_text(text_of(golden(open_checkpoint())), encoding="utf-8")
