"""What the page says before anything happens: every visitor gets it in their language.

Gradio builds one page for all visitors. So where a text belongs, the page has a mark, and when it is sent to a browser each mark
becomes the text. What is said later goes to one visitor alone and needs no marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from importlib.resources import files
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from musiclstm.ui.language import Language, language_for

_MARK = re.compile("\ue000([0-9]+)\ue001")  # of characters for private use, which no text has
_IN_HTML = re.compile(r"\[\[(.+?)\]\]", re.DOTALL)
_HOLDS_TEXTS = ("/", "/config")  # how the addresses end that send the page's description
# Gradio takes its own words from the browser's language.
_AGREES = """<script>(() => {
  const tag = "%s";
  if ((navigator.language ?? "").split("-")[0] === tag.split("-")[0]) return;
  Object.defineProperty(navigator, "language", { get: () => tag, configurable: true });
  Object.defineProperty(navigator, "languages", { get: () => [tag], configurable: true });
})();</script>"""


class Wording:
    """The texts of one page under construction, each with its mark."""

    def __init__(self) -> None:
        self._texts: list[Callable[[Language], str]] = []
        self._said: dict[str, list[str]] = {}

    def __call__(self, text: str | Callable[[Language], str]) -> str:
        """The mark of a sentence, or of what a function makes of a language."""
        if isinstance(text, str):
            sentence = text
            self._texts.append(lambda language: language.say(sentence))
        else:
            self._texts.append(text)
        return f"\ue000{len(self._texts) - 1}\ue001"

    def file(self, name: str) -> str:
        """The mark of an HTML file of this folder."""
        html = (files("musiclstm.ui") / name).read_text(encoding="utf-8")
        return self(lambda language: in_html(html, language))

    def filled(self, description: str, language: Language) -> str:
        """The page's description, which is JSON, with the texts of a language in the place of the marks."""
        said = self._said.get(language.code)
        if said is None or len(said) != len(self._texts):
            said = self._said[language.code] = [_json(text(language)) for text in self._texts]
        return _MARK.sub(lambda mark: said[int(mark[1])], description)


def in_html(html: str, language: Language) -> str:
    """HTML with each [[sentence]] in a language."""
    return _IN_HTML.sub(lambda found: escape(language.say(_unbroken(found[1]))), html)


def sentences_in_html(html: str) -> list[str]:
    """The sentences of ``in_html``."""
    return [_unbroken(found) for found in _IN_HTML.findall(html)]


def _unbroken(text: str) -> str:
    return " ".join(text.split())


def _json(text: str) -> str:
    """A text inside of a JSON string, which may stand in a <script>."""
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class InLanguage:
    """Middleware that sends the page in the visitor's language (ASGI)."""

    def __init__(self, app: ASGIApp, wording: Wording) -> None:
        self.app, self.wording = app, wording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].endswith(_HOLDS_TEXTS):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        begun: dict[str, Any] | None = None
        body = b""

        async def translated(message: Message) -> None:
            nonlocal begun, body
            if message["type"] == "http.response.start" and _is_text(Headers(scope=message)):
                begun = dict(message)
            elif begun is None or message["type"] != "http.response.body":
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    whole = await run_in_threadpool(self._page, request, body.decode("utf-8"))
                    headers = MutableHeaders(scope=begun)
                    headers["content-length"] = str(len(whole))
                    headers.add_vary_header("Accept-Language")
                    headers.add_vary_header("Cookie")
                    await send(begun)
                    await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, translated)

    def _page(self, request: Request, page: str) -> bytes:
        language = language_for(request.cookies, request.headers)  # reads its catalogue, the first time
        head, body, rest = self.wording.filled(page, language).partition("<head>")
        head = head.replace('lang="en"', f'lang="{language.tag}"', 1) if body else head
        return f"{head}{body}{_AGREES % language.tag if body else ''}{rest}".encode()


def _is_text(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith(("text/html", "application/json"))
