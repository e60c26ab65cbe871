"""Claim: a recipe gives the same notes whatever instructions the processor has and however many threads there are.

Ten seeds are continued in processes of their own: with the instructions that XLA chooses here, with older ones, with and without
oneDNN, with one thread and with two. Each compiles for itself. Their notes are compared with those of the first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.report import Figure, cores, publish, section
from musiclstm.compiled import QUICKLY

SEEDS, BARS = 10, 16
ISA = ("SSE4_2", "AVX", "AVX2", "AVX512")
Rows = list[list[int]]


def main() -> None:
    """Write, compare, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--write", type=int, metavar="N", help="only print the notes of takes of N seeds, as JSON")
    options = parser.parse_args()
    if options.write is not None:
        print(json.dumps(takes(options.write)))
        return
    found = {name: elsewhere(settings, options.seeds) for name, settings in ways().items()}
    reference, *others = found.items()
    figures, notes = [Figure("takes of each", options.seeds)], [f"Compared with: {reference[0]}."]
    for name, written in others:
        apart = {seed: bar for seed, take in reference[1].items() if (bar := first_other(take, written[seed]))}
        figures.append(Figure(f"the same notes, {name}", options.seeds - len(apart), least=options.seeds))
        if apart:
            notes.append(f"{name}: " + ", ".join(f"{seed} from bar {bar} on" for seed, bar in apart.items()) + ".")
    claim = (__doc__ or "").splitlines()[0]
    publish("Processors", section(claim, figures, notes=notes, threads=f"{cores()} cores", libraries=("keras", "tensorflow")))


def ways() -> dict[str, dict[str, str]]:
    """The environments in which the music is written, by their names; the first is what this machine does by itself."""
    one, two = ({"TF_NUM_INTRAOP_THREADS": n, "OMP_NUM_THREADS": n} for n in ("1", "2"))
    found = instructions()
    older = ISA[: ISA.index(found)] if found in ISA else ()
    return {
        f"{found or platform.machine()}, two threads": two,
        "one thread": one,
        "without oneDNN": two | {"TF_ENABLE_ONEDNN_OPTS": "0"},
        "with oneDNN": two | {"TF_ENABLE_ONEDNN_OPTS": "1"},
        "with XLA's other kernels": two | {"XLA_FLAGS": QUICKLY.replace("false", "true")},
        **{f"at most {isa}": two | {"XLA_FLAGS": f"{QUICKLY} --xla_cpu_max_isa={isa}"} for isa in older},
        **(
            {
                f"at most {older[0]}, without oneDNN": two
                | {"XLA_FLAGS": f"{QUICKLY} --xla_cpu_max_isa={older[0]}", "TF_ENABLE_ONEDNN_OPTS": "0"}
            }
            if older
            else {}
        ),
    }


def instructions() -> str:
    """The widest of the instruction sets that XLA tells apart on this processor; elsewhere than on x86 the processor's kind."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    flags = set((re.search(r"(?m)^flags\s*:(.*)$", text) or ["", ""])[1].split())
    known = {"sse4_2": "SSE4_2", "avx": "AVX", "avx2": "AVX2", "avx512f": "AVX512"}
    return next((known[flag] for flag in reversed(known) if flag in flags), platform.machine())


def elsewhere(settings: Mapping[str, str], seeds: int) -> dict[str, list[Rows]]:
    """What ``takes`` gives in a process with these environment variables."""
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as cache:
        flags = {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={cache}"}
        command = [sys.executable, __file__, "--write", str(seeds)]
        answer = subprocess.run(command, env={**os.environ, **flags, **settings}, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def takes(seeds: int) -> dict[str, list[Rows]]:
    """For seeds spread over the catalogue, the notes of each bar of a take with its seed."""
    import numpy as np

    from musiclstm.api import generate, open_checkpoint
    from musiclstm.music import bar_lines

    checkpoint, found = open_checkpoint(), {}
    for number in range(seeds):
        seed = checkpoint.seeds[number * len(checkpoint.seeds) // seeds]
        joined = generate(seed, checkpoint=checkpoint, bars=BARS, random_seed=1).takes[0].joined
        bar = np.searchsorted(bar_lines(joined), joined.notes["onset"], side="right")
        found[seed.id] = [joined.notes[bar == each].tolist() for each in range(1, int(bar[-1]) + 1)]
    return found


def first_other(one: Sequence[Rows], other: Sequence[Rows]) -> int:
    """The first bar, counted from 1 with a pickup, in which two takes have other notes; 0 if there is none."""
    bars = max(len(one), len(other))
    padded = [[*take, *[[] for _ in range(bars - len(take))]] for take in (one, other)]
    return next((bar for bar, (mine, theirs) in enumerate(zip(*padded, strict=True), start=1) if mine != theirs), 0)


if __name__ == "__main__":
    main()
