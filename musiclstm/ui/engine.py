"""The work behind the page's buttons: it compiles the decoder, renders seeds and writes takes. No widgets here.

One engine serves all visitors, so it keeps only what they share: the checkpoint, the sounds of seeds, and one finished example.
Everything about a single visitor comes and goes as arguments.
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
from dataclasses import dataclass, replace
from pathlib import Path

from musiclstm.checkpoint import Checkpoint
from musiclstm.errors import CheckpointError, MissingToolError
from musiclstm.generation import (
    ComposeRequest,
    Composition,
    TakeFiles,
    compose,
    compose_stream,
    original_of,
    take_recipe,
    write_take,
)
from musiclstm.music import Performance, Voice, estimate_key, named_like
from musiclstm.render.audio import Audio, normalise, synthesize, write_audio
from musiclstm.seeds import Seed
from musiclstm.ui.pictures import sounding
from musiclstm.ui.results import Result, Shown, result_of

STOPPED = "Stopped before the first bar."
EXAMPLES = 8  # attempts to find a good example for the first visit
KEPT_BYTES = 100_000_000  # of seeds' sounds; 20 s of stereo floats take 7 MB


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    ``message``: a line for the visitor. ``share``: from 0 to 1, None if unknown. ``composition``: the latest one as far as it is
    written. ``result``: only in the last progress.
    """

    message: str
    share: float | None
    composition: Composition | None
    result: Result | None = None


@dataclass(frozen=True)
class Example:
    """A finished take and its files, shown to every new visitor."""

    result: Result
    files: TakeFiles


class Engine:
    """A checkpoint at work for the page. ``first`` is the seed that a new visitor sees.

    Raises CheckpointError for a checkpoint without seeds.
    """

    def __init__(self, checkpoint: Checkpoint, *, bars: int = 16) -> None:
        if not checkpoint.seeds:
            raise CheckpointError(f"The checkpoint {checkpoint.name} has no seeds; the page needs at least one.")
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
        """Compile the decoder in the background, once; the future is done then. The example follows."""
        with self._lock:
            if self._warm is None or (self._warm.done() and self._warm.exception()):  # the disk was full, say: try again
                self._warm = self._worker.submit(self._compile)
                self._worker.submit(self._make_example)
            return self._warm

    def close(self, *, wait: bool = True) -> None:
        """Stop warming up, and delete the files of the example; ``wait`` until the step at hand is done."""
        self._closed = True
        self._worker.shutdown(wait=wait, cancel_futures=True)
        self._folder.cleanup()

    @property
    def example(self) -> Example | None:
        """The example; None until it is ready, or if somebody has deleted its files."""
        made = self._example
        return made if made is not None and all(path.exists() for path in made.files.all()) else None

    def sound(self, seed: Seed, performance: Performance) -> Audio:
        """The sound of a seed, from the cache if it was rendered recently. Raises what ``synthesize`` raises."""
        voices = performance.voices
        key = (_digest(seed), performance.tempo or seed.tempo, voices, performance.transposition)
        with self._lock:
            if key in self._sounds:
                self._sounds.move_to_end(key)
                return self._sounds[key]
        sound = synthesize(performance.played(seed.piece), voices=voices)
        with self._lock:
            self._sounds[key] = sound
            while sum(kept.samples.nbytes for kept in self._sounds.values()) > KEPT_BYTES and len(self._sounds) > 1:
                self._sounds.popitem(last=False)
        return sound

    def write_preview(self, folder: Path, seed: Seed, performance: Performance) -> Path:
        """Write the seed to seed.wav in ``folder``. Raises what ``synthesize`` raises."""
        path = folder / "seed.wav"
        write_audio(normalise([self.sound(seed, performance)])[0], path)
        return path

    def perform(self, requests: Sequence[ComposeRequest], stopped: Callable[[], bool]) -> Iterator[Progress]:
        """Write the takes of each request in turn, and report on them as they grow.

        Once ``stopped()`` is true, the complete bars written so far become the take. The last progress has the result, or None if
        there is no complete bar yet. The first call waits until the decoder is compiled.
        """
        for seconds in self._until_warm():
            if stopped():
                yield Progress(STOPPED, None, None)
                return
            yield Progress(f"Warming up, {seconds} s of about 20. This happens once after a start.", None, None)
        finished: list[Composition] = []
        began = time.monotonic()
        for request in requests:
            for composition in compose_stream(self.checkpoint, request):
                latest, new = composition, composition.fresh
                share = (len(finished) + new / request.bars) / len(requests)
                where = f"Take {len(finished) + 1} of {len(requests)}, bar" if len(requests) > 1 else "Bar"
                left = _time_left(time.monotonic() - began, share)
                yield Progress(f"{where} {min(new + 1, request.bars)} of {request.bars}{left}", share, composition)
                if stopped() and new and not composition.finished:
                    # From a request for these bars only, so that the recipe matches what is kept: the same notes again, except
                    # where bars are written anew and now lead elsewhere.
                    shorter = replace(request, bars=new, ending=None if request.regenerate else request.ending or request.bars)
                    latest = compose(self.checkpoint, shorter)
                    break
            if latest.finished:
                finished.append(latest)
            if stopped():
                break
        if not finished:
            yield Progress(STOPPED, None, None)
            return
        yield Progress("Rendering the sound", 1.0, finished[0], result_of(finished))

    def write(self, folder: Path, shown: Shown, *, audio: bool = True, score: bool = False) -> TakeFiles:
        """Write the files of a take to ``folder``. Without FluidSynth there is no sound, and the ``note`` says why."""
        composition, take = sounding(shown)
        request, sound = composition.request, None
        if audio and composition.split == request.seed.end:
            try:
                sound = self.sound(request.seed, request.performance)
            except MissingToolError:
                sound = None  # write_take runs into the same error and keeps its message
        return write_take(
            folder,
            composition.seed,
            take.continuation,
            take.joined,
            composition.split,
            recipe=take_recipe(composition, take.number),
            original=original_of(shown.composition),
            instrument=request.performance.instrument,
            audio=audio,
            score=score,
            seed_audio=sound,
        )

    def _until_warm(self) -> Iterator[int]:
        """Yield the seconds waited, twice a second, until the decoder is compiled. Raises the error if compiling failed."""
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


def _digest(seed: Seed) -> str:
    """A hash of the music, since two visitors' own seeds can have the same id."""
    piece = seed.piece
    return hashlib.sha256(piece.notes.tobytes() + repr((piece.metres, piece.tempi)).encode()).hexdigest()


def _time_left(seconds: float, share: float) -> str:
    """The time left, if it is long enough to mention."""
    left = seconds / share * (1 - share) if share > 0 else 0.0
    return f", about {left:.0f} s left" if left >= 2 else ""


def _steady(composition: Composition) -> bool:
    """Whether a take makes a good example: no loops, in the seed's key, and about as dense as the seed."""
    seed, take = composition.seed, composition.takes[0]
    density = len(take.continuation) * composition.split / max(1, take.joined.end - composition.split) / len(seed)
    return not take.loops and named_like(estimate_key(take.continuation)[0], seed.key) == seed.key and 0.6 < density < 1.6
