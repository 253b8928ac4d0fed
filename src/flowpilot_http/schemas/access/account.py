"""The account itself."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.domain.access.account import MOST_MAILS_A_MINUTE, Account
from flowpilot_http.schemas.kernel import Closed, Instant

RedactsPersonal = Annotated[
    bool,
    Meta(
        description="Whether e-mail addresses, telephone numbers and the like are taken out of what leaves FlowPilot"
        " for a model, a mail, a PSA or a webhook, as secrets always are."
    ),
]
MailsAMinute = Annotated[
    int,
    Meta(
        description="Mails to one person: what is more waits and is joined into one. Urgent ones go at once.",
        ge=1,
        le=MOST_MAILS_A_MINUTE,
    ),
]
TimeZone = Annotated[
    str,
    Meta(description="The IANA time zone by whose clock days of figures begin, such as Europe/Vienna.", examples=["Europe/Vienna"]),
]


class ChangeAccount(Closed, kw_only=True, frozen=True):
    """What is different about the account; what is left out stays."""

    redacts_personal: RedactsPersonal | None = None
    mails_a_minute: MailsAMinute | None = None
    time_zone: TimeZone | None = None


class AccountOut(msgspec.Struct, kw_only=True, frozen=True):
    """Your account."""

    id: UUID
    name: str
    created_at: Instant
    redacts_personal: RedactsPersonal
    mails_a_minute: MailsAMinute
    time_zone: TimeZone

    @classmethod
    def of(cls, account: Account) -> "AccountOut":
        """As the core has it."""
        return cls(
            id=account.id,
            name=account.name,
            created_at=account.created_at,
            redacts_personal=account.redacts_personal,
            mails_a_minute=account.mails_a_minute,
            time_zone=account.time_zone,
        )
