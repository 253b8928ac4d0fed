"""A code that is mailed to somebody and typed into the browser that asked for it."""

import hmac
from datetime import datetime, timedelta

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import SignInCodeId
from flowpilot_core.domain.kernel.mailbox import folded_email
from flowpilot_core.domain.kernel.secret_text import code_digest

LASTS = timedelta(minutes=10)
"""How long it may be typed, from when it was asked for."""
MOST_TRIES = 5
"""How often somebody may mistype it."""
COUNTED = timedelta(hours=1)
MOST_ASKED = 5
"""How often codes are mailed to one address in `COUNTED`."""
MOST_MAILS = 3
"""How often mailing is tried; each mail has a code of its own."""


@frozen(kw_only=True)
class SignInCode:
    """Asked for by one browser, which keeps a secret: a code is worth nothing in any other.

    Nobody has looked whether the address is anybody's: that is for whoever mails it, so that asking tells nothing.
    """

    id: SignInCodeId
    browser: bytes
    """The digest of what the browser keeps."""
    email: str
    """Folded, as people's are: who it is, and not how it was typed."""
    back_to: str
    digests: tuple[bytes, ...] = ()
    """Of the code in each mail that was sent, or may have been: every try has one of its own, so that none is ever kept."""
    tries: int = 0
    """How often a wrong one was typed."""
    created_at: datetime
    expires_at: datetime

    @classmethod
    def asked(cls, code_id: SignInCodeId, *, browser: bytes, email: str, back_to: str, at: datetime) -> "SignInCode":
        """One that was asked for just now."""
        return cls(id=code_id, browser=browser, email=folded_email(email), back_to=back_to, created_at=at, expires_at=at + LASTS)

    def is_good(self, at: datetime) -> bool:
        """Whether it may still be typed."""
        return at < self.expires_at and self.tries < MOST_TRIES

    def mailed(self, code: str) -> "SignInCode":
        """About to be mailed, once more."""
        return evolve(self, digests=(*self.digests, code_digest(self.browser, code)))

    def mistyped(self) -> "SignInCode":
        """Somebody typed a wrong one."""
        return evolve(self, tries=self.tries + 1)

    def used(self, at: datetime) -> "SignInCode":
        """It was good, and is so no more; it still counts as asked for."""
        return evolve(self, expires_at=at)

    def require(self, typed: str) -> None:
        """Raises `Unauthenticated` unless it was mailed."""
        digest = code_digest(self.browser, typed)
        if not any(hmac.compare_digest(digest, mailed) for mailed in self.digests):
            raise Unauthenticated
