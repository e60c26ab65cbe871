"""The widgets of the openings: to browse, to choose, to bring one's own."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from musiclstm.formats import MUSIC_ENDINGS
from musiclstm.music import Performance
from musiclstm.notation import METRES
from musiclstm.ui import texts
from musiclstm.ui.engine import Engine
from musiclstm.ui.openings import ALL, ERAS, TEXTURES, openings_page
from musiclstm.ui.wording import Wording


def place_openings(engine: Engine, wording: Wording) -> dict[str, Any]:
    """The cards of all openings, with filters and a search."""
    made: dict[str, Any] = {}
    with gr.Column(elem_id="browse"):
        with gr.Row(elem_id="filters"):
            made["era"] = gr.Radio(
                [(wording(name.template), era) for name, era in ERAS],
                value=ALL,
                show_label=False,
                label=wording("Era"),
                elem_id="era",
            )
            made["texture"] = gr.Dropdown(
                [(wording(name.template), texture) for name, texture in TEXTURES],
                value=ALL,
                show_label=False,
                label=wording("Texture"),
                elem_id="texture",
            )
            hint = wording("Search: satie, nocturne, e minor, calm …")
            made["search"] = gr.Textbox(
                placeholder=hint, max_lines=1, show_label=False, label=wording("Search the openings"), elem_id="search"
            )
            gr.HTML(f'<button type="button" id="surprise">{wording("Surprise me")}</button>')
        made["openings"] = gr.HTML(wording(partial(openings_page, engine.checkpoint.seeds)), elem_id="openings")
        none = wording("No opening is like that; try other words.")
        gr.HTML(f'<p id="no-openings" role="status" hidden>{none}</p>')
        made["found"], made["opening_id"] = gr.Textbox(visible=False), gr.Textbox(visible=False)
        made["choose_opening"] = gr.Button("Choose", elem_id="choose-opening")  # pressed by the script
    return made


def place_opening(engine: Engine, wording: Wording) -> dict[str, Any]:
    """The list of openings, what is known about the chosen one, and two ways to bring one's own."""
    first = engine.first
    made: dict[str, Any] = {}
    with gr.Column(elem_id="seed-card"):
        made["seed"] = gr.Dropdown(
            texts.seed_choices(engine.checkpoint.seeds), value=first.id, label=wording("Opening"), elem_id="seed"
        )
        made["facts"] = gr.HTML(wording(partial(texts.seed_facts, first, Performance())), elem_id="facts")
        with gr.Accordion(wording("Use your own music as the opening"), open=False, elem_id="own"):
            kinds = sorted(MUSIC_ENDINGS)
            made["upload"] = gr.File(
                label=wording("A MIDI, MusicXML, kern or ABC file"), file_types=kinds, height=150, elem_id="upload"
            )
            made["own_facts"] = gr.HTML(wording(texts.own_files), elem_id="own-facts")
            made["own_parts"] = gr.CheckboxGroup([], label=wording("Parts to use"), visible=False, elem_id="own-parts")
            with gr.Row(visible=False, elem_id="own-range") as made["own_range"]:
                made["own_first"] = gr.Number(1, label=wording("First bar"), precision=0, minimum=0, elem_id="own-first")
                made["own_last"] = gr.Number(8, label=wording("Last bar"), precision=0, minimum=0, elem_id="own-last")
        gr.HTML(f'<button type="button" id="play-your-own">{wording("Play your own opening")}</button>')
        gr.HTML(f'<button type="button" id="play-a-duet">{wording("Play a duet with the model")}</button>')
        with gr.Row(visible=False, elem_id="understood") as made["understood"]:
            made["played_tempo"] = gr.Number(96, label=wording("Tempo"), minimum=20, maximum=400, elem_id="played-tempo")
            made["played_metre"] = gr.Dropdown(list(METRES), value="4/4", label=wording("Metre"), elem_id="played-metre")
            made["played_first"] = gr.Number(0, label=wording("First beat, s"), elem_id="played-first")
        made["playing"] = gr.Textbox(visible=False)
        made["use_playing"] = gr.Button("Use as opening", elem_id="use-playing")  # pressed by the script
    return made
