"""The outbox: work recorded in the transaction of the change that caused it, done after the commit."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.delivery import Channel
from flowpilot_core.domain.identifiers import AccountId


class WorkKind(StrEnum):
    """What is to be done; each kind has a lane of its own, so that none delays another."""

    POLICY_STEP = "policy_step"
    """The next step of an escalation policy, for one escalation."""
    QUIET_CLAIM = "quiet_claim"
    """A look at a claim that may have gone quiet."""
    DELIVERY = "delivery"
    """A mail to one person."""
    PUSH = "push"
    """Noting whether somebody who is told by push had a stream of events open."""
    ASSESSMENT = "assessment"
    """An assessment of one escalation."""
    WEBHOOKS = "webhooks"
    """Finding out which webhooks are told of one event."""
    WEBHOOK = "webhook"
    """A message to one webhook."""
    SUGGESTION = "suggestion"
    """A next step that a model is asked for."""
    PSA_POST = "psa_post"
    """A note on a ticket."""
    TICKET_FACTS = "ticket_facts"
    """Reading the ticket of a session that began."""
    OUTPUT = "output"
    """A better resolution output, which a model is asked for."""
    INVITATION = "invitation"
    """A mail to somebody who is invited."""
    SIGN_IN_CODE = "sign_in_code"
    """A mail with the code that somebody signs in by."""
    PSA_TICKET = "psa_ticket"
    """A look at a ticket that its PSA told of."""


STANDING = "~"
"""What the kinds begin with that are never due and only stand for something: `Outbox.take` does not look at them."""
SECRETS_KIND = f"{STANDING}secrets"
"""Stands for an account that has secrets, under the account's own id."""

SENDING: Mapping[Channel, WorkKind] = MappingProxyType({Channel.EMAIL: WorkKind.DELIVERY, Channel.PUSH: WorkKind.PUSH})
"""What work it is to send a delivery over each channel; for a channel that is not here, whoever adds the delivery sees to it."""
RESENDING: Mapping[Channel, WorkKind] = MappingProxyType(
    {**SENDING, **dict.fromkeys((Channel.WEBHOOK, Channel.SLACK, Channel.TEAMS), WorkKind.WEBHOOK)}
)
"""What work it is to send a dead one once more."""


@frozen(kw_only=True)
class Work:
    """Something due: ids, kind and time, never content. `id` names it in its account (a delivery's own id)."""

    id: UUID
    kind: WorkKind
    due_at: datetime


@frozen(kw_only=True)
class Lease:
    """A relay's hold on one piece of work: whoever takes it over later has another `token`, and this one is void."""

    account_id: AccountId
    work_id: UUID
    kind: str
    """A `WorkKind`, unless a newer or broken program wrote it."""
    token: UUID
    takes: int
    """How often it has been taken, this time included."""


class Outbox(Protocol):
    """The due work of all accounts, as a relay sees it."""

    async def take(self, room: Mapping[str, int], *, others: int = 0, lease_for: timedelta) -> Sequence[Lease]:
        """Take what is due and nobody holds, and hold it for `lease_for` by the store's own clock.

        Of each kind in `room` at most as many pieces as are said there, and of all kinds that are not in it at most `others`
        together. Whatever a dead relay held is due again once its lease has run out. No piece is held twice at once. Within a kind
        accounts take turns: one with a flood of work delays no other. Raises `Unavailable`.
        """

    async def lag(self) -> float:
        """How many seconds the oldest due piece that nobody holds has waited; 0 where there is none. Raises `Unavailable`."""

    async def lags(self) -> Mapping[str, float]:
        """The same for each kind of which something waits. Raises `Unavailable`."""
