"""The curated openings as seeds: what openings.json says of each, with its notes and the composer's continuation.

Bars have the numbers that they have in a score: a pickup is bar 0.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

from musiclstm.formats import WRITTEN_VELOCITY, read_corpus
from musiclstm.music import MODES, Key, Metre, Piece, Staves, as_played, at_tempo, cut_bars, key_name, make_notes
from musiclstm.notation import pickup_bars
from musiclstm.seeds.curation import curation_score
from musiclstm.seeds.seed import TEXTS, Seed, own_continuation


def load_catalogue() -> tuple[Seed, ...]:
    """The curated openings in the package, in the order of ``catalogue/openings.json``. Takes a second or two."""
    entries, music = (
        json.loads((files("musiclstm.seeds") / "catalogue" / name).read_text(encoding="utf-8"))
        for name in ("openings.json", "music.json")
    )
    return tuple(_catalogue_seed(entry, music) for entry in entries)


def _catalogue_seed(entry: dict[str, Any], music: dict[str, Any]) -> Seed:
    """One entry of openings.json with its music and the composer's continuation."""
    first, last = entry["bars"]
    passage = _passage(entry, music)
    texts = {name: entry[name] for name in TEXTS}
    named = {"title": entry["title"], "composer": entry["composer"], "source": entry["source"]}
    steady = at_tempo(replace(passage, key=_named_key(entry["key"]), **named), entry["tempo"])
    piece = as_played(steady)
    seed = Seed(**texts, bars=(first, last), tempo=float(entry["tempo"]), piece=piece, curation=curation_score(piece))
    following = entry["original"]
    bars = (following["bars"][0], following["bars"][1])
    return replace(seed, original=own_continuation(seed, bars, following["source"], as_played(_passage(following, music)).notes))


def _passage(entry: dict[str, Any], music: dict[str, Any]) -> Piece:
    """The bars of an entry, or of its continuation: the ``music`` of an ABC file in the catalogue, or of music21's corpus."""
    first, last = entry["bars"]
    if "abc" not in entry:
        work = read_corpus(entry["corpus"])
        pickup = pickup_bars(work)
        return cut_bars(work, first + pickup, last + pickup)
    stored = music[entry["abc"]]
    onsets, pitches, durations = zip(*stored["notes"], strict=True)
    staves = Staves.from_letters(zip(onsets, pitches, strict=True), stored.get("staves", ""))
    notes = make_notes(onsets, pitches, durations, [WRITTEN_VELOCITY] * len(onsets))
    piece = Piece(notes, tuple(Metre(*metre) for metre in stored["metres"]), staves=staves)
    return cut_bars(piece, 1, last - first + 1)


def _named_key(name: str) -> Key:
    """The key signature that ``key_name`` calls ``name``."""
    keys = (Key(fifths, mode) for mode in MODES for fifths in range(-7, 8))
    return next(key for key in keys if key_name(key) == name)
