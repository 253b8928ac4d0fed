"""Sessions: start one, work on it, hand it off, end it."""

from uuid import UUID

import msgspec

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId, StepId, TeamId, TreeId, UserId
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_core.domain.sessions.feedback import Thumb
from flowpilot_core.domain.sessions.picture import LARGEST_FILE
from flowpilot_core.domain.sessions.session import Ticket
from flowpilot_core.ports.kernel import Entry
from flowpilot_core.ports.sessions import SessionFilter
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body, encoded_in_turns, of_file
from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.kernel import EntryOut, Listed, Nothing, Page, assignee
from flowpilot_http.schemas.sessions import (
    ActiveBranch,
    AddedStepOut,
    Because,
    CloseBranch,
    ForkedOut,
    HandOff,
    NewFork,
    NewResult,
    NewStep,
    PictureAdded,
    PictureOut,
    PictureWanted,
    RateStep,
    Reassign,
    Resolve,
    SessionDetailOut,
    SessionOut,
    SessionsWanted,
    StartSession,
    StepOut,
)

part = Part("Sessions")

SESSION = "/ai-sessions/{session_id:str}"
PAGE = "/sessions/{session_id:str}"
KINDS = tuple(PictureType)
OF_ASSIGNEE = ("not_assignee", "invalid_transition")


@part.makes("/ai-sessions", SessionDetailOut, body=StartSession, problems=("not_found",))
async def start_session(request: Call) -> Body:
    """Start a session, with its root branch, assigned to you."""
    new = await request.read(StartSession)
    ticket = None if new.ticket is None else Ticket(system=new.ticket.system, id=new.ticket.id)
    return await request.changed(
        lambda change: request.flowpilot.walks.start_session(
            request.user,
            title=new.title,
            problem=new.problem,
            client_name=new.client_name,
            ticket=ticket,
            priority=new.priority,
            team_id=None if new.team_id is None else TeamId(new.team_id),
            tree_id=None if new.tree_id is None else TreeId(new.tree_id),
            parameters=new.parameters,
            request=change,
        ),
        SessionDetailOut.shown,
        status=201,
    )


@part.reads("/ai-sessions", Listed[SessionOut], query=SessionsWanted, problems=("invalid_cursor",))
async def list_sessions(request: Call) -> Body:
    """The sessions you may read, newest first."""
    wanted = await request.wanted(SessionsWanted)
    where = SessionFilter(status=wanted.status, assignee_id=assignee(wanted.assignee, request.user.user_id), ticket=_ticket(wanted.ticket))
    names: dict[UserId, str] = {}

    async def more(after: UUID | None, limit: int) -> list[SessionOut]:
        last = None if after is None else SessionId(after)
        sessions, called = await request.flowpilot.sessions.list(request.user, where, after=last, limit=limit)
        names.update(called)
        return [SessionOut.of(session, names) for session in sessions]

    of = f"sessions {where.status or '-'} {where.assignee_id or '-'} {where.ticket or '-'}"
    return await request.listed(wanted, of, UUID, more, shown=lambda session: session, at=lambda session: session.id)


@part.reads(SESSION, SessionDetailOut, etag=True, page=PAGE)
async def get_session(request: Call) -> Body:
    """One session with its branches, fork points, steps and handoffs."""
    await request.wanted(Nothing)
    detail = await request.flowpilot.sessions.get(request.user, request.session_id)
    shown = SessionDetailOut.shown(detail)
    if detail.session.is_large:
        shown = msgspec.structs.replace(shown, steps=await encoded_in_turns(shown.steps))
    return request.shown(shown, version=detail.session.version)


@part.makes(f"{SESSION}/steps", AddedStepOut, body=NewStep, problems=(*OF_ASSIGNEE, "session_full"))
async def add_step(request: Call) -> Body:
    """Add a step to the branch named, or else to the active one; the answer says where it seems to belong, if that is elsewhere."""
    new = await request.read(NewStep)
    return await request.changed(
        lambda change: request.flowpilot.sessions.add_step(
            request.user,
            request.session_id,
            kind=new.kind,
            content=new.content,
            branch_id=None if new.branch_id is None else BranchId(new.branch_id),
            result=new.result,
            evidence=new.evidence,
            request=change,
        ),
        lambda added: AddedStepOut.made(added, {request.user.user_id: request.user.name}),
        status=201,
    )


@part.mends(f"{SESSION}/steps/{{step_id:str}}", StepOut, body=NewResult, problems=(*OF_ASSIGNEE, "session_full"))
async def set_result(request: Call) -> Body:
    """Set the result of a step, or the branch it belongs to. A step at which the work was split stays in its branch."""
    new = await request.read(NewResult)
    return await request.changed(
        lambda change: request.flowpilot.sessions.set_result(
            request.user,
            request.session_id,
            request.step_id,
            result=new.result,
            evidence=new.evidence,
            branch_id=None if new.branch_id is None else BranchId(new.branch_id),
            request=change,
        ),
        lambda changed: StepOut.of(*changed),
    )


@part.takes_file(
    f"{SESSION}/steps/{{step_id:str}}/pictures",
    PictureOut,
    *KINDS,
    most=LARGEST_FILE,
    query=PictureAdded,
    problems=(*OF_ASSIGNEE, "invalid_picture", "picture_limit"),
)
async def add_picture(request: Call) -> Body:
    """Add a picture to a step as evidence: the body is its file. It is read and written anew, so that nothing but what it shows is kept."""
    said = await request.wanted(PictureAdded)
    content = await request.file(KINDS, most=LARGEST_FILE)
    return await request.changed(
        lambda change: request.flowpilot.pictures.add(
            request.user, request.session_id, request.step_id, content=content, alt=said.alt, request=change
        ),
        PictureOut.of,
        status=201,
    )


@part.files(f"{SESSION}/steps/{{step_id:str}}/pictures/{{picture_id:str}}", *KINDS, query=PictureWanted)
async def get_picture(request: Call) -> Body:
    """The file of a picture, as small as you ask for."""
    wanted = await request.wanted(PictureWanted)
    return of_file(
        await request.flowpilot.pictures.get(request.user, request.session_id, request.step_id, request.picture_id, width=wanted.width)
    )


@part.makes(f"{SESSION}/forks", ForkedOut, body=NewFork, problems=(*OF_ASSIGNEE, "session_full"))
async def fork(request: Call) -> Body:
    """Split the investigation at a step, with one new branch per option; the first becomes the active one."""
    new = await request.read(NewFork)
    return await request.changed(
        lambda change: request.flowpilot.sessions.fork(
            request.user,
            request.session_id,
            at_step_id=StepId(new.at_step_id),
            reason=new.reason,
            options=new.ways(),
            request=change,
        ),
        lambda forked: ForkedOut.made(forked, {request.user.user_id: request.user.name}),
        status=201,
    )


@part.moves(f"{SESSION}/active-branch", SessionDetailOut, body=ActiveBranch, problems=OF_ASSIGNEE)
async def activate_branch(request: Call) -> Body:
    """Continue in another branch."""
    wanted = await request.read(ActiveBranch)
    return await request.changed(
        lambda change: request.flowpilot.sessions.activate_branch(
            request.user, request.session_id, BranchId(wanted.branch_id), request=change
        ),
        SessionDetailOut.shown,
    )


@part.moves(f"{SESSION}/branches/{{branch_id:str}}/close", SessionDetailOut, body=CloseBranch, problems=OF_ASSIGNEE)
async def close_branch(request: Call) -> Body:
    """Close a branch; if it was the active one, work continues in the nearest open one."""
    how = await request.read(CloseBranch)
    return await request.changed(
        lambda change: request.flowpilot.sessions.close_branch(
            request.user, request.session_id, request.branch_id, outcome=how.outcome, reason=how.reason, request=change
        ),
        SessionDetailOut.shown,
    )


@part.makes(f"{SESSION}/handoff", HandoffOut, body=HandOff, problems=OF_ASSIGNEE)
async def hand_off(request: Call) -> Body:
    """Park or escalate a session: everything tried is frozen in a snapshot. People are told afterwards."""
    new = await request.read(HandOff)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.hand_off(
            request.user,
            request.session_id,
            intent=new.intent,
            reason=new.reason,
            note=new.note,
            priority=new.priority,
            team_id=None if new.team_id is None else TeamId(new.team_id),
            user_id=None if new.user_id is None else UserId(new.user_id),
            wake_at=new.wake_at,
            request=change,
        ),
        HandoffOut.shown,
        status=201,
    )


@part.moves(f"{SESSION}/resume", SessionDetailOut, body=Nothing, problems=OF_ASSIGNEE)
async def resume(request: Call) -> Body:
    """Continue a parked session."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.sessions.resume(request.user, request.session_id, request=change), SessionDetailOut.shown
    )


@part.moves(f"{SESSION}/reassign", SessionDetailOut, body=Reassign, problems=OF_ASSIGNEE)
async def reassign(request: Call) -> Body:
    """Give an active or parked session to somebody else."""
    to = await request.read(Reassign)
    return await request.changed(
        lambda change: request.flowpilot.sessions.reassign(request.user, request.session_id, user_id=UserId(to.user_id), request=change),
        SessionDetailOut.shown,
    )


@part.moves(f"{SESSION}/join", SessionDetailOut, body=Nothing, problems=("invalid_transition",))
async def join(request: Call) -> Body:
    """Help with somebody's active session: add steps, and set the results of those. It stays theirs."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.sessions.join(request.user, request.session_id, request=change), SessionDetailOut.shown
    )


@part.moves(f"{SESSION}/leave", SessionDetailOut, body=Nothing, problems=OF_ASSIGNEE)
async def leave(request: Call) -> Body:
    """Stop helping; the steps you added stay."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.sessions.leave(request.user, request.session_id, request=change), SessionDetailOut.shown
    )


@part.moves(f"{SESSION}/steps/{{step_id:str}}/feedback", SessionDetailOut, body=RateStep)
async def rate_step(request: Call) -> Body:
    """Rate a step; once for each person and step, and the last rating counts."""
    new = await request.read(RateStep)
    return await request.changed(
        lambda change: request.flowpilot.sessions.rate_step(
            request.user, request.session_id, request.step_id, thumb=Thumb(new.rating), comment=new.comment, request=change
        ),
        SessionDetailOut.shown,
    )


@part.moves(f"{SESSION}/resolve", SessionDetailOut, body=Resolve, problems=OF_ASSIGNEE)
async def resolve(request: Call) -> Body:
    """Resolve a session, with what solved it."""
    how = await request.read(Resolve)
    return await request.changed(
        lambda change: request.flowpilot.sessions.resolve(
            request.user, request.session_id, summary=how.summary, root_cause=how.root_cause, request=change
        ),
        SessionDetailOut.shown,
    )


@part.moves(f"{SESSION}/reopen", SessionDetailOut, body=Because, problems=("invalid_transition",))
async def reopen(request: Call) -> Body:
    """Reopen a session: it is active again, and yours."""
    why = await request.read(Because)
    return await request.changed(
        lambda change: request.flowpilot.sessions.reopen(request.user, request.session_id, reason=why.reason, request=change),
        SessionDetailOut.shown,
    )


@part.moves(f"{SESSION}/abandon", SessionDetailOut, body=Because, problems=OF_ASSIGNEE)
async def abandon(request: Call) -> Body:
    """Abandon a session."""
    why = await request.read(Because)
    return await request.changed(
        lambda change: request.flowpilot.sessions.abandon(request.user, request.session_id, reason=why.reason, request=change),
        SessionDetailOut.shown,
    )


@part.reads(f"{SESSION}/timeline", Listed[EntryOut], query=Page, problems=("invalid_cursor",), page=PAGE)
async def timeline(request: Call) -> Body:
    """Everything that happened, in order, and who did it."""
    session_id = request.session_id
    page = await request.wanted(Page)

    async def more(after: int | None, limit: int) -> list[Entry]:
        return list(await request.flowpilot.sessions.timeline(request.user, session_id, after=after or 0, limit=limit))

    return await request.listed(page, f"timeline {session_id}", int, more, shown=EntryOut.of, at=lambda entry: entry.logged.number)


def _ticket(wanted: str | None) -> Ticket | None:
    if wanted is None:
        return None
    system, colon, number = wanted.partition(":")
    if not colon:
        raise InvalidValue("ticket", "must be `system:id`, as in halopsa:1234")
    return Ticket(system=system, id=number)


ROUTES = (
    start_session,
    list_sessions,
    get_session,
    add_step,
    set_result,
    add_picture,
    get_picture,
    fork,
    activate_branch,
    close_branch,
    hand_off,
    resume,
    reassign,
    join,
    leave,
    rate_step,
    resolve,
    reopen,
    abandon,
    timeline,
)
