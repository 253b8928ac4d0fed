"""Rows of handoffs as values of the domain."""

from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import ticket
from flowpilot_core.domain.handoffs.handoff import Brief, Claim, Handoff, HandoffState, Intent
from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import QueueItem

from .kernel import record

claim_watch: Final = record(ClaimWatch)


def handoff(row: Any) -> Handoff:
    """A handoff."""
    claim = row.claimed_by and Claim(
        by=row.claimed_by, at=row.claimed_at, step_count=row.claim_step_count, branch_count=row.claim_branch_count
    )
    return Handoff(
        id=row.id,
        version=row.version,
        session_id=row.session_id,
        intent=Intent(row.intent),
        state=HandoffState(row.state),
        reason=row.reason,
        note=row.note,
        priority=Priority(row.priority),
        team_id=row.team_id,
        user_id=row.user_id,
        escalated_by=row.escalated_by,
        escalated_at=row.escalated_at,
        claim=claim,
        wake_at=row.wake_at,
        due_at=row.due_at,
        readers=frozenset(row.readers),
        snapshot_digest=row.snapshot_digest,
        brief=Brief(
            title=row.title,
            client_name=row.client_name,
            ticket=ticket(row),
            headline=row.headline,
            branch_count=row.branch_count,
            step_count=row.step_count,
        ),
    )


def queue_item(row: Any) -> QueueItem:
    """An open escalation, with what its escalator is called."""
    return QueueItem(
        handoff_id=row.id,
        session_id=row.session_id,
        title=row.title,
        client_name=row.client_name,
        ticket=ticket(row),
        reason=row.reason,
        priority=Priority(row.priority),
        escalated_by=row.escalated_by,
        escalated_by_name=row.escalated_by_name,
        team_id=row.team_id,
        user_id=row.user_id,
        escalated_at=row.escalated_at,
        due_at=row.due_at,
        headline=row.headline,
        branch_count=row.branch_count,
        step_count=row.step_count,
    )


def the_one(row: Any) -> Handoff:
    """The handoff of a row that may not be there. Raises `NotFound`."""
    if row is None:
        raise NotFound("handoff")
    return handoff(row)
