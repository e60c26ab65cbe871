"""Claim: a key sounds within 30 ms, and in a duet the model's answer begins within half a second of the phrase's end.

In Chromium, with a checkpoint at work. Keys: on the screen, on the computer, and messages of a MIDI keyboard; from the time that
the event carries to the first sample of the page's output above -80 dB, with the latency that the browser reports for its output.
What a sound card adds is not in it.

Answers: the first bars of several openings are played by MIDI messages, in their time, as turns of a duet. A phrase is over after
two beats without a finger on a key, one second at least and 2.5 at most, or at once by the button Answer now. From that moment to
the start of the first note of the answer, with the same latency.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.listening import serving, spread, warm_engine
from benchmarks.report import Figure, publish, section

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from musiclstm.seeds import Seed

BARS = 2  # of a phrase
TURNS = 4  # of a duet: the phrase is over after a silence, by the button, and so on
STROKES = 25
# A MIDI keyboard that the script plays: one message, or a phrase in its time.
PIANO = """() => {
  const input = { name: "Piano of the benchmark", onmidimessage: null };
  navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", input]]), onstatechange: null });
  window.midi = (...data) => input.onmidimessage({ data, timeStamp: performance.now() });
  window.phrase = (notes) => {
    for (const [at, seconds, key, velocity] of notes) {
      setTimeout(() => midi(0x90, key, velocity), 1000 * at);
      setTimeout(() => midi(0x80, key, 0), 1000 * (at + seconds));
    }
  };
}"""
# Note the first loud sample of the output, and the events and clocks that came before it.
RECORD = """async () => {
  const output = window.musiclstm.sampler.output(), { context } = output;
  const code = `registerProcessor("first", class extends AudioWorkletProcessor {
    constructor() { super(); this.port.onmessage = () => { this.armed = true; }; }
    process([input]) {
      if (!this.armed || !input.length) return true;
      const found = input[0].findIndex((value, i) => input.some((channel) => Math.abs(channel[i]) > 1e-4));
      if (found >= 0) { this.armed = false; this.port.postMessage((currentFrame + found) / sampleRate); }
      return true;
    }
  })`;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const first = (window.first = new AudioWorkletNode(context, "first", { numberOfOutputs: 0 }));
  output.connect(first);
  window.late = () => context.baseLatency + (context.outputLatency || 0);
  first.port.onmessage = ({ data }) => (window.sounded = data);
  window.noted = null;
  const note = (at) => (window.noted ??= { waited: (performance.now() - at) / 1000, now: context.currentTime });
  const heard = (event) => note(event.timeStamp);
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, heard, { capture: true });
  const { midi } = window;
  window.midi = (...data) => {
    note(performance.now());
    midi(...data);
  };
}"""
ARM = "() => { window.noted = window.sounded = null; window.first.port.postMessage(0); }"
LATENCY = "() => window.sounded - window.noted.now + window.noted.waited + window.late()"
# The share of the time in which there was no sound because it was not ready.
DRY = """() => {
  const stats = window.musiclstm.sampler.output().context.playbackStats;
  return stats ? stats.underrunDuration / stats.totalDuration : null;
}"""
# Note when the first sound after the end of a phrase starts.
STARTS = """() => {
  const { start } = AudioBufferSourceNode.prototype;
  window.begun = null;
  AudioBufferSourceNode.prototype.start = function (at, ...rest) {
    const ahead = Math.max(0, at - this.context.currentTime) + this.context.baseLatency + (this.context.outputLatency || 0);
    if (document.querySelector(".keys").dataset.duet === "answer") window.begun ??= performance.now() + 1000 * ahead;
    return start.call(this, at, ...rest);
  };
}"""


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/classical-piano"), metavar="DIR")
    parser.add_argument("--openings", type=int, default=6, help="how many of the checkpoint's openings, evenly spread")
    options = parser.parse_args()
    engine = warm_engine(options.checkpoint)
    chosen = spread(engine.checkpoint.seeds, options.openings)
    load = os.getloadavg()[0]
    with serving(engine) as page:
        page.evaluate(PIANO)
        page.click("#play-a-duet")
        page.click("#keys .midi")
        page.wait_for_timeout(6000)  # the samples of all keys come
        page.click("#keys .duet")
        strokes = keys(page)
        page.evaluate(STARTS)
        turns = [each for seed in chosen for each in played(page, seed)]
        dry = page.evaluate(DRY)
    engine.close()
    silence, button = ([late for how, late, _ in turns if how == which] for which in ("silence", "button"))
    found = [beat / (60 / tempo) for _, _, (beat, tempo) in turns]
    figures = [
        *([] if dry is None else [Figure("time in which the output ran dry", 100 * dry, "%", most=0.1)]),
        *(Figure(f"from {name} to its sound, median", median(times), "ms", most=30) for name, times in strokes.items()),
        Figure("the same, the slowest of all", max(max(times) for times in strokes.values()), "ms", most=30),
        Figure("from the end of a phrase, after a silence, to the answer: median", median(silence), "ms", most=500),
        Figure("the same, the slowest", max(silence), "ms", most=500),
        Figure("from the end of a phrase, by the button, to the answer: median", median(button), "ms", most=500),
        Figure("the same, the slowest", max(button), "ms", most=500),
        Figure(
            "answers in the tempo that was played, or with twice or half its beat", 100 * sum(map(same, found)) / len(found), "%"
        ),
    ]
    notes = [
        f"{STROKES} strokes of each kind; duets of {TURNS} turns with {BARS}-bar phrases of {len(chosen)} openings of "
        f"{engine.checkpoint.name}, {len(turns)} answers.",
        f"Average load of the machine when it began: {load:.1f}; niceness of the app and the browser: {os.nice(0)}.",
    ]
    publish(
        "Duet",
        section(__doc__.splitlines()[0], figures, notes=notes, threads="as the app runs", libraries=("gradio", "playwright")),
    )


def same(ratio: float) -> bool:
    """Whether a beat is the one that was played, or twice or half as long."""
    return any(abs(ratio / factor - 1) < 0.04 for factor in (0.5, 1, 2))


def keys(page: Page) -> dict[str, list[float]]:
    """Milliseconds from each of some strokes to its sound."""
    page.evaluate(RECORD)
    box = page.locator(".keys [data-key='64']").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 10)
    kinds: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "a key on the screen": (page.mouse.down, page.mouse.up),
        "a key of the computer": (lambda: page.keyboard.down("d"), lambda: page.keyboard.up("d")),
        "a message of a MIDI keyboard": (lambda: page.evaluate("midi(0x90, 64, 80)"), lambda: page.evaluate("midi(0x80, 64, 0)")),
    }
    times: dict[str, list[float]] = {}
    for name, (press, release) in kinds.items():
        times[name] = []
        for _ in range(STROKES):
            page.evaluate(ARM)
            page.wait_for_timeout(50)
            press()
            page.wait_for_function("window.sounded !== null")
            times[name].append(1000 * float(page.evaluate(LATENCY)))
            release()
            page.wait_for_timeout(1600)  # the room falls silent
    return times


def played(page: Page, seed: Seed) -> list[tuple[str, float, tuple[float, float]]]:
    """A duet with an opening: how each phrase ended, milliseconds to the answer, the beat in it and the tempo that was played."""
    from musiclstm.music import bar_lines

    lines = bar_lines(seed.piece, seed.end)
    page.click("#keys .duet")
    metres = page.locator(".keys .beat-metre option").all_inner_texts()
    page.select_option(".keys .beat-metre", seed.metre if seed.metre in metres else "4/4")
    found = []
    for turn in range(TURNS):
        first = turn * BARS % (len(lines) - BARS)
        notes = _in_time(seed, int(lines[first]), int(lines[first + BARS]))
        quarters = seed.piece.metres[0].beat_ticks / 24
        found.append(_turn(page, notes, by_button=turn % 2 == 1, tempo=seed.tempo / quarters))
    page.click("#keys .duet")
    page.wait_for_timeout(1000)
    return found


def _in_time(seed: Seed, begin: int, end: int) -> list[list[float]]:
    """Some ticks of an opening: seconds from the first note, seconds that it is held, key and velocity of each note."""
    notes = [note for note in seed.piece.notes.tolist() if begin <= note[0] < end]
    second = seed.piece.seconds
    start = second(notes[0][0])
    return [
        [second(onset) - start, 0.95 * (second(onset + duration) - second(onset)), pitch, velocity]
        for onset, pitch, duration, velocity in notes
    ]


def _turn(page: Page, notes: list[list[float]], *, by_button: bool, tempo: float) -> tuple[str, float, tuple[float, float]]:
    """Play a phrase, and hear the answer out for two seconds."""
    page.evaluate("notes => { window.begun = null; window.phrase(notes); }", notes)
    if by_button:
        page.wait_for_timeout(1000 * max(at + length for at, length, *_ in notes) + 50)
        page.click("#keys .answer")
    page.wait_for_function("window.begun !== null")
    late = float(page.evaluate("window.begun - musiclstm.duet.over()"))
    beat = json.loads(page.get_attribute("#duet-answer [data-facts]", "data-facts") or "{}")["beat"]
    page.wait_for_timeout(2000)
    if page.get_attribute("#keys .keys", "data-duet") == "answer":
        page.click("#keys .answer")
    page.wait_for_timeout(1500)
    return "button" if by_button else "silence", late, (beat, tempo)


if __name__ == "__main__":
    main()
