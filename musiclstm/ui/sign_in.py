"""What Gradio's sign-in lacks: a visitor whom the Hub does not let in comes back to the page, not to an error of the server."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from musiclstm.ui.hub_layout import FOLD

REFUSED = "not-signed-in"  # in the address of the page, which then says so
_CALLBACK = "/login/callback"


class SignIn:
    """Middleware around Gradio's routes of a sign-in (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].startswith("/login/"):
            await self.app(scope, receive, send)
            return
        from authlib.common.errors import AuthlibBaseError
        from httpx2 import HTTPError

        refused = RedirectResponse(f"/?{REFUSED}=1#{FOLD}", status_code=303)
        if scope["path"] == _CALLBACK and "error" in parse_qs(scope["query_string"].decode("latin-1")):  # pressed Cancel there
            await refused(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except (AuthlibBaseError, HTTPError, ValueError, KeyError) as error:  # the last two: it is another server
            # The error itself may quote what the Hub sent.
            logging.getLogger(__name__).warning("Nobody can sign in now: %s", type(error).__name__)
            await refused(scope, receive, send)
