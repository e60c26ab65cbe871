"""The widgets of the page, their places and colours, and a take as updates to them. No events here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from musiclstm.config import SamplingOptions
from musiclstm.generation import OPEN_ENDED, Composition, TakeFiles, link_of
from musiclstm.music import INSTRUMENTS, MAX_TRANSPOSITION, Performance
from musiclstm.seeds import Seed
from musiclstm.sentence import sentence
from musiclstm.ui import story, texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.ballot import Ballot, place_ballot
from musiclstm.ui.engine import Engine
from musiclstm.ui.file_layout import place_files, place_folds
from musiclstm.ui.hub_layout import Shelf, Space, place_space
from musiclstm.ui.language import Language
from musiclstm.ui.opening_layout import place_opening, place_openings
from musiclstm.ui.pictures import own_name, small_roll, take_roll, waiting_roll
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import Session
from musiclstm.ui.step_layout import place_steps
from musiclstm.ui.thumbnails import earlier_page
from musiclstm.ui.wording import Wording

BARS = 16
FEWEST_BARS, MOST_BARS = 4, 32
DIVERSITIES = (0.7, 1.3)  # measured: below, the music keeps repeating itself; above, nothing returns (benchmarks/diversity.py)
ONE, FOUR, LADDER = "one", "four", "ladder"
ROLL, SCORE = "roll", "score"  # how the music is shown
TAKES = (
    (sentence("One version"), ONE),
    (sentence("Four versions"), FOUR),
    (sentence("Cautious · default · bold"), LADDER),
)
Updates = dict[Any, Any]


@dataclass(frozen=True)
class Widgets:
    """Everything on the page that an event reads or writes."""

    engine: Engine  # that of the openings on the page, before an event changes them
    session: gr.State
    history: gr.BrowserState
    masthead: gr.HTML
    openings: gr.HTML
    era: gr.Radio
    texture: gr.Dropdown
    search: gr.Textbox
    found: gr.Textbox
    opening_id: gr.Textbox
    choose_opening: gr.Button
    seed: gr.Dropdown
    upload: gr.File
    own_facts: gr.HTML
    own_parts: gr.CheckboxGroup
    understood: gr.Row
    played_tempo: gr.Number
    played_metre: gr.Dropdown
    played_first: gr.Number
    playing: gr.Textbox
    use_playing: gr.Button
    own_range: gr.Row
    own_first: gr.Number
    own_last: gr.Number
    facts: gr.HTML
    diversity: gr.Slider
    bars: gr.Slider
    takes: gr.Radio
    generate: gr.Button
    stop: gr.Button
    status: gr.HTML
    random_seed: gr.Number
    dice: gr.Button
    fresh: gr.Checkbox
    tempo: gr.Number
    instrument: gr.Dropdown
    transposition: gr.Slider
    top_p: gr.Slider
    loop_guard: gr.Checkbox
    open_ended: gr.Checkbox
    heading: gr.HTML
    view: gr.Radio
    roll: gr.HTML
    sheet: gr.HTML
    width: gr.Number
    cards: gr.HTML
    pick: gr.Radio
    strip: gr.HTML
    result_number: gr.Textbox
    bring_back: gr.Button
    sentence: gr.HTML
    steps: gr.Row
    rewrite: gr.Button
    write_on: gr.Button
    lock: gr.Button
    delete_bars: gr.Button
    extend: gr.Button
    undo: gr.Button
    redo: gr.Button
    selection: gr.Textbox
    changes: gr.Textbox
    change: gr.Button
    downloads: gr.Row
    midi_seed: gr.DownloadButton
    midi_continuation: gr.DownloadButton
    midi_joined: gr.DownloadButton
    score_pdf: gr.Button
    midi_original: gr.DownloadButton
    score: gr.Button
    sheet_svg: gr.Button
    mp3: gr.Button
    audio: gr.Button
    everything: gr.Button
    fetched: gr.File
    ballot: Ballot
    replay_fold: gr.Accordion
    link: gr.Textbox
    code: gr.Textbox
    check: gr.Button
    checked: gr.HTML
    earlier: gr.Dropdown
    shelf: Shelf | None

    @property
    def settings(self) -> list[Any]:
        """The inputs of Generate: the seed, then the other parameters of ``request_of`` in order, then the takes."""
        first = [self.seed, self.diversity, self.bars, self.random_seed, self.tempo, self.instrument, self.transposition]
        return [*first, self.top_p, self.loop_guard, self.open_ended, self.takes]

    @property
    def midi(self) -> list[gr.DownloadButton]:
        """The MIDI files of a take, in the order of the script."""
        return [self.midi_joined, self.midi_seed, self.midi_continuation, self.midi_original]

    @property
    def steppers(self) -> list[gr.Button]:
        """What waits while a take is written."""
        return [self.extend, self.rewrite, self.write_on, self.lock, self.delete_bars]

    @property
    def take(self) -> list[Any]:
        """Everything that ``shown`` and ``listed`` update."""
        picture = [self.heading, self.roll, self.cards, self.pick, self.strip, self.sentence, self.sheet]
        files = [self.downloads, *self.midi]
        steps = [self.code, self.steps, self.extend, self.undo, self.redo]
        return [*picture, *steps, *files, self.replay_fold, self.checked, self.ballot.box, self.ballot.prefer]

    def set_to(self, composition: Composition, engine: Engine, language: Language) -> Updates:
        """Updates that set the controls to what wrote a composition, as far as they can show it."""
        request, performance, sampling = composition.request, composition.request.performance, composition.request.sampling
        known = {self.seed: request.seed.id} if request.seed in engine.checkpoint.seeds else {}
        return (
            known
            | self.playing_so(performance)
            | {
                self.facts: texts.seed_facts(request.seed, performance, language),
                self.diversity: min(DIVERSITIES[1], max(DIVERSITIES[0], sampling.diversity)),
                self.bars: min(MOST_BARS, max(FEWEST_BARS, request.bars)),
                self.random_seed: request.random_seed,
                self.top_p: max(0.5, sampling.top_p),
                self.loop_guard: sampling.loop_guard,
                self.open_ended: request.ending == OPEN_ENDED,
            }
        )

    def playing_so(self, performance: Performance) -> Updates:
        """Updates that set the controls to how music is played."""
        return {
            self.tempo: performance.tempo or 0,
            self.instrument: performance.instrument,
            self.transposition: performance.transposition,
        }

    @property
    def playback(self) -> list[Any]:
        """Everything that ``playing_so`` updates."""
        return [self.tempo, self.instrument, self.transposition]

    @property
    def controls(self) -> list[Any]:
        """Everything that ``set_to`` updates."""
        return [self.facts, *self.settings[:-1]]

    def shown(
        self, shown: Shown, files: TakeFiles, engine: Engine, language: Language, *, steps: int, redo: bool = False
    ) -> Updates:
        """Updates that show a finished take; Undo can go back ``steps`` results, and ``redo`` whether Redo has one."""
        return {
            self.heading: texts.take_heading(shown.composition, language),
            self.roll: take_roll(shown, language),
            self.code: code_of(shown),
            self.sentence: story.take_story(shown, engine.checkpoint, language),
            self.sheet: "",
            self.steps: gr.Row(visible=True),
            self.extend: gr.Button(language.say("Extend"), visible=True),
            self.undo: gr.Button(language.say("Undo"), interactive=steps > 0),
            self.redo: gr.Button(language.say("Redo"), interactive=redo),
            self.downloads: gr.Row(visible=True),
            self.midi_seed: files.seed_midi,
            self.midi_continuation: files.continuation_midi,
            self.midi_joined: files.joined_midi,
            self.midi_original: gr.DownloadButton(
                f"{own_name(shown.composition.request.seed, language)} (MIDI)",
                value=files.original_midi,
                visible=files.original_midi is not None,
            ),
            self.replay_fold: gr.Accordion(visible=True),
            self.checked: texts.check_hint(language),
        }

    def staged(
        self, seed: Seed, performance: Performance, bars: int, language: Language, *, results: Sequence[Result]
    ) -> Updates:
        """Updates that show an opening with room for ``bars`` bars; ``results`` were made before."""
        return {
            self.heading: texts.waiting_heading(seed, language),
            self.roll: waiting_roll(seed, bars, performance, language),
            self.cards: gr.HTML(visible=False),
            self.pick: gr.Radio(visible=False),
            self.sentence: "",
            self.sheet: "",
            self.code: "",
            self.strip: earlier_page(results, None, language),
            self.steps: gr.Row(visible=bool(results)),
            self.extend: gr.Button(visible=False),
            self.undo: gr.Button(language.say("Back to the last version"), interactive=True),
            self.downloads: gr.Row(visible=False),
            self.ballot.box: gr.Column(visible=False),
        }

    def listed(self, result: Result, language: Language) -> Updates:
        """Updates that let the visitor choose among the takes of a result."""
        several = len(result.takes) > 1
        rolls = [small_roll(shown, language) for shown in result.takes] if several else []
        return {
            self.cards: gr.HTML(texts.cards(result, rolls, language), visible=several),
            self.pick: gr.Radio(choices=texts.take_names(result, language), value=result.chosen, visible=several),
            **self.ballot.choices(result),
        }


def code_of(shown: Shown) -> str:
    """A take, encoded for a link."""
    return link_of(shown.composition, shown.take, shown.locked)


def place(active: ActiveCheckpoint, wording: Wording, space: Space | None = None) -> Widgets:
    """Place all widgets on the page under construction, with those of the ``space`` that it runs on."""
    session, engine = gr.State(Session()), active.now
    # Not a real secret, this is the visitor's own browser. With Gradio's random default a restart would lose the history.
    history = gr.BrowserState([], storage_key="musiclstm-history", secret="musiclstm")  # noqa: S106
    masthead = gr.HTML(wording(partial(texts.masthead, engine.checkpoint, active.note)), elem_id="masthead")
    browse = place_openings(engine, wording)
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=2, min_width=320, elem_id="controls"):
            controls = place_opening(engine, wording) | _settings(wording) | _advanced(wording)
        with gr.Column(scale=5, min_width=320, elem_id="take"):
            take = _take(engine, wording) | place_files(wording) | {"ballot": place_ballot(wording)} | place_folds(wording)
            take["shelf"] = place_space(space, wording)
    return Widgets(engine, session, history, masthead, **browse, **controls, **take)


def _settings(wording: Wording) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Column(elem_id="settings"):
        made["diversity"] = _slider(wording("Diversity"), "diversity", *DIVERSITIES, SamplingOptions.diversity, 0.05)
        made["bars"] = _slider(wording("Bars to write"), "bars", FEWEST_BARS, MOST_BARS, BARS, 1)
        made["takes"] = gr.Radio(
            [(wording(name.template), takes) for name, takes in TAKES], value=ONE, label=wording("Versions"), elem_id="takes"
        )
        with gr.Row(elem_id="buttons"):
            made["generate"] = gr.Button(wording("Generate"), variant="primary", elem_id="generate")
            made["stop"] = gr.Button(wording("Stop"), interactive=False, elem_id="stop")
        made["status"] = gr.HTML(texts.progress(""), elem_id="status")
    return made


def _advanced(wording: Wording) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Accordion(wording("Advanced"), open=False, elem_id="advanced"):
        with gr.Row():
            made["random_seed"] = gr.Number(1, label=wording("Random seed"), precision=0, elem_id="random-seed")
            made["dice"] = gr.Button(wording("Re-roll"), size="sm", elem_id="dice")
        made["fresh"] = gr.Checkbox(True, label=wording("New random seed each time"), elem_id="fresh")
        made["top_p"] = _slider(wording("Top-p"), "top-p", 0.5, 1.0, SamplingOptions.top_p, 0.01)
        made["loop_guard"] = gr.Checkbox(SamplingOptions.loop_guard, label=wording("Loop guard"), elem_id="loop-guard")
        made["open_ended"] = gr.Checkbox(False, label=wording("Open ending, without a closing bar"), elem_id="open-ended")
    return made


def _playback(wording: Wording) -> dict[str, Any]:
    """How the music on the stage is played. Nothing is written anew for it, and the files follow."""
    made: dict[str, Any] = {}
    with gr.Row(elem_id="playback"):
        made["instrument"] = gr.Dropdown(
            [(wording(name), name) for name in INSTRUMENTS], value="piano", label=wording("Instrument"), elem_id="instrument"
        )
        made["tempo"] = gr.Number(0, label=wording("Tempo, ♩/min"), info=wording("0: as the composer wrote"), elem_id="tempo")
        most = MAX_TRANSPOSITION
        made["transposition"] = _slider(wording("Transposition in semitones"), "transposition", -most, most, 0, 1)
    return made


def _take(engine: Engine, wording: Wording) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Row(elem_id="stage"):
        made["heading"] = gr.HTML(wording(partial(texts.waiting_heading, engine.first)), elem_id="heading")
        made["view"] = gr.Radio(
            [(wording("Roll"), ROLL), (wording("Score"), SCORE)], value=ROLL, label=wording("View"), elem_id="view"
        )
        gr.HTML(_zoom(wording("Smaller notes"), -1, "−") + _zoom(wording("Larger notes"), 1, "+"), elem_id="zoom")
    gr.HTML(wording.file("keyboard.html"), elem_id="keys")
    made["roll"] = gr.HTML(wording(partial(waiting_roll, engine.first, BARS, Performance())), elem_id="roll")
    made["sheet"] = gr.HTML(elem_id="sheet")
    made["width"] = gr.Number(visible=False)  # of the place for the music, in pixels
    made |= place_steps(wording)
    gr.HTML(wording.file("player.html"), elem_id="player")
    made |= _playback(wording)
    made["sentence"] = gr.HTML(elem_id="sentence")
    made["cards"] = gr.HTML(visible=False, elem_id="cards")
    made["pick"] = gr.Radio([], label=wording("Version"), visible=False, elem_id="pick")
    made["strip"], made["result_number"] = gr.HTML(elem_id="strip"), gr.Textbox(visible=False)
    made["bring_back"] = gr.Button("Bring back", elem_id="bring-back")  # pressed by the script
    return made


def _slider(label: str, elem_id: str, low: float, high: float, value: float, step: float) -> gr.Slider:
    return gr.Slider(low, high, value, step=step, label=label, elem_id=elem_id, buttons=[])


def _zoom(name: str, by: int, sign: str) -> str:
    disabled = "true" if by < 0 else "false"  # at first the notes have their smallest size
    return f'<button type="button" data-zoom="{by}" aria-label="{name}" title="{name}" aria-disabled="{disabled}">{sign}</button>'
