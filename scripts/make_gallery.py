"""Writes the gallery of the site: takes of some openings, as sound, piano roll and MIDI, with a page of Markdown.

Run it before MkDocs: PYTHONPATH=. python scripts/make_gallery.py out/gallery
Nobody chooses among takes: each opening is continued once, with random seed 1 and the default settings.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from musiclstm.api import open_checkpoint
from musiclstm.publishing.examples import BARS, RANDOM_SEED, examples_of, section
from musiclstm.seeds import find_seed

OPENINGS = (
    "mozart-k545-1",
    "bach-prelude-c",
    "beethoven-fur-elise",
    "chopin-prelude-op28-4",
)
TITLE = f"""# Gallery

Each opening is continued for {BARS} bars with random seed {RANDOM_SEED} and the default settings. Nobody chose among takes:
this is what the bundled model does on an ordinary day. What is new in each roll has another colour."""


def main() -> None:
    """Write the gallery into the folder that the command line names."""
    folder = Path(sys.argv[1])
    checkpoint = open_checkpoint()
    seeds = tuple(find_seed(checkpoint.seeds, name) for name in OPENINGS)
    examples = examples_of(replace(checkpoint, seeds=seeds), count=len(seeds))
    for example in examples:
        for name, data in example.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    shown = section(examples, str).partition("\n\n### ")[2]
    (folder / "gallery.md").write_text(f"{TITLE}\n\n### {shown}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
