"""The page on which a session begins."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import InvalidValue, InvalidValues
from flowpilot_core.domain.kernel.identifiers import TeamId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.sessions.session import SYSTEMS, Priority, Ticket
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.knowledge.parameters import GIVEN, said_values, values
from flowpilot_http.pages.moves import form_of, typed
from flowpilot_http.pages.page_request import Form, OfAccount, Visit, shows, takes
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body

from .walking import ToFollow

NEW: Final = "/sessions/new"


class Wanted(OfAccount, kw_only=True, frozen=True):
    """Which tree it is to follow."""

    tree: UUID | None = None


Start: Final[Any] = form_of(
    "Start",
    ("title", str, ""),
    ("problem", str, ""),
    ("client", str | None, None),
    ("system", str | None, None),
    ("number", str | None, None),
    ("priority", Priority, Priority.NORMAL),
    ("team", UUID | None, None),
    ("tree", UUID | None, None),
    *GIVEN,
    base=Form,
)
"""What is known of it so far, and what the tree asks for that it is to follow."""


@shows(NEW)
async def new_session_page(request: Visit) -> Body:
    """What there is to say of it."""
    wanted = await request.wanted(Wanted)
    person = request.person_for(wanted.account)
    require_role(person, Permission.START)
    return await _shown(request, person, wanted.tree, {})


@takes(NEW)
async def start_session(request: Visit) -> Body:
    """Begin; what is not right is said beside it, and what was typed stands."""
    person = request.user
    form = await request.sent(Start)
    walks = request.flowpilot.walks
    try:
        to_follow = await ToFollow.of(request, person, form.tree) if form.tree else None
        given = values(to_follow.content.parameters, form) if to_follow else {}
        ticket = Ticket(system=form.system or "", id=form.number) if form.number else None
        started = await request.do(
            form,
            lambda change: walks.start_session(
                person,
                tree_id=to_follow.tree.id if to_follow else None,
                parameters=given,
                title=form.title,
                problem=form.problem,
                client_name=form.client,
                ticket=ticket,
                priority=form.priority,
                team_id=None if form.team is None else TeamId(form.team),
                request=change,
            ),
        )
    except (InvalidValue, InvalidValues) as refusal:
        return await _shown(request, person, form.tree, await typed(request), refusal)
    return request.see(f"/sessions/{started.session.id}" if started else "/work")


async def _shown(
    request: Visit, person: Person, tree_id: UUID | None, said: Mapping[str, str], refusal: InvalidValue | InvalidValues | None = None
) -> Body:
    names = {"client_name": "client", "ticket.system": "system", "ticket.id": "number"}
    wrong = {names.get(refusal.field, refusal.field): refusal.problem.capitalize()} if isinstance(refusal, InvalidValue) else {}
    return await request.framed(
        "new_session.html",
        status=problem_of(refusal).status if refusal else 200,
        typed=defaultdict(str, said),
        wrong=defaultdict(str, wrong),
        refused=problem_of(refusal).detail if refusal and not wrong else None,
        to_follow=await ToFollow.of(request, person, tree_id) if tree_id else None,
        said=said_values(said),
        colleagues=await Colleagues.of(request, person),
        systems=[("", "None"), *SYSTEMS.items()],
        priorities=[(priority, priority.capitalize()) for priority in reversed(Priority)],
    )


ROUTES = (new_session_page, start_session)
