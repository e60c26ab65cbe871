"""What Gradio keeps of each visitor, and less of it.

It describes all components of the page anew for each visitor, and keeps that of the latest 10,000. Only links to a page as a
visitor left it ("deep links") need these descriptions, and this page has links of its own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

MOST_SESSIONS = 500  # of which the longest unused is forgotten first; its visitor's next click begins a new one


class LeanStateHolder(StateHolder):
    """Gradio's, but for what a new session of the page ``blocks`` holds."""

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.set_blocks(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LeanSessionState(self.blocks)
        return super().__getitem__(session_id)


class LeanSessionState(SessionState):
    """Gradio's, with descriptions of those components alone that an event has changed for this visitor."""

    def __init__(self, blocks: gr.Blocks) -> None:
        no_components: dict[int, Any] = {}
        super().__init__(cast(gr.Blocks, SimpleNamespace(default_config=blocks.default_config, blocks=no_components)))
        self.config_values = _Descriptions(self)


class _Descriptions(dict[int, dict[str, Any]]):
    def __init__(self, state: SessionState) -> None:
        self._config = state.blocks_config

    def __missing__(self, key: int) -> dict[str, Any]:
        self[key] = self._config.config_for_block(key, [], self._config.blocks[key])
        return self[key]
