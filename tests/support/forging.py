"""JWTs that nobody should take for a provider's: algorithm confusion, keys that a token brings or points to, and changed claims."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from typing import Any

from joserfc import jwk

from .provider import Provider

FORGED = (
    "alg none",
    "alg None, spelled otherwise",
    "HS256 with the public key as PEM",
    "HS256 with the public key as DER",
    "HS256 with the public key as JSON",
    "another key under its name",
    "another key, brought along as jwk",
    "another key, brought along as jku",
    "kid is a path",
    "kid is an address",
    "kid is SQL",
    "kid is a list",
    "a critical header",
    "tampered with",
    "signature left out",
    "two parts",
    "no JSON",
)


def forged(provider: Provider, aud: str, how: str) -> str:
    """One of them, for that audience; but for what is wrong with it, it would be good."""
    honest, thief = provider.token(aud=aud), _thief(str(provider.key.kid))
    if how == "tampered with":
        return _tampered(honest)
    if how == "signature left out":
        return honest.rpartition(".")[0] + "."
    if how in ("two parts", "no JSON"):
        return honest.rpartition(".")[0] if how == "two parts" else "e30.e30e.x"
    if how.startswith("alg"):
        return _unsigned(honest, alg="none" if how == "alg none" else "nOnE", kid=provider.key.kid)
    if how.startswith("HS256"):
        public = {"P": provider.key.as_pem(private=False), "D": provider.key.as_der(private=False), "J": b""}[how.split(" as ")[1][0]]
        public = public or json.dumps(provider.published[0]).encode()
        unsigned = _unsigned(honest, alg="HS256", kid=provider.key.kid).rstrip(".")
        return f"{unsigned}.{urlsafe_b64encode(hmac.digest(public, unsigned.encode(), 'sha256')).rstrip(b'=').decode()}"
    headers: dict[str, dict[str, Any]] = {
        "another key, brought along as jwk": {"jwk": thief.as_dict(private=False)},
        "another key, brought along as jku": {"jku": f"{provider.issuer}/thief"},
        "kid is a path": {"kid": "../../../../dev/null"},
        "kid is an address": {"kid": f"{provider.issuer}/thief"},
        "kid is SQL": {"kid": "x' UNION SELECT 'key"},
    }
    if how == "kid is a list":
        return _unsigned(honest, alg="RS256", kid=["x"]) + "x"
    if how == "a critical header":
        return _unsigned(honest, alg="RS256", kid=provider.key.kid, crit=["exp"]) + honest.rpartition(".")[2]
    provider.header = headers.get(how, {})
    try:
        return provider.token(sign_with=thief, aud=aud)
    finally:
        provider.header = {}


@cache
def _thief(kid: str) -> jwk.RSAKey:
    """Another's key, under the name of the provider's."""
    return jwk.RSAKey.generate_key(2048, {"kid": kid})


def _unsigned(token: str, **header: object) -> str:
    """The same claims under another header, with nothing to vouch for them."""
    head = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def _tampered(token: str) -> str:
    """Its subject is another's now."""
    head, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    body = urlsafe_b64encode(json.dumps({**claims, "sub": "subject of Olga", "email": "olga@example.test"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"
