"""What is proposed to one account from what was solved."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from attrs import frozen

from flowpilot_adapters.memory.tables import DueWork
from flowpilot_adapters.memory.transaction import Transaction
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound, Stale
from flowpilot_core.domain.kernel.identifiers import EventId, SessionId, TreeId, TreeProposalId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.content import NodeId
from flowpilot_core.domain.knowledge.ownership import Ref
from flowpilot_core.domain.knowledge.proposal import ProposalKind, ProposalState, TreeProposal
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.ports.knowledge import MOST_SESSIONS, SessionNamed
from flowpilot_core.ports.relay import WorkKind

CHANGING: Final = "tree proposals"
"""What whoever adds one or decides holds: two may want the same at once."""


@frozen
class MemoryTreeProposals:
    """Inside one unit of work."""

    _work: Transaction

    async def ask(self, work_id: UUID, *, caused_by: EventId) -> None:
        """As `TreeProposals.ask` says."""

        def write() -> None:
            rows = self._work.rows
            cause = next(event for event in rows.events if event.id == caused_by)
            rows.due.put(work_id, DueWork(id=work_id, kind=WorkKind.TREE_PROPOSAL, due_at=cause.at, target=cause.session_id))

        self._work.react(caused_by, write)

    async def get(self, proposal_id: TreeProposalId) -> TreeProposal:
        """As `TreeProposals.get` says."""
        await asyncio.sleep(0)
        found = self._work.rows.tree_proposals.get(proposal_id)
        if found is None:
            raise NotFound("tree proposal")
        return found

    async def listed(self, state: ProposalState | None, *, after: TreeProposalId | None, limit: int) -> Sequence[TreeProposal]:
        """As `TreeProposals.listed` says."""
        await asyncio.sleep(0)
        found = [one for one in self._all() if state in (None, one.state) and (after is None or one.id < after)]
        return found[::-1][:limit]

    async def at_node(self, tree: Ref[TreeId], node_id: NodeId) -> TreeProposal | None:
        """As `TreeProposals.at_node` says."""
        await asyncio.sleep(0)
        return next((one for one in self._all() if one.way_on and (one.way_on.tree, one.way_on.node_id) == (tree, node_id)), None)

    async def covering(self, session_ids: Collection[SessionId]) -> TreeProposal | None:
        """As `TreeProposals.covering` says."""
        await asyncio.sleep(0)
        led = {proposal_id for proposal_id, session_id in self._work.rows.tree_proposal_sessions.named() if session_id in session_ids}
        return next((one for one in self._all() if one.id in led and one.kind is ProposalKind.NEW_TREE), None)

    async def add(self, proposal: TreeProposal, session_ids: Collection[SessionId]) -> None:
        """As `TreeProposals.add` says, at once."""
        await self._work.lock(CHANGING)
        if proposal.way_on is not None and await self.at_node(proposal.way_on.tree, proposal.way_on.node_id) is not None:
            raise Stale
        self._work.rows.tree_proposals.put(proposal.id, proposal)
        for session_id in session_ids:
            await self.join(proposal, session_id)

    async def join(self, proposal: TreeProposal, session_id: SessionId) -> None:
        """As `TreeProposals.join` says, at once."""
        await self._work.lock(CHANGING)
        other = await self.covering([session_id]) if proposal.kind is ProposalKind.NEW_TREE else None
        if other is not None and other.id != proposal.id:
            raise Stale
        self._work.rows.tree_proposal_sessions.put((proposal.id, session_id), session_id)

    async def save(self, proposal: TreeProposal) -> None:
        """As `TreeProposals.save` says, at once."""
        await self._work.lock(CHANGING)
        if (await self.get(proposal.id)).state is not ProposalState.OPEN:
            raise Stale
        self._work.rows.tree_proposals.put(proposal.id, proposal)

    async def sessions(self, proposal_ids: Collection[TreeProposalId], reader: Actor) -> Mapping[TreeProposalId, Sequence[SessionNamed]]:
        """As `TreeProposals.sessions` says."""
        await asyncio.sleep(0)
        rows = self._work.rows
        leading: dict[TreeProposalId, list[SessionNamed]] = {one: [] for one in proposal_ids}
        for proposal_id, session_id in sorted(rows.tree_proposal_sessions.named(), key=lambda pair: pair[1], reverse=True):
            session = rows.sessions.get(session_id)
            of_one = leading.get(proposal_id)
            if of_one is not None and session is not None and len(of_one) < MOST_SESSIONS and _reads(reader, session):
                of_one.append(SessionNamed(id=session_id, title=session.title))
        return leading

    def _all(self) -> list[TreeProposal]:
        return sorted(self._work.rows.tree_proposals.values(), key=lambda one: one.id)


def _reads(reader: Actor, session: Session) -> bool:
    return session.status is not Status.PARKED or permits(reader, Permission.READ_PARKED, session.parked_with)
