"""kill -9 of whoever makes an assessment, at every step: there is one in the end, and everybody reads the same."""

import asyncio
import signal

import pytest

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_core.domain.assistant.assessment import AssessmentState
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId, SessionId
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import a_staff
from flowpilot_core.testing.faults import Faults
from tests.support import processes
from tests.support.assessing import assessing
from tests.support.postgres import PostgresDatabase
from tests.support.processes import Victim
from tests.support.product import a_product

pytestmark = pytest.mark.anyio


async def test_of_whoever_assesses_at_every_step_leaves_one_assessment(own_database: PostgresDatabase) -> None:
    """F28: each point once; the package of older readers and the one event agree with what is stored."""
    store, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    flowpilot = a_product(store, tell=False)
    staff = await a_staff().kept(store.begin)

    async def escalated() -> tuple[SessionId, HandoffId]:
        own_database.do("DELETE FROM flowpilot.due_work")
        session = await flowpilot.sessions.start(staff.anna, title="No mail", problem="Nothing arrives")
        await flowpilot.sessions.add_step(staff.anna, session.session.id, kind=StepKind.ACTION, content="looked", result=StepResult.FAILED)
        made = await flowpilot.handoffs.hand_off(staff.anna, session.session.id, intent=Intent.ESCALATE, reason="stuck")
        own_database.do("DELETE FROM flowpilot.due_work WHERE kind <> 'assessment'")
        return session.session.id, made.handoff.id

    await escalated()
    passing = Faults()
    await assessing(store.begin, store.view, outbox, passing).run_once()
    points = passing.seen

    assert {"outbox.take: after", "model.assess: before", "model.assess: after", "commit: after"} <= set(points)
    for point in points:
        session_id, handoff_id = await escalated()
        victim = Victim.of(processes.assess, own_database.app, own_database.relay, point)
        assert -signal.SIGKILL == await asyncio.to_thread(victim.ended), point
        own_database.do("UPDATE flowpilot.due_work SET lease_until = now() WHERE lease_until IS NOT NULL")
        while await assessing(store.begin, store.view, outbox, Faults()).run_once():
            pass

        (judged,) = await flowpilot.assessments.list(staff.ben, handoff_id, after=None, limit=10)
        assert AssessmentState.READY == judged.assessment.state, point
        events = await store.view(staff.account_id).events(after=0, limit=10_000)
        told = [one.event for one in events if one.event.handoff_id == handoff_id and one.event.kind is EventKind.HANDOFF_ASSESSED]
        assert 1 == len(told), point
        package = (await flowpilot.sessions.get(staff.ben, session_id)).session.escalation_package
        assert package is not None
        assert judged.assessment.plain() == package["assessment"], point
    await outbox.close()
    await store.close()
