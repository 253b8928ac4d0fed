"""Rows of sessions as values of the domain."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from flowpilot_adapters.sql import documents
from flowpilot_adapters.sql.records.kernel import member, read, record, ticket
from flowpilot_core.domain.kernel.identifiers import BranchId, StepId
from flowpilot_core.domain.sessions.branch import Branch, Branches, BranchState, ForkPoint
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Thumbs
from flowpilot_core.domain.sessions.picture import Picture
from flowpilot_core.domain.sessions.session import Priority, Resolution, Session, Status, Taken
from flowpilot_core.domain.sessions.step import NodeTaken, Step, StepKind, StepResult, StepScript
from flowpilot_core.domain.sessions.walk import Walk
from flowpilot_core.domain.sessions.window import Window, window_of

_status: Final = member(Status)
_priority: Final = member(Priority)
_branch_state: Final = member(BranchState)
_step_kind: Final = member(StepKind)
_step_result: Final = member(StepResult)

judgement: Final = record(Judgement)


rating: Final = record(Rating)


def thumbs(row: Any) -> dict[StepId, Thumbs]:
    """What each step was given, in a row that has the thumbs of a whole session beside it."""
    given = zip(row.thumbs_step_id or (), row.thumbs_up or (), row.thumbs_down or (), strict=True)
    return {step_id: Thumbs(up=up, down=down) for step_id, up, down in given}


def branch(row: Any) -> Branch:
    """A branch."""
    return Branch(
        id=row.id,
        parent_id=row.parent_id,
        fork_point_id=row.fork_point_id,
        label=row.label,
        hypothesis=row.hypothesis,
        state=_branch_state(row.state),
        close_reason=row.close_reason,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


def step(row: Any) -> Step:
    """A step."""
    return Step(
        id=row.id,
        session_id=row.session_id,
        branch_id=row.branch_id,
        number=row.number,
        kind=_step_kind(row.kind),
        content=row.content,
        result=None if row.result is None else _step_result(row.result),
        evidence=row.evidence,
        script=None if row.script is None else documents.read(row.script, StepScript),
        node=None if row.node is None else documents.read(row.node, NodeTaken),
        pictures=documents.read(row.pictures, tuple[Picture, ...]) if row.pictures else (),
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def session(row: Any, branches: Iterable[Any]) -> Session:
    """A session with the rows of its branches, oldest first."""
    return Session(
        id=row.id,
        version=row.version,
        status=_status(row.status),
        title=row.title,
        problem=row.problem,
        client_name=row.client_name,
        ticket=ticket(row),
        ticket_facts=read(row.ticket_facts) if row.ticket_facts else None,
        priority=_priority(row.priority),
        team_id=row.team_id,
        assignee_id=row.assignee_id,
        parked_with=frozenset(row.parked_with),
        helper_ids=frozenset(row.helper_ids),
        branches=_branches(branches, row.active_branch_id),
        walk=None if row.walk is None else documents.read(row.walk, Walk),
        window=window(row.client_name, row.windows),
        step_count=row.step_count,
        text_bytes=row.text_bytes,
        picture_count=row.picture_count,
        resolution=Resolution(summary=row.resolution_summary, root_cause=row.resolution_root_cause) if row.resolution_summary else None,
        escalation_package=read(row.escalation_package) if row.escalation_package else None,
        latest_handoff_id=row.latest_handoff_id,
        taken=Taken(handoff_id=row.taken_handoff_id, by=row.taken_by, worked_at=row.taken_worked_at) if row.taken_handoff_id else None,
        escalations=row.escalations,
        reopenings=row.reopenings,
        resolved_at=row.resolved_at,
        helped=row.helped,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def window(client_name: str | None, windows: bytes | None) -> Window | None:
    """The maintenance window of a client among those that are open, which are the same for all rows of an answer."""
    return None if windows is None else window_of(client_name, _windows(bytes(windows)))


@lru_cache(maxsize=64)
def _windows(document: bytes) -> tuple[Window, ...]:
    return documents.read(document, tuple[Window, ...])


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
