"""An OpenID Connect provider of the tests: it signs with keys that change, and answers wrongly when it is told to."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from attrs import define, field
from joserfc import jwk, jws

from flowpilot_core.ports.kernel import Clock

CLIENT = "flowpilot-at-acme"
CLIENT_SECRET = "the client's secret"

Json = dict[str, Any]


@define
class Provider:
    """Answers on this machine while it is `running`; every attribute may be changed between two requests."""

    clock: Clock
    issuer: str = "https://login.example.test"
    key: jwk.RSAKey = field(init=False)
    published: list[Mapping[str, Any]] = field(factory=list, init=False)
    """What its key set answers."""
    claims: Json = field(factory=dict, init=False)
    """What the next ID token says otherwise."""
    header: Json = field(factory=dict, init=False)
    """What its header says otherwise."""
    answers: dict[str, Callable[[], httpx.Response | None]] = field(factory=dict, init=False)
    """Answers to paths in place of the right ones; None: it never answers."""
    asked: list[str] = field(factory=list, init=False)
    """Paths, in order."""
    _codes: dict[str, Json] = field(factory=dict, init=False)
    _keys: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.rotate()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Provider"]:
        """Listens until the block ends, and is called by where it listens."""
        talking: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talking.add(task)
            try:
                await self._talk(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client went away, or the provider is to
            finally:
                talking.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in set(talking):
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)

    def rotate(self) -> None:
        """Sign with another key from now on, and publish it alone."""
        self._keys += 1
        self.key = _key(self._keys)
        self.published = [self.key.as_dict(private=False)]

    def token(self, *, sign_with: jwk.Key | None = None, **claims: Any) -> str:
        """A JWT; a claim that is None is left out."""
        now = int(self.clock.now().timestamp())
        told = {
            "iss": self.issuer,
            "sub": "subject of Jo",
            "email": "jo@example.test",
            "email_verified": True,
            "iat": now,
            "exp": now + 300,
        }
        told = {name: value for name, value in {**told, **claims}.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        # With its characters escaped, as JSON may have them: so half of one can be in it, too.
        payload = json.dumps(told).encode()
        protected = {name: value for name, value in header.items() if value is not None}
        return jws.serialize_compact(protected, payload, sign_with or self.key, algorithms=[str(header["alg"])])

    def signs_in(self, address: str) -> Json:
        """What somebody's browser comes back with who signs in at `address`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code {len(self._codes)}"
        self._codes[code] = asked
        return {"state": asked["state"], "code": code, "iss": self.issuer}

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        """What it says to one request."""
        path = request.url.path
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]()
        match path:
            case "/.well-known/openid-configuration":
                endpoints = {"authorization_endpoint": "/authorize?tenant=acme", "token_endpoint": "/token", "jwks_uri": "/keys"}
                return httpx.Response(200, json={"issuer": self.issuer, **{name: self.issuer + end for name, end in endpoints.items()}})
            case "/keys":
                return httpx.Response(200, json={"keys": self.published})
            case "/authorize":
                back = request.url.params["redirect_uri"]
                return httpx.Response(
                    302, headers={"location": f"{back}?{urlencode(self.signs_in(str(request.url)))}", "content-length": "0"}
                )
            case "/token":
                return self._redeem(request)
        return httpx.Response(404)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head.split()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        answer = self.answer(httpx.Request(method, self.issuer + target, headers=headers, content=body))
        if answer is None:
            await reader.read()
            return
        told = [f"HTTP/1.1 {answer.status_code} X", "connection: close", *(f"{name}: {value}" for name, value in answer.headers.items())]
        writer.write("\r\n".join([*told, "", ""]).encode())
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        async for part in answer.stream:
            writer.write(part)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _redeem(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self._codes.pop(form["code"], None)
        basic = httpx.BasicAuth(CLIENT, "the%20client%27s%20secret")
        authorized = next(basic.auth_flow(httpx.Request("GET", self.issuer))).headers["authorization"]
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


@cache
def _key(number: int) -> jwk.RSAKey:
    """Made once in a run: it takes long."""
    return jwk.RSAKey.generate_key(2048, {"kid": f"key {number}"})


def slow_keys(of: int = 236, *, bits: int = 3072, exponent: int = (1 << 3071) - 1) -> list[Mapping[str, Any]]:
    """Keys made so that verifying with them takes long: no two primes are needed, as nobody is to sign with them."""
    moduli = ((1 << (bits - 1)) + 2 * number + 1 for number in range(of))
    return [{"kty": "RSA", "n": _encoded(modulus), "e": _encoded(exponent)} for modulus in moduli]


def _encoded(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def said(answer: Json) -> Callable[[], httpx.Response]:
    """An answer that is always this."""
    return lambda: httpx.Response(200, content=json.dumps(answer))
