"""Test order: the lowest layer first, so that the first failure is the nearest to its cause and the slow ones come last."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

_PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def _ranks() -> dict[str, int]:
    """Rank of each module name by the layers that import-linter enforces: 0 is the ground floor."""
    contracts = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["containers"] == ["musiclstm"])
    return {module: rank for rank, layer in enumerate(reversed(layers)) for module in re.findall(r"\w+", layer)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by layer of the module under test; tests of no one module (documents, set-up, the page) come after all others."""
    ranks = _ranks()
    items.sort(key=lambda item: ranks.get(item.path.stem.removeprefix("test_"), len(ranks)))
