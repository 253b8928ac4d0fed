"""Telling people: how one delivery is taken, sent and settled."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.redaction import case_of
from flowpilot_core.application.handoffs.page_addresses import page_of
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Units
from flowpilot_core.application.relay.leases import settle
from flowpilot_core.application.relay.sending import hand_over
from flowpilot_core.domain.access.account import Account, User
from flowpilot_core.domain.access.branding import Worn
from flowpilot_core.domain.handoffs.debrief import debrief
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState, delay
from flowpilot_core.domain.notifications.delivery import Delivery, DeliveryKind, message_id, why_not_send
from flowpilot_core.domain.notifications.mail_rate import MOST_IN_ONE, Pace
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import Clock, Jitter
from flowpilot_core.ports.notifications import Message, NotificationWork, Notifier, NotSent, Typesetter
from flowpilot_core.ports.relay import Lease, RelayWork, Work, WorkKind
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

from .mail_text import CLAIMABLE, ESSENTIAL, MailItem, Solved, letter, subject
from .timing import word_on


class MailingNeeds(NotificationWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.deliveries")

CAUSE = "the message was refused"

TO_SEND = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})


def nobody_counts(delivery: Delivery) -> None:
    """There are no figures here."""


@frozen(kw_only=True)
class SendDelivery:
    """Does the work of one delivery: take, send, settle. No send is ever awaited inside a unit of work."""

    units: Units[MailingNeeds]
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    links: Links
    redact: Redactor
    mail_domain: str
    """What stands behind the `@` of message ids."""
    typeset: Typesetter | None = None
    """None: mails are text alone."""
    pace: Pace | None = None
    """None: as many mails as the account says."""
    settled: Callable[[Delivery], None] = nobody_counts
    """Called with each delivery that an attempt was made at, for whoever keeps figures."""

    async def do(self, lease: Lease) -> None:
        """Send what the lease is for, if it is still worth sending; a lease that was lost drops the result."""
        message = await self._take(lease)
        if message is None:
            return
        await self._settle(lease, message, await hand_over(self.notifier, message, log))

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The delivery is dead, for a reason that lies here and not with the channel."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            # Work may be poison just because its delivery is not there: then it ends with nobody to be shown to.
            with suppress(NotFound):
                at = self.clock.now()
                for delivery in await _parcel(work, DeliveryId(lease.work_id)):
                    await self._keep(work, delivery.taken(at=at).failed(problem, permanent=True, at=at), lease)
            await work.commit()
        self.units.committed(lease.account_id)

    async def _take(self, lease: Lease) -> Message | None:
        async with self.units.begin(lease.account_id) as work:
            delivery = await work.deliveries.get(DeliveryId(lease.work_id))
            recipient = await work.people.user(_person(delivery))
            at = self.clock.now()
            account = await work.people.account()
            pace = self.pace or Pace(most=account.mails_a_minute)
            # First the person and then the work: in this order whoever joins mails waits for everybody else who does.
            mails = await work.deliveries.mails_of(recipient.id, since=at - pace.within)
            if not await work.due.holds(lease):
                return None
            parcel = await self._still_worth(work, account, recipient, await _parcel(work, delivery.id))
            if not parcel or parcel[0].delivery.id != delivery.id:
                await work.due.finish(lease)
                await self._part(work, parcel)
                await work.commit()
                return None
            lead = parcel[0].delivery
            if await self._put_off(work, lease, parcel[0], at=at):
                await work.commit()
                return None
            urgent = parcel[0].handoff.priority is Priority.URGENT
            free_at = pace.free_at((one.updated_at for one in mails.sent if one.id != lead.id), at=at)
            if free_at and not urgent and lead.state is not DeliveryState.SENDING:
                await work.deliveries.save(lead.held(free_at))
                await work.due.postpone(lease, seconds=(free_at - at) / timedelta(seconds=1))
                await work.commit()
                return None
            waiting = [one for one in mails.waiting if one.state is DeliveryState.PENDING and one.id != lead.id]
            if waiting and not urgent:
                joined = waiting[: MOST_IN_ONE - len(parcel)]
                await work.due.withdraw([one.id for one in joined])
                parcel += await self._still_worth(work, account, recipient, joined)
            escalators = {one.handoff.id: await work.people.user(one.handoff.escalated_by) for one in parcel}
            for one in parcel:
                await work.deliveries.save(one.delivery.taken(at=at) if one.delivery.id == lead.id else one.delivery.joined(lead, at=at))
            worn = await work.branding.worn()
            cases = [await case_of(work, account, one.handoff.session_id, self.redact) for one in parcel]
            await work.commit()
        told = tuple(
            [
                MailItem(
                    kind=one.delivery.kind,
                    handoff=one.handoff,
                    escalator=escalators[one.handoff.id].name,
                    link=self._link(one.delivery, one.handoff, recipient, account, at=at),
                    clean=await case.cleaner(one.handoff, within=one.handoff.id),
                    solved=_solved(case.detail) if one.delivery.kind is DeliveryKind.DEBRIEF else None,
                )
                for one, case in zip(parcel, cases, strict=True)
            ]
        )
        return self._message(lead.taken(at=at), told, recipient, account, worn)

    async def _put_off(self, work: MailingNeeds, lease: Lease, piece: "_Piece", *, at: datetime) -> bool:
        """Whether its person does not want it now; then it waits, or never goes, and says why."""
        delivery = piece.delivery
        if delivery.state is not DeliveryState.PENDING:
            return False
        word = await word_on(work, delivery, piece.handoff, at=at)
        if word is None or word.reason is None:
            return False
        if word.until is None:
            await work.deliveries.save(delivery.suppressed(word.reason, at=at))
            await work.due.finish(lease)
            logged(delivery, DeliveryState.SUPPRESSED, word.reason)
        else:
            await work.deliveries.save(delivery.put_off(word.reason))
            await work.due.postpone(lease, seconds=(word.until - at) / timedelta(seconds=1))
        return True

    async def _still_worth(self, work: MailingNeeds, account: Account, recipient: User, deliveries: Sequence[Delivery]) -> "list[_Piece]":
        """Those worth sending, with what they are about; the others are suppressed."""
        worth = []
        for delivery in deliveries:
            handoff = await work.handoffs.get(delivery.handoff_id)
            reason = account.why_not_tell() or why_not_send(delivery.kind, handoff, recipient)
            if reason is None:
                worth.append(_Piece(delivery=delivery, handoff=handoff))
            else:
                await work.deliveries.save(delivery.suppressed(reason, at=self.clock.now()))
                logged(delivery, DeliveryState.SUPPRESSED, reason)
        return worth

    async def _part(self, work: MailingNeeds, parcel: "Sequence[_Piece]") -> None:
        """What went in the mail of one that is not sent any more goes by itself."""
        for one in parcel:
            await work.deliveries.save(one.delivery.parted())
            rank = -one.handoff.priority.rank
            await work.due.add(Work(id=one.delivery.id, kind=WorkKind.DELIVERY, due_at=self.clock.now(), queue_rank=rank))

    async def _settle(self, lease: Lease, message: Message, outcome: str | NotSent | None) -> None:
        async with self.units.begin(lease.account_id) as work:
            at = self.clock.now()
            settled = [_settled(one, message, outcome, at=at) for one in await _parcel(work, DeliveryId(lease.work_id))]
            failed = settled and settled[0].state is DeliveryState.FAILED
            again_in = delay(settled[0].attempts, self.jitter()) / timedelta(seconds=1) if failed else None
            if not await settle(work, lease, again_in=again_in):
                return
            for one in settled:
                await self._keep(work, one, lease)
            await work.commit()
        self.units.committed(lease.account_id)
        for one in settled:
            logged(one, one.state, outcome.logged if isinstance(outcome, NotSent) else one.last_error)
            self.settled(one)

    async def _keep(self, work: MailingNeeds, delivery: Delivery, lease: Lease) -> None:
        """In the ledger; where it is dead, whoever watches the handoff hears that somebody was not reached."""
        await work.deliveries.save(delivery)
        if delivery.state is DeliveryState.DEAD:
            handoff = await work.handoffs.get(delivery.handoff_id)
            by = System(account_id=lease.account_id, cause=CAUSE)
            await self.units.record(work, delivery.changed(handoff, by=by))

    def _link(self, delivery: Delivery, handoff: Handoff, recipient: User, account: Account, *, at: datetime) -> str:
        if delivery.kind in CLAIMABLE:
            return self.links.claim(account.id, handoff.id, recipient.id, at=at)
        return page_of(self.links.base_url, account.id, handoff.session_id, handoff)

    def _message(self, delivery: Delivery, told: tuple[MailItem, ...], recipient: User, account: Account, worn: Worn) -> Message:
        essential = any(one.kind in ESSENTIAL for one in told)
        way_out = None if essential else self.links.unsubscribe(account.id, recipient.id)
        said = letter(told, recipient, account, unsubscribe=way_out, worn=worn)
        return Message(
            message_id=message_id(delivery.id, self.mail_domain),
            to=recipient.email,
            to_name=recipient.name,
            account_name=worn.branding.sender(account.name),
            subject=subject(told),
            text=said.text,
            html=self.typeset(said) if self.typeset else None,
            logo=worn.logo if self.typeset else None,
            unsubscribe_url=way_out,
            thread_id=message_id(delivery.handoff_id, self.mail_domain),
            maybe_twice=delivery.maybe_arrived,
        )


@frozen(kw_only=True)
class _Piece:
    """A delivery, and what it is about."""

    delivery: Delivery
    handoff: Handoff


def _solved(detail: SessionDetail) -> Solved | None:
    """What there is to say of a session that was escalated, if it is solved still."""
    found = debrief(detail.session, detail.steps, detail.handoffs)
    return Solved(debrief=found, by=detail.names[found.resolved_by]) if found else None


async def _parcel(work: MailingNeeds, delivery_id: DeliveryId) -> list[Delivery]:
    """What goes in the mail of this delivery: itself first, then those it carries; without those that are done with."""
    lead = await work.deliveries.get(delivery_id)
    return [one for one in (lead, *await work.deliveries.carried(delivery_id)) if one.state in TO_SEND]


def _settled(delivery: Delivery, message: Message, outcome: str | NotSent | None, *, at: datetime) -> Delivery:
    if isinstance(outcome, NotSent):
        return delivery.failed(outcome.problem, permanent=outcome.permanent, unknown=outcome.unknown, message_id=message.message_id, at=at)
    return delivery.sent(message.message_id, outcome, at=at)


def _person(delivery: Delivery) -> UserId:
    """Whom it is for. Raises `NotFound` for one that is for nobody: no mail can be made of it."""
    if delivery.user_id is None:
        raise NotFound("user")
    return delivery.user_id


def logged(delivery: Delivery, state: DeliveryState, problem: str | None) -> None:
    """A line in the log for an attempt, whatever came of it."""
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
