"""Walks: following a tree in a session, and the trees that fit one."""

from typing import Final
from uuid import UUID

from flowpilot_core.domain.kernel.identifiers import BranchId, TreeId
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.walks import BeginWalk, FitOut, LeaveWalk, NewWalkStep, WalkedOut, walk_of
from flowpilot_http.schemas.sessions import SessionDetailOut, WalkOut

part = Part("Trees")

SESSION: Final = "/ai-sessions/{session_id:str}"
WALK: Final = f"{SESSION}/walk"
OF_ASSIGNEE: Final = ("not_assignee", "invalid_transition")


@part.reads(f"{SESSION}/trees", Listed[FitOut], query=Nothing)
async def fitting_trees(request: Call) -> Body:
    """Published trees that fit what a session is about, best first: your account's and the platform's."""
    await request.wanted(Nothing)
    found = await request.flowpilot.walks.fitting(request.user, request.session_id)
    return request.shown(Listed(items=[FitOut.of(tree, fit) for tree, fit in found], next_cursor=None))


@part.reads(WALK, WalkOut)
async def get_walk(request: Call) -> Body:
    """Where a session stands in its tree: one place for each open branch, and that of the one that closed last."""
    await request.wanted(Nothing)
    return request.shown(walk_of(await request.flowpilot.walks.get(request.user, request.session_id)))


@part.moves(WALK, SessionDetailOut, body=BeginWalk, problems=OF_ASSIGNEE)
async def begin_walk(request: Call) -> Body:
    """Follow the newest revision of a published tree, from the active branch on."""
    new = await request.read(BeginWalk)
    return await request.changed(
        lambda change: request.flowpilot.walks.begin(
            request.user, request.session_id, tree_id=TreeId(new.tree_id), parameters=new.parameters, request=change
        ),
        SessionDetailOut.shown,
    )


@part.makes(f"{WALK}/steps", WalkedOut, body=NewWalkStep, problems=(*OF_ASSIGNEE, "walk_moved_on", "session_full"))
async def walk_step(request: Call) -> Body:
    """Do the node that waits: a step is added, and the walk moves on. Several answers of a question split the branch."""
    new = await request.read(NewWalkStep)
    return await request.changed(
        lambda change: request.flowpilot.walks.step(
            request.user,
            request.session_id,
            node_id=new.node_id,
            answers=new.answers,
            result=new.result,
            evidence=new.evidence,
            branch_id=_branch_id(new.branch_id),
            request=change,
        ),
        WalkedOut.of,
        status=201,
    )


@part.moves(f"{WALK}/leave", SessionDetailOut, body=LeaveWalk, problems=OF_ASSIGNEE)
async def leave_walk(request: Call) -> Body:
    """Go on without the tree in a branch; where and why is recorded."""
    new = await request.read(LeaveWalk)
    return await request.changed(
        lambda change: request.flowpilot.walks.leave(
            request.user, request.session_id, reason=new.reason, branch_id=_branch_id(new.branch_id), request=change
        ),
        SessionDetailOut.shown,
    )


def _branch_id(given: UUID | None) -> BranchId | None:
    return None if given is None else BranchId(given)


ROUTES = (fitting_trees, get_walk, begin_walk, walk_step, leave_walk)
