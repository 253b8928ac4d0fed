"""What a repeat of a request is answered with where the first answer was too large to be kept: the thing, as it is by now."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import msgspec

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.knowledge.walks import Walked
from flowpilot_core.application.sessions.sessions import Added
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import (
    AssessmentId,
    HandoffId,
    MaintenanceRunId,
    MaintenanceScheduleId,
    OutputId,
    PsaConnectionId,
    PsaPostId,
    ScriptTemplateId,
    SessionId,
    TeamId,
    TreeId,
    TreeProposalId,
    UserId,
    WebhookId,
    WebhookMessageId,
)
from flowpilot_core.ports.psa import PostFilter
from flowpilot_http.schemas.access.people import TeamOut, UserOut
from flowpilot_http.schemas.assistant.assessments import AssessmentOut
from flowpilot_http.schemas.assistant.suggestions import SuggestedOut
from flowpilot_http.schemas.handoffs.handoffs import HandoffOut
from flowpilot_http.schemas.knowledge.proposals import ProposalOut
from flowpilot_http.schemas.knowledge.script_templates import RenderedOut, ScriptTemplateDetailOut, TakenScriptOut
from flowpilot_http.schemas.knowledge.trees import TreeDetailOut
from flowpilot_http.schemas.knowledge.walks import WalkedOut
from flowpilot_http.schemas.maintenance import RunOut, ScheduleOut
from flowpilot_http.schemas.notifications.escalation_policy import PolicyIO, PreferencesIO
from flowpilot_http.schemas.notifications.webhooks import WebhookMessageOut
from flowpilot_http.schemas.outputs import OutputOut
from flowpilot_http.schemas.psa import ConnectionOut, PostOut
from flowpilot_http.schemas.sessions import AddedStepOut, BranchOut, ForkedOut, ForkPointOut, SessionDetailOut, StepOut

from .responses import encode

T = TypeVar("T", bound="_Identified")

_MARK: Final = b"\0"
"""What no JSON begins with."""


class _Identified(Protocol):
    @property
    def id(self) -> UUID: ...


class Reference(msgspec.Struct, kw_only=True, frozen=True):
    """Which thing an answer showed."""

    kind: str
    ids: list[UUID]
    """Its own, and those of what is shown with it."""
    within: UUID | None
    """The thing it belongs to, by the path of the request."""


def referring(answer: object, within: UUID | None) -> bytes:
    """What is kept in place of an answer that is too large."""
    ids = [shown.id for shown in (answer, *getattr(answer, "more", ())) if hasattr(shown, "id")]
    return _MARK + encode(Reference(kind=type(answer).__name__, ids=ids, within=within))


async def made_anew(kept: bytes, flowpilot: FlowPilot, reader: Person) -> bytes:
    """The body of the answer that `kept` is or refers to. Raises what reading the thing raises, such as `NotFound`."""
    if not kept.startswith(_MARK):
        return kept
    reference = msgspec.json.decode(kept[len(_MARK) :], type=Reference)
    return encode(await ANEW[reference.kind](flowpilot, reader, reference))


async def _session(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return SessionDetailOut.shown(await flowpilot.sessions.get(reader, SessionId(of.ids[0])))


async def _step(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    detail = await flowpilot.sessions.get(reader, SessionId(_within(of)))
    return StepOut.of(_one(detail.steps, of.ids[0], "step"), detail.names)


async def _script_template(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return ScriptTemplateDetailOut.shown(await flowpilot.script_templates.get(reader, ScriptTemplateId(of.ids[0])))


async def _taken_script(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    detail = await flowpilot.sessions.get(reader, SessionId(_within(of)))
    step = _one(detail.steps, of.ids[0], "step")
    if step.script is None:
        raise NotFound("script")
    rendered = RenderedOut.of(await flowpilot.script_templates.taken(reader, step.script))
    return TakenScriptOut(**msgspec.structs.asdict(rendered), step=AddedStepOut.made(Added(step=step, other_branch=None), detail.names))


async def _walked(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    detail = await flowpilot.walks.get(reader, SessionId(_within(of)))
    return WalkedOut.of(Walked(step=_one(detail.steps, of.ids[0], "step"), detail=detail))


async def _fork(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    detail = await flowpilot.sessions.get(reader, SessionId(_within(of)))
    branches = detail.session.branches
    fork = _one(branches.fork_points, of.ids[0], "fork point")
    shown = ForkPointOut.of(fork, detail.names)
    return ForkedOut(**msgspec.structs.asdict(shown), branches=[BranchOut.of(branches.get(one)) for one in fork.branch_ids])


async def _handoff(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return HandoffOut.shown(await flowpilot.handoffs.get(reader, HandoffId(of.ids[0])))


async def _output(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return OutputOut.of(await flowpilot.outputs.get(reader, SessionId(_within(of)), OutputId(of.ids[0])))


async def _suggested(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    found = await flowpilot.suggestions.list(reader, SessionId(_within(of)))
    return SuggestedOut.all([_one(found, one, "suggestion") for one in of.ids])


async def _assessment(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    after = AssessmentId(_next(of.ids[0]))
    found = await flowpilot.assessments.list(reader, HandoffId(_within(of)), after=after, limit=1)
    return AssessmentOut.of(_one([one.assessment for one in found], of.ids[0], "assessment"))


async def _tree(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return TreeDetailOut.shown(await flowpilot.trees.get(reader, TreeId(of.ids[0])))


async def _proposal(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return ProposalOut.shown(await flowpilot.tree_proposals.get(reader, TreeProposalId(of.ids[0])))


async def _schedule(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return ScheduleOut.of(await flowpilot.maintenance.get(reader, MaintenanceScheduleId(of.ids[0])))


async def _run(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return RunOut.of(await flowpilot.maintenance.run(reader, MaintenanceRunId(of.ids[0])))


async def _policy(flowpilot: FlowPilot, reader: Person, _: Reference) -> object:
    return PolicyIO.of(await flowpilot.escalation.policy(reader))


async def _preferences(flowpilot: FlowPilot, reader: Person, _: Reference) -> object:
    return PreferencesIO.of(await flowpilot.escalation.preferences(reader))


async def _user(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return UserOut.of(await flowpilot.people.member(reader, UserId(of.ids[0])))


async def _team(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    return TeamOut.of(await flowpilot.people.team(reader, TeamId(of.ids[0])))


async def _connection(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    connection = await flowpilot.psa.get(reader, PsaConnectionId(of.ids[0]))
    return ConnectionOut.of(connection, flowpilot.psa.notices(connection))


async def _post(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    found = await flowpilot.psa.posts(reader, PostFilter(), after=PsaPostId(_next(of.ids[0])), limit=1)
    return PostOut.of(_one(found, of.ids[0], "post"))


async def _message(flowpilot: FlowPilot, reader: Person, of: Reference) -> object:
    before = WebhookMessageId(_next(of.ids[0]))
    found = await flowpilot.webhooks.messages(reader, WebhookId(_within(of)), before=before, limit=1)
    return WebhookMessageOut.of(_one(found, of.ids[0], "message"))


ANEW: Final[Mapping[str, Callable[[FlowPilot, Person, Reference], Awaitable[Any]]]] = MappingProxyType(
    {
        kind.__name__: read
        for kind, read in {
            SessionDetailOut: _session,
            StepOut: _step,
            AddedStepOut: _step,
            ScriptTemplateDetailOut: _script_template,
            TakenScriptOut: _taken_script,
            WalkedOut: _walked,
            ForkedOut: _fork,
            HandoffOut: _handoff,
            OutputOut: _output,
            SuggestedOut: _suggested,
            AssessmentOut: _assessment,
            TreeDetailOut: _tree,
            ProposalOut: _proposal,
            ScheduleOut: _schedule,
            RunOut: _run,
            PolicyIO: _policy,
            PreferencesIO: _preferences,
            UserOut: _user,
            TeamOut: _team,
            ConnectionOut: _connection,
            PostOut: _post,
            WebhookMessageOut: _message,
        }.items()
    }
)
"""How to read anew what may be too large to be kept, by how it is shown."""


def _within(of: Reference) -> UUID:
    assert of.within is not None
    return of.within


def _one(found: Iterable[T], wanted: UUID, thing: str) -> T:
    """Raises `NotFound`."""
    for one in found:
        if one.id == wanted:
            return one
    raise NotFound(thing)


def _next(wanted: UUID) -> UUID:
    """What a list, newest first, is read from to begin with that one."""
    return UUID(int=wanted.int + 1)
