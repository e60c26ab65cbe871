"""Test order: the lowest layer first, so that the first failure is the nearest to its cause and the slow ones come last.

And what several tests share: three tunes, a tiny network that was never trained, a Hub on this machine.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hub_server import LocalHub

from musiclstm.music.notes import Piece

if TYPE_CHECKING:
    from musiclstm.checkpoint import Checkpoint

_LAYERS = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"][0]["layers"]
_FOLDERS = [name for layer in reversed(_LAYERS) for name in re.findall(r"\w+", layer)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by the layer under test, the ground floor first; tests of the project and of its page come last."""

    def layer(item: pytest.Item) -> int:
        names = item.path.parent.name, item.path.stem.removeprefix("test_")
        return next((_FOLDERS.index(name) for name in names if name in _FOLDERS), len(_FOLDERS))

    items.sort(key=layer)


MARCH = """X:1
T:March
C:Schumann
M:4/4
L:1/8
Q:1/4=120
K:C
[CEG]2 c2 [DG]2 B2|[CEG]c BA G2 [EG]2|[FA]2 f2 [EG]2 e2|[DG]4 [CE]4|
[CEG]2 c2 [DG]2 B2|[CEG]c BA G2 [EG]2|A2 [Ff]2 [Ge]2 [Bd]2|[Cc]8|]
"""
WALTZ = """X:1
T:Waltz
C:Chopin
M:3/4
L:1/4
Q:1/4=150
K:Am
A, [CE] [CE]|A, [CEa] [CE]|E, [B,Db] [B,D]|A, [CEc'] [CE]|
D [FA] [FAd']|A, [CEc'] [CE]|E, [B,Db] [B,D]|[A,CEa]3|]
"""
JIG = """X:1
T:Jig
M:6/8
L:1/8
Q:3/8=100
K:G
GAB d2e|dBG AGE|GAB [Bd]2e|[GBd]3 [FAc]3|
GAB d2e|dBG AGE|GAB A2D|[DG]6|]
"""


@pytest.fixture(scope="session")
def tunes() -> dict[str, Piece]:
    """Three tunes of eight bars, 41 to 51 notes with chords: "march" in 4/4, "waltz" in 3/4, "jig" in 6/8."""
    from musiclstm.formats.score import parse_abc

    return {name: parse_abc(text, f"{name}.abc") for name, text in (("march", MARCH), ("waltz", WALTZ), ("jig", JIG))}


@pytest.fixture(scope="session")
def small_checkpoint(tunes: dict[str, Piece]) -> Checkpoint:
    """A tiny untrained network with the tunes as seeds. Shared: compiling its decoder takes seconds for each number of takes."""
    from musiclstm.checkpoint import Checkpoint, size_for
    from musiclstm.model.network import build_network
    from musiclstm.model.vocabulary import fit_vocabulary
    from musiclstm.seeds.seed import seed_from_piece

    vocabulary = fit_vocabulary(tunes.values())
    config = size_for(vocabulary, units=32, layers=2, head=16, channels=4)
    seeds = tuple(seed_from_piece(piece, name=name) for name, piece in tunes.items())
    network = build_network(config)
    rng = np.random.default_rng(1)  # larger weights than a network begins with: what it is told moves its choices
    network.set_weights([rng.normal(0, 0.4, weight.shape) for weight in network.get_weights()])
    return Checkpoint("small", config, vocabulary, network, seeds, metrics={"bits_per_note": 9.0})


@pytest.fixture(scope="module")
def running() -> Iterator[LocalHub]:
    """A Hub on this machine."""
    hub = LocalHub()
    yield hub
    hub.close()


@pytest.fixture
def hub(running: LocalHub) -> Iterator[LocalHub]:
    """The Hub with nothing in it."""
    running.repositories.clear()
    running.repair()
    yield running
    running.repair()
