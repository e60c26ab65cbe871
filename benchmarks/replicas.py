"""Claim: several pages behind docker/haproxy.cfg are one to a visitor, and when one is killed its visitors go on with another.

Two pages run as two containers would, on addresses of their own. A small name server stands in for Docker's, so the configuration
is the one that compose.yaml uses, up to the ports. Visitors without a cookie open the page, upload music of their own, press
Generate and fetch the files. A link is opened by somebody else. Then the page of one visitor is killed while it writes for them.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.browsing import Visitor
from benchmarks.report import Figure, cores, publish, section

ROOT = Path(__file__).resolve().parents[1]
ADDRESSES = ("127.0.0.1", "127.0.0.2")
VISITORS = 4
PATIENCE = 120.0  # seconds
OWN = {"seed": "own", "fresh": False, "bars": 4}
TUNE = b"X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\n" + b"CDEF|GABc|cBAG|FEDC|" * 2


def main() -> None:
    """Walk through whole visits, publish."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if not shutil.which("haproxy"):
        print("HAProxy is not installed, so nothing is measured; `apt-get install haproxy` brings it.")
        return
    with tempfile.TemporaryDirectory(prefix="musiclstm-") as scratch, replicas(Path(scratch)) as (address, pages):
        visits = [visited(address, number) for number in range(VISITORS)]
        homes = {cookie for cookie, _, _ in visits}
        cookie, code, joined = visits[0]
        other = next((one for one in homes if one != cookie), "")
        there = opened(address, code, other)
        called = by_client(address)
        fault, away, again = killed(address, pages, cookie, code)
    figures = [
        Figure("pages that visitors were sent to", len(homes), least=len(ADDRESSES)),
        Figure("visitors who got the files for their own music", sum(bool(one[2]) for one in visits), least=VISITORS),
        Figure("links that give the same MIDI on the other page", float(there == joined), least=1),
        Figure("files that gradio_client got through the proxy", called, least=7),
        Figure("after a page was killed, its visitor's address answers again after", away, "s", most=10),
        Figure("links of the killed page that give the same MIDI", float(again == joined), least=1),
    ]
    notes = [f"A visitor whose music was being written when the page was killed: {fault}."]
    claim = (__doc__ or "").splitlines()[0]
    publish("Replicas", section(claim, figures, notes=notes, threads=f"{cores()} cores", libraries=("gradio",)))


def visited(address: str, number: int) -> tuple[str, str, bytes]:
    """A whole visit with music of one's own: the cookie, the recipe of the take for a link, and joined.mid."""
    with Visitor(address) as visitor:
        visitor.arrive()
        visitor.upload("upload", "tune.abc", TUNE)
        seen = visitor.press("generate", {**OWN, "random-seed": number})
        if seen.faults:
            raise SystemExit(f"A visitor saw: {seen.faults[0]}")
        return visitor.cookie, visitor.code, seen.joined


def opened(address: str, code: str, cookie: str) -> bytes:
    """The joined.mid that a link gives on the page that a cookie names."""
    with Visitor(address, recipe=code, cookie=cookie) as visitor:
        return visitor.arrive().joined


def by_client(address: str) -> int:
    """The number of files that Gradio's client gets from /generate."""
    from gradio_client import Client

    with tempfile.TemporaryDirectory(prefix="musiclstm-") as folder:
        client = Client(address, verbose=False, download_files=folder)
        answer = client.predict(seed="mozart-k545-1", bars=4, random_seed=1, api_name="/generate")
        client.close()
        return sum(isinstance(path, str) and Path(path).stat().st_size > 0 for path in answer)


def killed(address: str, pages: dict[str, subprocess.Popen[bytes]], cookie: str, code: str) -> tuple[str, float, bytes]:
    """Kill the page of a cookie while it writes: what its visitor is told, seconds until the address answers, the link's MIDI."""
    told: list[str] = []
    visitor = Visitor(address, cookie=cookie)
    visitor.arrive()

    def wait() -> None:
        try:
            told.extend(visitor.press("generate", {"bars": 32, "fresh": False, "takes": "four"}).faults)
        except (OSError, http.client.HTTPException) as error:
            told.append(f"no answer ({type(error).__name__})")

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(2)
    home = max(pages, key=lambda one: work_of(pages[one]))  # the other one rests
    pages[home].kill()
    began = time.perf_counter()
    thread.join()
    while True:
        try:
            with Visitor(address, cookie=cookie) as back:
                back.arrive()
                away = time.perf_counter() - began
                break
        except (OSError, http.client.HTTPException):
            if time.perf_counter() - began > PATIENCE:
                raise
            time.sleep(0.2)
    visitor.__exit__(None)
    return ", ".join(told) or "nothing", away, opened(address, code, cookie)


def work_of(process: subprocess.Popen[bytes]) -> int:
    """How much a process worked in half a second, in ticks of the system's clock."""

    def spent() -> int:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = spent()
    time.sleep(0.5)
    return spent() - before


@contextmanager
def replicas(scratch: Path) -> Iterator[tuple[str, dict[str, subprocess.Popen[bytes]]]]:
    """Two warm pages behind HAProxy: the address of all, and the process at each address."""
    port, front = free_port(), free_port()
    pages: dict[str, subprocess.Popen[bytes]] = {}
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 0))
    threading.Thread(target=answer_names, args=(names,), daemon=True).start()
    replaced = {
        "127.0.0.11:53": "{}:{}".format(*names.getsockname()),
        "bind :7860": f"bind 127.0.0.1:{front}",
        "app:7860": f"app:{port}",
    }
    text = (ROOT / "docker" / "haproxy.cfg").read_text(encoding="utf-8")
    for ours, here in replaced.items():
        if text.count(ours) != 1:
            raise SystemExit(f"docker/haproxy.cfg must have {ours} once.")
        text = text.replace(ours, here)
    (scratch / "haproxy.cfg").write_text(text, encoding="utf-8")
    started: list[subprocess.Popen[bytes]] = []
    try:
        for address in ADDRESSES:
            settings = {"GRADIO_SERVER_NAME": address, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": str(scratch / address)}
            environment = {**os.environ, **settings, "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONPATH": str(ROOT)}
            process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
            pages[address] = process
            started.append(process)
        command = ["haproxy", "-db", "-q", "-f", str(scratch / "haproxy.cfg")]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        for address in ADDRESSES:
            warm(f"http://{address}:{port}/")
        time.sleep(5)  # HAProxy asks for names and health every few seconds
        yield f"http://127.0.0.1:{front}/", pages
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(PATIENCE)
        names.close()


def warm(address: str) -> None:
    """Wait until a page answers, and until its model is compiled."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with Visitor(address) as visitor:
                visitor.press("generate", {"bars": 4})
                return
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > until:
                raise SystemExit(f"A page does not answer within {PATIENCE:.0f} s.") from error
            time.sleep(0.2)


def answer_names(names: socket.socket) -> None:
    """Tell whoever asks for a name that it has all of ADDRESSES, as Docker does for a service of several containers."""
    while True:
        try:
            question, asker = names.recvfrom(512)
        except OSError:  # closed
            return
        end = question.index(b"\0", 12) + 5  # the name, then its type and class
        found = ADDRESSES if question[end - 4 : end - 2] == b"\0\1" else ()
        records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address) for address in found)
        names.sendto(
            question[:2] + b"\x81\x80\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0" + question[12:end] + records, asker
        )


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    main()
