"""Rows of handoffs as values of the domain."""

from collections.abc import Iterable
from typing import Any, Final

from flowpilot_adapters.sql.records.kernel import ticket
from flowpilot_core.domain.handoffs.handoff import Brief, Claim, Handoff, HandoffState, Intent
from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.sessions.session import Priority, Ticket
from flowpilot_core.ports.handoffs import QueueItem

from .kernel import member, record
from .sessions import window

_intent: Final = member(Intent)
_state: Final = member(HandoffState)
priority_of: Final = member(Priority)

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
        intent=_intent(row.intent),
        state=_state(row.state),
        reason=row.reason,
        note=row.note,
        priority=priority_of(row.priority),
        team_id=row.team_id,
        user_id=row.user_id,
        escalated_by=row.escalated_by,
        escalated_at=row.escalated_at,
        claim=claim,
        wake_at=row.wake_at,
        due_at=row.due_at,
        readers=frozenset(row.readers),
        reroutes=row.reroutes,
        lapses=row.lapses,
        unclaims=row.unclaims,
        snapshot_digest=row.snapshot_digest,
        brief=Brief(
            title=row.title,
            client_name=row.client_name,
            ticket=ticket(row),
            headline=row.headline,
            branch_count=row.branch_count,
            step_count=row.step_count,
        ),
        window=window(row.client_name, row.windows),
    )


def queue_items(rows: Iterable[tuple[Any, ...]]) -> list[QueueItem]:
    """Open escalations, each with what its escalator is called, from rows whose columns stand as the fields do; a ticket has two."""
    return [
        QueueItem(
            handoff_id,
            session_id,
            title,
            client_name,
            Ticket(system=ticket_system, id=ticket_id) if ticket_system else None,
            reason,
            priority_of(priority),
            *(*others, window(client_name, windows)),
        )
        for handoff_id, session_id, title, client_name, ticket_system, ticket_id, reason, priority, *others, windows in rows
    ]


def the_one(row: Any) -> Handoff:
    """The handoff of a row that may not be there. Raises `NotFound`."""
    if row is None:
        raise NotFound("handoff")
    return handoff(row)
