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
        EventKind.SESSION_REASSIGNED,
        EventKind.SESSION_PARKED,
        EventKind.SESSION_RESUMED,
        EventKind.SESSION_RESOLVED,
        EventKind.SESSION_REOPENED,
        EventKind.DELIVERY_CHANGED,
    }
)
"""What open streams are told of; the rest is for who reads the timeline."""
