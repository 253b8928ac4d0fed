"""Addresses that requests go to: one rule for whatever an account enters and whatever a third party says."""

from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

from .errors import InvalidValue
from .host_name import ascii_host
from .text import text


def checked_web_address(field: str, value: str, *, most: int, example: str) -> SplitResult:
    """The parts of an address that can be asked: http or https, a host, perhaps a port, nobody's name. Raises `InvalidValue`."""
    text(field, value, most=most)
    try:
        parts = _parts(value)
        _ascii_authority(parts)
    except ValueError as exc:
        why = f": {exc}" if isinstance(exc, _NoHost) else ""
        raise InvalidValue(field, f"must be an address such as {example}{why}") from None
    if "@" in parts.netloc:
        raise InvalidValue(field, "must not contain a user or a password")
    return parts


def in_ascii(url: str) -> str:
    """The same address, with its host as it is looked up. Raises `ValueError` for what cannot be asked, and says why."""
    parts = _parts(url)
    return parts._replace(netloc=_ascii_authority(parts)).geturl()


class _NoHost(ValueError):
    """What stands where a host should; the text says why it is none."""


def _parts(url: str) -> SplitResult:
    # Python drops line ends from an address; here one that has any is none.
    if not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("holds what no address may hold")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("does not begin with https:// or http://")
    return parts


def _ascii_authority(parts: SplitResult) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    host = parts.hostname
    if not host:
        raise ValueError("names no host")
    if parts.port == 0:
        raise ValueError("names port 0")
    port = "" if parts.port is None else f":{parts.port}"
    if "[" in parts.netloc:
        # Nothing else stands in brackets, and no interface of some machine's goes with it.
        if "%" in host:
            raise ValueError("names no host")
        return f"{user}{at}[{IPv6Address(host)}]{port}"
    try:
        return f"{user}{at}{ascii_host(host)}{port}"
    except ValueError as exc:
        raise _NoHost(f"its host {exc}") from None
