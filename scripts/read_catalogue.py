"""Writes the music of the catalogue's ABC files into music.json beside them, so that training needs no abc2midi.

Run it after a change of one of these files: PYTHONPATH=. python scripts/read_catalogue.py
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from musiclstm.formats import parse_abc


def music(folder: Path) -> dict[str, dict[str, Any]]:
    """Metres (onset, numerator, denominator), notes (onset, pitch, duration) and their staves of each ABC file, by its name."""
    found = dict[str, dict[str, Any]]()
    for path in sorted(folder.glob("*.abc")):
        piece = parse_abc(path.read_text(encoding="utf-8"), path.name)
        metres = [[metre.onset, metre.numerator, metre.denominator] for metre in piece.metres]
        found[path.name] = {"metres": metres, "notes": [row[:3] for row in map(list, piece.notes.tolist())]}
        if piece.staves:
            found[path.name]["staves"] = piece.staves.letters(piece.notes)
    return found


if __name__ == "__main__":
    catalogue = Path(str(files("musiclstm.seeds") / "catalogue"))
    lines = [f"{json.dumps(name)}: {json.dumps(stored, separators=(',', ':'))}" for name, stored in music(catalogue).items()]
    (catalogue / "music.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
