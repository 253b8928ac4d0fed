"""Units of work: all or nothing, and of two that meet, one yields."""

from asyncio import Event as Signal
from asyncio import gather
from datetime import timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.access.account import Team
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.errors import KeyInProgress, KeyReused, NotFound, Stale, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId, StepId, TeamId
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import StepKind
from flowpilot_core.ports.kernel import LARGEST_KEPT, AlreadyAnswered, Answer, BeginWork, Once, ViewOf
from flowpilot_core.ports.relay import Outbox
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, an_escalation, new_id, recorded
from flowpilot_core.testing.contracts.contract import Contract, all_events, closed


class _Changed(Exception):
    """Somebody changes their mind in the middle of a unit of work."""


async def start(begin: BeginWork[UnitOfWork], case: Case) -> None:
    """Keep a session that was just started."""
    async with begin(case.assignee.account_id) as work:
        await work.sessions.add(case.session)
        await work.record(case.events[0])
        await work.commit()


async def add_step(begin: BeginWork[UnitOfWork], staff: Staff, session_id: SessionId, content: str) -> None:
    """One more step by Anna, however often others save first."""
    for _ in range(1_000):
        try:
            async with begin(staff.account_id) as work:
                before = await work.sessions.get(session_id)
                session, step, event = before.with_step(StepId(new_id()), kind=StepKind.NOTE, content=content, by=staff.anna, at=NOON)
                await work.sessions.save(session)
                await work.sessions.add_step(step)
                await work.record(recorded(event))
                await work.commit()
        except Stale:
            continue
        return
    raise AssertionError("others saved first a thousand times")


class UnitOfWorkContract(Contract):
    """`BeginWork` and `UnitOfWork`: atomicity, versions, and who may not act any more."""

    async def test_what_is_committed_is_there_for_everybody(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna)

        await start(begin, case)

        assert case.session == (await view(acme.account_id).session(case.id)).session
        assert [case.events[0]] == [logged.event for logged in await all_events(view, acme.account_id)]

    async def test_what_is_not_committed_never_was(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], outbox: Outbox, acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        later = case.claimed_by(acme.ben)
        before = await all_events(view, acme.account_id)

        async with begin(acme.account_id) as work:
            await work.sessions.save(later.session)
            await work.handoffs.save(later.handoff)
            await work.sessions.add(a_session(by=acme.ben).session)
            await work.people.save_user(evolve(acme.user(acme.ben), name="Somebody else"))
            await work.record(later.events[-1])

        detail = await view(acme.account_id).session(case.id)
        assert (case.session, case.handoffs) == (detail.session, detail.handoffs)
        assert before == await all_events(view, acme.account_id)
        async with begin(acme.account_id) as work:
            assert set(acme.users) == set(await work.people.users())

    async def test_an_error_in_the_middle_discards_everything(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna)

        with pytest.raises(_Changed):
            async with begin(acme.account_id) as work:
                await work.sessions.add(case.session)
                await work.record(case.events[0])
                raise _Changed

        with pytest.raises(NotFound):
            await view(acme.account_id).session(case.id)
        assert [] == list(await all_events(view, acme.account_id))

    async def test_a_second_commit_does_nothing(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = a_session(by=acme.anna)

        async with begin(acme.account_id) as work:
            await work.sessions.add(case.session)
            await work.record(case.events[0])
            await work.commit()
            await work.commit()

        assert 1 == len(await all_events(view, acme.account_id))

    async def test_a_unit_of_work_sees_what_it_has_left_so_far_and_others_do_not(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        later = case.step("rebooted it").escalated()

        async with begin(acme.account_id) as work:
            saved = await work.sessions.save(later.session)
            await work.sessions.add_step(later.steps[0])
            await work.handoffs.add(later.handoff, later.snapshot)
            inside = await work.sessions.detail(case.id)
            handoff = await work.handoffs.detail(later.handoff.id)
            outside = await view(acme.account_id).session(case.id)
            await work.commit()

        assert (saved, later.steps, later.handoffs) == (inside.session, inside.steps, inside.handoffs)
        assert later.handoff == handoff.handoff
        assert (case.session, (), ()) == (outside.session, outside.steps, outside.handoffs)

    async def test_saving_counts_the_version_up(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)

        async with begin(acme.account_id) as work:
            session = await work.sessions.save(case.session)
            handoff = await work.handoffs.save(case.handoff)
            await work.commit()

        assert (case.session.version + 1, case.handoff.version + 1) == (session.version, handoff.version)
        detail = await view(acme.account_id).session(case.id)
        assert (session, (handoff,)) == (detail.session, detail.handoffs)

    async def test_who_saves_an_old_version_is_stale_and_changes_nothing(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        other = a_session(by=acme.ben)
        newer = case.step("somebody was first")
        async with begin(acme.account_id) as work:
            await work.sessions.save(newer.session)
            await work.commit()

        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.sessions.add(other.session)
                await work.record(other.events[0])
                await work.sessions.save(case.resolved().session)
                await work.commit()

        assert evolve(newer.session, version=2) == (await view(acme.account_id).session(case.id)).session
        with pytest.raises(NotFound):
            await view(acme.account_id).session(other.id)
        assert 1 == len(await all_events(view, acme.account_id))

    async def test_of_two_that_save_the_same_session_one_is_stale(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        loaded = [Signal(), Signal()]

        async def save(later: Case, mine: Signal, other: Signal) -> Session | Stale:
            try:
                async with begin(acme.account_id) as work:
                    before = await work.sessions.get(case.id)
                    mine.set()
                    await other.wait()
                    saved = await work.sessions.save(evolve(later.session, version=before.version))
                    await work.record(later.events[-1])
                    await work.commit()
            except Stale as stale:
                return stale
            return saved

        outcomes = await gather(save(case.resolved(), *loaded), save(case.abandoned(), *reversed(loaded)))

        (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Session))
        assert winner == (await view(acme.account_id).session(case.id)).session
        assert 2 == len(await all_events(view, acme.account_id))

    async def test_of_two_that_save_the_same_handoff_one_is_stale(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        async with begin(acme.account_id) as work:
            await work.handoffs.save(case.rerouted(team_id=acme.network.id).handoff)
            await work.commit()

        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.handoffs.save(case.withdrawn().handoff)
                await work.commit()

    async def test_of_two_that_read_and_then_save_the_same_handoff_one_is_stale(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        loaded = [Signal(), Signal()]

        async def save(later: Case, mine: Signal, other: Signal) -> Handoff | Stale:
            try:
                async with begin(acme.account_id) as work:
                    before = await work.handoffs.get(case.handoff.id)
                    mine.set()
                    await other.wait()
                    saved = await work.handoffs.save(evolve(later.handoff, version=before.version))
                    await work.record(later.events[-1])
                    await work.commit()
            except Stale as stale:
                return stale
            return saved

        bens, teams = case.rerouted(user_id=acme.ben.user_id), case.rerouted(team_id=acme.network.id)
        outcomes = await gather(save(bens, *loaded), save(teams, *reversed(loaded)))

        (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Handoff))
        assert winner == (await view(acme.account_id).handoff(case.handoff.id)).handoff
        assert len(case.events) + 1 == len(await all_events(view, acme.account_id))

    async def test_no_step_is_lost_when_many_are_added_at_once(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        """F10: whoever is stale tries the whole unit again on what is there now."""
        case = await a_session(by=acme.anna).kept(begin)
        contents = [f"step {number}" for number in range(8)]

        await gather(*(add_step(begin, acme, case.id, content) for content in contents))

        detail = await view(acme.account_id).session(case.id)
        assert list(range(1, 9)) == [step.number for step in detail.steps]
        assert set(contents) == {step.content for step in detail.steps}
        assert (8, 9) == (detail.session.step_count, detail.session.version)

    async def test_a_deactivated_person_can_do_nothing(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self._deactivate(begin, acme)
        case = a_session(by=acme.anna)

        with pytest.raises(Unauthenticated):
            await start(begin, case)

        with pytest.raises(NotFound):
            await view(acme.account_id).session(case.id)

    async def test_in_a_closed_account_nobody_can_do_anything(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await closed(begin, acme, NOON)
        case = a_session(by=acme.anna)

        with pytest.raises(Unauthenticated):
            await start(begin, case)

        with pytest.raises(NotFound):
            await view(acme.account_id).session(case.id)

    async def test_who_is_deactivated_in_the_middle_of_a_unit_of_work_can_not_commit_it(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).kept(begin)
        later = case.resolved()

        with pytest.raises(Unauthenticated):
            async with begin(acme.account_id) as work:
                await work.sessions.get(case.id)
                await self._deactivate(begin, acme)
                await work.sessions.save(later.session)
                await work.record(later.events[-1])
                await work.commit()

        assert case.session == (await view(acme.account_id).session(case.id)).session

    async def test_where_the_account_does_not_exist_everything_is_empty(self, begin: BeginWork[UnitOfWork], view: ViewOf[View]) -> None:
        nowhere = AccountId(new_id())

        async with begin(nowhere) as work:
            assert () == await work.people.users()
            assert () == await work.people.teams()
            with pytest.raises(NotFound):
                await work.people.account()
            with pytest.raises(NotFound):
                await work.sessions.get(a_session().id)
        assert [] == list(await all_events(view, nowhere))

    async def test_nothing_is_kept_where_there_is_no_account(self, begin: BeginWork[UnitOfWork]) -> None:
        nowhere = AccountId(new_id())

        with pytest.raises(NotFound):
            async with begin(nowhere) as work:
                await work.people.add_team(Team(id=TeamId(new_id()), name="Network"))
                await work.commit()

        async with begin(nowhere) as work:
            assert () == await work.people.teams()

    async def _deactivate(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        async with begin(acme.account_id) as work:
            await work.people.save_user(evolve(acme.user(acme.anna), deactivated_at=NOON))
            await work.commit()


class OnceContract(Contract):
    """Idempotency: what a request with a key does, it does once, and its answer commits with its effect."""

    def once(self, staff: Staff, *, key: str = "key", fingerprint: bytes = b"POST /x", later: timedelta = timedelta()) -> Once:
        at = NOON + later
        return Once(user_id=staff.anna.user_id, key=key, fingerprint=fingerprint, at=at, expired=at - timedelta(hours=24))

    async def ask(self, begin: BeginWork[UnitOfWork], staff: Staff, once: Once, answer: Answer) -> Answer:
        """Start a session under a key, and answer."""
        case = a_session(by=staff.anna)
        async with begin(staff.account_id, once) as work:
            await work.people.account()
            await work.sessions.add(case.session)
            await work.record(case.events[0])
            await work.keep(answer)
            await work.commit()
        return answer

    FIRST = Answer(status=201, body=b'{"first": true}')
    SECOND = Answer(status=201, body=b'{"first": false}')

    async def test_the_same_request_again_gets_the_first_answer_and_does_nothing(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """F03: after a lost answer the same key finds out what happened."""
        await self.ask(begin, acme, self.once(acme), self.FIRST)

        with pytest.raises(AlreadyAnswered) as repeated:
            await self.ask(begin, acme, self.once(acme, later=MINUTE), self.SECOND)

        assert self.FIRST == repeated.value.answer
        assert 1 == len(await all_events(view, acme.account_id))

    async def test_as_much_of_an_answer_as_is_kept_comes_back_to_the_byte(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        """A53: and no larger one can be given to be kept."""
        answer = Answer(status=200, body=bytes(range(256)) * (LARGEST_KEPT // 256))
        await self.ask(begin, acme, self.once(acme), answer)

        with pytest.raises(AlreadyAnswered) as repeated:
            await self.ask(begin, acme, self.once(acme), self.SECOND)

        assert answer == repeated.value.answer
        with pytest.raises(ValueError, match="body"):
            evolve(answer, body=answer.body + b"x")

    async def test_another_request_under_the_same_key_is_refused(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        """F06: another body, nothing written."""
        await self.ask(begin, acme, self.once(acme), self.FIRST)

        with pytest.raises(KeyReused):
            await self.ask(begin, acme, self.once(acme, fingerprint=b"POST /y"), self.SECOND)

        assert 1 == len(await all_events(view, acme.account_id))

    async def test_another_key_is_another_request(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        await self.ask(begin, acme, self.once(acme), self.FIRST)

        await self.ask(begin, acme, self.once(acme, key="another"), self.SECOND)

        assert 2 == len(await all_events(view, acme.account_id))

    async def test_another_person_with_the_same_key_makes_another_request(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        await self.ask(begin, acme, self.once(acme), self.FIRST)

        await self.ask(begin, acme, evolve(self.once(acme), user_id=acme.ben.user_id), self.SECOND)

        assert 2 == len(await all_events(view, acme.account_id))

    async def test_a_key_is_forgotten_after_its_time(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        """F07: a day and an hour later the same request is a new one, and its answer is kept from then on."""
        await self.ask(begin, acme, self.once(acme), self.FIRST)

        await self.ask(begin, acme, self.once(acme, later=timedelta(hours=25)), self.SECOND)

        assert 2 == len(await all_events(view, acme.account_id))
        with pytest.raises(AlreadyAnswered) as repeated:
            await self.ask(begin, acme, self.once(acme, later=timedelta(hours=26)), self.FIRST)
        assert self.SECOND == repeated.value.answer

    async def test_a_request_that_failed_may_come_again(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        """What was rolled back is not remembered, not even under another fingerprint."""
        with pytest.raises(_Changed):
            async with begin(acme.account_id, self.once(acme)) as work:
                await work.people.account()
                await work.keep(self.FIRST)
                raise _Changed

        await self.ask(begin, acme, self.once(acme, fingerprint=b"mended"), self.SECOND)

        assert 1 == len(await all_events(view, acme.account_id))

    async def test_of_the_same_request_at_once_one_is_done(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        """F05: the others get the first answer, or hear that it is still running."""
        answers = [Answer(status=201, body=str(number).encode()) for number in range(20)]

        outcomes = await gather(*(self.ask(begin, acme, self.once(acme), answer) for answer in answers), return_exceptions=True)

        (done,) = (outcome for outcome in outcomes if isinstance(outcome, Answer))
        assert 1 == len(await all_events(view, acme.account_id))
        others = [outcome for outcome in outcomes if outcome is not done]
        assert all(isinstance(outcome, AlreadyAnswered | KeyInProgress) for outcome in others)
        assert {done.body} >= {outcome.answer.body for outcome in others if isinstance(outcome, AlreadyAnswered)}
