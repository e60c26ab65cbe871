"""How many processes can work at once, and programs that end with this one, even if it is killed and can end nothing any more."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence


def ending_with_us(command: Sequence[str]) -> list[str]:
    """The command line that runs ``command`` in such a way that the system kills it when this process is gone.

    So nothing that hangs or computes stays behind. It needs Linux and util-linux, which Debian always has; elsewhere the command
    is returned as it is. Start it in a thread that waits for it: the system looks at the thread, not at the whole process.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
