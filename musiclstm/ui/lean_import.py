"""Imports Gradio sooner: without the documentation for programmers that it makes at each import.

Gradio parses its own code to write stubs of its widgets for editors, and fills in the docstrings of their events.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from musiclstm.quiet import import_without

_DOCUMENTS = "gradio.component_meta"  # the module that documents each widget


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, _: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == _DOCUMENTS else None
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        documents: Any = module
        documents.create_or_modify_pyi = documents.EventListener.set_doc = _nothing


def import_gradio(*, mcp: bool) -> None:
    """Import Gradio. Without ``mcp`` this process can't serve MCP tools: what they need takes a while too."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        with import_without(*([] if mcp else ["mcp"])):
            importlib.import_module("gradio")
    finally:
        sys.meta_path.remove(finder)


def _nothing(*_: Any, **__: Any) -> None:
    """Document nothing."""
