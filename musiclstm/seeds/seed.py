"""Seeds, the music a model continues: from a curated catalogue, a user's file, or the best passages of a collection.

A seed is whole bars of music with its names and its licence; as JSON it contains everything needed to play it.
"""

from __future__ import annotations

import difflib
import heapq
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from musiclstm import limits
from musiclstm.errors import MusicFileError, OptionError
from musiclstm.formats import read_visitor
from musiclstm.music import (
    TEMPI,
    Key,
    Notes,
    Piece,
    Staves,
    Tempo,
    as_played,
    at_tempo,
    bar_lines,
    cut_bars,
    estimate_key,
    key_name,
    require_notes,
)
from musiclstm.notation import pickup_bars
from musiclstm.seeds.checks import LATEST, read_stored_seed
from musiclstm.seeds.curation import MOST_BARS, CurationScore, candidate_passages, curation_score
from musiclstm.sentence import sentence

TEXTS = ("id", "title", "composer", "work", "source", "licence", "key", "metre", "texture")


@dataclass(frozen=True, eq=False)
class Original:
    """How the composer went on after a seed: the ``bars`` that follow in the work, as a ``piece`` from tick 0."""

    bars: tuple[int, int]
    source: str
    piece: Piece


@dataclass(frozen=True, eq=False)
class Seed:
    """An opening to continue.

    ``id`` is short and stable, like "mozart-k545-1"; ``bars`` are the numbers of the first and last bar taken from the work: a
    pickup is bar 0, as in a score; ``tempo`` in quarters per minute; ``piece`` starts at a bar line, tick 0.
    ``original`` is the composer's own continuation, up to 16 bars; None if unknown.
    """

    id: str
    title: str
    composer: str
    work: str
    bars: tuple[int, int]
    tempo: float
    source: str
    licence: str
    key: str
    metre: str
    texture: str
    piece: Piece
    curation: CurationScore
    original: Original | None = None

    @property
    def remark(self) -> str:
        """A sentence on what had to be guessed when its file was read, for the person who gave it; "" if nothing."""
        return self.piece.remark

    @property
    def surname(self) -> str:
        """The last word of the composer's name: "Beethoven" of "Ludwig van Beethoven"; "" if unknown."""
        return self.composer.rsplit(maxsplit=1)[-1] if self.composer.split() else ""

    @property
    def end(self) -> int:
        """The tick of the bar line after the last onset: where a continuation begins."""
        return int(bar_lines(self.piece, int(self.piece.notes["onset"][-1]) + 1)[-1])

    def to_json(self) -> dict[str, Any]:
        """The seed as JSON data: its notes as rows of onset, pitch, duration, velocity, and letters for their staves."""
        piece, original = self.piece, self.original
        known: dict[str, Any] = {"staves": piece.staves.letters(piece.notes)} if piece.staves else {}
        if original is not None:
            known["original"] = {"bars": list(original.bars), "source": original.source, "notes": _rows(original.piece)}
        return known | {
            **{name: getattr(self, name) for name in TEXTS},
            "bars": list(self.bars),
            "tempo": self.tempo,
            "fifths": piece.key.fifths if piece.key else None,
            "mode": piece.key.mode if piece.key else None,
            "metres": [[metre.onset, metre.numerator, metre.denominator] for metre in piece.metres],
            "curation": asdict(self.curation),
            "notes": _rows(piece),
        }

    def facts(self) -> dict[str, Any]:
        """What there is to know about the seed, as JSON data without notes."""
        data = self.to_json()
        data.get("original", {}).pop("notes", None)
        return {key: value for key, value in data.items() if key not in ("notes", "staves")}

    @classmethod
    def from_json(cls, data: object) -> Seed:
        """The seed that ``to_json`` wrote. Raises CheckpointError, naming the field, for anything else."""
        stored = read_stored_seed(data)
        texts = {name: getattr(stored, name) for name in TEXTS}
        piece = Piece(
            notes=stored.note_array,
            metres=stored.metre_list,
            tempi=(Tempo(0, stored.tempo),),
            key=stored.key_signature,
            title=stored.title,
            composer=stored.composer,
            source=stored.source,
            staves=stored.known_staves,
        )
        curation = CurationScore(**stored.curation.model_dump())
        seed = cls(**texts, bars=stored.bars, tempo=stored.tempo, piece=piece, curation=curation)
        known = stored.original
        return (
            seed if known is None else replace(seed, original=own_continuation(seed, known.bars, known.source, known.note_array))
        )


def find_seed(seeds: Iterable[Seed], name: str) -> Seed:
    """The seed whose id is ``name``. Raises OptionError, listing similar ids, if there is none."""
    by_id = {seed.id: seed for seed in seeds}
    require_seed_id(by_id, name)
    return by_id[name]


def require_seed_id(ids: Iterable[str], name: str) -> None:
    """Raise OptionError, listing similar ids, unless ``name`` is one of the ``ids``."""
    known = list(ids)
    if name in known:
        return
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.4) or known[:3]
    if not close:
        raise OptionError("There is no seed called {name}; there are no seeds at all.", name=repr(name))
    raise OptionError("There is no seed called {name}; close ones are {close}.", name=repr(name), close=", ".join(close))


def seed_from_file(
    path: Path | str,
    bars: tuple[int, int] | None = None,
    *,
    whole: bool = False,
    read: Callable[[Path], Piece] = read_visitor,
) -> Seed:
    """A seed from a MIDI, MusicXML, kern or ABC file; see ``seed_from_piece``. ``whole``: all bars, to change some of them.
    ``bars`` count from 1, a pickup too. ``read``: what reads the file.

    Raises MusicFileError if it is unusable, or too long as a whole.
    """
    path = Path(path)
    piece = require_notes(read(path))
    if whole:
        bars = (1, len(bar_lines(piece, int(piece.notes["onset"][-1]) + 1)) - 1)
    return seed_from_piece(piece, bars, name=slug(path.stem), accents=not whole)


def seed_from_piece(
    piece: Piece,
    bars: tuple[int, int] | None = None,
    *,
    name: str = "",
    work: str = "",
    licence: str = "your own file: its rights were not checked",
    texture: str = "",
    accents: bool = True,
) -> Seed:
    """A seed from bars ``bars`` of a piece, first and last included, counted from 1, a pickup too.

    Without ``bars``: sixteen bars from the first with notes, or as many as there are. The tempo that holds for most of them holds
    throughout.
    ``accents``: music of one velocity gets others (``velocities.as_played``).
    Raises MusicFileError without notes or with too many, OptionError for bars outside the piece.
    """
    require_notes(piece)
    first, last = bars or _opening_bars(piece)
    pickup = pickup_bars(piece)
    passage, numbers = cut_bars(piece, first, last, pickup=pickup), (first - pickup, last - pickup)
    require_notes(passage)
    if len(passage) > limits.SEED_NOTES:
        raise MusicFileError(
            "Bars {first} to {last} of {music} have {notes:,} notes; a seed has {most:,} at most. Take a shorter part.",
            first=numbers[0],
            last=numbers[1],
            music=piece.source or sentence("the music"),
            notes=len(passage),
            most=limits.SEED_NOTES,
        )
    tempo = min(float(TEMPI[1]), max(float(TEMPI[0]), passage.usual_tempo))
    passage = at_tempo(replace(passage, key=passage.key or estimate_key(passage)[0]), tempo)
    passage = as_played(passage) if accents else passage
    file_name = " ".join(Path(piece.source).stem.replace("_", " ").split())
    title = (piece.title or file_name or "Untitled")[:200]
    composer, source = piece.composer[:200], piece.source[:200] or "given as notes"
    return Seed(
        id=name or slug(f"{piece.composer} {title} {first}"),
        title=title,
        composer=composer,
        work=work or title,
        bars=numbers,
        tempo=tempo,
        source=source,
        licence=licence,
        key=key_name(passage.key or Key(0)),
        metre=passage.metres[0].name,
        texture=texture or "as given",
        piece=replace(
            passage, notes=_held(passage.notes), title=title, composer=composer, source=source
        ),  # as a round trip through JSON would give it
        curation=curation_score(passage),
    )


def curate(
    pieces: Iterable[Piece],
    count: int,
    *,
    per_composer: int = 2,
    bits: Callable[[Piece], float] | None = None,
    licence: str = "that of the collection it was taken from",
) -> tuple[Seed, ...]:
    """The ``count`` best passages of a collection as seeds, at most one per piece and ``per_composer`` per composer.

    Pieces are read one by one, and only a few hundred passages are kept at a time. Unknown composers have no limit. ``bits``
    gives a network's bits per note for a passage; it is called for the best 3 x ``count`` only. Ties go to the earlier piece.
    Returns fewer seeds if there are fewer good passages. Raises OptionError unless both numbers are at least 1.
    """
    if count < 1 or per_composer < 1:
        raise OptionError(f"The number of seeds, in all and per composer, must be at least 1, not {count} and {per_composer}.")
    best: list[tuple[float, int, Seed]] = []
    for order, piece in enumerate(pieces):
        passages = [(curation_score(passage).total, -first, last) for first, last, passage in candidate_passages(piece)]
        if passages:
            _, first, last = max(passages)
            seed = seed_from_piece(piece, (-first, last), licence=licence)
            heapq.heappush(best, (seed.curation.total, -order, seed))
            if len(best) > 20 * count + 200:
                heapq.heappop(best)
    ranked = _limited([seed for _, _, seed in sorted(best, reverse=True, key=lambda row: row[:2])], per_composer)
    if bits is not None:
        asked = ranked[: 3 * count]
        scored = [replace(seed, curation=curation_score(seed.piece, bits(seed.piece))) for seed in asked]
        ranked = sorted(scored, key=lambda seed: -seed.curation.total)
    return _with_unique_ids(ranked[:count])


def _held(notes: Notes) -> Notes:
    """The notes, none held for longer than a stored seed may hold it."""
    held = notes.copy()
    held["duration"] = np.minimum(held["duration"], LATEST)
    return held


def own_continuation(seed: Seed, bars: tuple[int, int], source: str, notes: Notes) -> Original:
    """The composer's own continuation, in the metre, tempo and key of the seed's end."""
    metre = replace(seed.piece.metre_at(int(seed.piece.notes["onset"][-1])), onset=0)
    return Original(bars, source, replace(seed.piece, notes=notes, metres=(metre,), source=source, staves=Staves()))


def _rows(piece: Piece) -> list[list[int]]:
    return [[int(value) for value in row] for row in piece.notes.tolist()]


def _opening_bars(piece: Piece) -> tuple[int, int]:
    """The first bar with notes and the sixteenth from there, or the last of the piece."""
    lines = bar_lines(piece)
    onset = piece.notes["onset"]
    first = int(np.searchsorted(lines, onset[0], side="right"))
    last = min(first + MOST_BARS - 1, len(lines) - 1)
    return first, last


def _limited(seeds: list[Seed], per_composer: int) -> list[Seed]:
    """The seeds in order, at most ``per_composer`` of each known composer."""
    taken: Counter[str] = Counter()
    kept = []
    for seed in seeds:
        taken[seed.composer] += 1
        if not seed.composer or taken[seed.composer] <= per_composer:
            kept.append(seed)
    return kept


def _with_unique_ids(seeds: list[Seed]) -> tuple[Seed, ...]:
    """The seeds with -2, -3 ... appended to repeated ids."""
    seen: Counter[str] = Counter()
    unique = []
    for seed in seeds:
        seen[seed.id] += 1
        unique.append(seed if seen[seed.id] == 1 else replace(seed, id=f"{seed.id}-{seen[seed.id]}"))
    return tuple(unique)


def slug(text: str) -> str:
    """Lower-case words joined by hyphens, without accents, at most 60 characters: "Für Elise" becomes "fur-elise"."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "own"
