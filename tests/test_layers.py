"""The house rules: imports only downwards, one door for each library, and modules small enough to have one job."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for path in ROOT.glob("musiclstm/**/*.py")) + [ROOT / name for name in ("app.py", "train.py")]
MOST_LINES = 350
MOST_FUNCTION_LINES = 60

# What each contract forbids, written into a module that must not have it.
OFFENCES = {
    "Layers: only downwards, never sideways": ("errors", "import musiclstm.notes"),
    "Layers: the network, and what it is told, knows no files": ("network", "from musiclstm import midi"),
    "Door: gradio only in ui": ("notes", "import gradio"),
    "Door: huggingface_hub only in hub and publish": ("notes", "import huggingface_hub"),
    "Door: verovio only in render.sheet": ("notes", "import verovio"),
    "Door: kagglehub only in kaggle": ("notes", "import kagglehub"),
    "Door: h5py only in checkpoint": ("notes", "import h5py"),
    "Door: keras and tensorflow only where a network is built, run, trained or loaded": (
        "notes",
        "from keras import ops",
    ),
    "Door: matplotlib only in packaging, for learning curves": ("notes", "import matplotlib.pyplot"),
    "Door: midi2audio only in render.audio": ("render/__init__", "from midi2audio import FluidSynth"),
    "Door: music21 only in score": ("notes", "def late():\n    import music21"),
    "Door: symusic only in midi": ("notes", "import symusic"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on the package in ``folder``; lines wide enough that no contract's name is wrapped."""
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "COLUMNS": "200"}
    arguments = [str(program), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_layers_and_doors() -> None:
    verdict = lint_imports(ROOT)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_each_contract_notices_an_offence(tmp_path: Path) -> None:
    package = shutil.copytree(ROOT / "musiclstm", tmp_path / "musiclstm", ignore=shutil.ignore_patterns("__pycache__"))
    for module, line in OFFENCES.values():
        with (package / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    verdict = lint_imports(tmp_path)
    for name in OFFENCES:
        assert f"{name} BROKEN" in verdict.stdout, verdict.stdout + verdict.stderr


def test_no_drawer_for_odds_and_ends() -> None:
    assert not {path.stem for path in SOURCES} & {"utils", "util", "common", "helpers", "misc"}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in SOURCES if path.exists()])
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert not {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES}
