"""The widgets for what can be done with the take on the stage: with bars, with notes, go on, undo. No events here."""

from __future__ import annotations

from typing import Any

import gradio as gr

from musiclstm.ui.wording import Wording


def place_steps(wording: Wording) -> dict[str, Any]:
    """Place the widgets on the page under construction, by their names in ``Widgets``."""
    made: dict[str, Any] = {}
    with gr.Row(visible=False, elem_id="steps") as made["steps"]:
        gr.HTML('<p id="chosen-bars"></p>')  # the script fills it
        made["rewrite"] = gr.Button(wording("Rewrite"), size="sm", elem_id="rewrite")
        made["write_on"] = gr.Button(wording("Write on after them"), size="sm", elem_id="write-on")
        told = wording("Locked bars stay as they are: Rewrite goes around them, and nothing deletes or changes them.")
        gr.HTML(f'<button type="button" id="lock-bars" title="{told}">{wording("Lock")}</button>')
        made["delete_bars"] = gr.Button(wording("Delete"), size="sm", elem_id="delete-bars")
        gr.HTML(f'<button type="button" id="edit-notes" aria-pressed="false">{wording("Edit notes")}</button>')
        made["extend"] = gr.Button(wording("Extend"), size="sm", elem_id="extend")
        made["undo"] = gr.Button(wording("Undo"), size="sm", interactive=False, elem_id="undo")
        made["redo"] = gr.Button(wording("Redo"), size="sm", interactive=False, elem_id="redo")
        gr.HTML('<p id="tools-said" role="status"></p>')
        made["change"] = gr.Button("Change", elem_id="change")  # this one and the next are pressed by the script
        made["lock"] = gr.Button("Lock", elem_id="lock")
    made["selection"], made["changes"] = gr.Textbox(visible=False), gr.Textbox(visible=False)
    return made
