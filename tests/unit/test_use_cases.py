"""The use cases, move by move, over the in-memory peer."""

from asyncio import gather
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.application.kernel.units import MOST_TRIES, Request
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Person, Role, System, Way, WayIn
from flowpilot_core.domain.kernel.errors import (
    AlreadyClaimed,
    FlowPilotError,
    InvalidTransition,
    InvalidValue,
    KeyReused,
    NotAssignee,
    NotFound,
    OwnHandoff,
    RoleForbidden,
    SnapshotDamaged,
    Stale,
    Unauthenticated,
    Unavailable,
    VersionConflict,
)
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId, BranchId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.sessions.branch import BranchState, Option, Outcome
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.ports.handoffs import HandoffDetail, QueueFilter, StoredSnapshot
from flowpilot_core.ports.kernel import AlreadyAnswered, Answer, Once
from flowpilot_core.ports.notifications import NotSent
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, new_id
from tests.support.office import Office

pytestmark = pytest.mark.anyio

ALL = 1_000


@pytest.fixture
async def office() -> Office:
    return await Office.opened()


class TestSessions:
    async def test_a_session_goes_from_start_to_resolution(self, office: Office) -> None:
        anna, sessions = office.staff.anna, office.product.sessions
        session_id = await office.session()
        step = (await sessions.add_step(anna, session_id, kind=StepKind.ACTION, content="rebooted it", evidence="it blinked")).step
        changed, names = await sessions.set_result(anna, session_id, step.id, result=StepResult.FAILED)
        forked = await sessions.fork(
            anna,
            session_id,
            at_step_id=step.id,
            reason="two ideas",
            options=[Option(label="cable", hypothesis="it is broken"), Option(label="switch", hypothesis="it is off")],
        )
        cable, switch = forked.fork_point.branch_ids
        await sessions.activate_branch(anna, session_id, switch)
        await sessions.close_branch(anna, session_id, switch, outcome=Outcome.DEAD_END, reason="it is on")
        resolved = await sessions.resolve(anna, session_id, summary="replaced the cable", root_cause="a mouse")

        assert (StepResult.FAILED, "it blinked", {anna.user_id: anna.name}) == (changed.result, changed.evidence, names)
        assert (Status.RESOLVED, cable) == (resolved.session.status, resolved.session.branches.active_id)
        assert BranchState.DEAD_END == resolved.session.branches.get(switch).state
        assert resolved == await sessions.get(anna, session_id)
        assert [
            EventKind.SESSION_STARTED,
            EventKind.STEP_ADDED,
            EventKind.STEP_CHANGED,
            EventKind.BRANCH_FORKED,
            EventKind.BRANCH_ACTIVATED,
            EventKind.BRANCH_CLOSED,
            EventKind.SESSION_RESOLVED,
        ] == await office.happened()

    async def test_who_reopens_gets_the_session_and_may_abandon_it(self, office: Office) -> None:
        sessions, session_id = office.product.sessions, await office.session()
        await sessions.resolve(office.staff.anna, session_id, summary="replaced it")

        reopened = await sessions.reopen(office.staff.ben, session_id, reason="it is back")
        abandoned = await sessions.abandon(office.staff.ben, session_id, reason="they left")

        assert (Status.ACTIVE, office.staff.ben.user_id) == (reopened.session.status, reopened.session.assignee_id)
        assert Status.ABANDONED == abandoned.session.status

    async def test_every_change_raises_the_version_and_says_it_with_the_answer(self, office: Office) -> None:
        sessions, session_id = office.product.sessions, await office.session()
        await sessions.add_step(office.staff.anna, session_id, kind=StepKind.NOTE, content="a note")
        resolved = await sessions.resolve(office.staff.anna, session_id, summary="done")

        assert 3 == resolved.session.version == (await sessions.get(office.staff.vera, session_id)).session.version

    async def test_a_parked_session_is_resumed_by_its_assignee(self, office: Office) -> None:
        park = await office.park()
        session_id = (await office.product.handoffs.get(office.staff.anna, park)).handoff.session_id

        resumed = await office.product.sessions.resume(office.staff.anna, session_id)

        assert Status.ACTIVE == resumed.session.status
        assert [HandoffState.RESUMED] == [handoff.state for handoff in resumed.handoffs]
        assert () == (await office.product.sessions.get(office.staff.ben, session_id)).handoffs

    async def test_a_parked_session_is_nobody_elses_business(self, office: Office) -> None:
        park = await office.park()
        sessions, handoffs = office.product.sessions, office.product.handoffs
        session_id = (await handoffs.get(office.staff.anna, park)).handoff.session_id

        for stranger in (office.staff.ben, office.staff.vera):
            for looking in (
                sessions.get(stranger, session_id),
                sessions.timeline(stranger, session_id, after=0, limit=ALL),
                sessions.resume(stranger, session_id),
                sessions.reassign(stranger, session_id, user_id=stranger.user_id),
                handoffs.get(stranger, park),
                handoffs.snapshot(stranger, park),
                handoffs.changes(stranger, park, after=0, limit=ALL),
                office.product.deliveries.of(stranger, park, after=None, limit=ALL),
                handoffs.claim(stranger, park),
                handoffs.withdraw(stranger, park),
                handoffs.reroute(stranger, park),
                handoffs.unclaim(stranger, park),
            ):
                with pytest.raises(NotFound):
                    await looking
            assert ([], {}) == await sessions.list(stranger, SessionFilter(), after=None, limit=ALL)
        for boss in (office.staff.olga, office.staff.adam):
            assert Status.PARKED == (await sessions.get(boss, session_id)).session.status

    async def test_a_parked_session_that_is_reassigned_is_read_by_both(self, office: Office) -> None:
        park = await office.park()
        anna, ben, sessions = office.staff.anna, office.staff.ben, office.product.sessions
        session_id = (await office.product.handoffs.get(anna, park)).handoff.session_id

        await sessions.reassign(office.staff.olga, session_id, user_id=ben.user_id)

        for reader in (anna, ben):
            assert ben.user_id == (await sessions.get(reader, session_id)).session.assignee_id
            assert park == (await office.product.handoffs.get(reader, park)).handoff.id
        with pytest.raises(NotAssignee):
            await sessions.resume(anna, session_id)
        await sessions.resume(ben, session_id)

    async def test_a_session_goes_only_to_somebody_who_may_work_on_it(self, office: Office) -> None:
        session_id, sessions = await office.session(), office.product.sessions
        await office.product.accounts.deactivate(office.staff.account_id, office.staff.ben.user_id)

        for unable in (office.staff.vera, office.staff.ben):
            with pytest.raises(InvalidValue) as refused:
                await sessions.reassign(office.staff.anna, session_id, user_id=unable.user_id)
            assert "user_id" == refused.value.field
        with pytest.raises(NotFound):
            await sessions.reassign(office.staff.anna, session_id, user_id=UserId(new_id()))

    async def test_the_claim_it_came_by_stays_on_record_when_it_is_reassigned(self, office: Office) -> None:
        handoff_id = await office.escalation()
        taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)

        await office.product.sessions.reassign(office.staff.ben, taken.handoff.session_id, user_id=office.staff.olga.user_id)

        handoff = (await office.product.handoffs.get(office.staff.vera, handoff_id)).handoff
        assert handoff.claim is not None
        assert office.staff.ben.user_id == handoff.claim.by

    async def test_lists_are_narrowed_by_who_asks_and_what_for(self, office: Office) -> None:
        mine, bens = await office.session(), await office.session(office.staff.ben)
        where = SessionFilter(assignee_id=office.staff.ben.user_id)

        everything, names = await office.product.sessions.list(office.staff.vera, SessionFilter(), after=None, limit=ALL)
        found, _ = await office.product.sessions.list(office.staff.vera, where, after=None, limit=ALL)

        assert [bens, mine] == [session.id for session in everything]
        assert [bens] == [session.id for session in found]
        assert office.staff.anna.name == names[office.staff.anna.user_id]

    async def test_a_team_of_nobody_here_is_not_found(self, office: Office) -> None:
        with pytest.raises(NotFound):
            await office.product.sessions.start(office.staff.anna, title="t", problem="p", team_id=TeamId(new_id()))


class TestRefusals:
    async def test_an_unknown_id_is_not_found_whatever_is_asked_of_it(self, office: Office) -> None:
        anna, sessions, handoffs = office.staff.anna, office.product.sessions, office.product.handoffs
        session_id, handoff_id = SessionId(new_id()), HandoffId(new_id())

        for asking in (
            sessions.get(anna, session_id),
            sessions.timeline(anna, session_id, after=0, limit=ALL),
            sessions.add_step(anna, session_id, kind=StepKind.NOTE, content="x"),
            sessions.set_result(anna, session_id, StepId(new_id()), result=None),
            sessions.fork(anna, session_id, at_step_id=StepId(new_id()), reason="x", options=[]),
            sessions.activate_branch(anna, session_id, BranchId(new_id())),
            sessions.close_branch(anna, session_id, BranchId(new_id()), outcome=Outcome.SOLVED, reason="x"),
            sessions.resume(anna, session_id),
            sessions.reassign(anna, session_id, user_id=anna.user_id),
            sessions.resolve(anna, session_id, summary="x"),
            sessions.reopen(anna, session_id, reason="x"),
            sessions.abandon(anna, session_id, reason="x"),
            handoffs.hand_off(anna, session_id, intent=Intent.PARK, reason="x"),
            handoffs.get(anna, handoff_id),
            handoffs.snapshot(anna, handoff_id),
            handoffs.changes(anna, handoff_id, after=0, limit=ALL),
            office.product.deliveries.of(anna, handoff_id, after=None, limit=ALL),
            handoffs.claim(anna, handoff_id),
            handoffs.unclaim(anna, handoff_id),
            handoffs.withdraw(anna, handoff_id),
            handoffs.reroute(anna, handoff_id),
        ):
            with pytest.raises(NotFound):
                await asking

    async def test_a_viewer_changes_nothing(self, office: Office) -> None:
        vera, sessions, handoffs = office.staff.vera, office.product.sessions, office.product.handoffs
        handoff_id, session_id = await office.escalation(), await office.session()
        step = (await sessions.add_step(office.staff.anna, session_id, kind=StepKind.NOTE, content="x")).step
        branch_id = (await sessions.get(vera, session_id)).session.branches.active_id
        options = [Option(label="a", hypothesis="a"), Option(label="b", hypothesis="b")]
        before = await office.happened()

        for changing in (
            sessions.start(vera, title="t", problem="p"),
            sessions.add_step(vera, session_id, kind=StepKind.NOTE, content="x"),
            sessions.set_result(vera, session_id, step.id, result=None),
            sessions.fork(vera, session_id, at_step_id=step.id, reason="x", options=options),
            sessions.activate_branch(vera, session_id, branch_id),
            sessions.close_branch(vera, session_id, branch_id, outcome=Outcome.SOLVED, reason="x"),
            sessions.resume(vera, session_id),
            sessions.reassign(vera, session_id, user_id=office.staff.ben.user_id),
            sessions.resolve(vera, session_id, summary="x"),
            sessions.reopen(vera, session_id, reason="x"),
            sessions.abandon(vera, session_id, reason="x"),
            handoffs.hand_off(vera, session_id, intent=Intent.ESCALATE, reason="x"),
            handoffs.claim(vera, handoff_id),
            handoffs.unclaim(vera, handoff_id),
            handoffs.withdraw(vera, handoff_id),
            handoffs.reroute(vera, handoff_id),
        ):
            with pytest.raises(RoleForbidden):
                await changing

        assert before == await office.happened()

    async def test_a_deactivated_person_changes_nothing(self, office: Office) -> None:
        anna, sessions, handoffs = office.staff.anna, office.product.sessions, office.product.handoffs
        bens, session_id = await office.escalation(office.staff.ben), await office.session()
        await office.product.accounts.deactivate(office.staff.account_id, anna.user_id)
        before = await office.happened()

        for changing in (
            sessions.start(anna, title="t", problem="p"),
            sessions.add_step(anna, session_id, kind=StepKind.NOTE, content="x"),
            sessions.resolve(anna, session_id, summary="x"),
            handoffs.hand_off(anna, session_id, intent=Intent.ESCALATE, reason="x"),
            handoffs.claim(anna, bens),
            handoffs.reroute(anna, bens),
        ):
            with pytest.raises(Unauthenticated):
                await changing

        assert before == await office.happened()

    async def test_the_system_makes_no_move_that_needs_a_person(self, office: Office) -> None:
        system = System(account_id=office.staff.account_id, cause="a test")
        handoff_id, session_id = await office.escalation(), await office.session()

        for moving in (
            office.product.sessions.start(system, title="t", problem="p"),
            office.product.sessions.abandon(system, session_id, reason="x"),
            office.product.handoffs.hand_off(system, session_id, intent=Intent.PARK, reason="x"),
            office.product.handoffs.claim(system, handoff_id),
            office.product.handoffs.reroute(system, handoff_id),
        ):
            with pytest.raises(RoleForbidden):
                await moving

    async def test_the_order_is_unknown_then_unsound_then_forbidden_then_not_now_then_stale(self, office: Office) -> None:
        """http-api: 404; 422; 403; 409; 412."""
        sessions, vera, ben = office.product.sessions, office.staff.vera, office.staff.ben
        session_id = await office.session()
        await sessions.resolve(office.staff.anna, session_id, summary="done")
        stale = Request(if_match=99)

        async def refusal(actor: Person, session: SessionId, reason: str) -> type[FlowPilotError]:
            with pytest.raises(FlowPilotError) as refused:
                await sessions.abandon(actor, session, reason=reason, request=stale)
            return refused.type

        assert NotFound is await refusal(vera, SessionId(new_id()), " ")
        assert InvalidValue is await refusal(vera, session_id, " ")
        assert RoleForbidden is await refusal(vera, session_id, "x")
        assert NotAssignee is await refusal(ben, session_id, "x")
        assert InvalidTransition is await refusal(office.staff.anna, session_id, "x")
        await sessions.reopen(office.staff.anna, session_id, reason="it is back")
        assert VersionConflict is await refusal(office.staff.anna, session_id, "x")

    async def test_a_fork_at_a_step_of_another_session_is_not_found(self, office: Office) -> None:
        sessions, session_id = office.product.sessions, await office.session()
        elsewhere = (await sessions.add_step(office.staff.anna, await office.session(), kind=StepKind.NOTE, content="x")).step

        with pytest.raises(NotFound):
            await sessions.set_result(office.staff.anna, session_id, elsewhere.id, result=None)


class TestHandoffs:
    async def test_an_escalation_waits_in_the_queue_and_is_claimed_once(self, office: Office) -> None:
        handoffs, ben = office.product.handoffs, office.staff.ben
        handoff_id = await office.escalation()
        office.clock.jump(MINUTE * 7)

        (waiting,) = await handoffs.queue(office.staff.vera, QueueFilter(), after=None, limit=ALL)
        taken = await handoffs.claim(ben, handoff_id)

        assert (handoff_id, 7 * 60) == (waiting.item.handoff_id, waiting.seconds)
        assert HandoffState.CLAIMED == taken.handoff.state
        session = (await office.product.sessions.get(ben, taken.handoff.session_id)).session
        assert (Status.ACTIVE, ben.user_id) == (session.status, session.assignee_id)
        assert [] == list(await handoffs.queue(ben, QueueFilter(), after=None, limit=ALL))
        with pytest.raises(AlreadyClaimed) as late:
            await handoffs.claim(office.staff.olga, handoff_id)
        assert (ben.user_id, ben.name) == (late.value.by, late.value.name)

    async def test_a_clock_that_jumped_back_shows_no_negative_wait(self, office: Office) -> None:
        """F36."""
        await office.escalation()
        office.clock.jump(-timedelta(days=1))

        (waiting,) = await office.product.handoffs.queue(office.staff.ben, QueueFilter(), after=None, limit=ALL)

        assert 0 == waiting.seconds

    async def test_the_escalator_withdraws_but_does_not_claim(self, office: Office) -> None:
        handoff_id = await office.escalation()

        with pytest.raises(OwnHandoff):
            await office.product.handoffs.claim(office.staff.anna, handoff_id)
        withdrawn = await office.product.handoffs.withdraw(office.staff.anna, handoff_id)

        assert HandoffState.WITHDRAWN == withdrawn.handoff.state
        assert Status.ACTIVE == (await office.product.sessions.get(office.staff.vera, withdrawn.handoff.session_id)).session.status

    async def test_a_claim_given_back_waits_as_long_as_before(self, office: Office) -> None:
        handoffs = office.product.handoffs
        handoff_id = await office.escalation()
        office.clock.jump(MINUTE)
        await handoffs.claim(office.staff.ben, handoff_id)
        office.clock.jump(MINUTE)

        await handoffs.unclaim(office.staff.ben, handoff_id)

        (waiting,) = await handoffs.queue(office.staff.ben, QueueFilter(), after=None, limit=ALL)
        assert (handoff_id, 120) == (waiting.item.handoff_id, waiting.seconds)
        await handoffs.claim(office.staff.adam, handoff_id)

    async def test_rerouting_is_always_on_record_even_if_nothing_changes(self, office: Office) -> None:
        handoff_id = await office.escalation()

        same = await office.product.handoffs.reroute(office.staff.ben, handoff_id)
        urgent = await office.product.handoffs.reroute(office.staff.ben, handoff_id, priority=Priority.URGENT)

        assert (Priority.NORMAL, Priority.URGENT) == (same.handoff.priority, urgent.handoff.priority)
        assert 2 == (await office.happened()).count(EventKind.HANDOFF_REROUTED)

    async def test_nobody_and_no_team_of_elsewhere_can_be_named(self, office: Office) -> None:
        handoffs, handoff_id, session_id = office.product.handoffs, await office.escalation(), await office.session()

        for naming in (
            handoffs.reroute(office.staff.ben, handoff_id, team_id=TeamId(new_id())),
            handoffs.reroute(office.staff.ben, handoff_id, user_id=UserId(new_id())),
            handoffs.hand_off(office.staff.anna, session_id, intent=Intent.ESCALATE, reason="x", team_id=TeamId(new_id())),
            handoffs.hand_off(office.staff.anna, session_id, intent=Intent.ESCALATE, reason="x", user_id=UserId(new_id())),
        ):
            with pytest.raises(NotFound):
                await naming

    async def test_handoffs_form_a_chain_that_hides_parks_from_others(self, office: Office) -> None:
        anna, handoffs, sessions = office.staff.anna, office.product.handoffs, office.product.sessions
        park = await office.park()
        session_id = (await handoffs.get(anna, park)).handoff.session_id
        await sessions.resume(anna, session_id)

        escalated = await handoffs.hand_off(anna, session_id, intent=Intent.ESCALATE, reason="stuck")

        assert [park] == [handoff.id for handoff in escalated.chain]
        assert [park] == [handoff.id for handoff in (await handoffs.get(office.staff.olga, escalated.handoff.id)).chain]
        assert () == (await handoffs.get(office.staff.ben, escalated.handoff.id)).chain
        assert () == (await handoffs.claim(office.staff.ben, escalated.handoff.id)).chain

    async def test_no_answer_shows_a_park_to_who_got_the_session_later(self, office: Office) -> None:
        anna, ben, sessions, handoffs = office.staff.anna, office.staff.ben, office.product.sessions, office.product.handoffs
        park = await office.park()
        session_id = (await handoffs.get(anna, park)).handoff.session_id
        await sessions.resume(anna, session_id)
        given = await sessions.reassign(anna, session_id, user_id=ben.user_id)

        escalated = await handoffs.hand_off(ben, session_id, intent=Intent.ESCALATE, reason="stuck too")
        withdrawn = await handoffs.withdraw(ben, escalated.handoff.id)
        resolved = await sessions.resolve(ben, session_id, summary="done")

        assert [park] == [handoff.id for handoff in given.handoffs]
        assert () == escalated.chain == withdrawn.chain
        assert [escalated.handoff.id] == [handoff.id for handoff in resolved.handoffs]

    async def test_changes_tell_what_happened_since_the_snapshot(self, office: Office) -> None:
        handoffs, ben = office.product.handoffs, office.staff.ben
        handoff_id = await office.escalation()
        taken = await handoffs.claim(ben, handoff_id)
        await office.product.sessions.resolve(ben, taken.handoff.session_id, summary="done")

        changes = await handoffs.changes(office.staff.anna, handoff_id, after=0, limit=ALL)

        assert [EventKind.HANDOFF_CLAIMED, EventKind.SESSION_RESOLVED] == [entry.logged.event.kind for entry in changes]
        assert [ben.name, ben.name] == [entry.name for entry in changes]

    async def test_a_snapshot_is_verified_on_demand(self, office: Office) -> None:
        handoff_id = await office.escalation()
        stored = await office.product.handoffs.snapshot(office.staff.ben, handoff_id, verify=True)
        damaged = evolve(stored, body=stored.body + b" ")
        whole = office.store.view(office.staff.account_id)

        async def read(_: HandoffId) -> StoredSnapshot:
            return damaged

        whole.snapshot = read  # type: ignore[method-assign, assignment]  # the one way to damage what never changes
        broken = evolve(office.product.handoffs, view=lambda _: whole)

        assert damaged == await broken.snapshot(office.staff.ben, handoff_id)
        with pytest.raises(SnapshotDamaged) as found:
            await broken.snapshot(office.staff.ben, handoff_id, verify=True)
        assert handoff_id == found.value.handoff_id

    async def test_two_hundred_seniors_claim_at_once_and_one_gets_it(self, office: Office) -> None:
        handoff_id, staff = await office.escalation(), office.staff

        async def claim(by: Person) -> object:
            try:
                return await office.product.handoffs.claim(by, handoff_id)
            except AlreadyClaimed as lost:
                return lost.by

        outcomes = await gather(*(claim((staff.olga, staff.adam, staff.ben)[number % 3]) for number in range(200)))

        (taken,) = (outcome for outcome in outcomes if isinstance(outcome, HandoffDetail))
        assert taken.handoff.claim is not None
        assert {taken.handoff.claim.by} == {outcome for outcome in outcomes if outcome is not taken}


class TestTelling:
    async def told(self, office: Office, handoff_id: HandoffId) -> set[UserId]:
        deliveries = await office.product.deliveries.of(office.staff.vera, handoff_id, after=None, limit=ALL)
        return {delivery.user_id for delivery in deliveries if delivery.user_id}

    async def test_only_owners_admins_and_engineers_of_the_account_are_told_and_not_the_escalator(self, office: Office) -> None:
        handoff_id = await office.escalation()

        staff = office.staff
        assert {staff.olga.user_id, staff.adam.user_id, staff.ben.user_id} == await self.told(office, handoff_id)
        assert 3 == (await office.product.handoffs.get(staff.anna, handoff_id)).told.people

    async def test_nobody_is_told_of_a_park(self, office: Office) -> None:
        await office.park()

        assert 0 == await office.relay.run_once()
        assert [] == office.mailbox.recipients

    async def test_a_handoff_that_is_rolled_back_tells_nobody(self, office: Office) -> None:
        session_id = await office.session()

        with pytest.raises(VersionConflict):
            await office.product.handoffs.hand_off(
                office.staff.anna, session_id, intent=Intent.ESCALATE, reason="x", request=Request(if_match=99)
            )

        assert 0 == await office.relay.run_once()
        assert [] == office.mailbox.recipients

    async def test_nothing_is_sent_before_the_relay_runs(self, office: Office) -> None:
        await office.escalation()
        assert [] == office.mailbox.recipients

        assert 3 + 1 == await office.relay.run_once(), "three mails and an assessment"
        assert {office.staff.user(person).email for person in (office.staff.olga, office.staff.adam, office.staff.ben)} == set(
            office.mailbox.recipients
        )

    async def test_who_is_named_is_told_alone(self, office: Office) -> None:
        session_id, staff = await office.session(), office.staff

        made = await office.product.handoffs.hand_off(staff.anna, session_id, intent=Intent.ESCALATE, reason="x", team_id=staff.network.id)

        assert {staff.ben.user_id} == await self.told(office, made.handoff.id)

    async def test_a_team_without_people_means_everyone(self, office: Office) -> None:
        session_id, staff = await office.session(), office.staff

        made = await office.product.handoffs.hand_off(staff.anna, session_id, intent=Intent.ESCALATE, reason="x", team_id=staff.bench.id)

        assert 3 == len(await self.told(office, made.handoff.id))

    async def test_a_mailer_that_raises_does_not_bubble_out_and_touches_no_other_mail(self, office: Office) -> None:
        ben = office.staff.user(office.staff.ben).email
        office.mailbox.script(ben, RuntimeError("the mailer is broken"))

        handoff_id = await office.escalation()
        await office.relay.run_once()

        assert {office.staff.user(office.staff.olga).email, office.staff.user(office.staff.adam).email} == set(office.mailbox.recipients)
        taken = await office.product.handoffs.claim(office.staff.ben, handoff_id)
        assert (HandoffState.CLAIMED, 2) == (taken.handoff.state, taken.told.sent)

    async def test_a_dead_delivery_is_sent_once_an_account_owner_or_admin_asks_again(self, office: Office) -> None:
        """F24: the address was refused for good, and the others got theirs."""
        ben = office.staff.user(office.staff.ben)
        office.mailbox.script(ben.email, NotSent("no such user", permanent=True))
        handoff_id, handoffs, deliveries = await office.escalation(), office.product.handoffs, office.product.deliveries
        await office.relay.run_once()
        ledger = await deliveries.of(office.staff.vera, handoff_id, after=None, limit=ALL)
        (dead,) = (delivery for delivery in ledger if delivery.state is DeliveryState.DEAD)

        assert (ben.id, "no such user") == (dead.user_id, dead.last_error)
        assert (2, 1) == ((told := (await handoffs.get(office.staff.vera, handoff_id)).told).sent, told.refused)
        for powerless in (office.staff.ben, office.staff.anna, office.staff.vera):
            with pytest.raises(RoleForbidden):
                await deliveries.retry(powerless, handoff_id, dead.id)
        with pytest.raises(NotFound):
            await deliveries.retry(office.staff.olga, await office.escalation(office.staff.ben), dead.id)

        await deliveries.retry(office.staff.olga, handoff_id, dead.id)
        await office.relay.run_once()

        assert (3, 0) == ((told := (await handoffs.get(office.staff.vera, handoff_id)).told).sent, told.refused)
        assert ben.email in office.mailbox.recipients
        with pytest.raises(InvalidTransition):
            await deliveries.retry(office.staff.olga, handoff_id, dead.id)

    async def test_nobody_is_told_of_what_was_claimed_before_the_relay_came_by(self, office: Office) -> None:
        handoff_id = await office.escalation()
        await office.product.handoffs.claim(office.staff.ben, handoff_id)

        await office.relay.run_once()

        assert [] == office.mailbox.recipients
        ledger = await office.product.deliveries.of(office.staff.vera, handoff_id, after=None, limit=ALL)
        assert {(DeliveryState.SUPPRESSED, "the handoff is claimed")} == {(delivery.state, delivery.reason) for delivery in ledger}

    async def test_who_imports_the_past_tells_nobody(self, office: Office) -> None:
        quiet = evolve(office.product.handoffs, followers=())

        made = await quiet.hand_off(office.staff.anna, await office.session(), intent=Intent.ESCALATE, reason="x")

        assert 0 == made.told.people
        assert 0 == await office.relay.run_once()


class TestRequests:
    async def test_a_request_is_on_record_with_what_it_did(self, office: Office) -> None:
        request = Request(id="req-1")
        session_id = await office.session()
        await office.product.sessions.add_step(office.staff.anna, session_id, kind=StepKind.NOTE, content="x", request=request)
        made = await office.product.handoffs.hand_off(office.staff.anna, session_id, intent=Intent.ESCALATE, reason="x", request=request)
        await office.product.handoffs.claim(office.staff.ben, made.handoff.id, request=request)

        events = await office.store.view(office.staff.account_id).events(after=0, limit=ALL)

        assert [None, "req-1", "req-1", "req-1"] == [logged.event.request_id for logged in events]

    def once(self, office: Office, fingerprint: bytes = b"same") -> Request:
        def render(detail: HandoffDetail) -> Answer:
            return Answer(status=200, body=str(detail.handoff.id).encode())

        once = Once(user_id=office.staff.ben.user_id, key="k", fingerprint=fingerprint, at=NOON, expired=NOON - timedelta(hours=24))
        return Request(once=once, render=render)

    async def test_the_winner_who_asks_again_with_the_same_key_gets_the_same_answer(self, office: Office) -> None:
        handoff_id = await office.escalation()
        await office.product.handoffs.claim(office.staff.ben, handoff_id, request=self.once(office))

        with pytest.raises(AlreadyAnswered) as repeated:
            await office.product.handoffs.claim(office.staff.ben, handoff_id, request=self.once(office))

        assert Answer(status=200, body=str(handoff_id).encode()) == repeated.value.answer
        assert 1 == (await office.happened()).count(EventKind.HANDOFF_CLAIMED)

    async def test_a_key_that_came_with_another_request_is_refused(self, office: Office) -> None:
        """F06."""
        first, second = await office.escalation(), await office.escalation()
        await office.product.handoffs.claim(office.staff.ben, first, request=self.once(office))

        with pytest.raises(KeyReused):
            await office.product.handoffs.claim(office.staff.ben, second, request=self.once(office, b"other"))

        assert HandoffState.OPEN == (await office.product.handoffs.get(office.staff.ben, second)).handoff.state

    async def test_a_refusal_is_not_remembered(self, office: Office) -> None:
        handoff_id = await office.escalation(office.staff.ben)
        with pytest.raises(OwnHandoff):
            await office.product.handoffs.claim(office.staff.ben, handoff_id, request=self.once(office))
        another = await office.escalation()

        await office.product.handoffs.claim(office.staff.ben, another, request=self.once(office, b"other"))

        assert 1 == (await office.happened()).count(EventKind.HANDOFF_CLAIMED)

    async def test_a_move_on_an_old_version_is_refused_with_the_one_there_is(self, office: Office) -> None:
        handoff_id = await office.escalation()
        rerouted = await office.product.handoffs.reroute(office.staff.ben, handoff_id)

        for acting in (
            office.product.handoffs.claim(office.staff.ben, handoff_id, request=Request(if_match=1)),
            office.product.handoffs.withdraw(office.staff.anna, handoff_id, request=Request(if_match=1)),
            office.product.handoffs.reroute(office.staff.ben, handoff_id, request=Request(if_match=1)),
        ):
            with pytest.raises(VersionConflict) as refused:
                await acting
            assert rerouted.handoff.version == refused.value.actual
        await office.product.handoffs.claim(office.staff.ben, handoff_id, request=Request(if_match=rerouted.handoff.version))

    async def test_many_at_once_lose_no_step_though_all_save_the_same_session(self, office: Office) -> None:
        """F10: the whole unit of work is tried again."""
        session_id = await office.session()

        await gather(
            *(
                office.product.sessions.add_step(office.staff.anna, session_id, kind=StepKind.NOTE, content=str(number))
                for number in range(5)
            )
        )

        assert [1, 2, 3, 4, 5] == [step.number for step in (await office.product.sessions.get(office.staff.anna, session_id)).steps]

    async def test_who_always_loses_is_told_that_the_store_is_not_available(self, office: Office) -> None:
        session_id = await office.session()
        tries = 0

        @asynccontextmanager
        async def losing(account_id: AccountId, once: Once | None = None) -> AsyncIterator[UnitOfWork]:
            nonlocal tries
            tries += 1
            if tries <= MOST_TRIES:
                raise Stale
            async with office.store.begin(account_id, once) as work:
                yield work

        with pytest.raises(Unavailable):
            await office.product_over(losing).sessions.resolve(office.staff.anna, session_id, summary="x")

        assert MOST_TRIES == tries

    async def test_whoever_waits_for_commits_is_woken_by_each(self, office: Office) -> None:
        woken: list[AccountId] = []
        sessions = office.product_over(office.store.begin, committed=woken.append).sessions

        await sessions.start(office.staff.anna, title="t", problem="p")
        with pytest.raises(InvalidValue):
            await sessions.start(office.staff.anna, title=" ", problem="p")

        assert [office.staff.account_id] == woken


class TestAccounts:
    async def test_an_account_its_people_and_their_tokens(self, office: Office) -> None:
        accounts = office.product.accounts
        account = await accounts.create("Initech")
        team = await accounts.add_team(account.id, "Network")
        user = await accounts.add_user(account.id, email="ann@initech.example", name="Ann", role=Role.ENGINEER, team_ids=[team.id])
        made, token = await accounts.add_token(account.id, user.id)

        ann = Person(account_id=account.id, user_id=user.id, role=Role.ENGINEER, name="Ann", way_in=WayIn(way=Way.TOKEN, id=made.id))
        assert ann == await accounts.authenticate(token)

        await accounts.deactivate(account.id, user.id)
        with pytest.raises(Unauthenticated):
            await accounts.authenticate(token)
        with pytest.raises(NotFound):
            await accounts.add_token(account.id, user.id)

    async def test_nobody_is_hired_into_an_account_or_a_team_that_is_not_there(self, office: Office) -> None:
        accounts, nowhere = office.product.accounts, AccountId(new_id())
        other = await accounts.create("Initech")

        for hiring in (
            accounts.add_user(nowhere, email="a@b.example", name="A", role=Role.VIEWER),
            accounts.add_user(other.id, email="a@b.example", name="A", role=Role.VIEWER, team_ids=[office.staff.network.id]),
            accounts.add_team(nowhere, "Network"),
            accounts.add_token(nowhere, office.staff.ben.user_id),
            accounts.add_token(other.id, office.staff.ben.user_id),
            accounts.deactivate(other.id, office.staff.ben.user_id),
        ):
            with pytest.raises(NotFound):
                await hiring

    async def test_an_address_that_is_taken_is_refused_here_and_free_elsewhere(self, office: Office) -> None:
        """A10."""
        accounts, email = office.product.accounts, office.staff.user(office.staff.ben).email
        other = await accounts.create("Initech")

        with pytest.raises(InvalidValue):
            await accounts.add_user(office.staff.account_id, email=email.upper(), name="Ben", role=Role.VIEWER)
        await accounts.add_user(other.id, email=email, name="Ben", role=Role.VIEWER)

    async def test_what_is_no_token_stands_for_nobody(self, office: Office) -> None:
        for text in ("", "fp_", "Bearer x", "fp_" + "a" * 26 + "_" + "a" * 52 + "_00000000"):
            with pytest.raises(Unauthenticated):
                await office.product.accounts.authenticate(text)
