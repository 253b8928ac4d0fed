"""Sign-ins that fail: counted by the address they come from and the account they name."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from flowpilot_core.application.kernel.counting import TalliesHere
from flowpilot_core.domain.access.identity_provider import addressed_account
from flowpilot_core.domain.kernel.errors import TooManyAttempts, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.rate_limit import FAILED_AT_ACCOUNT, FAILED_FROM_ADDRESS
from flowpilot_core.domain.kernel.secret_text import Prefix, parse_token
from flowpilot_core.ports.kernel import Tallies

from .limiter import Limiter

_SITE: Final = 64
"""Bits of an IPv6 address that whoever has one cannot choose."""
_LONGEST: Final = 64

Scope = Mapping[str, Any]


class Attempts:
    """Says when there were too many. A good credential passes whatever failed beside it: only what fails is counted, and refused."""

    def __init__(
        self,
        *,
        addresses: Tallies | None = None,
        accounts: Tallies | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addresses = Limiter(FAILED_FROM_ADDRESS, TalliesHere() if addresses is None else addresses, monotonic=monotonic)
        self._accounts = Limiter(FAILED_AT_ACCOUNT, TalliesHere() if accounts is None else accounts, monotonic=monotonic)

    @contextmanager
    def trying(self, scope: Scope, credential: str) -> Iterator[None]:
        """Something that may raise `Unauthenticated`, which is counted; after too many `TooManyAttempts` is raised in its place."""
        try:
            yield
        except Unauthenticated:
            self.count(scope, account_named(credential))
            raise

    def count(self, scope: Scope, account_id: AccountId | None = None) -> None:
        """One more, by whoever sent the request of this ASGI scope, at an account if it named one. Raises `TooManyAttempts`."""
        address = source(scope)
        wait = max(self._addresses.wait(address), self._accounts.wait(str(account_id)) if account_id else 0.0)
        if wait:
            raise TooManyAttempts(retry_after=math.ceil(wait))
        self._addresses.count(address)
        if account_id:
            self._accounts.count(str(account_id))


def account_named(credential: str) -> AccountId | None:
    """The account that a token, a link, a cookie or a JWT says it is of; None where it says none. Nobody has vouched for it."""
    try:
        if "." in credential:
            return addressed_account(credential)[0]
        return parse_token(credential, Prefix(credential.partition("_")[0])).account_id
    except (Unauthenticated, ValueError):
        return None


def source(scope: Scope) -> str:
    """Where a request comes from: an address, or the network of one that could have as many as it likes."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ip_address(host)
    except ValueError:
        return host[:_LONGEST]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address), _SITE), strict=False))
    return str(address)
