"""What the benchmarks share: fair timing, and a results page in which each script owns one section.

A section says what is claimed, what was measured, and all that is needed to measure it again: command, date, machine, threads and
versions. A run replaces its own section and leaves the others as they are.
"""

from __future__ import annotations

import math
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions, version
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parent / "RESULTS.md"
PREFACE = """# Measured results

Each section is written by the script it names; a new run of that script replaces it. `make bench`, `make bench-quality` and
`make bench-takes` run them.
"""


@dataclass(frozen=True)
class Figure:
    """One measured number, and the bound it has to keep if there is one: ``least`` or ``most``."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def verdict(self) -> str:
        """The bound and whether it is kept; "" without a bound."""
        if self.least is None and self.most is None:
            return ""
        bound = f"at most {self.most:g}" if self.least is None else f"at least {self.least:g}"
        if self.least is not None and self.most is not None:
            bound = f"{self.least:.3g} to {self.most:.3g}"
        low = -float("inf") if self.least is None else self.least
        high = float("inf") if self.most is None else self.most
        return f"{bound}: {'kept' if low <= self.value <= high else '**missed**'}"


def taking_turns(peers: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds that each peer took in each round. They take turns, so that a busy machine slows all of them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, run in peers.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times as long ``slow`` took as ``fast``: the median over the rounds, each round compared with itself."""
    return median(one / other for one, other in zip(slow, fast, strict=True))


def set_threads(count: int) -> None:
    """Give numpy's BLAS and OpenMP ``count`` threads, and keep TensorFlow quiet; only has an effect before they are imported."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def section(claim: str, figures: Sequence[Figure], *, notes: Sequence[str] = (), threads: str, libraries: Sequence[str]) -> str:
    """The text of a section: claim, table, remarks, and how it was measured. ``libraries`` are names that Python imports."""
    rows = [f"| {f.name} | {_number(f.value)}{f' {f.unit}' if f.unit else ''} | {f.verdict} |" for f in figures]
    table = ["| | measured | target |", "|---|---|---|", *rows]
    measured = [
        f"- Command: `{command(sys.argv)}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- Machine: {processor()}, {cores()} cores; {threads}",
        f"- Versions: Python {platform.python_version()}, {', '.join(_versions(libraries))}",
    ]
    return "\n".join([claim, "", *table, "", *(f"- {note}" for note in notes), *measured])


def publish(title: str, text: str, path: Path = RESULTS) -> None:
    """Print a section and write it under ``## title``, in the place of the one that was there, else at the end."""
    print(f"\n## {title}\n\n{text}\n")
    page = path.read_text(encoding="utf-8") if path.exists() else PREFACE
    head, *parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    sections = {part.splitlines()[0]: part.strip() for part in parts} | {f"## {title}": f"## {title}\n\n{text.strip()}"}
    path.write_text("\n\n".join([head.strip(), *sections.values()]) + "\n", encoding="utf-8")


def command(arguments: Sequence[str]) -> str:
    """The command line as others can type it: this machine's paths are shown as PATH."""
    script, *rest = arguments
    shown = []
    for word in rest:
        option, equals, value = word.rpartition("=")
        shown.append(f"{option}{equals}PATH" if value and ("/" in value or Path(value).exists()) else word)
    return " ".join(["PYTHONPATH=. python", f"benchmarks/{Path(script).name}", *shown])


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.MULTILINE) if info.exists() else []
    return str(names[0]).strip() if names else platform.processor() or platform.machine()


def _versions(libraries: Sequence[str]) -> list[str]:
    """Name and version of the package that each import comes from: tensorflow may be tensorflow-cpu."""
    packages = packages_distributions()
    return [f"{packages[name][0]} {version(packages[name][0])}" for name in libraries]


def _number(value: float) -> str:
    """Three digits that count: 0.0123, 1.23, 12.3, 123, 1,230."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 2 - int(f"{value:.2e}".split("e")[1])
    return f"{round(value, digits):,.{max(0, digits)}f}"
