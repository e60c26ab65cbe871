from musiclstm.generation.composition import (
    Composition,
    Take,
    compose,
    compose_stream,
    extension_request,
    original_of,
    performed,
    prefix_of,
    regeneration_request,
    take_recipe,
)
from musiclstm.generation.export import ORIGINAL, SCORE, TakeFiles, write_midis, write_take, zip_take
from musiclstm.generation.recipe import IDENTITY, link_from_recipe, read_recipe, recipe_from_link, require_same
from musiclstm.generation.request import MAX_RANDOM_SEED, OPEN_ENDED, ComposeRequest, require_written

__all__ = [
    "IDENTITY",
    "MAX_RANDOM_SEED",
    "OPEN_ENDED",
    "ORIGINAL",
    "SCORE",
    "ComposeRequest",
    "Composition",
    "Take",
    "TakeFiles",
    "compose",
    "compose_stream",
    "extension_request",
    "link_from_recipe",
    "original_of",
    "performed",
    "prefix_of",
    "read_recipe",
    "recipe_from_link",
    "regeneration_request",
    "require_same",
    "require_written",
    "take_recipe",
    "write_midis",
    "write_take",
    "zip_take",
]
