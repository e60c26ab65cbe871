"""How written music is played: by which instrument, how fast, how high."""

from __future__ import annotations

from dataclasses import dataclass

from musiclstm.errors import OptionError
from musiclstm.music.instruments import Voice, voices_of
from musiclstm.music.notes import Piece, at_tempo, require_tempo, transpose

MAX_TRANSPOSITION = 12


@dataclass(frozen=True)
class Performance:
    """One way to play a piece. Raises OptionError for values outside their range.

    ``instrument``: a name of ``instruments.INSTRUMENTS``. ``tempo``: 20..400 quarters per minute, None for the piece's own.
    ``transposition``: -12..12 semitones.
    """

    instrument: str = "piano"
    tempo: float | None = None
    transposition: int = 0

    def __post_init__(self) -> None:
        semitones, most = self.transposition, MAX_TRANSPOSITION
        if isinstance(semitones, bool) or not isinstance(semitones, int) or not -most <= semitones <= most:
            raise OptionError(
                "The transposition must be a whole number of semitones from {lowest} to {highest}, not {semitones}.",
                lowest=-most,
                highest=most,
                semitones=semitones,
            )
        if self.tempo is not None:
            require_tempo(self.tempo)
        if not isinstance(self.instrument, str):
            raise OptionError(f"The instrument must be a name, not {self.instrument!r}.")
        voices_of(self.instrument)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Who plays."""
        return voices_of(self.instrument)

    def paced(self, piece: Piece) -> Piece:
        """The piece at this tempo."""
        return piece if self.tempo is None else at_tempo(piece, self.tempo)

    def played(self, piece: Piece) -> Piece:
        """The piece as it sounds: at this tempo, transposed."""
        paced = self.paced(piece)
        return transpose(paced, self.transposition) if self.transposition else paced
