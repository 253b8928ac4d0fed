"""Proposals: made by the relay of what resolved sessions taught, and decided on by people."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.assistant.similar_sessions import CANDIDATES, similar_to
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import PLAIN, Cause, Reaction, Request, Units
from flowpilot_core.application.relay.leases import drop, take_turn
from flowpilot_core.domain.handoffs.debrief import solved_by
from flowpilot_core.domain.kernel.actor import Actor, System
from flowpilot_core.domain.kernel.events import EventKind
from flowpilot_core.domain.kernel.identifiers import BranchId, SessionId, TreeId, TreeProposalId, UserId
from flowpilot_core.domain.kernel.permissions import Permission, require_role
from flowpilot_core.domain.knowledge.content import EMPTY, Content, Node, NodeId, TreeKind
from flowpilot_core.domain.knowledge.diff import TreeDiff, difference
from flowpilot_core.domain.knowledge.grafting import grafted
from flowpilot_core.domain.knowledge.ownership import Owner, Ref
from flowpilot_core.domain.knowledge.proposal import (
    FEWEST_ALIKE,
    NONE_OF_THIS,
    ProposalMove,
    ProposalState,
    TreeProposal,
    WayOn,
    left_on_the_way,
)
from flowpilot_core.domain.knowledge.saving import as_label, as_name
from flowpilot_core.domain.knowledge.template import CopiedFrom, TemplateState
from flowpilot_core.domain.knowledge.tree import Tree
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import AssistantView, Redactor
from flowpilot_core.ports.kernel import Clock, Compute, NewId, ViewOf
from flowpilot_core.ports.knowledge import KnowledgeView, KnowledgeWork, SessionNamed
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

from .names import names_of
from .saving import written_down
from .trees import edited
from .uses import note_use
from .walks import fitting_trees


class ProposingNeeds(KnowledgeWork, SessionWork, RelayWork, Protocol):
    """What is proposed here asks this of a unit of work."""


class ProposingSees(KnowledgeView, AssistantView, Protocol):
    """What is proposed here asks this of a view."""


class DecidingNeeds(KnowledgeWork, AccessWork, RelayWork, Protocol):
    """What is decided here asks this of a unit of work."""


WHY = "a session was resolved"
"""The cause of what the system does here."""


def propose_trees(new_id: NewId) -> Reaction[KnowledgeWork]:
    """The reaction by which it is looked at what a resolved session taught."""

    async def propose(work: KnowledgeWork, cause: Cause) -> None:
        if cause.kind is EventKind.SESSION_RESOLVED:
            await work.tree_proposals.ask(new_id(), caused_by=cause.id)

    return propose


@frozen(kw_only=True)
class Lesson:
    """What a resolved session may teach: how to go on from where its tree was left, or how to solve what it and others like it had."""

    left: BranchId | None = None
    tree: Ref[TreeId] | None = None
    node_id: NodeId | None = None
    reason: str | None = None
    alike: tuple[SessionId, ...] = ()


@frozen(kw_only=True)
class ProposeTree:
    """Does the work of proposing what one session taught; whatever comes of it, nobody waits for it and nothing fails for it."""

    units: Units[ProposingNeeds]
    view: ViewOf[ProposingSees]
    redact: Redactor
    clock: Clock
    new_id: NewId
    compute: Compute = compute_here

    async def do(self, lease: Lease) -> None:
        """Propose it, unless the same was proposed before: then the session leads there too."""
        if lease.target is None:
            await drop(self.units.begin, lease)
            return
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            detail = await work.sessions.detail(SessionId(lease.target))
        lesson = await self._lesson(lease, detail)
        if lesson is None:
            await drop(self.units.begin, lease)
            return
        async with self.units.begin(lease.account_id) as work:
            drawn = None if await _known(work, lesson, detail) else await self._drawn(lease, detail, lesson)

        async def turn(work: ProposingNeeds) -> None:
            known = await _known(work, lesson, detail)
            if known is not None:
                await work.tree_proposals.join(known, detail.session.id)
            elif drawn is not None:
                await work.tree_proposals.add(drawn, {detail.session.id, *lesson.alike})

        await take_turn(self.units, lease, System(account_id=lease.account_id, cause=WHY), turn)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """Nothing is proposed."""
        await drop(self.units.begin, lease)

    async def _lesson(self, lease: Lease, detail: SessionDetail) -> Lesson | None:
        """None: the tree led to the solution, or some tree fits, or hardly anything like it was solved."""
        session = detail.session
        if session.status is not Status.RESOLVED:
            return None
        if session.walk is not None:
            place = left_on_the_way(session, solved_by(session, detail.steps).branch.id)
            if place is None or place.left is None:
                return None
            tree = Ref(id=session.walk.tree_id, owner=Owner.PLATFORM if session.walk.of_platform else Owner.ACCOUNT)
            return Lesson(left=place.branch_id, tree=tree, node_id=NodeId(place.left.node_id), reason=place.left.reason)
        view = self.view(lease.account_id)
        if await fitting_trees(view, session):
            return None
        about = (session.problem, *(step.content for step in detail.steps))
        alike = await similar_to(view, session.title, about, without=session.id, most=CANDIDATES)
        return Lesson(alike=tuple(one.session_id for one in alike)) if len(alike) >= FEWEST_ALIKE else None

    async def _drawn(self, lease: Lease, detail: SessionDetail, lesson: Lesson) -> TreeProposal:
        session = detail.session
        beside = (session.title, lesson.reason or NONE_OF_THIS)
        written = await written_down(lease.account_id, detail, redact=self.redact, compute=self.compute, left=lesson.left, beside=beside)
        title, answer = written.beside
        way_on = None
        if lesson.tree is not None and lesson.node_id is not None:
            way_on = WayOn(tree=lesson.tree, node_id=lesson.node_id, answer=as_label(answer))
        return TreeProposal(
            id=TreeProposalId(self.new_id()),
            session_id=session.id,
            way_on=way_on,
            name=as_name(title),
            content=written.content,
            created_at=self.clock.now(),
        )


async def _known(work: KnowledgeWork, lesson: Lesson, detail: SessionDetail) -> TreeProposal | None:
    """What was proposed before of the same."""
    if lesson.tree is not None and lesson.node_id is not None:
        return await work.tree_proposals.at_node(lesson.tree, lesson.node_id)
    return await work.tree_proposals.covering({detail.session.id, *lesson.alike})


@frozen(kw_only=True)
class ProposalShown:
    """A proposal, with the sessions that lead there as far as its reader may read them, and what whoever decided is called."""

    proposal: TreeProposal
    sessions: Sequence[SessionNamed]
    names: Mapping[UserId, str]

    @property
    def because(self) -> str:
        """Why it is proposed."""
        return self.proposal.because(len(self.sessions))


@frozen(kw_only=True)
class Grown:
    """A tree with what is proposed for it."""

    tree: Tree
    before: Content
    after: Content


@frozen(kw_only=True)
class ProposalDetail:
    """A proposal, with what accepting it would change."""

    shown: ProposalShown
    tree: Tree | None
    """The one that was left."""
    node: Node | None
    """The node at which it was left, where the tree still has a place for the way on; else it becomes a tree of its own."""
    after: Content
    """What the tree says then."""
    diff: TreeDiff


@frozen(kw_only=True)
class TreeProposals:
    """What is proposed to the actor's account. Everything raises `RoleForbidden`, and `NotFound` for what is not there."""

    units: Units[DecidingNeeds]
    clock: Clock
    new_id: NewId

    async def list(self, actor: Actor, state: ProposalState | None, *, after: TreeProposalId | None, limit: int) -> Sequence[ProposalShown]:
        """Those in this state or in any, newest first."""
        require_role(actor, Permission.READ_PROPOSALS)
        async with self.units.begin(actor.account_id) as work:
            return await _shown(work, actor, await work.tree_proposals.listed(state, after=after, limit=limit))

    async def get(self, actor: Actor, proposal_id: TreeProposalId) -> ProposalShown:
        """One."""
        async with self.units.begin(actor.account_id) as work:
            proposal = await work.tree_proposals.get(proposal_id)
            require_role(actor, Permission.READ_PROPOSALS)
            return (await _shown(work, actor, [proposal]))[0]

    async def look(self, actor: Actor, proposal_id: TreeProposalId) -> ProposalDetail:
        """One, with what it would change as things are now; of one that was decided on, all of it."""
        async with self.units.begin(actor.account_id) as work:
            proposal = await work.tree_proposals.get(proposal_id)
            require_role(actor, Permission.READ_PROPOSALS)
            (shown,) = await _shown(work, actor, [proposal])
            way_on = proposal.way_on
            tree = await work.trees.get(way_on.tree.id) if way_on else None
            grown = await _grown(work, proposal) if proposal.state is ProposalState.OPEN else None
        before, after = (grown.before, grown.after) if grown else (EMPTY, proposal.content)
        node = before.by_id.get(way_on.node_id) if way_on else None
        return ProposalDetail(shown=shown, tree=tree, node=node, after=after, diff=difference(before, after))

    async def require(self, actor: Actor, proposal_id: TreeProposalId) -> None:
        """Raises `NotFound`."""
        async with self.units.begin(actor.account_id) as work:
            await work.tree_proposals.get(proposal_id)

    async def accept(self, actor: Actor, proposal_id: TreeProposalId, *, request: Request = PLAIN) -> ProposalShown:
        """It is in a draft from now on: of the tree that it goes on from, of a copy where that is the platform's, or of a new tree.

        Raises `InvalidTransition` once it was decided on, and `DraftTaken` where somebody else is writing at the tree.
        """

        async def unit(work: DecidingNeeds) -> ProposalShown:
            proposal = await work.tree_proposals.get(proposal_id)
            proposal.require_decidable(actor, ProposalMove.ACCEPT)
            tree_id = await self._draft(work, actor, proposal)
            return await self._decided(work, actor, proposal.accepted(tree_id, by=actor, at=self.clock.now()))

        return await self.units.run(actor, unit, request)

    async def reject(self, actor: Actor, proposal_id: TreeProposalId, reason: str, *, request: Request = PLAIN) -> ProposalShown:
        """It is never proposed again. Raises `InvalidValue`, and `InvalidTransition` once it was decided on."""

        async def unit(work: DecidingNeeds) -> ProposalShown:
            proposal = await work.tree_proposals.get(proposal_id)
            return await self._decided(work, actor, proposal.rejected(reason, by=actor, at=self.clock.now()))

        return await self.units.run(actor, unit, request)

    async def _decided(self, work: DecidingNeeds, actor: Actor, proposal: TreeProposal) -> ProposalShown:
        await work.tree_proposals.save(proposal)
        return (await _shown(work, actor, [proposal]))[0]

    async def _draft(self, work: DecidingNeeds, actor: Actor, proposal: TreeProposal) -> TreeId:
        at, grown = self.clock.now(), await _grown(work, proposal)
        if grown is not None and grown.tree.owner is Owner.of(actor.account_id):
            await work.trees.save(await edited(work, grown.tree, grown.after, by=actor, at=at))
            return grown.tree.id
        origin = None
        if grown is not None and grown.tree.revision is not None:
            origin = CopiedFrom(template=Ref(id=grown.tree.id, owner=grown.tree.owner), revision=grown.tree.revision)
            await note_use(work, origin.template, new_id=self.new_id, at=at)
        new = Tree.drafted(
            TreeId(self.new_id()),
            kind=grown.tree.kind if grown else TreeKind.TROUBLESHOOTING,
            name=grown.tree.name if grown else proposal.name,
            description=grown.tree.description if grown else None,
            category=grown.tree.category if grown else None,
            content=grown.after if grown else proposal.content,
            copied_from=origin,
            from_session_id=proposal.session_id,
            by=actor,
            at=at,
        )
        await work.trees.add(new)
        return new.id


async def _grown(work: KnowledgeWork, proposal: TreeProposal) -> Grown | None:
    """None where it is a tree of its own: proposed as one, or because its tree was put away or has no room for it at that node."""
    if proposal.way_on is None:
        return None
    tree = await work.trees.get(proposal.way_on.tree.id)
    if tree.state is not TemplateState.PUBLISHED or tree.revision is None:
        return None
    before = tree.draft.content if tree.draft else (await work.trees.revision(tree.id, tree.revision)).content
    after = grafted(before, tree.kind, proposal.way_on.node_id, proposal.content, proposal.way_on.answer)
    return None if after is None else Grown(tree=tree, before=before, after=after)


async def _shown(work: DecidingNeeds, actor: Actor, proposals: Sequence[TreeProposal]) -> Sequence[ProposalShown]:
    sessions = await work.tree_proposals.sessions([one.id for one in proposals], actor)
    names = await names_of(work, {one.decided_by for one in proposals})
    return [ProposalShown(proposal=one, sessions=sessions[one.id], names=names) for one in proposals]
