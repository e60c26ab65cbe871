"""Claim: whatever bytes a visitor sends, the answer is music or a sentence, in time, and other visitors notice nothing.

Sound files, recipes and links are damaged at random: bytes changed, lost, repeated and moved; numbers made huge, lines and words
doubled, dropped and swapped; links before and after they are packed. Each is read as an upload is, and a seed is cut from it or
its take shown, while another visitor asks for the page ten times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import Figure, cores, publish, section

COUNT = 10_000
SENDERS, BATCH = 4, 200  # files sent at the same time, and in a row
RECIPE, LINK, UNPACKED = ".json", ".link", ".unpacked"
MOST_CHANGES, MOST_BYTES = 6, 2_000_000
_BYTES = (b"\x00", b"\xff", b"\x80", b"\x7f", b"\xff" * 4, b"\x80" * 64, b"\x00" * 64)
_NUMBERS = ("0", "-1", "1e9", "999999999", "4294967296", "0.0000001", "NaN", "1/0")
_WORDS = (
    "\n",
    " ",
    "|:",
    ":|",
    "[",
    "]",
    "(",
    "{",
    "<",
    ">",
    "*^",
    "*v",
    "\t",
    "K:",
    "M:",
    "V:",
    "&",
    '"',
    "%",
    "\\",
    "é",
    "\x00",
)


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged file: ``kind`` of file, ``answer`` ("music", "sentence" or what went wrong), ``seconds``."""

    kind: str
    answer: str
    seconds: float


def main() -> None:
    """Damage, read, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--random-seed", type=int, default=1)
    options = parser.parse_args()
    from musiclstm.api import open_checkpoint
    from musiclstm.formats import MusicReader
    from musiclstm.limits import READ_SECONDS
    from musiclstm.render.samples import SampleLibrary
    from musiclstm.ui.active_checkpoint import ActiveCheckpoint
    from musiclstm.ui.engine import Engine
    from musiclstm.ui.page import build_page, launch

    checkpoint = open_checkpoint()
    engine = Engine(checkpoint)
    with MusicReader() as reader, tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        reader.warm_up()
        page = build_page(ActiveCheckpoint(engine), reader)
        address = launch(page, SampleLibrary(Path(folder)), prevent_thread_lock=True, quiet=True)
        files = damaged(sound(), options.count, np.random.default_rng(options.random_seed))
        left, outcomes, memory = _temporary(Path(folder)), list[Outcome](), []
        with visiting(address) as waits, ThreadPoolExecutor(SENDERS) as senders:
            while batch := list(islice(files, BATCH)):
                outcomes += senders.map(lambda file: read(checkpoint, reader.read, Path(folder), *file), batch)
                memory.append(_megabytes())
        grown, forgotten = memory[-1] - memory[0], _temporary(Path(folder)) - left
        page.close()
    engine.close()
    answers = Counter(outcome.answer for outcome in outcomes)
    wrong = {answer: count for answer, count in answers.items() if answer not in ("music", "sentence")}
    figures = [
        Figure("damaged files", len(outcomes)),
        Figure("read as music", answers["music"]),
        Figure("refused with a sentence", answers["sentence"]),
        Figure("anything else", sum(wrong.values()), most=0),
        Figure("the slowest answer", max(outcome.seconds for outcome in outcomes), "s", most=READ_SECONDS + 1.5),
        Figure("the longest wait of another visitor", max(waits), "s", most=1),
        Figure(f"growth of the page's process after the first {BATCH} files", grown, "MB", most=100),
        Figure("temporary files left", forgotten, most=0),
    ]
    slowest = sorted(outcomes, key=lambda outcome: -outcome.seconds)[:5]
    notes = [
        "Slowest: " + ", ".join(f"{outcome.kind} {outcome.seconds:.2f} s ({outcome.answer})" for outcome in slowest) + ".",
        *(f"{count} times: {answer}" for answer, count in wrong.items()),
    ]
    claim, libraries = (__doc__ or "").splitlines()[0], ("gradio", "music21", "verovio", "pebble")
    publish("Damaged files", section(claim, figures, notes=notes, threads=f"{cores()} cores", libraries=libraries))


def sound() -> dict[str, list[bytes]]:
    """Sound files to start from, by their ending, recipes and links."""
    from musiclstm.formats import midi_bytes, musicxml_text, parse_abc
    from musiclstm.generation import link_from_recipe, unpacked
    from musiclstm.seeds import seed_from_piece

    tunes = [
        "X:1\nT:Tune\nC:Trad\nM:4/4\nL:1/8\nQ:1/4=96\nK:Dm\nV:1\n|:DEF^G A2(3Bcd|[DFA]4 z2{c}d2:|\n|1 d>c B2|2 D8|]\n",
        "X:1\nT:Two\nM:6/8\nL:1/8\nK:G\n%%staves {1 2}\nV:1\nGAB d2e|[M:3/4]dBG AG & D4 z2|\nV:2 clef=bass\nG,3 D,3|Z|\nw:la\n",
    ]
    kern = (
        "!!!COM: Bach\n!!!OTL: Air\n**kern\t**kern\t**dynam\n*M3/4\t*M3/4\t*\n*k[f#]\t*k[f#]\t*\n=1\t=1\t=1\n"
        "4G\t8d 8b\tp\n.\t8c\t.\n"
        "*^\t*\t*\n4A\t2F#\t4a\t.\n4B\t.\t[4g\t.\n*v\t*v\t*\t*\n=2\t=2\t=2\n2.G\t2.g]\tf\n==\t==\t==\n*-\t*-\t*-\n"
    )
    piece = parse_abc(tunes[0], "tune.abc")
    score = musicxml_text(piece)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>')
        archive.writestr("a.xml", score)
    recipe = {"program": "musiclstm", "seed": "own", "own_seed": seed_from_piece(piece).to_json(), "bars": 8, "random_seed": 3}
    links = _links(seed_from_piece(piece))
    return {
        ".mid": [midi_bytes(piece), midi_bytes(piece, text="words")],
        ".abc": [tune.encode() for tune in tunes],
        ".krn": [kern.encode()],
        ".musicxml": [score.encode()],
        ".mxl": [packed.getvalue()],
        RECIPE: [json.dumps(recipe).encode()],
        LINK: [link.encode() for link in (*links, link_from_recipe(recipe))],
        UNPACKED: [unpacked(link) for link in links],
    }


def _links(seed: Any) -> list[str]:
    """Links to takes that no model wrote, the seed once more after itself: at once, and in two steps."""
    from musiclstm.generation import ComposeRequest, Composition, Take, link_of, seed_digest
    from musiclstm.music import bar_lines, join

    bars = len(bar_lines(seed.piece, seed.end)) - 1
    joined = join(seed.piece, seed.piece, seed.end)
    take, request = Take(seed.piece, joined, loops=0, guarded=0), ComposeRequest(seed, bars=bars)
    made = {"program": "musiclstm", "seed": seed.id, "own_seed": seed.to_json(), "seed_digest": seed_digest(seed), "takes": 1}
    first = {key: value for key, value in made.items() if key != "own_seed"} | {"bars": 1}
    steps = {"bars": bars - 1, "after": {"recipe": first, "number": 0, "bars": 1}}
    recipes = (made | {"bars": bars}, made | steps)
    return [link_of(Composition(request, seed.piece, seed.end, (take,), bars, bars, True, each), take) for each in recipes]


def damaged(files: Mapping[str, Sequence[bytes]], count: int, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """``count`` damaged files with their endings, of each kind in turn."""
    endings = list(files)
    for number in range(count):
        ending = endings[number % len(endings)]
        data = files[ending][int(rng.integers(len(files[ending])))]
        changes: Sequence[Callable[[bytes, np.random.Generator], bytes]] = (_bytes_changed,)
        if ending not in (".mid", ".mxl", LINK):
            changes = (_bytes_changed, _number_changed, _words_changed, _lines_changed)
        for _ in range(int(rng.integers(1, MOST_CHANGES + 1))):
            data = changes[int(rng.integers(len(changes)))](data, rng)[:MOST_BYTES]
        yield ending, data


def _bytes_changed(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes lost, repeated, moved to the end, replaced or joined by others."""
    first, last = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
    last = min(last, first + int(rng.choice([1, 4, 64, len(data) + 1])))
    head, part, tail = data[:first], data[first:last], data[last:]
    other = _BYTES[int(rng.integers(len(_BYTES)))]
    ways = (head + tail, head + part * 3 + tail, head + tail + part, head + other + tail, head + part + other + tail, head)
    return ways[int(rng.integers(len(ways)))]


def _number_changed(data: bytes, rng: np.random.Generator) -> bytes:
    numbers = list(re.finditer(rb"\d+", data))
    if not numbers:
        return data
    found, new = numbers[int(rng.integers(len(numbers)))], _NUMBERS[int(rng.integers(len(_NUMBERS)))]
    return data[: found.start()] + new.encode() + data[found.end() :]


def _words_changed(data: bytes, rng: np.random.Generator) -> bytes:
    place, word = int(rng.integers(len(data) + 1)), _WORDS[int(rng.integers(len(_WORDS)))].encode()
    return data[:place] + word * int(rng.choice([1, 2, 1_000])) + data[place:]


def _lines_changed(data: bytes, rng: np.random.Generator) -> bytes:
    """A line or an element lost, repeated or moved."""
    parts = re.split(rb"(?<=[\n>])", data)
    place, other = (int(place) for place in rng.integers(len(parts), size=2))
    part = parts[place : place + int(rng.choice([1, 3]))]
    ways = (parts[:place] + parts[place + 1 :], parts[:place] + part * int(rng.choice([2, 200])) + parts[place:])
    return b"".join(ways[int(rng.integers(2))] if rng.random() < 0.7 else parts[:other] + part + parts[other:])


def read(checkpoint: Any, reader: Callable[[Path], Any], folder: Path, ending: str, data: bytes) -> Outcome:
    """Read one damaged file as the page does, cut a seed from it, draw it and write its score."""
    from musiclstm.api import request_from
    from musiclstm.errors import MusicLSTMError
    from musiclstm.formats import musicxml_text
    from musiclstm.generation import packed, read_recipe
    from musiclstm.music import Performance
    from musiclstm.seeds import seed_from_piece
    from musiclstm.ui.pictures import waiting_roll

    began = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=ending) as file:
        file.write(data)
        file.flush()
        try:
            if ending == RECIPE:
                request_from(checkpoint, read_recipe(Path(file.name)))
            elif ending in (LINK, UNPACKED):
                _open(checkpoint, packed(data) if ending == UNPACKED else data.decode("latin-1"))
            else:
                seed = seed_from_piece(reader(Path(file.name)))
                musicxml_text(seed.piece), waiting_roll(seed, 16, Performance())
            answer = "music"
        except MusicLSTMError as error:
            answer = "sentence" if len(str(error).splitlines()) == 1 else f"several lines: {error}"
        except Exception as error:  # noqa: BLE001  what it looks for
            answer = f"{type(error).__name__}: {error}"[:200]
    return Outcome(ending, answer, time.perf_counter() - began)


def _open(checkpoint: Any, link: str) -> None:
    """Open a link as the page does, and draw its take."""
    from musiclstm.api import open_link, request_from
    from musiclstm.generation import recipe_from_link
    from musiclstm.ui.pictures import take_roll
    from musiclstm.ui.results import result_of
    from musiclstm.ui.story import take_story
    from musiclstm.ui.texts import take_heading

    composition = open_link(checkpoint, link)
    if composition is None:
        request_from(checkpoint, recipe_from_link(link))
        return
    shown = result_of([composition]).shown
    take_roll(shown), take_heading(composition), take_story(shown, checkpoint)


class visiting:  # noqa: N801  a context manager
    """Another visitor: gives the list of seconds for which each of their visits to ``address`` lasted."""

    def __init__(self, address: str) -> None:
        self._address, self._waits, self._left = address, [0.0], threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> list[float]:
        self._thread.start()
        return self._waits

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._left.wait(0.1):
            began = time.perf_counter()
            urllib.request.urlopen(self._address, timeout=60).read()  # noqa: S310  the page's own address
            self._waits.append(time.perf_counter() - began)


def _megabytes() -> float:
    """What this process holds in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _temporary(folder: Path) -> int:
    return sum(1 for path in folder.parent.iterdir() if path.name.startswith(("musiclstm", "tmp"))) + sum(
        1 for _ in folder.iterdir()
    )


if __name__ == "__main__":
    main()
