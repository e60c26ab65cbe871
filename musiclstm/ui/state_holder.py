"""What Gradio keeps of each visitor, and less of it.

Gradio describes all components of the page anew for each visitor, and keeps the descriptions of the latest 10,000. Only links to
a page as a visitor left it ("deep links") need them, and this page has links of its own.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

MOST_SESSIONS = 500  # pages that are open at once; one more, and the longest unused is forgotten


class LeanStateHolder(StateHolder):
    """Gradio's, but for what a new session of the page ``blocks`` holds, and for who is forgotten first.

    It takes over the sessions of the one ``before``.
    """

    def __init__(self, blocks: gr.Blocks, before: StateHolder | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if before is not None:
            self.session_data, self.time_last_used = before.session_data, before.time_last_used
        self.set_blocks(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LeanSessionState(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Count a session as used just now; if there are too many, forget one, better that of a closed page or of a program."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            if len(self.session_data) > self.capacity:
                gone = (name for name, state in self.session_data.items() if state.is_closed or not state.state_data)
                evicted = next((name for name in gone if name != session_id), next(iter(self.session_data)))
                del self.session_data[evicted]
                self.time_last_used.pop(evicted, None)


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
