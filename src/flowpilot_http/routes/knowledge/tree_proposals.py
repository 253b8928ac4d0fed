"""What is proposed from what was solved, and what is decided on it."""

from typing import Final
from uuid import UUID

from flowpilot_core.application.knowledge.proposals import ProposalShown
from flowpilot_core.domain.kernel.identifiers import TreeProposalId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.proposals import ProposalOut, ProposalsWanted, RejectProposal

part = Part("Trees")

PROPOSAL: Final = "/tree-proposals/{proposal_id:str}"


@part.reads("/tree-proposals", Listed[ProposalOut], query=ProposalsWanted, problems=("invalid_cursor", "role_forbidden"))
async def list_tree_proposals(request: Call) -> Body:
    """What your account's sessions taught that no tree says yet, newest first: for account owners and admins."""
    wanted = await request.wanted(ProposalsWanted)

    async def more(after: UUID | None, limit: int) -> list[ProposalShown]:
        last = None if after is None else TreeProposalId(after)
        return list(await request.flowpilot.tree_proposals.list(request.user, wanted.state, after=last, limit=limit))

    return await request.listed(
        wanted, f"tree proposals {wanted.state}", UUID, more, shown=ProposalOut.shown, at=lambda one: one.proposal.id
    )


@part.moves(f"{PROPOSAL}/accept", ProposalOut, body=Nothing, problems=("draft_taken", "invalid_transition"))
async def accept_tree_proposal(request: Call) -> Body:
    """Put it into the draft of its tree, of a copy where that is the platform's, or of a new tree where it has none or no place there."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.tree_proposals.accept(request.user, request.proposal_id, request=change), ProposalOut.shown
    )


@part.moves(f"{PROPOSAL}/reject", ProposalOut, body=RejectProposal, problems=("invalid_transition",))
async def reject_tree_proposal(request: Call) -> Body:
    """Say why not; the same is not proposed again."""
    said = await request.read(RejectProposal)
    return await request.changed(
        lambda change: request.flowpilot.tree_proposals.reject(request.user, request.proposal_id, said.reason, request=change),
        ProposalOut.shown,
    )


ROUTES = (list_tree_proposals, accept_tree_proposal, reject_tree_proposal)
