"""What an operator does about the relay and its deliveries, each command a process of its own on a real database."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve, frozen

from flowpilot_adapters.sql import Database, SqlMarks
from flowpilot_adapters.sql.relay.restore_marks import FAR
from flowpilot_core.application.relay.restores import RESTORED
from tests.support.escalation import Stuck, stuck
from tests.support.mail_server import AiosmtpdServer
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.serving import named, ran, running, said

pytestmark = pytest.mark.anyio


@frozen
class Escalated:
    """Anna has escalated, and three people are to be told."""

    anna: Stuck
    database: PostgresDatabase
    mail: AiosmtpdServer
    data_dir: str | None = None
    """Where its relay remembers; None for a folder that is the database's own."""

    @classmethod
    async def on(cls, database: PostgresDatabase, mail: AiosmtpdServer) -> "Escalated":
        store = Database(database.app, pool_size=1)
        anna = await stuck(store.begin, store.view)
        await anna.escalate(store.begin)
        await store.close()
        return cls(anna, database, mail)

    @property
    def settings(self) -> dict[str, str]:
        own = {**named(self.database), "base_url": "https://flowpilot.example", "smtp_url": self.mail.url}
        return own if self.data_dir is None else own | {"data_dir": self.data_dir}

    async def said(self, *arguments: str) -> Any:
        """What a command prints, with the mail server running meanwhile."""
        return await asyncio.to_thread(lambda: said(*arguments, **self.settings))

    async def listed(self, *more: str) -> Sequence[Mapping[str, Any]]:
        listed = await self.said("deliveries", "list", "--account", str(self.anna.account_id), *more)
        items: Sequence[Mapping[str, Any]] = listed["items"]
        return items


async def test_dead_deliveries_are_found_tried_again_and_sent(own_database: PostgresDatabase) -> None:
    async with AiosmtpdServer().running() as mail:
        house = await Escalated.on(own_database, mail)
        refused = sorted(house.anna.told)[0]
        mail.refusals[refused] = "550 5.1.1 no such user"

        first = await house.said("deliveries", "drain")
        (dead,) = await house.listed("--state", "dead")
        retried = await house.said("deliveries", "retry", "--account", str(house.anna.account_id))
        second = await house.said("deliveries", "drain")

        # Three mails, and what was written is found by search.
        assert ({"done": 4}, {"done": 1}) == (first, second)
        assert "the mail server refused the address: 550 5.1.1 no such user" == dead["last_error"]
        assert [dead["id"]] == retried["retried"]
        assert {"sent"} == {one["state"] for one in await house.listed()}
        assert 3 == len(mail.accepted)


async def test_a_restored_database_sends_nothing_until_somebody_says_so(own_database: PostgresDatabase) -> None:
    """F48: what went out after the backup is due in it once more."""
    async with AiosmtpdServer().running() as mail:
        house = await Escalated.on(own_database, mail)
        backup = own_database.do("SELECT number FROM flowpilot.relay_mark")[0][0]
        due = own_database.do("SELECT account_id::text, id::text FROM flowpilot.due_work WHERE kind = 'delivery'")
        await house.said("deliveries", "drain")
        assert 3 == len(mail.accepted)
        own_database.do(f"UPDATE flowpilot.relay_mark SET number = {backup}", "UPDATE flowpilot.delivery SET state = 'pending'")
        for account, work in due:
            own_database.do(f"INSERT INTO flowpilot.due_work VALUES ('{account}', '{work}', 'delivery', now(), 0)")

        with running("relay", **house.settings) as relay:
            await asyncio.to_thread(relay.says, "this relay rests: when it is clear what may be sent again, run `flowpilot relay resume`")
        refused = await asyncio.to_thread(lambda: ran("deliveries", "drain", **house.settings))
        before = len(mail.accepted)
        resumed = await house.said("relay", "resume")
        await house.said("deliveries", "drain")

        assert (3, 1) == (before, refused.returncode)
        assert f"relays are paused: {RESTORED}" in refused.stderr
        assert {"paused": False, "reason": RESTORED} == resumed
        assert 6 == len(mail.accepted)


async def test_a_drill_on_a_copy_leaves_productions_mail_alone(own_database: PostgresDatabase, postgres: PostgresServer) -> None:
    """F51: production's settings with only the addresses of the database changed, so with its folder too."""
    async with AiosmtpdServer().running() as mail:
        house = await Escalated.on(own_database, mail)
        before = await house.said("deliveries", "drain")
        copied = postgres.copy(own_database)
        drill = evolve(house, database=copied, data_dir=house.settings["data_dir"])
        await drill.said("relay", "pause", "a drill")
        await drill.said("relay", "resume")
        await drill.said("deliveries", "drain")
        (mark,) = copied.do("SELECT number, paused_because FROM flowpilot.relay_mark")

        later = await Escalated.on(own_database, mail)
        after = await later.said("deliveries", "drain")

        assert mark[0] > FAR
        assert ({"done": 4}, {"done": 4}) == (before, after)
        assert 6 == len(mail.accepted)
        assert [(None,)] == own_database.do("SELECT paused_because FROM flowpilot.relay_mark")
    postgres.drop(copied)


async def test_a_copy_rests_until_somebody_has_looked(own_database: PostgresDatabase, postgres: PostgresServer) -> None:
    """F48: what was sent since it was made is due in it, wherever it lies; `drain` says so too, and not that nothing is due."""
    copied = postgres.copy(own_database)
    async with AiosmtpdServer().running() as mail:
        house = await Escalated.on(own_database, mail)
        await house.said("deliveries", "drain")

        drill = evolve(house, database=copied, data_dir=house.settings["data_dir"])
        refused = await asyncio.to_thread(lambda: ran("deliveries", "drain", **drill.settings))

        assert 1 == refused.returncode
        assert f"relays are paused: {RESTORED}" in refused.stderr
    postgres.drop(copied)


async def test_relays_rest_when_an_operator_asks(own_database: PostgresDatabase) -> None:
    async with AiosmtpdServer().running() as mail:
        house = await Escalated.on(own_database, mail)

        paused = await house.said("relay", "pause", "moving house")
        refused = await asyncio.to_thread(lambda: ran("deliveries", "drain", **house.settings))

        assert {"paused": True, "reason": "moving house"} == paused
        assert "relays are paused: moving house" in refused.stderr
        assert not mail.accepted


async def test_marks_grow_and_can_be_stopped_and_let_go(own_database: PostgresDatabase) -> None:
    """F48: as the relay's role, which may do nothing else."""
    marks = SqlMarks(own_database.relay)
    try:
        first = await marks.advance(0)
        assert first is not None
        assert first + 1 == await marks.advance(first)
        assert await marks.advance(first + 2) is None
        await marks.pause("because")
        await marks.pause("another reason")
        assert await marks.advance(0) is None
        assert "because" == await marks.why_paused()
        assert await marks.resume(10**6) > 10**6
        assert await marks.why_paused() is None
        assert await marks.advance(10**6) is not None
    finally:
        await marks.close()
