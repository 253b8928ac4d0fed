"""The import's ledger, and a log replayed over it: what is done is done once, wherever it was stopped."""

from asyncio import gather
from collections.abc import Callable

import pytest
from attrs import evolve

from flowpilot_core.application.replay.replay import AnotherLog, Replay, RowRefused
from flowpilot_core.domain.kernel.errors import FlowPilotError, NotFound, Stale, Unauthenticated
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.replay.incident_log import LogRow
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.replay import Figures, ImportedCase, ImportedRow
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract, all_events
from flowpilot_core.testing.logs import log_rows

LOG = "VINST"

SMALL = log_rows(
    "1 anna working V30",
    "1 anna queued V5",
    "2 anna queued V5",
    "1 ben queued V6",
    "1 ben working V6",
    "2 anna on_hold V5",
    "1 cleo on_hold V6",
    "2 ben done V5",
    "1 cleo done V6",
    "1 cleo done V6",
    "3 cleo queued V30",
    "2 ben ignored V5",
    "3 ben cancelled V30",
    "3 cleo working V30",
)
"""Three cases of three people, with something of everything."""

SMALL_FIGURES = Figures(
    sessions=3,
    events=14,
    escalations=3,
    reroutes=1,
    claims=1,
    withdrawn=2,
    parks=2,
    resumed=2,
    resolved=2,
    abandoned=1,
    reopened=1,
    ignored=1,
    open_at_end=0,
    parked_at_end=0,
    active_at_end=1,
    time_to_claim_median_s=180,
    time_to_claim_p90_s=180,
)


class _Killed(Exception):
    """The end of a process, in the middle of anything."""


def _nobody_looks(_: int) -> None:
    """No progress bar."""


def killed_after(rows: int) -> Callable[[int], None]:
    """A progress bar that ends the process."""
    seen = 0

    def done(more: int) -> None:
        nonlocal seen
        seen += more
        if seen >= rows:
            raise _Killed

    return done


class ImportsContract(Contract):
    """`Imports`, and what `View` shows of them."""

    def line(self, case: Case, line: int = 2, *, log: str = LOG, outcome: str = "step") -> ImportedRow:
        return ImportedRow(log=log, line=line, case=f"case of {case.session.title}", session_id=case.id, outcome=outcome)

    async def keep(self, begin: BeginWork[UnitOfWork], staff: Staff, *lines: ImportedRow) -> None:
        async with begin(staff.account_id) as work:
            for line in lines:
                await work.imports.add(line)
            await work.commit()

    async def test_a_log_that_never_was_has_nothing(self, view: ViewOf[View], acme: Staff) -> None:
        assert {} == await view(acme.account_id).imported(LOG)
        figures = await view(acme.account_id).figures(LOG)
        assert (0, 0, None, None) == (figures.sessions, figures.events, figures.time_to_claim_median_s, figures.time_to_claim_p90_s)

    async def test_what_is_done_of_each_case_is_told_in_the_order_of_the_log(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)

        await self.keep(begin, acme, self.line(case, 20), self.line(case, 3), self.line(case, 4, log="another"))

        assert {"case of Printer offline": ImportedCase(session_id=case.id, lines=(3, 20))} == await view(acme.account_id).imported(LOG)

    async def test_what_is_not_committed_is_not_done(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)

        async with begin(acme.account_id) as work:
            await work.imports.add(self.line(case))

        assert {} == await view(acme.account_id).imported(LOG)

    async def test_a_line_is_kept_once(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        await self.keep(begin, acme, self.line(case))

        with pytest.raises(Stale):
            await self.keep(begin, acme, self.line(case))

    async def test_settling_leaves_everything_as_it_is(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        await self.keep(begin, acme, self.line(case))
        before = await view(acme.account_id).last_number(), await view(acme.account_id).imported(LOG)

        async with begin(acme.account_id) as work:
            await work.imports.settle()
            await work.commit()

        assert before == (await view(acme.account_id).last_number(), await view(acme.account_id).imported(LOG))

    async def test_of_many_that_keep_the_same_line_at_once_one_succeeds(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)

        outcomes = await gather(*(self.keep(begin, acme, self.line(case)) for _ in range(5)), return_exceptions=True)

        assert [Stale] * 4 == [type(outcome) for outcome in outcomes if outcome is not None]

    async def test_figures_are_of_the_sessions_of_one_log_only(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        mine = await a_session(by=acme.anna).escalated().kept(begin)
        other = await a_session(by=acme.anna).escalated().kept(begin)
        await a_session(by=acme.anna).escalated().kept(begin)
        await self.keep(begin, acme, self.line(mine, outcome="ignored"), self.line(other, log="another"))

        figures = await view(acme.account_id).figures(LOG)

        assert (1, 1, 1, 1, 1) == (figures.sessions, figures.events, figures.escalations, figures.open_at_end, figures.ignored)

    async def test_another_account_has_imported_nothing(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna).escalated().kept(begin)
        await self.keep(begin, acme, self.line(case))
        own = await a_session(by=globex.anna).kept(begin)

        await self.keep(begin, globex, self.line(own))

        assert [own.id] == [done.session_id for done in (await view(globex.account_id).imported(LOG)).values()]
        assert 0 == (await view(globex.account_id).figures(LOG)).escalations


class ReplayContract(Contract):
    """A small log, replayed."""

    @pytest.fixture
    def replay(self, begin: BeginWork[UnitOfWork], view: ViewOf[View]) -> Replay:
        return Replay(begin=begin, view=view, new_id=new_id)

    async def run(
        self, replay: Replay, account_id: AccountId, rows: tuple[LogRow, ...] = SMALL, done: Callable[[int], None] = _nobody_looks
    ) -> Figures:
        return await replay.run(account_id, LOG, rows, concurrency=3, done=done)

    async def test_the_figures_are_those_of_the_log(self, replay: Replay, acme: Staff) -> None:
        assert SMALL_FIGURES == await self.run(replay, acme.account_id)

    async def test_a_second_run_doubles_nothing(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], replay: Replay, acme: Staff
    ) -> None:
        await self.run(replay, acme.account_id)
        events = await all_events(view, acme.account_id)
        seen: list[int] = []

        again = await self.run(replay, acme.account_id, done=seen.append)

        assert SMALL_FIGURES == again
        assert events == await all_events(view, acme.account_id)
        assert len(SMALL) == sum(seen)
        async with begin(acme.account_id) as work:
            assert 4 == len({user.id for user in await work.people.users()} - {person.user_id for person in acme.people})

    @pytest.mark.parametrize("rows", range(1, len(SMALL)))
    async def test_killed_anywhere_and_started_again_it_goes_on(self, replay: Replay, acme: Staff, rows: int) -> None:
        with pytest.raises(_Killed):
            await self.run(replay, acme.account_id, done=killed_after(rows))

        assert SMALL_FIGURES == await self.run(replay, acme.account_id)

    async def test_a_log_that_has_grown_goes_on_where_it_ended(self, replay: Replay, acme: Staff) -> None:
        await self.run(replay, acme.account_id, SMALL[:6])

        assert SMALL_FIGURES == await self.run(replay, acme.account_id)

    async def test_two_runs_at_once_double_nothing(self, replay: Replay, view: ViewOf[View], acme: Staff) -> None:
        outcomes = await gather(*(self.run(replay, acme.account_id) for _ in range(2)), return_exceptions=True)

        assert all(isinstance(outcome, Figures | FlowPilotError) for outcome in outcomes)
        assert SMALL_FIGURES == await self.run(replay, acme.account_id)

    async def test_another_log_under_the_same_name_is_refused(self, replay: Replay, acme: Staff) -> None:
        await self.run(replay, acme.account_id)

        with pytest.raises(AnotherLog) as refused:
            await self.run(replay, acme.account_id, tuple(evolve(row, line=row.line + 1) for row in SMALL))

        assert 2 == refused.value.line

    async def test_nobody_is_told(self, replay: Replay, view: ViewOf[View], acme: Staff) -> None:
        await self.run(replay, acme.account_id)

        escalations = [one.event for one in await all_events(view, acme.account_id) if one.event.kind is EventKind.HANDOFF_ESCALATED]
        assert 3 == len(escalations)
        for event in escalations:
            assert event.handoff_id is not None
            assert () == tuple((await view(acme.account_id).deliveries(event.handoff_id, after=None, limit=EVERYTHING))[1])

    async def test_a_row_that_is_refused_names_itself_and_leaves_what_came_before_it(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], replay: Replay, acme: Staff
    ) -> None:
        await self.run(replay, acme.account_id, SMALL[:10])
        async with begin(acme.account_id) as work:
            (cleo,) = (user for user in await work.people.users() if user.name == "cleo")
            await work.people.save_user(evolve(cleo, deactivated_at=NOON))
            await work.commit()

        with pytest.raises(RowRefused) as refused:
            await self.run(replay, acme.account_id)

        assert (12, "3") == (refused.value.line, refused.value.case)
        assert isinstance(refused.value.__cause__, Unauthenticated)
        assert {"1", "2"} == (await view(acme.account_id).imported(LOG)).keys()

    async def test_an_account_that_does_not_exist_is_refused(self, replay: Replay) -> None:
        with pytest.raises(NotFound):
            await self.run(replay, AccountId(new_id()))
