"""The page of one session: to read, and to work on it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from flowpilot_core.application.notifications.escalation_policy import Foreseen
from flowpilot_core.application.outputs.outputs import Shown
from flowpilot_core.domain.assistant.suggestion import SuggestionState
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import WalkMovedOn
from flowpilot_core.domain.kernel.identifiers import BranchId, StepId, TeamId, UserId
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.outputs.output import OutputKind
from flowpilot_core.domain.sessions.picture import LARGEST_FILE
from flowpilot_core.domain.sessions.session import Priority, SessionMove, Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.domain.sessions.walk import Walk
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_http.pages.beside import beside
from flowpilot_http.pages.colleagues import Colleagues
from flowpilot_http.pages.drawing import drawn
from flowpilot_http.pages.handoffs.telling import HOW
from flowpilot_http.pages.knowledge.parameters import said_values
from flowpilot_http.pages.moves import WRONG, require_sayable, typed
from flowpilot_http.pages.page_request import Form, FromList, Visit, shows, takes, takes_file
from flowpilot_http.pages.tried import Tried, Way
from flowpilot_http.problems import problem_of
from flowpilot_http.responses import Body
from flowpilot_http.schemas.notifications.escalation_policy import PreviewOut
from flowpilot_http.schemas.sessions import SessionDetailOut

from .moves import move
from .walking import FOLLOW, OfTrees

SESSION: Final = "/sessions/{session_id:str}"
KINDS: Final = tuple((kind, kind.capitalize()) for kind in StepKind)
MOVED_ON: Final = "Somebody went on with the tree meanwhile, and nothing was done. What waits now stands here."
OUTPUTS: Final = (
    (OutputKind.PSA_NOTE, "Note for the ticket"),
    (OutputKind.KB_ARTICLE, "Article for colleagues"),
    (OutputKind.CLIENT_SUMMARY, "Summary for the client"),
)


class Wanted(FromList, kw_only=True, frozen=True):
    """Which branch is looked at, or which step, which dialog is open, and for whom an escalation would be."""

    branch: UUID | None = None
    step: int | None = None
    do: str | None = None
    priority: Priority | None = None
    team: UUID | None = None
    user: UUID | None = None


@shows(SESSION)
async def session_page(request: Visit) -> Body:
    """One session as it is now, for who may read it; looking changes nothing."""
    wanted = await request.wanted(Wanted)
    return await _shown(request, request.person_for(wanted.account), wanted)


@takes(SESSION)
async def move_session(request: Visit) -> Body:
    """Do what a button says. What cannot be is said on the page, where what was typed still stands."""
    person, step = request.user, (await request.wanted(Wanted)).step
    try:
        await move.make(request, person)
    except WRONG as refusal:
        return await _refused(request, person, refusal)
    return request.see(f"/sessions/{request.session_id}{f'?step={step}#step-{step}' if step else ''}")


class NewPicture(Form, kw_only=True, frozen=True):
    """Of which step, and what it shows."""

    step: UUID
    alt: str | None = None


@takes_file(f"{SESSION}/pictures", most=LARGEST_FILE)
async def add_picture(request: Visit) -> Body:
    """Add a picture to a step, for who has no script."""
    person, pictures = request.user, request.flowpilot.pictures
    try:
        form, content = await request.sent(NewPicture), await request.uploaded("picture")
        await request.do(
            form,
            lambda change: pictures.add(person, request.session_id, StepId(form.step), content=content, alt=form.alt, request=change),
            file=content,
        )
    except WRONG as refusal:
        return await _refused(request, person, refusal)
    return request.see(f"/sessions/{request.session_id}")


async def _refused(request: Visit, person: Person, refusal: Exception) -> Body:
    """The page, which says what cannot be."""
    require_sayable(refusal)
    return await _shown(request, person, Wanted(), refusal)


async def _shown(request: Visit, person: Person, wanted: Wanted, refusal: Exception | None = None) -> Body:
    flowpilot, session_id = request.flowpilot, request.session_id
    detail = await flowpilot.sessions.get(person, session_id)
    offers = detail.session.offers(person)
    escalating = wanted.do == "escalate" and SessionMove.ESCALATE in offers
    ticket = detail.session.ticket
    problem = problem_of(refusal) if refusal else None
    said = await typed(request) if problem else {}
    do = _open(said, wanted)
    (suggestions, outputs, colleagues, foreseen, from_list, ticket_page), of_trees = await asyncio.gather(
        asyncio.gather(
            flowpilot.suggestions.list(person, session_id),
            _outputs(request, person, detail),
            Colleagues.of(request, person),
            _foreseen(request, person, wanted) if escalating else _nothing(),
            beside(request, person, wanted.beside),
            flowpilot.tickets.page(person, ticket.system, ticket.id) if ticket else _nothing(),
        ),
        OfTrees.of(request, person, detail.session, do),
    )
    session = SessionDetailOut.shown(detail)
    meant = said.get("step", "").partition(" ")[0]
    around = next((step.number for step in session.steps if str(step.id) == meant), wanted.step)
    tried = Tried.of(session, branch_id=wanted.branch, around=around)
    chosen = tried.chosen
    escalations = [one for one in session.handoffs if one.intent is Intent.ESCALATE]
    claimed = escalations[-1].claimed_by if escalations else None
    parks = [one for one in session.handoffs if one.intent is Intent.PARK]
    walk = detail.session.walk
    return await request.framed(
        "session.html",
        status=problem.status if problem else 200,
        refused=MOVED_ON if isinstance(refusal, WalkMovedOn) else problem.detail if problem else None,
        typed=defaultdict(str, said),
        do=do,
        said=said_values(said),
        walk=walk,
        place=None if walk is None else walk.at(BranchId(chosen.branch.id)),
        elsewhere=[way for way in tried.ways if way.number != chosen.number and way.workable and _waits(walk, way)],
        of_trees=of_trees,
        wanted=wanted,
        beside=from_list,
        ticket_page=ticket_page,
        session=session,
        priority=detail.priority,
        offers=offers,
        may_add=detail.session.may_add_step(person),
        may_set={step.id for step in detail.steps if detail.session.may_set_result(person, step.created_by)},
        may_picture={step.id for step in detail.steps if detail.session.may_add_picture(person, step.created_by)},
        picture_types=",".join(PictureType),
        largest_picture=LARGEST_FILE,
        may_rate=permits(person, Permission.RATE_STEP, ()),
        tried=tried,
        way=chosen,
        drawing=drawn(tried),
        assignee=detail.names[detail.session.assignee_id],
        helpers=sorted(colleagues.names.get(who, "a colleague") for who in detail.session.helper_ids),
        parked=parks[-1] if parks and session.status == Status.PARKED else None,
        escalations=escalations,
        asked=escalations[-1] if claimed and claimed.id == person.user_id and session.status == Status.ACTIVE else None,
        suggestions=[one for one in suggestions if one.state in (SuggestionState.PROPOSED, SuggestionState.PENDING)],
        outputs=[(kind, name, [one for one in outputs if one.output.kind is kind]) for kind, name in OUTPUTS],
        foreseen=None if foreseen is None else PreviewOut.of(foreseen),
        colleagues=colleagues,
        time_zone=(await flowpilot.escalation.preferences(person)).hours.time_zone if wanted.do == "park" else None,
        how=HOW,
        kinds=KINDS,
        results=tuple(StepResult),
        priorities=[(priority, priority.capitalize()) for priority in reversed(Priority)],
    )


async def _outputs(request: Visit, person: Person, detail: SessionDetail) -> Sequence[Shown]:
    if detail.session.status is not Status.RESOLVED:
        return ()
    return await request.flowpilot.outputs.list(person, detail.session.id)


async def _foreseen(request: Visit, person: Person, wanted: Wanted) -> Foreseen:
    return await request.flowpilot.escalation.preview(
        person,
        request.session_id,
        priority=wanted.priority,
        team_id=None if wanted.team is None else TeamId(wanted.team),
        user_id=None if wanted.user is None else UserId(wanted.user),
    )


def _open(said: Mapping[str, str], wanted: Wanted) -> str | None:
    """Which dialog is open: of what was sent the one that it was typed in."""
    if said.get("move") == "save":
        return f"edit-{said.get('output')}"
    if said.get("move") == FOLLOW:
        return f"{FOLLOW}-{said.get('tree')}"
    return said.get("move") or wanted.do


def _waits(walk: Walk | None, way: Way) -> bool:
    """Whether a node of the tree waits in a branch."""
    place = walk.at(BranchId(way.branch.id)) if walk else None
    return place is not None and place.waiting is not None


async def _nothing() -> None:
    return None


ROUTES = (session_page, move_session, add_picture)
