"""The house rules: imports only downwards, one door for each library, and modules small enough to have one job."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
SOURCES = [*sorted(ROOT.glob("musiclstm/**/*.py")), ROOT / "app.py", ROOT / "train.py"]
MOST_LINES = 350
MOST_FUNCTION_LINES = 60


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
    doors = [f"import {library}" for contract in CONTRACTS for library in contract.get("forbidden_modules", ())]
    offences = {"errors.py": ["import musiclstm.music", *doors], "music/notes.py": ["import musiclstm.music.key"]}
    for name, lines in offences.items():
        with (package / name).open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(lines) + "\n")
    verdict = lint_imports(tmp_path)
    kept = [contract["name"] for contract in CONTRACTS if f"{contract['name']} BROKEN" not in verdict.stdout]
    assert not kept, verdict.stdout + verdict.stderr


def test_no_drawer_for_odds_and_ends() -> None:
    assert not {path.stem for path in SOURCES} & {"utils", "util", "common", "helpers", "misc"}


@pytest.mark.parametrize("path", [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in SOURCES])
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert not {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES}
