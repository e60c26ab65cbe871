"""Gradio's Blocks, with texts in the visitor's language, and without work on the outputs of an event that stay as they are."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block, convert_component_dict_to_list
from gradio.components.base import _Keywords
from gradio.state_holder import SessionState

from musiclstm.ui.wording import Wording

_STAYS = {"__type__": "update"}  # as from gr.skip()


def _ended(predictions: Any) -> bool:
    """Whether a generator has no more answers."""
    first = predictions[0] if isinstance(predictions, tuple) and predictions else predictions
    return first is _Keywords.FINISHED_ITERATING


def remember_signatures() -> None:
    """Let Python remember the signatures of all kinds of components, where it looks first (PEP 362).

    Gradio asks for them whenever it makes or describes a component, hundreds of times for each visitor, and to work one out takes
    Python as long as the rest of a description.
    """
    kinds = [Block]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        wrapper = vars(kind).get("__init__")
        for function in (wrapper, getattr(wrapper, "__wrapped__", None)):
            if function is not None:
                function.__signature__ = inspect.signature(function)


class Blocks(gr.Blocks):
    """Gradio builds each output anew, and describes it twice, even if an event leaves it alone: 2 ms for each, at each ``yield``.

    An event of this page may change thirty outputs, and changes three of them ten times a second, all HTML.
    ``wording`` has the texts of the page. ``signs_in``: the page needs Gradio's routes for signing in at the Hub, as if it had
    Gradio's button, which knows no languages.
    """

    def __init__(self, **options: Any) -> None:
        remember_signatures()
        self.wording = Wording()
        self.signs_in = False
        super().__init__(**options)

    @property
    def expects_oauth(self) -> bool:
        """Whether Gradio adds these routes."""
        return self.signs_in

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """What goes to the browser, one value for each output; as Gradio's, only sooner."""
        outputs = list(block_fn.outputs)
        if block_fn.api_visibility == "private" and _ended(predictions):
            return [dict(_STAYS) for _ in outputs]  # if there was no answer at all, Gradio would empty the outputs
        values = convert_component_dict_to_list(outputs, predictions) if isinstance(predictions, dict) else predictions
        if values == _STAYS:
            values = [_STAYS] * len(outputs)
        if not isinstance(values, list | tuple) or len(values) != len(outputs) or len(outputs) < 2:
            return await super().postprocess_data(block_fn, predictions, state)
        sent: list[Any] = [dict(_STAYS) for _ in outputs]
        changed = []
        for index, (output, value) in enumerate(zip(outputs, values, strict=True)):
            if type(output) is gr.HTML and isinstance(value, str):
                sent[index] = value  # to Gradio it would be worth a thread, and a search for files and scripts
            elif not (isinstance(value, dict) and value == _STAYS):
                changed.append(index)
        if changed:
            part = copy.copy(block_fn)
            part.outputs = [outputs[index] for index in changed]
            some = [values[index] for index in changed]
            found = await super().postprocess_data(part, some if len(some) > 1 else some[0], state)
            for index, value in zip(changed, found, strict=True):
                sent[index] = value
        return sent

    def handle_streaming_diffs(
        self,
        block_fn: BlockFunction,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        """What changed since the ``yield`` before. At the end of an event of the page that is nothing.

        Gradio repeats the last values then, for programs, who may read nothing else. On the page that would be work for nothing,
        and could undo what another event has shown meanwhile.
        """
        found = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format)
        return [dict(_STAYS) for _ in found] if final and block_fn.api_visibility == "private" else found
