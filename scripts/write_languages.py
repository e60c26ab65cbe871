"""Bring the catalogues of the page's languages up to date with the sentences in the code.

    PYTHONPATH=. python scripts/write_languages.py [CODE]

New sentences get an empty translation, those that are gone are dropped; a new CODE gets a catalogue of its own. A test says which
translations are missing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from musiclstm.music import INSTRUMENTS, Key, key_name
from musiclstm.seeds.browse import MOODS
from musiclstm.ui.language import ENGLISH, NAMES
from musiclstm.ui.texts import DUET, PLAYED
from musiclstm.ui.wording import sentences_in_html

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ROOT / "musiclstm" / "ui" / "languages"
# The page, and what raises the errors that a visitor may meet.
FOLDERS = ("ui", "generation", "render", "seeds", "formats", "notation", "music", "hub", "model")
UNSEEN = (  # their errors are for programs, the command line, and whoever runs the page
    "musiclstm/ui/api.py",
    "musiclstm/formats/midi_parts.py",
    "musiclstm/hub/download.py",
    "musiclstm/hub/upload.py",
    "musiclstm/hub/vote_copies.py",
    "musiclstm/model/decoder.py",
    "musiclstm/model/vocabulary.py",
    "musiclstm/music/instruments.py",
    "musiclstm/render/audio.py",
    "musiclstm/render/engraver.py",
)
PYTHON = ("say", "sentence", "wording", "OptionError", "MusicFileError", "HubError", "ModelLostError", "SignedOutError")
SCRIPTS = {"text": None, "counted": (1, 2)}
Sentences = str | tuple[str, str]


def sentences() -> Catalog:
    """All sentences of the page, where they stand, without translations."""
    catalogue = Catalog(project="musiclstm", charset="utf-8")
    for place, said in [*_in_code(), *_words()]:
        catalogue.add(said, None, [(place, 0)])
    return catalogue


def _in_code() -> Iterator[tuple[str, Sentences]]:
    found: dict[str, Callable[[bytes], Iterable[Sentences]]] = {".py": _in_python, ".js": _in_script, ".html": _in_html}
    for folder in FOLDERS:
        for path in sorted((ROOT / "musiclstm" / folder).rglob("*")):
            place = path.relative_to(ROOT).as_posix()
            if path.suffix in found and place not in UNSEEN:
                yield from ((place, said) for said in found[path.suffix](path.read_bytes()))


def _in_python(code: bytes) -> Iterator[Sentences]:
    """The texts in calls of the functions in PYTHON and of ``counted``, within f-strings too, where Babel sees none."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            texts = [arg.value for arg in node.args[:2] if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if called == "counted" and len(texts) > 1:
                yield texts[0], texts[1]
            elif called in PYTHON and texts:
                yield texts[0]


def _in_script(code: bytes) -> Iterator[Sentences]:
    for _, said, _, _ in extract("javascript", BytesIO(code), SCRIPTS, options={"template_string": "True"}):
        yield said if isinstance(said, str) else (said[0], said[1])


def _in_html(code: bytes) -> Iterable[Sentences]:
    return sentences_in_html(code.decode("utf-8"))


def _words() -> Iterator[tuple[str, str]]:
    """Names that the code takes from data."""
    keys = [key_name(Key(fifths, mode)) for mode in ("major", "minor") for fifths in range(-7, 8)]
    for place, words in (
        ("musiclstm/music/key.py", keys),
        ("musiclstm/seeds/browse.py", MOODS),
        ("musiclstm/music/instruments.py", INSTRUMENTS),
        ("musiclstm/ui/texts.py", (DUET, PLAYED)),
    ):
        yield from ((place, word) for word in words)


def brought_up_to_date(code: str) -> bytes:
    """The catalogue of a language with the sentences of the code."""
    path = LANGUAGES / f"{code}.po"
    known = read_po(BytesIO(path.read_bytes()), locale=code) if path.exists() else Catalog(code)
    fresh = Catalog(
        code, project="musiclstm", charset="utf-8", header_comment=f"# The page of musiclstm, {NAMES.get(code, code)}."
    )
    for message in sentences():
        if message.id:
            old = known.get(message.id)
            fresh.add(message.id, old.string if old else None, message.locations)
    written = BytesIO()
    write_po(written, fresh, width=130, include_lineno=False)
    # Dates and names of tools would change at every run.
    changing = ("Project-Id", "Report-Msgid", "POT-Creation", "PO-Revision", "Last-Translator", "Language-Team", "Generated-By")
    lines = written.getvalue().decode("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{each}' for each in changing))).encode()


if __name__ == "__main__":
    LANGUAGES.mkdir(exist_ok=True)
    for each in sys.argv[1:] or [code for code in NAMES if code != ENGLISH.code]:
        (LANGUAGES / f"{each}.po").write_bytes(brought_up_to_date(each))
