"""One visitor of a running page, over HTTP and as a browser is one; the benchmarks of visitors share it.

Gradio's page joins a queue for an event, reads what comes of it as server-sent events, and then starts the events chained to it.
Events and widgets are found by what they are wired to, so that other versions of the page can be visited too.
"""

from __future__ import annotations

import http.client
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

PATIENCE = 600.0  # seconds of silence
# The file of opening and continuation, today and in early versions:
WHOLE = r"[a-z0-9-]+-(continued|changed)-\d+(-\d+)?\.mid|joined\.mid"
NEW_NOTES = re.compile(r'<g class="continuation"[^>]*>\s*<rect')
JSON = "application/json"


@dataclass
class Seen:
    """What a visitor saw of one take, in seconds from the click; None for what never came.

    ``joined``: the bytes of the MIDI file of seed and continuation. ``faults``: what went wrong.
    """

    first_notes: float | None = None
    files: float | None = None
    joined: bytes = b""
    faults: list[str] = field(default_factory=list)


class Visitor:
    """One open page at ``address``: its values, and its connections. Close it, as a browser's tab is closed.

    Raises OSError or http.client.HTTPException where the page does not answer.
    """

    def __init__(self, address: str, *, recipe: str = "", cookie: str = "") -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname or "", place.port or 80
        self._sign_of_life = self._connection()
        self._query = {"recipe": recipe} if recipe else {}
        self.cookie = cookie
        self.session = secrets.token_hex(5)
        self._seen, self._began, self._files = Seen(), time.perf_counter(), dict[str, str]()
        self._pending: dict[str, dict[str, Any]] = {}
        self._get("/")
        config = json.loads(self._get("/config"))
        self._prefix = config.get("api_prefix", "")
        self._events = [event for event in config["dependencies"] if event["targets"] or event["trigger_after"] is not None]
        self._kinds = {part["id"]: part["type"] for part in config["components"]}
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self.properties = {part["props"].get("elem_id"): part["props"] for part in config["components"]}
        self.ids = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        if config.get("connect_heartbeat"):
            self._alive = self._ask(self._sign_of_life, "GET", f"{self._prefix}/heartbeat/{self.session}")  # kept open

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._sign_of_life.close()

    def arrive(self) -> Seen:
        """Run what the page runs when it has loaded; with a recipe in its address that writes its take."""
        return self._run([event for event in self._events if any(kind == "load" for _, kind in event["targets"])])

    def press(self, button: str, settings: Mapping[str, Any] | None = None) -> Seen:
        """Set widgets, by their element's name, then press a button and wait for all that follows."""
        for name, value in (settings or {}).items():
            self.values[self.ids[name]] = value
        return self._run([event for event in self._events if [self.ids[button], "click"] in event["targets"]])

    def upload(self, place: str, name: str, data: bytes) -> Seen:
        """Put a file into the widget ``place``, then wait for all that follows."""
        line = secrets.token_hex(16)
        head = f'--{line}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{line}--\r\n".encode()
        _, answer = self._answer("POST", f"{self._prefix}/upload", body, f"multipart/form-data; boundary={line}")
        (path,) = json.loads(answer)
        self.values[self.ids[place]] = {"path": path, "orig_name": name, "size": len(data), "meta": {"_type": "gradio.FileData"}}
        return self._run([event for event in self._events if [self.ids[place], "upload"] in event["targets"]])

    @property
    def code(self) -> str:
        """The recipe that the link to the take on show would have: what the script that writes the link is given last."""
        writer = next(event for event in self._events if event["outputs"] == [self.ids["link"]] and not event["backend_fn"])
        return str(self.values[writer["inputs"][-1]])

    def fetch(self, url: str) -> bytes:
        """A file that the page named."""
        place = urlsplit(url)
        return self._get(place.path + (f"?{place.query}" if place.query else ""))

    def _run(self, events: list[dict[str, Any]]) -> Seen:
        """Run events and all that are chained to them, at once where a browser would do so."""
        self._seen, self._began, self._files = Seen(), time.perf_counter(), {}
        for event in events:
            self._start(event)
        while self._pending:
            before = set(self._pending)
            for message in self._messages():
                self._heard(message)
            if before & set(self._pending):
                self._seen.faults.append("the page ended its answer early")
                self._pending.clear()
        return self._seen

    def _start(self, event: dict[str, Any]) -> None:
        if not event["backend_fn"]:  # a script of the browser's own
            return self._ended(event, success=True)
        body = {
            "data": [None if self._kinds[part] == "state" else self.values.get(part) for part in event["inputs"]],
            "event_data": None,
            "fn_index": event["id"],
            "trigger_id": event["targets"][0][0] if event["targets"] else None,
            "session_hash": self.session,
        }
        way = "/run/predict" if event["queue"] is False else f"/queue/join?{urlencode({**self._query, '__theme': 'system'})}"
        status, text = self._answer("POST", f"{self._prefix}{way}", json.dumps(body).encode())
        if status != http.client.OK:
            self._seen.faults.append(_fault(status, text))
            return self._ended(event, success=False)
        answer = json.loads(text)
        if event["queue"] is False:
            self._shown(event, answer)
            return self._ended(event, success=True)
        self._pending[answer["event_id"]] = {"event": event, "data": None}
        return None

    def _ended(self, event: dict[str, Any], *, success: bool) -> None:
        """Start what is chained to an event; as in a browser, a failure is only followed by what waits for it."""
        for later in self._events:
            if later["trigger_after"] == event["id"] and later.get("trigger_only_on_failure", False) is not success:
                self._start(later)

    def _messages(self) -> Iterator[dict[str, Any]]:
        with closing(self._connection()) as stream:
            answer = self._ask(stream, "GET", f"{self._prefix}/queue/data?{urlencode({'session_hash': self.session})}")
            while line := answer.readline():
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    def _heard(self, message: dict[str, Any]) -> None:
        kind, running = message["msg"], self._pending.get(message.get("event_id") or "")
        if running is None or kind not in {"process_generating", "process_completed"}:
            return
        if message["success"] is False:
            self._seen.faults.append(str(message["output"].get("error")))
        else:
            output = dict(message["output"])
            if kind == "process_generating":
                if running["data"] is not None:  # after the first, only what differs from the one before is sent
                    output["data"] = list(map(_changed, running["data"], output["data"]))
                running["data"] = output["data"]
            self._shown(running["event"], output)
        if kind == "process_completed":
            del self._pending[message["event_id"]]
            self._ended(running["event"], success=message["success"] is not False)

    def _shown(self, event: dict[str, Any], output: dict[str, Any]) -> None:
        """Put what came on the page: values, the roll, files; and start what waits for a change of state."""
        for part, news in zip(event["outputs"], output["data"], strict=False):
            update = isinstance(news, dict) and news.get("__type__") == "update"
            if update and "value" not in news:
                continue
            value = news["value"] if update else news
            if part == self.ids.get("roll") and self._seen.first_notes is None and NEW_NOTES.search(str(value)):
                self._seen.first_notes = time.perf_counter() - self._began
            self.values[part] = value
            self._take_file(value)
        for part in output.get("changed_state_ids") or ():
            for later in self._events:
                if [part, "change"] in later["targets"]:
                    self._start(later)

    def _take_file(self, value: Any) -> None:
        if not isinstance(value, dict) or not value.get("url") or self._files.get(value.get("orig_name", "")) == value["url"]:
            return
        name = value["orig_name"]
        self._files[name] = value["url"]
        if re.fullmatch(WHOLE, name):
            self._seen.joined = self.fetch(value["url"])
            self._seen.files = time.perf_counter() - self._began

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, kind: str = JSON
    ) -> http.client.HTTPResponse:
        """The answer, not read yet; a cookie that it sets comes along from then on."""
        headers = ({"Cookie": self.cookie} if self.cookie else {}) | ({} if body is None else {"Content-Type": kind})
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return answer

    def _get(self, path: str) -> bytes:
        status, data = self._answer("GET", path)
        if status != http.client.OK:
            raise http.client.HTTPException(f"{path.partition('?')[0]} answers with {status}")
        return data

    def _answer(self, method: str, path: str, body: bytes | None = None, kind: str = JSON) -> tuple[int, bytes]:
        """Status and contents, over a connection of its own: the page closes those that rest."""
        with closing(self._connection()) as connection:
            answer = self._ask(connection, method, path, body, kind)
            return answer.status, answer.read()


def _fault(status: int, text: bytes) -> str:
    """What a refusal says: the page sends JSON, a proxy in front of it may not."""
    try:
        answer = json.loads(text)
    except ValueError:
        return f"status {status}"
    return str(answer.get("detail") or answer.get("error") or f"status {status}")


def _changed(before: Any, difference: Any) -> Any:
    from gradio_client.utils import apply_diff

    return apply_diff(before, difference) if difference else before
