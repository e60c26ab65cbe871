"""A small Hugging Face Hub on this machine, spoken to by the real huggingface_hub: what pulling needs, and ways to go wrong.

``hub_writing`` adds what publishing needs, ``hub_oauth`` what signing in does. To
teach it more, add rows to ``ROUTES`` and methods to the handler.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from hub_oauth import SIGNING_IN, SigningIn
from hub_writing import LARGE, WRITING, Writing


@dataclass
class Repository:
    """Files of every commit, what branches and tags point to, and who may read."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # of a Space
    access: Literal["public", "private", "gated"] = "public"

    def commit_of(self, revision: str) -> str | None:
        return self.refs.get(revision, revision if revision in self.commits else None)


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]


class LocalHub:
    """A Hub at ``url``. Tests fill it with ``commit``, read ``requests`` (``history``: since it began) and set what goes wrong.

    ``status``: answered to everything whose path ``status_for`` is found in. ``cut``: files whose bytes stop in the middle.
    ``silent``: paths that hold this are never answered; ``slow``: these are, a byte a second. ``not_a_hub``: every answer is a
    page of HTML. ``announced``: sizes that are told instead of the true ones. ``before_commit``: called when a commit arrives.
    ``refuse_to_create``: a price. ``refuse_to_sign_in``: nobody gives their consent. ``token_seconds``: how long those who sign
    in stay so.
    """

    token = "hf_the_only_valid_token"
    owner = "anna"

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.requests: list[Request] = []
        self.history: list[Request] = []
        self.announced: dict[str, int] = {}
        self.cut: set[str] = set()
        self.status: int | None = None
        self.status_for = ""
        self.uploads: dict[str, bytes] = {}
        self.refuse_to_create = ""
        self.refuse_to_sign_in = False
        self.token_seconds = 28_800
        self.codes: dict[str, str] = {}
        self.asked_scopes: list[str] = []
        self.before_commit: Callable[[], None] | None = None
        self.silent, self.slow = "", ""
        self.not_a_hub = False
        self.closing = threading.Event()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.hub = self
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def close(self) -> None:
        self.closing.set()
        self.stop()

    def repair(self) -> None:
        """Let nothing go wrong any more, and forget the requests so far."""
        self.status, self.silent, self.slow, self.not_a_hub = None, "", "", False
        self.status_for, self.before_commit, self.refuse_to_create = "", None, ""
        self.refuse_to_sign_in, self.token_seconds = False, 28_800
        self.cut.clear()
        self.announced.clear()
        self.requests.clear()

    def commit(self, repo: str, files: dict[str, bytes], *, kind: str = "model", branch: str = "main", tag: str = "") -> str:
        """Add a commit that holds just ``files``; returns its 40 digits."""
        repository = self.repositories.setdefault((kind, repo), Repository())
        sha = hashlib.sha1(repr((repo, len(repository.commits), sorted(files.items()))).encode()).hexdigest()
        repository.commits[sha] = dict(files)
        repository.refs[branch] = sha
        if tag:
            repository.refs[tag] = sha
        return sha

    def downloads(self) -> list[str]:
        """The files whose bytes were asked for, in order."""
        return [r.path.rpartition("/")[2] for r in self.requests if r.method == "GET" and not r.path.startswith("/api/")]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: LocalHub

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.connections: list[_Handler] = []

    def hang_up(self) -> None:
        """Close the connections that are kept alive: a program that has ended would have."""
        for handler in self.connections:
            handler.drop()


class _Handler(Writing, SigningIn, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms until its headers are acknowledged

    @property
    def hub(self) -> LocalHub:
        return cast(_Server, self.server).hub

    def setup(self) -> None:
        super().setup()
        cast(_Server, self.server).connections.append(self)

    def drop(self) -> None:
        self.close_connection = True
        try:
            self.connection.shutdown(2)
        except OSError:  # it has ended already
            return

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: tests read ``requests``."""

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        self.body = (
            self.rfile.read(int(self.headers.get("Content-Length") or 0)) if self.command in ("POST", "PUT", "DELETE") else b""
        )
        request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        hub.requests.append(request)
        hub.history.append(request)
        if hub.silent and hub.silent in path:
            hub.closing.wait()
            self.close_connection = True
        elif hub.not_a_hub:
            self._send(200, b"<html>Please log in to this network</html>", {"Content-Type": "text/html"})
        elif hub.status and re.search(hub.status_for, path):
            self._refuse(hub.status, "", "not now")
        else:
            for pattern, action in ROUTES:
                if found := re.fullmatch(pattern, path):
                    action(self, **found.groupdict())
                    return
            self._refuse(404, "", "no such page")

    def _repository(self, kind: str, repo: str, *, files: bool) -> Repository | None:
        """The repository if it may be read; otherwise the refusal has been sent."""
        repository = self.hub.repositories.get((kind, repo))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token != self.hub.token:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif repository is None or (repository.access == "private" and not token):
            self._refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        elif repository.access == "gated" and files and not token:
            self._refuse(401, "GatedRepo", f"Access to {kind} {repo} is restricted")
        else:
            return repository
        return None

    def info(self, kind: str, repo: str, revision: str | None = None) -> None:
        repository = self._repository(kind, repo, files=False)
        if repository is None:
            return
        sha = repository.commit_of(revision or "main")
        if sha is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = [self._sibling(path, data) for path, data in repository.commits[sha].items()]
        self._send_json({"id": repo, "sha": sha, "private": repository.access == "private", "siblings": siblings})

    def _sibling(self, path: str, data: bytes) -> dict[str, object]:
        sibling: dict[str, object] = {"rfilename": path, "size": self._size(path, data), "blobId": _git_oid(data)}
        if path.endswith(LARGE):
            sibling["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return sibling

    def tree(self, kind: str, repo: str, revision: str) -> None:
        repository = self._repository(kind, repo, files=False)
        if repository is None:
            return
        folder = ""
        if repository.commit_of(revision) is None:  # a folder may follow
            revision, _, folder = revision.partition("/")
        sha = repository.commit_of(revision)
        if sha is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        files = {path: data for path, data in repository.commits[sha].items() if path.startswith(f"{folder}/") or not folder}
        if not files and folder:
            self._refuse(404, "EntryNotFound", f"{folder} does not exist on {revision}")
            return
        folders = {str(folder) for path in files for folder in PurePosixPath(path).parents if str(folder) != "."}
        rows: list[dict[str, object]] = [
            {"type": "directory", "path": path, "oid": _git_oid(path.encode())} for path in sorted(folders)
        ]
        for path, data in sorted(files.items()):
            row: dict[str, object] = {"type": "file", "path": path, "oid": _git_oid(data), "size": self._size(path, data)}
            if path.endswith(LARGE):
                row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            rows.append(row)
        if "recursive=false" in self.path.lower():
            rows = [row for row in rows if str(PurePosixPath(str(row["path"])).parent) == (folder or ".")]
        self._send_json(rows)

    def resolve(self, prefix: str | None, repo: str, revision: str, path: str) -> None:
        repository = self._repository("dataset" if prefix else "model", repo, files=True)
        if repository is None:
            return
        sha = repository.commit_of(revision)
        data = repository.commits[sha].get(path) if sha else None
        if sha is None or data is None:
            code, message = ("EntryNotFound", "Entry not found") if sha else ("RevisionNotFound", "Invalid rev id")
            self._refuse(404, code, message, {"X-Repo-Commit": sha or ""})
        elif path.endswith(LARGE):
            digest = hashlib.sha256(data).hexdigest()
            headers = {
                "X-Repo-Commit": sha,
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(len(data)),
                # Another name for this machine, so that it counts as another host, which must not see the token.
                "Location": f"http://localhost:{self.hub.port}/stored/{digest}/{path}",
            }
            self._send(302, b"", headers)
        else:
            self._send(200, data, {"X-Repo-Commit": sha, "ETag": f'"{_git_oid(data)}"'}, cut=path in self.hub.cut)

    def stored(self, digest: str, path: str) -> None:
        every = (data for repo in self.hub.repositories.values() for files in repo.commits.values() for data in files.values())
        data = next((data for data in every if hashlib.sha256(data).hexdigest() == digest), None)
        if data is None:
            self._refuse(404, "", "no such file")
        else:
            self._send(200, data, {"ETag": f'"{digest}"'}, cut=path in self.hub.cut)

    def _size(self, path: str, data: bytes) -> int:
        return self.hub.announced.get(path, len(data))

    def _refuse(self, status: int, code: str, message: str, extra: dict[str, str] | None = None) -> None:
        named = {"X-Error-Code": code} if code else {}
        body = json.dumps({"error": message}).encode()
        self._send(status, body, {"Content-Type": "application/json", "X-Error-Message": message, **named, **(extra or {})})

    def _send_json(self, data: object) -> None:
        self._send(200, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.slow and self.hub.slow in self.path:
            self._dribble(body)
            return
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.drop()

    def _dribble(self, body: bytes) -> None:
        with suppress(OSError):  # nobody waits for the end
            for start in range(len(body)):
                self.wfile.write(body[start : start + 1])
                if self.hub.slow and self.hub.closing.wait(1.0):
                    break
        self.close_connection = True


def _git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


_ID = r"(?P<repo>[^/]+/[^/]+)"
ROUTES = (
    *WRITING,
    *SIGNING_IN,
    (rf"/api/(?P<kind>model|dataset|space)s/{_ID}", _Handler.info),
    (rf"/api/(?P<kind>model|dataset)s/{_ID}/revision/(?P<revision>.+)", _Handler.info),
    (rf"/api/(?P<kind>model|dataset)s/{_ID}/tree/(?P<revision>.+)", _Handler.tree),
    (rf"/(?P<prefix>datasets/)?{_ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _Handler.resolve),
    (r"/stored/(?P<digest>\w+)/(?P<path>.+)", _Handler.stored),
)
