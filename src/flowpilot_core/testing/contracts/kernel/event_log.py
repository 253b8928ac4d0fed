"""The event log: numbers without gaps, in the order of the commits, so that whoever reads on misses nothing."""

from asyncio import Event as Signal
from asyncio import create_task, gather, sleep

from flowpilot_core.domain.kernel.events import LoggedEvent
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Case, Staff, a_session
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract, all_events


class EventLogContract(Contract):
    """`KernelWork.record` and `KernelView.events`."""

    async def _start(self, begin: BeginWork[UnitOfWork], case: Case, *, commit: bool = True) -> None:
        async with begin(case.assignee.account_id) as work:
            await work.sessions.add(case.session)
            await work.record(case.events[0])
            if commit:
                await work.commit()

    async def test_events_come_back_as_they_were_recorded_and_in_order(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = a_session(by=acme.anna).step().fork().parked().resumed().escalated().rerouted(team_id=acme.network.id)
        case = await case.claimed_by(acme.ben).resolved().reopened_by(acme.anna).abandoned().kept(begin)

        events = await all_events(view, acme.account_id)

        assert [LoggedEvent(number=number, event=event) for number, event in enumerate(case.events, 1)] == list(events)

    async def test_events_of_one_unit_of_work_keep_their_order(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna).step().step().step()
        async with begin(acme.account_id) as work:
            await work.sessions.add(case.moves[0].session)
            for event in case.events:
                await work.record(event)
            await work.commit()

        assert list(case.events) == [logged.event for logged in await all_events(view, acme.account_id)]

    async def test_reading_on_begins_after_the_number_named(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await a_session(by=acme.anna).step().step().step().step().kept(begin)

        async def numbers(after: int, limit: int) -> list[int]:
            return [logged.number for logged in await view(acme.account_id).events(after=after, limit=limit)]

        assert [1, 2] == await numbers(0, 2)
        assert [3, 4] == await numbers(2, 2)
        assert [5] == await numbers(4, 2)
        assert [] == await numbers(5, 2)
        assert [] == await numbers(10**9, 2)

    async def test_news_say_who_did_it_and_who_may_know_of_it(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna).parked().reassigned_to(acme.ben).resumed().escalated().claimed_by(acme.anna)
        case = await case.kept(begin)

        news = await view(acme.account_id).news(after=1, limit=4)

        private = frozenset({acme.anna.user_id, acme.ben.user_id})
        assert list(case.events[1:5]) == [one.entry.logged.event for one in news]
        assert [2, 3, 4, 5] == [one.entry.logged.number for one in news]
        assert [acme.anna.name, acme.anna.name, acme.ben.name, acme.ben.name] == [one.entry.name for one in news]
        assert [private, private, private, None] == [one.readers for one in news]
        assert [True, True, False] == [news[0].readable_by(who) for who in (acme.olga, acme.ben, acme.vera)]
        assert [True, True, True] == [news[3].readable_by(who) for who in (acme.olga, acme.ben, acme.vera)]

    async def test_the_last_number_is_that_of_the_last_event(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        before = await view(acme.account_id).last_number()
        await a_session(by=acme.anna).step().step().kept(begin)

        assert (0, 3) == (before, await view(acme.account_id).last_number())

    async def test_what_is_rolled_back_leaves_no_gap(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        for number in range(6):
            await self._start(begin, a_session(by=acme.anna), commit=number % 2 == 0)

        assert [1, 2, 3] == [logged.number for logged in await all_events(view, acme.account_id)]

    async def test_a_slow_transaction_in_the_middle_is_not_skipped(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """F21: it recorded first and commits last; whoever reads on in between hears of it afterwards."""
        slow, fast = a_session(by=acme.anna), a_session(by=acme.ben)
        recorded, read = Signal(), Signal()

        async def slowly() -> None:
            async with begin(acme.account_id) as work:
                await work.sessions.add(slow.session)
                await work.record(slow.events[0])
                recorded.set()
                await read.wait()
                await work.commit()

        async def quickly() -> list[LoggedEvent]:
            await recorded.wait()
            other = create_task(self._start(begin, fast))
            for _ in range(20):
                await sleep(0)
            first = list(await view(acme.account_id).events(after=0, limit=EVERYTHING))
            read.set()
            await other
            return first

        _, first = await gather(slowly(), quickly())
        rest = await view(acme.account_id).events(after=first[-1].number if first else 0, limit=EVERYTHING)

        heard = [*first, *rest]
        assert [1, 2] == [logged.number for logged in heard]
        assert {slow.id, fast.id} == {logged.event.session_id for logged in heard}

    async def test_who_reads_on_while_many_commit_hears_everything_once(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """F21: under concurrent commits, some of them given up."""
        cases = [a_session(by=(acme.anna, acme.ben)[number % 2]) for number in range(40)]
        heard: list[LoggedEvent] = []
        done = Signal()

        async def read_on() -> None:
            while True:
                last = done.is_set()
                page = await view(acme.account_id).events(after=heard[-1].number if heard else 0, limit=3)
                heard.extend(page)
                if last and not page:
                    return

        async def write() -> None:
            await gather(*(self._start(begin, case, commit=number % 5 != 0) for number, case in enumerate(cases)))
            done.set()

        await gather(read_on(), write())

        kept: set[SessionId] = {case.id for number, case in enumerate(cases) if number % 5}
        assert list(range(1, 33)) == [logged.number for logged in heard]
        assert kept == {logged.event.session_id for logged in heard}
