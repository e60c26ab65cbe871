"""Claim: twenty visitors at once get the same music as one alone, within 12 seconds, and wait at most 4.5 times as long.

Each visitor opens the page, as a browser does, and presses Generate with a seed and a random seed of their own: all together, or
spread over ten seconds. The page is warm and runs in a process of its own. One visitor opens a link to a large request, and
others come two seconds later. In the end all of them come once more, each alone.

Times count from the click: until the first new notes are on the roll, and until the joined MIDI is downloaded; the page
plays the notes itself. The page is asked for four times a second meanwhile.
"""

from __future__ import annotations

import argparse
import http.client
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.browsing import PATIENCE, Seen, Visitor
from benchmarks.hostile import family, running
from benchmarks.report import Figure, cores, publish, section

SPREAD = 10.0  # seconds
BIG, SMALL, LATER = {"bars": 64, "takes": 4}, 5, 2.0  # the large request, and how many small ones come how many seconds later
WARM_BARS = 4
HEAD = (
    *("version", "visitors", "first notes, median", "longest", "files, median", "longest", "× alone", "same MIDI"),
    *("turned away", "memory", "page, median", "longest"),
)


@dataclass(frozen=True)
class Wish:
    """What a visitor asks for."""

    seed: str
    random_seed: int
    bars: int = 16


@dataclass
class Meanwhile:
    """What was seen of the page while visitors were there: seconds of each answer of the page itself, bytes of memory."""

    answers: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=lambda: [0])
    shared_out: list[int] = field(default_factory=lambda: [0])


@dataclass(frozen=True)
class Case:
    """One arrival of visitors, and what they saw."""

    name: str
    wishes: Sequence[Wish]
    seen: Sequence[Seen]
    meanwhile: Meanwhile

    def served(self) -> list[Seen]:
        """Those who got their files."""
        return [seen for seen in self.seen if seen.files is not None]

    def seconds(self, what: str) -> list[float]:
        """``first_notes`` or ``files`` of those who got them; not a number if nobody did."""
        return [seconds for seen in self.seen if (seconds := getattr(seen, what)) is not None] or [float("nan")]

    def same(self, alone: dict[Wish, bytes]) -> float:
        """The share of those served whose MIDI is that of the same request made alone."""
        served = [(wish, seen) for wish, seen in zip(self.wishes, self.seen, strict=True) if seen.files is not None]
        return sum(seen.joined == alone[wish] for wish, seen in served) / max(1, len(served))


def main() -> None:
    """Measure each version, publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier version, measured in turn")
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 5, 20, 50], metavar="N", help="how many at once")
    options = parser.parse_args()
    versions = {"now": Path(__file__).resolve().parents[1]} | ({"before": options.before} if options.before else {})
    rows: list[list[str]] = []
    figures: list[Figure] = []
    faults: list[str] = []
    began, work = time.perf_counter(), time.process_time()
    for version, folder in versions.items():
        cases, alone = measured(folder, options.visitors)
        rows += [row(version, case, cases[0], alone) for case in cases]
        faults += told(version, cases)
        if version == "now":
            figures = targets(cases, alone)
    share = (time.process_time() - work) / (time.perf_counter() - began)
    notes = [
        "Alone: the same requests one after the other on the quiet page. × alone: the longest time to all files, divided by the "
        "median of those alone. Memory: of all processes of the page, the most at any time, shared memory counted once.",
        f"Warm: each seed was asked for once before, {WARM_BARS} bars. All visitors together need {share:.0%} of one core.",
        *faults,
    ]
    text = section(
        f"{(__doc__ or '').splitlines()[0]}\n\n{as_markdown(rows)}",
        figures,
        notes=notes,
        threads=f"{cores()} cores",
        libraries=("gradio", "keras", "tensorflow"),
    )
    publish("Visitors", text)


def measured(folder: Path, sizes: Sequence[int]) -> tuple[list[Case], dict[Wish, bytes]]:
    """All cases of a checkout, those alone first, and the MIDI files of those alone."""
    with running(folder) as (address, process):
        wishes = wished(address, max([*sizes, SMALL]))
        for wish in {wish.seed: wish for wish in wishes}.values():
            visited(address, Wish(wish.seed, wish.random_seed, WARM_BARS))
        cases = []
        for size in sorted(set(sizes) - {1}):
            cases.append(case(f"{size} together", address, process, wishes[:size], [0.0] * size))
            spread = [SPREAD * index / size for index in range(size)]
            cases.append(case(f"{size} within {SPREAD:.0f} s", address, process, wishes[:size], spread))
        few = wishes[:SMALL]
        if SMALL not in sizes:
            cases.append(case(f"{SMALL} together", address, process, few, [0.0] * SMALL))
        big: list[Seen] = []
        opening = threading.Thread(target=lambda: big.append(linked(address, few[0])))
        opening.start()
        time.sleep(LATER)
        name = f"{SMALL} together, {LATER:.0f} s after {BIG['bars']} bars, {BIG['takes']} takes"
        cases.append(case(name, address, process, few, [0.0] * SMALL))
        opening.join()
        cases.append(Case("that large request", [], big, Meanwhile()))
        with watched(address, process) as meanwhile:
            lone = [visited(address, wish) for wish in wishes]
    alone = {wish: seen.joined for wish, seen in zip(wishes, lone, strict=True)}
    return [Case("1 alone", wishes, lone, meanwhile), *cases], alone


def wished(address: str, count: int) -> list[Wish]:
    """The requests of so many visitors: the seeds of the page in turn, each with another random seed."""
    with Visitor(address) as visitor:
        seeds = [value for _, value in visitor.properties["seed"]["choices"]]
    return [Wish(seeds[index % len(seeds)], index + 1) for index in range(count)]


def case(name: str, address: str, process: int, wishes: Sequence[Wish], delays: Sequence[float]) -> Case:
    """Let visitors come, each after a delay in seconds; without delays all press the button once everybody's page is open."""
    seen: list[Seen | None] = [None] * len(wishes)
    together = threading.Barrier(len(wishes))

    def come(index: int) -> None:
        time.sleep(delays[index])
        seen[index] = visited(address, wishes[index], *([] if any(delays) else [together.wait]))

    with watched(address, process) as meanwhile:
        threads = [threading.Thread(target=come, args=(index,)) for index in range(len(wishes))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = Case(name, wishes, [one or Seen(faults=["the visitor got lost"]) for one in seen], meanwhile)
    print(f"{name}: {len(found.served())} served within {max(found.seconds('files')):.1f} s", flush=True)
    return found


def visited(address: str, wish: Wish, ready: Callable[[], object] = lambda: None) -> Seen:
    """What a visitor sees who opens the page, calls ``ready()`` and then presses Generate."""
    settings = {"seed": wish.seed, "random-seed": wish.random_seed, "fresh": False, "bars": wish.bars}
    try:
        with ExitStack() as opening:
            opening.callback(ready)  # whatever happens: others wait for it
            visitor = Visitor(address)
            faults = [f"while opening: {fault}" for fault in visitor.arrive().faults]
        with visitor:
            seen = visitor.press("generate", settings)
    except (OSError, http.client.HTTPException) as error:
        return Seen(faults=[f"no answer: {error}"])
    seen.faults.extend(faults)
    return seen


def linked(address: str, wish: Wish) -> Seen:
    """What a visitor sees who opens a link to the large request."""
    from musiclstm.generation.link import link_from_recipe

    recipe = {"program": "musiclstm", "seed": wish.seed, "random_seed": wish.random_seed, "candidates": 8, **BIG}
    try:
        with Visitor(address, recipe=link_from_recipe(recipe)) as visitor:
            return visitor.arrive()
    except (OSError, http.client.HTTPException) as error:
        return Seen(faults=[f"no answer: {error}"])


@contextmanager
def watched(address: str, process: int) -> Iterator[Meanwhile]:
    """Ask for the page and look at its memory, until the block ends."""
    meanwhile, done = Meanwhile(), threading.Event()

    def ask() -> None:
        while not done.wait(0.25):
            began = time.perf_counter()
            try:
                urllib.request.urlopen(address, timeout=PATIENCE).read()  # noqa: S310  the page's own address
            except OSError:
                meanwhile.answers.append(PATIENCE)
            else:
                meanwhile.answers.append(time.perf_counter() - began)

    def look() -> None:
        while not done.wait(0.5):
            resident, shared_out = memory(process)
            meanwhile.resident.append(resident)
            meanwhile.shared_out.append(shared_out)

    threads = [threading.Thread(target=ask), threading.Thread(target=look)]
    for thread in threads:
        thread.start()
    try:
        yield meanwhile
    finally:
        done.set()
        for thread in threads:
            thread.join()


def memory(process: int) -> tuple[int, int]:
    """Bytes that a process and those that it started hold: resident, and with what they share counted once."""
    sums = {"Rss": 0, "Pss": 0}
    for number in family(process):
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:  # it has ended
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0]) * 1024
    return sums["Rss"], sums["Pss"]


def targets(cases: Sequence[Case], alone: dict[Wish, bytes]) -> list[Figure]:
    """The figures with a target; those of 20 together only if there were 20."""
    lone, *others = cases
    once = median(lone.seconds("files"))
    figures = []
    for case in others:
        if case.name == "20 together":
            longest, what = max(case.seconds("files")), f"{case.name}: the longest wait for all files"
            figures = [Figure(what, longest, "s", most=12), Figure(f"{what}, compared with one alone", longest / once, most=4.5)]
    crowds = [case for case in others if case.wishes]
    wait = [max(case.seconds("files")) for case in crowds if case.name.startswith(f"{SMALL} together")]
    return [
        *figures,
        Figure(f"{SMALL} small requests after a large one, compared with none before", wait[-1] / wait[0]),
        Figure("visitors whose MIDI is the same as alone", 100 * min(case.same(alone) for case in crowds), "%", least=100),
        Figure("the longest wait for the page itself", max(max(case.meanwhile.answers) for case in crowds), "s", most=1),
        Figure("memory, shared counted once", max(max(case.meanwhile.shared_out) for case in cases) / 1e9, "GB", most=1.2),
        Figure("memory, resident in each process", max(max(case.meanwhile.resident) for case in cases) / 1e9, "GB"),
    ]


def row(version: str, case: Case, lone: Case, alone: dict[Wish, bytes]) -> list[str]:
    """The cells of a case."""
    first, files, answers = case.seconds("first_notes"), case.seconds("files"), case.meanwhile.answers
    seen = [f"{median(first):.2f} s", f"{max(first):.2f} s", f"{median(files):.2f} s", f"{max(files):.2f} s"]
    if not case.wishes:
        return [version, case.name, *seen, *[""] * 6]
    return [
        *(version, case.name, *seen, f"{max(files) / median(lone.seconds('files')):.2f}", f"{case.same(alone):.0%}"),
        *(str(len(case.seen) - len(case.served())), f"{max(case.meanwhile.shared_out) / 1e9:.2f} GB"),
        *(f"{median(answers):.3f} s", f"{max(answers):.2f} s"),
    ]


def told(version: str, cases: Sequence[Case]) -> list[str]:
    """What went wrong, each kind in one line."""
    counts: dict[str, int] = {}
    for case in cases:
        for seen in case.seen:
            for fault in seen.faults:
                line = f"{version}, {case.name}: {fault}"
                counts[line] = counts.get(line, 0) + 1
    return [f"{line} ({count} times)" for line, count in counts.items()]


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """The table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEAD, ["---"] * len(HEAD), *rows))


if __name__ == "__main__":
    main()
