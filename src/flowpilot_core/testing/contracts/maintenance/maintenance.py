"""Schedules and runs come back as they were kept, each moment and each target once, and sessions carry what is open."""

from asyncio import gather
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import MaintenanceNoticeId, MaintenanceRunId, MaintenanceScheduleId, SessionId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.maintenance.run import Notice, Run, RunState, RunTarget
from flowpilot_core.domain.maintenance.schedule import CatchUp, Plan, Schedule, Target
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract
from flowpilot_core.testing.contracts.knowledge.trees import ASKING, a_tree

CLIENT = "Lakeside Dental"
TARGETS = (
    Target(label="srv-01 漢", client_name=CLIENT, notes="Zeile 1\nZeile 2"),
    Target(label="srv-02", client_name="Straße GmbH"),
    Target(label="srv-03"),
)


def a_schedule(staff: Staff, *, targets: tuple[Target, ...] = TARGETS, quiet: bool = True) -> Schedule:
    """One that is due at noon."""
    plan = Plan(
        name="Patch night",
        targets=targets,
        parameters={"host": "srv-ü", "count": 3, "share": 0.5, "sure": True},
        starts_at=NOON.replace(tzinfo=None),
        time_zone="Europe/Vienna",
        rrule="FREQ=WEEKLY;BYDAY=MO",
        duration=timedelta(hours=2),
        assignee_id=staff.anna.user_id,
        quiet=quiet,
        catch_up=CatchUp.LATEST,
    )
    return Schedule(
        id=MaintenanceScheduleId(new_id()),
        plan=plan,
        changed_at=NOON,
        next_run_at=NOON,
        created_by=staff.adam.user_id,
        created_at=NOON,
    )


def a_run(schedule: Schedule, *, hours: int = 0) -> Run:
    """The run of noon, or of so many hours later."""
    at = NOON + timedelta(hours=hours)
    return Run.of(schedule, MaintenanceRunId(new_id()), at, at=at)


class MaintenanceContract(Contract):
    """`Maintenance`, inside units of work, and what `Sessions` and `Handoffs` make of its windows."""

    async def kept(self, begin: BeginWork[UnitOfWork], staff: Staff, schedule: Schedule, *runs: Run) -> None:
        async with begin(staff.account_id) as work:
            await work.maintenance.add(schedule)
            for run in runs:
                await work.maintenance.add_run(run)
            await work.commit()

    async def found(self, begin: BeginWork[UnitOfWork], staff: Staff, run: Run) -> Run:
        async with begin(staff.account_id) as work:
            return await work.maintenance.run(run.id)

    async def a_kept_session(self, begin: BeginWork[UnitOfWork], case: Case) -> SessionId:
        await case.kept(begin)
        return case.session.id

    async def test_schedules_come_back_by_id(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        one, off = a_schedule(acme), a_schedule(acme)
        off = evolve(off, plan=evolve(off.plan, active=False, rrule=None, quiet=False), next_run_at=None)
        await self.kept(begin, acme, one)
        await self.kept(begin, acme, off)

        async with begin(acme.account_id) as work:
            assert [one, off] == [await work.maintenance.schedule(one.id), await work.maintenance.schedule(off.id)]
            assert [one, off] == list(await work.maintenance.schedules(after=None, limit=EVERYTHING))
            assert [one] == list(await work.maintenance.schedules(after=None, limit=1))
            assert [off] == list(await work.maintenance.schedules(after=one.id, limit=1))
            assert [one] == list(await work.maintenance.active())
            with pytest.raises(NotFound):
                await work.maintenance.schedule(MaintenanceScheduleId(new_id()))

    async def test_of_two_who_change_a_schedule_the_second_is_stale(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        schedule = a_schedule(acme)
        await self.kept(begin, acme, schedule)
        plan = evolve(schedule.plan, name="Patch day")
        later = evolve(schedule, version=2, plan=plan, next_run_at=None, last_run_at=NOON)

        async with begin(acme.account_id) as work:
            await work.maintenance.save(later, before=schedule)
            await work.commit()
        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.maintenance.save(evolve(schedule, version=2), before=schedule)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert later == await work.maintenance.schedule(schedule.id)

    @pytest.mark.parametrize("turned", [{"next_run_at": None}, {"next_run_at": NOON + timedelta(hours=1)}, {"last_run_at": NOON}])
    async def test_who_changes_a_schedule_while_it_takes_a_turn_is_stale(
        self, begin: BeginWork[UnitOfWork], acme: Staff, turned: dict[str, Any]
    ) -> None:
        """F59: else it would come again at the time that was done."""
        schedule = a_schedule(acme)
        await self.kept(begin, acme, schedule)
        later = evolve(schedule, **turned)

        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                read = await work.maintenance.schedule(schedule.id)
                async with begin(acme.account_id) as relay:
                    await relay.maintenance.save(later, before=schedule)
                    await relay.commit()
                await work.maintenance.save(evolve(read, version=2), before=read)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert later == await work.maintenance.schedule(schedule.id)

    async def test_nobody_of_another_account_can_be_the_assignee(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        schedule = a_schedule(acme)

        with pytest.raises(NotFound):
            await self.kept(begin, acme, evolve(schedule, plan=evolve(schedule.plan, assignee_id=globex.anna.user_id)))

    async def test_a_run_comes_back_with_the_sessions_that_were_started(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)
        assert run == await self.found(begin, acme, run)
        session_id = await self.a_kept_session(begin, a_session(by=acme.anna))

        async with begin(acme.account_id) as work:
            await work.maintenance.keep_session(run.id, 1, session_id)
            await work.maintenance.save_run(run.blocked("its tree is gone"))
            await work.commit()

        found = await self.found(begin, acme, run)
        assert RunTarget(target=TARGETS[1], session_id=session_id, status=Status.ACTIVE) == found.targets[1]
        assert (None, None) == (found.targets[0].session_id, found.targets[2].session_id)
        assert (RunState.BLOCKED, "its tree is gone", False) == (found.state, found.problem, found.is_open)

    async def test_a_run_says_how_many_steps_each_session_has_and_at_which_node_it_waits(
        self, begin: BeginWork[UnitOfWork], acme: Staff
    ) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)
        tree = a_tree(acme.anna, ASKING)
        published, revision = tree.published(None, {}, by=acme.olga, at=NOON)
        async with begin(acme.account_id) as work:
            await work.trees.add(tree)
            await work.trees.save(published)
            await work.trees.add_revision(tree.id, revision)
            await work.commit()
        case = a_session(by=acme.anna).walking(published, ASKING).step("looked around").step("asked")
        session_id = await self.a_kept_session(begin, case)

        async with begin(acme.account_id) as work:
            await work.maintenance.keep_session(run.id, 2, session_id)
            await work.commit()

        target = (await self.found(begin, acme, run)).targets[2]
        assert case.session.walk is not None
        (place,) = case.session.walk.places
        assert place.waiting is not None
        assert (2, place.waiting) == (target.steps, target.node)

    async def test_a_run_says_whom_alone_a_parked_session_is_for(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)
        session_id = await self.a_kept_session(begin, a_session(by=acme.anna).parked())

        async with begin(acme.account_id) as work:
            await work.maintenance.keep_session(run.id, 0, session_id)
            await work.commit()

        target = (await self.found(begin, acme, run)).targets[0]
        assert (Status.PARKED, frozenset({acme.anna.user_id})) == (target.status, target.parked_with)

    async def test_runs_of_a_schedule_come_newest_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        schedule, other = a_schedule(acme), a_schedule(acme)
        runs = [a_run(schedule, hours=hours) for hours in range(3)]
        await self.kept(begin, acme, other)
        await self.kept(begin, acme, schedule, *runs)

        async with begin(acme.account_id) as work:
            assert runs[::-1] == list(await work.maintenance.runs(schedule.id, before=None, limit=EVERYTHING))
            assert [runs[1]] == list(await work.maintenance.runs(schedule.id, before=runs[2].id, limit=1))
            assert [] == list(await work.maintenance.runs(other.id, before=None, limit=EVERYTHING))

    async def test_a_schedule_has_one_run_of_a_moment_however_many_begin_it(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """F59."""
        schedule = a_schedule(acme)
        await self.kept(begin, acme, schedule)

        async def start() -> bool:
            try:
                async with begin(acme.account_id) as work:
                    await work.maintenance.add_run(a_run(schedule))
                    await work.commit()
            except Stale:
                return False
            return True

        assert 1 == sum(await gather(*(start() for _ in range(5))))

    async def test_a_target_has_one_session_however_many_start_it(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """F59."""
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)
        sessions = [await self.a_kept_session(begin, a_session(by=acme.anna)) for _ in range(5)]

        async def start(session_id: SessionId) -> bool:
            try:
                async with begin(acme.account_id) as work:
                    await work.maintenance.keep_session(run.id, 0, session_id)
                    await work.commit()
            except Stale:
                return False
            return True

        assert 1 == sum(await gather(*map(start, sessions)))

    async def test_a_person_has_one_notice_of_a_run(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """F59."""
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)

        def a_notice(user_id: UserId) -> Notice:
            return Notice(id=MaintenanceNoticeId(new_id()), run_id=run.id, user_id=user_id)

        notice = a_notice(acme.anna.user_id)
        async with begin(acme.account_id) as work:
            await work.maintenance.add_notices([notice, a_notice(acme.ben.user_id)])
            await work.commit()
        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.maintenance.add_notices([a_notice(acme.anna.user_id)])
                await work.commit()

        async with begin(acme.account_id) as work:
            assert notice == await work.maintenance.notice(notice.id)
            await work.maintenance.save_notice(notice.taken().failed("no", permanent=False))
            await work.commit()
        async with begin(acme.account_id) as work:
            found = await work.maintenance.notice(notice.id)
            assert (DeliveryState.FAILED, 1, "no") == (found.state, found.attempts, found.last_error)
            with pytest.raises(NotFound):
                await work.maintenance.notice(MaintenanceNoticeId(new_id()))

    async def test_one_that_is_dropped_goes_with_its_runs_and_the_sessions_stay(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        schedule, other = a_schedule(acme), a_schedule(acme)
        run, others = a_run(schedule), a_run(other)
        await self.kept(begin, acme, schedule, run)
        await self.kept(begin, acme, other, others)
        session_id = await self.a_kept_session(begin, a_session(by=acme.anna))
        async with begin(acme.account_id) as work:
            await work.maintenance.keep_session(run.id, 0, session_id)
            await work.maintenance.add_notices([Notice(id=MaintenanceNoticeId(new_id()), run_id=run.id, user_id=acme.anna.user_id)])
            await work.commit()

        async with begin(acme.account_id) as work:
            await work.maintenance.drop(schedule.id)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert [other] == list(await work.maintenance.schedules(after=None, limit=EVERYTHING))
            assert others == await work.maintenance.run(others.id)
            assert session_id == (await work.sessions.get(session_id)).id
            with pytest.raises(NotFound):
                await work.maintenance.run(run.id)

    async def test_sessions_of_a_client_carry_what_is_open(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        named = await self.a_kept_session(begin, a_session(by=acme.anna, client_name="lakeside dental"))
        nobody = await self.a_kept_session(begin, a_session(by=acme.anna, client_name="Other"))
        await self.kept(begin, acme, schedule, run)

        async with begin(acme.account_id) as work:
            assert [run.window, None] == [(await work.sessions.get(one)).window for one in (named, nobody)]
            assert run.window == (await work.sessions.detail(named)).session.window
        assert run.window == (await view(acme.account_id).session(named)).session.window
        listed, _ = await view(acme.account_id).sessions(SessionFilter(), acme.anna, after=None, limit=EVERYTHING)
        assert {named: run.window, nobody: None} == {one.id: one.window for one in listed}

        async with begin(acme.account_id) as work:
            await work.maintenance.save_run(run.finished().closed())
            await work.commit()
        assert None is (await view(acme.account_id).session(named)).session.window

    async def test_handoffs_of_a_client_carry_what_is_open(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        case = await a_session(by=acme.anna, client_name="STRASSE GmbH").escalated().kept(begin)
        handoff_id = case.handoffs[-1].id
        await self.kept(begin, acme, schedule, run)

        async with begin(acme.account_id) as work:
            assert run.window == (await work.handoffs.get(handoff_id)).window
            assert run.window == (await work.handoffs.detail(handoff_id)).handoff.window
        seen = view(acme.account_id)
        assert run.window == (await seen.handoff(handoff_id)).handoff.window
        assert run.window == (await seen.snapshot(handoff_id)).handoff.window
        assert [run.window] == [one.window for one in await seen.queue(QueueFilter(), after=None, limit=EVERYTHING)]

    async def test_another_accounts_do_not_exist(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        schedule = a_schedule(acme)
        run = a_run(schedule)
        await self.kept(begin, acme, schedule, run)
        notice = Notice(id=MaintenanceNoticeId(new_id()), run_id=run.id, user_id=acme.anna.user_id)
        async with begin(acme.account_id) as work:
            await work.maintenance.add_notices([notice])
            await work.commit()
        theirs = await self.a_kept_session(begin, a_session(by=globex.anna, client_name=CLIENT))

        async with begin(globex.account_id) as work:
            assert [] == list(await work.maintenance.schedules(after=None, limit=EVERYTHING))
            assert [] == list(await work.maintenance.active())
            assert [] == list(await work.maintenance.runs(schedule.id, before=None, limit=EVERYTHING))
            for asked in (work.maintenance.schedule(schedule.id), work.maintenance.run(run.id), work.maintenance.notice(notice.id)):
                with pytest.raises(NotFound):
                    await asked
            await work.maintenance.drop(schedule.id)
            await work.commit()
        assert None is (await view(globex.account_id).session(theirs)).session.window
        assert run == await self.found(begin, acme, run)

    async def test_the_calendar_of_an_account_is_renewed_for_it_alone(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        for expected in (1, 2):
            async with begin(acme.account_id) as work:
                assert expected - 1 == await work.maintenance.calendar_edition()
                assert expected == await work.maintenance.renew_calendar()
                await work.commit()

        async with begin(acme.account_id) as mine, begin(globex.account_id) as theirs:
            assert (2, 0) == (await mine.maintenance.calendar_edition(), await theirs.maintenance.calendar_edition())
