"""Answers that are the same for many visitors: compressed once, and kept.

Gradio describes its page anew for each visitor, and sends it as it is; its scripts and style sheets it compresses for each.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Hashable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from musiclstm.ui.language import language_for

MOST_BYTES = 8_000_000  # of all that is kept
KINDS = ("text/", "application/json", "application/javascript", "image/svg+xml")  # what is worth compressing
_PAGES = ("/", "/config")
_FOR_THE_SCRIPT = {"recipe", "__theme"}  # what the address of a page may ask for without another page
_ADDRESS = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")  # headers of proxies that Gradio heeds
_FILES = ("/assets/", "/static/", "/theme.css")
# The bundler names its files for what is in them, so that browsers need not ask again.
_NAMED_FOR_CONTENTS = re.compile(r"/assets/.+-[\w-]{8}\d?\.(js|css)")
FOR_EVER = "public, max-age=31536000, immutable"


class KeptAnswers:
    """Middleware (ASGI). ``most``: the bytes that are kept, compressed; the oldest go first."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self.app, self._most = app, most
        self._kept: dict[Hashable, Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not (scope["path"] in _PAGES or scope["path"].startswith(_FILES)):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        page = scope["path"] in _PAGES
        known = await run_in_threadpool(_page, request) if page else scope["path"]
        if known is None or request.method != "GET" or "range" in request.headers:
            await self.app(scope, receive, send)
        elif known in self._kept:
            await self._kept[known].send(request, send)
        else:
            await self._ask(known, request, receive, send)

    async def _ask(self, known: Hashable, request: Request, receive: Receive, send: Send) -> None:
        begun: Message | None = None
        body = bytearray()

        async def answered(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start" and _worth_keeping(message):
                begun = message
            elif begun is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    answer = Answer(Headers(raw=begun["headers"]), await run_in_threadpool(gzip.compress, bytes(body), 6))
                    self._keep(known, answer)
                    await answer.send(request, send)

        await self.app(request.scope, receive, answered)

    def _keep(self, known: Hashable, answer: Answer) -> None:
        self._kept[known] = answer
        while sum(len(each.zipped) for each in self._kept.values()) > self._most:
            del self._kept[next(iter(self._kept))]


@dataclass(frozen=True)
class Answer:
    """An answer's headers, and its contents, compressed by gzip."""

    headers: Headers
    zipped: bytes

    async def send(self, request: Request, send: Send) -> None:
        """Send it: compressed if the browser knows gzip, without its contents if the browser has them."""
        headers = self.headers.mutablecopy()
        headers.add_vary_header("Accept-Encoding")
        if _NAMED_FOR_CONTENTS.fullmatch(request.url.path):
            headers["cache-control"] = FOR_EVER
        status, body, etag = HTTPStatus.OK, self.zipped, headers.get("etag", "")
        del headers["accept-ranges"]
        if etag:
            headers["etag"] = f"W/{etag}"  # the same contents, in other bytes
        if etag and etag in request.headers.get("if-none-match", ""):
            status, body = HTTPStatus.NOT_MODIFIED, b""
        elif "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
        headers["content-length"] = str(len(body))
        await send({"type": "http.response.start", "status": status, "headers": headers.raw})
        await send({"type": "http.response.body", "body": body})


def _page(request: Request) -> Hashable | None:
    """All that a page depends on: the address by which the visitor came, and their language; None if it may be more.

    Reads the catalogue of a language, the first time.
    """
    if not set(request.query_params) <= _FOR_THE_SCRIPT:
        return None
    address = str(request.url.replace(query=""))
    return address, *map(request.headers.get, _ADDRESS), language_for(request.cookies, request.headers).code


def _worth_keeping(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] == HTTPStatus.OK and kind.startswith(KINDS)
