"""Hooks of MkDocs: the pages of the site that lie elsewhere in the project, and links between them that hold on the site.

The gallery is what scripts/make_gallery.py wrote to out/gallery; without it the page says how to make it.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "out" / "gallery"
# Pages by the place of their text in the project.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "benchmarks/RESULTS.md": "results.md",
    "benchmarks/EXPERIMENTS.md": "experiments.md",
    "checkpoints/classical-piano/README.md": "model.md",
}
FILES = (
    "benchmarks/diversity.svg",
    "checkpoints/classical-piano/learning-curves.svg",
    "checkpoints/classical-piano/credits.csv",
)
NO_GALLERY = "# Gallery\n\nThis copy of the site has no gallery: `make docs` writes the music, too.\n"
REFERENCE = {
    "Make music": ("musiclstm.api",),
    "What goes in and comes out": (
        "musiclstm.checkpoint.Checkpoint",
        "musiclstm.seeds.seed.Seed",
        "musiclstm.generation.composition.Composition",
        "musiclstm.generation.composition.Take",
        "musiclstm.generation.export.TakeFiles",
    ),
    "Music": ("musiclstm.music.notes", "musiclstm.music.performance.Performance"),
    "Errors": ("musiclstm.errors",),
}
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that lie elsewhere, the reference and the gallery."""
    for source, page in ELSEWHERE.items():
        text = _FRONT.sub("", (ROOT / source).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=_moved(text, PurePosixPath(source).parent)))
    for name in FILES:
        files.append(File.generated(config, PurePosixPath(name).name, abs_src_path=str(ROOT / name)))
    parts = [f"## {title}\n\n" + "\n\n".join(f"::: {name}" for name in names) for title, names in REFERENCE.items()]
    files.append(File.generated(config, "reference.md", content="\n\n".join(["# Python", *parts])))
    gallery = GALLERY / "gallery.md"
    shown = gallery.read_text(encoding="utf-8") if gallery.exists() else NO_GALLERY
    files.append(File.generated(config, "gallery.md", content=shown))
    for path in sorted(GALLERY.glob("*/*")) if gallery.exists() else ():
        files.append(File.generated(config, path.relative_to(GALLERY).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links out of docs/ lead to where the site has what they name."""
    del config, files
    return _moved(markdown, PurePosixPath("docs")) if page.file.generated_by is None else markdown


def _moved(text: str, folder: PurePosixPath) -> str:
    """The text of a page that lies in ``folder`` of the project, with links as the site needs them."""

    def moved(found: re.Match[str]) -> str:
        picture, words, target, anchor = found[1], found[2], found[3], found[4] or ""
        path = _normal(folder / target)
        if not (ROOT / path).exists():  # elsewhere on the web
            return found[0]
        if path in FILES:
            place = PurePosixPath(path).name
        elif path.startswith("docs/"):
            place = path.removeprefix("docs/")
        elif path in ELSEWHERE:
            place = ELSEWHERE[path]
        else:  # a file of the program, which the site does not show
            return words
        return f"{picture}[{words}]({place}{anchor})"

    return _LINK.sub(moved, text)


def _normal(path: PurePosixPath) -> str:
    """The path without ``..``."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)
