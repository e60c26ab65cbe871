"""A finished composition in another form: played in another way, or changed by hand. Nothing is written for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from musiclstm.generation.composition import Composition, Take, changed_take, take_recipe
from musiclstm.generation.edits import Deletion, Edit, Edits
from musiclstm.music import Performance, cut
from musiclstm.scoring import OriginalityIndex


def played_so(composition: Composition, performance: Performance) -> Composition:
    """The composition as a request with another ``performance`` would have written it: the same notes, and a recipe for it."""
    request = replace(composition.request, performance=performance)
    paced, split = performance.paced(request.seed.piece), composition.split
    counted = paced if request.edits is None else request.edits.without_bars(paced, split, request.written_bars)

    def played(take: Take) -> Take:
        joined = replace(take.joined, tempi=counted.tempi)
        return replace(take, joined=joined, continuation=cut(joined, split, max(joined.end, split) + 1))

    return replace(
        composition,
        request=request,
        seed=cut(paced, 0, split) if split < request.seed.end else paced,
        takes=tuple(played(take) for take in composition.takes),
        recipe=_played_so(composition.recipe, performance),
    )


def _played_so(recipe: Mapping[str, Any], performance: Performance) -> dict[str, Any]:
    """The recipe, and those of the music that it extends, with another performance."""
    made = {**recipe, **asdict(performance)}
    if "after" in made:
        made["after"] = {**made["after"], "recipe": _played_so(made["after"]["recipe"], performance)}
    return made


def edited(composition: Composition, number: int, edit: Edit | Deletion, known: OriginalityIndex | None = None) -> Composition:
    """Take ``number`` of a finished composition, changed by hand; the only one of the new composition.

    ``known`` finds the longest passage shared with a known piece. Raises OptionError if the opening or bars after the end would
    change, or no bar or no note would stay.
    """
    request, split = composition.request, composition.split
    take = next(take for take in composition.takes if take.number == number)
    before = request.edits.steps if request.edits is not None and request.edits.number == number else ()
    edits = Edits(number, (*before, edit))
    changed = changed_take(take, Edits(number, (edit,)), split, composition.bars)
    if known is not None:
        begin = int(np.searchsorted(changed.joined.notes["onset"], split))
        changed = replace(changed, shared_passage=known.longest(changed.joined, begin))
    recipe = take_recipe(composition, number) | {"edits": edits.to_json()}
    request = replace(request, edits=edits)
    return replace(composition, request=request, takes=(changed,), bars=request.total_bars, recipe=recipe)
