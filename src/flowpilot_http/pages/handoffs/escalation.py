"""The page of one escalation: what is known and was tried, what is thought of it, and a button that takes it."""

from typing import Final, Literal
from uuid import UUID

import msgspec

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import AlreadyClaimed, InvalidTransition, NotAssignee, OwnHandoff
from flowpilot_core.domain.kernel.identifiers import BranchId
from flowpilot_http.pages.happenings import happenings
from flowpilot_http.pages.page_request import Form, OfAccount, Visit, shows, takes
from flowpilot_http.pages.tried import Tried
from flowpilot_http.pages.words import due
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body
from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.handoffs.snapshot import SnapshotOut

ESCALATION = "/escalations/{handoff_id:str}"
MOST_CHANGES: Final = 100
_read: Final = msgspec.json.Decoder(SnapshotOut).decode


class Moved(Form, kw_only=True, frozen=True):
    """Which button was pressed, and of a claim, in which branch to go on; where work stopped, where there is no choice."""

    move: Literal["claim", "unclaim", "withdraw"]
    branch_id: UUID | None = None


@shows(ESCALATION)
async def escalation_page(request: Visit) -> Body:
    """One escalation; looking changes nothing."""
    wanted = await request.wanted(OfAccount)
    return await _shown(request, request.person_for(wanted.account))


@takes(ESCALATION)
async def move_escalation(request: Visit) -> Body:
    """Claim it, give it back or withdraw it. Where that cannot be any more, the page says why."""
    person = request.user
    form = await request.sent(Moved)
    handoffs = request.flowpilot.handoffs
    try:
        match form.move:
            case "claim":
                branch_id = None if form.branch_id is None else BranchId(form.branch_id)
                await handoffs.claim(person, request.handoff_id, branch_id=branch_id)
            case "unclaim":
                await handoffs.unclaim(person, request.handoff_id)
            case "withdraw":
                await handoffs.withdraw(person, request.handoff_id)
    except (AlreadyClaimed, OwnHandoff, InvalidTransition, NotAssignee) as refusal:
        return await _shown(request, person, refusal)
    return request.see(f"/escalations/{request.handoff_id}")


async def _shown(request: Visit, person: Person, refusal: Exception | None = None) -> Body:
    handoffs, handoff_id = request.flowpilot.handoffs, request.handoff_id
    detail = await handoffs.get(person, handoff_id)
    handoff = detail.handoff
    if handoff.intent is Intent.PARK:
        return request.see(f"/sessions/{handoff.session_id}")
    snapshot = _read((await handoffs.snapshot(person, handoff_id)).body)
    mine = bool(handoff.claim and handoff.claim.by == person.user_id)
    session = (await request.flowpilot.sessions.get(person, handoff.session_id)).session if mine else None
    since = await handoffs.changes(person, handoff_id, after=0, limit=MOST_CHANGES + 1)
    now = request.now()
    problem = problem_of(refusal) if refusal else None
    return request.page(
        "escalation.html",
        status=problem.status if problem else 200,
        late_claim=isinstance(refusal, AlreadyClaimed),
        refused=problem.detail if problem else None,
        handoff=HandoffOut.shown(detail),
        snapshot=snapshot,
        tried=Tried.frozen_in(snapshot),
        since=list(happenings(since[:MOST_CHANGES])),
        more=len(since) > MOST_CHANGES,
        waiting=max(now, handoff.escalated_at) - handoff.escalated_at,
        due=due(handoff.due_at, now) if handoff.due_at else None,
        late=bool(handoff.due_at and handoff.due_at <= now),
        mine=mine,
        own=handoff.escalated_by == person.user_id,
        offers=handoff.offers(person, session),
    )


ROUTES = (escalation_page, move_escalation)
