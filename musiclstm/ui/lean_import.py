"""Imports Gradio without the documentation that it makes each time for those who write programs with it: in half of the time."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from musiclstm.quiet import spared

#: What documents every widget, by module: stubs for editors, for which Gradio parses its own code, and docstrings.
_DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "gradio.component_meta": ("create_or_modify_pyi",),
    "gradio.events": ("EventListener", "set_doc"),
}


class _Finder(MetaPathFinder):
    """Finds the modules in _DOCUMENTS."""

    def find_spec(self, name: str, path: Any, _: Any = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in _DOCUMENTS else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Loads a module, and takes out what documents."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        *owners, function = _DOCUMENTS[module.__name__]
        owner: Any = module
        for name in owners:
            owner = getattr(owner, name, None)
        if hasattr(owner, function):  # else it is another Gradio, which may take its time
            setattr(owner, function, _nothing)


def import_gradio(*, mcp: bool) -> None:
    """Import Gradio, with what its MCP server needs only if ``mcp`` or GRADIO_MCP_SERVER wants one."""
    wanted = mcp or os.environ.get("GRADIO_MCP_SERVER", "").lower() == "true"
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        with spared(*([] if wanted else ["mcp"])):
            importlib.import_module("gradio")
    finally:
        sys.meta_path.remove(finder)


def _nothing(*_: Any, **__: Any) -> None:
    """Document nothing."""
