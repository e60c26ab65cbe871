"""Write a take to files, with the same names from the page and the command line.

The files appear together: they are written to a hidden folder on the same disk and moved when all are complete.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.formats import musicxml_text, write_midi
from musiclstm.music import PIANO, Piece, Voice, voices_of
from musiclstm.render.audio import render_trio, write_audio
from musiclstm.render.pianoroll import write_roll
from musiclstm.render.sheet_pdf import sheet_pdf
from musiclstm.scratch import draft_folder

PARTS = ("seed", "continuation", "joined")
WAV, FLAC, MP3 = ".wav", ".flac", ".mp3"  # kinds of sound files
SCORE, SCORE_PDF, ROLL, RECIPE, ORIGINAL = "joined.musicxml", "joined.pdf", "roll.svg", "recipe.json", "original.mid"
#: All file names of a take.
NAMES = (*(f"{part}{kind}" for part in PARTS for kind in (".mid", WAV, FLAC, MP3)), SCORE, SCORE_PDF, ROLL, RECIPE, ORIGINAL)


@dataclass(frozen=True)
class TakeFiles:
    """The paths of one take's files.

    The three ``…_audio`` are None if audio was not requested or could not be made; in the second case ``note`` is one sentence
    that says what to install. ``score`` (MusicXML) and ``score_pdf`` are None if not requested; ``original_midi``, the composer's
    own continuation, if it is unknown.
    """

    seed_midi: Path
    continuation_midi: Path
    joined_midi: Path
    roll: Path
    recipe: Path
    score: Path | None = None
    score_pdf: Path | None = None
    seed_audio: Path | None = None
    continuation_audio: Path | None = None
    joined_audio: Path | None = None
    original_midi: Path | None = None
    note: str = ""

    def all(self) -> tuple[Path, ...]:
        """The paths that are set."""
        return tuple(path for path in vars(self).values() if isinstance(path, Path))


def write_take(
    folder: Path | str,
    seed: Piece,
    continuation: Piece,
    joined: Piece,
    split: int,
    *,
    recipe: Mapping[str, Any],
    original: Piece | None = None,
    instrument: str = "piano",
    audio: str = WAV,
    score: bool = True,
    pdf: str = "",
) -> TakeFiles:
    """Write a take's files into ``folder``, replacing those of an earlier take; other files stay.

    ``split`` is the tick at which the continuation, itself counted from 0, follows the seed. ``recipe`` is JSON data; the MIDI
    files carry it as text, so that each can be composed again later. ``original`` is the composer's own continuation. The same
    arguments give the same MIDI bytes. ``audio``: WAV, FLAC, which takes less than half the bytes, MP3, or "" for none.
    Without FluidSynth there is no audio, and ``note`` says so. ``score``: MusicXML; ``pdf``: the paper of a score to print, "A4"
    or "Letter", or "" for none. An ensemble's scores have a staff for each player.
    Raises OptionError for an unknown instrument or paper and for a folder that can't be written, MusicFileError for a score with
    more pages than a PDF may have.
    """
    folder, voices = Path(folder), voices_of(instrument)
    try:
        home = next(place for place in (folder, *folder.parents) if place.exists())
        with draft_folder(home) as draft:
            write_midis(draft, seed, continuation, joined, recipe=recipe, voices=voices)
            if original is not None:
                write_midi(original, draft / ORIGINAL, voices=voices)
            write_roll(draft / ROLL, seed, continuation, split=split, title=seed.title)
            (draft / RECIPE).write_text(json.dumps(recipe, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            write_scores(draft, joined, split, voices, musicxml=score, pdf=pdf)
            note = _write_sounds(draft, seed, continuation, split, voices, audio) if audio else ""
            folder.mkdir(parents=True, exist_ok=True)
            for name in NAMES:
                if (draft / name).exists():
                    (draft / name).replace(folder / name)
                else:  # a file of an earlier take
                    (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OptionError(f"{folder} can't be written: {error.strerror or error}.") from error
    return _files_in(folder, note)


def write_midis(
    folder: Path,
    seed: Piece,
    continuation: Piece,
    joined: Piece,
    *,
    recipe: Mapping[str, Any],
    voices: Sequence[Voice] = PIANO,
) -> None:
    """Write seed.mid, continuation.mid and joined.mid with the recipe as text."""
    text = json.dumps(recipe, ensure_ascii=False, sort_keys=True)
    for part, piece in zip(PARTS, (seed, continuation, joined), strict=True):
        write_midi(piece, folder / f"{part}.mid", voices=voices, text=text)


def write_scores(
    folder: Path, joined: Piece, split: int, voices: Sequence[Voice] = PIANO, *, musicxml: bool = True, pdf: str = ""
) -> None:
    """Write the scores of a take: joined.musicxml if ``musicxml``, and joined.pdf on the paper ``pdf``, "A4" or "Letter".

    Raises OSError, and what ``sheet_pdf`` raises.
    """
    if not (musicxml or pdf):
        return
    text = musicxml_text(joined, split=split, voices=voices)
    if musicxml:
        (folder / SCORE).write_text(text, encoding="utf-8")
    if pdf:
        (folder / SCORE_PDF).write_bytes(sheet_pdf(text, split=split, paper=pdf))


def zip_take(files: TakeFiles, path: Path | str, more: Sequence[Path] = ()) -> None:
    """Put all files of a take, and ``more``, into one archive, in a folder of the archive's name.

    Audio is not compressed, which is slow and saves little.
    """
    path = Path(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (*files.all(), *more):
            archive.write(file, f"{path.stem}/{file.name}", zipfile.ZIP_STORED if file.suffix == ".wav" else None)


def _write_sounds(
    folder: Path,
    seed: Piece,
    continuation: Piece,
    split: int,
    voices: Sequence[Voice],
    kind: str,
) -> str:
    """Write the three sounds of a take, of a ``kind`` (WAV, FLAC, MP3); returns "" or one sentence that says why there are none.

    Raises OSError.
    """
    try:
        sounds = render_trio(seed, continuation, split, voices=voices)
    except MissingToolError as error:
        return str(error)
    for part in PARTS:
        write_audio(sounds[part], folder / f"{part}{kind}")
    return ""


def _files_in(folder: Path, note: str = "") -> TakeFiles:
    """The files of the take that was written to ``folder``."""

    def there(*names: str) -> Path | None:
        return next((folder / name for name in names if (folder / name).exists()), None)

    return TakeFiles(
        seed_midi=folder / "seed.mid",
        continuation_midi=folder / "continuation.mid",
        joined_midi=folder / "joined.mid",
        roll=folder / ROLL,
        recipe=folder / RECIPE,
        score=there(SCORE),
        score_pdf=there(SCORE_PDF),
        seed_audio=there(*(f"seed{kind}" for kind in (WAV, FLAC, MP3))),
        continuation_audio=there(*(f"continuation{kind}" for kind in (WAV, FLAC, MP3))),
        joined_audio=there(*(f"joined{kind}" for kind in (WAV, FLAC, MP3))),
        original_midi=there(ORIGINAL),
        note=note,
    )
