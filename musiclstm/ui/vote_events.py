"""The events of votes: a guess which continuation is the composer's, and the version that a visitor prefers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import gradio as gr

from musiclstm.seeds import Seed
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.guess import LETTERS, NOT_COUNTED, Pair, Question, name_of, pair_of
from musiclstm.ui.layout import Updates, Widgets
from musiclstm.ui.requests import AT_ONCE, address_of
from musiclstm.ui.results import Result, Shown
from musiclstm.ui.session import OWN, Session
from musiclstm.votes import BallotBox, Guess, Preference, summary, today

# JavaScript in front of an event gets the inputs of the event and must return them.
_HEARD = "(heard, session) => [window.musiclstm.player.heard(), session]"


def vote_events(active: ActiveCheckpoint, w: Widgets, box: BallotBox) -> None:
    """Connect the answers to the question, and the buttons of preferred versions; votes go to ``box``."""

    def seed_of(shown: Shown, session: Session) -> str:
        """The id of a seed of the checkpoint. The name of a visitor's own music is not kept."""
        seeds: tuple[Seed, ...] = (session.engine or active.now).checkpoint.seeds
        seed = shown.composition.request.seed
        return seed.id if seed in seeds else OWN

    def answer(letter: str) -> Callable[[gr.Request, bool, Session], Updates]:
        def answered(request: gr.Request, heard: bool, session: Session) -> Updates:
            shown = None if session.result is None else session.result.shown
            question = None if shown is None else session.questions.get(name_of(shown))
            pair = None if shown is None else pair_of(shown)
            if shown is None or question is None or pair is None or question.chose:
                return w.ballot.asked(session)
            others = summary(box.votes())["guesses"]
            seed = shown.composition.request.seed.id
            told = replace(question, chose=letter, heard=bool(heard) or seed in session.guessed, others=others)
            counted = box.cast(_guess(shown, seed_of(shown, session), pair, told), address_of(request))
            session.questions[name_of(shown)] = replace(told, counted=counted)
            session.guessed.add(seed)
            return w.ballot.asked(session)

        return answered

    def prefer(request: gr.Request, index: int | None, session: Session) -> Updates:
        result = session.result
        if result is None or result.preferred is not None or index is None or not 0 <= index < len(result.takes):
            return {}
        session.results[-1] = replace(result, preferred=index)
        if not box.cast(_preference(result, index, seed_of(result.takes[index], session)), address_of(request)):
            gr.Info(session.language.say(NOT_COUNTED), title=session.language.say("Info"))
        return {w.cards: w.listed(session.results[-1], session.language)[w.cards]}

    for button, letter in zip(w.ballot.answers, LETTERS, strict=True):
        button.click(answer(letter), [w.ballot.heard, w.session], w.ballot.outputs, js=_HEARD, **AT_ONCE)
    w.ballot.prefer.input(prefer, [w.ballot.prefer, w.session], w.cards, **AT_ONCE)


def _guess(shown: Shown, seed: str, pair: Pair, question: Question) -> Guess:
    request = shown.composition.request
    return Guess(
        day=today(),
        seed=seed,
        random_seed=request.random_seed,
        diversity=request.sampling.diversity,
        bars=pair.bars,
        checkpoint=_digest(shown),
        chosen=question.chose,
        right=question.right,
        heard=question.heard,
    )


def _preference(result: Result, index: int, seed: str) -> Preference:
    preferred = result.takes[index]
    request = preferred.composition.request
    return Preference(
        day=today(),
        seed=seed,
        random_seed=request.random_seed,
        checkpoint=_digest(preferred),
        take=preferred.take.number,
        place=index + 1,
        diversity=request.sampling.diversity,
        among=tuple(each.composition.request.sampling.diversity for each in result.takes),
    )


def _digest(shown: Shown) -> str:
    """The hash of the checkpoint that wrote a take; "" if a link names none."""
    named = str(shown.composition.recipe.get("checkpoint_digest", ""))
    return named if re.fullmatch(r"[0-9a-f]{1,64}", named) else ""
