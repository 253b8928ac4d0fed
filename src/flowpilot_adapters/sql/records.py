"""Rows as the domain's values. A row has the columns of its table, and names of people beside their ids where a query joins them.

Where a value is what its row says, cattrs makes it; what is put together from several columns or rows is put together here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from uuid import UUID

from cattrs import Converter

from flowpilot_core.domain.account import ApiToken, Team, User
from flowpilot_core.domain.assessment import Assessment, AssessmentFeedback, AssessmentState, Origin
from flowpilot_core.domain.branch import Branch, Branches, ForkPoint
from flowpilot_core.domain.delivery import Delivery
from flowpilot_core.domain.diagnosis import Cause, Confidence, Diagnosis, Statement
from flowpilot_core.domain.escalation_policy import PolicyRun
from flowpilot_core.domain.events import Event, EventKind, LoggedEvent, Plain
from flowpilot_core.domain.handoff import Brief, Claim, Handoff, HandoffState, Intent
from flowpilot_core.domain.identifiers import BranchId, StepId, UserId
from flowpilot_core.domain.invitation import Invitation
from flowpilot_core.domain.opinion import Judgement, Rating
from flowpilot_core.domain.output import Output, OutputKind, OutputState, OutputVersion
from flowpilot_core.domain.psa_connection import Circuit, Health, NoteKind, PsaConnection, TicketChange
from flowpilot_core.domain.psa_member import MemberMatch
from flowpilot_core.domain.psa_post import PsaPost
from flowpilot_core.domain.psa_webhook import PsaWebhook, WatchedTicket
from flowpilot_core.domain.quiet_claim import ClaimWatch
from flowpilot_core.domain.session import Priority, Resolution, Session, Status, Ticket
from flowpilot_core.domain.sign_in_code import SignInCode
from flowpilot_core.domain.step import Step, StepKind
from flowpilot_core.domain.suggestion import Suggestion, SuggestionState
from flowpilot_core.ports.invitations import Member, TeamDetail
from flowpilot_core.ports.persistence import Entry, News, QueueItem

T = TypeVar("T")

_converter: Final = Converter(detailed_validation=False)
for _read_already in (UUID, datetime):
    _converter.register_structure_hook(_read_already, lambda value, _: value)


def _record(kind: type[T]) -> Callable[[Any], T]:
    """What makes a value of a row whose columns are called as the value's fields are; other columns are left alone."""
    structure = _converter.get_structure_hook(kind)

    def record(row: Any) -> T:
        value: T = structure(row._asdict(), kind)
        return value

    return record


user: Final = _record(User)
api_token: Final = _record(ApiToken)
invitation: Final = _record(Invitation)
sign_in_code: Final = _record(SignInCode)
branch: Final = _record(Branch)
step: Final = _record(Step)
delivery: Final = _record(Delivery)
judgement: Final = _record(Judgement)
rating: Final = _record(Rating)
policy_run: Final = _record(PolicyRun)
claim_watch: Final = _record(ClaimWatch)
assessment_feedback: Final = _record(AssessmentFeedback)
psa_post: Final = _record(PsaPost)
output_version: Final = _record(OutputVersion)
member_match: Final = _record(MemberMatch)
psa_webhook: Final = _record(PsaWebhook)
watched_ticket: Final = _record(WatchedTicket)


def member(row: Any) -> Member:
    """Somebody, with the invitation that a query joins under `invitation_…`, if they have one."""
    if row.invitation_id is None:
        return Member(user=user(row))
    columns = {name.removeprefix("invitation_"): value for name, value in row._asdict().items() if name.startswith("invitation_")}
    return Member(user=user(row), invitation=_converter.structure(columns, Invitation))


def team(row: Any) -> TeamDetail:
    """A team with the ids of its members."""
    return TeamDetail(team=Team(id=row.id, name=row.name, archived_at=row.archived_at), member_ids=frozenset(row.member_ids))


def session(row: Any, branches: Iterable[Any]) -> Session:
    """A session with the rows of its branches, oldest first."""
    return Session(
        id=row.id,
        version=row.version,
        status=Status(row.status),
        title=row.title,
        problem=row.problem,
        client_name=row.client_name,
        ticket=ticket(row),
        ticket_facts=json.loads(row.ticket_facts) if row.ticket_facts else None,
        priority=Priority(row.priority),
        team_id=row.team_id,
        assignee_id=row.assignee_id,
        parked_with=frozenset(row.parked_with),
        helper_ids=frozenset(row.helper_ids),
        branches=_branches(branches, row.active_branch_id),
        step_count=row.step_count,
        resolution=Resolution(summary=row.resolution_summary, root_cause=row.resolution_root_cause) if row.resolution_summary else None,
        escalation_package=json.loads(row.escalation_package) if row.escalation_package else None,
        latest_handoff_id=row.latest_handoff_id,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _branches(rows: Iterable[Any], active_id: BranchId) -> Branches:
    branches: list[Branch] = []
    forks: dict[Any, tuple[Any, list[BranchId]]] = {}
    for row in rows:
        branches.append(branch(row))
        if row.fork_point_id:
            forks.setdefault(row.fork_point_id, (row, []))[1].append(row.id)
    return Branches(
        all=tuple(branches),
        fork_points=tuple(
            ForkPoint(
                id=fork_id,
                branch_id=row.parent_id,
                at_step_id=row.at_step_id,
                at_step_number=row.at_step_number,
                reason=row.fork_reason,
                branch_ids=tuple(branch_ids),
                created_by=row.forked_by,
                created_at=row.forked_at,
            )
            for fork_id, (row, branch_ids) in forks.items()
        ),
        active_id=active_id,
    )


def handoff(row: Any) -> Handoff:
    """A handoff."""
    claim = row.claimed_by and Claim(
        by=row.claimed_by, at=row.claimed_at, step_count=row.claim_step_count, branch_count=row.claim_branch_count
    )
    return Handoff(
        id=row.id,
        version=row.version,
        session_id=row.session_id,
        intent=Intent(row.intent),
        state=HandoffState(row.state),
        reason=row.reason,
        note=row.note,
        priority=Priority(row.priority),
        team_id=row.team_id,
        user_id=row.user_id,
        escalated_by=row.escalated_by,
        escalated_at=row.escalated_at,
        claim=claim,
        wake_at=row.wake_at,
        due_at=row.due_at,
        readers=frozenset(row.readers),
        snapshot_digest=row.snapshot_digest,
        brief=Brief(
            title=row.title,
            client_name=row.client_name,
            ticket=ticket(row),
            headline=row.headline,
            branch_count=row.branch_count,
            step_count=row.step_count,
        ),
    )


def assessment(row: Any) -> Assessment:
    """An assessment with its diagnosis."""
    origin = row.provider and Origin(
        provider=row.provider,
        model=row.model,
        prompt_version=row.prompt_version,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        cost_micros=row.cost_micros,
        latency_ms=row.latency_ms,
    )
    return Assessment(
        id=row.id,
        handoff_id=row.handoff_id,
        state=AssessmentState(row.state),
        snapshot_digest=row.snapshot_digest,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        made_at=row.made_at,
        origin=origin or None,
        diagnosis=_diagnosis(json.loads(row.body)) if row.body else None,
        problem=row.problem,
    )


def assessment_beside(row: Any) -> Assessment | None:
    """The assessment in a row of something else, whose columns are called `assessment_…`."""
    if row.assessment_id is None:
        return None
    of_assessment = {name.removeprefix("assessment_"): value for name, value in row._asdict().items() if name.startswith("assessment_")}
    return assessment(SimpleNamespace(**of_assessment))


def _diagnosis(body: Mapping[str, Any]) -> Diagnosis:
    return Diagnosis(
        headline=body["headline"],
        **{sort: _statements(body[sort]) for sort in ("summary", "ruled_out", "next_steps", "questions")},
        likely_causes=tuple(
            Cause(
                cause=one["cause"],
                confidence=Confidence(one["confidence"]),
                steps_for=_step_ids(one["for"]),
                against=_step_ids(one["against"]),
            )
            for one in body["likely_causes"]
        ),
        risk=body["risk"],
        dropped_citations=body["dropped_citations"],
    )


def _statements(said: Iterable[Mapping[str, Any]]) -> tuple[Statement, ...]:
    return tuple(Statement(text=one["text"], cites=_step_ids(one["cites"])) for one in said)


def _step_ids(cited: Iterable[str]) -> tuple[StepId, ...]:
    return tuple(StepId(UUID(one)) for one in cited)


def suggestion(row: Any) -> Suggestion:
    """A next step that was proposed."""
    return Suggestion(
        id=row.id,
        session_id=row.session_id,
        branch_id=row.branch_id,
        state=SuggestionState(row.state),
        source=row.source,
        kind=StepKind(row.kind),
        content=row.content,
        cites=tuple(row.cites),
        reason=row.reason,
        step_id=row.step_id,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
    )


def logged_event(row: Any) -> LoggedEvent:
    """An event with its number."""
    event = Event(
        id=row.id,
        kind=EventKind(row.kind),
        at=row.at,
        by=row.by_user_id,
        cause=row.cause,
        session_id=row.session_id,
        handoff_id=row.handoff_id,
        changed=json.loads(row.changed),
        private=row.private,
        request_id=row.request_id,
    )
    return LoggedEvent(number=row.number, event=event)


def news(row: Any) -> News:
    """An event beside the readers of its handoff."""
    readers = frozenset(row.readers) if row.private else None
    return News(entry=Entry(logged=logged_event(row), name=row.by_name), readers=readers)


def ticket(row: Any) -> Ticket | None:
    """The ticket in a row that has one's columns."""
    return Ticket(system=row.ticket_system, id=row.ticket_id) if row.ticket_system else None


def queue_item(row: Any) -> QueueItem:
    """An open escalation, with what its escalator is called."""
    return QueueItem(
        handoff_id=row.id,
        session_id=row.session_id,
        title=row.title,
        client_name=row.client_name,
        ticket=ticket(row),
        reason=row.reason,
        priority=Priority(row.priority),
        escalated_by=row.escalated_by,
        escalated_by_name=row.escalated_by_name,
        team_id=row.team_id,
        user_id=row.user_id,
        escalated_at=row.escalated_at,
        due_at=row.due_at,
        headline=row.headline,
        branch_count=row.branch_count,
        step_count=row.step_count,
    )


def psa_connection(row: Any) -> PsaConnection:
    """A connection, without its credentials."""
    return PsaConnection(
        id=row.id,
        version=row.version,
        system=row.system,
        name=row.name,
        base_url=row.base_url,
        secret_id=row.secret_id,
        settings=json.loads(row.settings),
        noted=frozenset(NoteKind(kind) for kind in row.noted),
        templates={NoteKind(kind): template for kind, template in json.loads(row.templates).items()},
        summary_public=row.summary_public,
        changes={NoteKind(kind): TicketChange(**change) for kind, change in json.loads(row.changes).items()},
        health=Health(
            circuit=Circuit(row.circuit),
            failures=row.failures,
            rests_until=row.rests_until,
            problem=row.problem,
            last_success_at=row.last_success_at,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def output(row: Any, versions: Iterable[OutputVersion]) -> Output:
    """An output with its versions, oldest first."""
    return Output(
        id=row.id,
        session_id=row.session_id,
        kind=OutputKind(row.kind),
        state=OutputState(row.state),
        versions=tuple(versions),
        pending=row.pending,
        problem=row.problem,
        approved_by=row.approved_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def document(value: Mapping[str, Plain] | None) -> str | None:
    """Plain data as the JSON that a column takes."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def names(row: Any) -> dict[UserId, str]:
    """What people are called, in a row that has `names_of` beside it."""
    return dict(zip(row.person_ids or (), row.person_names or (), strict=True))
