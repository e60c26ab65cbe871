"""The documents keep what they say: pins, dependencies, commands and layers are compared with the files they describe."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCUMENTS = [path for path in (README, ROOT / "CONTRIBUTING.md") if path.exists()]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-r"))]


def pins() -> dict[str, str]:
    lines = requirements("requirements.txt") + requirements("requirements-dev.txt")
    return dict(re.findall(r"^([\w-]+)==(\S+)", "\n".join(lines), flags=re.MULTILINE))


def section(title: str) -> str:
    """The text under a heading of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def front_matter() -> dict[str, str]:
    """The plain ``key: value`` lines of the README's front matter, which a Space reads."""
    block = README.read_text(encoding="utf-8").split("---\n")[1]
    return {key: value.strip("\"'") for key, value in re.findall(r"^(\w+):[ \t]*(\S.*)$", block, flags=re.MULTILINE)}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned_exactly(name: str) -> None:
    loose = [line for line in requirements(name) if not re.fullmatch(r"[\w-]+==\d[\w.]*( ; .+)?", line)]
    assert not loose


def test_every_imported_library_is_pinned() -> None:
    names: set[str] = set()
    for path in [*ROOT.glob("*.py"), *ROOT.glob("musiclstm/**/*.py"), *ROOT.glob("benchmarks/*.py"), *ROOT.glob("tests/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).split(".")[0])
    folders = (ROOT, ROOT / "tests", ROOT / "benchmarks")
    ours = {"musiclstm", "benchmarks"} | {path.stem for folder in folders for path in folder.glob("*.py")}
    brought = {"gradio_client", "requests"}  # gradio asks for the version of its client that fits, kagglehub for requests
    assert names - set(sys.stdlib_module_names) - ours - brought <= set(pins())


def test_every_dependency_is_justified_and_nothing_else() -> None:
    packages = " ".join((ROOT / name).read_text(encoding="utf-8") for name in ("packages.txt", "packages-test.txt")).split()
    justified = re.findall(r"^- `([\w-]+)`: \S", section("Dependencies"), flags=re.MULTILINE)
    assert sorted(justified) == sorted([*pins(), *packages])


def test_a_space_installs_only_sound_programs() -> None:
    assert (ROOT / "packages.txt").read_text(encoding="utf-8").split() == ["fluidsynth", "fluid-soundfont-gm"]


def test_the_space_runs_the_pinned_gradio_on_a_python_with_builds() -> None:
    matter = front_matter()
    assert matter["sdk_version"] == pins()["gradio"]
    assert matter["python_version"] in {"3.11", "3.12", "3.13"}
    assert matter["license"] == PYPROJECT["project"]["license"].lower()


def test_documents_name_only_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for document in DOCUMENTS:
        named = set(
            re.findall(r"(?:^|`)(?:[A-Z]+=\S+ )?make ([a-z-]+)", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
        )
        assert named <= targets, document.name


def test_the_table_of_layers_shows_what_is_enforced() -> None:
    contract = next(c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c.get("exhaustive"))
    enforced = [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]
    table = section("Layers").split("Within `render`")[0]
    written = re.findall(r"`(\w+)`", "".join(line for line in table.splitlines() if re.match(r"\| \d:", line)))
    assert set(written) == set().union(*enforced)
    above = {module: rank for rank, layer in enumerate(enforced) for module in layer if module != "__main__"}
    ranks = [above[module] for module in dict.fromkeys(written) if module in above]
    assert ranks == sorted(ranks)


def test_the_table_of_doors_shows_what_is_enforced() -> None:
    written = set()
    for libraries, modules in re.findall(r"^\| ([a-z][\w, ]+) \| (`.+`) \|$", section("Layers"), flags=re.MULTILINE):
        written |= {
            f"musiclstm.{module} -> {library}"
            for library in libraries.split(", ")
            for module in re.findall(r"`([\w.]+)`", modules)
        }
    doors = [c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "forbidden"]
    assert written == {line for contract in doors for line in contract["ignore_imports"]}


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert PYPROJECT["project"]["version"] in changelog


def test_the_licence_is_the_whole_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_python_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (code,) = [block for block in blocks if "musiclstm.api" in block]
    exec(compile(code, "README.md", "exec"), {})
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"joined.mid", "joined.wav", "joined.musicxml", "recipe.json"} <= written


def test_the_options_that_the_readme_shows_exist() -> None:
    text = README.read_text(encoding="utf-8")
    commands = re.findall(r"^\.venv/bin/python (-m musiclstm \w+|train\.py)(.*)$", text, flags=re.MULTILINE)
    assert len(commands) >= 6
    source = (ROOT / "musiclstm" / "cli.py").read_text(encoding="utf-8") + (ROOT / "train.py").read_text(encoding="utf-8")
    for _, rest in commands:
        assert all(f'"{option}"' in source for option in re.findall(r"--[\w-]+", rest))


def test_every_module_has_its_line_in_the_file_tree() -> None:
    tree = README.read_text(encoding="utf-8").split("## What is where")[1].split("```")[1]
    named = set(re.findall(r"[\w/]+\.py", tree))
    modules = {path.relative_to(ROOT / "musiclstm").as_posix() for path in (ROOT / "musiclstm").glob("*.py")}
    modules |= {path.relative_to(ROOT / "musiclstm").as_posix() for path in (ROOT / "musiclstm").glob("[rs]*/*.py")}
    expected = {name for name in modules if not name.endswith(("__init__.py", "__main__.py"))}
    assert expected <= named
    assert {name for name in named if not (ROOT / name).exists()} <= expected
