"""What the documents promise: every command works, every link resolves, and every list equals the file that it describes."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pytest
from training_run import write_data

from musiclstm import __version__, api, cli, limits
from musiclstm.checkpoint import Checkpoint
from musiclstm.cli_options import EXAMPLES
from musiclstm.music.notes import Piece

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
CHANGELOG = ROOT / "CHANGELOG.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
API, TRAINING, COMMAND_LINE, HOW_IT_WORKS, TUTORIAL = (
    ROOT / "docs" / f"{name}.md" for name in ("api", "training", "command-line", "how-it-works", "tutorial")
)
PAGES = [README, CONTRIBUTING, CHANGELOG, *DOCS]  # whose commands are run or parsed
DOCUMENTS = [*PAGES, *sorted((ROOT / "benchmarks").glob("*.md"))]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = PYPROJECT["tool"]["importlinter"]["contracts"]


# Reading documents


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """A fenced block: its language, "" if it names none, and the lines in it."""

    language: str
    code: str


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


def spans(text: str) -> list[str]:
    """Inline code outside the fenced blocks."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def section(title: str, page: Path = CONTRIBUTING) -> str:
    """The text under a heading of the second level."""
    return text_of(page).split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """The cells of each row of the tables in ``text``, without the heads."""
    rows = [re.split(r" *\| *", line.strip("| ")) for line in re.findall(r"^\|.*\|$", text, flags=re.MULTILINE)]
    ruled = [number for number, row in enumerate(rows) if set("".join(row)) == {"-"}]
    heads = {number - 1 for number in ruled}
    return [row for number, row in enumerate(rows) if number not in {*ruled, *heads}]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# Commands: each is matched by exactly one rule


@dataclass(frozen=True)
class Command:
    """A command of a document: the ``line`` as it stands; ``whole`` in a block, in running text it may be only a beginning.

    ``settings`` are the environment variables set in front of it, ``words`` the rest, with the program's own name first:
    ``.venv/bin/python -m musiclstm`` and ``musiclstm`` are the same.
    """

    page: str
    line: str
    whole: bool
    settings: tuple[tuple[str, str], ...]
    words: tuple[str, ...]

    @property
    def plain(self) -> str:
        return " ".join(self.words)


def command(page: str, line: str, *, whole: bool) -> Command:
    words = shlex.split(line, comments=True)
    count = next((number for number, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)), len(words))
    settings, words = [(*word.split("=", 1),) for word in words[:count]], words[count:]
    words = [word.removeprefix(".venv/bin/") for word in words[:1]] + words[1:]
    if words[:3] == ["python", "-m", "musiclstm"]:
        words = ["musiclstm", *words[3:]]
    if words[:1] and words[0] in subcommands():  # `evaluate --continuations N` in running text
        words = ["musiclstm", *words]
    return Command(page, line, whole, tuple((name, value) for name, value in settings), tuple(words))


PROGRAMS = {"musiclstm", "make", "python", "pip", "hf", "uv", "git", "curl", "export", "docker"}


def commands(page: str, text: str) -> list[Command]:
    """The commands of a page: each line of its ``sh`` blocks, and each inline span of several words that begins with a program.

    A block with curl is one command, since its lines need each other. Commands may not hide in other blocks.
    """
    found = []
    assert text.count("```") == 2 * len(blocks(text)), f"{page}: a fence must begin its line, and name at most a language"
    assert not re.search(rf"^(    |\t)\s*({'|'.join(PROGRAMS)}) ", text, flags=re.MULTILINE), f"{page}: an indented command"
    for block in blocks(text):
        assert block.language in {"sh", "python", "text"}, f"{page}: a block needs a language that a test knows"
        if block.language == "text":
            assert not any(line.split()[:1] and line.split()[0] in PROGRAMS for line in block.code.splitlines())
        if block.language != "sh":
            continue
        lines = [block.code] if "curl" in block.code else block.code.replace("\\\n", " ").splitlines()
        found += [command(page, line, whole=True) for line in lines if line.strip() and not line.startswith("#")]
    for span in spans(text):
        if re.match(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?[a-z]+ ", span):
            named = command(page, span, whole=False)
            if named.words[0] in PROGRAMS:
                found.append(named)
    return found


def parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each subcommand."""
    (action,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(action.choices)


def subcommands() -> dict[str, argparse.ArgumentParser]:
    return parsers(cli._parser())


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings if option.startswith("--")}


def parse(parser: argparse.ArgumentParser, words: tuple[str, ...], *, whole: bool) -> None:
    """Every option exists under its full name; a whole command is accepted."""
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    assert given <= options_of(parser)
    if whole and "--help" not in given:
        parser.parse_args(words)


def parse_musiclstm(command: Command) -> None:
    name, *arguments = command.words[1:] or ["--help"]
    if name in ("--help", "--version"):
        return
    assert name in subcommands(), command.line
    parse(subcommands()[name], tuple(arguments), whole=command.whole)


def parse_script(command: Command) -> None:
    """train.py and app.py take the options of the commands with their names."""
    at = next(number for number, word in enumerate(command.words) if word.endswith(".py"))
    arguments = command.words[at + 1 :]
    parser = subcommands()[command.words[at].removesuffix(".py")]
    parse(parser, arguments, whole=command.whole and bool(arguments))


def ask_make(command: Command) -> None:
    """make knows the target, and the tests that ARGS picks are there."""
    known = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    dry = subprocess.run(["make", "-n", *command.words[1:]], cwd=ROOT, env=known, capture_output=True, text=True, check=False)
    assert dry.returncode == 0, dry.stderr
    files = re.findall(r"\btests/\S+", " ".join(command.words[2:]))
    assert all((ROOT / name).exists() for name in files)


def check_export(command: Command) -> None:
    """Shown, not run: it changes the reader's shell. The variable is one that the program reads, and TF_CONFIG is whole."""
    name, value = command.words[1].split("=", 1)
    assert known_variable(name)
    if name == "TF_CONFIG":
        config = json.loads(value)
        assert config["task"]["type"] == "worker"
        assert 0 <= config["task"]["index"] < len(config["cluster"]["worker"])


def check_pip(command: Command) -> None:
    """Shown, not run: it needs the network. What is installed is this project, or a package that is pinned for the tests."""
    for word in command.words[2:]:
        if word == ".":
            assert "musiclstm" in PYPROJECT["project"]["scripts"]
        else:
            assert re.split(r"[<=>]", word)[0] in pins(), command.line


def check_script(command: Command) -> None:
    """Shown, not run: it changes files of this checkout. It is there."""
    assert (ROOT / command.words[1]).is_file()


def shown(command: Command) -> None:
    """Shown, not run: it talks to another machine or changes this checkout."""


def check_docker(command: Command) -> None:
    """Shown, not run: it needs Docker and the network. Its file is there; tests/project/test_hosting.py reads it."""
    assert (ROOT / command.words[command.words.index("-f") + 1]).is_file()


def run_elsewhere(command: Command) -> None:
    """tests/ui/test_page.py runs the one block with curl, against a live server."""
    assert command.page == "docs/api.md"


HERE = "run in an empty folder"
RULES: dict[str, tuple[str, Callable[[Command], None]]] = {
    HERE: (r"musiclstm (seeds|generate|check|evaluate|votes)\b(?!.*--(takes|continuations)).*", parse_musiclstm),
    # Several takes are written in tests/test_cli.py, and many continuations are compared there.
    "parsed": (
        r"musiclstm( --help| --version| (app|train|push|deploy)\b.*| (generate|evaluate) .*--(takes|continuations).*)?",
        parse_musiclstm,
    ),
    "scripts": (r"(python|(hf jobs )?uv run( --dry-run)?) (train|app)\.py\b.*", parse_script),
    "scripts of ours": (r"python scripts/\w+\.py\b.*", check_script),
    "asked of make": (r"make [a-z-]+\b.*", ask_make),
    "run against a server": (r"(?s)curl .*|(?=.*\bcurl\b).*", run_elsewhere),
    "export": (r"export [A-Z_]+=.*", check_export),
    "pip": (r"pip install .*", check_pip),
    "containers": (r"docker (build|compose) -f .*", check_docker),
    "a container": (r"docker run .*", shown),
    "log in": (r"hf auth login", shown),
    "git": (r"git (clone|pull)\b.*", shown),
}
ALL = {(found.line, found.whole): found for page in PAGES for found in commands(name_of(page), text_of(page))}.values()


def rules_of(command: Command) -> list[str]:
    return [name for name, (pattern, _) in RULES.items() if re.fullmatch(pattern, command.plain)]


@pytest.mark.parametrize("command", [pytest.param(found, id=f"{found.page}: {found.line.splitlines()[0]}") for found in ALL])
def test_every_command_is_looked_at_by_one_rule(command: Command) -> None:
    (rule,) = rules_of(command)
    assert not set(command.plain) & set("|;&>") or rule == "run against a server"
    assert all(known_variable(name) for name, _ in command.settings if rule != "run against a server")
    RULES[rule][1](command)


def test_every_rule_is_needed() -> None:
    assert {rule for command in ALL for rule in rules_of(command)} == set(RULES)


@pytest.mark.parametrize(
    "text",
    [
        "```sh\nrm -rf out\n```",
        "```sh\nmusiclstm dance\n```",
        "Type `make coffee` now.",
        "```sh\nmusiclstm push runs/mine --repo OWNER/NAME --data music --verbose\n```",
        "```sh\npip install leftpad\n```",
        "```sh\n.venv/bin/python app.py --https\n```",
        "```text\nmake coffee\n```",
        "```\nmake test\n```",
        "- a list:\n  ```sh\n  make coffee\n  ```",
        "    make coffee",
    ],
)
def test_a_command_that_does_not_work_is_noticed(text: str) -> None:
    def look() -> None:
        (found,) = commands("x.md", text)
        (rule,) = rules_of(found)
        RULES[rule][1](found)

    with pytest.raises((AssertionError, ValueError)):
        look()


def known_variable(name: str) -> bool:
    """Whether the program, make or a script of theirs names this environment variable."""
    files = [ROOT / "Makefile", *(ROOT / "scripts").iterdir(), *(ROOT / "musiclstm").rglob("*.py")]
    return any(re.search(rf"\b{name}\b", text_of(path)) for path in files if path.is_file())


def test_the_options_in_running_text_exist() -> None:
    known = {"--help", "--version"}.union(*map(options_of, subcommands().values()))
    named = {word for page in PAGES for span in spans(text_of(page)) for word in re.findall(r"(?<!\S)--[\w-]+", span)}
    assert named <= known


def test_the_table_of_training_options_is_the_parser() -> None:
    parser = subcommands()["train"]
    written = {ticked(option)[0]: ticked(default) for option, default, _ in table(section("Options", TRAINING))}

    def default(action: argparse.Action) -> list[str]:
        if action.default is None:  # the help says what it stands for
            said = re.search(r"default ([\d.]+)(?:, with (--from) ([\d.]+))?", action.help or "")
            return [word for word in said.groups() if word] if said else []
        return [] if action.default is False or action.default == "" else [str(action.default)]

    assert written == {
        action.option_strings[0]: default(action) for action in parser._actions if action.option_strings[0] != "-h"
    }


def test_every_help_shows_examples_that_are_accepted() -> None:
    assert set(EXAMPLES) == {"", *subcommands()}
    for name, examples in EXAMPLES.items():
        shown = (subcommands()[name] if name else cli._parser()).format_help()
        for example in examples:
            assert example in shown
            cli._parser().parse_args(shlex.split(example))
            assert name in ("", example.split()[0])


def test_the_table_of_generate_names_every_option() -> None:
    written = {name for name in spans(section("Generate", COMMAND_LINE)) if name.startswith("--")}
    assert written == options_of(subcommands()["generate"]) - {"--help"}


# Commands that run here


@pytest.fixture(scope="module")
def quick(small_checkpoint: Checkpoint, bundled: Checkpoint) -> Checkpoint:
    """What stands in for the bundled checkpoint when commands run: the same seeds, and a network that writes at once."""
    network = small_checkpoint.network
    return replace(small_checkpoint, build=lambda: network, seeds=bundled.seeds, originality=bundled.originality)  # without XLA


@pytest.fixture(scope="module")
def workplace(bundled: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands expect of the reader: an opening, a folder of music, a trained checkpoint."""
    from musiclstm.formats.midi import write_midi

    folder = tmp_path_factory.mktemp("workplace")
    seed = bundled.seeds[0]
    (folder / "my-midi-folder").mkdir()
    write_midi(seed.piece, folder / "my-midi-folder" / "piece.mid")
    write_midi(seed.piece, folder / "my-opening.mid")
    (folder / "runs").mkdir()
    (folder / "runs" / "mine").symlink_to(api.BUNDLED)
    return folder


@pytest.fixture(scope="module")
def done() -> set[str]:
    """The commands that ran on an earlier page; they need not run again."""
    return set()


@pytest.mark.programs
@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES if page != TUTORIAL])
def test_the_commands_and_python_blocks_of_a_page_run_in_their_order(
    page: Path, workplace: Path, quick: Checkpoint, done: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    text = text_of(page)
    monkeypatch.setattr("musiclstm.api.load_checkpoint", lambda *_, **__: quick)
    for found in commands(name_of(page), text):
        if found.whole and rules_of(found) == [HERE] and found.plain not in done:
            assert cli.main(found.words[1:]) == 0, found.line
            if "--out" in found.words:
                out = workplace / found.words[found.words.index("--out") + 1]
                assert list(out.rglob("joined.mid")), found.line
            done.add(found.plain)
    for language, code in blocks(text):
        if language == "python" and "gradio_client" not in code:
            shutil.rmtree(workplace / "out", ignore_errors=True)
            exec(compile(code, name_of(page), "exec"), {})
            written = {path.name for path in (workplace / "out").iterdir()}
            assert {"joined.mid", "joined.wav", "joined.musicxml", "recipe.json"} <= written


@pytest.mark.programs
@pytest.mark.usefixtures("no_xla")
def test_the_tutorial_trains_a_network_that_is_heard_and_measured(
    tunes: dict[str, Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tunes.values(), tmp_path / "my-midi-folder")
    shutil.copy(next((tmp_path / "my-midi-folder").rglob("*.mid")), tmp_path / "my-opening.mid")
    monkeypatch.chdir(tmp_path)
    small = [found for found in commands(name_of(TUTORIAL), text_of(TUTORIAL)) if found.whole and "runs/first" in found.words]
    assert [found.words[1] for found in small] == ["train", "seeds", "generate", "evaluate"]
    for found in small:
        assert cli.main(found.words[1:]) == 0, found.line
    assert (tmp_path / "first" / "joined.wav").stat().st_size > 100_000
    assert "bits per note" in capsys.readouterr().out


def test_the_blocks_that_need_a_server_stand_where_the_tests_of_the_page_look() -> None:
    needing = [
        (name_of(page), language)
        for page in PAGES
        for language, code in blocks(text_of(page))
        if "curl" in code or "gradio_client" in code
    ]
    assert needing == [("docs/api.md", "sh"), ("docs/api.md", "python")]


# Links and names


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in DOCUMENTS])
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in map(slug, re.findall(r"^#+ (.*)$", text_of(there), flags=re.MULTILINE)), target


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_the_files_that_a_document_names_exist(page: Path) -> None:
    named = {span for span in spans(text_of(page)) if re.fullmatch(r"[\w./-]+\.(py|md|txt|toml)", span)}
    lost = {name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "musiclstm"))}
    assert not lost


def test_the_tree_shows_every_folder_and_file_of_the_package() -> None:
    tree = next(code for _, code in blocks(text_of(HOW_IT_WORKS)) if code.startswith("musiclstm/"))
    written, parents = [], list[str]()
    for line in tree.splitlines():
        name, _ = line.split(maxsplit=1) if len(line.split()) > 1 else (line.strip(), "")
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], name]
        written.append("".join(parents))
    package = ROOT / "musiclstm"
    found = {
        f"musiclstm/{path.relative_to(package).as_posix()}{'/' if path.is_dir() else ''}"
        for path in package.rglob("*")
        if path.name not in {"__pycache__", "__init__.py"} and not {"__pycache__", "catalogue", "traced"} & set(path.parent.parts)
    }
    assert sorted(written) == sorted({"musiclstm/", *found})


# Layers and libraries


def test_the_table_of_limits_is_what_is_enforced() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    table = text.partition("### What a visitor may send")[2].partition("`make fuzz`")[0].partition("|---|---|")[2]
    said = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d|\d", table)]
    enforced = [limits.FILE_BYTES // 10**6, limits.UNPACKED_BYTES // 10**6, limits.FILE_NOTES]
    enforced += [limits.FILE_BARS, limits.FILE_QUARTERS, limits.FILE_CHANGES]
    enforced += [limits.SEED_BARS, limits.SEED_NOTES, limits.CHANGED_BARS, limits.SEED_NOTES]
    enforced += [limits.BARS, limits.TAKES, limits.CANDIDATES, limits.TAKE_NOTES, limits.BARS_IN_ALL, limits.NESTED]
    enforced += [limits.RECIPE_BYTES, limits.LINK_CHARACTERS, limits.DRAWN_NOTES, limits.PRINTED_PAGES]
    assert said == [*enforced, limits.SOUND_SECONDS // 60]


def test_the_table_of_layers_is_what_is_enforced() -> None:
    contract = next(c for c in CONTRACTS if c.get("exhaustive"))
    written = [ticked(row[0]) for row in table(section("Layers")) if ticked(row[0])]
    assert [set(names) for names in written] == [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]


def test_the_table_of_libraries_is_what_is_enforced() -> None:
    rows = [row for row in table(section("Layers")) if not ticked(row[0])]
    written = {(library, folder) for row in rows for library in row[0].split(", ") for folder in ticked(row[1])}
    lines = [line for c in CONTRACTS if c["type"] == "forbidden" for line in c["ignore_imports"]]
    enforced = {re.fullmatch(r"musiclstm\.([\w.]+?)(?:\.\*\*)? -> (\w+)", line) for line in lines}
    assert written == {(match[2], match[1]) for match in enforced if match}
    assert len(written) == len(set(lines))


# Dependencies, versions and the licence


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    return [line for line in text_of(ROOT / name).splitlines() if line.strip() and not line.startswith(("#", "-"))]


def pins() -> dict[str, str]:
    lines = requirements("requirements.txt") + requirements("requirements-dev.txt")
    return dict(re.findall(r"^([\w-]+)==(\S+)", "\n".join(lines), flags=re.MULTILINE))


def front_matter() -> dict[str, str]:
    """The plain ``key: value`` lines of the README's front matter, which a Space reads."""
    block = text_of(README).split("---\n")[1]
    return {key: value.strip("\"'") for key, value in re.findall(r"^(\w+):[ \t]*(\S.*)$", block, flags=re.MULTILINE)}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned_exactly(name: str) -> None:
    loose = [line for line in requirements(name) if not re.fullmatch(r"[\w-]+==\d[\w.]*( ; .+)?", line)]
    assert not loose


def test_every_imported_library_is_pinned() -> None:
    names: set[str] = set()
    files = [path for folder in ("musiclstm", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")]
    for path in [*ROOT.glob("*.py"), *files]:
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).split(".")[0])
    ours = {"musiclstm", "benchmarks", "scripts"}
    ours |= {path.stem for folder in (ROOT, ROOT / "tests") for path in folder.glob("*.py")}
    # gradio needs the version of its client that fits, and kagglehub needs requests; pytest-xdist is imported as xdist,
    # scikit-learn as sklearn, axe-playwright-python with other dashes.
    brought = {"axe_playwright_python", "mkdocs", "gradio_client", "requests", "sklearn", "xdist"}
    assert names - set(sys.stdlib_module_names) - ours - brought <= set(pins())


def test_every_dependency_is_justified_and_nothing_else() -> None:
    packages = " ".join(text_of(ROOT / name) for name in ("packages.txt", "packages-test.txt")).split()
    justified = re.findall(r"^- `([\w-]+)`: \S", section("Dependencies"), flags=re.MULTILINE)
    assert sorted(justified) == sorted([*pins(), *packages])


def test_a_space_installs_only_programs_that_read_and_sound_music() -> None:
    assert text_of(ROOT / "packages.txt").split() == ["abcmidi", "fluidsynth", "musescore-general-soundfont-lossless"]


def test_the_space_runs_the_pinned_gradio_on_a_python_with_builds() -> None:
    matter = front_matter()
    assert matter["sdk_version"] == pins()["gradio"]
    assert matter["python_version"] in {"3.11", "3.12", "3.13"}
    assert matter["license"] == PYPROJECT["project"]["license"].lower()


def test_the_changelog_knows_the_version() -> None:
    assert __version__ in text_of(CHANGELOG)


def test_the_licence_is_the_whole_apache_2() -> None:
    text = text_of(ROOT / "LICENSE")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
