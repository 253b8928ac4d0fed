"""Claims: of any number at once one succeeds, and whoever comes too late is told why."""

from asyncio import gather
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import (
    AlreadyClaimed,
    FlowPilotError,
    InvalidTransition,
    NotFound,
    OwnHandoff,
    RoleForbidden,
    Stale,
    Unauthenticated,
    VersionConflict,
)
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import BranchId, EventId, HandoffId, UserId
from flowpilot_core.ports.handoffs import HandoffDetail
from flowpilot_core.ports.kernel import BeginWork, ViewOf
from flowpilot_core.ports.unit_of_work import UnitOfWork, View
from flowpilot_core.testing.builders import NOON, Case, Staff, a_session, an_escalation, new_id
from flowpilot_core.testing.contracts.contract import Contract, all_events, closed, facts


class ClaimsContract(Contract):
    """`Handoffs.claim`: of any number at once, one succeeds."""

    AT = NOON + timedelta(hours=1)

    async def claim(
        self,
        begin: BeginWork[UnitOfWork],
        staff: Staff,
        handoff_id: HandoffId,
        by: Person,
        *,
        at: datetime = AT,
        expected: int | None = None,
        commit: bool = True,
        event_id: EventId | None = None,
        branch_id: BranchId | None = None,
    ) -> HandoffDetail:
        async with begin(staff.account_id) as work:
            taken = await work.handoffs.claim(
                handoff_id,
                by=by,
                at=at,
                event_id=event_id or EventId(new_id()),
                request_id="r-1",
                expected=expected,
                commit=commit,
                branch_id=branch_id,
            )
            await work.commit()
        return taken

    async def outcome(
        self, begin: BeginWork[UnitOfWork], staff: Staff, handoff_id: HandoffId, by: Person, *, commit: bool = True
    ) -> HandoffDetail | FlowPilotError:
        """What a claim comes to; claims wait for one another and are never stale."""
        try:
            return await self.claim(begin, staff, handoff_id, by, commit=commit)
        except FlowPilotError as refused:
            return refused

    @pytest.mark.parametrize("commit", [True, False])
    @pytest.mark.parametrize("at", [AT, NOON - timedelta(days=1)], ids=["later", "by a clock that jumped back"])
    async def test_a_claim_does_what_the_domain_says(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, at: datetime, commit: bool
    ) -> None:
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

    @pytest.mark.parametrize("commit", [True, False])
    async def test_who_claims_goes_on_in_the_branch_they_choose(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, commit: bool
    ) -> None:
        case = await a_session(by=acme.anna).step().fork("driver", "network").escalated().kept(begin)
        chosen = case.branch("network")
        handoff, session, event = case.handoff.claimed(case.session, branch_id=chosen, by=acme.ben, at=self.AT)

        event_id = EventId(new_id())
        taken = await self.claim(begin, acme, case.handoff.id, acme.ben, commit=commit, branch_id=chosen, event_id=event_id)

        detail = await view(acme.account_id).session(case.id)
        assert (chosen, evolve(session, version=case.session.version + 1)) == (detail.session.branches.active_id, detail.session)
        assert evolve(handoff, version=case.handoff.version + 1) == taken.handoff
        assert evolve(event, id=event_id, request_id="r-1") == (await all_events(view, acme.account_id))[-1].event
        assert str(chosen) == event.changed["branch_id"]

    async def test_nobody_claims_with_a_branch_that_is_closed_or_of_another_session(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
        case = await a_session(by=acme.anna).step().fork("driver", "network").closed("network").escalated().kept(begin)
        other = await a_session(by=acme.anna).step().fork("driver", "network").kept(begin)

        for branch_id, expected, refusal in (
            (case.branch("network"), None, InvalidTransition("branch", "dead_end", "work")),
            (case.branch("network"), 99, InvalidTransition("branch", "dead_end", "work")),
            (case.branch("driver"), 99, VersionConflict("handoff", 99, case.handoff.version)),
            (other.branch("network"), None, NotFound("branch")),
            (BranchId(new_id()), None, NotFound("branch")),
        ):
            with pytest.raises(type(refusal)) as refused:
                await self.claim(begin, acme, case.handoff.id, acme.ben, branch_id=branch_id, expected=expected)
            assert facts(refusal) == facts(refused.value)

        detail = await view(acme.account_id).session(case.id)
        assert (case.session, (case.handoff,)) == (detail.session, detail.handoffs)

    async def test_who_comes_second_is_told_so_whatever_branch_they_chose(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await a_session(by=acme.anna).step().fork("driver", "network").escalated().kept(begin)
        await self.claim(begin, acme, case.handoff.id, acme.ben, branch_id=case.branch("network"))

        with pytest.raises(AlreadyClaimed):
            await self.claim(begin, acme, case.handoff.id, acme.adam, branch_id=case.branch("driver"))

    async def test_a_claim_that_is_not_committed_never_was(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)

        async with begin(acme.account_id) as work:
            await work.handoffs.claim(
                case.handoff.id, by=acme.ben, at=self.AT, event_id=EventId(new_id()), request_id=None, expected=None, commit=False
            )

        assert case.handoff == (await view(acme.account_id).handoff(case.handoff.id)).handoff
        assert acme.adam.user_id == self._claimer(await self.claim(begin, acme, case.handoff.id, acme.adam))

    async def test_the_second_is_told_who_was_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        await self.claim(begin, acme, case.handoff.id, acme.ben)

        for late in (acme.adam, acme.ben):
            with pytest.raises(AlreadyClaimed) as refused:
                await self.claim(begin, acme, case.handoff.id, late)
            assert facts(AlreadyClaimed(case.handoff.id, acme.ben.user_id, self.AT, acme.ben.name)) == facts(refused.value)

    async def test_what_can_not_be_claimed_says_why_and_stays(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
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

    async def test_a_claim_on_the_version_that_was_read_succeeds(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).rerouted(team_id=acme.network.id).kept(begin)

        taken = await self.claim(begin, acme, case.handoff.id, acme.ben, expected=case.handoff.version)

        assert HandoffState.CLAIMED == taken.handoff.state

    @pytest.mark.parametrize("commit", [True, False])
    async def test_of_two_hundred_claims_at_once_one_succeeds_and_is_the_same_to_everyone(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff, commit: bool
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

    async def test_of_a_claim_and_a_withdrawal_at_once_one_succeeds(
        self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff
    ) -> None:
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

    async def test_in_a_closed_account_nobody_claims_anything(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case = await an_escalation(by=acme.anna).kept(begin)
        await closed(begin, acme, NOON)

        with pytest.raises(Unauthenticated):
            await self.claim(begin, acme, case.handoff.id, acme.ben)

    async def test_a_deactivated_person_claims_nothing(self, begin: BeginWork[UnitOfWork], view: ViewOf[View], acme: Staff) -> None:
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
