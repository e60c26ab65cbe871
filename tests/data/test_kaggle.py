"""Datasets on Kaggle: the real kagglehub against a local server that speaks its protocol."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from waiting import PATIENCE

from musiclstm.data.kaggle import download_dataset
from musiclstm.errors import OptionError
from musiclstm.formats.midi import midi_bytes
from musiclstm.music.notes import Piece

ROOT = Path(__file__).resolve().parents[2]
PORT = 7777  # kagglehub's test environment always uses this port
READER = """
import sys
from pathlib import Path
from musiclstm.data import open_data
from musiclstm.errors import MusicLSTMError
for number, reference in enumerate(sys.argv[2:]):
    try:
        collection = open_data([reference], Path(sys.argv[1]) / str(number))
        print("> read", sorted(entry.name for entry in collection.entries))
    except MusicLSTMError as error:
        print(">", type(error).__name__, error)
"""


class Kaggle(ThreadingHTTPServer):
    """Serves datasets by OWNER/NAME, each with the files of one version; those in ``busy`` answer with 503."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", PORT), _Handler)
        self.datasets: dict[str, dict[str, bytes]] = {}
        self.busy: set[str] = set()
        self.downloads = 0
        Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Kaggle

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = f"{asked.get('ownerSlug')}/{asked.get('datasetSlug')}"
        files = self.server.datasets.get(name)
        if files is None:
            self._answer(503 if name in self.server.busy else 404, b"{}", "application/json")
        elif self.path.endswith("/GetDataset"):
            self._answer(200, json.dumps({"currentVersionNumber": 3}).encode(), "application/json")
        else:
            self.server.downloads += 1
            bundle = io.BytesIO()
            with zipfile.ZipFile(bundle, "w") as archive:
                for name, data in files.items():
                    archive.writestr(name, data)
            self._answer(200, bundle.getvalue(), "application/zip")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def kaggle() -> Iterator[Kaggle]:
    pytest.importorskip("kagglehub")
    server = Kaggle()
    yield server
    server.shutdown()
    server.server_close()


def read(folder: Path, *references: str, **settings: str) -> list[str]:
    """Read these datasets one by one in a separate process whose home is ``folder``; returns a result line for each."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE") and "proxy" not in name.lower()}
    environment = {"HOME": str(folder), "KAGGLE_API_ENVIRONMENT": "TEST", "PYTHONPATH": str(ROOT)} | settings
    ran = subprocess.run(
        [sys.executable, "-c", READER, str(folder / "cache"), *references],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    results = [line.removeprefix("> ") for line in ran.stdout.splitlines() if line.startswith("> ")]
    assert len(results) == len(references), ran.stderr
    return results


def test_a_dataset_is_downloaded_once_and_read_from_the_cache_later(
    kaggle: Kaggle, tunes: dict[str, Piece], tmp_path: Path
) -> None:
    kaggle.datasets["anna/waltzes"] = {f"b/{name}.mid": midi_bytes(tune) for name, tune in tunes.items()} | {"a.csv": b"1,2"}
    names = sorted(f"b/{name}.mid" for name in tunes)
    assert read(tmp_path, "kaggle://anna/waltzes", "kaggle://anna/waltzes@3") == [f"read {names}"] * 2
    assert kaggle.downloads == 1


def test_each_refusal_by_kaggle_is_explained(kaggle: Kaggle, tmp_path: Path) -> None:
    kaggle.datasets["anna/tables"] = {"a.csv": b"1,2"}
    kaggle.busy.add("anna/etudes")
    missing, useless, busy = read(tmp_path, *(f"kaggle://anna/{name}" for name in ("nothing", "tables", "etudes")))
    assert missing.startswith("DataError Kaggle has no dataset anna/nothing, or it is private")
    assert useless.startswith("DataError The Kaggle dataset anna/tables contains no .mid")
    assert busy.startswith("DataError Kaggle can't deliver anna/etudes now (HTTP status 503)")


def test_an_unreachable_kaggle_is_explained(tmp_path: Path) -> None:
    pytest.importorskip("kagglehub")
    assert read(tmp_path, "kaggle://anna/waltzes")[0].startswith("DataError Kaggle can't be reached to download anna/waltzes")


def test_without_kagglehub_the_message_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "kagglehub.py").write_text("raise ImportError", encoding="utf-8")
    results = read(tmp_path, "kaggle://anna/waltzes", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert results == ["MissingToolError To read kaggle://anna/waltzes, install kagglehub: pip install kagglehub."]


@pytest.mark.parametrize(
    "reference", ["kaggle://anna", "kaggle://anna/waltzes@0", "kaggle://a/b/c", "kaggle://../x", "kaggle:/a/b"]
)
def test_a_malformed_reference_is_refused(reference: str) -> None:
    with pytest.raises(OptionError, match="A dataset on Kaggle is written"):
        download_dataset(reference)
