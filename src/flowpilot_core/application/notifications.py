"""Telling people: how one delivery is taken, sent and settled."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import frozen

from flowpilot_core.domain.account import Account, User
from flowpilot_core.domain.delivery import Delivery, DeliveryState, delay, message_id, why_not_send
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.identifiers import DeliveryId, UserId
from flowpilot_core.ports.clock import Clock, Jitter
from flowpilot_core.ports.letters import Typesetter
from flowpilot_core.ports.notifier import Message, Notifier, NotSent
from flowpilot_core.ports.outbox import Lease
from flowpilot_core.ports.persistence import BeginWork
from flowpilot_core.ports.redactor import Redactor

from .letters import CLAIMABLE, Told, letter, subject
from .links import Links

log = logging.getLogger("flowpilot.deliveries")

TO_SEND = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})


@frozen(kw_only=True)
class SendDelivery:
    """Does the work of one delivery: take, send, settle. No send is ever awaited inside a unit of work."""

    begin: BeginWork
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    links: Links
    redact: Redactor
    mail_domain: str
    """What stands behind the `@` of message ids."""
    typeset: Typesetter | None = None
    """None: mails are text alone."""

    async def do(self, lease: Lease) -> None:
        """Send what the lease is for, if it is still worth sending; a lease that was lost drops the result."""
        message = await self._take(lease)
        if message is None:
            return
        await self._settle(lease, message, await self._send(message))

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The delivery is dead, for a reason that lies here and not with the channel."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            # Work may be poison just because its delivery is not there: then it ends with nobody to be shown to.
            with suppress(NotFound):
                delivery = await work.deliveries.get(DeliveryId(lease.work_id))
                if delivery.state in TO_SEND:
                    at = self.clock.now()
                    await work.deliveries.save(delivery.taken(at=at).failed(problem, permanent=True, at=at))
            await work.commit()

    async def _take(self, lease: Lease) -> Message | None:
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            delivery = await work.deliveries.get(DeliveryId(lease.work_id))
            if delivery.state not in TO_SEND:
                await work.due.finish(lease)
                await work.commit()
                return None
            handoff = await work.handoffs.get(delivery.handoff_id)
            recipient = await work.people.user(_person(delivery))
            reason = why_not_send(delivery.kind, handoff, recipient)
            if reason is not None:
                await work.deliveries.save(delivery.suppressed(reason, at=self.clock.now()))
                await work.due.finish(lease)
                await work.commit()
                _logged(delivery, DeliveryState.SUPPRESSED, reason)
                return None
            account = await work.people.account()
            escalator = await work.people.user(handoff.escalated_by)
            at = self.clock.now()
            taken = delivery.taken(at=at)
            await work.deliveries.save(taken)
            await work.commit()
        link = self._link(taken, handoff, recipient, account, at=at)
        told = (Told(kind=taken.kind, handoff=handoff, escalator=escalator.name, link=link),)
        return self._message(taken, told, recipient, account)

    async def _send(self, message: Message) -> str | NotSent | None:
        """What the channel had to say, or why it did not accept the message."""
        try:
            return await self.notifier.send(message)
        except NotSent as refused:
            return refused
        except Exception as exc:
            # A channel that breaks its promise costs a try, like any other failure, and is as visible.
            log.exception("the channel failed")
            return NotSent(f"the channel failed: {type(exc).__name__}", unknown=True)

    async def _settle(self, lease: Lease, message: Message, outcome: str | NotSent | None) -> None:
        async with self.begin(lease.account_id) as work:
            delivery = await work.deliveries.get(DeliveryId(lease.work_id))
            at = self.clock.now()
            if isinstance(outcome, NotSent):
                settled = delivery.failed(
                    outcome.problem, permanent=outcome.permanent, unknown=outcome.unknown, message_id=message.message_id, at=at
                )
            else:
                settled = delivery.sent(message.message_id, outcome, at=at)
            if settled.state is DeliveryState.FAILED:
                wait = delay(settled.attempts, self.jitter())
                held = await work.due.postpone(lease, seconds=wait / timedelta(seconds=1))
            else:
                held = await work.due.finish(lease)
            if not held:
                return
            await work.deliveries.save(settled)
            await work.commit()
        _logged(settled, settled.state, settled.last_error)

    def _link(self, delivery: Delivery, handoff: Handoff, recipient: User, account: Account, *, at: datetime) -> str:
        if delivery.kind in CLAIMABLE:
            return self.links.claim(account.id, handoff.id, recipient.id, at=at)
        return f"{self.links.base_url}/handoffs/{handoff.id}"

    def _message(self, delivery: Delivery, told: tuple[Told, ...], recipient: User, account: Account) -> Message:
        said = letter(told, recipient, account, self.redact, unsubscribe=None)
        return Message(
            message_id=message_id(delivery.id, self.mail_domain),
            to=recipient.email,
            to_name=recipient.name,
            account_name=account.name,
            subject=subject(told, self.redact),
            text=said.text,
            html=self.typeset(said) if self.typeset else None,
            thread_id=message_id(delivery.handoff_id, self.mail_domain),
            maybe_twice=delivery.maybe_arrived,
        )


def _person(delivery: Delivery) -> UserId:
    """Whom it is for. Raises `NotFound` for one that is for nobody: no mail can be made of it."""
    if delivery.user_id is None:
        raise NotFound("user")
    return delivery.user_id


def _logged(delivery: Delivery, state: DeliveryState, problem: str | None) -> None:
    log.info(
        "delivery attempt",
        extra={
            "delivery_id": str(delivery.id),
            "handoff_id": str(delivery.handoff_id),
            "state": str(state),
            "attempts": delivery.attempts,
            "problem": problem,
        },
    )
