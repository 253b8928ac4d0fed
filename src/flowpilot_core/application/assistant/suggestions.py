"""Use cases of suggestions: ask for some, read them, decide on one; and how a model's is made after the commit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, Protocol, TypeVar

from attrs import evolve, frozen

from flowpilot_core.application.handoffs.current_snapshot import pictured
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import PLAIN, Joined, Request, Units
from flowpilot_core.application.sessions.sessions import readable
from flowpilot_core.domain.assistant import rules as assessor
from flowpilot_core.domain.assistant.doings import InVain
from flowpilot_core.domain.assistant.suggestion import TREE, Proposal, Suggestion, SuggestionState, ranked
from flowpilot_core.domain.handoffs.case_file import CaseFile
from flowpilot_core.domain.kernel.actor import Actor, Person
from flowpilot_core.domain.kernel.errors import InvalidValue, NotFound
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import BranchId, HandoffId, SessionId, StepId, SuggestionId
from flowpilot_core.domain.kernel.permissions import Permission, person, require
from flowpilot_core.domain.kernel.transitions import advance
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds
from flowpilot_core.domain.sessions.session import SESSION, Session, SessionMove
from flowpilot_core.domain.sessions.step import Step, StepKind, StepResult
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import AssistantView, AssistantWork, Question, Redactor, SuggestionSource
from flowpilot_core.ports.kernel import Clock, Compute, NewId, ViewOf
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionView, SessionWork

from .models import NOBODY, NOTHING, Models
from .redaction import Case, case_of
from .rules_assistant import drafted
from .similar_sessions import cases_of, cleaned, similar_to


class SuggestionsNeeds(AssistantWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


W = TypeVar("W", bound=SuggestionsNeeds)


@frozen(kw_only=True)
class Doing:
    """What came of a suggestion by the time that it is taken up."""

    answers: tuple[str, ...] = ()
    """Of a question of the tree."""
    result: StepResult | None = None
    evidence: str | None = None


NOTHING_YET: Final = Doing()

TakeNode = Callable[[W, Session, str, BranchId, Doing, Person], Awaitable[tuple[Session, Step, Sequence[Event]]]]
"""Does the node that waits in that branch: the session as it goes on, and the step."""


class SuggestionsSees(AssistantView, SessionView, Protocol):
    """What is done here asks this of a view."""


log = logging.getLogger("flowpilot.suggestions")

SIMILAR = "similar"
RULES = "rules"
MODEL = "model"


@frozen
class SimilarSessions:
    """Proposes what solved similar sessions."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        """As `SuggestionSource.propose` says."""
        return [Proposal(content=f"Try what solved “{one.title}”: {one.summary}", source=SIMILAR) for one in question.similar]


@frozen
class Rules:
    """Proposes the checks that the rules would do next."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        """As `SuggestionSource.propose` says."""
        draft = assessor.assess(CaseFile.of(question.snapshot))
        return [Proposal(content=said.text, cites=said.cites, source=RULES) for said in draft.next_steps]


@frozen
class Walking:
    """Proposes the node of the tree that waits in the active branch."""

    def propose(self, question: Question) -> Sequence[Proposal]:
        """As `SuggestionSource.propose` says."""
        walk, branches = question.snapshot.get("walk"), question.snapshot["branches"]
        if not isinstance(walk, dict) or not isinstance(branches, list):
            return []
        active = [branch["id"] for branch in branches if isinstance(branch, dict) and branch["active"]]
        places = walk["places"]
        nodes = [one["node"] for one in places if isinstance(one, dict) and one["branch_id"] in active] if isinstance(places, list) else []
        return [
            Proposal(content=str(node["text"]), kind=StepKind(str(node["kind"])), source=TREE, node_id=str(node["id"]))
            for node in nodes
            if isinstance(node, dict)
        ]


SOURCES: tuple[SuggestionSource, ...] = (Walking(), Rules(), SimilarSessions())
"""Who is asked, in the order of their proposals where nothing was accepted before."""


async def question_about(case: Case, view: ViewOf[SuggestionsSees]) -> Question:
    """What a source is asked about a session as it is now: the same picture that an escalation would freeze, without secrets."""
    session = case.detail.session
    about = (session.problem, *(step.content for step in case.detail.steps))
    similar = await similar_to(view(case.account_id), session.title, about, without=session.id)
    clean = await case.cleaner(await cases_of(view(case.account_id), similar), within=session.id)
    return Question(
        account_id=case.account_id,
        handoff_id=HandoffId(session.id),
        snapshot=await case.without_secrets(await asyncio.to_thread(pictured, case.detail, "asks what to do next"), clean),
        similar=cleaned(similar, clean),
    )


@frozen(kw_only=True)
class Suggestions(Generic[W]):
    """Suggestions in sessions of the actor's account. Everything raises `NotFound` for what is not this actor's to know of."""

    units: Units[W] | Joined[W]
    view: ViewOf[SuggestionsSees]
    clock: Clock
    new_id: NewId
    redact: Redactor
    """What one session names as a secret is none of another's, where what solved the one is proposed in the other."""
    sources: Sequence[SuggestionSource] = SOURCES
    models: bool = False
    """Whether a model is asked too, after the commit."""
    bounds: Bounds = BOUNDS
    """How much a session may hold."""
    compute: Compute = compute_here
    take_node: TakeNode[W] | None = None
    """How a node of a tree is done; without it what the tree proposes becomes a step like any other."""

    async def list(self, actor: Actor, session_id: SessionId) -> Sequence[Suggestion]:
        """All of a session, newest first."""
        view = self.view(actor.account_id)
        readable(await view.session(session_id), actor)
        return await view.suggestions(session_id)

    async def ask(self, actor: Actor, session_id: SessionId, *, request: Request = PLAIN) -> Sequence[Suggestion]:
        """Some next steps for the active branch, best first: proposed at once, and one more to come from a model where there is one.

        Where there is nothing to propose, that one has failed.
        """
        by = person(actor, Permission.WORK)
        detail = readable(await self.view(actor.account_id).session(session_id), actor)
        _require_work(detail.session, by)
        question = await question_about(Case(account_id=actor.account_id, detail=detail, redact=self.redact), self.view)
        proposals = await self.compute(actor.account_id, proposed, self.sources, question)

        async def unit(work: W) -> Sequence[Suggestion]:
            session = await work.sessions.get(session_id)
            session.require_readable(actor)
            _require_work(session, by)
            session.require_version(request.if_match)
            known = await work.suggestions.of(session_id)
            record = await work.suggestions.record([proposal.content for proposal in proposals])
            steps = {str(step.id): step.id for step in detail.steps}
            made = [
                self._new(session, by).proposed(proposal, [steps[one] for one in proposal.cites if one in steps])
                for proposal in ranked(proposals, record, known)
            ]
            if self.models:
                made.append(self._new(session, by))
            made = made or [self._new(session, by).failed("nothing on record points to a next step")]
            await work.suggestions.add(made)
            return made

        return await self.units.run(actor, unit, request)

    async def decide(
        self,
        actor: Actor,
        session_id: SessionId,
        suggestion_id: SuggestionId,
        *,
        accept: bool,
        doing: Doing = NOTHING_YET,
        reason: str | None = None,
        request: Request = PLAIN,
    ) -> SessionDetail:
        """Take a suggestion up, which makes it a step of its branch, or reject it. Returns the session as it is then.

        What waits in the tree is done by that, and the walk moves on: raises also what `Walks.step` raises.
        """
        by = person(actor, Permission.WORK)

        async def unit(work: W) -> SessionDetail:
            session = await work.sessions.get(session_id)
            session.require_readable(actor)
            suggestion = await work.suggestions.get(suggestion_id)
            suggestion.require_of(session_id)
            if accept:
                suggestion.require_decidable(session, by)
                changed, step, events = await self._done(work, session, suggestion, doing, by)
                decided = suggestion.accepted(session, step.id, by=by)
                session.require_version(request.if_match)
                # The step first: a fork may be at it.
                await work.sessions.add_step(step)
                await work.sessions.save(changed)
                for event in events:
                    await self.units.record(work, event, request)
            else:
                decided = suggestion.rejected(session, reason, by=by)
                session.require_version(request.if_match)
            await work.suggestions.save(decided)
            return readable(await work.sessions.detail(session_id), actor)

        return await self.units.run(actor, unit, request)

    async def _done(
        self, work: W, session: Session, suggestion: Suggestion, doing: Doing, by: Person
    ) -> tuple[Session, Step, Sequence[Event]]:
        if suggestion.node_id is not None and self.take_node is not None:
            return await self.take_node(work, session, suggestion.node_id, suggestion.branch_id, doing, by)
        if doing.answers:
            raise InvalidValue("answers", "are for a question of the tree alone")
        changed, step, event = session.with_step(
            StepId(self.new_id()),
            kind=suggestion.kind,
            content=suggestion.content,
            branch_id=suggestion.branch_id,
            result=doing.result,
            evidence=doing.evidence,
            by=by,
            at=self.clock.now(),
            bounds=self.bounds,
        )
        return changed, step, [event]

    def _new(self, session: Session, by: Person) -> Suggestion:
        return Suggestion(
            id=SuggestionId(self.new_id()),
            session_id=session.id,
            branch_id=session.branches.active_id,
            source=MODEL,
            requested_by=by.user_id,
            requested_at=self.clock.now(),
        )


@frozen(kw_only=True)
class MakeSuggestion:
    """Does the work of one suggestion that a model is to make."""

    units: Units[SuggestionsNeeds]
    view: ViewOf[SuggestionsSees]
    redact: Redactor
    models: Models | None = None
    compute: Compute = compute_here

    async def do(self, lease: Lease) -> None:
        """Ask for it, outside any unit of work, and keep what comes of it under the lease."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            suggestion = await work.suggestions.get(SuggestionId(lease.work_id))
            case = await case_of(work, await work.people.account(), suggestion.session_id, self.redact)
        question = await question_about(case, self.view)
        question = evolve(question, rules=await self.compute(lease.account_id, drafted, question))
        opinion, problem = (None, NOBODY) if self.models is None else await self.models.asked(question)
        said = opinion.draft.next_steps if opinion else ()
        made = [Proposal(content=one.text, cites=one.cites, source=MODEL) for one in said]
        proposals = await self.compute(lease.account_id, _new_here, made, question)
        await self._settle(lease, case.detail, proposals, problem or NOTHING)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """Nothing comes of it."""
        async with self.units.begin(lease.account_id) as work:
            if await work.due.finish(lease):
                with suppress(NotFound):
                    suggestion = await work.suggestions.get(SuggestionId(lease.work_id))
                    if suggestion.state is SuggestionState.PENDING:
                        await work.suggestions.save(suggestion.failed(problem))
                await work.commit()

    async def _settle(self, lease: Lease, detail: SessionDetail, proposals: Sequence[Proposal], problem: str) -> None:
        steps = {str(step.id): step.id for step in detail.steps}
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            suggestion = await work.suggestions.get(SuggestionId(lease.work_id))
            if suggestion.state is SuggestionState.PENDING:
                record = await work.suggestions.record([proposal.content for proposal in proposals])
                best = ranked(proposals, record, await work.suggestions.of(suggestion.session_id))[:1]
                made = [suggestion.proposed(one, [steps[cited] for cited in one.cites if cited in steps]) for one in best]
                await work.suggestions.save(made[0] if made else suggestion.failed(problem))
            await work.commit()


def proposed(sources: Sequence[SuggestionSource], question: Question) -> Sequence[Proposal]:
    """What the sources propose, but for what was done here in vain."""
    return _new_here([proposal for source in sources for proposal in _proposed(source, question)], question)


def _proposed(source: SuggestionSource, question: Question) -> Sequence[Proposal]:
    try:
        return source.propose(question)
    except Exception:
        # A source that breaks is no reason to suggest nothing.
        log.exception("a source of suggestions failed", extra={"source": type(source).__name__})
        return ()


def _new_here(proposals: Sequence[Proposal], question: Question) -> Sequence[Proposal]:
    """The proposals, whoever makes them, but for what was done here in vain."""
    vain = InVain.of(CaseFile.of(question.snapshot).steps)
    return [proposal for proposal in proposals if not vain.again(proposal.content)]


def _require_work(session: Session, by: Person) -> None:
    require(by, Permission.WORK, session.id, session.assignee_id)
    advance(SESSION, session.status, SessionMove.WORK, thing="session")
    session.branches.for_steps(None)
