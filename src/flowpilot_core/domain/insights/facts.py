"""What is known of each session, escalation, message, post, assessment and suggestion, as figures ask it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentState, FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.handoffs.handoff import HandoffState
from flowpilot_core.domain.kernel.identifiers import HandoffId, PsaConnectionId, SessionId, TeamId, TreeId, UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel
from flowpilot_core.domain.psa.connection import NoteKind, TicketAction
from flowpilot_core.domain.psa.post import PostState
from flowpilot_core.domain.sessions.feedback import Thumb, Verdict
from flowpilot_core.domain.sessions.session import Priority, Status
from flowpilot_core.domain.sessions.step import Step
from flowpilot_core.domain.sessions.walk import TreeOutcome, Walk

UNSAID = "unknown"
"""Why a message is dead of which nobody said it."""
NOBODY = "nobody"
"""Who made an assessment that nobody has made."""


@frozen
class NodeFacts:
    """What became of a node that a walk came to."""

    left: bool = False
    up: int = 0
    down: int = 0


@frozen(kw_only=True)
class WalkFacts:
    """What figures ask of a walk."""

    tree_id: TreeId
    solved: bool = False
    nodes: Mapping[str, NodeFacts] = field(factory=dict)
    """Those that it came to, by their ids."""

    @classmethod
    def of(cls, walk: Walk, steps: Iterable[tuple[Step, Sequence[Thumb]]]) -> "WalkFacts":
        """Those of a walk, with the steps of its session and what people say of each."""
        nodes: dict[str, NodeFacts] = {}
        for place in walk.places:
            for at in (place.waiting, place.left, place.reached):
                if at is not None:
                    nodes.setdefault(at.node_id, NodeFacts())
            if place.left is not None:
                nodes[place.left.node_id] = NodeFacts(left=True)
        for step, thumbs in steps:
            if step.node is not None:
                known = nodes.get(step.node.node_id, NodeFacts())
                up, down = known.up + thumbs.count(Thumb.UP), known.down + thumbs.count(Thumb.DOWN)
                nodes[step.node.node_id] = evolve(known, up=up, down=down)
        solved = any(place.reached is not None and place.reached.outcome is TreeOutcome.SOLVED for place in walk.places)
        return cls(tree_id=walk.tree_id, solved=solved, nodes=nodes)


@frozen(kw_only=True)
class SessionFacts:
    """What figures ask of a session."""

    id: SessionId
    started_at: datetime
    status: Status = Status.ACTIVE
    priority: Priority
    team_id: TeamId | None
    client: str | None
    assignee_id: UserId
    escalations: int = 0
    reopenings: int = 0
    resolved_at: datetime | None = None
    helped: bool = False
    steps: int = 0
    forks: int = 0
    dead_ends: int = 0
    walk: WalkFacts | None = None


@frozen(kw_only=True)
class EscalationFacts:
    """What figures ask of an escalation."""

    id: HandoffId
    session_id: SessionId
    escalated_at: datetime
    escalated_by: UserId
    state: HandoffState = HandoffState.OPEN
    priority: Priority
    team_id: TeamId | None
    client: str | None
    due_at: datetime | None
    claimed_by: UserId | None = None
    claimed_at: datetime | None = None
    first_step_at: datetime | None = None
    verdict: Verdict | None = None
    reroutes: int = 0
    lapses: int = 0
    unclaims: int = 0


@frozen(kw_only=True)
class DeliveryFacts:
    """What figures ask of a message that tells somebody of an escalation."""

    made_at: datetime
    channel: Channel
    state: DeliveryState
    team_id: TeamId | None
    """The one that the escalation is for."""
    updated_at: datetime
    seen_at: datetime | None = None
    last_error: str | None = None


@frozen(kw_only=True)
class PostFacts:
    """What figures ask of a post."""

    made_at: datetime
    connection_id: PsaConnectionId
    kind: NoteKind
    action: TicketAction
    state: PostState
    team_id: TeamId | None
    """Its session's."""
    attempts: int = 0
    minutes: int | None = None
    posted_at: datetime | None = None
    last_error: str | None = None


@frozen(kw_only=True)
class AssessmentFacts:
    """What figures ask of an assessment."""

    asked_at: datetime
    state: AssessmentState
    team_id: TeamId | None
    """The one that the escalation is for."""
    provider: str | None = None
    prompt_version: str | None = None
    tokens: int = 0
    cited: int = 0
    dropped: int = 0
    verdicts: tuple[FeedbackVerdict, ...] = ()

    @classmethod
    def of(cls, one: Assessment, verdicts: Iterable[FeedbackVerdict], team_id: TeamId | None) -> "AssessmentFacts":
        """Those of an assessment, with what each person thinks of it."""
        return cls(
            asked_at=one.requested_at,
            state=one.state,
            team_id=team_id,
            provider=one.origin.provider if one.origin else None,
            prompt_version=one.origin.prompt_version if one.origin else None,
            tokens=one.origin.tokens_in + one.origin.tokens_out if one.origin else 0,
            cited=one.diagnosis.citations if one.diagnosis else 0,
            dropped=one.diagnosis.dropped_citations if one.diagnosis else 0,
            verdicts=tuple(verdicts),
        )


@frozen(kw_only=True)
class SuggestionFacts:
    """What figures ask of a suggestion."""

    asked_at: datetime
    state: SuggestionState
    source: str
    team_id: TeamId | None
    """Its session's."""


@frozen(kw_only=True)
class Facts:
    """All of an account."""

    sessions: Mapping[SessionId, SessionFacts]
    escalations: Collection[EscalationFacts]
    deliveries: Collection[DeliveryFacts] = ()
    posts: Collection[PostFacts] = ()
    assessments: Collection[AssessmentFacts] = ()
    suggestions: Collection[SuggestionFacts] = ()

    def moments(self) -> list[datetime]:
        """When all of it began."""
        return [
            *(one.started_at for one in self.sessions.values()),
            *(one.escalated_at for one in self.escalations),
            *(one.made_at for one in self.deliveries),
            *(one.made_at for one in self.posts),
            *(one.asked_at for one in self.assessments),
            *(one.asked_at for one in self.suggestions),
        ]
