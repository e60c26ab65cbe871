"""Reading ABC with abc2midi, which knows the notation with all its dialects and writes what sounds as MIDI.

MIDI has no bar lines, so the tune is played twice: once as it is, once with a drum beat at every bar line of the first voice.
Names, key and free metre are plain in the text. The text may come from anywhere and abc2midi is written in C, so it runs with
little memory and time, in a folder of its own that goes away.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from musiclstm.children import ending_with_us
from musiclstm.errors import MissingToolError, MusicFileError
from musiclstm.formats.abc_text import Tune, first_tune
from musiclstm.formats.midi_events import TEMPO, TIME_SIGNATURE, MidiFile, microseconds, parse_midi, struck_notes
from musiclstm.formats.written import Bar, Quarters, Score
from musiclstm.music import MODES
from musiclstm.scratch import temporary_folder

if sys.platform == "linux":
    import resource

SECONDS = 8  # a long tune takes a tenth of a second; fewer than limits.READ_SECONDS
MEMORY, FILE = 500_000_000, 50_000_000  # bytes that abc2midi may use and write
_CHORDS = "%%MIDI chordattack 0\n"  # all notes of a chord at once
_DRUM_CHANNEL = 9  # from 0
_DRUMS = "%%MIDI drum d 35 127\n%%MIDI drumon\n"  # one beat a bar
_MODES = {"": "major", "maj": "major", "ion": "major", "m": "minor", "min": "minor", "aeo": "minor"}
_MODES |= {mode[:3]: mode for mode in MODES if mode not in ("major", "minor")}


def can_read_abc() -> bool:
    """Whether abc2midi is installed."""
    return shutil.which("abc2midi") is not None


def read_abc(text: str, name: str) -> Score:
    """The first tune with notes in an ABC file; ``name`` stands for the file in messages.

    Grace notes, ornaments and chord symbols are left out; repeats are not written out. Raises MusicFileError if there are no
    notes or they can't be read, MissingToolError if abc2midi isn't installed.
    """
    tune = first_tune(text, name)
    played, drummed = _played(tune, name)
    quarter = played.per_quarter
    score = Score(key=_key(tune.field("K")))
    score.titles, score.composer = [_title(tune.field("T"))], html.unescape(tune.field("C"))
    score.notes = [(start / quarter, key % 128, end / quarter) for start, end, key in _struck(played).tolist()]
    score.staves = _staves(played, tune)
    score.bars = _bars(played, drummed, free=tune.field("M").lower() in ("", "none"))
    marks = [meta for track in played.tracks for meta in track.metas if meta.kind == TEMPO and microseconds(meta)]
    tempi: list[tuple[Quarters, float]] = [(mark.time / quarter, 60e6 / microseconds(mark)) for mark in marks]
    score.tempi = tempi if tune.field("Q") else tempi[1:]  # the first is abc2midi's own
    return score


def _struck(played: MidiFile) -> NDArray[np.int64]:
    """The notes of all tracks, [n, 3]: start, end, and 128 x channel + pitch."""
    return np.concatenate([struck_notes(track, 1)[:, :3] for track in played.tracks])


def _staves(played: MidiFile, tune: Tune) -> list[tuple[int, int] | None]:
    """The staff of each note that ``_struck`` finds; none where the tracks are not those of the voices."""
    staves, tracks = tune.staves(), [len(struck_notes(track, 1)) for track in played.tracks]
    if tracks[0] or len(tracks) != len(staves) + 1:  # the first track of several is for tempo and metre
        return []
    return [None if staff is None else (0, staff) for staff, notes in zip(staves, tracks[1:], strict=True) for _ in range(notes)]


def _bars(played: MidiFile, drummed: MidiFile, free: bool) -> list[Bar]:
    """The bars of the first voice; ``free``: there is no metre at first."""
    quarter, end = played.per_quarter, max(track.end for track in played.tracks)
    starts = sorted({start for start, _, key in _struck(drummed).tolist() if key // 128 == _DRUM_CHANNEL}) or [0]
    metres = [meta for track in played.tracks for meta in track.metas if meta.kind == TIME_SIGNATURE and len(meta.body) == 4]
    signatures = [(metre.time, (metre.body[0], 1 << min(metre.body[1], 7))) for metre in metres]
    known = signatures[1:] if free else signatures
    bars: list[Bar] = []
    for start, following in zip(starts, [*starts[1:], end], strict=True):
        holds = [signature for onset, signature in known if onset <= start]
        bars.append((start / quarter, following / quarter, holds[-1] if holds else None))
    return bars


def _reach(tune: Tune) -> str:
    """Which notes of its bar an accidental applies to, as a directive says, or else the standard: the same letter in any octave.

    xml2abc, known by its line breaks, means the same octave, as usual in print. Old music without bars repeats accidentals.
    """
    instructions = [text for kind, text in tune.header if kind == "I"]
    stated = [found[1] for text in instructions if (found := re.match(r"propagate-accidentals\s+(not|octave|pitch)\b", text))]
    usual = "octave" if "linebreak $" in instructions else "pitch" if "|" in tune.body else "not"
    return stated[0] if stated else usual


def _title(text: str) -> str:
    """A title with its article in front, and signs for their names."""
    title, comma, article = html.unescape(text).rpartition(", ")
    return f"{article} {title}" if comma and article.lower() in ("the", "a", "an") else html.unescape(text)


def _key(text: str) -> tuple[int, str]:
    """Fifths and mode of a K: field, such as "Ador", "F# minor", or "D exp ^f"."""
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if found is None:
        return (2, "mixolydian") if text.upper().startswith("HP") else (0, "")  # the Highland bagpipe
    if found[3].lower() == "exp":
        return text.count("^") - text.count("_"), ""
    mode = _MODES.get(found[3][:3].lower(), "major")
    return "FCGDAEB".index(found[1]) - 1 + 7 * {"#": 1, "b": -1}.get(found[2], 0) - MODES[mode], mode


def _played(tune: Tune, name: str) -> tuple[MidiFile, MidiFile]:
    """The tune as MIDI, without and with drums."""
    program = shutil.which("abc2midi")
    if program is None:
        raise MissingToolError(f"{name} needs abc2midi, which isn't installed: on Debian and Ubuntu the package is abcmidi.")
    head, voices = ("".join(f"{letter}:{text}\n" for letter, text in tune.header if letter in kinds) for kinds in ("MLQK", "V"))
    tunes = (
        f"X:{number}\n{_CHORDS}%%propagate-accidentals {_reach(tune)}\n{head}{drums}{voices}{tune.body}\n"
        for number, drums in ((1, ""), (2, _DRUMS))
    )
    with temporary_folder() as folder:
        (folder / "tune.abc").write_text("\n".join(tunes), encoding="ascii", errors="ignore")
        with subprocess.Popen(
            ending_with_us([program, "tune.abc", "-Q", "100", "-silent"]),
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            _limit(process.pid)
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise MusicFileError(
                    "{name} takes abc2midi more than {seconds} seconds; a shorter tune can be read.", name=name, seconds=SECONDS
                ) from error
        try:
            first, second = (parse_midi((folder / f"tune{number}.mid").read_bytes(), name) for number in (1, 2))
        except (OSError, MusicFileError) as error:  # no file, or one cut short at a limit
            raise MusicFileError("{name} can't be read as ABC; a complete, valid tune is needed.", name=name) from error
    return first, second


def _limit(process: int) -> None:
    """Allow a process only so much memory, output and work. Elsewhere than on Linux only its time is limited."""
    if sys.platform == "linux":
        wanted = {resource.RLIMIT_AS: MEMORY, resource.RLIMIT_FSIZE: FILE, resource.RLIMIT_CPU: SECONDS, resource.RLIMIT_CORE: 0}
        with suppress(ProcessLookupError):  # it is done already
            for what, most in wanted.items():
                _, hard = resource.prlimit(process, what)  # only root may raise it
                limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(process, what, (limit, limit))
