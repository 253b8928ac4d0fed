"""Cookies: which ones there are, and how a browser is to keep them."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from flowpilot_core.domain.access.identity_provider import ATTEMPT_LASTS
from flowpilot_core.domain.access.sign_in import LASTS
from flowpilot_core.domain.access.sign_in_code import LASTS as CODE_LASTS
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http.responses import Header

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST: Final = 8192
VISIT_LASTS: Final = timedelta(hours=1)
ACCOUNT_LASTS: Final = timedelta(days=365)


class Cookies:
    """The cookies of a browser: of who is signed in, of a visit by somebody who is not, of the way to an identity provider, of a code
    that was asked for, of where it was going before it had to sign in, of the account it was last signed in to, and of how pages look.

    None is ever read by a script or sent along by another site's form. Over TLS their names say that nothing but this host set
    them, for all of it; only on a laptop, over plain http to the machine itself, they do without.
    """

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        self._how = "Path=/; HttpOnly; SameSite=Lax" + ("" if plain else "; Secure")
        self.sign_in: str = "flowpilot_sign_in" if plain else "__Host-flowpilot_sign_in"
        self.attempt: str = "flowpilot_attempt" if plain else "__Host-flowpilot_attempt"
        self.code: str = "flowpilot_code" if plain else "__Host-flowpilot_code"
        self.going: str = "flowpilot_going" if plain else "__Host-flowpilot_going"
        self.account: str = "flowpilot_account" if plain else "__Host-flowpilot_account"
        self.theme: str = "flowpilot_theme" if plain else "__Host-flowpilot_theme"
        self.visit: str = "flowpilot_visit" if plain else "__Host-flowpilot_visit"

    def read(self, headers: Iterable[tuple[bytes, bytes]], name: str) -> str | None:
        """The value of one; None where it is not there, comes twice, or is none of ours."""
        found = [
            value.strip()
            for header, line in headers
            if header == b"cookie" and len(line) <= _LONGEST and line.isascii()
            for key, _, value in (one.partition("=") for one in line.decode("ascii").split(";"))
            if key.strip() == name
        ]
        return found[0] if len(found) == 1 else None

    def signed_in(self, text: str) -> Header:
        """Keep this for as long as the sign-in lasts."""
        return self._set(self.sign_in, text, LASTS)

    def signed_out(self) -> Header:
        """Keep it no longer."""
        return self._set(self.sign_in, "", timedelta())

    def set_out(self, text: str) -> Header:
        """Keep this until the browser is back from its provider."""
        return self._set(self.attempt, text, ATTEMPT_LASTS)

    def arrived(self) -> Header:
        """It is back."""
        return self._set(self.attempt, "", timedelta())

    def asked(self, text: str) -> Header:
        """Keep this for as long as the code is good."""
        return self._set(self.code, text, CODE_LASTS)

    def typed(self) -> Header:
        """It was typed."""
        return self._set(self.code, "", timedelta())

    def going_to(self, path: str) -> Header:
        """Keep where it was going until it is signed in."""
        return self._set(self.going, path, VISIT_LASTS)

    def went(self) -> Header:
        """It is there."""
        return self._set(self.going, "", timedelta())

    def signs_in_to(self, account_id: AccountId) -> Header:
        """Keep which account to ask for next time, also when nobody is signed in any more."""
        return self._set(self.account, str(account_id), ACCOUNT_LASTS)

    def account_of(self, headers: Iterable[tuple[bytes, bytes]]) -> AccountId | None:
        """The account it was last signed in to, as far as it remembers."""
        try:
            return AccountId(UUID(self.read(headers, self.account) or ""))
        except ValueError:
            return None

    def looks(self, theme: str) -> Header:
        """Keep how pages are to look."""
        return self._set(self.theme, theme, ACCOUNT_LASTS)

    def visited(self, text: str) -> Header:
        """Keep this for a while."""
        return self._set(self.visit, text, VISIT_LASTS)

    def _set(self, name: str, value: str, lasts: timedelta) -> Header:
        return b"set-cookie", f"{name}={value}; Max-Age={int(lasts.total_seconds())}; {self._how}".encode()
