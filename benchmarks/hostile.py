"""Claim: a file that means harm costs its sender a sentence, and other visitors nothing.

Each file goes to the /continue of a running page, while another visitor asks for the page ten times a second. For comparison a
sound file of each format is read, and its opening drawn, as after an upload.
"""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.report import Figure, cores, publish, section

ROUNDS = 20  # of each sound file
PATIENCE = 60.0  # seconds for one file


def main() -> None:
    """Send every file, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier version, measured in turn")
    options = parser.parse_args()
    versions = {"now": Path(__file__).resolve().parents[1]} | ({"before": options.before} if options.before else {})
    table: dict[str, dict[str, list[str]]] = {}
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch:
        bad, usual = hostile(Path(scratch)), drawn(sound_files(Path(scratch)))
        for version, folder in versions.items():
            rows = measured(folder, bad)
            for path, (seconds, waited, grown, words) in zip(bad, rows, strict=True):
                cells = [f"{seconds:.1f} s", f"{waited:.2f} s", f"{grown:.0f} MB", words]
                table.setdefault(path.name, {})[version] = cells
            if version == "now":
                figures = [
                    Figure("the slowest answer to a bad file", max(row[0] for row in rows), "s", most=10.5),
                    Figure("the longest wait of another visitor", max(row[1] for row in rows), "s", most=1),
                    *(
                        Figure(f"a sound {ending} file, from the upload to its picture", 1000 * s, "ms", most=1000)
                        for ending, s in usual.items()
                    ),
                ]
    text = section(
        f"{(__doc__ or '').splitlines()[0]}\n\n{as_markdown(table)}",
        figures,
        notes=["Memory: how much the page's processes grew while the file was read."],
        threads=f"{cores()} cores",
        libraries=("gradio", "music21", "pebble"),
    )
    publish("Hostile files", text)


def as_markdown(table: dict[str, dict[str, list[str]]]) -> str:
    """The table, a line for each file and version."""
    head = ("file", "version", "answer after", "another visitor waited", "memory", "answer")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, versions in table.items():
        lines += [f"| {name} | {version} | {' | '.join(cells)} |" for version, cells in versions.items()]
    return "\n".join(lines)


def hostile(folder: Path) -> list[Path]:
    """Files that are small and cost much to whoever reads them in good faith."""
    rng = np.random.default_rng(1)
    tune = "X:1\nT:x\nM:4/4\nL:1/8\n"
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
    long_bars = "".join(f'<measure number="{n}">{note * 8}</measure>' for n in range(1, 1_001))
    endless = b"\x00\xff\x01" + b"\x80" * 200_000 + b"\x00" + b"\x00\x90\x3c\x40\x60\x80\x3c\x40\x00\xff\x2f\x00"
    midi_head = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk"
    files: dict[str, bytes] = {
        "brackets-as-composer.abc": f"{tune}C:{'(' * 2_040}\nK:C\nCDEF|\n".encode(),
        "digits-as-composer.abc": f"{tune}C:{'(' * 1_000 + '1' * 1_000}\nK:C\nCDEF|\n".encode(),
        "many-keys.abc": (tune + "K:\n" * 100_000).encode(),
        "many-fields.abc": (tune + "K:C\n" + "[a:" * 100_000 + "\n").encode(),
        "endless-note.abc": f"{tune}K:C\nC{'9' * 9}|\n".encode(),
        "endless-repeats.abc": (tune + "K:C\n" + "|:" * 20_000 + "C" + ":|" * 20_000 + "\n").encode(),
        "endless-number.mid": midi_head + len(endless).to_bytes(4, "big") + endless,
        "endless-title.mid": midi_head + (200_000).to_bytes(4, "big") + b"\x00\xff\x03" + b"\xff" * 199_997,
        "many-notes.mid": _midi([(0 if n % 8 else 24, 21 + n % 88) for n in range(300_000)]),
        "dense.mid": _midi([(1 if n % 2 else 0, 21 + int(rng.integers(88))) for n in range(5_888)]),
        "8000-notes.mxl": _mxl(_score(long_bars)),
        "50-megabytes.mxl": _mxl(_score(f"<measure number='1'>{note * 600_000}</measure>")),
        "bomb.mxl": _mxl(_score("<!-- " + " " * 500_000_000 + "-->")),
        "laughs.musicxml": _laughs(),
        "deep.musicxml": ("<score-partwise>" + "<part>" * 200_000).encode(),
        "many-spines.krn": ("\t".join(["**kern"] * 2_000) + "\n" + ("\t".join(["4c"] * 2_000) + "\n") * 50).encode(),
        "splitting.krn": _splitting(18).encode(),
    }
    paths = []
    for name, data in files.items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths


def sound_files(folder: Path) -> list[Path]:
    """One ordinary file of each format, 16 bars."""
    from musiclstm.formats import write_midi, write_musicxml
    from musiclstm.seeds import load_catalogue

    piece = load_catalogue()[0].piece
    bars = "".join(f"={n}\n" + "4c 4e\n4d 4f\n4e 4g\n4f 4a\n" for n in range(1, 17))
    tune = "X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\n" + "CDEF|GABc|" * 8
    write_midi(piece, folder / "sound.mid")
    write_musicxml(piece, folder / "sound.musicxml")
    (folder / "sound.krn").write_text(f"**kern\n*M4/4\n{bars}*-\n", encoding="utf-8")
    (folder / "sound.abc").write_text(tune, encoding="utf-8")
    return [folder / f"sound{ending}" for ending in (".mid", ".musicxml", ".krn", ".abc")]


def drawn(paths: list[Path]) -> dict[str, float]:
    """The median of the seconds from each file to the picture of its opening, by its ending; the reader's processes are warm."""
    from musiclstm.formats import MusicReader
    from musiclstm.music import Performance
    from musiclstm.seeds import seed_from_piece
    from musiclstm.ui.pictures import waiting_roll

    seconds: dict[str, list[float]] = {path.suffix: [] for path in paths}
    with MusicReader() as reader:
        for _ in range(ROUNDS + 1):
            for path in paths:
                began = time.perf_counter()
                waiting_roll(seed_from_piece(reader.read(path)), 16, Performance())
                seconds[path.suffix].append(time.perf_counter() - began)
    return {ending: median(values[1:]) for ending, values in seconds.items()}


def _midi(notes: list[tuple[int, int]]) -> bytes:
    events = b"".join(_number(step) + bytes([0x90, pitch, 64]) + b"\x00" + bytes([0x80, pitch, 64]) for step, pitch in notes)
    track = events + b"\x00\xff\x2f\x00"
    return b"MThd\0\0\0\6\0\0\0\1\0\x18MTrk" + len(track).to_bytes(4, "big") + track


def _number(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([0x80 | value >> 7, value & 127])


def _score(bars: str) -> str:
    parts = '<part-list><score-part id="P"><part-name>P</part-name></score-part></part-list>'
    return f'<?xml version="1.0"?><score-partwise version="4.0">{parts}<part id="P">{bars}</part></score-partwise>'


def _mxl(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", text)
    return packed.getvalue()


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{entities}]><score-partwise>&a9;</score-partwise>'.encode()


def _splitting(times: int) -> str:
    """A kern file whose voices double with every line."""
    lines, voices = ["**kern"], 1
    for _ in range(times):
        lines.append("\t".join(["*^"] * voices))
        voices = min(voices * 2, 4_096)
    return "\n".join([*lines, "\t".join(["4c"] * voices), "\t".join(["*-"] * voices)]) + "\n"


def measured(folder: Path, paths: list[Path]) -> list[tuple[float, float, float, str]]:
    """What each file costs the page from the checkout in ``folder``; one that no longer answers is started anew."""
    rows: list[tuple[float, float, float, str]] = []
    while len(rows) < len(paths):
        with running(folder) as (address, process):
            while len(rows) < len(paths):
                rows.append(sent(address, process, paths[len(rows)]))
                if rows[-1][0] >= PATIENCE:
                    break
    return rows


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, int]]:
    """A page of its own process from the checkout in ``folder``: its address and its process's number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(folder)}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}/"
        while not _answered(address):
            time.sleep(0.5)
        asked(address, None)  # waits until the model is warm
        yield address, process.pid
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired:  # it is still at the file
            process.kill()
            process.wait()


def _answered(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address, timeout=30).read(1))  # noqa: S310  the page's own address
    except OSError:
        return False


def asked(address: str, path: Path | None) -> tuple[float, str]:
    """Seconds until the page has answered with a continuation of one bar or with a sentence, and the sentence."""
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError

    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        settings: dict[str, Any] = {"bars": 1, "random_seed": 1}
        began = time.perf_counter()
        try:
            client = Client(address, verbose=False, download_files=folder)
            began = time.perf_counter()
            if path is None:
                client.predict(seed="mozart-k545-1", api_name="/generate", **settings)
            else:
                client.submit(file=handle_file(path), api_name="/continue", **settings).result(PATIENCE)
        except AppError as error:
            words = str(error)
        except Exception:  # noqa: BLE001  whatever the client makes of a page that no longer answers
            return PATIENCE, f"no answer within {PATIENCE:.0f} s"
        else:
            words = "music"
        seconds = time.perf_counter() - began
        client.close()
    return seconds, words


def sent(address: str, process: int, path: Path) -> tuple[float, float, float, str]:
    """What one file costs: seconds until its answer, the longest wait of another visitor meanwhile, megabytes, the answer."""
    waits, peak, done = [0.0], [0], threading.Event()
    before = memory(process)

    def visit() -> None:
        while not done.wait(0.1):
            began = time.perf_counter()
            _answered(address)
            waits.append(time.perf_counter() - began)

    def watch() -> None:
        while not done.wait(0.05):
            peak.append(memory(process))

    threads = [threading.Thread(target=visit), threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    seconds, words = asked(address, path)
    done.set()
    for thread in threads:
        thread.join()
    return seconds, max(waits), max(0, max(peak) - before) / 1e6, words.replace("|", "/")[:160]


def memory(process: int) -> int:
    """Bytes that a process and those that it started hold in memory, those of the system's start-up helper included."""
    pages = 0
    for number in family(process):
        try:
            pages += int(Path(f"/proc/{number}/statm").read_text(encoding="utf-8").split()[1])
        except OSError:  # it has ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def family(process: int) -> list[int]:
    """The numbers of a process and of all that it started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    numbers = [process]
    for number in numbers:  # it grows on the way
        numbers += children.get(number, [])
    return numbers


if __name__ == "__main__":
    main()
