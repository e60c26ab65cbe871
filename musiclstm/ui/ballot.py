"""The widgets of votes: which continuation is the composer's, and which version does a visitor prefer? No events here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import gradio as gr

from musiclstm.ui.guess import LETTERS, Pair, Question, composer_of, name_of, pair_of, question_page
from musiclstm.ui.language import Language
from musiclstm.ui.results import Result
from musiclstm.ui.session import Session
from musiclstm.ui.wording import Wording


@dataclass(frozen=True)
class Ballot:
    """``box`` holds the question with its two ``answers``; a script sets ``heard`` (was one heard before?) and ``prefer``."""

    box: gr.Column
    question: gr.HTML
    answers: tuple[gr.Button, gr.Button]
    buttons: gr.Row
    heard: gr.Checkbox
    prefer: gr.Radio

    @property
    def outputs(self) -> list[Any]:
        """What ``asked`` updates."""
        return [self.box, self.question, self.buttons, *self.answers]

    def asked(self, session: Session) -> dict[Any, Any]:
        """Updates that ask about the result on show, or tell what came of it; hidden where there is nothing to ask."""
        result = session.result
        pair = None if result is None else pair_of(result.shown)
        if result is None or pair is None:
            return {self.box: gr.Column(visible=False), self.question: ""}
        question = session.question(name_of(result.shown), Question(secrets.choice(LETTERS)))
        return {self.box: gr.Column(visible=True), **self._drawn(pair, question, session.language)}

    def _drawn(self, pair: Pair, question: Question, language: Language) -> dict[Any, Any]:
        composer = composer_of(pair, language)
        words = [language.say("{letter} is {composer}", letter=letter, composer=composer) for letter in LETTERS]
        buttons = {button: gr.Button(said) for button, said in zip(self.answers, words, strict=True)}
        return {
            self.question: question_page(pair, question, language),
            self.buttons: gr.Row(visible=not question.chose),
            **buttons,
        }

    def choices(self, result: Result) -> dict[Any, Any]:
        """Updates that let the visitor prefer one of several versions."""
        return {self.prefer: gr.Radio(choices=list(range(len(result.takes))), value=result.preferred)}


def place_ballot(wording: Wording) -> Ballot:
    """Place the widgets on the page under construction."""
    with gr.Column(visible=False, elem_id="guess-box") as box:
        question = gr.HTML(elem_id="guess")
        with gr.Row(elem_id="guess-answers") as buttons:
            answers = [
                gr.Button(letter, size="sm", elem_id=f"guess-{letter.lower()}") for letter in LETTERS
            ]  # ``asked`` names them
        heard = gr.Checkbox(False, visible=False)
    prefer = gr.Radio([], label=wording("Preferred version"), elem_id="prefer")
    return Ballot(box, question, (answers[0], answers[1]), buttons, heard, prefer)
