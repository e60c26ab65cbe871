"""The composer's own continuation, the guess which one it is, the preferred version: their words, and the page in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing_page import length
from playwright.sync_api import Browser, Page, expect
from waiting import PATIENCE, wait_until

from musiclstm.checkpoint import Checkpoint
from musiclstm.formats.midi import read_midi
from musiclstm.formats.reader import MusicReader
from musiclstm.generation.changes import edited, played_so
from musiclstm.generation.composition import compose
from musiclstm.generation.edits import Deletion
from musiclstm.generation.request import ComposeRequest
from musiclstm.music.performance import Performance
from musiclstm.render.samples import SampleLibrary
from musiclstm.ui.active_checkpoint import ActiveCheckpoint
from musiclstm.ui.engine import Engine
from musiclstm.ui.guess import NOT_COUNTED, Pair, Question, name_of, pair_of, question_page
from musiclstm.ui.page import build_page, launch
from musiclstm.ui.results import Shown
from musiclstm.votes import BallotBox, Guess, Preference


@pytest.fixture(scope="module")
def shown(small_checkpoint: Checkpoint) -> Shown:
    composition = compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[0], bars=4, candidates=1))
    return Shown(composition, composition.takes[0], "1")


@pytest.fixture(scope="module")
def pair(shown: Shown) -> Pair:
    found = pair_of(shown)
    assert found is not None
    return found


def test_both_have_the_same_bars_and_none_of_them_closes(pair: Pair) -> None:
    assert (pair.composer, pair.bars) == ("Schumann", 3)  # the fourth is our closing bar
    for piece in (pair.original, pair.ours):
        assert 2 * 96 <= piece.notes["onset"].max() < 3 * 96
        assert (piece.notes["onset"] + piece.notes["duration"]).max() <= 3 * 96


def test_without_the_closing_bar_all_bars_are_compared(shown: Shown) -> None:
    shorter = edited(shown.composition, 0, Deletion(4, 4))
    found = pair_of(Shown(shorter, shorter.takes[0], "1"))
    assert found is not None
    assert found.bars == 3


def test_a_guess_that_does_not_count_is_told_so(pair: Pair) -> None:
    assert str(NOT_COUNTED) in question_page(pair, Question("A", chose="A", counted=False))
    assert str(NOT_COUNTED) not in question_page(pair, Question("A", chose="A"))


def test_there_is_nothing_to_guess_where_the_composers_own_is_unknown(small_checkpoint: Checkpoint) -> None:
    composition = compose(small_checkpoint, ComposeRequest(small_checkpoint.seeds[1], bars=1, candidates=1))
    assert pair_of(Shown(composition, composition.takes[0], "1")) is None


def test_a_take_is_asked_about_once_however_it_is_played(shown: Shown) -> None:
    slower = played_so(shown.composition, Performance("harp", tempo=60, transposition=2))
    assert name_of(Shown(slower, slower.takes[0], "1")) == name_of(shown)


def test_the_question_does_not_tell_which_is_which(pair: Pair) -> None:
    pages = [question_page(pair, Question(letter)) for letter in "AB"]
    notes = [re.findall(r'data-notes="([^"]*)"', page) for page in pages]
    assert notes[0] == notes[1][::-1]
    blank = [re.sub(r'data-notes="[^"]*"', "", page) for page in pages]
    assert blank[0] == blank[1]
    assert "nothing about you is stored" in blank[0]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Question("A", "A"), "Right! A is by Schumann."),
        (Question("B", "A"), "No: B is by Schumann."),
        (
            Question("B", "B", others={"number": 120, "share": 0.6083, "interval": [0.5, 0.7]}),
            "Right! B is by Schumann. Others guessed right 61 % of 120 times.",
        ),
        (Question("B", "B", others={"number": 9, "share": 1.0, "interval": [0.6, 1.0]}), "Right! B is by Schumann."),
        (
            Question("A", "B", heard=True),
            "No: A is by Schumann. You had heard one of them before, so your guess is counted apart.",
        ),
    ],
)
def test_the_answer_tells_the_truth_and_how_others_guessed(pair: Pair, question: Question, says: str) -> None:
    assert f'<p role="status">{says}</p>' in question_page(pair, question)


# In Chromium


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> BallotBox:
    return BallotBox(tmp_path_factory.mktemp("votes"))


@pytest.fixture
def page(browser: Browser, small_checkpoint: Checkpoint, samples: SampleLibrary, box: BallotBox) -> Iterator[Page]:
    engine = Engine(small_checkpoint, bars=4)
    engine.warm_up()
    wait_until(lambda: engine.example is not None)
    with MusicReader() as reader:
        served = build_page(ActiveCheckpoint(engine), reader, box)
        address = launch(served, samples, prevent_thread_lock=True, quiet=True)
        opened = browser.new_page(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        opened.set_default_timeout(1000 * PATIENCE)
        opened.goto(address)
        yield opened
        opened.close()
        served.close()
        engine.close()
        assert not failures


def test_a_visitor_compares_guesses_learns_the_truth_and_prefers_a_version(page: Page, box: BallotBox, tmp_path: Path) -> None:
    notes = page.locator("#roll .continuation rect").first
    expect(notes).to_be_visible()

    # The question: the roll shows neither, and the clock moves.
    expect(page.locator("#guess h3")).to_have_text("Which one is by Schumann?")
    page.wait_for_function("(document.body.dataset.takes ?? 0) > 0")  # all has arrived
    page.click("#guess [data-guess=a]")
    expect(notes).to_be_hidden()
    expect(page.locator("#roll .own")).to_be_hidden()
    page.wait_for_function("Number(document.querySelector('#player .position').value) > 0")
    page.click("#guess [data-guess=b]")
    expect(page.locator("#guess [data-guess=b]")).to_have_attribute("aria-pressed", "true")
    page.click("#guess-b")
    truth = page.locator("#guess [role=status]")
    expect(truth).to_contain_text("is by Schumann.")
    expect(notes).to_be_visible()
    expect(page.locator("#guess-answers")).to_be_hidden()
    (guess,) = box.votes()
    assert isinstance(guess, Guess)
    assert (guess.seed, guess.chosen, guess.heard, guess.bars) == ("march", "B", False, 3)
    assert guess.right == truth.inner_text().startswith("Right!")

    # Who knows the truth of an opening makes no blind guess any more.
    length(page, 5)
    page.click("#generate")
    expect(page.locator("#guess-answers")).to_be_visible()
    page.click("#guess-a")
    expect(truth).to_contain_text("counted apart")
    assert [vote.heard for vote in box.votes() if isinstance(vote, Guess)] == [False, True]

    # The composer's own at the switch, in place of ours, and as a file named after the music.
    own = page.locator("#player [data-part=original]")
    expect(own).to_have_text("Schumann's own")
    own.click()
    expect(page.locator("#roll .own")).to_be_visible()
    expect(notes).to_be_hidden()
    page.click("#player [data-part=joined]")
    expect(notes).to_be_visible()
    with page.expect_download() as started:
        page.click("#get-original-midi")
    assert started.value.suggested_filename == "march-original.mid"
    started.value.save_as(tmp_path / "own.mid")
    assert len(read_midi(tmp_path / "own.mid"))

    # Several versions: one is preferred, once.
    page.get_by_label("Cautious · default · bold").check()
    page.click("#generate")
    expect(page.locator("#cards .prefer")).to_have_count(3)
    page.click("#cards [data-prefer='2']")
    expect(page.locator("#cards .prefer[aria-pressed=true]")).to_have_text("You prefer this version")
    vote = box.votes()[-1]
    assert isinstance(vote, Preference)
    assert (vote.place, vote.diversity, vote.among) == (3, 1.3, (0.7, 1.05, 1.3))
    expect(page.locator("#cards .prefer:enabled")).to_have_count(0)
    with page.expect_download() as started:
        page.click("#get-joined-midi")
    assert re.fullmatch(r"march-continued-\d+\.mid", started.value.suggested_filename)

    # Where the composer's own is unknown, there is nothing to guess.
    page.click("#seed input")
    page.get_by_role("option", name="Jig").click()
    expect(page.locator("#guess-box")).to_be_hidden()
    expect(own).to_be_hidden()
