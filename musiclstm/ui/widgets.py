"""What is seen: the widgets, where they stand, their colours, and a take as updates to them. No events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from musiclstm.compose import Composition
from musiclstm.config import SamplingOptions
from musiclstm.export import TakeFiles
from musiclstm.render.audio import INSTRUMENTS
from musiclstm.render.pianoroll import CONTINUATION_COLOUR, SEED_COLOUR
from musiclstm.ui import words
from musiclstm.ui.stage import Stage
from musiclstm.ui.studio import Studio, seed_roll, take_roll, waiting_roll

BARS = 16
DIVERSITIES = (0.7, 1.3)  # by measure: below it keeps repeating itself, above it nothing returns (benchmarks/diversity.py)
# Waveforms: what is still to come, and what was played. Opaque, since the player mixes them by their opacity.
SEED_WAVE = ("#92c3e3", SEED_COLOUR)
CONTINUATION_WAVE = ("#efaf7f", CONTINUATION_COLOUR)
BOTH_WAVE = ("#beb7af", "#786f66")
Updates = dict[Any, Any]


@dataclass
class Visit:
    """What belongs to one visitor: whether Stop was pressed, the last take, the studio. Gradio keeps one for each open page."""

    stopped: bool = False
    last: Composition | None = None
    studio: Studio | None = None


@dataclass(frozen=True)
class Widgets:
    """Everything on the page that an event reads or writes."""

    visit: gr.State
    masthead: gr.HTML
    seed: gr.Dropdown
    facts: gr.HTML
    seed_roll: gr.HTML
    seed_player: gr.Audio
    diversity: gr.Slider
    bars: gr.Slider
    generate: gr.Button
    stop: gr.Button
    status: gr.HTML
    random_seed: gr.Number
    dice: gr.Button
    fresh: gr.Checkbox
    tempo: gr.Number
    instrument: gr.Dropdown
    top_p: gr.Slider
    loop_guard: gr.Checkbox
    open_ended: gr.Checkbox
    heading: gr.HTML
    roll: gr.HTML
    notice: gr.HTML
    players: gr.Column
    take_seed: gr.Audio
    take_continuation: gr.Audio
    take_joined: gr.Audio
    sentence: gr.HTML
    downloads: gr.Row
    midi_seed: gr.DownloadButton
    midi_continuation: gr.DownloadButton
    midi_joined: gr.DownloadButton
    score: gr.Button
    audio: gr.DownloadButton
    everything: gr.Button
    fetched: gr.File

    @property
    def settings(self) -> list[Any]:
        """The inputs of a request: seed, diversity, bars, random seed, tempo, instrument, top-p, loop guard, open ended."""
        first = [self.seed, self.diversity, self.bars, self.random_seed, self.tempo, self.instrument]
        return [*first, self.top_p, self.loop_guard, self.open_ended]

    @property
    def take(self) -> list[Any]:
        """What ``shown`` updates."""
        players = [self.players, self.take_seed, self.take_continuation, self.take_joined]
        files = [self.downloads, self.midi_seed, self.midi_continuation, self.midi_joined, self.audio]
        return [self.heading, self.roll, self.notice, *players, self.sentence, *files]

    def opened(self, studio: Studio, note: str) -> Updates:
        """A page that is loaded: what plays, and its seeds."""
        seeds = words.seed_choices(studio.checkpoint.seeds)
        return {
            self.masthead: words.masthead(studio.checkpoint, note),
            self.seed: gr.Dropdown(choices=seeds, value=studio.first.id),
        }

    def shown(self, composition: Composition, files: TakeFiles) -> Updates:
        """A finished take. Without sound the players give way to the sentence that says why."""
        silent = files.joined_audio is None
        return {
            self.heading: words.take_heading(composition),
            self.roll: take_roll(composition),
            self.notice: gr.HTML(words.notice(files.note), visible=bool(files.note)),
            self.players: gr.Column(visible=not silent),
            self.take_seed: files.seed_audio,
            self.take_continuation: files.continuation_audio,
            self.take_joined: files.joined_audio,
            self.sentence: words.take_sentence(composition, composition.takes[0]),
            self.downloads: gr.Row(visible=True),
            self.midi_seed: files.seed_midi,
            self.midi_continuation: files.continuation_midi,
            self.midi_joined: files.joined_midi,
            self.audio: gr.DownloadButton(value=files.joined_audio, visible=not silent),
        }


def place(stage: Stage) -> Widgets:
    """Place all widgets on the page that is being built."""
    visit, studio = gr.State(Visit()), stage.now
    masthead = gr.HTML(words.masthead(studio.checkpoint, stage.note), elem_id="masthead")
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=2, min_width=320, elem_id="controls"):
            controls = _controls(studio)
        with gr.Column(scale=5, min_width=320, elem_id="take"):
            take = _take(studio)
    return Widgets(visit=visit, masthead=masthead, **controls, **take)


def theme() -> gr.themes.Base:
    """Paper and ink, with the continuation's colour for what starts one. Every font is Gradio's own or the system's."""
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


def _controls(studio: Studio) -> dict[str, Any]:
    first = studio.first
    made: dict[str, Any] = {}
    with gr.Column(elem_id="seed-card"):
        made["seed"] = gr.Dropdown(words.seed_choices(studio.checkpoint.seeds), value=first.id, label="Seed", elem_id="seed")
        made["facts"] = gr.HTML(words.seed_facts(first), elem_id="facts")
        made["seed_roll"] = gr.HTML(seed_roll(first), elem_id="seed-roll")
        made["seed_player"] = _player("Listen to the seed", "seed-player", SEED_WAVE)
    with gr.Column(elem_id="settings"):
        made["diversity"] = _slider("Diversity", "diversity", *DIVERSITIES, SamplingOptions.diversity, 0.05)
        made["bars"] = _slider("Length in bars", "bars", 4, 32, BARS, 1)
        with gr.Row(elem_id="buttons"):
            made["generate"] = gr.Button("Generate", variant="primary", elem_id="generate")
            made["stop"] = gr.Button("Stop", interactive=False, elem_id="stop")
        made["status"] = gr.HTML(words.progress(""), elem_id="status")
    with gr.Accordion("More", open=False, elem_id="more"):
        with gr.Row():
            made["random_seed"] = gr.Number(1, label="Random seed", precision=0, elem_id="random-seed")
            made["dice"] = gr.Button("Re-roll", size="sm", elem_id="dice")
        made["fresh"] = gr.Checkbox(True, label="New random seed for each run", elem_id="fresh")
        with gr.Row():
            made["instrument"] = gr.Dropdown(list(INSTRUMENTS), value="piano", label="Instrument", elem_id="instrument")
            made["tempo"] = gr.Number(None, label="Tempo, ♩ a minute", placeholder="the seed's own", elem_id="tempo")
        made["top_p"] = _slider("Top-p", "top-p", 0.5, 1.0, SamplingOptions.top_p, 0.01)
        made["loop_guard"] = gr.Checkbox(SamplingOptions.loop_guard, label="Loop guard", elem_id="loop-guard")
        made["open_ended"] = gr.Checkbox(False, label="Leave the end open", elem_id="open-ended")
    return made


def _take(studio: Studio) -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["heading"] = gr.HTML(words.waiting_heading(studio.first), elem_id="heading")
    made["roll"] = gr.HTML(waiting_roll(studio.first, BARS), elem_id="roll")
    made["notice"] = gr.HTML(visible=False, elem_id="notice")
    with gr.Column(visible=False, elem_id="players") as made["players"]:
        with gr.Row(elem_id="pair"):
            made["take_seed"] = _player("Seed", "take-seed", SEED_WAVE)
            made["take_continuation"] = _player("Continuation", "take-continuation", CONTINUATION_WAVE)
        made["take_joined"] = _player("Joined", "take-joined", BOTH_WAVE)
    made["sentence"] = gr.HTML(elem_id="sentence")
    with gr.Row(visible=False, elem_id="downloads") as made["downloads"]:
        gr.HTML("<p>Download</p>")
        made["midi_joined"] = gr.DownloadButton("Joined MIDI", size="sm", elem_id="get-joined-midi")
        made["midi_seed"] = gr.DownloadButton("Seed MIDI", size="sm", elem_id="get-seed-midi")
        made["midi_continuation"] = gr.DownloadButton("Continuation MIDI", size="sm", elem_id="get-continuation-midi")
        made["score"] = gr.Button("MusicXML", size="sm", elem_id="get-score")
        made["audio"] = gr.DownloadButton("Audio", size="sm", elem_id="get-audio")
        made["everything"] = gr.Button("Everything", size="sm", elem_id="get-everything")
    made["fetched"] = gr.File(visible=False)
    return made


def _slider(label: str, elem_id: str, low: float, high: float, value: float, step: float) -> gr.Slider:
    return gr.Slider(low, high, value, step=step, label=label, elem_id=elem_id, buttons=[])


def _player(label: str, elem_id: str, colours: tuple[str, str]) -> gr.Audio:
    """A player; its waveform is drawn in the colour that its music has in the roll."""
    waveform = gr.WaveformOptions(waveform_color=colours[0], waveform_progress_color=colours[1])
    player = gr.Audio(
        type="filepath", label=label, elem_id=elem_id, interactive=False, buttons=["download"], waveform_options=waveform
    )
    player.play(None, js=f"() => window.musiclstm.playing('{elem_id}')", api_visibility="private")
    return player
