"""What signing in asks of a Hub (OpenID Connect): its addresses, its consent, which is always given or refused, and tokens."""

from __future__ import annotations

import json
import secrets
import time
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from hub_server import LocalHub

CLIENT, SECRET = "the-space", "known-to-the-space-alone"


@cache
def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "1"})


class SigningIn:
    """Methods of the handler of ``hub_server``."""

    body: bytes
    path: str
    if TYPE_CHECKING:

        @property
        def hub(self) -> LocalHub: ...

    _send: Any
    _send_json: Any
    _refuse: Any

    def configuration(self) -> None:
        named = {name: f"{self.hub.url}/oauth/{name}" for name in ("authorize", "token", "userinfo", "jwks")}
        self._send_json(
            {
                "issuer": self.hub.url,
                "authorization_endpoint": named["authorize"],
                "token_endpoint": named["token"],
                "userinfo_endpoint": named["userinfo"],
                "jwks_uri": named["jwks"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def authorize(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        assert asked["client_id"] == CLIENT
        self.hub.asked_scopes = asked["scope"].split()
        answer = {"state": asked["state"]}
        if self.hub.refuse_to_sign_in:
            answer |= {"error": "access_denied", "error_description": "The user denied the request"}
        else:
            answer["code"] = secrets.token_hex(8)
            self.hub.codes[answer["code"]] = asked.get("nonce", "")
        # A Space is reached by HTTPS, which its proxy does; here there is none.
        back = asked["redirect_uri"].replace("https://127.0.0.1", "http://127.0.0.1")
        self._send(302, b"", {"Location": f"{back}{'&' if '?' in back else '?'}{urlencode(answer)}"})

    def token(self) -> None:
        given = {name: values[0] for name, values in parse_qs(self.body.decode()).items()}
        if given.get("code") not in self.hub.codes:
            self._refuse(400, "", "invalid_grant")
            return
        now, owner = int(time.time()), self.hub.owner
        claims = {
            "iss": self.hub.url,
            "sub": "1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 600,
            "nonce": self.hub.codes.pop(given["code"]),
            "name": owner.title(),
            "preferred_username": owner,
            "profile": f"{self.hub.url}/{owner}",
            "picture": "",
        }
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, _key())
        token = {"access_token": self.hub.token, "token_type": "bearer", "scope": " ".join(self.hub.asked_scopes)}
        self._send_json(token | {"expires_in": self.hub.token_seconds, "id_token": signed})

    def keys(self) -> None:
        self._send(200, json.dumps({"keys": [_key().as_dict(private=False)]}).encode(), {"Content-Type": "application/json"})


SIGNING_IN = (
    (r"/\.well-known/openid-configuration", SigningIn.configuration),
    (r"/oauth/authorize", SigningIn.authorize),
    (r"/oauth/token", SigningIn.token),
    (r"/oauth/jwks", SigningIn.keys),
)
