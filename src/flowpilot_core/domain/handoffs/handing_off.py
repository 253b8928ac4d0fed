"""Handing a session off: the one entrance for park and escalate."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import Event, EventKind
from flowpilot_core.domain.kernel.identifiers import HandoffId, TeamId, UserId
from flowpilot_core.domain.kernel.moment import checked_moment
from flowpilot_core.domain.kernel.permissions import Permission, require
from flowpilot_core.domain.kernel.text import optional_text, text
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.session import SESSION, Priority, Session, SessionMove
from flowpilot_core.domain.sessions.step import Step

from .handoff import Due, Handoff, Intent, never_due
from .snapshot import Snapshot, freeze, package

MOVES = {Intent.PARK: SessionMove.PARK, Intent.ESCALATE: SessionMove.ESCALATE}


@frozen(kw_only=True)
class HandedOff:
    """What a handoff leaves behind: all of it is stored together, or none."""

    session: Session
    handoff: Handoff
    snapshot: Snapshot
    event: Event


def hand_off(
    session: Session,
    *,
    handoff_id: HandoffId,
    intent: Intent,
    reason: str,
    note: str | None = None,
    priority: Priority | None = None,
    team_id: TeamId | None = None,
    user_id: UserId | None = None,
    wake_at: datetime | None = None,
    due: Due = never_due,
    steps: Sequence[Step],
    earlier: Sequence[Handoff],
    names: Mapping[UserId, str],
    by: Person,
    at: datetime,
) -> HandedOff:
    """Park or escalate a session, with everything tried frozen in a snapshot.

    `steps` and `earlier` are all of the session's. Raises `InvalidValue`, `RoleForbidden`, `NotAssignee` or `InvalidTransition`.
    """
    reason = text("reason", reason)
    note = optional_text("note", note)
    wake_at = _to_come(wake_at, intent, at)
    require(by, Permission.HAND_OFF, session.id, session.assignee_id)
    advance(SESSION, session.status, MOVES[intent], thing="session")
    at = max(at, session.updated_at)
    priority = priority or session.priority
    snapshot = freeze(
        session,
        handoff_id=handoff_id,
        steps=steps,
        earlier=earlier,
        names={**names, by.user_id: by.name},
        reason=reason,
        note=note,
        priority=priority,
        by=by.user_id,
        at=at,
    )
    handoff = Handoff(
        id=handoff_id,
        session_id=session.id,
        intent=intent,
        reason=reason,
        note=note,
        priority=priority,
        team_id=team_id,
        user_id=user_id,
        escalated_by=by.user_id,
        escalated_at=at,
        wake_at=wake_at,
        due_at=due(priority, at) if intent is Intent.ESCALATE else None,
        readers=frozenset({session.assignee_id}) if intent is Intent.PARK else frozenset(),
        snapshot_digest=snapshot.digest,
        brief=snapshot.brief,
    )
    if intent is Intent.PARK:
        after, kind = session.parked(handoff_id, at=at), EventKind.SESSION_PARKED
    else:
        copy = package(snapshot, reason=reason, note=note, by=by.user_id, name=by.name, at=at)
        after, kind = session.escalated(handoff_id, copy, at=at), EventKind.HANDOFF_ESCALATED
    event = Event.of(
        kind,
        by=by,
        at=at,
        session_id=session.id,
        handoff_id=handoff_id,
        private=intent is Intent.PARK,
        changed={
            "status": after.status,
            "reason": reason,
            "priority": priority,
            "team_id": str(team_id) if team_id else None,
            "user_id": str(user_id) if user_id else None,
            "snapshot_digest": snapshot.digest,
        },
    )
    return HandedOff(session=after, handoff=handoff, snapshot=snapshot, event=event)


def _to_come(wake_at: datetime | None, intent: Intent, at: datetime) -> datetime | None:
    if wake_at is None:
        return None
    if intent is not Intent.PARK:
        raise InvalidValue("wake_at", "is only for a park")
    if wake_at <= at:
        raise InvalidValue("wake_at", "must be in the future")
    return checked_moment("wake_at", wake_at)
