"""What is kept of a visitor is theirs alone, small, and forgotten in the end."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.state_holder import SessionState, StateHolder

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
    assert list(holder.session_data) == list(holder.time_last_used) == ["one", "three"]
    assert holder["one"][state] == [0, "one", "one"]
    assert holder["two"][state] == [0]


def test_programs_and_closed_pages_are_forgotten_before_open_ones(page: gr.Blocks) -> None:
    page.state_session_capacity = 3
    holder = LeanStateHolder(page)
    state, _ = numbers(page)
    for visitor in ("open", "closed", "program"):
        if visitor != "program":  # which has no state
            holder[visitor][state].append(visitor)
        _ = holder[visitor]
    holder["closed"].is_closed = True
    for visitor in ("another", "and another"):
        holder[visitor][state].append(visitor)
    assert set(holder.session_data) == {"open", "another", "and another"}
    _ = holder["a program"]
    assert set(holder.session_data) == {"another", "and another", "a program"}


def test_sessions_that_began_before_go_on(page: gr.Blocks) -> None:
    gradios = StateHolder()  # type: ignore[no-untyped-call]
    gradios.set_blocks(page)
    begun = gradios["one"]
    assert LeanStateHolder(page, gradios)["one"] is begun
