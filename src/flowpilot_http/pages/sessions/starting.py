"""The page on which a session begins."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.sessions.session import SYSTEMS, Priority, Ticket
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.moves import typed
from flowpilot_http.pages.page_request import Form, Visit, shows, takes
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body

NEW: Final = "/sessions/new"


class Start(Form, kw_only=True, frozen=True):
    """What is known of it so far."""

    title: str = ""
    problem: str = ""
    client: str | None = None
    system: str | None = None
    number: str | None = None
    priority: Priority = Priority.NORMAL
    team: UUID | None = None


@shows(NEW)
async def new_session_page(request: Visit) -> Body:
    """What there is to say of it."""
    require_role(request.user, Permission.START)
    return await _shown(request, request.user, {})


@takes(NEW)
async def start_session(request: Visit) -> Body:
    """Begin; what is not right is said beside it, and what was typed stands."""
    person = request.user
    form = await request.sent(Start)
    sessions = request.flowpilot.sessions
    try:
        ticket = Ticket(system=form.system or "", id=form.number) if form.number else None
        started = await request.do(
            form,
            lambda change: sessions.start(
                person,
                title=form.title,
                problem=form.problem,
                client_name=form.client,
                ticket=ticket,
                priority=form.priority,
                team_id=None if form.team is None else TeamId(form.team),
                request=change,
            ),
        )
    except InvalidValue as refusal:
        return await _shown(request, person, await typed(request), refusal)
    return request.see(f"/sessions/{started.session.id}" if started else "/work")


async def _shown(request: Visit, person: Person, said: Mapping[str, str], refusal: InvalidValue | None = None) -> Body:
    names = {"client_name": "client", "ticket.system": "system", "ticket.id": "number"}
    return await request.framed(
        "new_session.html",
        status=problem_of(refusal).status if refusal else 200,
        typed=defaultdict(str, said),
        wrong=defaultdict(str, {names.get(refusal.field, refusal.field): refusal.problem.capitalize()} if refusal else {}),
        colleagues=await Colleagues.of(request, person),
        systems=[("", "None"), *SYSTEMS.items()],
        priorities=[(priority, priority.capitalize()) for priority in reversed(Priority)],
    )


ROUTES = (new_session_page, start_session)
