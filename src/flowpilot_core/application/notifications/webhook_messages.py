"""Telling webhooks: an event becomes a message to each that wants it, and each message is taken, sent and settled alone."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.access.secrets import Safe
from flowpilot_core.application.assistant.redaction import case_of
from flowpilot_core.application.handoffs.page_addresses import home, page_of
from flowpilot_core.application.relay.leases import drop, settle
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.canonical_json import canonical
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, EventId, WebhookMessageId
from flowpilot_core.domain.kernel.sending import DeliveryState, delay
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.timing import MAINTENANCE, quiet_until
from flowpilot_core.domain.notifications.webhook import ASKING, GONE, Webhook, WebhookMessage, is_accepted, is_permanent, why_not_tell
from flowpilot_core.domain.notifications.webhook_formats import WebhookFacts, about, rendered, urgency, waits_in_maintenance
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.handoffs import HandoffWork
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter, NewId
from flowpilot_core.ports.notifications import NotificationWork, NotSent, WebhookAnswer, WebhookCall, WebhookCaller
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionWork

from .mailing import nobody_counts
from .webhooks import SECRET, TARGET


class WebhookMessagesNeeds(NotificationWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.webhooks")

LONGEST_WAIT = timedelta(hours=1)
"""That a receiver may ask for."""
TO_SEND = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})


@frozen(kw_only=True)
class SpreadEvent:
    """Makes one message for each webhook that wants to be told of an event."""

    begin: BeginWork[WebhookMessagesNeeds]
    clock: Clock
    new_id: NewId

    async def do(self, lease: Lease) -> None:
        """All of its messages, or none."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                logged = await work.webhooks.event(EventId(lease.work_id))
                event, now = logged.event, self.clock.now()
                wanted = [one for one in await work.webhooks.all() if one.hears_of(event)]
                messages = [
                    WebhookMessage(
                        id=WebhookMessageId(self.new_id()),
                        webhook_id=webhook.id,
                        event_id=event.id,
                        kind=event.kind,
                        session_id=event.session_id,
                        handoff_id=event.handoff_id,
                        created_at=now,
                        updated_at=now,
                    )
                    for webhook in wanted
                ]
                await work.webhooks.add_messages(messages)
                if event.kind in ASKING and event.handoff_id is not None:
                    await work.deliveries.add(
                        [
                            Delivery(
                                id=DeliveryId(message.id),
                                handoff_id=event.handoff_id,
                                user_id=None,
                                channel=webhook.channel,
                                kind=ASKING[event.kind],
                                created_at=now,
                                updated_at=now,
                            )
                            for message, webhook in zip(messages, wanted, strict=True)
                        ]
                    )
            await work.commit()

    async def give_up(self, lease: Lease, problem: str) -> None:
        """No webhook hears of it."""
        log.error("webhooks not told of an event", extra={"event_id": str(lease.work_id), "problem": problem})
        await drop(self.begin, lease)


@frozen(kw_only=True)
class SendWebhook:
    """Sends one message: take, send, settle. No call is ever awaited inside a unit of work."""

    begin: BeginWork[WebhookMessagesNeeds]
    caller: WebhookCaller
    safe: Safe
    clock: Clock
    jitter: Jitter
    base_url: str
    """Where links in messages lead to."""
    redact: Redactor
    settled: Callable[[Delivery], None] = nobody_counts
    """Called with each delivery that an attempt was made at, for whoever keeps figures."""

    async def do(self, lease: Lease) -> None:
        """Send what the lease is for, if it is still worth sending; a lease that was lost drops the result."""
        facts = await self._facts(lease)
        call = await self._take(lease, facts) if facts else None
        if call is not None:
            await self._settle(lease, await self._called(call))

    async def _called(self, call: WebhookCall) -> WebhookAnswer | NotSent:
        try:
            return await self.caller.call(call)
        except NotSent as refused:
            return refused

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The message is dead, for a reason that lies here and not with the receiver."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                message = await work.webhooks.message(WebhookMessageId(lease.work_id))
                if message.state in TO_SEND:
                    at = self.clock.now()
                    dead = message.taken(message.request or "", at=at).failed(problem, permanent=True, status=None, response=None, at=at)
                    await self._keep(work, dead)
            await work.commit()

    async def _facts(self, lease: Lease) -> WebhookFacts | None:
        """What the webhook is told, without secrets; None where there is nothing to tell it any more."""
        async with self.begin(lease.account_id) as work:
            found = await self._worth(work, lease)
            if found is None:
                await work.commit()
                return None
            message, _, handoff = found
            if message.session_id is None or message.event_id is None:
                return WebhookFacts(
                    event_id=None,
                    kind=None,
                    at=message.created_at,
                    by_id=None,
                    by_name="FlowPilot",
                    session_id=None,
                    handoff_id=None,
                    title="This is a test",
                    priority=Priority.LOW,
                    link=home(self.base_url, lease.account_id),
                )
            event = (await work.webhooks.event(message.event_id)).event
            case = await case_of(work, await work.people.account(), message.session_id, self.redact)
            by = await work.people.user(event.by) if event.by else None
        session = case.detail.session
        clean = await case.cleaner(handoff, within=message.handoff_id or session.id)
        return WebhookFacts(
            event_id=event.id,
            kind=event.kind,
            at=event.at,
            by_id=str(by.id) if by else None,
            by_name=by.name if by else "FlowPilot",
            session_id=session.id,
            handoff_id=message.handoff_id,
            title=clean(about(handoff, session.title, session.client_name)),
            priority=urgency(handoff, session, case.detail.handoffs),
            link=page_of(self.base_url, lease.account_id, session.id, handoff),
        )

    async def _worth(self, work: WebhookMessagesNeeds, lease: Lease) -> tuple[WebhookMessage, Webhook, Handoff | None] | None:
        """The message, whom it is for and what it is about, if it is still worth sending; else the work ends with the commit."""
        if not await work.due.holds(lease):
            return None
        at = self.clock.now()
        try:
            message = await work.webhooks.message(WebhookMessageId(lease.work_id))
        except NotFound:
            await work.due.finish(lease)
            return None
        if message.state is DeliveryState.DEAD:
            # Asked for again among the deliveries of its handoff.
            message = message.replayed(at=at)
        webhook = await work.webhooks.get(message.webhook_id)
        handoff = await work.handoffs.get(message.handoff_id) if message.handoff_id else None
        reason = (await work.people.account()).why_not_tell() or why_not_tell(webhook, message.kind, handoff)
        if message.state in TO_SEND and reason is None:
            if (until := await self._held_until(work, message, webhook, handoff, at=at)) is None:
                return message, webhook, handoff
            await self._keep(work, message.put_off(MAINTENANCE))
            await work.due.postpone(lease, seconds=(until - at) / timedelta(seconds=1))
            return None
        if message.state in TO_SEND and reason is not None:
            await self._keep(work, message.suppressed(reason, at=at))
        await work.due.finish(lease)
        return None

    async def _held_until(
        self, work: WebhookMessagesNeeds, message: WebhookMessage, webhook: Webhook, handoff: Handoff | None, *, at: datetime
    ) -> datetime | None:
        """Until when a maintenance window holds it; nothing that is on its way already is held."""
        if message.state is not DeliveryState.PENDING or message.session_id is None:
            return None
        if not waits_in_maintenance(webhook.format, message.kind):
            return None
        about_it = handoff or await work.sessions.get(message.session_id)
        return quiet_until(about_it.window, about_it.priority, at)

    async def _take(self, lease: Lease, facts: WebhookFacts) -> WebhookCall | None:
        async with self.begin(lease.account_id) as work:
            found = await self._worth(work, lease)
            if found is None:
                await work.commit()
                return None
            message, webhook, _ = found
            at = self.clock.now()
            target = json.loads(await self.safe.open(work, lease.account_id, TARGET, webhook.target))
            secrets = [await self.safe.open(work, lease.account_id, SECRET, secret) for secret in webhook.signs_with(at=at)]
            body = canonical(rendered(evolve(facts, routing_key=target["routing_key"]), webhook.format)).decode()
            shown = body.replace(target["routing_key"], "…") if target["routing_key"] else body
            await self._keep(work, message.taken(shown, at=at))
            await work.commit()
        return WebhookCall(url=target["url"], message_id=f"msg_{message.id.hex}", at=at, body=body, secrets=tuple(secrets))

    async def _settle(self, lease: Lease, outcome: WebhookAnswer | NotSent) -> None:
        async with self.begin(lease.account_id) as work:
            message = await work.webhooks.message(WebhookMessageId(lease.work_id))
            at, asked = self.clock.now(), 0.0
            if isinstance(outcome, NotSent):
                settled = message.failed(outcome.problem, permanent=outcome.permanent, status=None, response=None, at=at)
            elif is_accepted(outcome.status):
                settled = message.sent(outcome.status, outcome.body, at=at)
            else:
                said = f"answered with status {outcome.status}"
                settled = message.failed(said, permanent=is_permanent(outcome.status), status=outcome.status, response=outcome.body, at=at)
                asked = min(outcome.retry_after or 0.0, LONGEST_WAIT / timedelta(seconds=1))
                if outcome.status == GONE:
                    await self._switch_off(work, await work.webhooks.get(message.webhook_id))
            again_in = None
            if settled.state is DeliveryState.FAILED:
                again_in = max(asked, delay(settled.attempts, self.jitter()) / timedelta(seconds=1))
            if not await settle(work, lease, again_in=again_in):
                return
            delivery = await self._keep(work, settled)
            await work.commit()
        if delivery is not None:
            self.settled(delivery)
        log.info(
            "webhook attempt",
            extra={
                "message_id": str(settled.id),
                "webhook_id": str(settled.webhook_id),
                "handoff_id": str(settled.handoff_id) if settled.handoff_id else None,
                "state": str(settled.state),
                "attempts": settled.attempts,
                "status": settled.status,
                "problem": outcome.logged if isinstance(outcome, NotSent) else settled.last_error,
            },
        )

    async def _switch_off(self, work: WebhookMessagesNeeds, webhook: Webhook) -> None:
        await work.webhooks.save(webhook.switched_off("its address answered that it is gone (410)", at=self.clock.now()))

    async def _keep(self, work: WebhookMessagesNeeds, message: WebhookMessage) -> Delivery | None:
        """The message, and its row in the ledger of its handoff where it has one, which is returned."""
        await work.webhooks.save_message(message)
        if message.kind not in ASKING:
            return None
        delivery = (await work.deliveries.get(DeliveryId(message.id))).mirrored(
            message.state, reason=message.reason, attempts=message.attempts, last_error=message.last_error, at=message.updated_at
        )
        await work.deliveries.save(delivery)
        return delivery
