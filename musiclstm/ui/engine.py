"""The work behind the page's buttons: it compiles the decoder, writes takes for many visitors at once, and renders sounds.

One engine serves all visitors, so it keeps only what they share: the checkpoint, who is served next, and one finished
example. Everything about a single visitor comes and goes as arguments. No widgets here.
"""

from __future__ import annotations

import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from musiclstm.api import open_link
from musiclstm.checkpoint import Checkpoint
from musiclstm.children import cores
from musiclstm.errors import CheckpointError, OptionError, StoppedError
from musiclstm.generation import (
    ComposeRequest,
    Composition,
    TakeFiles,
    compose,
    compose_stream,
    named_for_the_music,
    original_of,
    other_checkpoint,
    recipe_from_link,
    take_recipe,
    write_take,
)
from musiclstm.model import Turn, rounds_at_once
from musiclstm.music import estimate_key, named_like
from musiclstm.sentence import Sentence, sentence
from musiclstm.ui.pictures import sounding
from musiclstm.ui.places import Place, Places
from musiclstm.ui.results import Result, Shown, result_of

STOPPED = sentence("Stopped before the first bar.")
EXAMPLES = 8  # attempts to find a good example for the first visit
AT_ONCE = 4  # jobs for each round of notes that are written at once; the others wait and are told how long
BETWEEN_LOOKS = 0.25  # seconds between two looks at who is served next


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    ``message``: a line for the visitor. ``share``: from 0 to 1, None if unknown. ``composition``: the latest one as far as it is
    written. ``result``: only in the last progress.
    """

    message: Sentence | str
    share: float | None
    composition: Composition | None
    result: Result | None = None


@dataclass(frozen=True)
class Example:
    """A finished take and its files, shown to every new visitor."""

    result: Result
    files: TakeFiles


@dataclass(frozen=True)
class Job:
    """What a visitor asks for: requests for ``bars`` bars in all. To work them out may itself take notes, at the job's turn.

    ``later``: what is asked for next for each take of what was written before, from its composition, its number there and its
    place among all. What is written last is the result.
    ``take``: the number of the one to show; None for the best. ``locked``: bars of the music that it goes on from, which stay so.
    """

    bars: int
    requests: Callable[[Turn], Sequence[ComposeRequest]]
    take: int | None = None
    locked: frozenset[int] = frozenset()
    later: tuple[Callable[[Composition, int, int], ComposeRequest], ...] = ()


def job_of(requests: Sequence[ComposeRequest]) -> Job:
    """The job of writing all takes of some requests, one request after the other."""
    return Job(sum(request.bars * request.takes for request in requests), lambda _: requests)


class Engine:
    """A checkpoint at work for the page. ``first`` is the seed that a new visitor sees, that of the example.

    The example that comes with the checkpoint is there at once; if there is none, or of other weights, one is written.

    Raises CheckpointError for a checkpoint without seeds, whose process then ends too.
    """

    def __init__(self, checkpoint: Checkpoint, *, bars: int = 16) -> None:
        if not checkpoint.seeds:
            if checkpoint.apart is not None:
                checkpoint.apart.close()
            raise CheckpointError(f"The checkpoint {checkpoint.name} has no seeds; the page needs at least one.")
        self.checkpoint = checkpoint
        stored = _stored_example(checkpoint)
        self.first = checkpoint.seeds[0] if stored is None else stored.request.seed
        self.places = Places()
        self._bars = bars
        self._folder = tempfile.TemporaryDirectory(prefix="musiclstm-example-")
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="warm-up")
        self._warm: Future[None] | None = None
        self._example = None
        self._lock = threading.Lock()
        self._rendering = threading.BoundedSemaphore(cores())
        self._closed = False
        if stored is not None:
            with suppress(OptionError, OSError):  # a full disk, say: another one is written later
                self._example = self._shown(stored)

    def warm_up(self) -> Future[None]:
        """Compile the decoder in the background, once; the future is done then. The example follows."""
        with self._lock:
            if self._warm is None or (self._warm.done() and self._warm.exception()):  # the disk was full, say: try again
                self._warm = self._worker.submit(self._compile)
                if self._example is None:
                    self._worker.submit(self._make_example)
            return self._warm

    def close(self, *, wait: bool = True) -> None:
        """Stop warming up, end the process that computes, if any, and delete the files of the example.

        Who waits for notes gets a StoppedError. ``wait`` until the step at hand is done.
        """
        self._closed = True
        if self.checkpoint.apart is not None:
            self.checkpoint.apart.close()
        self._worker.shutdown(wait=wait, cancel_futures=True)
        self._folder.cleanup()

    @property
    def example(self) -> Example | None:
        """The example; None until it is ready, or if somebody has deleted its files."""
        made = self._example
        return made if made is not None and all(path.exists() for path in made.files.all()) else None

    def perform(self, job: Job, stopped: Callable[[], bool], visitor: str = "") -> Iterator[Progress]:
        """Write the takes of a job's requests, one request after the other, and report on them as they grow.

        Other jobs are written at the same time; ``places`` decides whose notes come first. Once ``stopped()`` is true, the
        complete bars written so far become the take. The last progress has the result, or None if there is no complete bar yet.
        Waits until the decoder is compiled. Raises OptionError if too many are waiting.
        """
        finished: list[Composition] = []
        earlier: list[Composition] = []
        with self.places.take(visitor, job.bars) as place:
            turn = self.places.turn(place, stopped)
            try:
                for message in self._until_served(place, turn):
                    yield Progress(message, None, None)
                began, requests = time.monotonic(), job.requests(turn)
                for past, follow in enumerate((*job.later, None)):
                    for request in requests:
                        for composition in compose_stream(self.checkpoint, request, turn):
                            new = composition.fresh
                            share = (past + (len(finished) + new / request.bars) / len(requests)) / (1 + len(job.later))
                            place.written = share * job.bars
                            so_far = {"bar": min(new + 1, request.bars), "bars": request.bars}
                            if len(requests) > 1:
                                so_far |= {"take": len(finished) + 1, "takes": len(requests)}
                            yield Progress(_where(time.monotonic() - began, share, so_far), share, composition)
                        finished.append(composition)
                        turn.check()
                    if follow is not None:
                        takes = [(each, take.number) for each in finished for take in each.takes]
                        requests = [follow(*take, version) for version, take in enumerate(takes)]
                        earlier, finished = finished, []
            except StoppedError:
                pass  # what is finished stays
        if whole := finished or earlier:
            yield Progress("", 1.0, whole[0], result_of(whole))
        else:
            yield Progress(STOPPED, None, None)

    def write(self, folder: Path, shown: Shown, *, audio: str = "", score: bool = False, pdf: str = "") -> TakeFiles:
        """Write the files of a take to ``folder``, with sounds of the kind ``audio`` (WAV, FLAC, MP3), if any.

        Without FluidSynth there is no sound, and the ``note`` says why.
        """
        composition, take = sounding(shown)
        with self._rendering if audio else nullcontext():
            return write_take(
                folder,
                composition.seed,
                take.continuation,
                take.joined,
                composition.split,
                recipe=take_recipe(composition, take.number),
                original=original_of(shown.composition),
                instrument=composition.request.performance.instrument,
                audio=audio,
                score=score,
                pdf=pdf,
            )

    def _until_served(self, place: Place, turn: Turn) -> Iterator[Sentence]:
        """Yield what to tell a visitor, until the decoder is compiled and few are served before.

        Raises StoppedError, or the error if compiling failed.
        """
        warm, began = self.warm_up(), time.monotonic()
        while not warm.done():
            turn.check()
            past = round(time.monotonic() - began)
            yield sentence("Warming up, {seconds} s of about 10. This happens once after a start.", seconds=past)
            wait([warm], timeout=BETWEEN_LOOKS)
        warm.result()
        told = -math.inf
        while (before := self.places.before(place)) >= AT_ONCE * rounds_at_once():
            turn.check()
            # To tell somebody costs as much as a note, so the longer the line, the more seldom.
            if time.monotonic() - told >= 1 + before / 5:
                told = time.monotonic()
                left = round(max(1, self.places.seconds_left(place)))
                yield sentence("{visitors} visitors are before you, about {seconds} s left", visitors=before, seconds=left)
            time.sleep(BETWEEN_LOOKS)

    def _compile(self) -> None:
        self.checkpoint.decoder.compile()

    def _make_example(self) -> None:
        """Make the example whenever nobody else is served."""
        busy = Turn(math.inf, lambda: self._closed or not self.places.empty)
        random_seed = 1
        while random_seed <= EXAMPLES and not self._closed:
            try:
                busy.check()
                composition = compose(self.checkpoint, ComposeRequest(self.first, bars=self._bars, random_seed=random_seed), busy)
                busy.check()
            except StoppedError:
                time.sleep(BETWEEN_LOOKS)
                continue
            if _steady(composition):
                break
            random_seed += 1
        if not self._closed:
            self._example = self._shown(composition)

    def _shown(self, composition: Composition) -> Example:
        """The example, with its files."""
        result = result_of([composition])
        written = self.write(Path(self._folder.name), result.shown)
        return Example(result, named_for_the_music(written, composition, result.shown.take.number))


def _stored_example(checkpoint: Checkpoint) -> Composition | None:
    """The take that comes with the checkpoint; None if there is none, or not one that this checkpoint wrote of a seed it has."""
    try:
        if not checkpoint.example or other_checkpoint(recipe_from_link(checkpoint.example), checkpoint) is not None:
            return None
        composition = open_link(checkpoint, checkpoint.example)
    except OptionError:  # stored by another version
        return None
    return composition if composition is not None and composition.request.seed in checkpoint.seeds else None


def _where(seconds: float, share: float, so_far: dict[str, int]) -> Sentence:
    """How far the writing is, ``so_far`` in figures, and the time left, if it is long enough to mention."""
    left = seconds / share * (1 - share) if share > 0 else 0.0
    several, figures = "take" in so_far, {**so_far, "seconds": round(left)}
    if left >= 2:
        if several:
            return sentence("Take {take} of {takes}, bar {bar} of {bars}, about {seconds} s left", **figures)
        return sentence("Bar {bar} of {bars}, about {seconds} s left", **figures)
    if several:
        return sentence("Take {take} of {takes}, bar {bar} of {bars}", **so_far)
    return sentence("Bar {bar} of {bars}", **so_far)


def _steady(composition: Composition) -> bool:
    """Whether a take makes a good example: no loops, in the seed's key, and about as dense as the seed."""
    seed, take = composition.seed, composition.takes[0]
    density = len(take.continuation) * composition.split / max(1, take.joined.end - composition.split) / len(seed)
    return not take.loops and named_like(estimate_key(take.continuation)[0], seed.key) == seed.key and 0.6 < density < 1.6
