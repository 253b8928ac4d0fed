"""Connections and posts come back as they were, and a note follows from its event or not at all."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import ConnectionExists, NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import EventId, PsaConnectionId, PsaPostId, SecretId
from flowpilot_core.domain.psa.connection import Circuit, Health, NoteKind, PsaConnection, TicketAction, TicketChange
from flowpilot_core.domain.psa.member import MemberMatch
from flowpilot_core.domain.psa.post import PostState, PsaPost
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.psa import PostFilter
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

ALL = PostFilter()
SEALED = b"sealed \x00\xff"


def a_connection(system: str = "halopsa", *, noted: frozenset[NoteKind] | None = None) -> PsaConnection:
    """A connection like any other."""
    connection = PsaConnection(
        id=PsaConnectionId(new_id()),
        system=system,
        name="Our desk",
        base_url="https://acme.halopsa.example",
        secret_id=SecretId(new_id()),
        settings={"outcome_id": 7, "hidden_from_user": True},
        templates={NoteKind.CLAIMED: "Von {by} übernommen"},
        changes={
            NoteKind.ESCALATED: TicketChange(status="Waiting", owner=True),
            NoteKind.RESOLVED: TicketChange(status="Erledigt", time_entry=True),
        },
        created_at=NOON,
        updated_at=NOON,
    )
    return connection if noted is None else evolve(connection, noted=noted)


class PsaLedgerContract(Contract):
    """The suite."""

    async def test_a_connection_comes_back_as_it_was(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        connection = await self.kept(begin, acme, a_connection())

        async with begin(acme.account_id) as work:
            assert connection == await work.psa.connection(connection.id)
            assert [connection] == list(await work.psa.connections())
        assert [connection] == list(await view(acme.account_id).psa_connections())

    async def test_there_is_one_connection_for_each_system(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        await self.kept(begin, acme, a_connection())
        await self.kept(begin, globex, a_connection())
        await self.kept(begin, acme, a_connection("autotask"))

        with pytest.raises(ConnectionExists):
            await self.kept(begin, acme, a_connection())

    async def test_of_two_connections_at_once_one_is_kept(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        outcomes = await gather(*(self.kept(begin, acme, a_connection()) for _ in range(5)), return_exceptions=True)

        assert 1 == sum(isinstance(outcome, PsaConnection) for outcome in outcomes)
        assert 4 == sum(isinstance(outcome, ConnectionExists) for outcome in outcomes)
        assert 1 == len(await view(acme.account_id).psa_connections())

    async def test_a_changed_connection_has_the_next_version(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        connection = await self.kept(begin, acme, a_connection())
        changed = evolve(connection, name="Der Tisch", settings={}, noted=frozenset(NoteKind), templates={}, updated_at=NOON + MINUTE)

        async with begin(acme.account_id) as work:
            saved = await work.psa.save(changed)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert evolve(changed, version=2) == saved == await work.psa.connection(connection.id)

    async def test_who_saves_what_was_changed_meanwhile_is_told(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        connection = await self.kept(begin, acme, a_connection())
        async with begin(acme.account_id) as work:
            await work.psa.save(connection)
            await work.commit()

        for late in ("save", "remove"):
            with pytest.raises(Stale):
                async with begin(acme.account_id) as work:
                    await getattr(work.psa, late)(connection)
                    await work.commit()

    async def test_how_well_it_works_is_kept_beside_and_is_no_other_version(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        connection = await self.kept(begin, acme, a_connection())
        health = Health(circuit=Circuit.OPEN, failures=5, rests_until=NOON + MINUTE, problem="it is down", last_success_at=NOON)

        async with begin(acme.account_id) as work:
            await work.psa.save_health(connection.id, health)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert evolve(connection, health=health) == await work.psa.connection(connection.id)

    async def test_a_removed_connection_is_gone_and_makes_room(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        connection = await self.kept(begin, acme, a_connection())
        async with begin(acme.account_id) as work:
            await work.psa.remove(connection)
            await work.secrets.drop(connection.secret_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.psa.connection(connection.id)
        assert [] == list(await view(acme.account_id).psa_connections())
        again = await self.kept(begin, acme, a_connection())
        assert [again] == list(await view(acme.account_id).psa_connections())

    async def test_a_connection_of_another_account_does_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        theirs = await self.kept(begin, globex, a_connection())

        async with begin(acme.account_id) as work:
            with pytest.raises(NotFound):
                await work.psa.connection(theirs.id)
            await work.psa.save_health(theirs.id, Health(failures=9))
            await work.commit()
        async with begin(globex.account_id) as work:
            assert theirs == await work.psa.connection(theirs.id)

    async def test_a_note_follows_from_its_event(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox, acme: Staff
    ) -> None:
        connection = await self.kept(begin, acme, a_connection())
        case = a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).step().escalated()

        post_id = await self.noted(begin, acme, case, NoteKind.ESCALATED)

        expected = PsaPost(
            id=post_id,
            connection_id=connection.id,
            session_id=case.id,
            handoff_id=case.handoff.id,
            ticket_id="4711",
            kind=NoteKind.ESCALATED,
            by=acme.anna.user_id,
            created_at=case.handoff.escalated_at,
            updated_at=case.handoff.escalated_at,
        )
        assert [expected] == list(await self.posts(view, acme))
        async with begin(acme.account_id) as work:
            assert expected == await work.psa.post(post_id)
        leases = await outbox.take({WorkKind.PSA_POST: EVERYTHING}, lease_for=timedelta(minutes=1))
        assert [(post_id, connection.id)] == [(lease.work_id, lease.target) for lease in leases if lease.account_id == acme.account_id]

    @pytest.mark.parametrize(
        ("connection", "ticket"),
        [
            (a_connection("autotask"), Ticket(system="halopsa", id="4711")),
            (a_connection(noted=frozenset({NoteKind.CLAIMED})), Ticket(system="halopsa", id="4711")),
            (a_connection(), None),
        ],
        ids=["another system", "switched off", "no ticket"],
    )
    async def test_where_no_note_is_wanted_there_is_none(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, connection: PsaConnection, ticket: Ticket | None
    ) -> None:
        await self.kept(begin, acme, evolve(connection, id=PsaConnectionId(new_id()), secret_id=SecretId(new_id())))

        await self.noted(begin, acme, a_session(by=acme.anna, ticket=ticket).escalated(), NoteKind.ESCALATED)

        assert [] == list(await self.posts(view, acme))

    async def test_what_else_is_wanted_at_an_event_is_done_and_nothing_more(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox, acme: Staff
    ) -> None:
        await self.kept(begin, acme, a_connection(noted=frozenset()))
        ids = {action: PsaPostId(new_id()) for action in TicketAction}
        case = a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).escalated()

        await self.noted(begin, acme, case, NoteKind.ESCALATED, ids)

        found = {post.action: post for post in await self.posts(view, acme)}
        assert {TicketAction.STATUS, TicketAction.OWNER} == found.keys()
        assert all(ids[action] == post.id for action, post in found.items())
        assert {NoteKind.ESCALATED} == {post.kind for post in found.values()}
        one_by_one = [await outbox.take({WorkKind.PSA_POST: EVERYTHING}, lease_for=timedelta(minutes=1)) for _ in found]
        leases = [lease for taken in one_by_one for lease in taken]
        assert {post.id for post in found.values()} == {lease.work_id for lease in leases if lease.account_id == acme.account_id}

    async def test_a_post_is_behind_what_was_asked_for_before_it_on_its_ticket(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self.kept(begin, acme, a_connection(noted=frozenset({NoteKind.ESCALATED})))
        ids = {action: PsaPostId(new_id()) for action in TicketAction}
        await self.noted(
            begin, acme, a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).escalated(), NoteKind.ESCALATED, ids
        )
        elsewhere = PsaPostId(new_id())
        await self.noted(
            begin,
            acme,
            a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4712")).escalated(),
            NoteKind.ESCALATED,
            {TicketAction.NOTE: elsewhere},
        )
        posts = {post.id: post for post in await self.posts(view, acme)}
        note, owner, status = (posts[ids[action]] for action in (TicketAction.NOTE, TicketAction.OWNER, TicketAction.STATUS))

        async with begin(acme.account_id) as work:
            behind = [await work.psa.is_behind(post) for post in (note, owner, status, posts[elsewhere])]
            await work.psa.save_post(note.given_up("gone", at=NOON))
            await work.psa.save_post(owner.suppressed("nobody", at=NOON))
            await work.commit()

        assert [False, True, True, False] == behind
        async with begin(acme.account_id) as work:
            assert not await work.psa.is_behind(status)

    async def test_who_is_who_in_the_psa_is_kept_for_each_connection_and_person(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff
    ) -> None:
        connection = await self.kept(begin, acme, a_connection())
        first = MemberMatch.of(connection.id, 1, acme.anna.user_id, "anna@acme.example", None, at=NOON)
        found = MemberMatch.of(connection.id, 2, acme.anna.user_id, "Anna@acme.example", "77", at=NOON + MINUTE)
        async with begin(acme.account_id) as work:
            assert await work.psa_members.match(connection.id, acme.anna.user_id) is None
            for match in (first, found):
                await work.psa_members.keep(match)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert found == await work.psa_members.match(connection.id, acme.anna.user_id)
            assert await work.psa_members.match(connection.id, acme.ben.user_id) is None
        async with begin(globex.account_id) as work:
            assert await work.psa_members.match(connection.id, acme.anna.user_id) is None

    async def test_no_note_goes_over_another_accounts_connection(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        await self.kept(begin, globex, a_connection())

        await self.noted(begin, acme, a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).escalated(), NoteKind.ESCALATED)

        assert [[], []] == [list(await self.posts(view, staff)) for staff in (acme, globex)]

    async def test_nothing_follows_from_an_event_that_is_not_recorded(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self.kept(begin, acme, a_connection())
        await a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).kept(begin)

        async with begin(acme.account_id) as work:
            await work.psa.note({TicketAction.NOTE: PsaPostId(new_id())}, NoteKind.ESCALATED, caused_by=EventId(new_id()))
            await work.commit()

        assert [] == list(await self.posts(view, acme))

    @pytest.mark.parametrize(
        ("system", "ticket", "read"),
        [
            ("halopsa", Ticket(system="halopsa", id="4711"), True),
            ("autotask", Ticket(system="halopsa", id="4711"), False),
            ("halopsa", None, False),
        ],
        ids=["connected", "another system", "no ticket"],
    )
    async def test_the_ticket_of_a_session_that_begins_is_read_where_its_system_is_connected(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff, globex: Staff, system: str, ticket: Ticket | None, read: bool
    ) -> None:
        connection = await self.kept(begin, acme, a_connection(system))
        await self.kept(begin, globex, a_connection())
        ours, elsewhere = a_session(by=acme.anna, ticket=ticket), a_session(by=globex.anna)
        for staff, case in ((acme, ours), (globex, elsewhere)):
            (started,) = case.events
            assert started.id is not None
            async with begin(staff.account_id) as work:
                await work.psa.read_ticket(caused_by=started.id)
                await work.psa.read_ticket(caused_by=EventId(new_id()))
                await work.sessions.add(case.session)
                await work.record(started)
                await work.commit()

        leases = await outbox.take({WorkKind.TICKET_FACTS: EVERYTHING}, lease_for=timedelta(minutes=1))
        found = [(one.work_id, one.target) for one in leases if one.account_id in (acme.account_id, globex.account_id)]
        assert ([(ours.id, connection.id)] if read else []) == found

    async def test_a_changed_post_comes_back_as_it_was(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self.kept(begin, acme, a_connection())
        case = a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).escalated()
        post_id = await self.noted(begin, acme, case, NoteKind.ESCALATED)

        async with begin(acme.account_id) as work:
            post = (await work.psa.post(post_id)).taken(sent="Grüße", at=NOON + MINUTE).posted("12, 13", "201", at=NOON + MINUTE)
            await work.psa.save_post(post)
            await work.commit()

        assert PostState.POSTED is post.state
        assert [post] == list(await self.posts(view, acme))

    async def test_posts_are_listed_newest_first_page_by_page_and_by_what_they_are(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        connection = await self.kept(begin, acme, a_connection())
        cases = [a_session(by=acme.anna, ticket=Ticket(system="halopsa", id=str(number))).escalated() for number in range(3)]
        ids = [await self.noted(begin, acme, case, NoteKind.ESCALATED) for case in cases]
        seen = view(acme.account_id)

        assert ids[::-1] == [post.id for post in await seen.psa_posts(ALL, after=None, limit=EVERYTHING)]
        assert ids[1:2] == [post.id for post in await seen.psa_posts(ALL, after=ids[2], limit=1)]
        found = {
            "all": PostFilter(connection_id=connection.id, state=PostState.PENDING, kind=NoteKind.ESCALATED),
            "session": PostFilter(session_id=cases[0].id),
            "handoff": PostFilter(handoff_id=cases[1].handoff.id),
            "none": PostFilter(state=PostState.DEAD),
            "no connection": PostFilter(connection_id=PsaConnectionId(new_id())),
            "no kind": PostFilter(kind=NoteKind.CLAIMED),
        }
        assert {"all": ids[::-1], "session": ids[:1], "handoff": ids[1:2], "none": [], "no connection": [], "no kind": []} == {
            name: [post.id for post in await seen.psa_posts(where, after=None, limit=EVERYTHING)] for name, where in found.items()
        }

    async def test_a_post_of_another_account_does_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        await self.kept(begin, acme, a_connection())
        case = a_session(by=acme.anna, ticket=Ticket(system="halopsa", id="4711")).escalated()
        post_id = await self.noted(begin, acme, case, NoteKind.ESCALATED)

        async with begin(globex.account_id) as work:
            with pytest.raises(NotFound):
                await work.psa.post(post_id)

    async def kept(self, begin: BeginWork[UnitOfWork], staff: Staff, connection: PsaConnection) -> PsaConnection:
        """The connection, stored."""
        async with begin(staff.account_id) as work:
            secret = SealedSecret(id=connection.secret_id, purpose="psa", sealed=SEALED, key_id="k", created_at=NOON)
            await work.secrets.put(secret)
            await work.psa.add(connection)
            await work.commit()
        return connection

    async def noted(
        self, begin: BeginWork[UnitOfWork], staff: Staff, case: Case, kind: NoteKind, others: Mapping[TicketAction, PsaPostId] | None = None
    ) -> PsaPostId:
        """The id of a note of the last thing that happened to a case, which is stored with it."""
        before = evolve(case, moves=case.moves[:-1])
        kept = await before.kept(begin)
        last, post_id = case.moves[-1], PsaPostId(new_id())
        assert last.event.id is not None
        async with begin(staff.account_id) as work:
            await work.psa.note({TicketAction.NOTE: post_id, **(others or {})}, kind, caused_by=last.event.id)
            await work.sessions.save(evolve(last.session, version=kept.session.version))
            if last.handoff and last.snapshot:
                await work.handoffs.add(last.handoff, last.snapshot)
            await work.record(last.event)
            await work.commit()
        return post_id

    async def posts(self, view: ViewOf[View], staff: Staff) -> Sequence[PsaPost]:
        """All of an account."""
        return await view(staff.account_id).psa_posts(ALL, after=None, limit=EVERYTHING)
