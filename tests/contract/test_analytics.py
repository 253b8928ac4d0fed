"""Kept figures against the event log: what differs is found, and a database from before they were kept has them too."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot_adapters.memory import MemoryStore
from flowpilot_adapters.sql import Database, migrations
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.insights.analytics import Analytics, Difference
from flowpilot_core.domain.assistant.assessment import Assessment
from flowpilot_core.domain.insights.analytics import GroupBy
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import FlowPilotError
from flowpilot_core.domain.kernel.identifiers import AssessmentId, PsaPostId
from flowpilot_core.domain.psa.connection import NoteKind, TicketAction
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, a_staff, recorded
from flowpilot_core.testing.contracts.assistant.assessments import ORIGIN, a_diagnosis
from flowpilot_core.testing.contracts.contract import closed
from flowpilot_core.testing.contracts.insights.figures import PRINTS, a_kept_connection, a_published_tree, posted
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
        (f"UPDATE {HANDOFF} SET first_step_at = NULL", {"time_to_first_step", "time_to_first_step_classes", "claimed_without_step"}),
        (
            f"UPDATE {HANDOFF} SET claimed_at = claimed_at + interval '1 microsecond'",
            {"time_to_claim", "time_to_first_step", "time_to_first_step_classes"},
        ),
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

    migrations.downgrade(kept.database.owner, "0035")
    migrations.migrate(kept.database.owner)

    assert before == [kept.database.do(rows) for rows in columns]


async def _posts_and_assessments(kept: Kept) -> None:
    begin, staff = kept.storage.begin, kept.staff
    connection = await a_kept_connection(begin, staff)
    case = await a_session(by=staff.anna).step().escalated().kept(begin)
    post = PsaPost(
        id=PsaPostId(new_id()),
        connection_id=connection.id,
        session_id=case.id,
        ticket_id="1",
        kind=NoteKind.RESOLVED,
        action=TicketAction.TIME_ENTRY,
        created_at=NOON,
        updated_at=NOON,
    )
    await posted(begin, staff, post.taken(sent="45 minutes of Anna, until it was resolved", minutes=45, at=NOON).posted("2", "ok", at=NOON))
    pending = Assessment.of(AssessmentId(new_id()), case.handoff)
    async with begin(staff.account_id) as work:
        await work.assessments.add(pending)
        await work.commit()
    async with begin(staff.account_id) as work:
        await work.assessments.save(pending.ready(a_diagnosis(case), ORIGIN, at=NOON))
        await work.commit()


async def test_what_an_assessment_and_a_post_do_not_come_to_is_found(kept: Kept) -> None:
    """F58."""
    await _posts_and_assessments(kept)
    assert () == await kept.verified()

    kept.database.do("UPDATE flowpilot.assessment SET cited = 7, dropped = 0")

    assert {"cited", "dropped"} == {figure for one in await kept.verified() for figure in one.figures}


async def test_a_database_from_before_posts_and_assessments_said_it_has_what_they_come_to(kept: Kept) -> None:
    """F58: minutes that were entered, and citations, are read from what posts and assessments say."""
    await _posts_and_assessments(kept)
    rows = "SELECT to_jsonb(psa_post) FROM flowpilot.psa_post", "SELECT to_jsonb(assessment) FROM flowpilot.assessment"
    before = [kept.database.do(row) for row in rows]
    await kept.storage.close()

    migrations.downgrade(kept.database.owner, "0050")
    migrations.migrate(kept.database.owner)

    assert before == [kept.database.do(row) for row in rows]
    assert (45, 6, 2) == (before[0][0][0]["minutes"], before[1][0][0]["cited"], before[1][0][0]["dropped"])


FOLLOW = "follow a tree"
QUIET = "the claim went quiet"
MOVES: Mapping[str, Callable[[Case, Staff], Case]] = {
    "step": lambda case, _: case.step(),
    "result": lambda case, _: case.result(StepResult.WORKED),
    "fork": lambda case, _: case.fork(),
    "dead end": lambda case, _: case.closed("cable"),
    "escalate": lambda case, staff: case.escalated(team_id=staff.network.id, priority=Priority.URGENT),
    "escalate later": lambda case, _: case.escalated(at=case.at + timedelta(days=40)),
    "escalate late": lambda case, _: case.escalated(at=case.at - timedelta(days=40)),
    "reroute": lambda case, staff: case.rerouted(team_id=staff.bench.id, priority=Priority.LOW),
    "claim by Ben": lambda case, staff: case.claimed_by(staff.ben),
    "claim by Olga": lambda case, staff: case.claimed_by(staff.olga, at=case.at + timedelta(days=3)),
    "unclaim": lambda case, _: case.unclaimed(),
    "lapse": lambda case, staff: case.lapsed(System(account_id=staff.account_id, cause=QUIET)),
    "withdraw": lambda case, _: case.withdrawn(),
    "park": lambda case, _: case.parked(),
    "resume": lambda case, _: case.resumed(),
    "reassign": lambda case, staff: case.reassigned_to(staff.adam),
    "join": lambda case, staff: case.joined_by(staff.ben),
    "step of a helper": lambda case, staff: case.step(by=staff.ben),
    "resolve": lambda case, _: case.resolved(),
    "abandon": lambda case, _: case.abandoned(),
    "reopen": lambda case, staff: case.reopened_by(staff.ben),
    "yes": lambda case, _: case.at_node(PRINTS, "Yes"),
    "no": lambda case, _: case.at_node(PRINTS, "No"),
    "done at a node": lambda case, _: case.at_node(PRINTS, result=StepResult.WORKED),
    "leave the tree": lambda case, _: case.walk_left(),
}
WALKS = st.lists(st.lists(st.sampled_from(sorted((*MOVES, FOLLOW))), max_size=25), min_size=1, max_size=3)


@pytest.mark.hypothesis
@pytest.mark.parametrize("store", ["memory", "postgres"])
def test_after_any_walk_all_figures_are_what_the_event_log_says(database: PostgresDatabase, store: str) -> None:
    """F58: late events, lapses, reopened sessions, verdicts, and in the end the account is closed."""

    @settings(deadline=None, max_examples=100 if store == "memory" else 15, suppress_health_check=list(HealthCheck))
    @given(WALKS, st.sampled_from(Verdict))
    def walk(walks: list[list[str]], verdict: Verdict) -> None:
        asyncio.run(_walked(database if store == "postgres" else None, walks, verdict))

    walk()


async def _walked(database: PostgresDatabase | None, walks: list[list[str]], verdict: Verdict) -> None:
    storage = Database(database.app, pool_size=2) if database else MemoryStore(clock=SystemClock(), new_token=new_id)
    staff = await a_staff("Walking").kept(storage.begin)
    analytics = Analytics(begin=storage.begin, view=storage.view, clock=SystemClock())
    tree = await a_published_tree(storage.begin, staff.adam)
    for number, moves in enumerate(walks):
        case = a_session(by=staff.anna, client_name=None if number else "Contoso", at=NOON - number * timedelta(days=50))
        for move in moves:
            # What is not allowed as it stands, or has nothing to be done to, is left out of the walk.
            with suppress(FlowPilotError, IndexError, StopIteration):
                case = case.walking(tree, PRINTS) if move == FOLLOW else MOVES[move](case, staff)
        case = await case.kept(storage.begin)
        for handoff in case.handoffs:
            if handoff.claim:
                by = next(person for person in staff.people if person.user_id == handoff.claim.by)
                judgement, event = handoff.judged(verdict, None, by=by, at=NOON)
                async with storage.begin(staff.account_id) as work:
                    await work.feedback.judge(judgement)
                    await work.record(recorded(event))
                    await work.commit()
        assert () == await analytics.verify(staff.account_id)
    await closed(storage.begin, staff, NOON)
    assert () == await analytics.verify(staff.account_id)
    if isinstance(storage, Database):
        await storage.close()
