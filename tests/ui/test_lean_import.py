from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

IMPORT = "from musiclstm.ui.lean_import import import_gradio; import_gradio(mcp={mcp})"
PLAIN = "import gradio"
# Gradio takes its source code apart to write stubs for editors: this counts the classes.
FACTS = """
import ast, gc, json, sys
parsed, finders = [], list(sys.meta_path)
take_out = ast.get_source_segment
ast.get_source_segment = lambda code, node: parsed.append(node.name) or take_out(code, node)
{way}
import gradio as gr
with gr.Blocks() as page:
    name, shout = gr.Textbox(), gr.Checkbox()
    gr.Button().click(lambda name, shout: name, [name, shout], name, api_name="greet")
left = [str(finder) for finder in sys.meta_path if finder not in finders]
print(json.dumps([page.get_config_file(), "mcp.server" in sys.modules, len(parsed), gc.isenabled(), left], default=str))
"""


def facts(way: str, **environment: str) -> Any:
    script = FACTS.format(way=way)
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_gradio_is_imported_without_taking_its_own_code_apart_and_makes_the_same_page() -> None:
    config, mcp, parsed, collecting, left = facts(IMPORT.format(mcp=False))
    plain, _, taken_apart, _, _ = facts(PLAIN)
    assert taken_apart > 50  # else Gradio no longer does so, and the detour can go
    assert (mcp, parsed, collecting, left) == (False, 0, True, [])
    assert {**config, "app_id": 0} == {**plain, "app_id": 0}


@pytest.mark.parametrize(
    ("way", "environment"), [(IMPORT.format(mcp=True), {}), (IMPORT.format(mcp=False), {"GRADIO_MCP_SERVER": "True"})]
)
def test_what_an_mcp_server_needs_is_imported_for_who_wants_one(way: str, environment: dict[str, str]) -> None:
    assert facts(way, **environment)[1]
