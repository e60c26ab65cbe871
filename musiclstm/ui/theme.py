"""The colours and fonts of the page."""

from __future__ import annotations

import gradio as gr

from musiclstm.render.pianoroll import CONTINUATION_COLOUR


def theme() -> gr.themes.Base:
    """Paper and ink, with the colour of the continuation for the buttons that start one. No font comes from the network."""
    accent = gr.themes.Color(
        *("#fff6ef", "#fee8d6", "#fbcfab", "#f6ae78", "#ee8a44", CONTINUATION_COLOUR),
        *("#b84f00", "#974100", "#793605", "#632f0a", "#361501"),
    )
    paper, card, night, dusk = "#faf8f4", "#ffffff", "#161412", "#201d1a"
    return gr.themes.Base(
        primary_hue=accent,
        secondary_hue=accent,
        neutral_hue="stone",
        radius_size="md",
        font=("-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(
        body_background_fill=paper,
        body_background_fill_dark=night,
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill=card,
        block_background_fill_dark=dusk,
        block_border_width="1px",
        block_shadow="none",
        input_border_color="*border_color_primary",
        input_border_width="1px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        input_background_fill=card,
        input_background_fill_dark="#2a2622",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        button_large_text_weight="600",
    )
