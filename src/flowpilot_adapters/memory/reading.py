"""What units of work and views both read."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve

from flowpilot_core.domain.access.branding import Branding, Worn
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentState
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.actor import Actor
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.events import Event, LoggedEvent
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, SessionId, StepId, TeamId, UserId
from flowpilot_core.domain.kernel.image import Image
from flowpilot_core.domain.kernel.sending import DeliveryState
from flowpilot_core.domain.notifications.delivery import HELD, OFF_DUTY, REACHED, TELLING, Delivery, Reach
from flowpilot_core.domain.sessions.feedback import Thumb, Thumbs
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step
from flowpilot_core.domain.sessions.window import Window, window_of
from flowpilot_core.ports.access import Member, TeamDetail
from flowpilot_core.ports.handoffs import HandoffDetail
from flowpilot_core.ports.kernel import Clock, Entry
from flowpilot_core.ports.sessions import SessionDetail

from .tables import Tables, Working


def session(rows: Working, session_id: SessionId) -> Session:
    """Raises `NotFound`."""
    found = rows.sessions.get(session_id)
    if found is None:
        raise NotFound("session")
    return with_ticket(rows, with_package(rows, found))


def with_ticket(rows: Working, session: Session) -> Session:
    """A session with what its ticket says, and its maintenance window."""
    known = rows.known_tickets.get(session.id)
    if known is not None:
        session = evolve(session, ticket_facts=known.facts, client_name=session.client_name or known.client_name)
    return evolve(session, window=window(rows, session.client_name))


def window(rows: Working, client_name: str | None) -> Window | None:
    """The maintenance window in which a client is."""
    if not client_name:
        return None
    return window_of(client_name, (run.window for run in rows.maintenance_runs.values() if run.is_open))


def handoff(rows: Working, handoff_id: HandoffId) -> Handoff:
    """Raises `NotFound`."""
    found = rows.handoffs.get(handoff_id)
    if found is None:
        raise NotFound("handoff")
    return with_headline(rows, found)


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
    rated: dict[StepId, list[Thumb]] = {}
    for rating in rows.ratings.values():
        if rating.session_id == session_id:
            rated.setdefault(rating.step_id, []).append(rating.thumb)
    thumbs = {step_id: thumbs_of(given) for step_id, given in rated.items()}
    return SessionDetail(session=found, steps=tuple(steps), handoffs=handoffs, names=names(rows, on_record), thumbs=thumbs)


def thumbs_of(given: Sequence[Thumb]) -> Thumbs:
    """What many thumbs come to."""
    return Thumbs(up=given.count(Thumb.UP), down=given.count(Thumb.DOWN))


def handoff_detail(rows: Working, handoff_id: HandoffId) -> HandoffDetail:
    """Raises `NotFound`."""
    found = handoff(rows, handoff_id)
    all_of_session = _handoffs(rows, found.session_id)
    until = all_of_session.index(found)
    ledger = [delivery for delivery in deliveries(rows, handoff_id) if delivery.user_id and delivery.kind in TELLING]
    told = Reach(
        people=len({delivery.user_id for delivery in ledger}),
        sent=len({delivery.user_id for delivery in ledger if delivery.state in REACHED}),
        seen=len({one.user_id for one in ledger} & {seen.user_id for seen in rows.seen.values() if seen.handoff_id == handoff_id}),
        refused=len({delivery.user_id for delivery in ledger if delivery.state is DeliveryState.DEAD}),
        off_duty=len({delivery.user_id for delivery in ledger if delivery.reason == OFF_DUTY and delivery.state in HELD}),
    )
    on_record = _in_handoffs(all_of_session[: until + 1])
    return HandoffDetail(
        handoff=found, chain=all_of_session[:until], told=told, names=names(rows, on_record), assessment=shown(rows, handoff_id)
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


def branding(rows: Working, account_id: AccountId) -> Branding:
    """What the account says of itself."""
    return rows.brandings.get(account_id) or Branding()


def worn(rows: Working, account_id: AccountId) -> Worn:
    """The same, with the small file of its logo."""
    files = rows.logos.get(account_id)
    return Worn(branding=branding(rows, account_id), logo=files.worn if files else None)


def logo(rows: Working, account_id: AccountId) -> Image:
    """The whole file of its logo. Raises `NotFound`."""
    files = rows.logos.get(account_id)
    if files is None:
        raise NotFound("logo")
    return files.whole


def names(rows: Working, people: Iterable[UserId]) -> dict[UserId, str]:
    """What people are called."""
    return {user_id: user.name for user_id in people if (user := rows.users.get(user_id))}


def in_session(found: Session) -> Iterator[UserId]:
    """Who is on record in a session itself."""
    return _in_session(found)


def _handoffs(rows: Working, session_id: SessionId) -> tuple[Handoff, ...]:
    return tuple(with_headline(rows, handoff) for handoff in rows.handoffs.values() if handoff.session_id == session_id)


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


def entries(rows: Working, logged: Iterable[LoggedEvent], session_id: SessionId, reader: Actor, *, after: int) -> list[Entry]:
    """The events of a session after a number that `reader` may read, as a timeline shows them."""

    def readable(event: Event) -> bool:
        return not event.private or (event.handoff_id is not None and handoff(rows, event.handoff_id).readable_by(reader))

    of_session = (one for one in logged if one.event.session_id == session_id and one.number > after)
    return [Entry(logged=one, name=called(rows, one.event)) for one in of_session if readable(one.event)]


def called(rows: Working, event: Event) -> str | None:
    """What the person of an event is called; None for the system."""
    return None if event.by is None else names(rows, (event.by,)).get(event.by)


def shown(rows: Working, handoff_id: HandoffId) -> Assessment | None:
    """The newest of a handoff that did not fail, or else the newest."""
    of_handoff = sorted(assessments_of(rows, handoff_id), key=lambda one: (one.state is not AssessmentState.FAILED, one.id))
    return of_handoff[-1] if of_handoff else None


def stored(rows: Working, handoff_id: HandoffId) -> Assessment | None:
    """The one of a handoff that was stored last."""
    made = sorted(
        (one for one in assessments_of(rows, handoff_id) if one.state is AssessmentState.READY), key=lambda one: (one.made_at, one.id)
    )
    return made[-1] if made else None


def with_headline(rows: Working, handoff: Handoff) -> Handoff:
    """A handoff with the headline of its stored assessment, for the queue, and its maintenance window."""
    handoff = evolve(handoff, window=window(rows, handoff.brief.client_name))
    made = stored(rows, handoff.id)
    return evolve(handoff, brief=evolve(handoff.brief, headline=made.diagnosis.headline)) if made and made.diagnosis else handoff


def with_package(rows: Working, session: Session) -> Session:
    """A session with the stored assessment in its escalation package."""
    package = session.escalation_package
    if package is None or session.latest_handoff_id is None:
        return session
    made = next((stored(rows, one.id) for one in rows.handoffs.values() if str(one.id) == package["handoff_id"]), None)
    return evolve(session, escalation_package={**package, "assessment": made.plain()}) if made else session


def assessments_of(rows: Working, handoff_id: HandoffId) -> list[Assessment]:
    """All of a handoff."""
    return [one for one in rows.assessments.values() if one.handoff_id == handoff_id]


class MemoryReading:
    """Reads what is committed in one account."""

    def __init__(self, account_id: AccountId, tables: Tables, clock: Clock) -> None:
        self._account_id = account_id
        self._tables = tables
        self._clock = clock

    async def _now(self) -> Working:
        """What is committed, after whoever else is ready to run has had a turn."""
        await asyncio.sleep(0)
        return Working(self._tables)

    def _logged(self) -> list[LoggedEvent]:
        return [LoggedEvent(number=number, event=event) for number, event in enumerate(self._tables.events, 1)]
