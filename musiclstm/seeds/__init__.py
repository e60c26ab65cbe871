from musiclstm.seeds.browse import DIFFICULTIES, difficulty, era, found, moods
from musiclstm.seeds.curation import curation_score
from musiclstm.seeds.openings import load_catalogue
from musiclstm.seeds.seed import Seed, curate, find_seed, require_seed_id, seed_from_file, seed_from_piece, slug

__all__ = [
    "DIFFICULTIES",
    "Seed",
    "curate",
    "curation_score",
    "difficulty",
    "era",
    "find_seed",
    "found",
    "load_catalogue",
    "moods",
    "require_seed_id",
    "seed_from_file",
    "seed_from_piece",
    "slug",
]
