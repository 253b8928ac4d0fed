"""The outbox: what is recorded with a change is done after it, by one relay at a time, and by another where that one died."""

from asyncio import gather
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import AlreadyClaimed
from flowpilot_core.domain.kernel.identifiers import AccountId, DeliveryId, EventId
from flowpilot_core.domain.notifications.delivery import Channel, Delivery, DeliveryKind
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.relay import Lease, Outbox, Work, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Staff, a_session, a_staff, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract

LONG = timedelta(minutes=5)
RUN_OUT = timedelta()
"""A lease that is over as soon as it is given: its relay might as well be dead."""


def up_to(most: int) -> dict[str, int]:
    """Room in which one account has that many deliveries taken, and nothing else."""
    return {WorkKind.DELIVERY: 2 * most}


def accounts(leases: Iterable[Lease]) -> Counter[AccountId]:
    """How many pieces of each account are held."""
    return Counter(lease.account_id for lease in leases)


class OutboxContract(Contract):
    """`Outbox` and `WorkLedger`."""

    @pytest.fixture(autouse=True)
    async def nothing_due(self, begin: BeginWork[UnitOfWork], outbox: Outbox) -> AsyncIterator[None]:
        """Whatever other tests have left due in this store is out of the way; and so is what this one leaves."""
        await self._finish_all(begin, outbox)
        yield
        await self._finish_all(begin, outbox)

    async def _finish_all(self, begin: BeginWork[UnitOfWork], outbox: Outbox) -> None:
        while leases := await outbox.take({}, others=400, lease_for=LONG):
            for lease in leases:
                async with begin(lease.account_id) as work:
                    await work.due.finish(lease)
                    await work.commit()

    async def due(
        self,
        begin: BeginWork[UnitOfWork],
        staff: Staff,
        *,
        pieces: int = 1,
        kind: str = WorkKind.DELIVERY,
        target: UUID | None = None,
        queue_rank: int = 0,
    ) -> list[UUID]:
        """Some due work; its ids."""
        ids = [new_id() for _ in range(pieces)]
        async with begin(staff.account_id) as work:
            for work_id in ids:
                await work.due.add(Work(id=work_id, kind=cast(WorkKind, kind), due_at=NOON, target=target, queue_rank=queue_rank))
            await work.commit()
        return ids

    async def finish(self, begin: BeginWork[UnitOfWork], lease: Lease) -> bool:
        async with begin(lease.account_id) as work:
            done = await work.due.finish(lease)
            await work.commit()
        return done

    async def test_due_work_is_taken_with_what_it_takes_to_do_it(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        (work_id,) = await self.due(begin, acme)

        (lease,) = await outbox.take(up_to(10), lease_for=LONG)

        assert (acme.account_id, work_id, WorkKind.DELIVERY, 1) == (lease.account_id, lease.work_id, lease.kind, lease.takes)

    async def test_work_that_is_rolled_back_is_never_due(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            await work.due.add(Work(id=new_id(), kind=WorkKind.DELIVERY, due_at=NOON))

        assert [] == list(await outbox.take(up_to(10), lease_for=LONG))

    async def test_work_is_not_due_before_its_time(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        in_a_thousand_years = NOON + timedelta(days=365_000)
        async with begin(acme.account_id) as work:
            await work.due.add(Work(id=new_id(), kind=WorkKind.DELIVERY, due_at=in_a_thousand_years))
            await work.commit()

        assert [] == list(await outbox.take(up_to(10), lease_for=LONG))
        assert 0 == await outbox.lag()

    @pytest.mark.parametrize("recorded", [True, False])
    async def test_what_an_event_causes_is_due_only_if_the_event_is_recorded(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, recorded: bool
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        later = case.step("looked at it")
        event = later.events[-1]
        async with begin(acme.account_id) as work:
            await work.due.add(Work(id=new_id(), kind=WorkKind.DELIVERY, due_at=NOON), caused_by=event.id)
            await work.sessions.save(later.session)
            if recorded:
                await work.record(event)
            await work.commit()

        assert recorded is bool(await outbox.take(up_to(10), lease_for=LONG))

    @pytest.mark.parametrize("commit", [True, False])
    async def test_a_claim_carries_what_it_causes_and_a_lost_one_causes_nothing(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, commit: bool
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        caused = new_id()

        async def claim(by: Person, work_id: UUID) -> None:
            event_id = EventId(new_id())
            async with begin(acme.account_id) as work:
                await work.due.add(Work(id=work_id, kind=WorkKind.DELIVERY, due_at=NOON), caused_by=event_id)
                await work.handoffs.claim(case.handoff.id, by=by, at=NOON, event_id=event_id, request_id=None, expected=None, commit=commit)
                await work.commit()

        await claim(acme.ben, caused)
        with pytest.raises(AlreadyClaimed):
            await claim(acme.adam, new_id())

        assert [caused] == [lease.work_id for lease in await outbox.take(up_to(10), lease_for=LONG)]

    async def test_a_delivery_is_due_as_soon_as_it_is_committed(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        deliveries = [
            Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=person.user_id, created_at=NOON, updated_at=NOON)
            for person in (acme.ben, acme.olga)
        ]
        async with begin(acme.account_id) as work:
            await work.deliveries.add(deliveries)
            assert [] == list(await outbox.take(up_to(10), lease_for=LONG))
            await work.commit()

        leases = await outbox.take(up_to(10), lease_for=LONG)

        assert {delivery.id for delivery in deliveries} == {lease.work_id for lease in leases}
        assert {WorkKind.DELIVERY} == {lease.kind for lease in leases}

    async def test_a_delivery_for_later_is_not_due_before(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, view: ViewOf[View], acme: Staff
    ) -> None:
        one_day = NOON.replace(year=2999)
        case = await a_session(by=acme.anna).parked(wake_at=one_day).kept(begin)
        later, now = (
            Delivery.of(case.handoff, DeliveryId(new_id()), acme.anna.user_id, kind=DeliveryKind.WAKE_UP, number=number, at=NOON)
            for number in range(2)
        )
        async with begin(acme.account_id) as work:
            await work.deliveries.add([later], not_before=one_day)
            await work.deliveries.add([now], not_before=NOON)
            await work.commit()

        assert [now.id] == [lease.work_id for lease in await outbox.take(up_to(10), lease_for=LONG)]
        assert one_day == (await view(acme.account_id).handoff(case.handoff.id)).handoff.wake_at

    async def test_what_has_a_way_of_its_own_is_in_the_ledger_and_nobodys_work(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        hook = Delivery(
            id=DeliveryId(new_id()),
            handoff_id=case.handoff.id,
            user_id=None,
            channel=Channel.WEBHOOK,
            created_at=NOON,
            updated_at=NOON,
        )
        async with begin(acme.account_id) as work:
            await work.deliveries.add([hook])
            await work.commit()

        async with begin(acme.account_id) as work:
            assert hook == await work.deliveries.get(hook.id)
        taken = await outbox.take({}, others=10, lease_for=LONG)
        assert [] == [lease for lease in taken if lease.kind != WorkKind.INDEX]

    async def test_of_each_kind_no_more_is_taken_than_it_has_room_for(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        """A flood of one kind takes no room from another, though it was there first."""
        await self.due(begin, acme, pieces=50)
        await self.due(begin, acme, pieces=3, kind="teleport")

        leases = await outbox.take({WorkKind.DELIVERY: 8, "teleport": 4}, lease_for=LONG)

        assert {"delivery": 4, "teleport": 2} == Counter(lease.kind for lease in leases)
        assert [] == list(await outbox.take({WorkKind.DELIVERY: 0}, lease_for=LONG))
        assert ["teleport"] == [lease.kind for lease in await outbox.take({"teleport": 10}, lease_for=LONG)]

    async def test_kinds_that_have_no_room_of_their_own_share_one(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.due(begin, acme)
        await self.due(begin, acme, kind="teleport")
        await self.due(begin, acme, kind="beam")

        leases = await outbox.take({WorkKind.DELIVERY: 1}, others=1, lease_for=LONG)
        rest = await outbox.take({WorkKind.DELIVERY: 1}, others=9, lease_for=LONG)

        assert 2 == len(leases)
        assert WorkKind.DELIVERY in {lease.kind for lease in leases}
        assert {"beam", "teleport"} == {lease.kind for lease in (*leases, *rest)} - {WorkKind.DELIVERY}

    async def test_no_more_is_taken_than_was_asked_for(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        ids = await self.due(begin, acme, pieces=5)

        batches = [await outbox.take(up_to(2), lease_for=LONG) for _ in range(4)]

        assert [2, 2, 1, 0] == [len(batch) for batch in batches]
        assert set(ids) == {lease.work_id for batch in batches for lease in batch}

    async def test_relays_at_once_never_take_the_same(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """F15: eight of them, in small bites."""
        ids = await self.due(begin, acme, pieces=100)

        async def relay() -> list[UUID]:
            taken: list[UUID] = []
            misses = 0
            while misses < 3:
                leases = await outbox.take(up_to(4), lease_for=LONG)
                taken += [lease.work_id for lease in leases]
                misses = 0 if leases else misses + 1
            return taken

        taken = Counter(work_id for relayed in await gather(*(relay() for _ in range(8))) for work_id in relayed)

        assert dict.fromkeys(ids, 1) == taken

    async def test_finished_work_is_done_with(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.due(begin, acme)
        (lease,) = await outbox.take(up_to(1), lease_for=RUN_OUT)

        assert await self.finish(begin, lease)

        assert [] == list(await outbox.take(up_to(1), lease_for=LONG))
        assert not await self.finish(begin, lease)

    async def test_finishing_that_is_rolled_back_finishes_nothing(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.due(begin, acme)
        (lease,) = await outbox.take(up_to(1), lease_for=LONG)

        async with begin(acme.account_id) as work:
            assert await work.due.finish(lease)

        assert await self.finish(begin, lease)

    async def test_what_a_dead_relay_held_is_taken_again(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """F16: once its lease has run out, under another token, and it is known to be a repeat."""
        await self.due(begin, acme)

        (first,) = await outbox.take(up_to(1), lease_for=RUN_OUT)
        (second,) = await outbox.take(up_to(1), lease_for=LONG)

        assert (first.work_id, 2) == (second.work_id, second.takes)
        assert first.token != second.token
        assert [] == list(await outbox.take(up_to(1), lease_for=LONG))

    async def test_a_relay_that_comes_back_too_late_changes_nothing(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        """F17: its lease is void, whatever it tries."""
        await self.due(begin, acme)
        (late,) = await outbox.take(up_to(1), lease_for=RUN_OUT)
        (current,) = await outbox.take(up_to(1), lease_for=LONG)

        async with begin(acme.account_id) as work:
            assert not await work.due.holds(late)
            assert not await work.due.postpone(late, seconds=0)
            assert not await work.due.finish(late)
            await work.commit()

        assert [] == list(await outbox.take(up_to(1), lease_for=LONG))
        assert await self.finish(begin, current)

    async def test_done_stays_done_when_a_rescue_races_it(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """F18: either the work is finished, or it is taken over and the finish finds no row; never both."""
        for _ in range(20):
            await self.due(begin, acme)
            (lease,) = await outbox.take(up_to(1), lease_for=RUN_OUT)

            finished, rescued = await gather(self.finish(begin, lease), outbox.take(up_to(1), lease_for=LONG))

            assert finished is (not rescued)
            assert all([await self.finish(begin, again) for again in rescued])
            assert [] == list(await outbox.take(up_to(1), lease_for=LONG))

    async def test_a_lease_that_is_held_in_a_unit_of_work_is_not_rescued_meanwhile(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        await self.due(begin, acme)
        (lease,) = await outbox.take(up_to(1), lease_for=RUN_OUT)

        async with begin(acme.account_id) as work:
            held = await work.due.holds(lease)
            rescued = await outbox.take(up_to(1), lease_for=LONG)

            assert held is (not rescued)

    async def test_postponed_work_is_due_again_later(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        now, later = await self.due(begin, acme, pieces=2)
        for lease in await outbox.take(up_to(2), lease_for=LONG):
            async with begin(acme.account_id) as work:
                assert await work.due.postpone(lease, seconds=0 if lease.work_id == now else 3600)
                await work.commit()

        (again,) = await outbox.take(up_to(10), lease_for=LONG)

        assert (now, 2) == (again.work_id, again.takes)
        assert later != again.work_id

    async def test_a_lease_is_void_once_its_work_is_somebody_elses(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        held, free, other = await self.due(begin, acme, pieces=3)
        lease = next(one for one in await outbox.take(up_to(9), lease_for=RUN_OUT) if one.work_id == held)

        async with begin(acme.account_id) as work:
            await work.due.withdraw([held, free, new_id()])
            await work.commit()

        async with begin(acme.account_id) as work:
            assert not await work.due.holds(lease)
        assert [other] == [one.work_id for one in await outbox.take(up_to(9), lease_for=LONG)]

    async def test_a_lease_is_void_once_its_work_is_postponed(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.due(begin, acme)
        (lease,) = await outbox.take(up_to(1), lease_for=LONG)
        async with begin(acme.account_id) as work:
            await work.due.postpone(lease, seconds=0)
            await work.commit()

        assert not await self.finish(begin, lease)

    async def test_accounts_take_turns(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """F20: a flood of one account's work delays no other's, though it was there first."""
        await self.due(begin, acme, pieces=300)
        quiet = [await a_staff(f"Quiet {number}").kept(begin) for number in range(3)]
        wanted = {(await self.due(begin, staff))[0] for staff in quiet}

        leases = await outbox.take({WorkKind.DELIVERY: 8}, lease_for=LONG)

        assert wanted < {lease.work_id for lease in leases}
        assert Counter({acme.account_id: 3, **{staff.account_id: 1 for staff in quiet}}) == accounts(leases)

    @pytest.mark.parametrize("others", [0, 1, 2, 10])
    async def test_however_many_flood_a_lane_a_place_is_left_for_who_comes_next(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, others: int
    ) -> None:
        """A59: what is being done counts, so that looking again and again gets nobody more than their share."""
        staffs = [acme, *[await a_staff(f"Busy {number}").kept(begin) for number in range(others)]]
        for staff in staffs:
            await self.due(begin, staff, pieces=40)

        held: list[Lease] = []
        while leases := await outbox.take({WorkKind.DELIVERY: 32 - len(held)}, holding=held, lease_for=LONG):
            held += leases

        share = 32 // (others + 2)
        assert all(share <= pieces <= share + 1 for pieces in accounts(held).values())
        assert set(accounts(held)) == {staff.account_id for staff in staffs}
        assert len(held) < 32
        newcomer = await a_staff("Newcomer").kept(begin)
        wanted = await self.due(begin, newcomer)
        assert wanted == [lease.work_id for lease in await outbox.take({WorkKind.DELIVERY: 32 - len(held)}, holding=held, lease_for=LONG)]

    async def test_a_thousand_accounts_in_a_flood_have_their_turns(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """A59: none waits until the flood is over, however long it takes to pass them all."""
        await self.due(begin, acme, pieces=300)
        others = [await a_staff(f"Busy {number}").kept(begin) for number in range(1_000)]
        for staff in others:
            await self.due(begin, staff)

        served, looks = Counter[AccountId](), 0
        while len(served) <= len(others) and (leases := await outbox.take({WorkKind.DELIVERY: 32}, lease_for=LONG)):
            served, looks = served + accounts(leases), looks + 1

        assert {acme.account_id, *(staff.account_id for staff in others)} == set(served)
        assert served[acme.account_id] <= 2 * looks

    async def test_a_backlog_of_many_accounts_does_not_go_before_the_work_of_one_that_came_later(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        """A59: with one place, and each of them always with something that was due before."""
        busy = [acme, *[await a_staff(f"Busy {number}").kept(begin) for number in range(9)]]
        for staff in busy:
            await self.due(begin, staff, pieces=30)
        late = await a_staff("Late").kept(begin)
        async with begin(late.account_id) as work:
            await work.due.add(Work(id=new_id(), kind=WorkKind.DELIVERY, due_at=NOON + timedelta(minutes=1)))
            await work.commit()

        turns = []
        for _ in range(11):
            (lease,) = await outbox.take({WorkKind.DELIVERY: 1}, lease_for=LONG)
            turns.append(lease.account_id)
            await self.finish(begin, lease)

        assert {late.account_id, *(staff.account_id for staff in busy)} == set(turns)

    async def test_who_holds_more_has_the_later_turn(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        await self.due(begin, acme, pieces=20)
        held = await outbox.take(up_to(5), lease_for=LONG)
        quiet = await a_staff("Quiet").kept(begin)
        await self.due(begin, quiet, pieces=20)

        leases = await outbox.take({WorkKind.DELIVERY: 9}, holding=held, lease_for=LONG)

        assert {quiet.account_id: 5} == accounts(leases)

    async def test_what_is_held_in_one_lane_takes_nothing_from_another(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        await self.due(begin, acme, pieces=5)
        held = await outbox.take(up_to(5), lease_for=LONG)
        await self.due(begin, acme, pieces=5, kind="teleport")

        leases = await outbox.take({WorkKind.DELIVERY: 5}, others=10, holding=held, lease_for=LONG)

        assert ["teleport"] * 5 == [lease.kind for lease in leases]

    async def test_what_goes_to_one_target_goes_piece_by_piece(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """A59: one that hangs holds one place, however much is due for it, and delays no other of its account."""
        slow, quick = new_id(), new_id()
        await self.due(begin, acme, pieces=300, target=slow)
        (first,) = await outbox.take(up_to(10), lease_for=LONG)
        assert slow == first.target
        wanted = await self.due(begin, acme, target=quick) + await self.due(begin, acme)

        leases = await outbox.take(up_to(10), holding=[first], lease_for=LONG)
        await self.finish(begin, first)
        (second,) = await outbox.take(up_to(10), holding=leases, lease_for=LONG)

        assert wanted == [lease.work_id for lease in sorted(leases, key=lambda lease: wanted.index(lease.work_id))]
        assert [quick, None] == [lease.target for lease in sorted(leases, key=lambda lease: wanted.index(lease.work_id))]
        assert slow == second.target

    async def test_a_target_of_one_account_is_none_of_anothers(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        same = new_id()
        other = await a_staff("Other").kept(begin)
        for staff in (acme, other):
            await self.due(begin, staff, pieces=2, target=same)

        assert {acme.account_id: 1, other.account_id: 1} == accounts(await outbox.take(up_to(10), lease_for=LONG))

    @pytest.mark.parametrize("flood", [3, 300])
    async def test_the_urgent_comes_first_within_an_account(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, flood: int
    ) -> None:
        """A59: and not before another account's turn, however urgent all of it is said to be."""
        quiet = await a_staff("Quiet").kept(begin)
        await self.due(begin, acme, pieces=flood)
        urgent = await self.due(begin, acme, pieces=2, queue_rank=-3)
        high = await self.due(begin, acme, queue_rank=-2)
        low = await self.due(begin, quiet)

        leases = await outbox.take({WorkKind.DELIVERY: 7}, lease_for=LONG)

        assert {*urgent, *high, *low} == {lease.work_id for lease in leases}

    async def test_mails_and_assessments_of_an_urgent_escalation_come_first(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        deliveries = {}
        for priority in (Priority.LOW, Priority.URGENT, Priority.NORMAL, Priority.HIGH):
            case = await a_session(by=acme.anna).escalated(priority=priority).kept(begin)
            delivery = Delivery.of(case.handoff, DeliveryId(new_id()), acme.ben.user_id, kind=DeliveryKind.ESCALATED, number=0, at=NOON)
            deliveries[delivery.id] = priority
            async with begin(acme.account_id) as work:
                await work.deliveries.add([delivery])
                await work.commit()

        taken = [lease.work_id for _ in deliveries for lease in await outbox.take({WorkKind.DELIVERY: 1}, lease_for=LONG)]

        assert sorted(Priority, key=lambda priority: -priority.rank) == [deliveries[DeliveryId(work_id)] for work_id in taken]

    async def test_poisoned_work_does_not_starve_the_rest(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        """F19: what is taken over and over and never finished leaves room for what was not tried yet."""
        for _ in range(3):
            await self.due(begin, acme, pieces=4)
        seen: set[UUID] = set()

        for _ in range(6):
            leases: Sequence[Lease] = await outbox.take(up_to(4), lease_for=LONG)
            seen |= {lease.work_id for lease in leases}
            for lease in leases:
                async with begin(acme.account_id) as work:
                    await work.due.postpone(lease, seconds=0)
                    await work.commit()

        assert 12 == len(seen)

    async def test_the_lag_is_how_long_the_oldest_due_work_waits(self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff) -> None:
        assert 0 == await outbox.lag()

        await self.due(begin, acme)
        await self.due(begin, acme, kind="teleport")
        assert await outbox.lag() > 0
        assert {"delivery", "teleport"} == set(await outbox.lags())
        await outbox.take({"teleport": 1}, lease_for=LONG)
        assert {"delivery"} == set(await outbox.lags())

        (lease,) = await outbox.take(up_to(1), lease_for=LONG)
        assert 0 == await outbox.lag()

        await self.finish(begin, lease)
        assert 0 == await outbox.lag()
