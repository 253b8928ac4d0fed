"""Handoffs come back as they were kept, with their snapshots and with who was told."""

import attrs
import pytest
from attrs import evolve

from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.canonical_json import digest
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import DeliveryId, HandoffId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import TOLD_ROLES, Channel, Delivery, DeliveryKind, Reach
from flowpilot_core.domain.sessions.feedback import Seen
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract, closed
from flowpilot_core.testing.contracts.sessions.cases import AWKWARD, a_rich_case


class HandoffsContract(Contract):
    """`Handoffs`, `Deliveries` and what views show of them; claims have a suite of their own."""

    async def test_a_handoff_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_rich_case(acme).escalated(AWKWARD, note=AWKWARD, priority=Priority.URGENT, user_id=acme.ben.user_id)
        case = await case.rerouted(team_id=acme.network.id).claimed_by(acme.ben).kept(begin)

        detail = await view(acme.account_id).handoff(case.handoff.id)

        assert case.handoff == detail.handoff
        assert (acme.anna.name, acme.ben.name) == (detail.names[acme.anna.user_id], detail.names[acme.ben.user_id])

    async def test_a_park_comes_back_with_its_readers(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).parked().reassigned_to(acme.ben).resumed().kept(begin)

        handoff = (await view(acme.account_id).handoff(case.handoff.id)).handoff

        assert case.handoff == handoff
        assert {acme.anna.user_id, acme.ben.user_id} == handoff.readers

    async def test_a_snapshot_is_kept_byte_for_byte(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).kept(begin)

        stored = await view(acme.account_id).snapshot(case.handoff.id)

        assert (case.handoff, case.snapshot.body) == (stored.handoff, stored.body)
        assert stored.handoff.snapshot_digest == digest(stored.body)

    async def test_a_snapshot_stays_as_it_was_whatever_happens_next(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        escalated = a_rich_case(acme).escalated()
        case = await escalated.claimed_by(acme.ben).step("something new").resolved().kept(begin)

        assert escalated.snapshot.body == (await view(acme.account_id).snapshot(case.handoff.id)).body

    async def test_an_unknown_handoff_is_not_found(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        unknown, see = HandoffId(new_id()), view(acme.account_id)

        with pytest.raises(NotFound):
            await see.handoff(unknown)
        with pytest.raises(NotFound):
            await see.snapshot(unknown)
        with pytest.raises(NotFound):
            await see.whole_handoff(unknown, acme.anna, changes=1, told=1)
        with pytest.raises(NotFound):
            (await see.deliveries(unknown, after=None, limit=1))[1]
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.handoffs.get(unknown)
            with pytest.raises(NotFound):
                await work.handoffs.detail(unknown)
            with pytest.raises(NotFound):
                await work.deliveries.get(DeliveryId(new_id()))

    async def test_the_chain_has_the_earlier_handoffs_oldest_first(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = a_session(by=acme.anna).parked().resumed().escalated("first").claimed_by(acme.ben)
        case = await case.escalated("second").withdrawn().escalated("third").kept(begin)

        chains = [(await view(acme.account_id).handoff(handoff.id)).chain for handoff in case.handoffs]

        assert [case.handoffs[:place] for place in range(4)] == chains
        assert case.handoffs == (await view(acme.account_id).session(case.id)).handoffs

    async def test_a_handoff_is_made_from_everything_about_its_session(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_rich_case(acme).escalated().claimed_by(acme.ben).kept(begin)

        async with begin(acme.account_id) as work:
            detail = (await work.handoffs.basis(case.id, TOLD_ROLES)).detail

        assert await view(acme.account_id).session(case.id) == detail

    async def test_changes_are_what_came_after_it(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).step().resolved().kept(begin)

        handoff, entries = await view(acme.account_id).changes(case.handoff.id, acme.vera, after=0, limit=EVERYTHING)
        _, rest = await view(acme.account_id).changes(case.handoff.id, acme.vera, after=entries[0].logged.number, limit=1)

        assert (case.handoff.id, list(case.events[3:])) == (handoff.id, [entry.logged.event for entry in entries])
        assert [case.events[4]] == [entry.logged.event for entry in rest]

    async def test_the_whole_of_it_is_what_its_parts_show(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_rich_case(acme).escalated("first").claimed_by(acme.ben).step().escalated("second").kept(begin)
        deliveries = [
            Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=who.user_id, created_at=NOON, updated_at=NOON)
            for who in (acme.ben, acme.adam)
        ]
        async with begin(acme.account_id) as work:
            await work.deliveries.add(deliveries)
            await work.feedback.see(Seen(handoff_id=case.handoff.id, user_id=acme.ben.user_id, seen_at=NOON))
            await work.commit()
        see = view(acme.account_id)

        for handoff in case.handoffs:
            whole = await see.whole_handoff(handoff.id, acme.vera, changes=EVERYTHING, told=EVERYTHING)

            assert await see.handoff(handoff.id) == whole.detail
            assert (await see.snapshot(handoff.id)).body == whole.snapshot
            assert list((await see.changes(handoff.id, acme.vera, after=0, limit=EVERYTHING))[1]) == list(whole.changes)
            assert list((await see.deliveries(handoff.id, after=None, limit=EVERYTHING))[1]) == list(whole.deliveries)
            assert await see.seen_by(handoff.id) == whole.seen_by
            assert (await see.session(case.id)).session == whole.session

    async def test_of_the_whole_of_it_no_more_is_read_than_was_asked_for(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).step().resolved().kept(begin)

        whole = await view(acme.account_id).whole_handoff(case.handoff.id, acme.vera, changes=2, told=1)

        assert [event.id for event in case.events[3:5]] == [entry.logged.event.id for entry in whole.changes]

    async def test_colleagues_are_the_active_people_with_one_of_the_roles(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.adam), deactivated_at=NOON))
            await work.commit()

        async with begin(acme.account_id) as work:
            everyone = (await work.handoffs.basis(case.id, TOLD_ROLES)).colleagues
            viewers = (await work.handoffs.basis(case.id, frozenset({Role.VIEWER}))).colleagues
            nobody = (await work.handoffs.basis(case.id, frozenset())).colleagues

        assert {acme.olga.user_id, acme.anna.user_id, acme.ben.user_id} == {colleague.user_id for colleague in everyone}
        assert {acme.ben.user_id: {acme.network.id}} == {one.user_id: set(one.team_ids) for one in everyone if one.team_ids}
        assert [acme.vera.user_id] == [colleague.user_id for colleague in viewers]
        assert () == nobody

    async def test_of_colleagues_it_is_known_who_is_online(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        for staff in (acme, globex):
            async with begin(staff.account_id) as work:
                await work.presence.here(new_id(), {staff.ben.user_id, staff.vera.user_id}, seconds=600.0)
                await work.commit()

        async with begin(acme.account_id) as work:
            colleagues = (await work.handoffs.basis(case.id, TOLD_ROLES)).colleagues

        assert {acme.ben.user_id} == {colleague.user_id for colleague in colleagues if colleague.online}

    async def test_deliveries_come_back_by_id_in_pages(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case, deliveries = await self._told(begin, acme, acme.olga, acme.adam, acme.ben)

        first = (await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=2))[1]
        rest = (await view(acme.account_id).deliveries(case.handoff.id, after=first[-1].id, limit=2))[1]

        assert deliveries == [*first, *rest]

    async def test_a_delivery_is_kept_as_it_was_changed(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case, (delivery,) = await self._told(begin, acme, acme.ben)
        later = delivery.taken(at=NOON).failed(AWKWARD, permanent=False, unknown=True, message_id="<1@mail.example>", at=NOON + MINUTE)

        async with begin(acme.account_id) as work:
            await work.deliveries.save(later)
            assert later == await work.deliveries.get(delivery.id)
            await work.commit()

        assert [later] == list((await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=2))[1])

    async def test_of_its_kind_and_number_there_is_one_for_a_person_and_channel(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """So that whoever adds them again, not knowing whether they did, tells nobody twice."""
        case, (first,) = await self._told(begin, acme, acme.ben)
        same = evolve(first, id=DeliveryId(new_id()), created_at=NOON + MINUTE, updated_at=NOON + MINUTE)
        others = [
            evolve(same, id=DeliveryId(new_id()), user_id=acme.adam.user_id),
            evolve(same, id=DeliveryId(new_id()), channel=Channel.PUSH),
            evolve(same, id=DeliveryId(new_id()), kind=DeliveryKind.REMINDER),
            evolve(same, id=DeliveryId(new_id()), kind=DeliveryKind.REMINDER, number=1),
            *(evolve(same, id=DeliveryId(new_id()), user_id=None, channel=Channel.WEBHOOK) for _ in range(2)),
        ]
        for _ in range(2):
            async with begin(acme.account_id) as work:
                await work.deliveries.add([same, *others])
                await work.commit()

        assert [first, *others] == list((await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))[1])

    async def test_the_mails_of_a_person_are_those_sent_since_and_those_that_wait(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        cases = [await self._told(begin, acme, acme.ben, acme.adam) for _ in range(4)]
        sent, carried, waiting, early = [deliveries[0] for _, deliveries in cases]
        sent = sent.taken(at=NOON + MINUTE).sent("<1@mail.example>", at=NOON + MINUTE)
        carried = carried.joined(sent, at=NOON + MINUTE).sent("<1@mail.example>", at=NOON + MINUTE)
        waiting = waiting.held(NOON + MINUTE)
        early = early.taken(at=NOON).sent("<2@mail.example>", at=NOON)
        async with begin(acme.account_id) as work:
            for changed in (sent, carried, waiting, early):
                await work.deliveries.save(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            mails = await work.deliveries.mails_of(acme.ben.user_id, since=NOON)
            assert ((sent,), (waiting,)) == (mails.sent, mails.waiting)
            assert [carried] == list(await work.deliveries.carried(sent.id))
            assert [] == list(await work.deliveries.carried(waiting.id))
            assert ((), ()) == attrs.astuple(await work.deliveries.mails_of(acme.olga.user_id, since=NOON), recurse=False)

    async def test_a_handoff_says_how_far_telling_has_got(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case, deliveries = await self._told(begin, acme, acme.olga, acme.adam, acme.ben)
        sent, dead = (delivery.taken(at=NOON) for delivery in deliveries[:2])
        async with begin(acme.account_id) as work:
            await work.deliveries.save(sent.sent("<1@mail.example>", at=NOON))
            await work.deliveries.save(dead.failed("nobody here", permanent=True, at=NOON))
            reminder = evolve(deliveries[0], id=DeliveryId(new_id()), kind=DeliveryKind.REMINDER)
            hook = evolve(reminder, id=DeliveryId(new_id()), user_id=None, channel=Channel.WEBHOOK)
            await work.deliveries.add([reminder, hook])
            await work.commit()

        assert Reach(people=3, sent=1, refused=1) == (await view(acme.account_id).handoff(case.handoff.id)).told

    async def test_the_ledger_shows_the_deliveries_of_all_handoffs_newest_first(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        told = [(await self._told(begin, acme, acme.ben, acme.adam))[1] for _ in range(2)]
        oldest, *middle, newest = sorted((one for deliveries in told for one in deliveries), key=lambda one: one.id)
        dead = oldest.taken(at=NOON).failed("nobody here", permanent=True, at=NOON)
        async with begin(acme.account_id) as work:
            await work.deliveries.save(dead)
            await work.commit()
        see, every = view(acme.account_id), frozenset(DeliveryState)

        assert [newest, *reversed(middle), dead] == list(await see.ledger(every, before=None, limit=EVERYTHING))
        assert [middle[1], middle[0]] == list(await see.ledger(every, before=newest.id, limit=2))
        assert [dead] == list(await see.ledger(frozenset({DeliveryState.DEAD}), before=None, limit=EVERYTHING))

    async def test_who_is_deactivated_is_not_told(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.adam), deactivated_at=NOON))
            await work.commit()

        case, deliveries = await self._told(begin, acme, acme.adam, acme.ben)

        kept = (await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))[1]
        assert deliveries[1:] == list(kept)
        assert DeliveryState.PENDING == kept[0].state

    async def test_in_a_closed_account_nobody_is_told(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._told(begin, acme, acme.adam)
        case = await an_escalation(by=acme.anna).kept(begin)
        await closed(begin, acme, NOON)

        async with begin(acme.account_id) as work:
            assert NOON == (await work.people.account()).closed_at
            late = Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=acme.ben.user_id, created_at=NOON, updated_at=NOON)
            await work.deliveries.add([late])
            await work.commit()

        assert [] == list((await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))[1])

    async def _told(self, begin: BeginWork[UnitOfWork], acme: Staff, *people: Person) -> tuple[Case, list[Delivery]]:
        case = await an_escalation(by=acme.anna).kept(begin)
        deliveries = [
            Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=person.user_id, created_at=NOON, updated_at=NOON)
            for person in people
        ]
        async with begin(acme.account_id) as work:
            await work.deliveries.add(deliveries)
            await work.commit()
        return case, deliveries
