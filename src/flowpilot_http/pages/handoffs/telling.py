"""Who was told of an escalation, and how far that is, in words."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel, Delivery

HOW: Final[Mapping[Channel, str]] = MappingProxyType(
    {
        Channel.EMAIL: "by e-mail",
        Channel.PUSH: "on an open page",
        Channel.SLACK: "on Slack",
        Channel.TEAMS: "on Teams",
        Channel.WEBHOOK: "by webhook",
    }
)
FAR: Final[Mapping[DeliveryState, str]] = MappingProxyType(
    {
        DeliveryState.PENDING: "is to be told",
        DeliveryState.SENDING: "is being told",
        DeliveryState.SENT: "sent",
        DeliveryState.DELIVERED: "delivered",
        DeliveryState.FAILED: "failed, to be tried again",
        DeliveryState.DEAD: "could not be told",
        DeliveryState.SUPPRESSED: "not told",
    }
)


@frozen(kw_only=True)
class Word:
    """One message to one person."""

    id: UUID
    who: str
    how: str
    state: DeliveryState
    far: str
    why: str | None
    delivery: Delivery


@frozen(kw_only=True)
class Told:
    """All of them."""

    words: tuple[Word, ...]
    seen: tuple[str, ...]
    """Who has looked at it, by name."""


def told(deliveries: Sequence[Delivery], seen_by: Collection[UserId], names: Mapping[UUID, str]) -> Told:
    """What the ledger says, for people."""
    words = (
        Word(
            id=one.id,
            who=names.get(one.user_id, "a colleague") if one.user_id else "The account",
            how=HOW[one.channel],
            state=one.state,
            far=FAR[one.state],
            why=one.reason or one.last_error,
            delivery=one,
        )
        for one in deliveries
    )
    return Told(
        words=tuple(sorted(words, key=lambda word: (word.who, word.how))), seen=tuple(sorted(names[who] for who in seen_by if who in names))
    )
