"""Whether a delivery goes now, looked at as it is to be sent: how its person wants to be told, and who else works."""

from datetime import datetime

from attrs import evolve

from flowpilot_core.domain.delivery import Channel, Delivery
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.telling import About, Word, somebody_on_duty, word
from flowpilot_core.ports.persistence import UnitOfWork


async def word_on(work: UnitOfWork, delivery: Delivery, handoff: Handoff, *, at: datetime) -> Word | None:
    """What becomes of a delivery now; None for one to nobody who is here."""
    same = await work.escalation.told_the_same(delivery)
    recipient = next((member.preferences for member in same if member.user_id == delivery.user_id), None)
    if recipient is None:
        return None
    about = About(kind=delivery.kind, priority=handoff.priority, since=delivery.created_at)
    if recipient.mail_after is not None or delivery.channel is Channel.PUSH:
        about = evolve(about, online=await work.presence.online(), seen=await work.opinions.seen_by(handoff.id))
    return word(recipient, about, channel=delivery.channel, on_duty=somebody_on_duty(same, at), at=at)
