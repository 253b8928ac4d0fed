"""Who of the account is who in its PSA, as far as their e-mail address tells."""

from datetime import datetime, timedelta

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, UserId
from flowpilot_core.domain.kernel.mailbox import folded_email

GOOD_FOR = timedelta(days=1)
"""How long somebody who was found stays found."""
NOBODY_FOR = timedelta(hours=1)
"""How long nobody is looked for again who was not."""


@frozen(kw_only=True)
class MemberMatch:
    """What a look for one person in one PSA came to."""

    connection_id: PsaConnectionId
    version: int
    """Of the connection: another one may lead elsewhere, where the number is somebody else's."""
    user_id: UserId
    email: str
    """What they were looked for by."""
    member_id: str | None
    """The vendor's; None: nobody has this address there, or more than one."""
    good_until: datetime

    @classmethod
    def of(
        cls, connection_id: PsaConnectionId, version: int, user_id: UserId, email: str, member_id: str | None, *, at: datetime
    ) -> "MemberMatch":
        """What was found now."""
        good_for = NOBODY_FOR if member_id is None else GOOD_FOR
        return cls(
            connection_id=connection_id, version=version, user_id=user_id, email=email, member_id=member_id, good_until=at + good_for
        )

    def stands(self, version: int, email: str, *, at: datetime) -> bool:
        """Whether it need not be looked again: the connection and the address are the same, and it is not too long ago."""
        return (version, folded_email(email)) == (self.version, folded_email(self.email)) and at < self.good_until
