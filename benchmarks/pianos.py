"""Claim: of the sound fonts in Debian, the one that the app plays with has the best piano that it can afford.

For each font that is here: how its piano is made, how even it is over the keys and from soft to loud, how noisy it is between the
partials, how long it rings, and what it costs in download, memory and processor time. Fonts are looked for where the app looks,
and in the folders given by --fonts.
"""

from __future__ import annotations

import argparse
import os
import re
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Figure, publish, section

# File, and the Debian package that has it.
FONTS = {
    "FluidR3_GM.sf2": "fluid-soundfont-gm",
    "MuseScore_General_Full.sf2": "musescore-general-soundfont-lossless",
    "MuseScore_General_Full.sf3": "musescore-general-soundfont",
    "MuseScore_General_Lite.sf3": "musescore-general-soundfont-small",
    "FluidR3Mono_GM.sf3": "fluidr3mono-gm-soundfont",
    "TimGM6mb.sf2": "timgm6mb-soundfont",
}
RATE = 44_100
KEYS = range(21, 109)
SPARSE = KEYS[3::6]  # for what is asked at many velocities
VELOCITIES = range(24, 121, 8)
USUAL, SOFT, LOUD = 80, 40, 112  # velocities
HIGH = 2000  # Hz
EVERY = 1.5  # seconds from note to note, so that each is heard for one
LONG = 14.0  # seconds: for decay and noise
MIDDLE = 60
DECAY = {"A1": 33, "C4": MIDDLE, "C6": 84}
FALLEN = -30  # dB
TABLES = {
    "phdr": np.dtype([("name", "S20"), ("preset", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]),
    "bag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "gen": np.dtype([("kind", "<u2"), ("amount", "<u2")]),
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "shdr": np.dtype([("name", "S20"), ("ends", "V16"), ("rate", "<u4"), ("rest", "V6")]),
}
KEY_RANGE, VELOCITY_RANGE, INSTRUMENT, SAMPLE = 43, 44, 41, 53  # kinds of generators
HEADS = (
    ("font", "Debian package", "download", "on disk", "recordings", "layers at middle C", "rate"),
    ("font", "largest step from key to key", "uneven over the keys", "soft to loud", "steps of 8 velocities", "off the square",
     "brighter when loud", "noise", *(f"{name} to {FALLEN} dB" for name in DECAY)),
    ("font", "a minute of music", "one note", "peak memory", "the page's samples", "their size"),
)  # fmt: skip


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, nargs="*", default=[], metavar="DIR", help="further folders with sound fonts")
    options = parser.parse_args()
    from musiclstm.render.audio import SOUNDFONT_VARIABLE, find_soundfont

    used = find_soundfont().name
    tables: list[list[str]] = [[], [], []]
    figures: list[Figure] = []
    for path in found(options.fonts):
        os.environ[SOUNDFONT_VARIABLE] = str(path)
        shown = f"**{path.name}**" if path.name == used else path.name
        paid = costs(path)
        for table, cells in zip(tables, (made(path), listen(), [shown_as(each) for each in paid]), strict=True):
            table.append(line((shown, *cells)))
            print(table[-1], flush=True)
        if path.name == used:
            figures = paid
    text = "\n\n".join(
        "\n".join([line(head), line(["---"] * len(head)), *rows]) for head, rows in zip(HEADS, tables, strict=True)
    )
    notes = [
        "Bold: the font that the app plays with on this machine.",
        f"Loudness (ITU-R BS.1770) of the first second of a dry note. Key to key: at velocity {USUAL}, all 88 keys; uneven: the "
        f"standard deviation from a smooth curve. Soft to loud: velocity {VELOCITIES[0]} to {VELOCITIES[-1]}, mean of "
        f"{len(SPARSE)} keys; off the square: the largest difference from a loudness that goes with the square of the velocity, "
        "as in the page's player.",
        f"Brighter: level above {HIGH} Hz against the whole at velocity {LOUD}, minus the same at {SOFT}. Noise: level between "
        "the partials of C4, from one to three seconds after it was struck.",
        "Loudness of files doesn't depend on the font: they are brought to the same one.",
        "Times are processor seconds of FluidSynth, for the samples also of what compresses them.",
    ]
    claim = (__doc__ or "").splitlines()[0]
    libraries = ("numpy", "pyloudnorm", "soundfile")
    publish("Pianos", section(f"{claim}\n\n{text}", figures, notes=notes, threads="1 thread", libraries=libraries))


def shown_as(figure: Figure) -> str:
    """Value and unit."""
    return f"{figure.value:.{1 if figure.value < 10 else 0}f} {figure.unit}"


def line(cells: Sequence[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def found(folders: Sequence[Path]) -> list[Path]:
    """The fonts that are here, in the order of FONTS."""
    from musiclstm.render.audio import soundfont_folders

    places = [*folders, *soundfont_folders()]
    return [next(folder / name for folder in places if (folder / name).is_file()) for name in FONTS
            if any((folder / name).is_file() for folder in places)]  # fmt: skip


def made(path: Path) -> list[str]:
    """Package, download and file size, and how the piano is made, as cells."""
    package = FONTS[path.name]
    known = subprocess.run(["apt-cache", "show", package], check=False, capture_output=True, text=True).stdout
    size = re.search(r"^Size: (\d+)", known, re.MULTILINE)
    samples, layers, rate = recordings(path)
    download = f"{int(size[1]) / 1e6:.0f} MB" if size else "?"
    return [package, download, f"{path.stat().st_size / 1e6:.0f} MB", str(samples), str(layers), f"{rate / 1000:g} kHz"]


def recordings(path: Path) -> tuple[int, int, int]:
    """How a font makes its grand piano: recordings in all, those that middle C has by velocity, and frames a second.

    The two sides of a stereo recording count as two.
    """
    parts = _parts(path)
    presets = parts["phdr"]
    (place,) = np.flatnonzero((presets["preset"][:-1] == 0) & (presets["bank"][:-1] == 0))
    used, struck = set(), [set[int]() for _ in range(128)]
    for zone in _zones(parts["pbag"], parts["pgen"], *presets["bag"][place : place + 2]):
        if INSTRUMENT not in zone:
            continue
        instrument = zone[INSTRUMENT]
        for part in _zones(parts["ibag"], parts["igen"], *parts["inst"]["bag"][instrument : instrument + 2]):
            if SAMPLE in part:
                used.add(part[SAMPLE])
                if _allows(zone, KEY_RANGE, MIDDLE) and _allows(part, KEY_RANGE, MIDDLE):
                    for velocity in range(1, 128):
                        if _allows(zone, VELOCITY_RANGE, velocity) and _allows(part, VELOCITY_RANGE, velocity):
                            struck[velocity].add(part[SAMPLE])
    return len(used), len({frozenset(each) for each in struck[1:]}), int(max(parts["shdr"]["rate"][sorted(used)]))


def _allows(zone: dict[int, int], kind: int, value: int) -> bool:
    high, low = divmod(zone.get(kind, 127 << 8), 256)
    return low <= value <= high


def _zones(bags: NDArray[np.void], generators: NDArray[np.void], first: int, last: int) -> Iterator[dict[int, int]]:
    for bag in range(first, last):
        chosen = generators[bags["generator"][bag] : bags["generator"][bag + 1]]
        yield {int(kind): int(amount) for kind, amount in zip(chosen["kind"], chosen["amount"], strict=True)}


def _parts(path: Path) -> dict[str, NDArray[np.void]]:
    """The tables of a SoundFont 2 file (section 7 of its specification) by name."""
    with path.open("rb") as file:
        file.seek(12)
        while True:
            name, size, kind = struct.unpack("<4sI4s", file.read(12))
            if (name, kind) == (b"LIST", b"pdta"):
                break
            file.seek(size - 4, os.SEEK_CUR)  # some .sf3 have odd parts without the byte that RIFF asks for
        data, found = file.read(size - 4), {}
    while data:
        name, size = data[:4].decode(), struct.unpack("<I", data[4:8])[0]
        layout = TABLES.get(name) or TABLES.get(name[1:])
        if layout is not None:
            found[name] = np.frombuffer(data[8 : 8 + size], layout)
        data = data[8 + size + size % 2 :]
    return found


def listen() -> list[str]:
    """What is heard, as cells."""
    keys = levels(KEYS, [USUAL])[:, 0]
    place = np.array(KEYS, float)
    uneven = float(np.std(keys - np.polyval(np.polyfit(place, keys, 4), place)))
    grid = levels(SPARSE, VELOCITIES)
    rise = grid.mean(axis=0)
    square = 40 * np.log10(np.array(VELOCITIES) / 100)
    off = rise - square - (rise - square)[list(VELOCITIES).index(96)]
    soft, loud = (brightness(velocity) for velocity in (SOFT, LOUD))
    sound = note(MIDDLE, USUAL, LONG)
    return [
        f"{np.abs(np.diff(keys)).max():.1f} dB",
        f"{uneven:.1f} dB",
        f"{rise[-1] - rise[0]:.0f} dB",
        f"{np.diff(grid, axis=1).min():.1f} to {np.diff(grid, axis=1).max():.1f} dB",
        f"{off[np.abs(off).argmax()]:+.1f} dB",
        f"{loud - soft:+.1f} dB",
        f"{noise(sound):.0f} dB",
        *(f"{ringing(note(key, USUAL, LONG)):.1f} s" for key in DECAY.values()),
    ]


def levels(keys: Sequence[int], velocities: Sequence[int]) -> NDArray[np.float64]:
    """The loudness [K, V] in LUFS of each key at each velocity."""
    import pyloudnorm

    meter = pyloudnorm.Meter(RATE)
    wanted = [(key, velocity) for key in keys for velocity in velocities]
    sounds = notes(wanted, EVERY)
    return np.array([meter.integrated_loudness(sound[:RATE]) for sound in sounds]).reshape(len(keys), len(velocities))


def notes(wanted: Sequence[tuple[int, int]], every: float) -> list[NDArray[np.float32]]:
    """The dry sound [frames, 2] of each note, a pair of key and velocity, held until shortly before the next one."""
    from musiclstm.music import Piece, Tempo, make_notes
    from musiclstm.render.audio import synthesize

    count = len(wanted)
    ticks = np.arange(count) * round(every * 24)
    pitches, velocities = np.array(wanted).T
    piece = Piece(make_notes(ticks, pitches, np.full(count, round((every - 0.5) * 24)), velocities), tempi=(Tempo(0, 60.0),))
    samples = synthesize(piece, tail_seconds=1.0, reverb=False).samples
    return [samples[round(index * every * RATE) : round((index + 1) * every * RATE)] for index in range(count)]


def note(key: int, velocity: int, seconds: float) -> NDArray[np.float64]:
    """One dry note in one channel."""
    return notes([(key, velocity)], seconds)[0].mean(axis=1, dtype=np.float64)


def brightness(velocity: int) -> float:
    """The level in dB above HIGH against the whole, mean of the sparse keys."""
    found = []
    for sound in notes([(key, velocity) for key in SPARSE], EVERY):
        power = np.abs(np.fft.rfft(sound[:RATE].mean(axis=1))) ** 2
        found.append(10 * np.log10(power[HIGH:].sum() / power.sum()))
    return float(np.mean(found))


def noise(sound: NDArray[np.float64]) -> float:
    """What lies between the partials, in dB below the note: by the median of the spectrum from 1 to 8 kHz."""
    part = sound[RATE : 3 * RATE]
    power = np.abs(np.fft.rfft(part * np.blackman(len(part)))) ** 2
    between = float(np.median(power[2 * 1000 : 2 * 8000])) / np.log(2)  # of noise, the median lies that much below the mean
    return 10 * np.log10(between * 2 * 7000 / power.sum())


def ringing(sound: NDArray[np.float64]) -> float:
    """Seconds until a held note has fallen by FALLEN from its loudest."""
    size = RATE // 20
    power = np.square(sound[: len(sound) // size * size]).reshape(-1, size).mean(axis=1)
    heard = np.flatnonzero(power > power.max() * 10 ** (FALLEN / 10))
    return float((heard[-1] + 1) * size / RATE)


def costs(path: Path) -> list[Figure]:
    """What the app has to pay."""
    from musiclstm.render.samples import SampleLibrary

    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        song = [(40 + step * 7 % 45, 60 + step % 40) for step in range(480)]
        minute, memory = fluidsynth(path, song, Path(folder))
        one, _ = fluidsynth(path, song[:1], Path(folder))
        began = spent()
        SampleLibrary(Path(folder)).samples(0)
        seconds = spent() - began
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.mp3")) / 1e6
    return [
        Figure("a minute of music, four notes at a time", minute, "s", most=6),
        Figure("one note", one, "s", most=2),
        Figure("peak memory", memory, "MB", most=600),
        Figure("the page's samples, once", seconds, "s", most=30),
        Figure("their size", size, "MB"),
    ]


def spent() -> float:
    """Processor seconds of this process and those that it has started."""
    return sum(os.times()[:4])


def fluidsynth(font: Path, song: Sequence[tuple[int, int]], folder: Path) -> tuple[float, float]:
    """Processor seconds and most memory in MB for notes an eighth of a second apart, each of half a second."""
    from musiclstm.formats import midi_bytes
    from musiclstm.music import Piece, Tempo, make_notes
    from musiclstm.render.audio import fluidsynth_command

    count = len(song)
    pitches, velocities = np.array(song).T
    piece = Piece(make_notes(np.arange(count) * 3, pitches, np.full(count, 12), velocities), tempi=(Tempo(0, 60.0),))
    (folder / "music.mid").write_bytes(midi_bytes(piece))
    began, most = spent(), 0
    running = subprocess.Popen(fluidsynth_command(folder / "music.raw", font, folder / "music.mid"), stdout=subprocess.DEVNULL)
    status = Path(f"/proc/{running.pid}/status")
    while running.poll() is None:
        peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())
        most = max(most, int(peak[1]) if peak else 0)
        time.sleep(0.005)
    return spent() - began, most * 1024 / 1e6


if __name__ == "__main__":
    main()
