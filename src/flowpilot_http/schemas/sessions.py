"""Sessions, their branches and steps."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from flowpilot_core.application.sessions.sessions import Added, Forked
from flowpilot_core.domain.handoffs.debrief import Debrief, debrief
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE
from flowpilot_core.domain.kernel.text import EVIDENCE, TITLE
from flowpilot_core.domain.knowledge.walking import shown
from flowpilot_core.domain.sessions.branch import FEWEST_OPTIONS, MOST_OPTIONS, Branch, BranchState, ForkPoint, Option, Outcome
from flowpilot_core.domain.sessions.feedback import NO_THUMBS, Thumbs
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Priority, Session, Status
from flowpilot_core.domain.sessions.step import NodeTaken, Step, StepKind, StepResult, StepScript
from flowpilot_core.domain.sessions.walk import Place, TreeOutcome, Waiting, Walk
from flowpilot_core.domain.sessions.walked import path
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_http.schemas.handoffs.handoffs import HandoffInSession

from .kernel import Closed, Instant, Line, MaybeLine, MaybeText, Page, PersonOut, Text, TicketFactsOut, TicketOut, WindowOut, person

Evidence = Annotated[str, Meta(description=f"Any text of at most {EVIDENCE} bytes as UTF-8.")]


class TicketIn(Closed, kw_only=True, frozen=True):
    """The PSA ticket a session works on."""

    system: Annotated[Line, Meta(description="The vendor, such as `connectwise`.", examples=["connectwise"])]
    id: Annotated[Line, Meta(description="The ticket's number in the vendor's API.", examples=["48211"])]


class StartSession(Closed, kw_only=True, frozen=True):
    """A new troubleshooting effort."""

    title: Annotated[Line, Meta(examples=["Outlook asks for a password again and again"])]
    problem: Annotated[Text, Meta(examples=["Since this morning, on two machines of the front desk."])]
    client_name: Annotated[MaybeLine | None, Meta(examples=["Lakeside Dental"])] = None
    ticket: TicketIn | None = None
    priority: Priority = Priority.NORMAL
    team_id: UUID | None = None
    tree_id: Annotated[UUID | None, Meta(description="A published tree to follow from the beginning.")] = None
    parameters: Annotated[dict[str, str | int | float | bool], Meta(description="What that tree asks for.")] = {}


class NewStep(Closed, kw_only=True, frozen=True):
    """What was asked, done or seen."""

    kind: StepKind
    content: Annotated[Text, Meta(examples=["Removed the cached credentials and signed in again"])]
    branch_id: Annotated[UUID | None, Meta(description="Without it: the active branch.")] = None
    result: Annotated[StepResult | None, Meta(examples=["failed"])] = None
    evidence: Annotated[Evidence | None, Meta(examples=["AADSTS50126: invalid username or password"])] = None


class NewResult(Closed, kw_only=True, frozen=True):
    """What came of a step."""

    result: StepResult | None
    evidence: Annotated[Evidence | None, Meta(description="Without it, what is there stays.")] = None
    branch_id: Annotated[UUID | None, Meta(description="The branch that it belongs to. Without it, it stays where it is.")] = None


class OptionIn(Closed, kw_only=True, frozen=True):
    """One way on."""

    label: Annotated[Line, Meta(examples=["Conditional access"])]
    hypothesis: Annotated[Text, Meta(examples=["A policy of last night blocks legacy sign-in."])]


class NewFork(Closed, kw_only=True, frozen=True):
    """Where and why an investigation splits."""

    at_step_id: UUID
    reason: Annotated[Text, Meta(examples=["Two explanations fit"])]
    options: Annotated[list[OptionIn], Meta(extra_json_schema={"minItems": FEWEST_OPTIONS, "maxItems": MOST_OPTIONS})]

    def ways(self) -> list[Option]:
        """The options, as the core knows them."""
        return [Option(label=option.label, hypothesis=option.hypothesis) for option in self.options]


class ActiveBranch(Closed, kw_only=True, frozen=True):
    """Where to go on."""

    branch_id: UUID


class CloseBranch(Closed, kw_only=True, frozen=True):
    """How a branch ended."""

    outcome: Outcome
    reason: Text


class HandOff(Closed, kw_only=True, frozen=True):
    """Why and to whom a session is handed off. A park has no use for `team_id`, `user_id` and `priority`."""

    intent: Intent
    reason: Annotated[Text, Meta(examples=["Out of ideas; the client waits"])]
    note: Annotated[MaybeText | None, Meta(examples=["Ask for Petra on the phone"])] = None
    priority: Annotated[Priority | None, Meta(description="Without it: the session's.")] = None
    team_id: Annotated[UUID | None, Meta(description="Whom to tell; any eligible colleague may still claim.")] = None
    user_id: Annotated[UUID | None, Meta(description="Whom to tell; any eligible colleague may still claim.")] = None
    wake_at: Annotated[Instant | None, Meta(description="When to remind you of a park, and only you.")] = None


class Reassign(Closed, kw_only=True, frozen=True):
    """Who is to go on."""

    user_id: UUID


class RateStep(Closed, kw_only=True, frozen=True):
    """What somebody thinks of a step: down or up."""

    rating: Annotated[Literal[-1, 1], Meta(examples=[1])]
    comment: Annotated[MaybeText | None, Meta(examples=["Do this first next time"])] = None


class Resolve(Closed, kw_only=True, frozen=True):
    """What solved it."""

    summary: Annotated[Text, Meta(examples=["Excluded the shared mailbox from the new policy"])]
    root_cause: MaybeText | None = None


class Because(Closed, kw_only=True, frozen=True):
    """Why."""

    reason: Text


class SessionsWanted(Page, kw_only=True, frozen=True):
    """Which sessions."""

    status: Status | None = None
    assignee: Annotated[str | None, Meta(description="`me`, or the id of a user.", examples=["me"])] = None
    ticket: Annotated[
        str | None, Meta(description="What is on this ticket: the system and the ticket's id there.", examples=["halopsa:1234"])
    ] = None


class StepTreeOut(msgspec.Struct, kw_only=True, frozen=True):
    """The node of a tree that a step was taken at."""

    tree_id: UUID
    revision: int
    node_id: str

    @classmethod
    def of(cls, node: NodeTaken | None) -> "StepTreeOut | None":
        """As clients read it."""
        return None if node is None else cls(tree_id=node.tree_id, revision=node.revision, node_id=node.node_id)


class ScriptToRunOut(msgspec.Struct, kw_only=True, frozen=True):
    """A script that a node asks for, with what it is given."""

    id: UUID
    revision: int | None
    parameters: dict[str, str]


class WaitingOut(msgspec.Struct, kw_only=True, frozen=True):
    """A node that waits to be done, its text filled in."""

    id: str
    kind: StepKind
    text: str
    help: str | None
    script: ScriptToRunOut | None

    @classmethod
    def of(cls, waiting: Waiting) -> "WaitingOut":
        """As clients read it."""
        script = waiting.script
        return cls(
            id=waiting.node_id,
            kind=waiting.kind,
            text=waiting.text,
            help=waiting.help,
            script=None if script is None else ScriptToRunOut(id=script.id, revision=script.revision, parameters=dict(script.parameters)),
        )


class LeftOut(msgspec.Struct, kw_only=True, frozen=True):
    """That work went on without the tree, while this node waited."""

    node_id: str
    text: str
    reason: Annotated[str | None, Meta(description="Null: a step was added by hand, and the node still waits.")]
    at: Instant


class ReachedOut(msgspec.Struct, kw_only=True, frozen=True):
    """The end of a way."""

    node_id: str
    outcome: TreeOutcome
    text: str


class PathOut(msgspec.Struct, kw_only=True, frozen=True):
    """A node on the way here."""

    node_id: str
    step_id: UUID
    answers: list[str]
    result: StepResult | None


class WalkPlaceOut(msgspec.Struct, kw_only=True, frozen=True):
    """How far the walk is in one branch."""

    tree_id: UUID
    revision: int
    name: str
    branch_id: UUID
    node: WaitingOut | None
    answers: list[str]
    path: list[PathOut]
    left: LeftOut | None
    reached: ReachedOut | None

    @classmethod
    def of(cls, walk: Walk, place: Place, steps: Sequence[Step]) -> "WalkPlaceOut":
        """As clients read it; `steps` are those of the tree that lead there."""
        left, reached = place.left, place.reached
        return cls(
            tree_id=walk.tree_id,
            revision=walk.revision,
            name=walk.name,
            branch_id=place.branch_id,
            node=None if place.waiting is None else WaitingOut.of(place.waiting),
            answers=[] if place.waiting is None else list(place.waiting.answers),
            path=[
                PathOut(node_id=step.node.node_id, step_id=step.id, answers=list(step.node.answers), result=step.result)
                for step in steps
                if step.node is not None
            ],
            left=None if left is None else LeftOut(node_id=left.node_id, text=left.text, reason=left.reason, at=left.at),
            reached=None if reached is None else ReachedOut(node_id=reached.node_id, outcome=reached.outcome, text=reached.text),
        )


class WalkOut(msgspec.Struct, kw_only=True, frozen=True):
    """The walk of a session: one place for each open branch, and that of the one that closed last."""

    items: list[WalkPlaceOut]

    @classmethod
    def of(cls, session: Session, steps: Sequence[Step]) -> "WalkOut | None":
        """As clients read it; None without a walk."""
        walk = session.walk
        if walk is None:
            return None
        return cls(items=[WalkPlaceOut.of(walk, place, path(session, steps, place.branch_id)) for place in shown(session)])


class BranchOut(msgspec.Struct, kw_only=True, frozen=True):
    """A line of investigation."""

    id: UUID
    parent_id: UUID | None
    fork_point_id: UUID | None
    label: str
    hypothesis: str | None
    state: BranchState
    close_reason: str | None
    created_at: Instant
    closed_at: Instant | None

    @classmethod
    def of(cls, branch: Branch) -> "BranchOut":
        """As clients read it."""
        return cls(
            id=branch.id,
            parent_id=branch.parent_id,
            fork_point_id=branch.fork_point_id,
            label=branch.label,
            hypothesis=branch.hypothesis,
            state=branch.state,
            close_reason=branch.close_reason,
            created_at=branch.created_at,
            closed_at=branch.closed_at,
        )


class ForkPointOut(msgspec.Struct, kw_only=True, frozen=True):
    """Where a branch split into several, and why."""

    id: UUID
    branch_id: UUID
    at_step_id: UUID
    reason: str
    branch_ids: list[UUID]
    created_by: PersonOut
    created_at: Instant

    @classmethod
    def of(cls, fork: ForkPoint, names: Mapping[UserId, str]) -> "ForkPointOut":
        """As clients read it."""
        return cls(
            id=fork.id,
            branch_id=fork.branch_id,
            at_step_id=fork.at_step_id,
            reason=fork.reason,
            branch_ids=list(fork.branch_ids),
            created_by=person(fork.created_by, names),
            created_at=fork.created_at,
        )


class ForkedOut(ForkPointOut, kw_only=True, frozen=True):
    """A fork point that was just made, with its branches; the first is the active one."""

    branches: list[BranchOut]

    @classmethod
    def made(cls, forked: Forked, names: Mapping[UserId, str]) -> "ForkedOut":
        """As clients read it."""
        fork = ForkPointOut.of(forked.fork_point, names)
        return cls(**msgspec.structs.asdict(fork), branches=[BranchOut.of(branch) for branch in forked.branches])


class StepScriptOut(msgspec.Struct, kw_only=True, frozen=True):
    """Which script a step is, and what it was given; no secret is among it."""

    template_id: UUID
    revision: int
    parameters: dict[str, str | int | float | bool]
    sha256: Annotated[str, Meta(description="Of the rendered text.")]

    @classmethod
    def of(cls, script: StepScript | None) -> "StepScriptOut | UnsetType":
        """As clients read it."""
        if script is None:
            return UNSET
        return cls(template_id=script.template_id, revision=script.revision, parameters=dict(script.parameters), sha256=script.sha256)


class PictureAdded(Closed, kw_only=True, frozen=True):
    """What is said of a picture."""

    alt: Annotated[str | None, Meta(description=f"What it shows: one line of at most {TITLE} characters.", examples=["The error"])] = None


class PictureWanted(Closed, kw_only=True, frozen=True):
    """How a picture is to be shown."""

    width: Annotated[int, Meta(ge=1, le=LONGEST_SIDE, description="Pixels; one that is no wider comes as it is.")] | None = None


class PictureOut(msgspec.Struct, kw_only=True, frozen=True):
    """A picture of a step; what is said is of the file that is given back."""

    id: UUID
    sha256: str
    width: int
    height: int
    bytes: int
    alt: Annotated[str | None, Meta(description="What it shows, in the words of whoever added it.")]

    @classmethod
    def of(cls, picture: Picture) -> "PictureOut":
        """As clients read it."""
        return cls(
            id=picture.id,
            sha256=picture.sha256,
            width=picture.width,
            height=picture.height,
            bytes=picture.bytes,
            alt=picture.alt,
        )


class StepOut(msgspec.Struct, kw_only=True, frozen=True):
    """What was asked, done or seen in a branch. `number` counts up through the session."""

    id: UUID
    branch_id: UUID
    number: int
    kind: StepKind
    content: str
    result: StepResult | None
    evidence: str | None
    pictures: list[PictureOut]
    created_by: PersonOut
    created_at: Instant
    updated_at: Instant
    script: Annotated[StepScriptOut | UnsetType, Meta(description="Of a step that was taken from a script template.")] = UNSET
    tree: Annotated[StepTreeOut | None, Meta(description="The node of a tree that it was taken at.")] = None

    @classmethod
    def of(cls, step: Step, names: Mapping[UserId, str]) -> "StepOut":
        """As clients read it."""
        return cls(**_step(step, names))


class ThumbsOut(msgspec.Struct, kw_only=True, frozen=True):
    """What many think of a step, or of a node of a tree."""

    up: int
    down: int
    lower_bound: Annotated[float, Meta(description="The least share of thumbs up that these agree with at 95 %; nought without any.")]

    @classmethod
    def of(cls, thumbs: Thumbs) -> "ThumbsOut":
        """As clients read it."""
        return cls(up=thumbs.up, down=thumbs.down, lower_bound=round(thumbs.lower_bound, 4))


UNRATED: Final = ThumbsOut.of(NO_THUMBS)


class StepInSession(StepOut, kw_only=True, frozen=True):
    """A step among the others of its session."""

    thumbs: ThumbsOut

    @classmethod
    def rated(cls, step: Step, names: Mapping[UserId, str], thumbs: Thumbs | None) -> "StepInSession":
        """As clients read it."""
        return cls(**_step(step, names), thumbs=UNRATED if thumbs is None else ThumbsOut.of(thumbs))


class AddedStepOut(StepOut, kw_only=True, frozen=True):
    """A step that was just added."""

    other_branch: Annotated[
        BranchOut | UnsetType,
        Meta(description="Where it seems to belong: said if no `branch_id` was sent and it fits another hypothesis than its branch's."),
    ] = UNSET

    @classmethod
    def made(cls, added: Added, names: Mapping[UserId, str]) -> "AddedStepOut":
        """As clients read it."""
        return cls(**_step(added.step, names), other_branch=UNSET if added.other_branch is None else BranchOut.of(added.other_branch))


class ResolutionOut(msgspec.Struct, kw_only=True, frozen=True):
    """What solved it."""

    summary: str
    root_cause: str | None


class DebriefOut(msgspec.Struct, kw_only=True, frozen=True):
    """What whoever had escalated it learns: what solved it, where the investigation had split, and who."""

    handoff_id: UUID
    escalated_by: PersonOut
    summary: str
    root_cause: str | None
    resolved_by: PersonOut
    resolved_at: Instant
    branch: BranchOut
    fork_point: Annotated[ForkPointOut | None, Meta(description="Where that branch began; null for the root.")]
    step: Annotated[StepOut | None, Meta(description="The last step there that worked.")]

    @classmethod
    def of(cls, found: Debrief, names: Mapping[UserId, str]) -> "DebriefOut":
        """As clients read it."""
        return cls(
            handoff_id=found.handoff_id,
            escalated_by=person(found.escalated_by, names),
            summary=found.summary,
            root_cause=found.root_cause,
            resolved_by=person(found.resolved_by, names),
            resolved_at=found.resolved_at,
            branch=BranchOut.of(found.branch),
            fork_point=None if found.fork_point is None else ForkPointOut.of(found.fork_point, names),
            step=None if found.step is None else StepOut.of(found.step, names),
        )


class SessionOut(msgspec.Struct, kw_only=True, frozen=True):
    """A session in a list."""

    id: UUID
    version: int
    status: Status
    title: str
    problem: str
    client_name: str | None
    ticket: TicketOut | None
    priority: Priority
    team_id: UUID | None
    assignee_id: UUID
    helper_ids: list[UUID]
    created_by: PersonOut
    created_at: Instant
    updated_at: Instant
    active_branch_id: UUID
    maintenance: Annotated[WindowOut | None, Meta(description="While its client's machines are looked after.")]

    @classmethod
    def of(cls, session: Session, names: Mapping[UserId, str]) -> "SessionOut":
        """As clients read it."""
        return cls(**_common(session, names))


class SessionDetailOut(SessionOut, kw_only=True, frozen=True):
    """One session with all that stands around it."""

    ticket_facts: Annotated[TicketFactsOut | None, Meta(description="Read from the PSA after the session began; null where it was not.")]
    resolution: ResolutionOut | None
    debrief: Annotated[DebriefOut | None, Meta(description="Of a resolved session that had been escalated by somebody else.")]
    escalation_package: Annotated[dict[str, Any] | None, Meta(description="The older readers' copy of the last escalation.")]
    branches: list[BranchOut]
    fork_points: list[ForkPointOut]
    steps: list[StepInSession]
    handoffs: list[HandoffInSession]
    walk: Annotated[WalkOut | None, Meta(description="Where it stands in the tree that it follows.")] = None

    @classmethod
    def shown(cls, detail: SessionDetail) -> "SessionDetailOut":
        """As clients read it."""
        session, names = detail.session, detail.names
        resolution = session.resolution
        package = session.escalation_package
        found = debrief(session, detail.steps, detail.handoffs)
        return cls(
            **_common(session, names),
            ticket_facts=None if session.ticket_facts is None else msgspec.convert(session.ticket_facts, TicketFactsOut),
            resolution=None if resolution is None else ResolutionOut(summary=resolution.summary, root_cause=resolution.root_cause),
            debrief=None if found is None else DebriefOut.of(found, names),
            escalation_package=None if package is None else dict(package),
            branches=[BranchOut.of(branch) for branch in session.branches.all],
            fork_points=[ForkPointOut.of(fork, names) for fork in session.branches.fork_points],
            steps=[StepInSession.rated(step, names, detail.thumbs.get(step.id)) for step in detail.steps],
            handoffs=[HandoffInSession.of(handoff, names) for handoff in detail.handoffs],
            walk=WalkOut.of(session, detail.steps),
        )


def _step(step: Step, names: Mapping[UserId, str]) -> dict[str, Any]:
    return {
        "id": step.id,
        "branch_id": step.branch_id,
        "number": step.number,
        "kind": step.kind,
        "content": step.content,
        "result": step.result,
        "evidence": step.evidence,
        "pictures": [PictureOut.of(picture) for picture in step.pictures],
        "created_by": person(step.created_by, names),
        "created_at": step.created_at,
        "updated_at": step.updated_at,
        "script": StepScriptOut.of(step.script),
        "tree": StepTreeOut.of(step.node),
    }


def _common(session: Session, names: Mapping[UserId, str]) -> dict[str, Any]:
    return {
        "id": session.id,
        "version": session.version,
        "status": session.status,
        "title": session.title,
        "problem": session.problem,
        "client_name": session.client_name,
        "ticket": TicketOut.of(session.ticket),
        "priority": session.priority,
        "team_id": session.team_id,
        "assignee_id": session.assignee_id,
        "helper_ids": sorted(session.helper_ids),
        "created_by": person(session.created_by, names),
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "active_branch_id": session.branches.active_id,
        "maintenance": WindowOut.of(session.window),
    }
