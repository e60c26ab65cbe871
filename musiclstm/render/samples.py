"""Single notes of an instrument as small sound files, for a sampler that plays music elsewhere, such as in a browser.

Every third key is rendered once from the sound font and kept on disk; a sampler plays the keys between by changing the speed. An
instrument that sounds brighter when it is struck harder is rendered at several velocities. The notes are dry, since a reverb
can't be faded out with a note.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.music import HIGHEST_PITCH, INSTRUMENTS, LOWEST_PITCH, PIANO, TICKS_PER_QUARTER, Piece, Tempo, Voice, make_notes
from musiclstm.render.audio import SAMPLE_RATE, Audio, encoded, find_soundfont, normalise, synthesize
from musiclstm.scratch import draft_folder

STEP = 3  # semitones between two samples: none is played more than one semitone from where it was rendered
KEYS = tuple(range(LOWEST_PITCH, HIGHEST_PITCH + 1, STEP))
VELOCITIES = (44, 66, 92)  # of the rendered notes, if they differ in more than loudness; else all have the last one
KIND = ".mp3"  # every browser decodes it
PROGRAMS = frozenset(voice.program for voices in INSTRUMENTS.values() for voice in voices)
_VERSION = "3"  # of what this module writes
_HELD, _GAP = 5, 2  # seconds that a note is held, and before the next one
_TOGETHER = 5  # notes rendered in one go
_SHORT = 0.5  # seconds of the note that shows how long an instrument rings once it is let go
_QUIET, _SILENT = 1e-3, 1e-5  # of full scale: what nobody misses at the end of a note, and no note at all
_LOOP_START, _LOOP_ENDS, _FADE = 2.0, (4.0, 4.7), 0.25  # seconds: see ``_looped``
_FALLS = 10 ** (-20 / 20)  # by then a note that was let go is hardly heard
_SECOND = TICKS_PER_QUARTER  # ticks, at one quarter a second
_BRIGHT = 1000  # Hz: how much sounds above it tells soft from loud
_DIFFERENT = 3.0  # dB of that level: below it, nobody misses further samples
_FACTS = "facts.json"
_MIDDLE = KEYS[len(KEYS) // 2]


@dataclass(frozen=True)
class Samples:
    """The samples of a General MIDI program, and how to play them.

    ``keys``: those that have a file for each of ``velocities``, with which they were struck; a note is as loud as the square of
    its velocity. ``gain`` brings typical piano music of this sound font to the loudness of sound files. ``release``: seconds
    until a note that is let go is 20 dB quieter. ``loops``: for each key, start and end in seconds of what repeats while a note
    is held; None for an instrument whose notes die away.
    """

    keys: tuple[int, ...]
    velocities: tuple[int, ...]
    gain: float
    release: float
    loops: tuple[tuple[float, float], ...] | None

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON data."""
        return asdict(self)


class SampleLibrary:
    """Samples in a folder, rendered when they are first asked for. Threads may share it, and programs may share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks = {program: threading.Lock() for program in PROGRAMS}

    def samples(self, program: int) -> tuple[str, Samples]:
        """The samples of a program, and the version that they have: another sound font has another version.

        Renders them if need be, which takes some seconds. Raises OptionError for a program that no instrument uses,
        MissingToolError without FluidSynth or sound font, OSError if the folder can't be written.
        """
        if program not in PROGRAMS:
            raise OptionError(f"There are samples of the programs {', '.join(map(str, sorted(PROGRAMS)))}, not of {program}.")
        version = _version(find_soundfont())
        home = self._home(version, program)
        with self._locks[program]:
            try:
                return version, _read(home)
            except (OSError, ValueError, KeyError):  # not there, or the disk lost a part
                shutil.rmtree(home, ignore_errors=True)
                _write(home, program)
            return version, _read(home)

    def warm_up(self) -> None:
        """Render the piano, if that can be done."""
        with suppress(MissingToolError, OSError):  # whoever asks for it is told
            self.samples(PIANO[0].program)

    def file(self, version: str, program: int, velocity: int, key: int) -> Path | None:
        """The sound of one key struck with one velocity, if it is there. Nothing is rendered."""
        if program not in PROGRAMS or not version.isalnum() or not 0 <= key <= HIGHEST_PITCH or velocity not in VELOCITIES:
            return None
        path = self._home(version, program) / _name(velocity, key)
        return path if path.exists() else None

    def _home(self, version: str, program: int) -> Path:
        return self._folder / version / str(program)


def _version(soundfont: Path) -> str:
    known = soundfont.stat()
    return hashlib.sha256(f"{_VERSION} {soundfont} {known.st_size} {known.st_mtime_ns}".encode()).hexdigest()[:12]


def _name(velocity: int, key: int) -> str:
    return f"{velocity}/{key}{KIND}"


def _read(home: Path) -> Samples:
    facts = json.loads((home / _FACTS).read_text(encoding="utf-8"))
    loops = None if facts["loops"] is None else tuple((start, end) for start, end in facts["loops"])
    return Samples(tuple(facts["keys"]), tuple(facts["velocities"]), facts["gain"], facts["release"], loops)


def _write(home: Path, program: int) -> None:
    """Render all samples of a program into the folder ``home``, which appears when it is complete."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with draft_folder(home.parent) as drafts:
        draft = drafts / home.name
        softest, loudest = (_rendered(program, (_MIDDLE,), _HELD, velocity)[0] for velocity in (VELOCITIES[0], VELOCITIES[-1]))
        held = _sustains(loudest)
        # A held sound has one layer: each layer would repeat elsewhere.
        touched = not held and abs(_brightness(loudest) - _brightness(softest)) > _DIFFERENT
        velocities = VELOCITIES if touched else VELOCITIES[-1:]
        loops = [_write_layer(draft, program, velocity, held) for velocity in velocities]
        keys = tuple(key for key in loops[-1] if all(key in each for each in loops))
        chosen = tuple(loops[-1][key] for key in keys) if held else None
        facts = Samples(keys, velocities, _gain(), _release(program), chosen)
        (draft / _FACTS).write_text(json.dumps(facts.to_json()), encoding="utf-8")
        try:
            draft.replace(home)
        except OSError:
            if not (home / _FACTS).exists():  # else another program was faster
                raise


def _write_layer(home: Path, program: int, velocity: int, held: bool) -> dict[int, tuple[float, float]]:
    """Write the keys that sound at a velocity. Returns where each repeats if it is ``held``, in seconds; else (0, 0)."""
    (home / str(velocity)).mkdir(parents=True)
    loops = {}
    for first in range(0, len(KEYS), _TOGETHER):
        group = KEYS[first : first + _TOGETHER]
        for key, samples in zip(group, _rendered(program, group, _HELD, velocity), strict=True):
            if np.abs(samples).max() > _SILENT:  # a font may lack a key
                sound, end = _looped(samples) if held else (_trimmed(samples), 0.0)
                loops[key] = (_LOOP_START if held else 0.0, end)
                (home / _name(velocity, key)).write_bytes(encoded(Audio(sound), KIND))
    return loops


def _rendered(program: int, keys: Sequence[int], held: float, velocity: int) -> list[NDArray[np.float32]]:
    """The sound [frames, 2] of each key, from its beginning until the next one's."""
    every, played = _HELD + _GAP, [*keys, _MIDDLE]  # one that every font has, so that lacking keys don't look like a failure
    count = len(played)
    ticks = np.arange(count) * every * _SECOND
    notes = make_notes(ticks, np.array(played), np.full(count, round(held * _SECOND)), np.full(count, velocity))
    piece = Piece(notes, tempi=(Tempo(0, 60.0),))
    audio = synthesize(piece, voices=(Voice("Samples", program),), tail_seconds=_GAP, reverb=False)
    starts = [round(place * every * SAMPLE_RATE) for place in range(len(keys))]
    return [audio.samples[start : start + every * SAMPLE_RATE] for start in starts]


def _brightness(samples: NDArray[np.float32]) -> float:
    """The level of the first second above _BRIGHT, in dB against the whole."""
    power = np.abs(np.fft.rfft(samples[:SAMPLE_RATE].mean(axis=1))) ** 2  # a bin is 1 Hz
    return float(10 * np.log10(power[_BRIGHT:].sum() / power.sum() + 1e-12))


def _gain() -> float:
    """What brings a passage of broken chords, as loud as a good part of piano music, to the loudness of sound files."""
    roots = np.repeat([48, 53, 46, 51, 43, 55, 50, 48], 4)
    notes = make_notes(np.arange(32) * 6, roots + np.tile([0, 16, 19, 24], 8), np.full(32, 12), np.full(32, 84))
    passage = synthesize(Piece(notes, tempi=(Tempo(0, 90.0),)), voices=PIANO, reverb=False)
    return round(normalise([passage])[0].peak / passage.peak, 3)


def _sustains(samples: NDArray[np.float32]) -> bool:
    """Whether a note that is held keeps sounding: it loses less than 6 dB in three seconds."""
    return _level(samples, 4.0) > 0.5 * _level(samples, 1.0)


def _release(program: int) -> float:
    """Seconds until a short note that is let go is 20 dB quieter."""
    (samples,) = _rendered(program, (_MIDDLE,), _SHORT, VELOCITIES[-1])
    let_go = _level(samples, _SHORT - 0.1)
    times = np.arange(_SHORT, _SHORT + _GAP - 0.1, 0.01)
    quiet = [seconds for seconds in times.tolist() if _level(samples, seconds, 0.02) < _FALLS * let_go]
    return round(max(0.03, (quiet[0] if quiet else times[-1]) - _SHORT), 3)


def _level(samples: NDArray[np.float32], start: float, seconds: float = 0.1) -> float:
    """The root mean square of a stretch."""
    part = samples[round(start * SAMPLE_RATE) : round((start + seconds) * SAMPLE_RATE)]
    return float(np.sqrt(np.mean(np.square(part)))) if len(part) else 0.0


def _trimmed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A note that dies away, up to where it is hardly heard or let go, faded."""
    held = samples[: _HELD * SAMPLE_RATE]
    loud = np.flatnonzero(np.abs(held).max(axis=1) > _QUIET * np.abs(held).max())
    kept = held[: min(len(held), int(loud[-1]) + SAMPLE_RATE // 10)].copy()
    fade = min(len(kept), round(_FADE * SAMPLE_RATE))
    kept[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    return kept


def _looped(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """A note whose end blends into the beginning of its loop, with a little more of the loop; and the end in seconds.

    The end is where the waves are most alike those before the beginning, so that they don't cancel each other while they blend.
    """
    start, fade = round(_LOOP_START * SAMPLE_RATE), round(_FADE * SAMPLE_RATE)
    first, last = (round(seconds * SAMPLE_RATE) for seconds in _LOOP_ENDS)
    wave = samples.mean(axis=1, dtype=np.float64)
    alike = _correlation(wave[first - fade : last], wave[start - fade : start])
    end = first + int(alike.argmax())
    made = samples[: end + fade].copy()
    rising = np.linspace(0.0, 1.0, fade, dtype=np.float32)[:, None]
    made[end - fade : end] = samples[end - fade : end] * (1 - rising) + samples[start - fade : start] * rising
    made[end:] = samples[start : start + fade]
    return made, round(end / SAMPLE_RATE, 6)


def _correlation(wave: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    """How alike ``part`` and each stretch of ``wave`` of its length are, from -1 to 1."""
    size = 1 << (len(wave) + len(part)).bit_length()
    spectrum = np.fft.rfft(wave, size) * np.conj(np.fft.rfft(part, size))
    both = np.fft.irfft(spectrum, size)[: len(wave) - len(part) + 1]
    power = np.concatenate(([0.0], np.cumsum(wave**2)))
    energy = power[len(part) :] - power[: -len(part)]
    return np.asarray(both / np.sqrt(np.maximum(energy, 1e-20) * max(1e-20, float(np.sum(part**2)))))
