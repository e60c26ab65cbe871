"""What belongs to one visitor: their own music, what was made for them, which of it is shown. Knows no widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from musiclstm.errors import OptionError
from musiclstm.formats import read_music
from musiclstm.music import Piece, bar_lines
from musiclstm.seeds import Seed, find_seed, seed_from_piece
from musiclstm.ui.engine import Engine
from musiclstm.ui.results import Result

OWN = "own"  # the id of the visitor's own music in the list of seeds
LONGEST_SEED = 32  # bars of one's own music: more would leave the picture and the network's view
KEPT_RESULTS = 24  # steps that Undo goes back


@dataclass(frozen=True)
class OwnMusic:
    """A piece that the visitor brought, and the seed that was cut from it."""

    piece: Piece
    seed: Seed

    @property
    def bars(self) -> int:
        """Bars of the whole piece."""
        return len(bar_lines(self.piece)) - 1


@dataclass
class Session:
    """One open page. Gradio keeps a copy for each; ``results`` are what Undo goes back through, the latest last."""

    stopped: bool = False
    engine: Engine | None = None
    own: OwnMusic | None = None
    results: list[Result] = field(default_factory=list)
    sheet: bool = False

    @property
    def result(self) -> Result | None:
        """What is shown, None before anything is."""
        return self.results[-1] if self.results else None

    def add(self, result: Result) -> None:
        """Show a new result; the oldest are forgotten."""
        self.results.append(result)
        del self.results[:-KEPT_RESULTS]

    def seed(self, seed_id: str, engine: Engine) -> Seed:
        """A seed by its id, the visitor's own music included. Raises OptionError."""
        return self.own.seed if seed_id == OWN and self.own else find_seed(engine.checkpoint.seeds, seed_id)


def own_music(path: Path, bars: tuple[int, int] | None = None) -> OwnMusic:
    """A music file of the visitor's as a seed. Raises MusicFileError if it is of no use."""
    return own_bars(read_music(path), bars)


def own_bars(piece: Piece, bars: tuple[int, int] | None) -> OwnMusic:
    """The seed in bars first to last of a piece; None takes the first that fit. Raises OptionError, MusicFileError."""
    if bars is not None and not 0 <= bars[1] - bars[0] < LONGEST_SEED:
        raise OptionError(f"A seed has 1 to {LONGEST_SEED} bars, not those from {bars[0]} to {bars[1]}.")
    return OwnMusic(piece, seed_from_piece(piece, bars))
