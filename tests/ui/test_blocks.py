"""Our Blocks send what Gradio's send, and leave alone what does not change."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from musiclstm.ui.blocks import Blocks


def processed(page: gr.Blocks, answer: Any, state: SessionState) -> list[Any]:
    """What the page's only event sends. In a thread of its own: in this one Playwright's event loop may be running."""
    (function,) = page.fns.values()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(page.postprocess_data(function, answer, state))).result()


def sent(kind: type[gr.Blocks], answer: Any) -> tuple[list[Any], list[bool]]:
    """What an event with four outputs sends that returns ``answer(outputs)``, and which outputs Gradio has built anew."""
    with kind() as page:
        outputs = [gr.Textbox(value="a"), gr.Number(value=1), gr.State(7), gr.HTML("<p>a</p>")]
        button = gr.Button()
        button.click(lambda: None, None, outputs)
    state = SessionState(page)
    found = processed(page, answer(outputs), state)
    return found, [state.blocks_config.blocks[output._id] is not output for output in outputs]


@pytest.mark.parametrize(
    ("answer", "anew"),
    [
        (lambda o: {o[0]: "b"}, [False, False, False, False]),
        (lambda o: {o[0]: gr.update(label="b"), o[2]: 8}, [True, False, False, False]),
        (lambda o: {o[1]: gr.update(value=2, visible=False)}, [False, True, False, False]),
        (lambda o: {o[1]: 2, o[3]: "<p>b</p>"}, [False, False, False, False]),
        (lambda o: {o[3]: "<p>b</p>"}, [False, False, False, False]),
        (lambda o: {o[3]: gr.HTML("<p>b</p>", visible=False)}, [False, False, False, True]),
        (lambda o: [gr.skip(), 3, gr.skip(), gr.skip()], [False, False, False, False]),
        (lambda o: ["b", 3, 8, "<p>b</p>"], [False, False, False, False]),
        (lambda o: gr.skip(), [False, False, False, False]),
    ],
)
def test_what_changes_is_sent_and_the_rest_is_left_alone(answer: Any, anew: list[bool]) -> None:
    ours, theirs = sent(Blocks, answer), sent(gr.Blocks, answer)
    stays = {"__type__": "update"}
    assert ours[0][:2] == theirs[0][:2]
    assert ours[0][2] in (None, stays)  # a state is not sent
    assert ours[0][3] in (theirs[0][3], stays)
    assert (ours[0][3] == stays) == ("value" not in str(theirs[0][3]) and "<p>" not in str(theirs[0][3]))
    assert ours[1] == anew


def test_an_event_with_one_output_is_as_before() -> None:
    with Blocks() as page:
        box = gr.Textbox()
        gr.Button().click(lambda: None, None, box)
    assert processed(page, "x", SessionState(page)) == ["x"]


@pytest.mark.parametrize(("visibility", "repeated"), [("private", False), ("public", True)])
def test_an_event_that_answers_twice_repeats_its_last_answer_only_for_programs(visibility: Any, repeated: bool) -> None:
    with Blocks() as page:
        outputs = [gr.Textbox(), gr.Textbox()]
        gr.Button().click(lambda: None, None, outputs, api_visibility=visibility)
    (function,) = page.fns.values()
    for answer in (["a", "b"], ["a", "c"]):
        page.handle_streaming_diffs(function, answer, "visitor", "run", final=False)
    last = page.handle_streaming_diffs(function, [None, None], "visitor", "run", final=True)
    assert last == (["a", "c"] if repeated else 2 * [{"__type__": "update"}])


def test_a_job_that_ends_without_a_word_changes_nothing_on_the_page() -> None:
    def nothing() -> Iterator[str]:
        yield from ()

    with Blocks() as page:
        outputs = [gr.HTML("a"), gr.BrowserState([1])]
        gr.Button().click(nothing, None, outputs, api_name="quiet", api_visibility="private")
        gr.Button().click(nothing, None, outputs[:1], api_name="one", api_visibility="private")
    for function in page.fns.values():
        with ThreadPoolExecutor(1) as thread:
            work = page.process_api(function, [], SessionState(page), session_hash="a", event_id="b")
            answer = thread.submit(asyncio.run, work).result()
        assert answer["data"] == len(function.outputs) * [{"__type__": "update"}]


def test_signatures_of_components_are_what_they_were_and_are_not_worked_out_again() -> None:
    with Blocks():
        pass
    for kind in (gr.Textbox, gr.Button, gr.HTML, gr.Row):
        code = inspect.unwrap(kind.__init__).__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        found = inspect.signature(kind.__init__).parameters.values()
        assert [each.name for each in found if each.kind is not each.VAR_KEYWORD] == list(names)
        assert inspect.signature(kind.__init__) is inspect.signature(kind.__init__)
