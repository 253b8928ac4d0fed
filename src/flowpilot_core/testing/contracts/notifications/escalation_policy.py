"""What is promised of escalation policies and preferences."""

from datetime import date, timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, EventId, PolicyRunId
from flowpilot_core.domain.notifications.delivery import Channel, Delivery, DeliveryKind
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun, PolicyStep, Target, TeamPolicy, Whom
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.working_hours import Hours, OtherDay, Shift, Span, Weekday
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.relay import Outbox, Work, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Staff, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract


def a_policy(staff: Staff) -> EscalationPolicy:
    """One with something of everything."""
    first = PolicyStep(after=10 * MINUTE, whom=(Target(kind=Whom.ON_DUTY), Target(kind=Whom.TEAM, team_id=staff.network.id)))
    second = PolicyStep(
        after=30 * MINUTE,
        whom=(Target(kind=Whom.ROLE, role=Role.ADMIN), Target(kind=Whom.PERSON, user_id=staff.olga.user_id)),
        repeats=3,
        every=15 * MINUTE,
    )
    return EscalationPolicy(
        steps=(first, second),
        teams=(TeamPolicy(team_id=staff.network.id, steps=(second,)),),
        due={Priority.URGENT: 15 * MINUTE, Priority.LOW: timedelta(days=2)},
        claim_quiet_minutes=10,
    )


def some_preferences(staff: Staff) -> Preferences:
    """Ben's, with something of everything."""
    span = Span(start=22 * 60, end=6 * 60)
    return Preferences(
        user_id=staff.ben.user_id,
        hours=Hours(
            time_zone="Pacific/Chatham",
            weekly=(Shift(day=Weekday.MONDAY, span=span), Shift(day=Weekday.FRIDAY, span=span)),
            other_days=(OtherDay(date=date(2026, 12, 24)), OtherDay(date=date(2026, 12, 31), spans=(Span(start=480, end=720),))),
        ),
        quiet=Span(start=0, end=24 * 60),
        channels={DeliveryKind.REMINDER: (), DeliveryKind.ESCALATED: (Channel.EMAIL,)},
        mail_after=timedelta(seconds=90),
    )


class EscalationContract(Contract):
    """`Escalation`."""

    async def test_a_policy_comes_back_as_it_was_set(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            assert EscalationPolicy() == await work.escalation.policy()
        for policy in (a_policy(acme), evolve(a_policy(acme), claim_quiet_minutes=None), EscalationPolicy()):
            async with begin(acme.account_id) as work:
                await work.escalation.set_policy(policy)
                await work.commit()

            async with begin(acme.account_id) as work:
                assert policy == await work.escalation.policy()

    async def test_a_handoff_is_made_with_the_policy_at_hand(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        async with begin(acme.account_id) as work:
            await work.escalation.set_policy(a_policy(acme))
            await work.commit()

        async with begin(acme.account_id) as work:
            policy = (await work.handoffs.basis(case.id, frozenset())).policy

        assert a_policy(acme) == policy

    async def test_preferences_come_back_as_they_were_kept_and_beside_their_person(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        preferences = some_preferences(acme)
        async with begin(acme.account_id) as work:
            assert Preferences(user_id=acme.ben.user_id) == await work.escalation.preferences(acme.ben.user_id)
            await work.people.save_user(evolve(acme.user(acme.adam), deactivated_at=NOON))
            await work.escalation.prefer(Preferences(user_id=acme.ben.user_id, quiet=Span(start=1, end=2)))
            await work.escalation.prefer(preferences)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert preferences == await work.escalation.preferences(acme.ben.user_id)
            members = {member.user_id: member for member in await work.escalation.members()}
        assert {acme.olga.user_id, acme.anna.user_id, acme.ben.user_id, acme.vera.user_id} == set(members)
        ben = members[acme.ben.user_id]
        assert (preferences, Role.ENGINEER, frozenset({acme.network.id})) == (ben.preferences, ben.role, ben.team_ids)

    async def test_told_the_same_are_those_of_the_same_kind_and_number(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)

        def to(person: Person, *, kind: DeliveryKind = DeliveryKind.REMINDER, number: int = 2) -> Delivery:
            return Delivery.of(case.handoff, DeliveryId(new_id()), person.user_id, kind=kind, number=number, at=NOON)

        first = to(acme.ben)
        async with begin(acme.account_id) as work:
            await work.deliveries.add(
                [
                    first,
                    to(acme.olga),
                    to(acme.adam, number=3),
                    to(acme.vera, kind=DeliveryKind.ESCALATED),
                ]
            )
            await work.commit()

        async with begin(acme.account_id) as work:
            same = await work.escalation.told_the_same(first)
        assert {acme.ben.user_id, acme.olga.user_id} == {member.user_id for member in same}

    async def test_of_one_escalation_there_is_one_run_and_the_last_begun_counts(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        run = PolicyRun(id=PolicyRunId(new_id()), handoff_id=case.handoff.id, since=NOON)
        anew = run.anew(PolicyRunId(new_id()), since=NOON + MINUTE)

        async with begin(acme.account_id) as work:
            assert await work.escalation.run_of(case.handoff.id) is None
            await work.escalation.begin_run(run)
            await work.escalation.keep_run(evolve(run, fired=3, reached=NOON + MINUTE))
            await work.commit()
        async with begin(acme.account_id) as work:
            assert (
                evolve(run, fired=3, reached=NOON + MINUTE)
                == await work.escalation.run(run.id)
                == await work.escalation.run_of(case.handoff.id)
            )
            await work.escalation.begin_run(anew)
            await work.escalation.keep_run(evolve(run, fired=4))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert (None, anew) == (await work.escalation.run(run.id), await work.escalation.run_of(case.handoff.id))

    async def test_every_run_of_what_waits_is_looked_at_again(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, globex: Staff
    ) -> None:
        """P7: also one whose steps had all fired; none of what was claimed, and no other account's."""
        runs: list[PolicyRun] = []
        for staff in (acme, acme, acme, globex):
            case = await an_escalation(by=staff.anna).kept(begin)
            run = PolicyRun(id=PolicyRunId(new_id()), handoff_id=case.handoff.id, since=NOON)
            async with begin(staff.account_id) as work:
                await work.escalation.begin_run(run)
                await work.commit()
            runs.append(run)
        async with begin(acme.account_id) as work:
            await work.handoffs.claim(
                runs[2].handoff_id,
                by=acme.ben,
                at=NOON + MINUTE,
                event_id=EventId(new_id()),
                request_id=None,
                expected=None,
                commit=True,
            )
        async with begin(acme.account_id) as work:
            await work.due.add(Work(id=runs[1].id, kind=WorkKind.POLICY_STEP, due_at=NOON + timedelta(days=365_000)))
            await work.commit()

        async with begin(acme.account_id) as work:
            await work.escalation.look_again(at=NOON)
            await work.commit()

        leases = await outbox.take({WorkKind.POLICY_STEP: 10}, lease_for=timedelta(minutes=5))
        ours = {acme.account_id, globex.account_id}
        assert {runs[0].id, runs[1].id} == {lease.work_id for lease in leases if lease.account_id in ours}

    async def test_what_is_anothers_is_nothing_here(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A27, A28: not read, not changed, and nothing points to it."""
        case = await an_escalation(by=acme.anna).kept(begin)
        run = PolicyRun(id=PolicyRunId(new_id()), handoff_id=case.handoff.id, since=NOON)
        async with begin(acme.account_id) as work:
            await work.escalation.set_policy(a_policy(acme))
            await work.escalation.prefer(some_preferences(acme))
            await work.escalation.begin_run(run)
            await work.commit()

        async with begin(globex.account_id) as work:
            there = work.escalation
            assert EscalationPolicy() == await there.policy()
            assert {person.user_id for person in globex.people} == {member.user_id for member in await there.members()}
            assert Preferences(user_id=acme.ben.user_id) == await there.preferences(acme.ben.user_id)
            assert (None, None) == (await there.run(run.id), await there.run_of(case.handoff.id))
            await there.keep_run(evolve(run, fired=9))
            await work.commit()
        for foreign in (evolve(run, id=PolicyRunId(new_id())), some_preferences(acme)):
            with pytest.raises(NotFound):
                async with begin(globex.account_id) as work:
                    if isinstance(foreign, PolicyRun):
                        await work.escalation.begin_run(foreign)
                    else:
                        await work.escalation.prefer(foreign)
                    await work.commit()

        async with begin(acme.account_id) as work:
            assert run == await work.escalation.run(run.id)
