"""Sessions come back as they were kept, in the order that was promised, to whom it was promised."""

from collections.abc import Sequence
from typing import Any

import pytest

from flowpilot_core.domain.kernel.actor import Actor, Person, System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import EventKind, Plain
from flowpilot_core.domain.kernel.identifiers import PictureId, SessionId, StepId
from flowpilot_core.domain.kernel.image import Image, PictureType
from flowpilot_core.domain.notifications.delivery import TOLD_ROLES
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Status, Ticket
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import Case, Staff, a_session, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

from .cases import AWKWARD, a_rich_case


class SessionsContract(Contract):
    """`Sessions` and what views show of them."""

    async def test_a_session_comes_back_as_it_was_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_rich_case(acme).kept(begin)

        detail = await view(acme.account_id).session(case.id)

        assert case.session == detail.session
        assert case.steps == detail.steps

    async def test_a_step_comes_back_with_its_result_and_in_the_branch_it_was_put_into(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = a_session(by=acme.anna).step().fork("driver", "network").step("moved the port")
        case = await case.result(StepResult.WORKED, evidence=AWKWARD, branch_id=case.branch("network")).kept(begin)

        steps = (await view(acme.account_id).session(case.id)).steps

        assert case.steps == steps
        assert (case.branch("network"), StepResult.WORKED) == (steps[-1].branch_id, steps[-1].result)

    async def test_a_picture_comes_back_with_its_step_and_its_file_by_itself(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step().step().kept(begin)
        files = [Image(type=kind, width=3, height=2, content=bytes(range(256)) + kind.encode()) for kind in PictureType]
        pictures = [Picture.of(PictureId(new_id()), file, alt) for file, alt in zip(files, ("The error", None, "Ünïcode 🖨️"), strict=True)]
        for picture, file in zip(pictures, files, strict=True):
            async with begin(acme.account_id) as work:
                before = await work.sessions.get(case.id)
                step = await work.sessions.step(case.id, case.steps[0].id)
                session, step, _ = before.with_picture(step, picture, by=acme.anna, at=step.updated_at)
                await work.sessions.save(session)
                await work.sessions.save_step(step)
                await work.sessions.add_picture(step, picture.id, file.content)
                await work.commit()

        see, (first, second) = view(acme.account_id), case.steps
        detail = await see.session(case.id)
        assert [tuple(pictures), ()] == [step.pictures for step in detail.steps]
        assert 3 == detail.session.picture_count
        async with begin(acme.account_id) as work:
            assert tuple(pictures) == (await work.sessions.step(case.id, first.id)).pictures
        for picture, file in zip(pictures, files, strict=True):
            stored = await see.picture(case.id, first.id, picture.id)
            assert (detail.session, picture, file.content) == (stored.session, stored.picture, stored.content)
            for account, step_id, picture_id in (
                (acme, second.id, picture.id),
                (acme, first.id, PictureId(new_id())),
                (globex, first.id, picture.id),
            ):
                with pytest.raises(NotFound):
                    await view(account.account_id).picture(case.id, step_id, picture_id)

    async def test_a_unit_of_work_reads_what_a_view_reads(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).claimed_by(acme.ben).kept(begin)

        async with begin(acme.account_id) as work:
            assert case.session == await work.sessions.get(case.id)
            assert await view(acme.account_id).session(case.id) == await work.sessions.detail(case.id)
            assert case.handoff == await work.handoffs.get(case.handoff.id)
            assert await view(acme.account_id).handoff(case.handoff.id) == await work.handoffs.detail(case.handoff.id)
            assert case.steps[2] == await work.sessions.step(case.id, case.steps[2].id)

    async def test_a_resolution_and_an_escalation_package_come_back(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_rich_case(acme).escalated(note=AWKWARD).claimed_by(acme.ben).resolved(AWKWARD, None).kept(begin)

        session = (await view(acme.account_id).session(case.id)).session

        assert case.session.resolution == session.resolution
        assert case.session.escalation_package == session.escalation_package

    async def test_what_its_ticket_says_stays_with_a_session_whoever_saves_it(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
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

    async def test_a_ticket_gives_no_name_to_a_client_who_has_one(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=acme.anna, client_name="Contoso").kept(begin)
        for staff, name in ((globex, "Nobody"), (acme, "Lakeside")):
            async with begin(staff.account_id) as work:
                await work.sessions.know_ticket(case.id, {"title": name}, client_name=name)
                await work.commit()

        session = (await view(acme.account_id).session(case.id)).session
        assert ("Contoso", {"title": "Lakeside"}) == (session.client_name, session.ticket_facts)

    async def test_the_names_of_all_on_record_come_with_it(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna).step().escalated().claimed_by(acme.ben).step().parked().reassigned_to(acme.adam, by=acme.olga)
        case = await case.resumed().reassigned_to(acme.olga).kept(begin)

        names = (await view(acme.account_id).session(case.id)).names

        on_record = (acme.anna, acme.ben, acme.adam, acme.olga)
        assert {person.user_id: person.name for person in on_record} == {person.user_id: names.get(person.user_id) for person in on_record}

    async def test_several_come_back_in_the_order_that_was_asked_for(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        first, second = await a_rich_case(acme).kept(begin), await a_session(by=acme.anna).step().kept(begin)
        see = view(acme.account_id)

        assert [await see.session(second.id), await see.session(first.id)] == list(await see.details([second.id, first.id]))
        assert [] == list(await see.details([]))
        with pytest.raises(NotFound):
            await view(globex.account_id).details([first.id])

    async def test_an_unknown_session_is_not_found(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
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

    async def test_a_step_of_another_session_is_not_found(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        one, other = [await a_session(by=acme.anna).step().kept(begin) for _ in range(2)]

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.sessions.step(one.id, other.steps[0].id)
            with pytest.raises(NotFound):
                await work.sessions.step(one.id, StepId(new_id()))

    async def test_lists_show_the_newest_first_in_pages(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        cases = [await a_session(by=acme.anna, title=f"session {number}").kept(begin) for number in range(7)]
        newest_first = [case.session for case in reversed(cases)]

        pages: list[Sequence[object]] = []
        after = None
        while not pages or pages[-1]:
            page, _ = await view(acme.account_id).sessions(SessionFilter(), acme.anna, after=after, limit=3)
            pages.append(page)
            after = page[-1].id if page else after

        assert [newest_first[:3], newest_first[3:6], newest_first[6:], []] == [list(page) for page in pages]

    async def test_lists_are_narrowed_to_a_status_and_an_assignee(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
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

    async def test_what_is_on_a_ticket_is_listed(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        ticket = Ticket(system="halopsa", id="48211")
        first, second = [await a_session(by=acme.anna, ticket=ticket).kept(begin) for _ in range(2)]
        parked = await a_session(by=acme.anna, ticket=ticket).parked().kept(begin)
        for other in (None, Ticket(system="autotask", id="48211"), Ticket(system="halopsa", id="48212")):
            await a_session(by=acme.anna, ticket=other).kept(begin)

        async def listed(reader: Person, **more: Any) -> list[SessionId]:
            where = SessionFilter(ticket=ticket, **more)
            found, _ = await view(acme.account_id).sessions(where, reader, after=None, limit=EVERYTHING)
            return [session.id for session in found]

        assert [second.id, first.id] == await listed(acme.vera)
        assert [parked.id, second.id, first.id] == await listed(acme.anna)
        assert [] == await listed(acme.vera, assignee_id=acme.ben.user_id)

    async def test_lists_say_what_people_are_called(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await a_session(by=acme.anna).reassigned_to(acme.ben).kept(begin)

        _, names = await view(acme.account_id).sessions(SessionFilter(), acme.vera, after=None, limit=1)

        assert (acme.anna.name, acme.ben.name) == (names[acme.anna.user_id], names[acme.ben.user_id])

    async def test_a_parked_session_is_listed_for_who_may_read_it_only(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).parked().kept(begin)

        async def sees(reader: Actor) -> bool:
            found, _ = await view(acme.account_id).sessions(SessionFilter(), reader, after=None, limit=EVERYTHING)
            return case.id in [session.id for session in found]

        readers = {person.name for person in acme.people if await sees(person)}
        assert {acme.anna.name, acme.olga.name, acme.adam.name} == readers
        assert not await sees(System(account_id=acme.account_id, cause="a test"))

    async def test_a_page_is_full_though_parked_sessions_of_others_lie_between(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """Else the length of a page would tell of them."""
        seen = [(await self._one_of_bens_parked_and_one_active(begin, acme)).id for _ in range(3)]

        found, names = await view(acme.account_id).sessions(SessionFilter(), acme.vera, after=None, limit=3)

        assert list(reversed(seen)) == [session.id for session in found]
        assert acme.ben.user_id not in names

    async def _one_of_bens_parked_and_one_active(self, begin: BeginWork[UnitOfWork], acme: Staff) -> Case:
        await a_session(by=acme.ben).parked().kept(begin)
        return await a_session(by=acme.anna).kept(begin)

    async def test_a_timeline_shows_everything_in_order_with_who(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_rich_case(acme).escalated().claimed_by(acme.ben).resolved().kept(begin)

        entries = await view(acme.account_id).timeline(case.id, acme.vera, after=0, limit=EVERYTHING)

        assert list(case.events) == [entry.logged.event for entry in entries]
        assert [acme.anna.name] * (len(entries) - 2) + [acme.ben.name] * 2 == [entry.name for entry in entries]

    async def test_a_timeline_names_nobody_for_the_system(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        system = System(account_id=acme.account_id, cause="the claim went quiet")
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).lapsed(system).kept(begin)

        entries = await view(acme.account_id).timeline(case.id, acme.vera, after=0, limit=EVERYTHING)

        assert (EventKind.HANDOFF_LAPSED, None, system.cause, None) == (
            entries[-1].logged.event.kind,
            entries[-1].logged.event.by,
            entries[-1].logged.event.cause,
            entries[-1].name,
        )

    async def test_a_timeline_has_pages(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).step().step().step().kept(begin)
        await a_session(by=acme.anna).step().kept(begin)
        numbers: list[int] = []

        while page := await view(acme.account_id).timeline(case.id, acme.vera, after=numbers[-1] if numbers else 0, limit=3):
            assert len(page) <= 3
            numbers += [entry.logged.number for entry in page]

        assert [1, 2, 3, 4] == numbers

    async def test_while_a_session_is_parked_it_has_no_timeline_for_others(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """But what happened since its escalation still has, or its silence would tell of the park."""
        case = await an_escalation(by=acme.anna).claimed_by(acme.ben).parked().kept(begin)
        see = view(acme.account_id)

        for reader in (acme.ben, acme.olga, acme.adam):
            assert len(case.events) == len(await see.timeline(case.id, reader, after=0, limit=EVERYTHING))
        for stranger in (acme.anna, acme.vera):
            with pytest.raises(NotFound):
                await see.timeline(case.id, stranger, after=0, limit=EVERYTHING)
            _, (change,) = await see.changes(case.handoffs[0].id, stranger, after=0, limit=EVERYTHING)
            assert EventKind.HANDOFF_CLAIMED == change.logged.event.kind

    async def test_a_park_stays_private_in_timelines_for_ever(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await a_session(by=acme.anna).parked().reassigned_to(acme.ben).resumed().resolved().kept(begin)

        async def kinds(reader: Person) -> list[EventKind]:
            entries = await view(acme.account_id).timeline(case.id, reader, after=0, limit=EVERYTHING)
            return [entry.logged.event.kind for entry in entries]

        everything = [event.kind for event in case.events]
        for reader in (acme.anna, acme.ben, acme.adam, acme.olga):
            assert everything == await kinds(reader)
        assert [EventKind.SESSION_STARTED, EventKind.SESSION_RESOLVED] == await kinds(acme.vera)
