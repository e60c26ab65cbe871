"""The client of the local Hub: ``hub_program`` in its own process, because huggingface_hub reads its environment on import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Timer
from typing import Any

from waiting import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(__file__).with_name("hub_program.py")
HANGING = 10 * int(PATIENCE)  # seconds that huggingface_hub by itself waits for a download: what relies on that fails


def environment(url: str, home: Path) -> dict[str, str]:
    """This machine's environment without its own settings of the Hub (to switch off telemetry is left to the package)."""
    foreign = r"(?i)HF_|HUGGING|DO_NOT_TRACK|DISABLE_TEL|.*_PROXY$"
    kept = {name: value for name, value in os.environ.items() if not re.match(foreign, name)}
    settings = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    settings |= {"HF_HUB_DOWNLOAD_TIMEOUT": str(HANGING)}
    return kept | settings | {"PYTHONPATH": str(ROOT)}


class RefusedError(Exception):
    """An error of the package in the other process, as "Type: sentence"."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(f"{kind}: {sentence}")
        self.kind, self.sentence = kind, sentence


class HubClient:
    """``hub_program`` with its Hub at ``url``. The process starts with the first order, and again after ``close``."""

    def __init__(self, url: str, home: Path) -> None:
        self._url, self._home = url, home
        self._answers = ""
        self._errors = home / "stderr.txt"
        self._process: subprocess.Popen[str] | None = None

    def ask(self, action: str, *, token: str = "", **settings: Any) -> Any:
        """The result of a function of ``hub_program``, run with this ``token`` or none. Raises RefusedError."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"action": action, "token": token, "settings": settings}) + "\n")
        process.stdin.flush()
        line = self._line(process)
        assert line, self.printed
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(*answer["error"])
        return answer["result"]

    @property
    def printed(self) -> str:
        """All output so far, stdout and stderr."""
        return self._answers + (self._errors.read_text(encoding="utf-8") if self._errors.exists() else "")

    def close(self) -> None:
        """Let the process end: there are no more orders. Raises TimeoutExpired if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(timeout=PATIENCE)
        finally:
            process.kill()

    def _start(self) -> subprocess.Popen[str]:
        with self._errors.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env=environment(self._url, self._home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self._line(self._process) == "ready\n", self.printed
        return self._process

    def _line(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        patience = Timer(PATIENCE, process.kill)  # what hangs fails
        patience.start()
        line = process.stdout.readline()
        patience.cancel()
        self._answers += line
        return line
