"""Test order: the lowest layer first, so that the first failure is the nearest to its cause and the slow ones come last.

In parallel the slow ones come first instead, so that all workers finish at the same time.

And what several tests share: three tunes, a tiny network that was never trained, a Hub on this machine.
"""

from __future__ import annotations

import functools
import gc
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hub_client import HubClient
from hub_server import LocalHub
from training_run import TrainingRun, train_and_publish
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from musiclstm.compiled import compile_quickly, keep_compiled
from musiclstm.music.notes import Piece

if TYPE_CHECKING:
    from musiclstm.checkpoint import Checkpoint
    from musiclstm.data.listing import Source
    from musiclstm.render.samples import SampleLibrary

# Files that the tests and their libraries leave behind go when the run ends; what pytest keeps stays where it always is.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="musiclstm-tests-")
# After all else that ends with a process: multiprocessing removes its own folder, with -100.
Finalize(None, shutil.rmtree, (tempfile.tempdir, True), exitpriority=-200)
# What is compiled is kept beside what pytest keeps, not in the user's cache: all processes share it, and so does the next run.
keep_compiled(Path(__file__).resolve().parent.parent / ".pytest_cache")
compile_quickly()
# TensorFlow builds its graphs of many small objects that stay: to look through them for garbage takes a twelfth of the time.
gc.set_threshold(50_000, 20, 100)
if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the processor cores: more threads wait for each other
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_LAYERS = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"][0]["layers"]
_FOLDERS = [name for layer in reversed(_LAYERS) for name in re.findall(r"\w+", layer)]


# Files of tests that share something slow, and so one process: compiled decoders, the bundled checkpoint, the trained one and the
# client of the Hub, or the list of music21's corpus. In parallel they come in this order, the slowest first.
_TOGETHER = (
    (
        "ui/test_browser",
        "ui/test_changing",
        "ui/test_bars",
        "ui/test_playing",
        "ui/test_duet",
        "ui/test_guess",
        "ui/test_accessibility",
        "ui/test_language",
        "ui/test_page",
    ),
    (
        "model/test_decoder",
        "generation/test_composition",
        "generation/test_edits",
        "generation/test_check",
        "generation/test_regeneration",
        "generation/test_link",
        "generation/test_phrases",
        "generation/test_file_names",
        "generation/test_recipe",
        "project/test_example",
        "publishing/test_judgement",
        "training/test_fit_critic",
        "training/test_finetuning",
        "evaluation/test_continuations",
        "evaluation/test_likelihood",
        "benchmarks/test_greedy",
        "test_cli",
    ),
    ("project/test_docs", "test_api", "project/test_golden"),
    (
        "training/test_package",
        "publishing/test_gate",
        "publishing/test_space",
        "ui/test_active_checkpoint",
        "hub/test_upload",
        "hub/test_download",
        "hub/test_saved_versions",
        "hub/test_vote_copies",
    ),
    ("training/test_distributed",),
    ("training/test_trainer",),
    ("project/test_survival",),
    ("test_checkpoint",),
    ("evaluation/test_judge",),
    ("project/test_install",),
    ("evaluation/test_scores",),
    ("benchmarks/test_benchmarks",),
    ("seeds/test_seed",),
    ("data/test_collection", "benchmarks/test_heldout"),
    ("data/test_kaggle",),
)


def _place(path: str) -> tuple[int, int]:
    """Where a file of tests stands in ``_TOGETHER``: the number of its group and its own, or a number past the last group."""
    name = path.removeprefix("tests/").removesuffix(".py")
    return next(((i, group.index(name)) for i, group in enumerate(_TOGETHER) if name in group), (len(_TOGETHER), 0))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort by the layer under test, the ground floor first; tests of the project and of its page come last.

    Whatever needs the trained checkpoint needs a whole program, the one that trains it.
    """
    parallel = hasattr(config, "workerinput")
    for item in items:
        if "trained" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.programs)

    def order(item: pytest.Item) -> tuple[tuple[int, int], int]:
        names = item.path.parent.name, item.path.stem.removeprefix("test_")
        layer = next((_FOLDERS.index(name) for name in names if name in _FOLDERS), len(_FOLDERS))
        return _place(item.nodeid.partition("::")[0]) if parallel else (0, 0), layer

    items.sort(key=order)


def pytest_collection_finish() -> None:
    """Look no more for garbage in what was imported.

    And let Keras 3.15 keep what it works out anew for each layer that it saves or loads: it stores that under one name
    and looks it up under another.
    """
    gc.freeze()
    saving = sys.modules.get("keras.src.saving.saving_lib")
    if saving is not None:
        saving.get_attr_skipset = functools.cache(saving.get_attr_skipset)  # type: ignore[attr-defined]


class _Together(LoadScopeScheduling):
    """Gives a worker all tests of a file, or of the files that belong together, in the order above."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        group, _ = _place(path)
        return path if group == len(_TOGETHER) else str(group)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Used with --numprocesses, whatever --dist says."""
    config.option.loadscopereorder = False
    return _Together(config, log)


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
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleLibrary]:
    """Samples for pages, rendered once for all processes of a run: of few keys, since all take a quarter of a minute."""
    from musiclstm.render import samples

    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "KEYS", (21, 36, 48, 60, 72, 84, 96, 108))
        yield samples.SampleLibrary((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "samples")


@pytest.fixture(scope="session")
def tunes() -> dict[str, Piece]:
    """Three tunes of eight bars, 41 to 51 notes with chords: "march" in 4/4, "waltz" in 3/4, "jig" in 6/8."""
    from musiclstm.formats.score import parse_abc

    return {name: parse_abc(text, f"{name}.abc") for name, text in (("march", MARCH), ("waltz", WALTZ), ("jig", JIG))}


@pytest.fixture(scope="session")
def small_checkpoint(tunes: dict[str, Piece], no_xla: None) -> Checkpoint:
    """A tiny untrained network with the tunes as seeds, of which the first comes with a continuation by its composer.

    Shared: compiling its decoder takes seconds for each number of takes. It writes so much that XLA is worth its time.
    """
    from musiclstm.checkpoint import Checkpoint, size_for
    from musiclstm.model import Graph
    from musiclstm.model.network import build_network
    from musiclstm.model.vocabulary import fit_vocabulary
    from musiclstm.seeds.seed import Original, seed_from_piece

    vocabulary = fit_vocabulary(tunes.values())
    config = size_for(vocabulary, units=32, layers=2, head=16, channels=4)
    march, *others = (seed_from_piece(piece, name=name) for name, piece in tunes.items())
    seeds = (replace(march, original=Original((9, 16), "the tests", march.piece)), *others)
    network = build_network(config)
    rng = np.random.default_rng(1)  # larger weights than a new network has, so that its inputs change its choices
    network.set_weights([rng.normal(0, 0.4, weight.shape) for weight in network.get_weights()])
    small = Checkpoint("small", config, vocabulary, lambda: network, seeds, metrics={"bits_per_note": 9.0})
    vars(small.shared)["graph"] = Graph(lambda: network, config, vocabulary)  # with XLA
    return small


@pytest.fixture(scope="session")
def no_xla() -> Iterator[None]:
    """Checkpoints, trainers and evaluators compile in a third of the time: see ``compiling``."""
    from compiling import without_xla

    with pytest.MonkeyPatch.context() as patch:
        without_xla(patch)
        yield


@pytest.fixture(scope="session")
def bundled() -> Checkpoint:
    """The bundled checkpoint, opened once. It writes as for everybody: with XLA, even beside ``no_xla``."""
    from musiclstm.api import open_checkpoint
    from musiclstm.model import Graph, kept_modules

    opened = open_checkpoint()
    assert opened.weights is not None
    facts = opened.config, opened.vocabulary
    vars(opened.shared)["graph"] = Graph(opened.build, *facts, kept_modules(*facts, opened.weights))
    return opened


@pytest.fixture(scope="session")
def corpus() -> list[Source]:
    """All works of music21's corpus. Shared: to list them takes seconds."""
    from musiclstm.data.listing import music21_sources

    return music21_sources()


@pytest.fixture(scope="session")
def running() -> Iterator[LocalHub]:
    """A local Hub."""
    hub = LocalHub()
    yield hub
    hub.close()


@pytest.fixture(scope="session")
def hub_client(running: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubClient]:
    """A process whose Hub is the local one."""
    client = HubClient(running.url, tmp_path_factory.mktemp("home"))
    yield client
    client.close()


@pytest.fixture(scope="session")
def trained(
    tunes: dict[str, Piece], running: LocalHub, hub_client: HubClient, tmp_path_factory: pytest.TempPathFactory
) -> TrainingRun:
    """A small checkpoint, made and published by train.py. Shared: training it takes half a minute."""
    running.repositories.clear()
    running.repair()
    return train_and_publish(tunes.values(), tmp_path_factory.mktemp("runs"), running, hub_client)


@pytest.fixture
def hub(running: LocalHub) -> Iterator[LocalHub]:
    """The Hub with nothing in it."""
    running.repositories.clear()
    running.repair()
    yield running
    running.repair()
