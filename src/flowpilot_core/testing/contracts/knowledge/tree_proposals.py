"""What every store of proposed trees must do."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import AccountId, EventId, SessionId, TreeId, TreeProposalId
from flowpilot_core.domain.knowledge.content import NodeId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.proposal import ProposalState, TreeProposal, WayOn
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.knowledge import MOST_SESSIONS, SessionNamed
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import MINUTE, NOON, Case, Staff, a_session, new_id
from flowpilot_core.testing.contracts.contract import EVERYTHING, Contract

from .trees import CONTENT, a_tree


def a_proposal(session_id: SessionId, tree: Tree | None = None, node_id: str = "start") -> TreeProposal:
    """What a session taught: a tree of its own, or another way on from a node of a tree."""
    way_on = None if tree is None else WayOn(tree=Ref(id=tree.id), node_id=NodeId(node_id), answer="Nichts davon")
    return TreeProposal(
        id=TreeProposalId(new_id()), session_id=session_id, way_on=way_on, name="Drucker gestört", content=CONTENT, created_at=NOON
    )


class TreeProposalsContract(Contract):
    """`TreeProposals`, inside units of work."""

    async def test_proposals_come_back_as_they_were_kept_newest_first(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        (case,) = await self.cases(begin, acme)
        tree = a_tree(acme.anna)
        async with begin(acme.account_id) as work:
            await work.trees.add(tree)
            await work.commit()
        one, two = a_proposal(case.id), a_proposal(case.id, tree)
        for proposal in (one, two):
            await self.added(begin, acme.account_id, proposal, case.id)

        async with begin(acme.account_id) as work:
            proposals = work.tree_proposals
            assert [one, two] == [await proposals.get(proposal.id) for proposal in (one, two)]
            assert [two, one] == list(await proposals.listed(None, after=None, limit=EVERYTHING))
            assert [one] == list(await proposals.listed(ProposalState.OPEN, after=two.id, limit=1))
            assert [] == list(await proposals.listed(ProposalState.REJECTED, after=None, limit=EVERYTHING))
            assert two == await proposals.at_node(Ref(id=tree.id), NodeId("start"))
            assert await proposals.at_node(Ref(id=tree.id), NodeId("log")) is None
            assert await proposals.at_node(Ref(id=TreeId(new_id())), NodeId("start")) is None
            assert one == await proposals.covering([SessionId(new_id()), case.id])
            assert await proposals.covering([SessionId(new_id())]) is None
            with pytest.raises(NotFound):
                await proposals.get(TreeProposalId(new_id()))

    async def test_the_session_of_an_event_is_looked_at_once_that_is_on_record(
        self, begin: BeginWork[UnitOfWork], outbox: Outbox, acme: Staff
    ) -> None:
        case, work_id = a_session(by=acme.anna), new_id()
        (started,) = case.events
        assert started.id is not None
        async with begin(acme.account_id) as work:
            await work.tree_proposals.ask(work_id, caused_by=started.id)
            await work.tree_proposals.ask(new_id(), caused_by=EventId(new_id()))
            await work.sessions.add(case.session)
            await work.record(started)
            await work.commit()

        leases = await outbox.take({WorkKind.TREE_PROPOSAL: EVERYTHING}, lease_for=timedelta(minutes=1))
        assert [(work_id, case.id)] == [(one.work_id, one.target) for one in leases if one.account_id == acme.account_id]

    async def test_of_two_that_go_on_from_one_node_the_first_stays(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case, other = await self.cases(begin, acme, 2)
        tree = a_tree(acme.anna)
        async with begin(acme.account_id) as work:
            await work.trees.add(tree)
            await work.commit()
        first = a_proposal(case.id, tree)

        with pytest.raises(Stale):
            async with begin(acme.account_id) as late:
                assert await late.tree_proposals.at_node(Ref(id=tree.id), NodeId("start")) is None
                await self.added(begin, acme.account_id, first, case.id)
                await late.tree_proposals.add(a_proposal(other.id, tree), [other.id])
                await late.commit()

        async with begin(acme.account_id) as work:
            assert [first] == list(await work.tree_proposals.listed(None, after=None, limit=EVERYTHING))

    async def test_of_two_new_trees_that_a_session_leads_to_the_first_stays(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        case, other, shared = await self.cases(begin, acme, 3)
        first, second = a_proposal(case.id), a_proposal(other.id)

        with pytest.raises(Stale):
            async with begin(acme.account_id) as late:
                assert await late.tree_proposals.covering([other.id, shared.id]) is None
                await self.added(begin, acme.account_id, first, case.id, shared.id)
                await late.tree_proposals.add(second, [other.id, shared.id])
                await late.commit()
        await self.added(begin, acme.account_id, second, other.id)
        with pytest.raises(Stale):
            async with begin(acme.account_id) as work:
                await work.tree_proposals.join(second, shared.id)
                await work.commit()

        async with begin(acme.account_id) as work:
            assert first == await work.tree_proposals.covering([shared.id])
            await work.tree_proposals.join(first, shared.id)
            await work.commit()

    async def test_the_newest_sessions_that_a_reader_may_read_are_told(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        cases = await self.cases(begin, acme, MOST_SESSIONS + 1)
        parked = await a_session(by=acme.ben, title="Bens").parked().kept(begin)
        proposal, empty = a_proposal(cases[0].id), a_proposal(cases[0].id)
        await self.added(begin, acme.account_id, proposal, *(case.id for case in cases))
        await self.added(begin, acme.account_id, empty)
        async with begin(acme.account_id) as work:
            await work.tree_proposals.join(proposal, parked.id)
            await work.commit()

        async with begin(acme.account_id) as work:
            found = {by.name: await work.tree_proposals.sessions([proposal.id, empty.id], by) for by in (acme.ben, acme.olga, acme.anna)}
        newest = [SessionNamed(id=case.id, title=case.session.title) for case in cases[::-1]]
        hidden = SessionNamed(id=parked.id, title="Bens")
        expected = {acme.ben: [hidden, *newest], acme.olga: [hidden, *newest], acme.anna: newest}
        assert {by.name: {proposal.id: of[:MOST_SESSIONS], empty.id: []} for by, of in expected.items()} == found

    async def test_what_was_decided_stays(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        (case,) = await self.cases(begin, acme)
        proposal = a_proposal(case.id)
        await self.added(begin, acme.account_id, proposal, case.id)
        rejected = proposal.rejected("Zu selten", by=acme.adam, at=NOON + MINUTE)
        async with begin(acme.account_id) as late:
            await late.tree_proposals.get(proposal.id)
            async with begin(acme.account_id) as work:
                await work.tree_proposals.save(rejected)
                await work.commit()
            with pytest.raises(Stale):
                await late.tree_proposals.save(proposal.rejected("Again", by=acme.olga, at=NOON))
                await late.commit()

        async with begin(acme.account_id) as work:
            assert rejected == await work.tree_proposals.get(proposal.id)
            assert [rejected] == list(await work.tree_proposals.listed(ProposalState.REJECTED, after=None, limit=EVERYTHING))
            assert rejected == await work.tree_proposals.covering([case.id])

    async def test_a_draft_that_is_deleted_is_forgotten(self, begin: BeginWork[UnitOfWork], acme: Staff) -> None:
        (case,) = await self.cases(begin, acme)
        proposal, draft = a_proposal(case.id), a_tree(acme.adam)
        await self.added(begin, acme.account_id, proposal, case.id)
        accepted = proposal.accepted(draft.id, by=acme.adam, at=NOON)
        async with begin(acme.account_id) as work:
            await work.trees.add(draft)
            await work.tree_proposals.save(accepted)
            await work.commit()
        async with begin(acme.account_id) as work:
            assert accepted == await work.tree_proposals.get(proposal.id)
            await work.trees.drop(draft.id)
            await work.commit()

        async with begin(acme.account_id) as work:
            found = await work.tree_proposals.get(proposal.id)
        assert (ProposalState.ACCEPTED, None) == (found.state, found.draft_tree_id)

    async def test_another_accounts_do_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff) -> None:
        (case,) = await self.cases(begin, acme)
        proposal = a_proposal(case.id)
        await self.added(begin, acme.account_id, proposal, case.id)

        async with begin(globex.account_id) as work:
            proposals = work.tree_proposals
            assert [] == list(await proposals.listed(None, after=None, limit=EVERYTHING))
            assert await proposals.covering([case.id]) is None
            assert {proposal.id: []} == await proposals.sessions([proposal.id], globex.olga)
            with pytest.raises(NotFound):
                await proposals.get(proposal.id)

    async def cases(self, begin: BeginWork[UnitOfWork], acme: Staff, many: int = 1) -> Sequence[Case]:
        """Resolved sessions, stored."""
        return [await a_session(by=acme.anna, title=f"Nr. {number}").resolved().kept(begin) for number in range(many)]

    async def added(self, begin: BeginWork[UnitOfWork], account_id: AccountId, proposal: TreeProposal, *session_ids: SessionId) -> None:
        """A proposal, stored with what leads there."""
        async with begin(account_id) as work:
            await work.tree_proposals.add(proposal, session_ids)
            await work.commit()
