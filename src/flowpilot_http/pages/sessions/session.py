"""The page of one session, to read."""

from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_http.pages.page_request import OfAccount, Visit, shows
from flowpilot_http.pages.tried import Tried
from flowpilot_http.responses import Body
from flowpilot_http.schemas.sessions import SessionDetailOut


@shows("/sessions/{session_id:str}")
async def session_page(request: Visit) -> Body:
    """One session as it is now, for who may read it; looking changes nothing."""
    wanted = await request.wanted(OfAccount)
    person: Person = request.person_for(wanted.account)
    detail = await request.flowpilot.sessions.get(person, request.session_id)
    session = SessionDetailOut.shown(detail)
    parks = [one for one in session.handoffs if one.intent is Intent.PARK]
    return request.page(
        "session.html",
        session=session,
        tried=Tried.of(session),
        assignee=detail.names[detail.session.assignee_id],
        parked=parks[-1] if parks and session.status == "parked" else None,
        escalations=[one for one in session.handoffs if one.intent is Intent.ESCALATE],
    )


ROUTES = (session_page,)
