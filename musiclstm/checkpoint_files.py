"""The names of the files in a checkpoint folder, for those who move the files without opening them."""

MARKER = "musiclstm.json"
WEIGHTS = "model.weights.h5"
PARTS = (MARKER, "config.json", "metadata.json", WEIGHTS, "vocabulary.json", "seeds.json", "metrics.json")
ORIGINALITY, CRITIC = "originality.npz", "critic.json"  # optional
