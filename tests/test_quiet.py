"""TensorFlow comes without what it does not need."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from musiclstm.quiet import _SPARED, import_tensorflow
meanwhile = threading.Thread(target=__import__, args=["pandas"])
meanwhile.start()
import_tensorflow()
meanwhile.join()
print(*[name for name in _SPARED if name in sys.modules])
import matplotlib, scipy
"""


def test_tensorflow_is_imported_without_other_large_libraries_which_all_others_find() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "pandas\n"
    assert done.stderr == ""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can")
def test_memory_is_given_back() -> None:
    program = """
import os
from musiclstm.quiet import give_memory_back
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
kept = [bytes(3000) for _ in range(50_000)]
del kept[:-1]  # the last one keeps the C library from giving the others back by itself
before = resident()
give_memory_back()
print(before - resident() > 50_000_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
