"""A suggestion: a next step for the active branch, proposed by rules, similar sessions or a model, accepted or rejected."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import evolve, field, frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId, StepId, SuggestionId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.kernel.text import optional_text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.feedback import NO_THUMBS, Thumbs
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import StepKind

MOST_PROPOSED = 3
"""How many suggestions one request makes at most."""
LONGEST = 400


class SuggestionState(StrEnum):
    """How far a suggestion is."""

    PENDING = "pending"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


class SuggestionMove(StrEnum):
    """What can happen to a suggestion."""

    PROPOSE = "propose"
    ACCEPT = "accept"
    REJECT = "reject"
    FAIL = "fail"


SUGGESTION: Mapping[tuple[SuggestionState, SuggestionMove], SuggestionState] = MappingProxyType(
    {
        (SuggestionState.PENDING, SuggestionMove.PROPOSE): SuggestionState.PROPOSED,
        (SuggestionState.PENDING, SuggestionMove.FAIL): SuggestionState.FAILED,
        (SuggestionState.PROPOSED, SuggestionMove.ACCEPT): SuggestionState.ACCEPTED,
        (SuggestionState.PROPOSED, SuggestionMove.REJECT): SuggestionState.REJECTED,
    }
)


def _as_kept(said: str) -> str:
    return plain_text(said, most=LONGEST)


TREE: Final = "tree"
"""The source that comes first: what waits in the tree that a session follows."""


@frozen(kw_only=True)
class Proposal:
    """What a source proposes to do next."""

    content: str = field(converter=_as_kept)
    """As it is kept, shown and looked up in the record, whatever its source wrote."""
    cites: tuple[str, ...] = ()
    kind: StepKind = StepKind.ACTION
    source: str
    """Who proposes it: `tree`, `rules`, `similar`, or a model's name."""
    node_id: str | None = None
    """Of the tree: the node that waits."""


@frozen(kw_only=True)
class Record:
    """How often a proposal was accepted and rejected in this account before, and what people think of the steps that it became."""

    accepted: int = 0
    rejected: int = 0
    thumbs: Thumbs = NO_THUMBS

    @property
    def worth(self) -> float:
        """From 0 to 1; what nobody decided on or thought anything of is worth a half."""
        liked, disliked = self.accepted + self.thumbs.up, self.rejected + self.thumbs.down
        return (liked + 1) / (liked + disliked + 2)


@frozen(kw_only=True)
class Suggestion:
    """One next step for one branch of a session."""

    id: SuggestionId
    session_id: SessionId
    branch_id: BranchId
    state: SuggestionState = SuggestionState.PENDING
    source: str
    kind: StepKind = StepKind.ACTION
    content: str = ""
    """Empty while it is pending."""
    cites: tuple[StepId, ...] = ()
    reason: str | None = None
    """Why it was rejected, or why it failed."""
    step_id: StepId | None = None
    """The step it became."""
    node_id: str | None = None
    """The node of the session's tree that it is."""
    requested_by: UserId
    requested_at: datetime

    def proposed(self, proposal: Proposal, cites: Sequence[StepId]) -> "Suggestion":
        """To be decided on."""
        state = self._moved(SuggestionMove.PROPOSE)
        return evolve(
            self,
            state=state,
            source=proposal.source,
            kind=proposal.kind,
            content=proposal.content,
            cites=tuple(cites),
            node_id=proposal.node_id,
        )

    def failed(self, reason: str) -> "Suggestion":
        """Nothing came of it."""
        return evolve(self, state=self._moved(SuggestionMove.FAIL), reason=reason)

    def accepted(self, session: Session, step_id: StepId, *, by: Person) -> "Suggestion":
        """Taken up, as the step that the session has made of it. Raises as `rejected` does."""
        self.require_decidable(session, by)
        return evolve(self, state=self._moved(SuggestionMove.ACCEPT), step_id=step_id)

    def rejected(self, session: Session, reason: str | None, *, by: Person) -> "Suggestion":
        """Not to be done. Raises `InvalidValue`, `RoleForbidden`, `NotAssignee`, or `InvalidTransition` unless it is proposed."""
        reason = optional_text("reason", reason)
        self.require_decidable(session, by)
        return evolve(self, state=self._moved(SuggestionMove.REJECT), reason=reason)

    def require_of(self, session_id: SessionId) -> None:
        """Raises `NotFound` where it is another session's."""
        if self.session_id != session_id:
            raise NotFound("suggestion")

    def require_decidable(self, session: Session, by: Person) -> None:
        """Raises `RoleForbidden`, `NotAssignee`, or `InvalidTransition` unless it is proposed."""
        require(by, Permission.WORK, session.id, session.assignee_id)
        advance(SUGGESTION, self.state, SuggestionMove.ACCEPT, thing="suggestion")

    def _moved(self, move: SuggestionMove) -> SuggestionState:
        return advance(SUGGESTION, self.state, move, thing="suggestion")


def ranked(proposals: Sequence[Proposal], record: Mapping[str, Record], known: Sequence[Suggestion]) -> tuple[Proposal, ...]:
    """The proposals worth making: what the tree says, then what was accepted here before, then the rest; what is known is left out."""
    told = {one.content for one in known}
    fresh = {one.content: one for one in reversed(proposals)}
    order = {content: place for place, content in enumerate(reversed(fresh))}
    best = sorted(
        (content for content in fresh if content and content not in told),
        key=lambda content: (fresh[content].source != TREE, -record.get(content, Record()).worth, order[content]),
    )
    return tuple(fresh[content] for content in best)[:MOST_PROPOSED]
