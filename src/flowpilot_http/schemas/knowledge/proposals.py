"""Proposals of trees as clients read them and decide on them."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from flowpilot_core.application.knowledge.proposals import ProposalShown
from flowpilot_core.domain.knowledge.proposal import ProposalKind, ProposalState
from flowpilot_http.schemas.kernel import Closed, Instant, Page, PersonOut, Text, person

from .content import ContentIO


class ProposalsWanted(Page, kw_only=True, frozen=True):
    """Which proposals."""

    state: ProposalState | None = None


class RejectProposal(Closed, kw_only=True, frozen=True):
    """Why it is not to be proposed again."""

    reason: Annotated[Text, Meta(examples=["Happens once in ten years"])]


class ProposalOut(msgspec.Struct, kw_only=True, frozen=True):
    """What resolved sessions taught that no tree says yet."""

    id: UUID
    kind: ProposalKind
    tree_id: Annotated[UUID | None, Meta(description="The tree that was left; null for a tree of its own.")]
    at_node_id: Annotated[str | None, Meta(description="The node at which it was left.")]
    answer: Annotated[str | None, Meta(description="What is answered there to go on as proposed.")]
    name: Annotated[str, Meta(description="What a tree of its own is called.")]
    sessions: Annotated[list[UUID], Meta(description="Those that lead there and that you may read, the newest twenty at most.")]
    content: Annotated[ContentIO, Meta(description="All of the tree, or of what follows at the node.")]
    because: Annotated[str, Meta(description="Why it is proposed.")]
    state: ProposalState
    created_at: Instant
    decided_by: PersonOut | None
    decided_at: Instant | None
    reason: Annotated[str | None, Meta(description="Why it was rejected.")]
    draft_tree_id: Annotated[UUID | None, Meta(description="The tree whose draft it was accepted into, unless that was deleted.")]

    @classmethod
    def shown(cls, shown: ProposalShown) -> "ProposalOut":
        """As clients read it."""
        one, way_on = shown.proposal, shown.proposal.way_on
        return cls(
            id=one.id,
            kind=one.kind,
            tree_id=None if way_on is None else way_on.tree.id,
            at_node_id=None if way_on is None else way_on.node_id,
            answer=None if way_on is None else way_on.answer,
            name=one.name,
            sessions=[session.id for session in shown.sessions],
            content=ContentIO.of(one.content),
            because=shown.because,
            state=one.state,
            created_at=one.created_at,
            decided_by=None if one.decided_by is None else person(one.decided_by, shown.names),
            decided_at=one.decided_at,
            reason=one.reason,
            draft_tree_id=one.draft_tree_id,
        )
