"""What happened: the entries of the one log that timeline, push and audit read."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from .actor import Actor, System, acts
from .identifiers import EventId, HandoffId, SessionId, UserId

Plain = str | int | bool | None | list["Plain"] | dict[str, "Plain"]
"""Data that any encoder writes the same way; no floats."""


class EventKind(StrEnum):
    """What kinds of things happen to a session."""

    SESSION_STARTED = "session.started"
    TICKET_READ = "ticket.read"
    SESSION_PARKED = "session.parked"
    SESSION_RESUMED = "session.resumed"
    SESSION_REASSIGNED = "session.reassigned"
    SESSION_JOINED = "session.joined"
    SESSION_LEFT = "session.left"
    SESSION_RESOLVED = "session.resolved"
    SESSION_ABANDONED = "session.abandoned"
    SESSION_REOPENED = "session.reopened"
    STEP_ADDED = "step.added"
    STEP_CHANGED = "step.changed"
    STEP_RATED = "step.rated"
    PICTURE_ADDED = "picture.added"
    BRANCH_FORKED = "branch.forked"
    BRANCH_ACTIVATED = "branch.activated"
    BRANCH_CLOSED = "branch.closed"
    WALK_STARTED = "walk.started"
    WALK_LEFT = "walk.left"
    HANDOFF_ESCALATED = "handoff.escalated"
    HANDOFF_ASSESSED = "handoff.assessed"
    HANDOFF_CLAIMED = "handoff.claimed"
    HANDOFF_UNCLAIMED = "handoff.unclaimed"
    HANDOFF_LAPSED = "handoff.lapsed"
    HANDOFF_REROUTED = "handoff.rerouted"
    HANDOFF_WITHDRAWN = "handoff.withdrawn"
    HANDOFF_SEEN = "handoff.seen"
    HANDOFF_JUDGED = "handoff.judged"
    HANDOFF_REMINDED = "handoff.reminded"
    OUTPUT_MADE = "output.made"
    OUTPUT_EDITED = "output.edited"
    OUTPUT_APPROVED = "output.approved"
    OUTPUT_POSTED = "output.posted"
    DELIVERY_CHANGED = "delivery.changed"
    PSA_POST_CHANGED = "psa_post.changed"


@frozen(kw_only=True)
class Event:
    """One thing that happened. The log gives it its number in the account when it is committed."""

    id: EventId | None = None
    """What others know it by, also outside the account's log; given when it is recorded."""
    kind: EventKind
    at: datetime
    by: UserId | None
    """None: the system, for the reason in `cause`."""
    cause: str | None = None
    session_id: SessionId
    handoff_id: HandoffId | None = None
    changed: Mapping[str, Plain] = field(factory=dict)
    """What is different now, ids as text."""
    private: bool = False
    """Only for who may read the parked handoff `handoff_id`, also later."""
    request_id: str | None = None
    """The request it came with, where one did."""

    @classmethod
    def of(
        cls,
        kind: EventKind,
        *,
        by: Actor,
        at: datetime,
        session_id: SessionId,
        handoff_id: HandoffId | None = None,
        private: bool = False,
        changed: Mapping[str, Plain] | None = None,
    ) -> "Event":
        """What `by` did."""
        cause = by.cause if isinstance(by, System) else None
        return cls(
            kind=kind,
            at=at,
            by=acts(by),
            cause=cause,
            session_id=session_id,
            handoff_id=handoff_id,
            changed=changed or {},
            private=private,
        )


@frozen(kw_only=True)
class LoggedEvent:
    """An event with its place in the account's log; numbers have no gaps and are committed in their order."""

    number: int
    event: Event
