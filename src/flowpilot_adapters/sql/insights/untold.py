"""What figures ask and no event tells: read row by row, for a recount."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, or_, select, true

from flowpilot_adapters.sql.connection import Result
from flowpilot_adapters.sql.insights.walks import SOLVED, nodes
from flowpilot_adapters.sql.queries import own
from flowpilot_adapters.sql.records import assistant as records
from flowpilot_adapters.sql.schema import (
    assessment,
    assessment_feedback,
    delivery,
    handoff,
    handoff_seen,
    psa_post,
    session,
    suggestion,
)
from flowpilot_adapters.sql.statement import Statement, compiled
from flowpilot_core.domain.assistant.assessment import FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.insights.facts import AssessmentFacts, DeliveryFacts, NodeFacts, PostFacts, SuggestionFacts, WalkFacts
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import TELLING, Channel
from flowpilot_core.domain.psa.connection import NoteKind, TicketAction
from flowpilot_core.domain.psa.post import PostState

_of_session: Final = own(session) & (session.c.id == psa_post.c.session_id)
_seen: Final = own(handoff_seen) & (handoff_seen.c.handoff_id == delivery.c.handoff_id) & (handoff_seen.c.user_id == delivery.c.user_id)
_node: Final = nodes()
_verdicts: Final = (
    select(func.array_agg(assessment_feedback.c.verdict))
    .where(own(assessment_feedback), assessment_feedback.c.assessment_id == assessment.c.id)
    .scalar_subquery()
)
STATEMENTS: Final[Sequence[Statement]] = (
    compiled(
        "untold of sessions",
        select(session.c.id, session.c.team_id, session.c.client_name).where(
            own(session), or_(session.c.team_id.is_not(None), session.c.client_name.is_not(None))
        ),
    ),
    compiled(
        "untold of escalations",
        select(handoff.c.id, handoff.c.client_name, handoff.c.due_at).where(own(handoff), handoff.c.intent == Intent.ESCALATE),
    ),
    compiled(
        "untold of walks",
        select(session.c.id, session.c.walk_tree_id, SOLVED.label("solved"), *_node.c)
        .select_from(session.join(_node, true()))
        .where(own(session), session.c.walk_tree_id.is_not(None)),
    ),
    compiled(
        "untold of deliveries",
        select(
            delivery.c.created_at,
            delivery.c.channel,
            delivery.c.state,
            delivery.c.updated_at,
            delivery.c.last_error,
            handoff.c.team_id,
            handoff_seen.c.seen_at,
        )
        .select_from(delivery.join(handoff, own(handoff) & (handoff.c.id == delivery.c.handoff_id)).outerjoin(handoff_seen, _seen))
        .where(own(delivery), delivery.c.kind.in_(sorted(TELLING)))
        .order_by(delivery.c.id),
    ),
    compiled(
        "untold of posts",
        select(*(column for column in psa_post.c if column.name != "account_id"), session.c.team_id)
        .select_from(psa_post.join(session, _of_session))
        .where(own(psa_post))
        .order_by(psa_post.c.id),
    ),
    compiled(
        "untold of assessments",
        select(*(column for column in assessment.c if column.name != "account_id"), handoff.c.team_id, _verdicts.label("verdicts"))
        .select_from(assessment.join(handoff, own(handoff) & (handoff.c.id == assessment.c.handoff_id)))
        .where(own(assessment))
        .order_by(assessment.c.id),
    ),
    compiled(
        "untold of suggestions",
        select(suggestion.c.requested_at, suggestion.c.state, suggestion.c.source, session.c.team_id)
        .select_from(suggestion.join(session, own(session) & (session.c.id == suggestion.c.session_id)))
        .where(own(suggestion))
        .order_by(suggestion.c.id),
    ),
)


def read(results: Sequence[Result]) -> Untold:
    """What the statements came to, in their order."""
    sessions, escalations, walks, deliveries, posts, assessments, suggestions = (result.rows for result in results)
    return Untold(
        teams={row.id: row.team_id for row in sessions if row.team_id},
        clients={row.id: row.client_name for row in (*sessions, *escalations) if row.client_name},
        due={row.id: row.due_at for row in escalations if row.due_at},
        walks=_walks(walks),
        deliveries=[_delivery(row) for row in deliveries],
        posts=[_post(row) for row in posts],
        assessments=[_assessment(row) for row in assessments],
        suggestions=[
            SuggestionFacts(asked_at=row.requested_at, state=SuggestionState(row.state), source=row.source, team_id=row.team_id)
            for row in suggestions
        ],
    )


def _walks(rows: Sequence[Any]) -> dict[SessionId, WalkFacts]:
    nodes_of: dict[SessionId, dict[str, NodeFacts]] = defaultdict(dict)
    for row in rows:
        nodes_of[row.id][row.node_id] = NodeFacts(left=row.left_there, up=row.up, down=row.down)
    return {row.id: WalkFacts(tree_id=row.walk_tree_id, solved=row.solved, nodes=nodes_of[row.id]) for row in rows}


def _delivery(row: Any) -> DeliveryFacts:
    return DeliveryFacts(
        made_at=row.created_at,
        channel=Channel(row.channel),
        state=DeliveryState(row.state),
        team_id=row.team_id,
        updated_at=row.updated_at,
        seen_at=row.seen_at,
        last_error=row.last_error,
    )


def _post(row: Any) -> PostFacts:
    return PostFacts(
        made_at=row.created_at,
        connection_id=row.connection_id,
        kind=NoteKind(row.kind),
        action=TicketAction(row.action),
        state=PostState(row.state),
        team_id=row.team_id,
        attempts=row.attempts,
        minutes=row.minutes,
        posted_at=row.posted_at,
        last_error=row.last_error,
    )


def _assessment(row: Any) -> AssessmentFacts:
    # Counted from the diagnosis itself, and not from the columns that say so beside it.
    return AssessmentFacts.of(records.assessment(row), [FeedbackVerdict(verdict) for verdict in row.verdicts or ()], row.team_id)
