"""Claim: a new browser costs the page's server a fifth of a second of processor time and 200 kB of memory, and loads a megabyte.

Chromium opens the page in a new profile, again and again, until the example is on its roll. Measured are the processor time of
all processes of the page, and the bytes that came. Then visitors without a browser come one after the other, look and leave:
measured is by how much the memory of the page grows.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.browsing import Visitor
from benchmarks.hostile import family, memory, running
from benchmarks.report import Figure, cores, publish, section

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ("--no-sandbox", "--disable-background-networking")
WHOLE = "#roll svg .continuation rect"  # of the example, which comes last
SECONDS, KILOBYTES, KEPT = 0.2, 1000.0, 200.0
LOOKING = 100  # visitors
QUIET = 1500  # milliseconds after which what came with the page is done


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier version, measured in turn")
    parser.add_argument("--times", type=int, default=8, metavar="N", help="how often the page is opened, after once")
    options = parser.parse_args()
    versions = {"": Path(__file__).resolve().parents[1]} | ({", before": options.before} if options.before else {})
    bounds = {"": (SECONDS, KILOBYTES, KEPT), ", before": (None, None, None)}
    figures = []
    with chromium() as browser:
        for version, folder in versions.items():
            with running(folder) as (address, process):
                first, *later = [loaded(browser, address, process) for _ in range(1 + options.times)]
                look(address, LOOKING // 4)
                before = memory(process)
                look(address, LOOKING)
                grown = (memory(process) - before) / LOOKING
            figures.append(Figure(f"processor time of the page, first browser after a start{version}", first[0], "s"))
            others = {
                "processor time of the page, another browser": (median(seconds for seconds, _ in later), "s"),
                "came to the browser": (median(size for _, size in later) / 1000, "kB"),
                "memory kept for each visitor who looks and leaves": (grown / 1000, "kB"),
            }
            for (name, figure), most in zip(others.items(), bounds[version], strict=True):
                figures.append(Figure(f"{name}{version}", *figure, most=most))
    text = section((__doc__ or "").splitlines()[0], figures, threads=f"{cores()} cores", libraries=("gradio",))
    publish("Loading", text)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium-headless-shell"), args=FLAGS)
        yield browser
        browser.close()


def loaded(browser: Browser, address: str, process: int) -> tuple[float, int]:
    """Seconds of processor time of a page's processes that one more browser takes, and the bytes that came to it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, sizes = context.new_page(), list[int]()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    before = used(process)
    page.goto(address)
    page.wait_for_selector(WHOLE, state="attached")
    page.wait_for_timeout(QUIET)
    seconds = used(process) - before
    context.close()
    return seconds, sum(sizes)


def look(address: str, visitors: int) -> None:
    """Let visitors come, see the example, and leave."""
    for _ in range(visitors):
        with Visitor(address) as visitor:
            visitor.arrive()


def used(process: int) -> float:
    """Seconds of processor time that a process and all that it started have taken."""
    ticks = 0
    for number in family(process):
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
