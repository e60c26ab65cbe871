"""A seed's JSON, which may come from anywhere, checked field by field with pydantic before anything is made of it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from musiclstm import limits
from musiclstm.errors import CheckpointError
from musiclstm.music import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    MAX_BAR_TICKS,
    TEMPI,
    Key,
    Metre,
    Notes,
    Staves,
    clean_metres,
    make_notes,
)

LATEST = MAX_BAR_TICKS * 1_000  # ticks: a thousand of the longest bars

Row = TypeVar("Row")
NoteRow = tuple[int, int, int, int]
Rows = Annotated[list[Row], Field(min_length=1, max_length=limits.SEED_NOTES)]
Text = Annotated[str, Field(strict=True, max_length=1_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Bar = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Onset = Annotated[int, Field(strict=True, ge=0, le=LATEST)]
Duration = Annotated[int, Field(strict=True, ge=1, le=LATEST)]
Pitch = Annotated[int, Field(strict=True, ge=LOWEST_PITCH, le=HIGHEST_PITCH)]
Velocity = Annotated[int, Field(strict=True, ge=1, le=127)]
Numerator = Annotated[int, Field(strict=True, ge=1, le=64)]
Denominator = Annotated[int, Field(strict=True, ge=1, le=32)]


class StoredCuration(BaseModel):
    """The fields of ``curation.CurationScore``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    density: Number
    pitch_variety: Number
    rhythm_variety: Number
    repetition: Number
    tonal_clarity: Number
    bits_per_note: Number | None
    total: Number


class StoredMusic(BaseModel):
    """Some bars of a work: ``notes`` are rows of onset, pitch, duration, velocity."""

    model_config = ConfigDict(frozen=True)

    bars: tuple[Bar, Bar]
    source: Text
    notes: Rows[tuple[Onset, Pitch, Duration, Velocity]]

    @field_validator("notes")
    @classmethod
    def _canonical(cls, rows: list[NoteRow]) -> list[NoteRow]:
        if make_notes(*zip(*rows, strict=True)).tolist() != rows:
            raise ValueError("must be sorted by onset and pitch, each pitch ending before it is struck again")
        return rows

    @property
    def note_array(self) -> Notes:
        """The notes as a Piece holds them."""
        return make_notes(*zip(*self.notes, strict=True))


class StoredSeed(StoredMusic):
    """A seed's JSON; ``metres`` are rows of onset, numerator, denominator. ``original``: the composer's own continuation."""

    id: Annotated[Text, Field(min_length=1)]
    title: Text
    composer: Text
    work: Text
    licence: Text
    key: Text
    metre: Text
    texture: Text
    tempo: Annotated[Number, Field(ge=TEMPI[0], le=TEMPI[1])]
    fifths: Annotated[int, Field(strict=True, ge=-7, le=7)] | None
    mode: Literal["major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian"] | None
    metres: Rows[tuple[Onset, Numerator, Denominator]]
    curation: StoredCuration
    original: StoredMusic | None = None
    staves: Annotated[str, Field(strict=True, pattern="^[ul-]*$")] = ""

    @field_validator("staves")
    @classmethod
    def _for_each_note(cls, letters: str, info: ValidationInfo) -> str:
        if letters and len(letters) != len(info.data.get("notes", letters)):
            raise ValueError("must have a letter for each note")
        return letters

    @property
    def known_staves(self) -> Staves:
        """The staves of the notes, as far as they are known."""
        return Staves.from_letters(((onset, pitch) for onset, pitch, _, _ in self.notes), self.staves)

    @field_validator("mode")
    @classmethod
    def _with_its_signature(cls, mode: str | None, info: ValidationInfo) -> str | None:
        if mode is None and info.data.get("fifths") is not None:
            raise ValueError("must be 'major', 'minor' or another mode where there is a key signature")
        return mode

    @field_validator("metres")
    @classmethod
    def _playable(cls, rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        metres = tuple(Metre(*row) for row in rows)
        if metres != clean_metres(metres) or rows[0][0] != 0:
            raise ValueError("must be playable time signatures, the first at 0, each later and different from the one before")
        return rows

    @property
    def metre_list(self) -> tuple[Metre, ...]:
        """The time signatures as a Piece holds them."""
        return tuple(Metre(*row) for row in self.metres)

    @property
    def key_signature(self) -> Key | None:
        """The key signature, None where it is not known."""
        return None if self.fifths is None or self.mode is None else Key(self.fifths, self.mode)


def read_stored_seed(data: object) -> StoredSeed:
    """The checked fields of a seed. Raises CheckpointError, naming seed and field in one sentence, for anything else."""
    if not isinstance(data, dict):
        raise CheckpointError(f"A stored seed must be a JSON object, not {type(data).__name__}.")
    try:
        return StoredSeed.model_validate(data)
    except ValidationError as error:
        raise CheckpointError(f"In the stored seed {str(data.get('id', ''))[:60]!r}, {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    """What is wrong with the first faulty field, what is allowed, and what came."""
    first: Any = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"{field} is missing."
    if first["type"] == "extra_forbidden":
        return f"{field} is unknown."
    allowed = re.sub(r"^(Input|String|List|Tuple) should", "must", first["msg"].removeprefix("Value error, "))
    allowed = re.sub(r" after validation, not \d+$| or instance of \w+$", "", allowed)
    return f"{field} {allowed if allowed.startswith('must') else f'is wrong: {allowed}'}, not {first['input']!r:.60}."
