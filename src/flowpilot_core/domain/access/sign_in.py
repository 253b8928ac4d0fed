"""A browser that somebody is signed in with, and the link that gets them there."""

from datetime import datetime, timedelta

from attrs import frozen

from flowpilot_core.domain.kernel.actor import WayIn
from flowpilot_core.domain.kernel.identifiers import SignInId, UserId

LASTS = timedelta(hours=12)
"""How long a browser stays signed in: a working day."""
LINK_LASTS = timedelta(minutes=15)
"""How long a link may be used."""


@frozen(kw_only=True)
class SignIn:
    """A browser of one person, known by the digest of a secret that it alone keeps. Nothing makes it last longer."""

    id: SignInId
    user_id: UserId
    digest: bytes
    way_in: WayIn | None
    """None: it began before this was kept."""
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, id: SignInId, user_id: UserId, *, digest: bytes, way_in: WayIn, at: datetime) -> "SignIn":
        """Somebody is signed in from now on."""
        return cls(id=id, user_id=user_id, digest=digest, way_in=way_in, created_at=at, expires_at=at + LASTS)


@frozen(kw_only=True)
class SignInLink:
    """A right to be signed in as one person, once and soon."""

    user_id: UserId
    digest: bytes
    expires_at: datetime
