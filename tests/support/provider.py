"""An OpenID Connect provider of the tests: it signs with keys that change, and answers wrongly when it is told to."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from attrs import define, field
from joserfc import jwk, jwt

from flowpilot_core.ports.clock import Clock

ISSUER = "https://login.example.test"
CLIENT = "flowpilot-at-acme"
CLIENT_SECRET = "the client's secret"

Json = dict[str, Any]


@define
class Provider:
    """Answers whoever asks by `client`; every attribute may be changed between two requests."""

    clock: Clock
    key: jwk.RSAKey = field(init=False)
    published: list[Mapping[str, Any]] = field(factory=list, init=False)
    """What its key set answers."""
    claims: Json = field(factory=dict, init=False)
    """What the next ID token says otherwise."""
    header: Json = field(factory=dict, init=False)
    """What its header says otherwise."""
    answers: dict[str, Callable[[], httpx.Response]] = field(factory=dict, init=False)
    """Answers to paths in place of the right ones."""
    asked: list[str] = field(factory=list, init=False)
    """Paths, in order."""
    _codes: dict[str, Json] = field(factory=dict, init=False)
    _keys: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.rotate()

    @property
    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def rotate(self) -> None:
        """Sign with another key from now on, and publish it alone."""
        self._keys += 1
        self.key = jwk.RSAKey.generate_key(2048, {"kid": f"key {self._keys}"})
        self.published = [self.key.as_dict(private=False)]

    def token(self, *, sign_with: jwk.Key | None = None, **claims: Any) -> str:
        """A JWT; a claim that is None is left out."""
        now = int(self.clock.now().timestamp())
        told = {"iss": ISSUER, "sub": "subject of Jo", "email": "jo@example.test", "email_verified": True, "iat": now, "exp": now + 300}
        told = {name: value for name, value in {**told, **claims}.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        return jwt.encode({name: value for name, value in header.items() if value is not None}, told, sign_with or self.key)

    def signs_in(self, address: str) -> Json:
        """What somebody's browser comes back with who signs in at `address`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code {len(self._codes)}"
        self._codes[code] = asked
        return {"state": asked["state"], "code": code, "iss": ISSUER}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]()
        if path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "/authorize?tenant=acme", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return httpx.Response(200, json={"issuer": ISSUER, **{name: ISSUER + end for name, end in endpoints.items()}})
        if path == "/keys":
            return httpx.Response(200, json={"keys": self.published})
        return self._redeem(request)

    def _redeem(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self._codes.pop(form["code"], None)
        basic = httpx.BasicAuth(CLIENT, "the%20client%27s%20secret")
        authorized = next(basic.auth_flow(httpx.Request("GET", ISSUER))).headers["authorization"]
        good = (
            asked
            and asked["redirect_uri"] == form["redirect_uri"]
            and asked["code_challenge"] == _challenge(form["code_verifier"])
            and asked["code_challenge_method"] == "S256"
            and request.headers["authorization"] == authorized
        )
        if not asked or not good:
            return httpx.Response(400, json={"error": "invalid_grant"})
        token = self.token(**{"aud": CLIENT, "nonce": asked["nonce"], **self.claims})
        return httpx.Response(200, json={"access_token": "opaque", "token_type": "Bearer", "id_token": token})


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def said(answer: Json) -> Callable[[], httpx.Response]:
    """An answer that is always this."""
    return lambda: httpx.Response(200, content=json.dumps(answer))
