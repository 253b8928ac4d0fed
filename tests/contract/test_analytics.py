"""Kept figures against the event log: what differs is found, and a database from before they were kept has them too."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database, migrations
from flowpilot_adapters.system import SystemClock
from flowpilot_core.application.insights.analytics import Analytics, Difference
from flowpilot_core.domain.insights.analytics import GroupBy, Subject
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, a_session, a_staff
from tests.support.postgres import PostgresDatabase
from tests.support.serving import named, ran, said

pytestmark = pytest.mark.anyio

SESSION = "flowpilot.session"
HANDOFF = "flowpilot.handoff"


@frozen
class Kept:
    """An account in which all happened that figures count."""

    storage: Database
    database: PostgresDatabase
    staff: Staff

    async def verified(self) -> tuple[Difference, ...]:
        analytics = Analytics(begin=self.storage.begin, view=self.storage.view, clock=SystemClock())
        return await analytics.verify(self.staff.account_id)


@pytest.fixture
async def kept(own_database: PostgresDatabase) -> AsyncIterator[Kept]:
    storage = Database(own_database.app, pool_size=2)
    staff = await a_staff("Acme").kept(storage.begin)
    quiet = System(account_id=staff.account_id, cause="the claim went quiet")
    case = a_session(by=staff.anna).step().fork().closed("cable").escalated(team_id=staff.network.id).rerouted().claimed_by(staff.ben)
    case = case.step().lapsed(quiet).claimed_by(staff.olga).unclaimed().claimed_by(staff.ben).step().resolved().reopened_by(staff.ben)
    await case.escalated(at=case.at + 3 * MINUTE).claimed_by(staff.adam).joined_by(staff.olga).step(by=staff.olga).kept(storage.begin)
    await a_session(by=staff.anna).escalated().claimed_by(staff.ben).parked().resumed().step().kept(storage.begin)
    await a_session(by=staff.anna, at=NOON - timedelta(days=700)).escalated().claimed_by(staff.ben).abandoned().kept(storage.begin)
    yield Kept(storage=storage, database=own_database, staff=staff)
    await storage.close()


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        (f"UPDATE {HANDOFF} SET reroutes = reroutes + 1", {"reroutes"}),
        (f"UPDATE {HANDOFF} SET lapses = 0", {"lapsed"}),
        (f"UPDATE {HANDOFF} SET unclaims = 7", {"unclaimed"}),
        (f"UPDATE {HANDOFF} SET first_step_at = NULL", {"time_to_first_step", "claimed_without_step"}),
        (f"UPDATE {HANDOFF} SET claimed_at = claimed_at + interval '1 microsecond'", {"time_to_claim", "time_to_first_step"}),
        (f"UPDATE {SESSION} SET reopenings = 0", {"reopened"}),
        (f"UPDATE {SESSION} SET resolved_at = NULL", {"time_to_resolve"}),
        (f"UPDATE {SESSION} SET helped = false", {"helped"}),
        (f"UPDATE {SESSION} SET forks = 0, dead_ends = 0", {"forks", "dead_ends"}),
    ],
)
async def test_what_is_not_as_the_event_log_says_is_found(kept: Kept, change: str, figures: set[str]) -> None:
    """F58."""
    assert () == await kept.verified()

    kept.database.do(change)

    found = await kept.verified()
    assert figures == {figure for one in found for figure in one.figures}
    assert {None, GroupBy.DAY} <= {one.group_by for one in found}


async def test_the_command_says_whether_figures_are_what_the_event_log_says(kept: Kept) -> None:
    """F58."""
    asked = ("analytics", "verify", "--account", str(kept.staff.account_id))

    alike = said(*asked, **named(kept.database))
    kept.database.do(f"UPDATE {SESSION} SET helped = false")
    differing = ran(*asked, "--json", **named(kept.database))
    in_words = ran(*asked, **named(kept.database))

    assert {"ok": True, "differences": []} == alike
    assert 1 == differing.returncode == in_words.returncode
    told = json.loads(differing.stdout)
    assert (False, {"of": Subject.WORK, "group_by": None, "key": "total", "figures": ["helped"]}) == (told["ok"], told["differences"][0])
    assert "work, in all: helped" == in_words.stdout.splitlines()[0]


async def test_a_database_from_before_figures_were_kept_has_them(kept: Kept) -> None:
    """F58: what became of sessions is read from their event log once, as the schema is brought up."""
    columns = "SELECT to_jsonb(session) FROM flowpilot.session ORDER BY id", "SELECT to_jsonb(handoff) FROM flowpilot.handoff ORDER BY id"
    before = [kept.database.do(rows) for rows in columns]
    await kept.storage.close()

    migrations.downgrade(kept.database.owner, "0046-1")
    migrations.migrate(kept.database.owner)

    assert before == [kept.database.do(rows) for rows in columns]
