"""The package as `pip install .` gives it: complete, and independent of the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from musiclstm.publishing.space import space_files

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of the wheel, as it would lie in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("musiclstm-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


PROGRAM = """
from musiclstm.cli import main
from musiclstm.publishing.space import space_files
code = main(["seeds"])
print("Files of a Space:", *sorted(space_files(None)), sep="\\n")
raise SystemExit(code)
"""


@pytest.fixture(scope="module")
def printed(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The seeds and then the files of a Space, as a program prints them that is nowhere near the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "TF_CPP_MIN_LOG_LEVEL": "3"}
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split("Files of a Space:\n")


def test_the_wheel_asks_for_the_pinned_packages_and_gives_a_command(installed: Path) -> None:
    (about,) = installed.glob("*.dist-info")
    wanted = re.findall(r"^Requires-Dist: ([\w-]+)", (about / "METADATA").read_text(encoding="utf-8"), flags=re.MULTILINE)
    pinned = re.findall(r"^([\w-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(name.replace("_", "-") for name in wanted) == sorted(name.replace("_", "-") for name in pinned)
    assert "musiclstm = musiclstm.cli:main" in (about / "entry_points.txt").read_text(encoding="utf-8")


def test_an_installed_package_finds_the_bundled_checkpoint(printed: list[str]) -> None:
    assert "mozart-k545-1" in printed[0]


def test_an_installed_package_has_all_files_of_a_space(printed: list[str]) -> None:
    assert printed[1].splitlines() == sorted(space_files(None))
