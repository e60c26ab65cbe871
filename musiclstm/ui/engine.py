"""The work behind the page's buttons: a warm decoder, the sound of seeds, takes as they grow. Knows no widgets.

One engine serves all visitors. What it keeps is the same for everyone: the checkpoint, the sounds of its seeds, and one finished
example. What one visitor asked for goes in and out by arguments.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import CheckpointError, MissingToolError
from musiclstm.generation import ComposeRequest, Composition, TakeFiles, compose, compose_stream, take_recipe, write_take
from musiclstm.music import Voice, estimate_key, voices_of
from musiclstm.render.audio import Audio, normalise, synthesize, write_wav
from musiclstm.seeds import Seed
from musiclstm.ui.pictures import sounding, sounding_seed
from musiclstm.ui.results import Result, Shown

STOPPED = "Stopped before the first bar."
EXAMPLES = 8  # tried at most, until one is good enough to greet a visitor
KEPT_SOUNDS = 48  # all seeds of the bundled checkpoint and some at other tempi; 20 s of stereo floats take 7 MB


@dataclass(frozen=True)
class Progress:
    """What there is to show while takes are made: a line of words, the share that is done (None: unknown), what is written of the
    latest, and in the last progress the result.
    """

    said: str
    share: float | None
    composition: Composition | None
    result: Result | None = None


@dataclass(frozen=True)
class Example:
    """A finished take and its files, which everyone may read."""

    result: Result
    files: TakeFiles


class Engine:
    """A checkpoint ready to play. ``first`` is the seed that greets a visitor.

    Raises CheckpointError for a checkpoint without seeds.
    """

    def __init__(self, checkpoint: Checkpoint, *, bars: int = 16) -> None:
        if not checkpoint.seeds:
            raise CheckpointError(f"The checkpoint {checkpoint.name} has no seeds to choose from; the page needs one with seeds.")
        self.checkpoint = checkpoint
        self.first = checkpoint.seeds[0]
        self._bars = bars
        self._folder = tempfile.TemporaryDirectory(prefix="musiclstm-example-")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="warm-up")
        self._warm: Future[None] | None = None
        self._example: Example | None = None
        self._sounds: OrderedDict[tuple[str, float, tuple[Voice, ...], int], Audio] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def warm_up(self) -> Future[None]:
        """Begin, once, to compile the decoder in the background; it is done when the future is. Then the example is made."""
        with self._lock:
            if self._warm is None:
                self._warm = self._worker.submit(self._compile)
                self._worker.submit(self._make_example)
                self._worker.submit(self._render_seeds)
            return self._warm

    def close(self) -> None:
        """Stop warming up; the example's files go."""
        self._closed = True
        self._worker.shutdown(cancel_futures=True)
        self._folder.cleanup()

    @property
    def example(self) -> Example | None:
        """The example, once it is there."""
        return self._example

    def sound(self, seed: Seed, instrument: str, tempo: float | None, transposition: int = 0) -> Audio:
        """The seed as the synthesizer plays it, from memory if it was heard lately. Raises what ``synthesize`` raises."""
        voices = voices_of(instrument)
        key = (_digest(seed), tempo or seed.tempo, voices, transposition)
        with self._lock:
            if key in self._sounds:
                self._sounds.move_to_end(key)
                return self._sounds[key]
        sound = synthesize(sounding_seed(seed, tempo, transposition), voices=voices)
        with self._lock:
            self._sounds[key] = sound
            while len(self._sounds) > KEPT_SOUNDS:
                self._sounds.popitem(last=False)
        return sound

    def write_preview(
        self, folder: Path, seed: Seed, instrument: str, tempo: float | None = None, transposition: int = 0
    ) -> Path:
        """The seed alone as seed.wav in ``folder``. Raises what ``synthesize`` raises."""
        path = folder / "seed.wav"
        write_wav(normalise([self.sound(seed, instrument, tempo, transposition)])[0], path)
        return path

    def perform(self, requests: Sequence[ComposeRequest], stopped: Callable[[], bool]) -> Iterator[Progress]:
        """Takes as they grow, one request after the other. When ``stopped`` answers True the whole bars written so far are kept.

        The last progress has the result, or None if it was stopped before anything was written. The first run of a program waits
        for the decoder to be compiled.
        """
        for seconds in self._until_warm():
            if stopped():
                yield Progress(STOPPED, None, None)
                return
            yield Progress(f"Warming up, once after a start: {seconds} s so far, some 20 in all.", None, None)
        finished: list[Composition] = []
        began = time.monotonic()
        for request in requests:
            before = request.total_bars - request.bars
            for composition in compose_stream(self.checkpoint, request):
                latest, new = composition, composition.bars - before
                share = (len(finished) + new / request.bars) / len(requests)
                which = f"Take {len(finished) + 1} of {len(requests)}, bar" if len(requests) > 1 else "Bar"
                said = f"{which} {min(new + 1, request.bars)} of {request.bars}{_time_left(time.monotonic() - began, share)}"
                yield Progress(said, share, composition)
                if stopped() and new and not composition.finished:
                    # Asking for these bars of a piece as long as before gives the same notes, and a recipe that is true.
                    shorter = replace(request, bars=new, ending=request.ending or request.bars)
                    latest = compose(self.checkpoint, shorter)
                    break
            if latest.finished:
                finished.append(latest)
            if stopped():
                break
        if not finished:
            yield Progress(STOPPED, None, None)
            return
        yield Progress("Making the sound", 1.0, finished[0], result_of(finished))

    def write(self, folder: Path, shown: Shown, *, audio: bool = True, score: bool = False) -> TakeFiles:
        """The files of a take, in ``folder``; without FluidSynth there is a ``note`` and no sound."""
        composition, take = sounding(shown)
        request, sound = composition.request, None
        if audio:
            try:
                sound = self.sound(request.seed, request.instrument, request.tempo, request.transposition)
            except MissingToolError:
                sound = None  # write_take meets the same error and keeps its sentence
        return write_take(
            folder,
            composition.seed,
            take.continuation,
            take.joined,
            composition.split,
            recipe=take_recipe(composition, take.number),
            instrument=request.instrument,
            audio=audio,
            score=score,
            seed_audio=sound,
        )

    def _until_warm(self) -> Iterator[int]:
        """Seconds waited so far, twice a second, until the decoder is compiled. Raises what went wrong while it was."""
        warm, halves = self.warm_up(), 0
        while True:
            try:
                warm.result(timeout=0.5 if halves else 0.0)
            except NotYet:
                yield halves // 2
                halves += 1
            else:
                return

    def _compile(self) -> None:
        compose(self.checkpoint, ComposeRequest(self.first, bars=1))

    def _make_example(self) -> None:
        for random_seed in range(1, EXAMPLES + 1):
            composition = compose(self.checkpoint, ComposeRequest(self.first, bars=self._bars, random_seed=random_seed))
            if self._closed or _steady(composition):
                break
        result = result_of([composition])
        self._example = Example(result, self.write(Path(self._folder.name), result.shown))

    def _render_seeds(self) -> None:
        """So that a seed is heard at once when it is chosen."""
        with suppress(MissingToolError):
            for seed in self.checkpoint.seeds[:KEPT_SOUNDS]:
                if self._closed:
                    return
                self.sound(seed, "piano", None)


def result_of(compositions: Sequence[Composition]) -> Result:
    """Takes of one composition, the best first, or one take of each of several, told apart by their diversity; of those the
    middle one is chosen.
    """
    if len(compositions) > 1:
        rungs = [Shown(each, each.takes[0], f"diversity {each.request.sampling.diversity:g}") for each in compositions]
        return Result(tuple(rungs), len(rungs) // 2)
    (only,) = compositions
    ranked = only.takes[0].score is not None and len(only.takes) > 1
    names = [f"{place}{', the best' if ranked and place == 1 else ''}" for place in range(1, len(only.takes) + 1)]
    return Result(tuple(Shown(only, take, name) for take, name in zip(only.takes, names, strict=True)))


def _digest(seed: Seed) -> str:
    """Tells seeds apart by their music: two visitors' own may bear the same name."""
    piece = seed.piece
    return hashlib.sha256(piece.notes.tobytes() + repr((piece.metres, piece.tempi)).encode()).hexdigest()


def _time_left(seconds: float, share: float) -> str:
    """How much longer it takes, where that is worth telling."""
    left = seconds / share * (1 - share) if share > 0 else 0.0
    return f", about {left:.0f} s left" if left >= 2 else ""


def _steady(composition: Composition) -> bool:
    """Whether a take may greet a visitor: no loops, in the seed's key, and neither much sparser nor much denser."""
    seed, take = composition.seed, composition.takes[0]
    density = len(take.continuation) * composition.split / max(1, take.joined.end - composition.split) / len(seed)
    return not take.loops and estimate_key(take.continuation)[0] == seed.key and 0.6 < density < 1.6
