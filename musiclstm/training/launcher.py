"""Start the other workers of a training run on this machine, with TF_CONFIG describing the group to each of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from musiclstm.children import ending_with_us
from musiclstm.config import MOST_WORKERS
from musiclstm.errors import OptionError

THREADS = "TF_NUM_INTRAOP_THREADS"
PATIENCE = 10.0  # seconds for the other workers to end by themselves


@contextmanager
def launch_workers(count: int, command: Sequence[str], folder: Path) -> Iterator[None]:
    """A context in which ``count`` processes of ``command`` train together on this machine; this process is the first.

    They share the processor cores, and each gets one GPU if there are any. Enter it before TensorFlow is imported. The output of
    the others goes to ``folder``/worker-N.log. On exit they get ``PATIENCE`` seconds to finish; after an error they are killed at
    once. Raises OptionError if ``count`` is out of range, or if TF_CONFIG already names workers.
    """
    if not 1 <= count <= MOST_WORKERS:
        raise OptionError(f"--workers must be a whole number from 1 to {MOST_WORKERS}, not {count}.")
    if count > 1 and "TF_CONFIG" in os.environ:
        raise OptionError("TF_CONFIG already names the workers: leave out --workers.")
    processes = []
    if count > 1:
        folder.mkdir(parents=True, exist_ok=True)
        settings = _settings(count)
        for rank in range(1, count):
            with (folder / f"worker-{rank}.log").open("wb") as log:
                environment = os.environ | settings[rank]
                processes.append(subprocess.Popen(ending_with_us(command), env=environment, stdout=log, stderr=subprocess.STDOUT))
        os.environ.update(settings[0])
    try:
        yield
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PATIENCE)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def command_line() -> list[str]:
    """The command that started this process, without --workers, to start another worker: that one reads TF_CONFIG instead."""
    words = iter(sys.orig_argv[1:])  # "-m musiclstm train" too
    kept = []
    for word in words:
        if word == "--workers":
            next(words, None)
        elif not word.startswith("--workers="):
            kept.append(word)
    return [sys.executable, *kept]


def _settings(count: int) -> list[dict[str, str]]:
    """The environment variables of each process."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = visible.split(",") if visible else [str(index) for index in range(count)]
    threads = os.environ.get(THREADS, str(max(1, (os.cpu_count() or 1) // count)))
    return [
        {
            "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}}),
            "CUDA_VISIBLE_DEVICES": devices[rank % len(devices)],
            THREADS: threads,
        }
        for rank in range(count)
    ]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(taken.getsockname()[1]) for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports
