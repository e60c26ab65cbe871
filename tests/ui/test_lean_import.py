from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

PLAIN = "import gradio"
APP = """
import types
sys.modules["musiclstm.ui.page"] = types.SimpleNamespace(serve=lambda *_, **__: None)
from musiclstm.cli import main
main({arguments})
"""
# FACTS counts the classes that Gradio parses in its own code, to write stubs for editors.
FACTS = """
import ast, gc, json, sys
parsed, finders, take_out = [], list(sys.meta_path), ast.get_source_segment
ast.get_source_segment = lambda code, node: parsed.append(node.name) or take_out(code, node)
{way}
assert "gradio" in sys.modules
import gradio as gr
from gradio.mcp import GradioMCPServer
with gr.Blocks() as page:
    name, shout = gr.Textbox(), gr.Checkbox()
    gr.Button().click(lambda name, shout: name, [name, shout], name, api_name="greet")
print(json.dumps({{
    "page": page.get_config_file() | {{"app_id": 0}},
    "classes parsed": len(parsed),
    "docstrings filled in": "{{{{" not in gr.Textbox.change.__doc__,
    "can serve MCP": hasattr(GradioMCPServer, "types"),
    "collects garbage": gc.isenabled(),
    "finders left": [str(finder) for finder in sys.meta_path if finder not in finders],
}}, default=str))
"""


def facts(way: str) -> dict[str, Any]:
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}  # as the app does
    script = FACTS.format(way=way)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_app_imports_gradio_without_its_documentation_and_gets_the_same_page() -> None:
    lean, plain = facts(APP.format(arguments=["app"])), facts(PLAIN)
    assert lean.pop("page") == plain.pop("page")
    # Else Gradio no longer documents itself at each import, and the way around it can go:
    assert plain.pop("classes parsed") > 50
    assert plain == {"docstrings filled in": True, "can serve MCP": True, "collects garbage": True, "finders left": []}
    assert lean == {
        "classes parsed": 0,
        "docstrings filled in": False,
        "can serve MCP": False,
        "collects garbage": True,
        "finders left": [],
    }


def test_the_app_can_serve_mcp_tools_if_it_is_told_to() -> None:
    assert facts(APP.format(arguments=["app", "--mcp"]))["can serve MCP"]
