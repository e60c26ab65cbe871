"""Programs that end with the one that started them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_until

from musiclstm.children import ending_with_us

PARENT = """
import subprocess, sys
from musiclstm.children import ending_with_us
child = subprocess.Popen(ending_with_us([sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(1000)"]))
print(child.pid, flush=True)
child.wait()
"""


def ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="Linux does this")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        said = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}  # in either order
        (child,) = (int(word) for word in said - {"ready"})
        assert not ended(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        wait_until(lambda: ended(child))


def test_a_command_does_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", "import os, sys; print(os.getcwd(), sys.argv[1:]); sys.exit(3)", "--", "a b"]
    done = subprocess.run(ending_with_us(command), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, f"{Path.cwd()} ['--', 'a b']\n")
    monkeypatch.setenv("PATH", "")
    assert ending_with_us(command) == command
