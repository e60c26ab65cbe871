"""A duet: what a visitor plays becomes a request for an answer, and the answer becomes notes to play. No widgets here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from musiclstm import limits
from musiclstm.config import SamplingOptions
from musiclstm.generation import OPEN_ENDED, ComposeRequest, Composition, Phrase, prefix_of
from musiclstm.music import TEMPI, TICKS_PER_QUARTER, Performance, Piece, as_played, bar_lines, cut_bars, line_after
from musiclstm.notation import OnBeat, beat_grid
from musiclstm.seeds import seed_from_piece
from musiclstm.ui import texts
from musiclstm.ui.bars import opening_bars
from musiclstm.ui.results import Shown
from musiclstm.ui.session import Playing

ANSWER_BARS = 8  # of the longest answer
CONTEXT = 256  # of the latest notes by both, about 16 bars: reading more would take longer than a visitor should wait
SAME_BEAT = 1.3  # times as fast or slow as before: beyond, it may be another note value that was taken for the beat
NOTE_VALUES = (1.0, 2.0, 0.5, 3.0, 1 / 3)  # how many times as fast a beat is if another note value is taken for it


@dataclass(frozen=True)
class Heard:
    """A visitor's phrase on its beats: whole bars from tick 0, and the tempo at which it was played in quarters a minute."""

    piece: Piece
    tempo: float

    @property
    def bars(self) -> int:
        """How many bars it takes, up to its last onset."""
        return len(self._lines) - 1

    @property
    def beat(self) -> float:
        """Seconds to the beat."""
        return self.seconds(self.piece.metres[0].beat_ticks)

    @property
    def latest(self) -> Piece:
        """The last bars of it, as many as a seed may have."""
        return cut_bars(self.piece, max(1, self.bars - limits.SEED_BARS + 1), self.bars)

    def seconds(self, ticks: int) -> float:
        """How long some ticks last."""
        return ticks * 60 / (self.tempo * TICKS_PER_QUARTER)

    @property
    def _lines(self) -> Any:
        return bar_lines(self.piece, int(self.piece.notes["onset"][-1]) + 1)


def heard(playing: Playing, before: Composition | None, tempo: float | None, metre: str | None = None) -> Heard:
    """A phrase on its beats; its first note begins a bar. The metre is that of the duet ``before`` it, if any.

    The tempo follows the visitor's, and the beat stays the note value that it was at the ``tempo`` before, if that is near.
    Raises MusicFileError, OptionError.
    """
    onsets, durations, pitches, velocities = ([note[column] for note in playing.notes] for column in range(4))
    metre = metre if before is None else before.seed.metre_at(before.split).name

    def found(tempo: float | None) -> OnBeat:
        return beat_grid(onsets, durations, pitches, velocities, tempo=tempo, metre=metre, first_beat=min(onsets))

    on_beat = found(None)
    if tempo is not None:
        nearest = min((on_beat.tempo * ratio for ratio in NOTE_VALUES), key=lambda other: abs(math.log(other / tempo)))
        if nearest != on_beat.tempo and 1 / SAME_BEAT <= nearest / tempo <= SAME_BEAT and TEMPI[0] <= nearest <= TEMPI[1]:
            on_beat = found(nearest)
    return Heard(as_played(on_beat.piece), on_beat.tempo)


def answer_bars(phrase: Heard) -> int:
    """How long the answer is: as long as the phrase, and at most ANSWER_BARS."""
    return min(ANSWER_BARS, phrase.bars)


def bars_heard(shown: Shown, kept: int) -> int:
    """How many bars of the last answer stay, of which the visitor heard ``kept``: none that is locked is dropped."""
    composition = shown.composition
    before = opening_bars(composition) + composition.bars - composition.fresh
    return max(kept, max(shown.locked, default=0) - before)


def answer_request(
    phrase: Heard,
    before: Composition | None,
    kept: int | None,
    sampling: SamplingOptions,
    random_seed: int,
    *,
    at_once: bool = False,
    number: int | None = None,
) -> ComposeRequest:
    """The request for an answer to a phrase that was played after the first ``kept`` bars of the last answer, None for all of
    it, or with nothing ``before``. ``at_once``: the visitor waits for it, so candidates are written only once.
    ``number``: of the take of ``before`` that was heard, None for the best.

    Raises OptionError once the duet is too long.
    """
    settings: dict[str, Any] = {
        "bars": answer_bars(phrase),
        "ending": OPEN_ENDED,
        "random_seed": random_seed,
        "sampling": sampling,
        "context": CONTEXT,
        "performance": Performance(),
        "attempts": 1 if at_once else ComposeRequest.attempts,
    }
    latest = phrase.latest
    bars = min(phrase.bars, limits.SEED_BARS)
    if before is None:
        return ComposeRequest(seed_from_piece(texts.titled(latest, texts.DUET), (1, bars)), **settings)
    dropped = 0 if kept is None else max(0, before.fresh - max(1, kept))
    rows = latest.notes[["onset", "pitch", "duration", "velocity"]].tolist()
    played = Phrase(tuple((onset, pitch, duration, velocity) for onset, pitch, duration, velocity in rows), bars)
    after = prefix_of(before, before.takes[0].number if number is None else number, before.bars - dropped).followed_by(played)
    return replace(before.request, after=after, takes=1, regenerate=None, edits=None, **settings)


def answer_notes(composition: Composition, phrase: Heard) -> list[list[float]]:
    """The whole bars of an answer that are written: onset and duration in seconds, at the phrase's tempo, pitch and velocity.

    The first sounds at 0: a rest before it would be a pause for the visitor.
    """
    begin, end = _span(composition)
    continuation = composition.takes[0].continuation.notes
    inside: Sequence[Any] = continuation[(continuation["onset"] >= begin) & (continuation["onset"] < end)].tolist()
    first = min((row[0] for row in inside), default=0)
    return [
        [round(phrase.seconds(onset - first), 4), round(phrase.seconds(duration), 4), pitch, velocity]
        for onset, pitch, duration, velocity in inside
    ]


def answer_seconds(composition: Composition, phrase: Heard) -> float:
    """How long the bars of an answer that are written last, counted from its first note."""
    begin, end = _span(composition)
    onset = composition.takes[0].continuation.notes["onset"]
    return phrase.seconds(end - int(onset[onset >= begin].min(initial=end)))


def _span(composition: Composition) -> tuple[int, int]:
    """The ticks of the continuation between which the answer lies, as far as it is written."""
    continuation, existing = composition.takes[0].continuation, composition.request.existing
    return line_after(continuation, existing), line_after(continuation, existing + composition.fresh)
