"""The openings to browse: a card for each, and what finds them. No widgets here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from musiclstm.seeds import DIFFICULTIES, Seed, difficulty, era, found, moods

ALL = "all"
ERAS = [("All", ALL), *((name.capitalize(), name) for name in ("baroque", "classical", "romantic", "modern"))]
TEXTURES = [("Any texture", ALL), *((f"{name.capitalize()} to play", name) for name in DIFFICULTIES)]
_WIDTH, _HEIGHT = 176, 34  # of the notes on a card, in pixels


def openings_page(seeds: Sequence[Seed]) -> str:
    """A card for each opening, in the order of the list."""
    return f'<div class="openings" role="group" aria-label="Openings">{"".join(map(_card, seeds))}</div>'


def chosen_ids(seeds: Iterable[Seed], when: str, texture: str, words: str) -> str:
    """The ids of the openings of an era, of a texture and that words describe, with spaces between; ALL for any."""
    kept = (seed for seed in seeds if when in (ALL, era(seed)) and texture in (ALL, difficulty(seed)))
    return " ".join(seed.id for seed in found(kept, words[:200]))


def _card(seed: Seed) -> str:
    facts, whole = " · ".join((seed.key, moods(seed)[-1])), f"{seed.composer}: {seed.title}"
    picture = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true"><path d="{_notes(seed)}"/></svg>'
    return (
        f'<button type="button" class="opening" data-id="{escape(seed.id)}" title="{escape(whole)}">'
        f"<b>{escape(seed.surname or seed.title)}</b><span>{escape(seed.title)}</span>{picture}<i>{escape(facts)}</i></button>"
    )


def _notes(seed: Seed) -> str:
    """The notes as lines on a small picture."""
    notes = seed.piece.notes
    low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
    wide, tall = _WIDTH / max(1, seed.end), (_HEIGHT - 4) / max(12, high - low)
    lines = (
        f"M{onset * wide:.0f} {2 + (high - pitch) * tall:.0f}h{max(1.0, duration * wide - 1):.0f}"
        for onset, pitch, duration, _ in notes.tolist()
    )
    return "".join(dict.fromkeys(lines))
