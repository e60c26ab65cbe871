"""What publishing asks of a Hub: create a repository, upload large files, commit, list and make tags."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_server import LocalHub, Repository

LARGE = (".h5", ".npz", ".png", ".mid")  # stored apart, as on the Hub: /resolve answers with the address of another host


class Writing:
    """Methods of the handler of ``hub_server``, which gives it the body of the request and the ways to answer.

    Only the Hub's one valid token may write, and only to repositories of OWNER.
    """

    body: bytes
    command: str
    if TYPE_CHECKING:

        @property
        def hub(self) -> LocalHub: ...

    headers: Any
    _refuse: Any
    _send: Any
    _send_json: Any
    _repository: Any

    def _may_write(self, repo: str) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != self.hub.token:
            self._refuse(401, "", "Invalid credentials in Authorization header" if token else "Please log in")
        elif repo.partition("/")[0] != self.hub.owner:
            self._refuse(403, "", f"You don't have the rights to write to {repo}")
        else:
            return True
        return False

    def create(self) -> None:
        asked = json.loads(self.body)
        repo = f"{asked.get('organization') or self.hub.owner}/{asked['name']}"
        if not self._may_write(repo):
            return
        kind = asked.get("type", "model")
        if self.hub.refuse_to_create:
            self._refuse(402, "", self.hub.refuse_to_create)
        elif (kind, repo) in self.hub.repositories:
            body = json.dumps({"error": "You already created this repo", "url": f"{self.hub.url}/{repo}"})
            self._send(
                409, body.encode(), {"Content-Type": "application/json", "X-Error-Message": "You already created this repo"}
            )
        else:
            self.hub.commit(repo, {".gitattributes": b"*.h5 filter=lfs"}, kind=kind)
            self.hub.repositories[kind, repo].access = "private" if asked.get("visibility") == "private" else "public"
            self._send_json({"url": f"{self.hub.url}/{repo}", "name": repo})

    def validate_yaml(self) -> None:
        self._send_json({"errors": [], "warnings": []})

    def preupload(self, kind: str, repo: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        modes = [
            {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular", "shouldIgnore": False}
            for file in json.loads(self.body)["files"]
        ]
        self._send_json({"files": modes})

    def lfs_batch(self, repo: str) -> None:
        if not self._may_write(repo):
            return
        objects = [
            {**item, "actions": {"upload": {"href": f"http://localhost:{self.hub.port}/upload/{item['oid']}", "header": {}}}}
            for item in json.loads(self.body)["objects"]
        ]
        self._send(200, json.dumps({"transfer": "basic", "objects": objects}).encode(), {"Content-Type": "application/json"})

    def upload(self, digest: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == digest
        self.hub.uploads[digest] = self.body
        self._send(200, b"", {})

    def write(self, kind: str, repo: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        if self.hub.before_commit:
            self.hub.before_commit()
        repository: Repository | None = self._repository(kind, repo, files=False)
        if repository is None:
            return
        header, *operations = (json.loads(line) for line in self.body.splitlines() if line.strip())
        parent = header["value"].get("parentCommit")
        if parent and parent != repository.refs.get(revision):
            self._refuse(412, "", "A commit has happened since. Please refresh and try again.")
            return
        files = dict(repository.commits[repository.refs[revision]])
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = self.hub.uploads[value["oid"]]
            else:
                files.pop(value["path"], None)
        sha = self.hub.commit(repo, files, kind=kind, branch=revision)
        self._send_json({"commitUrl": f"{self.hub.url}/{repo}/commit/{sha}", "commitOid": sha})

    def refs(self, kind: str, repo: str) -> None:
        repository: Repository | None = self._repository(kind, repo, files=False)
        if repository is None:
            return
        named = [{"name": n, "ref": f"refs/{n}", "targetCommit": c} for n, c in repository.refs.items()]
        branches = [ref for ref in named if ref["name"] == "main"]
        self._send_json({"branches": branches, "converts": [], "tags": [ref for ref in named if ref not in branches]})

    def tag(self, kind: str, repo: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        repository: Repository = self.hub.repositories[kind, repo]
        name = json.loads(self.body)["tag"]
        if name in repository.refs:
            self._refuse(409, "", "Tag reference exists already")
        else:
            repository.refs[name] = str(repository.commit_of(revision))
            self._send_json({})

    def variables(self, repo: str) -> None:
        if not self._may_write(repo):
            return
        known = self.hub.repositories["space", repo].variables
        if self.command == "POST":
            asked = json.loads(self.body)
            known[asked["key"]] = asked["value"]
        elif self.command == "DELETE":
            del known[json.loads(self.body)["key"]]
        self._send_json({name: {"value": value} for name, value in known.items()})


_ID = r"(?P<repo>[^/]+/[^/]+)"
_KIND = r"/api/(?P<kind>model|dataset|space)s"
WRITING = (
    (r"/api/repos/create", Writing.create),
    (rf"/api/spaces/{_ID}/variables", Writing.variables),
    (r"/api/validate-yaml", Writing.validate_yaml),
    (rf"{_KIND}/{_ID}/preupload/(?P<revision>.+)", Writing.preupload),
    (rf"{_KIND}/{_ID}/commit/(?P<revision>.+)", Writing.write),
    (rf"{_KIND}/{_ID}/refs", Writing.refs),
    (rf"{_KIND}/{_ID}/tag/(?P<revision>.+)", Writing.tag),
    (rf"/(?:datasets/|spaces/)?{_ID}\.git/info/lfs/objects/batch", Writing.lfs_batch),
    (r"/upload/(?P<digest>\w+)", Writing.upload),
)
