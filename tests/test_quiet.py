"""TensorFlow comes without what it does not need."""

from __future__ import annotations

import subprocess
import sys

from musiclstm.quiet import give_memory_back

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


def test_memory_is_given_back_where_that_is_possible() -> None:
    give_memory_back()
