"""A proposal: what resolved sessions taught that no tree says yet, for somebody to decide on."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import evolve, frozen

from flowpilot_core.domain.kernel.actor import Actor, acts
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId, TreeId, TreeProposalId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.kernel.text import counted, text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.walk import Place

from .content import Content, NodeId
from .ownership import Ref

FEWEST_ALIKE: Final = 2
"""Sessions that were resolved before, each like the one that makes a new tree worth proposing."""
NONE_OF_THIS: Final = "None of this"
"""The answer at a node that was left without a word."""


class ProposalKind(StrEnum):
    """What is proposed."""

    NEW_TREE = "new_tree"
    NEW_BRANCH = "new_branch"
    """Another way on from a node of a tree."""


class ProposalState(StrEnum):
    """How far a proposal is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ProposalMove(StrEnum):
    """What can be decided on a proposal."""

    ACCEPT = "accept"
    REJECT = "reject"


PROPOSAL: Mapping[tuple[ProposalState, ProposalMove], ProposalState] = MappingProxyType(
    {
        (ProposalState.OPEN, ProposalMove.ACCEPT): ProposalState.ACCEPTED,
        (ProposalState.OPEN, ProposalMove.REJECT): ProposalState.REJECTED,
    }
)


@frozen(kw_only=True)
class WayOn:
    """A node of a tree, and what is answered there to go on as proposed."""

    tree: Ref[TreeId]
    node_id: NodeId
    answer: str


@frozen(kw_only=True)
class TreeProposal:
    """What is proposed to the account; the sessions that lead there are apart."""

    id: TreeProposalId
    session_id: SessionId
    """The one that it was made from."""
    way_on: WayOn | None = None
    """None: it is a tree of its own."""
    name: str
    """Of the tree that it is, or becomes where there is no such node any more."""
    content: Content
    """All of a tree, or of what follows at the node."""
    state: ProposalState = ProposalState.OPEN
    reason: str | None = None
    """Why it was rejected."""
    draft_tree_id: TreeId | None = None
    """The tree that it was accepted into."""
    created_at: datetime
    decided_by: UserId | None = None
    decided_at: datetime | None = None

    @property
    def kind(self) -> ProposalKind:
        """What it is."""
        return ProposalKind.NEW_TREE if self.way_on is None else ProposalKind.NEW_BRANCH

    def because(self, sessions: int) -> str:
        """Why it is proposed, where so many sessions lead there."""
        if self.way_on is None:
            return f"{counted(sessions, 'session', 'sessions')} like each other were resolved, and no published tree fits them."
        return f"{counted(sessions, 'session', 'sessions')} went on without the tree at this node, and solved it."

    def require_decidable(self, by: Actor, move: ProposalMove) -> ProposalState:
        """The state that it has then. Raises `RoleForbidden`, or `InvalidTransition` once it was decided on."""
        require_role(by, Permission.DECIDE_PROPOSALS)
        return advance(PROPOSAL, self.state, move, thing="tree proposal")

    def accepted(self, into: TreeId, *, by: Actor, at: datetime) -> "TreeProposal":
        """In the draft of a tree. Raises as `require_decidable` does."""
        state = self.require_decidable(by, ProposalMove.ACCEPT)
        return evolve(self, state=state, draft_tree_id=into, decided_by=acts(by), decided_at=at)

    def rejected(self, reason: str, *, by: Actor, at: datetime) -> "TreeProposal":
        """Never to be proposed again. Raises `InvalidValue`, and as `require_decidable` does."""
        reason = text("reason", reason)
        return evolve(self, state=self.require_decidable(by, ProposalMove.REJECT), reason=reason, decided_by=acts(by), decided_at=at)


def left_on_the_way(session: Session, solved: BranchId) -> Place | None:
    """Where work went on without the tree on the way to the branch that solved it; None where the tree led there, or there is none."""
    if session.walk is None:
        return None
    way = (session.branches.get(solved), *session.branches.ancestors(solved))
    near = next((place for place in map(session.walk.at, (branch.id for branch in way)) if place is not None), None)
    return near if near is not None and near.left is not None else None
