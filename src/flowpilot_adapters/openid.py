"""OpenID Connect providers over HTTP: what they publish, codes they redeem, and whether what they say is theirs."""

import asyncio
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from attrs import define, field, frozen
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from flowpilot_core.domain.access.identity_provider import LONGEST_JWT, Identity, IdentityProvider
from flowpilot_core.domain.kernel.errors import InvalidValue, Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.identifiers import ProviderId
from flowpilot_core.domain.kernel.web_address import in_ascii
from flowpilot_core.ports.access import Errand
from flowpilot_core.ports.kernel import Clock

DISCOVERY: Final = "/.well-known/openid-configuration"
"""Where a provider says what it publishes, beneath its own address."""
LEEWAY: Final = 60
"""Seconds by which clocks may differ."""
REMEMBERED: Final = 600.0
"""Seconds for which what a provider publishes is not asked for again."""
STALE: Final = 3600.0
"""Seconds for which it is used while the provider does not answer."""
BETWEEN_LOOKS: Final = 60.0
"""Seconds between looking for a key that is not known, or at a provider that did not answer: whoever makes names up makes no work."""
PATIENCE: Final = 5.0
"""Seconds for one answer of a provider, to its last byte."""
LARGEST: Final = 256 * 1024
"""Bytes of one answer."""
MOST_PROVIDERS: Final = 1_000
MOST_KEYS: Final = 16
"""Of one provider, that may sign."""
MOST_TRIED: Final = 4
"""Keys that one token is tried on."""
RSA_BITS: Final = range(2048, 4096 + 1)
RSA_EXPONENTS: Final = range(3, 2**32, 2)
"""What verifying with an RSA key takes grows with its exponent, which is whoever publishes it's to choose."""

ALGORITHMS: Final[Mapping[tuple[str, str | None], frozenset[str]]] = MappingProxyType(
    {
        ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        ("EC", "P-256"): frozenset({"ES256"}),
        ("EC", "P-384"): frozenset({"ES384"}),
        ("EC", "P-521"): frozenset({"ES512"}),
        ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
    }
)
"""What a key of each type and curve may have signed with: never an algorithm whose key both sides know."""

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")})
"""What makes a public key of each type; nothing else of what is published with it is looked at."""

_NAMING_KEYS: Final = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
"""Headers that bring a key of their own, or change what the others mean."""


@frozen(kw_only=True)
class _Key:
    """A key that may sign, and what it may sign with."""

    name: object
    """What it is called; only ever compared."""
    algorithms: frozenset[str]
    key: jwk.Key


@frozen(kw_only=True)
class _Published:
    """What a provider publishes, and when it was read."""

    metadata: Mapping[str, Any]
    keys: tuple[_Key, ...]
    read_at: float


class _Nonsense(Unavailable):
    """Something about a provider that cannot be right. The text may be shown to whoever entered its address."""

    def __init__(self, problem: str) -> None:
        super().__init__("identity provider")
        self.problem = problem


@define(kw_only=True)
class HttpOpenId:
    """Asks providers over `client`, which minds where requests may go."""

    client: httpx.AsyncClient
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[ProviderId, _Published] = field(factory=dict, init=False)
    _looked_at: dict[ProviderId, float] = field(factory=dict, init=False)
    _looking: dict[ProviderId, asyncio.Task[_Published]] = field(factory=dict, init=False)
    # One thread, which the loop shares the interpreter with: verifying does not let go of it, and of more threads each would take a turn
    # of 5 ms before the loop has its own.
    _verifier: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1, "verifying"), init=False)

    async def examine(self, issuer: str) -> None:
        """As `OpenId.examine` says."""
        try:
            published = await self._asked(issuer)
            for name in ("authorization_endpoint", "token_endpoint"):
                _endpoint(issuer, published.metadata, name)
            if not published.keys:
                raise _Nonsense(
                    f"publishes no key of a type that it may sign with: RSA of {RSA_BITS[0]} to {RSA_BITS[-1]} bits, EC or Ed25519"
                )
        except _Nonsense as exc:
            raise InvalidValue("issuer", exc.problem) from exc

    async def address(self, provider: IdentityProvider, errand: Errand) -> str:
        """As `OpenId.address` says."""
        published = await self._published(provider)
        query = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": provider.client_id,
            "redirect_uri": errand.redirect_uri,
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": urlsafe_b64encode(sha256(errand.verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = _endpoint(provider.issuer, published.metadata, "authorization_endpoint")
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def redeemed(self, provider: IdentityProvider, errand: Errand, *, code: str, secret: str | None) -> Identity:
        """As `OpenId.redeemed` says."""
        published = await self._published(provider)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": errand.redirect_uri,
            "client_id": provider.client_id,
            "code_verifier": errand.verifier,
        }
        ways = published.metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth = None
        if secret is not None and "client_secret_basic" in ways:
            auth = httpx.BasicAuth(quote(provider.client_id, safe=""), quote(secret, safe=""))
        elif secret is not None:
            form["client_secret"] = secret
        endpoint = _endpoint(provider.issuer, published.metadata, "token_endpoint")
        status, answer = await self._answer("POST", endpoint, data=form, auth=auth)
        if 400 <= status < 500:
            raise Unauthenticated
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            raise _Nonsense("redeems codes for nothing")
        claims = await self._claims(provider, token, audience=provider.client_id)
        several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
        if claims.get("nonce") != errand.nonce or (several and claims.get("azp") != provider.client_id):
            raise Unauthenticated
        return _identity(claims)

    async def verified(self, provider: IdentityProvider, token: str, *, audience: str) -> Identity:
        """As `OpenId.verified` says."""
        return _identity(await self._claims(provider, token, audience=audience))

    async def _claims(self, provider: IdentityProvider, token: str, *, audience: str) -> Mapping[str, Any]:
        """What a token says, once it is known to be the provider's, for `audience`, and good now. Raises `Unauthenticated`."""
        header = _header(token)
        algorithm = header.get("alg")
        registry = jwt.JWTClaimsRegistry(
            now=int(self.clock.now().timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        keys = await self._keys(provider, header, str(algorithm))
        claims = await asyncio.get_running_loop().run_in_executor(self._verifier, _signed, token, keys, str(algorithm))
        try:
            registry.validate(dict(claims))
        except (JoseError, ValueError):
            raise Unauthenticated from None
        return claims

    async def _keys(self, provider: IdentityProvider, header: Mapping[str, Any], algorithm: str) -> tuple[_Key, ...]:
        """The provider's keys that may have signed under this header; looked for anew where there is none, but not all the time."""
        found = _fitting((await self._published(provider)).keys, header, algorithm)
        if not found and self._may_look(provider):
            found = _fitting((await self._looked(provider)).keys, header, algorithm)
        return found

    async def _published(self, provider: IdentityProvider) -> _Published:
        known = self._known.get(provider.id)
        age = self.monotonic() - known.read_at if known else STALE
        if known and age < (REMEMBERED if self._may_look(provider) else STALE):
            return known
        try:
            return await self._looked(provider)
        except Unavailable:
            if known and age < STALE:
                return known
            raise

    def _may_look(self, provider: IdentityProvider) -> bool:
        looked_at = self._looked_at.get(provider.id)
        return looked_at is None or self.monotonic() - looked_at >= BETWEEN_LOOKS

    async def _looked(self, provider: IdentityProvider) -> _Published:
        """What the provider publishes now. However many wait for it, it is asked once."""
        looking = self._looking.get(provider.id)
        if looking is None:
            looking = self._looking[provider.id] = asyncio.create_task(self._read(provider))
            looking.add_done_callback(lambda _: self._looking.pop(provider.id))
        return await asyncio.shield(looking)

    async def _read(self, provider: IdentityProvider) -> _Published:
        if len(self._looked_at) >= MOST_PROVIDERS:
            self._known.clear()
            self._looked_at.clear()
        self._looked_at[provider.id] = self.monotonic()
        published = self._known[provider.id] = await self._asked(provider.issuer)
        return published

    async def _asked(self, issuer: str) -> _Published:
        metadata = await self._document(issuer.rstrip("/") + DISCOVERY)
        if metadata.get("issuer") != issuer:
            raise _Nonsense(f"is not what it calls itself in {DISCOVERY}: it is written exactly as there")
        keys = (await self._document(_endpoint(issuer, metadata, "jwks_uri"))).get("keys")
        if not isinstance(keys, list):
            raise _Nonsense("publishes no keys at its jwks_uri")
        return _Published(metadata=metadata, keys=_keys_of(keys), read_at=self.monotonic())

    async def _document(self, url: str) -> Mapping[str, Any]:
        status, document = await self._answer("GET", url)
        if status != 200:
            raise _Nonsense(f"answers {status} at {urlsplit(url).path}")
        return document

    async def _answer(
        self, method: str, url: str, *, data: Mapping[str, str] | None = None, auth: httpx.Auth | None = None
    ) -> tuple[int, Mapping[str, Any]]:
        """The status, and the object that was answered. Raises `Unavailable` for anything else."""
        body, where = b"", url
        try:
            request = self.client.build_request(method, url, data=data)
            where = request.url.path
            async with asyncio.timeout(PATIENCE):
                answer = await self.client.send(request, auth=auth, stream=True, follow_redirects=False)
                try:
                    async for part in answer.aiter_bytes():
                        body += part
                        if len(body) > LARGEST:
                            raise _Nonsense(f"answers too much at {where}")
                finally:
                    await answer.aclose()
            document = json.loads(body) if answer.status_code < 500 and not answer.is_redirect else {}
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as exc:
            # Its words are our guard's, or the network's.
            raise _Nonsense(f"gives no answer at {where} ({str(exc) or type(exc).__name__})") from exc
        except (ValueError, RecursionError) as exc:
            raise _Nonsense(f"answers {answer.status_code} at {where}, with what is no JSON") from exc
        if not isinstance(document, dict):
            raise _Nonsense(f"answers at {where} with what is no JSON object")
        return answer.status_code, document


def _endpoint(issuer: str, metadata: Mapping[str, Any], name: str) -> str:
    """An address that the issuer publishes: no less safe than its own. Raises `Unavailable`."""
    url = metadata.get(name)
    schemes = ("https",) if issuer.startswith("https:") else ("https", "http")
    if not isinstance(url, str):
        raise _Nonsense(f"publishes no {name}")
    try:
        asked = in_ascii(url)
    except ValueError as exc:
        raise _Nonsense(f"publishes no {name} that can be asked: it {exc}") from exc
    if urlsplit(asked).scheme not in schemes:
        raise _Nonsense(f"publishes no {name} that is as safe as it is itself")
    return asked


def _header(token: str) -> Mapping[str, Any]:
    """Raises `Unauthenticated` for what is no JWT, and for one that brings a key of its own."""
    first = token.split(".")[0]
    try:
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        raise Unauthenticated from None
    if not isinstance(header, dict) or header.keys() & _NAMING_KEYS or len(token) > LONGEST_JWT:
        raise Unauthenticated
    return header


def _keys_of(published: Iterable[object]) -> tuple[_Key, ...]:
    """Those that may sign, as they are good for verifying. Raises `Unavailable` where they are too many."""
    keys = [key for key in map(_key, published) if key is not None]
    if len(keys) > MOST_KEYS:
        raise _Nonsense(f"publishes more than {MOST_KEYS} keys that it may sign with")
    return tuple(keys)


def _key(published: object) -> _Key | None:
    """None for what is no public key of a kind that we verify with."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    kind = str(published.get("kty"))
    algorithms = ALGORITHMS.get((kind, None if kind == "RSA" else str(published.get("crv"))), frozenset())
    if "alg" in published:
        algorithms &= {str(published["alg"])}
    if not algorithms or (kind == "RSA" and not _is_fit(published)):
        return None
    try:
        key = jwk.import_key({"kty": kind, **{name: published[name] for name in _MEMBERS[kind]}})
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    return _Key(name=published.get("kid"), algorithms=algorithms, key=key)


def _is_fit(published: Mapping[str, object]) -> bool:
    """Whether an RSA key is neither too short to trust nor made so that verifying takes long."""
    modulus, exponent = _number(published.get("n")), _number(published.get("e"))
    return modulus.bit_length() in RSA_BITS and exponent in RSA_EXPONENTS


def _number(written: object) -> int:
    """0 for what is none."""
    try:
        return int.from_bytes(urlsafe_b64decode(f"{written}{'=' * (-len(str(written)) % 4)}"), "big")
    except ValueError:
        return 0


def _fitting(keys: tuple[_Key, ...], header: Mapping[str, Any], algorithm: str) -> tuple[_Key, ...]:
    """Keys that may sign in this way, and are called so where the header says a name: a name is compared, and leads nowhere."""
    named = header.get("kid")
    return tuple(key for key in keys if algorithm in key.algorithms and named in (None, key.name))[:MOST_TRIED]


def _signed(token: str, keys: tuple[_Key, ...], algorithm: str) -> Mapping[str, Any]:
    """What a token says that one of these keys has signed. Raises `Unauthenticated` where none has."""
    for one in keys:
        try:
            claims: Mapping[str, Any] = jwt.decode(token, one.key, algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            continue
        return claims
    raise Unauthenticated


def _identity(claims: Mapping[str, Any]) -> Identity:
    email = claims.get("email")
    said = claims.get("email_verified")
    # Some say it as a text; 1, which Python takes for true, is neither.
    verified = said is True or said == "true"
    return Identity(subject=str(claims["sub"]), email=email if isinstance(email, str) and verified else None)
