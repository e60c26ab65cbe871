"""What a page offers on a Space, and nowhere else."""

from __future__ import annotations

import re
from typing import Any

import gradio as gr
import pytest

from musiclstm.project import project_file
from musiclstm.publishing.card import front_matter
from musiclstm.ui.hub_layout import Space, place_space, space_in
from musiclstm.ui.wording import Wording

ON_A_SPACE = {"SYSTEM": "spaces", "SPACE_ID": "anna/musiclstm"}
SIGNS_IN = dict.fromkeys(("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL"), "x")


@pytest.mark.parametrize(
    ("environment", "space"),
    [
        ({}, None),
        ({"SPACE_ID": "anna/musiclstm"} | SIGNS_IN, None),
        (ON_A_SPACE, Space("anna/musiclstm", signs_in=False)),
        (ON_A_SPACE | SIGNS_IN, Space("anna/musiclstm", signs_in=True)),
        (ON_A_SPACE | SIGNS_IN | {"OAUTH_SCOPES": ""}, Space("anna/musiclstm", signs_in=False)),
    ],
)
def test_a_page_signs_in_only_on_a_space_that_asks_for_it(environment: dict[str, str], space: Space | None) -> None:
    assert space_in(environment) == space


@pytest.mark.parametrize(
    ("space", "widgets"),
    [(None, []), (Space("anna/musiclstm", signs_in=False), [("html", "space")])],
    ids=["elsewhere", "a Space"],
)
def test_who_cannot_sign_in_pays_for_no_widget(space: Space | None, widgets: list[Any]) -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        assert place_space(space, Wording()) is None
    assert [(block.get_block_name(), getattr(block, "elem_id", None)) for block in page.blocks.values()] == widgets
    assert not page.fns


def test_a_space_asks_visitors_for_no_more_than_to_write_what_it_created() -> None:
    matter = front_matter(project_file("README.md").read_text(encoding="utf-8"))
    assert matter["hf_oauth"] == "hf_oauth: true"
    assert re.findall(r"^- (\S+)$", matter["hf_oauth_scopes"], re.MULTILINE) == ["contribute-repos"]
