"""Tenancy: to an account, what is another's does not exist, and nothing it can do tells otherwise.

These tests are never gated by a capability.
"""

from asyncio import gather
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from attrs import evolve, frozen

from flowpilot_core.domain.access.account import ApiToken
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import NotFound, Stale, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import DeliveryId, EventId, HandoffId, SessionId, StepId, TeamId, TokenId, UserId
from flowpilot_core.domain.kernel.secret_text import token_digest
from flowpilot_core.domain.notifications.delivery import TOLD_ROLES, Delivery
from flowpilot_core.ports.handoffs import QueueFilter, QueuePosition
from flowpilot_core.ports.kernel import AlreadyAnswered, Answer, BeginWork, Once, ViewOf
from flowpilot_core.ports.relay import Lease, Outbox
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, new_id

from .contract import EVERYTHING, Contract, all_events, facts


@frozen(kw_only=True)
class Ids:
    """One id of each kind: all of one account's things, or all unknown."""

    session: SessionId
    step: StepId
    handoff: HandoffId
    delivery: DeliveryId
    user: UserId
    team: TeamId


UNKNOWN = Ids(
    session=SessionId(new_id()),
    step=StepId(new_id()),
    handoff=HandoffId(new_id()),
    delivery=DeliveryId(new_id()),
    user=UserId(new_id()),
    team=TeamId(new_id()),
)

Look = Callable[[View, Ids, Person], Awaitable[object]]
Touch = Callable[[UnitOfWork, Ids, Person], Awaitable[object]]

LOOKS: dict[str, Look] = {
    "View.session": lambda view, ids, _: view.session(ids.session),
    "View.handoff": lambda view, ids, _: view.handoff(ids.handoff),
    "View.changes": lambda view, ids, by: view.changes(ids.handoff, by, after=0, limit=10),
    "View.whole_handoff": lambda view, ids, by: view.whole_handoff(ids.handoff, by, changes=10, told=10),
    "View.snapshot": lambda view, ids, _: view.snapshot(ids.handoff),
    "View.assessments": lambda view, ids, _: view.assessments(ids.handoff, after=None, limit=10),
    "View.deliveries": lambda view, ids, _: view.deliveries(ids.handoff, after=None, limit=10),
}

TOUCHES: dict[str, Touch] = {
    "Sessions.get": lambda work, ids, _: work.sessions.get(ids.session),
    "Sessions.detail": lambda work, ids, _: work.sessions.detail(ids.session),
    "Sessions.step": lambda work, ids, _: work.sessions.step(ids.session, ids.step),
    "Handoffs.get": lambda work, ids, _: work.handoffs.get(ids.handoff),
    "Handoffs.detail": lambda work, ids, _: work.handoffs.detail(ids.handoff),
    "Handoffs.basis": lambda work, ids, _: work.handoffs.basis(ids.session, TOLD_ROLES),
    "Handoffs.claim": lambda work, ids, by: work.handoffs.claim(
        ids.handoff, by=by, at=NOON, event_id=EventId(new_id()), request_id=None, expected=None, commit=True
    ),
    "Handoffs.claim with a version": lambda work, ids, by: work.handoffs.claim(
        ids.handoff, by=by, at=NOON, event_id=EventId(new_id()), request_id=None, expected=1, commit=False
    ),
    "People.user": lambda work, ids, _: work.people.user(ids.user),
    "People.require_team": lambda work, ids, _: work.people.require_team(ids.team),
    "Deliveries.get": lambda work, ids, _: work.deliveries.get(ids.delivery),
}


class TenancyContract(Contract):
    """Acme has everything; Globex must never learn of it, nor change it."""

    @pytest.fixture
    async def escalated(self, begin: BeginWork[UnitOfWork], acme: Staff) -> Case:
        """An open escalation of Acme's, with two steps and something told."""
        case = await a_session(by=acme.anna, title="Acme's own").step().step().escalated(team_id=acme.network.id).kept(begin)
        async with begin(acme.account_id) as work:
            await work.deliveries.add([self.delivery(case, acme.ben)])
            await work.commit()
        return case

    def delivery(self, case: Case, to: Person) -> Delivery:
        return Delivery(id=DeliveryId(new_id()), handoff_id=case.handoff.id, user_id=to.user_id, created_at=NOON, updated_at=NOON)

    async def ids(self, view: ViewOf[View], acme: Staff, case: Case) -> Ids:
        (delivery,) = (await view(acme.account_id).deliveries(case.handoff.id, after=None, limit=2))[1]
        return Ids(
            session=case.id,
            step=case.steps[0].id,
            handoff=case.handoff.id,
            delivery=delivery.id,
            user=acme.ben.user_id,
            team=acme.network.id,
        )

    @pytest.mark.parametrize("method", LOOKS)
    async def test_looking_at_anothers_is_looking_at_nothing(
        self, method: str, view: ViewOf[View], acme: Staff, globex: Staff, escalated: Case
    ) -> None:
        """A27: the same error, with the same facts, as for an id that never was."""
        foreign = await self.ids(view, acme, escalated)
        await LOOKS[method](view(acme.account_id), foreign, acme.ben)

        refusals = []
        for ids in (foreign, UNKNOWN):
            with pytest.raises(NotFound) as refused:
                await LOOKS[method](view(globex.account_id), ids, globex.ben)
            refusals.append(facts(refused.value))

        assert refusals[1] == refusals[0]

    @pytest.mark.parametrize("method", TOUCHES)
    async def test_touching_anothers_is_touching_nothing(
        self, method: str, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff, escalated: Case
    ) -> None:
        """A27, A28: the same error, and Acme's things stay as they were."""
        foreign = await self.ids(view, acme, escalated)
        before = await self._everything(view, acme, escalated)

        refusals = []
        for ids in (foreign, UNKNOWN):
            with pytest.raises(NotFound) as refused:
                async with begin(globex.account_id) as work:
                    await TOUCHES[method](work, ids, globex.ben)
            refusals.append(facts(refused.value))

        assert refusals[1] == refusals[0]
        assert before == await self._everything(view, acme, escalated)
        async with begin(acme.account_id) as work:
            await TOUCHES[method](work, foreign, acme.ben)

    async def _everything(self, view: ViewOf[View], acme: Staff, case: Case) -> tuple[object, ...]:
        see = view(acme.account_id)
        return (
            await see.session(case.id),
            await see.handoff(case.handoff.id),
            await see.snapshot(case.handoff.id),
            (await see.deliveries(case.handoff.id, after=None, limit=EVERYTHING))[1],
            await see.events(after=0, limit=EVERYTHING),
            await see.news(after=0, limit=EVERYTHING),
        )

    async def test_lists_hold_ones_own_only(self, view: ViewOf[View], acme: Staff, globex: Staff, escalated: Case) -> None:
        see = view(globex.account_id)
        place = QueuePosition(rank=3, escalated_at=NOON - timedelta(days=1), handoff_id=escalated.handoff.id)

        for filtered in (SessionFilter(), SessionFilter(assignee_id=acme.anna.user_id)):
            assert ([], {}) == self._plain(await see.sessions(filtered, globex.olga, after=None, limit=EVERYTHING))
            assert ([], {}) == self._plain(await see.sessions(filtered, globex.olga, after=escalated.id, limit=EVERYTHING))
        for where in (QueueFilter(), QueueFilter(team_id=acme.network.id)):
            assert [] == list(await see.queue(where, after=None, limit=EVERYTHING))
            assert [] == list(await see.queue(where, after=place, limit=EVERYTHING))
        assert [] == list(await see.events(after=0, limit=EVERYTHING))
        assert [] == list(await see.news(after=0, limit=EVERYTHING))
        assert 0 == await see.last_number()

    def _plain(self, listed: tuple[object, object]) -> tuple[object, object]:
        found, names = listed
        assert isinstance(found, list | tuple)
        assert isinstance(names, dict)
        return list(found), dict(names)

    async def test_a_timeline_of_anothers_session_is_that_of_none(self, view: ViewOf[View], globex: Staff, escalated: Case) -> None:
        refusals = []
        for session_id in (escalated.id, UNKNOWN.session):
            with pytest.raises(NotFound) as refused:
                await view(globex.account_id).timeline(session_id, globex.olga, after=0, limit=EVERYTHING)
            refusals.append(facts(refused.value))
        assert refusals[1] == refusals[0]

    async def test_the_people_of_an_account_are_its_own(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        async with begin(globex.account_id) as work:
            assert set(globex.users) == set(await work.people.users())
            assert {globex.network, globex.bench} == set(await work.people.teams())
            assert globex.account == await work.people.account()

    async def test_colleagues_are_of_ones_own_account(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        case = await a_session(by=globex.anna).kept(begin)

        async with begin(globex.account_id) as work:
            colleagues = (await work.handoffs.basis(case.id, frozenset(Role))).colleagues

        assert {person.user_id for person in globex.people} == {colleague.user_id for colleague in colleagues}

    async def test_nobody_of_another_account_is_told(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        case = await a_session(by=globex.anna).escalated().kept(begin)
        own = self.delivery(case, globex.ben)

        async with begin(globex.account_id) as work:
            await work.deliveries.add([self.delivery(case, acme.ben), own])
            await work.commit()

        assert [own] == list((await view(globex.account_id).deliveries(case.handoff.id, after=None, limit=EVERYTHING))[1])

    async def test_nobody_of_another_account_gets_a_token_here(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A09: not even where only a foreign key would notice."""
        stolen = ApiToken(id=TokenId(new_id()), user_id=acme.olga.user_id, digest=token_digest(b"stolen"), created_at=NOON)

        with pytest.raises(NotFound):
            async with begin(globex.account_id) as work:
                await work.tokens.add(stolen)
                await work.commit()

        for account_id in (acme.account_id, globex.account_id):
            with pytest.raises(Unauthenticated):
                await view(account_id).authenticate(stolen.digest, at=NOON)

    async def test_a_token_is_good_in_its_own_account_only(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        digest = token_digest(b"acme's")
        async with begin(acme.account_id) as work:
            await work.tokens.add(ApiToken(id=TokenId(new_id()), user_id=acme.ben.user_id, digest=digest, created_at=NOON))
            await work.commit()

        assert acme.ben.user_id == (await view(acme.account_id).authenticate(digest, at=NOON))[0].user_id
        with pytest.raises(Unauthenticated):
            await view(globex.account_id).authenticate(digest, at=NOON)

    async def test_nobody_of_another_account_can_act_here(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        mine = await a_session(by=acme.anna).kept(begin)
        intruder = evolve(globex.olga, account_id=acme.account_id)
        later = mine.reassigned_to(acme.ben, by=intruder)

        with pytest.raises(Unauthenticated):
            async with begin(acme.account_id) as work:
                await work.sessions.save(later.session)
                await work.record(later.events[-1])
                await work.commit()

        assert mine.session == (await view(acme.account_id).session(mine.id)).session

    async def test_what_another_account_has_taken_is_free_here(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A10: no id, address, name or key tells by a refusal that it exists elsewhere."""
        theirs = await a_session(by=acme.anna, title="Acme's").step("Acme's").escalated("Acme's").kept(begin)
        twin = Staff(
            account=globex.account,
            olga=globex.olga,
            adam=globex.adam,
            anna=evolve(acme.anna, account_id=globex.account_id),
            ben=globex.ben,
            vera=globex.vera,
            network=evolve(acme.network, name="Of the same id"),
            bench=globex.bench,
        )
        async with begin(globex.account_id) as work:
            await work.people.add_user(evolve(acme.user(acme.anna), name="Globex's"))
            await work.people.add_team(twin.network)
            await work.commit()
        mine = evolve(theirs, people={twin.anna.user_id: twin.anna})
        mine = evolve(mine, moves=tuple(evolve(move, session=evolve(move.session, title="Globex's")) for move in mine.moves))

        await mine.kept(begin)

        see, other = view(globex.account_id), view(acme.account_id)
        assert ("Globex's", "Acme's") == (
            (await see.session(mine.id)).session.title,
            (await other.session(mine.id)).session.title,
        )
        assert ("Globex's", acme.anna.name) == (
            (await see.session(mine.id)).names[acme.anna.user_id],
            (await other.session(mine.id)).names[acme.anna.user_id],
        )

    async def test_saving_anothers_session_saves_nothing(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], globex: Staff, escalated: Case
    ) -> None:
        """A12: not by its id, not with the right version."""
        with pytest.raises(Stale):
            async with begin(globex.account_id) as work:
                await work.sessions.save(escalated.session)
                await work.commit()
        with pytest.raises(Stale):
            async with begin(globex.account_id) as work:
                await work.handoffs.save(escalated.handoff)
                await work.commit()

    async def test_events_are_numbered_within_an_account(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A20: no number tells how much happens elsewhere."""
        for _ in range(3):
            await a_session(by=acme.anna).kept(begin)
            await a_session(by=globex.anna).kept(begin)

        for staff in (acme, globex):
            assert [1, 2, 3] == [logged.number for logged in await all_events(view, staff.account_id)]

    async def test_a_key_of_one_account_is_unknown_in_another(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        """A34: the same person's id, key and request; each account gets its own answer."""
        once = Once(user_id=acme.anna.user_id, key="k", fingerprint=b"same", at=NOON, expired=NOON - timedelta(days=1))
        async with begin(globex.account_id) as work:
            await work.people.add_user(acme.user(acme.anna))
            await work.commit()

        for staff in (acme, globex):
            async with begin(staff.account_id, once) as work:
                await work.people.account()
                await work.keep(Answer(status=200, body=staff.account.name.encode()))
                await work.commit()

        for staff in (acme, globex):
            with pytest.raises(AlreadyAnswered) as repeated:
                async with begin(staff.account_id, once) as work:
                    await work.people.account()
            assert staff.account.name.encode() == repeated.value.answer.body

    async def test_a_lease_is_void_in_another_account(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, view: ViewOf[View], acme: Staff, globex: Staff, escalated: Case
    ) -> None:
        """A25: work is settled in its own account or not at all."""
        lease = await self._lease(outbox, acme)
        stolen = evolve(lease, account_id=globex.account_id)

        for attempt in (lease, stolen):
            async with begin(globex.account_id) as work:
                assert not await work.due.holds(attempt)
                assert not await work.due.finish(attempt)
                assert not await work.due.postpone(attempt, seconds=60)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert await work.due.finish(lease)

    async def _lease(self, outbox: Outbox, staff: Staff) -> Lease:
        """The work of the one delivery there is, whatever else is due in other accounts."""
        for _ in range(1_000):
            for lease in await outbox.take({}, others=100, lease_for=timedelta(minutes=5)):
                if lease.account_id == staff.account_id:
                    return lease
        raise AssertionError("the account's work never came")

    async def test_units_of_work_of_two_accounts_never_mix(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, globex: Staff
    ) -> None:
        """A22, A23: a hundred at once, half of them given up, none in the wrong account."""

        async def work(staff: Staff, number: int) -> None:
            case = a_session(by=staff.anna, title=f"{staff.account.name} {number}")
            async with begin(staff.account_id) as work:
                assert staff.account == await work.people.account()
                await work.sessions.add(case.session)
                await work.record(case.events[0])
                if number % 2:
                    await work.commit()
            found, _ = await view(staff.account_id).sessions(SessionFilter(), staff.vera, after=None, limit=EVERYTHING)
            assert all(session.title.startswith(staff.account.name) for session in found)

        await gather(*(work((acme, globex)[number % 4 // 2], number) for number in range(100)))

        for staff in (acme, globex):
            found, _ = await view(staff.account_id).sessions(SessionFilter(), staff.vera, after=None, limit=EVERYTHING)
            assert 25 == len(found)
