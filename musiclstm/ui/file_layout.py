"""The widgets of what a take leaves: files and links. No events here."""

from __future__ import annotations

from typing import Any

import gradio as gr

from musiclstm.ui import texts
from musiclstm.ui.wording import Wording


def place_files(wording: Wording) -> dict[str, Any]:
    """The downloads of a take."""
    made: dict[str, Any] = {}
    with gr.Row(visible=False, elem_id="downloads") as made["downloads"]:
        gr.HTML(f"<p>{wording('Download')}</p>")
        made["midi_joined"] = gr.DownloadButton(wording("Joined MIDI"), size="sm", elem_id="get-joined-midi")
        made["midi_seed"] = gr.DownloadButton(wording("Seed MIDI"), size="sm", elem_id="get-seed-midi")
        made["midi_continuation"] = gr.DownloadButton(wording("Continuation MIDI"), size="sm", elem_id="get-continuation-midi")
        made["midi_original"] = gr.DownloadButton(
            wording("The composer's own (MIDI)"), size="sm", visible=False, elem_id="get-original-midi"
        )
        made["score_pdf"] = gr.Button(wording("Score (PDF)"), size="sm", elem_id="get-score-pdf")
        made["score"] = gr.Button(wording("MusicXML"), size="sm", elem_id="get-score")
        made["sheet_svg"] = gr.Button(wording("Score (SVG)"), size="sm", elem_id="get-sheet")
        made["mp3"] = gr.Button(wording("Audio (MP3)"), size="sm", elem_id="get-mp3")
        made["audio"] = gr.Button(wording("Audio (WAV)"), size="sm", elem_id="get-audio")
        made["everything"] = gr.Button(wording("Everything (ZIP)"), size="sm", elem_id="get-everything")
    made["fetched"] = gr.File(visible=False)
    return made


def place_folds(wording: Wording) -> dict[str, Any]:
    """The links of this take and of earlier ones."""
    made: dict[str, Any] = {}
    with gr.Accordion(wording("Replay this take or an earlier one"), open=False, visible=False, elem_id="replay-fold") as fold:
        made["replay_fold"] = fold
        made["link"] = gr.Textbox(
            label=wording("Link to this take"), max_lines=3, interactive=False, buttons=["copy"], elem_id="link"
        )
        made["code"] = gr.Textbox(visible=False)
        with gr.Row(elem_id="checking"):
            made["check"] = gr.Button(wording("Check"), size="sm", elem_id="check")
            made["checked"] = gr.HTML(wording(texts.check_hint), elem_id="checked")
        made["earlier"] = gr.Dropdown([], label=wording("Your earlier results"), elem_id="earlier")
    return made
