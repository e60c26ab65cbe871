"""What a visitor chooses before the page is answered, or meanwhile, stays; and what they came for is not lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import pytest
from waiting import wait_until

from musiclstm.checkpoint import Checkpoint
from musiclstm.formats.reader import MusicReader
from musiclstm.generation.composition import compose, take_recipe
from musiclstm.generation.link import link_from_recipe, link_of
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.performance import Performance
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine
from musiclstm.ui.page import build_page
from musiclstm.ui.session import Session


@pytest.fixture(scope="module")
def engine(small_checkpoint: Checkpoint) -> Iterator[Engine]:
    engine = Engine(small_checkpoint, bars=2)
    engine.warm_up()
    wait_until(lambda: engine.example is not None)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def page(engine: Engine) -> Iterator[gr.Blocks]:
    with MusicReader() as reader:
        page = build_page(ActiveCheckpoint(engine), reader)
        yield page
        page.close()


class Arrival:
    """What a page gets when it has loaded, where the visitor chooses an opening before so many of the answers."""

    def __init__(self, page: gr.Blocks, engine: Engine, code: str = "", history: Sequence[str] = ()) -> None:
        arrive = next(each.fn for each in page.fns.values() if each.api_name == "arrive")
        assert arrive is not None
        visit = gr.Request(query_params={"recipe": code} if code else {}, headers={}, cookies={})
        self.session, self.jig = Session(), engine.checkpoint.seeds[2]
        self.answers = arrive(visit, [["a take", link] for link in history], 4, self.session)
        self.shown: dict[Any, Any] = {}

    def choose(self) -> None:
        self.session.staged, self.session.opening = self.jig, True
        self.session.turn += 1

    def come(self, *, choose_before: int | None) -> None:
        for number, answer in enumerate([None, *self.answers] if choose_before is None else self._answers(choose_before)):
            self.shown |= answer or {}
            assert number < 5

    def _answers(self, choose_before: int) -> Iterator[Any]:
        for _ in range(choose_before):
            yield next(self.answers, None)
        self.choose()
        yield from self.answers

    def at(self, place: str) -> Any:
        return next((value for widget, value in self.shown.items() if widget.elem_id == place), None)


def links_of(engine: Engine) -> tuple[str, str]:
    """A link that carries its music, and one that is a recipe alone."""
    composition = compose(engine.checkpoint, ComposeRequest(engine.first, bars=2))
    return link_of(composition, composition.takes[0]), link_from_recipe(take_recipe(composition, 0))


def test_an_opening_that_is_chosen_while_the_page_is_still_answered_stays_on_the_stage(page: gr.Blocks, engine: Engine) -> None:
    music, recipe = links_of(engine)
    every: list[dict[str, Any]] = [{}, {"history": [music]}, {"code": music}, {"code": recipe}]
    for options in every:
        for before in range(2 if options.get("code") == recipe else 3):  # answers, of which the music's is the second
            arrival = Arrival(page, engine, **options)
            arrival.come(choose_before=before)
            assert "Jig" in arrival.at("heading")
            assert "Press Generate" in arrival.at("heading")
            assert arrival.at("seed") == arrival.jig.id
            assert arrival.session.result is None
            has_music = bool(options) and options.get("code") != recipe
            assert len(arrival.session.results) == int(has_music or (not options and before > 0))  # to go back to
            assert ([recipe, 0] in arrival.shown.values()) == (options.get("code") == recipe and before > 0)


def test_an_opening_that_is_chosen_while_the_files_of_a_link_are_written_stays(
    page: gr.Blocks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    music, _ = links_of(engine)
    arrival, write = Arrival(page, engine, code=music), engine.write

    def slow(*arguments: Any, **options: Any) -> Any:
        arrival.choose()
        return write(*arguments, **options)

    monkeypatch.setattr(engine, "write", slow)
    arrival.come(choose_before=None)
    assert "Press Generate" in arrival.at("heading")
    assert arrival.at("seed") == arrival.jig.id
    assert len(arrival.session.results) == 1  # to go back to


def test_how_to_play_that_is_chosen_before_the_page_is_answered_stays(page: gr.Blocks, engine: Engine) -> None:
    music, _ = links_of(engine)
    every: list[dict[str, Any]] = [{}, {"history": [music]}]
    for options in every:
        arrival = Arrival(page, engine, **options)
        arrival.session.play_so(Performance("harpsichord"))
        arrival.come(choose_before=None)
        assert arrival.session.result is not None
        assert arrival.session.result.shown.composition.request.performance.instrument == "harpsichord"
        assert "new bars" in arrival.at("heading")
        assert arrival.at("instrument") is None
