"""Secrets as text: the account's id, the secret and a checksum behind a prefix that scanners can look for."""

import base64
import binascii
import hashlib
import hmac
import re
from enum import StrEnum
from uuid import UUID

from attrs import frozen

from .errors import Unauthenticated
from .identifiers import AccountId


class Prefix(StrEnum):
    """What a secret is good for, said before it; one of another kind is no good there."""

    API = "fp"
    """An API token."""
    SIGN_IN = "fps"
    """What a signed-in browser keeps."""
    INVITATION = "fpi"
    """A link that makes somebody invited one of the account."""
    LINK = "fpl"
    """A link that signs one person in once."""
    ATTEMPT = "fpa"
    """What a browser keeps while it is at its identity provider's."""
    CODE = "fpc"
    """What a browser keeps that asked for a code."""
    PSA = "fpp"
    """The end of the address that a PSA tells of its tickets."""


SECRET_BYTES = 32
CODE_LENGTH = 10
"""Letters and digits of a code: 50 bits, which nobody guesses in the few tries that there are, nor from its digest while it is good."""
_SHAPE = re.compile(r"(fp[a-z]?)_([a-z2-7]{26})_([a-z2-7]{52})_([0-9a-f]{8})\Z")


@frozen(kw_only=True)
class ParsedToken:
    """A token that is well formed; whether it stands for anybody only the account can tell."""

    account_id: AccountId
    digest: bytes
    """SHA-256 of the secret: what is stored. A secret of 256 random bits needs no slow hash."""


def token_text(account_id: AccountId, secret: bytes, prefix: Prefix = Prefix.API) -> str:
    """The token as it is shown, once: `fp_<account>_<secret>_<checksum>`."""
    body = f"{prefix}_{_base32(account_id.bytes)}_{_base32(secret)}"
    return f"{body}_{_checksum(body)}"


def parse_token(text: str, prefix: Prefix = Prefix.API) -> ParsedToken:
    """The account a token speaks of, and the digest to look up there. Raises `Unauthenticated` for anything else."""
    match = _SHAPE.match(text)
    if not match or match[1] != prefix or _checksum(text[: match.end(3)]) != match[4]:
        raise Unauthenticated
    return ParsedToken(account_id=AccountId(UUID(bytes=_bytes(match[2]))), digest=token_digest(_bytes(match[3])))


def derived(text: str, purpose: str) -> str:
    """Another secret, which whoever keeps `text` can be told and nobody else can find: the same for the same purpose."""
    return _base32(hmac.digest(text.encode(), purpose.encode(), "sha256"))


def token_digest(secret: bytes) -> bytes:
    """What is stored in place of a secret."""
    return hashlib.sha256(secret).digest()


def code_text(secret: bytes) -> str:
    """A code for people to type: two groups of letters and digits, none of which looks like another."""
    code = _base32(secret)[:CODE_LENGTH].upper()
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"


def code_digest(browser: bytes, code: str) -> bytes:
    """What is stored in place of a code, which is of one browser; however people write it, with or without gaps and capitals."""
    plain = "".join(code.split()).replace("-", "").upper()
    return hmac.digest(browser, plain.encode(), "sha256")


def _base32(value: bytes) -> str:
    return base64.b32encode(value).decode().rstrip("=").lower()


def _bytes(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def _checksum(body: str) -> str:
    return f"{binascii.crc32(body.encode()):08x}"
