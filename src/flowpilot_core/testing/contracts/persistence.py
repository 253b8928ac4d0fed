"""What is kept comes back as it was, in the order that was promised, to whom it was promised."""

from asyncio import gather
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
import pytest
from attrs import evolve

from flowpilot_core.domain.account import Team
from flowpilot_core.domain.actor import Actor, Person, Role, System
from flowpilot_core.domain.branch import Outcome
from flowpilot_core.domain.delivery import TOLD_ROLES, Channel, Delivery, DeliveryKind, DeliveryState, Told
from flowpilot_core.domain.errors import (
    AlreadyClaimed,
    FlowPilotError,
    InvalidTransition,
    InvalidValue,
    NotFound,
    OwnHandoff,
    RoleForbidden,
    Stale,
    Unauthenticated,
    VersionConflict,
)
from flowpilot_core.domain.events import EventKind, Plain
from flowpilot_core.domain.handoff import HandoffState
from flowpilot_core.domain.identifiers import DeliveryId, EventId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.session import Priority, Status, Ticket
from flowpilot_core.domain.snapshot import digest
from flowpilot_core.domain.step import StepKind, StepResult
from flowpilot_core.domain.token import token_digest
from flowpilot_core.ports.persistence import BeginWork, HandoffDetail, QueueFilter, QueuePosition, SessionFilter, ViewOf
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, an_escalation, new_id

from .contract import EVERYTHING, Contract, all_events, closed, facts

AWKWARD = 'Müller & Söhne; "quoted" \\ 100 % \'); DROP TABLE x; --\r\n\ttab 漢字 \U0001f5a8 \u2028 end'
"""Text that is stored as it is, whatever it looks like."""

EVERYONES = QueueFilter()
BENS = token_digest(b"ben's secret")
NOBODYS = token_digest(b"nobody's secret")


def a_rich_case(staff: Staff) -> Case:
    """A session with something of everything in it."""
    return (
        a_session(
            by=staff.anna,
            title="Drucker offline \U0001f5a8",
            problem=AWKWARD,
            client_name="Müller & Söhne",
            ticket=Ticket(system="halopsa", id="4711"),
            priority=Priority.HIGH,
            team_id=staff.network.id,
        )
        .step("asked what happened", kind=StepKind.QUESTION, result=None)
        .step(AWKWARD, evidence=AWKWARD * 20)
        .fork("cable", "switch", "driver")
        .step("swapped the cable", result=StepResult.INCONCLUSIVE)
        .result(StepResult.FAILED, evidence="still dark")
        .closed("cable", Outcome.DEAD_END, "three cables tried")
        .step("read the log", kind=StepKind.OBSERVATION, result=None)
        .fork("port", "VLAN")
        .in_branch("driver")
        .step("ran the script", kind=StepKind.SCRIPT, result=StepResult.WORKED)
    )


class SessionsContract(Contract):
    """`Sessions` and what views show of them."""

    async def test_a_session_comes_back_as_it_was_kept(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).kept(begin)

        detail = await view(acme.account_id).session(case.id)

        assert case.session == detail.session
        assert case.steps == detail.steps

    async def test_a_unit_of_work_reads_what_a_view_reads(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).claimed_by(acme.ben).kept(begin)

        async with begin(acme.account_id) as work:
            assert case.session == await work.sessions.get(case.id)
            assert await view(acme.account_id).session(case.id) == await work.sessions.detail(case.id)
            assert case.handoff == await work.handoffs.get(case.handoff.id)
            assert await view(acme.account_id).handoff(case.handoff.id) == await work.handoffs.detail(case.handoff.id)
            assert case.steps[2] == await work.sessions.step(case.id, case.steps[2].id)

    async def test_a_resolution_and_an_escalation_package_come_back(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).claimed_by(acme.ben).resolved(AWKWARD, None).kept(begin)

        session = (await view(acme.account_id).session(case.id)).session

        assert case.session.resolution == session.resolution
        assert case.session.escalation_package == session.escalation_package

    async def test_what_its_ticket_says_stays_with_a_session_whoever_saves_it(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_session(by=acme.anna, client_name=None, ticket=Ticket(system="halopsa", id="4711")).kept(begin)
        facts: dict[str, Plain] = {"title": AWKWARD, "client_name": "Lakeside", "notes": [{"text": AWKWARD, "internal": True}]}
        async with begin(acme.account_id) as late:
            before = await late.sessions.get(case.id)
            async with begin(acme.account_id) as work:
                await work.sessions.know_ticket(case.id, facts, client_name="Lakeside")
                await work.commit()
            await late.sessions.save(before)
            await late.commit()

        session = (await view(acme.account_id).session(case.id)).session
        (listed,), _ = await view(acme.account_id).sessions(SessionFilter(), acme.olga, after=None, limit=1)
        assert (2, facts, "Lakeside") == (session.version, session.ticket_facts, session.client_name)
        assert session == listed

    async def test_a_ticket_gives_no_name_to_a_client_who_has_one(self, begin: BeginWork, view: ViewOf, acme: Staff, globex: Staff) -> None:
        case = await a_session(by=acme.anna, client_name="Contoso").kept(begin)
        for staff, name in ((globex, "Nobody"), (acme, "Lakeside")):
            async with begin(staff.account_id) as work:
                await work.sessions.know_ticket(case.id, {"title": name}, client_name=name)
                await work.commit()

        session = (await view(acme.account_id).session(case.id)).session
        assert ("Contoso", {"title": "Lakeside"}) == (session.client_name, session.ticket_facts)

    async def test_the_names_of_all_on_record_come_with_it(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = a_session(by=acme.anna).step().escalated().claimed_by(acme.ben).step().parked().reassigned_to(acme.adam, by=acme.olga)
        case = await case.resumed().reassigned_to(acme.olga).kept(begin)

        names = (await view(acme.account_id).session(case.id)).names

        on_record = (acme.anna, acme.ben, acme.adam, acme.olga)
        assert {person.user_id: person.name for person in on_record} == {person.user_id: names.get(person.user_id) for person in on_record}

    async def test_an_unknown_session_is_not_found(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        unknown = SessionId(new_id())

        with pytest.raises(NotFound):
            await view(acme.account_id).session(unknown)
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.sessions.get(unknown)
            with pytest.raises(NotFound):
                await work.sessions.detail(unknown)
            with pytest.raises(NotFound):
                await work.handoffs.basis(unknown, TOLD_ROLES)

    async def test_a_step_of_another_session_is_not_found(self, begin: BeginWork, acme: Staff) -> None:
        one, other = [await a_session(by=acme.anna).step().kept(begin) for _ in range(2)]

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.sessions.step(one.id, other.steps[0].id)
            with pytest.raises(NotFound):
                await work.sessions.step(one.id, StepId(new_id()))

    async def test_lists_show_the_newest_first_in_pages(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        cases = [await a_session(by=acme.anna, title=f"session {number}").kept(begin) for number in range(7)]
        newest_first = [case.session for case in reversed(cases)]

        pages: list[Sequence[object]] = []
        after = None
        while not pages or pages[-1]:
            page, _ = await view(acme.account_id).sessions(SessionFilter(), acme.anna, after=after, limit=3)
            pages.append(page)
            after = page[-1].id if page else after

        assert [newest_first[:3], newest_first[3:6], newest_first[6:], []] == [list(page) for page in pages]

    async def test_lists_are_narrowed_to_a_status_and_an_assignee(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        active = await a_session(by=acme.anna).kept(begin)
        resolved = await a_session(by=acme.anna).resolved().kept(begin)
        bens = await a_session(by=acme.ben).resolved().kept(begin)

        async def listed(where: SessionFilter) -> list[SessionId]:
            found, _ = await view(acme.account_id).sessions(where, acme.vera, after=None, limit=EVERYTHING)
            return [session.id for session in found]

        assert [bens.id, resolved.id, active.id] == await listed(SessionFilter())
        assert [bens.id, resolved.id] == await listed(SessionFilter(status=Status.RESOLVED))
        assert [resolved.id, active.id] == await listed(SessionFilter(assignee_id=acme.anna.user_id))
        assert [resolved.id] == await listed(SessionFilter(status=Status.RESOLVED, assignee_id=acme.anna.user_id))
        assert [] == await listed(SessionFilter(status=Status.ABANDONED))

    async def test_lists_say_what_people_are_called(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        await a_session(by=acme.anna).reassigned_to(acme.ben).kept(begin)

        _, names = await view(acme.account_id).sessions(SessionFilter(), acme.vera, after=None, limit=1)

        assert (acme.anna.name, acme.ben.name) == (names[acme.anna.user_id], names[acme.ben.user_id])

    async def test_a_parked_session_is_listed_for_who_may_read_it_only(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_session(by=acme.anna).parked().kept(begin)

        async def sees(reader: Actor) -> bool:
            found, _ = await view(acme.account_id).sessions(SessionFilter(), reader, after=None, limit=EVERYTHING)
            return case.id in [session.id for session in found]

        readers = {person.name for person in acme.people if await sees(person)}
        assert {acme.anna.name, acme.olga.name, acme.adam.name} == readers
        assert not await sees(System(account_id=acme.account_id, cause="a test"))

    async def test_a_page_is_full_though_parked_sessions_of_others_lie_between(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        """Else the length of a page would tell of them."""
        seen = [(await self._one_of_bens_parked_and_one_active(begin, acme)).id for _ in range(3)]

        found, names = await view(acme.account_id).sessions(SessionFilter(), acme.vera, after=None, limit=3)

        assert list(reversed(seen)) == [session.id for session in found]
        assert acme.ben.user_id not in names

    async def _one_of_bens_parked_and_one_active(self, begin: BeginWork, acme: Staff) -> Case:
        await a_session(by=acme.ben).parked().kept(begin)
        return await a_session(by=acme.anna).kept(begin)

    async def test_a_timeline_shows_everything_in_order_with_who(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated().claimed_by(acme.ben).resolved().kept(begin)

        entries = await view(acme.account_id).timeline(case.id, acme.vera, since=None, after=0, limit=EVERYTHING)

        assert list(case.events) == [entry.logged.event for entry in entries]
        assert [acme.anna.name] * (len(entries) - 2) + [acme.ben.name] * 2 == [entry.name for entry in entries]

    async def test_a_timeline_names_nobody_for_the_system(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        system = System(account_id=acme.account_id, cause="the claim went quiet")
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).lapsed(system).kept(begin)

        entries = await view(acme.account_id).timeline(case.id, acme.vera, since=None, after=0, limit=EVERYTHING)

        assert (EventKind.HANDOFF_LAPSED, None, system.cause, None) == (
            entries[-1].logged.event.kind,
            entries[-1].logged.event.by,
            entries[-1].logged.event.cause,
            entries[-1].name,
        )

    async def test_a_timeline_has_pages(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_session(by=acme.anna).step().step().step().kept(begin)
        await a_session(by=acme.anna).step().kept(begin)
        numbers: list[int] = []

        while page := await view(acme.account_id).timeline(case.id, acme.vera, since=None, after=numbers[-1] if numbers else 0, limit=3):
            assert len(page) <= 3
            numbers += [entry.logged.number for entry in page]

        assert [1, 2, 3, 4] == numbers

    async def test_changes_are_what_came_after_the_handoff(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).step().resolved().kept(begin)

        entries = await view(acme.account_id).timeline(case.id, acme.vera, since=case.handoff.id, after=0, limit=EVERYTHING)

        assert list(case.events[3:]) == [entry.logged.event for entry in entries]

    async def test_while_a_session_is_parked_it_has_no_timeline_for_others(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        """But what happened since its escalation still has, or its silence would tell of the park."""
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).parked().kept(begin)
        see = view(acme.account_id)

        for reader in (acme.ben, acme.olga, acme.adam):
            assert len(case.events) == len(await see.timeline(case.id, reader, since=None, after=0, limit=EVERYTHING))
        for stranger in (acme.anna, acme.vera):
            with pytest.raises(NotFound):
                await see.timeline(case.id, stranger, since=None, after=0, limit=EVERYTHING)
            (change,) = await see.timeline(case.id, stranger, since=case.handoffs[0].id, after=0, limit=EVERYTHING)
            assert EventKind.HANDOFF_CLAIMED == change.logged.event.kind

    async def test_a_park_stays_private_in_timelines_for_ever(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_session(by=acme.anna).parked().reassigned_to(acme.ben).resumed().resolved().kept(begin)

        async def kinds(reader: Person) -> list[EventKind]:
            entries = await view(acme.account_id).timeline(case.id, reader, since=None, after=0, limit=EVERYTHING)
            return [entry.logged.event.kind for entry in entries]

        everything = [event.kind for event in case.events]
        for reader in (acme.anna, acme.ben, acme.adam, acme.olga):
            assert everything == await kinds(reader)
        assert [EventKind.SESSION_STARTED, EventKind.SESSION_RESOLVED] == await kinds(acme.vera)


class HandoffsContract(Contract):
    """`Handoffs`, `Deliveries` and what views show of them; claims have a suite of their own."""

    async def test_a_handoff_comes_back_as_it_was_kept(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = a_rich_case(acme).escalated(AWKWARD, note=AWKWARD, priority=Priority.URGENT, user_id=acme.ben.user_id)
        case = await case.rerouted(team_id=acme.network.id).claimed_by(acme.ben).kept(begin)

        detail = await view(acme.account_id).handoff(case.handoff.id)

        assert case.handoff == detail.handoff
        assert (acme.anna.name, acme.ben.name) == (detail.names[acme.anna.user_id], detail.names[acme.ben.user_id])

    async def test_a_park_comes_back_with_its_readers(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_session(by=acme.anna).parked().reassigned_to(acme.ben).resumed().kept(begin)

        handoff = (await view(acme.account_id).handoff(case.handoff.id)).handoff

        assert case.handoff == handoff
        assert {acme.anna.user_id, acme.ben.user_id} == handoff.readers

    async def test_a_snapshot_is_kept_byte_for_byte(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).kept(begin)

        stored = await view(acme.account_id).snapshot(case.handoff.id)

        assert (case.handoff, case.snapshot.body) == (stored.handoff, stored.body)
        assert stored.handoff.snapshot_digest == digest(stored.body)

    async def test_a_snapshot_stays_as_it_was_whatever_happens_next(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        escalated = a_rich_case(acme).escalated()
        case = await escalated.claimed_by(acme.ben).step("something new").resolved().kept(begin)

        assert escalated.snapshot.body == (await view(acme.account_id).snapshot(case.handoff.id)).body

    async def test_an_unknown_handoff_is_not_found(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        unknown, see = HandoffId(new_id()), view(acme.account_id)

        with pytest.raises(NotFound):
            await see.handoff(unknown)
        with pytest.raises(NotFound):
            await see.snapshot(unknown)
        with pytest.raises(NotFound):
            await see.deliveries(unknown, after=None, limit=1)
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.handoffs.get(unknown)
            with pytest.raises(NotFound):
                await work.handoffs.detail(unknown)
            with pytest.raises(NotFound):
                await work.deliveries.get(DeliveryId(new_id()))

    async def test_the_chain_has_the_earlier_handoffs_oldest_first(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = a_session(by=acme.anna).parked().resumed().escalated("first").claimed_by(acme.ben)
        case = await case.escalated("second").withdrawn().escalated("third").kept(begin)

        chains = [(await view(acme.account_id).handoff(handoff.id)).chain for handoff in case.handoffs]

        assert [case.handoffs[:place] for place in range(4)] == chains
        assert case.handoffs == (await view(acme.account_id).session(case.id)).handoffs

    async def test_a_handoff_is_made_from_everything_about_its_session(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated().claimed_by(acme.ben).kept(begin)

        async with begin(acme.account_id) as work:
            detail, _, _ = await work.handoffs.basis(case.id, TOLD_ROLES)

        assert await view(acme.account_id).session(case.id) == detail

    async def test_colleagues_are_the_active_people_with_one_of_the_roles(self, begin: BeginWork, acme: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.adam), deactivated_at=NOON))
            await work.commit()

        async with begin(acme.account_id) as work:
            _, everyone, _ = await work.handoffs.basis(case.id, TOLD_ROLES)
            _, viewers, _ = await work.handoffs.basis(case.id, frozenset({Role.VIEWER}))
            _, nobody, _ = await work.handoffs.basis(case.id, frozenset())

        assert {acme.olga.user_id, acme.anna.user_id, acme.ben.user_id} == {colleague.user_id for colleague in everyone}
        assert {acme.ben.user_id: {acme.network.id}} == {one.user_id: set(one.team_ids) for one in everyone if one.team_ids}
        assert [acme.vera.user_id] == [colleague.user_id for colleague in viewers]
        assert () == nobody

    async def test_of_colleagues_it_is_known_who_is_online(self, begin: BeginWork, acme: Staff, globex: Staff) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        for staff in (acme, globex):
            async with begin(staff.account_id) as work:
                await work.presence.here(new_id(), {staff.ben.user_id, staff.vera.user_id}, seconds=600.0)
                await work.commit()

        async with begin(acme.account_id) as work:
            _, colleagues, _ = await work.handoffs.basis(case.id, TOLD_ROLES)

        assert {acme.ben.user_id} == {colleague.user_id for colleague in colleagues if colleague.online}

    async def test_deliveries_come_back_by_id_in_pages(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case, deliveries = await self._told(begin, acme, acme.olga, acme.adam, acme.ben)

        first = await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=2)
        rest = await view(acme.account_id).deliveries(case.handoff.id, after=first[-1].id, limit=2)

        assert deliveries == [*first, *rest]

    async def test_a_delivery_is_kept_as_it_was_changed(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case, (delivery,) = await self._told(begin, acme, acme.ben)
        later = delivery.taken(at=NOON).failed(AWKWARD, permanent=False, unknown=True, message_id="<1@mail.example>", at=NOON + MINUTE)

        async with begin(acme.account_id) as work:
            await work.deliveries.save(later)
            assert later == await work.deliveries.get(delivery.id)
            await work.commit()

        assert [later] == list(await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=2))

    async def test_of_its_kind_and_number_there_is_one_for_a_person_and_channel(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
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

        assert [first, *others] == list(await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))

    async def test_the_mails_of_a_person_are_those_sent_since_and_those_that_wait(self, begin: BeginWork, acme: Staff) -> None:
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

    async def test_a_handoff_says_how_far_telling_has_got(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case, deliveries = await self._told(begin, acme, acme.olga, acme.adam, acme.ben)
        sent, dead = (delivery.taken(at=NOON) for delivery in deliveries[:2])
        async with begin(acme.account_id) as work:
            await work.deliveries.save(sent.sent("<1@mail.example>", at=NOON))
            await work.deliveries.save(dead.failed("nobody here", permanent=True, at=NOON))
            reminder = evolve(deliveries[0], id=DeliveryId(new_id()), kind=DeliveryKind.REMINDER)
            hook = evolve(reminder, id=DeliveryId(new_id()), user_id=None, channel=Channel.WEBHOOK)
            await work.deliveries.add([reminder, hook])
            await work.commit()

        assert Told(people=3, sent=1, refused=1) == (await view(acme.account_id).handoff(case.handoff.id)).told

    async def test_the_ledger_shows_the_deliveries_of_all_handoffs_newest_first(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
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

    async def test_who_is_deactivated_is_not_told(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.adam), deactivated_at=NOON))
            await work.commit()

        case, deliveries = await self._told(begin, acme, acme.adam, acme.ben)

        kept = await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING)
        assert deliveries[1:] == list(kept)
        assert DeliveryState.PENDING == kept[0].state

    async def test_in_a_closed_account_nobody_is_told(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        await self._told(begin, acme, acme.adam)
        case = await an_escalation(by=acme.anna).kept(begin)
        await closed(begin, acme, NOON)

        async with begin(acme.account_id) as work:
            assert NOON == (await work.people.account()).closed_at
            late = Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=acme.ben.user_id, created_at=NOON, updated_at=NOON)
            await work.deliveries.add([late])
            await work.commit()

        assert [] == list(await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))

    async def _told(self, begin: BeginWork, acme: Staff, *people: Person) -> tuple[Case, list[Delivery]]:
        case = await an_escalation(by=acme.anna).kept(begin)
        deliveries = [
            Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=person.user_id, created_at=NOON, updated_at=NOON)
            for person in people
        ]
        async with begin(acme.account_id) as work:
            await work.deliveries.add(deliveries)
            await work.commit()
        return case, deliveries


class QueueContract(Contract):
    """`View.queue`: what a senior sees, in the order to take it in."""

    async def waiting(
        self, view: ViewOf, staff: Staff, where: QueueFilter = EVERYONES, *, after: QueuePosition | None = None, limit: int = 100
    ) -> list[HandoffId]:
        return [item.handoff_id for item in await view(staff.account_id).queue(where, after=after, limit=limit)]

    async def test_an_item_says_what_a_senior_decides_by(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(AWKWARD, priority=Priority.URGENT, team_id=acme.network.id).kept(begin)

        (item,) = await view(acme.account_id).queue(QueueFilter(), after=None, limit=10)

        handoff, session = case.handoff, case.session
        assert (handoff.id, session.id, session.title) == (item.handoff_id, item.session_id, item.title)
        assert (session.client_name, session.ticket, handoff.reason) == (item.client_name, item.ticket, item.reason)
        assert (Priority.URGENT, acme.network.id, None) == (item.priority, item.team_id, item.user_id)
        assert (acme.anna.user_id, acme.anna.name) == (item.escalated_by, item.escalated_by_name)
        assert (handoff.escalated_at, handoff.brief.headline) == (item.escalated_at, item.headline)
        assert (6, 5) == (item.branch_count, item.step_count)

    async def test_the_most_urgent_comes_first_and_then_who_waits_longest(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        expected = []
        for priority in (Priority.LOW, Priority.URGENT, Priority.NORMAL, Priority.HIGH):
            for minutes in (5, 1, 3, 3):
                case = a_session(by=acme.anna, priority=priority).escalated(at=NOON + minutes * MINUTE)
                expected.append(await case.kept(begin))
        expected.sort(key=lambda case: (-case.handoff.priority.rank, case.handoff.escalated_at, case.handoff.id))

        assert [case.handoff.id for case in expected] == await self.waiting(view, acme)

    async def test_pages_of_the_queue_hold_everything_once(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        for number in range(11):
            await a_session(by=acme.anna, priority=list(Priority)[number % 4]).escalated(at=NOON + number % 3 * MINUTE).kept(begin)
        everything = await self.waiting(view, acme)

        paged: list[HandoffId] = []
        after: QueuePosition | None = None
        while page := await view(acme.account_id).queue(QueueFilter(), after=after, limit=4):
            last = page[-1]
            after = QueuePosition(rank=last.priority.rank, escalated_at=last.escalated_at, handoff_id=last.handoff_id)
            paged += [item.handoff_id for item in page]

        assert 11 == len(set(everything))
        assert everything == paged

    async def test_the_queue_is_narrowed_to_team_person_and_priority(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        team = await a_session(by=acme.anna).escalated(team_id=acme.network.id).kept(begin)
        bens = await a_session(by=acme.anna).escalated(user_id=acme.ben.user_id, priority=Priority.LOW).kept(begin)

        assert [team.handoff.id] == await self.waiting(view, acme, QueueFilter(team_id=acme.network.id))
        assert [bens.handoff.id] == await self.waiting(view, acme, QueueFilter(user_id=acme.ben.user_id))
        assert [bens.handoff.id] == await self.waiting(view, acme, QueueFilter(priority=Priority.LOW))
        assert [] == await self.waiting(view, acme, QueueFilter(team_id=acme.network.id, priority=Priority.LOW))
        assert [] == await self.waiting(view, acme, QueueFilter(team_id=acme.bench.id))

    async def test_only_open_escalations_wait(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        escalation = an_escalation(by=acme.anna)
        for case in (escalation.claimed_by(acme.ben), an_escalation(by=acme.anna).withdrawn(), a_session(by=acme.anna).parked()):
            await case.kept(begin)

        assert [] == await self.waiting(view, acme)

    async def test_what_is_given_back_has_the_wait_it_had(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        older = await an_escalation(by=acme.anna, at=NOON + MINUTE * 2).claimed_by(acme.ben).unclaimed().kept(begin)
        newer = await an_escalation(by=acme.anna, at=NOON + MINUTE * 3).kept(begin)

        assert [older.handoff.id, newer.handoff.id] == await self.waiting(view, acme)

    async def test_a_rerouted_escalation_keeps_its_wait_and_takes_its_new_place(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        first = await an_escalation(by=acme.anna).kept(begin)
        urgent = await an_escalation(by=acme.anna).rerouted(priority=Priority.URGENT).kept(begin)

        assert [urgent.handoff.id, first.handoff.id] == await self.waiting(view, acme)
        assert [urgent.handoff.id] == await self.waiting(view, acme, QueueFilter(priority=Priority.URGENT))


class ClaimsContract(Contract):
    """`Handoffs.claim`: of any number at once, one succeeds."""

    AT = NOON + timedelta(hours=1)

    async def claim(
        self,
        begin: BeginWork,
        staff: Staff,
        handoff_id: HandoffId,
        by: Person,
        *,
        at: datetime = AT,
        expected: int | None = None,
        commit: bool = True,
        event_id: EventId | None = None,
    ) -> HandoffDetail:
        async with begin(staff.account_id) as work:
            taken = await work.handoffs.claim(
                handoff_id, by=by, at=at, event_id=event_id or EventId(new_id()), request_id="r-1", expected=expected, commit=commit
            )
            await work.commit()
        return taken

    async def outcome(
        self, begin: BeginWork, staff: Staff, handoff_id: HandoffId, by: Person, *, commit: bool = True
    ) -> HandoffDetail | FlowPilotError:
        """What a claim comes to; claims wait for one another and are never stale."""
        try:
            return await self.claim(begin, staff, handoff_id, by, commit=commit)
        except FlowPilotError as refused:
            return refused

    @pytest.mark.parametrize("commit", [True, False])
    @pytest.mark.parametrize("at", [AT, NOON - timedelta(days=1)], ids=["later", "by a clock that jumped back"])
    async def test_a_claim_does_what_the_domain_says(self, begin: BeginWork, view: ViewOf, acme: Staff, at: datetime, commit: bool) -> None:
        """F36: never before the escalation, whatever the clock says."""
        case = await an_escalation(by=acme.anna).kept(begin)
        handoff, session, event = case.handoff.claimed(case.session, by=acme.ben, at=at)

        event_id = EventId(new_id())
        taken = await self.claim(begin, acme, case.handoff.id, acme.ben, at=at, commit=commit, event_id=event_id)

        handoff = evolve(handoff, version=case.handoff.version + 1)
        session = evolve(session, version=case.session.version + 1)
        detail = await view(acme.account_id).session(case.id)
        assert (handoff, acme.ben.name) == (taken.handoff, taken.names[acme.ben.user_id])
        assert (session, (handoff,)) == (detail.session, detail.handoffs)
        assert evolve(event, id=event_id, request_id="r-1") == (await all_events(view, acme.account_id))[-1].event

    async def test_a_claim_that_is_not_committed_never_was(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)

        async with begin(acme.account_id) as work:
            await work.handoffs.claim(
                case.handoff.id, by=acme.ben, at=self.AT, event_id=EventId(new_id()), request_id=None, expected=None, commit=False
            )

        assert case.handoff == (await view(acme.account_id).handoff(case.handoff.id)).handoff
        assert acme.adam.user_id == self._claimer(await self.claim(begin, acme, case.handoff.id, acme.adam))

    async def test_the_second_is_told_who_was_first(self, begin: BeginWork, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        await self.claim(begin, acme, case.handoff.id, acme.ben)

        for late in (acme.adam, acme.ben):
            with pytest.raises(AlreadyClaimed) as refused:
                await self.claim(begin, acme, case.handoff.id, late)
            assert facts(AlreadyClaimed(case.handoff.id, acme.ben.user_id, self.AT, acme.ben.name)) == facts(refused.value)

    async def test_what_can_not_be_claimed_says_why_and_stays(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        waiting = await an_escalation(by=acme.anna).kept(begin)
        withdrawn = await an_escalation(by=acme.anna).withdrawn().kept(begin)
        parked = await a_session(by=acme.anna).parked().kept(begin)
        before = await all_events(view, acme.account_id)

        for handoff_id, by, expected, refusal in (
            (HandoffId(new_id()), acme.ben, None, NotFound("handoff")),
            (waiting.handoff.id, acme.anna, None, OwnHandoff(waiting.handoff.id)),
            (waiting.handoff.id, acme.vera, None, RoleForbidden(Role.VIEWER, "claim an escalation")),
            (waiting.handoff.id, acme.ben, 7, VersionConflict("handoff", 7, waiting.handoff.version)),
            (waiting.handoff.id, acme.ben, 10**17, VersionConflict("handoff", 10**17, waiting.handoff.version)),
            (withdrawn.handoff.id, acme.ben, None, InvalidTransition("handoff", "withdrawn", "claim")),
            (withdrawn.handoff.id, acme.ben, 9, InvalidTransition("handoff", "withdrawn", "claim")),
            (parked.handoff.id, acme.ben, None, NotFound("handoff")),
            (parked.handoff.id, acme.adam, None, InvalidTransition("handoff", "open", "claim")),
        ):
            with pytest.raises(type(refusal)) as refused:
                await self.claim(begin, acme, handoff_id, by, expected=expected)
            assert facts(refusal) == facts(refused.value)

        assert before == await all_events(view, acme.account_id)
        assert waiting.handoff == (await view(acme.account_id).handoff(waiting.handoff.id)).handoff

    async def test_a_claim_on_the_version_that_was_read_succeeds(self, begin: BeginWork, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).rerouted(team_id=acme.network.id).kept(begin)

        taken = await self.claim(begin, acme, case.handoff.id, acme.ben, expected=case.handoff.version)

        assert HandoffState.CLAIMED == taken.handoff.state

    @pytest.mark.parametrize("commit", [True, False])
    async def test_of_two_hundred_claims_at_once_one_succeeds_and_is_the_same_to_everyone(
        self, begin: BeginWork, view: ViewOf, acme: Staff, commit: bool
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        seniors = (acme.olga, acme.adam, acme.ben)

        outcomes = await gather(*(self.outcome(begin, acme, case.handoff.id, seniors[number % 3], commit=commit) for number in range(200)))

        (taken,) = (outcome for outcome in outcomes if isinstance(outcome, HandoffDetail))
        winner = self._claimer(taken)
        refused = facts(AlreadyClaimed(case.handoff.id, winner, self.AT, taken.names[winner]))
        assert [refused] * 199 == [facts(outcome) for outcome in outcomes if isinstance(outcome, FlowPilotError)]
        detail = await view(acme.account_id).session(case.id)
        assert (taken.handoff, winner) == (detail.handoffs[0], detail.session.assignee_id)
        assert 1 == [logged.event.kind for logged in await all_events(view, acme.account_id)].count(EventKind.HANDOFF_CLAIMED)

    async def test_of_a_claim_and_a_withdrawal_at_once_one_succeeds(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        for _ in range(10):
            case = await an_escalation(by=acme.anna).kept(begin)

            async def withdraw(case: Case = case) -> bool:
                later = case.withdrawn()
                try:
                    async with begin(acme.account_id) as work:
                        await work.handoffs.get(case.handoff.id)
                        await work.handoffs.save(later.handoff)
                        await work.sessions.save(later.session)
                        await work.record(later.events[-1])
                        await work.commit()
                except Stale:
                    return False
                return True

            taken, withdrawn = await gather(self.outcome(begin, acme, case.handoff.id, acme.ben), withdraw())

            assert withdrawn is not isinstance(taken, HandoffDetail)
            state = (await view(acme.account_id).handoff(case.handoff.id)).handoff.state
            assert (HandoffState.WITHDRAWN if withdrawn else HandoffState.CLAIMED) is state

    async def test_in_a_closed_account_nobody_claims_anything(self, begin: BeginWork, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        await closed(begin, acme, NOON)

        with pytest.raises(Unauthenticated):
            await self.claim(begin, acme, case.handoff.id, acme.ben)

    async def test_a_deactivated_person_claims_nothing(self, begin: BeginWork, view: ViewOf, acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.ben), deactivated_at=NOON))
            await work.commit()

        with pytest.raises(Unauthenticated):
            await self.claim(begin, acme, case.handoff.id, acme.ben)

        assert case.handoff == (await view(acme.account_id).handoff(case.handoff.id)).handoff

    def _claimer(self, taken: HandoffDetail) -> UserId:
        assert taken.handoff.claim is not None
        return taken.handoff.claim.by


class PeopleContract(Contract):
    """`People`, and who a token stands for."""

    async def test_people_and_teams_come_back_oldest_first(self, begin: BeginWork, acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            assert acme.account == await work.people.account()
            assert acme.users == await work.people.users()
            assert (acme.network, acme.bench) == await work.people.teams()
            assert acme.user(acme.ben) == await work.people.user(acme.ben.user_id)
            await work.people.require_team(acme.network.id)

    async def test_how_an_account_works_is_kept_and_its_name_stays(self, begin: BeginWork, acme: Staff, globex: Staff) -> None:
        changed = acme.account.changed(redacts_personal=True, mails_a_minute=2)

        async with begin(acme.account_id) as work:
            await work.people.save_account(evolve(changed, name="Another"))
            await work.commit()

        async with begin(acme.account_id) as work:
            assert changed == await work.people.account()
        async with begin(globex.account_id) as work:
            assert globex.account == await work.people.account()

    async def test_a_changed_person_is_kept(self, begin: BeginWork, acme: Staff) -> None:
        changed = evolve(acme.user(acme.ben), name="Ben Boss", role=Role.ADMIN, team_ids=frozenset({acme.bench.id}), deactivated_at=NOON)

        async with begin(acme.account_id) as work:
            await work.people.save_user(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert changed == await work.people.user(acme.ben.user_id)

    async def test_an_unknown_person_or_team_is_not_found(self, begin: BeginWork, acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.people.user(UserId(new_id()))
            with pytest.raises(NotFound):
                await work.people.require_team(TeamId(new_id()))

    async def test_an_address_belongs_to_one_person_whatever_its_case(self, begin: BeginWork, acme: Staff) -> None:
        twin = evolve(acme.user(acme.ben), id=UserId(new_id()), email=acme.user(acme.ben).email.upper())

        with pytest.raises(InvalidValue) as refused:
            async with begin(acme.account_id) as work:
                await work.people.add_user(twin)
                await work.commit()

        assert "email" == refused.value.field
        async with begin(acme.account_id) as work:
            assert len(acme.users) == len(await work.people.users())

    async def test_a_name_belongs_to_one_team(self, begin: BeginWork, acme: Staff) -> None:
        with pytest.raises(InvalidValue) as refused:
            async with begin(acme.account_id) as work:
                await work.people.add_team(Team(id=TeamId(new_id()), name=acme.network.name))
                await work.commit()

        assert "name" == refused.value.field
