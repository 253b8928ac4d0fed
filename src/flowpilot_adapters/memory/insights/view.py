"""What there is to learn in one account."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.insights import search
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.assistant.assessment import FeedbackVerdict
from flowpilot_core.domain.assistant.suggestion import Suggestion
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Tallies, node_key
from flowpilot_core.domain.insights.facts import (
    AssessmentFacts,
    DeliveryFacts,
    EscalationFacts,
    Facts,
    PostFacts,
    SessionFacts,
    SuggestionFacts,
    WalkFacts,
)
from flowpilot_core.domain.insights.gaps import Unguided
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.insights.search import Found, Place, Within
from flowpilot_core.domain.insights.tallying import tallied
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AssessmentId, TeamId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.knowledge.rating import Stars
from flowpilot_core.domain.knowledge.rating import Subject as Rated
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.notifications.delivery import TELLING, Delivery
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.feedback import Thumb
from flowpilot_core.domain.sessions.session import Session, Status
from flowpilot_core.domain.sessions.step import Step


class MemoryInsightsView(MemoryReading):
    """As `InsightsView` says."""

    async def tallies(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Tallies:
        """As `InsightsView.tallies` says."""
        rows = await self._now()
        sessions = {one.id: _session(rows, one) for one in _sessions(rows) if _readable(one, reader)}
        facts = Facts(
            sessions=sessions,
            escalations=[_escalation(rows, one) for one in _escalations(rows)],
            deliveries=_deliveries(rows),
            posts=_posts(rows),
            assessments=_assessments(rows),
            suggestions=[_suggestion(rows, one) for one in rows.suggestions.values() if one.session_id in sessions],
        )
        return tallied(facts, question, at=at).not_empty(most)

    async def labels(self, group_by: GroupBy, keys: Collection[GroupKey]) -> Mapping[str, str]:
        """As `InsightsView.labels` says."""
        rows = await self._now()
        if group_by is GroupBy.NODE:
            newest = {(tree.id, tree.revision) for tree in _trees(rows)}
            revisions = {**rows.platform.tree_revisions, **{key: rows.tree_revisions.get(key) for key in rows.tree_revisions.named()}}
            named = {
                node_key(key[0], node.id): node.text
                for key, one in revisions.items()
                if one and key in newest
                for node in one.content.nodes
            }
        else:
            kept: Iterable[Any] = {
                GroupBy.TEAM: rows.teams.values(),
                GroupBy.CONNECTION: rows.psa_connections.values(),
                GroupBy.TREE: _trees(rows),
            }.get(group_by, rows.users.values())
            named = {str(one.id): one.name for one in kept}
        return {key: name for key, name in named.items() if key in keys}

    async def stars(self, tree_ids: Collection[TreeId]) -> Mapping[TreeId, Stars]:
        """As `InsightsView.stars` says."""
        rows = await self._now()
        given: dict[TreeId, list[int]] = defaultdict(list)
        for one in rows.template_ratings.values():
            if one.subject is Rated.TREE and one.of.id in tree_ids:
                given[TreeId(one.of.id)].append(one.stars)
        return {tree_id: Stars(count=len(stars), total=sum(stars)) for tree_id, stars in given.items()}

    async def unguided(self, period: Period, team_id: TeamId | None, reader: Person, *, limit: int) -> Sequence[Unguided]:
        """As `InsightsView.unguided` says."""
        found = [
            one
            for one in _sessions(await self._now())
            if one.created_at in period
            and team_id in (None, one.team_id)
            and one.walk is None
            and (one.status is Status.RESOLVED or one.escalations)
            and _readable(one, reader)
        ]
        newest = sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[:limit]
        return [
            Unguided(id=one.id, title=one.title, problem=one.problem, client_name=one.client_name, escalated=one.escalations > 0)
            for one in newest
        ]

    async def untold(self) -> Untold:
        """As `InsightsView.untold` says."""
        rows = await self._now()
        sessions, handoffs = _sessions(rows), _escalations(rows)
        walks = {one.id: _session(rows, one).walk for one in sessions if one.walk}
        return Untold(
            teams={one.id: one.team_id for one in sessions if one.team_id},
            clients={
                **{one.id: one.client_name for one in sessions if one.client_name},
                **{one.id: one.brief.client_name for one in handoffs if one.brief.client_name},
            },
            due={one.id: one.due_at for one in handoffs if one.due_at},
            walks={key: walk for key, walk in walks.items() if walk},
            deliveries=_deliveries(rows),
            posts=_posts(rows),
            assessments=_assessments(rows),
            suggestions=[_suggestion(rows, one) for one in rows.suggestions.values()],
        )

    async def search(self, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Found:
        """As `InsightsView.search` says."""
        return search.search(await self._now(), query, within, reader, after=after, limit=limit)


def _sessions(rows: Working) -> list[Session]:
    return [reading.session(rows, one.id) for one in rows.sessions.values()]


def _escalations(rows: Working) -> list[Handoff]:
    return [one for one in rows.handoffs.values() if one.intent is Intent.ESCALATE]


def _trees(rows: Working) -> Iterator[Tree]:
    yield from rows.trees.values()
    yield from rows.platform.trees.values()


def _readable(session: Session, reader: Person | None) -> bool:
    return session.status is not Status.PARKED or reader is None or permits(reader, Permission.READ_PARKED, session.parked_with)


def _session(rows: Working, one: Session) -> SessionFacts:
    steps = ((step, _thumbs(rows, step)) for step in rows.steps.values() if step.session_id == one.id)
    return SessionFacts(
        id=one.id,
        started_at=one.created_at,
        status=one.status,
        priority=one.priority,
        team_id=one.team_id,
        client=one.client_name,
        assignee_id=one.assignee_id,
        escalations=one.escalations,
        reopenings=one.reopenings,
        resolved_at=one.resolved_at,
        helped=one.helped,
        steps=one.step_count,
        forks=len(one.branches.fork_points),
        dead_ends=sum(branch.state is BranchState.DEAD_END for branch in one.branches.all),
        walk=WalkFacts.of(one.walk, steps) if one.walk else None,
    )


def _thumbs(rows: Working, step: Step) -> list[Thumb]:
    return [one.thumb for one in rows.ratings.values() if one.step_id == step.id]


def _escalation(rows: Working, one: Handoff) -> EscalationFacts:
    claim = one.claim
    judged = rows.judgements.get((one.id, claim.by)) if claim else None
    return EscalationFacts(
        id=one.id,
        session_id=one.session_id,
        escalated_at=one.escalated_at,
        escalated_by=one.escalated_by,
        state=one.state,
        priority=one.priority,
        team_id=one.team_id,
        client=one.brief.client_name,
        due_at=one.due_at,
        claimed_by=claim.by if claim else None,
        claimed_at=claim.at if claim else None,
        first_step_at=rows.first_steps.get(one.id),
        verdict=judged.verdict if judged else None,
        reroutes=one.reroutes,
        lapses=one.lapses,
        unclaims=one.unclaims,
    )


def _deliveries(rows: Working) -> list[DeliveryFacts]:
    return [_delivery(rows, one) for one in rows.deliveries.values() if one.kind in TELLING]


def _delivery(rows: Working, one: Delivery) -> DeliveryFacts:
    seen = rows.seen.get((one.handoff_id, one.user_id)) if one.user_id else None
    return DeliveryFacts(
        made_at=one.created_at,
        channel=one.channel,
        state=one.state,
        team_id=reading.handoff(rows, one.handoff_id).team_id,
        updated_at=one.updated_at,
        seen_at=seen.seen_at if seen else None,
        last_error=one.last_error,
    )


def _posts(rows: Working) -> list[PostFacts]:
    return [
        PostFacts(
            made_at=one.created_at,
            connection_id=one.connection_id,
            kind=one.kind,
            action=one.action,
            state=one.state,
            team_id=reading.session(rows, one.session_id).team_id,
            attempts=one.attempts,
            minutes=one.minutes,
            posted_at=one.posted_at,
            last_error=one.last_error,
        )
        for one in rows.psa_posts.values()
    ]


def _assessments(rows: Working) -> list[AssessmentFacts]:
    judged: dict[AssessmentId, list[FeedbackVerdict]] = defaultdict(list)
    for feedback in rows.assessment_feedback.values():
        judged[feedback.assessment_id].append(feedback.verdict)
    return [AssessmentFacts.of(one, judged[one.id], reading.handoff(rows, one.handoff_id).team_id) for one in rows.assessments.values()]


def _suggestion(rows: Working, one: Suggestion) -> SuggestionFacts:
    team_id = reading.session(rows, one.session_id).team_id
    return SuggestionFacts(asked_at=one.requested_at, state=one.state, source=one.source, team_id=team_id)
