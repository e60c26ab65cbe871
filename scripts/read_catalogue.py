"""Writes the music of the catalogue's ABC files into music.json beside them, so that training needs no abc2midi.

Run it after a change of one of these files: PYTHONPATH=. python scripts/read_catalogue.py
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from musiclstm.formats import parse_abc


def music(folder: Path) -> dict[str, dict[str, list[list[int]]]]:
    """Metres (onset, numerator, denominator) and notes (onset, pitch, duration) of each ABC file, by its name."""
    found = {}
    for path in sorted(folder.glob("*.abc")):
        piece = parse_abc(path.read_text(encoding="utf-8"), path.name)
        metres = [[metre.onset, metre.numerator, metre.denominator] for metre in piece.metres]
        found[path.name] = {"metres": metres, "notes": [row[:3] for row in map(list, piece.notes.tolist())]}
    return found


if __name__ == "__main__":
    catalogue = Path(str(files("musiclstm.seeds") / "catalogue"))
    lines = [f"{json.dumps(name)}: {json.dumps(stored, separators=(',', ':'))}" for name, stored in music(catalogue).items()]
    (catalogue / "music.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
