"""Setting up: the Makefile's commands and the two scripts behind them, run on small stand-ins for a system's own programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "scripts" / "system_packages.sh"
MAKE_VENV = ROOT / "scripts" / "make_venv.sh"
# A make that runs this test hands its own flags down; they are not meant for the make that is tested.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON"}}


def run(*command: str | Path, path: Path | None = None, cwd: Path = ROOT, **extra: str) -> subprocess.CompletedProcess[str]:
    """The command with no keyboard, its programs taken from ``path`` alone if that is given."""
    environment = ENVIRONMENT | extra | ({"PATH": str(path)} if path else {})
    arguments = [str(word) for word in command]
    return subprocess.run(
        arguments, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
    )


def program(folder: Path, name: str, script: str) -> None:
    """A program ``name`` in ``folder`` that runs ``script``."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Programs of a system with a shell and nothing of Debian: no dpkg, no apt."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "dirname", "env", "id", "mktemp", "rm"):
        (folder / name).symlink_to(shutil.which(name) or name)
    program(folder, "sudo", '[ "$1" != -n ] || shift; exec "$@"')
    return folder


def sentences(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_the_script_that_trains_names_the_same_pins_as_the_rest() -> None:
    script = (ROOT / "train.py").read_text(encoding="utf-8")
    block = re.match(r"# /// script\n(.*?)^# ///$", script, re.DOTALL | re.MULTILINE)
    assert block
    header = tomllib.loads("".join(line[2:] + "\n" for line in block[1].splitlines()))
    assert (
        header["requires-python"]
        == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    )
    pins = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    ]
    assert {pin.replace("'", '"') for pin in header["dependencies"]} <= set(pins)
    assert {"authlib", "babel", "gradio", "httpx2", "itsdangerous", "starlette", "typst", "verovio"} == names_of(
        ROOT / "requirements.txt"
    ) - {re.split("[=]", pin)[0] for pin in header["dependencies"]}


def test_hugging_face_jobs_accept_the_script_that_trains(tmp_path: Path) -> None:
    hf = Path(sys.executable).with_name("hf")
    said = run(
        hf, "jobs", "uv", "run", "--dry-run", "train.py", "--data", "music21", HF_TOKEN="hf_of_nobody", HF_HOME=str(tmp_path)
    )
    assert said.returncode == 0, said.stderr
    assert "/opt/program/musiclstm" in said.stdout
    assert "hf_of_nobody" not in said.stdout + said.stderr


def names_of(requirements: Path) -> set[str]:
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return {line.split("==")[0] for line in lines if line and line[0] not in "#-"}


@pytest.mark.parametrize("target", ["help", "app", "test", "test-programs", "lint", "format", "bench", "clean"])
def test_make_knows_the_target(target: str) -> None:
    dry = run("make", "-n", target)
    assert dry.returncode == 0, dry.stderr
    assert f"make {target}:" in run("make", "help").stdout or target == "help"


def test_app_runs_in_the_virtual_environment() -> None:
    assert sentences(run("make", "-n", "app").stdout)[-1].split() == [".venv/bin/python", "app.py"]


@pytest.mark.parametrize(("target", "requirements"), [("app", "requirements.txt"), ("test", "requirements-dev.txt")])
def test_pip_is_asked_only_after_a_pin_changed(target: str, requirements: str, tmp_path: Path) -> None:
    for name in ("Makefile", *(path.name for path in ROOT.glob("*.txt"))):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for stamp in ("pins", "pins-dev"):
        (tmp_path / ".venv" / stamp).touch()
    assert "pip install" not in run("make", "-n", target, cwd=tmp_path).stdout
    later = (tmp_path / ".venv" / "pins").stat().st_mtime + 10
    os.utime(tmp_path / requirements, (later, later))
    assert f"-r {requirements}" in run("make", "-n", target, cwd=tmp_path).stdout


def test_ci_runs_lint_and_tests_without_a_keyboard() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert run("bash", "-n", script).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert all(
        part in text for part in ("set -euo pipefail", "exec </dev/null", "make lint", "make test\n", "make test-programs")
    )


def test_without_apt_one_sentence_names_the_packages_and_set_up_goes_on(system: Path) -> None:
    result = run(PACKAGES, "packages.txt", path=system)
    assert result.returncode == 0
    (sentence,) = sentences(result.stderr)
    assert "no apt-get" in sentence
    assert all(package in sentence for package in ("abcmidi", "fluidsynth", "musescore-general-soundfont-lossless"))


def test_apt_is_left_alone_when_nothing_is_missing(system: Path) -> None:
    program(system, "dpkg-query", "echo installed")
    program(system, "apt-get", "echo apt-get was called; exit 100")
    result = run(PACKAGES, "packages.txt", "packages-test.txt", path=system)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_only_missing_packages_are_installed(system: Path) -> None:
    program(system, "dpkg-query", 'case "$*" in *soundfont*) echo config-files ;; *) echo installed ;; esac')
    program(system, "apt-get", 'echo "apt-get $*"')
    result = run(PACKAGES, "packages.txt", path=system)
    calls = [line.split() for line in result.stderr.splitlines() if line.startswith("apt-get")]
    assert result.returncode == 0
    assert ["update" in call for call in calls] == [True, False]
    assert calls[1][-1] == "musescore-general-soundfont-lossless"
    assert "fluidsynth" not in calls[1]


def test_a_stale_package_list_does_not_stop_the_installation(system: Path) -> None:
    program(system, "apt-get", 'case "$*" in *update*) exit 100 ;; esac')
    assert run(PACKAGES, "packages.txt", path=system).returncode == 0


def test_a_failing_apt_ends_in_one_sentence_with_the_command_to_type(system: Path) -> None:
    program(system, "apt-get", "exit 100")
    result = run(PACKAGES, "packages.txt", path=system)
    assert result.returncode == 1
    assert sentences(result.stderr)[-1].endswith(
        "please run: sudo apt-get install abcmidi fluidsynth musescore-general-soundfont-lossless"
    )


def test_the_app_goes_on_without_sound_and_the_tests_do_not(system: Path) -> None:
    program(system, "apt-get", "exit 100")
    make = shutil.which("make") or "make"
    app = run(make, "sound", path=system)
    assert app.returncode == 0
    assert sentences(app.stderr)[-1] == "Until then the app runs without sound and reads no ABC."
    assert run(make, "test-packages", path=system).returncode != 0


def test_an_old_python_is_refused_in_one_sentence(system: Path, tmp_path: Path) -> None:
    program(system, "python3", 'case "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    result = run(MAKE_VENV, tmp_path / "venv", path=system)
    assert result.returncode == 1
    (sentence,) = sentences(result.stderr)
    assert sentence.startswith("Python 3.11, 3.12 or 3.13 is needed, found: Python 3.9.2;")
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_asks_apt_for_it(system: Path, tmp_path: Path) -> None:
    bare = f'case "$*" in *ensurepip*|"-m venv"*) exit 1 ;; *) exec "{sys.executable}" "$@" ;; esac'
    program(system, "python3", bare)
    program(system, "apt-get", 'echo "apt-get $*"')
    result = run(MAKE_VENV, tmp_path / "venv", path=system)
    assert f" python3.{sys.version_info.minor}-venv\n" in result.stderr
    assert result.returncode == 1
    assert sentences(result.stderr)[-1].endswith("please run: sudo apt-get install python3-venv")
    assert not (tmp_path / "venv").exists()


def test_a_broken_environment_is_made_anew_and_a_working_one_kept(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(tmp_path / "a-python-that-is-gone")
    (venv / "pins").touch()
    assert run(MAKE_VENV, venv, PYTHON=sys.executable).returncode == 0
    assert run(venv / "bin" / "python", "-m", "pip", "--version").returncode == 0
    assert not (venv / "pins").exists()
    (venv / "pins").touch()
    assert run(MAKE_VENV, venv, PYTHON="no-other-python-is-needed").stderr == ""
    assert (venv / "pins").exists()
