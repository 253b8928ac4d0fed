"""What units of work and views both read."""

from collections.abc import Iterable, Iterator

from attrs import evolve

from flowpilot_core.domain.delivery import HELD, OFF_DUTY, REACHED, TELLING, Delivery, DeliveryState, Told
from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.handoff import Handoff
from flowpilot_core.domain.identifiers import HandoffId, SessionId, TeamId, UserId
from flowpilot_core.domain.session import Session
from flowpilot_core.domain.step import Step
from flowpilot_core.ports.invitations import Member, TeamDetail
from flowpilot_core.ports.persistence import HandoffDetail, SessionDetail

from . import assessments
from .tables import Working


def session(rows: Working, session_id: SessionId) -> Session:
    """Raises `NotFound`."""
    found = rows.sessions.get(session_id)
    if found is None:
        raise NotFound("session")
    return with_ticket(rows, assessments.with_package(rows, found))


def with_ticket(rows: Working, session: Session) -> Session:
    """A session with what its ticket says."""
    known = rows.known_tickets.get(session.id)
    if known is None:
        return session
    return evolve(session, ticket_facts=known.facts, client_name=session.client_name or known.client_name)


def handoff(rows: Working, handoff_id: HandoffId) -> Handoff:
    """Raises `NotFound`."""
    found = rows.handoffs.get(handoff_id)
    if found is None:
        raise NotFound("handoff")
    return assessments.with_headline(rows, found)


def require_user(rows: Working, user_id: UserId) -> None:
    """Raises `NotFound` for somebody who is not of this account."""
    if rows.users.get(user_id) is None:
        raise NotFound("user")


def deliveries(rows: Working, handoff_id: HandoffId) -> list[Delivery]:
    """Of one handoff, by id."""
    return sorted((one for one in rows.deliveries.values() if one.handoff_id == handoff_id), key=lambda delivery: delivery.id)


def session_detail(rows: Working, session_id: SessionId) -> SessionDetail:
    """Raises `NotFound`."""
    found = session(rows, session_id)
    steps = sorted((step for step in rows.steps.values() if step.session_id == session_id), key=lambda step: step.number)
    handoffs = _handoffs(rows, session_id)
    on_record = (*_in_session(found), *_in_steps(steps), *_in_handoffs(handoffs))
    return SessionDetail(session=found, steps=tuple(steps), handoffs=handoffs, names=names(rows, on_record))


def handoff_detail(rows: Working, handoff_id: HandoffId) -> HandoffDetail:
    """Raises `NotFound`."""
    found = handoff(rows, handoff_id)
    all_of_session = _handoffs(rows, found.session_id)
    until = all_of_session.index(found)
    ledger = [delivery for delivery in deliveries(rows, handoff_id) if delivery.user_id and delivery.kind in TELLING]
    told = Told(
        people=len({delivery.user_id for delivery in ledger}),
        sent=len({delivery.user_id for delivery in ledger if delivery.state in REACHED}),
        seen=len({one.user_id for one in ledger} & {seen.user_id for seen in rows.seen.values() if seen.handoff_id == handoff_id}),
        refused=len({delivery.user_id for delivery in ledger if delivery.state is DeliveryState.DEAD}),
        off_duty=len({delivery.user_id for delivery in ledger if delivery.reason == OFF_DUTY and delivery.state in HELD}),
    )
    on_record = _in_handoffs(all_of_session[: until + 1])
    return HandoffDetail(
        handoff=found, chain=all_of_session[:until], told=told, names=names(rows, on_record), assessment=assessments.shown(rows, handoff_id)
    )


def member(rows: Working, user_id: UserId) -> Member:
    """Raises `NotFound`."""
    user = rows.users.get(user_id)
    if user is None:
        raise NotFound("user")
    return Member(user=user, invitation=next((one for one in rows.invitations.values() if one.user_id == user_id), None))


def team(rows: Working, team_id: TeamId) -> TeamDetail:
    """Raises `NotFound`."""
    found = rows.teams.get(team_id)
    if found is None:
        raise NotFound("team")
    return TeamDetail(team=found, member_ids=frozenset(user.id for user in rows.users.values() if team_id in user.team_ids))


def names(rows: Working, people: Iterable[UserId]) -> dict[UserId, str]:
    """What people are called."""
    return {user_id: user.name for user_id in people if (user := rows.users.get(user_id))}


def in_session(found: Session) -> Iterator[UserId]:
    """Who is on record in a session itself."""
    return _in_session(found)


def _handoffs(rows: Working, session_id: SessionId) -> tuple[Handoff, ...]:
    return tuple(assessments.with_headline(rows, handoff) for handoff in rows.handoffs.values() if handoff.session_id == session_id)


def _in_session(found: Session) -> Iterator[UserId]:
    yield found.created_by
    yield found.assignee_id
    yield from found.parked_with
    for fork_point in found.branches.fork_points:
        yield fork_point.created_by


def _in_steps(steps: Iterable[Step]) -> Iterator[UserId]:
    return (step.created_by for step in steps)


def _in_handoffs(handoffs: Iterable[Handoff]) -> Iterator[UserId]:
    for one in handoffs:
        yield one.escalated_by
        yield from one.readers
        if one.user_id:
            yield one.user_id
        if one.claim:
            yield one.claim.by
