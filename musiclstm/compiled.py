"""Keep on disk what XLA compiles, so that a machine compiles each decoder once and later starts take a third of the time.

Compiled code fits one TensorFlow and one kind of processor, so each pair of them has a folder of its own. TensorFlow finds an
entry by what was compiled: a change of the network or of the decoder never meets an old one. It moves an entry here when it is
complete, so several programs can share a folder. But it fails for good at an entry that the disk has lost a part of, and where it
can't write one; so damaged entries are deleted first, and on a full disk nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FLAGS = "TF_XLA_FLAGS"
QUICKLY, _KNOWN = "--xla_cpu_use_fusion_emitters=false", "2.21.0"  # an option of XLA, and a TensorFlow that has it
_DIRECTORY = "--tf_xla_persistent_cache_directory"
MOST_BYTES = 200_000_000  # of compiled code; a decoder takes 4 MB
LEAST_FREE = 200_000_000  # bytes on the disk; with less, TensorFlow compiles for itself alone
_WITH_LENGTH = 2  # the kind of a field
DRAFT_SECONDS = 3600.0  # an unfinished entry is older only if the program that wrote it was killed


def keep_compiled(cache: Path | None = None) -> None:
    """Let TensorFlow, not imported yet, keep compiled code in a folder of ``cache``, by default the user's cache folder.

    Does nothing where TF_XLA_FLAGS is set already, the folder can't be made, or the disk is full, nor where its name has a space,
    at which TensorFlow would cut it. Damaged entries are deleted, and the oldest beyond MOST_BYTES.
    """
    base = cache or user_cache()
    folder = base / f"xla-{_tensorflow()}-{_processor()}"
    if FLAGS in os.environ or re.search(r"\s", str(folder)):
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(base)
        if shutil.disk_usage(folder).free < LEAST_FREE:
            return
    except OSError:
        return
    os.environ[FLAGS] = f"{_DIRECTORY}={folder}"


def compile_quickly() -> None:
    """Let XLA, not in use yet, make its kernels in its older way: as fast for a decoder, and compiled in less time and memory.

    Only with the TensorFlow that is known to have the option, since XLA ends a process that sets an unknown one. Options that are
    set already stay.
    """
    if _tensorflow() == _KNOWN:
        os.environ.setdefault("XLA_FLAGS", QUICKLY)


def kept_folder() -> Path | None:
    """The folder in which compiled code is kept, and modules as .xz; None if nothing is kept."""
    found = re.search(rf"{_DIRECTORY}=(\S+)", os.environ.get(FLAGS, ""))
    return Path(found[1]) if found else None


def user_cache() -> Path:
    """The user's folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "musiclstm"


def _prune(base: Path) -> None:
    found = []
    for path in base.glob("xla-*/*"):
        with suppress(FileNotFoundError):  # another program tidies up too
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    kept, now = 0, time.time()
    for changed, size, path in sorted(found, reverse=True):
        kept += size
        with suppress(FileNotFoundError):
            damaged = not _whole(path) if path.suffix == ".pb" else path.suffix != ".xz" and now - changed > DRAFT_SECONDS
            if damaged or kept > MOST_BYTES:
                path.unlink()


def _whole(path: Path) -> bool:
    """Whether an entry ends where its last field does: it is a protocol buffer, fields with their lengths one after the other."""
    data, at = path.read_bytes(), 0
    while 0 <= at < len(data):
        tag, at = _number(data, at)
        size, at = _number(data, at)
        if tag & 7 != _WITH_LENGTH:
            return False
        at += size
    return at == len(data) > 0


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, seven bits in each byte, and the place after it."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    return value, len(data) + 1


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
