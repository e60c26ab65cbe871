"""The work behind the page's buttons: a warm decoder, the sound of seeds, takes as they grow. Knows no widgets.

One studio serves all visitors. What it keeps is the same for everyone: the checkpoint, the sounds of its seeds, and one finished
example. What one visitor asked for goes in and out by arguments.
"""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclstm.checkpoint import Checkpoint
from musiclstm.compose import ComposeRequest, Composition, compose, composing
from musiclstm.curation import estimate_key
from musiclstm.errors import CheckpointError, MissingToolError
from musiclstm.export import TakeFiles, write_take
from musiclstm.notes import Piece, at_tempo
from musiclstm.render.audio import Audio, normalise, program_of, synthesize, write_wav
from musiclstm.render.pianoroll import roll_svg
from musiclstm.seeds import Seed, find_seed

STOPPED = "Stopped before the first bar."
EXAMPLES = 8  # tried at most, until one is good enough to greet a visitor
KEPT_SOUNDS = 48  # all seeds of the bundled checkpoint and some at other tempi; 20 s of stereo floats take 7 MB
_ROLL_WIDTH, _PREVIEW_WIDTH = 900.0, 270.0  # pixels of music that fit beside the controls, and below the list of seeds
_HEADROOM = 7  # semitones around the seed that are shown before the continuation needs them


@dataclass(frozen=True)
class Moment:
    """What there is to show while a take is made: a line of words, the share that is done (None: unknown), what is written."""

    said: str
    share: float | None
    composition: Composition | None


@dataclass(frozen=True)
class Example:
    """A finished take and its files, which everyone may read."""

    composition: Composition
    files: TakeFiles


class Studio:
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
        self._sounds: OrderedDict[tuple[str, float, int], Audio] = OrderedDict()
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

    def seed(self, name: str) -> Seed:
        """The checkpoint's seed of that id. Raises OptionError, naming close ones, if there is none."""
        return find_seed(self.checkpoint.seeds, name)

    def sound(self, seed: Seed, instrument: str, tempo: float | None) -> Audio:
        """The seed as the synthesizer plays it, from memory if it was heard lately. Raises what ``synthesize`` raises."""
        program = program_of(instrument)
        key = (seed.id, tempo or seed.tempo, program)
        with self._lock:
            if key in self._sounds:
                self._sounds.move_to_end(key)
                return self._sounds[key]
        sound = synthesize(_at_tempo(seed, tempo), program=program)
        with self._lock:
            self._sounds[key] = sound
            while len(self._sounds) > KEPT_SOUNDS:
                self._sounds.popitem(last=False)
        return sound

    def write_preview(self, folder: Path, seed: Seed, instrument: str, tempo: float | None) -> Path:
        """The seed alone as seed.wav in ``folder``. Raises what ``synthesize`` raises."""
        path = folder / "seed.wav"
        write_wav(normalise([self.sound(seed, instrument, tempo)])[0], path)
        return path

    def perform(self, request: ComposeRequest, stopped: Callable[[], bool]) -> Iterator[Moment]:
        """A take as it grows. When ``stopped`` answers True the whole bars written so far become the take.

        The last moment's composition is finished, or None if it was stopped before anything was written. The first run of a
        program waits for the decoder to be compiled.
        """
        for seconds in self._until_warm():
            if stopped():
                yield Moment(STOPPED, None, None)
                return
            yield Moment(f"Warming up, once after a start: {seconds} s so far, some 20 in all.", None, None)
        written = None
        for composition in composing(self.checkpoint, request):
            written = composition
            said = f"Bar {min(composition.bars + 1, request.bars)} of {request.bars}"
            yield Moment(said, composition.bars / request.bars, composition)
            if stopped() and composition.bars and not composition.finished:
                # Asking for these bars of a piece as long as before gives the same notes, and a recipe that is true.
                written = compose(self.checkpoint, replace(request, bars=composition.bars, ending=request.ending or request.bars))
                break
        yield Moment("Making the sound", 1.0, written)

    def write(self, folder: Path, composition: Composition, *, audio: bool = True, score: bool = False) -> TakeFiles:
        """The files of the only take, in ``folder``; without FluidSynth there is a ``note`` and no sound."""
        request, take = composition.request, composition.takes[0]
        sound = None
        if audio:
            try:
                sound = self.sound(request.seed, request.instrument, request.tempo)
            except MissingToolError:
                sound = None  # write_take meets the same error and keeps its sentence
        return write_take(
            folder,
            composition.seed,
            take.continuation,
            take.joined,
            composition.split,
            recipe=composition.recipe,
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
        self._example = Example(composition, self.write(Path(self._folder.name), composition))

    def _render_seeds(self) -> None:
        """So that a seed is heard at once when it is chosen."""
        with suppress(MissingToolError):
            for seed in self.checkpoint.seeds[:KEPT_SOUNDS]:
                if self._closed:
                    return
                self.sound(seed, "piano", None)


def _steady(composition: Composition) -> bool:
    """Whether a take may greet a visitor: no loops, in the seed's key, and neither much sparser nor much denser."""
    seed, take = composition.seed, composition.takes[0]
    density = len(take.continuation) * composition.split / max(1, take.joined.end - composition.split) / len(seed)
    return not take.loops and estimate_key(take.continuation)[0] == seed.key and 0.6 < density < 1.6


def seed_roll(seed: Seed, tempo: float | None = None) -> str:
    """A seed's roll, small enough to stand below the list of seeds."""
    piece = _at_tempo(seed, tempo)
    return roll_svg(piece, height=160, quarter_px=_fitting(seed.end, _PREVIEW_WIDTH, 4.0, 18.0))


def waiting_roll(seed: Seed, bars: int, tempo: float | None = None) -> str:
    """A seed's roll with room for ``bars`` more."""
    until = seed.end + bars * seed.piece.metre_at(seed.end).bar_ticks
    return roll_svg(_at_tempo(seed, tempo), until=until, pitches=_expected(seed.piece), quarter_px=_fitting(until))


def take_roll(composition: Composition) -> str:
    """Seed and continuation as far as it is written, with room for the rest, so that a growing roll holds still."""
    split, seed = composition.split, composition.seed
    length = composition.request.bars * seed.metre_at(split).bar_ticks
    return roll_svg(
        seed,
        _cut_off(composition.takes[0].continuation, length),
        split=split,
        until=split + length,
        pitches=_expected(seed),
        quarter_px=_fitting(split + length),
    )


def _cut_off(piece: Piece, end: int) -> Piece:
    """The piece without what rings on after tick ``end``, where it would call for another bar."""
    notes = piece.notes.copy()
    notes["duration"] = np.maximum(1, np.minimum(notes["duration"], end - notes["onset"]))
    return replace(piece, notes=notes)


def _fitting(ticks: int, width: float = _ROLL_WIDTH, least: float = 9.0, most: float = 22.0) -> float:
    """Pixels a quarter, so that so many ticks fill ``width`` if they can."""
    return min(most, max(least, width / max(1.0, ticks / 24)))


def _expected(seed: Piece) -> tuple[int, int]:
    pitches = seed.notes["pitch"]
    return max(21, int(pitches.min()) - _HEADROOM), min(108, int(pitches.max()) + _HEADROOM)


def _at_tempo(seed: Seed, tempo: float | None) -> Piece:
    return seed.piece if tempo is None else at_tempo(seed.piece, tempo)
