"""Handoffs, the queue and deliveries."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.handoffs.handoffs import Waiting
from flowpilot_core.domain.handoffs.handoff import Handoff, HandoffState, Intent
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import Channel, Delivery
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_core.ports.handoffs import HandoffDetail
from flowpilot_http.schemas.assistant.assessments import AssessmentOut
from flowpilot_http.schemas.kernel import Closed, Instant, MaybeText, Page, PersonOut, TicketOut, WindowOut, person


class Claim(Closed, kw_only=True, frozen=True):
    """Where to go on. An empty body is right too."""

    branch_id: Annotated[UUID | None, Meta(description="An open branch of the session. Without it: the one where work stopped.")] = None


class Reroute(Closed, kw_only=True, frozen=True):
    """Whom it is meant for now, and how urgent it is; what is left out stays. A team or person that is named replaces both."""

    team_id: UUID | None = None
    user_id: UUID | None = None
    priority: Priority | None = None


class Judge(Closed, kw_only=True, frozen=True):
    """Whether it was right to escalate, could have come earlier, or need not have come at all."""

    verdict: Verdict
    comment: Annotated[MaybeText | None, Meta(examples=["The runbook has it on page one"])] = None


class QueueWanted(Page, kw_only=True, frozen=True):
    """Which open escalations."""

    team_id: UUID | None = None
    user_id: UUID | None = None
    priority: Priority | None = None


class SnapshotWanted(Closed, kw_only=True, frozen=True):
    """How to look at a snapshot."""

    verify: Annotated[bool, Meta(description="Compute the digest again.")] = False


class HandoffInSession(msgspec.Struct, kw_only=True, frozen=True):
    """One transfer of a session. Of a park, `escalated_by` is who parked."""

    id: UUID
    version: int
    session_id: UUID
    intent: Intent
    state: HandoffState
    reason: str
    note: str | None
    priority: Priority
    team_id: UUID | None
    user_id: UUID | None
    escalated_by: PersonOut
    escalated_at: Instant
    claimed_by: PersonOut | None
    claimed_at: Instant | None
    wake_at: Instant | None
    due_at: Instant | None
    snapshot_digest: str
    maintenance: Annotated[WindowOut | None, Meta(description="While its client's machines are looked after.")]

    @classmethod
    def of(cls, handoff: Handoff, names: Mapping[UserId, str]) -> "HandoffInSession":
        """As clients read it."""
        return cls(**_common(handoff, names))


class LinkOut(msgspec.Struct, kw_only=True, frozen=True):
    """An earlier handoff of the same session."""

    id: UUID
    intent: Intent
    state: HandoffState
    reason: str
    escalated_by: PersonOut
    escalated_at: Instant
    claimed_by: PersonOut | None

    @classmethod
    def of(cls, handoff: Handoff, names: Mapping[UserId, str]) -> "LinkOut":
        """As clients read it."""
        return cls(
            id=handoff.id,
            intent=handoff.intent,
            state=handoff.state,
            reason=handoff.reason,
            escalated_by=person(handoff.escalated_by, names),
            escalated_at=handoff.escalated_at,
            claimed_by=person(handoff.claim.by, names) if handoff.claim else None,
        )


class ToldOut(msgspec.Struct, kw_only=True, frozen=True):
    """How far telling people has got, in numbers."""

    people: int
    sent: int
    seen: int
    refused: int
    off_duty: int


class HandoffOut(HandoffInSession, kw_only=True, frozen=True):
    """One handoff with all that stands around it."""

    assessment: AssessmentOut
    chain: Annotated[list[LinkOut], Meta(description="The earlier handoffs of the session, oldest first.")]
    told: ToldOut

    @classmethod
    def shown(cls, detail: HandoffDetail) -> "HandoffOut":
        """As clients read it."""
        told = detail.told
        return cls(
            **_common(detail.handoff, detail.names),
            assessment=AssessmentOut.of(detail.assessment),
            chain=[LinkOut.of(earlier, detail.names) for earlier in detail.chain],
            told=ToldOut(people=told.people, sent=told.sent, seen=told.seen, refused=told.refused, off_duty=told.off_duty),
        )


class QueueItemOut(msgspec.Struct, kw_only=True, frozen=True):
    """What a senior decides by."""

    handoff_id: UUID
    session_id: UUID
    title: str
    client_name: str | None
    ticket: TicketOut | None
    reason: str
    priority: Priority
    escalated_by: PersonOut
    team_id: UUID | None
    user_id: UUID | None
    escalated_at: Instant
    waiting_seconds: int
    due_at: Instant | None
    headline: str
    branch_count: int
    step_count: int
    maintenance: Annotated[WindowOut | None, Meta(description="While its client's machines are looked after.")]

    @classmethod
    def of(cls, waiting: Waiting) -> "QueueItemOut":
        """As clients read it."""
        item = waiting.item
        return cls(
            handoff_id=item.handoff_id,
            session_id=item.session_id,
            title=item.title,
            client_name=item.client_name,
            ticket=TicketOut.of(item.ticket),
            reason=item.reason,
            priority=item.priority,
            escalated_by=PersonOut(item.escalated_by, item.escalated_by_name),
            team_id=item.team_id,
            user_id=item.user_id,
            escalated_at=item.escalated_at,
            waiting_seconds=waiting.seconds,
            due_at=item.due_at,
            headline=item.headline,
            branch_count=item.branch_count,
            step_count=item.step_count,
            maintenance=WindowOut.of(item.window),
        )


class DeliveryOut(msgspec.Struct, kw_only=True, frozen=True):
    """One message to one person over one channel."""

    id: UUID
    user_id: UUID | None
    channel: Channel
    state: DeliveryState
    reason: str | None
    suppressed_until: Annotated[
        Instant | None, Meta(description="Of one that is pending because of maintenance: when its window ends, and it is looked at again.")
    ]
    attempts: int
    last_error: str | None
    created_at: Instant
    updated_at: Instant
    message_id: str | UnsetType = UNSET

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """As clients read it."""
        return cls(
            id=delivery.id,
            user_id=delivery.user_id,
            channel=delivery.channel,
            state=delivery.state,
            reason=delivery.reason,
            suppressed_until=delivery.suppressed_until,
            attempts=delivery.attempts,
            last_error=delivery.last_error,
            created_at=delivery.created_at,
            updated_at=delivery.updated_at,
            message_id=delivery.message_id or UNSET,
        )


def _common(handoff: Handoff, names: Mapping[UserId, str]) -> dict[str, Any]:
    claim = handoff.claim
    return {
        "id": handoff.id,
        "version": handoff.version,
        "session_id": handoff.session_id,
        "intent": handoff.intent,
        "state": handoff.state,
        "reason": handoff.reason,
        "note": handoff.note,
        "priority": handoff.priority,
        "team_id": handoff.team_id,
        "user_id": handoff.user_id,
        "escalated_by": person(handoff.escalated_by, names),
        "escalated_at": handoff.escalated_at,
        "claimed_by": person(claim.by, names) if claim else None,
        "claimed_at": claim.at if claim else None,
        "wake_at": handoff.wake_at,
        "due_at": handoff.due_at,
        "snapshot_digest": handoff.snapshot_digest,
        "maintenance": WindowOut.of(handoff.window),
    }
