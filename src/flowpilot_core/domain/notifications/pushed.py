"""Which events open streams are told of."""

from flowpilot_core.domain.kernel.events import EventKind

PUSHED = frozenset(
    {
        EventKind.HANDOFF_ESCALATED,
        EventKind.HANDOFF_REROUTED,
        EventKind.HANDOFF_ASSESSED,
        EventKind.HANDOFF_CLAIMED,
        EventKind.HANDOFF_UNCLAIMED,
        EventKind.HANDOFF_LAPSED,
        EventKind.HANDOFF_WITHDRAWN,
        EventKind.HANDOFF_REMINDED,
        EventKind.HANDOFF_SEEN,
        EventKind.SESSION_REASSIGNED,
        EventKind.SESSION_PARKED,
        EventKind.SESSION_RESUMED,
        EventKind.SESSION_RESOLVED,
        EventKind.SESSION_REOPENED,
        EventKind.DELIVERY_CHANGED,
    }
)
"""What open streams are told of; the rest is for who reads the timeline."""

SESSION_CHANGED = "session.changed"
"""What streams call all of `CHANGES`."""
CHANGES = frozenset(
    {
        EventKind.TICKET_READ,
        EventKind.SESSION_JOINED,
        EventKind.SESSION_LEFT,
        EventKind.SESSION_ABANDONED,
        EventKind.STEP_ADDED,
        EventKind.STEP_CHANGED,
        EventKind.PICTURE_ADDED,
        EventKind.BRANCH_FORKED,
        EventKind.BRANCH_ACTIVATED,
        EventKind.BRANCH_CLOSED,
        EventKind.WALK_STARTED,
        EventKind.WALK_LEFT,
        EventKind.OUTPUT_MADE,
        EventKind.OUTPUT_EDITED,
        EventKind.OUTPUT_APPROVED,
        EventKind.OUTPUT_POSTED,
    }
)
"""Events that are told as a change of their session, of which there may be many: of each session at most one in `BETWEEN_CHANGES`."""
BETWEEN_CHANGES = 1.0
"""Seconds."""


def told_as(kind: EventKind) -> str | None:
    """What streams call an event; None for what they are not told of."""
    if kind in CHANGES:
        return SESSION_CHANGED
    return kind if kind in PUSHED else None
