"""Waiting for what another thread or process does, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0  # seconds, many times what a busy machine needs


def wait_until(holds: Callable[[], bool], pause: float = 0.05) -> None:
    """Ask ``holds`` again after each ``pause`` until it returns True; fail after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s"
        time.sleep(pause)
