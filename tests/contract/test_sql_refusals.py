"""What PostgreSQL refuses, in the core's words."""

from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.sql.pool import Pool
from flowpilot_adapters.sql.unit_of_work import Beginning
from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.errors import KeyInProgress, NotFound, Stale, Unauthenticated, Unavailable
from flowpilot_core.domain.kernel.identifiers import EventId, TokenId, UserId
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.kernel import Once
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, a_staff, an_escalation, new_id
from tests.support.postgres import PostgresDatabase

pytestmark = pytest.mark.anyio


@frozen
class World:
    database: PostgresDatabase
    storage: Database
    acme: Staff
    case: Case

    def pool(self, **settings: str) -> Pool:
        """One connection with other settings."""
        options = "%20".join(f"-c{name}%3D{value}" for name, value in settings.items())
        return Pool(f"{self.database.app}&options={options}", size=1)

    async def save(self, pool: Pool) -> None:
        """Save the session over another connection."""
        async with Beginning(pool, self.acme.account_id, None) as work:
            await work.sessions.save(self.case.session)
            await work.commit()

    @property
    def once(self) -> Once:
        return Once(user_id=self.acme.anna.user_id, key="key", fingerprint=b"x", at=NOON, expired=NOON - timedelta(hours=24))


@pytest.fixture
async def world(database: PostgresDatabase) -> AsyncIterator[World]:
    storage = Database(database.app)
    acme = await a_staff().kept(storage.begin)
    yield World(database, storage, acme, await an_escalation(by=acme.anna).kept(storage.begin))
    await storage.close()


async def test_a_request_that_waits_too_long_for_the_same_one_hears_that_it_is_running(world: World) -> None:
    """F05."""
    pool = world.pool(lock_timeout="20ms")

    async with world.storage.begin(world.acme.account_id, world.once) as first:
        await first.people.account()
        with pytest.raises(KeyInProgress):
            async with Beginning(pool, world.acme.account_id, world.once) as second:
                await second.people.account()

    await pool.close()


async def test_who_waits_too_long_for_a_row_hears_that_nothing_happened(world: World) -> None:
    """F13."""
    pool = world.pool(lock_timeout="20ms")

    async with world.storage.begin(world.acme.account_id) as first:
        await first.sessions.save(world.case.session)
        await first.people.account()
        with pytest.raises(Unavailable):
            await world.save(pool)
        await first.commit()

    await pool.close()


async def test_a_statement_that_takes_too_long_is_unavailable(world: World) -> None:
    """F13."""
    pool = world.pool(statement_timeout="20ms")

    async with world.storage.begin(world.acme.account_id) as first:
        await first.sessions.save(world.case.session)
        await first.people.account()
        with pytest.raises(Unavailable):
            await world.save(pool)

    await pool.close()


async def test_after_a_refusal_nothing_can_be_committed_by_mistake(world: World) -> None:
    """The server would answer the commit with a roll-back, and no error."""
    nobody = ApiToken(id=TokenId(new_id()), user_id=UserId(new_id()), digest=b"x", created_at=NOON)

    async with world.storage.begin(world.acme.account_id) as work:
        await work.tokens.add(nobody)
        with pytest.raises(NotFound):
            await work.people.users()
        await work.sessions.add(a_session(by=world.acme.anna).session)
        with pytest.raises(Stale):
            await work.commit()


async def test_who_was_deactivated_meanwhile_cannot_claim(world: World) -> None:
    world.database.do(f"UPDATE flowpilot.person SET deactivated_at = now() WHERE id = '{world.acme.ben.user_id}'")

    with pytest.raises(Unauthenticated):
        async with world.storage.begin(world.acme.account_id) as work:
            await work.handoffs.claim(
                world.case.handoff.id,
                by=world.acme.ben,
                at=NOON,
                event_id=EventId(new_id()),
                request_id=None,
                expected=None,
                commit=True,
            )


async def test_where_no_server_is_everything_is_unavailable(world: World) -> None:
    nowhere = "postgresql://flowpilot_app@/none?host=/nowhere"
    storage, outbox = Database(nowhere), SqlOutbox(nowhere)

    with pytest.raises(Unavailable):
        await storage.view(world.acme.account_id).queue(QueueFilter(), after=None, limit=1)
    with pytest.raises(Unavailable):
        await storage.begin(world.acme.account_id).__aenter__()
    with pytest.raises(Unavailable):
        await storage.is_at_head()
    with pytest.raises(Unavailable):
        await outbox.take({}, others=1, lease_for=timedelta(seconds=1))

    await storage.close()
    await outbox.close()


async def test_what_says_that_the_program_is_wrong_stays_what_it_is(world: World, own_database: PostgresDatabase) -> None:
    own_database.do("ALTER TABLE flowpilot.team RENAME TO stray")
    storage = Database(own_database.app)

    with pytest.raises(psycopg.errors.UndefinedTable):
        async with storage.begin(world.acme.account_id) as work:
            await work.people.teams()

    await storage.close()
