"""Whether a webhook is its vendor's: by what it was signed with, or by a secret that it brings."""

import binascii
import hmac
import json
from base64 import b64decode
from collections.abc import Mapping

from flowpilot_core.ports.psa import Knock

from .vendor_json import number, record


def told(knock: Knock) -> Mapping[str, object]:
    """The object that was sent; an empty one where it is none."""
    try:
        return record(json.loads(knock.body))
    except (ValueError, RecursionError):
        return {}


def ticket_in(value: object, *keys: str) -> str | None:
    """The number of a ticket at the first of `keys` that has one, as an id."""
    found = next((number(value, key) for key in keys if number(value, key) is not None), None)
    return None if found is None else str(found)


def is_signature(given: str, expected: bytes) -> bool:
    """Whether what was given is this signature in base 64."""
    try:
        return hmac.compare_digest(b64decode(given, validate=True), expected)
    except (binascii.Error, ValueError):
        return False


def is_secret(given: str, expected: str) -> bool:
    """Whether what was given is this secret."""
    return hmac.compare_digest(given.encode(), expected.encode())


def password(knock: Knock) -> str:
    """The password that came by basic authentication; an empty one where none did."""
    scheme, _, sent = knock.headers.get("authorization", "").partition(" ")
    try:
        login = b64decode(sent, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        return ""
    return login.partition(":")[2]
