from musiclstm.seeds.curation import curation_score
from musiclstm.seeds.seed import Seed, curate, find_seed, load_catalogue, require_seed_id, seed_from_file, seed_from_piece, slug

__all__ = [
    "Seed",
    "curate",
    "curation_score",
    "find_seed",
    "load_catalogue",
    "require_seed_id",
    "seed_from_file",
    "seed_from_piece",
    "slug",
]
