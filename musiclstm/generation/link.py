"""Links: the recipe of a take with all its notes, so that everybody opens exactly this music, on any machine, without the model.

A link holds packed text: one line of JSON and, unless it is a recipe alone, the notes of the seed and of all the music after it.
They are stored column by column, onsets as distances, each number in seven-bit groups, the lowest first.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.errors import CheckpointError, OptionError
from musiclstm.generation.composition import Composition, Take, take_recipe
from musiclstm.generation.recipe import checked_recipe, seed_digest, settings_in
from musiclstm.generation.request import ComposeRequest, Place, Prefix, place_of
from musiclstm.music import HIGHEST_PITCH, LOWEST_PITCH, Notes, Piece, cut, line_after, make_notes
from musiclstm.scoring import OriginalityIndex
from musiclstm.seeds import Seed
from musiclstm.sentence import sentence

NAME = sentence("The link")
_COLUMNS = ("onset", "pitch", "duration", "velocity")
_LARGEST = 2**20  # ticks: more than the bars of one piece have, and than any note is held
_GROUPS = 5  # seven bits each, of the largest number
# What nearly every link contains, the likeliest last. Links need it to be opened: never change it.
_USUAL = (
    b'"curation": {"density": 0., "pitch_variety": 0., "rhythm_variety": 0., "repetition": 0., "tonal_clarity": 0., '
    b'"bits_per_note": null, "total": 0.}, "licence": "your own file: its rights were not checked", "texture": "as '
    b'given", "fifths": null, "mode": null, "metre": "3/4", "metres": [[0, 3, 4]], "source": "", "licence": "", '
    b'"key": "", "texture": "", "bars": [1, 8], "tempo": 120.0, "fifths": -1, "mode": "minor", "mode": "major", '
    b'"metre": "4/4", "metres": [[0, 4, 4]], "seed": {"id": "", "title": "", "composer": "", "work": "", "after": '
    b'{"recipe": {, "number": 0, "bars": 16}, "take": 0, "regenerate": , "origin": "", "own_seed": true, "recipe": '
    b'{"program": "musiclstm", "checkpoint": "classical-piano", "revision": "bundled", "checkpoint_digest": "", '
    b'"seed": "", "seed_digest": "", "diversity": 1.05, "top_p": 0.95, "loop_guard": true, "bars": 16, "takes": 1, '
    b'"candidates": 8, "random_seed": , "tempo": null, "instrument": "piano", "transposition": 0, "ending": null}, '
    b'"loops": 0, "guarded": 0, "notes": ['
)


@dataclass(frozen=True, eq=False)
class Shared:
    """What a link carries: the ``recipe`` as it was made, the ``seed``, and ``notes``, those of all the music from the seed on.

    ``loops`` and ``guarded`` are those of the take. ``locked``: bars that shall stay as they are, counted from 1.
    """

    recipe: dict[str, Any]
    seed: Seed
    notes: Notes
    loops: int
    guarded: int
    locked: frozenset[int] = frozenset()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings in the recipe, as from ``parse_recipe``."""
        return settings_in(self.recipe)


def link_of(composition: Composition, take: Take, locked: Iterable[int] = ()) -> str:
    """A finished take as letters, digits, - and _, for use in a link: its recipe, its notes, and which bars are ``locked``.

    Where these would be too long, the recipe alone.
    """
    recipe, seed = take_recipe(composition, take.number), composition.request.seed
    if len(take.joined) > limits.DRAWN_NOTES:
        return link_from_recipe(recipe)
    own = {"own_seed": True} if "own_seed" in recipe else {}  # the seed is in the link anyway
    facts = {key: value for key, value in seed.to_json().items() if key != "notes" and (own or key != "original")}
    parts = (seed.piece.notes, take.joined.notes)
    head = {"recipe": recipe | own, "seed": facts, "loops": take.loops, "guarded": take.guarded}
    head |= {"locked": sorted(locked)} if locked else {}
    text = json.dumps(head | {"notes": [len(notes) for notes in parts]}, ensure_ascii=False)
    data = text.encode() + b"\n" + b"".join(map(_columns, parts))
    link = packed(data)
    fits = len(link) <= limits.LINK_CHARACTERS and len(data) <= limits.RECIPE_BYTES
    return link if fits else link_from_recipe(recipe)


def link_from_recipe(recipe: Mapping[str, Any]) -> str:
    """The recipe alone as letters, digits, - and _, for use in a link; ``recipe_from_link`` reads it."""
    return packed(json.dumps(recipe, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


def recipe_from_link(text: str) -> dict[str, Any]:
    """The settings in a link, as from ``parse_recipe``. Raises OptionError if the link is damaged or too long."""
    found = _opened(text)
    return found.settings if isinstance(found, Shared) else settings_in(found)


def shared_in(text: str) -> Shared | None:
    """What a link carries; None if that is a recipe alone. Raises OptionError if the link is damaged or too long."""
    found = _opened(text)
    return found if isinstance(found, Shared) else None


def shared_composition(shared: Shared, request: ComposeRequest, known: OriginalityIndex | None) -> Composition:
    """The music of a link as a finished composition with one take.

    ``request`` is that of its recipe, with every ``after`` from ``shared_prefix``. ``known`` finds the longest passage shared
    with a known piece. Raises OptionError if the notes are not those of such music.
    """
    place, notes = place_of(request), shared.notes
    number = shared.settings.get("take", 0)
    if number >= request.takes:
        raise OptionError("The link is damaged: its recipe has no take number {number}.", number=number)
    seed = request.performance.paced(request.seed.piece)
    if place.split < request.seed.end:
        seed = cut(seed, 0, place.split)
    joined = replace(_counted(place, request), notes=notes)
    continuation = cut(joined, place.split, max(joined.end, place.split) + 1)
    stop = place.split + line_after(continuation, request.total_bars)
    before, opening = (piece.notes[piece.notes["onset"] < place.split] for piece in (joined, seed))
    if not np.array_equal(before[["onset", "pitch"]], opening[["onset", "pitch"]]) or int(notes["onset"][-1]) >= stop:
        raise OptionError("The link is damaged: its notes are not those of its recipe.")
    passage = None if known is None else known.longest(joined, int(np.searchsorted(notes["onset"], place.split)))
    take = Take(continuation, joined, shared.loops, shared.guarded, number, shared_passage=passage)
    return Composition(request, seed, place.split, (take,), request.total_bars, request.bars, True, shared.recipe)


def shared_prefix(shared: Shared, earlier: ComposeRequest, written: Mapping[str, Any]) -> Prefix:
    """What a request in the recipe of a link extends or changes, as far as the link knows it; ``written``: its ``after``.

    Its first notes are those of the link. They stand in the place of bars that were written anew later, too.
    """
    place = place_of(earlier)
    joined = replace(_counted(place, earlier), notes=shared.notes)
    continuation = cut(joined, place.split, max(joined.end, place.split) + 1)
    bars = written["bars"]
    return Prefix(
        opening=cut(joined, 0, place.split),
        continuation=cut(continuation, 0, line_after(continuation, bars)),
        bars=bars,
        split=place.split,
        recipe=written["recipe"],
        number=written["number"],
        written=earlier.written,
        closes=bars == earlier.total_bars and earlier.ends_closed,
    )


def _counted(place: Place, request: ComposeRequest) -> Piece:
    """Music with the metre and the tempo of what ``request`` writes at ``place``, and bars deleted by hand."""
    music, edits = place.music, request.edits
    return music if edits is None else edits.without_bars(music, place.split, request.written_bars)


def packed(data: bytes) -> str:
    """Bytes as letters, digits, - and _."""
    packer = zlib.compressobj(9, zdict=_USUAL)
    return base64.urlsafe_b64encode(packer.compress(data) + packer.flush()).decode().rstrip("=")


def unpacked(link: str) -> bytes:
    """The bytes in a link: a line of JSON, and columns of notes. Raises OptionError if the link is damaged or too long."""
    if len(link) > limits.LINK_CHARACTERS:
        raise OptionError("The link is too long for a recipe.")
    try:
        data = base64.b64decode(link + "=" * (-len(link) % 4), altchars=b"-_", validate=True)
        opened = zlib.decompressobj(zdict=_USUAL)  # links from before there were notes in them do without it
        text = opened.decompress(data, limits.RECIPE_BYTES)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise OptionError("The link is damaged: copy all of it.") from error
    if not opened.eof:
        raise OptionError("The link is cut off or too large for a recipe: copy all of it.")
    return text


def _opened(text: str) -> Shared | dict[str, Any]:
    """What a link carries, or the recipe in it, checked."""
    line, _, columns = unpacked(text).partition(b"\n")
    try:
        head = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise OptionError("The link is not a recipe: it is not JSON.") from error
    return _shared(head, columns) if isinstance(head, dict) and "notes" in head else checked_recipe(head, NAME)


def _shared(head: dict[str, Any], columns: bytes) -> Shared:
    recipe, facts, locked = head.get("recipe"), head.get("seed"), head.get("locked", [])
    counts, loops, guarded = head["notes"], head.get("loops"), head.get("guarded")
    lists = isinstance(counts, list) and isinstance(locked, list) and len(locked) <= limits.FILE_BARS
    if not lists or len(counts) != 2 or not all(_counts(each) for each in (*counts, loops, guarded, *locked)):
        raise OptionError("The link is damaged: copy all of it.")
    if not isinstance(recipe, dict) or not isinstance(facts, dict) or 0 in counts:
        raise OptionError("The link is not a musiclstm recipe.")
    values = _numbers(columns)
    if len(values) != 4 * sum(counts):
        raise OptionError("The link is damaged: copy all of it.")
    opening, music = (_notes(part.reshape(4, -1)) for part in np.split(values, [4 * counts[0]]))
    try:
        seed = Seed.from_json({**facts, "notes": opening.tolist()})
    except CheckpointError as error:
        raise OptionError("The link is damaged: {error}", error=error) from error
    if (recipe.get("seed"), recipe.get("seed_digest")) != (seed.id, seed_digest(seed)):
        raise OptionError("The link is damaged: its seed is not that of its recipe.")
    if "own_seed" in recipe:
        recipe = recipe | {"own_seed": seed.to_json()}
    return Shared(checked_recipe(recipe, NAME), seed, music, int(loops or 0), int(guarded or 0), frozenset(locked))


def _counts(value: Any) -> bool:
    """Whether a value from a link can be a number of notes."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= limits.DRAWN_NOTES


def _columns(notes: Notes) -> bytes:
    distances = np.diff(notes["onset"], prepend=0)
    return b"".join(_groups(column.tolist()) for column in (distances, *(notes[name] for name in _COLUMNS[1:])))


def _groups(values: Iterable[int]) -> bytes:
    made = bytearray()
    for value in values:
        rest = value
        while rest > 127:
            made.append(rest & 127 | 128)
            rest >>= 7
        made.append(rest)
    return bytes(made)


def _numbers(data: bytes) -> NDArray[np.int64]:
    """The numbers that ``_groups`` wrote."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if shift > 7 * _GROUPS:
            raise OptionError("The link is damaged: copy all of it.")
        if byte < 128:
            found.append(value)
            value = shift = 0
    if shift:
        raise OptionError("The link is damaged: copy all of it.")
    return np.array(found, dtype=np.int64)


def _notes(columns: NDArray[np.int64]) -> Notes:
    """The notes of columns [4, n] from a link, checked."""
    onset, pitch, duration, velocity = np.cumsum(columns[0]), *columns[1:]
    ranges = ((onset, 0, _LARGEST), (pitch, LOWEST_PITCH, HIGHEST_PITCH), (duration, 1, _LARGEST), (velocity, 1, 127))
    if all(low <= values.min() and values.max() <= high for values, low, high in ranges):
        notes = make_notes(onset, pitch, duration, velocity)
        given = (onset, pitch, duration, velocity)
        if all(np.array_equal(notes[name], values) for name, values in zip(_COLUMNS, given, strict=True)):
            return notes
    raise OptionError("The link is damaged: its notes are not those of music.")
