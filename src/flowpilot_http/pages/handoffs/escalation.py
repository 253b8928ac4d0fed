"""The page of one escalation: what is known and was tried, what is thought of it, and the buttons that each person has."""

import asyncio
from typing import Final, Literal
from uuid import UUID

import msgspec

from flowpilot_core.domain.assistant.assessment import FeedbackVerdict
from flowpilot_core.domain.handoffs.handoff import HandoffState, Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, InvalidTransition, NotAssignee, OwnHandoff
from flowpilot_core.domain.kernel.identifiers import AssessmentId, BranchId, DeliveryId, TeamId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.sessions.feedback import Verdict
from flowpilot_core.domain.sessions.session import Priority
from flowpilot_http.pages.beside import beside
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.drawing import drawn
from flowpilot_http.pages.handoffs.telling import told
from flowpilot_http.pages.happenings import happenings
from flowpilot_http.pages.page_request import Form, FromList, Visit, shows, takes
from flowpilot_http.pages.tried import Tried
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body
from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.handoffs.snapshot import SnapshotOut

ESCALATION = "/escalations/{handoff_id:str}"
MOST_CHANGES: Final = 100
MOST_TOLD: Final = 500
OFFERED: Final = (Permission.ASSESS, Permission.FEEDBACK, Permission.RETRY_DELIVERY)
_read: Final = msgspec.json.Decoder(SnapshotOut).decode


class Wanted(FromList, kw_only=True, frozen=True):
    """Which dialog is open, for who has no script, and which step is looked at."""

    do: Literal["reroute"] | None = None
    step: int | None = None


class Moved(Form, kw_only=True, frozen=True):
    """Which button was pressed, and what else that button's form holds."""

    move: Literal["claim", "unclaim", "withdraw", "reroute", "seen", "assess", "judge", "feedback", "retry"]
    branch_id: UUID | None = None
    team: UUID | None = None
    user: UUID | None = None
    priority: Priority | None = None
    verdict: Verdict | None = None
    thinks: FeedbackVerdict | None = None
    assessment: UUID | None = None
    delivery: UUID | None = None


@shows(ESCALATION)
async def escalation_page(request: Visit) -> Body:
    """One escalation; looking changes nothing."""
    wanted = await request.wanted(Wanted)
    return await _shown(request, request.person_for(wanted.account), wanted)


@takes(ESCALATION)
async def move_escalation(request: Visit) -> Body:
    """Do what a button says. Where that cannot be any more, the page says why."""
    person = request.user
    form = await request.sent(Moved)
    try:
        await _moved(request, person, form)
    except (AlreadyClaimed, OwnHandoff, InvalidTransition, NotAssignee) as refusal:
        return await _shown(request, person, Wanted(), refusal)
    return request.see(f"/escalations/{request.handoff_id}")


async def _moved(request: Visit, person: Person, form: Moved) -> None:
    flowpilot, handoff_id = request.flowpilot, request.handoff_id
    handoffs = flowpilot.handoffs
    match form:
        case Moved(move="claim"):
            branch_id = None if form.branch_id is None else BranchId(form.branch_id)
            await request.do(form, lambda change: handoffs.claim(person, handoff_id, branch_id=branch_id, request=change))
        case Moved(move="unclaim"):
            await request.do(form, lambda change: handoffs.unclaim(person, handoff_id, request=change))
        case Moved(move="withdraw"):
            await request.do(form, lambda change: handoffs.withdraw(person, handoff_id, request=change))
        case Moved(move="reroute"):
            team_id = None if form.team is None else TeamId(form.team)
            user_id = None if form.user is None else UserId(form.user)
            await request.do(
                form,
                lambda change: handoffs.reroute(
                    person, handoff_id, team_id=team_id, user_id=user_id, priority=form.priority, request=change
                ),
            )
        case Moved(move="seen"):
            await handoffs.see(person, handoff_id)
        case Moved(move="assess"):
            await request.do(form, lambda change: flowpilot.assessments.ask(person, handoff_id, request=change))
        case Moved(verdict=Verdict() as verdict):
            await request.do(form, lambda change: handoffs.judge(person, handoff_id, verdict=verdict, request=change))
        case Moved(thinks=FeedbackVerdict() as thinks, assessment=UUID() as which):
            assessment_id = AssessmentId(which)
            await request.do(
                form, lambda change: flowpilot.assessments.judge(person, handoff_id, assessment_id, verdict=thinks, request=change)
            )
        case Moved(move="retry", delivery=UUID() as which):
            await request.do(form, lambda change: flowpilot.deliveries.retry(person, handoff_id, DeliveryId(which), request=change))


async def _shown(request: Visit, person: Person, wanted: Wanted, refusal: Exception | None = None) -> Body:
    flowpilot, handoff_id = request.flowpilot, request.handoff_id
    whole, colleagues, from_list = await asyncio.gather(
        flowpilot.handoffs.whole(person, handoff_id, changes=MOST_CHANGES + 1, told=MOST_TOLD),
        Colleagues.of(request, person),
        beside(request, person, wanted.beside),
    )
    handoff, since = whole.detail.handoff, whole.changes
    if handoff.intent is Intent.PARK:
        return request.see(f"/sessions/{handoff.session_id}")
    snapshot = _read(whole.snapshot)
    tried = Tried.frozen_in(snapshot, around=wanted.step)
    ticket_page = await flowpilot.tickets.page(person, snapshot.ticket.system, snapshot.ticket.id) if snapshot.ticket else None
    problem = problem_of(refusal) if refusal else None
    return await request.framed(
        "escalation.html",
        status=problem.status if problem else 200,
        late_claim=isinstance(refusal, AlreadyClaimed),
        refused=problem.detail if problem else None,
        opened=wanted.do,
        beside=from_list,
        handoff=HandoffOut.shown(whole.detail),
        snapshot=snapshot,
        tried=tried,
        drawing=drawn(tried),
        since=list(happenings(since[:MOST_CHANGES])),
        more=len(since) > MOST_CHANGES,
        ticket_page=ticket_page,
        mine=bool(handoff.claim and handoff.claim.by == person.user_id),
        own=handoff.escalated_by == person.user_id,
        waits=handoff.state is HandoffState.OPEN,
        offers=handoff.offers(person, whole.session),
        told=told(whole.deliveries, whole.seen_by, colleagues.names),
        seen=person.user_id in whole.seen_by,
        colleagues=colleagues,
        may={permission: permits(person, permission, ()) for permission in OFFERED},
    )


ROUTES = (escalation_page, move_escalation)
