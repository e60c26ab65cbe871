"""The other end of the local Hub: a program in a process of its own, for huggingface_hub reads its environment on import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def environment(url: str, home: Path, token: str = "") -> dict[str, str]:
    """This machine's environment without its own settings of the Hub (to switch off telemetry is left to the package)."""
    foreign = r"(?i)HF_|HUGGING|DO_NOT_TRACK|DISABLE_TEL|.*_PROXY$"
    kept = {name: value for name, value in os.environ.items() if not re.match(foreign, name)}
    settings = {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return kept | settings | {"PYTHONPATH": str(ROOT)} | ({"HF_TOKEN": token} if token else {})


class HubClient:
    """A Python ``program`` whose Hub is at ``url``: it prints "ready", then answers each line of JSON with another."""

    def __init__(self, program: str, url: str, home: Path, token: str = "") -> None:
        self._printed = ""
        self._words = home / "words.txt"
        with self._words.open("w", encoding="utf-8") as words:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                env=environment(url, home, token),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            )
        assert self._line() == "ready\n", self.said

    def ask(self, order: dict[str, Any]) -> Any:
        """Its answer to an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self._line()
        assert line, self.said
        return json.loads(line)

    @property
    def said(self) -> str:
        """All that it ever printed, on both ways."""
        return self._printed + self._words.read_text(encoding="utf-8")

    def close(self) -> float:
        """End the process; returns the seconds it took."""
        began = time.monotonic()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)
        return time.monotonic() - began

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self._printed += line
        return line
