"""The audit log against whoever has the database itself: what they change or take away shows."""

import json
from collections.abc import AsyncIterator

import pytest
from attrs import evolve, frozen

from flowpilot_adapters.sql import Database
from flowpilot_core.application.access.audit import Auditing
from flowpilot_core.domain.access.audit import AuditBroken, AuditHead, Deed, DeedKind
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.testing.builders import NOON, Staff, a_staff, new_id
from tests.support.postgres import PostgresDatabase
from tests.support.serving import named, ran, said

pytestmark = pytest.mark.anyio

ENTRIES = 5
ENTRY = "flowpilot.audit_entry"


@frozen
class Kept:
    """An account's log with some entries, and how it ended before anybody came."""

    storage: Database
    database: PostgresDatabase
    staff: Staff
    end: AuditHead

    async def verified(self) -> AuditHead:
        return await Auditing(begin=self.storage.begin).verify(self.staff.account_id)

    async def broken_at(self, *statements: str) -> int:
        """Where the log is found broken once the database's owner has run these."""
        self.database.do(*statements)
        with pytest.raises(AuditBroken) as broken:
            await self.verified()
        return broken.value.number


@pytest.fixture
async def kept(own_database: PostgresDatabase) -> AsyncIterator[Kept]:
    storage = Database(own_database.app, pool_size=1)
    staff = await a_staff("Acme").kept(storage.begin)
    anna = evolve(staff.anna, way_in=WayIn(way=Way.TOKEN, id=new_id()))
    async with storage.begin(staff.account_id) as work:
        for _ in range(ENTRIES):
            entry = await work.audit.add(Deed.of(DeedKind.USER_CHANGED, by=anna, at=NOON, changed={"role": "viewer"}))
        await work.commit()
    yield Kept(storage=storage, database=own_database, staff=staff, end=entry.head)
    await storage.close()


@pytest.mark.parametrize(
    "change",
    [
        'changed = \'{"role": "owner"}\'',
        "by_user_id = NULL",
        "way = 'link'",
        "way_id = NULL",
        "at = at + interval '1 second'",
        "cause = 'a policy'",
        "kind = 'user.added'",
        "request_id = 'another'",
        "digest = repeat('0', 64)",
        "previous = ''",
    ],
)
async def test_an_entry_that_was_changed_by_the_owner_is_found(kept: Kept, change: str) -> None:
    """A37."""
    assert kept.end == await kept.verified()

    assert 3 == await kept.broken_at(f"UPDATE {ENTRY} SET {change} WHERE number = 3")


@pytest.mark.parametrize("number", [1, 3, ENTRIES])
async def test_an_entry_that_was_taken_away_by_the_owner_is_found(kept: Kept, number: int) -> None:
    """A37: the first, one in between, and the last."""
    assert number == await kept.broken_at(f"DELETE FROM {ENTRY} WHERE number = {number}")


async def test_a_log_cut_short_with_its_end_moved_is_told_by_the_end_that_was_kept(kept: Kept) -> None:
    """A37: it is whole in itself, and no longer the log that ended there."""
    kept.database.do(
        f"DELETE FROM {ENTRY} WHERE number > 3",
        f"UPDATE flowpilot.audit_head SET number = 3, digest = (SELECT digest FROM {ENTRY} WHERE number = 3)",
    )

    assert kept.end.number > (await kept.verified()).number


async def test_the_command_says_where_the_log_ends_or_what_is_not_as_it_was(kept: Kept) -> None:
    """A37."""
    asked = ("audit", "verify", "--account", str(kept.staff.account_id))

    whole = said(*asked, **named(kept.database))
    kept.database.do(f"UPDATE {ENTRY} SET changed = '{{}}' WHERE number = 2")
    broken = ran(*asked, "--json", **named(kept.database))

    assert {"ok": True, "number": kept.end.number, "digest": kept.end.digest} == whole
    assert (1, {"ok": False, "broken_at": 2}) == (broken.returncode, json.loads(broken.stdout))


async def test_the_command_lists_who_did_what_by_which_way_in(kept: Kept) -> None:
    """A45"""
    asked = ("audit", "list", "--account", str(kept.staff.account_id), "--limit", "2")

    listed = said(*asked, **named(kept.database))["items"]
    shown = ran(*asked, **named(kept.database)).stdout.splitlines()

    assert [ENTRIES, ENTRIES - 1] == [one["number"] for one in listed]
    assert {"token"} == {one["way_in"]["way"] for one in listed}
    assert [f"user.changed  {kept.staff.anna.name} (by token {one['way_in']['id']})" for one in listed] == [line[26:] for line in shown]
