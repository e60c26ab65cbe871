"""Pieces to sound: the only door to midi2audio and FluidSynth.

midi2audio starts FluidSynth with its options after the files, which FluidSynth 2.4 refuses, and looks at nothing that comes back,
while FluidSynth ends with exit code 0 even where it found no sound font. Here the options come first, every run has a folder of
its own, and a render that isn't the music asked for is an error. Samples stay floating point until a file is written, so loud
chords aren't clipped on the way.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from midi2audio import FluidSynth
from numpy.typing import NDArray

from musiclstm.errors import MissingToolError, OptionError
from musiclstm.formats import midi_bytes
from musiclstm.music import PIANO, TICKS_PER_QUARTER, Piece, Tempo, Voice

SAMPLE_RATE = 44_100
TAIL_SECONDS = 2.0  # after this the last chord of every instrument has died away, but for the harp's quietest ringing
MAX_SECONDS = 30 * 60  # half an hour of samples takes 0.6 GB of memory
SOUNDFONT_VARIABLE = "MUSICLSTM_SOUNDFONT"

# The best first. Sound fonts in .sf3 are compressed and take 7 to 10 s to load, so they are a last resort.
_KNOWN_SOUNDFONTS = ("FluidR3_GM.sf2", "FluidR3_GM2-2.SF2", "GeneralUser*.sf2", "MuseScore_General*.sf2", "TimGM6mb.sf2",
                     "default-GM.sf2", "default_sound_font.sf2", "default.sf2", "*.sf2", "default-GM.sf3", "*.sf3")  # fmt: skip

# Effects are set here because FluidSynth 2.3 and 2.4 differ in their defaults. Samples are loaded for the chosen programs only:
# 0.1 s instead of 0.4 s for the 148 MB of FluidR3_GM.
_SETTINGS = {
    "synth.dynamic-sample-loading": "1",
    "synth.reverb.active": "1",
    "synth.reverb.room-size": "0.4",
    "synth.reverb.damp": "0.2",
    "synth.reverb.width": "0.5",
    "synth.reverb.level": "0.7",
    "synth.chorus.active": "0",
    "synth.polyphony": "256",
}
# FluidSynth says some of these and goes on with another sound font, or none.
_COMPLAINT = re.compile(r".*(?:not a SoundFont or MIDI|Failed to load|Failed to open|Unknown option|Unexpected end).*", re.I)


@dataclass(frozen=True, eq=False)
class Audio:
    """Sound in memory: ``samples`` float32 of shape [frames, 2] (left, right; full scale is 1.0), ``rate`` in frames a second.

    ``samples`` is read-only.
    """

    samples: NDArray[np.float32]
    rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        self.samples.setflags(write=False)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    @property
    def peak(self) -> float:
        """The largest sample of either channel, without its sign; 0.0 for silence."""
        return float(np.abs(self.samples).max()) if len(self.samples) else 0.0


class CheckedFluidSynth(FluidSynth):
    """midi2audio's FluidSynth with the options before the files, a time limit, and its complaints heard."""

    def midi_to_audio(self, midi_file: str | Path, audio_file: str | Path, *, timeout: float = 60.0) -> None:
        """Render ``midi_file`` to ``audio_file``: headerless 32-bit floats, left and right in turn, at ``sample_rate``.

        Raises MissingToolError if FluidSynth isn't there, fails, complains, or takes more than ``timeout`` seconds.
        """
        settings = [part for name, value in _SETTINGS.items() for part in ("-o", f"{name}={value}")]
        options = ["-ni", "-q", "-g", "1", "-r", str(self.sample_rate), "-z", "1024", *settings, "-T", "raw", "-O", "float"]
        command = ["fluidsynth", *options, "-F", str(audio_file), str(self.sound_font), str(midi_file)]
        try:
            done = subprocess.run(
                command,
                check=False,  # the exit code alone says too little: see below
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except FileNotFoundError as error:
            raise MissingToolError(_how_to_install("FluidSynth, which makes the sound, isn't installed")) from error
        except subprocess.TimeoutExpired as error:
            raise MissingToolError(f"FluidSynth did not finish within {timeout:.0f} seconds, so there is no sound.") from error
        complaint = _COMPLAINT.search(done.stderr + done.stdout)
        if done.returncode or complaint:
            why = complaint.group(0).strip() if complaint else f"exit code {done.returncode}"
            raise MissingToolError(f"FluidSynth could not make the sound with {Path(self.sound_font).name}: {why}.")


def find_soundfont() -> Path:
    """The sound font to play with: the file that MUSICLSTM_SOUNDFONT names, else the best General MIDI one in the usual places.

    Raises MissingToolError, with what to install, if there is none.
    """
    if chosen := os.environ.get(SOUNDFONT_VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise MissingToolError(f"{SOUNDFONT_VARIABLE} must name a sound font file (.sf2, .sf3), but {chosen} is not a file.")
        return path
    folders = [folder for folder in _soundfont_folders() if folder.is_dir()]
    for pattern in _KNOWN_SOUNDFONTS:
        for folder in folders:
            if found := sorted(path for path in folder.glob(pattern) if path.is_file()):
                return found[0]
    raise MissingToolError(_how_to_install("There is no General MIDI sound font, which holds the sound of the instruments"))


def audio_ready() -> str | None:
    """None if sound can be made, else the one sentence that tells what is missing and how to install it."""
    if shutil.which("fluidsynth") is None:
        return _how_to_install("FluidSynth, which makes the sound, isn't installed")
    try:
        find_soundfont()
    except MissingToolError as error:
        return str(error)
    return None


def synthesize(piece: Piece, *, voices: Sequence[Voice] = PIANO, tail_seconds: float = TAIL_SECONDS) -> Audio:
    """The piece as it sounds from tick 0, as loud as FluidSynth makes it: pass it through ``normalise`` before people hear it.

    Exactly ``piece.seconds(piece.end) + tail_seconds`` long (a tail of 0 to 30 s), so that the last chord rings out; the end of
    the tail is faded. A piece without notes gives silence. Raises OptionError for music of more than half an hour and
    MissingToolError if FluidSynth or its sound font is missing or does not deliver.
    """
    if not 0 <= tail_seconds <= 30:
        raise OptionError(f"The tail must last 0 to 30 seconds, not {tail_seconds:g}.")
    seconds = piece.seconds(piece.end) + tail_seconds
    if seconds > MAX_SECONDS:
        raise OptionError(f"Sound can be made of up to {MAX_SECONDS // 60} minutes of music, not {seconds / 60:.0f}.")
    frames = round(seconds * SAMPLE_RATE)
    if not len(piece):
        return Audio(np.zeros((frames, 2), dtype=np.float32))
    soundfont = find_soundfont()
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        midi, sound = Path(folder, "music.mid"), Path(folder, "music.raw")
        midi.write_bytes(midi_bytes(_with_tail(piece, tail_seconds), voices=voices))
        CheckedFluidSynth(str(soundfont), SAMPLE_RATE).midi_to_audio(midi, sound, timeout=30.0 + seconds)
        samples = np.fromfile(sound, dtype="<f4").astype(np.float32, copy=False) if sound.is_file() else np.zeros(0, np.float32)
    # A quarter of a second may be missing, not more: that would be music.
    if len(samples) // 2 < frames - SAMPLE_RATE // 4 or not np.isfinite(samples).all():
        raise MissingToolError(f"FluidSynth rendered {len(samples) / 2 / SAMPLE_RATE:.1f} of {seconds:.1f} seconds of sound.")
    if np.abs(samples).max() < 1e-6:  # the quietest note of a piano, velocity 1, peaks at 2e-5
        programs = ", ".join(str(voice.program) for voice in voices)
        raise MissingToolError(f"FluidSynth rendered silence; {soundfont.name} may be damaged or lack the program {programs}.")
    stereo = np.zeros((frames, 2), dtype=np.float32)
    rendered = samples[: frames * 2].reshape(-1, 2)
    stereo[: len(rendered)] = rendered
    return Audio(_faded(stereo, min(0.5, tail_seconds / 2)))


def mix(seed: Audio, continuation: Audio, offset_seconds: float) -> Audio:
    """Both sounds together, the continuation beginning ``offset_seconds`` into the seed, whose last chord rings on over it.

    A synthesizer adds up its voices, so the sum of two renders sounds like one render of the joined piece, and each needs to be
    made only once. Raises OptionError for a negative offset or different rates.
    """
    if offset_seconds < 0 or seed.rate != continuation.rate:
        raise OptionError(
            f"Sounds of one rate are joined at 0 seconds or later, not at {offset_seconds:g} with {seed.rate} and "
            f"{continuation.rate} frames a second."
        )
    start = round(offset_seconds * seed.rate)
    samples = np.zeros((max(len(seed.samples), start + len(continuation.samples)), 2), dtype=np.float32)
    samples[: len(seed.samples)] = seed.samples
    samples[start : start + len(continuation.samples)] += continuation.samples
    return Audio(samples, seed.rate)


def normalise(audios: Sequence[Audio], *, loudness_db: float = -18.0, ceiling_db: float = -1.0) -> list[Audio]:
    """The sounds with one gain for all, so that louder stays louder and what one compares is the music.

    The gain brings the sounding parts of all together to ``loudness_db`` (root mean square of both channels, dB below full
    scale), or less if a peak would pass ``ceiling_db``: nothing ever clips. Sounding parts are found as in ITU-R BS.1770-4, by
    400 ms blocks within 10 dB of the mean of the blocks above -70 dB, without its frequency weighting. Silence stays silence.
    """
    peak = max((audio.peak for audio in audios), default=0.0)
    if peak == 0.0:
        return list(audios)
    blocks = np.concatenate([_block_powers(audio, peak) for audio in audios])
    audible = blocks[blocks > 1e-7]
    power = float(audible[audible > audible.mean() / 10].mean()) * peak * peak
    gain = min(10 ** (loudness_db / 20) / math.sqrt(power), 10 ** (ceiling_db / 20) / peak)
    return [Audio(audio.samples * np.float32(gain), audio.rate) for audio in audios]


def render_trio(
    seed: Piece, continuation: Piece, at: int, *, voices: Sequence[Voice] = PIANO, seed_audio: Audio | None = None
) -> dict[str, Audio]:
    """What one listens to: ``{"seed": …, "continuation": …, "joined": …}``, of common loudness, ready for ``write_wav``.

    ``continuation`` counts its ticks from 0 and is placed at tick ``at`` of the seed, as in ``notes.join``. ``seed_audio``, what
    ``synthesize`` gave for the same seed and voices before, saves rendering it again; else both are rendered at the same time.
    Raises what ``synthesize`` raises.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        later = None if seed_audio is not None else beside.submit(synthesize, seed, voices=voices)
        second = synthesize(continuation, voices=voices)
        first = seed_audio if later is None else later.result()
    assert first is not None
    names = ("seed", "continuation", "joined")
    return dict(zip(names, normalise([first, second, mix(first, second, seed.seconds(at))]), strict=True))


def write_wav(audio: Audio, path: Path | str) -> None:
    """Write 16-bit PCM; samples beyond full scale are held at it."""
    pcm = np.round(np.clip(audio.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes(pcm.tobytes())


def _with_tail(piece: Piece, tail_seconds: float) -> Piece:
    """The piece with a last, silent event after the tail, as players stop at the last event of a file."""
    qpm = piece.tempo_at(piece.end)
    last = piece.end + math.ceil(tail_seconds * qpm / 60 * TICKS_PER_QUARTER)
    tempi = tuple(tempo for tempo in piece.tempi if tempo.onset <= piece.end)
    metres = tuple(metre for metre in piece.metres if metre.onset <= piece.end)
    return replace(piece, metres=metres, tempi=(*tempi, Tempo(last, qpm)))


def _faded(samples: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
    count = min(len(samples), round(seconds * SAMPLE_RATE))
    if count:
        ramp = 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, count, dtype=np.float32))
        samples[-count:] *= ramp[:, None]
    return samples


def _block_powers(audio: Audio, peak: float) -> NDArray[np.float64]:
    """Mean square of every 400 ms, full scale being ``peak``; the last block is filled up with silence."""
    size = 2 * round(0.4 * audio.rate)
    flat = audio.samples.reshape(-1) / np.float32(peak)
    blocks = np.pad(flat, (0, -len(flat) % size)).reshape(-1, size)
    return np.square(blocks).mean(axis=1, dtype=np.float64)


def _soundfont_folders() -> Iterator[Path]:
    home = Path.home()
    yield from (home / ".fluidsynth", home / ".local/share/soundfonts", home / ".local/share/sounds/sf2")
    for prefix in ("/usr/share", "/usr/local/share", "/opt/homebrew/share"):
        yield from (Path(prefix, part) for part in ("sounds/sf2", "soundfonts", "sounds/sf3"))


def _how_to_install(what: str) -> str:
    if sys.platform == "darwin":
        how = "brew install fluid-synth, and save a General MIDI sound font as ~/.fluidsynth/default_sound_font.sf2"
    else:
        how = "sudo apt install fluidsynth fluid-soundfont-gm"
    return f"{what}; install it with: {how}."
