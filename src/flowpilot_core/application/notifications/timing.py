"""Whether a delivery goes now, looked at as it is to be sent: how its person wants to be told, and who else works."""

from datetime import datetime
from typing import Protocol

from attrs import evolve

from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.notifications.delivery import Channel, Delivery
from flowpilot_core.domain.notifications.timing import About, Word, somebody_on_duty, word
from flowpilot_core.ports.notifications import NotificationWork
from flowpilot_core.ports.sessions import SessionWork


class TimingNeeds(NotificationWork, SessionWork, Protocol):
    """What is done here asks this of a unit of work."""


async def word_on(work: TimingNeeds, delivery: Delivery, handoff: Handoff, *, at: datetime) -> Word | None:
    """What becomes of a delivery now; None for one to nobody who is here."""
    same = await work.escalation.told_the_same(delivery)
    recipient = next((member.preferences for member in same if member.user_id == delivery.user_id), None)
    if recipient is None:
        return None
    about = About(kind=delivery.kind, priority=handoff.priority, since=delivery.created_at, window=handoff.window)
    if recipient.mail_after is not None or delivery.channel is Channel.PUSH:
        about = evolve(about, online=await work.presence.online(), seen=await work.feedback.seen_by(handoff.id))
    return word(recipient, about, channel=delivery.channel, on_duty=somebody_on_duty(same, at), at=at)
