"""Canonical JSON (RFC 8785): the same data, the same bytes, whoever writes it; and the digest of it."""

import hashlib
import json
from datetime import UTC, datetime

from .events import Plain

_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Plain) -> bytes:
    """The one way to write plain data as JSON: RFC 8785, for keys that are ASCII."""
    return _write(value).encode()


def digest(body: bytes) -> str:
    """SHA-256 in hex: the address of a snapshot."""
    return hashlib.sha256(body).hexdigest()


def instant(at: datetime) -> str:
    """A time as clients read it: RFC 3339 in UTC, with `Z`."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat().removesuffix("+00:00") + "Z"
