"""A session as it is now, in the shape in which an escalation would freeze it."""

from flowpilot_core.domain.handoffs.case_file import snapshot_of
from flowpilot_core.domain.handoffs.snapshot import freeze
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import HandoffId
from flowpilot_core.ports.sessions import SessionDetail


def pictured(detail: SessionDetail, reason: str) -> dict[str, Plain]:
    """What a model or a rule reads of it; `reason` says why it does."""
    session = detail.session
    snapshot = freeze(
        session,
        handoff_id=HandoffId(session.id),
        steps=detail.steps,
        earlier=(),
        names=detail.names,
        reason=reason,
        note=None,
        priority=session.priority,
        by=session.assignee_id,
        at=session.updated_at,
    )
    return snapshot_of(snapshot.body)
