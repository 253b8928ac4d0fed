"""What there is to learn in one account."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flowpilot_adapters.memory import reading
from flowpilot_adapters.memory.insights import search
from flowpilot_adapters.memory.reading import MemoryReading
from flowpilot_adapters.memory.tables import Working
from flowpilot_core.domain.handoffs.handoff import Handoff, Intent
from flowpilot_core.domain.insights.analytics import GroupBy, GroupKey, Question, Tallies
from flowpilot_core.domain.insights.facts import DeliveryFacts, EscalationFacts, Facts, SessionFacts
from flowpilot_core.domain.insights.recount import Untold
from flowpilot_core.domain.insights.search import Hit, Place, Query, Within
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.notifications.delivery import TELLING, Delivery
from flowpilot_core.domain.sessions.branch import BranchState
from flowpilot_core.domain.sessions.session import Session, Status


class MemoryInsightsView(MemoryReading):
    """As `InsightsView` says."""

    async def tallies(self, question: Question, reader: Person | None, *, at: datetime, most: int) -> Tallies:
        """As `InsightsView.tallies` says."""
        rows = await self._now()
        sessions = [reading.session(rows, one.id) for one in rows.sessions.values()]
        facts = Facts(
            sessions={one.id: _session(one) for one in sessions if _readable(one, reader)},
            escalations=[_escalation(rows, one) for one in rows.handoffs.values() if one.intent is Intent.ESCALATE],
            deliveries=[_delivery(rows, one) for one in rows.deliveries.values() if one.kind in TELLING],
        )
        return facts.tallied(question, at=at).not_empty(most)

    async def labels(self, group_by: GroupBy, keys: Collection[GroupKey]) -> Mapping[str, str]:
        """As `InsightsView.labels` says."""
        rows = await self._now()
        named = rows.teams.values() if group_by is GroupBy.TEAM else rows.users.values()
        return {str(one.id): one.name for one in named if str(one.id) in keys}

    async def untold(self) -> Untold:
        """As `InsightsView.untold` says."""
        rows = await self._now()
        sessions = [reading.session(rows, one.id) for one in rows.sessions.values()]
        handoffs = [one for one in rows.handoffs.values() if one.intent is Intent.ESCALATE]
        return Untold(
            teams={one.id: one.team_id for one in sessions if one.team_id},
            clients={
                **{one.id: one.client_name for one in sessions if one.client_name},
                **{one.id: one.brief.client_name for one in handoffs if one.brief.client_name},
            },
            due={one.id: one.due_at for one in handoffs if one.due_at},
        )

    async def search(self, query: Query, within: Within, reader: Person, *, after: Place | None, limit: int) -> Sequence[Hit]:
        """As `InsightsView.search` says."""
        return search.search(await self._now(), query, within, reader, after=after, limit=limit)


def _readable(session: Session, reader: Person | None) -> bool:
    return session.status is not Status.PARKED or reader is None or permits(reader, Permission.READ_PARKED, session.parked_with)


def _session(one: Session) -> SessionFacts:
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
    )


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
