"""The names of the files in a checkpoint folder, for those who move the files without opening them."""

MARKER = "musiclstm.json"
WEIGHTS, SEEDS = "model.weights.h5", "seeds.json"
PARTS = (MARKER, "config.json", "metadata.json", WEIGHTS, "vocabulary.json", SEEDS, "metrics.json")
BUNDLED_CHECKPOINT = "checkpoints/classical-piano"  # a ``project_file``
ORIGINALITY, CRITIC, EXAMPLE = "originality.npz", "critic.json", "example.json"
OPTIONAL = (ORIGINALITY, CRITIC, EXAMPLE)
