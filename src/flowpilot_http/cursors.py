"""Cursors: where a page ended, in a form that only we can make and that fits one list of one account alone."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from .problems import At, Refused

P = TypeVar("P")

_MAC: Final = 16
_LONGEST: Final = 300


class Cursors:
    """Makes and reads cursors, with keys of its own derived from `secret_keys`: it makes them with the first, and reads those of all."""

    def __init__(self, secret_keys: Sequence[bytes]) -> None:
        self._keys = [hmac.digest(key, b"flowpilot list cursors, version 1", sha256) for key in secret_keys]

    def make(self, account_id: UUID, of: str, position: object) -> str:
        """A cursor for the page after `position` of the list `of` (its name, what it is a list of, and its filter)."""
        where = msgspec.msgpack.encode(position)
        return _text(_mac(self._keys[0], account_id, of, where) + where)

    def read(self, cursor: str, account_id: UUID, of: str, kind: type[P]) -> P:
        """The position in a cursor. Raises `Refused` with `invalid_cursor` for one of another list, filter or account, or tampered with."""
        try:
            if len(cursor) > _LONGEST:
                raise ValueError("too long to be ours")
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            if _text(raw) != cursor:
                # Base64 leaves bits of the last character unused, and passes over what is no character of it.
                raise ValueError("not as we write it")
            mac, where = raw[:_MAC], raw[_MAC:]
            if not any(hmac.compare_digest(mac, _mac(key, account_id, of, where)) for key in self._keys):
                raise ValueError("not of this list")
            return msgspec.msgpack.decode(where, type=kind)
        except ValueError:
            problem = At("/cursor", "is not a cursor of this list")
            raise Refused("invalid_cursor", "Use next_cursor as it was given, with the same filter.", problem) from None


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(key: bytes, account_id: UUID, of: str, where: bytes) -> bytes:
    name = of.encode()
    return hmac.digest(key, account_id.bytes + len(name).to_bytes(4) + name + where, sha256)[:_MAC]
