"""A checkpoint: everything a model needs to write music, in one folder; loading checks every part against the others.

The folder contains what ``keras.saving.save_model(network, folder, zipped=False)`` writes, so that other programs can load it,
plus musiclstm.json, vocabulary.json, seeds.json, metrics.json, README.md and, if they are known, the index of the training pieces
(originality.npz), the critic (critic.json) and the take that the page shows first (example.json).
Loading never runs code from a file: the network is built from the bounded config in musiclstm.json, and the shapes and types
of all weights are compared before Keras opens them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musiclstm.checkpoint_files import CRITIC, EXAMPLE, MARKER, ORIGINALITY, PARTS, WEIGHTS
from musiclstm.config import ModelConfig
from musiclstm.errors import CheckpointError, OptionError
from musiclstm.model import Vocabulary
from musiclstm.quiet import import_tensorflow
from musiclstm.replace import replace_folder
from musiclstm.scoring import Critic, OriginalityIndex, read_index, write_index
from musiclstm.scratch import draft_folder
from musiclstm.seeds import Seed

if TYPE_CHECKING:
    from musiclstm.model import Decoder, Graph, GraphProcess, ModelProcess, Network

FORMAT = 4  # 2 added votes to the network's inputs; 3 the ending; 4 pitch classes and longer lookback
MAX_TEXT_BYTES = 20_000_000


@dataclass(frozen=True)
class SharedGraph:
    """The graph of a network, which several checkpoints use; it takes seconds to compile."""

    facts: tuple[Callable[[], Network], ModelConfig, Vocabulary]
    weights: Path | None
    digest: Callable[[], str] | None

    @cached_property
    def graph(self) -> Graph:
        """Computes with the network. Compile it once, and all copies can use it."""
        return _graph(*self.facts, self.weights, self.digest)


@dataclass(frozen=True)
class Checkpoint:
    """A model ready to write music, with its parts; ``name`` and ``revision`` identify it to users.

    ``metrics`` holds the figures measured when it was made (JSON data). ``build`` gives the network, always the same one.
    ``originality`` finds passages shared with the training pieces; ``critic`` chooses among candidates and ranks takes. Both are
    None if unknown. ``origin`` is OWNER/NAME@COMMIT if it came from the Hub. ``weights_digest`` gives the hash of the weights;
    None if only the network knows them. ``example`` is the link to a take that shows what it can do; "" if there is none.
    ``weights`` is the file that the network comes from, if any. ``apart`` computes in another process; None computes here.
    ``shared`` is filled in: copies made by ``replace`` share their graph as long as their network is the same.
    """

    name: str
    config: ModelConfig
    vocabulary: Vocabulary
    build: Callable[[], Network] = field(repr=False, compare=False)
    seeds: tuple[Seed, ...]
    metrics: Mapping[str, Any]
    revision: str = "bundled"
    originality: OriginalityIndex | None = field(default=None, repr=False)
    critic: Critic | None = field(default=None, repr=False, compare=False)
    origin: str = ""
    weights_digest: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    example: str = field(default="", repr=False, compare=False)
    weights: Path | None = field(default=None, repr=False, compare=False)
    apart: GraphProcess | None = field(default=None, repr=False, compare=False)
    shared: SharedGraph | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_sizes(self.config, self.vocabulary)
        facts = self.build, self.config, self.vocabulary
        if self.shared is None or self.shared.facts != facts:
            object.__setattr__(self, "shared", SharedGraph(facts, self.weights, self.weights_digest))

    @property
    def network(self) -> Network:
        """The network; built when it is first asked for, which takes seconds. Raises what ``load_checkpoint`` raises."""
        return self.build()

    @cached_property
    def digest(self) -> str:
        """A SHA-256, in hexadecimal digits, of all that decides the notes: the weights, the config, the vocabulary, the critic.

        Saved and loaded again, a checkpoint has the same. The first time takes a fifth of a second, without TensorFlow if the
        weights are in a file. Raises CheckpointError if they can't be read.
        """
        decides = {
            "model": asdict(self.config),
            "vocabulary": json.loads(self.vocabulary.to_json()),
            "critic": None if self.critic is None else self.critic.to_json(),
            "weights": _network_digest(self.network) if self.weights_digest is None else self.weights_digest(),
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    @cached_property
    def decoder(self) -> Decoder:
        """What writes notes with the network."""
        from musiclstm.model import Decoder

        assert self.shared is not None  # since __post_init__
        return Decoder(self.apart or self.shared.graph, self.vocabulary)


def in_a_process(checkpoint: Checkpoint, start: Callable[[], ModelProcess]) -> Checkpoint:
    """The same checkpoint, whose decoder computes in a process that ``start`` gives; see ``GraphProcess``.

    One that is in no folder stays as it is. Whoever asks for it closes ``apart`` in the end.
    """
    if checkpoint.weights is None or checkpoint.weights_digest is None:
        return checkpoint
    from musiclstm.model import GraphProcess

    facts = checkpoint.config, checkpoint.vocabulary, checkpoint.weights, checkpoint.weights_digest
    return replace(checkpoint, apart=GraphProcess(*facts, start))


def save_checkpoint(checkpoint: Checkpoint, folder: Path, *, card: str, extras: Sequence[Path] = ()) -> None:
    """Write the checkpoint to ``folder``, replacing an older one in one step.

    ``card`` becomes README.md; ``extras`` are files to copy into the folder. Raises CheckpointError if ``folder`` is a file or
    contains something other than a checkpoint. Even after a failure or an interruption, ``folder`` holds either the old or the
    new checkpoint, complete.
    """
    require_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with draft_folder(folder.parent) as scratch:
        draft = scratch / "draft"
        from musiclstm.model import save_network

        save_network(checkpoint.network, draft)
        shutil.rmtree(draft / "assets", ignore_errors=True)  # Keras leaves this folder empty; git and the Hub would drop it
        _write_json(draft / MARKER, {"format": FORMAT, "name": checkpoint.name, "model": asdict(checkpoint.config)})
        (draft / "vocabulary.json").write_text(checkpoint.vocabulary.to_json(), encoding="utf-8")
        _write_json(draft / "seeds.json", [seed.to_json() for seed in checkpoint.seeds], compact=True)
        _write_json(draft / "metrics.json", checkpoint.metrics)
        if checkpoint.originality is not None:
            write_index(checkpoint.originality, draft / ORIGINALITY)
        if checkpoint.critic is not None:
            _write_json(draft / CRITIC, checkpoint.critic.to_json(), compact=True)
        if checkpoint.example:
            _write_json(draft / EXAMPLE, {"link": checkpoint.example})
        (draft / "README.md").write_text(card, encoding="utf-8")
        for extra in extras:
            shutil.copy2(extra, draft / extra.name)
        replace_folder(draft, folder)


def require_free(folder: Path) -> None:
    """Raise CheckpointError if a checkpoint can't be saved to ``folder``: it is a file, or contains something else."""
    if folder.exists() and not folder.is_dir():
        raise CheckpointError(f"{folder} is a file; name a folder for the checkpoint.")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise CheckpointError(f"{folder} is not empty and not a checkpoint, so nothing was saved; name another folder.")


def load_checkpoint(folder: Path, *, revision: str = "", trusted: bool = False) -> Checkpoint:
    """The checkpoint in ``folder``. Raises CheckpointError if parts are missing, damaged, of another format or mismatched.

    The network of a ``trusted`` one is only built, and its weights only checked, when it is first used.
    """
    if not folder.is_dir():
        raise CheckpointError(f"There is no checkpoint folder {folder}.")
    missing = [name for name in PARTS if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"The checkpoint {folder} lacks {', '.join(missing)}.")
    marker = _read_json(folder / MARKER)
    if not isinstance(marker, dict) or not isinstance(marker.get("format"), int):
        raise CheckpointError(f"{folder / MARKER} is damaged: it does not state its format.")
    if marker["format"] > FORMAT:
        raise CheckpointError(
            f"The checkpoint {folder} has format {marker['format']}; this program reads format {FORMAT}: update the program."
        )
    if marker["format"] < FORMAT:
        raise CheckpointError(
            f"The checkpoint {folder} has format {marker['format']}, of an older network; this program reads "
            f"format {FORMAT}: train it again."
        )
    config = _config(marker, folder)
    vocabulary = Vocabulary.from_json(_read_text(folder / "vocabulary.json"))
    check_sizes(config, vocabulary)
    digest = cache(lambda: _weights_digest(folder / WEIGHTS))
    seeds = _read_json(folder / "seeds.json")
    metrics = _read_json(folder / "metrics.json")
    if not isinstance(seeds, list) or not isinstance(metrics, dict):
        raise CheckpointError(f"In {folder}, seeds.json must contain a list and metrics.json an object.")
    loaded = Checkpoint(
        name=str(marker.get("name") or folder.name),
        config=config,
        vocabulary=vocabulary,
        seeds=tuple(Seed.from_json(seed) for seed in seeds),
        metrics=metrics,
        revision=revision or "local",
        critic=Critic.from_json(_read_json(folder / CRITIC)) if (folder / CRITIC).is_file() else None,
        originality=read_index(folder / ORIGINALITY) if (folder / ORIGINALITY).is_file() else None,
        build=cache(lambda: _network(config, folder / WEIGHTS)),
        weights_digest=digest,
        weights=folder / WEIGHTS,
        example=_example(folder / EXAMPLE) if (folder / EXAMPLE).is_file() else "",
    )
    if not trusted:
        loaded.build()
        digest()  # before another checkpoint takes the place of this one
    return loaded


def _graph(
    build: Callable[[], Network],
    config: ModelConfig,
    vocabulary: Vocabulary,
    weights: Path | None,
    digest: Callable[[], str] | None,
) -> Graph:
    import_tensorflow()
    from musiclstm.model import Graph, kept_modules

    kept = None if weights is None else kept_modules(config, vocabulary, weights)
    if kept is not None and digest is not None and kept.digest != digest():
        kept = None  # another checkpoint has taken the place of this one
    return Graph(build, config, vocabulary, kept)


def _network(config: ModelConfig, path: Path) -> Network:
    import_tensorflow()
    from musiclstm.model import load_network

    return load_network(config, path)


def _weights_digest(path: Path) -> str:
    from musiclstm.model import weights_digest

    return weights_digest(path)


def _network_digest(network: Network) -> str:
    from musiclstm.model import network_digest

    return network_digest(network)


def check_sizes(config: ModelConfig, vocabulary: Vocabulary) -> None:
    """Raise CheckpointError unless the network has one class per entry of the vocabulary."""
    pairs = (
        ("steps", config.steps, len(vocabulary.steps)),
        ("durations", config.durations, len(vocabulary.durations)),
        ("velocities", config.velocities, vocabulary.velocities),
        ("composers", config.composers, len(vocabulary.composers)),
    )
    for name, classes, entries in pairs:
        if classes != entries:
            raise CheckpointError(f"The network has {classes} {name}, but its vocabulary has {entries}: they do not match.")


def size_for(vocabulary: Vocabulary, **sizes: Any) -> ModelConfig:
    """A model config for a vocabulary; ``sizes`` as in ModelConfig."""
    return ModelConfig(
        len(vocabulary.steps), len(vocabulary.durations), vocabulary.velocities, len(vocabulary.composers), **sizes
    )


def _config(marker: dict[str, Any], folder: Path) -> ModelConfig:
    known = {part.name for part in fields(ModelConfig)}
    model = marker.get("model")
    if not isinstance(model, dict) or set(model) != known:
        raise CheckpointError(f"{folder / MARKER} must describe the model by exactly these fields: {', '.join(sorted(known))}.")
    try:
        return ModelConfig(**model)
    except OptionError as error:
        raise CheckpointError(f"{folder / MARKER} is out of bounds: {error}") from error


def _example(path: Path) -> str:
    stored = _read_json(path)
    link = stored.get("link") if isinstance(stored, dict) else None
    if not isinstance(link, str):
        raise CheckpointError(f"{path} is damaged: it must be an object with a link.")
    return link


def _read_text(path: Path) -> str:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes; at most {MAX_TEXT_BYTES:,} are allowed.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is damaged: it is not text.") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: it is not JSON ({error}).") from error


def _write_json(path: Path, data: Any, *, compact: bool = False) -> None:
    text = (
        json.dumps(data, ensure_ascii=False, separators=(",", ":")) if compact else json.dumps(data, ensure_ascii=False, indent=1)
    )
    path.write_text(text + "\n", encoding="utf-8")
