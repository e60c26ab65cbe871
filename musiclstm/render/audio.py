"""Renders pieces as sound, with midi2audio and FluidSynth.

midi2audio puts FluidSynth's options after the files, which FluidSynth 2.4 refuses, and ignores what comes back, while FluidSynth
exits with 0 even without a sound font. Here the options come first, every run has its own folder, and a result that isn't the
whole music is an error. Samples stay floating point until a file is written, so loud chords aren't clipped on the way.
"""

from __future__ import annotations

import io
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from midi2audio import FluidSynth
from numpy.typing import NDArray

from musiclstm import limits
from musiclstm.children import ending_with_us
from musiclstm.errors import MissingToolError, OptionError
from musiclstm.formats import midi_bytes
from musiclstm.music import PIANO, TICKS_PER_QUARTER, Piece, Tempo, Voice
from musiclstm.scratch import temporary_folder

SAMPLE_RATE = 44_100
TAIL_SECONDS = 2.0  # by then the last chord of every instrument has died away, except for a faint ringing of the harp
LOUDNESS = -16.0  # LUFS: usual for music on the web
CEILING = -1.0  # dB below full scale that no peak passes
SOUNDFONT_VARIABLE = "MUSICLSTM_SOUNDFONT"
# FluidSynth needs one or two seconds for a minute of music, after 0.1 s for the sound font, or one to three for a compressed
# one. A busy machine takes some times as long; beyond this, FluidSynth hangs.
START_SECONDS, SECONDS_PER_SECOND = 15.0, 0.1

# The best first, by benchmarks/pianos.py. Sound fonts in .sf3 are compressed and unpacked for every sound, so they come last.
_KNOWN_SOUNDFONTS = ("MuseScore_General*.sf2", "FluidR3_GM.sf2", "FluidR3_GM2-2.SF2", "GeneralUser*.sf2", "TimGM6mb.sf2",
                     "default-GM.sf2", "default_sound_font.sf2", "default.sf2", "*.sf2", "MuseScore_General*.sf3",
                     "default-GM.sf3", "*.sf3")  # fmt: skip

# Effects are set here because FluidSynth 2.3 and 2.4 differ in their defaults. Samples are loaded for the chosen programs only:
# 0.1 s and 140 MB of memory for the piano of MuseScore_General_Full.
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
# FluidSynth prints one of these and continues with another sound font, or none.
_COMPLAINT = re.compile(r".*(?:not a SoundFont or MIDI|Failed to load|Failed to open|Unknown option|Unexpected end).*", re.I)
FAINT = 8  # velocity: of softer notes a font may make no sound, as MuseScore_General of 1 and 2


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
    """midi2audio's FluidSynth with the options before the files, a time limit, and a check of what FluidSynth prints."""

    def midi_to_audio(self, midi_file: str | Path, audio_file: str | Path, *, timeout: float = 60.0, reverb: bool = True) -> None:
        """Render ``midi_file`` to ``audio_file``: headerless 32-bit floats, left and right in turn, at ``sample_rate``.

        Raises MissingToolError if FluidSynth isn't there, fails, complains, or takes more than ``timeout`` seconds.
        """
        files = (str(audio_file), str(self.sound_font), str(midi_file))
        command = fluidsynth_command(*files, rate=self.sample_rate, reverb=reverb)
        try:
            done = subprocess.run(
                ending_with_us(command),
                check=False,  # the exit code alone says too little: see below
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise MissingToolError(f"FluidSynth did not finish within {timeout:.0f} seconds, so there is no sound.") from error
        complaint = _COMPLAINT.search(done.stderr + done.stdout)
        if done.returncode or complaint:
            ended = f"exit code {done.returncode}" if done.returncode >= 0 else f"it was ended by signal {-done.returncode}"
            why = complaint.group(0).strip() if complaint else ended
            raise MissingToolError(f"FluidSynth could not make the sound with {Path(self.sound_font).name}: {why}.")


def fluidsynth_command(
    sound: Path | str, soundfont: Path | str, midi: Path | str, *, rate: int = SAMPLE_RATE, reverb: bool = True
) -> list[str]:
    """The command line that renders the file ``midi`` to the file ``sound``: headerless 32-bit floats, left and right in turn.

    Raises MissingToolError if FluidSynth isn't there.
    """
    chosen = _SETTINGS | {"synth.reverb.active": str(int(reverb))}
    settings = [part for name, value in chosen.items() for part in ("-o", f"{name}={value}")]
    options = ["-ni", "-q", "-g", "1", "-r", str(rate), "-z", "1024", *settings, "-T", "raw", "-O", "float"]
    program = shutil.which("fluidsynth")
    if program is None:
        raise MissingToolError(_how_to_install("FluidSynth, which makes the sound, isn't installed"))
    return [program, *options, "-F", str(sound), str(soundfont), str(midi)]


def find_soundfont() -> Path:
    """The sound font to play with: the file that MUSICLSTM_SOUNDFONT names, else the best General MIDI one in the usual places.

    Raises MissingToolError, with what to install, if there is none.
    """
    if chosen := os.environ.get(SOUNDFONT_VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise MissingToolError(f"{SOUNDFONT_VARIABLE} must name a sound font file (.sf2, .sf3), but {chosen} is not a file.")
        return path
    folders = [folder for folder in soundfont_folders() if folder.is_dir()]
    for pattern in _KNOWN_SOUNDFONTS:
        for folder in folders:
            if found := sorted(path for path in folder.glob(pattern) if path.is_file()):
                return found[0]
    raise MissingToolError(_how_to_install("There is no General MIDI sound font, with the sounds of the instruments"))


def audio_ready() -> str | None:
    """None if sound can be made, else the one sentence that tells what is missing and how to install it."""
    if shutil.which("fluidsynth") is None:
        return _how_to_install("FluidSynth, which makes the sound, isn't installed")
    try:
        find_soundfont()
    except MissingToolError as error:
        return str(error)
    return None


def synthesize(
    piece: Piece, *, voices: Sequence[Voice] = PIANO, tail_seconds: float = TAIL_SECONDS, reverb: bool = True
) -> Audio:
    """The piece as it sounds from tick 0, as loud as FluidSynth makes it: pass it through ``normalise`` for listening.

    Exactly ``piece.seconds(piece.end) + tail_seconds`` long (a tail of 0 to 30 s), so that the last chord rings out; the end of
    the tail is faded. A piece without notes gives silence. Raises OptionError for music of more than half an hour and
    MissingToolError if FluidSynth or its sound font is missing or does not deliver.
    """
    if not 0 <= tail_seconds <= 30:
        raise OptionError(f"The tail must last 0 to 30 seconds, not {tail_seconds:g}.")
    seconds = piece.seconds(piece.end) + tail_seconds
    if seconds > limits.SOUND_SECONDS:
        raise OptionError(f"Only up to {limits.SOUND_SECONDS // 60} minutes of music can be rendered, not {seconds / 60:.0f}.")
    frames = round(seconds * SAMPLE_RATE)
    if not len(piece):
        return Audio(np.zeros((frames, 2), dtype=np.float32))
    soundfont = find_soundfont()
    with temporary_folder() as folder:
        midi, sound = folder / "music.mid", folder / "music.raw"
        if shutil.disk_usage(folder).free < frames * 8:
            raise MissingToolError("The disk is full, so there is no sound.")
        midi.write_bytes(midi_bytes(_with_tail(piece, tail_seconds), voices=voices))
        limit = START_SECONDS + SECONDS_PER_SECOND * seconds
        CheckedFluidSynth(str(soundfont), SAMPLE_RATE).midi_to_audio(midi, sound, timeout=limit, reverb=reverb)
        samples = np.fromfile(sound, dtype="<f4").astype(np.float32, copy=False) if sound.is_file() else np.zeros(0, np.float32)
    # A quarter of a second may be missing, not more: that would be music.
    if len(samples) // 2 < frames - SAMPLE_RATE // 4 or not np.isfinite(samples).all():
        raise MissingToolError(f"FluidSynth rendered {len(samples) / 2 / SAMPLE_RATE:.1f} of {seconds:.1f} seconds of sound.")
    if np.abs(samples).max() < 1e-6 and piece.notes["velocity"].max() >= FAINT:
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


def normalise(audios: Sequence[Audio], *, by: Audio | None = None) -> list[Audio]:
    """The sounds with one gain for all, so that a comparison is about the music and louder stays louder.

    The gain brings the sound ``by``, or all of them in a row, to LOUDNESS (integrated loudness by ITU-R BS.1770-4, which ignores
    pauses), or less if a peak would pass CEILING. Silence stays silence.
    """
    import pyloudnorm  # with scipy, which takes most of a second

    peak = max((audio.peak for audio in audios), default=0.0)
    if peak == 0.0:
        return list(audios)
    rate = audios[0].rate
    samples = (np.concatenate([audio.samples for audio in audios]) if by is None else by.samples) / np.float32(peak)
    block = round(0.4 * rate)  # the shortest sound that has a loudness
    if len(samples) < block:
        samples = np.pad(samples, ((0, block - len(samples)), (0, 0)))
    loudness = pyloudnorm.Meter(rate).integrated_loudness(samples)
    gain = min(10 ** ((LOUDNESS - loudness) / 20), 10 ** (CEILING / 20)) / peak
    return [Audio(audio.samples * np.float32(gain), audio.rate) for audio in audios]


def render_trio(seed: Piece, continuation: Piece, at: int, *, voices: Sequence[Voice] = PIANO) -> dict[str, Audio]:
    """The three sounds of a take, ``{"seed": …, "continuation": …, "joined": …}``, with one gain, ready for ``write_audio``.

    ``continuation`` counts its ticks from 0 and begins at tick ``at`` of the seed, as in ``notes.join``. Raises what
    ``synthesize`` raises.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        later = beside.submit(synthesize, seed, voices=voices)
        second = synthesize(continuation, voices=voices)
        first = later.result()
    both = mix(first, second, seed.seconds(at))  # holds all that the others hold, so its loudness is enough to know
    return dict(zip(("seed", "continuation", "joined"), normalise([first, second, both], by=both), strict=True))


def write_audio(audio: Audio, path: Path | str) -> None:
    """Write a sound file in the format that ``path`` ends in: .wav (16 bits), .flac or .mp3. Louder samples are clipped.

    Raises OSError if it can't be written.
    """
    path = Path(path)
    path.write_bytes(encoded(audio, path.suffix))  # so that a full disk is an OSError, as elsewhere


def encoded(audio: Audio, kind: str) -> bytes:
    """A sound file of the kind .wav (16 bits), .flac or .mp3. Louder samples are clipped."""
    file = io.BytesIO()
    soundfile.write(file, audio.samples, audio.rate, format=kind[1:].upper())
    return file.getvalue()


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


def soundfont_folders() -> Iterator[Path]:
    """Where sound fonts may lie, whether or not the folders are there."""
    home = Path.home()
    yield from (home / ".fluidsynth", home / ".local/share/soundfonts", home / ".local/share/sounds/sf2")
    for prefix in ("/usr/share", "/usr/local/share", "/opt/homebrew/share"):
        yield from (Path(prefix, part) for part in ("sounds/sf2", "soundfonts", "sounds/sf3"))


def _how_to_install(what: str) -> str:
    if sys.platform == "darwin":
        how = "brew install fluid-synth, and save a General MIDI sound font as ~/.fluidsynth/default_sound_font.sf2"
    else:
        how = "sudo apt install fluidsynth musescore-general-soundfont-lossless"
    return f"{what}; install it with: {how}."
