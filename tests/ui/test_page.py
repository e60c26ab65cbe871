"""The page without a browser: its texts, the work behind its buttons, and a live server with Gradio's own client."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from hub_server import LocalHub
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from waiting import PATIENCE, wait_until

from benchmarks.browsing import Seen, Visitor
from musiclstm.checkpoint import Checkpoint, save_checkpoint
from musiclstm.checkpoint_files import PARTS
from musiclstm.errors import CheckpointError, OptionError
from musiclstm.formats.midi import read_midi, write_midi
from musiclstm.formats.reader import MusicReader
from musiclstm.generation.changes import played_so
from musiclstm.generation.composition import Take, compose
from musiclstm.generation.link import link_of
from musiclstm.generation.request import ComposeRequest
from musiclstm.model.weights import network_digest
from musiclstm.music.notes import Key, Piece, join, line_after, make_notes
from musiclstm.music.performance import Performance
from musiclstm.publishing.space import Pinned, space_files
from musiclstm.render.audio import SOUNDFONT_VARIABLE
from musiclstm.render.samples import SampleLibrary
from musiclstm.seeds.seed import Seed
from musiclstm.ui import file_events, story, texts
from musiclstm.ui.active_checkpoint import ActiveCheckpoint, open_active_checkpoint
from musiclstm.ui.blocks import Blocks
from musiclstm.ui.engine import Engine, job_of
from musiclstm.ui.layout import FOUR, LADDER
from musiclstm.ui.page import build_page, launch
from musiclstm.ui.pictures import growing_roll, opening_sheet, waiting_roll
from musiclstm.ui.requests import requests_for
from musiclstm.ui.results import Shown
from musiclstm.ui.session import Session
from musiclstm.ui.state_holder import MOST_SESSIONS, LeanStateHolder
from musiclstm.votes import summary

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module")
def engine(small_checkpoint: Checkpoint) -> Iterator[Engine]:
    engine = Engine(small_checkpoint, bars=2)
    engine.warm_up().result()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reader() -> Iterator[MusicReader]:
    with MusicReader() as reader:
        yield reader


@pytest.fixture(scope="module")
def page(engine: Engine, reader: MusicReader) -> Iterator[Blocks]:
    page = build_page(ActiveCheckpoint(engine), reader)
    yield page
    page.close()


@pytest.fixture(scope="module")
def address(page: Blocks, samples: SampleLibrary) -> str:
    return launch(page, samples, prevent_thread_lock=True, quiet=True)


@pytest.fixture(scope="module")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One for all tests: each waits for a second before it closes."""
    client = Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
    yield client
    client.close()


def request_of(engine: Engine, bars: int = 8, random_seed: int = 1, ending: int | None = None) -> ComposeRequest:
    return ComposeRequest(engine.first, bars=bars, random_seed=random_seed, ending=ending)


def test_an_event_outside_the_queue_answers_once(page: gr.Blocks) -> None:
    # Gradio would send the first of several answers, and forget the others.
    generators = [fn.name for fn in page.fns.values() if not fn.queue and inspect.isgeneratorfunction(fn.fn)]
    assert not generators
    assert any(inspect.isgeneratorfunction(fn.fn) for fn in page.fns.values())


def test_events_that_show_no_progress_make_no_work_for_the_browser(page: gr.Blocks) -> None:
    quiet = [fn for fn in page.fns.values() if fn.show_progress == "hidden" and fn.outputs]
    assert len(quiet) > 50
    assert [fn.name for fn in quiet if fn.show_progress_on != []] == []


# Words


def named(seed: Seed, id: str, composer: str, title: str) -> Seed:
    return replace(seed, id=id, composer=composer, title=title)


def test_seeds_are_grouped_by_composer_in_alphabetical_order(engine: Engine) -> None:
    given = [("m2", "Wolfgang Amadeus Mozart", "Sonata"), ("b", "Johann Sebastian Bach", "Prelude"), ("x", "", "A tune")]
    given += [("m1", "Wolfgang Amadeus Mozart", "Minuet"), ("d", "Antonín Dvořák", "Waltz")]
    seeds = [named(engine.first, *names) for names in given]
    labels = ["Bach · Prelude", "Dvořák · Waltz", "Mozart · Minuet", "Mozart · Sonata", "A tune"]
    assert texts.seed_choices(seeds) == list(zip(labels, ["b", "d", "m1", "m2", "x"], strict=True))


def test_composers_who_share_a_surname_are_told_apart(engine: Engine) -> None:
    seeds = [named(engine.first, "r", "Robert Schumann", "March"), named(engine.first, "c", "Clara Schumann", "Polonaise")]
    assert [label for label, _ in texts.seed_choices(seeds)] == ["Clara Schumann · Polonaise", "Robert Schumann · March"]


def test_the_facts_of_a_seed_are_those_of_its_music(engine: Engine) -> None:
    facts = texts.seed_facts(engine.first, Performance())
    assert all(fact in facts for fact in ("C major", "4/4", "♩ = 120", "bars 1–8"))
    assert "♩ = 90" in texts.seed_facts(engine.first, Performance(tempo=90))


def test_titles_cannot_put_markup_on_the_page(engine: Engine) -> None:
    evil = replace(engine.first, title="<img src=x>", composer="<b>", work="<i>")
    assert "<img" not in texts.waiting_heading(evil)
    assert "<i>" not in texts.seed_facts(evil, Performance())


def test_the_story_describes_the_take(engine: Engine) -> None:
    composition = compose(engine.checkpoint, request_of(engine, bars=2))
    twice = make_notes(range(0, 192, 4), [60, 64, 67, 72] * 12, [4] * 48, [64] * 48)
    dense = Take(replace(composition.seed, notes=twice), composition.seed, loops=2, guarded=9)
    told = story.take_story(Shown(composition, dense, "1"), engine.checkpoint)
    assert (
        "2 bars with 48 notes, much denser than the opening. It is in C major, like the opening. "
        "Nearly all notes fit C major." in told
    )
    assert "The loop guard stepped in twice" in told
    few = Take(replace(composition.seed, notes=twice[:1]), composition.seed, loops=0, guarded=0)
    assert story.take_sentences(composition, few) == "2 bars with 1 note, much sparser than the opening."


def test_a_transposed_take_is_described_in_the_key_that_sounds(engine: Engine) -> None:
    composition = played_so(compose(engine.checkpoint, request_of(engine, bars=2)), Performance(transposition=2))
    scale = make_notes(range(0, 192, 4), [60, 64, 67, 72] * 12, [4] * 48, [64] * 48)
    take = Take(replace(composition.seed, notes=scale), composition.seed, loops=0, guarded=0)
    assert "It is in D major, like the opening. Nearly all notes fit D major." in story.take_sentences(composition, take)


def test_a_key_is_spelled_as_the_seed_spells_it(engine: Engine) -> None:
    composition = compose(engine.checkpoint, request_of(engine, bars=2))
    home = replace(composition.request.seed, key="G-flat major", piece=replace(composition.seed, key=Key(-6)))
    notes = make_notes(range(0, 480, 12), [66, 73, 70, 66, 71] * 8, [12] * 40, [64] * 40)
    take = Take(replace(composition.seed, notes=notes), composition.seed, loops=0, guarded=0)
    said = story.take_sentences(replace(composition, request=replace(composition.request, seed=home)), take)
    assert "It is in G-flat major, like the opening. Nearly all notes fit G-flat major." in said


# The work behind the buttons


def test_a_take_grows_bar_by_bar_and_ends_whole(engine: Engine) -> None:
    updates = list(engine.perform(job_of([request_of(engine)]), lambda: False))
    shares = [progress.share for progress in updates if progress.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    last = updates[-1].composition
    assert last is not None
    assert last.finished
    assert last.takes[0].continuation == compose(engine.checkpoint, request_of(engine)).takes[0].continuation


def test_stop_keeps_the_whole_bars_and_a_recipe_that_gives_them_again(engine: Engine) -> None:
    enough = threading.Event()
    for last in engine.perform(job_of([request_of(engine, bars=64)]), enough.is_set):
        if last.composition and last.composition.bars > 1:
            enough.set()
    assert last.result is not None
    kept = last.result.shown.composition
    assert kept.finished
    assert 1 <= kept.bars < 64
    assert kept.recipe["bars"] == kept.bars
    again = compose(engine.checkpoint, request_of(engine, bars=kept.bars, ending=64))
    assert kept.takes[0].joined == again.takes[0].joined


def test_stop_while_the_decoder_warms_up_ends_at_once(small_checkpoint: Checkpoint) -> None:
    class NeverWarm(Engine):
        def warm_up(self) -> Future[None]:
            return Future()

    cold = NeverWarm(small_checkpoint)
    updates = list(cold.perform(job_of([request_of(cold)]), lambda: True))
    cold.close()
    assert [progress.composition for progress in updates] == [None]
    assert "Stopped" in str(updates[0].message)


def test_the_example_is_a_whole_take_with_its_files(engine: Engine) -> None:
    wait_until(lambda: engine.example is not None)
    assert engine.example is not None
    assert engine.example.result.shown.composition.bars == 2
    assert all(path.exists() for path in engine.example.files.all())


def test_an_example_of_the_checkpoint_is_there_before_the_model(engine: Engine) -> None:
    checkpoint, digest = engine.checkpoint, network_digest(engine.checkpoint.network)
    written = compose(checkpoint, ComposeRequest(checkpoint.seeds[1], bars=2, random_seed=5))
    shown = replace(checkpoint, example=link_of(written, written.takes[0]), weights_digest=lambda: digest)
    cold = Engine(replace(shown, build=lambda: pytest.fail("asked for the network")))
    assert cold.example is not None
    assert cold.example.result.shown.take.joined == written.takes[0].joined
    assert cold.first == checkpoint.seeds[1]
    assert all(path.exists() for path in cold.example.files.all())
    cold.close()


def test_an_example_that_cannot_be_written_does_not_keep_the_page_from_starting(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OptionError("The disk is full.")

    written = compose(engine.checkpoint, ComposeRequest(engine.checkpoint.seeds[0], bars=1, candidates=1))
    shown = replace(engine.checkpoint, example=link_of(written, written.takes[0]))
    monkeypatch.setattr("musiclstm.ui.engine.write_take", full)
    cold = Engine(shown)
    assert cold.example is None
    cold.close()


def test_an_example_that_is_damaged_or_of_other_weights_is_not_shown(engine: Engine) -> None:
    checkpoint = engine.checkpoint
    written = compose(checkpoint, ComposeRequest(checkpoint.seeds[1], bars=2, random_seed=5))
    link = link_of(written, written.takes[0])
    trained_again = replace(checkpoint, example=link, weights_digest=lambda: "other")
    fewer_seeds = replace(checkpoint, example=link, seeds=checkpoint.seeds[:1])
    for changed in (replace(checkpoint, example="damaged"), trained_again, fewer_seeds):
        other = Engine(changed)
        assert other.example is None
        assert other.first == checkpoint.seeds[0]
        other.close()


def test_four_takes_come_best_first_and_a_ladder_from_tame_to_wild(engine: Engine) -> None:
    four = [*engine.perform(job_of(requests_for(request_of(engine), FOUR)), lambda: False)][-1].result
    assert four is not None
    assert [shown.take for shown in four.takes] == list(four.shown.composition.takes)
    assert len({shown.take.number for shown in four.takes}) == 4
    ladder = [*engine.perform(job_of(requests_for(request_of(engine), LADDER)), lambda: False)][-1].result
    assert ladder is not None
    assert [shown.composition.request.sampling.diversity for shown in ladder.takes] == [0.7, 1.05, 1.3]
    assert [str(shown.label) for shown in ladder.takes] == ["diversity 0.7", "diversity 1.05", "diversity 1.3"]


def test_a_checkpoint_without_seeds_is_refused(small_checkpoint: Checkpoint) -> None:
    with pytest.raises(CheckpointError, match="no seeds"):
        Engine(replace(small_checkpoint, seeds=()))


def test_a_growing_roll_holds_still(engine: Engine) -> None:
    def frame(svg: str) -> tuple[str, ...]:
        return tuple(re.findall(r'(?:width|height|data-[a-z-]+)="[^"]*"', svg.split(">", maxsplit=1)[0]))

    grown = [m.composition for m in engine.perform(job_of([request_of(engine)]), lambda: False) if m.composition is not None]
    assert len({frame(growing_roll(composition)) for composition in grown}) == 1
    assert frame(growing_roll(grown[0]))[0] == frame(waiting_roll(engine.first, 8, Performance()))[0]


# A live server


def files_of(answer: tuple[Any, ...]) -> list[Path]:
    return [Path(path) for path in answer[:7]]


def test_generate_gives_every_file_and_the_recipe(client: Client) -> None:
    *paths, recipe = client.predict(seed="march", bars=4, random_seed=3, api_name="/generate")
    names = "seed.mid continuation.mid joined.mid seed.flac continuation.flac joined.flac joined.musicxml"
    assert [Path(path).name for path in paths] == names.split()
    assert all(Path(path).stat().st_size for path in paths)
    assert {name: recipe[name] for name in ("seed", "bars", "random_seed")} == {"seed": "march", "bars": 4, "random_seed": 3}
    seed, joined = read_midi(paths[0]), read_midi(paths[2])
    assert len(joined) > len(seed)


def test_the_same_random_seed_gives_the_same_midi_bytes(client: Client) -> None:
    def joined(random_seed: int) -> bytes:
        answer = client.predict(seed="waltz", bars=4, random_seed=random_seed, api_name="/generate")
        return files_of(answer)[2].read_bytes()

    assert joined(5) == joined(5) != joined(6)


def test_a_random_seed_is_drawn_and_reported_if_left_out(client: Client) -> None:
    drawn = {client.predict(seed="march", bars=1, api_name="/generate")[-1]["random_seed"] for _ in range(2)}
    assert len(drawn) == 2


def test_tempo_and_instrument_are_in_the_files(client: Client) -> None:
    answer = client.predict(seed="march", bars=1, random_seed=1, tempo=90, instrument="harp", api_name="/generate")
    assert read_midi(files_of(answer)[2]).tempi[0].qpm == 90
    assert bytes([0xC0, 46]) in files_of(answer)[2].read_bytes()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seed": "mrach"}, "There is no seed called 'mrach'; close ones are march"),
        ({"seed": "march", "diversity": 9}, "Diversity must lie between 0.1 and 2, not 9"),
        ({"seed": "march", "bars": 0}, "The number of bars must be a whole number from 1 to 64, not 0"),
        ({"seed": "march", "bars": None}, "The number of bars must be a whole number from 1 to 64, not None"),
        ({"seed": "march", "random_seed": -1}, "The random seed must be a whole number from 0"),
        ({"seed": "march", "tempo": 1000}, "The tempo must lie between 20 and 400"),
        ({"seed": "march", "instrument": "kazoo"}, "The instrument must be one of piano,"),
    ],
)
def test_a_bad_request_gets_an_error_that_says_why(client: Client, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AppError) as error:
        client.predict(**asked, api_name="/generate")
    assert sentence in str(error.value)


def test_own_music_is_continued_and_its_recipe_holds_it(client: Client, tunes: dict[str, Piece], tmp_path: Path) -> None:
    write_midi(tunes["waltz"], tmp_path / "mine.mid")
    answer = client.predict(file=handle_file(tmp_path / "mine.mid"), first_bar=1, last_bar=4, bars=2, api_name="/continue")
    seed, joined = read_midi(files_of(answer)[0]), read_midi(files_of(answer)[2])
    assert len(joined) > len(seed) > 0
    assert answer[-1]["own_seed"]["bars"] == [1, 4]
    notes = tunes["waltz"].notes
    upbeat = replace(tunes["waltz"], notes=notes[notes["onset"] >= 48].copy())
    write_midi(upbeat, tmp_path / "upbeat.mid")
    answer = client.predict(file=handle_file(tmp_path / "upbeat.mid"), first_bar=0, last_bar=3, bars=2, api_name="/continue")
    assert answer[-1]["own_seed"]["bars"] == [0, 3]
    with pytest.raises(AppError, match="Bars must lie between 0 and 7"):
        client.predict(file=handle_file(tmp_path / "upbeat.mid"), first_bar=4, last_bar=8, bars=2, api_name="/continue")
    for bad, sentence in (({"first_bar": 2}, "Give both"), ({"first_bar": 1, "last_bar": 99}, "A seed has 1 to 32 bars")):
        with pytest.raises(AppError, match=sentence):
            client.predict(file=handle_file(tmp_path / "mine.mid"), **bad, api_name="/continue")
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    with pytest.raises(AppError, match=r"broken\.mid"):
        client.predict(file=handle_file(tmp_path / "broken.mid"), api_name="/continue")


def test_bars_of_a_take_or_of_a_seed_are_written_anew(client: Client, small_checkpoint: Checkpoint, tmp_path: Path) -> None:
    made = files_of(client.predict(seed="march", bars=4, random_seed=4, api_name="/generate"))[2]
    answer = client.predict(first_bar=10, last_bar=11, file=handle_file(made), random_seed=5, api_name="/regenerate")
    old, new = (read_midi(path).notes for path in (made, files_of(answer)[2]))
    around = [notes[(notes["onset"] < 9 * 96) | (notes["onset"] >= 11 * 96)].tolist() for notes in (old, new)]
    assert around[0] == around[1]
    assert old.tolist() != new.tolist()
    assert (answer[-1]["regenerate"], answer[-1]["bars"]) == (10, 2)
    answer = client.predict(first_bar=3, last_bar=3, seed="march", random_seed=5, api_name="/regenerate")
    assert len(read_midi(files_of(answer)[0])) == (small_checkpoint.seeds[0].piece.notes["onset"] < 2 * 96).sum()
    long = small_checkpoint.seeds[0].piece
    for _ in range(3):  # 64 bars, more than a seed has
        long = join(long, long, line_after(long, round(long.end / 96)))
    write_midi(replace(long, notes=long.notes[long.notes["onset"] >= 72].copy()), tmp_path / "long.mid")  # after a pickup
    answer = client.predict(first_bar=40, last_bar=40, file=handle_file(tmp_path / "long.mid"), api_name="/regenerate")
    assert (answer[-1]["regenerate"], answer[-1]["bars"]) == (41, 1)
    for bad, sentence in (({"seed": "march"}, "Only bars 2 to 8"), ({}, "Give either a music file or the id")):
        with pytest.raises(AppError, match=sentence):
            client.predict(first_bar=8, last_bar=9, **bad, api_name="/regenerate")


def test_a_transposition_applies_to_seed_and_continuation(client: Client) -> None:
    plain, higher = (
        client.predict(seed="march", bars=2, random_seed=4, transposition=semitones, api_name="/generate") for semitones in (0, 3)
    )
    for at in (0, 1, 2):
        low, high = (read_midi(files_of(answer)[at]).notes for answer in (plain, higher))
        # What would leave the piano moves by octaves.
        moved = sorted((onset, (pitch + 3) % 12) for onset, pitch in low[["onset", "pitch"]].tolist())
        assert sorted((onset, pitch % 12) for onset, pitch in high[["onset", "pitch"]].tolist()) == moved


def test_the_seeds_are_listed_without_their_notes(client: Client) -> None:
    listed = client.predict(api_name="/seeds")
    assert [seed["id"] for seed in listed] == ["march", "waltz", "jig"]
    assert all(seed["licence"] and "notes" not in seed for seed in listed)


def test_the_composers_own_continuation_is_served_where_it_is_known(client: Client, small_checkpoint: Checkpoint) -> None:
    original = small_checkpoint.seeds[0].original
    assert original is not None
    served = read_midi(client.predict(seed="march", api_name="/original"))
    assert served.notes["pitch"].tolist() == original.piece.notes["pitch"].tolist()
    with pytest.raises(AppError, match="It is not known how Waltz goes on"):
        client.predict(seed="waltz", api_name="/original")


def test_the_votes_are_served_as_sums(client: Client) -> None:
    assert client.predict(api_name="/votes") == summary([])


def test_only_the_endpoints_for_programs_are_public(client: Client) -> None:
    api = client.view_api(return_format="dict", print_info=False)
    assert isinstance(api, dict)
    assert set(api["named_endpoints"]) == {"/generate", "/continue", "/regenerate", "/original", "/seeds", "/votes"}
    assert not api["unnamed_endpoints"]
    asked = [parameter["parameter_name"] for parameter in api["named_endpoints"]["/generate"]["parameters"]]
    first = ["seed", "diversity", "bars", "random_seed", "tempo", "instrument"]
    assert asked == [*first, "top_p", "loop_guard", "open_ended", "transposition"]


def test_no_files_of_a_request_stay_behind(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    client.predict(seed="march", bars=1, random_seed=1, api_name="/generate")
    with pytest.raises(AppError):
        client.predict(seed="march", bars=0, api_name="/generate")
    assert not list((tmp_path / "scratch").glob("musiclstm-*"))


def test_without_a_synthesizer_only_the_sounds_are_missing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    *paths, recipe = client.predict(seed="jig", bars=1, random_seed=1, api_name="/generate")
    assert [bool(path) for path in paths] == [True, True, True, False, False, False, True]
    assert recipe["seed"] == "jig"


def test_the_client_block_of_the_docs_runs(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    snippet = next(
        code for code in re.findall(r"```python\n(.*?)```", API.read_text(encoding="utf-8"), re.S) if "Client(" in code
    )
    here = snippet.replace("http://127.0.0.1:7860/", address).replace("mozart-k545-1", "march")
    assert here.count(address) == here.count("march") == 1
    exec(compile(here, "docs/api.md", "exec"), {})
    assert "joined.mid" in capsys.readouterr().out


def test_the_curl_lines_of_the_docs_give_the_files(address: str) -> None:
    lines = next(code for code in re.findall(r"```sh\n(.*?)```", API.read_text(encoding="utf-8"), re.S) if "curl" in code)
    here = lines.replace("http://127.0.0.1:7860/", address).replace("mozart-k545-1", "march")
    answer = subprocess.run(["bash", "-c", here], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    assert "event: complete" in answer
    assert "joined.mid" in answer


def test_the_endpoints_are_mcp_tools(engine: Engine, reader: MusicReader, samples: SampleLibrary) -> None:
    async def ask(address: str) -> tuple[list[str], Any]:
        async with (
            streamable_http_client(f"{address}gradio_api/mcp/") as (reading, writing, _),
            ClientSession(reading, writing) as s,
        ):
            await s.initialize()
            tools = [tool.name for tool in (await s.list_tools()).tools]
            return tools, await s.call_tool("generate", {"seed": "march", "bars": 1, "random_seed": 1})

    page = build_page(ActiveCheckpoint(engine), reader)
    address = launch(page, samples, prevent_thread_lock=True, quiet=True, mcp_server=True)
    with ThreadPoolExecutor(1) as beside:  # a browser in the same process has an event loop in this thread
        tools, answer = beside.submit(lambda: asyncio.run(ask(address))).result()
    page.close()
    assert tools == ["generate", "continue_music", "regenerate", "original", "seeds", "votes"]
    assert not answer.isError
    assert "joined.mid" in str(answer.content)


# Samples for the player


def fetch(address: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_the_page_serves_samples_that_browsers_may_keep(address: str) -> None:
    status, _, told = fetch(f"{address}samples/0")
    facts = json.loads(told)
    assert status == 200
    assert {21, 60, 108} <= set(facts["keys"])
    status, headers, sound = fetch(f"{address}samples/{facts['version']}/0/{facts['velocities'][0]}/60{facts['kind']}")
    assert (status, headers["content-type"]) == (200, "audio/mpeg")
    assert "immutable" in headers["cache-control"]
    assert len(sound) > 10_000


@pytest.mark.parametrize("path", ["samples/127", "samples/nonsense/0/92/60.mp3", "samples/..%2f..%2fetc/0/92/60.mp3"])
def test_there_are_no_other_samples(address: str, path: str) -> None:
    assert fetch(address + path)[0] == 404


def test_without_a_synthesizer_the_samples_say_what_to_install(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOUNDFONT_VARIABLE, "/nowhere/piano.sf2")
    status, _, told = fetch(f"{address}samples/0")
    assert status == 503
    assert "/nowhere/piano.sf2 is not a file" in json.loads(told)["detail"]


# Visitors over HTTP, as benchmarks/browsing.py sends them


def test_visitors_who_come_at_once_each_see_their_own_take_grow_and_get_its_files(address: str, engine: Engine) -> None:
    def come(random_seed: int) -> Seen:
        with Visitor(address) as visitor:
            visitor.arrive()
            return visitor.press("generate", {"bars": 4, "random-seed": random_seed, "fresh": False})

    numbers = (11, 12)
    with ThreadPoolExecutor(len(numbers)) as visitors:
        together = list(visitors.map(come, numbers))
    assert [seen.faults for seen in together] == [[]] * len(numbers)
    assert all(0 < (seen.first_notes or 0) <= (seen.files or 0) for seen in together)
    assert len({seen.joined for seen in together}) == len(numbers)
    assert together[1].joined == come(numbers[1]).joined


def test_a_link_shows_its_take_to_a_visitor_with_another_page(address: str) -> None:
    with Visitor(address) as visitor:
        visitor.arrive()
        seen, code = visitor.press("generate", {"bars": 4, "random-seed": 14, "fresh": False}), visitor.code
    with Visitor(address, recipe=code) as other:
        assert other.arrive().joined == seen.joined != b""


def test_of_visitors_a_bounded_number_is_remembered(page: Blocks, address: str) -> None:
    assert address
    assert isinstance(page.app.state_holder, LeanStateHolder)
    assert page.app.state_holder.capacity == MOST_SESSIONS == 500


def test_gradios_queue_has_what_is_set_here(page: Blocks, address: str) -> None:
    assert address
    for name in ("sleep_when_free", "progress_update_sleep_when_free", "ANAYLTICS_CACHE_FREQUENCY"):
        assert getattr(page._queue, name) > getattr(gr.Blocks().queue()._queue, name)


def test_the_page_gives_the_sign_of_life_that_containers_and_their_proxy_ask_for(address: str) -> None:
    proxy = (ROOT / "docker" / "haproxy.cfg").read_text(encoding="utf-8")
    (asked,) = re.findall(r"(?m)^ +http-check send meth GET uri /(\S+)$", proxy)
    with urllib.request.urlopen(address + asked) as answer:
        assert answer.status == 200


# The program


# What only developers install must not be needed.
PROGRAM = """
import runpy, sys
sys.modules |= dict.fromkeys(("pytest", "playwright", "mypy", "xdist", "importlinter"))
runpy.run_path("app.py", run_name="__main__")
"""


@contextmanager
def app_py(folder: Path, settings: dict[str, str], scratch: Path) -> Iterator[str]:
    """Run app.py in the folder of a Space and yield its address; afterwards it must end cleanly."""
    scratch.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Sounds are not the subject here: without FluidSynth on the path there are none.
    environment = {**os.environ, **settings, "PATH": "", "PYTHONPATH": "", "SYSTEM": "spaces"}
    environment |= {"GRADIO_SERVER_PORT": str(port), "TMPDIR": str(scratch)}
    app = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: app.poll() is not None or _answers(port))
        assert app.poll() is None
        yield f"http://127.0.0.1:{port}/"
    finally:
        app.terminate()
        assert app.wait(PATIENCE) == 0


@pytest.mark.programs
def test_the_folder_of_a_space_uses_the_bundled_checkpoint_until_the_one_on_the_hub_is_ready(
    small_checkpoint: Checkpoint, hub: LocalHub, tmp_path: Path
) -> None:
    save_checkpoint(small_checkpoint, tmp_path / "checkpoint", card="# Small")
    commit = hub.commit("anna/tiny", {path.name: path.read_bytes() for path in (tmp_path / "checkpoint").iterdir()}, tag="v1")
    for name, data in space_files(Pinned("anna/tiny", commit, PARTS)).items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / name).write_bytes(data)
    hub.status = 503  # for now
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    settings |= {"MUSICLSTM_REPO": "anna/tiny", "MUSICLSTM_REVISION": "v1"}
    with app_py(tmp_path / "space", settings, tmp_path / "scratch") as address:
        client = Client(address, verbose=False)
        assert "mozart-k545-1" in [seed["id"] for seed in client.predict(api_name="/seeds")]
        hub.repair()
        wait_until(lambda: [seed["id"] for seed in client.predict(api_name="/seeds")] == ["march", "waltz", "jig"], 0.5)
        *paths, recipe = client.predict(seed="march", bars=1, api_name="/generate")
        assert len(read_midi(paths[2]))
        assert recipe["revision"] == commit[:7]
        client.close()
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]  # it has cleaned up


def _answers(port: int) -> bool:
    """Whether the page is served. Gradio tries the port before it serves, so a connection alone says nothing."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_if_a_checkpoint_cannot_be_opened_the_bundled_one_is_used_and_the_note_says_why(engine: Engine) -> None:
    active = open_active_checkpoint("/no/such/folder")
    assert active.now.checkpoint.revision == "bundled"
    assert str(active.note).startswith("There is no checkpoint folder /no/such/folder")
    assert str(active.note).endswith("The page uses the bundled checkpoint instead.")
    active.close()
    assert "no/such/folder" in texts.masthead(engine.checkpoint, active.note)

    waiting = ActiveCheckpoint(engine)
    waiting.fetch("anna/not--a--name").join()
    assert waiting.now is engine
    assert "A repository on the Hub is named OWNER/NAME" in str(waiting.note)


def test_a_score_of_music_that_has_left_the_stage_meanwhile_is_not_shown(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    march, jig = engine.checkpoint.seeds[0], engine.checkpoint.seeds[2]
    session = Session(engine=engine, score=True, staged=march)
    assert "March" in file_events._engraved(session, 800)

    def slow(*arguments: Any) -> Any:
        session.staged = jig  # it is chosen meanwhile
        return opening_sheet(*arguments)

    monkeypatch.setattr(file_events, "opening_sheet", slow)
    assert file_events._engraved(session, 800) == gr.skip()
    session.turn += 1  # Generate was pressed, and the opening stays
    assert "Jig" in file_events._engraved(session, 800)
    session.score = False
    assert file_events._engraved(session, 800) == ""
