"""Webhooks: where they and their messages are kept, and when they are told."""

import pytest
from attrs import evolve

from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import EventId, SecretId, WebhookId, WebhookMessageId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookFormat, WebhookMessage
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, a_session, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract
from flowpilot_core.testing.contracts.relay.outbox import LONG

LANES: dict[str, int] = {WorkKind.WEBHOOKS: 100, WorkKind.WEBHOOK: 100}


class WebhooksContract(Contract):
    """`Webhooks`, inside units of work."""

    async def a_webhook(
        self, begin: BeginWork[UnitOfWork], staff: Staff, *, kinds: frozenset[EventKind] = frozenset({EventKind.HANDOFF_ESCALATED})
    ) -> Webhook:
        """One that is kept."""
        target, secret = (SecretId(new_id()) for _ in range(2))
        webhook = Webhook(
            id=WebhookId(new_id()),
            name="Chat",
            format=WebhookFormat.STANDARD,
            kinds=kinds,
            host="hooks.example",
            target=target,
            secret=secret,
            created_by=staff.olga.user_id,
            created_at=NOON,
        )
        async with begin(staff.account_id) as work:
            for secret_id in (target, secret):
                await work.secrets.put(SealedSecret(id=secret_id, purpose="x", sealed=b"x", key_id="k", created_at=NOON))
            await work.webhooks.add(webhook)
            await work.commit()
        return webhook

    def a_message(self, webhook: Webhook) -> WebhookMessage:
        return WebhookMessage(
            id=WebhookMessageId(new_id()), webhook_id=webhook.id, event_id=None, kind=None, created_at=NOON, updated_at=NOON
        )

    async def due(self, outbox: Outbox, staff: Staff) -> list[tuple[str, object]]:
        """What is due for webhooks of an account; from now on it is held."""
        leases = await outbox.take(LANES, lease_for=LONG)
        return [(lease.kind, lease.work_id) for lease in leases if lease.account_id == staff.account_id]

    async def test_a_webhook_is_had_again_as_it_was_kept_and_changed(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        webhook = await self.a_webhook(begin, acme)
        changed = evolve(webhook.switched_off("gone", at=NOON), name="Other", host="other.example", kinds=frozenset(EventKind))

        async with begin(acme.account_id) as work:
            assert webhook == await work.webhooks.get(webhook.id)
            await work.webhooks.save(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert [changed] == list(await work.webhooks.all())

    async def test_a_message_is_due_at_once_and_had_again_as_it_was_changed(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        webhook = await self.a_webhook(begin, acme)
        message = self.a_message(webhook)
        async with begin(acme.account_id) as work:
            await work.webhooks.add_messages([message])
            await work.commit()
        sent = message.taken("{}", at=NOON).sent(200, "ok", at=NOON + MINUTE)

        async with begin(acme.account_id) as work:
            assert message == await work.webhooks.message(message.id)
            await work.webhooks.save_message(sent)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert sent == await work.webhooks.message(message.id)
        (lease,) = [one for one in await outbox.take(LANES, lease_for=LONG) if one.account_id == acme.account_id]
        assert (WorkKind.WEBHOOK, message.id, webhook.id) == (lease.kind, lease.work_id, lease.target)

    async def test_messages_are_listed_newest_first_page_by_page(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        webhook, other = await self.a_webhook(begin, acme), await self.a_webhook(begin, acme)
        messages = [self.a_message(webhook) for _ in range(5)]
        async with begin(acme.account_id) as work:
            await work.webhooks.add_messages([*messages, self.a_message(other)])
            await work.commit()

        async with begin(acme.account_id) as work:
            first = await work.webhooks.messages(webhook.id, before=None, limit=3)
            rest = await work.webhooks.messages(webhook.id, before=first[-1].id, limit=3)

        assert messages[::-1] == [*first, *rest]

    async def test_what_is_dropped_is_gone_with_its_messages(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        webhook = await self.a_webhook(begin, acme)
        message = self.a_message(webhook)
        async with begin(acme.account_id) as work:
            await work.webhooks.add_messages([message])
            await work.webhooks.drop(webhook.id)
            await work.secrets.drop(webhook.target)
            await work.commit()

        async with begin(acme.account_id) as work:
            for look in (work.webhooks.get(webhook.id), work.webhooks.message(message.id)):
                with pytest.raises(NotFound):
                    await look

    @pytest.mark.parametrize(
        ("wanted", "off", "told"),
        [
            (EventKind.HANDOFF_ESCALATED, False, True),
            (EventKind.HANDOFF_CLAIMED, False, False),
            (EventKind.HANDOFF_ESCALATED, True, False),
        ],
    )
    async def test_an_event_is_told_to_webhooks_that_want_it(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, wanted: EventKind, off: bool, told: bool
    ) -> None:
        webhook = await self.a_webhook(begin, acme, kinds=frozenset({wanted}))
        if off:
            async with begin(acme.account_id) as work:
                await work.webhooks.save(webhook.switched_off("off", at=NOON))
                await work.commit()
        event = await self.happened(begin, acme)

        assert ([(WorkKind.WEBHOOKS, event.id)] if told else []) == await self.due(outbox, acme)

    async def test_no_webhook_is_told_of_a_park(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.a_webhook(begin, acme, kinds=frozenset(EventKind))
        await self.happened(begin, acme, private=True)

        assert [] == await self.due(outbox, acme)

    async def test_an_event_that_is_not_recorded_is_told_to_nobody(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.a_webhook(begin, acme)
        async with begin(acme.account_id) as work:
            await work.webhooks.caused(EventId(new_id()))
            await work.commit()

        assert [] == await self.due(outbox, acme)

    async def test_an_event_is_had_by_its_id(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        event = case.events[-1]
        assert event.id

        async with begin(acme.account_id) as work:
            assert event == (await work.webhooks.event(event.id)).event
            with pytest.raises(NotFound):
                await work.webhooks.event(EventId(new_id()))

    async def test_anothers_webhooks_do_not_exist(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, globex: Staff) -> None:
        """A27: nor are they told of what happens elsewhere."""
        webhook = await self.a_webhook(begin, acme, kinds=frozenset(EventKind))
        message = self.a_message(webhook)
        async with begin(acme.account_id) as work:
            await work.webhooks.add_messages([message])
            await work.commit()
        await self.due(outbox, acme)
        await self.happened(begin, globex)

        assert [] == [*await self.due(outbox, globex), *await self.due(outbox, acme)]
        async with begin(globex.account_id) as work:
            assert [] == list(await work.webhooks.all())
            assert [] == list(await work.webhooks.messages(webhook.id, before=None, limit=10))
            for look in (work.webhooks.get(webhook.id), work.webhooks.message(message.id)):
                with pytest.raises(NotFound):
                    await look
            await work.webhooks.save(webhook.switched_off("theirs", at=NOON))
            await work.webhooks.save_message(evolve(message, state=DeliveryState.DEAD))
            await work.webhooks.drop(webhook.id)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert (webhook, message) == (await work.webhooks.get(webhook.id), await work.webhooks.message(message.id))

    async def happened(self, begin: BeginWork[UnitOfWork], staff: Staff, *, private: bool = False) -> Event:
        """An escalation, or a park, on record with the reaction that tells webhooks."""
        case = await (a_session(by=staff.anna).parked() if private else an_escalation(by=staff.anna)).kept(begin)
        event = evolve(case.events[-1], id=EventId(new_id()))
        async with begin(staff.account_id) as work:
            await work.webhooks.caused(EventId(event.id or new_id()))
            await work.record(event)
            await work.commit()
        return event
