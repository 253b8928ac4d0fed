"""A connection's address is found by its digest alone, and a ticket is looked at once for however much is told of it."""

from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PsaConnectionId, PsaTicketId, SecretId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Lease, Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import Contract

from .ledger import a_connection

FIRST, SECOND = token_digest(b"the first address"), token_digest(b"the second address")
TICKET = Ticket(system="halopsa", id="1001")


class PsaWebhooksContract(Contract):
    """The suite."""

    async def test_an_address_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        webhook = await self.renewed(begin, acme, await self.connected(begin, acme), FIRST)

        async with begin(acme.account_id) as work:
            assert webhook == await work.psa_webhooks.by(FIRST) == await work.psa_webhooks.of(webhook.connection_id)

    async def test_a_connection_has_one_address(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        connection = await self.connected(begin, acme)
        await self.renewed(begin, acme, connection, FIRST)
        renewed = await self.renewed(begin, acme, connection, SECOND)

        async with begin(acme.account_id) as work:
            assert renewed == await work.psa_webhooks.by(SECOND)
            with pytest.raises(NotFound):
                await work.psa_webhooks.by(FIRST)

    async def test_an_address_that_was_dropped_is_gone(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        webhook = await self.renewed(begin, acme, await self.connected(begin, acme), FIRST)
        async with begin(acme.account_id) as work:
            await work.psa_webhooks.drop(webhook.connection_id)
            await work.psa_webhooks.drop(PsaConnectionId(new_id()))
            await work.secrets.drop(webhook.secret_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            for look in (work.psa_webhooks.by(FIRST), work.psa_webhooks.of(webhook.connection_id)):
                with pytest.raises(NotFound):
                    await look

    async def test_no_address_of_another_account_is_known(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A27."""
        webhook = await self.renewed(begin, acme, await self.connected(begin, acme), FIRST)

        async with begin(globex.account_id) as work:
            for look in (work.psa_webhooks.by(FIRST), work.psa_webhooks.of(webhook.connection_id)):
                with pytest.raises(NotFound):
                    await look

    async def test_a_ticket_that_a_session_is_on_is_looked_at(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        connection = await self.connected(begin, acme)
        ticket = await self.told(begin, acme, connection, await self.on(begin, acme))

        assert [(ticket.id, connection.id)] == [(lease.work_id, lease.target) for lease in await self.taken(outbox, acme)]
        async with begin(acme.account_id) as work:
            assert ticket == await work.psa_webhooks.ticket(ticket.id)

    async def test_a_ticket_that_no_session_is_on_is_nothing_to_us(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, globex: Staff
    ) -> None:
        connection = await self.connected(begin, acme)
        await self.on(begin, acme, Ticket(system="halopsa", id="1002"))
        await self.on(begin, acme, Ticket(system="autotask", id="1001"))
        await self.on(begin, globex)
        ticket = await self.told(begin, acme, connection)

        assert [] == await self.taken(outbox, acme)
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.psa_webhooks.ticket(ticket.id)

    async def test_however_often_it_is_told_one_look_is_due_and_it_knows_what_was_seen(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        connection = await self.connected(begin, acme)
        await self.on(begin, acme)
        first = await self.told(begin, acme, connection)
        async with begin(acme.account_id) as work:
            await work.psa_webhooks.save_ticket(evolve(first, closed=True))
            await work.commit()
        for _ in range(3):
            await self.told(begin, acme, connection)

        assert [first.id] == [lease.work_id for lease in await self.taken(outbox, acme)]
        async with begin(acme.account_id) as work:
            assert evolve(first, closed=True) == await work.psa_webhooks.ticket(first.id)

    async def test_more_news_make_a_look_that_is_going_on_void(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        connection = await self.connected(begin, acme)
        await self.on(begin, acme)
        await self.told(begin, acme, connection)
        (going_on,) = await self.taken(outbox, acme)
        await self.told(begin, acme, connection)

        async with begin(acme.account_id) as work:
            assert not await work.due.holds(going_on)
            assert not await work.due.finish(going_on)
        (again,) = await self.taken(outbox, acme)
        assert (going_on.work_id, 1) == (again.work_id, again.takes)

    async def test_a_ticket_that_was_looked_at_is_looked_at_again_once_there_is_news(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        connection = await self.connected(begin, acme)
        await self.on(begin, acme)
        await self.told(begin, acme, connection)
        (lease,) = await self.taken(outbox, acme)
        async with begin(acme.account_id) as work:
            assert await work.due.finish(lease)
            await work.commit()
        assert [] == await self.taken(outbox, acme)

        await self.told(begin, acme, connection)

        assert [lease.work_id] == [one.work_id for one in await self.taken(outbox, acme)]

    async def test_the_sessions_on_a_ticket_are_those_that_have_not_ended(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        connection = await self.connected(begin, acme)
        case = a_session(by=acme.anna, ticket=TICKET)
        going_on = [a_session(by=acme.anna, ticket=TICKET), case.parked(), a_session(by=acme.anna, ticket=TICKET).escalated()]
        over = [a_session(by=acme.anna, ticket=TICKET).resolved(), a_session(by=acme.anna, ticket=TICKET).abandoned()]
        for one in (*going_on, *over, a_session(by=acme.anna), a_session(by=globex.anna, ticket=TICKET)):
            await one.kept(begin)
        ticket = await self.told(begin, acme, connection)

        async with begin(acme.account_id) as work:
            assert sorted(one.id for one in going_on) == list(await work.psa_webhooks.open_sessions(ticket))

    async def connected(self, begin: BeginWork[UnitOfWork], staff: Staff) -> PsaConnection:
        connection = a_connection()
        async with begin(staff.account_id) as work:
            await self._locked_away(work, connection.secret_id)
            await work.psa.add(connection)
            await work.commit()
        return connection

    async def renewed(self, begin: BeginWork[UnitOfWork], staff: Staff, connection: PsaConnection, digest: bytes) -> PsaWebhook:
        webhook = PsaWebhook(connection_id=connection.id, digest=digest, secret_id=SecretId(new_id()), made_at=NOON)
        async with begin(staff.account_id) as work:
            await self._locked_away(work, webhook.secret_id)
            await work.psa_webhooks.renew(webhook)
            await work.commit()
        return webhook

    async def on(self, begin: BeginWork[UnitOfWork], staff: Staff, ticket: Ticket = TICKET) -> Case:
        """A session on a ticket."""
        return await a_session(by=staff.anna, ticket=ticket).kept(begin)

    async def told(self, begin: BeginWork[UnitOfWork], staff: Staff, connection: PsaConnection, _: Case | None = None) -> WatchedTicket:
        ticket = WatchedTicket(id=PsaTicketId(new_id()), connection_id=connection.id, ticket_id=TICKET.id)
        async with begin(staff.account_id) as work:
            await work.psa_webhooks.told(ticket)
            await work.commit()
        return ticket

    async def taken(self, outbox: Outbox, staff: Staff) -> list[Lease]:
        """The looks of this account that are due."""
        leases = await outbox.take({WorkKind.PSA_TICKET: 100}, lease_for=timedelta(minutes=3))
        return [lease for lease in leases if lease.account_id == staff.account_id]

    async def _locked_away(self, work: UnitOfWork, secret_id: SecretId) -> None:
        await work.secrets.put(SealedSecret(id=secret_id, purpose="psa", sealed=b"sealed", key_id="now", created_at=NOON + MINUTE))
