"""The benchmarks' shared report: sections of one page, fair turns, and nothing of the machine's folders in what is published."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from waiting import PATIENCE

from benchmarks import report
from benchmarks.report import Figure

ROOT = Path(__file__).resolve().parents[2]
SHARED = {"report", "browsing", "processes", "quick", "troubles", "greedy", "heldout", "learning", "music", "original"}
SCRIPTS = sorted(path for path in (ROOT / "benchmarks").glob("[a-z]*.py") if path.stem not in SHARED)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A results page with three sections."""
    path = tmp_path / "RESULTS.md"
    for title in ("First", "Second", "Third"):
        report.publish(title, f"what {title.lower()} found", path)
    return path


def test_a_script_replaces_only_its_own_section(page: Path) -> None:
    before = page.read_text(encoding="utf-8")
    report.publish("Second", "something new\n\n| with | a table |", page)
    assert page.read_text(encoding="utf-8") == before.replace("what second found", "something new\n\n| with | a table |")


def test_publishing_the_same_again_changes_nothing(page: Path) -> None:
    before = page.read_bytes()
    report.publish("Third", "what third found", page)
    report.publish("First", "what first found", page)
    assert page.read_bytes() == before


def test_a_title_that_begins_like_another_is_another_section(page: Path) -> None:
    report.publish("Second thoughts", "more", page)
    headings = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert headings == ["# Measured results", "## First", "## Second", "## Third", "## Second thoughts"]


def test_words_above_the_sections_stay(page: Path) -> None:
    page.write_text("# A title of its own\n\nSome words.\n\n## First\n\nold\n", encoding="utf-8")
    report.publish("First", "new", page)
    assert page.read_text(encoding="utf-8") == "# A title of its own\n\nSome words.\n\n## First\n\nnew\n"


def test_a_section_tells_how_to_measure_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/home/me/benchmarks/decode.py", "--threads", "2", "--data", "/home/me/music", "--out=a/b"])
    text = report.section("Claim: it works.", [Figure("speed", 12.345, "ms")], threads="1 thread", libraries=("numpy",))
    assert "`PYTHONPATH=. python benchmarks/decode.py --threads 2 --data PATH --out=PATH`" in text
    assert "| speed | 12.3 ms |  |" in text
    assert f"{report.cores()} cores; 1 thread" in text
    assert f"numpy {sys.modules['numpy'].__version__}" in text
    assert report.processor() in text
    assert "/home" not in text


def test_a_missed_target_is_called_missed() -> None:
    assert Figure("ratio", 2.9, most=3).verdict == "at most 3: kept"
    assert Figure("ratio", 3.1, most=3).verdict == "at most 3: **missed**"
    assert Figure("speed", 199.0, least=200).verdict == "at least 200: **missed**"
    assert Figure("speed", float("nan"), least=200).verdict == "at least 200: **missed**"
    assert Figure("speed", 5.0).verdict == ""
    assert Figure("share", 0.3, least=0.25, most=0.5).verdict == "0.25 to 0.5: kept"
    assert Figure("share", 0.6, least=0.25, most=0.5).verdict == "0.25 to 0.5: **missed**"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.012345, "0.0123"), (1.2345, "1.23"), (99.96, "100"), (1234.6, "1,230"), (9999.0, "10,000")],
)
def test_three_digits_are_shown(value: float, shown: str) -> None:
    text = report.section("", [Figure("x", value)], threads="", libraries=())
    assert f"| x | {shown} |" in text


def test_peers_take_turns() -> None:
    order: list[str] = []
    seconds = report.taking_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert order == ["a", "b"] * 3
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_a_ratio_compares_within_rounds() -> None:
    assert report.ratio([2.0, 30.0, 2.0], [1.0, 15.0, 1.0]) == 2.0


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_script_explains_itself(script: Path) -> None:
    shown = subprocess.run(
        [sys.executable, str(script), "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Claim: " in shown.stdout


def test_make_runs_the_scripts_and_not_what_they_share() -> None:
    flags = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    command = ["make", "-n", "bench", "bench-quality", "bench-takes", "fuzz", "survival"]
    dry = subprocess.run(command, cwd=ROOT, env=flags, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert all(f"benchmarks/{script.name}" in dry.stdout for script in SCRIPTS)
    assert not any(f"{name}.py" in dry.stdout for name in SHARED)
    assert "__init__" not in dry.stdout


def test_no_script_hides_a_library() -> None:
    """A script's folder comes first when it looks for imports: one called click.py would stand in for the library click."""
    assert not {script.stem for script in SCRIPTS} & (set(packages_distributions()) | set(sys.stdlib_module_names))
