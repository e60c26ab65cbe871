"""What is kept of a visitor is theirs alone, small, and forgotten in the end."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from musiclstm.ui.state_holder import LeanSessionState, LeanStateHolder


@pytest.fixture
def page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.State([0])
        gr.Textbox("a")
        gr.Button("b")
    return page


def numbers(page: gr.Blocks) -> list[int]:
    """Those of its state and of its box."""
    return [number for number, block in page.blocks.items() if isinstance(block, gr.State | gr.Textbox)]


def test_what_an_event_changes_is_changed_for_one_visitor_alone(page: gr.Blocks) -> None:
    holder = LeanStateHolder(page)
    one, other = holder["one"], holder["other"]
    state, box = numbers(page)
    one[state].append(1)
    one[box] = gr.Textbox("c", render=False)
    one._update_config(box)
    one._update_value_in_config(box, "c")
    one[state] = [2]
    assert (one[state], other[state]) == ([2], [0])
    assert (one[box].value, other[box].value) == ("c", "a")
    assert one.config_values[box]["props"]["value"] == "c"
    assert box not in other.config_values


def test_a_new_session_describes_nothing_until_it_is_asked(page: gr.Blocks) -> None:
    lean, gradios = LeanSessionState(page), SessionState(page)
    assert not lean.config_values
    for number in page.blocks:
        assert lean.config_values[number] == gradios.config_values[number]
    assert vars(lean).keys() == vars(gradios).keys()


def test_the_longest_unused_session_is_forgotten_first(page: gr.Blocks) -> None:
    page.state_session_capacity = 2
    holder = LeanStateHolder(page)
    state, _ = numbers(page)
    for visitor in ("one", "two", "one", "three"):
        holder[visitor][state].append(visitor)
    assert list(holder.session_data) == ["one", "three"]
    assert holder["one"][state] == [0, "one", "one"]
    assert holder["two"][state] == [0]
