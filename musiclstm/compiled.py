"""Keep on disk what XLA compiles, so that a machine compiles each decoder once and later starts take a third of the time.

Compiled code fits one TensorFlow and one kind of processor, so each pair of them has a folder of its own. TensorFlow finds an
entry by what was compiled: a change of the network or of the decoder never meets an old one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FLAGS = "TF_XLA_FLAGS"
MOST_BYTES = 200_000_000  # of compiled code; a decoder takes 4 MB


def keep_compiled(cache: Path | None = None) -> None:
    """Let TensorFlow, not imported yet, keep compiled code in a folder of ``cache``, by default the user's cache folder.

    Does nothing where TF_XLA_FLAGS is set already or the folder can't be made. The oldest entries beyond MOST_BYTES are deleted.
    """
    if FLAGS in os.environ:
        return
    base = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "musiclstm"
    folder = base / f"xla-{_tensorflow()}-{_processor()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(base)
    except OSError:
        return
    os.environ[FLAGS] = f"--tf_xla_persistent_cache_directory={folder}"


def _prune(base: Path) -> None:
    found = sorted(((path.stat().st_mtime, path.stat().st_size, path) for path in base.glob("xla-*/*")), reverse=True)
    kept = 0
    for _, size, path in found:
        kept += size
        if kept > MOST_BYTES:
            path.unlink(missing_ok=True)


def _tensorflow() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


def _processor() -> str:
    """A short name for the processor's kind: compiled code uses whatever instructions it has."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    features = re.search(r"(?m)^(?:flags|Features)\s*:(.*)$", text)
    words = features[1] if features else platform.processor()
    return f"{platform.machine()}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
