"""The documentation as a site, and the workflows for GitHub Actions, which can't run here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


class Seen(HTMLParser):
    """What a page of the site refers to, and the names in it that links may lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.parts: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.parts.add(known.get("id") or "")
        if tag == "a":
            self.links.add(known.get("href") or "")
        elif tag in {"img", "script", "audio", "link"} and known.get("rel") != "canonical":
            self.loaded.add(known.get("src") or known.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.programs
def test_links_of_the_site_lead_somewhere_and_nothing_comes_from_elsewhere(site: Path) -> None:
    pages = {page.resolve(): Seen(page) for page in site.rglob("*.html")}
    assert len(pages) > 12
    for page, seen in pages.items():
        for link in seen.links | seen.loaded:
            path, _, part = link.partition("#")
            if "://" in link or link.startswith(("mailto:", "data:")):
                assert link in seen.links, f"{page.name} loads {link}"
                continue
            if page.name == "404.html":  # its links begin at the root of a server
                continue
            there = (page.parent / path).resolve() if path else page
            assert there.exists(), f"{page.name}: {link}"
            assert not part or there.suffix != ".html" or part in pages[there].parts, f"{page.name}: {link}"


@pytest.mark.programs
def test_the_reference_names_the_public_functions(site: Path) -> None:
    text = (site / "reference.html").read_text(encoding="utf-8")
    assert {"musiclstm.api.generate", "musiclstm.api.save", "musiclstm.seeds.seed.Seed"} <= set(
        re.findall(r'id="([\w.]+)"', text)
    )


def test_the_workflows_are_valid() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "docs.yml", "release.yml"]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_the_workflows_run_is_here(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"run: make ([\w-]+)", text):
        assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=False).returncode == 0
    for script in re.findall(r"run: bash (\S+)", text):
        assert (ROOT / script).is_file()
    assert re.search(r"run: (make|bash)", text)
