"""Rows as the domain's values. A row has the columns of its table, and names of people beside their ids where a query joins them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flowpilot_core.domain.account import User
from flowpilot_core.domain.actor import Role
from flowpilot_core.domain.branch import Branch, Branches, BranchState, ForkPoint
from flowpilot_core.domain.delivery import Channel, Delivery, DeliveryState
from flowpilot_core.domain.events import Event, EventKind, LoggedEvent, Plain
from flowpilot_core.domain.handoff import Brief, Claim, Handoff, HandoffState, Intent
from flowpilot_core.domain.identifiers import BranchId, UserId
from flowpilot_core.domain.session import Priority, Resolution, Session, Status, Ticket
from flowpilot_core.domain.step import Step, StepKind, StepResult
from flowpilot_core.ports.persistence import QueueItem


def user(row: Any) -> User:
    """A person with their teams."""
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        team_ids=frozenset(row.team_ids),
        deactivated_at=row.deactivated_at,
        created_at=row.created_at,
    )


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
        priority=Priority(row.priority),
        team_id=row.team_id,
        assignee_id=row.assignee_id,
        parked_with=frozenset(row.parked_with),
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
        branches.append(
            Branch(
                id=row.id,
                parent_id=row.parent_id,
                fork_point_id=row.fork_point_id,
                label=row.label,
                hypothesis=row.hypothesis,
                state=BranchState(row.state),
                close_reason=row.close_reason,
                created_at=row.created_at,
                closed_at=row.closed_at,
            )
        )
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


def step(row: Any) -> Step:
    """A step."""
    return Step(
        id=row.id,
        session_id=row.session_id,
        branch_id=row.branch_id,
        number=row.number,
        kind=StepKind(row.kind),
        content=row.content,
        result=StepResult(row.result) if row.result else None,
        evidence=row.evidence,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
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


def delivery(row: Any) -> Delivery:
    """A delivery."""
    return Delivery(
        id=row.id,
        handoff_id=row.handoff_id,
        user_id=row.user_id,
        channel=Channel(row.channel),
        state=DeliveryState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        last_error=row.last_error,
        message_id=row.message_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def logged_event(row: Any) -> LoggedEvent:
    """An event with its number."""
    event = Event(
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
        headline=row.headline,
        branch_count=row.branch_count,
        step_count=row.step_count,
    )


def document(value: Mapping[str, Plain] | None) -> str | None:
    """Plain data as the JSON that a column takes."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def names(row: Any) -> dict[UserId, str]:
    """What people are called, in a row that has `names_of` beside it."""
    return dict(zip(row.person_ids or (), row.person_names or (), strict=True))
