"""Following a tree in a session: which one, what came of the node that waits, and going on without it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import BranchId, TreeId
from flowpilot_core.domain.kernel.permissions import Permission, permits
from flowpilot_core.domain.knowledge.content import Content
from flowpilot_core.domain.knowledge.fitting import Fitting
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.session import Session, SessionMove, Status
from flowpilot_core.domain.sessions.step import StepResult
from flowpilot_http.pages.knowledge.parameters import GIVEN, values
from flowpilot_http.pages.knowledge.shelf import Choice, categories, to_choose
from flowpilot_http.pages.moves import Move, form_of
from flowpilot_http.pages.page_request import Visit

from .moves import Because, move

FOLLOW: Final = "follow"
SAVE: Final = "save-as-tree"


@frozen(kw_only=True)
class ToFollow:
    """A published tree, as whoever follows it begins: its newest revision."""

    tree: Tree
    content: Content

    @classmethod
    async def of(cls, request: Visit, person: Person, tree_id: UUID) -> "ToFollow":
        """Raises `NotFound` for one that nobody can follow yet."""
        trees = request.flowpilot.trees
        tree = (await trees.get(person, TreeId(tree_id))).detail.listed.tree
        if tree.revision is None:
            raise NotFound("tree")
        return cls(tree=tree, content=(await trees.revision(person, tree.id, tree.revision)).revision.content)


@frozen(kw_only=True)
class OfTrees:
    """What a session's page says of trees, besides the one that it follows."""

    fitting: Sequence[tuple[Tree, Fitting]]
    to_follow: ToFollow | None
    """The one whose dialog is open."""
    may_save: bool
    """Whether the reader can make a tree of the session."""
    named: Sequence[Choice]
    """Categories for that, where its dialog is open."""

    @classmethod
    async def of(cls, request: Visit, person: Person, session: Session, do: str | None) -> "OfTrees":
        """What this person is offered."""
        works = SessionMove.WORK in session.offers(person)
        may_save = session.status is Status.RESOLVED and permits(person, Permission.WRITE_TREES, ())
        return cls(
            fitting=await request.flowpilot.walks.fitting(person, session.id) if works and session.walk is None else (),
            to_follow=await _to_follow(request, person, do) if works else None,
            may_save=may_save,
            named=to_choose(await categories(request, person), "None") if may_save and do == SAVE else (),
        )


async def _to_follow(request: Visit, person: Person, do: str | None) -> ToFollow | None:
    try:
        return await ToFollow.of(request, person, UUID((do or "").removeprefix(f"{FOLLOW}-")))
    except (NotFound, ValueError):
        return None


Follow: Final[Any] = form_of("Follow", ("tree", UUID), *GIVEN)
"""Which tree, and what it asks for."""


@move(FOLLOW, Follow)
async def follow(request: Visit, person: Person, form: Any) -> None:
    """From the active branch on."""
    to_follow = await ToFollow.of(request, person, form.tree)
    given = values(to_follow.content.parameters, form)
    walks = request.flowpilot.walks
    await request.do(
        form, lambda change: walks.begin(person, request.session_id, tree_id=to_follow.tree.id, parameters=given, request=change)
    )


class Took(Move, kw_only=True, frozen=True):
    """The node that is done, where, and what came of it."""

    node: str
    branch: UUID
    answers: list[str] = []
    result: StepResult | None = None
    evidence: str | None = None


@move("walk", Took)
async def take_node(request: Visit, person: Person, form: Took) -> None:
    """Its step is added, and the next node waits. Several answers split the branch."""
    walks = request.flowpilot.walks
    await request.do(
        form,
        lambda change: walks.step(
            person,
            request.session_id,
            node_id=form.node,
            answers=form.answers,
            result=form.result,
            evidence=form.evidence,
            branch_id=BranchId(form.branch),
            request=change,
        ),
    )


class LeaveTree(Because, kw_only=True, frozen=True):
    """Where."""

    branch: UUID


@move("leave-tree", LeaveTree)
async def leave_tree(request: Visit, person: Person, form: LeaveTree) -> None:
    """Go on without it."""
    walks = request.flowpilot.walks
    await request.do(
        form,
        lambda change: walks.leave(person, request.session_id, reason=form.reason, branch_id=BranchId(form.branch), request=change),
    )
