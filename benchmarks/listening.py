"""Claim: the page sounds within 0.3 s of the click, plays on without a gap while the music is written, and as loud as its files.

In Chromium, on a warm page, for several seeds. What the page's player puts out is recorded in the page: the times count from the
click on Generate, with the latency that the browser reports for its output. The same music is then rendered by the server, and
both are compared: loudness by ITU-R BS.1770, and the levels of third-octave bands.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Figure, publish, section

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from musiclstm.render.audio import Audio
    from musiclstm.seeds import Seed
    from musiclstm.ui.engine import Engine

FLAGS = ("--no-sandbox", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required")
PATIENCE = 180_000.0  # milliseconds
BANDS = 1000 * 2.0 ** (np.arange(-12, 9) / 3)  # Hz, third octaves from 62 Hz to 6.3 kHz
# Record what the player puts out, and when Generate was pressed, by the same clock.
RECORD = """async () => {
  const { sampler } = window.musiclstm;
  sampler.wake();
  const output = sampler.output(), { context } = output;
  const tap = context.createScriptProcessor(2048, 2, 2);
  const log = (window.recorded = { chunks: [], began: null, click: null, rate: context.sampleRate, late: 0 });
  log.late = context.baseLatency + (context.outputLatency || 0);
  tap.onaudioprocess = ({ inputBuffer, playbackTime }) => {
    log.began ??= playbackTime;
    log.chunks.push([0, 1].map((channel) => inputBuffer.getChannelData(channel).slice()));
  };
  output.connect(tap).connect(context.destination);
  document.querySelector("#generate").addEventListener("click", () => (log.click = context.currentTime), { capture: true });
}"""
RECORDED = """() => {
  const { chunks, began, click, rate, late } = window.recorded;
  const all = new Float32Array(chunks.length * 4096);
  chunks.forEach(([left, right], place) => left.forEach((value, i) => {
    all[place * 4096 + 2 * i] = value;
    all[place * 4096 + 2 * i + 1] = right[i];
  }));
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return { sound: btoa(text), began, click, rate, late, waited: Number(document.body.dataset.waited ?? 0) };
}"""


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/classical-piano"), metavar="DIR")
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5, help="how many of the checkpoint's seeds, evenly spread")
    options = parser.parse_args()
    engine = warm_engine(options.checkpoint)
    chosen = spread(engine.checkpoint.seeds, options.seeds)
    with serving(engine) as page:
        heard = [listen(page, seed.title, options.bars) for seed in chosen]
    engine.close()
    loudness = [one["page"] - one["file"] for one in heard]
    figures = [
        Figure("from the click to the first sound, median", 1000 * median(one["first"] for one in heard), "ms", most=300),
        Figure("the same, the slowest", 1000 * max(one["first"] for one in heard), "ms", most=300),
        Figure("from the click to the first new notes on the roll, median", 1000 * median(one["notes"] for one in heard), "ms"),
        Figure("from the click to the whole take, median", median(one["whole"] for one in heard), "s"),
        Figure("from the click to the score as PDF, median", median(one["pdf"] for one in heard), "s"),
        Figure("from the click to two bars written anew, three versions, median", median(one["rewrite"] for one in heard), "s"),
        Figure("times that the music waited for notes", sum(one["waited"] for one in heard), most=0),
        Figure("pauses over 0.3 s that the music does not have", sum(one["pauses"] for one in heard), most=0),
        Figure("loudness, page minus file: median", median(loudness), "LU"),
        Figure("loudness, page minus file: the largest difference", max(loudness, key=abs), "LU"),
        Figure("third-octave bands, page minus file: median difference", median(one["bands"] for one in heard), "dB"),
    ]
    notes = [f"{options.bars} bars after each of {len(chosen)} openings of {engine.checkpoint.name}, on the piano."]
    publish(
        "Listening",
        section(__doc__.splitlines()[0], figures, notes=notes, threads="as the app runs", libraries=("gradio", "playwright")),
    )


def warm_engine(checkpoint: Path) -> Engine:
    """The engine of a page with the checkpoint in a folder, its decoder compiled in a process of its own."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
    from musiclstm.api import open_checkpoint
    from musiclstm.model import ModelProcess
    from musiclstm.ui.engine import Engine

    engine = Engine(open_checkpoint(checkpoint, apart=ModelProcess))
    engine.warm_up().result()
    return engine


def spread(seeds: Sequence[Seed], count: int) -> list[Seed]:
    """So many of the seeds, evenly spread."""
    return [seeds[index * len(seeds) // count] for index in range(count)]


@contextmanager
def serving(engine: Engine) -> Iterator[Page]:
    """A page in Chromium, ready to sound."""
    from playwright.sync_api import sync_playwright

    from musiclstm.formats import MusicReader
    from musiclstm.render.samples import SampleLibrary
    from musiclstm.ui.active_checkpoint import ActiveCheckpoint
    from musiclstm.ui.page import build_page, launch

    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder, MusicReader() as reader, sync_playwright() as playwright:
        samples = SampleLibrary(Path(folder))
        samples.warm_up()
        blocks = build_page(ActiveCheckpoint(engine), reader)
        address = launch(blocks, samples, prevent_thread_lock=True, quiet=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium-headless-shell"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.wait_for_function("document.querySelector('#player .play')?.disabled === false")
        page.wait_for_timeout(2000)
        yield page
        browser.close()
        blocks.close()


def listen(page: Page, title: str, bars: int) -> dict[str, float]:
    """Choose an opening, generate, and listen to the end."""
    page.click("#seed input")
    page.get_by_role("option", name=title).first.click()
    page.wait_for_function("title => document.querySelector('#heading').innerText.includes(title)", arg=title)
    page.fill("#bars input[type=number]", str(bars))
    page.press("#bars input[type=number]", "Tab")
    page.wait_for_timeout(3000)  # its samples come
    page.evaluate("musiclstm.player.pause()")
    page.wait_for_timeout(1500)  # the room falls silent
    page.evaluate(RECORD)
    page.wait_for_timeout(200)
    began = "window.pressed = performance.now()"
    page.evaluate(f"document.querySelector('#generate').addEventListener('click', () => {{ {began}; }}, {{ once: true }})")
    page.click("#generate")
    page.wait_for_function("document.querySelector('#roll .growing .continuation rect, #roll svg .continuation rect')")
    notes = page.evaluate("performance.now() - window.pressed")
    page.wait_for_function("document.querySelector('#generate').innerText === 'Generate' && !document.querySelector('.growing')")
    whole = page.evaluate("performance.now() - window.pressed")
    page.wait_for_function("!musiclstm.player.isPlaying()")
    page.wait_for_timeout(1500)
    answer = page.evaluate(RECORDED)
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        path = Path(folder) / "joined.wav"
        with page.expect_download() as started:
            page.click("#get-audio")
        started.value.save_as(path)
        times = {"notes": notes / 1000, "whole": whole / 1000, **asked_for(page)}
        return {**times, "waited": answer["waited"], **compared(answer, path)}


def asked_for(page: Page) -> dict[str, float]:
    """Seconds from the click to the score as PDF, and to three other versions of the last two bars."""
    began = time.monotonic()
    with page.expect_download():
        page.click("#get-score-pdf")
    pdf = time.monotonic() - began
    bars = page.evaluate("document.querySelector('#roll svg').dataset.bars.split(' ').map(Number)")
    page.evaluate("tick => musiclstm.player.seekTick(tick)", bars[-3])
    page.focus("#roll .html-container")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("#rewrite:visible")
    began = time.monotonic()
    page.click("#rewrite")
    page.wait_for_function("document.querySelectorAll('#cards .card').length === 3 && !document.querySelector('.growing')")
    return {"pdf": pdf, "rewrite": time.monotonic() - began}


def compared(answer: dict[str, Any], path: Path) -> dict[str, float]:
    """The recorded sound beside the file's."""
    import soundfile

    from musiclstm.render.audio import Audio

    data = np.frombuffer(base64.b64decode(answer["sound"]), np.float32).reshape(-1, 2)
    rate = round(answer["rate"])
    loud = np.flatnonzero(np.abs(data).max(axis=1) > 1e-3)
    first = answer["began"] + loud[0] / rate - answer["click"] + answer["late"]
    samples, file_rate = soundfile.read(path, dtype="float32")
    page, file = Audio(data[loud[0] :].copy(), rate), Audio(samples, file_rate)
    bands = float(np.median(np.abs(_bands(page) - _bands(file))))
    return {"first": first, "page": _loudness(page), "file": _loudness(file), "bands": bands, "pauses": _pauses(page, file)}


def _loudness(audio: Audio) -> float:
    import pyloudnorm

    return float(pyloudnorm.Meter(audio.rate).integrated_loudness(audio.samples))


def _bands(audio: Audio) -> NDArray[np.float64]:
    """The level of each band in dB."""
    spectrum = np.abs(np.fft.rfft(audio.samples.mean(axis=1))) ** 2
    frequency = np.fft.rfftfreq(len(audio.samples), 1 / audio.rate)
    power = [spectrum[(frequency >= band / 2 ** (1 / 6)) & (frequency < band * 2 ** (1 / 6))].sum() for band in BANDS]
    return 10 * np.log10(np.array(power) / sum(power) + 1e-12)


def _pauses(page: Audio, file: Audio) -> int:
    """How many times the page is silent for 0.3 s where the file is not."""

    def quiet(audio: Audio) -> int:
        size = round(0.3 * audio.rate)
        count = len(audio.samples) // size - 8  # the end rings out
        levels = [float(np.abs(audio.samples[i * size : (i + 1) * size]).max()) for i in range(max(0, count))]
        return sum(level < 2e-3 for level in levels)

    return max(0, quiet(page) - quiet(file))


if __name__ == "__main__":
    main()
